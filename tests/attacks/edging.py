"""What can be done without touching a signed byte: in a signature's hole, and behind the end of the file."""

import io
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import pikepdf

from .catalogue import Attack, Forge
from .forging import find_content
from .increments import Update, append, apply, find_start, spell
from .makers import Base
from .painting import LIE_STREAM
from .sealing import digest_of, find_gaps, read_contents, sign_alike


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    for name, text in _IN_HOLE.items():
        yield Attack("hole", f"{name}, hole only", partial(_fill_rest, text, False))
        yield Attack("hole", f"{name}, page changed too", partial(_fill_rest, text, True))
    for name, form in _SPELLINGS.items():
        yield Attack("hole", f"{name}, page changed too", partial(_respell, form))
    yield Attack("hole", "objects in the hole", _hide_objects)
    yield Attack("hole", "a section in the hole", _hide_section)
    for name, forge in _TAILS.items():
        yield Attack("tail", name, forge)


# --- the hole: its zeros are nobody's, and give room for other entries of the dictionary

_IN_HOLE: Final = {
    "second contents": b"/Contents <3003>",
    "other range": b"/ByteRange [0 1 2 3]",
    "other permission": b"/Reference [<< /TransformMethod /DocMDP /TransformParams << /P 3 /V /1.2 >> >>]",
    "other format": b"/SubFilter /adbe.pkcs7.sha1",
    "other date": b"/M (D:20200101000000Z)",
    "other name": b"/Name (Somebody else)",
    "other type": b"/Type /DocTimeStamp",
    "comment": b"% nobody signed this",
    "second string": b"<deadbeef>",
    "literal string": b"/Reason (I agree to 900)",
    "array": b"[ 1 2 3 ]",
    "end of the dictionary": b">> endobj 9999 0 obj << /Length 0",
}


def _fill_rest(text: bytes, also_page: bool, base: Base) -> bytes | None:
    """Put other entries behind the CMS, where only zeros stood."""
    start, end, _ = find_gaps(base.data)[0]
    digits = b"<" + read_contents(base.data, 0).hex().encode() + b">"
    room = end - start - len(digits)
    if room < len(text) + 2:
        return None
    filled = digits + b" " + text.ljust(room - 1, b" " if not text.startswith(b"%") else b"%")
    data = base.data[:start] + filled[: end - start - 1] + b"\n" + base.data[end:]
    return _change_page(data) if also_page else data


def _change_page(data: bytes) -> bytes | None:
    try:
        number = find_content(data)
    except (pikepdf.PdfError, ValueError):
        return None
    return append(data, {(number, 0): LIE_STREAM})


def _spaced(digits: bytes) -> bytes:
    return b" ".join(digits[at : at + 64] for at in range(0, len(digits), 64))


_SPELLINGS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "in capitals": bytes.upper,
    "spaced": _spaced,
    "one digit less": lambda digits: digits[:-1],
    "letters that are no digits": lambda digits: digits[:-4] + b"zz00",
    "angle in the middle": lambda digits: digits[:-8] + b">  <0000",
}


def _respell(form: Callable[[bytes], bytes], base: Base) -> bytes | None:
    start, end, _ = find_gaps(base.data)[0]
    digits = read_contents(base.data, 0).hex().encode()
    room = end - start - 2
    spelt = form(digits + b"0" * (room - len(digits)))
    if len(spelt) > room:
        spelt = form(digits)
    if len(spelt) > room:
        return None
    spelt = spelt.ljust(room, b"0") if form is bytes.upper else spelt.ljust(room, b" ")
    return _change_page(base.data[: start + 1] + spelt + base.data[end - 1 :])


def _hole(base: Base) -> tuple[int, int, bytes]:
    start, end, _ = find_gaps(base.data)[0]
    digits = b"<" + read_contents(base.data, 0).hex().encode() + b">"
    return start, end, digits


def _hide_objects(base: Base) -> bytes | None:
    """The page's new content stands in the hole; an update without objects points there."""
    start, end, digits = _hole(base)
    number = find_content(base.data)
    hidden = b">> endobj %d 0 obj << /Length 20 >> stream\n1 0 0 rg 0 0 9 9 re f\nendstream endobj" % number
    if len(digits) + len(hidden) + 2 > end - start:
        return None
    data = base.data[:start] + (digits + b" " + hidden).ljust(end - start) + base.data[end:]
    place = data.index(b"%d 0 obj" % number, start)
    return append(data, {}, extra={number: (place, 0)})


def _hide_section(base: Base) -> bytes | None:
    """A cross-reference stands in the hole, and a `startxref` behind the file points there."""
    start, end, digits = _hole(base)
    root = re.findall(rb"/Root\s+\d+\s+\d+\s+R", base.data)[-1]
    number = find_content(base.data)
    place = len(base.data) + 1
    table = b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d %s /Prev %d >>" % (
        *(number, place, Update(base.data).size, root, find_start(base.data)),
    )
    if len(digits) + len(table) + 2 > end - start:
        return None
    data = base.data[:start] + (digits + b"\n" + table).ljust(end - start) + base.data[end:]
    tail = b"\n%d 0 obj\n%s\nendobj\n" % (number, LIE_STREAM)
    return data + tail + b"startxref\n%d\n%%%%EOF\n" % (start + len(digits) + 1)


# --- the tail: bytes behind the end, and chains of sections that lead elsewhere


def _follow(text: bytes, base: Base) -> bytes:
    return base.data + text


def _follow_by_file(base: Base) -> bytes:
    output = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(output, deterministic_id=True)
    return base.data + output.getvalue()


