"""What is known about a certificate's path at one instant; judged elsewhere.

Serves NĐ 68/2024 Art 31 (validity at signing time, status by CRL or OCSP) and Art 32 (certification path).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class ChainStatus(StrEnum):
    """The first thing that is wrong with a path, or OK."""

    OK = "OK"
    NO_PATH = "NO_PATH"
    """No path to a trusted root."""
    NOT_YET_VALID = "NOT_YET_VALID"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    REVOCATION_UNKNOWN = "REVOCATION_UNKNOWN"
    """Silence is not innocence: no CRL or OCSP answer that counts at that time."""
    BAD_USAGE = "BAD_USAGE"
    """Key usage or extended key usage does not permit this act."""
    INVALID = "INVALID"
    """Any other constraint of RFC 5280 is broken: signature, name constraints, path length, algorithm."""


class CertificateKind(StrEnum):
    """Whose certificate it is (NĐ 68/2024 Art 10)."""

    PERSON = "person"
    AGENCY = "agency"
    SYSTEM = "system"
    """Device, service or software."""
    UNKNOWN = "unknown"


class Algorithm(NamedTuple):
    """What a signature was made with."""

    digest: str
    """As in `sha256`; empty if the signature names none."""
    key: str
    """`rsa`, `ec`, `dsa`, or empty."""
    bits: int
    """0 if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """A certificate in words; times carry their offset."""

    der: bytes
    common_name: str
    organization: str
    serial_number: str
    """Decimal, as a string: it may exceed what JSON numbers hold."""
    issuer: str
    """The issuer's common name, or its whole name where there is none."""
    not_before: datetime
    not_after: datetime
    kind: CertificateKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFacts:
    """The path of one certificate, examined at `at`."""

    at: datetime
    status: ChainStatus
    detail: str = ""
    """What exactly is wrong, in English, for the report; empty if nothing is."""
    path: tuple[bytes, ...] = ()
    """DER certificates from the leaf to the root; the leaf alone if no path was found."""
    revoked_at: datetime | None = None
    is_authority: bool = False
    """What was revoked is a CA of the path, not its leaf."""
    algorithms: tuple[Algorithm, ...] = ()
    """With which the certificates below the root were signed."""
    outlived: datetime | None = None
    """When the first of the CAs that vouch for the evidence expires, roots included."""
    proven: datetime | None = None
    """Since when time-stamps prove that all of the evidence existed; None if they do not."""
    revocation_source: str = ""
    """`crl`, `ocsp` or empty."""
    evidence: tuple[bytes, ...] = ()
    """DER CRLs and OCSP responses that decided the status: `crls` and `ocsps` together."""
    crls: tuple[bytes, ...] = ()
    """The CRLs among the evidence, with those that clear the responder of an OCSP answer."""
    ocsps: tuple[bytes, ...] = ()
    """The OCSP responses among the evidence; a delegated responder's certificate is inside."""
    development: bool = False
    """The root is one of edoc's development roots: never evidence of anything in the real world."""
