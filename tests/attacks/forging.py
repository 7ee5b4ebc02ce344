"""Universal signature forgery and incremental saving (Mladenov et al., 2019), by the byte.

In every variant the page says something else than what was signed.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pikepdf
from pikepdf import Name

from .catalogue import Attack, Forge
from .increments import Update, append, find_start, spell, spell_table
from .makers import Base
from .painting import LIE_STREAM


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    for name, change in _DICTIONARIES.items():
        yield Attack("universal-forgery", name, partial(_forge_dictionary, change))
    for name, forge in _SAVINGS.items():
        yield Attack("incremental-saving", name, forge)


# --- universal signature forgery: the signature is written again, so that there is nothing to check


def _forge_dictionary(change: Callable[[bytes], bytes], base: Base) -> bytes:
    update = Update(base.data)
    update.raw(update.page().Contents.objgen[0], LIE_STREAM)
    holder = _holder(update)
    number = holder.V.objgen[0]
    update.raw(number, change(_body_of(base.data, number)))
    return update.render("table")


def find_content(data: bytes) -> int:
    """Give the number of the first page's content."""
    return Update(data).content


def _holder(update: Update) -> Any:
    """The newest signed field."""
    return [each for each in update.fields if Name.Sig == each.FT and "/V" in each][-1]


def _body_of(data: bytes, number: int) -> bytes:
    """Give the bytes of an object as it stands in the file."""
    (*_, match) = re.finditer(rb"(?<!\d)%d 0 obj(.*?)endobj" % number, data, re.DOTALL)
    return match[1].strip()


def _range(text: bytes) -> Callable[[bytes], bytes]:
    """Replace the value of `/ByteRange`."""
    return lambda body: re.sub(rb"/ByteRange\s*\[[^\]]*\]", lambda _: text, body)


def _contents(text: bytes) -> Callable[[bytes], bytes]:
    return lambda body: re.sub(rb"/Contents\s*<[^>]*>", lambda _: text, body)


def _both(body: bytes) -> bytes:
    return _contents(b"")(_range(b"")(body))


def _entry(key: bytes, text: bytes) -> Callable[[bytes], bytes]:
    return lambda body: re.sub(rb"/%s\s*/[A-Za-z0-9.]+" % key, lambda _: text, body)


def _numbers(order: Callable[[list[int]], list[int]]) -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        (found,) = re.findall(rb"/ByteRange\s*\[([^\]]*)\]", body)
        numbers = order([int(each) for each in found.split()])
        return _range(b"/ByteRange [%s]" % b" ".join(b"%d" % each for each in numbers))(body)

    return change


def _same(body: bytes) -> bytes:
    return body


def _literal(body: bytes) -> bytes:
    (digits,) = re.findall(rb"/Contents\s*<([^>]*)>", body)
    octets = bytes.fromhex(re.sub(rb"\s", b"", digits).decode())
    spelt = b"".join(b"\\%03o" % each for each in octets.rstrip(b"\0"))
    return _contents(b"/Contents (%s)" % spelt)(body)


_DICTIONARIES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "no range": _range(b""),
    "range null": _range(b"/ByteRange null"),
    "range empty": _range(b"/ByteRange []"),
    "range of zeros": _range(b"/ByteRange [0 0 0 0]"),
    "range negative": _numbers(lambda n: [n[0], n[1], n[2], -n[3]]),
    "range negative start": _numbers(lambda n: [-1, *n[1:]]),
    "range huge": _numbers(lambda n: [n[0], n[1], n[2], 1 << 40]),
    "range beyond 64 bits": _numbers(lambda n: [n[0], n[1], n[2], 1 << 70]),
    "range swapped": _numbers(lambda n: [n[2], n[3], n[0], n[1]]),
    "range of three": _numbers(lambda n: n[:3]),
    "range of six": _numbers(lambda n: [*n, 0, 0]),
    "range overlapping": _numbers(lambda n: [n[0], n[2], n[1], n[3]]),
    "range of nothing": _numbers(lambda n: [0, 0, n[2] + n[3], 0]),
    "range as it was": _same,
    "range of text": _range(b"/ByteRange [(0) (1) (2) (3)]"),
    "range of fractions": _range(b"/ByteRange [0. .5 1.5 2.5]"),
    "range nested": _range(b"/ByteRange [[0 1] [2 3]]"),
    "range elsewhere": _range(b"/ByteRange 9999 0 R"),
    "range a name": _range(b"/ByteRange /All"),
    "no contents": _contents(b""),
    "contents null": _contents(b"/Contents null"),
    "contents empty": _contents(b"/Contents <>"),
    "contents zero": _contents(b"/Contents <00>"),
    "contents zeros": _contents(b"/Contents <" + b"00" * 4000 + b">"),
    "contents literal": _literal,
    "contents elsewhere": _contents(b"/Contents 9999 0 R"),
    "contents a name": _contents(b"/Contents /Valid"),
    "neither range nor contents": _both,
    "no filter": _entry(b"Filter", b""),
    "unknown filter": _entry(b"Filter", b"/Filter /None"),
    "unknown format": _entry(b"SubFilter", b"/SubFilter /None"),
    "no type": _entry(b"Type", b""),
    "dictionary empty": lambda _: b"<< >>",
    "dictionary null": lambda _: b"null",
    "dictionary true": lambda _: b"true",
}


