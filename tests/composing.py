"""How text is drawn, found out without edoc: by FreeType and by poppler, for tests that measure a page."""

import zlib
from collections.abc import Mapping
from typing import Final, Literal

Container = Literal["table", "stream", "packed", "hybrid"]
"""A table; a stream; a stream with all that may be in object streams; a table and such a stream beside it."""

CONTAINERS: Final[tuple[Container, ...]] = ("table", "stream", "packed", "hybrid")
CATALOG: Final = b"<</Type/Catalog/Pages 2 0 R>>"
TREE: Final = b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
PAGE: Final = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>"
SIMPLE: Final[Mapping[int, bytes]] = {1: CATALOG, 2: TREE, 3: PAGE}
"""One empty page."""


def compose(
    bodies: Mapping[int, bytes],
    container: Container = "table",
    *,
    trailer: bytes = b"/Root 1 0 R",
    version: str = "1.7",
    hidden: frozenset[int] = frozenset(),
    size: int | None = None,
) -> bytes:
    """Write a PDF. `hidden` are the objects that a hybrid file keeps from old readers (default: none)."""
    data = f"%PDF-{version}\n%\xe2\xe3\xcf\xd3\n".encode("latin-1")
    packed = _choose_packed(bodies, container, hidden)
    holder = max(bodies) + 1
    rows: dict[int, tuple[int, int, int]] = {0: (0, 0, 65535)}
    for number, body in bodies.items():
        if number not in packed:
            rows[number] = (1, len(data), 0)
            data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    if packed:
        rows[holder] = (1, len(data), 0)
        data += b"%d 0 obj\n%b\nendobj\n" % (holder, _pack({number: bodies[number] for number in packed}))
        rows |= {number: (2, holder, index) for index, number in enumerate(packed)}
    total = holder + 2 if size is None else size
    if container == "table":
        return _end(data, _table(rows, trailer + b"/Size %d" % total))
    beside = {number: row for number, row in rows.items() if number in packed}
    section = rows if container != "hybrid" else beside
    if container != "hybrid" or packed:
        at = len(data)
        own = {**section, holder + 1: (1, at, 0)}
        body = b"%d 0 obj\n%b\nendobj\n" % (holder + 1, _stream(own, trailer + b"/Size %d" % total))
        if container != "hybrid":
            return data + body + b"startxref\n%d\n%%%%EOF\n" % at
        data += body
        trailer += b"/XRefStm %d" % at
    table = {number: (0, 0, 65535) if number in packed else row for number, row in rows.items()}
    return _end(data, _table(table, trailer + b"/Size %d" % total))


def make_stream(dictionary: bytes, data: bytes) -> bytes:
    """Give the body of a stream object; `dictionary` without its brackets and length."""
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (dictionary, len(data), data)


def _choose_packed(bodies: Mapping[int, bytes], container: Container, hidden: frozenset[int]) -> list[int]:
    if container == "hybrid":
        return [number for number in bodies if number in hidden]
    if container == "packed":
        return [number for number, body in bodies.items() if b"stream" not in body]
    return []


def _pack(bodies: Mapping[int, bytes]) -> bytes:
    head, content = b"", b""
    for number, body in bodies.items():
        head += b"%d %d " % (number, len(content))
        content += body + b"\n"
    entries = b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode" % (len(bodies), len(head))
    return make_stream(entries, zlib.compress(head + content))


def _table(rows: Mapping[int, tuple[int, int, int]], trailer: bytes) -> bytes:
    lines = [b"xref\n"]
    for number, (kind, first, second) in sorted(rows.items()):
        lines.append(b"%d 1\n%010d %05d %b \n" % (number, first, second, b"n" if kind else b"f"))
    return b"".join((*lines, b"trailer\n<<", trailer, b">>\n"))


def _stream(rows: Mapping[int, tuple[int, int, int]], trailer: bytes) -> bytes:
    ordered = sorted(rows.items())
    data = b"".join(
        bytes((kind,)) + first.to_bytes(4) + second.to_bytes(2) for _, (kind, first, second) in ordered
    )
    index = b" ".join(b"%d 1" % number for number, _ in ordered)
    entries = b"/Type/XRef/W[1 4 2]/Index[%b]/Filter/FlateDecode%b" % (index, trailer)
    return make_stream(entries, zlib.compress(data))


def _end(data: bytes, section: bytes) -> bytes:
    return data + section + b"startxref\n%d\n%%%%EOF\n" % len(data)
