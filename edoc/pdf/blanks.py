"""Number and date on a page that waits for them: the words to draw, each in its place, and nothing twice.

Handles "Số:" with nothing after it, a printed symbol ("Số:      /UBND-VP"), dotted blanks, and "ngày … tháng
… năm …" with any part printed already. Pure: lines of text in, words out. Serves NĐ 30/2020/NĐ-CP, Annex I,
boxes 3 and 4.
"""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Final

from edoc.core.ids import display_date_vi
from edoc.errors import Refused
from edoc.pdf.appearance import Words
from edoc.pdf.fonts import Face, cut_subset, normalize
from edoc.pdf.layout import MM, PADDING, TEXT_SIZE, Rect, date_rect, number_rect
from edoc.pdf.pdfium import Letter, Line

_NUMBER: Final = re.compile(r"S\s*ố\s*:", re.IGNORECASE)
_DATE: Final = re.compile(
    r"n\s*g\s*à\s*y(?P<day>[^a-zà-ỹ]*)t\s*h\s*á\s*n\s*g(?P<month>[^a-zà-ỹ]*)n\s*ă\s*m(?P<year>[^a-zà-ỹ]*)",
    re.IGNORECASE,
)
_PLACE: Final = re.compile(r"^\D{2,60},$")
_BLANK: Final = frozenset(" .…_\u00a0\u2026·-")
_YEAR_DIGITS: Final = 4


def write_number(lines: Sequence[Line], page: Rect, number: str, notation: str) -> tuple[Words, ...]:
    """Write number (`05`) and symbol after "Số:"; only the number where the symbol is printed.

    Raises `Refused` if the page prints another number or symbol.
    """
    for letters in _upper_rows(lines, page):
        text = _say(letters)
        found = _NUMBER.search(text)
        if found is None or letters[found.start()].box.x1 > page.centre[0]:
            continue
        rest = [letter for letter in letters[found.end() :] if letter.box.x1 < page.centre[0] + 20 * MM]
        return _fill_number(letters[found.end() - 1], rest, number, notation)
    rect = number_rect(page)
    return (Words(f"Số: {number}/{notation}", rect.x1 + PADDING, rect.y1 + rect.height / 3, TEXT_SIZE),)


def _fill_number(colon: Letter, rest: list[Letter], number: str, notation: str) -> tuple[Words, ...]:
    size = _size(colon)
    printed = [letter for letter in rest if letter.text not in _BLANK]
    start = colon.box.x2 + size / 4
    if not printed:
        return (Words(f"{number}/{notation}", start, colon.baseline, size),)
    slash = next((letter for letter in rest if letter.text == "/"), None)
    said = "".join(letter.text for letter in printed)
    if slash is None or not said.startswith("/"):
        _require_same(said, f"{number}/{notation}", "number")
        return ()
    words = [_centre(number, start, slash.box.x1, colon.baseline, size)]
    if said == "/":
        words.append(Words(notation, slash.box.x2 + size / 10, colon.baseline, size))
    else:
        _require_same(said[1:], notation, "symbol")
    return tuple(words)


def write_date(lines: Sequence[Line], page: Rect, date: dt.date) -> tuple[Words, ...]:
    """Write the date after the issuing place, or what is missing between "ngày", "tháng" and "năm".

    Raises `Refused` if the page prints another date.
    """
    for letters in _upper_rows(lines, page):
        text = _say(letters)
        found = _DATE.search(text)
        if found is not None and letters[found.start()].box.x1 > page.centre[0] * 0.7:
            return _fill_date(letters, found, date)
    for line in lines:
        if line.baseline > page.centre[1] and line.box.x2 > page.centre[0] and _PLACE.match(line.text):
            size = _size(line.letters[-1])
            return (Words(display_date_vi(date), line.box.x2 + size / 4, line.baseline, size, Face.ITALIC),)
    rect = date_rect(page)
    words = display_date_vi(date)
    return (Words(words, rect.x1 + PADDING, rect.y1 + rect.height / 3, TEXT_SIZE, Face.ITALIC),)


def _fill_date(letters: list[Letter], found: re.Match[str], date: dt.date) -> tuple[Words, ...]:
    wanted = {"day": f"{date.day:02}", "month": f"{date.month:02}", "year": str(date.year)}
    if date.month > 2:  # noqa: PLR2004 - a leading zero only for January and February (NĐ 30, Annex I)
        wanted["month"] = str(date.month)
    words: list[Words] = []
    for name, value in wanted.items():
        start, end = found.span(name)
        printed = "".join(letter.text for letter in letters[start:end] if letter.text not in _BLANK)
        before = letters[start - 1]
        size = _size(before)
        right = letters[end].box.x1 if end < len(letters) else before.box.x2 + 14 * MM
        if not printed:
            words.append(_centre(value, before.box.x2, right, before.baseline, size, Face.ITALIC))
        elif name == "year" and value.startswith(printed) and len(printed) < _YEAR_DIGITS:
            last = max(index for index in range(start, end) if letters[index].text not in _BLANK)
            place = letters[last].box.x2
            words.append(Words(value[len(printed) :], place, before.baseline, size, Face.ITALIC))
        elif printed.rstrip(",;").lstrip("0") != value.lstrip("0"):
            _require_same(printed, value, "date")
    return tuple(words)


def _upper_rows(lines: Sequence[Line], page: Rect) -> list[list[Letter]]:
    # All letters of a row, whatever the gaps between them: blanks are wide.
    rows: list[list[Letter]] = []
    for line in lines:
        if line.baseline <= page.centre[1]:
            continue
        row = next((row for row in rows if abs(row[0].baseline - line.baseline) < line.size / 4), None)
        if row is None:
            rows.append(list(line.letters))
        else:
            row.extend(line.letters)
    return [sorted(row, key=lambda letter: letter.box.x1) for row in rows]


def _say(letters: list[Letter]) -> str:
    # One sign a letter, so that places in the text are places in the row.
    return "".join(letter.text[:1] or " " for letter in letters)


def _size(letter: Letter) -> float:
    return min(max(round(letter.size * 2) / 2, TEXT_SIZE - 1), TEXT_SIZE + 1)


def _centre(
    text: str, left: float, right: float, baseline: float, size: float, face: Face = Face.UPRIGHT
) -> Words:
    letters = normalize(text)
    width = cut_subset(face, "".join(sorted(set(letters)))).measure(letters, size)
    return Words(text, max(left, (left + right - width) / 2), baseline, size, face)


def _require_same(printed: str, wanted: str, what: str) -> None:
    if printed.strip(",; ") != wanted:
        raise Refused(
            f"the page already prints the {what} {printed!r}, not {wanted!r}.",
            advice="Give what is printed, or sign a document that leaves it open.",
        )
