"""Processes at work: each does one thing with one file, under limits, and ends.

A process is forked from this one, so it has everything imported already; it gives up what it does not need
(`confinement`). What it sends back is data of known types (`wire`); what it wants fetched, it asks for
(`channel`). Hitting a limit, or a crash, is an outcome of that file like any other.
"""

import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Final, Generic, TypeVar

from edoc.core.evidence import Fault
from edoc.errors import Unavailable
from edoc.trust.fetch import Fetcher
from edoc.verification.channel import (
    ANSWER,
    RESULT,
    Channel,
    OverlongError,
    Question,
    RemoteFetcher,
    reply,
    send_frame,
)
from edoc.verification.confinement import Limits, confine, is_exhausted
from edoc.verification.reading import Source
from edoc.verification.wire import WireError, pack, unpack

T = TypeVar("T")
Work = Callable[[Source, Fetcher | None], object]
"""What is done with a file in its process; the fetcher is one that asks the waiting process."""

_FAULTS: Final = frozenset({"LIMIT_MEMORY", "LIMIT_DEPTH", "LIMIT_RESULT", "JUDGING_CRASHED"})
_DETAIL_LENGTH: Final = 200
_REAPING_SECONDS: Final = 0.05
"""How soon a process that was ended is looked after."""
_MODULE: Final = re.compile(
    r"(edoc\.(core|edxml|pdf|trust|verification)|pyhanko|pyhanko_certvalidator|asn1crypto|cryptography|lxml|"
    r"pikepdf|pypdfium2|PIL|fontTools)(\.[A-Za-z]\w*)*"
)
"""What this process imports too once a judging process needed it, so that the next have it already."""
_MOST_MODULES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """What became of one file: a value, or what went wrong with its process."""

    position: int
    """Among the sources, from 0."""
    value: T | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """What a judging process sends, with its value packed."""

    value: bytes | None = None
    fault: Fault | None = None
    imported: tuple[str, ...] = ()


def run_apart(
    sources: Iterable[Source],
    work: Work,
    kind: type[T],
    *,
    jobs: int = 1,
    limits: Limits,
    fetcher: Fetcher | None = None,
) -> Iterator[Outcome[T]]:
    """Do `work`, which gives a `kind`, on every file in a process of its own, `jobs` of them at a time.

    Outcomes come as they are ready. Ending the iteration early ends the processes. Raises `Unavailable` if
    none can be started. Only for a process with one thread (`is_alone`).
    """
    crew = _Crew(work, kind, limits, fetcher)
    waiting = enumerate(sources)
    try:
        exhausted = False
        while not exhausted or crew.busy:
            while not exhausted and crew.busy < max(1, jobs):
                position, source = next(waiting, (None, None))
                if position is None or source is None:
                    exhausted = True
                else:
                    crew.start(position, source)
            yield from crew.wait()
            crew.reap()
    finally:
        crew.end()


def is_alone() -> bool:
    """Whether this process has one thread only, those of libraries included."""
    return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - names only


@dataclass(slots=True)
class _Child:
    position: int
    process: int
    channel: Channel
    lifeline: int
    deadline: float
    questions: int = 0


