"""Compare how a signed revision looks with how the file looks now.

Rules: outside the rectangles where a change is allowed not one dot may differ, on any page; in the rectangle
of a text field the letters shown must be the field's value. This is the guard against shadow attacks, where
the structure tells a harmless story and the page shows another. Nothing is decided about files that PDFium
cannot draw.
"""

import unicodedata
from collections.abc import Set as AbstractSet
from contextlib import closing
from ctypes import byref, c_int
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageChops, ImageDraw

from edoc.pdf.fieldlist import Box
from edoc.pdf.pdfium import LOCK
from edoc.pdf.places import Allowed, CannotDraw

_SCALE: Final = 1.0
"""Dots per PDF point: enough to see one letter change."""
_THRESHOLD: Final = 12
"""Difference per colour channel, of 255, below which two dots look alike."""
_MARGIN: Final = 1
"""Dots around an allowed rectangle, for the soft edges of letters."""
_MAX_PAGES: Final = 2000


class Looks:
    """How a file looks now, compared with how its revisions look."""

    def __init__(self, current: BinaryIO, *, password: str | None = None) -> None:
        self._current = current
        self._password = password
        self._document: Any = None
        self._pages: dict[int, _Page] = {}
        self._shown: dict[Allowed, bool] = {}

    def compare(
        self, signed: BinaryIO, allowed: tuple[Allowed, ...], pages: AbstractSet[int] | None = None
    ) -> tuple[str, ...]:
        """Say where the file looks different from the signed revision although it may not.

        `pages` are those that can look different, the first is 0; None stands for all. Empty if there is no
        difference. Raises `CannotDraw` if a page cannot be drawn.
        """
        with LOCK:
            try:
                return self._compare(signed, allowed, pages)
            except pypdfium2.PdfiumError as error:
                raise CannotDraw(str(error)) from error

    def close(self) -> None:
        """Let the file go."""
        with LOCK:
            if self._document is not None:
                self._document.close()
                self._document = None

    def _compare(
        self, signed: BinaryIO, allowed: tuple[Allowed, ...], pages: AbstractSet[int] | None
    ) -> tuple[str, ...]:
        if self._document is None:
            self._document = _open(self._current, self._password)
        after = self._document
        before = _open(signed, self._password)
        try:
            if len(before) != len(after):
                return (f"the number of pages changed from {len(before)} to {len(after)}",)
            chosen = range(len(before)) if pages is None else sorted(pages & {*range(len(before))})
            if len(chosen) > _MAX_PAGES:
                raise CannotDraw(f"more than {_MAX_PAGES} pages")
            found: list[str] = []
            for index in chosen:
                here = tuple(place for place in allowed if place.page == index)
                filled, wrong = self._compare_page(_read(before, index), index, here)
                found += wrong
                found += [
                    f"field {place.name} on page {index + 1} does not show its value"
                    for place in filled
                    if not self._shows(place)
                ]
            return tuple(found)
        finally:
            before.close()

    def _compare_page(
        self, old: "_Page", index: int, allowed: tuple[Allowed, ...]
    ) -> tuple[list[Allowed], list[str]]:
        """The text fields that now look different, and what else does although it may not."""
        if index not in self._pages:
            self._pages[index] = _read(self._document, index)
        new = self._pages[index]
        if old.size != new.size:
            return [], [f"the size of page {index + 1} changed"]
        if old.text != new.text:
            return [], [f"the text of page {index + 1} changed"]
        difference = ImageChops.difference(old.image, new.image)
        if difference.getbbox() is None:
            return [], _tell_unseen([place.name for place in allowed if place.text is not None], index)
        with closing(self._document[index]) as page:
            boxes = {place: _to_dots(page, place.box, new.image.size) for place in allowed}
            filled = [place for place in boxes if place.text is not None]
            unseen = [place.name for place in filled if not _differs(difference.crop(boxes[place]))]
            pen = ImageDraw.Draw(difference)
            for place, (left, top, right, bottom) in boxes.items():
                covered = place.only_darker and _is_lighter(new.image, old.image, (left, top, right, bottom))
                if left < right and top < bottom and not covered:
                    pen.rectangle((left, top, right - 1, bottom - 1), fill=0)
            spot = _differs(difference)
            where = _describe(page, spot, new.image.size) if spot else ""
        wrong = [f"page {index + 1} looks different {where}"] if spot else []
        return filled, [*wrong, *_tell_unseen(unseen, index)]

    def _shows(self, place: Allowed) -> bool:
        if place not in self._shown:
            # Flattening changes the pages, so another copy is flattened.
            with closing(_open(self._current, self._password)) as document:
                self._shown[place] = _shows(document, place)
        return self._shown[place]


@dataclass(frozen=True, slots=True)
class _Page:
    """How a page looks."""

    size: tuple[float, float]
    text: str
    image: Image.Image


def _open(stream: BinaryIO, password: str | None) -> Any:
    document = pypdfium2.PdfDocument(stream, password=password)
    document.init_forms()  # without its form environment PDFium draws no widgets
    return document


def _read(document: Any, index: int) -> _Page:
    with closing(document[index]) as page:
        with closing(page.get_textpage()) as text:
            words = str(text.get_text_range())
        return _Page(page.get_size(), words, _draw(page))


def _tell_unseen(names: list[str], index: int) -> list[str]:
    return [f"the value of the field {name} on page {index + 1} cannot be seen" for name in names]


def _draw(page: Any) -> Image.Image:
    bitmap = page.render(scale=_SCALE, may_draw_forms=True, draw_annots=True)
    try:
        image: Image.Image = bitmap.to_pil()  # a copy if its mode is RGB, else perhaps a view
        return image if image.mode == "RGB" else image.convert("RGB")
    finally:
        bitmap.close()


def _differs(difference: Image.Image) -> tuple[int, int, int, int] | None:
    """The box of all dots that differ visibly."""
    if difference.getbbox() is None:
        return None
    red, green, blue = difference.split()
    worst = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return worst.point([0] * _THRESHOLD + [255] * (256 - _THRESHOLD)).getbbox()


def _is_lighter(new: Image.Image, old: Image.Image, box: tuple[int, int, int, int]) -> bool:
    """Whether a dot in the box became visibly lighter."""
    return _differs(ImageChops.subtract(new.crop(box), old.crop(box))) is not None


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
