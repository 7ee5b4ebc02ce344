"""Form fields whose values and looks disagree, and fields that a signature had locked."""

import dataclasses
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, String

from .catalogue import Attack, Ground, spread
from .drafts import NOTE_BOX
from .increments import Edit, Update
from .makers import Base, Maker, list_signatures
from .painting import LIE, PAGE_BOX

_SHOWN: Final = b"/Tx BMC BT /Helv 10 Tf 2 5 Td (900) Tj ET EMC"


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    yield from spread("form-disagreement", _FILLING)
    for name, ground in _GROUNDS.items():
        edits = {f"{name}: {each}": edit for each, edit in _FILLS.items()}
        yield from spread("locked-field", edits, ground=ground, least=1)


def fill(update: Update, name: str, value: str | None, shown: bytes | None, **entries: Any) -> Any:
    """Give a text field a value and other looks; None leaves either as it is."""
    field = update.field(name)
    if value is not None:
        field.V = String(value)
    if shown is not None:
        left, bottom, right, top = (float(number) for number in field.Rect)
        field.AP = Dictionary(N=update.drawing(shown, (0, 0, right - left, top - bottom)))
    for key, item in entries.items():
        field[Name(f"/{key}")] = item
    update.put(field)
    return field


def write_text(words: str) -> bytes:
    """Give the content of an appearance that shows these words."""
    return b"/Tx BMC BT /Helv 10 Tf 2 5 Td (%s) Tj ET EMC" % words.encode()


def _fill(name: str, value: str | None, shown: bytes | None, update: Update) -> None:
    fill(update, name, value, shown)


def _enlarge(box: tuple[float, ...], update: Update) -> None:
    """The looks are right for the value, but the field grew over the page."""
    field = update.field("Note")
    field.Rect, field.V = Array(box), String("We agree to pay 900 dong")
    field.AP = Dictionary(N=update.drawing(LIE, PAGE_BOX))
    update.put(field)


def _cover_by_field(update: Update) -> None:
    fill(update, "Note", "100", write_text("100"), MK=Dictionary(BG=Array([0, 0, 0])), Rect=Array(PAGE_BOX))


def _picture(update: Update) -> None:
    """Digits that are drawn, where the value says something else."""
    fill(update, "Note", "100", b"10 2 4 14 re 20 2 4 14 re 30 2 20 14 re f")


def _hidden_letters(update: Update) -> None:
    """The value's letters are there and cannot be seen; what can be seen is drawn."""
    unseen = b"BT 3 Tr /Helv 10 Tf 2 5 Td (100) Tj ET "
    fill(update, "Note", "100", unseen + b"10 2 4 14 re 20 2 4 14 re 30 2 20 14 re f")


def _white_letters(update: Update) -> None:
    white = b"BT 1 1 1 rg /Helv 1 Tf 2 5 Td (100) Tj ET 0 0 0 rg "
    fill(update, "Note", "100", white + b"10 2 4 14 re 20 2 4 14 re 30 2 20 14 re f")


def _covered_letters(update: Update) -> None:
    covered = write_text("100") + b" 1 g 0 0 200 20 re f 0 g 10 2 4 14 re 30 2 20 14 re f"
    fill(update, "Note", "100", covered)


def _clipped_letters(update: Update) -> None:
    fill(update, "Note", "100", b"q 0 0 0 0 re W n " + write_text("100") + b" Q 30 2 20 14 re f")


def _lying_font(update: Update) -> None:
    """Letters that a text extraction reads as the value while other shapes are drawn."""
    shapes = Dictionary(a=update.stream(b"800 0 d0 0 0 600 800 re f"))
    words = b"/CIDInit /ProcSet findresource begin begincmap 1 beginbfchar <01> <0031> endbfchar endcmap end"
    font = Dictionary(
        Type=Name.Font,
        Subtype=Name.Type3,
        FontBBox=Array([0, 0, 800, 800]),
        FontMatrix=Array([0.001, 0, 0, 0.001, 0, 0]),
        CharProcs=shapes,
        Encoding=Dictionary(Type=Name.Encoding, Differences=Array([1, Name.a])),
        FirstChar=1,
        LastChar=1,
        Widths=Array([800]),
        ToUnicode=update.stream(words),
    )
    field = update.field("Note")
    look = update.drawing(b"BT /Lie 10 Tf 2 5 Td <010101> Tj ET", (0, 0, 168, 20))
    look.Resources = Dictionary(Font=Dictionary(Lie=font))
    field.V, field.AP = String("111"), Dictionary(N=look)
    update.put(field, look)


