"""Compare how a signed revision looks with how the file looks now.

Rules: outside the rectangles where a change is allowed not one dot may differ, on any page; in the rectangle
of a text field the letters shown must be the field's value. This is the guard against shadow attacks, where
the structure tells a harmless story and the page shows another. Nothing is decided about files that PDFium
cannot draw.
"""

import unicodedata
from ctypes import byref, c_int
from dataclasses import dataclass
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageChops, ImageDraw

from edoc.pdf.pdfium import LOCK

_SCALE: Final = 1.0
"""Dots per PDF point: enough to see one letter change."""
_THRESHOLD: Final = 12
"""Difference per colour channel, of 255, below which two dots look alike."""
_MARGIN: Final = 1
"""Dots around an allowed rectangle, for the soft edges of letters."""
_MAX_PAGES: Final = 2000

Box = tuple[float, float, float, float]
"""Left, bottom, right, top in PDF points of the page's own space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """A place where the looks may change."""

    page: int
    """The first page is 0."""
    box: Box
    text: str | None = None
    """What the place must show; None where any picture is allowed."""
    name: str = ""


class CannotDraw(Exception):  # noqa: N818 - reads as what it is
    """PDFium cannot draw this file."""


def compare(
    signed: bytes, current: bytes, allowed: tuple[Allowed, ...], *, password: str | None = None
) -> tuple[str, ...]:
    """Say where the two look different although they may not; empty if they do not.

    Raises `CannotDraw` if one of the two cannot be drawn.
    """
    with LOCK:
        try:
            return _compare(signed, current, allowed, password)
        except pypdfium2.PdfiumError as error:
            raise CannotDraw(str(error)) from error


def _compare(
    signed: bytes, current: bytes, allowed: tuple[Allowed, ...], password: str | None
) -> tuple[str, ...]:
    with (
        pypdfium2.PdfDocument(signed, password=password) as before,
        pypdfium2.PdfDocument(current, password=password) as after,
    ):
        # Without its form environment PDFium draws no widgets.
        before.init_forms()
        after.init_forms()
        if len(before) != len(after):
            return (f"the number of pages changed from {len(before)} to {len(after)}",)
        if len(before) > _MAX_PAGES:
            raise CannotDraw(f"more than {_MAX_PAGES} pages")
        found: list[str] = []
        for index in range(len(before)):
            here = tuple(place for place in allowed if place.page == index)
            filled, wrong = _compare_page(before[index], after[index], here, index)
            found += wrong
            found += [
                f"field {place.name} on page {index + 1} does not show its value"
                for place in filled
                if not _shows(after, place)
            ]
        return tuple(found)


def _compare_page(
    before: Any, after: Any, allowed: tuple[Allowed, ...], index: int
) -> tuple[list[Allowed], list[str]]:
    """The text fields that now look different, and what else does although it may not."""
    try:
        if before.get_size() != after.get_size():
            return [], [f"the size of page {index + 1} changed"]
        old, new = _draw(before), _draw(after)
        if old.tobytes() == new.tobytes():
            return [], []
        difference = ImageChops.difference(old, new)
        boxes = {place: _to_dots(after, place.box, new.size) for place in allowed}
        filled = [
            place for place, box in boxes.items() if place.text is not None and _differs(difference.crop(box))
        ]
        pen = ImageDraw.Draw(difference)
        for left, top, right, bottom in boxes.values():
            if left < right and top < bottom:
                pen.rectangle((left, top, right - 1, bottom - 1), fill=0)
        spot = _differs(difference)
        wrong = [f"page {index + 1} looks different {_describe(after, spot, new.size)}"] if spot else []
        return filled, wrong
    finally:
        before.close()
        after.close()


def _draw(page: Any) -> Image.Image:
    bitmap = page.render(scale=_SCALE, may_draw_forms=True, draw_annots=True)
    try:
        image: Image.Image = bitmap.to_pil().convert("RGB")
        return image
    finally:
        bitmap.close()


def _differs(difference: Image.Image) -> tuple[int, int, int, int] | None:
    """The box of all dots that differ visibly."""
    red, green, blue = difference.split()
    worst = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return worst.point([0] * _THRESHOLD + [255] * (256 - _THRESHOLD)).getbbox()


def _to_dots(page: Any, box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """A box of the page's space in dots of its picture, with the margin."""
    xs, ys = [], []
    for x, y in ((box[0], box[1]), (box[2], box[3])):
        across, down = c_int(), c_int()
        pdfium.FPDF_PageToDevice(page, 0, 0, size[0], size[1], 0, x, y, byref(across), byref(down))
        xs.append(across.value)
        ys.append(down.value)
    left, top = max(0, min(xs) - _MARGIN), max(0, min(ys) - _MARGIN)
    right, bottom = min(size[0], max(xs) + _MARGIN + 1), min(size[1], max(ys) + _MARGIN + 1)
    return left, top, max(left, right), max(top, bottom)


def _describe(page: Any, spot: tuple[int, int, int, int], size: tuple[int, int]) -> str:
    width, height = page.get_size()
    across, up = width / size[0], height / size[1]
    left, right = round(spot[0] * across), round(spot[2] * across)
    bottom, top = round((size[1] - spot[3]) * up), round((size[1] - spot[1]) * up)
    return f"between ({left}, {bottom}) and ({right}, {top}) points"


def _shows(document: Any, place: Allowed) -> bool:
    """Whether the letters in the place are its value; a picture of letters does not count."""
    page = document[place.page]
    flattened = pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
    page.close()
    if flattened == pdfium.FLATTEN_FAIL:
        return False
    page = document[place.page]
    text = page.get_textpage()
    try:
        left, bottom, right, top = place.box
        shown = text.get_text_bounded(left=left - 1, bottom=bottom - 1, right=right + 1, top=top + 1)
    finally:
        text.close()
        page.close()
    return _plain(shown) == _plain(place.text or "")


def _plain(text: str) -> str:
    """Letters only: how a value is broken into lines or spaced is a matter of layout."""
    return "".join(unicodedata.normalize("NFC", text).split())
