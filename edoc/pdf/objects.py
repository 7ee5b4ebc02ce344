"""Build and read PDF objects without ceremony.

`dictionary({"Type": "/Font", "W": [0, [250]]})` is what it looks like: text with a slash is a name, numbers
are numbers, lists are arrays; `text("…")` is a text string. pyHanko's `get` and the iteration of its arrays
do not follow references; `look` and `items` do.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pyhanko.pdf_utils import generic

_generic: Final[Any] = generic  # its constructors carry no types

Value = generic.PdfObject | str | int | float | Sequence["Value"]
"""What becomes a PDF object."""

_DECIMALS: Final = 3


def dictionary(entries: Mapping[str, Value]) -> generic.DictionaryObject:
    """Build a dictionary; keys are written without their slash."""
    made: generic.DictionaryObject = _generic.DictionaryObject(
        {_generic.NameObject(f"/{key}"): convert(value) for key, value in entries.items()}
    )
    return made


def stream(entries: Mapping[str, Value], data: bytes) -> generic.StreamObject:
    """Build a stream of data that is deflated here."""
    return deflated({**entries, "Filter": "/FlateDecode"}, zlib.compress(data, 9))


def deflated(entries: Mapping[str, Value], data: bytes) -> generic.StreamObject:
    """Build a stream of data that is deflated already, as its entries must say."""
    made: generic.StreamObject = _generic.StreamObject(dict(dictionary(entries)), encoded_data=data)
    return made


def text(words: str) -> generic.PdfObject:
    """Build a text string."""
    made: generic.PdfObject = _generic.pdf_string(words)
    return made


def convert(value: Value) -> generic.PdfObject:
    """Turn a value into a PDF object."""
    made: generic.PdfObject
    if isinstance(value, generic.PdfObject):
        made = value
    elif isinstance(value, str):
        made = _generic.NameObject(value)
    elif isinstance(value, bool):
        made = _generic.BooleanObject(value)
    elif isinstance(value, int):
        made = _generic.NumberObject(value)
    elif isinstance(value, float):
        made = _generic.FloatObject(round(value, _DECIMALS))
    else:
        made = _generic.ArrayObject(map(convert, value))
    return made


def look(entries: Any, key: str, default: Any = None) -> Any:
    """Give what stands under `key` (with its slash), references followed; `default` if nothing does."""
    try:
        return entries[key]
    except KeyError:
        return default


def items(array: Any) -> Iterator[Any]:
    """Go through an array, references followed; anything else has no items."""
    if isinstance(array, generic.ArrayObject):
        for index in range(len(array)):
            yield array[index]
