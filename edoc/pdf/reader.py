"""Read a signed PDF into evidence.

Rules: strict reading first, lenient only where strict fails, and then it is said; each signature is read
alone, so that one broken signature hides no other; whatever goes wrong at this boundary, exhausted memory
and endless recursion included, becomes a fault in the evidence and never an exception.
"""

import hashlib
from dataclasses import replace
from io import BytesIO
from typing import Final

from pyhanko.pdf_utils.crypt import AuthStatus
from pyhanko.pdf_utils.decode_limits import DecodeLimits
from pyhanko.pdf_utils.reader import PdfFileReader

from edoc.core.evidence import ChangeFacts, Fault, FileEvidence, SignatureFacts
from edoc.core.report import Changes, Coverage, Level, SignatureType
from edoc.pdf.changes import History
from edoc.pdf.fieldlist import Field, Store, key_of, list_boxes, list_fields, list_pages, read_store
from edoc.pdf.scan import scan
from edoc.pdf.signatures import Bytes, Found, read_loose, read_signature, say
from edoc.pdf.visual import Allowed, CannotDraw, compare

MAX_SIZE: Final = 1 << 30
"""Bytes of the largest file that is read."""
_HEADER_WINDOW: Final = 1024
_TRY_AGAIN: Final = frozenset({"SIGNATURE_UNREADABLE", "REVISION_NOT_COVERED"})
_LOOKS: Final = (Changes.FORM_FILLING, Changes.ANNOTATION)


class _Closed(Exception):  # noqa: N818 - it is not an error that the file has a password
    """The file is encrypted and the password does not open it."""


def is_pdf(data: bytes) -> bool:
    """Tell whether the bytes begin like a PDF."""
    return b"%PDF-" in data[:_HEADER_WINDOW]


def read_pdf(data: bytes, *, path: str, password: str | None = None) -> FileEvidence:
    """Read a PDF into evidence; `path` is only its name in the report. Never raises."""
    evidence = FileEvidence(path=path, sha256=hashlib.sha256(data).hexdigest(), size=len(data), format="pdf")
    try:
        read = _read(data, evidence, password=password, strict=True)
        if not _needs_leniency(read):
            return read
    except _Closed:
        return replace(evidence, unreadable=_closed(password))
    except Exception:  # noqa: BLE001, S110 - the boundary; the lenient reader tells what is wrong
        pass
    try:
        read = _read(data, evidence, password=password, strict=False)
    except _Closed:
        return replace(evidence, unreadable=_closed(password))
    except Exception as error:  # noqa: BLE001 - the boundary: any file ends in evidence
        return replace(evidence, unreadable=Fault(code="PDF_BROKEN", detail=say(error)))
    return replace(read, faults=(*read.faults, Fault(code="READ_LENIENTLY")))


def _closed(password: str | None) -> Fault:
    return Fault(code="PASSWORD_NEEDED" if password is None else "PASSWORD_WRONG")


def _needs_leniency(read: FileEvidence) -> bool:
    return any(
        signature.changes.undecided or any(fault.code in _TRY_AGAIN for fault in signature.faults)
        for signature in read.signatures
    )


def _read(data: bytes, evidence: FileEvidence, *, password: str | None, strict: bool) -> FileEvidence:
    reader = _open(data, password=password, strict=strict)
    file = Bytes(data, reader)
    fields = list_fields(reader)
    found = _read_signatures(reader, fields, file)
    counted = [item for item in found if not item.ignored and not item.empty]
    judged = _Judged(reader, data, counted, password).facts()
    loose = _read_loose(data, file, found)
    store = read_store(reader)
    texts = tuple((field.name, field.text) for field in fields if field.type == "/Tx")
    faults = [Fault(code="TIMESTAMP_MISTYPED", detail=item.facts.field) for item in found if item.ignored]
    faults += [Fault(code="SIGNATURE_EMPTY", detail=item.facts.field) for item in found if item.empty]
    return replace(
        evidence,
        signatures=tuple(sorted((*judged, *loose), key=lambda facts: facts.end)),
        fields=texts,
        certificates=store.certificates,
        crls=store.crls,
        ocsps=store.ocsps,
        faults=tuple(faults),
    )


def _open(data: bytes, *, password: str | None, strict: bool) -> PdfFileReader:
    reader = PdfFileReader(BytesIO(data), strict=strict, decode_limits=DecodeLimits.for_untrusted_input())
    if reader.encrypted:
        try:
            opened = reader.decrypt(password or "").status != AuthStatus.FAILED
        except Exception as error:
            raise _Closed from error
        if not opened:
            raise _Closed
    if strict and reader.xrefs.hybrid_xrefs_present:
        raise ValueError("hybrid cross-references are read leniently only")
    reader.root  # noqa: B018 - a file without a catalogue is broken here and now
    return reader


