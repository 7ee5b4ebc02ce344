"""The words of a judgement: indications, levels, kinds of change, and messages.

Rules: indications are those of ETSI EN 319 102-1; whoever collects facts uses them as well as whoever judges.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
    XMLDSIG = "XMLDSig"
    """An XML signature."""
    XADES = "XAdES"
    """An XML signature with properties that the signer signed too."""
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


class StageResult(StrEnum):
    """What one question to a signature led to."""

    PASSED = "passed"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"


class EvidenceKind(StrEnum):
    """What a piece of evidence is."""

    CERTIFICATE = "certificate"
    CRL = "crl"
    OCSP = "ocsp"
    TIME_STAMP = "time_stamp"
    """A token of RFC 3161."""


class Origin(StrEnum):
    """Where a piece of evidence came from."""

    EMBEDDED = "embedded"
    """It is in the file."""
    TRUST_STORE = "trust_store"
    """It was given as trusted, or with what is; of roots this is told even if they are in the file too."""
    FETCHED = "fetched"
    """From the network, or from the cache of what was fetched before: which of the two proves nothing."""


def show_iso(time: datetime | None) -> str | None:
    """A time as JSON has it: ISO 8601 with its offset."""
    return None if time is None else time.isoformat()
