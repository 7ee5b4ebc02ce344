"""Parse and write the syntax of PDF objects (ISO 32000-2, 7.3), strictly and fast.

Objects are pyHanko's, so that everything else works on them whoever read them. What was read and is written
again keeps its spelling to the byte: each number, name and string remembers its source.
"""

import binascii
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from io import BytesIO
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError

MAX_DEPTH: Final = 64

_WHITE: Final = rb"\x00\t\n\x0c\r "
_REGULAR: Final = rb"[^\x00\t\n\x0c\r ()<>\[\]{}/%]"
_TOKEN: Final = re.compile(
    # Possessive, since what may be taken back costs memory for every byte.
    rb"(?:[" + _WHITE + rb"]++|%[^\r\n]*+[\r\n])*+(?:"
    rb"(/" + _REGULAR + rb"*)"  # 1 name
    rb"|([1-9]\d{0,9})["
    + _WHITE
    + rb"]+(\d{1,5})["
    + _WHITE
    + rb"]+R(?!"
    + _REGULAR
    + rb")"  # 2, 3 reference
    rb"|([+-]?\d{1,18})(?!" + _REGULAR + rb")"  # 4 integer; others read 64 bits at most
    rb"|([+-]?(?:\d{1,20}\.\d{0,20}|\.\d{1,20}))(?!" + _REGULAR + rb")"  # 5 real
    rb"|(<<)|(>>)|(\[)|(\])"  # 6 to 9
    rb"|<([0-9A-Fa-f" + _WHITE + rb"]*)>"  # 10 hexadecimal string
    rb"|(\((?:[^()\\]++|\\.)*+\))"  # 11 string without parentheses inside
    rb"|(\()"  # 12 other string
    rb"|(true|false|null)(?!" + _REGULAR + rb"))",  # 13
    re.DOTALL,
)
_PARENTHESIS: Final = re.compile(rb"\\.|[()]", re.DOTALL)
_ESCAPE: Final = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\r\n])|(.))|\r\n?", re.DOTALL)
_ESCAPED: Final = dict(zip(b"nrtbf()\\", b"\n\r\t\b\f()\\", strict=True))
_HEX_NAME: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_NAME_TO_THE_LETTER: Final = re.compile(rb"/(?:[!-\"$-~]|#(?!00)[0-9A-Fa-f]{2})*+")
_PLAIN_NAME: Final = re.compile(r"/[!-\"$&'*-.0-;=?-Z\\^-z|~]*")
_ODD_NAME: Final = re.compile(rb"[^!-~]|[#()<>\[\]{}/%]")

_BYTE: Final = 0xFF
_LATIN_1: Final = "\xff"
_NOTHING: Final[Mapping[str, int]] = {}
_generic: Final[Any] = generic  # its constructors carry no types


class SyntaxFault(Exception):  # noqa: N818 - never seen outside
    """The bytes are no object in strict syntax, or they end too early."""


def parse_object(data: bytes, position: int, handler: Any, home: Any) -> tuple[Any, int]:
    """Parse the object at `position`; give it and the position behind it.

    References will be looked up in `handler`, whose `highest_reference` is kept; `home` is the reference of
    the object that holds all this.
    Raises `SyntaxFault`.
    """
    waiting: list[tuple[list[Any], bool]] = []
    inside: list[Any] = []
    is_array = True
    match = _TOKEN.match
    while True:
        token = match(data, position)
        if token is None:
            raise SyntaxFault(f"no object at {position}")
        position = token.end()
        kind = token.lastindex
        if kind in _OPENING:
            if len(waiting) >= MAX_DEPTH:
                raise SyntaxFault("nested too deeply")
            waiting.append((inside, is_array))
            inside, is_array = [], kind == _ARRAY
            continue
        if kind in _CLOSING:
            if not waiting or is_array is (kind == _DICTIONARY_END):
                raise SyntaxFault(f"unbalanced at {position}")
            value = _close(inside, is_array=is_array, home=home)
            inside, is_array = waiting.pop()
        elif kind == _LONG_STRING:
            position = _find_end(data, position)
            value = _make_string(data[token.start(_LONG_STRING) : position])
        else:
            value = _make(token, kind, handler)
        if not waiting:
            return value, position
        inside.append(value)


