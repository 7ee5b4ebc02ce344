"""Walk DER and BER as CMS needs it: no copies, no recursion without a bound, no byte out of bounds.

CMS may be BER with indefinite lengths (RFC 5652, 2), so these are followed; what must be DER is asked
for by `Part.definite`. Tags of more than one byte do not occur in CMS and are `Malformed`.
"""

from typing import Final, NamedTuple

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
ENUMERATED: Final = 0x0A
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
TAG_0: Final = 0xA0
TAG_1: Final = 0xA1
TAG_2: Final = 0xA2
TAG_3: Final = 0xA3
KEY_IDENTIFIER: Final = 0x80
"""[0], primitive: how a SignerInfo names its signer by key."""

_CONSTRUCTED: Final = 0x20
_HIGH_TAG: Final = 0x1F
_LONG: Final = 0x80
_MAX_LENGTH_BYTES: Final = 4
_MAX_DEPTH: Final = 24
_MAX_PARTS: Final = 8192
"""Elements in one element: the largest revocation archives have hundreds."""
_MAX_PASSED: Final = 1 << 16
"""Elements that are passed over on the way to an end mark."""
_MAX_OID: Final = 64


class Malformed(ValueError):  # noqa: N818 - reads as what it is
    """These bytes are not the structure that was expected."""


class Part(NamedTuple):
    """One element of a buffer; all numbers are offsets in bytes."""

    buffer: bytes
    tag: int
    start: int
    body: int
    stop: int
    """Where the content ends."""
    end: int
    """Where the element ends: after the end mark of an indefinite length."""

    @property
    def raw(self) -> bytes:
        """The whole element."""
        return self.buffer[self.start : self.end]

    @property
    def content(self) -> bytes:
        """The bytes inside."""
        return self.buffer[self.body : self.stop]

    @property
    def definite(self) -> bool:
        """Its length is the shortest definite one, as DER demands."""
        size = self.stop - self.body
        if self.end != self.stop:
            return False
        if size < _LONG:
            return self.body - self.start == 2  # noqa: PLR2004 - one byte of tag, one of length
        return self.body - self.start == 2 + (size.bit_length() + 7) // 8

    @property
    def parts(self) -> "list[Part]":
        """The elements inside. Raises `Malformed` if there are other bytes, or too many elements."""
        return self.list_parts(_MAX_PARTS)

    def list_parts(self, limit: int) -> "list[Part]":
        """The elements inside, at most so many. Raises `Malformed`."""
        buffer, position, stop = self.buffer, self.body, self.stop
        found: list[Part] = []
        while position < stop:
            part = _read(buffer, position, stop)
            found.append(part)
            position = part.end
            if len(found) > limit:
                raise Malformed("too many elements")
        return found

    @property
    def first(self) -> "Part":
        """The first element inside. Raises `Malformed` if there is none."""
        return _read(self.buffer, self.body, self.stop)

    def expect(self, tag: int) -> "Part":
        """Give the element if it has this tag. Raises `Malformed` otherwise."""
        if self.tag != tag:
            raise Malformed(f"tag {self.tag:#x} instead of {tag:#x}")
        return self

    @property
    def octets(self) -> bytes:
        """What an OCTET STRING holds, in one piece even if it was cut (BER). Raises `Malformed`."""
        if self.tag == OCTET_STRING:
            return self.content
        return b"".join(_join(self, 0))


def read_first(buffer: bytes, tag: int) -> Part:
    """Read the element at the beginning; what follows it is the caller's matter. Raises `Malformed`."""
    return _read(buffer, 0, len(buffer)).expect(tag)


def read_whole(buffer: bytes, tag: int) -> Part:
    """Read bytes that are one element. Raises `Malformed`."""
    part = read_first(buffer, tag)
    if part.end != len(buffer):
        raise Malformed("trailing bytes")
    return part


def _join(part: Part, depth: int) -> list[bytes]:
    if part.tag == OCTET_STRING:
        return [part.content]
    if part.tag != OCTET_STRING | _CONSTRUCTED or depth > _MAX_DEPTH:
        raise Malformed("no octet string")
    return [piece for inner in part.parts for piece in _join(inner, depth + 1)]


def _read(buffer: bytes, start: int, end: int) -> Part:
    if end - start < 2:  # noqa: PLR2004 - tag and length
        raise Malformed("cut off")
    tag, length = buffer[start], buffer[start + 1]
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise Malformed("a long tag")
    body = start + 2
    if length == _LONG:
        if not tag & _CONSTRUCTED:
            raise Malformed("an indefinite length where there is none")
        stop = _find_end_mark(buffer, body, end)
        return Part(buffer, tag, start, body, stop, stop + 2)
    if length > _LONG:
        count = length - _LONG
        length = int.from_bytes(buffer[body : min(body + count, end)].lstrip(b"\x00") or b"\x00")
        body += count
        if count > _MAX_LENGTH_BYTES:
            raise Malformed("a length of too many bytes")
    stop = body + length
    if stop > end:
        raise Malformed("cut off")
    return Part(buffer, tag, start, body, stop, stop)


def _find_end_mark(buffer: bytes, position: int, end: int) -> int:
    """Where the two zeros stand that end an indefinite length (X.690, 8.1.3.6)."""
    depth = 0
    for _ in range(_MAX_PASSED):
        header = buffer[position : min(position + 2, end)]
        if header == b"\x00\x00":
            if depth == 0:
                return position
            depth -= 1
            position += 2
        elif header[1:] == b"\x80" and header[0] & _CONSTRUCTED:
            depth += 1
            position += 2
        else:
            position = _read(buffer, position, end).end
        if depth > _MAX_DEPTH:
            break
    raise Malformed("elements too deep or too many")


def write(tag: int, *contents: bytes) -> bytes:
    """Give an element in DER."""
    content = b"".join(contents)
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, _LONG | len(length))) + length + content


def encode_oid(dotted: str) -> bytes:
    """Give the content of an object identifier."""
    first, second, *rest = map(int, dotted.split("."))
    content = b""
    for value in (first * 40 + second, *rest):
        octets = [value & 0x7F]
        while value := value >> 7:
            octets.append(_LONG | value & 0x7F)
        content += bytes(reversed(octets))
    return content


def decode_oid(content: bytes) -> str:
    """Give an object identifier in dotted form. Raises `Malformed`."""
    if not content or len(content) > _MAX_OID or content[-1] & _LONG:
        raise Malformed("no object identifier")
    values, value = [], 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & _LONG:
            values.append(value)
            value = 0
    first = min(values[0] // 40, 2)
    return ".".join(map(str, (first, values[0] - first * 40, *values[1:])))
