"""What a verification says: a reasoned report that cannot be mistaken for a yes or a no.

Rules: words are those of ETSI EN 319 102-1; `bool(report)` is an error; `report.require()` yields a
`Verified` token or raises with every reason; `report.to_dict()` is the JSON of
`schemas/verification-report.schema.json`, and `report.exit_code` is the exit code of every verifying
command. Serves TT 15/2025 Art 6 (state valid or invalid; show issuer, signer, time, integrity).
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NoReturn

from edoc.core.chain import CertificateKind
from edoc.errors import NotVerified

SCHEMA_VERSION: Final = "1.0"

EXIT_PASSED: Final = 0
EXIT_FAILED: Final = 1
EXIT_INDETERMINATE: Final = 3
EXIT_UNSIGNED: Final = 4
EXIT_UNREADABLE: Final = 5


class Indication(StrEnum):
    """ETSI EN 319 102-1, 5.1.3."""

    TOTAL_PASSED = "TOTAL_PASSED"
    INDETERMINATE = "INDETERMINATE"
    TOTAL_FAILED = "TOTAL_FAILED"


class SubIndication(StrEnum):
    """ETSI EN 319 102-1, tables 6 and 7."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    POLICY_PROCESSING_ERROR = "POLICY_PROCESSING_ERROR"
    SIGNATURE_POLICY_NOT_AVAILABLE = "SIGNATURE_POLICY_NOT_AVAILABLE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    NO_POE = "NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"


class SignatureType(StrEnum):
    """A person's, agency's or system's signature, or a time-stamp over the document."""

    SIGNATURE = "signature"
    DOCUMENT_TIMESTAMP = "document_timestamp"


class Level(StrEnum):
    """The format found, by what is present; its validity is judged elsewhere."""

    PADES_B_B = "PAdES-B-B"
    PADES_B_T = "PAdES-B-T"
    PADES_B_LT = "PAdES-B-LT"
    PADES_B_LTA = "PAdES-B-LTA"
    PKCS7 = "PKCS7"
    CADES = "CAdES"
    """A CAdES signature in a PDF that is no PAdES baseline signature."""
    DOC_TIMESTAMP = "DOC-TIMESTAMP"
    UNKNOWN = "unknown"


class Coverage(StrEnum):
    """How much of the file the signed byte range covers."""

    WHOLE_FILE = "whole_file"
    WHOLE_REVISION = "whole_revision"
    """Everything up to the end of one revision; later revisions follow."""
    PARTIAL = "partial"


class Changes(StrEnum):
    """What came after the signed revision; the worst kind wins."""

    NONE = "none"
    LTV_UPDATE = "ltv_update"
    FORM_FILLING = "form_filling"
    """Filled fields; a new signature counts as this."""
    ANNOTATION = "annotation"
    OTHER = "other"

    @property
    def rank(self) -> int:
        """0 for none, growing with what was changed."""
        return list(Changes).index(self)


class TimeSource(StrEnum):
    """What proves that the signature existed at its best time."""

    SIGNATURE_TIMESTAMP = "signature_timestamp"
    DOCUMENT_TIMESTAMP = "document_timestamp"
    VALIDATION_TIME = "validation_time"
    """Nothing: judged at the time of the validation."""


class Severity(StrEnum):
    """How much a message weighs."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One remark, in both languages; `code` is stable, the texts may improve."""

    code: str
    severity: Severity
    text: str
    text_vi: str

    def to_dict(self) -> dict[str, str]:
        """As in the report's JSON."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "text": self.text,
            "text_vi": self.text_vi,
        }


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
    messages: tuple[Message, ...] = ()

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
            "claimed_time": _iso(self.claimed_time),
            "best_time": _iso(self.best_time),
            "time_source": str(self.time_source),
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
    """`pdf` or `unknown`."""
    readable: bool = True
    signatures: tuple[SignatureReport, ...] = ()
    messages: tuple[Message, ...] = ()
    document_rule: DocumentRule = field(default_factory=DocumentRule)

    @property
    def _worst(self) -> SignatureReport | None:
        """The signature that decides the file; the first of the worst."""
        order = (Indication.TOTAL_FAILED, Indication.INDETERMINATE, Indication.TOTAL_PASSED)
        return min(self.signatures, key=lambda s: order.index(s.indication), default=None)

    @property
    def indication(self) -> Indication | None:
        """The worst of the signatures' indications; None if the file is unsigned or unreadable."""
        return self._worst.indication if self._worst else None

    @property
    def sub_indication(self) -> SubIndication | None:
        """The sub-indication of the signature that decides the file."""
        return self._worst.sub_indication if self._worst else None

    @property
    def exit_code(self) -> int:
        """The file's own exit code."""
        if not self.readable:
            return EXIT_UNREADABLE
        if self.indication is Indication.TOTAL_FAILED or self.document_rule.passed is False:
            return EXIT_FAILED
        if self.indication is None:
            return EXIT_UNSIGNED
        return EXIT_INDETERMINATE if self.indication is Indication.INDETERMINATE else EXIT_PASSED

    @property
    def development(self) -> bool:
        """The judgement rests on development roots."""
        return any(signature.development for signature in self.signatures)

    @property
    def reasons(self) -> tuple[Message, ...]:
        """Every reason why the file does not pass; empty if it does."""
        if self.exit_code == EXIT_PASSED:
            return ()
        found = [m for m in self.messages if m.severity is Severity.ERROR]
        for signature in self.signatures:
            if signature.indication is not Indication.TOTAL_PASSED:
                found += [m for m in signature.messages if m.severity is Severity.ERROR]
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
        }


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
        codes = {file.exit_code for file in self.files}
        order = (EXIT_FAILED, EXIT_UNREADABLE, EXIT_UNSIGNED, EXIT_INDETERMINATE)
        return next((code for code in order if code in codes), EXIT_PASSED)

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


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
