"""Find the places that a page's own words point to: after "Số:", after the place's comma, above the name.

Pure: lines of text in, rectangles out, or None where the page does not say. It does not matter how a page
spells its letters (NFC, NFD, ligatures), spaces them ("S ố :") or marks its blanks (spaces, dots, lines).
Serves Decree 30/2020/NĐ-CP, Annex I, boxes 3, 4 and 7c.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from edoc.pdf.layout import MM, PERSON_HEIGHT, PERSON_WIDTH, TEXT_SIZE, Rect, person_rect_at, text_rect
from edoc.pdf.pdfium import Letter, Line, simplify

_NUMBER: Final = re.compile(r"^số[:;]")
_PLACE: Final = re.compile(r"^\D{2,60},$")
_DATED: Final = re.compile(r"ngày.{0,30}tháng.{0,30}năm")
_COMPETENCE: Final = re.compile(r"^(TM|KT|TL|TUQ|Q)\s*\.")
_POSITION: Final = re.compile(
    r"^(PHÓ |QUYỀN |TỔNG )*"
    r"(CHỦ TỊCH|CHỦ NHIỆM|GIÁM ĐỐC|BÍ THƯ|THỦ TƯỚNG|THƯ KÝ|CHÁNH \w+|TRƯỞNG \w+|(\w+ ){1,2}TRƯỞNG)\b"
)
_SPACED_POSITION: Final = re.compile(
    r"^(PHÓ|QUYỀN|TỔNG)*(CHỦTỊCH|CHỦNHIỆM|GIÁMĐỐC|BÍTHƯ|THỦTƯỚNG|THƯKÝ|CHÁNH\w{2}|TRƯỞNG\w{2}|\w{2,12}TRƯỞNG)"
)
_BLANK: Final = frozenset(".…_·‥")

_NUMBER_WIDTH: Final = 40 * MM
_NUMBER_LEAST: Final = 25 * MM
_DATE_WIDTH: Final = 56 * MM
_DATE_LEAST: Final = 48 * MM
_SIDE_MARGIN: Final = 10 * MM
_NAME_WITHIN: Final = 70 * MM
_ROOM_LEAST: Final = 10 * MM
_NEXT_LINE: Final = 2.2
"""How far the next line of one text may stand below, per point of size."""


class Match(Enum):
    """How well words on a page are the ones that are looked for, the best first."""

    SAME = "a line begins with them"
    ALIKE = "a line begins with them in other capitals"
    INSIDE = "they stand inside a line"


@dataclass(frozen=True, slots=True)
class Squeezed:
    """A row of letters without spaces, simplified, and the letter that each sign comes from."""

    text: str
    letters: tuple[Letter, ...]

    @classmethod
    def of(cls, letters: Iterable[Letter]) -> "Squeezed":
        """Squeeze letters."""
        pairs = [(sign, letter) for letter in letters for sign in simplify(letter.text)]
        return cls("".join(sign for sign, _ in pairs), tuple(letter for _, letter in pairs))


def is_blank(letter: Letter) -> bool:
    """Tell whether a letter only holds a place open: a space, a dot, a low line."""
    return letter.text.isspace() or set(letter.text) <= _BLANK


def find_number(lines: Sequence[Line], page: Rect) -> Rect | None:
    """Give the place after "Số:" in the upper left of the first page, or right under it if that is taken."""
    found = find_number_mark(lines, page)
    if found is None:
        return None
    line, mark = found
    end = mark.box.x2
    right = min(page.centre[0], end + _NUMBER_WIDTH)
    return _beside(line, end, right, lines, least=_NUMBER_LEAST, width=_NUMBER_WIDTH)


def find_number_mark(lines: Sequence[Line], page: Rect) -> tuple[Line, Letter] | None:
    """Give the line that begins with "Số:" in the upper left, and its colon."""
    for line in _upper(lines, page):
        squeezed = Squeezed.of(line.letters)
        found = _NUMBER.match(squeezed.text)
        if found is not None and line.box.x1 < page.centre[0]:
            return line, squeezed.letters[found.end() - 1]
    return None


def find_date(lines: Sequence[Line], page: Rect) -> Rect | None:
    """Give the place after the issuing place and its comma, or right under a date that the page prints."""
    line = find_date_line(lines, page)
    if line is None:
        return None
    if not _ends_with_place(line):
        return _under(line, line.box.x1, _DATE_WIDTH)
    end = last_letter(line).box.x2
    right = min(page.x2 - _SIDE_MARGIN, end + _DATE_WIDTH)
    return _beside(line, end, right, lines, least=_DATE_LEAST, width=_DATE_WIDTH)


def find_date_line(lines: Sequence[Line], page: Rect) -> Line | None:
    """Give the line of place and date in the upper right, whatever the gaps in it.

    It has "ngày", "tháng" and "năm", or it is the issuing place with its comma and perhaps a blank. Where it
    is one line with the number, only the part from "ngày" on is given.
    """
    for line in _upper(lines, page):
        if line.box.x2 < page.centre[0] * 0.9:
            continue
        whole = join_right(line, lines)
        squeezed = Squeezed.of(whole.letters)
        dated = _DATED.search(squeezed.text)
        is_right = line.box.x1 > page.centre[0] * 0.6
        if is_right and (dated is not None or _ends_with_place(line)):
            return whole if dated is not None else line
        if dated is not None and _NUMBER.match(squeezed.text):
            return Line(squeezed.letters[dated.start() :])
    return None


def _ends_with_place(line: Line) -> bool:
    kept = [letter for letter in line.letters if not is_blank(letter)]
    return _PLACE.match(Squeezed.of(kept).text) is not None


def last_letter(line: Line) -> Letter:
    """Give the last letter that is no blank."""
    return [letter for letter in line.letters if not is_blank(letter)][-1]


def join_right(line: Line, lines: Sequence[Line]) -> Line:
    """Give a line with all that follows on its level, whatever the gaps."""
    others = [each for each in lines if each.box.x1 >= line.box.x1 and on_level(each, line)]
    letters = (letter for each in others for letter in each.letters)
    return Line(tuple(sorted(letters, key=lambda letter: letter.box.x1)))


def find_person(
    lines: Sequence[Line],
    page: Rect,
    *,
    anchor: str | None = None,
    match: Match | None = None,
    width: float = PERSON_WIDTH,
    height: float = PERSON_HEIGHT,
    taken: Sequence[Rect] = (),
) -> Rect | None:
    """Give the place between the signer's position and name, of at most this size, that is not taken.

    `anchor` names the position's line instead; of several the lowest counts. `match` says how well it must
    match (default: the best way in which the page has it).
    """
    for block in _find_blocks(lines, page, anchor, match):
        place = _between(block, lines, page, width, height)
        if not any(_covers(other, place) for other in taken):
            return place
    return None


def _find_blocks(
    lines: Sequence[Line], page: Rect, anchor: str | None, match: Match | None
) -> Iterator[Rect]:
    if anchor is not None:
        for found in find_words(lines, anchor, match):
            yield _with_neighbours(found, lines)
        return
    for line in reversed(lines):
        if _is_position(line, page):
            yield _with_neighbours(line, lines)


def find_words(lines: Sequence[Line], words: str, match: Match | None = None) -> Iterator[Line]:
    """Give the lines that begin with words, or go on with them in the next line; the lowest first.

    If no line begins so, give the parts of lines that say them.
    """
    for way in Match if match is None else (match,):
        found = [each for line in reversed(lines) if (each := _match(line, words, lines, way)) is not None]
        if found:
            yield from found
            return


def _match(line: Line, words: str, lines: Sequence[Line], way: Match) -> Line | None:
    squeezed = Squeezed.of(line.letters)
    wanted = simplify(words)
    if way is Match.INSIDE:
        start = squeezed.text.find(wanted)
        return None if start < 0 else Line(squeezed.letters[start : start + len(wanted)])
    if squeezed.text.startswith(wanted):
        return line if way is Match.ALIKE or _has_capitals(line, words) else None
    if squeezed.text and wanted.startswith(squeezed.text):
        # The words go on in the line below.
        rest = _cut_off(words, len(squeezed.text))
        for other in lines:
            near = 0 < line.baseline - other.baseline < _NEXT_LINE * line.size
            if near and shares_column(line.box, other.box) and _match(other, rest, lines, way) is not None:
                return line if way is Match.ALIKE or _has_capitals(line, words) else None
    return None


def _has_capitals(line: Line, words: str) -> bool:
    ours, theirs = ([sign.isupper() for sign in text if sign.isalpha()] for text in (words, line.text))
    return ours[: len(theirs)] == theirs[: len(ours)]


def _cut_off(words: str, count: int) -> str:
    for end in range(len(words) + 1):
        if len(simplify(words[:end])) >= count:
            return words[end:]
    return ""


def _is_position(line: Line, page: Rect) -> bool:
    words = line.text.strip()
    if line.box.centre[0] < page.centre[0] * 1.05 or words != words.upper():
        return False
    parts = words.split()
    if len(parts) > 2 and all(len(part) <= 2 for part in parts):  # noqa: PLR2004 - "C H Ủ  T Ị C H"
        words = "".join(parts)
        return bool(_COMPETENCE.match(words) or _SPACED_POSITION.match(words))
    return bool(_COMPETENCE.match(words) or _POSITION.match(words))


def _with_neighbours(line: Line, lines: Sequence[Line]) -> Rect:
    # Competence and position take two or three lines set closely above each other.
    block = line.box
    for other in lines:
        gap = block.y1 - other.box.y2
        if other is not line and shares_column(block, other.box) and -line.size < gap < line.size * 0.8:
            block = join(block, other.box)
    return block


def _between(block: Rect, lines: Sequence[Line], page: Rect, width: float, height: float) -> Rect:
    below = [line for line in lines if line.box.y2 < block.y1 and shares_column(block, line.box)]
    name = max(below, key=lambda line: line.box.y2, default=None)
    room = block.y1 - name.box.y2 if name is not None else 0
    if name is None or room > _NAME_WITHIN:
        room = min(height + 2 * MM, block.y1 - page.y1)
    room = max(room, _ROOM_LEAST)
    centre = block.y1 - room / 2
    return person_rect_at(block.centre[0], centre, width=width, height=min(height, room - 1 * MM)).fit_into(
        page
    )


def _upper(lines: Iterable[Line], page: Rect) -> list[Line]:
    return [line for line in lines if line.baseline > page.y1 + page.height / 2]


def _right(lines: Iterable[Line], page: Rect) -> list[Line]:
    return [
        line
        for line in _upper(lines, page)
        if line.box.x2 > page.centre[0] * 0.9 and line.box.x1 > page.centre[0] * 0.6
    ]


def _beside(
    line: Line, end: float, right: float, lines: Sequence[Line], *, least: float, width: float
) -> Rect:
    size = _text_size(line)
    left = end + size / 4
    others = [
        letter.box.x1
        for each in lines
        if on_level(each, line)
        for letter in each.letters
        if not is_blank(letter)
    ]
    limit = min([right, *(x for x in others if x >= end - 0.5)])
    if limit - left < least:
        return _under(line, left, width)
    return text_rect(left, line.baseline, limit - left, size)


def _under(line: Line, left: float, width: float) -> Rect:
    size = _text_size(line)
    return text_rect(left, line.baseline - size * 1.15, width, size)


def _text_size(line: Line) -> float:
    return min(max(round(line.size * 2) / 2, TEXT_SIZE), TEXT_SIZE + 1)


def on_level(one: Line, other: Line) -> bool:
    """Tell whether two lines stand on about the same baseline."""
    return abs(one.baseline - other.baseline) < other.size / 2


def shares_column(one: Rect, other: Rect) -> bool:
    """Tell whether two boxes stand above each other."""
    return one.x1 < other.x2 and other.x1 < one.x2


def join(one: Rect, other: Rect) -> Rect:
    """Give the smallest box that holds two."""
    return Rect(min(one.x1, other.x1), min(one.y1, other.y1), max(one.x2, other.x2), max(one.y2, other.y2))


def _covers(other: Rect, place: Rect) -> bool:
    # More than a third of the place: a seal beside a signature covers only a third of that.
    across = min(other.x2, place.x2) - max(other.x1, place.x1)
    along = min(other.y2, place.y2) - max(other.y1, place.y1)
    return across > 0 and along > 0 and across * along > place.width * place.height / 3
