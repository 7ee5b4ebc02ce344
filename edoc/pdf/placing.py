"""Decide where something goes: as told, else where the page's words point, else by Annex I of NĐ 30/2020."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

from edoc.core.ids import display_date_vi
from edoc.errors import InputError, Refused
from edoc.pdf import anchors, blanks, layout
from edoc.pdf.anchors import Match
from edoc.pdf.appearance import Look, Words, wrap_lines
from edoc.pdf.document import Document
from edoc.pdf.fieldlist import list_boxes, list_pages
from edoc.pdf.fields import MAX_SEALS, Places
from edoc.pdf.forms import DATE, NUMBER, PERSON, is_filled, is_signature
from edoc.pdf.layout import MM, PADDING, PERSON_HEIGHT, PERSON_WIDTH, SEAL_DIAMETER, Frame, Place, Rect
from edoc.pdf.pages import require_page
from edoc.pdf.pdfium import Ink, Line, find_ink, open_document, read_lines, read_words, simplify

_POSITION_WORDS: Final = tuple(
    "TM. KT. TL. TUQ. Q. CHỦ GIÁMĐỐC BÍTHƯ THỦTƯỚNG THƯKÝ CHÁNH TRƯỞNG".split()  # noqa: SIM905 - read easily
)
"""One of them stands, spaces apart, on each page where a position does."""
_SEAL_GAP: Final = 2 * MM
_WIDTHS: Final = (85 * MM, 130 * MM)
"""Lines in a corner are broken so, or, if they would reach down into the page's text, so."""
_CORNER_DEPTH: Final = 60 * MM


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the caller says about places; None leaves it to the page."""

    number: Place | None = None
    date: Place | None = None
    person: Place | None = None
    seal: Place | None = None
    seals: int = 1
    anchor: str | None = None


def decide_places(document: Document, wishes: Wishes) -> Places:
    """Decide all places. Raises `Refused` if the anchor's words stand on no page."""
    with _opened(document) as pages:
        number = wishes.number or pages.find_first(anchors.find_number, layout.number_rect)
        date = wishes.date or pages.find_first(anchors.find_date, layout.date_rect)
        person = wishes.person or pages.find_person(wishes.anchor)
    first = wishes.seal or _place_over(document, person, SEAL_DIAMETER, SEAL_DIAMETER)
    return Places(number=number, date=date, person=person, seals=_line_up(document, first, wishes.seals))


def place_person(
    document: Document, *, anchor: str | None, width: float = PERSON_WIDTH, height: float = PERSON_HEIGHT
) -> Place:
    """Give the room for a person's signature: between position and name, or where `anchor` points.

    A room in which somebody signed already is passed over. Raises `Refused` if the anchor stands on no page.
    """
    with _opened(document) as pages:
        return pages.find_person(anchor, width=width, height=height)


def place_seal(document: Document, *, anchor: str | None, width: float, height: float) -> Place:
    """Give the room for a seal of this size: over a third of the person's signature, at its left.

    The person's signature is what the last visible signature shows that is not red; without one, or with an
    anchor, it is where a person would sign. A seal that stands there already is left free.
    """
    with _opened(document) as pages:
        person = pages.find_signed() if anchor is None else None
        place = person or pages.find_person(anchor, taken=False)
        rect = _place_over(document, place, width, height).rect
        page = pages.frame(place.page - 1).page
        seals = pages.list_seals(place.page - 1)
    spots = (spot for spot in _list_around(rect, page) if not any(_overlaps(seal, spot) for seal in seals))
    return Place(place.page, next(spots, rect).round())


def _list_around(rect: Rect, page: Rect) -> Iterator[Rect]:
    # Joint documents: the next seal stands left of the one before; else under it, above it, right of it.
    yield rect
    across, down = rect.width + _SEAL_GAP, rect.height + _SEAL_GAP
    for dx, dy in ((-across, 0.0), (0.0, -down), (0.0, down), (across, 0.0)):
        for steps in range(1, MAX_SEALS):
            spot = rect.move(steps * dx, steps * dy)
            if spot.lies_in(page):
                yield spot


