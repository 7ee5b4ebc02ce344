"""What a process gives up before it reads an untrusted file: time, memory, recursion, and what it inherited.

Rules: nothing of the parent's files stays open but what is named; nothing it says reaches a terminal; no core
is dumped, for it would hold the document; when the parent is gone, however it went, so is this process.
"""

import fcntl
import gc
import os
import resource
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Final

from edoc.errors import InputError

_STANDARD: Final = (0, 1, 2)
_CPU_GRACE_SECONDS: Final = 2
"""Between the signal that ends a process and the one that nothing survives."""
_THREAD_BYTES: Final = 16 << 20
"""The most that is asked for at once without need: the stack of a thread, and around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the judging of one file may take. Raises `InputError` for what is not positive."""

    seconds: float = 60.0
    """Of wall time; time that the fetcher takes is not counted."""
    cpu_seconds: int = 60
    """Of processor time, in all threads together."""
    memory_bytes: int = 1 << 30
    """Of address space beyond what the process has when it starts; files mapped into it count too."""
    recursion: int = 1000
    """Calls within each other."""
    disk_bytes: int = 1 << 30
    """Of the longest file that is written on the way, as the parts of a package are."""
    result_bytes: int = 64 << 20
    """Of the result."""
    questions: int = 200
    """Put to the fetcher."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if not getattr(self, field.name) > 0:
                raise InputError(f"the limit {field.name} is not positive.", advice="Leave it out.")


def confine(limits: Limits, keep: Iterable[int], lifeline: int) -> None:
    """Give up everything but `keep`, in a process that was just forked.

    `lifeline` is the reading end of a pipe that only the parent can write to.
    """
    # What was inherited is never freed here, so its pages stay shared and its finalizers do not run.
    gc.freeze()
    _reset_signals()
    _close_all({*keep, lifeline})
    _follow(lifeline)
    sys.setrecursionlimit(limits.recursion)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + _CPU_GRACE_SECONDS)
    _limit(resource.RLIMIT_FSIZE, limits.disk_bytes)
    _limit(resource.RLIMIT_AS, _measure_address_space() + limits.memory_bytes)


def _reset_signals() -> None:
    """The parent's handlers are about the parent's affairs."""
    if "faulthandler" in sys.modules:
        sys.modules["faulthandler"].disable()
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _close_all(keep: set[int]) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in _STANDARD:
        if descriptor not in keep:
            os.dup2(nothing, descriptor)
    position = len(_STANDARD)
    for descriptor in sorted(keep - set(_STANDARD)):
        os.closerange(position, descriptor)
        position = descriptor + 1
    os.closerange(position, os.sysconf("SC_OPEN_MAX"))


def _follow(lifeline: int) -> None:
    """End when the parent has ended: the system then signals that its end of the pipe is closed."""
    parent = os.getppid()
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    os.set_blocking(lifeline, False)
    with suppress(BlockingIOError):
        os.read(lifeline, 1)  # at its end already: the parent was faster
        os._exit(1)
    if os.getppid() != parent:
        os._exit(1)


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    """Lower a limit; one that is lower already stays."""
    now, most = (_as_number(value) for value in resource.getrlimit(what))
    top = min(most, soft if hard is None else hard)
    resource.setrlimit(what, (min(now, soft, top), top))


def _as_number(value: int) -> int:
    return sys.maxsize if value == resource.RLIM_INFINITY else value


def is_exhausted(limits: Limits, process: int | str = "self") -> bool:
    """Whether memory was, or may have been, wanting in a confined process; then nothing that it found counts.

    Whoever is refused memory need not say so: libraries take it for a broken file, or wait for ever.
    """
    peak = _read_number(process, "status", b"VmPeak:") << 10
    limit = _read_number(process, "limits", b"Max address space")
    return peak > limit - min(max(limits.memory_bytes >> 4, _THREAD_BYTES), limits.memory_bytes >> 1)


def _read_number(process: int | str, name: str, key: bytes) -> int:
    with open(f"/proc/{process}/{name}", "rb", buffering=0) as file:  # noqa: PTH123 - as little as possible
        return int(file.read().partition(key)[2].split(None, 1)[0])


def _measure_address_space() -> int:
    """Bytes of address space in use."""
    with open("/proc/self/statm", "rb", buffering=0) as file:  # noqa: PTH123 - before any room is used
        return int(file.read().split()[0]) * resource.getpagesize()
