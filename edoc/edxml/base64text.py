"""Base64 as it flows: encoded without line ends, decoded as leniently as the reference library does.

The reference reads with commons-codec: white space and illegal characters are skipped, the URL-safe alphabet
and missing padding are accepted, and the first `=` ends the content.
"""

import binascii
from collections.abc import Callable
from typing import Final

_SPACE: Final = b" \t\r\n"
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_ILLEGAL: Final = bytes(set(range(256)) - set(_ALPHABET))


class Base64Decoder:
    """Decodes text piece by piece; `repaired` tells whether anything but white space had to be skipped."""

    def __init__(self) -> None:
        self.repaired = False
        self._rest = b""
        self._ended = False

    def feed(self, text: str) -> bytes:
        """Decode the next piece as far as it goes."""
        raw = text.encode("ascii", "replace")
        if self._ended:
            self.repaired |= bool(raw.strip(_SPACE + b"="))
            return b""
        raw = self._rest + raw
        whole = len(raw) & ~3
        try:
            data = binascii.a2b_base64(raw[:whole])
        except binascii.Error:
            return self._feed_cleaned(raw)
        # every character that is not of the alphabet makes the result shorter
        if len(data) != whole // 4 * 3:
            return self._feed_cleaned(raw)
        self._rest = raw[whole:]
        return data

    def _feed_cleaned(self, raw: bytes) -> bytes:
        text, padding, beyond = raw.translate(None, _SPACE).partition(b"=")
        self._ended = bool(padding)
        legal = text.translate(_URL_SAFE).translate(None, _ILLEGAL)
        self.repaired |= legal != text or bool(beyond.strip(b"="))
        whole = len(legal) & ~3
        self._rest = legal[whole:]
        return binascii.a2b_base64(legal[:whole])

    def finish(self) -> bytes:
        """Decode what is left, with or without padding."""
        data = b"" if self._ended else self._feed_cleaned(self._rest)
        rest, self._rest = self._rest, b""
        if not rest:
            return data
        self.repaired |= not self._ended
        # a lone character carries six bits, which is no byte
        return data + (binascii.a2b_base64(rest + b"=" * (4 - len(rest))) if len(rest) > 1 else b"")


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
            self._write(binascii.b2a_base64(memoryview(data)[:whole], newline=False))

    def finish(self) -> None:
        """Encode what is left, with padding."""
        if self._rest:
            self._write(binascii.b2a_base64(self._rest, newline=False))
            self._rest = b""
