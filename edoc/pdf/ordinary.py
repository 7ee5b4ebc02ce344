"""Read ordinary PDFs: sound, unencrypted, as their cross-reference sections say; all kinds of sections.

Only what is asked for is read, so that a large file costs no more than a small one. Whatever is out of the
ordinary raises `Unordinary`, and pyHanko's reader takes over, which is slower and more forgiving.
"""

import re
import zlib
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodeContext, DecodeLimits, DecodePurpose
from pyhanko.pdf_utils.rw_common import PdfHandler

from edoc.pdf.crossref import MAX_STREAM_BYTES, Entry, Section, Stream, count_objects, read_stream, read_table
from edoc.pdf.syntax import SyntaxFault, parse_object

MAX_SECTIONS: Final = 500
"""Every object is looked for in every revision."""
MAX_OBJECT_BYTES: Final = 64 << 20

_generic: Final[Any] = generic
_TAIL_BYTES: Final = 1024
_WINDOW_BYTES: Final = 1024
_GROWTH: Final = 8
_START: Final = re.compile(rb"startxref[\s\x00]+(\d{1,19})[\s\x00]+%%EOF[\s\x00]*\Z")
_XREF: Final = re.compile(rb"[\s\x00]*xref[ \t]*(?:\r\n|\r|\n)")
_OBJECT: Final = re.compile(rb"[\s\x00]*(\d{1,10})[\s\x00]+(\d{1,5})[\s\x00]+obj(?![A-Za-z0-9])")
_END: Final = re.compile(rb"(?:[\s\x00]++|%[^\r\n]*+[\r\n])*+(?:(endobj)|stream(?:\r\n|\n))")
_AFTER_TRAILER: Final = re.compile(rb"(?:[\s\x00]++|%[^\r\n]*+[\r\n])*+startxref")
_ENDSTREAM: Final = re.compile(rb"[\s\x00]{0,2}endstream")
_LONG_NUMBER: Final = re.compile(rb"[\s\x00\[\])>+-][0-9]{19}")
_ODD: Final = (SyntaxFault, KeyError, ValueError, TypeError, IndexError, AttributeError, zlib.error)


@dataclass(frozen=True, slots=True)
class Update:
    """One cross-reference section, or the two of a hybrid file, and the trailer."""

    position: int
    """What `startxref` says of it."""
    end: int
    """Behind its last byte that counts."""
    trailer: Any
    sections: tuple[Section, ...]

    def list_all(self) -> dict[int, Entry]:
        """Give every object that it lists."""
        return {number: entry for section in reversed(self.sections) for number, entry in section.list_all()}


class Unordinary(Exception):  # noqa: N818 - no error, only not for this reader
    """The file is encrypted, hybrid in a rare way, damaged, or merely written sloppily."""


