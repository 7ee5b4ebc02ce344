"""Compare objects as they are spelt, references not followed, and know who refers to whom."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.pdf.ordinary import OrdinaryReader, Unordinary, Update

ABSENT: Final = object()
"""What stands under a key that is not there."""
TRAILER: Final = frozenset({"/Size", "/Prev", "/ID", "/Info", "/Root", "/XRefStm"})
_make: Final[Any] = generic.DictionaryObject

Reference = tuple[int, int]
"""Number and generation."""


class Mentions:
    """Which objects of a revision refer to which numbers."""

    def __init__(self, view: OrdinaryReader) -> None:
        self._by: dict[int, set[int]] = {}
        for number in {number for update in view.updates for number in update.list_all()}:
            self._add(number, view)
        for update in view.updates:
            self._note_trailer(update)

    def add(self, view: OrdinaryReader, numbers: Iterable[int]) -> None:
        """Add what the objects of a later revision say."""
        for number in numbers:
            self._add(number, view)
        self._note_trailer(view.updates[-1])

    def _note_trailer(self, update: Update) -> None:
        for key in set(update.trailer) - TRAILER:
            for found, _ in find_references(get_raw(update.trailer, key)):
                self._by.setdefault(found, set()).add(0)

    def of(self, number: int) -> set[int]:
        """Numbers of all objects that refer to this one, or once did; 0 is the trailer."""
        return self._by.get(number, set())

    def _add(self, number: int, view: OrdinaryReader) -> None:
        value, is_stream = view.peek(number)
        if is_stream and get_raw(value, "/Type") == "/XRef":
            value = _without_trailer(value)
        for found, _ in find_references(value):
            self._by.setdefault(found, set()).add(number)


def _without_trailer(value: Any) -> Any:
    """What else a cross-reference stream holds, which refers to catalog and information as trailers do."""
    made = _make()
    dict.update(made, {key: item for key, item in dict.items(value) if key not in TRAILER})
    return made


def find_references(value: Any) -> Iterator[Reference]:
    """Give every reference that stands in an object itself."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, generic.IndirectObject):
            yield found.idnum, found.generation
        elif isinstance(found, generic.DictionaryObject):
            waiting += dict.values(found)
        elif isinstance(found, generic.ArrayObject):
            waiting += list.__iter__(found)


def is_same(one: Any, two: Any) -> bool:
    """Tell whether two objects are spelt the same, references not followed."""
    waiting = [(one, two)]
    while waiting:
        left, right = waiting.pop()
        if left is right:
            continue
        if type(left) is not type(right):
            return False
        if isinstance(left, generic.DictionaryObject):
            if left.keys() != right.keys():
                return False
            waiting += [(get_raw(left, key), get_raw(right, key)) for key in left]
        elif isinstance(left, generic.ArrayObject):
            if len(left) != len(right):
                return False
            waiting += zip(list.__iter__(left), list.__iter__(right), strict=True)
        elif isinstance(left, generic.NullObject):
            continue
        elif left != right:
            return False
    return True


def list_changes(before: Any, after: Any) -> set[str]:
    """Keys under which two dictionaries differ."""
    return {key for key in {*before, *after} if not is_same(get_raw(before, key), get_raw(after, key))}


def list_additions(before: Any, after: Any) -> list[Any]:
    """What one array has after all that another one has; all of it must be references."""
    if not isinstance(after, generic.ArrayObject) or not isinstance(before, list):
        raise Unordinary("a list is no array")
    old, new = list(list.__iter__(before)), list(list.__iter__(after))
    if not all(is_same(one, two) for one, two in zip(old, new, strict=False)) or len(new) < len(old):
        raise Unordinary("a list changed in its middle")
    added = new[len(old) :]
    if not all(isinstance(item, generic.IndirectObject) for item in added):
        raise Unordinary("a list was continued with direct objects")
    return added


def get_raw(holder: Any, key: str) -> Any:
    """Give what stands under a key, a reference as such; `ABSENT` if nothing does."""
    if not isinstance(holder, generic.DictionaryObject):
        return ABSENT
    return dict.get(holder, key, ABSENT)
