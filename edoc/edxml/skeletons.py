"""A package without the contents of its attachments, to be compared line by line with what we would write.

Rules: only the Base64 between the tags of a content is left out, and it must be one unbroken, padded line;
and the signature, where our writer puts it, for without its key nobody can write it again.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Final

from edoc.edxml.findings import PackageWarning
from edoc.edxml.limits import Limits
from edoc.errors import PackageError

_OPEN: Final = re.compile(rb"<edXML:ContentTransferEncoded(?:\s[^<>]*)?(?<!/)>")
_LONGEST_TAG: Final = 512
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SIGNATURE: Final = re.compile(
    rb'  <ds:Signature xmlns:ds="http://www\.w3\.org/2000/09/xmldsig#">\r\n(?:    .*\r\n)+'
    rb"  </ds:Signature>\r\n(?=</edXML>\r\n\Z)"
)
"""Where our writer puts it, behind everything else."""
_MOST: Final = 100
"""Differences that are told."""
_COMPARABLE: Final = 1_000
"""Lines that are aligned before they are compared; more are compared one by one."""
_SHOWN: Final = 120
_HARMLESS: Final = frozenset(
    {
        "NAME_MADE_SAFE",
        "NAME_HIDES",
        "CONTENT_MISMATCH",
        "CONTENT_DESTROYED",
        "CONTENT_ENCRYPTED",
        "MACROS_FOUND",
        "SCRIPT_FOUND",
        "PROGRAM_FOUND",
        "ARCHIVE_HOLDS_PROGRAM",
        "ARCHIVE_EXPANDS",
        "ARCHIVE_UNREAD",
    }
)
"""Warnings about what is attached, not about how the package is written."""


class Skeleton:
    """Takes a package as it flows, and keeps all but the contents. Raises `PackageError` if that is much."""

    def __init__(self, limits: Limits) -> None:
        self._kept = bytearray()
        self._waiting = b""
        self._inside = False
        self._text = self._padding = 0
        self._most = limits.text
        self.loose: list[int] = []
        """Lines of contents that are not one unbroken, padded line of Base64."""

    def write(self, data: bytes) -> int:
        """Take the next bytes."""
        self._waiting += data
        while self._take_text() if self._inside else self._take_markup():
            pass
        return len(data)

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def _keep(self, count: int) -> None:
        self._kept += self._waiting[:count]
        self._waiting = self._waiting[count:]
        if len(self._kept) > self._most:
            raise PackageError(
                f"there are more than {self._most} bytes outside attachments.", code="XML_TOO_MUCH_TEXT"
            )

    def _take_markup(self) -> bool:
        found = _OPEN.search(self._waiting)
        if found is None:
            self._keep(max(0, len(self._waiting) - _LONGEST_TAG))
            return False
        self._keep(found.end())
        self._inside, self._text, self._padding = True, 0, 0
        return True

    def _take_text(self) -> bool:
        stop = self._waiting.find(b"<")
        piece = self._waiting if stop < 0 else self._waiting[:stop]
        self._waiting = b"" if stop < 0 else self._waiting[stop:]
        body = piece.rstrip(b"=")
        sound = not body.translate(None, _ALPHABET) and not (self._padding and body)
        self._text += len(piece)
        self._padding += len(piece) - len(body)
        ended = stop >= 0
        sound = sound and not (ended and (self._text % 4 or self._padding > 2))  # noqa: PLR2004 - of Base64
        if not sound and len(self.loose) < _MOST:
            self.loose.append(self._kept.count(b"\n") + 1)
        self._inside = not ended
        return ended

    @property
    def lines(self) -> list[bytes]:
        """What was kept, line by line, line ends included, without the signature."""
        return _SIGNATURE.sub(b"", bytes(self._kept) + self._waiting).splitlines(keepends=True)


def list_reasons(theirs: Skeleton, ours: Skeleton, warnings: tuple[PackageWarning, ...]) -> tuple[str, ...]:
    """Tell why a package is not as we would write it; nothing if it is."""
    differences = [*_list_loose(theirs), *_compare(theirs.lines, ours.lines)]
    more = len(differences) - _MOST
    rest = (f"and {more} more differences",) if more > 0 else ()
    return (*list_warnings(warnings), *differences[:_MOST], *rest)


def list_warnings(warnings: tuple[PackageWarning, ...]) -> tuple[str, ...]:
    """Tell the warnings about how a package is written as reasons."""
    return tuple(
        f"{warning.code}: {warning.text} ({warning.where})"
        for warning in warnings
        if warning.code not in _HARMLESS
    )


def _list_loose(skeleton: Skeleton) -> Iterator[str]:
    for line in dict.fromkeys(skeleton.loose):
        yield f"line {line}: the content is not one unbroken, padded line of Base64"


def _compare(theirs: list[bytes], ours: list[bytes]) -> Iterator[str]:
    if theirs == ours:
        return
    if max(len(theirs), len(ours)) > _COMPARABLE:
        for number, (one, other) in enumerate(zip(theirs, ours, strict=False), start=1):
            if one != other:
                yield f"line {number}: {_show(one)} instead of {_show(other)}"
        if len(theirs) != len(ours):
            yield f"there are {len(theirs)} lines instead of {len(ours)}"
        return
    for _, begin, end, first, last in _align(theirs, ours):
        for offset in range(max(end - begin, last - first)):
            one = theirs[begin + offset] if begin + offset < end else b""
            other = ours[first + offset] if first + offset < last else b""
            yield f"line {begin + offset + 1}: {_show(one)} instead of {_show(other)}"


def _align(theirs: list[bytes], ours: list[bytes]) -> list[tuple[str, int, int, int, int]]:
    matcher = difflib.SequenceMatcher(None, theirs, ours, autojunk=False)
    return [code for code in matcher.get_opcodes() if code[0] != "equal"]


def _show(line: bytes) -> str:
    if not line:
        return "nothing"
    text = line.decode("utf-8", "replace")
    end = "CRLF" if text.endswith("\r\n") else "LF" if text.endswith("\n") else "no line end"
    text = text.strip()
    return f"{text if len(text) <= _SHOWN else f'{text[:_SHOWN]}…'!r} ({end})"
