"""Signature wrapping (Mladenov et al., 2019): signed bytes move apart, others stand between them."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import pikepdf

from .catalogue import Attack
from .increments import Update, find_start, spell, spell_table
from .makers import Base
from .painting import LIE_STREAM
from .sealing import find_gaps, read_contents


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    fillings = {"spaces": b" ", "zeros": b"\0", "lines": b"\n", "comment": b"%\n"}
    for filling, octets in fillings.items():
        for name, second in _SECOND_RANGES.items():
            yield Attack(
                "signature-wrapping", f"{name}, {filling}", partial(_wrap, second=second, filling=octets)
            )
        for name, options in _MOVES.items():
            yield Attack(
                "signature-wrapping", f"{name}, {filling}", partial(_wrap, filling=octets, **options)
            )


_SECOND_RANGES: Final[dict[str, bytes]] = {
    "second range": b"/ByteRange [0 %d %d %d]",
    "second range and contents": b"/Contents <00> /ByteRange [0 %d %d %d]",
    "range in a nested dictionary": b"/Prop_Build << /ByteRange [0 %d %d %d] >>",
}
_MOVES: Final[dict[str, dict[str, Any]]] = {
    "range overwritten": {"second": b"", "overwrite": True},
    "range kept": {"second": b""},
    "dictionary closed": {"second": b">>\nendobj\n", "close": False},
    "page replaced": {"second": b"/ByteRange [0 %d %d %d]", "page": True},
}


def _wrap(
    base: Base,
    *,
    second: bytes,
    filling: bytes,
    overwrite: bool = False,
    close: bool = True,
    page: bool = False,
) -> bytes | None:
    """Move what follows the newest hole to the end and put other objects and a cross-reference between.

    The other cross-reference stands where the signed `startxref` points.
    """
    data = base.data
    start, end, last = find_gaps(data)[-1]
    old = find_start(data)
    if old < end or last != len(data):
        return None
    update = Update(data)
    target = update.page() if page else update.page().Contents
    body = spell(_make_other_page(update)) if page else LIE_STREAM
    digits = b"<" + read_contents(data, -1).hex().encode() + b">"  # without its padding, which makes room
    room = old - start - len(digits)
    size = 2000 + len(body)
    moved = old + size
    head = second % (start, moved, last - end) if b"%d" in second else second
    gap = digits + b" " + head + (b">>\nendobj\n" if close else b"")
    if len(gap) - len(digits) > room:
        return None
    gap += (filling * room)[: old - start - len(gap)]
    content = b"%d 0 obj\n%s\nendobj\n" % (target.objgen[0], body)
    root = re.findall(rb"/Root\s+\d+\s+\d+\s+R", data)[-1]
    previous = re.findall(rb"/Prev\s+(\d+)", data[end:])
    older = b"/Prev %s" % previous[-1] if previous else b""
    numbers = _list_section(data, old)
    shift = moved - end
    rows = {number: (1, place if place < start else place + shift, 0) for number, place in numbers.items()}
    rows[target.objgen[0]] = (1, 0, 0)
    table = spell_table(rows)
    trailer = b"trailer\n<< /Size %d %s %s >>\n" % (update.size, root, older)
    place = old + len(table) + len(trailer)
    rows[target.objgen[0]] = (1, place, 0)
    middle = spell_table(rows) + trailer + content
    middle += (filling * size)[: moved - old - len(middle)]
    first, rest = data[:start], data[end:]
    if overwrite:
        spelt = b"/ByteRange [0 %d %d %d]" % (start, moved, last - end)
        both = [_overwrite_range(part, spelt) for part in (first, rest)]
        if both == [first, rest]:
            return None
        first, rest = both
    return first + gap + middle + rest


def _overwrite_range(part: bytes, spelt: bytes) -> bytes:
    """Write another range over the last one, if there is one with room."""
    found = list(re.finditer(rb"/ByteRange\s*\[[^\]]*\]\s*", part))
    if not found or len(spelt) > found[-1].end() - found[-1].start():
        return part
    start, end = found[-1].span()
    return part[:start] + spelt.ljust(end - start) + part[end:]


def _make_other_page(update: Update) -> Any:
    page = update.page()
    page.MediaBox = pikepdf.Array([0, 0, 595, 600])
    return page


def _list_section(data: bytes, start: int) -> dict[int, int]:
    """Objects and offsets that the newest section lists, if it is a table."""
    found: dict[int, int] = {}
    match = re.match(rb"xref\s+(.*?)trailer", data[start:], re.DOTALL)
    if match is None:
        return found
    words = match[1].split()
    while words:
        first, count = int(words[0]), int(words[1])
        rows, words = words[2 : 2 + 3 * count], words[2 + 3 * count :]
        found |= {
            first + index: int(rows[3 * index]) for index in range(count) if rows[3 * index + 2] == b"n"
        }
    return found
