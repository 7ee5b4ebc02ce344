"""MIME multipart as it flows (RFC 2046): an old package's message in one part, its attachments in others.

Rules: nothing is held but the headers of a part and one line; nesting is not followed; a package need not
begin with headers, because gateways cut them off, so the first line may be the boundary itself.
"""

import binascii
import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Final, Protocol

from edoc.edxml.limits import Limits
from edoc.errors import PackageError

_BOUNDARY: Final = re.compile(rb"\s*--([^\r\n]{1,70}?)[ \t]*\r?\n(?=[A-Za-z-]+:)")
_HEADERS: Final = re.compile(rb"\s*(?:[A-Za-z-]+:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n)+")
_BLANK: Final = re.compile(rb"\r?\n\r?\n")
_MOST_HEADERS: Final = 16 << 10
_LONGEST_LINE: Final = 4096
"""Bytes of a line of quoted-printable; RFC 2045 has 76."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHead:
    """What the headers of a part say."""

    content_id: str
    """Without angle brackets."""
    content_type: str
    """Lower-case, without parameters."""
    name: str
    """Empty if it has none."""
    encoding: str
    """Of the transfer, lower-case."""
    line: int
    """How many lines stand before its body."""


class PartTaker(Protocol):
    """What a part's decoded bytes are handed to."""

    def write(self, data: bytes, /) -> object:
        """Take the next piece; Base64 is handed over as it stands."""

    def finish(self) -> object:
        """The part is over."""


def find_boundary(head: bytes) -> bytes:
    """Find the boundary of a package whose first bytes are these; empty if it is no multipart."""
    found = _BOUNDARY.match(head)
    if found:
        return found[1]
    headers = _HEADERS.match(head[:_MOST_HEADERS])
    if not headers:
        return b""
    message = message_from_bytes(headers[0].strip() + b"\n\n")
    if message.get_content_maintype() != "multipart":
        return b""
    boundary = message.get_boundary("")
    return boundary.encode("utf-8", "surrogateescape") if boundary else b""


class Multipart:
    """Splits a multipart; `open_part` is asked for a taker for each part."""

    def __init__(
        self, boundary: bytes, limits: Limits, open_part: Callable[[PartHead], PartTaker | None]
    ) -> None:
        self._delimiter = b"\n--" + boundary
        self._most = min(limits.token, _MOST_HEADERS)
        self._open_part = open_part
        self._waiting = b"\n"
        self._line = -1  # the line end that we put in front
        self._part: _Part | None = None
        self._in_head = self._over = False
        self.count = 0
        """Parts so far."""

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        if self._over:
            return
        self._waiting += data
        while not self._over and self._step():
            pass

    def finish(self) -> None:
        """Take what is left. Raises `PackageError` if there was no part at all."""
        self._deliver(self._waiting)
        self._close()
        if not self.count:
            raise PackageError("it is a MIME message without parts.", code="MIME_MALFORMED")

    def _step(self) -> bool:
        return self._read_head() if self._in_head else self._read_body()

    def _read_head(self) -> bool:
        """Behind a delimiter: the rest of its line, and headers up to a blank line."""
        if self._waiting.startswith(b"--"):
            self._over = True
            return False
        found = _BLANK.search(self._waiting)
        if found is None:
            if len(self._waiting) > self._most:
                raise self._broken(f"the headers of a part are longer than {self._most} bytes")
            return False
        raw = self._drop(found.end())
        head = _read_part_head(raw, self._line)
        self.count += 1
        taker = self._open_part(head)
        self._part = None if taker is None else _Part(taker, head.encoding)
        self._in_head = False
        return True

    def _read_body(self) -> bool:
        at = self._waiting.find(self._delimiter)
        if at < 0:
            # all but what could be the beginning of a delimiter, and the line end before it
            keep = len(self._delimiter) + 1
            if len(self._waiting) > keep:
                self._deliver(self._drop(len(self._waiting) - keep))
            return False
        self._deliver(self._drop(at).removesuffix(b"\r"))
        self._drop(len(self._delimiter))
        self._close()
        self._in_head = True
        return True

    def _drop(self, count: int) -> bytes:
        gone, self._waiting = self._waiting[:count], self._waiting[count:]
        self._line += gone.count(b"\n")
        return gone

    def _deliver(self, data: bytes) -> None:
        if self._part is not None and data:
            self._part.feed(data)

    def _close(self) -> None:
        if self._part is not None:
            self._part.finish()
            self._part = None

    def _broken(self, what: str) -> PackageError:
        return PackageError(f"{what}.", where=f"line {self._line}", code="MIME_MALFORMED")


class _Part:
    """The body of one part, its transfer encoding undone where that is not the taker's affair."""

    def __init__(self, taker: PartTaker, encoding: str) -> None:
        self._taker = taker
        self._quoted = encoding == "quoted-printable"
        self._rest = b""

    def feed(self, data: bytes) -> None:
        if not self._quoted:
            self._taker.write(data)
            return
        text = self._rest + data
        # a soft line break and an escape must stay whole; lines without end are not waited for
        end = max(text.rfind(b"\n") + 1, len(text) - _LONGEST_LINE)
        self._rest = text[end:]
        self._taker.write(binascii.a2b_qp(text[:end]))

    def finish(self) -> None:
        if self._rest:
            self._taker.write(binascii.a2b_qp(self._rest))
        self._taker.finish()


def _read_part_head(raw: bytes, line: int) -> PartHead:
    message = message_from_bytes(raw.lstrip())
    return PartHead(
        content_id=_read_header(message, "Content-ID").strip(" <>\t"),
        content_type=message.get_content_type(),
        name=_read_name(message),
        encoding=_read_header(message, "Content-Transfer-Encoding").strip().lower(),
        line=line,
    )


def _read_header(message: Message, name: str) -> str:
    """A header's text; what cannot be decoded stays as it is."""
    raw = str(message.get(name, ""))
    try:
        text = str(make_header(decode_header(raw)))
    except (ValueError, LookupError, UnicodeError):
        text = raw
    return _read_bytes(text)


def _read_name(message: Message) -> str:
    for header, parameter in (("Content-Disposition", "filename"), ("Content-Type", "name")):
        found = message.get_param(parameter, None, header)
        if found:
            try:
                return _read_bytes(str(make_header(decode_header(collapse_rfc2231_value(found)))))
            except (ValueError, LookupError, UnicodeError):
                return _read_bytes(str(found))
    return ""


def _read_bytes(text: str) -> str:
    """Bytes beyond ASCII, which a header may not hold, are UTF-8 in practice."""
    raw = text.encode("utf-8", "surrogateescape")
    return codecs.decode(raw, "utf-8", "replace")
