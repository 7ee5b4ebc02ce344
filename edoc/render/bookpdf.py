"""A register book to print and bind (NĐ 30/2020 Art 16.2b, 22.3b): A4 across, headings on every page.

    to_pdf(rows, OUTGOING_COLUMNS, Path("van-ban-di-2026.pdf"), cover=cover)

A line that does not fit on a page goes to the next one; one that is higher than any page is cut: a hundred
recipients are no rarity. A voided number is struck through, its note is not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from edoc.pdf.fonts import Face
from edoc.render.bookpages import PageWriter, measure
from edoc.render.books import Column, Cover, Row, clean, opened, texts

_MM: Final = 72 / 25.4
_PAGE: Final = (297 * _MM, 210 * _MM)
_LEFT, _RIGHT, _TOP, _BOTTOM = 20 * _MM, 10 * _MM, 14 * _MM, 16 * _MM  # the left edge is bound
_PADDING: Final = 1.2 * _MM
_SPACE: Final = 2.4 * _MM
"""Above and below the text of a line, together."""
_LEAST: Final = 15 * _MM
"""Room that is worth putting a part of a line into."""
_SIZE: Final = 9.5
_LEADING: Final = 1.2 * _SIZE
_FOOT: Final = 8 * _MM
_FOOT_SIZE: Final = 9
_BREAKS: Final = "-/–,;"
"""After these a word may be broken, before it has to be anywhere."""

Cell = list[str]
"""Its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """Where the columns stand."""

    columns: Sequence[Column]
    edges: tuple[float, ...]

    @classmethod
    def make(cls, columns: Sequence[Column]) -> "_Grid":
        """Lay the columns across the page."""
        whole = sum(column.width for column in columns)
        room, edge = _PAGE[0] - _LEFT - _RIGHT, _LEFT
        edges = [edge]
        for column in columns:
            edge += room * column.width / whole
            edges.append(edge)
        return cls(columns=columns, edges=tuple(edges))

    def width(self, place: int) -> float:
        """What a column has for text."""
        return self.edges[place + 1] - self.edges[place] - 2 * _PADDING


def to_pdf(rows: Iterable[Row], columns: Sequence[Column], out: Path | BinaryIO, *, cover: Cover) -> None:
    """Write a book to print; pages are written as they are filled."""
    with opened(out) as file, _writer(file, cover) as pages:
        printer = _Printer(pages, _Grid.make(columns), cover)
        printer.begin()
        for row in rows:
            printer.print_row(texts(row, columns), voided=row.voided)
        printer.end()


def _writer(file: BinaryIO, cover: Cover) -> PageWriter:
    return PageWriter(file, size=_PAGE, title=f"{cover.title} {cover.year}", author=clean(cover.agency))


