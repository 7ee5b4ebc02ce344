"""What came instead of a package: told by its first and last bytes, without reading it as XML.

The SDK saves any answer as a package, an error page included. Here a package has a known root that is closed
at its end; anything else is named for what it is. Whether a package can be read is decided elsewhere.
"""

import re
from enum import StrEnum
from typing import BinaryIO, Final

EDGE: Final = 64 << 10
"""Bytes looked at on either side."""
_HEADER: Final = 256 << 10
"""Bytes in which a package shows whether it is a status; a status is smaller than that as a whole."""

_ROOTS: Final = frozenset({"edxml", "edxmlenvelope", "envelope", "alldocument", "document"})
_UTF16: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
# Nothing stands behind the repetition, so it is never tried in a second way.
_BEFORE: Final = re.compile(r"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*)*", re.DOTALL)
_DOCTYPE: Final = re.compile(r"<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>")
_ROOT: Final = re.compile(r"<((?:[\w.-]{1,80}:)?([\w.-]{1,80}))[\s>/]")
_HTML: Final = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_MIME: Final = re.compile(r"(?:mime-version|content-type)\s*:", re.IGNORECASE)
_STATUS: Final = re.compile(rb"<(?:[\w.-]+:)?StatusCode[\s>/]")


class Kind(StrEnum):
    """What some bytes are; the values end the sentence "it is …"."""

    PACKAGE = "a package"
    EMPTY = "empty"
    HTML = "an HTML page"
    REPLY = "a JSON reply"
    CUT_OFF = "cut off"
    OTHER = "no package of any form that is known"


def judge_edges(first: bytes, last: bytes) -> Kind:
    """Say what content is that begins and ends with these bytes, each up to `EDGE`, or all of it."""
    encoding = _UTF16.get(first[:2], "utf-8-sig")
    head, tail = (part.decode(encoding, "replace").lstrip("\ufeff") for part in (first, last))
    visible = head.lstrip("\0 \t\r\n\f\v")
    if not visible:
        return Kind.EMPTY
    place = _skip(_BEFORE, head, 0)
    if _HTML.match(head, place):
        return Kind.HTML
    if visible[0] in "{[":
        return Kind.REPLY
    if _MIME.match(head):
        return Kind.PACKAGE if tail.rstrip().endswith("--") else Kind.CUT_OFF
    root = _ROOT.match(head, _skip(_BEFORE, head, _skip(_DOCTYPE, head, place)))
    if root is None or root[2].lower() not in _ROOTS:
        return Kind.OTHER
    return Kind.PACKAGE if re.search(rf"</{re.escape(root[1])}\s*>", tail) else Kind.CUT_OFF


def judge(source: BinaryIO) -> Kind:
    """Say what a file holds; it stands at its beginning afterwards."""
    size = source.seek(0, 2)
    source.seek(0)
    first = source.read(EDGE)
    source.seek(max(0, size - EDGE))
    last = source.read(EDGE)
    source.seek(0)
    return judge_edges(first, last)


def is_status(source: BinaryIO) -> bool:
    """Tell a status from a document, as the hub wants to know; leaves the file at its beginning."""
    source.seek(0)
    head = source.read(_HEADER)
    source.seek(0)
    return _STATUS.search(head) is not None


def _skip(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place
