"""Number and date on a page that waits for them: the words to draw, each in its place, and nothing twice.

What the page prints is compared with what it shall say. Letters must agree; what they lack goes into the gaps
between them, in which spaces, dots and lines only hold the place open:

    Số:        /UBND-VP                        →  05
    Số: ....../......                          →  05, UBND-VP
    An Bình, ngày … tháng … năm 202…           →  05, 02, 6

Pure: lines of text in, words out. Serves NĐ 30/2020/NĐ-CP, Annex I, boxes 3 and 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from edoc.errors import Refused
from edoc.pdf.anchors import (
    find_date_line,
    find_number_mark,
    is_blank,
    join_right,
    last_letter,
    on_level,
)
from edoc.pdf.appearance import LEAST_TEXT_SIZE, Words
from edoc.pdf.fonts import Face, measure
from edoc.pdf.layout import MM, Rect
from edoc.pdf.pdfium import Letter, Line, simplify

_DATE_WORD: Final = "ngày"
_RIGHT_COLUMN: Final = 1.12
"""Number and symbol may reach so far over the page's middle."""
_SIDE_MARGIN: Final = 10 * MM
_LIFT: Final = 0.1
"""Above printed dots, per point of size, so that both can be read."""
_LARGEST: Final = 16.0
_MAX_SIGNS: Final = 120


@dataclass(frozen=True, slots=True)
class _Gap:
    """Room between two printed letters, or before the first, or after the last."""

    left: float
    right: float
    dots: tuple[Letter, ...] = ()
    """Printed there to hold the place open."""
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    """What a page prints where something is to be said."""

    signs: str
    """Simplified."""
    gaps: tuple[_Gap, ...]
    """Before each sign, and after the last."""
    baseline: float
    size: float
    said: str
    """As it is printed."""


def write_number(lines: Sequence[Line], page: Rect, wanted: str) -> tuple[Words, ...]:
    """Write number and symbol (`05/UBND-VP`) after "Số:", or what the page does not print of them.

    Raises `Refused` if the page has no "Số:", prints another number or symbol, or has no room.
    """
    found = find_number_mark(lines, page)
    if found is None:
        raise Refused(
            "page 1 has no “Số:” where its number could stand.",
            advice="Give the page and rectangle where number and date are to stand.",
        )
    line, mark = found
    date = find_date_line(lines, page)
    limit = page.centre[0] * _RIGHT_COLUMN
    if date is not None and on_level(date, line):
        limit = date.box.x1 - mark.size / 4
    following = [
        letter for letter in join_right(line, lines).letters if mark.box.x2 - 1 <= letter.box.x1 < limit
    ]
    return _fill(_read_row(mark, following, limit), wanted, Face.UPRIGHT)


def write_date(lines: Sequence[Line], page: Rect, wanted: str) -> tuple[Words, ...]:
    """Write the date (`ngày 05 tháng 02 năm 2026`) after the issuing place, or what the page lacks of it.

    Raises `Refused` if the page has no place for it, prints another date, or has no room.
    """
    line = find_date_line(lines, page)
    if line is None:
        raise Refused(
            "page 1 has no place and comma after which its date could stand.",
            advice="Give the page and rectangle where number and date are to stand.",
        )
    limit = page.x2 - _SIDE_MARGIN
    start = _find_word(line.letters, _DATE_WORD)
    if start is None:
        comma = last_letter(line)
        following = [
            letter for letter in join_right(line, lines).letters if letter.box.x1 >= comma.box.x2 - 1
        ]
        return _fill(_read_row(comma, following, limit), wanted, Face.ITALIC)
    letters = line.letters[start:]
    row = _read_row(letters[0], letters, limit, begins_at=letters[0].box.x1)
    return _fill(row, wanted, Face.ITALIC)


def _find_word(letters: Sequence[Letter], word: str) -> int | None:
    for index in range(len(letters)):
        said = "".join(simplify(letter.text) for letter in letters[index : index + 2 * len(word)])
        if said.startswith(word) and simplify(letters[index].text):
            return index
    return None


def _read_row(
    mark: Letter, letters: Sequence[Letter], limit: float, *, begins_at: float | None = None
) -> _Row:
    signs: list[str] = []
    gaps: list[_Gap] = []
    left = mark.box.x2 if begins_at is None else begins_at
    dots: list[Letter] = []
    ellipses = _find_leaders(letters)
    for index, letter in enumerate(letters):
        if letter.text.isspace() or index in ellipses:
            dots += [] if letter.text.isspace() else [letter]
            continue
        for number, sign in enumerate(simplify(letter.text)):
            here = letter.box.x2 if number else left
            gaps.append(_Gap(here, max(here, letter.box.x1), tuple(dots)))
            signs.append(sign)
            dots = []
        left = letter.box.x2
    gaps.append(_Gap(left, max(left, limit), tuple(dots), is_last=True))
    said = " ".join("".join(letter.text for letter in letters).split())
    return _Row("".join(signs), tuple(gaps), mark.baseline, mark.size, said)


