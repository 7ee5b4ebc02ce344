"""Cross-references that disagree: with each other, with their objects, with what is read by others."""

import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial

from pikepdf import Array

from .catalogue import Attack
from .increments import Update, find_start, spell
from .makers import Base
from .painting import LIE_STREAM


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    makers: dict[str, Callable[[Base], bytes | None]] = {
        "table hides, stream shows": partial(_hybrid, free_in_table=True, shown_in_stream=True),
        "table shows, stream hides": partial(_hybrid, free_in_table=False, shown_in_stream=False),
        "table and stream show": partial(_hybrid, free_in_table=False, shown_in_stream=True),
        "stream only": partial(_hybrid, free_in_table=None, shown_in_stream=True),
        "listed twice": _listed_twice,
        "listed twice, the other first": partial(_listed_twice, swap=True),
        "offset of another object": _point_elsewhere,
        "offset into a stream": _point_into_stream,
        "offset before the object": partial(_shift, by=-1),
        "offset after the number": partial(_shift, by=1),
        "offset of nothing": partial(_shift, by=1 << 30),
        "beyond the size": _beyond_size,
        "numbered one off": _one_off,
        "in an object stream, its own number wrong": partial(_object_stream, lie="number"),
        "in an object stream, its index wrong": partial(_object_stream, lie="index"),
        "in an object stream, listed twice": partial(_object_stream, lie="twice"),
        "in an object stream, too few counted": partial(_object_stream, lie="count"),
        "in an object stream that extends another": partial(_object_stream, lie="extends"),
        "in an object stream inside an object stream": partial(_object_stream, lie="nested"),
        "in a stream of another type": partial(_object_stream, lie="type"),
        "section start wrong": _section_start,
        "narrow stream": partial(_odd_stream, widths=b"[0 4 2]"),
        "stream of an unknown kind": partial(_odd_stream, widths=b"[1 4 2]", kind=3),
        "stream without index": partial(_odd_stream, widths=b"[1 4 2]", index=False),
        "signature redefined inside": _redefine_signature,
    }
    for name, forge in makers.items():
        yield Attack("cross-reference", name, forge)


def _plan(base: Base) -> tuple[Update, int]:
    update = Update(base.data)
    return update, update.content


def _hybrid(base: Base, *, free_in_table: bool | None, shown_in_stream: bool) -> bytes:
    update, number = _plan(base)
    body = bytearray(base.data + b"\n")
    place = len(body)
    body += b"%d 0 obj\n%s\nendobj\n" % (number, LIE_STREAM)
    hidden = len(body)
    row = (1, place, 0) if shown_in_stream else (0, 0, 1)
    holder = update.size
    body += _small_stream(holder, {number: row}, hidden)
    start = len(body)
    rows = (
        b""
        if free_in_table is None
        else b"%d 1\n%010d %05d %s \n" % ((number, 0, 1, b"f") if free_in_table else (number, place, 0, b"n"))
    )
    return (
        bytes(body)
        + b"xref\n%s%d 1\n%010d 00000 n \n" % (rows, holder, hidden)
        + _trailer(base.data, holder + 1, start, b"/XRefStm %d" % hidden)
    )


def _small_stream(
    number: int, rows: dict[int, tuple[int, int, int]], place: int, *, extra: bytes = b"", own: bool = True
) -> bytes:
    rows = {**rows, number: (1, place, 0)} if own else rows
    index = b" ".join(b"%d 1" % each for each in sorted(rows))
    data = b"".join(
        kind.to_bytes(1) + one.to_bytes(4) + two.to_bytes(2) for _, (kind, one, two) in sorted(rows.items())
    )
    shape = b"<< /Type /XRef /W [1 4 2] /Index [%s] /Size %d /Length %d %s >>" % (
        index,
        number + 1,
        len(data),
        extra,
    )
    return b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (number, shape, data)


def _trailer(data: bytes, size: int, start: int, extra: bytes = b"") -> bytes:
    root = re.findall(rb"/Root\s+(\d+\s+\d+\s+R)", data)[-1]
    return b"trailer\n<< /Size %d /Root %s /Prev %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        *(size, root, find_start(data), extra, start),
    )


def _listed_twice(base: Base, *, swap: bool = False) -> bytes:
    update, number = _plan(base)
    body = bytearray(base.data + b"\n")
    places = []
    for content in (LIE_STREAM, spell(update.page().Contents)):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    if swap:
        places.reverse()
    start = len(body)
    rows = b"".join(b"%d 1\n%010d 00000 n \n" % (number, place) for place in places)
    return bytes(body) + b"xref\n" + rows + _trailer(base.data, update.size, start)


def _table(base: Base, number: int, place: int, body: bytes = b"", size: int = 0) -> bytes:
    update = Update(base.data)
    data = base.data + b"\n" + body
    rows = b"%d 1\n%010d 00000 n \n" % (number, place)
    return data + b"xref\n" + rows + _trailer(base.data, size or update.size, len(data))


