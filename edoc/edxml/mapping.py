"""How the plain fields of a record are called on the wire; reader and writer share it.

Records list their fields in the order in which the reference library writes the elements.
"""

import re
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import Enum, auto
from functools import cache
from typing import Any, Final, get_args, get_type_hints

NAMESPACE: Final = "http://www.mic.gov.vn/TBT/QCVN_102_2016"

# The misspelling is normative on the wire.
_SPELT: Final = {
    "business_doc_type": "BussinessDocType",
    "business_doc_reason": "BussinessDocReason",
}


class Kind(Enum):
    """What the text of an element stands for."""

    TEXT = auto()
    INTEGER = auto()
    BOOLEAN = auto()
    DATE = auto()
    MOMENT = auto()


_KINDS: Final[dict[Any, Kind]] = {
    str: Kind.TEXT,
    int: Kind.INTEGER,
    bool: Kind.BOOLEAN,
    date: Kind.DATE,
    datetime: Kind.MOMENT,
}


@dataclass(frozen=True, slots=True)
class Plain:
    """A field that one element with a text stands for."""

    field: str
    element: str
    kind: Kind


def plain_fields(record: type) -> tuple[Plain, ...]:
    """Return the plain fields of a record class in order; lists and records are not among them."""
    return _plain_fields(record)


@cache
def _plain_fields(record: Any) -> tuple[Plain, ...]:
    hints = get_type_hints(record)
    found = []
    for field in fields(record):
        hint = hints[field.name]
        kind = _KINDS.get(next(iter(get_args(hint)), hint) if not _is_tuple(hint) else None)
        if kind is not None:
            found.append(Plain(field.name, element_name(field.name), kind))
    return tuple(found)


def _is_tuple(hint: Any) -> bool:
    return getattr(hint, "__origin__", None) is tuple


def element_name(field: str) -> str:
    """Return the name of a field's element, as `OrganId` for `organ_id`."""
    return _SPELT.get(field) or re.sub(r"(?:^|_)([a-z])", lambda found: found[1].upper(), field)
