"""Find the pages that objects can have something to do with.

Drawing takes time, so that of a long document only those pages are compared that an update can have reached.
"""

from collections.abc import Set as AbstractSet
from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.pdf.fieldlist import ODD
from edoc.pdf.objects import look

_UPWARDS: Final = frozenset({"/Parent", "/P", "/Pg", "/StructParents", "/StructParent", "/Dest", "/D", "/B"})
"""These lead from a page or an annotation to other pages and draw nothing."""
_MAX_PAGES: Final = 20_000


def find_reached(view: Any, written: AbstractSet[int]) -> set[int] | None:
    """Give the pages, from 0, whose content leads to an object that was written; None if all may.

    The page tree's inner nodes and the form hold what all pages share.
    """
    reached: set[int] = set()
    clean: set[int] = set()
    try:
        if written & set(_list_shared(view)):
            return None
        for index, page in enumerate(_walk(view, written)):
            if _leads(page, written, clean):
                reached.add(index)
    except (*ODD, _Shared):
        return None
    return reached


class _Shared(Exception):  # noqa: N818 - it only ends a search
    """All pages share what was written."""


def _list_shared(view: Any) -> list[int]:
    root = view.root
    named = [dict.get(root, key) for key in ("/Pages", "/OCProperties")]
    numbers = [item.idnum for item in named if isinstance(item, generic.IndirectObject)]
    form = look(root, "/AcroForm", {})
    resources = dict.get(form, "/DR")
    return [*numbers, resources.idnum] if isinstance(resources, generic.IndirectObject) else numbers


def _walk(view: Any, written: AbstractSet[int]) -> list[Any]:
    """References to all pages, in their order; raises `_Shared` if a node above them was written."""
    pages: list[Any] = []
    waiting = [view.root.raw_get("/Pages")]
    seen: set[int] = set()
    while waiting and len(pages) <= _MAX_PAGES:
        item = waiting.pop()
        node = item.get_object()
        if "/Kids" not in node:
            pages.append(item)
            continue
        number = getattr(item, "idnum", 0)
        if number in seen or number in written:
            raise _Shared
        seen.add(number)
        shared = dict.get(node, "/Resources")
        if shared is not None and _leads(shared, written, set()):
            raise _Shared
        kids = node["/Kids"]
        waiting += [kids.raw_get(index) for index in reversed(range(len(kids)))]
    return pages


def _leads(item: Any, written: AbstractSet[int], clean: set[int]) -> bool:
    """Whether an object, or what it refers to, was written; `clean` are those that are known not to."""
    waiting: list[Any] = [item]
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if isinstance(value, generic.IndirectObject):
            number = value.idnum
            if number in written:
                return True
            if number in seen or number in clean:
                continue
            seen.add(number)
            value = value.reference.get_object()
        if isinstance(value, generic.DictionaryObject):
            waiting += [inner for key, inner in dict.items(value) if key not in _UPWARDS]
        elif isinstance(value, generic.ArrayObject):
            waiting += list.__iter__(value)
    clean |= seen
    return False
