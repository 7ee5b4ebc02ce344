"""Records and the JSON that stands for them.

A record is a frozen dataclass of texts, integers, booleans, dates, times, records and tuples of these. Rules:
a JSON key is the field's name without a trailing underscore; absent is absent (None, an empty text and an
empty list are left out, null is taken for absent); a field without default must be there; a key that no field
bears is an error, never silently lost; times are in Vietnam's zone.
"""

import re
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from functools import cache
from types import NoneType
from typing import Any, Final, TypeVar, cast, get_args, get_origin, get_type_hints

from edoc.core.zone import VIETNAM
from edoc.errors import InputError

ALWAYS: Final = {"always": True}
"""Metadata of a list that is written even when it is empty."""

_R = TypeVar("_R")
_NOT_XML: Final = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SHOWN: Final = 40


def check_text(text: str, where: str) -> str:
    """Return a text that XML can carry; raises `InputError` for control characters and lone surrogates."""
    if found := _NOT_XML.search(text):
        raise InputError(
            f"the character U+{ord(found[0]):04X} cannot stand in a package.",
            where=where,
            advice="Take it out of the text.",
        )
    return text


def in_vietnam(moment: datetime) -> datetime:
    """Return the same moment in Vietnam's zone; a time without zone is taken for one of Vietnam."""
    return moment.replace(tzinfo=VIETNAM) if moment.tzinfo is None else moment.astimezone(VIETNAM)


def encode(record: object) -> dict[str, Any]:
    """Turn a record into JSON values, without what is absent."""
    found: dict[str, Any] = {}
    for field in fields(record):  # type: ignore[arg-type]
        value = getattr(record, field.name)
        if value in (None, "", ()) and "always" not in field.metadata:
            continue
        found[_key(field)] = _encode_value(value)
    return found


def _encode_value(value: object) -> Any:
    if isinstance(value, tuple):
        return [_encode_value(item) for item in value]
    if isinstance(value, datetime):
        return in_vietnam(value).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return encode(value) if is_dataclass(value) else value


def decode(kind: type[_R], values: object, where: str = "", *, ignore: Collection[str] = ()) -> _R:
    """Turn JSON values into a record of that kind; `ignore` names keys that may stand there for others.

    Raises `InputError` that names the path of the wrong key, as `to[0].organ_id`.
    """
    if not isinstance(values, Mapping):
        raise _wrong(where, values, "an object")
    hints = _hints(cast("Hashable", kind))
    known = {_key(field): field for field in fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known and key not in ignore:
            raise InputError(
                "this key is unknown.", where=_at(where, str(key)), advice=f"Known are: {', '.join(known)}."
            )
    present = {key: values[key] for key in known if values.get(key) is not None}
    found = {}
    for key, field in known.items():
        required = field.default is MISSING and field.default_factory is MISSING
        if required and present.get(key, "") == "":
            raise InputError("this is missing.", where=_at(where, key))
        if key in present:
            found[field.name] = _decode_value(hints[field.name], present[key], _at(where, key))
    return kind(**found)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode_value(hint: Any, value: object, where: str) -> Any:
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise _wrong(where, value, "a list")
        return tuple(_decode_value(get_args(hint)[0], item, f"{where}[{n}]") for n, item in enumerate(value))
    options = [option for option in get_args(hint) if option is not NoneType]
    kind = options[0] if options else hint
    if is_dataclass(kind):
        return decode(kind, value, where)  # type: ignore[arg-type]
    return _SCALARS[kind](value, where)


def _read_text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _wrong(where, value, "a text")
    return check_text(value, where)


def _read_integer(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(where, value, "a whole number")
    return value


def _read_boolean(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, value, "true or false")
    return value


def _read_date(value: object, where: str) -> date:
    try:
        return date.fromisoformat(_read_text(value, where))
    except ValueError:
        raise _wrong(where, value, "a date as 2026-03-05") from None


def _read_moment(value: object, where: str) -> datetime:
    try:
        return in_vietnam(datetime.fromisoformat(_read_text(value, where)))
    except (ValueError, OverflowError):
        raise _wrong(where, value, "a time as 2026-03-05T10:20:30+07:00") from None


_SCALARS: Final[dict[type, Callable[[object, str], Any]]] = {
    str: _read_text,
    int: _read_integer,
    bool: _read_boolean,
    date: _read_date,
    datetime: _read_moment,
}


def _wrong(where: str, value: object, wanted: str) -> InputError:
    shown = repr(value)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return InputError(f"{shown} is not {wanted}.", where=where)


def _key(field: Field[Any]) -> str:
    return field.name.removesuffix("_")


def _at(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
