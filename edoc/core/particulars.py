"""The particulars of a judgement: what was changed, what proves the time, and what evidence was weighed.

Rules: words and numbers only, no DER, so that a report stays small and can be sent to another process; keys
are those of `schemas/verification-report.schema.json`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edoc.core.verdicts import (
    Changes,
    EvidenceKind,
    Indication,
    Origin,
    StageResult,
    SubIndication,
    show_iso,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeReport:
    """One thing that was done after the signature."""

    kind: Changes
    text: str
    """What it is, in English: `the field Number was filled`."""
    objects: tuple[int, ...] = ()
    """Numbers of the PDF objects that were written for it."""
    field: str = ""
    """Full name of the form field; empty where there is none."""
    page: int | None = None
    """The first page is 1; None where no page shows it."""

    def to_dict(self) -> dict[str, Any]:
        """As in the report's JSON."""
        return {
            "kind": str(self.kind),
            "text": self.text,
            "objects": list(self.objects),
            "field": self.field,
            "page": self.page,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StampReport:
    """A time-stamp: the signature's own, or the document time-stamp itself."""

    time: datetime | None
    tsa: str
    """Common name of the authority; empty if its certificate cannot be read."""
    intact: bool
    """Its imprint matches what it stamps, and its own signature holds."""
    indication: Indication
    """Of the authority's certificate path; TOTAL_FAILED for a token that is not intact."""
    sub_indication: SubIndication | None = None
    sha256: str | None = None
    """Of the token's DER, lower-case hex; None where the token is not at hand."""
    certificates: tuple[str, ...] = ()
    """SHA-256 of the certificates of the authority's path, from the leaf to the root."""

    def to_dict(self) -> dict[str, Any]:
        """As in the report's JSON."""
        return {
            "time": show_iso(self.time),
            "tsa": self.tsa,
            "intact": self.intact,
            "indication": str(self.indication),
            "sub_indication": None if self.sub_indication is None else str(self.sub_indication),
            "sha256": self.sha256,
            "certificates": list(self.certificates),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateReport:
    """One certificate of the signer's path."""

    subject: str
    issuer: str
    serial_number: str
    """Decimal; empty if the certificate cannot be read."""
    sha256: str
    origin: Origin

    def to_dict(self) -> dict[str, str]:
        """As in the report's JSON."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "serial_number": self.serial_number,
            "sha256": self.sha256,
            "origin": str(self.origin),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationReport:
    """A CRL or OCSP answer that decided about certificates of the path."""

    kind: EvidenceKind
    issuer: str
    """Who issued the CRL; who answered."""
    this_update: datetime | None
    next_update: datetime | None
    sha256: str
    origin: Origin
    certificates: tuple[str, ...] = ()
    """SHA-256 of the certificates of the path that it is about."""

    def to_dict(self) -> dict[str, Any]:
        """As in the report's JSON."""
        return {
            "kind": str(self.kind),
            "issuer": self.issuer,
            "this_update": show_iso(self.this_update),
            "next_update": show_iso(self.next_update),
            "sha256": self.sha256,
            "origin": str(self.origin),
            "certificates": list(self.certificates),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """One question that was put to the signature, and its answer."""

    check: str
    """The question's name, as `cryptography`."""
    block: str
    """The building block of ETSI EN 319 102-1 that it belongs to, with its clause."""
    result: StageResult | None
    """None if the question did not arise."""
    codes: tuple[str, ...] = ()
    """Codes of the messages that it left."""

    def to_dict(self) -> dict[str, Any]:
        """As in the report's JSON."""
        return {
            "check": self.check,
            "block": self.block,
            "result": None if self.result is None else str(self.result),
            "codes": list(self.codes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceReport:
    """One piece of everything that the judgement on a file rests on."""

    kind: EvidenceKind
    sha256: str
    name: str
    """Subject of a certificate, issuer of a CRL, responder of an answer, authority of a token."""
    origin: Origin

    def to_dict(self) -> dict[str, str]:
        """As in the report's JSON."""
        return {
            "kind": str(self.kind),
            "sha256": self.sha256,
            "name": self.name,
            "origin": str(self.origin),
        }
