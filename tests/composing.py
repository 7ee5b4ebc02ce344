"""Compose PDFs from the bodies of their objects, in any kind of cross-reference section, offsets right."""

import re
import zlib
from collections.abc import Mapping
from typing import Final, Literal

Container = Literal["table", "stream", "packed", "hybrid"]
"""A table; a stream; a stream with all that may be in object streams; or a table, and after it such a stream
beside an empty table, as word processors write hybrid files."""

CONTAINERS: Final[tuple[Container, ...]] = ("table", "stream", "packed", "hybrid")
CATALOG: Final = b"<</Type/Catalog/Pages 2 0 R>>"
TREE: Final = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
PAGE: Final = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>"
SIMPLE: Final[Mapping[int, bytes]] = {1: CATALOG, 2: TREE, 3: PAGE}
"""One empty page."""

Rows = dict[int, tuple[int, int, int]]
"""Number → kind, and what a cross-reference stream's second and third field say."""


def compose(
    bodies: Mapping[int, bytes],
    container: Container = "table",
    *,
    trailer: bytes = b"/Root 1 0 R",
    hidden: frozenset[int] = frozenset(),
    size: int | None = None,
) -> bytes:
    """Write a PDF. `hidden` are the objects that a hybrid file keeps from old readers; `size` may lie."""
    packed = _choose_packed(bodies, container, hidden)
    data, rows = _put(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", {key: bodies[key] for key in bodies.keys() - packed})
    if container in {"table", "hybrid"}:
        free = dict.fromkeys((0, *packed), (0, 0, 65535))
        entries = trailer + b"/Size %d" % (max(bodies) + 1 if size is None else size)
        data = _end(data + _table(rows | free, entries), len(data))
        if not packed:
            return data
        prev = find_start(data)
        data, rows = _add_packed(data, bodies, packed)
        data, at, entries = _add_section(data, rows, trailer, size)
        return _end(data + _table({}, entries + b"/Prev %d/XRefStm %d" % (prev, at)), len(data))
    if packed:
        data, more = _add_packed(data, bodies, packed)
        rows |= more
    data, at, _ = _add_section(data, rows, trailer, size)
    return _end(data, at)


def make_stream(dictionary: bytes, data: bytes) -> bytes:
    """Give the body of a stream object; `dictionary` without its brackets and length."""
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (dictionary, len(data), data)


def find_start(data: bytes) -> int:
    """Give where the newest cross-reference section begins, as the file says."""
    return int(data.rsplit(b"startxref", 1)[1].split()[0])


def _choose_packed(bodies: Mapping[int, bytes], container: Container, hidden: frozenset[int]) -> list[int]:
    if container == "hybrid":
        return sorted(hidden & bodies.keys())
    if container == "packed":
        return [number for number, body in bodies.items() if b"stream" not in body]
    return []


def _put(data: bytes, bodies: Mapping[int, bytes]) -> tuple[bytes, Rows]:
    rows: Rows = {}
    parts, at = [data], len(data)
    for number, body in sorted(bodies.items()):
        rows[number] = (1, at, 0)
        parts.append(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        at += len(parts[-1])
    return b"".join(parts), rows


def _add_packed(data: bytes, bodies: Mapping[int, bytes], packed: list[int]) -> tuple[bytes, Rows]:
    holder = max(bodies) + 1
    data, rows = _put(data, {holder: _pack({number: bodies[number] for number in packed})})
    return data, rows | {number: (2, holder, index) for index, number in enumerate(packed)}


def _pack(bodies: Mapping[int, bytes]) -> bytes:
    head, content, at = [], [], 0
    for number, body in bodies.items():
        head.append(b"%d %d " % (number, at))
        content.append(body + b"\n")
        at += len(body) + 1
    first = b"".join(head)
    entries = b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode" % (len(bodies), len(first))
    return make_stream(entries, zlib.compress(first + b"".join(content)))


def _add_section(data: bytes, rows: Rows, trailer: bytes, size: int | None) -> tuple[bytes, int, bytes]:
    number, at = max(rows) + 1, len(data)
    entries = trailer + b"/Size %d" % (number + 1 if size is None else size)
    data, _ = _put(data, {number: _stream({**rows, number: (1, at, 0)}, entries)})
    return data, at, entries


def _stream(rows: Rows, trailer: bytes) -> bytes:
    ordered = sorted(rows.items())
    data = b"".join(
        bytes((kind,)) + first.to_bytes(4) + second.to_bytes(2) for _, (kind, first, second) in ordered
    )
    index = b" ".join(b"%d 1" % number for number, _ in ordered)
    entries = b"/Type/XRef/W[1 4 2]/Index[%b]/Filter/FlateDecode%b" % (index, trailer)
    return make_stream(entries, zlib.compress(data))


def _table(rows: Rows, trailer: bytes) -> bytes:
    lines = [b"xref\n" if rows else b"xref\n0 0\n"]
    for number, (kind, first, second) in sorted(rows.items()):
        lines.append(b"%d 1\n%010d %05d %b \n" % (number, first, second, b"n" if kind else b"f"))
    return b"".join((*lines, b"trailer\n<<", trailer, b">>\n"))


def _end(data: bytes, start: int) -> bytes:
    return data + b"startxref\n%d\n%%%%EOF\n" % start


def append(data: bytes, bodies: Mapping[int, bytes], *, freed: frozenset[int] = frozenset()) -> bytes:
    """Add an incremental update with a table that writes these objects, again or anew, and frees others."""
    prev = find_start(data)
    known = [int(found) for found in re.findall(rb"/Size (\d+)", data)]
    longer, rows = _put(data, bodies)
    rows |= dict.fromkeys(freed, (0, 0, 1))
    size = max(*known, *(number + 1 for number in bodies))
    return _end(longer + _table(rows, b"/Root 1 0 R/Size %d/Prev %d" % (size, prev)), len(longer))
