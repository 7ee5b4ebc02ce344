"""Documents that somebody prepared for this verification's quick path: one object, several uses."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from .catalogue import Attack, Forge, Ground
from .drafts import TEXT_BOX, draft
from .filling import fill, write_text
from .increments import Edit, Update, append, apply, copy, spell
from .makers import Base, Maker
from .painting import LIE, PAGE_BOX

_NOWHERE: Final = (0.0, 0.0, 0.0, 0.0)


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    for name, (ground, forge) in _PREPARED.items():
        yield Attack("guard", name, forge, ground)


def _apply(edit: Edit, base: Base) -> bytes:
    return apply(base.data, edit)


def _with(change: Callable[[pikepdf.Pdf], None]) -> Ground:
    return lambda maker, kind: maker.base(kind, draft(change))


def _annots_are_contents(pdf: pikepdf.Pdf) -> None:
    """One array is the page's annotations and its content."""
    page = pdf.pages[0].obj
    page.Annots.insert(0, page.Contents)
    page.Contents = page.Annots


def _fields_are_annots(pdf: pikepdf.Pdf) -> None:
    """One array is the form's fields and the first page's annotations."""
    pdf.Root.AcroForm.Fields = pdf.pages[0].obj.Annots


def _annots_of_both(pdf: pikepdf.Pdf) -> None:
    """Both pages show the same annotations."""
    pdf.pages[1].obj.Annots = pdf.pages[0].obj.Annots


def _field_on_both(pdf: pikepdf.Pdf) -> None:
    note = next(each for each in pdf.Root.AcroForm.Fields if str(each.T) == "Note")
    pdf.pages[1].obj.Annots.append(note)


def _info_is_prepared_font(pdf: pikepdf.Pdf) -> None:
    """The document's information is a font of the page."""
    font = pdf.pages[0].obj.Resources.Font.F1
    font.Title = String("An agreement")
    pdf.trailer.Info = font


def _field_is_prepared_resources(pdf: pikepdf.Pdf) -> None:
    """A text field's dictionary is at once the dictionary of the page's shapes."""
    note = next(each for each in pdf.Root.AcroForm.Fields if str(each.T) == "Note")
    resources = pdf.pages[0].obj.Resources
    note.Shape, note.Picture = resources.XObject.Shape, resources.XObject.Picture
    note.V = pdf.make_stream(b"")
    del note["/V"]
    resources.XObject = note
    page = pdf.pages[0].obj
    page.Contents = pdf.make_stream(page.Contents.read_bytes() + b"\n/AP Do /V Do\n")


def _looks_are_prepared_shapes(pdf: pikepdf.Pdf) -> None:
    """A field's dictionary of looks is at once that of the page's shapes: its `/N` is drawn."""
    note = next(each for each in pdf.Root.AcroForm.Fields if str(each.T) == "Note")
    resources = pdf.pages[0].obj.Resources
    looks = pdf.make_indirect(copy(resources.XObject))
    looks.N = resources.XObject.Shape
    resources.XObject = looks
    note.AP = looks
    page = pdf.pages[0].obj
    page.Contents = pdf.make_stream(page.Contents.read_bytes() + b"\n/N Do\n")


_WIDE_BOX: Final = (70.0, 735.0, 400.0, 755.0)
"""The first line of page 1."""


def _wide_field(pdf: pikepdf.Pdf) -> None:
    """An empty text field lies over a line of text, and nobody sees it."""
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("Wide"), F=4)
    field.Rect, field.P, field.DA = Array(_WIDE_BOX), pdf.pages[0].obj, String("/Helv 10 Tf 0 g")
    made = pdf.make_indirect(field)
    pdf.Root.AcroForm.Fields.append(made)
    pdf.pages[0].obj.Annots.append(made)


def _fill_wide(value: str, shown: bytes, update: Update) -> None:
    fill(update, "Wide", value, shown)


_VEIL: Final = b"1 g 0 0 330 20 re f 0 g "
_LINE: Final = "We agree to pay 100 dong"
_DRAWN: Final = _VEIL + b"10 4 4 14 re 20 4 14 14 re 40 4 4 14 re f"
"""The line is covered, and strokes stand over it."""
_WRITTEN: Final = _VEIL + b"BT /Helv 10 Tf 200 5 Td (900) Tj ET"


