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
from edoc.errors import EdocError, Unavailable
from edoc.node import collecting, entering, peers, tasks
from edoc.node.entering import Arrival, Entered
from edoc.node.journal import clock_offset
from edoc.node.node import Node
from worker.child import Arrivals
from worker.metrics import Meters
from worker.pool import Pool

_RING_AGAIN_SECONDS = 3.0
_BELLS_PER_PROCESS = 2
_SILENT_SECONDS = 30.0
_TEND_SECONDS = 5.0
_MAX_DEATHS = 3
"""So many processes a package may take down before it counts as unreadable."""
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
            collecting.collect(self.node, enter=self._enter)

    def _enter(self, arrivals: Sequence[Arrival]) -> list[Entered]:
        """Have a process enter packages; one that takes it down again and again is kept as unreadable."""
        recent = {each.stored.sha256: self.node.recent.get(each.stored.sha256) for each in arrivals}
        contents = {sha256: content for sha256, content in recent.items() if content is not None}
        ran = self.pool.run(Arrivals(arrivals=tuple(arrivals), contents=contents))
        self.meters.count(ran)
        if ran.replaced and len(arrivals) > 1:  # whichever it was
            return [each for arrival in arrivals for each in self._enter([arrival])]
        if ran.replaced:
            (arrival,) = arrivals
            self._deaths[arrival.stored.sha256] += 1
            if self._deaths[arrival.stored.sha256] >= _MAX_DEATHS:
                entering.keep_unreadable(self.node, arrival.parcel, arrival.stored, ran.trouble)
                return [Entered(fits=False)]
        if ran.trouble:
            return [self._waits(arrival, ran.trouble) for arrival in arrivals]
        self.bell(ran.left)
        return [
            self._waits(arrival, trouble) if trouble else Entered(fits=fits)
            for arrival, (fits, trouble) in zip(arrivals, ran.entered, strict=True)
        ]

    def _waits(self, arrival: Arrival, trouble: str) -> Entered:
        where = arrival.parcel.message_id
        return Entered(trouble=Unavailable(f"the package was not entered: {trouble}.", where=where))

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