class _Crew(Generic[T]):
    """The judging processes that are at work."""

    def __init__(self, work: Work, kind: type[T], limits: Limits, fetcher: Fetcher | None) -> None:
        self._work = work
        self._kind = kind
        self._limits = limits
        self._fetcher = fetcher
        self._children: dict[int, _Child] = {}
        self._wanted: tuple[str, ...] = ()
        self._ended: list[int] = []
        """Processes that were ended and wait to be reaped."""

    @property
    def busy(self) -> int:
        """How many are at work."""
        return len(self._children)

    def start(self, position: int, source: Source) -> None:
        """Fork a process for a file."""
        _import_too(self._wanted)
        read_result, write_result = os.pipe()
        read_answer, write_answer = os.pipe() if self._fetcher is not None else (None, None)
        read_lifeline, write_lifeline = os.pipe()
        theirs = [descriptor for descriptor in (write_result, read_answer, read_lifeline) if descriptor]
        # No signal between the fork and the moment when somebody knows the child, or its handlers are reset.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        try:
            process = os.fork()
            if process == 0:
                self._be_child(source, write_result, read_answer, read_lifeline)
            channel = Channel(read_result, write_answer, max_bytes=self._limits.result_bytes)
            deadline = time.monotonic() + self._limits.seconds
            self._children[read_result] = _Child(position, process, channel, write_lifeline, deadline)
        except OSError as error:
            for descriptor in filter(None, (read_result, write_answer, write_lifeline)):
                os.close(descriptor)
            reason = (error.strerror or "system error").lower()
            raise Unavailable(f"no judging process can be started: {reason}.") from error
        finally:
            for descriptor in theirs:
                os.close(descriptor)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _be_child(self, source: Source, writing: int, reading: int | None, lifeline: int) -> None:
        """Be the child; never return."""
        status = 1
        try:
            mine = (writing, reading, _find_descriptor(source))
            confine(self._limits, [each for each in mine if each is not None], lifeline)
            fetcher = None if reading is None else RemoteFetcher(writing, reading)
            result = _do(self._work, source, fetcher, self._limits)
            if is_exhausted(self._limits):
                result = _Result(fault=_lack_memory(self._limits))
            send_frame(writing, RESULT, pack(result))
            status = 0
        except OSError:
            status = 2  # nobody reads any more
        finally:
            os._exit(status)

    def wait(self) -> list[Outcome[T]]:
        """Wait until something happens, or a moment has come, and give what is ready."""
        poll = select.poll()
        for child in self._children.values():
            poll.register(child.channel.reading, select.POLLIN)
            if child.channel.writing is not None and child.channel.has_waiting:
                poll.register(child.channel.writing, select.POLLOUT)
        now = time.monotonic()
        left = min((child.deadline for child in self._children.values()), default=now) - now
        if self._ended:
            left = min(left, _REAPING_SECONDS)
        events = {descriptor for descriptor, _ in poll.poll(max(0, int(left * 1000) + 1))}
        return [outcome for child in tuple(self._children.values()) for outcome in self._look(child, events)]

    def _look(self, child: _Child, events: set[int]) -> list[Outcome[T]]:
        channel = child.channel
        try:
            if channel.writing in events:
                channel.write()
            if channel.reading in events:
                more = channel.read()
                frame = channel.take()
                if frame is not None and frame[0] == RESULT:
                    return [self._finish(child, frame[1])]
                if frame is not None:
                    self._answer(child, unpack(Question, frame[1]))
                elif not more:
                    return [self._bury(child)]
        except OverlongError as error:
            return [self._dismiss(child, Fault(code="LIMIT_RESULT", detail=str(error)))]
        except WireError:
            return [self._dismiss(child, Fault(code="JUDGING_CRASHED", detail="its result cannot be read"))]
        if time.monotonic() >= child.deadline:
            return [self._dismiss(child, self._name_delay(child))]
        return []

    def _name_delay(self, child: _Child) -> Fault:
        """Say why a process has not ended in time: what lacks memory may wait for ever."""
        with suppress(OSError, ValueError, IndexError):  # it ends just now
            if is_exhausted(self._limits, child.process):
                return _lack_memory(self._limits)
        return Fault(code="LIMIT_TIME", detail=f"{self._limits.seconds:g} s")

    def _answer(self, child: _Child, question: Question) -> None:
        child.questions += 1
        if self._fetcher is None or child.questions > self._limits.questions:
            raise WireError("too many questions")
        begun = time.monotonic()
        child.channel.send(ANSWER, pack(reply(self._fetcher, question)))
        # While the network was waited for, nobody was looked at: that time is nobody's.
        spent = time.monotonic() - begun
        for each in self._children.values():
            each.deadline += spent

    def _finish(self, child: _Child, content: bytes) -> Outcome[T]:
        result = unpack(_Result, content)
        value = None if result.value is None else unpack(self._kind, result.value)
        self._remove(child)  # what it wanted to say is said
        self._wanted = result.imported
        if value is not None:
            return Outcome(position=child.position, value=value)
        said = result.fault
        fault = Fault(code="JUDGING_CRASHED") if said is None or said.code not in _FAULTS else said
        return Outcome(position=child.position, fault=replace(fault, detail=fault.detail[:_DETAIL_LENGTH]))

    def _bury(self, child: _Child) -> Outcome[T]:
        """Say why a process ended without a result."""
        # Its end of the pipe is closed, so it is ending; what it ends with is settled by then.
        self._remove(child)
        status = _reap(self._ended.pop())
        if status is not None and os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGXCPU:
                fault = Fault(code="LIMIT_TIME", detail=f"{self._limits.cpu_seconds} s of processor time")
            else:
                fault = Fault(code="JUDGING_CRASHED", detail=_name_signal(number))
        else:
            fault = Fault(code="JUDGING_CRASHED", detail="it ended without a result")
        return Outcome(position=child.position, fault=fault)

    def _dismiss(self, child: _Child, fault: Fault) -> Outcome[T]:
        self._remove(child)
        return Outcome(position=child.position, fault=fault)

    def _remove(self, child: _Child) -> None:
        """End the process, and forget it."""
        del self._children[child.channel.reading]
        with suppress(ProcessLookupError):
            os.kill(child.process, signal.SIGKILL)
        child.channel.close()
        os.close(child.lifeline)
        self._ended.append(child.process)

    def reap(self, options: int = os.WNOHANG) -> None:
        """Take note of processes that have ended; with `options` 0 wait for all that were ended."""
        self._ended = [process for process in self._ended if _reap(process, options) is None]

    def end(self) -> None:
        """End all, and leave none behind."""
        for child in tuple(self._children.values()):
            self._remove(child)
        self.reap(0)


