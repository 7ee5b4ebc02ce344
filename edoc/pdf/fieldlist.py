"""Walk a PDF's form, pages and validation store, one revision at a time, whatever shape they have.

Rules: a broken branch hides no other branch; circles and endless lists end; values of unknown origin are cut.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError as PyHankoError

_MAX_FIELDS: Final = 5000
_MAX_PAGES: Final = 20_000
_MAX_TEXT: Final = 2000
_MAX_STREAMS: Final = 1000
_MAX_STREAM: Final = 16 * 1024 * 1024
ODD: Final = (
    *(PyHankoError, KeyError, ValueError, TypeError, AttributeError, IndexError, RecursionError),
    *(NotImplementedError, AssertionError, zlib.error),  # pyHanko, of odd filters and odd references
)
"""What comes of walking an object of unknown shape."""

Box = tuple[float, float, float, float]
"""Left, bottom, right, top in PDF points of the page's own space."""
Key = tuple[int, int]
"""Number and generation of an object."""


@dataclass(frozen=True, slots=True)
class Field:
    """A terminal form field in one revision."""

    name: str
    type: str
    """`/Tx`, `/Sig`, `/Btn`, `/Ch`, or empty."""
    dictionary: Any
    key: Key | None
    text: str
    """The value of a text field; empty if it has none."""
    widgets: tuple[tuple[Key | None, Any], ...]
    """Its widgets, with their objects' keys."""


@dataclass(frozen=True, slots=True)
class Store:
    """What the document security store of one revision holds, DER."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    names: frozenset[str] = frozenset()
    """Keys of its VRI dictionary, without the slash."""

    @property
    def revocation(self) -> frozenset[bytes]:
        """All CRLs and OCSP responses."""
        return frozenset((*self.crls, *self.ocsps))


def key_of(item: Any) -> Key | None:
    """Number and generation of a reference; None for a direct object."""
    return (item.idnum, item.generation) if isinstance(item, generic.IndirectObject) else None


def entry(dictionary: Any, name: str, default: Any = None) -> Any:
    """The value of a key, whatever it refers to; pyHanko's own `get` does not follow references."""
    try:
        return dictionary[name]
    except KeyError:
        return default


def list_fields(view: Any) -> tuple[Field, ...]:
    """Terminal fields of the form of `view`, a reader or one of its revisions, in the form's order."""
    try:
        roots = list(_items(view.root["/AcroForm"]["/Fields"]))
    except ODD:
        return ()
    found: list[Field] = []
    seen: set[Key] = set()
    waiting: list[tuple[Any, str, str]] = [(item, "", "") for item in reversed(roots)]
    while waiting and len(found) < _MAX_FIELDS:
        item, parent, inherited = waiting.pop()
        key = key_of(item)
        if key is not None and key in seen:
            continue
        if key is not None:
            seen.add(key)
        try:
            branch = _read_field(item, key, parent, inherited)
        except ODD:
            continue
        if isinstance(branch, Field):
            found.append(branch)
        else:
            waiting += reversed(branch)
    return tuple(found)


def _read_field(
    item: Any, key: Key | None, parent: str, inherited: str
) -> Field | list[tuple[Any, str, str]]:
    """A terminal field, or the children of one that is not."""
    dictionary = item.get_object()
    if not isinstance(dictionary, generic.DictionaryObject):
        raise TypeError("a field must be a dictionary")
    partial = str(entry(dictionary, "/T", ""))
    name = ".".join(filter(None, (parent, partial)))
    kind = str(entry(dictionary, "/FT", inherited))
    kids = list(_items(dictionary["/Kids"])) if "/Kids" in dictionary else []
    children = [kid for kid in kids if _is_field(kid)]
    if children:
        return [(kid, name, kind) for kid in children]
    widgets = [(key_of(kid), kid.get_object()) for kid in kids] or [(key, dictionary)]
    return Field(name, kind, dictionary, key, _read_text(dictionary) if kind == "/Tx" else "", tuple(widgets))