_NAME, _REFERENCE, _INTEGER, _REAL, _DICTIONARY, _DICTIONARY_END = 1, 3, 4, 5, 6, 7
_ARRAY, _ARRAY_END, _HEX, _STRING, _LONG_STRING = 8, 9, 10, 11, 12
_OPENING: Final = frozenset({_DICTIONARY, _ARRAY})
_CLOSING: Final = frozenset({_DICTIONARY_END, _ARRAY_END})


def _make(token: re.Match[bytes], kind: int | None, handler: Any) -> Any:  # noqa: PLR0911 - a table
    if kind == _NAME:
        return make_name(token[_NAME])
    if kind == _REFERENCE:
        number = int(token[2])
        if handler is not None and number > handler.highest_reference:
            handler.highest_reference = number
        return _generic.IndirectObject(number, int(token[3]), handler)
    if kind == _INTEGER:
        return _generic.NumberObject(token[_INTEGER])
    if kind == _REAL:
        return _remember(_generic.FloatObject(token[_REAL].decode()), token[_REAL])
    if kind == _HEX:
        return _make_hex(token[_HEX])
    if kind == _STRING:
        return _make_string(token[_STRING])
    word = token[13]
    return _generic.NullObject() if word == b"null" else _generic.BooleanObject(word == b"true")


def _close(inside: list[Any], *, is_array: bool, home: Any) -> Any:
    made = _generic.ArrayObject(inside) if is_array else _make_dictionary(inside)
    made.container_ref = home
    return made


def _make_dictionary(inside: list[Any]) -> Any:
    keys = inside[::2]
    if len(inside) % 2 or not all(type(key) is generic.NameObject for key in keys):
        raise SyntaxFault("a dictionary's keys are no names")
    made = _generic.DictionaryObject()
    dict.update(made, zip(keys, inside[1::2], strict=True))
    if len(made) != len(keys):
        raise SyntaxFault("a dictionary names a key twice")  # each program may believe another one
    return made


@lru_cache(maxsize=4096)
def make_name(source: bytes) -> Any:
    """Make a name from its spelling with the slash. Raises `SyntaxFault`."""
    if not _NAME_TO_THE_LETTER.fullmatch(source):
        raise SyntaxFault("a name is not spelt to the letter")
    spelt = _HEX_NAME.sub(lambda found: bytes((int(found[1], 16),)), source)
    try:
        name = _generic.NameObject(spelt.decode())
    except UnicodeDecodeError:
        name = _generic.NameObject(spelt.decode("latin-1"))
    return _remember(name, source)


def _remember(value: Any, source: bytes) -> Any:
    value.source = source
    return value


def _make_hex(digits: bytes) -> Any:
    packed = digits.translate(None, b"\x00\t\n\x0c\r ")
    value = _generic.pdf_string(binascii.unhexlify(packed + b"0" * (len(packed) % 2)))
    return _remember(value, b"<" + packed + b">")


def _make_string(source: bytes) -> Any:
    content = source[1:-1]
    if b"\\" in content or b"\r" in content:
        content = _ESCAPE.sub(_unescape, content)
    return _remember(_generic.pdf_string(content), source)


def _unescape(found: re.Match[bytes]) -> bytes:
    if found[1] is not None:
        code = int(found[1], 8)
        if code > _BYTE:
            raise SyntaxFault("a string escapes more than a byte")
        return bytes((code,))
    if found[2] is not None:
        return b""
    if found[3] is not None:
        if found[3][0] not in _ESCAPED:
            raise SyntaxFault("a string escapes what needs none")
        return bytes((_ESCAPED[found[3][0]],))
    return b"\n"


def _find_end(data: bytes, position: int) -> int:
    depth = 1
    for found in _PARENTHESIS.finditer(data, position):
        if found[0] == b"(":
            depth += 1
        elif found[0] == b")":
            depth -= 1
            if depth == 0:
                return found.end()
    raise SyntaxFault("a string has no end")


