"""A clean process that forks for one that must not: one with several threads.

It is started anew, which takes a moment, gets its order and the files, and sends the outcomes back as they
come; questions of the judging processes go through it to the fetcher of who started it.
"""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar, cast

from edoc.core.evidence import Fault, FileEvidence
from edoc.core.report import FileReport
from edoc.errors import Unavailable
from edoc.trust.fetch import Fetcher
from edoc.verification.channel import (
    ANSWER,
    QUESTION,
    RESULT,
    Channel,
    Question,
    RemoteFetcher,
    receive_frame,
    reply,
    send_frame,
)
from edoc.verification.confinement import Limits
from edoc.verification.crew import Outcome, run_apart
from edoc.verification.process import Order
from edoc.verification.reading import Source
from edoc.verification.wire import WireError, pack, unpack

T = TypeVar("T", FileReport, FileEvidence)
_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from edoc.verification.standin import serve; serve(int(sys.argv[2]), int(sys.argv[3]))"
)
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission:
    """What the stand-in is to do."""

    order: Order
    gather: bool
    """Gather evidence instead of judging."""
    files: tuple[str | int, ...]
    """Paths, and descriptors of open files."""
    jobs: int
    limits: Limits
    online: bool
    """Questions are answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What became of one file."""

    position: int
    report: FileReport | None = None
    evidence: FileEvidence | None = None
    fault: Fault | None = None


def run_elsewhere(
    sources: list[Source],
    order: Order,
    kind: type[T],
    *,
    jobs: int,
    limits: Limits,
    fetcher: Fetcher | None,
) -> Iterator[Outcome[T]]:
    """Do as `crew.run_apart`, by way of a clean process."""
    descriptors: list[int] = []
    files = tuple(_hand_over(source, descriptors) for source in sources)
    mission = Mission(
        order=order,
        gather=kind is FileEvidence,
        files=files,
        jobs=jobs,
        limits=limits,
        online=fetcher is not None,
    )
    read_news, write_news = os.pipe()
    read_answers, write_answers = os.pipe()
    try:
        process = _start(read_answers, write_news, descriptors)
    except OSError as error:
        os.close(read_news)
        os.close(write_answers)
        raise Unavailable("no judging process can be started.", advice="Try again later.") from error
    finally:
        for descriptor in (write_news, read_answers, *descriptors):
            os.close(descriptor)
    channel = Channel(read_news, write_answers, max_bytes=limits.result_bytes + _CHUNK)
    try:
        channel.send(ANSWER, pack(mission))
        for news in _listen(channel, set(range(len(files))), fetcher):
            value: Any = news.report if kind is FileReport else news.evidence
            yield Outcome(position=news.position, value=value, fault=news.fault)
    finally:
        channel.close()
        process.kill()
        process.wait()


def _hand_over(source: Source, descriptors: list[int]) -> str | int:
    """Give the path of a source, or a descriptor that another process can read it from."""
    if isinstance(source, str | Path):
        return os.fspath(source)
    try:
        descriptor = os.dup(source.fileno())
    except OSError:
        descriptor = os.memfd_create("edoc")
        source.seek(0)
        while piece := source.read(_CHUNK):
            os.write(descriptor, piece)
    descriptors.append(descriptor)
    return descriptor


def _start(reading: int, writing: int, descriptors: list[int]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", _START, json.dumps(sys.path), str(reading), str(writing)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(reading, writing, *descriptors),
    )


def _listen(channel: Channel, left: set[int], fetcher: Fetcher | None) -> Iterator[News]:
    while left:
        _wait(channel)
        more = channel.read()
        while (frame := channel.take()) is not None:
            if frame[0] == QUESTION and fetcher is not None:
                channel.send(ANSWER, pack(reply(fetcher, unpack(Question, frame[1]))))
            elif frame[0] == RESULT:
                news = unpack(News, frame[1])
                left.remove(news.position)
                yield news
        if not more:
            break
    for position in sorted(left):
        yield News(position=position, fault=Fault(code="JUDGING_CRASHED", detail="nobody judged it"))


def _wait(channel: Channel) -> None:
    """Wait until there is something to read; write meanwhile."""
    while True:
        poll = select.poll()
        poll.register(channel.reading, select.POLLIN)
        if channel.writing is not None and channel.has_waiting:
            poll.register(channel.writing, select.POLLOUT)
        ready = {descriptor for descriptor, _ in poll.poll()}
        if channel.writing in ready:
            channel.write()
        if channel.reading in ready:
            return


def serve(reading: int, writing: int) -> None:
    """Be the stand-in: do the mission, tell the news."""
    mission = unpack(Mission, receive_frame(reading))
    fetcher = RemoteFetcher(writing, reading) if mission.online else None
    sources: list[Source] = [
        Path(given) if isinstance(given, str) else cast("BinaryIO", os.fdopen(given, "rb"))
        for given in mission.files
    ]
    with suppress(BrokenPipeError):  # nobody wants to know any more
        if mission.gather:
            for found in run_apart(
                sources,
                mission.order.gather,
                FileEvidence,
                jobs=mission.jobs,
                limits=mission.limits,
                fetcher=fetcher,
            ):
                _tell(writing, News(position=found.position, evidence=found.value, fault=found.fault))
        else:
            for judged in run_apart(
                sources,
                mission.order.judge,
                FileReport,
                jobs=mission.jobs,
                limits=mission.limits,
                fetcher=fetcher,
            ):
                _tell(writing, News(position=judged.position, report=judged.value, fault=judged.fault))


def _tell(writing: int, news: News) -> None:
    try:
        content = pack(news)
    except WireError as error:
        content = pack(News(position=news.position, fault=Fault(code="LIMIT_RESULT", detail=str(error))))
    send_frame(writing, RESULT, content)
