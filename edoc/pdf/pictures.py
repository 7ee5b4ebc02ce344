"""Pictures of signatures and seals: PNG files with a transparent background, ready to be put into a PDF.

Nothing recolours a picture; `Picture.colour` says what it mostly is, as Decree 30/2020/NĐ-CP, Annex I wants
a blue signature and a red seal. Transparent edges are cut off, so that what is placed and measured is ink.
"""

import io
import os
import warnings
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, Literal

from PIL import Image, ImageChops

from edoc.errors import InputError
from edoc.pdf.layout import MM

MAX_PICTURE_BYTES: Final = 8 << 20
MAX_PICTURE_PIXELS: Final = 4_000 * 4_000

Colour = Literal["blue", "red", "other"]

_INCH: Final = 72
_FAINTEST: Final = 16
"""Of 255; less is the dirt of an eraser, not ink."""
_HALF: Final = 128
_SAMPLE: Final = (96, 96)
_CLEARLY: Final = 40
"""By how much of 255 one primary colour exceeds the others."""
_PLAUSIBLE: Final = (0.5, 1.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A decoded PNG without its clear edges: colours and transparency, deflated."""

    width: int
    height: int
    """In dots."""
    colours: bytes
    transparency: bytes
    stencil: bytes
    """One bit a dot, set where nothing is painted; rows end at full bytes."""
    colour: Colour
    """What most of its ink is."""
    width_mm: float | None = None
    height_mm: float | None = None
    """Its actual size, if the file says its resolution."""

    def fit(self, width: float, height: float) -> tuple[float, float]:
        """Give the largest undistorted size in a box, in points."""
        scale = min(width / self.width, height / self.height)
        return self.width * scale, self.height * scale

    def measure(self, usual_mm: float) -> tuple[float, float]:
        """Give its actual size in points: by its resolution, else as wide as usual.

        A resolution that makes it less than half or more than one and a half of what is usual is from a
        program that knows nothing of its size.
        """
        width = self.width_mm or 0
        least, most = (factor * usual_mm for factor in _PLAUSIBLE)
        if not least <= width <= most or self.height_mm is None:
            return usual_mm * MM, usual_mm * MM * self.height / self.width
        return width * MM, self.height_mm * MM


def load_picture(src: str | os.PathLike[str] | BinaryIO) -> Picture:
    """Load a PNG. Raises `InputError` if it is none, too large, empty, or not transparent."""
    if isinstance(src, str | os.PathLike):
        with Path(src).open("rb") as stream:
            return _decode(stream.read(MAX_PICTURE_BYTES + 1), str(src))
    return _decode(src.read(MAX_PICTURE_BYTES + 1), "")


@lru_cache(maxsize=16)
def _decode(data: bytes, where: str) -> Picture:
    pixels, dots = _open(data, where)
    opacity = pixels.getchannel("A")
    ink = opacity.point([0] * _FAINTEST + [255] * (256 - _FAINTEST)).getbbox()
    if ink is None:
        raise InputError(
            "this picture shows nothing.", where=where, advice="Name a PNG with a signature or a seal."
        )
    pixels, opacity = pixels.crop(ink), opacity.crop(ink)
    # What nobody sees is white: that deflates well.
    colours = Image.composite(
        pixels.convert("RGB"), Image.new("RGB", pixels.size, "white"), opacity.point([0] + [255] * 255)
    )
    stencil = opacity.point([255] * _HALF + [0] * (256 - _HALF)).convert("1", dither=Image.Dither.NONE)
    return Picture(
        width=pixels.width,
        height=pixels.height,
        colours=zlib.compress(colours.tobytes(), 9),
        transparency=zlib.compress(opacity.tobytes(), 9),
        stencil=zlib.compress(stencil.tobytes(), 9),
        colour=name_colour(colours, opacity),
        width_mm=None if dots is None else pixels.width / dots[0] * _INCH / MM,
        height_mm=None if dots is None else pixels.height / dots[1] * _INCH / MM,
    )


def _open(data: bytes, where: str) -> tuple[Image.Image, tuple[float, float] | None]:
    if len(data) > MAX_PICTURE_BYTES:
        raise InputError(f"this picture is larger than {MAX_PICTURE_BYTES >> 20} MiB.", where=where)
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            if image.width * image.height > MAX_PICTURE_PIXELS:
                raise InputError(
                    f"this picture has {image.width} × {image.height} dots, which is too many.",
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
    return pixels, dots if dots is not None and min(dots) > 0 else None


def name_colour(picture: Image.Image, ink: Image.Image) -> Colour:
    """Say what most of the ink (what is not black in the mask `ink`) of a picture is."""
    red, green, blue = picture.resize(_SAMPLE, Image.Resampling.NEAREST).split()
    mask = ink.resize(_SAMPLE, Image.Resampling.NEAREST).point([0] * _HALF + [255] * _HALF)
    inked = mask.histogram()[-1]
    reddish = _count_above(red, ImageChops.lighter(green, blue), mask)
    bluish = _count_above(blue, ImageChops.lighter(red, green), mask)
    if 2 * reddish > inked:
        return "red"
    return "blue" if 2 * bluish > inked else "other"


def _count_above(one: Image.Image, others: Image.Image, mask: Image.Image) -> int:
    clearly = ImageChops.subtract(one, others).point([0] * _CLEARLY + [255] * (256 - _CLEARLY))
    return ImageChops.darker(clearly, mask).histogram()[-1]
