"""Evil annotations (Mainka et al., 2021): comments that cover what was signed."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from pikepdf import Array, Dictionary, Name, String

from .catalogue import Attack, spread
from .drafts import TEXT_BOX
from .increments import FONTS, Edit, Update
from .painting import LIE, cover


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    yield from spread("evil-annotation", _list_annotations())


def _annotate(subtype: str, update: Update) -> None:
    update.annotate(update.page(), cover(update, subtype, Contents=String("We agree to pay 900 dong")))


def _bare(subtype: str, entries: dict[str, Any], update: Update) -> None:
    """An annotation without appearance, which the viewer draws itself."""
    shape = Dictionary(Type=Name.Annot, Subtype=Name(f"/{subtype}"), Rect=Array(TEXT_BOX), F=4)
    for key, value in entries.items():
        shape[Name(f"/{key}")] = value
    update.annotate(update.page(), update.add(shape))


def _on_second_page(update: Update) -> None:
    update.annotate(update.page(1), cover(update, "Stamp"))


def _instead_of_link(update: Update) -> None:
    link = update.page(1).Annots[0]
    link.Subtype, link.Rect = Name.Stamp, Array(TEXT_BOX)
    link.AP = Dictionary(N=update.drawing(LIE, TEXT_BOX))
    update.put(link)


def _wide_border(update: Update) -> None:
    link = update.page(1).Annots[0]
    link.Border, link.C = Array([0, 0, 300]), Array([1, 1, 1])
    update.put(link)


def _take_widgets_away(update: Update) -> None:
    page = update.page()
    del page["/Annots"]
    update.put(page)


def _hide_widget(update: Update) -> None:
    field = update.field("Amount")
    field.F = 2
    update.put(field)


def _moved_by_matrix(update: Update) -> None:
    """A tiny rectangle in the margin; the appearance's box and matrix would draw elsewhere."""
    look = update.drawing(LIE, (0, 0, 1, 1), {"Matrix": Array([600, 0, 0, 600, 0, 0])})
    note = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([70, 600, 400, 760]), F=4)
    note.AP = Dictionary(N=look)
    update.annotate(update.page(), update.add(note))


def _by_state(update: Update) -> None:
    shape = cover(update, "Stamp")
    shape.AS = Name.On
    shape.AP = Dictionary(N=Dictionary(On=update.drawing(LIE, TEXT_BOX), Off=update.drawing(b"", TEXT_BOX)))
    update.put(shape)
    update.annotate(update.page(), shape)


def _direct(update: Update) -> None:
    """An annotation that is no object of its own."""
    page = update.page()
    shape = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array(TEXT_BOX), F=4)
    shape.AP = Dictionary(N=update.drawing(LIE, TEXT_BOX))
    page.Annots = Array([*page.Annots, shape])
    update.put(page)


def _loose_widget(update: Update) -> None:
    """A widget that belongs to no field."""
    update.annotate(update.page(), cover(update, "Widget", FT=Name.Tx, T=String("Loose")))


def _push_button(update: Update) -> None:
    button = cover(update, "Widget", FT=Name.Btn, Ff=1 << 16, T=String("Button"), P=update.page())
    update.annotate(update.page(), button)
    update.enlist(button)


def _list_annotations() -> dict[str, Edit]:
    drawn = (
        *("FreeText", "Stamp", "Square", "Circle", "Ink", "Polygon", "Highlight", "Redact", "Watermark"),
        *("Text", "FileAttachment", "Screen", "Caret", "Line", "Projection"),
    )
    white = {"IC": Array([1, 1, 1]), "C": Array([1, 1, 1])}
    free = {"DA": String("1 0 0 rg /Helv 14 Tf"), "DR": FONTS(), "Contents": String("900 dong"), **white}
    return {
        **{subtype: partial(_annotate, subtype) for subtype in drawn},
        "square without looks": partial(_bare, "Square", white),
        "free text without looks": partial(_bare, "FreeText", free),
        "redaction without looks": partial(_bare, "Redact", {**white, "OverlayText": String("900")}),
        "on the second page": _on_second_page,
        "link made a stamp": _instead_of_link,
        "link with a wide border": _wide_border,
        "widgets taken away": _take_widgets_away,
        "widget hidden": _hide_widget,
        "moved by its matrix": _moved_by_matrix,
        "chosen by state": _by_state,
        "direct": _direct,
        "loose widget": _loose_widget,
        "push button": _push_button,
    }
