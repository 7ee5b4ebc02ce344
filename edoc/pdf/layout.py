"""Where things stand on a page by Decree 30/2020/NĐ-CP, Annex I, and the geometry to say it.

Pure: numbers in, numbers out. All lengths are PDF points (1/72 inch). A `Rect` is measured from the lower
left corner of the page *as it is displayed*, whatever its rotation and crop box; a `Frame` turns it into
the coordinates that the file uses.
"""

from dataclasses import dataclass
from typing import Final

MM: Final = 72 / 25.4
"""Points in a millimetre."""
SEAL_DIAMETER: Final = 36 * MM
"""An agency's seal in actual size, as Annex I asks (102 points)."""
PERSON_WIDTH: Final = 50 * MM
PERSON_HEIGHT: Final = 25 * MM
"""Room for a handwritten signature between position and name."""
CORNER_SIDE: Final = 15 * MM
CORNER_TOP: Final = 5 * MM
"""Of what stands in the top right corner: three lines end above the text, whose margins are 20 and 15 mm."""
TEXT_SIZE: Final = 13.0
"""Number and date are set in 13 to 14 points (Annex I, box 3 and 4)."""
ASCENT: Final = 0.891
DESCENT: Final = 0.216
"""Of Times New Roman and Liberation Serif, per point of size."""
LINE: Final = ASCENT + DESCENT
"""Height of a line per point of size."""
PADDING: Final = 2.0
"""Between a text field's edge and its text, as viewers have it."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle by its lower left and upper right corner."""

    x1: float
    y1: float
    x2: float
    y2: float

    @classmethod
    def span(cls, one: tuple[float, float], other: tuple[float, float]) -> "Rect":
        """Give the rectangle between two corners, whichever they are."""
        (x1, x2), (y1, y2) = sorted((one[0], other[0])), sorted((one[1], other[1]))
        return cls(x1, y1, x2, y2)

    @property
    def width(self) -> float:
        """From left to right."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.y2 - self.y1

    @property
    def centre(self) -> tuple[float, float]:
        """The point in the middle."""
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def move(self, dx: float, dy: float) -> "Rect":
        """Give the same rectangle elsewhere."""
        return Rect(self.x1 + dx, self.y1 + dy, self.x2 + dx, self.y2 + dy)

    def lies_in(self, other: "Rect") -> bool:
        """Tell whether `other` holds this one entirely; a hundredth of a point is forgiven."""
        slack = 0.01
        return (
            other.x1 - slack <= self.x1 < self.x2 <= other.x2 + slack
            and other.y1 - slack <= self.y1 < self.y2 <= other.y2 + slack
        )

    def fit_into(self, other: "Rect") -> "Rect":
        """Move, and shrink only if need be, until `other` holds it."""
        width, height = min(self.width, other.width), min(self.height, other.height)
        x1 = min(max(self.x1, other.x1), other.x2 - width)
        y1 = min(max(self.y1, other.y1), other.y2 - height)
        return Rect(x1, y1, x1 + width, y1 + height)

    def round(self) -> "Rect":
        """To a hundredth of a point."""
        return Rect(*(round(value, 2) for value in (self.x1, self.y1, self.x2, self.y2)))


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle on a page; the first page is 1."""

    page: int
    rect: Rect


@dataclass(frozen=True, slots=True)
class Frame:
    """A page's visible box in the file's coordinates, and its rotation (0, 90, 180 or 270, clockwise)."""

    box: Rect
    rotation: int

    @property
    def page(self) -> Rect:
        """The page as displayed, its lower left corner at the origin."""
        sizes = (self.box.width, self.box.height)
        return Rect(0, 0, *(reversed(sizes) if self.rotation % 180 else sizes))

    def to_file(self, rect: Rect) -> Rect:
        """From the displayed page to the file's coordinates."""
        return Rect.span(self._point_to_file(rect.x1, rect.y1), self._point_to_file(rect.x2, rect.y2))

    def to_display(self, rect: Rect) -> Rect:
        """From the file's coordinates to the displayed page."""
        return Rect.span(self._point_to_display(rect.x1, rect.y1), self._point_to_display(rect.x2, rect.y2))

    @property
    def upright(self) -> tuple[int, int, int, int]:
        """The matrix that makes an appearance stand upright on the displayed page (ISO 32000-2, 12.5.5)."""
        return {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[self.rotation]

    def _point_to_file(self, x: float, y: float) -> tuple[float, float]:
        box = self.box
        return {
            0: (box.x1 + x, box.y1 + y),
            90: (box.x2 - y, box.y1 + x),
            180: (box.x2 - x, box.y2 - y),
            270: (box.x1 + y, box.y2 - x),
        }[self.rotation]

    def _point_to_display(self, x: float, y: float) -> tuple[float, float]:
        box = self.box
        return {
            0: (x - box.x1, y - box.y1),
            90: (y - box.y1, box.x2 - x),
            180: (box.x2 - x, box.y2 - y),
            270: (box.y2 - y, x - box.x1),
        }[self.rotation]


def text_rect(left: float, baseline: float, width: float, size: float) -> Rect:
    """Frame a text field whose one line of `size` stands on `baseline`, its first letter at `left`."""
    return Rect(
        left - PADDING,
        baseline - DESCENT * size - PADDING / 2,
        left + width + PADDING,
        baseline + ASCENT * size + PADDING / 2,
    )


def number_rect(page: Rect) -> Rect:
    """Box 3 of Annex I on a page that does not say where: under the agency's name, left of the middle."""
    return text_rect(48 * MM, page.y2 - 39 * MM, 40 * MM, TEXT_SIZE).fit_into(page)


def date_rect(page: Rect) -> Rect:
    """Box 4 of Annex I: under the national name and motto, right."""
    return text_rect(page.x2 - 76 * MM, page.y2 - 39 * MM, 56 * MM, TEXT_SIZE).fit_into(page)


def person_rect(page: Rect) -> Rect:
    """Box 7c of Annex I: lower right of the last page."""
    return person_rect_at(page.x2 * 150 / 210, page.y1 + 60 * MM).fit_into(page)


def person_rect_at(x: float, y: float, *, width: float = PERSON_WIDTH, height: float = PERSON_HEIGHT) -> Rect:
    """Room for a person's signature centred on a point."""
    return Rect(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def seal_rect(person: Rect, width: float = SEAL_DIAMETER, height: float = SEAL_DIAMETER) -> Rect:
    """Box 8 of Annex I: over about a third of the person's signature, at its left, in actual size."""
    right = person.x1 + person.width / 3
    middle = person.centre[1]
    return Rect(right - width, middle - height / 2, right, middle + height / 2)


def corner_rect(page: Rect, width: float, height: float) -> Rect:
    """The top right corner (Annex I, box 14, and annexes): within the side margin, above the text."""
    right, top = page.x2 - CORNER_SIDE, page.y2 - CORNER_TOP
    return Rect(right - width, top - height, right, top)
