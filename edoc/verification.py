"""Verify signed documents: gather the evidence, hand it to the judge.

    report = verify("signed.pdf", trust=Trust.load("roots/"), offline=True)
    report.require()          # a Verified token, or NotVerified with every reason

Rules: files are read here and judged in `edoc.core.judge`; what cannot be read is reported, never raised;
only a wrong name of a policy or a rule raises `InputError`. Serves NĐ 68/2024 Arts 31, 32 and TT 15/2025
Art 6.
"""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from edoc.core.chain import CertificateFacts
from edoc.core.evidence import Fault, FileEvidence, SignatureFacts, TimestampFacts
from edoc.core.judge import find_best_time, judge
from edoc.core.policy import Policy, find_policy
from edoc.core.report import Report, SignatureType
from edoc.core.rule import Expected, check_rule_name
from edoc.errors import InputError
from edoc.pdf.reader import MAX_SIZE, is_pdf, read_pdf
from edoc.trust.certificates import read_certificate
from edoc.trust.chain import Usage, examine
from edoc.trust.fetch import Fetcher, HttpFetcher
from edoc.trust.store import Trust

__all__ = ["Expected", "Source", "verify", "verify_many"]

Source = str | Path | BinaryIO
"""A file to read: its path, or a binary file object."""


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
        examiner = _Examiner(trusted, time, fetcher)
        files = tuple(examiner.complete(_gather(source, password)) for source in sources)
    return judge(files, chosen, time, rule=rule, expected=expected)


def gather(
    src: Source, *, trust: Trust, at: datetime, fetcher: Fetcher | None, password: str | None = None
) -> FileEvidence:
    """Give everything that is known about a file, its certificates' paths included; judge nothing."""
    return _Examiner(trust, at, fetcher).complete(_gather(src, password))


def _gather(source: Source, password: str | None) -> FileEvidence:
    """The file's own evidence, before its certificates are examined."""
    name = str(source) if isinstance(source, str | Path) else str(getattr(source, "name", "") or "-")
    try:
        data = _load(source)
    except OSError as error:
        detail = (error.strerror or "input error").lower()
        return FileEvidence(
            path=name, sha256=None, size=None, unreadable=Fault(code="FILE_MISSING", detail=detail)
        )
    sha256 = hashlib.sha256(data).hexdigest()
    unreadable = None
    if not data:
        unreadable = Fault(code="FILE_EMPTY")
    elif len(data) > MAX_SIZE:
        unreadable = Fault(code="FILE_TOO_LARGE", detail=str(MAX_SIZE))
    elif not is_pdf(data):
        unreadable = Fault(code="FILE_NOT_PDF")
    if unreadable:
        return FileEvidence(path=name, sha256=sha256, size=len(data), unreadable=unreadable)
    return read_pdf(data, path=name, password=password)


def _load(source: Source) -> bytes:
    """At most one byte more than the limit."""
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            return file.read(MAX_SIZE + 1)
    return source.read(MAX_SIZE + 1)


class _Examiner:
    """Examines the certificates that the files carry, under one trust and at one time."""

    def __init__(self, trust: Trust, at: datetime, fetcher: Fetcher | None) -> None:
        self._trust = trust
        self._at = at
        self._fetcher = fetcher

    def complete(self, file: FileEvidence) -> FileEvidence:
        """The same evidence with every path examined: time-stamps first, for they decide the times."""
        stamped = replace(
            file,
            signatures=tuple(
                replace(facts, timestamp=self._examine_stamp(file, facts, facts.timestamp))
                for facts in file.signatures
            ),
        )
        return replace(
            stamped, signatures=tuple(self._examine(stamped, facts) for facts in stamped.signatures)
        )

    def _examine_stamp(
        self, file: FileEvidence, facts: SignatureFacts, stamp: TimestampFacts | None
    ) -> TimestampFacts | None:
        if stamp is None or stamp.certificate is None or not stamp.intact:
            return stamp
        chain = examine(
            stamp.certificate,
            trust=self._trust,
            at=self._at,
            others=(*stamp.others, *facts.others, *file.certificates),
            crls=(*file.crls, *facts.crls),
            ocsps=(*file.ocsps, *facts.ocsps),
            usage=Usage.TIMESTAMPING,
            fetcher=self._fetcher,
        )
        return replace(stamp, chain=chain)

    def _examine(self, file: FileEvidence, facts: SignatureFacts) -> SignatureFacts:
        if facts.certificate is None:
            return facts
        signer = _read_signer(facts.certificate)
        if signer is None:
            return facts
        time, _ = find_best_time(file, facts, self._at)
        stamp = facts.type is SignatureType.DOCUMENT_TIMESTAMP
        chain = examine(
            facts.certificate,
            trust=self._trust,
            at=time,
            others=(*facts.others, *file.certificates),
            crls=(*facts.crls, *file.crls),
            ocsps=(*facts.ocsps, *file.ocsps),
            usage=Usage.TIMESTAMPING if stamp else Usage.SIGNING,
            fetcher=self._fetcher,
        )
        return replace(facts, signer=signer, chain=chain)


def _read_signer(certificate: bytes) -> CertificateFacts | None:
    try:
        return read_certificate(certificate)
    except InputError:
        return None
