"""Values on their way between processes: known dataclasses as JSON, their bytes behind it, each once.

    data = pack(report)
    report = unpack(FileReport, data)

Rules: what comes in is rebuilt only as the type that was asked for, field by field; nothing in the data names
a class, a function or a module, so whoever sends it chooses values and nothing else. Anything that does not
fit raises `WireError`.
"""

import dataclasses
import json
import struct
import types
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

MAX_JSON_BYTES: Final = 8 << 20
"""JSON grows some twentyfold when it is read; bytes, which stand behind it, do not."""
_LENGTH: Final = struct.Struct(">Q")
_PLAIN: Final = (str, int, float, bool)


class WireError(ValueError):
    """The data do not hold the value that was asked for, or too much of it."""


def pack(value: object) -> bytes:
    """Give a value as bytes. Raises `WireError` for one whose JSON is longer than may be read again."""
    blobs: dict[bytes, int] = {}
    head = json.dumps(_encode(value, blobs), separators=(",", ":"), allow_nan=False).encode()
    if len(head) > MAX_JSON_BYTES:
        raise WireError(f"{len(head)} bytes of JSON")
    return b"".join(part for piece in (head, *blobs) for part in (_LENGTH.pack(len(piece)), piece))


def unpack(kind: type[T], data: bytes) -> T:
    """Rebuild the value of that type. Raises `WireError` if it is not what stands there."""
    pieces = _split(data)
    if not pieces or len(pieces[0]) > MAX_JSON_BYTES:
        raise WireError("no JSON, or too much")
    try:
        value: T = _decode(kind, json.loads(pieces[0]), pieces[1:])
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise WireError(f"not a {kind.__name__}: {error}") from error
    return value


def pack_text(value: object) -> str:
    """Give a value as one word of ASCII, for a line of a text file."""
    return b64encode(pack(value)).decode()


def unpack_text(kind: type[T], text: str) -> T:
    """Rebuild what `pack_text` gave; raises as `unpack` does."""
    try:
        data = b64decode(text, validate=True)
    except ValueError as error:
        raise WireError("not base64") from error
    return unpack(kind, data)


def _split(data: bytes) -> list[bytes]:
    pieces, position = [], 0
    while position < len(data):
        start = position + _LENGTH.size
        if start > len(data):
            raise WireError("it is cut off")
        position = start + int(_LENGTH.unpack_from(data, position)[0])
        if position > len(data):
            raise WireError("it is cut off")
        pieces.append(data[start:position])
    return pieces


def _encode(value: Any, blobs: dict[bytes, int]) -> Any:  # noqa: PLR0911 - a line for each kind of value
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, bytes):
        return blobs.setdefault(value, len(blobs))
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    if isinstance(value, frozenset):
        return [_encode(item, blobs) for item in sorted(value)]
    if isinstance(value, tuple | list):
        return [_encode(item, blobs) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _encode(item, blobs) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        return {name: _encode(getattr(value, name), blobs) for name, _ in _list_fields(_class_of(value))}
    raise TypeError(f"a {type(value).__name__} does not travel")


def _class_of(value: Any) -> Any:
    return type(value)


@cache
def _list_fields(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Give the fields of a dataclass that make it, with their types."""
    hints = get_type_hints(kind)
    return tuple((field.name, hints[field.name]) for field in dataclasses.fields(kind) if field.init)


def _decode(hint: Any, value: Any, blobs: list[bytes]) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(hint), value, blobs)
    if origin in _CONTAINERS:
        return _CONTAINERS[origin](get_args(hint), value, blobs)
    if origin is Literal:
        return _require(value, type(value) is str and value in get_args(hint))
    if hint is bytes:
        return blobs[_require(value, type(value) is int and 0 <= value < len(blobs))]
    if hint in _SCALARS:
        return _SCALARS[hint](value)
    if isinstance(hint, type):
        return _decode_class(hint, value, blobs)
    raise TypeError(f"a {hint} does not travel")


def _decode_class(kind: Any, value: Any, blobs: list[bytes]) -> Any:
    if issubclass(kind, Enum):
        return kind(value)
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return kind(*_decode_tuple(tuple(get_type_hints(kind).values()), value, blobs))
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, value, blobs)
    raise TypeError(f"a {kind} does not travel")


def _decode_union(choices: tuple[Any, ...], value: Any, blobs: list[bytes]) -> Any:
    if value is None and type(None) in choices:
        return None
    for choice in choices:
        try:
            return _decode(choice, value, blobs)
        except (ValueError, TypeError):
            continue
    raise ValueError("it fits none of the types")


def _decode_dataclass(kind: Any, value: Any, blobs: list[bytes]) -> Any:
    fields = _list_fields(kind)
    _require(value, type(value) is dict and value.keys() == {name for name, _ in fields})
    return kind(**{name: _decode(hint, value[name], blobs) for name, hint in fields})


def _decode_tuple(arguments: tuple[Any, ...], value: Any, blobs: list[bytes]) -> tuple[Any, ...]:
    _require(value, type(value) is list)
    if len(arguments) == 2 and arguments[1] is ...:  # noqa: PLR2004 - tuple[X, ...]
        return tuple(_decode(arguments[0], item, blobs) for item in value)
    return tuple(_decode(hint, item, blobs) for hint, item in zip(arguments, value, strict=True))


def _decode_set(arguments: tuple[Any, ...], value: Any, blobs: list[bytes]) -> frozenset[Any]:
    return frozenset(_decode_tuple((arguments[0], ...), value, blobs))


def _decode_mapping(arguments: tuple[Any, ...], value: Any, blobs: list[bytes]) -> dict[str, Any]:
    _require(value, type(value) is dict and arguments[0] is str)
    return {key: _decode(arguments[1], item, blobs) for key, item in value.items()}


_SCALARS: Final[dict[Any, Callable[[Any], Any]]] = {
    None: lambda value: _require(value, value is None),
    type(None): lambda value: _require(value, value is None),
    str: lambda value: _require(value, type(value) is str),
    int: lambda value: _require(value, type(value) is int),
    bool: lambda value: _require(value, type(value) is bool),
    float: lambda value: float(_require(value, type(value) in {int, float})),
    datetime: lambda value: datetime.fromisoformat(_require(value, type(value) is str)),
    date: lambda value: date.fromisoformat(_require(value, type(value) is str)),
}
_CONTAINERS: Final[dict[Any, Callable[[tuple[Any, ...], Any, list[bytes]], Any]]] = {
    tuple: _decode_tuple,
    frozenset: _decode_set,
    dict: _decode_mapping,
    Mapping: _decode_mapping,
}


def _require(value: Any, fits: bool) -> Any:
    if not fits:
        raise ValueError(f"{type(value).__name__} where something else belongs")
    return value
