"""Read a signed PDF into evidence.

Rules: strict reading first, lenient only where strict fails, and then it is said; each signature is read
alone, so that one broken signature hides no other; whatever goes wrong at this boundary, exhausted memory
and endless recursion included, becomes a fault in the evidence and never an exception.
"""

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic

from edoc.core.evidence import ChangeFacts, Fault, FileEvidence, SignatureFacts
from edoc.core.report import Changes, Coverage, Level, SignatureType
from edoc.pdf.fieldlist import ODD, Field, Store, entry, key_of, list_fields, read_store
from edoc.pdf.filebytes import FileBytes
from edoc.pdf.history import History
from edoc.pdf.ordinary import OrdinaryReader, Unordinary
from edoc.pdf.revisions import OrdinaryRevisions, Revisions
from edoc.pdf.scan import find_unexplained
from edoc.pdf.signatures import UNREACHABLE, Found, read_loose, read_numbers, read_signature, say

MAX_SIZE: Final = 1 << 30
"""Bytes of the largest file that is read."""
_HEADER_WINDOW: Final = 1024
_null: Final[Any] = generic.NullObject
_TRY_AGAIN: Final = frozenset({"SIGNATURE_UNREADABLE", "REVISION_NOT_COVERED"})


def is_pdf(start: bytes) -> bool:
    """Tell whether the bytes begin like a PDF."""
    return b"%PDF-" in start[:_HEADER_WINDOW]


def read_pdf(source: bytes | BinaryIO, *, path: str, password: str | None = None) -> FileEvidence:
    """Read a PDF, its bytes or a seekable stream, into evidence; `path` is only its name in the report.

    Whatever the file holds, nothing is raised but what reading the stream raises.
    """
    file = FileBytes(io.BytesIO(source) if isinstance(source, bytes) else source)
    evidence = FileEvidence(path=path, sha256=None, size=file.size, format="pdf")
    try:
        read = _read_ordinary(file, evidence) or _read_tolerantly(file, evidence, password)
    except MemoryError:
        read = replace(evidence, unreadable=Fault(code="LIMIT_MEMORY", detail="?"))
    return replace(read, sha256=file.sha256)


def _read_ordinary(
    file: FileBytes, evidence: FileEvidence, reader: Callable[[BinaryIO], OrdinaryReader] = OrdinaryReader
) -> FileEvidence | None:
    try:
        return _read(file, OrdinaryRevisions(file, reader(file.stream)), evidence, None)
    except Unordinary:
        return None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - the boundary; the next reader tells what is wrong
        return None


def _read_tolerantly(file: FileBytes, evidence: FileEvidence, password: str | None) -> FileEvidence:
    from edoc.pdf.tolerant import Closed, TolerantRevisions

    for strict in (True, False):
        try:
            revisions = TolerantRevisions(file, password=password, strict=strict)
            read = _read(file, revisions, evidence, password)
        except Closed:
            return replace(evidence, unreadable=_closed(password))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary: any file ends in evidence
            trouble = say(error)
        else:
            if not strict:
                return replace(read, faults=(*read.faults, Fault(code="READ_LENIENTLY")))
            if not _needs_leniency(read):
                return read
    return _repair(file, evidence, trouble)


def _repair(file: FileBytes, evidence: FileEvidence, trouble: str) -> FileEvidence:
    from edoc.pdf.repaired import RepairedReader

    read = _read_ordinary(file, evidence, RepairedReader)
    if read is not None:
        return replace(read, faults=(*read.faults, Fault(code="READ_REPAIRED", detail=trouble)))
    broken = Fault(code="PDF_BROKEN", detail=trouble)
    loose = tuple(_read_loose(file, []) or _list_lost(file))
    if not loose:
        return replace(evidence, unreadable=broken)
    return replace(evidence, signatures=loose, faults=(broken,))


def _closed(password: str | None) -> Fault:
    return Fault(code="PASSWORD_NEEDED" if password is None else "PASSWORD_WRONG")


def _needs_leniency(read: FileEvidence) -> bool:
    return any(
        signature.changes.undecided or any(fault.code in _TRY_AGAIN for fault in signature.faults)
        for signature in read.signatures
    )


