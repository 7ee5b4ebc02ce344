"""A pool of processes that enter packages and run steps, so that a poisonous file takes nothing else down.

    with Pool(folder, size=2, seconds=300) as pool:
        ran = pool.run(task)                 # or an arrival; from any thread; waits for a free process

A process that dies, or that a step keeps too long, is replaced at once, and the step's lease brings it back:
its starts are counted in the database, so that one which kills again and again is set aside there. Processes
are forked from a clean one that has everything imported and no thread (multiprocessing's fork server).
"""

import multiprocessing
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from edoc.core.lifecycle import Work
from worker.child import STRETCH_SECONDS, Arrivals, Order, Ran, serve

_GOODBYE_SECONDS: Final = 5.0
log = structlog.get_logger()


@dataclass(slots=True)
class _Slot:
    """One process and the way to it."""

    process: ForkServerProcess
    connection: Connection

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.join()
        self.connection.close()


class Pool:
    """So many processes for the node in `folder`."""

    def __init__(
        self,
        folder: Path,
        *,
        size: int,
        seconds: float,
        memory: int = 0,
        kinds: frozenset[Work] | None = None,
    ) -> None:
        """Start them: `seconds` is the longest one step may take, `memory` the limit of each in bytes.

        With `kinds` they run only such steps.
        """
        self._folder = folder
        self._seconds = seconds
        self._memory = memory
        self._kinds = kinds
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["worker.child"])
        self._free: queue.SimpleQueue[_Slot] = queue.SimpleQueue()
        self.size = size
        self._slots = [self._start() for _ in range(size)]
        for slot in self._slots:
            self._free.put(slot)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, order: Order) -> Ran:
        """Have a task run or a package entered; what that caused for others to do comes back in `left`."""
        with self._take() as slot:
            began = time.monotonic()
            try:
                slot.connection.send(order)
                if slot.connection.poll(STRETCH_SECONDS + self._seconds):
                    ran: Ran = slot.connection.recv()
                    return ran
                trouble = f"a step took longer than {self._seconds:g} seconds"
            except (EOFError, OSError):
                trouble = "a process died"
            log.error("process replaced", order=_name(order), reason=trouble, pid=slot.process.pid)
            slot.kill()
            fresh = self._start()
            slot.process, slot.connection = fresh.process, fresh.connection
        return Ran(done=0, seconds=time.monotonic() - began, trouble=trouble, replaced=True)

    def drain(self) -> None:
        """Have every process end its present steps and begin nothing of its own accord."""
        for slot in self._slots:
            slot.process.terminate()

    def close(self) -> None:
        """Let the processes end; the caller has seen to it that nothing runs any more."""
        slots = [self._free.get() for _ in range(self.size)]
        for slot in slots:
            slot.connection.close()
        for slot in slots:
            slot.process.join(_GOODBYE_SECONDS)
            slot.process.kill()
            slot.process.join()

    @contextmanager
    def _take(self) -> Iterator[_Slot]:
        slot = self._free.get()
        try:
            yield slot
        finally:
            self._free.put(slot)

    def _start(self) -> _Slot:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=serve,
            args=(theirs, self._folder, self._memory, self._kinds),
            name="edoc-steps",
            daemon=True,
        )
        process.start()
        theirs.close()
        return _Slot(process=process, connection=ours)


def _name(order: Order) -> str:
    if isinstance(order, Arrivals):
        return f"packages {', '.join(each.parcel.message_id for each in order.arrivals)}"
    return f"task {order}"
