"""What a verification says: a reasoned report that cannot be mistaken for a yes or a no.

Rules: words are those of ETSI EN 319 102-1; `bool(report)` is an error; `report.require()` yields a
`Verified` token or raises with every reason; `report.to_dict()` is the JSON of
`schemas/verification-report.schema.json`, and `report.exit_code` is the exit code of every verifying
command. Serves TT 15/2025 Art 6 (state valid or invalid; show issuer, signer, time, integrity).
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NoReturn

from edoc.core.chain import CertificateKind
from edoc.core.particulars import (
    CertificateReport,
    ChangeReport,
    EvidenceReport,
    RevocationReport,
    StageReport,
    StampReport,
)
from edoc.core.verdicts import (
    Changes,
    Coverage,
    Indication,
    Level,
    Message,
    Severity,
    SignatureType,
    SubIndication,
    TimeSource,
    show_iso,
)
from edoc.errors import NotVerified

__all__ = [
    "EXIT_FAILED",
    "EXIT_INDETERMINATE",
    "EXIT_PASSED",
    "EXIT_UNREADABLE",
    "EXIT_UNSIGNED",
    "SCHEMA_VERSION",
    "Changes",
    "Coverage",
    "DocumentRule",
    "FileReport",
    "Indication",
    "Level",
    "Message",
    "Report",
    "Severity",
    "SignatureReport",
    "SignatureType",
    "Signer",
    "SubIndication",
    "TimeSource",
    "Verified",
]

SCHEMA_VERSION: Final = "1.1"

EXIT_PASSED: Final = 0
EXIT_FAILED: Final = 1
EXIT_INDETERMINATE: Final = 3
EXIT_UNSIGNED: Final = 4
EXIT_UNREADABLE: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signed, as the certificate says."""

    common_name: str
    organization: str
    serial_number: str
    issuer: str
    not_before: datetime
    not_after: datetime
    kind: CertificateKind

    def to_dict(self) -> dict[str, str]:
        """As in the report's JSON."""
        return {
            "common_name": self.common_name,
            "organization": self.organization,
            "serial_number": self.serial_number,
            "issuer": self.issuer,
            "not_before": self.not_before.isoformat(),
            "not_after": self.not_after.isoformat(),
            "kind": str(self.kind),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureReport:
    """The judgement on one signature."""

    field: str
    """Full name of the PDF field; empty for a signature that no field reaches."""
    type: SignatureType
    level: Level
    indication: Indication
    sub_indication: SubIndication | None = None
    intact: bool
    """The digest matches the signed bytes and the cryptographic signature holds."""
    coverage: Coverage
    changes_after: Changes
    changes_allowed: bool
    locked: bool = False
    """The signature locks all fields (FieldMDP All) or the document (DocMDP P=1)."""
    signer: Signer | None = None
    claimed_time: datetime | None = None
    best_time: datetime | None = None
    time_source: TimeSource = TimeSource.VALIDATION_TIME
    development: bool = False
    """The judgement rests on development roots."""
    subfilter: str = ""
    digest_algorithm: str = ""
    signature_algorithm: str = ""
    """As in `rsassa_pkcs1v15`, `rsassa_pss`, `ecdsa`."""
    key_bits: int = 0
    signed_bytes: int = 0
    """Offset of the first byte after the signed range."""
    value: bytes = b""
    """The cryptographic signature itself; empty if it could not be read."""
    changes: tuple[ChangeReport, ...] = ()
    """What came after, piece by piece."""
    time_stamps: tuple[StampReport, ...] = ()
    certificates: tuple[CertificateReport, ...] = ()
    """The path, from the signer to the root."""
    revocation: tuple[RevocationReport, ...] = ()
    revoked_at: datetime | None = None
    """When a certificate of the path was revoked."""
    stages: tuple[StageReport, ...] = ()
    """Every question, in the order in which the answers decide."""
    messages: tuple[Message, ...] = ()

    @property
    def sha256(self) -> str | None:
        """SHA-256 of the cryptographic signature, which identifies it; None if it could not be read."""
        return hashlib.sha256(self.value).hexdigest() if self.value else None

    def to_dict(self) -> dict[str, Any]:
        """As in the report's JSON."""
        return {
            "field": self.field,
            "type": str(self.type),
            "level": str(self.level),
            "indication": str(self.indication),
            "sub_indication": None if self.sub_indication is None else str(self.sub_indication),
            "intact": self.intact,
            "coverage": str(self.coverage),
            "changes_after": str(self.changes_after),
            "changes_allowed": self.changes_allowed,
            "locked": self.locked,
            "signer": None if self.signer is None else self.signer.to_dict(),
            "claimed_time": show_iso(self.claimed_time),
            "best_time": show_iso(self.best_time),
            "time_source": str(self.time_source),
            "subfilter": self.subfilter,
            "digest_algorithm": self.digest_algorithm,
            "signature_algorithm": self.signature_algorithm,
            "key_bits": self.key_bits,
            "signed_bytes": self.signed_bytes,
            "sha256": self.sha256,
            "changes": [change.to_dict() for change in self.changes],
            "time_stamps": [stamp.to_dict() for stamp in self.time_stamps],
            "certificates": [certificate.to_dict() for certificate in self.certificates],
            "revocation": [found.to_dict() for found in self.revocation],
            "revoked_at": show_iso(self.revoked_at),
            "stages": [stage.to_dict() for stage in self.stages],
            "messages": [message.to_dict() for message in self.messages],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRule:
    """The rule on the whole document, put on top of the signatures."""

    name: str = "none"
    passed: bool | None = None
    """None where no rule was asked for, or the file could not be read."""
    reasons: tuple[Message, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As in the report's JSON."""
        reasons = [reason.to_dict() for reason in self.reasons]
        return {"name": self.name, "passed": self.passed, "reasons": reasons}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """The judgement on one file."""

    path: str
    sha256: str | None
    """Lower-case hex; None if the file could not be opened."""
    size: int | None
    """Bytes; None if the file could not be opened."""
    format: str
    """`pdf`, `edxml`, `cms`, `timestamp` or `unknown`."""
    readable: bool = True
    signatures: tuple[SignatureReport, ...] = ()
    messages: tuple[Message, ...] = ()
    document_rule: DocumentRule = field(default_factory=DocumentRule)
    evidence: tuple[EvidenceReport, ...] = ()
    """Everything that the judgement rests on besides the file, each piece once."""
    inside: "tuple[FileReport, ...]" = ()
    """The signed files that this one carries: the PDFs of a package."""

    @property
    def worst(self) -> SignatureReport | None:
        """The signature that decides the file; the first of the worst, its own before those inside."""
        order = (Indication.TOTAL_FAILED, Indication.INDETERMINATE, Indication.TOTAL_PASSED)
        deciding = [*self.signatures, *(worst for file in self.inside if (worst := file.worst))]
        return min(deciding, key=lambda s: order.index(s.indication), default=None)

    @property
    def indication(self) -> Indication | None:
        """The worst of the signatures' indications; None if the file is unsigned or unreadable."""
        return self.worst.indication if self.worst else None

    @property
    def sub_indication(self) -> SubIndication | None:
        """The sub-indication of the signature that decides the file."""
        return self.worst.sub_indication if self.worst else None

    @property
    def exit_code(self) -> int:
        """The file's own exit code; what it carries counts as the file does."""
        if not self.readable:
            return EXIT_UNREADABLE
        if self.indication is Indication.TOTAL_FAILED or self.document_rule.passed is False:
            return EXIT_FAILED
        if self.indication is None and not self.inside:
            return EXIT_UNSIGNED
        own = EXIT_INDETERMINATE if self.indication is Indication.INDETERMINATE else EXIT_PASSED
        return _first_exit_code({own, *(file.exit_code for file in self.inside)})

    @property
    def development(self) -> bool:
        """The judgement rests on development roots."""
        return any(s.development for s in self.signatures) or any(file.development for file in self.inside)

    @property
    def reasons(self) -> tuple[Message, ...]:
        """Every reason why the file does not pass; empty if it does."""
        if self.exit_code == EXIT_PASSED:
            return ()
        found = [m for m in self.messages if m.severity is Severity.ERROR]
        for signature in self.signatures:
            if signature.indication is not Indication.TOTAL_PASSED:
                found += [m for m in signature.messages if m.severity is Severity.ERROR]
        for file in self.inside:
            found += file.reasons
        return (*found, *(self.document_rule.reasons if self.document_rule.passed is False else ()))

    def to_dict(self) -> dict[str, Any]:
        """As in the report's JSON."""
        return {
            "path": self.path,
            "sha256": self.sha256,
            "size": self.size,
            "format": self.format,
            "indication": None if self.indication is None else str(self.indication),
            "sub_indication": None if self.sub_indication is None else str(self.sub_indication),
            "document_rule": self.document_rule.to_dict(),
            "signatures": [signature.to_dict() for signature in self.signatures],
            "messages": [message.to_dict() for message in self.messages],
            "evidence": [piece.to_dict() for piece in self.evidence],
            "inside": [file.to_dict() for file in self.inside],
        }


def _first_exit_code(codes: set[int]) -> int:
    order = (EXIT_FAILED, EXIT_UNREADABLE, EXIT_UNSIGNED, EXIT_INDETERMINATE)
    return next((code for code in order if code in codes), EXIT_PASSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Proof that a report passed; only `Report.require` makes one.

    Steps that may touch only verified documents accept nothing else.
    """

    sha256s: tuple[str, ...]
    """SHA-256 of every file of the report, lower-case hex, in its order."""
    rule: str
    policy: str
    validation_time: datetime

    @property
    def sha256(self) -> str:
        """The one file's SHA-256; raises `ValueError` if the report was on several files."""
        (only,) = self.sha256s
        return only


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The judgement on one or several files at one instant, under one policy."""

    validation_time: datetime
    policy_name: str
    policy_sha256: str
    rule: str = "none"
    files: tuple[FileReport, ...]

    def __bool__(self) -> NoReturn:
        raise TypeError("a report is neither true nor false; use report.require() or report.exit_code")

    @property
    def exit_code(self) -> int:
        """With several files the first that applies, in the order 1, 5, 4, 3, 0."""
        return _first_exit_code({file.exit_code for file in self.files})

    def reasons(self) -> list[str]:
        """Every reason against the report, Vietnamese first, fit for a refusal; empty if it passes."""
        return [f"{reason.text_vi} ({reason.text})" for file in self.files for reason in file.reasons]

    def require(self) -> Verified:
        """Return the token of a report in which every file passed; raise `NotVerified` with every reason."""
        failed = [file for file in self.files if file.exit_code != EXIT_PASSED]
        if failed or not self.files:
            raise NotVerified(
                "the document did not pass verification.",
                where=", ".join(file.path for file in failed),
                reasons=tuple(reason.text for file in failed for reason in file.reasons),
                advice="Read the reasons in the report.",
            )
        return Verified(
            sha256s=tuple(file.sha256 for file in self.files if file.sha256 is not None),
            rule=self.rule,
            policy=self.policy_name,
            validation_time=self.validation_time,
        )

    def to_dict(self) -> dict[str, Any]:
        """The report's JSON, as `schemas/verification-report.schema.json` describes it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "validation_time": self.validation_time.isoformat(),
            "policy": {"name": self.policy_name, "sha256": self.policy_sha256},
            "files": [file.to_dict() for file in self.files],
        }