def place_top_right(document: Document, look: Look, *, anchor: str | None = None) -> Place:
    """Give the room for lines of text in the top right corner of page 1, or under the words `anchor`.

    What stands there already stays visible: the lines become longer, or go beside it or under it. Raises
    `Refused` if the anchor stands on no page.
    """
    sizes = [_measure_lines(look, width) for width in _WIDTHS]
    with _opened(document) as pages:
        if anchor is not None:
            found, line = pages.find_words(anchor)
            width, height = sizes[0]
            top = line.box.y1 - PADDING
            under = Rect(line.box.x1, top - height, line.box.x1 + width, top)
            return Place(found + 1, under.fit_into(pages.frame(found).page).round())
        page, taken = pages.frame(0).page, pages.list_shown(0)
        spots = [spot for size in sizes for spot in _list_corners(page, size, taken)]
        # Rather over a word than over another signature's text.
        clear = [spot for spot in spots if not any(_overlaps(box, spot) for box in taken)] or spots
        best = next((spot for spot in clear if not pages.has_words(0, spot)), clear[0])
    return Place(1, best.round())


def _measure_lines(look: Look, width: float) -> tuple[float, float]:
    return replace(look, lines=wrap_lines(look.lines, look.size, width)).measure()


def _list_corners(page: Rect, size: tuple[float, float], taken: list[Rect]) -> list[Rect]:
    corner = layout.corner_rect(page, *size).fit_into(page)
    beside = [corner.move(box.x1 - 2 * PADDING - corner.x2, 0) for box in taken]
    under = [corner.move(0, box.y1 - PADDING - corner.y2) for box in taken]
    area = Rect(page.x1, page.y2 - _CORNER_DEPTH, page.x2, page.y2)
    return [corner, *(rect for rect in (*beside, *under) if rect.lies_in(area))]


def place_number_and_date(
    document: Document, *, number: str, notation: str, date: dt.date
) -> tuple[Place, tuple[Words, ...]]:
    """Give the words that page 1 still needs, in their places, and the rectangle that holds them all.

    Raises `Refused` if the page has no place for them, or prints other ones or all of them.
    """
    if {NUMBER, DATE} <= {each.name for each in document.fields}:
        raise Refused(
            "this PDF has the fields Number and Date for this.",
            where=document.where,
            advice="Fill them (edoc number).",
        )
    with _opened(document) as pages:
        lines, page = pages.read(0)
    try:
        dated = blanks.write_date(lines, page, display_date_vi(date))
        words = (*blanks.write_number(lines, page, f"{number}/{notation}"), *dated)
    except Refused as error:
        raise Refused(error.what, where=document.where, advice=error.advice) from None
    if not words:
        raise Refused(
            "page 1 prints its number and date already.", where=document.where, advice="Seal it as it is."
        )
    box = words[0].box
    for each in words[1:]:
        box = anchors.join(box, each.box)
    rect = Rect(box.x1 - PADDING, box.y1 - PADDING, box.x2 + PADDING, box.y2 + PADDING).fit_into(page)
    if not all(each.box.lies_in(rect) for each in words):
        raise InputError(
            "there is no room for number and date on page 1.",
            where=document.where,
            advice="Give the page and rectangle where they are to stand.",
        )
    return Place(1, rect.round()), words


