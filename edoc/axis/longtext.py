"""Read a JSON reply that carries a whole package as one of its texts, in constant memory.

    reader = LongText("data", PackageSink(file, limit=…).write)
    for chunk in answer:
        reader.feed(chunk)
    reply = reader.close()            # the object, with "" where the package stood

A package travels as Base64, or (in one provincial variant) as it is; `PackageSink` tells which by its first
letter. `json` itself would hold the reply, the text and the package in memory at once.
"""

import binascii
import codecs
import json
import re
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from edoc.errors import InputError

MAX_OUTLINE: Final = 4 << 20
"""Bytes of the reply besides its package."""

_STOP: Final = re.compile(rb'["\\]')
_ESCAPE: Final = re.compile(
    rb'\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|u[0-9a-fA-F]{4}|["\\/bfnrt])'
)
_LONGEST_ESCAPE: Final = 12
_ALPHABET: Final = re.compile(rb"[A-Za-z0-9+/]*={0,2}")


class LongText:
    """Takes a JSON object in pieces; the text of the one key `name` goes to `sink`, at whatever depth."""

    def __init__(self, name: str, sink: Callable[[str], None]) -> None:
        self._name = name.encode()
        self._sink = sink
        self._outline = bytearray()
        self._last = b""
        self._start = 0
        self._state: Callable[[bytes, int], int] = self._read_outline
        self._rest = b""
        self._found = False
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def feed(self, chunk: bytes) -> None:
        """Take the next piece. Raises `InputError` if the text comes twice, or breaks off in an escape."""
        data, self._rest = self._rest + chunk, b""
        place = 0
        while place < len(data) and not self._rest:
            place = self._state(data, place)

    def close(self) -> dict[str, Any]:
        """End the reply; raises `InputError` if it is no whole JSON object."""
        try:
            value = None if self._rest else json.loads(bytes(self._outline))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise InputError("the reply is no whole JSON object.")
        return value

    def _keep(self, piece: bytes) -> None:
        self._outline += piece
        if len(self._outline) > MAX_OUTLINE:
            raise InputError(f"the reply is longer than {MAX_OUTLINE} bytes besides its package.")

    def _read_outline(self, data: bytes, place: int) -> int:
        """Between texts, up to the next quotation mark."""
        quote = data.find(b'"', place)
        end = len(data) if quote < 0 else quote + 1
        self._keep(data[place:end])
        if quote >= 0:
            between = bytes(self._outline[self._start : -1])
            wanted = self._last == self._name and between.strip() == b":"
            self._state = self._read_long if wanted else self._read_short
            self._start = len(self._outline)
            if wanted and self._found:
                raise InputError("the reply holds two packages.")
            self._found = self._found or wanted
        return end

    def _read_short(self, data: bytes, place: int) -> int:
        """Inside any other text."""
        found = _STOP.search(data, place)
        if found is None:
            self._keep(data[place:])
            return len(data)
        end = found.end()
        if found[0] == b"\\":
            if end == len(data):
                self._keep(data[place : found.start()])
                self._rest = b"\\"
                return end
            self._keep(data[place : end + 1])
            return end + 1
        self._keep(data[place:end])
        self._last = bytes(self._outline[self._start : -1])
        self._start = len(self._outline)
        self._state = self._read_outline
        return end

    def _read_long(self, data: bytes, place: int) -> int:
        """Inside the package's text."""
        found = _STOP.search(data, place)
        end = len(data) if found is None else found.start()
        self._pass_on(self._decode(data[place:end]))
        if found is None:
            return end
        if found[0] == b'"':
            self._keep(b'"')
            self._last, self._start = b"", len(self._outline)
            self._state = self._read_outline
            return end + 1
        escape = _ESCAPE.match(data, end)
        if (escape is None or escape[0][1:3].lower() == b"ud") and len(data) - end < _LONGEST_ESCAPE:
            self._rest = data[end:]  # it may go on in the next piece
            return end
        if escape is None:
            raise InputError("the package's text holds a broken escape.")
        self._pass_on(json.loads(b'"' + escape[0] + b'"'))
        return escape.end()

    def _pass_on(self, text: str) -> None:
        if text:
            self._sink(text)


class PackageSink:
    """Turns a package's text into its bytes and writes them; raises `InputError` if it cannot be one."""

    def __init__(self, target: BinaryIO, *, limit: int) -> None:
        self._target = target
        self._left = limit
        self._plain: bool | None = None
        self._quarter = b""

    def write(self, text: str) -> None:
        """Take the next piece of the text."""
        if self._plain is None:
            text = text.lstrip("\ufeff \t\r\n")
            if not text:
                return
            self._plain = text.startswith("<")
        if self._plain:
            self._put(text.encode("utf-8", "replace"))
            return
        letters = self._quarter + "".join(text.split()).encode("ascii", "replace")
        whole = len(letters) - len(letters) % 4
        self._quarter = letters[whole:]
        self._put(self._decode(letters[:whole]))

    def close(self) -> None:
        """End the text; missing padding is forgiven."""
        self._put(self._decode(self._quarter + b"=" * (-len(self._quarter) % 4)))
        self._quarter = b""

    def _decode(self, letters: bytes) -> bytes:
        try:
            if self._plain is False and _ALPHABET.fullmatch(letters):
                return binascii.a2b_base64(letters, strict_mode=True) if letters else b""
        except binascii.Error:
            pass
        if letters:
            raise InputError("the package's text is no Base64.")
        return b""

    def _put(self, content: bytes) -> None:
        self._left -= len(content)
        if self._left < 0:
            raise InputError("the package is longer than agreed.")
        self._target.write(content)
