"""Read PDFs whose cross-references are damaged, from the objects that stand in the bytes.

What a file then shows is a guess, which the report says; what its signatures cover is none.
"""

import re
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic

from edoc.pdf.crossref import Entry
from edoc.pdf.ordinary import OrdinaryReader, Unordinary, Update
from edoc.pdf.scan import list_objects
from edoc.pdf.syntax import SyntaxFault, parse_object

MAX_BYTES: Final = 64 << 20
"""Larger files are not repaired: all of one is held in memory."""
_MAX_OBJECTS: Final = 100_000
_END: Final = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF")
_TRAILER: Final = re.compile(rb"\btrailer\b")
_make: Final[Any] = generic.DictionaryObject
_number: Final[Any] = generic.NumberObject


@dataclass(frozen=True, slots=True)
class _Listed:
    """A cross-reference section that was put together from what stands in the file."""

    entries: dict[int, Entry]

    @property
    def last(self) -> int:
        return max(self.entries, default=0)

    def find(self, number: int) -> Entry | None:
        return self.entries.get(number)

    def list_all(self) -> Any:
        return iter(self.entries.items())


class RepairedReader(OrdinaryReader):
    """A PDF whose objects were looked for, revision by revision. Raises `Unordinary` here and later."""

    is_repaired = True

    def __init__(self, stream: BinaryIO) -> None:
        if stream.seek(0, 2) > MAX_BYTES:
            raise Unordinary("the file is too large to be repaired")
        stream.seek(0)
        self._data = stream.read()
        super().__init__(stream)
        del self._data

    def _find_start(self) -> int:
        return 0

    def _read_sections(self) -> Any:
        start = 0
        trailer = _make()
        for found in _END.finditer(self._data):
            trailer = self._add_revision(start, found.end(), int(found[1]), trailer)
            start = found.end()
        if self._data[start:].strip(b" \t\r\n\x00\x0c"):
            trailer = self._add_revision(start, len(self._data), -1, trailer)
        return trailer

    def _add_revision(self, start: int, end: int, position: int, before: Any) -> Any:
        objects = list_objects(self._data, start, end)
        entries = {number: Entry(at, generation) for number, generation, at in objects}
        if len(entries) > _MAX_OBJECTS:
            raise SyntaxFault("too many objects")
        self._sections.insert(0, _Listed(entries))
        trailer = _make()
        dict.update(trailer, before)
        for number in list(entries):
            self._unfold(number, entries, trailer)
        for found in _TRAILER.finditer(self._data, start, end):
            self._merge(trailer, self._parse_after(found.end()))
        if "/Root" not in trailer:
            raise SyntaxFault("no trailer names the catalogue")
        if "/Encrypt" in trailer:
            raise SyntaxFault("encrypted")
        trailer.setdefault("/Size", _number(max(each.last for each in self._sections) + 1))
        self._updates.insert(0, Update(position, end, trailer, (self._sections[0],)))
        return trailer

    def _parse_after(self, position: int) -> Any:
        return parse_object(self._data, position, self, None)[0]

    def _merge(self, trailer: Any, said: Any) -> None:
        if not isinstance(said, generic.DictionaryObject):
            raise SyntaxFault("a trailer is no dictionary")
        known = ("/Root", "/Info", "/ID", "/Encrypt")
        dict.update(trailer, {key: value for key, value in dict.items(said) if key in known})

    def _unfold(self, number: int, entries: dict[int, Entry], trailer: Any) -> None:
        """Add what an object stream holds, and what a cross-reference stream says as a trailer."""
        value, is_stream = self.peek(number)
        if not is_stream:
            return
        kind = dict.get(value, "/Type")
        if kind == "/XRef":
            self._merge(trailer, value)
        elif kind == "/ObjStm":
            self._object_streams.pop(number, None)
            for inner, index in self.list_compressed(number):
                entries.setdefault(inner, Entry(number, index, compressed=True))