class _Printer:
    """Fills pages from above; `y` is where the next line begins."""

    def __init__(self, pages: PageWriter, grid: _Grid, cover: Cover) -> None:
        self._pages, self._grid, self._cover = pages, grid, cover
        self._headings = [
            wrap(Face.BOLD, _SIZE, column.heading, grid.width(place))
            for place, column in enumerate(grid.columns)
        ]
        self._numbers = [[f"({place})"] for place in range(1, len(grid.columns) + 1)]
        self._page_room = _PAGE[1] - _TOP - _BOTTOM - _height(self._headings) - _height(self._numbers)
        self._y = self._top = _PAGE[1] - _TOP
        self._empty = True

    def begin(self) -> None:
        """The title block, and the first headings."""
        cover = self._cover
        blocks: list[tuple[str, Face, float, float]] = [
            *([(clean(cover.superior).upper(), Face.UPRIGHT, 12.0, 1.0)] if cover.superior else []),
            (clean(cover.agency).upper(), Face.BOLD, 12.0, 3 * _MM),
            (cover.title, Face.BOLD, 17.0, 2 * _MM),
            *((line, Face.UPRIGHT, 12.0, 1.0) for line in cover.lines()),
        ]
        for text, face, size, after in blocks:
            for line in wrap(face, size, text, _PAGE[0] - _LEFT - _RIGHT):
                self._y -= size * 1.2
                middle = (_LEFT + _PAGE[0] - _RIGHT - measure(face, size, line)) / 2
                self._pages.text(face, size, middle, self._y + 0.2 * size, line)
            self._y -= after
        self._y -= 4 * _MM
        self._head()

    def _head(self) -> None:
        """Headings and the numbers of the columns."""
        self._top = self._y
        self._rule()
        self._draw(self._headings, Face.BOLD, centred=True)
        self._draw(self._numbers, Face.ITALIC, centred=True)

    def print_row(self, cells: Sequence[str], *, voided: bool) -> None:
        """Print a row, on as many pages as it takes."""
        self._empty = False
        rest = [wrap(Face.UPRIGHT, _SIZE, cell, self._grid.width(place)) for place, cell in enumerate(cells)]
        while (height := _height(rest)) > self._room():
            if height > self._page_room and self._room() > _LEAST:
                fitting = int((self._room() - _SPACE) / _LEADING)
                self._draw([cell[:fitting] for cell in rest], Face.UPRIGHT, struck=voided)
                rest = [cell[fitting:] for cell in rest]
            self._turn()
        self._draw(rest, Face.UPRIGHT, struck=voided)

    def end(self) -> None:
        """The last page; an empty book has an empty row."""
        if self._empty:
            self._draw([[""] for _ in self._grid.columns], Face.UPRIGHT)
        self._close()

    def _room(self) -> float:
        return self._y - _BOTTOM

    def _turn(self) -> None:
        self._close()
        self._y = _PAGE[1] - _TOP
        self._head()

    def _close(self) -> None:
        """Draw the upright lines and the foot, and end the page."""
        for edge in self._grid.edges:
            self._pages.line(edge, self._top, edge, self._y)
        cover, place = self._cover, _PAGE[0] - _RIGHT - 6 * _MM
        name = clean(f"{cover.agency} – {cover.title} – Năm {cover.year}")
        page = f"Trang {self._pages.page} / "
        self._pages.text(Face.UPRIGHT, _FOOT_SIZE, _LEFT, _FOOT, _shorten(name, place - _LEFT - 20 * _MM))
        width = measure(Face.UPRIGHT, _FOOT_SIZE, page)
        self._pages.text(Face.UPRIGHT, _FOOT_SIZE, place - width, _FOOT, page)
        self._pages.page_count(place, _FOOT)
        self._pages.finish_page()

    def _rule(self) -> None:
        self._pages.line(self._grid.edges[0], self._y, self._grid.edges[-1], self._y)

    def _draw(
        self, cells: Sequence[Cell], face: Face, *, centred: bool = False, struck: bool = False
    ) -> None:
        """Draw a line of the table and the rule under it."""
        grid, last = self._grid, len(cells) - 1
        for place, (cell, column) in enumerate(zip(cells, grid.columns, strict=True)):
            for number, text in enumerate(cell):
                width = measure(face, _SIZE, text)
                free = grid.width(place) - width if centred or column.centred else 0.0
                x = grid.edges[place] + _PADDING + free / 2
                y = self._y - _SPACE / 2 - number * _LEADING - 0.9 * _SIZE
                self._pages.text(face, _SIZE, x, y, text)
                if struck and text and place != last:
                    self._pages.line(x, y + 0.25 * _SIZE, x + width, y + 0.25 * _SIZE)
        self._y -= _height(cells)
        self._rule()


def _height(cells: Sequence[Cell]) -> float:
    return _SPACE + _LEADING * max(1, *map(len, cells))


def wrap(face: Face, size: float, text: str, room: float) -> list[str]:
    """Cut a text into lines that fit; a word that is wider than a line is broken."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if measure(face, size, longer) <= room:
                line = longer
                continue
            if line:
                lines.append(line)
            *pieces, line = _break(face, size, word, room)
            lines += pieces
        lines.append(line)
    return lines


def _break(face: Face, size: float, word: str, room: float) -> list[str]:
    pieces = []
    while measure(face, size, word) > room and len(word) > 1:
        fitting = 1
        while measure(face, size, word[: fitting + 1]) <= room:
            fitting += 1
        good = 1 + max(word.rfind(mark, 0, fitting) for mark in _BREAKS)
        cut = good or fitting
        pieces.append(word[:cut])
        word = word[cut:]
    return [*pieces, word]


def _shorten(text: str, width: float) -> str:
    while text and measure(Face.UPRIGHT, _FOOT_SIZE, text) > width:
        text = text[:-2].rstrip() + "…"
    return text
