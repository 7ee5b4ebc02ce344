"""Attacks on this verification's own guards: its comparison of pictures, and its quick path."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from pikepdf import Array, Dictionary, Name, String

from .catalogue import Attack
from .drafts import NOTE_BOX, TEXT_BOX
from .filling import fill, write_text
from .increments import Edit, Update, apply
from .makers import OTHER_SIGNER, Base
from .painting import LIE, PAGE_BOX
from .sealing import add_signature, fill_hole, new_field, sign_by

_NOWHERE: Final = (0.0, 0.0, 0.0, 0.0)
_NOTE: Final = (0.0, 0.0, NOTE_BOX[2] - NOTE_BOX[0], NOTE_BOX[3] - NOTE_BOX[1])


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    for name, edit in _EDITS.items():
        yield Attack("guard", name, partial(_apply, edit))
    yield Attack("guard", "information becomes a font", _forge_info)
    for name, edit in _SIGNED.items():
        yield Attack("guard", f"{name}, signed by an insider", partial(_apply_and_sign, edit))
        yield Attack("guard", f"{name}, stamped", partial(_apply_and_stamp, edit))


def _apply(edit: Edit, base: Base) -> bytes:
    return apply(base.data, edit)


def _apply_and_sign(edit: Edit, base: Base) -> bytes:
    """The change comes in one revision with a trusted, unseen signature."""
    update = Update(base.data)
    edit(update)
    add_signature(update, new_field(update, "New", _NOWHERE))
    return fill_hole(update.render(), sign_by(base.maker, OTHER_SIGNER))


def _apply_and_stamp(edit: Edit, base: Base) -> bytes | None:
    try:
        return base.maker.stamp(apply(base.data, edit))
    except Exception:  # noqa: BLE001 - a tool that refuses the altered file stamps nothing
        return None


# --- what a comparison of pictures may not see


def _thin_line(update: Update) -> None:
    """A hair through a digit: less than a dot."""
    _extend(update, b"0 0 0 RG 0.02 w 150 735 m 150 755 l S")


def _pale(update: Update) -> None:
    """Words nearly as white as the paper."""
    _extend(update, b"0.97 g BT /F1 14 Tf 72 300 Td (and 900 dong more) Tj ET")


def _tiny(update: Update) -> None:
    _extend(update, b"BT /F1 0.5 Tf 72 300 Td (and 900 dong more) Tj ET")


def _outside(update: Update) -> None:
    """Words beside the page, which some viewers show."""
    _extend(update, b"BT /F1 14 Tf 700 300 Td (and 900 dong more) Tj ET")


def _unseen_words(update: Update) -> None:
    """Words that nobody sees and everybody copies."""
    _extend(update, b"BT 3 Tr /F1 14 Tf 72 300 Td (and 900 dong more) Tj ET")


def _only_printed(update: Update) -> None:
    """A note that is printed and not seen."""
    note = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array(TEXT_BOX), F=4 | 32)
    note.AP = Dictionary(N=update.drawing(LIE, TEXT_BOX))
    update.annotate(update.page(), update.add(note))


def _only_seen(update: Update) -> None:
    """A note that is seen by those who hover."""
    note = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array(TEXT_BOX), F=0)
    note.AP = Dictionary(N=update.drawing(b"", TEXT_BOX), R=update.drawing(LIE, TEXT_BOX))
    update.annotate(update.page(), update.add(note))


def _by_print_layer(update: Update) -> None:
    layer = update.root.OCProperties.OCGs[0]
    layer.Usage = Dictionary(Print=Dictionary(PrintState=Name.OFF))
    update.root.OCProperties.D.AS = Array(
        [Dictionary(Event=Name.Print, OCGs=Array([layer]), Category=Array([Name.Print]))]
    )
    update.put(layer, update.root.OCProperties)


def _extend(update: Update, content: bytes) -> None:
    page = update.page()
    page.Contents.write(page.Contents.read_bytes() + content)
    update.put(page.Contents)


def _hover(update: Update) -> None:
    """A field shows its value until somebody hovers over it."""
    field = fill(update, "Note", "100", write_text("100"))
    field.AP.R = update.drawing(write_text("900"), _NOTE)
    field.AP.D = field.AP.R
    update.put(field)


def _beside_value(update: Update) -> None:
    """The value, and more words in a corner of the field, in another language's letters."""
    fill(update, "Note", "100", write_text("100") + b" BT /Helv 6 Tf 100 5 Td (x 1000) Tj ET")


def _newline_value(update: Update) -> None:
    fill(update, "Note", "100", b"BT /Helv 10 Tf 2 5 Td (1) Tj 0 -100 Td (00) Tj ET")