def _point_elsewhere(base: Base) -> bytes:
    """The first page's content is where the second's stands."""
    update, number = _plan(base)
    other = update.page(1).Contents.objgen[0]
    return _table(base, number, base.data.index(b"%d 0 obj" % other))


def _point_into_stream(base: Base) -> bytes:
    """The content is where a stream, which the update brings, seems to hold an object."""
    _, number = _plan(base)
    inner = b"%d 0 obj\n%s\nendobj\n" % (number, LIE_STREAM)
    outer = b"%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (
        Update(base.data).size,
        len(inner),
        inner,
    )
    return _table(base, number, len(base.data) + 1 + outer.index(inner), outer)


def _shift(base: Base, *, by: int) -> bytes:
    _, number = _plan(base)
    body = b"%d 0 obj\n%s\nendobj\n" % (number, LIE_STREAM)
    return _table(base, number, len(base.data) + 1 + by, body)


def _beyond_size(base: Base) -> bytes:
    """The trailer's size ends before the object that the table lists."""
    _, number = _plan(base)
    return _table(base, number, len(base.data) + 1, b"%d 0 obj\n%s\nendobj\n" % (number, LIE_STREAM), number)


def _one_off(base: Base) -> bytes:
    """The object calls itself otherwise than the table calls it."""
    _, number = _plan(base)
    return _table(base, number, len(base.data) + 1, b"%d 0 obj\n%s\nendobj\n" % (number + 1, LIE_STREAM))


def _section_start(base: Base) -> bytes:
    """The table counts from 1 as some writers wrongly do, so that repairing readers see other numbers."""
    update, number = _plan(base)
    data = base.data + b"\n%d 0 obj\n%s\nendobj\n" % (number, LIE_STREAM)
    rows = b"%d 2\n0000000000 65535 f \n%010d 00000 n \n" % (number, len(base.data) + 1)
    return data + b"xref\n" + rows + _trailer(base.data, update.size, len(data))


def _object_stream(base: Base, *, lie: str) -> bytes:
    update = Update(base.data)
    page = update.page()
    number = page.objgen[0]
    fresh = update.size
    page.Contents = Array([])
    body = spell(page)
    named = number + 1 if lie == "number" else number
    heads = [(named, 0)] + ([(number, 0)] if lie == "twice" else [])
    head = b" ".join(b"%d %d" % each for each in heads) + b"\n"
    content = head + body
    count = 0 if lie == "count" else len(heads)
    kind = b"/XObject" if lie == "type" else b"/ObjStm"
    extends = b"/Extends %d 0 R" % (fresh + 1) if lie == "extends" else b""
    packed = zlib.compress(content)
    shape = b"<< /Type %s /N %d /First %d /Filter /FlateDecode /Length %d %s >>" % (
        *(kind, count, len(head), len(packed), extends),
    )
    data = base.data + b"\n"
    place = len(data)
    data += b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (fresh, shape, packed)
    holder = (2, number, 0) if lie == "nested" else (1, place, 0)
    rows = {number: (2, fresh, 7 if lie == "index" else 0), fresh: holder}
    start = len(data)
    root = re.findall(rb"/Root\s+(\d+\s+\d+\s+R)", base.data)[-1]
    extra = b"/Root %s /Prev %d" % (root, find_start(base.data))
    return data + _small_stream(fresh + 1, rows, start, extra=extra) + b"startxref\n%d\n%%%%EOF\n" % start


def _odd_stream(base: Base, *, widths: bytes, kind: int = 1, index: bool = True) -> bytes:
    update, number = _plan(base)
    data = base.data + b"\n"
    place = len(data)
    data += b"%d 0 obj\n%s\nendobj\n" % (number, LIE_STREAM)
    start = len(data)
    fresh = update.size
    numbers = [number, fresh] if index else list(range(fresh + 1))
    rows = b""
    for each in numbers:
        spot = {number: place, fresh: start}.get(each, 0)
        first = b"" if widths.startswith(b"[0") else (kind if each == number else bool(spot)).to_bytes(1)
        rows += first + spot.to_bytes(4) + b"\0\0"
    listed = b"/Index [%d 1 %d 1]" % (number, fresh) if index else b""
    root = re.findall(rb"/Root\s+(\d+\s+\d+\s+R)", base.data)[-1]
    shape = b"<< /Type /XRef /W %s %s /Size %d /Root %s /Prev %d /Length %d >>" % (
        *(widths, listed, fresh + 1, root, find_start(base.data), len(rows)),
    )
    data += b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj\n" % (fresh, shape, rows)
    return data + b"startxref\n%d\n%%%%EOF\n" % start


def _redefine_signature(base: Base) -> bytes:
    """The signature's number leads to a copy of itself after other content."""
    update, number = _plan(base)
    update.raw(number, LIE_STREAM)
    signature = update.signature
    at = base.data.index(b"%d 0 obj" % signature.objgen[0])
    body = base.data[at : base.data.index(b"endobj", at)].split(b"obj", 1)[1].strip()
    update.raw(signature.objgen[0], body)
    return update.render("table")
