"""The sweeper: looks at what is true and rings for it.

It polls the transport for packages and the database for due tasks. A task is rung again when a while has
passed without anybody claiming it, so a bell that was lost costs time and nothing else. Now and then it looks
for what waits for a peer that is away, what expires, and whether this machine's clock is right.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from edoc.core.lifecycle import Work
from edoc.core.ports import Parcel, Stored
from edoc.errors import EdocError, Unavailable
from edoc.node import incoming, peers, tasks
from edoc.node.journal import clock_offset
from edoc.node.node import Node
from edoc.node.scratch import scratch
from worker.child import Arrival
from worker.metrics import Meters
from worker.pool import Pool

_RING_AGAIN_SECONDS = 3.0
_BELLS_PER_PROCESS = 2
_SILENT_SECONDS = 30.0
_TEND_SECONDS = 5.0
_MAX_DEATHS = 3
"""So many processes a package may take down before it counts as unreadable."""
_PROBE_BYTES = 1 << 20
"""Who cannot write so much has no room to work."""
log = structlog.get_logger()


@dataclass(slots=True)
class Sweeper:
    """Runs in one thread of the worker until it is told to stop."""

    node: Node
    pool: Pool
    meters: Meters
    ring: Callable[[int], object]
    """Enqueues one task; may fail while the broker is away."""
    kinds: frozenset[Work] | None = None
    """The kinds of work that are done here; all if left out."""
    collects: bool = True
    """Whether packages are taken in here."""
    stopping: threading.Event = field(default_factory=threading.Event)
    _rung: dict[int, float] = field(default_factory=dict)
    _deaths: Counter[str] = field(default_factory=Counter)
    _looked_at: float = field(default_factory=time.monotonic)
    _trouble: str = ""
    _skew: str = ""
    _tended_at: float = -_TEND_SECONDS

    def run(self) -> None:
        """Sweep until stopped; trouble outside is logged and tried again, never the end of the sweeper."""
        while not self.stopping.is_set():
            trouble = ""
            for sweep in (self._look_at_clock, self._tend, self._collect, self._remind):
                try:
                    sweep()
                except (EdocError, OSError) as error:
                    trouble = str(error)
                    log.warning("sweep postponed", sweep=sweep.__name__, reason=trouble)
            self._looked_at, self._trouble = time.monotonic(), trouble
            self.stopping.wait(self.node.settings.worker.poll_seconds)

    def doubts(self) -> list[str]:
        """Say what speaks against this worker's making progress; empty if nothing does."""
        silent = time.monotonic() - self._looked_at
        found = [each for each in (self._trouble, self._skew) if each]
        if silent > _SILENT_SECONDS:
            found.append(f"database and transport were last looked at {silent:.0f} seconds ago")
        return found

    def _look_at_clock(self) -> None:
        offset = clock_offset(self.node.journal)
        skew = f"this machine's clock is {offset.total_seconds():+.0f} seconds off the database's"
        self._skew = skew if abs(offset) > tasks.MAX_SKEW else ""

    def _tend(self) -> None:
        now = time.monotonic()
        if now - self._tended_at < _TEND_SECONDS:
            return
        self._tended_at = now
        peers.park_all(self.node.journal)
        for task in tasks.expire(self.node.journal):
            log.error("task expired", task=task)
        for task in tasks.warn(self.node.journal):
            log.error("task expires soon", task=task)

    def _collect(self) -> None:
        if not self._skew and self.collects:
            incoming.collect(self.node, enter=self._enter, jobs=self.pool.size)

    def _enter(self, parcel: Parcel, stored: Stored) -> bool:
        """Have a process enter a package; one that takes it down again and again is kept as unreadable."""
        ran = self.pool.run(Arrival(parcel=parcel, stored=stored))
        self.meters.count(ran)
        if ran.replaced and _has_room():
            self._deaths[stored.sha256] += 1
            if self._deaths[stored.sha256] >= _MAX_DEATHS:
                incoming.keep_unreadable(self.node, parcel, stored, ran.trouble)
                return False
        if ran.trouble:
            raise Unavailable(f"the package was not entered: {ran.trouble}.", where=parcel.message_id)
        self.bell(ran.left)
        return ran.fits

    def _remind(self) -> None:
        if self._skew:
            return
        # who hears one bell goes on with whatever is due
        due = tasks.due(self.node.journal, kinds=self.kinds, limit=_BELLS_PER_PROCESS * self.pool.size)
        now = time.monotonic()
        self._rung = {task: at for task, at in self._rung.items() if task in set(due)}
        self.bell(
            [task for task in due if now - self._rung.get(task, -_RING_AGAIN_SECONDS) >= _RING_AGAIN_SECONDS]
        )

    def bell(self, due: Sequence[int]) -> None:
        """Ring for tasks, so that every process wakes; if the broker is away they are rung again later."""
        for task in due[: _BELLS_PER_PROCESS * self.pool.size]:
            try:
                self.ring(task)
            except Exception as error:  # noqa: BLE001 - whatever broker stands behind: the work is safe in the database
                log.warning("bell not heard", task=task, reason=type(error).__name__)
                return
            self._rung[task] = time.monotonic()


def _has_room() -> bool:
    """Whether working copies can be made: on a full disk processes die of that, not of their package."""
    try:
        with scratch() as folder:
            (folder / "probe").write_bytes(bytes(_PROBE_BYTES))
    except (EdocError, OSError):
        return False
    return True
