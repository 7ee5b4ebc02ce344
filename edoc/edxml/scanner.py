"""Read a package under limits: a tree of its header, the contents of its attachments straight to their files.

Rules: no DTD at all, so neither entities nor expansion nor network; prefixes need not be bound, because the
reference library does not ask that either; the whole is never in memory, whatever the package claims. An old
package may be a MIME message whose first part of XML is the message.
"""

import codecs
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from edoc.edxml.base64text import Base64Decoder
from edoc.edxml.elements import Element
from edoc.edxml.findings import Findings
from edoc.edxml.limits import Limits
from edoc.edxml.multipart import Multipart, PartHead, find_boundary
from edoc.edxml.prologue import holds_message, read_prologue, starts_message, starts_tag
from edoc.edxml.staging import Content, ContentWriter, Staging
from edoc.edxml.tree import FOREIGN, Tree, starts_attachments
from edoc.errors import PackageError

_CHUNK: Final = 1 << 18
_SNIFF: Final = 1024
_XML_TYPES: Final = frozenset({"text/xml", "application/xml", "application/soap+xml", "application/xop+xml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An attachment that travelled in a MIME part of its own."""

    head: PartHead
    content: Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a package holds: its tree, and the SHA-256 and the size in bytes of the whole."""

    root: Element
    elements: list[Element]
    """All of the tree, in document order."""
    parts: tuple[Part, ...]
    sha256: str
    size: int

    def release(self) -> None:
        """Take the tree apart: parents and children hold each other, and would wait for the collector."""
        for element in self.elements:
            element.parent = None


def looks_like_package(head: bytes) -> bool:
    """Tell from the first bytes of a file whether it may be a package, in XML or MIME, after junk or not."""
    return starts_tag(head) or bool(find_boundary(head)) or holds_message(head)


def scan(source: BinaryIO, *, limits: Limits, findings: Findings, staging: Staging) -> Scanned:
    """Read a package to its end; the contents of its attachments go to `staging`.

    Raises `PackageError` with line and element if it is not well-formed XML, carries a DTD or breaks a limit.
    """
    digest, size = hashlib.sha256(), 0
    scanner = _Scanner(limits, findings, staging)
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > limits.package:
            raise PackageError(
                f"the package is larger than the limit of {limits.package} bytes.", code="PACKAGE_TOO_LARGE"
            )
        digest.update(chunk)
        scanner.feed(chunk)
    if not size:
        raise PackageError("the file is empty (0 bytes).", advice=FOREIGN, code="PACKAGE_EMPTY")
    return scanner.finish(digest.hexdigest(), size)


class _Taker(Protocol):
    def write(self, data: bytes, /) -> object:
        """Take the next bytes."""

    def finish(self) -> object:
        """There are no more."""


class _Scanner:
    """Chooses how a package is read by its first bytes."""

    def __init__(self, limits: Limits, findings: Findings, staging: Staging) -> None:
        self._limits = limits
        self._findings = findings
        self._staging = staging
        self._tree = Tree(limits, findings, staging.new_content)
        self._parts: list[Part] = []
        self._waiting = b""
        self._taker: _Taker | None = None

    def feed(self, chunk: bytes) -> None:
        if self._taker is not None:
            self._taker.write(chunk)
            return
        self._waiting += chunk
        if len(self._waiting) > self._limits.junk:
            self._begin()

    def _begin(self) -> None:
        head, self._waiting = self._waiting, b""
        boundary = find_boundary(head)
        if boundary:
            self._findings.add("DIALECT_OTHER", "line 1", "MIME multipart")
            self._taker = Multipart(boundary, self._limits, self._open_part)
        else:
            self._taker = _Text(self._tree, self._limits, self._findings)
        self._taker.write(head)

    def finish(self, sha256: str, size: int) -> Scanned:
        if self._taker is None:
            self._begin()
        assert self._taker is not None  # noqa: S101 - just begun
        self._taker.finish()
        if not self._tree.begun and isinstance(self._taker, Multipart):
            raise PackageError("no part of it is an edXML message.", advice=FOREIGN, code="NOT_EDXML")
        self._tree.finish()  # also says why there is no root
        return Scanned(
            root=self._tree.root,
            elements=self._tree.elements,
            parts=tuple(self._parts),
            sha256=sha256,
            size=size,
        )

    def _open_part(self, head: PartHead) -> _Taker:
        return _MailPart(head, self._choose, self._findings)

    def _choose(self, head: PartHead, begin: bytes) -> _Taker:
        """Tell what a part is: the message, attachments in XML, or one attachment."""
        is_xml = head.content_type in _XML_TYPES
        if not self._tree.begun and (is_xml or starts_message(begin)):
            return _Text(self._tree, self._limits, self._findings, line=head.line)
        if self._tree.begun and starts_attachments(begin):
            self._tree.append()
            return _Text(self._tree, self._limits, self._findings, line=head.line)
        self._tree.count_attachment()
        return _Attached(head, self._staging.new_content(), self._parts)


class _Text:
    """XML in whatever encoding, on its way to the tree."""

    def __init__(self, tree: Tree, limits: Limits, findings: Findings, *, line: int = 0) -> None:
        self._tree = tree
        self._limits = limits
        self._findings = findings
        self._line = line
        self._waiting: bytes | None = b""
        self._decode: codecs.IncrementalDecoder | None = None

    def write(self, data: bytes) -> None:
        if self._waiting is None:
            self._feed(data)
            return
        self._waiting += data
        if len(self._waiting) > self._limits.junk:
            self._begin(self._waiting)

    def _begin(self, head: bytes) -> None:
        self._waiting = None
        prologue = read_prologue(head, self._limits, self._findings)
        self._tree.lines = prologue.lines + self._line
        if prologue.encoding != "utf-8":
            self._decode = codecs.getincrementaldecoder(prologue.encoding)()
        self._feed(head[prologue.skip :] if prologue.skip else head)

    def _feed(self, data: bytes, *, last: bool = False) -> None:
        if self._decode is None:
            self._tree.feed(data)
            return
        try:
            text = self._decode.decode(data, last)
        except ValueError as error:
            raise PackageError(
                f"the text cannot be decoded ({error}).", where=f"line {self._tree.line}", code="XML_ENCODING"
            ) from None
        self._tree.feed(text.encode())

    def finish(self) -> None:
        if self._waiting is not None:
            self._begin(self._waiting)
        if self._decode is not None:
            self._feed(b"", last=True)


class _MailPart:
    """One MIME part: its transfer encoding is undone, and its first bytes tell who takes it."""

    def __init__(
        self, head: PartHead, choose: Callable[[PartHead, bytes], _Taker], findings: Findings
    ) -> None:
        self._head = head
        self._choose = choose
        self._findings = findings
        self._decoder = Base64Decoder() if head.encoding == "base64" else None
        self._waiting = b""
        self._taker: _Taker | None = None

    def write(self, data: bytes) -> None:
        if self._decoder is not None:
            data = self._decoder.feed(data.decode("ascii", "replace"))
        self._pass(data)

    def _pass(self, data: bytes) -> None:
        if self._taker is not None:
            self._taker.write(data)
            return
        self._waiting += data
        if len(self._waiting) >= _SNIFF:
            self._open()

    def _open(self) -> None:
        self._taker = self._choose(self._head, self._waiting)
        self._taker.write(self._waiting)

    def finish(self) -> None:
        if self._decoder is not None:
            self._pass(self._decoder.finish())
            if self._decoder.repaired:
                self._findings.add("BASE64_REPAIRED", f"line {self._head.line}")
        if self._taker is None:
            self._open()
        assert self._taker is not None  # noqa: S101 - just opened
        self._taker.finish()


class _Attached:
    """An attachment in a part of its own."""

    def __init__(self, head: PartHead, writer: ContentWriter, parts: list[Part]) -> None:
        self._head = head
        self._writer = writer
        self._parts = parts

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def finish(self) -> None:
        self._parts.append(Part(head=self._head, content=self._writer.finish()))