def find_highest_reference(*values: Any) -> int:
    """Give the highest object number that objects refer to directly; 0 if they refer to none."""
    waiting = [*values]
    highest = 0
    while waiting:
        found = waiting.pop()
        found = getattr(found, "raw_object", found)  # of an encrypted file
        if isinstance(found, generic.DictionaryObject):
            waiting += dict.values(found)
        elif isinstance(found, generic.ArrayObject):
            waiting += list.__iter__(found)
        elif isinstance(found, generic.IndirectObject):
            highest = max(highest, found.idnum)
    return highest


def require_names(value: Any) -> None:
    """See to it that names keep their bytes when an object that pyHanko read is written again.

    It reads names as UTF-8 or else as Latin-1 and forgets which. Raises `PdfReadError` where that is unclear.
    """
    waiting = [value]
    while waiting:
        found = waiting.pop()
        found = getattr(found, "raw_object", found)  # of an encrypted file
        if isinstance(found, generic.DictionaryObject):
            waiting += [*dict.keys(found), *dict.values(found)]
        elif isinstance(found, generic.ArrayObject):
            waiting += list.__iter__(found)
        elif isinstance(found, generic.NameObject) and not found.isascii() and max(found) <= _LATIN_1:
            raise PdfReadError(f"the name {found} is spelt in an unknown code")


class Raw(generic.PdfObject):
    """A piece of syntax that is written as it is."""

    def __init__(self, source: bytes) -> None:
        self.source = source


def write_object(value: Any, security: Any = None, home: Any = None) -> bytes:
    """Write an object as it stands between `obj` and `endobj`; encrypted if there is a security handler."""
    if security is not None and not isinstance(value, Raw):
        buffer = BytesIO()
        value.write_to_stream(buffer, security, home)
        return buffer.getvalue()
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def _write(value: Any, parts: list[bytes]) -> None:
    source = getattr(value, "source", None)
    if source is not None:
        parts.append(source)
        return
    writer = _WRITERS.get(type(value))
    if writer is not None:
        writer(value, parts)
    elif isinstance(value, generic.StreamObject):
        data = value.encoded_data
        _write_dictionary(value, parts, {"/Length": len(data)})
        parts += (b"\nstream\n", data, b"\nendstream")
    else:
        buffer = BytesIO()
        value.write_to_stream(buffer)
        parts.append(buffer.getvalue())


@lru_cache(maxsize=1024)
def _spell_name(name: str) -> bytes:
    if _PLAIN_NAME.fullmatch(name):
        return name.encode()
    return b"/" + _ODD_NAME.sub(lambda found: b"#%02X" % found[0][0], name[1:].encode())


def _write_array(value: Any, parts: list[bytes]) -> None:
    parts.append(b"[")
    for item in list.__iter__(value):
        parts.append(b" ")
        _write(item, parts)
    parts.append(b" ]")


def _write_dictionary(value: Any, parts: list[bytes], more: Mapping[str, int] = _NOTHING) -> None:
    parts.append(b"<<")
    for key, item in dict.items(value):
        if key in more:
            continue
        parts.append(_spell_name(str(key)) if getattr(key, "source", None) is None else key.source)
        parts.append(b" ")
        _write(item, parts)
        parts.append(b"\n")
    parts += [b"%s %d\n" % (key.encode(), number) for key, number in more.items()]
    parts.append(b">>")


_WRITERS: Final[dict[type, Callable[[Any, list[bytes]], None]]] = {
    generic.IndirectObject: lambda value, parts: parts.append(b"%d %d R" % (value.idnum, value.generation)),
    generic.NumberObject: lambda value, parts: parts.append(b"%d" % value),
    generic.NameObject: lambda value, parts: parts.append(_spell_name(str(value))),
    generic.FloatObject: lambda value, parts: parts.append(f"{value:f}".encode()),
    generic.ArrayObject: _write_array,
    generic.DictionaryObject: _write_dictionary,
}
