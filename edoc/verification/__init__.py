"""Verify signed documents: gather the evidence, hand it to the judge.

    report = verify("signed.pdf", trust=Trust.load("roots/"), offline=True)
    report.require()          # a Verified token, or NotVerified with every reason

Rules: files are read in `reading`, certificates examined in `examination`, all is judged in
`edoc.core.judge`; what cannot be read is reported, never raised; only a wrong name of a policy or a rule
raises `InputError`. Serves NĐ 68/2024 Arts 31, 32 and TT 15/2025 Art 6.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import UTC, datetime

from edoc.core.evidence import FileEvidence
from edoc.core.judge import judge
from edoc.core.policy import Policy, find_policy
from edoc.core.report import Report
from edoc.core.rule import Expected, check_rule_name
from edoc.errors import InputError
from edoc.trust.fetch import Fetcher, HttpFetcher
from edoc.trust.store import Trust
from edoc.verification.examination import Examiner
from edoc.verification.reading import Source, read_file

__all__ = ["Expected", "Source", "verify", "verify_many"]


def _read_clock() -> datetime:
    return datetime.now(UTC)


def verify(
    src: Source,
    *,
    trust: Trust | None = None,
    policy: str | Policy = "nd68",
    at: datetime | None = None,
    offline: bool = False,
    rule: str = "none",
    expected: Expected | None = None,
    password: str | None = None,
    fetcher: Fetcher | None = None,
    now: Callable[[], datetime] = _read_clock,
) -> Report:
    """Verify one file, a path or a binary file object.

    `trust` holds the roots (none: every path is INDETERMINATE, integrity is still judged); `at` is the time
    judged, with its offset, and `now` where it is not given; `offline` forbids fetching CRLs; `rule` is
    `nd30` or `none`; `expected` is what the dispatch says; `password` opens an encrypted PDF; `fetcher`
    replaces the one that is made for this call. Raises
    `InputError` for an unknown policy or rule and for `at` without offset.
    """
    return verify_many(
        [src],
        trust=trust,
        policy=policy,
        at=at,
        offline=offline,
        rule=rule,
        expected=expected,
        password=password,
        fetcher=fetcher,
        now=now,
    )


def verify_many(
    sources: Iterable[Source],
    *,
    trust: Trust | None = None,
    policy: str | Policy = "nd68",
    at: datetime | None = None,
    offline: bool = False,
    rule: str = "none",
    expected: Expected | None = None,
    password: str | None = None,
    fetcher: Fetcher | None = None,
    now: Callable[[], datetime] = _read_clock,
) -> Report:
    """Verify several files at one instant, as `verify` does with one."""
    chosen = find_policy(policy)
    check_rule_name(rule)
    time = at or now()
    if time.tzinfo is None:
        raise InputError(
            "the time to judge at has no offset.", advice="Give it as 2026-02-05T08:00:00+07:00."
        )
    trusted = trust or Trust.empty()
    with ExitStack() as stack:
        if offline or not trusted.roots:
            fetcher = None
        elif fetcher is None:
            fetcher = stack.enter_context(HttpFetcher())
        examiner = Examiner(trusted, time, fetcher)
        files = tuple(examiner.complete(read_file(source, password=password)) for source in sources)
    return judge(files, chosen, time, rule=rule, expected=expected)


def gather(
    src: Source, *, trust: Trust, at: datetime, fetcher: Fetcher | None, password: str | None = None
) -> FileEvidence:
    """Give everything that is known about a file, its certificates' paths included; judge nothing."""
    return Examiner(trust, at, fetcher).complete(read_file(src, password=password))
