"""What one process of the pool does: enter packages and run steps, one after the other, as it is told.

It has nothing in common with the others but the database, so a file that takes it down takes nothing else
down. Its parent watches the time; the memory is limited here.
"""

import contextlib
import ctypes
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import structlog

from edoc.core.lifecycle import Work
from edoc.errors import EdocError
from edoc.node import entering, steps
from edoc.node.entering import Arrival
from edoc.node.logs import log_as_json
from edoc.node.node import Node
from edoc.node.tracing import Observed, Took, observing


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Packages to enter, and the contents of the small ones, which then need not be fetched again."""

    arrivals: tuple[Arrival, ...]
    contents: Mapping[str, bytes]


Order = int | Arrivals
"""A task to run, or packages to enter."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT: Final = 32 << 20
log = structlog.get_logger()
STRETCH_SECONDS: Final = 1.0
"""So long a process goes on with what is due without asking the broker in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of an order."""

    done: int
    """Steps that were done, and packages entered."""
    seconds: float
    left: tuple[int, ...] = ()
    """Tasks that came up meanwhile and that others may have done by now."""
    entered: tuple[tuple[bool | None, str], ...] = ()
    """Of each package whether it is one, and why it waits (`edoc.node.entering.Entered`)."""
    trouble: str = ""
    """Why no more could be done: the node cannot be opened, the database cannot be reached."""
    took: tuple[Took, ...] = ()
    """How long each piece of work took."""
    replaced: bool = False
    """The process is gone, and another stands in its place."""


@dataclass(slots=True)
class _Bell:
    """Collects what the steps cause."""

    rung: list[int] = field(default_factory=list)

    def __call__(self, tasks: Sequence[int]) -> None:
        self.rung += tasks


def serve(connection: Connection, folder: Path, memory: int, kinds: frozenset[Work] | None) -> None:
    """Run steps of the node in `folder`, of these kinds, until the connection ends.

    `memory` in bytes, 0 for no limit.
    """
    # The parent drains; what a terminal sends to all processes is not for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    drain = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: drain.set())
    log_as_json()
    _keep_freed_memory()
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    try:
        with contextlib.suppress(EOFError, BrokenPipeError), connection, observing(os.environ) as observed:
            while True:
                _serve(connection, folder, kinds, observed, drain)
    except Exception as error:
        log.critical("process ends by a defect, or for want of memory", exc_info=error)
        raise SystemExit(1) from None  # what it says itself might tell of a document


def _serve(
    connection: Connection,
    folder: Path,
    kinds: frozenset[Work] | None,
    observed: Observed,
    drain: threading.Event,
) -> None:
    """Serve until the node must be opened anew."""
    try:
        with Node.open(folder) as node:
            _work(connection, node, kinds, observed, drain)
    except EdocError as error:
        # Only the next order tells whether it is over.
        connection.recv()
        connection.send(Ran(done=0, seconds=0.0, trouble=str(error)))


def _keep_freed_memory() -> None:
    """Let the C library keep what pictures of pages leave free, instead of fetching it anew page by page."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _KEPT)
        mallopt(_M_TRIM_THRESHOLD, _KEPT)


def _work(
    connection: Connection,
    node: Node,
    kinds: frozenset[Work] | None,
    observed: Observed,
    drain: threading.Event,
) -> None:
    bell = _Bell()
    node.journal.bell = bell
    while True:
        order: Order = connection.recv()
        entered: tuple[tuple[bool | None, str], ...] = ()
        started, done, trouble, bell.rung = time.monotonic(), 0, "", []
        try:
            if isinstance(order, Arrivals):
                entered = _enter(node, order)
                done = len(entered)
            else:
                done = _go_on(node, order, kinds, partial(_is_over, drain, started + STRETCH_SECONDS))
        except EdocError as error:  # the database is away, or the package cannot be entered now
            trouble = str(error)
        seconds = time.monotonic() - started
        connection.send(
            Ran(
                done=done,
                seconds=seconds,
                left=tuple(bell.rung),
                entered=entered,
                trouble=trouble,
                took=observed.take(),
            )
        )


def _is_over(drain: threading.Event, until: float) -> bool:
    """Told to drain, a process begins nothing more."""
    return drain.is_set() or time.monotonic() >= until


def _enter(node: Node, order: Arrivals) -> tuple[tuple[bool | None, str], ...]:
    for sha256, content in order.contents.items():
        node.recent.keep(sha256, content)
    outcomes = entering.enter_packages(node, order.arrivals)
    return tuple((each.fits, "" if each.trouble is None else str(each.trouble)) for each in outcomes)


def _go_on(node: Node, task: int, kinds: frozenset[Work] | None, over: Callable[[], bool]) -> int:
    """Run the task, and then whatever else is due, until it is over; returns how many steps were done.

    Whoever does certain kinds of work only takes the bell for a bell.
    """
    at_once = node.settings.worker.at_once
    ran = steps.run(node, task, over=over) if kinds is None else steps.run_next(node, kinds=kinds, over=over)
    done = 0
    while ran is not None:
        done += ran
        ran = None if over() else steps.run_next(node, kinds=kinds, at_most=at_once, over=over)
    return done
