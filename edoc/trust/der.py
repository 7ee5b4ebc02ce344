"""Read and write the little DER that time-stamps need: strict, bounded by the bytes given, fast.

Only definite, shortest lengths and tags of one byte are known; everything else is `Malformed`.
"""

from typing import Final, NamedTuple, Self

INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
OID: Final = 0x06
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
TAG_0: Final = 0xA0
"""[0], constructed."""

_LONG: Final = 0x80
_MAX_LENGTH_BYTES: Final = 4
_HIGH_TAG: Final = 0x1F


class Malformed(ValueError):  # noqa: N818 - reads as what it is
    """These bytes are not the DER that was expected."""


class Item(NamedTuple):
    """One element of a buffer: where it starts, where its content starts, where it ends."""

    buffer: bytes
    tag: int
    start: int
    body: int
    end: int

    @classmethod
    def load(cls, buffer: bytes, tag: int) -> Self:
        """Read bytes that are one element, whole. Raises `Malformed`."""
        item = cls(*_read(buffer, 0, len(buffer)))
        if item.end != len(buffer):
            raise Malformed("trailing bytes")
        return item.expect(tag)

    def expect(self, tag: int) -> Self:
        """Give the item if it has this tag. Raises `Malformed` otherwise."""
        if self.tag != tag:
            raise Malformed(f"tag {self.tag:#x} instead of {tag:#x}")
        return self

    @property
    def raw(self) -> bytes:
        """The whole element."""
        return self.buffer[self.start : self.end]

    @property
    def content(self) -> bytes:
        """Its content."""
        return self.buffer[self.body : self.end]

    @property
    def children(self) -> "list[Item]":
        """The elements inside. Raises `Malformed` if there are other bytes."""
        found = []
        position = self.body
        while position < self.end:
            item = Item(*_read(self.buffer, position, self.end))
            found.append(item)
            position = item.end
        return found

    def child(self, index: int, tag: int) -> "Item":
        """Give an element inside, by its place. Raises `Malformed` if it is not there or is another."""
        children = self.children
        if index >= len(children):
            raise Malformed("too few elements")
        return children[index].expect(tag)


def write(tag: int, *contents: bytes) -> bytes:
    """Give an element of fewer than 64 KiB."""
    content = b"".join(contents)
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(length))) + length + content


def encode_oid(dotted: str) -> bytes:
    """Give the content of an object identifier. Raises `Malformed` for text that is none."""
    parts = dotted.split(".")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() for part in parts):  # noqa: PLR2004
        raise Malformed("no object identifier")
    first, second, *rest = map(int, parts)
    if first > 2 or (first < 2 and second > 39):  # noqa: PLR2004 - X.690 clause 8.19.4
        raise Malformed("no object identifier")
    return b"".join(map(_encode_arc, (first * 40 + second, *rest)))


def _encode_arc(value: int) -> bytes:
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(_LONG | value & 0x7F)
    return bytes(reversed(octets))


def _read(buffer: bytes, start: int, end: int) -> tuple[bytes, int, int, int, int]:
    if end - start < 2:  # noqa: PLR2004 - tag and length
        raise Malformed("cut off")
    tag, length = buffer[start], buffer[start + 1]
    body = start + 2
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise Malformed("a long tag")
    if length >= _LONG:
        count = length - _LONG
        size = buffer[body : body + count]
        length = int.from_bytes(size, "big")
        body += count
        if not 1 <= count <= _MAX_LENGTH_BYTES or not size or size[0] == 0 or length < _LONG:
            raise Malformed("a length that is not DER")
    if body + length > end:
        raise Malformed("cut off")
    return buffer, tag, start, body, body + length