@dataclass(slots=True)
class _Pages:
    """The pages of a document as PDFium shows them, while it is open."""

    document: Document
    opened: Any
    _read: dict[int, tuple[Line, ...]] = field(default_factory=dict)

    def frame(self, index: int) -> Frame:
        return self.document.read_frame(index)

    def read(self, index: int) -> tuple[tuple[Line, ...], Rect]:
        frame = self.frame(index)
        if index not in self._read:
            self._read[index] = read_lines(self.opened, index, frame)
        return self._read[index], frame.page

    def find_first(
        self, find: Callable[[tuple[Line, ...], Rect], Rect | None], default: Callable[[Rect], Rect]
    ) -> Place:
        lines, page = self.read(0)
        found = find(lines, page)
        return Place(1, (found or default(page)).fit_into(page).round())

    def find_person(
        self,
        anchor: str | None,
        *,
        width: float = PERSON_WIDTH,
        height: float = PERSON_HEIGHT,
        taken: bool = True,
    ) -> Place:
        last = self.document.page_count - 1
        # From the end: annexes may follow the page that is signed, but the words of a position seldom do.
        for index, match in self._where(anchor):
            lines, page = self.read(index)
            signed = self.list_shown(index, filled=True) if taken else []
            found = anchors.find_person(
                lines, page, anchor=anchor, match=match, width=width, height=height, taken=signed
            )
            if found is not None:
                return Place(index + 1, found.round())
        if anchor is not None:
            raise self._nowhere(anchor)
        page = self.frame(last).page
        usual = layout.person_rect(page).centre
        rect = layout.person_rect_at(*usual, width=width, height=height).fit_into(page)
        return Place(last + 1, rect.round())

    def find_words(self, anchor: str) -> tuple[int, Line]:
        for index, match in self._where(anchor):
            lines, _ = self.read(index)
            found = next(anchors.find_words(lines, anchor, match), None)
            if found is not None:
                return index, found
        raise self._nowhere(anchor)

    def _where(self, anchor: str | None) -> Iterator[tuple[int, Match | None]]:
        """Pages that may have the words, from the last, and how well they should match."""
        words = _POSITION_WORDS if anchor is None else tuple(map(simplify, anchor.split()[:1]))
        if not words:
            raise InputError("an anchor without words points nowhere.", advice="Name words of the page.")
        likely = []
        for index in reversed(range(self.document.page_count)):
            said = read_words(self.opened, index)
            if any(word in (said if anchor is None else said.casefold()) for word in words):
                likely.append(index)
                if anchor is None:
                    yield index, None
        for match in Match if anchor is not None else ():
            for index in likely:
                yield index, match

    def _nowhere(self, anchor: str) -> Refused:
        return Refused(
            f"the words {anchor!r} stand on no page, or nowhere that is still free.",
            where=self.document.where,
            advice="Check the anchor, or give the rectangle of the signature.",
        )

    def has_words(self, index: int, rect: Rect) -> bool:
        return bool(read_words(self.opened, index, self.frame(index).to_file(rect)))

    def list_shown(self, page: int, *, filled: bool = False) -> list[Rect]:
        """The rectangles of visible fields on a page; only those of signatures that are made, if wanted."""
        return [rect for _, index, rect in self._list_fields(filled=filled) if index == page]

    def _list_fields(self, *, filled: bool) -> list[tuple[str, int, Rect]]:
        numbers = list_pages(self.document.reader)
        found = []
        for each in self.document.fields:
            if filled and not (is_signature(each) and is_filled(each)):
                continue
            for index, (x1, y1, x2, y2) in list_boxes(each, numbers):
                rect = self.frame(index).to_display(Rect.span((x1, y1), (x2, y2)))
                if rect.width > 0 and rect.height > 0:
                    found.append((each.name, index, rect))
        return found

    def find_signed(self) -> Place | None:
        """Where the last person's signature shows, as far as its looks and its field's name tell."""
        best: tuple[int, Place] | None = None
        for name, index, rect in self._list_fields(filled=True):
            ink = self._find_ink(index, rect)
            if ink is None or ink.colour == "red":
                continue
            top = self.frame(index).page.y2
            likely = (
                3 if ink.colour == "blue" else 2 if name.startswith(PERSON) else int(rect.y2 < top * 2 / 3)
            )
            if likely and (best is None or likely >= best[0]):
                best = likely, Place(index + 1, ink.box)
        return best and best[1]

    def list_seals(self, index: int) -> list[Rect]:
        """What red signatures show on a page."""
        inks = (self._find_ink(index, rect) for rect in self.list_shown(index, filled=True))
        return [ink.box for ink in inks if ink is not None and ink.colour == "red"]

    def _find_ink(self, index: int, rect: Rect) -> Ink | None:
        others = [other for other in self.list_shown(index, filled=True) if other != rect]
        return find_ink(self.opened, index, rect, self.frame(index), others=others)


@contextmanager
def _opened(document: Document) -> Iterator[_Pages]:
    with open_document(document.stream, document.where, password=document.password) as opened:
        yield _Pages(document, opened)


def _place_over(document: Document, person: Place, width: float, height: float) -> Place:
    page = _read_page(document, person)
    return Place(person.page, layout.seal_rect(person.rect, width, height).fit_into(page).round())


def _line_up(document: Document, first: Place, count: int) -> tuple[Place, ...]:
    # Joint documents: the further seals stand left of the first, or under it where the page ends.
    page = _read_page(document, first)
    places = [first]
    while len(places) < count:
        last = places[-1].rect
        beside = last.move(-last.width - _SEAL_GAP, 0)
        if beside.x1 < page.x1:
            beside = Rect(first.rect.x1, last.y1, first.rect.x2, last.y2).move(0, -last.height - _SEAL_GAP)
        places.append(Place(first.page, beside.fit_into(page).round()))
    return tuple(places)


def _read_page(document: Document, place: Place) -> Rect:
    return document.read_frame(require_page(document.reader, place.page)).page


def _overlaps(one: Rect, other: Rect) -> bool:
    return one.x1 < other.x2 and other.x1 < one.x2 and one.y1 < other.y2 and other.y1 < one.y2