# --- incremental saving: other content follows, and a verifier is to miss it


def _object(base: Base) -> tuple[bytes, int, int]:
    """The file with the content written again at its end; the content's number and place."""
    number = find_content(base.data)
    data = base.data + b"\n"
    return data + b"%d 0 obj\n%s\nendobj\n" % (number, LIE_STREAM), number, len(data)


def _save(
    base: Base, *, table: bytes | None = None, trailer: bytes | None = None, ending: bytes | None = None
) -> bytes:
    """Append content with what is given of a cross-reference, a trailer and an ending."""
    data, number, place = _object(base)
    start = len(data)
    root = re.findall(rb"/Root\s+\d+\s+\d+\s+R", data)[-1]
    parts = {
        b"TABLE": spell_table({number: (1, place, 0)}),
        b"SIZE": b"/Size %d" % Update(base.data).size,
        b"ROOT": root,
        b"PREV": b"/Prev %d" % find_start(base.data),
        b"START": b"startxref\n%d\n%%%%EOF\n" % start,
        b"OLDSTART": b"startxref\n%d\n%%%%EOF\n" % find_start(base.data),
    }
    for text in (table, trailer, ending):
        data += (
            b"" if text is None else re.sub(rb"[A-Z]{4,}", lambda match: parts.get(match[0], match[0]), text)
        )
    return data


_TRAILER: Final = b"trailer\n<< SIZE ROOT PREV >>\n"


def _copy_signature(base: Base) -> bytes:
    """The update brings the signature's own dictionary once more."""
    return _forge_dictionary(_same, base)


def _copy_signature_elsewhere(base: Base) -> bytes:
    """The field leads to a copy of the signature under a new number."""
    update = Update(base.data)
    update.raw(update.page().Contents.objgen[0], LIE_STREAM)
    holder = _holder(update)
    fresh = update.size
    update.raw(fresh, _body_of(base.data, holder.V.objgen[0]))
    body = spell(holder).replace(b"/V %d 0 R" % holder.V.objgen[0], b"/V %d 0 R" % fresh)
    update.raw(holder.objgen[0], body)
    return update.render("table")


def _copy_behind_cut(base: Base) -> bytes:
    """As before, and the range was counted anew so that it ends with the file."""
    data = _copy_signature_elsewhere(base)
    start = data.rindex(b"/Contents")
    opened = data.index(b"<", start)
    closed = data.index(b">", opened) + 1
    at = (
        data.rindex(b"/ByteRange", 0, start) if data.rfind(b"/ByteRange", 0, start) > len(base.data) else None
    )
    if at is None:
        at = data.index(b"/ByteRange", start)
    stop = data.index(b"]", at) + 1
    spelt = b"/ByteRange [0 %d %d %d]" % (opened, closed, len(data) - closed)
    return data[:at] + spelt.ljust(stop - at) + data[stop:] if len(spelt) <= stop - at else data