def _find_leaders(letters: Sequence[Letter]) -> set[int]:
    # One full stop may belong to a symbol; two are a blank.
    leaders = set()
    marks = [index for index, letter in enumerate(letters) if is_blank(letter) and not letter.text.isspace()]
    for index in marks:
        near = [other for other in marks if other != index and abs(other - index) <= 2]  # noqa: PLR2004
        if letters[index].text != "." or near:
            leaders.add(index)
    return leaders


def _fill(row: _Row, wanted: str, face: Face) -> tuple[Words, ...]:
    """Set what the row lacks of the wanted words into its gaps."""
    signs: list[tuple[str, int]] = [
        (sign, index) for index, letter in enumerate(wanted) for sign in simplify(letter)
    ]
    squeezed = "".join(sign for sign, _ in signs)
    lengths = _share_out(row.signs, squeezed)
    if lengths is None:
        raise Refused(
            f"page 1 already prints {row.said!r}, which {wanted!r} does not fit.",
            advice="Give the number and date that are printed, or sign a document that leaves them open.",
        )
    words: list[Words] = []
    position = 0
    for index, (gap, length) in enumerate(zip(row.gaps, lengths, strict=True)):
        if length:
            first, last = signs[position][1], signs[position + length - 1][1]
            words.append(_set(row, gap, wanted, first, last + 1, face))
            position += length
        position += index < len(row.signs)
    return tuple(words)


def _share_out(printed: str, wanted: str) -> tuple[int, ...] | None:
    """Say how many signs of the wanted text go into each gap around the printed signs; None if they disagree.

    Gaps that come earlier take as little as they can.
    """
    if len(printed) > _MAX_SIGNS or len(wanted) > _MAX_SIGNS:
        return None

    @cache
    def share(index: int, position: int) -> tuple[int, ...] | None:
        if index == len(printed):
            return (len(wanted) - position,)
        for taken in range(len(wanted) - position):
            if wanted[position + taken] != printed[index]:
                continue
            rest = share(index + 1, position + taken + 1)
            if rest is not None:
                return (taken, *rest)
        return None

    return share(0, 0)


def _set(row: _Row, gap: _Gap, wanted: str, first: int, end: int, face: Face) -> Words:
    """Set a part of the wanted words into a gap, as near to its neighbours as they are in the whole."""
    text = wanted[first:end]
    begins, ends = first == 0, end == len(wanted)
    glued_left = not begins and not wanted[first - 1].isspace()
    glued_right = not ends and not wanted[end].isspace()
    if gap.is_last and not _may_follow(row, gap, glued=glued_left):
        raise _no_room(wanted, text)
    left = gap.left + (row.size / 4 if gap.is_last and not glued_left else 0)
    size = _fit(face, text, row.size, gap.right - left)
    if size is None:
        raise _no_room(wanted, text)
    width = measure(face, text, size)
    lift = size * _LIFT if any(set(dot.text) - {"_"} for dot in gap.dots) else 0.0
    if gap.dots and begins and ends:
        x = gap.dots[0].box.x1 + size / 4
    elif gap.dots:
        x = (gap.dots[0].box.x1 + gap.dots[-1].box.x2 - width) / 2
    elif gap.is_last or glued_left:
        x = left
    elif glued_right:
        x = gap.right - width
    else:
        x = (gap.left + gap.right - width) / 2
    return Words(text, min(max(x, gap.left), gap.right - width), row.baseline + lift, size, face)


def _may_follow(row: _Row, gap: _Gap, *, glued: bool) -> bool:
    # A printed symbol is not made longer, but a blank, a stroke and a half-printed year are filled.
    if not row.signs or gap.dots or row.signs.endswith(("/", "-", "năm")):
        return True
    return glued and row.signs[-1].isdigit()


def _fit(face: Face, text: str, size: float, room: float) -> float | None:
    size = round(min(max(size, LEAST_TEXT_SIZE), _LARGEST) * 2) / 2
    while size >= LEAST_TEXT_SIZE:
        if measure(face, text, size) <= room:
            return size
        size -= 0.5
    return None


def _no_room(wanted: str, text: str) -> Refused:
    return Refused(
        f"page 1 leaves no room for {text!r} of {wanted!r}.",
        advice="Give the page and rectangle where number and date are to stand.",
    )
