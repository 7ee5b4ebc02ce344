"""What is seen of an attachment as its bytes go by: signs of scripts and macros, never proof of none.

Rules: one pass, no parsing; compressed streams and encryption hide everything from it.
"""

import re
from typing import Final

_PDF: Final = {b"/JavaScript": "pdf-javascript", b"/Launch": "pdf-launch"}
_OLE: Final = {
    "_VBA_PROJECT".encode("utf-16-le"): "ole-vba",
    "EncryptedPackage".encode("utf-16-le"): "ole-encrypted",
}
_LONGEST: Final = 32


class Watch:
    """Looks for some byte strings in what goes by."""

    def __init__(self, needles: dict[bytes, str], any_of: re.Pattern[bytes]) -> None:
        self._needles = dict(needles)
        self._any_of = any_of
        self._found: set[str] = set()
        self._tail = b""

    def look(self, data: bytes) -> None:
        """Look at the next piece."""
        seam = self._tail + data[:_LONGEST]
        if self._any_of.search(data) or self._any_of.search(seam):
            self._name(data, seam)
        self._tail = (seam if len(data) < _LONGEST else data)[-_LONGEST:]

    def _name(self, data: bytes, seam: bytes) -> None:
        for needle, hint in self._needles.items():
            if hint not in self._found and (needle in data or needle in seam):
                self._found.add(hint)

    @property
    def found(self) -> frozenset[str]:
        """What was seen so far."""
        return frozenset(self._found)


def _join(needles: dict[bytes, str]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, needles)))


_WATCHES: Final = ((b"%PDF-", _PDF, _join(_PDF)), (b"\xd0\xcf\x11\xe0", _OLE, _join(_OLE)))


def watch_for(head: bytes) -> Watch | None:
    """Choose what to look for by the first bytes of a content; None if there is nothing."""
    for magic, needles, any_of in _WATCHES:
        if magic in head:
            return Watch(needles, any_of)
    return None
