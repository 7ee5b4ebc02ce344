"""A piece of evidence in words: what the core cannot read itself, and is handed.

Certificates, CRLs, OCSP answers and time-stamp tokens are DER; `edoc.verification.exhibits` reads them.
"""

from dataclasses import dataclass
from datetime import datetime

from edoc.core.verdicts import EvidenceKind, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What DER says, whoever brought it; empty and None where it cannot be read."""

    kind: EvidenceKind
    sha256: str
    """Lower-case hex."""
    name: str = ""
    """Common name of a certificate's subject, of a CRL's issuer, of who answered or stamped, else the whole
    name."""
    subject: str = ""
    """The whole name of a certificate's subject."""
    issuer: str = ""
    """The whole name of the issuer of a certificate or a CRL, or of who answered."""
    serial_numbers: tuple[str, ...] = ()
    """Of the certificate, or of those that an OCSP answer is about; decimal."""
    this_update: datetime | None = None
    next_update: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One piece of evidence before the judge."""

    der: bytes
    words: Words
    origin: Origin