def _whole_file(base: Base) -> bytes:
    """A whole new file with another page stands behind the signed one."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
    update = Update(base.data)
    update.raw(update.page().Contents.objgen[0], LIE_STREAM)
    objects = {
        each.objgen: spell(each)
        for each in update.pdf.objects
        if each is not None and each.is_indirect and each.objgen not in update.written
    }
    return append(base.data, objects | update.written, trailer={"Prev": None})


def _page_without_section(base: Base) -> bytes:
    """Objects only, no cross-reference; repairing viewers take the last of each number."""
    return _object(base)[0]


def _cut_ending(base: Base) -> bytes:
    return _object(Base(base.kind, base.data.rstrip()[:-5], base.fields, base.maker))[0]


def _odd_object(head: bytes, base: Base) -> bytes:
    number = find_content(base.data)
    spelt = head.replace(b"N", b"%d" % number)
    return (
        base.data
        + b"\n"
        + spelt
        + b"\n"
        + LIE_STREAM
        + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % find_start(base.data)
    )


def _hidden_section(base: Base) -> bytes:
    """Two sections follow; the last one lists nothing and leads past the other to the signed revision."""
    data = _save(base, table=b"TABLE", trailer=_TRAILER, ending=b"START")
    root = re.findall(rb"/Root\s+\d+\s+\d+\s+R", data)[-1]
    rest = b"xref\n0 0\ntrailer\n<< /Size %d %s /Prev %d >>\n" % (
        Update(base.data).size,
        root,
        find_start(base.data),
    )
    return data + rest + b"startxref\n%d\n%%%%EOF\n" % len(data)


_SAVINGS: Final[dict[str, Forge]] = {
    "objects only": _page_without_section,
    "whole update": partial(_save, table=b"TABLE", trailer=_TRAILER, ending=b"START"),
    "no ending": partial(_save, table=b"TABLE", trailer=_TRAILER),
    "no trailer": partial(_save, table=b"TABLE", ending=b"START"),
    "no table": partial(_save, trailer=_TRAILER, ending=b"START"),
    "empty table": partial(_save, table=b"xref\n0 0\n", trailer=_TRAILER, ending=b"START"),
    "ending only": partial(_save, ending=b"START"),
    "ending leads to the signed section": partial(_save, ending=b"OLDSTART"),
    "table, ending leads to the signed section": partial(
        _save, table=b"TABLE", trailer=_TRAILER, ending=b"OLDSTART"
    ),
    "trailer only": partial(_save, trailer=_TRAILER, ending=b"OLDSTART"),
    "no previous": partial(_save, table=b"TABLE", trailer=b"trailer\n<< SIZE ROOT >>\n", ending=b"START"),
    "no root": partial(_save, table=b"TABLE", trailer=b"trailer\n<< SIZE PREV >>\n", ending=b"START"),
    "no size": partial(_save, table=b"TABLE", trailer=b"trailer\n<< ROOT PREV >>\n", ending=b"START"),
    "trailer empty": partial(_save, table=b"TABLE", trailer=b"trailer\n<< >>\n", ending=b"START"),
    "start zero": partial(_save, table=b"TABLE", trailer=_TRAILER, ending=b"startxref\n0\n%%EOF\n"),
    "start huge": partial(_save, table=b"TABLE", trailer=_TRAILER, ending=b"startxref\n99999999\n%%EOF\n"),
    "start negative": partial(_save, table=b"TABLE", trailer=_TRAILER, ending=b"startxref\n-1\n%%EOF\n"),
    "two endings": partial(_save, table=b"TABLE", trailer=_TRAILER, ending=b"STARTOLDSTART"),
    "no end mark": partial(_save, table=b"TABLE", trailer=_TRAILER, ending=b"startxref\n0"),
    "commented table": partial(_save, table=b"%TABLE", trailer=b"%" + _TRAILER, ending=b"OLDSTART"),
    "signature copied": _copy_signature,
    "signature copied elsewhere": _copy_signature_elsewhere,
    "signature copied, range anew": _copy_behind_cut,
    "whole file behind": _whole_file,
    "ending cut": _cut_ending,
    "object over three lines": partial(_odd_object, b"N\n0\nobj"),
    "object after a comment": partial(_odd_object, b"% N\nN 0 obj"),
    "object with zeros": partial(_odd_object, b"000N 00000 obj"),
    "object with tabs": partial(_odd_object, b"N\t0\tobj"),
    "section passed over": _hidden_section,
}