class OrdinaryReader(PdfHandler):
    """A PDF, read object by object. Raises `Unordinary` here and later."""

    encrypted: Final = False
    is_repaired: bool = False
    """Its revisions are guessed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._objects: dict[int, Any] = {}
        self._object_streams: dict[int, tuple[dict[int, tuple[int, int]], bytes]] = {}
        self.size = stream.seek(0, 2)
        self.highest_reference = 0
        """Of all that was read so far."""
        self._context: Any = DecodeContext(DecodeLimits.for_untrusted_input(), input_size=self.size)
        self._updates: list[Update] = []
        self._sections: list[Section] = []
        try:
            self.startxref = self._find_start()
            self.trailer = self._read_sections()
            self.root_reference = self.trailer.raw_get("/Root").reference
        except _ODD as error:
            raise Unordinary(str(error)) from error
        self.has_xref_stream = isinstance(self._sections[0], Stream)
        highest = max(section.last for section in self._sections)
        self.last_object = count_objects(highest, int(self.trailer["/Size"]))

    @property
    def trailer_view(self) -> Any:
        """The newest trailer."""
        return self.trailer

    @property
    def root_ref(self) -> generic.Reference:
        """The catalog's reference."""
        reference: generic.Reference = self.root_reference
        return reference

    @property
    def decode_context(self) -> DecodeContext:
        """Limits on what streams may inflate to."""
        context: DecodeContext = self._context
        return context

    def get_object(self, ref: generic.Reference, as_metadata_stream: bool = False) -> Any:  # noqa: ARG002
        """Give an object; the same each time. What stands nowhere is null."""
        number = ref.idnum
        found = self._objects.get(number)
        if found is None:
            try:
                found = self._read(number, ref)
            except _ODD as error:
                raise Unordinary(str(error)) from error
            self._objects[number] = found
        return found

    @property
    def updates(self) -> tuple[Update, ...]:
        """All cross-reference sections, the oldest first."""
        return tuple(reversed(self._updates))

    def rewind(self, count: int) -> "OrdinaryReader":
        """Give the file as its oldest `count` updates made it; set `size` where their end is known."""
        older = copy(self)
        updates = self._updates[len(self._updates) - count :]
        vars(older).update(
            _objects={},
            _object_streams={},
            _updates=updates,
            _sections=[section for update in updates for section in update.sections],
            startxref=updates[0].position,
            trailer=_rehome(updates[0].trailer, older),
            root_reference=_generic.Reference(
                self.root_reference.idnum, self.root_reference.generation, older
            ),
        )
        return older

    def find(self, number: int) -> Entry | None:
        """Say where an object stands; None if nobody lists it."""
        return self._find(number)

    def peek(self, number: int) -> tuple[Any, bool]:
        """Give an object, of a stream only the dictionary, and whether it is a stream; it is not kept."""
        entry = self._find(number)
        try:
            if entry is None or entry.free or entry.compressed:
                return self.get_object(_generic.Reference(number, 0, self)), False
            home = _generic.Reference(number, entry.generation, self)
            value, start = self._parse_header(entry.offset, home)
            if start is not None and not 0 <= int(value["/Length"]) <= self.size - start:
                raise SyntaxFault("a stream is longer than the file")
        except _ODD as error:
            raise Unordinary(str(error)) from error
        return value, start is not None

    def list_compressed(self, holder: int) -> list[tuple[int, int]]:
        """Give the numbers of the objects in an object stream, each with its index."""
        if holder not in self._object_streams:
            self._object_streams[holder] = self._open_object_stream(holder)
        places, _ = self._object_streams[holder]
        return [(number, index) for number, (index, _) in places.items()]

    def read_at(self, position: int, count: int) -> bytes:
        """Read up to `count` bytes."""
        if not 0 <= position <= self.size:
            raise SyntaxFault("a position outside the file")
        self._stream.seek(position)
        return self._stream.read(count)

    def _find_start(self) -> int:
        if not self.read_at(0, 8).startswith(b"%PDF-"):
            raise SyntaxFault("the file does not begin with %PDF-")
        tail = self.read_at(max(0, self.size - _TAIL_BYTES), _TAIL_BYTES)
        found = _START.search(tail)
        if found is None:
            raise SyntaxFault("the file does not end with startxref and %%EOF")
        return int(found[1])

    def _read_sections(self) -> Any:
        newest = None
        seen: set[int] = set()
        position: int | None = self.startxref
        while position is not None:
            if position in seen or len(seen) >= MAX_SECTIONS:
                raise SyntaxFault("the cross-reference sections go in a circle")
            seen.add(position)
            before = len(self._sections)
            trailer, end = self._read_section(position)
            self._updates.append(Update(position, end, trailer, tuple(self._sections[before:])))
            newest = trailer if newest is None else newest
            if "/Root" in trailer and trailer.raw_get("/Root") != newest.raw_get("/Root"):
                raise SyntaxFault("the trailers name different catalogs")
            if "/Encrypt" in trailer:
                raise SyntaxFault("encrypted")
            position = int(trailer["/Prev"]) if "/Prev" in trailer else None
        return newest

    def _read_section(self, position: int) -> tuple[Any, int]:
        head = _XREF.match(self.read_at(position, _WINDOW_BYTES))
        if head is None:
            return self._read_stream_section(position)
        table, at = read_table(self.read_at, position + head.end())
        trailer, end = self._parse_trailer(at)
        self._add(table, trailer)
        if "/XRefStm" in trailer:  # hybrid: what the table hides from old readers
            _, end_of_stream = self._read_stream_section(int(trailer["/XRefStm"]))
            end = max(end, end_of_stream)
        return trailer, end

    def _read_stream_section(self, position: int) -> tuple[Any, int]:
        holder = self._parse_indirect(position, None)
        if not isinstance(holder, generic.StreamObject) or holder.get("/Type") != "/XRef":
            raise SyntaxFault("there is no cross-reference section")
        self._add(read_stream(holder, _inflate(holder, MAX_STREAM_BYTES)), holder)
        return holder, position + len(holder.encoded_data)

    def _add(self, section: Section, trailer: Any) -> None:
        if section.last >= int(trailer["/Size"]):
            raise SyntaxFault("a cross-reference section lists more than its /Size")  # qpdf ignores the rest
        self._sections.append(section)

    def _find(self, number: int) -> Entry | None:
        for section in self._sections:
            found = section.find(number)
            if found is not None:
                return found
        return None

    def _read(self, number: int, reference: generic.Reference) -> Any:
        entry = self._find(number)
        if entry is None or entry.free:
            return _generic.NullObject()
        home = _generic.Reference(number, 0 if entry.compressed else entry.generation, self)
        if home.generation != reference.generation:
            return _generic.NullObject()
        if entry.compressed:
            return self._read_compressed(entry.offset, entry.generation, number, home)
        return self._parse_indirect(entry.offset, home)

    def _read_compressed(self, holder: int, index: int, number: int, home: Any) -> Any:
        self.list_compressed(holder)
        places, data = self._object_streams[holder]
        listed, at = places[number]
        if listed != index:
            raise SyntaxFault("an object stream lists its objects in another order")  # some go by the index
        return _require_value(parse_object(data, at, self, home)[0])

    def _open_object_stream(self, number: int) -> tuple[dict[int, tuple[int, int]], bytes]:
        entry = self._find(number)
        if entry is None or entry.compressed or entry.free:
            raise SyntaxFault("an object stream stands nowhere")
        holder = self.get_object(_generic.Reference(number, entry.generation, self))
        if holder.get("/Type") != "/ObjStm":
            raise SyntaxFault("this is no object stream")
        data = holder.read_data(DecodePurpose.OBJECT_STREAM)
        if _LONG_NUMBER.search(data):
            raise SyntaxFault("an object stream may hold a number that other programs cannot read")
        first = int(holder["/First"])
        numbers = [int(word) for word in data[:first].split()]
        if len(numbers) != 2 * int(holder["/N"]):
            raise SyntaxFault("an object stream counts its objects wrongly")
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        places = {each: (index, first + at) for index, (each, at) in enumerate(pairs)}
        if 2 * len(places) != len(numbers):
            raise SyntaxFault("an object stream lists an object twice")
        return places, data + b" "

    def _parse_indirect(self, position: int, home: Any) -> Any:
        value, start = self._parse_header(position, home)
        return value if start is None else self._read_stream(value, start, home)

    def _parse_header(self, position: int, home: Any) -> tuple[Any, int | None]:
        """An object without its stream's data, and where these begin if it is a stream."""
        for window in self._windows(position):
            head = _OBJECT.match(window)
            if head is None:
                raise SyntaxFault(f"there is no object at {position}")
            if home is not None and (int(head[1]), int(head[2])) != (home.idnum, home.generation):
                raise SyntaxFault(f"another object stands at {position}")
            try:
                value, at = parse_object(window, head.end(), self, home)
                end = _END.match(window, at)
            except SyntaxFault:
                continue
            if end is not None:
                return _require_value(value), None if end[1] else position + end.end()
        raise SyntaxFault(f"the object at {position} cannot be read")

    def _parse_trailer(self, position: int) -> tuple[Any, int]:
        for window in self._windows(position):
            try:
                trailer, end = parse_object(window, 0, self, None)
            except SyntaxFault:
                continue
            if _AFTER_TRAILER.match(window, end):
                return trailer, position + end
        raise SyntaxFault(f"there is no trailer at {position}")

    def _windows(self, position: int) -> Iterator[bytes]:
        # Most objects are short; nobody knows how long one is before it is parsed.
        count = _WINDOW_BYTES
        while True:
            window = self.read_at(position, count)
            yield window
            if len(window) < count or count > MAX_OBJECT_BYTES:
                return
            count *= _GROWTH

    def _read_stream(self, dictionary: Any, position: int, home: Any) -> Any:
        length = int(dictionary["/Length"])
        if not 0 <= length <= min(self.size - position, MAX_OBJECT_BYTES):
            raise SyntaxFault("a stream is longer than the file")
        data = self.read_at(position, length + 11)
        if not _ENDSTREAM.match(data, length):
            raise SyntaxFault("a stream does not end where it says")
        made = _generic.StreamObject(encoded_data=data[:length])
        dict.update(made, {key: value for key, value in dict.items(dictionary) if key != "/Length"})
        made.container_ref = home
        return made


def _rehome(value: Any, handler: Any) -> Any:
    """Copy an object so that its references are looked up elsewhere."""
    if isinstance(value, generic.IndirectObject):
        return _generic.IndirectObject(value.idnum, value.generation, handler)
    if isinstance(value, generic.DictionaryObject):
        made = _generic.DictionaryObject()
        dict.update(made, {key: _rehome(item, handler) for key, item in dict.items(value)})
        return made
    if isinstance(value, generic.ArrayObject):
        return _generic.ArrayObject(_rehome(item, handler) for item in list.__iter__(value))
    return value


def _require_value(value: Any) -> Any:
    if isinstance(value, generic.IndirectObject):
        raise SyntaxFault("an object is nothing but a reference")
    return value


def _inflate(holder: Any, most: int) -> bytes:
    filters = holder.get("/Filter")
    if filters is None:
        return bytes(holder.encoded_data)
    if filters not in ("/FlateDecode", ["/FlateDecode"]):
        raise SyntaxFault("a cross-reference stream is packed in a rare way")
    worker = zlib.decompressobj()
    data = worker.decompress(holder.encoded_data, most)
    if worker.unconsumed_tail or not worker.eof:
        raise SyntaxFault("a cross-reference stream is cut or too long")
    return data