def _read_signatures(reader: PdfFileReader, fields: tuple[Field, ...], file: Bytes) -> list[Found]:
    """Every signature that a field reaches; fields that share one signature count once."""
    found: list[Found] = []
    seen: set[object] = set()
    for field in fields:
        if field.type != "/Sig" or "/V" not in field.dictionary:
            continue
        key = key_of(field.dictionary.raw_get("/V")) or object()
        if key not in seen:
            seen.add(key)
            found.append(read_signature(reader, field, file))
    return sorted(found, key=lambda item: item.facts.end)


def _read_loose(data: bytes, file: Bytes, found: list[Found]) -> list[SignatureFacts]:
    """Signatures that stand in the bytes but that no field reaches."""
    reached = {item.numbers for item in found}
    loose = (read_loose(file, numbers) for numbers in scan(data).ranges if numbers not in reached)
    return [facts for facts in loose if facts is not None]


class _Judged:
    """The signatures of one file together: what came after each, and the level that follows."""

    def __init__(self, reader: PdfFileReader, data: bytes, found: list[Found], password: str | None) -> None:
        self._reader = reader
        self._data = data
        self._found = found
        self._password = password
        self._history = History(reader)
        self._stores: dict[int, Store] = {}

    def facts(self) -> list[SignatureFacts]:
        """All facts, completed."""
        return [
            replace(item.facts, changes=self._change(item), level=self._level(item)) for item in self._found
        ]

    def _change(self, item: Found) -> ChangeFacts:
        facts = item.facts
        if facts.coverage is Coverage.WHOLE_FILE:
            return ChangeFacts()
        if facts.coverage is Coverage.PARTIAL:
            return ChangeFacts(kind=Changes.OTHER)
        changes = self._history.after(item.revision, facts.lock)
        if not facts.intact or changes.kind not in _LOOKS or changes.undecided:
            return changes
        try:
            return replace(changes, visual=self._look(item))
        except CannotDraw as error:
            return replace(changes, undecided=f"the pages cannot be drawn: {say(error)}")
        except Exception as error:  # noqa: BLE001 - the boundary: any file ends in evidence
            return replace(changes, undecided=say(error))

    def _look(self, item: Found) -> tuple[str, ...]:
        """Changes to the looks of the pages where they are not allowed."""
        signed = self._reader.get_historical_resolver(item.revision)
        pages = list_pages(signed)
        now = list_fields(self._reader)
        values = {field.name: field.text for field in now}
        allowed: list[Allowed] = []
        for field in list_fields(signed):
            # Only what was empty and unlocked when it was signed may be filled.
            if field.type == "/Tx" and not field.text and not self._locked(field.name, item):
                allowed += [
                    Allowed(page=page, box=box, text=values.get(field.name, ""), name=field.name)
                    for page, box in list_boxes(field, pages)
                ]
        later = {
            each.facts.field for each in self._found if each.facts.end > item.facts.end and each.facts.intact
        }
        pages = list_pages(self._reader)
        for field in now:
            if field.type == "/Sig" and field.name in later:
                allowed += [Allowed(page=page, box=box) for page, box in list_boxes(field, pages)]
        return compare(self._data[: item.facts.end], self._data, tuple(allowed), password=self._password)

    def _locked(self, name: str, item: Found) -> bool:
        """Whether this signature or one before it locks a field."""
        return any(each.facts.lock.holds(name) for each in self._found if each.facts.end <= item.facts.end)

    def _level(self, item: Found) -> Level:
        """EN 319 142-1, 6.3: what is present decides; only what came after the signature counts."""
        level = item.facts.level
        if level is not Level.PADES_B_B:
            return level
        stamps = [
            each
            for each in self._found
            if each.facts.type is SignatureType.DOCUMENT_TIMESTAMP and each.facts.end > item.facts.end
        ]
        if item.facts.timestamp is None and not stamps:
            return level
        last = self._reader.xrefs.total_revisions - 1
        if not self._has_data(item, last):
            return Level.PADES_B_T
        return (
            Level.PADES_B_LTA if any(self._has_data(item, s.revision) for s in stamps) else Level.PADES_B_LT
        )

    def _has_data(self, item: Found, revision: int) -> bool:
        """Whether validation data for the signature stands in the store of `revision`."""
        store, before = self._store(revision), self._store(item.revision)
        named = hashlib.sha1(item.contents, usedforsecurity=False).hexdigest().upper() in store.names
        return bool(store.revocation) and (named or bool(store.revocation - before.revocation))

    def _store(self, revision: int) -> Store:
        if revision not in self._stores:
            self._stores[revision] = read_store(self._reader.get_historical_resolver(revision))
        return self._stores[revision]
