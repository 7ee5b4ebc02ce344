"""Find the places that a page's own words point to: after "Số:", after the place's comma, above the name.

Pure: lines of text in, rectangles out, or None where the page does not say. Serves Decree 30/2020/NĐ-CP,
Annex I, boxes 3, 4 and 7c.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from edoc.pdf.layout import MM, PERSON_HEIGHT, TEXT_SIZE, Rect, person_rect_at, text_rect
from edoc.pdf.pdfium import Line

_NUMBER: Final = re.compile(r"^Số\s*:", re.IGNORECASE)
_PLACE: Final = re.compile(r"^\D{2,60},$")
_DATED: Final = re.compile(r"ngày\b.{0,30}\btháng\b.{0,30}\bnăm\b", re.IGNORECASE)
_COMPETENCE: Final = re.compile(r"^(TM|KT|TL|TUQ|Q)\s*\.")
_POSITION: Final = re.compile(
    r"^(PHÓ |QUYỀN |TỔNG )*"
    r"(CHỦ TỊCH|CHỦ NHIỆM|GIÁM ĐỐC|BÍ THƯ|THỦ TƯỚNG|THƯ KÝ|CHÁNH \w+|TRƯỞNG \w+|(\w+ ){1,2}TRƯỞNG)\b"
)

_NUMBER_WIDTH: Final = 40 * MM
_NUMBER_LEAST: Final = 25 * MM
_DATE_WIDTH: Final = 56 * MM
_DATE_LEAST: Final = 48 * MM
_SIDE_MARGIN: Final = 10 * MM
_NAME_WITHIN: Final = 70 * MM
_ROOM_LEAST: Final = 10 * MM


def find_number(lines: Sequence[Line], page: Rect) -> Rect | None:
    """Give the place after "Số:" in the upper left of the first page, or right under it if that is taken."""
    for line in _upper(lines, page):
        if _NUMBER.match(line.text) and line.box.x1 < page.centre[0]:
            end = line.letters[line.text.index(":")].box.x2
            right = min(page.centre[0], end + _NUMBER_WIDTH)
            return _beside(line, end, right, lines, least=_NUMBER_LEAST, width=_NUMBER_WIDTH)
    return None


def find_date(lines: Sequence[Line], page: Rect) -> Rect | None:
    """Give the place after the issuing place and its comma, or right under a date that the page prints."""
    right = page.x2 - _SIDE_MARGIN
    candidates = [line for line in _upper(lines, page) if line.box.centre[0] > page.centre[0] * 0.9]
    for line in candidates:
        if _DATED.search(line.text):
            return _under(line, line.box.x1, _DATE_WIDTH)
        if _PLACE.match(line.text):
            end = line.box.x2
            return _beside(
                line, end, min(right, end + _DATE_WIDTH), lines, least=_DATE_LEAST, width=_DATE_WIDTH
            )
    return None


def find_person(lines: Sequence[Line], page: Rect, *, anchor: str | None = None) -> Rect | None:
    """Give the place between the signer's position and name; `anchor` names the position's line instead."""
    wanted = None if anchor is None else _simplify(anchor)
    for first in reversed(lines):
        if _is_position(first, wanted, page):
            block = _with_neighbours(first, lines)
            return _between(block, lines, page)
    return None


def _is_position(line: Line, wanted: str | None, page: Rect) -> bool:
    if wanted is not None:
        return _simplify(line.text).startswith(wanted)
    words = line.text.strip()
    if line.box.centre[0] < page.centre[0] * 1.05 or words != words.upper():
        return False
    return bool(_COMPETENCE.match(words) or _POSITION.match(words))


def _with_neighbours(line: Line, lines: Sequence[Line]) -> Rect:
    # Competence and position take two or three lines set closely above each other.
    block = line.box
    for other in lines:
        gap = block.y1 - other.box.y2
        if other is not line and _shares_column(block, other.box) and -line.size < gap < line.size * 0.8:
            block = _join(block, other.box)
    return block


def _between(block: Rect, lines: Sequence[Line], page: Rect) -> Rect:
    below = [line for line in lines if line.box.y2 < block.y1 and _shares_column(block, line.box)]
    name = max(below, key=lambda line: line.box.y2, default=None)
    room = block.y1 - name.box.y2 if name is not None else 0
    if name is None or room > _NAME_WITHIN:
        room = min(PERSON_HEIGHT + 2 * MM, block.y1 - page.y1)
    room = max(room, _ROOM_LEAST)
    height = min(PERSON_HEIGHT, room - 1 * MM)
    return person_rect_at(block.centre[0], block.y1 - room / 2, height=height).fit_into(page)


def _upper(lines: Iterable[Line], page: Rect) -> list[Line]:
    return [line for line in lines if line.baseline > page.y1 + page.height / 2]


def _beside(
    line: Line, end: float, right: float, lines: Sequence[Line], *, least: float, width: float
) -> Rect:
    size = _text_size(line)
    left = end + size / 4
    others = [letter.box.x1 for each in lines if _level(each, line) for letter in each.letters]
    limit = min([right, *(x for x in others if x >= end - 0.5)])
    if limit - left < least:
        return _under(line, left, width)
    return text_rect(left, line.baseline, limit - left, size)


def _under(line: Line, left: float, width: float) -> Rect:
    size = _text_size(line)
    return text_rect(left, line.baseline - size * 1.15, width, size)


def _text_size(line: Line) -> float:
    return min(max(round(line.size * 2) / 2, TEXT_SIZE), TEXT_SIZE + 1)


def _level(one: Line, other: Line) -> bool:
    return abs(one.baseline - other.baseline) < other.size


def _shares_column(one: Rect, other: Rect) -> bool:
    return one.x1 < other.x2 and other.x1 < one.x2


def _join(one: Rect, other: Rect) -> Rect:
    return Rect(min(one.x1, other.x1), min(one.y1, other.y1), max(one.x2, other.x2), max(one.y2, other.y2))


def _simplify(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).casefold().split())
