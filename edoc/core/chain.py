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
    """What was revoked, had expired or had not begun is a CA of the path, not its leaf."""
    on_hold: bool = False
    """What was revoked is only on hold: it may be released again."""
    not_revoked: bool = False
    """Of a leaf outside its period: it is known that it was not revoked as long as that lasted."""
    forgets: bool = False
    """Evidence is younger than the end of the certificate that it clears and need not remember it."""
    weak: bool = False
    """Nothing makes the path INVALID but algorithms that are weak by now."""
    algorithms: tuple[Algorithm, ...] = ()
    """With which the certificates below the root were signed, the leaf first."""
    revocation_algorithms: tuple[Algorithm, ...] = ()
    """With which the evidence was signed, and the certificates of OCSP responders."""
    vouched: tuple[tuple[bytes, datetime], ...] = ()
    """Pieces of evidence, and when the first of those who vouch for each expires: CAs and OCSP responders."""
    outlived: datetime | None = None
    """When somebody who vouches for evidence expired, before anything proves it to be older; None if nobody
    did until the file was judged."""
    proven: datetime | None = None
    """Since when a time-stamp proves that all of the evidence and of the CAs existed; None if none does."""
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
