"""Facts about a signed file, before anybody judges them.

Rules: facts only, no verdicts; everything a judgement rests on is here, so that a report can be made again
years later from stored evidence, with the same result.
"""

import dataclasses
from dataclasses import dataclass
from datetime import datetime

from edoc.core.chain import CertificateFacts, ChainFacts
from edoc.core.exhibit import Exhibit
from edoc.core.rule import Expected
from edoc.core.verdicts import Changes, Coverage, Level, SignatureType


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something odd that was found: a code of the message catalogue, and the detail in English."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What a signature forbids from then on (ISO 32000-2, 12.8.2)."""

    document: int | None = None
    """DocMDP permission 1, 2 or 3."""
    certified: bool = False
    """The signature certifies the document: the catalogue names it as the one that grants permissions."""
    action: str = ""
    """FieldMDP action: `All`, `Include`, `Exclude`, or empty."""
    fields: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Nothing may be filled any more."""
        return self.action == "All" or self.document == 1

    def holds(self, name: str) -> bool:
        """Tell whether the field `name` is locked."""
        named = any(name == locked or name.startswith(f"{locked}.") for locked in self.fields)
        return {"All": True, "Include": named, "Exclude": not named}.get(self.action, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a later revision did."""

    kind: Changes
    text: str
    """What it is, in English: `a signature was put into the field Seal`."""
    objects: tuple[int, ...] = ()
    """Numbers of the objects that were written for it."""
    field: str = ""
    """Full name of the form field; empty where there is none."""
    page: int | None = None
    """The first page is 1; None where no page shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFacts:
    """What came after one signature."""

    kind: Changes = Changes.NONE
    details: tuple[Change, ...] = ()
    """Everything that was recognised, and what was not as `other`."""
    reasons: tuple[str, ...] = ()
    """What is suspicious, in English; not empty if the change is not explained."""
    locked_fields: tuple[str, ...] = ()
    """Fields that were changed although this signature locks them."""
    beyond_document: bool = False
    """The change exceeds the signature's DocMDP permission."""
    visual: tuple[str, ...] = ()
    """Changes to the looks of a page outside the rectangles where they are allowed."""
    undecided: str = ""
    """Why the analysis could not end; empty if it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampFacts:
    """A time-stamp token (RFC 3161): on a signature, or the document time-stamp itself."""

    time: datetime | None = None
    intact: bool = False
    """The token's imprint matches what it stamps and the token's own signature holds."""
    certificate: bytes | None = None
    """The TSA's certificate, DER."""
    others: tuple[bytes, ...] = ()
    fault: str = ""
    chain: ChainFacts | None = None
    """The TSA's path, examined when newer time-stamps prove that this one existed, else at `at`."""
    token: bytes = b""
    """The token itself, DER; empty if it could not be read."""
    digest_algorithm: str = ""
    """The weakest digest that the token rests on, its imprint included."""
    signature_algorithm: str = ""
    key_bits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts:
    """Everything known about one signature of a file."""

    field: str
    type: SignatureType
    subfilter: str = ""
    level: Level = Level.UNKNOWN
    end: int = 0
    """Offset of the first byte after the signed range."""
    digest_algorithm: str = ""
    signature_algorithm: str = ""
    """As in `rsassa_pkcs1v15`, `rsassa_pss`, `ecdsa`."""
    key_bits: int = 0
    value: bytes = b""
    """The cryptographic signature itself; empty if it could not be read."""
    digest_matches: bool | None = None
    """None if it could not be computed."""
    signature_holds: bool | None = None
    """None if the algorithm is not supported: unsupported is not broken."""
    coverage: Coverage = Coverage.PARTIAL
    certificate: bytes | None = None
    """The signer's certificate, DER."""
    signer: CertificateFacts | None = None
    """The certificate in words; None if it cannot be read."""
    others: tuple[bytes, ...] = ()
    """Other certificates found in the signature, DER."""
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    """Revocation data found in the signature, DER."""
    chain: ChainFacts | None = None
    """The signer's path, examined at the best signature time."""
    claimed_time: datetime | None = None
    timestamp: TimestampFacts | None = None
    covers: frozenset[bytes] = frozenset()
    """Certificates, CRLs and OCSP responses (DER) in the validation store of the revision that this document
    time-stamp signs: it proves that they existed then. Empty for other signatures."""
    lock: Lock = dataclasses.field(default_factory=Lock)
    changes: ChangeFacts = dataclasses.field(default_factory=ChangeFacts)
    faults: tuple[Fault, ...] = ()
    """What is wrong with the form of the signature, or merely noteworthy; the catalogue knows which."""

    @property
    def intact(self) -> bool:
        """The digest matches the signed bytes and the cryptographic signature holds."""
        return self.digest_matches is True and self.signature_holds is True

    @property
    def vouches(self) -> bool:
        """It is intact and covers a whole revision: what stands before its end was there when it was made."""
        return self.intact and self.coverage is not Coverage.PARTIAL


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFacts:
    """What a package (edXML) says of what it carries."""

    expected: Expected | None = None
    """What the dispatch says about its document; None where it carries none: a status, an order to recall."""
    others: tuple[str, ...] = ()
    """Names of the attachments that are no PDF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEvidence:
    """Everything known about one file."""

    path: str
    sha256: str | None
    size: int | None
    format: str = "unknown"
    unreadable: Fault | None = None
    signatures: tuple[SignatureFacts, ...] = ()
    """In the order of their signed ranges: the earliest signature first."""
    fields: tuple[tuple[str, str], ...] = ()
    """Text fields with their values, in the current revision."""
    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    """What the document security store offers, DER."""
    faults: tuple[Fault, ...] = ()
    inside: "tuple[FileEvidence, ...]" = ()
    """The signed files that this one carries: the PDFs of a package."""
    package: PackageFacts | None = None
    """None if the file is no package."""
    exhibits: tuple[Exhibit, ...] = ()
    """In words what the judgement rests on, each piece once; known when all paths have been examined."""
