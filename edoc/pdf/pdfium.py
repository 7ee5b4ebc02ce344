"""The text of a page with its places, read by PDFium.

PDFium is not made for threads: whoever calls it holds `LOCK`. It reads files of unknown origin, so every
page is read under a limit of letters.
"""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import byref, c_double
from dataclasses import dataclass
from threading import RLock
from typing import Any, BinaryIO, Final

import pypdfium2
import pypdfium2.raw as pdfium

from edoc.errors import PdfError
from edoc.pdf.layout import ASCENT, DESCENT, Frame, Rect

LOCK: Final = RLock()
"""Held by everybody who calls PDFium in this process."""
MAX_LETTERS: Final = 50_000
"""Letters read from one page."""


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


@contextmanager
def open_document(source: bytes | BinaryIO, where: str, *, password: str | None = None) -> Iterator[Any]:
    """Open a PDF with PDFium, under the lock; raises `PdfError` if PDFium cannot.

    Of a stream it reads only what it needs.
    """
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
    return Letter(letter, box, origin.y1, box.height / (ASCENT + DESCENT))


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