def _states(update: Update) -> None:
    field = fill(update, "Note", "100", None)
    looks = {
        "One": update.drawing(write_text("100"), (0, 0, 168, 20)),
        "Two": update.drawing(_SHOWN, (0, 0, 168, 20)),
    }
    field.AP, field.AS = Dictionary(N=Dictionary(**looks)), Name.Two
    update.put(field)


def _second_widget(update: Update) -> None:
    """The field gets a second widget, over the text of the page."""
    field = update.field("Note")
    widget = Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, Rect=Array([70, 600, 400, 760]), F=4, Parent=field
    )
    widget.AP = Dictionary(N=update.drawing(LIE, (70, 600, 400, 760)))
    made = update.add(widget)
    field.Kids, field.V = Array([made]), String("900")
    update.put(field)
    update.annotate(update.page(), made)


def _new_field(kind: str, update: Update) -> None:
    box = (70.0, 600.0, 400.0, 760.0)
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name(f"/{kind}"), T=String("New"), F=4)
    field.Rect, field.P = Array(box), update.page()
    field.AP = Dictionary(N=update.drawing(LIE, box))
    if kind == "Tx":
        field.V = String("900")
    made = update.add(field)
    update.annotate(update.page(), made)
    update.enlist(made)


def _rename(update: Update) -> None:
    """Two fields exchange their names, and so their values."""
    first, second = update.field("Number"), update.field("Note")
    first.T, second.T = second.T, first.T
    update.put(first, second)


def _move(update: Update) -> None:
    field = update.field("Amount")
    field.Rect = Array([72, 100, 240, 120])
    update.put(field)


def _wrong_mark(update: Update) -> None:
    """The box is ticked in its looks, not in its value."""
    box = update.field("Agree")
    box.AS = Name.Yes
    box.AP.N.Yes = update.drawing(b"0 0 20 20 re f", (0, 0, 20, 20))
    box.AP.N.Off = box.AP.N.Yes
    update.put(box)


def _wrong_choice(update: Update) -> None:
    fill(update, "Kind", "one", write_text("two"))


def _other_options(update: Update) -> None:
    field = update.field("Kind")
    field.Opt = Array([String("pay 900"), String("pay 800")])
    update.put(field)


def _same_look_other_value(update: Update) -> None:
    fill(update, "Amount", "900", None)


def _wiped(update: Update) -> None:
    field = update.field("Amount")
    del field["/V"]
    update.put(field)


def _look_of_another(update: Update) -> None:
    """The field takes a page's picture for its looks."""
    fill(update, "Note", "100", None, AP=Dictionary(N=update.page().Resources.XObject.Shape))


def _value_as_stream(update: Update) -> None:
    fill(update, "Note", None, _SHOWN, V=update.stream(b"100"))


def _rich_value(update: Update) -> None:
    fill(update, "Note", "100", _SHOWN, RV=String("<body><p>900</p></body>"), Ff=1 << 25)


def _shared_look(update: Update) -> None:
    """An appearance that was there before is drawn again."""
    look = update.field("Amount").AP.N
    look.write(_SHOWN)
    update.put(look)


_FILLING: Final[dict[str, Edit]] = {
    "other looks than value": partial(_fill, "Note", "100", _SHOWN),
    "number other than shown": partial(_fill, "Number", "5/UBND", write_text("6/UBND")),
    "looks without value": partial(_fill, "Note", None, _SHOWN),
    "value unseen": partial(_fill, "Note", "900", b""),
    "filled value changed": partial(_fill, "Amount", "900", write_text("900")),
    "filled value, same looks": _same_look_other_value,
    "filled looks, same value": partial(_fill, "Amount", None, write_text("900")),
    "filled value wiped": _wiped,
    "old looks redrawn": _shared_look,
    "grown over the text": partial(_enlarge, (70, 600, 400, 760)),
    "grown over the page": partial(_enlarge, PAGE_BOX),
    "background over the page": _cover_by_field,
    "drawn digits": _picture,
    "invisible letters": _hidden_letters,
    "white letters": _white_letters,
    "covered letters": _covered_letters,
    "clipped letters": _clipped_letters,
    "lying font": _lying_font,
    "looks by state": _states,
    "second widget": _second_widget,
    "new text field": partial(_new_field, "Tx"),
    "new choice field": partial(_new_field, "Ch"),
    "new button": partial(_new_field, "Btn"),
    "names exchanged": _rename,
    "moved": _move,
    "ticked in looks only": _wrong_mark,
    "other choice than value": _wrong_choice,
    "other options": _other_options,
    "looks of a picture": _look_of_another,
    "value in a stream": _value_as_stream,
    "rich value": _rich_value,
}