def _over_neighbour(update: Update) -> None:
    """The margin around a field's rectangle is used to touch its neighbour's text."""
    field = fill(update, "Note", "100", write_text("100"))
    look = field.AP.N
    look.BBox, look.Matrix = Array([-2, -2, 170, 22]), Array([1, 0, 0, 1, 0, 0])
    look.write(b"q 0 0 0 rg -2 -2 172 1 re -2 -2 1 24 re f Q " + write_text("100"))
    update.put(look)


def _unnamed_field(update: Update) -> None:
    """A field without a name that holds a script and a value."""
    field = Dictionary(FT=Name.Tx, V=String("900"), DA=String("/Helv 0 Tf 0 g"))
    made = update.add(field)
    update.enlist(made)


def _field_is_font(update: Update) -> None:
    """A new signature field's object is at once the font of the page."""
    font = update.page().Resources.Font.F1
    font.FT, font.T, font.Rect = Name.Sig, String("New"), Array(_NOWHERE)
    font.Encoding = Dictionary(Type=Name.Encoding, Differences=Array([49, Name.nine]))
    update.put(font)
    update.enlist(font)


def _field_is_shape(update: Update) -> None:
    """A signature field's looks are the page's shape, written again."""
    shape = update.page().Resources.XObject.Shape
    shape.write(b"1 0 0 rg 0 0 500 800 re f")
    update.put(shape)
    new_field(update, "New", _NOWHERE, AP=Dictionary(N=shape))


def _value_is_content(update: Update) -> None:
    """A new field's value is the page's content, written again."""
    content = update.page().Contents
    content.write(LIE.replace(b"/Helv", b"/F1"))
    update.put(content)
    field = new_field(update, "New", _NOWHERE)
    field.V = content
    update.put(field)


def _lock_is_resources(update: Update) -> None:
    """A new field's lock is the page's dictionary of resources."""
    resources = update.page().Resources
    resources.XObject.Shape = update.drawing(LIE, PAGE_BOX)
    resources.Type, resources.Action = Name.SigFieldLock, Name.All
    update.put(resources)
    new_field(update, "New", _NOWHERE, Lock=resources)


def _info_is_font(update: Update) -> None:
    """The trailer's information becomes the page's font."""
    font = update.page().Resources.Font.F1
    font.Encoding = Dictionary(Type=Name.Encoding, Differences=Array([49, Name.nine]))
    update.put(font)


def _forge_info(base: Base) -> bytes:
    update = Update(base.data)
    _info_is_font(update)
    (number, _), *_ = update.written
    return update.render(trailer={"Info": b"%d 0 R" % number})


def _metadata_is_content(update: Update) -> None:
    """The catalogue's metadata become the page's content, written again."""
    content = update.page().Contents
    content.write(LIE.replace(b"/Helv", b"/F1"))
    update.root.Metadata = content
    update.put(content, update.root)


def _extensions_are_resources(update: Update) -> None:
    resources = update.page().Resources
    resources.XObject.Shape = update.drawing(LIE, PAGE_BOX)
    update.root.Extensions = resources
    update.put(resources, update.root)


def _version_down(update: Update) -> None:
    """A version without layers, and the layers with it."""
    update.root.Version = Name("/1.3")
    update.root.OCProperties.D.OFF = Array(list(update.root.OCProperties.OCGs))
    update.put(update.root, update.root.OCProperties)


_EDITS: Final[dict[str, Edit]] = {
    "hair line": _thin_line,
    "pale words": _pale,
    "tiny words": _tiny,
    "words beside the page": _outside,
    "unseen words": _unseen_words,
    "only printed": _only_printed,
    "only hovering": _only_seen,
    "layer that is not printed": _by_print_layer,
    "field shows another when hovered": _hover,
    "field says more than its value": _beside_value,
    "field cut off": _newline_value,
    "field touches its neighbour": _over_neighbour,
    "field without a name": _unnamed_field,
    "field is a font": _field_is_font,
    "field's looks are a shape": _field_is_shape,
    "field's value is a content": _value_is_content,
    "field's lock is resources": _lock_is_resources,
    "metadata are content": _metadata_is_content,
    "extensions are resources": _extensions_are_resources,
    "version lowered": _version_down,
}


def _turn(update: Update) -> None:
    update.page(1).Rotate = 180
    update.put(update.page(1))


_SIGNED: Final[dict[str, Edit]] = {
    "hair line": _thin_line,
    "unseen words": _unseen_words,
    "page turned": _turn,
    "field is a font": _field_is_font,
    "metadata are content": _metadata_is_content,
    "extensions are resources": _extensions_are_resources,
}
