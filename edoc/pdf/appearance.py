"""What a form field shows: a line of text; or a picture, lines of text, words in their places.

Decree 30/2020/NĐ-CP, Annex I specifies no text beside a person's signature or an agency's seal, so presets
have none there, and no border anywhere. A picture is a PNG with a transparent background, shown whole and
undistorted.
"""

import io
import os
import re
import warnings
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final

from PIL import Image
from pyhanko.pdf_utils import generic

from edoc.errors import InputError, Refused
from edoc.pdf import fonts
from edoc.pdf.layout import ASCENT, DESCENT, PADDING, Frame, Rect
from edoc.pdf.objects import Value, deflated, dictionary, stream
from edoc.pdf.objects import look as look_up
from edoc.pdf.update import Revision

MAX_PICTURE_BYTES: Final = 8 << 20
MAX_PICTURE_PIXELS: Final = 4_000 * 4_000
LEADING: Final = 1.15
"""From line to line, per point of size."""
_LEAST_TEXT_SIZE: Final = 8.0
_ALWAYS: Final = "0123456789/:+-.T "
_PDFA1: Final = re.compile(rb"""pdfaid:part\s*(?:=\s*["']|>)\s*1""")
_INCH: Final = 25.4
_HALF: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A decoded PNG: colours and transparency, deflated."""

    width: int
    height: int
    colours: bytes
    transparency: bytes
    stencil: bytes
    """One bit a pixel, set where nothing is painted, deflated."""
    width_mm: float | None = None
    height_mm: float | None = None
    """Its actual size, if the file says its resolution."""


def load_picture(src: str | os.PathLike[str] | BinaryIO) -> Picture:
    """Load a PNG. Raises `InputError` if it is none, too large, or not transparent."""
    if isinstance(src, str | os.PathLike):
        with Path(src).open("rb") as stream:
            return _decode_picture(stream.read(MAX_PICTURE_BYTES + 1), str(src))
    return _decode_picture(src.read(MAX_PICTURE_BYTES + 1), "")


@lru_cache(maxsize=16)
def _decode_picture(data: bytes, where: str) -> Picture:
    if len(data) > MAX_PICTURE_BYTES:
        raise InputError(f"this picture is larger than {MAX_PICTURE_BYTES >> 20} MiB.", where=where)
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            if image.width * image.height > MAX_PICTURE_PIXELS:
                raise InputError(
                    f"this picture has {image.width} × {image.height} pixels, which is too many.",
                    where=where,
                    advice="300 to 600 dots an inch are enough.",
                )
            transparent = image.has_transparency_data
            dots = image.info.get("dpi")
            pixels = image.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            "this picture is not a readable PNG file.", where=where, advice="Name a PNG file."
        ) from error
    if not transparent:
        raise InputError(
            "this picture has no transparent background and would hide the text under it.",
            where=where,
            advice="Use a PNG with transparency (Decree 30/2020/NĐ-CP, Annex I).",
        )
    return Picture(
        width=pixels.width,
        height=pixels.height,
        colours=zlib.compress(pixels.convert("RGB").tobytes(), 9),
        transparency=zlib.compress(pixels.getchannel("A").tobytes(), 9),
        stencil=zlib.compress(
            pixels.getchannel("A")
            .point(lambda alpha: 255 * (alpha < _HALF))
            .convert("1", dither=Image.Dither.NONE)
            .tobytes(),
            9,
        ),
        width_mm=None if dots is None else pixels.width / dots[0] * _INCH,
        height_mm=None if dots is None else pixels.height / dots[1] * _INCH,
    )


@dataclass(frozen=True, slots=True)
class Words:
    """Words in their place on the displayed page, in points."""

    text: str
    x: float
    baseline: float
    size: float
    face: fonts.Face = fonts.Face.UPRIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a signature shows."""

    picture: Picture | None = None
    lines: tuple[str, ...] = ()
    """Set from the top, flush left, black (Annex I)."""
    size: float = 10.0
    """Of the lines, in points."""
    words: tuple[Words, ...] = ()

    def measure(self) -> tuple[float, float]:
        """Width and height that the lines need, in points."""
        width = max((_cut(line).measure(fonts.normalize(line), self.size) for line in self.lines), default=0)
        return width + 2 * PADDING, len(self.lines) * self.size * LEADING + 2 * PADDING


def wrap_lines(lines: tuple[str, ...], size: float, width: float) -> tuple[str, ...]:
    """Break lines at spaces so that none is wider than `width` points, unless one word alone is."""
    wrapped: list[str] = []
    for line in lines:
        current = ""
        for word in line.split():
            longer = f"{current} {word}".strip()
            if current and _cut(longer).measure(fonts.normalize(longer), size) > width:
                wrapped.append(current)
                longer = word
            current = longer
        wrapped.append(current)
    return tuple(wrapped)


