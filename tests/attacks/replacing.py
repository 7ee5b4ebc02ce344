"""Shadow attacks that replace: what is drawn stays, how it looks does not (Mainka et al., 2021)."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, String

from .catalogue import Attack, spread
from .drafts import cut_font
from .increments import Edit, Update


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    yield from spread("shadow-replace", _REPLACEMENTS)


def _font(name: str, update: Update) -> Any:
    return update.page().Resources.Font[f"/{name}"]


def _encode(update: Update) -> None:
    """One becomes nine."""
    encoding = _font("F1", update).Encoding
    encoding.Differences = Array([49, Name.nine])
    update.put(encoding)


def _new_encoding(update: Update) -> None:
    font = _font("F1", update)
    font.Encoding = Dictionary(Type=Name.Encoding, Differences=Array([49, Name.nine]))
    update.put(font)


def _other_base(update: Update) -> None:
    font = _font("F1", update)
    font.BaseFont = Name.ZapfDingbats
    del font["/Encoding"]
    update.put(font)


def _draw_glyph(update: Update) -> None:
    glyph = _font("F2", update).CharProcs.a
    glyph.write(b"800 0 0 0 700 700 d1 0 0 700 700 re f")
    update.put(glyph)


def _swap_glyphs(update: Update) -> None:
    shapes = _font("F2", update).CharProcs
    shapes.a, shapes.b = shapes.b, shapes.a
    update.put(shapes)


def _swap_codes(update: Update) -> None:
    encoding = _font("F2", update).Encoding
    encoding.Differences = Array([1, Name.b, Name.a])
    update.put(encoding)


def _change_font(name: str, key: str, value: Any, update: Update) -> None:
    font = _font(name, update)
    font[Name(f"/{key}")] = value
    update.put(font)


def _widen(name: str, update: Update) -> None:
    widths = _font(name, update).Widths
    for index in range(len(widths)):
        widths[index] = 50
    update.put(widths)


def _other_program(update: Update) -> None:
    program = _font("F3", update).FontDescriptor.FontFile2
    program.write(cut_font("Bold"))
    update.put(program)


def _no_program(update: Update) -> None:
    descriptor = _font("F3", update).FontDescriptor
    del descriptor["/FontFile2"]
    update.put(descriptor)


def _new_program(update: Update) -> None:
    descriptor = _font("F3", update).FontDescriptor
    descriptor.FontFile2 = update.stream(cut_font("Italic"))
    update.put(descriptor)


def _no_descriptor(update: Update) -> None:
    font = _font("F3", update)
    del font["/FontDescriptor"]
    update.put(font)


def _swap_fonts(update: Update) -> None:
    fonts = update.page().Resources.Font
    fonts.F1, fonts.F3 = fonts.F3, fonts.F1
    update.put(update.page().Resources)


def _field_font(update: Update) -> None:
    font = update.field("Amount").AP.N.Resources.Font.Helv
    font.Encoding = Dictionary(Type=Name.Encoding, Differences=Array([49, Name.nine]))
    update.put(font)


def _field_fonts(update: Update) -> None:
    resources = update.field("Amount").AP.N.Resources
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Symbol)
    resources.Font.Helv = update.add(font)
    update.put(resources)


def _number_font(update: Update) -> None:
    """A field that waits for the number is filled, and its font is the page's, changed."""
    field = update.field("Note")
    field.V, look = String("9"), update.drawing(b"BT /F1 10 Tf 2 5 Td (1) Tj ET", (0, 0, 168, 20))
    font = _font("F1", update)
    look.Resources = Dictionary(Font=Dictionary(F1=font))
    field.AP = Dictionary(N=look)
    update.put(field, look)
    _encode(update)


def _mask_picture(update: Update) -> None:
    picture = update.page().Resources.XObject.Picture
    picture.Decode = Array([1, 0, 1, 0, 1, 0])
    update.put(picture)


def _colour_picture(update: Update) -> None:
    picture = update.page().Resources.XObject.Picture
    picture.ColorSpace = Name.DeviceGray
    update.put(picture)


def _filter_content(update: Update) -> None:
    """The same bytes, read by another filter."""
    content = update.page().Contents
    data = content.read_raw_bytes()
    update.raw(
        content.objgen[0],
        b"<< /Filter /ASCIIHexDecode /Length %d >>\nstream\n%s\nendstream" % (len(data), data),
    )


def _text_only(update: Update) -> None:
    """What is drawn stays; what a reader copies out says something else."""
    words = b"begincmap 1 beginbfchar <31> <0039> endbfchar endcmap"
    font = _font("F1", update)
    font.ToUnicode = update.stream(words)
    update.put(font)


_REPLACEMENTS: Final[dict[str, Edit]] = {
    "codes of a plain font": _encode,
    "new codes of a plain font": _new_encoding,
    "symbols for letters": _other_base,
    "shape of a glyph": _draw_glyph,
    "shapes swapped": _swap_glyphs,
    "codes swapped": _swap_codes,
    "matrix of a font": partial(_change_font, "F2", "FontMatrix", Array([0.002, 0, 0, 0.002, 0, 0])),
    "box of a font": partial(_change_font, "F2", "FontBBox", Array([0, 0, 1, 1])),
    "widths": partial(_widen, "F3"),
    "widths of drawn letters": partial(_widen, "F2"),
    "program": _other_program,
    "no program": _no_program,
    "new program": _new_program,
    "no descriptor": _no_descriptor,
    "first code": partial(_change_font, "F3", "FirstChar", 33),
    "kind of font": partial(_change_font, "F1", "Subtype", Name.Type3),
    "fonts swapped": _swap_fonts,
    "font of a field": _field_font,
    "fonts of a field": _field_fonts,
    "font of page and field": _number_font,
    "picture inverted": _mask_picture,
    "picture in grey": _colour_picture,
    "filter of the content": _filter_content,
    "meaning of letters": _text_only,
}