def _is_field(kid: Any) -> bool:
    dictionary = kid.get_object()
    return isinstance(dictionary, generic.DictionaryObject) and "/T" in dictionary


def _items(array: Any) -> Iterator[Any]:
    array = array.get_object()
    if not isinstance(array, generic.ArrayObject):
        raise TypeError("not an array")
    for index in range(min(len(array), _MAX_FIELDS)):
        yield array.raw_get(index)


def _read_text(dictionary: Any) -> str:
    try:
        value = entry(dictionary, "/V", "")
    except ODD:
        return ""
    return str(value)[:_MAX_TEXT] if isinstance(value, generic.TextStringObject) else ""


def list_pages(view: Any) -> dict[Key, int]:
    """The page number (from 0) of each page and of each annotation of `view`, by object."""
    places: dict[Key, int] = {}
    try:
        waiting = [view.root.raw_get("/Pages")]
    except ODD:
        return places
    count = 0
    seen: set[Key] = set()
    while waiting and count < _MAX_PAGES:
        item = waiting.pop()
        key = key_of(item)
        try:
            node = item.get_object()
            if key is not None and key in seen:
                continue
            if key is not None:
                seen.add(key)
            if "/Kids" in node:
                waiting += reversed(list(_items(node["/Kids"])))
                continue
            if key is not None:
                places[key] = count
            for annotation in _items(node["/Annots"]) if "/Annots" in node else ():
                if (place := key_of(annotation)) is not None:
                    places.setdefault(place, count)
        except ODD:
            pass
        count += 1
    return places


def get_object(view: Any, key: Key) -> Any:
    """The object of that number and generation in `view`."""
    make: Any = generic.Reference
    return view.get_object(make(*key, pdf=view))


def _read_box(rectangle: Any) -> Box:
    """A rectangle with its lower left corner first (ISO 32000-2, 7.9.5)."""
    x1, y1, x2, y2 = (float(number) for number in rectangle)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def list_rectangles(view: Any, key: Key, pages: dict[Key, int]) -> list[tuple[int, Box]]:
    """Where an annotation stands: page number from 0, and rectangle in PDF points; empty if nowhere."""
    try:
        box = _read_box(get_object(view, key)["/Rect"])
    except ODD:
        return []
    return [(pages[key], box)]


def list_boxes(field: Field, pages: dict[Key, int]) -> tuple[tuple[int, Box], ...]:
    """Where a field stands: page number from 0, and rectangle in PDF points of the page's own space."""
    boxes: list[tuple[int, Box]] = []
    for key, widget in field.widgets:
        try:
            page = pages.get(key) if key is not None else None
            if page is None and "/P" in widget:
                page = pages.get(key_of(widget.raw_get("/P")) or (-1, -1))
            box = _read_box(widget["/Rect"])
        except ODD:
            continue
        if page is not None:
            boxes.append((page, box))
    return tuple(boxes)


def read_store(view: Any) -> Store:
    """The document security store of `view` (EN 319 142-1, 5.4.2); empty if there is none."""
    try:
        store = view.root["/DSS"]
    except ODD:
        return Store()
    if not isinstance(store, generic.DictionaryObject):
        return Store()
    try:
        names = frozenset(str(name).lstrip("/") for name in store["/VRI"])
    except ODD:
        names = frozenset()
    return Store(
        tuple(_streams(store, "/Certs")),
        tuple(_streams(store, "/CRLs")),
        tuple(_streams(store, "/OCSPs")),
        names,
    )


def _streams(store: Any, name: str) -> Iterator[bytes]:
    try:
        items = list(_items(store[name]))[:_MAX_STREAMS] if name in store else []
    except ODD:
        return
    for item in items:
        try:
            data = item.get_object().data
        except ODD:
            continue
        if isinstance(data, bytes) and len(data) <= _MAX_STREAM:
            yield data
