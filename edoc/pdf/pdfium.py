"""What a page says and shows, with its places, read by PDFium.

PDFium is not made for threads: whoever calls it holds `LOCK`. It reads files of unknown origin, so every
page is read under a limit of letters.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import byref, c_double
from dataclasses import dataclass
from math import ceil, hypot
from threading import RLock
from typing import Any, BinaryIO, Final

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageChops

from edoc.errors import PdfError
from edoc.pdf.layout import ASCENT, DESCENT, Frame, Rect
from edoc.pdf.pictures import Colour, name_colour

LOCK: Final = RLock()
"""Held by everybody who calls PDFium in this process."""
MAX_LETTERS: Final = 50_000
"""Letters read from one page."""
_DOTS: Final = 2.0
"""Per point, to see where ink is."""
_CONTRAST: Final = 24
"""Difference of 255 that is ink."""
_LEAST_DOTS: Final = 3
_MAX_DOTS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as displayed: its box, its baseline, and its size in points."""

    text: str
    box: Rect
    baseline: float
    size: float


@dataclass(frozen=True, slots=True)
class Line:
    """Letters on one baseline without a wide gap between them."""

    letters: tuple[Letter, ...]

    @property
    def text(self) -> str:
        """What it says, in NFC."""
        return "".join(letter.text for letter in self.letters)

    @property
    def box(self) -> Rect:
        """What it covers."""
        boxes = [letter.box for letter in self.letters]
        return Rect(
            min(box.x1 for box in boxes),
            min(box.y1 for box in boxes),
            max(box.x2 for box in boxes),
            max(box.y2 for box in boxes),
        )

    @property
    def baseline(self) -> float:
        """Where its first letter stands."""
        return self.letters[0].baseline

    @property
    def size(self) -> float:
        """The size of its first letter, in points."""
        return self.letters[0].size


@dataclass(frozen=True, slots=True)
class Ink:
    """What annotations add to a part of a page: where, as displayed, and in which colour."""

    box: Rect
    colour: Colour


