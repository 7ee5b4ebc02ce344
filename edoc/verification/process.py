"""Judge every file in a process of its own, under limits.

    report = verify_guarded(["a.pdf", "b.pdf"], jobs=2, trust=trust, offline=True)

Hitting a limit, or a crash, is an outcome of that file like any other: `LIMIT_TIME`, `LIMIT_MEMORY`,
`LIMIT_DEPTH`, `LIMIT_RESULT` or `JUDGING_CRASHED`, and the next file is judged (`crew`).

A process with several threads is not forked: whatever lock another thread holds at that moment would be held
in the child for ever. Then a clean process is started, which forks (`standin`).
"""

import hashlib
import os
import stat
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from edoc.core.evidence import Fault, FileEvidence
from edoc.core.messages import say
from edoc.core.policy import Policy
from edoc.core.report import FileReport, Report
from edoc.core.rule import Expected
from edoc.pdf.reader import MAX_SIZE
from edoc.policies import load_policy
from edoc.trust.fetch import Fetcher
from edoc.trust.store import Trust
from edoc.verification import gather, verify_many
from edoc.verification.confinement import Limits
from edoc.verification.crew import Outcome, is_alone, run_apart
from edoc.verification.means import choose_trust, open_fetcher, read_clock
from edoc.verification.reading import Source, name_source

__all__ = ["Limits", "Order", "gather_guarded", "verify_guarded"]

T = TypeVar("T", FileReport, FileEvidence)
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How files are judged; it may travel to another process."""

    trust: Trust
    policy: Policy
    at: datetime
    offline: bool
    rule: str = "none"
    expected: Expected | None = None
    password: str | None = field(default=None, repr=False)
    detached: str | None = None

    def judge(self, source: Source, fetcher: Fetcher | None) -> FileReport:
        """Judge one file, here and now."""
        report = verify_many(
            [source],
            trust=self.trust,
            policy=self.policy,
            at=self.at,
            offline=self.offline or fetcher is None,
            rule=self.rule,
            expected=self.expected,
            password=self.password,
            detached=self.detached,
            fetcher=fetcher,
        )
        return report.files[0]

    def gather(self, source: Source, fetcher: Fetcher | None) -> FileEvidence:
        """Give everything that is known about one file."""
        return gather(
            source,
            trust=self.trust,
            at=self.at,
            fetcher=fetcher,
            password=self.password,
            detached=self.detached,
        )


def verify_guarded(
    sources: Iterable[Source],
    *,
    jobs: int = 1,
    limits: Limits | None = None,
    on_file: Callable[[int, FileReport], None] | None = None,
    trust: Trust | None = None,
    policy: str | Policy = "nd68",
    at: datetime | None = None,
    offline: bool = False,
    rule: str = "none",
    expected: Expected | None = None,
    password: str | None = None,
    detached: str | Path | None = None,
    fetcher: Fetcher | None = None,
    now: Callable[[], datetime] = read_clock,
) -> Report:
    """Verify files as `verify_many` does, each in a process of its own, `jobs` at a time.

    The report has the order of `sources`; `on_file` gets each file's place in it and its judgement as soon as
    it is there. A file object is read by the other process, so its position moves. Raises `InputError` as
    `verify_many` does, and `Unavailable` if no process can be started.
    """
    chosen = load_policy(policy)
    trusted = choose_trust(trust, chosen)
    empty = verify_many(
        (), trust=trusted, policy=chosen, at=at, offline=True, rule=rule, expected=expected, now=now
    )
    order = Order(
        trust=trusted,
        policy=chosen,
        at=empty.validation_time,
        offline=offline,
        rule=rule,
        expected=expected,
        password=password,
        detached=None if detached is None else str(detached),
    )
    named = list(sources)
    judged: dict[int, FileReport] = {}
    run = _run(named, order, FileReport, jobs=jobs, limits=limits or Limits(), fetcher=fetcher)
    with closing(run) as outcomes:
        for outcome in outcomes:
            report = _settle(named[outcome.position], outcome)
            judged[outcome.position] = report
            if on_file is not None:
                on_file(outcome.position, report)
    return replace(empty, files=tuple(judged[position] for position in range(len(named))))


def gather_guarded(
    source: Source, order: Order, *, limits: Limits | None = None, fetcher: Fetcher | None = None
) -> FileEvidence:
    """Gather everything that is known about a file, in a process of its own, under limits."""
    (outcome,) = _run([source], order, FileEvidence, jobs=1, limits=limits or Limits(), fetcher=fetcher)
    name = name_source(source)
    if outcome.value is not None:
        return replace(outcome.value, path=name)
    sha256, size = _identify(source)
    return FileEvidence(path=name, sha256=sha256, size=size, unreadable=outcome.fault)


def _run(
    sources: list[Source],
    order: Order,
    kind: type[T],
    *,
    jobs: int,
    limits: Limits,
    fetcher: Fetcher | None,
) -> Generator[Outcome[T], None, None]:
    with open_fetcher(fetcher, order.trust, offline=order.offline) as asked:
        if is_alone():
            work = order.judge if kind is FileReport else order.gather
            yield from run_apart(sources, work, kind, jobs=jobs, limits=limits, fetcher=asked)
        else:
            from edoc.verification.standin import run_elsewhere

            yield from run_elsewhere(sources, order, kind, jobs=jobs, limits=limits, fetcher=asked)


def _settle(source: Source, outcome: Outcome[FileReport]) -> FileReport:
    """Give the report of a file, under the name that it has here."""
    name = name_source(source)
    if outcome.value is not None:
        return replace(outcome.value, path=name)
    fault = outcome.fault or Fault(code="JUDGING_CRASHED")
    sha256, size = _identify(source)
    return FileReport(
        path=name,
        sha256=sha256,
        size=size,
        format="unknown",
        readable=False,
        messages=(say(fault.code, fault.detail),),
    )


def _identify(source: Source) -> tuple[str | None, int | None]:
    """Hash and size of a file that nobody could judge; of what is no plain file, nothing."""
    if not isinstance(source, str | Path):
        return None, None
    digest, size = hashlib.sha256(), 0
    try:
        if not stat.S_ISREG(os.stat(source).st_mode):  # noqa: PTH116 - it may be text
            return None, None
        with Path(source).open("rb") as stream:
            while size <= MAX_SIZE and (piece := stream.read(_CHUNK)):
                digest.update(piece)
                size += len(piece)
    except OSError:
        return None, None
    return (digest.hexdigest(), size) if size <= MAX_SIZE else (None, None)
