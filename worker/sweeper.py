"""The sweeper: looks at what is true and rings for it.

It polls the transport for packages and the database for due tasks. A task is rung again when a while has
passed without anybody claiming it, so a bell that was lost costs time and nothing else.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from edoc.errors import EdocError
from edoc.node import incoming, tasks
from edoc.node.node import Node

_RING_AGAIN_SECONDS = 3.0
log = structlog.get_logger()


@dataclass(slots=True)
class Sweeper:
    """Runs in one thread of the worker until it is told to stop."""

    node: Node
    ring: Callable[[int], object]
    """Enqueues one task; may fail while the broker is away."""
    stopping: threading.Event = field(default_factory=threading.Event)
    _rung: dict[int, float] = field(default_factory=dict)

    def run(self) -> None:
        """Sweep until stopped; trouble outside is logged and tried again, never the end of the sweeper."""
        while not self.stopping.is_set():
            for sweep in (self._collect, self._remind):
                try:
                    sweep()
                except (EdocError, OSError) as error:
                    log.warning("sweep postponed", sweep=sweep.__name__, reason=str(error))
            self.stopping.wait(self.node.settings.worker.poll_seconds)

    def _collect(self) -> None:
        incoming.collect(self.node)

    def _remind(self) -> None:
        due = tasks.due(self.node.journal)
        now = time.monotonic()
        self._rung = {task: at for task, at in self._rung.items() if task in set(due)}
        self.bell(
            [task for task in due if now - self._rung.get(task, -_RING_AGAIN_SECONDS) >= _RING_AGAIN_SECONDS]
        )

    def bell(self, due: Sequence[int]) -> None:
        """Ring for tasks; if the broker is away they are rung again later."""
        for task in due:
            try:
                self.ring(task)
            except Exception as error:  # noqa: BLE001 - whatever broker stands behind: the work is safe in the database
                log.warning("bell not heard", task=task, reason=type(error).__name__)
                return
            self._rung[task] = time.monotonic()
