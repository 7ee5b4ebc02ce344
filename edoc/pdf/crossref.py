"""Where each object of a PDF stands: its cross-reference sections (ISO 32000-2, 7.5.4 and 7.5.8).

Tables are looked up in place, so that a file of a million objects costs no more than one of ten.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol

from edoc.pdf.objects import look
from edoc.pdf.syntax import SyntaxFault

ReadAt = Callable[[int, int], bytes]
"""Gives up to so many bytes (second) from a position (first)."""

ENTRY_BYTES: Final = 20
MAX_STREAM_BYTES: Final = 32 << 20
"""A longer decoded cross-reference stream is not ordinary."""
MAX_OBJECT: Final = 8_388_000
"""Other programs read numbers up to 8,388,607 (ISO 32000-1, annex C), and an update adds some."""
_ENTRY: Final = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
_ENTRIES: Final = re.compile(rb"(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*+")
_ENTRIES_BYTES: Final = 4096 * ENTRY_BYTES
_SUBSECTION: Final = re.compile(rb"[\s\x00]*(\d{1,10})[ \t]+(\d{1,10})[ \t]*(?:\r\n|\r|\n)")
_TRAILER: Final = re.compile(rb"[\s\x00]*trailer")
_HEADER_BYTES: Final = 64
_FIRST: Final = itemgetter(0)
_PNG: Final = range(10, 16)
_UP: Final = 2
"""PNG's prediction by the row above (ISO 32000-2, 7.4.4.4)."""


def count_objects(highest: int, size: int) -> int:
    """Give the highest object number: the listed one, or what `/Size` says, if that can be.

    A wrong `/Size` must not make new objects replace old ones, and a right one keeps them from standing where
    a reference leads to nothing.
    """
    return max(highest, size - 1) if size <= MAX_OBJECT else highest


class Entry(NamedTuple):
    """Where an object stands."""

    offset: int
    """From the file's start; or the number of the object stream that holds it."""
    generation: int
    compressed: bool = False
    free: bool = False


class Section(Protocol):
    """A cross-reference section, however it is written."""

    @property
    def last(self) -> int:
        """The highest object number."""

    def find(self, number: int) -> Entry | None:
        """Give an object's entry; None if this section says nothing of it."""

    def list_all(self) -> Iterator[tuple[int, Entry]]:
        """Give every object's number and entry."""


Parts = tuple[tuple[int, int, int], ...]


def _sort(parts: list[tuple[int, int, int]]) -> Parts:
    ordered = sorted(part for part in parts if part[1])
    if any(first + count > after for (first, count, _), (after, _, _) in pairwise(ordered)):
        raise SyntaxFault("a cross-reference section lists an object twice")  # programs believe either
    return tuple(ordered)


def _locate(parts: Parts, number: int) -> tuple[int, int] | None:
    # Thousands of parts are legal, and thousands of objects may be looked for.
    place = bisect_right(parts, number, key=_FIRST) - 1
    if place < 0:
        return None
    first, count, start = parts[place]
    return (start, number - first) if number < first + count else None


@dataclass(frozen=True, slots=True)
class Table:
    """A classic cross-reference table."""

    parts: Parts
    """First number, count, and where the first entry stands; sorted."""
    read_at: ReadAt

    @property
    def last(self) -> int:
        """The highest object number."""
        return sum(self.parts[-1][:2]) - 1 if self.parts else 0

    def find(self, number: int) -> Entry | None:
        """Give an object's entry; None if this section says nothing of it."""
        place = _locate(self.parts, number)
        if place is None:
            return None
        start, row = place
        found = _ENTRY.match(self.read_at(start + ENTRY_BYTES * row, ENTRY_BYTES))
        if found is None:
            raise SyntaxFault("an entry of a cross-reference table is not 20 bytes long")
        return Entry(int(found[1]), int(found[2]), free=found[3] == b"f")

    def list_all(self) -> Iterator[tuple[int, Entry]]:
        """Give every object's number and entry."""
        for first, count, start in self.parts:
            rows = _ENTRY.finditer(self.read_at(start, ENTRY_BYTES * count))
            for number, row in enumerate(rows, first):
                yield number, Entry(int(row[1]), int(row[2]), free=row[3] == b"f")


