"""Give account of a judgement: turn facts and exhibits into the particulars of a report.

Rules: nothing is decided here; what was not exhibited is not listed.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, Protocol

from edoc.core.chain import ChainFacts
from edoc.core.evidence import ChangeFacts, FileEvidence, SignatureFacts, TimestampFacts
from edoc.core.exhibit import Exhibit
from edoc.core.messages import tidy
from edoc.core.particulars import (
    CertificateReport,
    ChangeReport,
    EvidenceReport,
    RevocationReport,
    StageReport,
    StampReport,
)
from edoc.core.policy import Policy
from edoc.core.proofs import doubt_stamp
from edoc.core.verdicts import EvidenceKind, Indication, Message, StageResult, SubIndication

Exhibits = dict[bytes, Exhibit]
"""By their DER."""


class Answered(Protocol):
    """An answer to one question: its message, and an indication if it is against the signature."""

    @property
    def message(self) -> Message:
        """What is said."""

    @property
    def indication(self) -> Indication | None:
        """None if it is not against the signature."""


def index(file: FileEvidence) -> Exhibits:
    """Find exhibits by their DER."""
    return {exhibit.der: exhibit for exhibit in file.exhibits}


def list_evidence(file: FileEvidence) -> tuple[EvidenceReport, ...]:
    """Everything that the judgement on a file rests on."""
    return tuple(
        EvidenceReport(
            kind=exhibit.words.kind,
            sha256=exhibit.words.sha256,
            name=exhibit.words.name,
            origin=exhibit.origin,
        )
        for exhibit in file.exhibits
    )


def list_changes(changes: ChangeFacts) -> tuple[ChangeReport, ...]:
    """What came after a signature, piece by piece."""
    return tuple(
        ChangeReport(
            kind=change.kind,
            text=tidy(change.text) or str(change.kind),
            objects=change.objects,
            field=change.field,
            page=change.page,
        )
        for change in changes.details
    )


def list_certificates(chain: ChainFacts | None, exhibits: Exhibits) -> tuple[CertificateReport, ...]:
    """The path, from the leaf to the root."""
    return tuple(
        CertificateReport(
            subject=exhibit.words.subject,
            issuer=exhibit.words.issuer,
            serial_number=next(iter(exhibit.words.serial_numbers), ""),
            sha256=exhibit.words.sha256,
            origin=exhibit.origin,
        )
        for exhibit in _find(chain.path if chain else (), exhibits)
    )


def list_revocation(chain: ChainFacts | None, exhibits: Exhibits) -> tuple[RevocationReport, ...]:
    """What decided whether certificates of the path were revoked."""
    if chain is None:
        return ()
    path = list(_find(chain.path, exhibits))
    return tuple(
        RevocationReport(
            kind=exhibit.words.kind,
            issuer=exhibit.words.name,
            this_update=exhibit.words.this_update,
            next_update=exhibit.words.next_update,
            sha256=exhibit.words.sha256,
            origin=exhibit.origin,
            certificates=tuple(found.words.sha256 for found in path if _is_about(exhibit, found)),
        )
        for exhibit in _find((*chain.crls, *chain.ocsps), exhibits)
    )


def _is_about(statement: Exhibit, certificate: Exhibit) -> bool:
    """Whether a CRL or an answer is about a certificate, by the names and numbers in both."""
    said, named = statement.words, certificate.words
    if said.kind is EvidenceKind.CRL:
        # A root stands by itself: its own list says nothing about it.
        return said.issuer == named.issuer and named.issuer != named.subject
    return any(number in said.serial_numbers for number in named.serial_numbers)


def list_stamps(
    facts: SignatureFacts, exhibits: Exhibits, policy: Policy, at: datetime
) -> tuple[StampReport, ...]:
    """The signature's time-stamp, or the document time-stamp itself, as judged under a policy."""
    return () if facts.timestamp is None else (_describe(facts.timestamp, exhibits, policy, at),)


def _describe(stamp: TimestampFacts, exhibits: Exhibits, policy: Policy, at: datetime) -> StampReport:
    token = exhibits.get(stamp.token)
    authority = exhibits.get(stamp.certificate or b"")
    path = _find(stamp.chain.path if stamp.chain else (), exhibits)
    indication, sub_indication = _judge_stamp(stamp, policy, at)
    return StampReport(
        time=stamp.time,
        tsa=authority.words.name if authority else "",
        intact=stamp.intact,
        indication=indication,
        sub_indication=sub_indication,
        sha256=token.words.sha256 if token else None,
        certificates=tuple(exhibit.words.sha256 for exhibit in path),
    )


def _judge_stamp(
    stamp: TimestampFacts, policy: Policy, at: datetime
) -> tuple[Indication, SubIndication | None]:
    if not stamp.intact:
        return Indication.TOTAL_FAILED, SubIndication.SIG_CRYPTO_FAILURE
    doubt = doubt_stamp(stamp, policy, at)
    return (Indication.INDETERMINATE, doubt) if doubt else (Indication.TOTAL_PASSED, None)


def describe_stage(
    check: Callable[..., object], answers: Iterable[Answered], facts: SignatureFacts
) -> StageReport:
    """One question by the function that asks it, and what it led to."""
    name = check.__name__.removeprefix("check_")
    told = tuple(answers)
    return StageReport(
        check=name,
        block=BLOCKS.get(name, _ACCEPTANCE),
        result=_sum_up([answer.indication for answer in told]) if told else _read_silence(name, facts),
        codes=tuple(answer.message.code for answer in told),
    )


def _read_silence(name: str, facts: SignatureFacts) -> StageResult | None:
    """Some questions are answered only if something is wrong."""
    content = name in {"format", "certainty", "requirements"}
    content |= name == "digest" and facts.digest_matches is True
    content |= name == "algorithms" and bool(facts.digest_algorithm and facts.signature_algorithm)
    return StageResult.PASSED if content else None


def _sum_up(indications: list[Indication | None]) -> StageResult:
    if Indication.TOTAL_FAILED in indications:
        return StageResult.FAILED
    if Indication.INDETERMINATE in indications:
        return StageResult.INDETERMINATE
    return StageResult.PASSED


_ACCEPTANCE: Final = "Signature Acceptance Validation (5.2.8)"
BLOCKS: Final = {
    "digest": "Cryptographic Verification (5.2.7)",
    "format": "Format Checking (5.2.2)",
    "cryptography": "Cryptographic Verification (5.2.7)",
    "coverage": "Format Checking (5.2.2)",
    "changes": _ACCEPTANCE,
    "certainty": _ACCEPTANCE,
    "time": "Time-stamp Validation (5.4)",
    "chain": "X.509 Certificate Validation (5.2.6)",
    "algorithms": _ACCEPTANCE,
    "requirements": _ACCEPTANCE,
}
"""The building block of ETSI EN 319 102-1 that each question belongs to; acceptance if none is named."""


def _find(ders: Iterable[bytes], exhibits: Exhibits) -> Iterable[Exhibit]:
    return (exhibits[der] for der in ders if der in exhibits)