def _lock_all(maker: Maker, kind: str) -> Base:
    return _lock(maker, kind, "All", [])


def _lock_note(maker: Maker, kind: str) -> Base:
    return _lock(maker, kind, "Include", ["Note", "Kind", "Agree"])


def _lock_most(maker: Maker, kind: str) -> Base:
    return _lock(maker, kind, "Exclude", ["Date"])


def _certify_closed(maker: Maker, kind: str) -> Base:
    """Nothing may change, whatever else the document is."""
    base = maker.base("certified 1")
    return dataclasses.replace(base, kind=kind) if kind != "B-LTA" else _stamp(base, base.data)


def _lock(maker: Maker, kind: str, action: str, names: list[str]) -> Base:
    if kind == "certified 1":  # it permits no signature after it, so its own must lock
        return maker.locked(kind, action, tuple(names))
    base = maker.base("B-B" if kind == "B-LTA" else kind)
    key = f"{kind} {action}"
    if key not in maker.kept:
        data = maker.lock(base.data, "Locker", action, names)
        made = Base(kind, data, list_signatures(data) - base.fields, maker)
        maker.kept[key] = _stamp(made, data) if kind == "B-LTA" else made
    return maker.kept[key]


def _stamp(base: Base, data: bytes) -> Base:
    stamped = base.maker.stamp(data)
    return Base("B-LTA", stamped, base.fields, base.maker)


def _tick(update: Update) -> None:
    box = update.field("Agree")
    box.V = box.AS = Name.Yes
    update.put(box)


def _choose(update: Update) -> None:
    fill(update, "Kind", "one", write_text("one"))


def _rename_and_fill(update: Update) -> None:
    fill(update, "Note", "100", write_text("100"), T=String("Free"))


def _adopt(update: Update) -> None:
    """The field moves under a parent, so that its full name is another."""
    field = fill(update, "Note", "100", write_text("100"))
    parent = update.add(Dictionary(T=String("Free"), Kids=Array([field])))
    field.Parent = parent
    update.put(field)
    fields = update.form.Fields
    update.form.Fields = Array([*(each for each in fields if each.objgen != field.objgen), parent])
    update.put(update.form)


def _shadow(update: Update) -> None:
    """A second field of the same name, with the value."""
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("Note"), F=4)
    field.Rect, field.P, field.V = Array(NOTE_BOX), update.page(), String("900")
    field.AP = Dictionary(N=update.drawing(_SHOWN, (0, 0, 168, 20)))
    made = update.add(field)
    update.annotate(update.page(), made)
    update.enlist(made)


def _unlock(update: Update) -> None:
    """The lock is taken off before the field is filled."""
    for field in update.form.Fields:
        if "/Lock" in field:
            del field["/Lock"]
            update.put(field)
    fill(update, "Note", "100", write_text("100"))


def _unlist_and_fill(update: Update) -> None:
    """The field leaves the form and its widget is drawn anew."""
    field = fill(update, "Note", "100", write_text("100"))
    update.form.Fields = Array(each for each in update.form.Fields if each.objgen != field.objgen)
    update.put(update.form)


def _redraw_only(update: Update) -> None:
    fill(update, "Note", None, write_text("100"))


def _fill_hidden(update: Update) -> None:
    fill(update, "Note", "100", write_text(""))


def _inherit_value(update: Update) -> None:
    field = update.field("Note")
    field.Parent = update.add(Dictionary(V=String("100"), FT=Name.Tx))
    field.AP = Dictionary(N=update.drawing(write_text("100"), (0, 0, 168, 20)))
    update.put(field)


def _default(update: Update) -> None:
    fill(update, "Note", None, write_text("100"), DV=String("100"), MK=Dictionary(BG=Array([1, 1, 0])))


_FILLS: Final[dict[str, Edit]] = {
    "filled": partial(_fill, "Note", "100", write_text("100")),
    "value only": partial(_fill, "Note", "100", None),
    "looks only": _redraw_only,
    "value unseen": _fill_hidden,
    "ticked": _tick,
    "chosen": _choose,
    "renamed": _rename_and_fill,
    "adopted": _adopt,
    "doubled": _shadow,
    "unlocked": _unlock,
    "unlisted": _unlist_and_fill,
    "value inherited": _inherit_value,
    "default": _default,
}
_GROUNDS: Final[dict[str, Ground]] = {
    "All": _lock_all,
    "Include": _lock_note,
    "Exclude": _lock_most,
    "DocMDP 1": _certify_closed,
}
