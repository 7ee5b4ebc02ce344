"""Sneaky signatures (Mainka et al., 2021): a signature field whose looks say what nobody signed.

On certified documents nobody may add what is seen; elsewhere only valid signatures may be seen.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, String

from .catalogue import Attack
from .drafts import TEXT_BOX
from .increments import FORMS, Form, Update
from .makers import OTHER_SIGNER, SIGNER, Base
from .painting import LIE, PAGE_BOX
from .sealing import (
    Signer,
    add_signature,
    fill_hole,
    new_field,
    read_contents,
    sign_alike,
    sign_by,
    stamp_truly,
)

_NOWHERE: Final = (0.0, 0.0, 0.0, 0.0)


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    number = 0
    for holder, hold in _HOLDERS.items():
        for shape, draw in _SHAPES.items():
            form: Form = FORMS[number % len(FORMS)]
            number += 1
            yield Attack("sneaky-signature", f"{shape}, {holder}", partial(_sneak, draw, hold, form))


Draw = Callable[[Update], Any]
"""Draws up a signature field and gives it."""
Hold = Callable[[Base, Update, Any], Signer | None]
"""Says what the field holds; a signer if its hole is to be filled."""


def _sneak(draw: Draw, hold: Hold, form: Form, base: Base) -> bytes | None:
    if hold is _insider and (base.permission is None or draw is _existing):
        return None  # where signatures may be seen, a trusted one may be seen
    update = Update(base.data)
    signer = hold(base, update, draw(update))
    if signer is None:
        return update.render(form)
    # A signature stands in no object stream.
    return fill_hole(update.render("stream" if form == "packed" else form), signer)


# --- what the field looks like


def _covering(update: Update) -> Any:
    return new_field(update, "New", TEXT_BOX, AP=Dictionary(N=update.drawing(LIE, TEXT_BOX)))


def _whole_page(update: Update) -> Any:
    return new_field(update, "New", PAGE_BOX, AP=Dictionary(N=update.drawing(LIE, PAGE_BOX)))


def _second_page(update: Update) -> Any:
    return new_field(update, "New", TEXT_BOX, page=1, AP=Dictionary(N=update.drawing(LIE, TEXT_BOX)))


def _by_background(update: Update) -> Any:
    """No looks of its own, but a background that a viewer may draw."""
    return new_field(update, "New", TEXT_BOX, MK=Dictionary(BG=Array([0, 0, 0]), CA=String("900")))


def _two_widgets(update: Update) -> Any:
    """One field, two widgets; the second covers text."""
    field = Dictionary(FT=Name.Sig, T=String("New"))
    made = update.add(field)
    widgets = []
    for box, content in ((_NOWHERE, b""), (TEXT_BOX, LIE)):
        shape = Dictionary(Type=Name.Annot, Subtype=Name.Widget, Rect=Array(box), F=132, Parent=made)
        shape.AP = Dictionary(N=update.drawing(content, TEXT_BOX))
        shape.P = update.page()
        widgets.append(update.add(shape))
        update.annotate(update.page(), widgets[-1])
    made.Kids = Array(widgets)
    update.put(made)
    update.enlist(made)
    return made


def _existing(update: Update) -> Any:
    """The prepared field for the seal, grown over the page."""
    field = update.field("Seal")
    field.Rect = Array(TEXT_BOX)
    field.AP = Dictionary(N=update.drawing(LIE, TEXT_BOX))
    update.put(field)
    return field


def _with_note(update: Update) -> Any:
    """A field that is nowhere, and a note that belongs to it and covers text."""
    field = new_field(update, "New", _NOWHERE)
    note = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array(TEXT_BOX), F=4, IRT=field)
    note.AP = Dictionary(N=update.drawing(LIE, TEXT_BOX))
    update.annotate(update.page(), update.add(note))
    return field


_SHAPES: Final[dict[str, Draw]] = {
    "over text": _covering,
    "over the page": _whole_page,
    "on the second page": _second_page,
    "by its background": _by_background,
    "two widgets": _two_widgets,
    "prepared field grown": _existing,
    "with a note": _with_note,
}


# --- what the field holds


def _nothing(base: Base, update: Update, field: Any) -> None:
    del base, update, field


def _empty(base: Base, update: Update, field: Any) -> None:
    del base
    field.V = update.add(Dictionary(Type=Name.Sig))
    update.put(field)


def _garbage(base: Base, update: Update, field: Any) -> Signer:
    del base
    add_signature(update, field)
    return lambda digest: b"\x30\x03\x02\x01\x00" + digest


def _copy(base: Base, update: Update, field: Any) -> Signer:
    """The true signature, once more."""
    add_signature(update, field)
    content = read_contents(base.data, 0)
    return lambda _: content


def _lookalike(base: Base, update: Update, field: Any) -> Signer:
    add_signature(update, field)
    return sign_alike(base.maker, SIGNER)


def _same_value(base: Base, update: Update, field: Any) -> None:
    """The field leads to the signature that is there already."""
    del base
    field.V = next(each.V for each in update.fields if "/V" in each and Name.Sig == each.FT)
    update.put(field)


def _stamp(base: Base, update: Update, field: Any) -> Signer:
    """A true time-stamp, which anybody can have: it says nothing about what is seen."""
    add_signature(update, field, subfilter="ETSI.RFC3161")
    return stamp_truly(base.maker, dt.datetime.now(dt.UTC))


def _insider(base: Base, update: Update, field: Any) -> Signer:
    """A trusted person's, which holds."""
    add_signature(update, field)
    return sign_by(base.maker, OTHER_SIGNER)


_HOLDERS: Final[dict[str, Hold]] = {
    "nothing": _nothing,
    "an empty signature": _empty,
    "garbage": _garbage,
    "a copy": _copy,
    "a look-alike's": _lookalike,
    "the same value": _same_value,
    "a true time-stamp": _stamp,
    "an insider's": _insider,
}
