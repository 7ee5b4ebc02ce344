"""One PDF signature alone: its form, its coverage, its cryptography, its lock.

Rules: the bytes decide, not the dictionary: the CMS that is checked is the one that stands in the gap of the
byte range; the signed revision is the one that ends where the range ends. Whatever goes wrong becomes a
fault of this one signature.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.core.evidence import ChangeFacts, Fault, Lock, SignatureFacts
from edoc.core.report import Changes, Coverage, Level, SignatureType
from edoc.pdf.cms import CmsFacts, Digest, as_signature, read_cms
from edoc.pdf.cmsbare import read_bare
from edoc.pdf.fieldlist import Field, Key, entry, key_of
from edoc.pdf.filebytes import FileBytes
from edoc.pdf.ordinary import Unordinary
from edoc.pdf.revisions import Revisions
from edoc.pdf.scan import ByteRange, Numbers, read_gap

_PADES: Final = "ETSI.CAdES.detached"
_TOKEN: Final = "ETSI.RFC3161"  # noqa: S105 - the name of a format
_OVER_SHA1: Final = "adbe.pkcs7.sha1"
_BARE: Final = "adbe.x509.rsa_sha1"
_KNOWN: Final = frozenset({_PADES, _TOKEN, _OVER_SHA1, "adbe.pkcs7.detached"})
_BASELINE: Final = frozenset({"content_type", "message_digest"})
_REFERENCES: Final = frozenset(
    {
        "signing_certificate",
        "signing_certificate_v2",
        "1.2.840.113549.1.9.16.2.12",
        "1.2.840.113549.1.9.16.2.47",
    }
)
_MAX_CERTIFICATES: Final = 64
_MAX_LOCKED: Final = 5000
UNREACHABLE: Final = ChangeFacts(kind=Changes.OTHER, reasons=("no form field leads to the signature",))
"""What can be said of the changes after a signature that the form does not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A signature as it was read, and where it stands among the revisions."""

    facts: SignatureFacts
    numbers: tuple[int, ...] = ()
    """Its `/ByteRange`."""
    revision: int = 0
    """The revision that it signs; 0 is the oldest."""
    contents: bytes = b""
    ignored: bool = False
    """It claims to be a signature but is only a time-stamp, so it is neither."""
    empty: bool = False
    """Its place was reserved and never filled."""


def read_signature(revisions: Revisions, field: Field, file: FileBytes) -> Found:
    """Read one signature. Whatever goes wrong is a fault of this signature; only `Unordinary` is raised."""
    try:
        return _read(revisions, field, file)
    except Unordinary:
        raise
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the boundary: any file ends in evidence
        fault = Fault(code="SIGNATURE_UNREADABLE", detail=say(error))
        facts = SignatureFacts(field=field.name, type=SignatureType.SIGNATURE, faults=(fault,))
        return Found(facts=facts, numbers=read_numbers(field))


def read_numbers(field: Field) -> tuple[int, ...]:
    """The byte range if that much can be read, so that the signature is not found a second time."""
    try:
        return tuple(int(number) for number in field.dictionary["/V"]["/ByteRange"])
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - why it cannot be read is told already
        return ()


def _read(revisions: Revisions, field: Field, file: FileBytes) -> Found:
    raw = field.dictionary.raw_get("/V")
    value = raw.get_object()
    contents = _contents(value)
    if not contents.strip(b"\x00"):
        empty = SignatureFacts(field=field.name, type=SignatureType.SIGNATURE)
        return Found(facts=empty, numbers=read_numbers(field), empty=True)
    numbers = tuple(int(number) for number in value["/ByteRange"])
    subfilter = str(entry(value, "/SubFilter", "")).lstrip("/")
    coverage, revision, faults = _cover(revisions, file, numbers, contents, key_of(raw) or field.key)
    cms = _read_cms(subfilter, contents, value, partial(file.digest, numbers))
    if cms.is_token != (subfilter == _TOKEN) and subfilter != _BARE:
        faults.append(Fault(code="SUBFILTER_MISMATCH", detail=subfilter))
    facts = as_signature(cms, field.name)
    facts = replace(
        facts,
        subfilter=subfilter,
        level=_name_format(subfilter, cms, value),
        end=numbers[-2] + numbers[-1],
        coverage=coverage,
        claimed_time=facts.claimed_time if cms.is_token else facts.claimed_time or _read_date(value),
        lock=_read_lock(value, field.dictionary, certified=_certifies(revisions.current, raw)),
        faults=(*faults, *cms.faults),
    )
    mistyped = cms.is_token and str(entry(value, "/Type", "")) == "/Sig"
    return Found(facts=facts, numbers=numbers, revision=revision, contents=contents, ignored=mistyped)


def read_loose(file: FileBytes, numbers: Numbers) -> SignatureFacts | None:
    """A signature that stands in the bytes but that no field reaches; None if there is none after all."""
    start, end = (*numbers, 0, 0, 0)[1:3]
    contents = read_gap(file.read(start, end)) if 0 < start < end <= file.size else None
    if contents is None or not contents.startswith(b"\x30"):
        return None
    try:
        cms = read_cms(contents, lambda algorithm: file.digest(numbers, algorithm))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - its bytes still show that something was signed
        cms = CmsFacts()
    return replace(
        as_signature(cms, ""),
        end=sum(numbers[2:4]),
        changes=UNREACHABLE,
        faults=(Fault(code="SIGNATURE_UNREACHABLE", detail=f"/ByteRange {list(numbers)}"),),
    )


def _contents(value: Any) -> bytes:
    """The CMS as it stands in the file: signatures are never encrypted (ISO 32000-2, 7.6.2)."""
    raw = value.raw_get("/Contents", decrypt=generic.EncryptedObjAccess.RAW).get_object()
    if not isinstance(raw, generic.TextStringObject | generic.ByteStringObject):
        raise TypeError("/Contents is no string")
    return bytes(raw.original_bytes)


def _read_cms(subfilter: str, contents: bytes, value: Any, digest: Digest) -> CmsFacts:
    if subfilter == _BARE:
        return read_bare(contents, _read_certificates(value), digest)
    try:
        return read_cms(contents, digest, over_sha1=subfilter == _OVER_SHA1)
    except ValueError:
        if subfilter in _KNOWN:
            raise
        return CmsFacts(faults=(Fault(code="FORMAT_UNSUPPORTED", detail=subfilter or "without a name"),))


def _read_certificates(value: Any) -> tuple[bytes, ...]:
    """The certificates beside a signature without CMS (ISO 32000-2, table 255): one string or several."""
    found = entry(value, "/Cert")
    listed = found if isinstance(found, generic.ArrayObject) else [found]
    objects = (item.get_object() for item in islice(listed, _MAX_CERTIFICATES) if item is not None)
    strings = generic.TextStringObject | generic.ByteStringObject
    return tuple(bytes(each.original_bytes) for each in objects if isinstance(each, strings))


def _cover(
    revisions: Revisions, file: FileBytes, numbers: Numbers, contents: bytes, key: Key | None
) -> tuple[Coverage, int, list[Fault]]:
    """How much the signature covers, the revision it signs, and what is wrong with its range."""
    last = revisions.newest
    span = ByteRange.of(numbers, file.size)
    if span is None:
        return Coverage.PARTIAL, last, [Fault(code="BYTE_RANGE_BAD", detail=str(list(numbers)))]
    if read_gap(file.read(span.gap_start, span.gap_end)) != contents:
        return Coverage.PARTIAL, last, [Fault(code="GAP_NOT_CONTENTS")]
    if span.end == file.size:
        return Coverage.WHOLE_FILE, last, []
    revision = revisions.find(span.end, key, span.gap_start)
    if revision is None:
        return Coverage.PARTIAL, last, [Fault(code="REVISION_NOT_COVERED", detail=f"byte {span.end}")]
    return Coverage.WHOLE_REVISION, revision, []


def _name_format(subfilter: str, cms: CmsFacts, value: Any) -> Level:
    """The level without time-stamps and validation data (EN 319 142-1, table 1)."""
    if cms.is_token:
        return Level.DOC_TIMESTAMP
    if subfilter != _PADES:
        return Level.PKCS7 if subfilter.startswith("adbe.pkcs7.") else Level.UNKNOWN
    baseline = (
        cms.attributes >= _BASELINE
        and cms.attributes & _REFERENCES
        and "signing_time" not in cms.attributes
        and "/M" in value
        and cms.certificate is not None
    )
    return Level.PADES_B_B if baseline else Level.CADES


def _read_date(value: Any) -> datetime | None:
    if "/M" not in value:
        return None
    try:
        time = generic.parse_pdf_date(value["/M"], strict=False)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a claim that cannot be read claims nothing
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _certifies(reader: Any, raw: Any) -> bool:
    """Whether the catalogue's permissions rest on this signature (ISO 32000-2, 12.8.6)."""
    permissions = entry(reader.root, "/Perms", {})
    if not isinstance(permissions, generic.DictionaryObject):
        return False
    return "/DocMDP" in permissions and key_of(permissions.raw_get("/DocMDP")) == key_of(raw)


