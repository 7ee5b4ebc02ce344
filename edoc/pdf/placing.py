"""Decide where the fields of a document go: as told, else where the page's words point, else by Annex I."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edoc.errors import Refused
from edoc.pdf import anchors, layout
from edoc.pdf.document import Document
from edoc.pdf.fields import Places
from edoc.pdf.layout import Place, Rect
from edoc.pdf.pages import require_page
from edoc.pdf.pdfium import Line, open_document, read_lines


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
    with open_document(document.read_bytes(), document.where) as opened:
        pages = _Pages(document, opened)
        number = wishes.number or pages.find_first(anchors.find_number, layout.number_rect)
        date = wishes.date or pages.find_first(anchors.find_date, layout.date_rect)
        person = wishes.person or _place_person(pages, wishes.anchor)
    first = wishes.seal or _place_seal(document, person)
    return Places(number=number, date=date, person=person, seals=_line_up(document, first, wishes.seals))


@dataclass(frozen=True, slots=True)
class _Pages:
    document: Document
    opened: Any

    def read(self, index: int) -> tuple[tuple[Line, ...], Rect]:
        frame = self.document.read_frame(index)
        return read_lines(self.opened, index, frame), frame.page

    def find_first(
        self, find: Callable[[tuple[Line, ...], Rect], Rect | None], default: Callable[[Rect], Rect]
    ) -> Place:
        lines, page = self.read(0)
        found = find(lines, page)
        return Place(1, (found or default(page)).fit_into(page).round())


def _place_person(pages: _Pages, anchor: str | None) -> Place:
    last = pages.document.page_count - 1
    # From the end: annexes may follow the page that is signed, but the words of a position seldom do.
    for index in range(last, -1, -1):
        lines, page = pages.read(index)
        found = anchors.find_person(lines, page, anchor=anchor)
        if found is not None:
            return Place(index + 1, found.round())
    if anchor is not None:
        raise Refused(
            f"the words {anchor!r} stand on no page.",
            where=pages.document.where,
            advice="Check the anchor, or give the rectangle of the signature.",
        )
    page = pages.document.read_frame(last).page
    return Place(last + 1, layout.person_rect(page).round())


def _place_seal(document: Document, person: Place) -> Place:
    page = _read_page(document, person)
    return Place(person.page, layout.seal_rect(person.rect).fit_into(page).round())


def _line_up(document: Document, first: Place, count: int) -> tuple[Place, ...]:
    # Joint documents: the further seals stand left of the first, or under it where the page ends.
    page = _read_page(document, first)
    gap = 2 * layout.MM
    places = [first]
    while len(places) < count:
        last = places[-1].rect
        beside = last.move(-last.width - gap, 0)
        if beside.x1 < page.x1:
            beside = Rect(first.rect.x1, last.y1, first.rect.x2, last.y2).move(0, -last.height - gap)
        places.append(Place(first.page, beside.fit_into(page).round()))
    return tuple(places)


def _read_page(document: Document, place: Place) -> Rect:
    return document.read_frame(require_page(document.reader, place.page)).page
