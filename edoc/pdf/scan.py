"""Look at the bytes of a PDF before any parser explains them.

Rules: a signature counts only if its `/Contents` is one hex string that fills the gap of its `/ByteRange`
exactly, the first range starts at 0 and the second ends where a revision ends; whatever follows must be
objects and cross-references that a reader was told of. Nothing here trusts the file's own structure, so
that a signature which an update unlinked is still seen.
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

_BYTE_RANGE: Final = re.compile(rb"/ByteRange\s{0,16}\[([\d\s]{1,128})\]")
_HEX_STRING: Final = re.compile(rb"<[0-9A-Fa-f\s]*>")
_REVISION_END: Final = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF(?:\r\n|\r|\n)?")
_OBJECT: Final = re.compile(rb"(?<![\d.])(\d{1,10})\s{1,8}(\d{1,5})\s{1,8}obj\b")
_STREAM_OR_END: Final = re.compile(rb"\bstream\r?\n|\bendobj\b")
_LENGTH: Final = re.compile(rb"/Length\s+(\d{1,12})\s*(?![\d\s]*R)")
_BLANK: Final = b" \t\r\n\x00\x0c"
TAIL_BYTES: Final = 1024
"""Where a revision's end is looked for."""
_RANGE_BYTES: Final = 256
"""No `/ByteRange` that counts is longer."""
_MAX_RANGES: Final = 2000

Numbers = tuple[int, ...]
"""The numbers of a `/ByteRange`."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A `/ByteRange` of two parts that start at the first byte, in bytes."""

    gap_start: int
    gap_end: int
    end: int
    """Offset of the first byte after the second part."""

    @classmethod
    def of(cls, numbers: tuple[int, ...], size: int) -> "ByteRange | None":
        """Read the four numbers against the file's size; None if they do not have the one accepted shape."""
        if len(numbers) != 4 or numbers[0] != 0:  # noqa: PLR2004 - two parts, an offset and a length each
            return None
        _, gap_start, gap_end, length = numbers
        if not 0 < gap_start < gap_end or length <= 0 or gap_end + length > size:
            return None
        return cls(gap_start, gap_end, gap_end + length)


def find_ranges(pieces: Iterable[bytes]) -> tuple[Numbers, ...]:
    """Find every different `/ByteRange` that is written out in a file, given in pieces; in file order."""
    found: dict[Numbers, None] = {}
    tail = b""
    for piece in pieces:
        for text in (tail + piece[:_RANGE_BYTES], piece):
            for match in _BYTE_RANGE.finditer(text):
                if len(found) < _MAX_RANGES:
                    found[tuple(int(number) for number in match[1].split())] = None
        tail = piece[-_RANGE_BYTES:]
    return tuple(found)


def read_gap(gap: bytes) -> bytes | None:
    """Decode the hex string that fills a gap exactly; None if anything else stands there."""
    if _HEX_STRING.fullmatch(gap) is None:
        return None
    digits = gap[1:-1].translate(None, _BLANK)
    return binascii.unhexlify(digits + b"0" * (len(digits) % 2))


def read_startxref(tail: bytes) -> int | None:
    """The cross-reference offset of the revision that ends exactly with `tail`; None if none ends there."""
    last = None
    for match in _REVISION_END.finditer(tail):
        last = match
    if last is None or tail[last.end() :].strip(_BLANK):
        return None
    return int(last[1])


def find_unexplained(
    rest: bytes, start: int, *, objects: AbstractSet[int], sections: AbstractSet[int]
) -> str:
    """Say what stands in the `rest` of a file, from `start` on, that no reader was told of; else nothing.

    `objects` are the offsets of all objects and `sections` those of all cross-references that the reader
    followed. Hidden objects and revisions are what repairing viewers show and signatures do not cover.
    """
    if not rest.strip(_BLANK):
        return ""
    last_end = 0
    for ending in _REVISION_END.finditer(rest):
        last_end = ending.end()
        if int(ending[1]) not in sections:
            return f"a revision ends at byte {start + last_end} whose cross-reference no reader follows"
    if rest[last_end:].strip(_BLANK):
        return f"{len(rest) - last_end} bytes after byte {start + last_end} belong to no revision"
    for number, _, place in list_objects(rest, 0, len(rest)):
        if start + place not in objects:
            return f"object {number} at byte {start + place} stands in no cross-reference"
    return ""


def list_objects(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Give number, generation and offset of every object that stands in a part of the bytes."""
    while match := _OBJECT.search(data, start, end):
        yield int(match[1]), int(match[2]), match.start()
        start = _skip_object(data, match.end())


def _skip_object(data: bytes, position: int) -> int:
    """Offset after the object whose body starts at `position`; a stream is stepped over by its length."""
    match = _STREAM_OR_END.search(data, position)
    if match is None:
        return len(data)
    if match[0].startswith(b"endobj"):
        return match.end()
    lengths = _LENGTH.findall(data, position, match.start())
    if lengths:
        end = match.end() + int(lengths[-1])
        if data[end : end + 16].lstrip(_BLANK).startswith(b"endstream"):
            return end
    end = data.find(b"endstream", match.end())
    return len(data) if end < 0 else end
