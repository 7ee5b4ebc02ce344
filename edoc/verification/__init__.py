"""Verify signed documents: gather the evidence, hand it to the judge.

    report = verify("signed.pdf", trust=Trust.load("roots/"), offline=True)
    report.require()          # a Verified token, or NotVerified with every reason

Rules: files are read in `reading`, certificates examined in `examination`, all is judged in
`edoc.core.judge`; what cannot be read is reported, never raised; only a wrong name of a policy or a rule
raises `InputError`. Serves NĐ 68/2024 Arts 31, 32 and TT 15/2025 Art 6.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edoc.core.evidence import FileEvidence
from edoc.core.judge import judge
from edoc.core.policy import Policy
from edoc.core.report import Report
from edoc.core.rule import Expected, check_rule_name
from edoc.errors import InputError
from edoc.policies import load_policy
from edoc.trust.fetch import Fetcher
from edoc.trust.store import Trust
from edoc.verification.examination import Examiner
from edoc.verification.exhibits import Exhibitor
from edoc.verification.means import choose_trust, open_fetcher, read_clock
from edoc.verification.reading import Source, read_file

if TYPE_CHECKING:
    from edoc.verification.confinement import Limits
    from edoc.verification.dossier import Dossier

__all__ = ["Expected", "Source", "verify", "verify_many"]


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
    detached: str | Path | None = None,
    fetcher: Fetcher | None = None,
    limits: "Limits | None" = None,
    evidence: "str | Path | Dossier | None" = None,
    save_evidence: str | Path | None = None,
    now: Callable[[], datetime] = read_clock,
) -> Report:
    """Verify one file, a path or a binary file object.

    `trust` holds the roots (none: every path is INDETERMINATE, integrity is still judged); `at` is the time
    judged, with its offset, and `now` where it is not given; `offline` forbids fetching CRLs; `rule` is
    `nd30` or `none`; `expected` is what the dispatch says; `password` opens an encrypted PDF; `detached`
    names the CMS or time-stamp token of a file that does not hold its signature; `fetcher` replaces the one
    that is made for this call; with `limits` the file is judged in a process of its own, which they bound
    (`edoc.verification.process`).

    `save_evidence` names a file for everything that the judgement rests on besides `src`; handed in as
    `evidence`, it alone decides (time, policy, rule, roots), and the same report follows without any
    network; with `trust`, only roots that are in both count (`edoc.verification.dossier`).

    Raises `InputError` for an unknown policy or rule, for `at` without offset, and for evidence that cannot
    be read or is given together with what it decides.
    """
    judging: Callable[..., Report] = verify_many
    if limits is not None:
        from edoc.verification.process import verify_guarded

        judging = partial(verify_guarded, limits=limits)
    if evidence is not None:
        from edoc.verification.dossier import judge_again, require_unset

        require_unset(at=at, expected=expected, fetcher=fetcher, save_evidence=save_evidence)
        return judge_again(judging, [src], evidence, trust=trust, password=password, detached=detached)
    terms: dict[str, Any] = {
        "trust": trust,
        "policy": policy,
        "at": at,
        "offline": offline,
        "rule": rule,
        "expected": expected,
        "password": password,
        "detached": detached,
        "fetcher": fetcher,
        "now": now,
    }
    if save_evidence is not None:
        from edoc.verification.dossier import judge_and_save

        return judge_and_save(judging, [src], save_evidence, **terms)
    return judging([src], **terms)


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
    detached: str | Path | None = None,
    fetcher: Fetcher | None = None,
    now: Callable[[], datetime] = read_clock,
) -> Report:
    """Verify several files at one instant, as `verify` does with one."""
    chosen = load_policy(policy)
    check_rule_name(rule)
    time = at or now()
    if time.tzinfo is None:
        raise InputError(
            "the time to judge at has no offset.", advice="Give it as 2026-02-05T08:00:00+07:00."
        )
    trusted = choose_trust(trust, chosen)
    with open_fetcher(fetcher, trusted, offline=offline) as asked:
        examiner, exhibitor = Examiner(trusted, time, asked, chosen), Exhibitor(trusted)
        files = tuple(
            exhibitor.exhibit(examiner.complete(read_file(source, password=password, detached=detached)))
            for source in sources
        )
    return judge(files, chosen, time, rule=rule, expected=expected)


def gather(
    src: Source,
    *,
    trust: Trust,
    at: datetime,
    fetcher: Fetcher | None,
    password: str | None = None,
    detached: str | Path | None = None,
) -> FileEvidence:
    """Give everything that is known about a file, its certificates' paths included; judge nothing."""
    examiner = Examiner(trust, at, fetcher, load_policy("nd68"))
    completed = examiner.complete(read_file(src, password=password, detached=detached))
    return Exhibitor(trust).exhibit(completed)
