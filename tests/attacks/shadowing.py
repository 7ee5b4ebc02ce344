"""Shadow attacks that hide (Mainka et al., 2021): a veil covers what is signed, and is then taken off."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from .catalogue import Attack, Ground, spread
from .drafts import draft
from .increments import Edit, Update

_WHITE: Final = b"1 1 1 rg 70 730 330 25 re f"
"""Veils the first line of page 1."""
_VEIL_BOX: Final = (70.0, 730.0, 400.0, 755.0)


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    for veil, (prepare, ways) in _VEILS.items():
        edits = {f"{veil}: {way}": edit for way, edit in ways.items()}
        yield from spread("shadow-hide", edits, ground=_ground(prepare), least=1)


def _ground(prepare: Callable[[pikepdf.Pdf], None]) -> Ground:
    return lambda maker, kind: maker.base(kind, draft(prepare))


# --- hide: something covers a text when the document is signed, and is gone afterwards


def _draw_last(pdf: pikepdf.Pdf, content: bytes) -> None:
    page = pdf.pages[0].obj
    page.Contents = pdf.make_stream(page.Contents.read_bytes() + content)


def _veil_by_picture(pdf: pikepdf.Pdf) -> None:
    picture = pdf.make_stream(b"\xff" * 3)
    picture.Type, picture.Subtype, picture.ColorSpace = Name.XObject, Name.Image, Name.DeviceRGB
    picture.Width, picture.Height, picture.BitsPerComponent = 1, 1, 8
    pdf.pages[0].obj.Resources.XObject.Veil = picture
    _draw_last(pdf, b"q 330 0 0 25 70 730 cm /Veil Do Q")


def _veil_by_form(pdf: pikepdf.Pdf) -> None:
    shape = pdf.make_stream(_WHITE)
    shape.Type, shape.Subtype, shape.BBox = Name.XObject, Name.Form, Array([0, 0, 595, 842])
    pdf.pages[0].obj.Resources.XObject.Veil = shape
    _draw_last(pdf, b"/Veil Do")


def _veil_by_annotation(pdf: pikepdf.Pdf) -> None:
    veil = Dictionary(Type=Name.Annot, Subtype=Name.Square, Rect=Array(_VEIL_BOX), F=4)
    veil.AP = Dictionary(N=_make_look(pdf))
    pdf.pages[0].obj.Annots.append(pdf.make_indirect(veil))


def _veil_by_field(kind: str, pdf: pikepdf.Pdf) -> None:
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name(f"/{kind}"), T=String("Veil"), F=4)
    field.Rect, field.P, field.AP = Array(_VEIL_BOX), pdf.pages[0].obj, Dictionary(N=_make_look(pdf))
    if kind == "Tx":
        field.V = String(" ")
    made = pdf.make_indirect(field)
    pdf.Root.AcroForm.Fields.append(made)
    pdf.pages[0].obj.Annots.append(made)


def _veil_by_layer(pdf: pikepdf.Pdf) -> None:
    _draw_last(pdf, b"/OC /Layer BDC " + _WHITE + b" EMC")


def _veil_by_state(pdf: pikepdf.Pdf) -> None:
    state = pdf.make_indirect(Dictionary(Type=Name.ExtGState, ca=1))
    pdf.pages[0].obj.Resources.ExtGState = Dictionary(Veil=state)
    _draw_last(pdf, b"q /Veil gs " + _WHITE + b" Q")


def _make_look(pdf: pikepdf.Pdf) -> Any:
    look = pdf.make_stream(b"1 1 1 rg 0 0 330 25 re f")
    look.Type, look.Subtype, look.BBox = Name.XObject, Name.Form, Array([0, 0, 330, 25])
    return look


def _veil(update: Update) -> Any:
    return update.page().Resources.XObject.Veil


def _annotation(update: Update) -> Any:
    return next(each for each in update.page().Annots if each.get("/Subtype") == Name.Square)


def _field(update: Update) -> Any:
    return update.field("Veil")


def _state(update: Update) -> Any:
    return update.page().Resources.ExtGState.Veil


def _free(path: Callable[[Update], Any], update: Update) -> None:
    update.free(path(update).objgen[0])


def _nullify(path: Callable[[Update], Any], update: Update) -> None:
    update.raw(path(update).objgen[0], b"null")


def _set(path: Callable[[Update], Any], key: str, value: Any, update: Update) -> None:
    target = path(update)
    target[Name(f"/{key}")] = value
    update.put(target)


def _empty(path: Callable[[Update], Any], update: Update) -> None:
    target = path(update)
    target.write(b"")
    update.put(target)


def _make_transparent(update: Update) -> None:
    picture = _veil(update)
    mask = {"Type": Name.XObject, "Subtype": Name.Image, "ColorSpace": Name.DeviceGray, "BitsPerComponent": 8}
    picture.SMask = update.stream(b"\0", {**mask, "Width": 1, "Height": 1})
    update.put(picture)


def _turn_off(update: Update) -> None:
    layers = update.root.OCProperties
    layers.D.OFF = Array([layers.OCGs[0]])
    layers.D.ON = Array()
    update.put(layers)


def _take_out(update: Update) -> None:
    """The veil leaves the page's list of annotations."""
    page = update.page()
    page.Annots = Array(list(page.Annots)[:5])
    update.put(page)


