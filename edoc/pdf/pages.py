"""The pages of a PDF: how many, and the visible box and rotation of each, inherited or its own."""

from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.errors import InputError
from edoc.pdf.layout import Frame, Rect
from edoc.pdf.objects import items, look
from edoc.pdf.ordinary import Unordinary

_MAX_DEPTH: Final = 64
_MAX_NODES: Final = 1000
_A4: Final = Rect(0, 0, 595.28, 841.89)
"""For a page that has no box at all."""


def count_pages(view: Any) -> int:
    """How many pages a reader or writer has, as its page tree says."""
    return int(look(view.root["/Pages"], "/Count", 0))


def require_page(view: Any, number: int) -> int:
    """Turn a page's number (the first is 1) into its index. Raises `InputError` if there is no such page."""
    count = count_pages(view)
    if not 1 <= number <= count:
        raise InputError(f"there is no page {number}.", advice=f"The pages are 1 to {count}.")
    return number - 1


def require_tree(view: Any) -> None:
    """Walk the page tree; raises `Unordinary` if it goes in circles or a branch of it is no page."""
    waiting: list[tuple[Any, Any]] = [(view.root.raw_get("/Pages"), None)]
    seen: set[tuple[int, int]] = set()
    while waiting:
        item, parent = waiting.pop()
        if not isinstance(item, generic.IndirectObject) or (item.idnum, item.generation) in seen:
            raise Unordinary("the page tree goes in circles")
        seen.add((item.idnum, item.generation))
        holder: Any = item
        node = holder.get_object()
        if not isinstance(node, generic.DictionaryObject) or len(seen) > _MAX_NODES:
            raise Unordinary("the page tree has a branch that is no page")
        if dict.get(node, "/Parent") != parent:
            raise Unordinary("the page tree has a branch that names another parent")
        kids = look(node, "/Kids")
        if isinstance(kids, generic.ArrayObject):
            waiting += [(kids.raw_get(index), item) for index in range(len(kids))]
        elif kids is not None or parent is None:
            raise Unordinary("the page tree has a node without branches")


def read_frame(view: Any, index: int) -> Frame:
    """Give the visible box and rotation of a page; the first is 0."""
    return frame_of(view.find_page_for_modification(index)[0].get_object())


def frame_of(page: Any) -> Frame:
    """Give the visible box and rotation of a page object."""
    media = _read_box(_inherit(page, "/MediaBox")) or _A4
    crop = _read_box(_inherit(page, "/CropBox"))
    rotation = _inherit(page, "/Rotate")
    turned = int(rotation) % 360 if isinstance(rotation, int | float) else 0
    return Frame(media if crop is None else _intersect(media, crop), turned if turned % 90 == 0 else 0)


def _inherit(page: Any, key: str) -> Any:
    node = page
    for _ in range(_MAX_DEPTH):
        if node is None:
            break
        if key in node:
            return look(node, key)
        node = look(node, "/Parent")
    return None


def _read_box(value: Any) -> Rect | None:
    corners = [float(number) for number in items(value)]
    if len(corners) != 4:  # noqa: PLR2004 - two corners
        return None
    box = Rect.span((corners[0], corners[1]), (corners[2], corners[3]))
    return box if box.width > 0 and box.height > 0 else None


def _intersect(one: Rect, other: Rect) -> Rect:
    both = Rect(max(one.x1, other.x1), max(one.y1, other.y1), min(one.x2, other.x2), min(one.y2, other.y2))
    return both if both.width > 0 and both.height > 0 else one