def _reap(process: int, options: int = 0) -> int | None:
    """Give what a process ended with; None if it still runs."""
    try:
        found, status = os.waitpid(process, options)
    except ChildProcessError:  # somebody else in this process waits for every child
        return 0
    return status if found else None


def _do(work: Work, source: Source, fetcher: Fetcher | None, limits: Limits) -> _Result:
    """Do the work; whatever happens becomes a result."""
    before = set(sys.modules)
    try:
        value = pack(work(source, fetcher))
    except MemoryError:
        return _Result(fault=_lack_memory(limits))
    except RecursionError:
        return _Result(fault=Fault(code="LIMIT_DEPTH", detail=str(limits.recursion)))
    except WireError as error:
        return _Result(fault=Fault(code="LIMIT_RESULT", detail=str(error)))
    except Exception as error:  # noqa: BLE001 - a defect of ours, which must not stop the other files
        return _Result(fault=Fault(code="JUDGING_CRASHED", detail=_describe(error)))
    if len(value) > limits.result_bytes:
        return _Result(fault=Fault(code="LIMIT_RESULT", detail=f"{len(value)} bytes"))
    new = sorted(name for name in sys.modules.keys() - before if _MODULE.fullmatch(name))
    return _Result(value=value, imported=tuple(new[:_MOST_MODULES]))


def _lack_memory(limits: Limits) -> Fault:
    return Fault(code="LIMIT_MEMORY", detail=str(limits.memory_bytes >> 20))


def _describe(error: Exception) -> str:
    """The kind of error and where: its text may hold parts of the document."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f"{os.path.basename(code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119
        trace = trace.tb_next
    return f"{type(error).__name__} at {place}"


def _import_too(names: tuple[str, ...]) -> None:
    for name in names[:_MOST_MODULES]:
        if name not in sys.modules and _MODULE.fullmatch(name):
            with suppress(Exception):  # what cannot be had here, the next process tries for itself
                import_module(name)


def _find_descriptor(source: Source) -> int | None:
    """The descriptor of a file object; None for paths and for what is in memory."""
    try:
        return int(source.fileno()) if hasattr(source, "fileno") else None
    except OSError:
        return None


def _name_signal(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