def _read(
    file: FileBytes, revisions: Revisions, evidence: FileEvidence, password: str | None
) -> FileEvidence:
    fields = list_fields(revisions.current)
    found = _read_signatures(revisions, fields, file)
    counted = [item for item in found if not item.ignored and not item.empty]
    history = History(file, revisions, counted, fields, password)
    judged = _Judged(file, revisions, counted, history).facts()
    loose = _read_loose(file, found)
    store = read_store(revisions.current)
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


def _read_signatures(revisions: Revisions, fields: tuple[Field, ...], file: FileBytes) -> list[Found]:
    """Every signature that a field reaches; fields that share one signature count once."""
    chosen: dict[object, Field] = {}
    for field in fields:
        if field.type == "/Sig" and _is_filled(field):
            chosen.setdefault(key_of(field.dictionary.raw_get("/V")) or object(), field)
    file.expect(map(read_numbers, chosen.values()))
    found = [read_signature(revisions, field, file) for field in chosen.values()]
    return sorted(found, key=lambda item: item.facts.end)


def _is_filled(field: Field) -> bool:
    """Whether the field holds anything; a value that is nowhere, or null, is none."""
    try:
        return not isinstance(entry(field.dictionary, "/V", _null()), generic.NullObject)
    except ODD:
        return True


def _read_loose(file: FileBytes, found: list[Found]) -> list[SignatureFacts]:
    """Signatures that stand in the bytes but that no field reaches."""
    reached = {item.numbers for item in found}
    loose = (read_loose(file, numbers) for numbers in file.ranges if numbers not in reached)
    return [facts for facts in loose if facts is not None]


def _list_lost(file: FileBytes) -> list[SignatureFacts]:
    """Signatures of which nothing is left but the ranges that they cover."""
    return [
        SignatureFacts(
            field="",
            type=SignatureType.SIGNATURE,
            end=sum(numbers[2:4]),
            changes=UNREACHABLE,
            faults=(Fault(code="SIGNATURE_UNREACHABLE", detail=f"/ByteRange {list(numbers)}"),),
        )
        for numbers in file.ranges
    ]


class _Judged:
    """The signatures of one file together: what came after each, and the level that follows."""

    def __init__(self, file: FileBytes, revisions: Revisions, found: list[Found], history: History) -> None:
        self._file = file
        self._revisions = revisions
        self._found = found
        self._history = history
        self._stores: dict[int, Store] = {}
        self._clean_from: int | None = None

    def facts(self) -> list[SignatureFacts]:
        """All facts, completed."""
        try:
            return [self._complete(item) for item in self._found]
        finally:
            self._history.close()

    def _complete(self, item: Found) -> SignatureFacts:
        facts = item.facts
        if facts.coverage is Coverage.WHOLE_REVISION and (odd := self._find_unexplained(facts.end)):
            fault = Fault(code="BYTES_UNEXPLAINED", detail=odd)
            facts = replace(facts, coverage=Coverage.PARTIAL, faults=(*facts.faults, fault))
        covers: frozenset[bytes] = frozenset()
        if facts.type is SignatureType.DOCUMENT_TIMESTAMP and facts.coverage is not Coverage.PARTIAL:
            store = self._store(item.revision)
            covers = frozenset((*store.certificates, *store.crls, *store.ocsps))
        return replace(facts, changes=self._change(item, facts), level=self._level(item), covers=covers)

    def _find_unexplained(self, start: int) -> str:
        """What stands after `start` that no reader was told of."""
        if self._clean_from is not None and start >= self._clean_from:
            return ""
        known = self._revisions.offsets(start)
        rest = self._file.read(start, self._file.size)
        odd = find_unexplained(rest, start, objects=known.objects, sections=known.sections)
        if not odd:
            self._clean_from = start
        return odd

    def _change(self, item: Found, facts: SignatureFacts) -> ChangeFacts:
        if facts.coverage is Coverage.WHOLE_FILE:
            return ChangeFacts()
        if facts.coverage is Coverage.PARTIAL:
            return ChangeFacts(kind=Changes.OTHER)
        return self._history.after(item)

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
        last = self._revisions.newest
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
            self._stores[revision] = read_store(self._revisions.view(revision))
        return self._stores[revision]
