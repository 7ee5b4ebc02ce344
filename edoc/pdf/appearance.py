"""What a form field shows: one line of text, or a picture and nothing else.

Decree 30/2020/NĐ-CP, Annex I specifies no text beside a person's signature or an agency's seal, so there is
none, and no border. A picture is a PNG with a transparent background, shown whole and undistorted.
"""

import io
import os
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
from edoc.pdf.document import Revision
from edoc.pdf.layout import ASCENT, DESCENT, PADDING, Frame, Rect
from edoc.pdf.objects import deflated, dictionary, stream

MAX_PICTURE_BYTES: Final = 8 << 20
MAX_PICTURE_PIXELS: Final = 4_000 * 4_000
_LEAST_TEXT_SIZE: Final = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A decoded PNG: colours and transparency, deflated."""

    width: int
    height: int
    colours: bytes
    transparency: bytes


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
    )


def show_picture(revision: Revision, picture: Picture, rect: Rect, frame: Frame) -> generic.IndirectObject:
    """Make the appearance of a field (`rect` as displayed) that shows a picture in its middle."""
    mask = revision.add_object(_build_image(picture, "/DeviceGray", picture.transparency, {}))
    image = _build_image(picture, "/DeviceRGB", picture.colours, {"SMask": mask})
    scale = min(rect.width / picture.width, rect.height / picture.height)
    width, height = picture.width * scale, picture.height * scale
    left, bottom = (rect.width - width) / 2, (rect.height - height) / 2
    content = f"q {width:.3f} 0 0 {height:.3f} {left:.3f} {bottom:.3f} cm /Picture Do Q"
    resources = dictionary({"XObject": dictionary({"Picture": revision.add_object(image)})})
    return revision.add_object(_build_form(content, rect, frame, resources))


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


def _build_image(
    picture: Picture, space: str, data: bytes, more: dict[str, generic.IndirectObject]
) -> generic.StreamObject:
    return deflated(
        {
            "Type": "/XObject",
            "Subtype": "/Image",
            "Width": picture.width,
            "Height": picture.height,
            "ColorSpace": space,
            "BitsPerComponent": 8,
            "Filter": "/FlateDecode",
            **more,
        },
        data,
    )