def read_table(read_at: ReadAt, position: int) -> tuple[Table, int]:
    """Read the table whose subsections begin at `position`; give it and where its trailer's dictionary is."""
    parts: list[tuple[int, int, int]] = []
    while True:
        head = read_at(position, _HEADER_BYTES)
        end = _TRAILER.match(head)
        if end is not None:
            return Table(_sort(parts), read_at), position + end.end()
        found = _SUBSECTION.match(head)
        if found is None:
            raise SyntaxFault("a cross-reference table cannot be read")
        position += found.end()
        count = int(found[2])
        parts.append((int(found[1]), count, position))
        end_of_part = position + ENTRY_BYTES * count
        while position < end_of_part:
            # Other programs read every entry, and one that is odd may make them rebuild the table.
            entries = read_at(position, min(_ENTRIES_BYTES, end_of_part - position))
            if not entries or not _ENTRIES.fullmatch(entries):
                raise SyntaxFault("an entry of a cross-reference table is not 20 bytes long")
            position += len(entries)


@dataclass(frozen=True, slots=True)
class Stream:
    """A cross-reference stream, decoded."""

    parts: Parts
    """First number, count, and the index of the first row; sorted."""
    widths: tuple[int, int, int]
    rows: bytes

    @property
    def last(self) -> int:
        """The highest object number."""
        return sum(self.parts[-1][:2]) - 1 if self.parts else 0

    def find(self, number: int) -> Entry | None:
        """Give an object's entry; None if this section says nothing of it."""
        place = _locate(self.parts, number)
        return None if place is None else self._read(sum(place))

    def _read(self, row: int) -> Entry:
        one, two, three = self.widths
        start = row * (one + two + three)
        kind = int.from_bytes(self.rows[start : start + one]) if one else 1
        offset = int.from_bytes(self.rows[start + one : start + one + two])
        last = int.from_bytes(self.rows[start + one + two : start + one + two + three])
        if kind == 1:
            return Entry(offset, last)
        return Entry(offset, last, compressed=True) if kind == 2 else Entry(0, 0, free=True)  # noqa: PLR2004

    def list_all(self) -> Iterator[tuple[int, Entry]]:
        """Give every object's number and entry."""
        for first, count, row in self.parts:
            for place in range(count):
                yield first + place, self._read(row + place)


def read_stream(dictionary: Any, data: bytes) -> Stream:
    """Read a cross-reference stream from its dictionary and its inflated data."""
    widths = tuple(int(width) for width in dictionary["/W"])
    if len(widths) != 3 or not all(0 <= width <= 8 for width in widths) or not sum(widths):  # noqa: PLR2004
        raise SyntaxFault("the fields of a cross-reference stream have impossible widths")
    rows = _unpredict(dictionary, data, sum(widths))
    numbers = [int(number) for number in dictionary.get("/Index", ())] or [0, int(dictionary["/Size"])]
    parts, row, after = [], 0, 0
    for first, count in zip(numbers[::2], numbers[1::2], strict=True):
        if first < after or count < 0:
            raise SyntaxFault("a cross-reference stream does not list its objects in their order")
        parts.append((first, count, row))
        row += count
        after = first + count
    if row * sum(widths) != len(rows):
        raise SyntaxFault("a cross-reference stream is too short or too long")
    return Stream(_sort(parts), (widths[0], widths[1], widths[2]), rows)


def _unpredict(dictionary: Any, data: bytes, width: int) -> bytes:
    parameters = look(dictionary, "/DecodeParms", {})
    predictor = int(look(parameters, "/Predictor", 1))
    if predictor == 1:
        return data
    stride = width + 1
    rules = data[::stride]
    fits = predictor in _PNG and int(look(parameters, "/Columns", 1)) == width and not len(data) % stride
    if not fits or rules.strip(bytes((_UP,))):
        raise SyntaxFault("a cross-reference stream is predicted in a rare way")
    rows = bytearray(width * len(rules))
    for column in range(width):
        rows[column::width] = bytes(value & 0xFF for value in accumulate(data[column + 1 :: stride]))
    return bytes(rows)