def _read_lock(value: Any, field: Any, *, certified: bool) -> Lock:
    """DocMDP and FieldMDP of the signature, else of its field's lock (ISO 32000-2, 12.7.5.5)."""
    permission: int | None = None
    action = ""
    names: tuple[str, ...] = ()
    for item in entry(value, "/Reference", ()):
        reference = item.get_object()
        parameters = entry(reference, "/TransformParams", {})
        if entry(reference, "/TransformMethod") == "/DocMDP":
            permission = int(entry(parameters, "/P", 2))
        elif entry(reference, "/TransformMethod") == "/FieldMDP":
            action, names = _read_locked(parameters)
    if "/Lock" in field:
        lock = field["/Lock"]
        if permission is None and "/P" in lock:
            permission = int(lock["/P"])
        if not action:
            action, names = _read_locked(lock)
    return Lock(document=permission, certified=certified, action=action, fields=names)


def _read_locked(parameters: Any) -> tuple[str, tuple[str, ...]]:
    action = str(entry(parameters, "/Action", "")).lstrip("/")
    fields = entry(parameters, "/Fields", ())
    return action, tuple(str(name) for name in fields)[:_MAX_LOCKED]


def say(error: Exception) -> str:
    """An unexpected error in a few words."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}".rstrip(": ")