def _clear_field(update: Update) -> None:
    field = _field(update)
    field.AP = Dictionary(N=update.drawing(b"", (0, 0, 330, 25)))
    update.put(field)


def _refill_field(update: Update) -> None:
    field = _field(update)
    field.V = String("")
    field.AP = Dictionary(N=update.drawing(b"", (0, 0, 330, 25)))
    update.put(field)


def _drop_looks(path: Callable[[Update], Any], update: Update) -> None:
    target = path(update)
    del target["/AP"]
    update.put(target)


def _look(path: Callable[[Update], Any]) -> Callable[[Update], Any]:
    return lambda update: path(update).AP.N


_VEILS: Final[dict[str, tuple[Callable[[pikepdf.Pdf], None], dict[str, Edit]]]] = {
    "picture": (
        _veil_by_picture,
        {
            "freed": partial(_free, _veil),
            "made null": partial(_nullify, _veil),
            "made transparent": _make_transparent,
            "made a form": partial(_set, _veil, "Subtype", Name.Form),
            "made a mask": partial(_set, _veil, "Mask", Array([255, 255, 255, 255, 255, 255])),
            "of no width": partial(_set, _veil, "Width", 0),
        },
    ),
    "form": (
        _veil_by_form,
        {
            "emptied": partial(_empty, _veil),
            "boxed": partial(_set, _veil, "BBox", Array([0, 0, 0, 0])),
            "moved": partial(_set, _veil, "Matrix", Array([1, 0, 0, 1, 0, -900])),
            "freed": partial(_free, _veil),
        },
    ),
    "annotation": (
        _veil_by_annotation,
        {
            "taken out": _take_out,
            "hidden": partial(_set, _annotation, "F", 2),
            "moved": partial(_set, _annotation, "Rect", Array([0, 0, 1, 1])),
            "looks emptied": partial(_empty, _look(_annotation)),
            "looks dropped": partial(_drop_looks, _annotation),
            "freed": partial(_free, _annotation),
        },
    ),
    "text field": (
        partial(_veil_by_field, "Tx"),
        {
            "cleared": _clear_field,
            "filled": _refill_field,
            "hidden": partial(_set, _field, "F", 2),
            "looks emptied": partial(_empty, _look(_field)),
        },
    ),
    "signature field": (
        partial(_veil_by_field, "Sig"),
        {
            "cleared": _clear_field,
            "looks dropped": partial(_drop_looks, _field),
            "hidden": partial(_set, _field, "F", 2),
            "moved": partial(_set, _field, "Rect", Array([0, 0, 0, 0])),
        },
    ),
    "button": (
        partial(_veil_by_field, "Btn"),
        {"cleared": _clear_field, "hidden": partial(_set, _field, "F", 2)},
    ),
    "layer": (_veil_by_layer, {"turned off": _turn_off}),
    "state": (_veil_by_state, {"made transparent": partial(_set, _state, "ca", 0)}),
}
