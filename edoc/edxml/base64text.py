"""Base64 as it flows: encoded without line ends, decoded as leniently as the reference library does.

The reference reads with commons-codec: white space and illegal characters are skipped, the URL-safe alphabet
and missing padding are accepted, and the first `=` ends the content.
"""

import binascii
from collections.abc import Callable
from typing import Final

import pybase64

_SPACE: Final = b" \t\r\n"
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_ILLEGAL: Final = bytes(set(range(256)) - set(_ALPHABET))
_HARMLESS: Final = _ALPHABET + b"-_=" + _SPACE


class Base64Decoder:
    """Decodes text piece by piece; `repaired` tells whether anything but white space had to be skipped."""

    def __init__(self) -> None:
        self.repaired = False
        self.lines = 0
        """Line ends in what was fed raw."""
        self._rest = b""
        self._ended = False

    def feed(self, text: str) -> bytes:
        """Decode the next piece as far as it goes."""
        raw = text.encode("ascii", "replace")
        data = self._feed_plain(raw)
        return self._feed_cleaned(raw) if data is None else data

    def feed_raw(self, raw: bytes | memoryview) -> bytes | None:
        """Decode the next piece, as it stands in the XML, as far as it goes.

        None, and nothing is taken, if it holds anything beyond Base64 that a parser of XML must look at.
        """
        data = self._feed_plain(raw)
        if data is not None:
            return data
        raw = bytes(raw)
        if raw.translate(None, _HARMLESS):
            return None
        self.lines += raw.count(b"\n")
        return self._feed_cleaned(raw)

    def _feed_plain(self, raw: bytes | memoryview) -> bytes | None:
        """Decode a piece that has only the alphabet in it, and padding at its end; else None."""
        if self._ended:
            return None
        if self._rest:
            raw = self._rest + raw
        whole = len(raw) & ~3
        rest = bytes(raw[whole:])
        if rest.translate(None, _ALPHABET):
            return None
        try:
            data = pybase64.b64decode(raw if not rest else memoryview(raw)[:whole], validate=True)
        except binascii.Error:
            return None
        if len(data) < whole // 4 * 3:  # it is padded
            if rest:
                return None
            self._ended = True
        self._rest = rest
        return data

    def _feed_cleaned(self, raw: bytes) -> bytes:
        if self._ended:
            self.repaired |= bool(raw.strip(_SPACE + b"="))
            return b""
        text, padding, beyond = (self._rest + raw).translate(None, _SPACE).partition(b"=")
        self._ended = bool(padding)
        legal = text.translate(_URL_SAFE).translate(None, _ILLEGAL)
        self.repaired |= legal != text or bool(beyond.strip(b"="))
        whole = len(legal) & ~3
        self._rest = legal[whole:]
        return binascii.a2b_base64(legal[:whole])

    def finish(self) -> bytes:
        """Decode what is left, with or without padding."""
        rest, self._rest = self._rest, b""
        if not rest:
            return b""
        self.repaired |= not self._ended
        # a lone character carries six bits, which is no byte
        return binascii.a2b_base64(rest + b"=" * (4 - len(rest))) if len(rest) > 1 else b""


class Base64Encoder:
    """Encodes bytes piece by piece into one unbroken, padded line, which it hands to `write`."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Encode the next piece."""
        data = self._rest + data if self._rest else data
        whole = len(data) - len(data) % 3
        self._rest = data[whole:]
        if whole:
            self._write(pybase64.b64encode(memoryview(data)[:whole]))

    def finish(self) -> None:
        """Encode what is left, with padding."""
        if self._rest:
            self._write(pybase64.b64encode(self._rest))
            self._rest = b""