def _precede(text: bytes, base: Base) -> bytes:
    return text + base.data


def _repeat(base: Base) -> bytes:
    return base.data + base.data


def _chain(previous: Callable[[bytes], bytes], base: Base) -> bytes:
    """The newest section leads to another one than that of the signed revision."""
    number = find_content(base.data)
    return append(base.data, {(number, 0): LIE_STREAM}, trailer={"Prev": previous(base.data)})


def _list_starts(data: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"startxref\s+(\d+)", data)]


def _past_signature(data: bytes) -> bytes:
    """The section before the signature's."""
    starts = _list_starts(data)
    return b"%d" % starts[-2 if len(starts) > 1 else -1]


def _loop(base: Base) -> bytes:
    number = find_content(base.data)
    data = append(base.data, {(number, 0): LIE_STREAM})
    start = find_start(data)
    return append(base.data, {(number, 0): LIE_STREAM}, trailer={"Prev": b"%d" % start})


def _skip_own(base: Base) -> bytes:
    """An update, and behind it another one that leads past it."""
    number = find_content(base.data)
    first = append(base.data, {(number, 0): LIE_STREAM})
    return append(first, {}, trailer={"Prev": b"%d" % find_start(base.data)})


def _show_hidden(base: Base) -> bytes:
    """Two updates: the second one takes the first one's change back for those who follow it."""
    update = Update(base.data)
    content = update.page().Contents
    first = append(base.data, {content.objgen: LIE_STREAM})
    return append(first, {content.objgen: spell(content)}, trailer={"Prev": b"%d" % find_start(base.data)})


def _other_root(base: Base) -> bytes:
    update = Update(base.data)
    fresh = update.size
    page = spell(update.page()).replace(
        b"/Contents %d 0 R" % update.page().Contents.objgen[0], b"/Contents %d 0 R" % (fresh + 3)
    )
    catalogue = re.sub(rb"/Pages \d+ 0 R", b"/Pages %d 0 R" % (fresh + 1), spell(update.root))
    objects = {
        (fresh, 0): catalogue,
        (fresh + 1, 0): b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (fresh + 2),
        (fresh + 2, 0): page,
        (fresh + 3, 0): LIE_STREAM,
    }
    return append(base.data, objects, trailer={"Root": b"%d 0 R" % fresh})


def _info_as_root(base: Base) -> bytes:
    """The trailer of the update names no other catalogue, but encrypts."""
    number = find_content(base.data)
    encrypt = b"<< /Filter /Standard /V 1 /R 2 /O (%s) /U (%s) /P -4 >>" % (b"o" * 32, b"u" * 32)
    return append(base.data, {(number, 0): LIE_STREAM}, trailer={"Encrypt": encrypt})


def _write_over(base: Base) -> bytes:
    """The signed revision's own section is listed as if the update's objects stood before it."""
    number = find_content(base.data)
    place = base.data.index(b"%d 0 obj" % number)
    return append(base.data, {}, extra={number: (place, 0), find_content_of_second(base.data): (place, 0)})


def find_content_of_second(data: bytes) -> int:
    """Give the number of the second page's content."""
    update = Update(data)
    return int(update.page(1).Contents.objgen[0])


def _signed_by_nobody(base: Base) -> bytes | None:
    """The base's own signature is repeated behind changed content, made again by a look-alike."""
    data = apply(base.data, lambda update: update.raw(update.page().Contents.objgen[0], LIE_STREAM))
    content = sign_alike(base.maker, "a-person1")(digest_of(base.data, -1))
    return data + b"\n%% %s\n" % content.hex().encode()


_TAILS: Final[dict[str, Forge]] = {
    "text": partial(_follow, b"trailing text"),
    "comment": partial(_follow, b"\n% a comment that nobody signed\n"),
    "end mark": partial(_follow, b"%%EOF\n"),
    "start and end mark": partial(_follow, b"startxref\n0\n%%EOF\n"),
    "zeros and text": partial(_follow, b"\0" * 100 + b"x"),
    "object": partial(_follow, b"\n9 0 obj\n<< /Hidden true >>\nendobj\n"),
    "stream": partial(_follow, b"\n9 0 obj\n" + LIE_STREAM + b"\nendobj\n"),
    "picture": partial(_follow, b"\x89PNG\r\n\x1a\n" + b"\0" * 64),
    "archive": partial(_follow, b"PK\x05\x06" + b"\0" * 18),
    "a page of markup": partial(_follow, b"<html><body>900</body></html>"),
    "another file": _follow_by_file,
    "itself": _repeat,
    "something in front": partial(_precede, b"\n"),
    "a file in front": partial(_precede, b"%PDF-1.4\n% in front\n"),
    "past the signature": partial(_chain, _past_signature),
    "to nothing": partial(_chain, lambda _: b"0"),
    "to the middle of the file": partial(_chain, lambda data: b"%d" % (len(data) // 2)),
    "to a number below zero": partial(_chain, lambda _: b"-1"),
    "to a fraction": partial(_chain, lambda data: b"%d.0" % find_start(data)),
    "to a text": partial(_chain, lambda data: b"(%d)" % find_start(data)),
    "to an object": partial(_chain, lambda _: b"1 0 R"),
    "in a circle": _loop,
    "past an update": _skip_own,
    "past an update that is taken back": _show_hidden,
    "to another catalogue": _other_root,
    "encrypted by the update": _info_as_root,
    "second page like the first": _write_over,
    "a signature in a comment": _signed_by_nobody,
}
