"""Decide where the fields of a document go: as told, else where the page's words point, else by Annex I."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from edoc.errors import InputError, Refused
from edoc.pdf import anchors, blanks, layout
from edoc.pdf.appearance import Look, Words
from edoc.pdf.document import Document
from edoc.pdf.fieldlist import list_boxes, list_pages
from edoc.pdf.fields import Places
from edoc.pdf.fonts import cut_subset, normalize
from edoc.pdf.forms import is_filled, is_signature
from edoc.pdf.layout import MM, PADDING, Place, Rect
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
    with open_document(document.stream, document.where, password=document.password) as opened:
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


TOP_MARGIN: Final = 5 * MM
SIDE_MARGIN: Final = 15 * MM
"""Of what stands in the top right corner, above the text of the page (Annex I: margins of 20 and 15 mm)."""


def place_person(document: Document, *, anchor: str | None, width: float, height: float) -> Place:
    """Give the room for a person's signature: between position and name, or where `anchor` points."""
    with open_document(document.stream, document.where, password=document.password) as opened:
        place = _place_person(_Pages(document, opened), anchor)
    middle, base = place.rect.centre[0], place.rect.centre[1]
    height = min(height, place.rect.height) if height else place.rect.height
    width = width or place.rect.width
    rect = Rect(middle - width / 2, base - height / 2, middle + width / 2, base + height / 2)
    return Place(place.page, rect.fit_into(_read_page(document, place)).round())


def place_seal(document: Document, *, anchor: str | None, width: float, height: float) -> Place:
    """Give the room for a seal of this size: over a third of the person's signature, at its left.

    The person's signature is the last one that shows; without one, or with an anchor, it is where a person
    would sign.
    """
    person = None if anchor else _find_shown(document)
    if person is None:
        person = place_person(document, anchor=anchor, width=0, height=0)
    right = person.rect.x1 + person.rect.width / 3
    middle = person.rect.centre[1]
    rect = Rect(right - width, middle - height / 2, right, middle + height / 2)
    return Place(person.page, rect.fit_into(_read_page(document, person)).round())


def place_top_right(document: Document, look: Look) -> Place:
    """Give the room for lines of text in the top right corner of page 1 (Annex I, box 14)."""
    page = document.read_frame(0).page
    width, height = look.measure()
    right, top = page.x2 - SIDE_MARGIN, page.y2 - TOP_MARGIN
    taken = [box for box in _list_shown(document, 0) if box.y1 > page.centre[1] and box.x2 > page.centre[0]]
    rect = Rect(right - width, top - height, right, top)
    while (hit := next((box for box in taken if _overlaps(box, rect)), None)) is not None:
        taken.remove(hit)  # a copy of what is sealed already stands below the seal's own words
        rect = rect.move(0, hit.y1 - rect.y2 - PADDING)
    return Place(1, rect.fit_into(page).round())


def place_number_and_date(
    document: Document, *, number: str, notation: str, date: dt.date
) -> tuple[Place, tuple[Words, ...]]:
    """Give the words that page 1 still needs, in their places, and the rectangle that holds them all.

    Raises `Refused` if the page prints another number or date.
    """
    with open_document(document.stream, document.where, password=document.password) as opened:
        lines, page = _Pages(document, opened).read(0)
    words = (*blanks.write_number(lines, page, number, notation), *blanks.write_date(lines, page, date))
    if not words:
        raise Refused(
            "this page prints its number and date already.",
            where=document.where,
            advice="Seal it as it is.",
        )
    boxes = [_box(each) for each in words]
    rect = Rect(
        min(box.x1 for box in boxes),
        min(box.y1 for box in boxes),
        max(box.x2 for box in boxes),
        max(box.y2 for box in boxes),
    )
    if not rect.lies_in(page):
        raise InputError(
            "there is no room for number and date on page 1.",
            where=document.where,
            advice="Prepare the document, or give the rectangle of the signature.",
        )
    return Place(1, rect.round()), words


def _box(words: Words) -> Rect:
    letters = normalize(words.text)
    width = cut_subset(words.face, "".join(sorted(set(letters)))).measure(letters, words.size)
    return layout.text_rect(words.x, words.baseline, width, words.size)


def _find_shown(document: Document) -> Place | None:
    pages = list_pages(document.reader)
    found = None
    for field in document.fields:
        if not (is_signature(field) and is_filled(field)):
            continue
        for index, box in list_boxes(field, pages):
            rect = document.read_frame(index).to_display(Rect.span((box[0], box[1]), (box[2], box[3])))
            if rect.width > 0 and rect.height > 0:
                found = Place(index + 1, rect)
    return found


def _list_shown(document: Document, page: int) -> list[Rect]:
    pages = list_pages(document.reader)
    frame = document.read_frame(page)
    boxes = [box for field in document.fields for index, box in list_boxes(field, pages) if index == page]
    rects = [frame.to_display(Rect.span((box[0], box[1]), (box[2], box[3]))) for box in boxes]
    return [rect for rect in rects if rect.width > 0 and rect.height > 0]


def _overlaps(one: Rect, other: Rect) -> bool:
    return one.x1 < other.x2 and other.x1 < one.x2 and one.y1 < other.y2 and other.y1 < one.y2