def squeeze(text: str) -> str:
    """Text without what differs from writer to writer: NFC or NFD, ligatures, spaces."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def simplify(text: str) -> str:
    """Text without what differs from writer to writer, capitals among it."""
    return squeeze(text).casefold()


@contextmanager
def open_document(source: bytes | BinaryIO, where: str, *, password: str | None = None) -> Iterator[Any]:
    """Open a PDF with PDFium, under the lock; raises `PdfError` if PDFium cannot.

    Of a stream it reads only what it needs.
    """
    if not isinstance(source, bytes) and not hasattr(source, "readinto"):
        source.seek(0)
        source = source.read()  # an unusual file object
    with LOCK:
        try:
            document = pypdfium2.PdfDocument(source, password=password)
        except pypdfium2.PdfiumError as error:
            raise PdfError(
                "the pages of this PDF cannot be read.",
                where=where,
                advice="Print it to a new PDF file first.",
            ) from error
        try:
            yield document
        finally:
            document.close()


def read_lines(document: Any, index: int, frame: Frame) -> tuple[Line, ...]:
    """Read the lines of a page (the first is 0), from top to bottom and from left to right."""
    page = document[index]
    text = page.get_textpage()
    try:
        letters = _read_letters(text, frame)
    finally:
        text.close()
        page.close()
    return tuple(sorted(_gather(letters), key=lambda line: (-line.baseline, line.box.x1)))


def read_words(document: Any, index: int, part: Rect | None = None) -> str:
    """Read what a page says, or a part of it (in the file's coordinates), in the file's order; squeezed."""
    page = document[index]
    text = page.get_textpage()
    try:
        if part is None:
            return squeeze(text.get_text_range(0, min(text.count_chars(), MAX_LETTERS)))
        return squeeze(text.get_text_bounded(left=part.x1, bottom=part.y1, right=part.x2, top=part.y2))
    finally:
        text.close()
        page.close()


def find_ink(
    document: Any, index: int, part: Rect, frame: Frame, *, others: Sequence[Rect] = ()
) -> Ink | None:
    """Find what annotations show in a part of a page, as displayed; None if they show nothing there.

    Where `others` stand the ink may be theirs and says nothing of the colour, unless there is no other.
    """
    part = part.fit_into(frame.page)
    scale = min(_DOTS, (_MAX_DOTS / max(part.width * part.height, 1)) ** 0.5)
    if min(part.width, part.height) * scale < _LEAST_DOTS:
        return None
    if document.formenv is None:
        document.init_forms()
    page = document[index]
    try:
        plain, shown = (_draw(page, part, frame, scale, annotations=wanted) for wanted in (False, True))
    finally:
        page.close()
    red, green, blue = ImageChops.difference(plain, shown).split()
    worst = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    ink = worst.point([0] * _CONTRAST + [255] * (256 - _CONTRAST))
    box = ink.getbbox()
    if box is None:
        return None
    left, top = ceil(part.x1 * scale), ceil((frame.page.y2 - part.y2) * scale)  # as pypdfium2 crops
    x1, x2 = ((left + value) / scale for value in box[::2])
    y2, y1 = (frame.page.y2 - (top + value) / scale for value in box[1::2])
    own = ink.copy()
    for other in others:
        corners = (other.x1 * scale - left, (frame.page.y2 - other.y2) * scale - top)
        own.paste(
            0,
            (
                *map(round, corners),
                *(round(a + b * scale) for a, b in zip(corners, (other.width, other.height), strict=True)),
            ),
        )
    seen = ink if own.getbbox() is None else own
    return Ink(Rect(x1, y1, x2, y2), name_colour(shown.crop(box), seen.crop(box)))


def _draw(page: Any, part: Rect, frame: Frame, scale: float, *, annotations: bool) -> Image.Image:
    whole = frame.page
    crop = (part.x1, part.y1, whole.x2 - part.x2, whole.y2 - part.y2)
    bitmap = page.render(scale=scale, crop=crop, may_draw_forms=annotations, draw_annots=annotations)
    try:
        image: Image.Image = bitmap.to_pil().convert("RGB")
        return image
    finally:
        bitmap.close()


def _read_letters(text: Any, frame: Frame) -> list[Letter]:
    letters: list[Letter] = []
    for index in range(min(text.count_chars(), MAX_LETTERS)):
        if pdfium.FPDFText_IsGenerated(text, index):
            continue
        letter = chr(pdfium.FPDFText_GetUnicode(text, index))
        if letters and unicodedata.combining(letter):
            last = letters[-1]
            joined = unicodedata.normalize("NFC", last.text + letter)
            letters[-1] = Letter(joined, last.box, last.baseline, last.size)
        elif (placed := _place(text, index, letter, frame)) is not None:
            letters.append(placed)
    return letters


def _place(text: Any, index: int, letter: str, frame: Frame) -> Letter | None:
    x, y = c_double(), c_double()
    if not pdfium.FPDFText_GetCharOrigin(text, index, byref(x), byref(y)):
        return None
    left, bottom, right, top = text.get_charbox(index, loose=True)
    box = frame.to_display(Rect(left, bottom, right, top))
    origin = frame.to_display(Rect(x.value, y.value, x.value, y.value))
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(text, index, byref(matrix))
    size = pdfium.FPDFText_GetFontSize(text, index) * hypot(matrix.c, matrix.d)
    return Letter(letter, box, origin.y1, size or box.height / (ASCENT + DESCENT))


def _gather(letters: list[Letter]) -> Iterator[Line]:
    run: list[Letter] = []
    for letter in sorted(letters, key=lambda each: (round(-each.baseline), each.box.x1)):
        if run and not _continues(run[-1], letter):
            yield from _finish(run)
            run = []
        run.append(letter)
    yield from _finish(run)


def _continues(last: Letter, letter: Letter) -> bool:
    same_line = abs(last.baseline - letter.baseline) < last.size / 4
    return same_line and -last.size < letter.box.x1 - last.box.x2 < last.size


def _finish(run: list[Letter]) -> Iterator[Line]:
    while run and run[-1].text.isspace():
        run.pop()
    while run and run[0].text.isspace():
        run.pop(0)
    if run:
        yield Line(tuple(run))