def _add_stamp(update: Update) -> None:
    array = update.page().Annots
    note = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array(TEXT_BOX), F=4)
    note.AP = Dictionary(N=update.drawing(LIE, TEXT_BOX))
    array.append(update.add(note))
    update.put(array)


def _add_content(update: Update) -> None:
    array = update.page().Contents
    array.append(update.stream(LIE.replace(b"/Helv", b"/F1")))
    update.put(array)


def _add_field(update: Update) -> None:
    """A signature field that is at once a stream of content."""
    content = LIE.replace(b"/Helv", b"/F1")
    made = update.stream(content, {"FT": Name.Sig, "T": String("New"), "Rect": Array(_NOWHERE), "F": 132})
    array = update.page().Annots
    array.append(made)
    update.put(array)
    update.enlist(made)


def _fill_value(update: Update) -> None:
    note = next(
        each for each in update.pdf.objects if isinstance(each, Dictionary) and each.get("/T") == "Note"
    )
    note.V = update.drawing(LIE, PAGE_BOX)
    note.AP = update.drawing(LIE, PAGE_BOX)
    update.put(note)


def _fill_looks(update: Update) -> None:
    note = update.field("Note")
    note.V, note.AP.N = String("100"), update.drawing(LIE, PAGE_BOX)
    update.put(note, note.AP)


def _spoil_info(base: Base) -> bytes:
    update = Update(base.data)
    info = update.pdf.trailer.Info
    info.BaseFont = Name.ZapfDingbats
    update.put(info)
    return update.render()


def _await_number(maker: Maker, kind: str) -> Base | None:
    """The signed form lists a number that does not exist yet, above the highest."""
    if kind.startswith("certified"):
        return None  # pyHanko, which certifies, refuses such a form
    update = Update(draft())
    body = spell(update.form)
    at = body.index(b"]", body.index(b"/Fields"))
    waiting = body[:at] + b" %d 0 R " % _find_free_number() + body[at:]
    return maker.base(kind, append(update.data, {update.form.objgen: waiting}))


def _find_free_number() -> int:
    return Update(draft()).size + 90


def _use_number(base: Base) -> bytes:
    update = Update(base.data)
    field = Dictionary(FT=Name.Sig, T=String("New"), Rect=Array(TEXT_BOX), F=4, P=update.page())
    field.Type, field.Subtype = Name.Annot, Name.Widget
    field.AP = Dictionary(N=update.drawing(LIE, TEXT_BOX))
    update.raw(_find_free_number(), spell(field))
    return update.render()


def _edit(edit: Edit) -> Forge:
    return partial(_apply, edit)


def _enlarge(update: Update) -> None:
    fill(update, "Note", "100", write_text("100"), Rect=Array(TEXT_BOX))


_PREPARED: Final[dict[str, tuple[Ground, Forge]]] = {
    "annotations are content": (_with(_annots_are_contents), _edit(_add_content)),
    "annotations are content, as a field": (_with(_annots_are_contents), _edit(_add_field)),
    "fields are annotations": (_with(_fields_are_annots), _edit(_add_stamp)),
    "annotations of both pages": (_with(_annots_of_both), _edit(_add_stamp)),
    "field on both pages": (_with(_field_on_both), _edit(_enlarge)),
    "information is a font": (_with(_info_is_prepared_font), _spoil_info),
    "field is the shapes": (_with(_field_is_prepared_resources), _edit(_fill_value)),
    "looks are the shapes": (_with(_looks_are_prepared_shapes), _edit(_fill_looks)),
    "field over text, drawn over": (_with(_wide_field), _edit(partial(_fill_wide, _LINE, _DRAWN))),
    "field over text, covered": (_with(_wide_field), _edit(partial(_fill_wide, _LINE, _VEIL))),
    "field over text, written over": (
        _with(_wide_field),
        _edit(partial(_fill_wide, f"{_LINE}900", _WRITTEN)),
    ),
    "a number waits": (_await_number, _use_number),
}