def show_look(revision: Revision, look: Look, rect: Rect, frame: Frame) -> generic.IndirectObject:
    """Make the appearance of a field (`rect` as displayed) that shows all of `look`."""
    content: list[str] = []
    resources: dict[str, generic.DictionaryObject] = {}
    if look.picture is not None:
        content.append(_draw_picture(look.picture, rect))
        resources["XObject"] = dictionary({"Picture": _embed_picture(revision, look.picture)})
    words = (*_set_lines(look, rect), *look.words)
    if words:
        parts = {face: _cut("".join(each.text for each in words), face) for face in {w.face for w in words}}
        shown = [_draw_words(each, parts[each.face], rect) for each in words]
        content.append(f"BT 0 g {' '.join(shown)} ET")
        embedded = {face.name: fonts.embed(revision, part) for face, part in sorted(parts.items())}
        resources["Font"] = dictionary(embedded)
    return revision.add_object(_build_form("\n".join(content), rect, frame, dictionary(resources)))


def _cut(text: str, face: fonts.Face = fonts.Face.UPRIGHT) -> fonts.Subset:
    # Digits and the marks of a time belong to every subset: then most signatures need the same one.
    return fonts.cut_subset(face, "".join(sorted({*fonts.normalize(text), *_ALWAYS})))


def _set_lines(look: Look, rect: Rect) -> tuple[Words, ...]:
    top = rect.y2 - PADDING - ASCENT * look.size
    return tuple(
        Words(line, rect.x1 + PADDING, top - number * look.size * LEADING, look.size)
        for number, line in enumerate(look.lines)
    )


def _draw_words(words: Words, part: fonts.Subset, rect: Rect) -> str:
    place = f"1 0 0 1 {words.x - rect.x1:.2f} {words.baseline - rect.y1:.2f} Tm"
    return f"/{words.face.name} {words.size:g} Tf {place} <{part.encode(fonts.normalize(words.text))}> Tj"


def _embed_picture(revision: Revision, picture: Picture) -> generic.IndirectObject:
    if _is_pdfa1(revision):  # ISO 19005-1, 6.4: no soft masks; a stencil is allowed
        entries: dict[str, Value] = {"ImageMask": True, "BitsPerComponent": 1}
        mask = revision.add_object(_build_image(picture, picture.stencil, entries))
        return revision.add_object(_build_image(picture, picture.colours, {**_RGB, "Mask": mask}))
    mask = revision.add_object(_build_image(picture, picture.transparency, _GREY))
    return revision.add_object(_build_image(picture, picture.colours, {**_RGB, "SMask": mask}))


_RGB: Final[dict[str, Value]] = {"ColorSpace": "/DeviceRGB", "BitsPerComponent": 8}
_GREY: Final[dict[str, Value]] = {"ColorSpace": "/DeviceGray", "BitsPerComponent": 8}


def _is_pdfa1(revision: Revision) -> bool:
    metadata = look_up(revision.root, "/Metadata")
    if not isinstance(metadata, generic.StreamObject):
        return False
    return _PDFA1.search(metadata.data) is not None


def _draw_picture(picture: Picture, rect: Rect) -> str:
    scale = min(rect.width / picture.width, rect.height / picture.height)
    width, height = picture.width * scale, picture.height * scale
    left, bottom = (rect.width - width) / 2, (rect.height - height) / 2
    return f"q {width:.3f} 0 0 {height:.3f} {left:.3f} {bottom:.3f} cm /Picture Do Q"


def show_text(
    revision: Revision, text: str, *, face: fonts.Face, size: float, rect: Rect, frame: Frame
) -> generic.IndirectObject:
    """Make the appearance of a text field (`rect` as displayed) that shows one line, vertically centred.

    The text is set smaller if it would not fit. Raises `Refused` if even 8 points are too much.
    """
    letters = fonts.normalize(text)
    part = fonts.cut_subset(face, letters)
    room = rect.width - 2 * PADDING
    size = min(size, size * room / part.measure(letters, size))
    if size < _LEAST_TEXT_SIZE:
        raise Refused(
            f"the field has no room for {letters!r}.", advice="Prepare the document with a wider rectangle."
        )
    baseline = (rect.height - (ASCENT + DESCENT) * size) / 2 + DESCENT * size
    shown = f"/Serif {size:.2f} Tf 0 g {PADDING:.2f} {baseline:.3f} Td <{part.encode(letters)}> Tj"
    resources = dictionary({"Font": dictionary({"Serif": fonts.embed(revision, part)})})
    return revision.add_object(_build_form(f"/Tx BMC q BT {shown} ET Q EMC", rect, frame, resources))


def show_nothing(revision: Revision, rect: Rect, frame: Frame) -> generic.IndirectObject:
    """Make the appearance of a field that is still empty."""
    return revision.add_object(_build_form("", rect, frame, dictionary({})))


def _build_form(
    content: str, rect: Rect, frame: Frame, resources: generic.DictionaryObject
) -> generic.StreamObject:
    return stream(
        {
            "Type": "/XObject",
            "Subtype": "/Form",
            "BBox": [0, 0, rect.width, rect.height],
            "Matrix": [*frame.upright, 0, 0],
            "Resources": resources,
        },
        content.encode("ascii"),
    )


def _build_image(picture: Picture, data: bytes, more: dict[str, Value]) -> generic.StreamObject:
    return deflated(
        {
            "Type": "/XObject",
            "Subtype": "/Image",
            "Width": picture.width,
            "Height": picture.height,
            "Filter": "/FlateDecode",
            **more,
        },
        data,
    )
