"""Read the XML of a package under limits: a tree of its header, attachment contents straight to their files.

Rules: no DTD at all, so neither entities nor expansion nor network; prefixes need not be bound, because the
reference library does not ask that either; the whole is never in memory, whatever the package claims.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final
from xml.parsers import expat

from edoc.edxml.elements import Element
from edoc.edxml.limits import Limits
from edoc.edxml.staging import ContentWriter
from edoc.errors import PackageError

_CHUNK: Final = 1 << 18
_FOREIGN: Final = "Ask its sender for an edXML package that was sent as it is."


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a package holds: its tree, and the SHA-256 and the size in bytes of the whole."""

    root: Element
    sha256: str
    size: int


def scan(source: BinaryIO, *, limits: Limits, new_content: Callable[[], ContentWriter]) -> Scanned:
    """Read a package to its end. `new_content` is asked for a writer for each attachment.

    Raises `PackageError` with line and element if it is not well-formed XML, carries a DTD or breaks a limit.
    """
    digest, size = hashlib.sha256(), 0
    handler = _Handler(limits, new_content)
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > limits.package:
            raise PackageError(f"the package is larger than the limit of {limits.package} bytes.")
        digest.update(chunk)
        handler.feed(chunk)
    if not size:
        raise PackageError("the file is empty (0 bytes).", advice=_FOREIGN)
    return Scanned(root=handler.finish(), sha256=digest.hexdigest(), size=size)


class _Handler:
    def __init__(self, limits: Limits, new_content: Callable[[], ContentWriter]) -> None:
        self._limits = limits
        self._new_content = new_content
        self._stack: list[Element] = []
        self._root: Element | None = None
        self._content: tuple[Element, ContentWriter] | None = None
        self._elements = self._text = self._fed = self._attachments = 0
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = _CHUNK
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        self._parser = parser

    def feed(self, chunk: bytes) -> None:
        self._parse(chunk, last=False)
        self._fed += len(chunk)
        # expat holds an unfinished tag or comment in memory until its end comes
        if self._fed - max(self._parser.CurrentByteIndex, 0) > self._limits.token + _CHUNK:
            raise self._broken(f"a tag or comment is longer than the limit of {self._limits.token} bytes")

    def finish(self) -> Element:
        self._parse(b"", last=True)
        assert self._root is not None  # noqa: S101 - expat has seen a whole document
        return self._root

    def _parse(self, chunk: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            words = expat.ErrorString(error.code)
            raise self._broken(f"this is not well-formed XML ({words})", line=error.lineno) from None
        except (ValueError, LookupError) as error:  # an encoding that nobody knows
            raise self._broken(f"the text cannot be decoded ({error})") from None

    def _broken(self, what: str, *, line: int | None = None) -> PackageError:
        place = f"line {self._parser.CurrentLineNumber if line is None else line}"
        if self._stack:
            place += f", in {self._stack[-1].path.partition(',')[0]}"
        return PackageError(f"{what}.", where=place, advice=_FOREIGN)

    def _refuse_doctype(self, *_: object) -> None:
        raise self._broken("the package carries a DTD (DOCTYPE), which edXML never needs")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > self._limits.elements:
            raise self._broken(f"there are more than {self._limits.elements} elements")
        if len(self._stack) >= self._limits.depth:
            raise self._broken(f"elements are nested deeper than {self._limits.depth}")
        self._count(len(tag) + sum(len(key) + len(value) for key, value in attributes.items()))
        parent = self._stack[-1] if self._stack else None
        prefix, _, name = tag.rpartition(":")
        element = Element(
            name, prefix, self._parser.CurrentLineNumber, attributes, parent, place=self._elements
        )
        self._stack.append(element)
        if parent is None:
            self._root = element
            return
        parent.children.append(element)
        if name == "ContentTransferEncoded" and parent.name == "Attachment" and self._content is None:
            self._open_content(element)

    def _open_content(self, element: Element) -> None:
        self._attachments += 1
        if self._attachments > self._limits.attachments:
            raise self._broken(f"there are more than {self._limits.attachments} attachments")
        self._content = element, self._new_content()

    def _characters(self, text: str) -> None:
        element = self._stack[-1]
        if self._content is None:
            self._count(len(text))
            element.parts.append(text)
        elif self._content[0] is element:
            self._content[1].feed(text)

    def _end(self, _tag: str) -> None:
        element = self._stack.pop()
        if self._content is not None and self._content[0] is element:
            element.content = self._content[1].finish()
            self._content = None

    def _count(self, characters: int) -> None:
        self._text += characters
        if self._text > self._limits.text:
            raise self._broken(f"there are more than {self._limits.text} characters outside attachments")
