"""Numbers that a signed page refers to before anything stands there: what comes later is seen at once."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from .catalogue import Attack, Ground, spread
from .drafts import draft
from .increments import FORMS, Edit, Form, Update, apply, spell
from .makers import Base, Maker
from .painting import LIE, LIE_STREAM

_WAITED: Final = 900


def _await(change: Edit, unsigned: bytes) -> bytes:
    """Put references that lead nowhere yet into a document before anybody signs it."""
    return apply(unsigned, change)


def _wait_in(path: Callable[[Update], Any], spelt: bytes, update: Update) -> None:
    """Add `spelt` to a dictionary."""
    target = path(update)
    body = update.written.get(target.objgen) or spell(target)
    update.raw(target.objgen[0], body.rstrip()[:-2] + spelt + b" >>")


def _wait_in_contents(update: Update) -> None:
    page = update.page()
    number = page.Contents.objgen[0]
    body = spell(page).replace(
        b"/Contents %d 0 R" % number, b"/Contents [ %d 0 R %d 0 R ]" % (number, _WAITED)
    )
    update.raw(page.objgen[0], body)


def _wait_in_annotations(update: Update) -> None:
    update.raw(update.page().Annots.objgen[0], spell(update.page().Annots)[:-1] + b" %d 0 R ]" % _WAITED)


def _wait_in_fields(update: Update) -> None:
    body = spell(update.form)
    at = body.index(b"]", body.index(b"/Fields"))
    update.raw(update.form.objgen[0], body[:at] + b" %d 0 R " % _WAITED + body[at:])


def _wait_in_xobjects(update: Update) -> None:
    """The page draws something that is nowhere."""
    body = spell(update.page().Resources).replace(b"/XObject <<", b"/XObject << /Later %d 0 R" % _WAITED)
    update.raw(update.page().Resources.objgen[0], body)
    content = update.page().Contents
    content.write(content.read_bytes() + b"\n/Later Do\n")
    update.put(content)


def _wait_in_kids(update: Update) -> None:
    tree = update.root.Pages
    body = spell(tree)
    at = body.index(b"]", body.index(b"/Kids"))
    update.raw(tree.objgen[0], body[:at] + b" %d 0 R " % _WAITED + body[at:])


def _stamp() -> bytes:
    look = b"<< /Type /Annot /Subtype /Stamp /F 4 /Rect [70 600 400 760] /AP << /N %d 0 R >> >>"
    return look % (_WAITED + 1)


def _drawing() -> bytes:
    helvetica = b"/Resources << /Font << /Helv << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    shape = b"<< /Type /XObject /Subtype /Form /BBox [0 0 595 842] %s /Length %d >>" % (helvetica, len(LIE))
    return shape + b"\nstream\n" + LIE + b"\nendstream"


def _field_body() -> bytes:
    body = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Later) /F 4 /Rect [70 600 400 760]"
    return body + b" /AP << /N %d 0 R >> >>" % (_WAITED + 1)


def _supply(body: bytes, update: Update) -> None:
    update.raw(_WAITED, body)
    update.raw(_WAITED + 1, _drawing())


def _supply_field(update: Update) -> None:
    """What was waited for comes as a new signature field of the form and the page."""
    _supply(_field_body(), update)
    fields = spell(update.form)
    at = fields.index(b"]", fields.index(b"/Fields"))
    update.raw(update.form.objgen[0], fields[:at] + b" %d 0 R " % _WAITED + fields[at:])
    listed = spell(update.page().Annots)[:-1] + b" %d 0 R ]" % _WAITED
    update.raw(update.page().Annots.objgen[0], listed)


def _supply_store(body: bytes, update: Update) -> None:
    """What was waited for comes as validation data."""
    _supply(body, update)
    root = spell(update.root)
    if b"/DSS" not in root:
        update.raw(update.root.objgen[0], root[:-2] + b"/DSS << /Certs [ %d 0 R ] >> >>" % _WAITED)


def _in(path: Callable[[Update], Any], spelt: bytes) -> Edit:
    return partial(_wait_in, path, spelt)


_WAITS: Final[dict[str, tuple[Edit, bytes]]] = {
    "content": (_wait_in_contents, LIE_STREAM),
    "annotation": (_wait_in_annotations, _stamp()),
    "field": (_wait_in_fields, _field_body()),
    "drawing": (_wait_in_xobjects, _drawing()),
    "page": (
        _wait_in_kids,
        b"<< /Type /Page /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << >> >>" % (_WAITED + 1),
    ),
    "looks": (_in(lambda update: update.field("Note"), b"/AP << /N %d 0 R >>" % _WAITED), _drawing()),
    "opening": (
        _in(lambda update: update.root, b"/OpenAction %d 0 R" % _WAITED),
        b"<< /S /JavaScript /JS (app.alert\\(900\\)) >>",
    ),
    "group": (
        _in(lambda update: update.page(), b"/Group %d 0 R" % _WAITED),
        b"<< /S /Transparency /CS /DeviceGray >>",
    ),
    "turn": (_in(lambda update: update.page(), b"/Rotate %d 0 R" % _WAITED), b"180"),
    "crop": (_in(lambda update: update.page(), b"/CropBox %d 0 R" % _WAITED), b"[0 0 595 650]"),
    "mask": (
        _in(lambda update: update.page(1).Annots[0], b"/AP << /N %d 0 R >>" % _WAITED),
        _drawing(),
    ),
    "matrix": (
        _in(lambda update: update.page().Resources.Font.F1, b"/FontDescriptor %d 0 R" % _WAITED),
        b"<< /Type /FontDescriptor >>",
    ),
    "value": (_in(lambda update: update.field("Note"), b"/V %d 0 R" % _WAITED), b"(900)"),
    "hidden": (_in(lambda update: update.field("Kind"), b"/V %d 0 R" % _WAITED), b"(two)"),
}


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    for index, (name, (wait, body)) in enumerate(_WAITS.items()):
        ground: Ground = partial(_take_waiting, wait)
        ways: dict[str, Edit] = {
            f"{name} supplied": partial(_supply, body),
            f"{name} supplied as validation data": partial(_supply_store, body),
        }
        if name in {"annotation", "field"}:
            ways[f"{name} supplied as a signature field"] = _supply_field
        form: Form = FORMS[index % len(FORMS)]
        yield from spread("awaited", ways, ground=ground, forms=(form,), least=1)


def _take_waiting(wait: Edit, maker: Maker, kind: str) -> Base | None:
    if wait is _wait_in_fields and kind.startswith("certified"):
        return None  # pyHanko, which certifies, refuses such a form
    return maker.base(kind, _await(wait, draft()))
