"""How the fields of a record are called on the wire; reader and writer share it.

Records list their fields in the order in which the reference library writes the elements.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import Enum, auto
from functools import cache
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

NAMESPACE: Final = "http://www.mic.gov.vn/TBT/QCVN_102_2016"

_CID: Final = re.compile(r"(?:cid:)*", re.IGNORECASE)
# The misspelling is normative on the wire.
_SPELT: Final = {
    "business_doc_type": "BussinessDocType",
    "business_doc_reason": "BussinessDocReason",
    "document_infos": "BussinessDocumentInfo",
}
_WRAPPED: Final = {
    "appendixes": ("Appendixes", "Appendix"),
    "organ_ids": ("OrganIdList", "OrganId"),
    "receivers": ("ReceiverList", "Receiver"),
    "replacements": ("ReplacementInfoList", "ReplacementInfo"),
    "response_for_task": ("ResponseForTask", "TaskCode"),
    "to_places": ("ToPlaces", "Place"),
}
"""Lists with an element around them, and what it holds."""
_ELSEWHERE: Final = frozenset(
    {"attachments", "business", "form", "signature", "strays", "trace_header_list", "trace_headers"}
)
"""Fields of messages that do not stand in `MessageHeader`."""


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


@dataclass(frozen=True, slots=True)
class Part:
    """A field in its place among the elements of a record."""

    field: str
    key: str
    """What JSON calls it."""
    element: str
    """The element of the value, or of each value, or around them all."""
    item: str = ""
    """The element of each value, where another is around them all."""
    kind: Kind | None = None
    """What a text stands for; None for a record."""
    record: type | None = None
    many: bool = False


def plain_fields(record: type) -> tuple[Plain, ...]:
    """Return the plain fields of a record class in order; lists and records are not among them."""
    return _plain_fields(record)


@cache
def _plain_fields(record: Any) -> tuple[Plain, ...]:
    return tuple(
        Plain(part.field, part.element, part.kind)
        for part in list_parts(record)
        if part.kind is not None and not part.many
    )


def list_parts(record: type) -> tuple[Part, ...]:
    """Return all fields of a record class that stand in its element, in order."""
    return _list_parts(record)


@cache
def _list_parts(record: Any) -> tuple[Part, ...]:
    return tuple(_describe(record))


def _describe(record: Any) -> Iterator[Part]:
    hints = get_type_hints(record)
    for field in fields(record):
        if field.name in _ELSEWHERE:
            continue
        many = get_origin(hints[field.name]) is tuple
        options = [option for option in get_args(hints[field.name]) if option not in {NoneType, ...}]
        value = options[0] if options else hints[field.name]
        element, item = _WRAPPED.get(field.name) or (element_name(field.name), "")
        yield Part(
            field=field.name,
            key=field.name.removesuffix("_"),
            element=element,
            item=item,
            kind=_KINDS.get(value),
            record=None if value in _KINDS else value,
            many=many,
        )


def element_name(field: str) -> str:
    """Return the name of a field's element, as `OrganId` for `organ_id`."""
    name = field.removesuffix("_")
    return _SPELT.get(name) or re.sub(r"(?:^|_)([a-z])", lambda found: found[1].upper(), name)


def may_be_id(text: str) -> bool:
    """Tell whether the reference library could have written this for the id of an attachment."""
    return text.startswith("cid:")


def strip_id(text: str) -> str:
    """Return the id of an attachment without `cid:`, which relays put before it again and again."""
    return _CID.sub("", text, count=1)
