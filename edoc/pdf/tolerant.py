"""Read PDFs that are out of the ordinary: encrypted, hybrid, damaged, or merely written sloppily.

The reading is pyHanko's, strictly first; leniently only where strict fails, and then the report says so.
"""

from collections.abc import Iterable
from typing import Any, BinaryIO

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import AuthStatus
from pyhanko.pdf_utils.decode_limits import DecodeLimits
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from edoc.pdf.changes import History
from edoc.pdf.fieldlist import Key
from edoc.pdf.filebytes import FileBytes
from edoc.pdf.revisions import Offsets, Step
from edoc.pdf.scan import TAIL_BYTES, read_startxref


class Closed(Exception):  # noqa: N818 - it is not an error that the file has a password
    """The file is encrypted and the password does not open it."""


class TolerantRevisions:
    """The revisions of any file that pyHanko can read. Raises `Closed` and whatever pyHanko raises."""

    def __init__(self, file: FileBytes, *, password: str | None, strict: bool) -> None:
        self._file = file
        self._reader = _open(file.stream, password=password, strict=strict)
        self._history = History(self._reader)
        self._offsets: Offsets | None = None

    @property
    def current(self) -> PdfFileReader:
        """The newest revision."""
        return self._reader

    @property
    def newest(self) -> int:
        """Its number."""
        return int(self._reader.xrefs.total_revisions) - 1

    def view(self, revision: int) -> HistoricalResolver:
        """Give a view of a revision."""
        return self._reader.get_historical_resolver(revision)

    def find(self, end: int, key: Key | None, gap: int) -> int | None:  # noqa: ARG002
        """Give the revision that ends at byte `end` and holds the signature `key`; else None."""
        startxref = read_startxref(self._file.read(end - TAIL_BYTES, end))
        revisions = range(self.newest + 1)
        get = self._reader.xrefs.get_startxref_for_revision
        revision = next((each for each in revisions if get(each) == startxref), None)
        if startxref is None or revision is None or not self._is_covered(revision, end, key):
            return None
        return revision

    def _is_covered(self, revision: int, end: int, key: Key | None) -> bool:
        """Every cross-reference up to the revision, every object and the signature stand before `end`."""
        xrefs = self._reader.xrefs
        for number in range(revision + 1):
            if xrefs.get_xref_container_info(number).end_location > end:
                return False
            places = (
                xrefs.get_historical_ref(each, number) for each in xrefs.explicit_refs_in_revision(number)
            )
            if any(isinstance(place, int) and place >= end for place in places):
                return False
        if key is None:
            return True
        make: Any = generic.Reference
        return bool(xrefs.get_last_change(make(key[0], key[1], pdf=self._reader)) <= revision)

    def offsets(self, start: int) -> Offsets:  # noqa: ARG002
        """Say where everything stands."""
        if self._offsets is None:
            self._offsets = self._list_offsets()
        return self._offsets

    def _list_offsets(self) -> Offsets:
        xrefs = self._reader.xrefs
        sections: set[int] = set()
        objects: set[int] = set()
        for revision in range(self.newest + 1):
            info = xrefs.get_xref_container_info(revision)
            sections |= {info.declared_startxref, info.start_location}
            for reference in xrefs.explicit_refs_in_revision(revision):
                offset = xrefs.get_historical_ref(reference, revision)
                if isinstance(offset, int):
                    objects.add(offset)
            hybrid = xrefs.get_xref_data(revision).hybrid
            if hybrid is not None:
                objects |= {hybrid.meta_info.declared_startxref, hybrid.meta_info.start_location}
        # Offsets may point at the white space before an object.
        return Offsets(frozenset(map(self._file.skip_blank, objects | sections)), frozenset(sections))

    def list_written(self, revision: int) -> Iterable[int]:
        """Give the numbers of the objects that a revision writes."""
        return {reference.idnum for reference in self._reader.xrefs.explicit_refs_in_revision(revision)}

    def step(self, revision: int, *, first: int, certified: bool) -> Step:  # noqa: ARG002
        """Say what a revision did."""
        return self._history.step(revision, certified=certified)


def _open(stream: BinaryIO, *, password: str | None, strict: bool) -> PdfFileReader:
    stream.seek(0)
    reader = PdfFileReader(stream, strict=strict, decode_limits=DecodeLimits.for_untrusted_input())
    if reader.encrypted:
        try:
            opened = reader.decrypt(password or "").status != AuthStatus.FAILED
        except Exception as error:
            raise Closed from error
        if not opened:
            raise Closed
    if strict and reader.xrefs.hybrid_xrefs_present:
        raise ValueError("hybrid cross-references are read leniently only")
    reader.root  # noqa: B018 - a file without a catalogue is broken here and now
    return reader
