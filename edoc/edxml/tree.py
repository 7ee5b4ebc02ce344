"""Grow the tree of a package from its XML as it flows; contents of attachments go to their writers.

Rules: no DTD; every limit is kept as the bytes come; the text of a content never reaches the parser where it
is plain Base64, because a parser can only slow it down; what follows the root is either the attachments of an
old package, in a second root, or junk that is counted.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final
from xml.parsers import expat

from edoc.edxml.elements import NO_ATTRIBUTES, NO_CHILDREN, XML_SPACE, Element
from edoc.edxml.findings import Findings
from edoc.edxml.limits import Limits
from edoc.edxml.staging import ContentWriter
from edoc.errors import PackageError

FOREIGN: Final = "Ask its sender for an edXML package that was sent as it is."
HOLDERS: Final = frozenset({"Attachment", "edXMLAttachment"})
"""Elements that stand for an attachment; which dialect has which is `edoc.edxml.dialects`' affair."""
CONTENT_NAMES: Final = frozenset(
    {"ContentTransferEncoded", "AttachmentData", "Content", "FileContent", "Data", "value", "Value"}
)
"""Their children that hold the content, in Base64."""
_ATTACHMENTS: Final = re.compile(
    rb"\s*(?:<\?xml\s[^>]*\?>)?\s*<(?:[^<>\s/:]{1,60}:)?(?:AllDocument|edXMLDocument)[\s>]"
)
_SNIFF: Final = 1024
_BUFFER: Final = 1 << 16
_LONG: Final = 1024
"""Bytes of a text that is worth leading past the parser."""
_LONGEST_KNOWN: Final = 80
"""Characters of a tag that is worth remembering; packages share nearly all of theirs."""
_XMLNS: Final = "xmlns"
_BOUND: Final = ("xml", _XMLNS)
_DECLARES: Final = f"{_XMLNS}:"
_MOST_NAMED: Final = 100

NewContent = Callable[[], ContentWriter]


def _split(tag: str) -> tuple[str, str, bool]:
    """Take a tag's name apart: prefix, local name, and whether it could hold a content."""
    prefix, _, name = tag.rpartition(":")
    return prefix, name, name in CONTENT_NAMES


_split_known = lru_cache(maxsize=512)(_split)


def _find_long_text(data: bytes, at: int) -> int:
    """Where the next long text, or what there is of one at the end, begins behind a tag; else the end."""
    size, step, place = len(data), _LONG // 2, at
    while place + step <= size:
        if data.find(b"<", place, place + step) < 0:
            begin = data.rfind(b">", at, place + step) + 1
            if begin:
                return begin
            place = data.find(b"<", place + step)  # of the text before, which is no affair of ours
            if place < 0:
                return size
        place += step
    begin = data.rfind(b">", at) + 1
    tail = data[begin:]
    return begin if begin and b"<" not in tail and not tail.isspace() else size


def starts_attachments(data: bytes) -> bool:
    """Tell whether a piece of XML begins the attachments of an old package, which stand apart from it."""
    return _ATTACHMENTS.match(data) is not None


def _keep(texts: list[str], kept: dict[int, list[str]], place: int) -> None:
    """Keep a text that stands between elements, unless it is mere white space."""
    text = "".join(texts)
    texts.clear()
    if text.strip(XML_SPACE):
        kept.setdefault(place, []).append(text)


class Tree:
    """The tree of one package; `feed` bytes, then `finish`. Both raise `PackageError`."""

    def __init__(self, limits: Limits, findings: Findings, new_content: NewContent) -> None:
        self.elements: list[Element] = []
        """All elements, in document order."""
        self.lines = 0
        """Lines that the parser does not see."""
        self._limits = limits
        self._findings = findings
        self._new_content = new_content
        self._stack: list[Element] = []
        self._scope = dict.fromkeys(_BOUND, 1)
        self._unbound: dict[str, str] = {}
        self._content: tuple[Element, ContentWriter] | None = None
        self._outside = self._encoded = self._attachments = 0
        self._behind = b""
        self._junk = 0
        self._begin()

    def _begin(self) -> None:
        """Begin a document: the first, or the one with the attachments."""
        self._parser = parser = expat.ParserCreate("UTF-8")
        parser.buffer_text = True
        parser.buffer_size = _BUFFER
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._base = len(self._stack)
        self._handle_tags()
        self._closed = self._left = self._direct = False
        self._fed = self._opened_at = 0
        self._last = b""

    @property
    def root(self) -> Element:
        """The root, once there is one."""
        return self.elements[0]

    @property
    def begun(self) -> bool:
        """Whether there is a root."""
        return bool(self.elements)

    # Bytes

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        at = 0
        while at < len(data):
            if self._left:
                self._follow(data[at:])
                return
            if self._direct:
                at = self._take_content(data, at)
                continue
            begin = _find_long_text(data, at)
            self._parse(data[at:begin] if at or begin < len(data) else data)
            self._look_behind(begin - data.rfind(b"<", at, begin))
            at = begin

    def _look_behind(self, size: int) -> None:
        """See whether the parser stands right behind the start tag, of that size, of a content."""
        self._direct = self._content is not None and self._opened_at == self._fed - size

    def _take_content(self, data: bytes, at: int) -> int:
        """Hand the text up to the next tag to the writer, or to the parser if it is not plain Base64."""
        assert self._content is not None  # noqa: S101 - that is what `_direct` says
        stop = data.find(b"<", at)
        end = len(data) if stop < 0 else stop
        piece = memoryview(data)[at:end]
        lines = self._content[1].feed_raw(piece)
        if lines is None:
            self._parse(bytes(piece))
        else:
            self.lines += lines
        self._direct = lines is not None and stop < 0
        return end

    def _parse(self, data: bytes, *, last: bool = False) -> None:
        before, previous = self._fed, self._last
        self._fed, self._last = before + len(data), data
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            if not self._closed:
                words = expat.ErrorString(error.code)
                raise self._broken(f"this is not well-formed XML ({words})", "XML_MALFORMED") from None
            at = self._parser.ErrorByteIndex - before
            self._left = True
            self._follow(data[at:] if at >= 0 else previous[at:] + data)
            return
        # all that was fed is markup, or text that is kept, but for contents that the parser had to look at
        self._outside += len(data)
        if self._outside - self._encoded > self._limits.text:
            raise self._broken(
                f"there are more than {self._limits.text} bytes outside attachments", "XML_TOO_MUCH_TEXT"
            )
        # expat holds an unfinished tag or comment in memory until its end comes
        if self._fed - max(self._parser.CurrentByteIndex, 0) > self._limits.token + _BUFFER:
            raise self._broken(
                f"a tag or comment is longer than the limit of {self._limits.token} bytes",
                "XML_TOKEN_TOO_LONG",
            )

    def finish(self) -> None:
        """The package is over."""
        if not self._left:
            self._parse(b"", last=True)
        if self._behind and self._decide():
            self._parse(b"", last=True)
        self._junk += len(self._behind)
        for prefix, path in self._unbound.items():
            self._findings.add("PREFIX_UNBOUND", path, prefix)
        if self._junk:
            self._findings.add("TRAILING_JUNK", f"line {self.line}", str(self._junk))
        self._release()

    def _release(self) -> None:
        """Let go of the handlers: they and the parser hold each other, and would wait for the collector."""
        parser = self._parser
        parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
        parser.StartDoctypeDeclHandler = None
        del self._end, self._characters

    # What stands behind the root

    def _follow(self, data: bytes) -> None:
        if self._junk:
            self._junk += len(data)
            return
        self._behind += data
        if len(self._behind) >= _SNIFF:
            self._decide()

    def _decide(self) -> bool:
        """Tell by its first bytes what stands behind; True if it is read."""
        behind, self._behind = self._behind, b""
        if not self._base and self.root.name == "Envelope" and starts_attachments(behind):
            self.append()
            self.feed(behind.lstrip())
            return not self._left
        self._junk += len(behind)
        return False

    def append(self) -> None:
        """Take what is fed from now on for a document whose root is a child of this one's."""
        self.lines = self.line - 1
        self._release()
        self._stack[:] = [self.root]
        self._begin()

    # The parser's events

    @property
    def line(self) -> int:
        """Where the parser stands."""
        return self._parser.CurrentLineNumber + self.lines

    def _broken(self, what: str, code: str) -> PackageError:
        place = f"line {self.line}"
        if self._stack:
            place += f", in {self._stack[-1].path.partition(',')[0]}"
        return PackageError(f"{what}.", where=place, advice=FOREIGN, code=code)

    def _refuse_doctype(self, *_: object) -> None:
        raise self._broken("the package carries a DTD (DOCTYPE), which edXML never needs", "XML_DTD")

    def _handle_tags(self) -> None:  # noqa: C901 - handlers in one place
        """Handlers as closures, because they run for every tag; texts are picked up by the next tag."""
        parser, stack, elements, scope = self._parser, self._stack, self.elements, self._scope
        most_elements, most_deep, base = self._limits.elements, self._limits.depth, self._base
        texts: list[str] = []
        between: dict[int, list[str]] = {}

        def start(tag: str, attributes: dict[str, str]) -> None:
            place, depth = len(elements) + 1, len(stack)
            if place > most_elements or depth >= most_deep:
                self._refuse_element()
            prefix, name, encoded = _split_known(tag) if len(tag) <= _LONGEST_KNOWN else _split(tag)
            parent = stack[-1] if depth else None
            line = parser.CurrentLineNumber + self.lines
            element = Element(name, prefix, line, attributes or NO_ATTRIBUTES, parent, place)
            elements.append(element)
            stack.append(element)
            if attributes:
                self._read_attributes(element)
            if prefix and prefix not in scope:
                self._note_unbound(prefix, element)
            if parent is None:
                return
            if texts:
                if not texts[0].isspace() or len(texts) > 1:
                    _keep(texts, between, parent.place)
                texts.clear()
            if parent.children is NO_CHILDREN:
                parent.children = [element]
            else:
                parent.children.append(element)
            if encoded and parent.name in HOLDERS and self._content is None:
                self._open_content(element)

        def end(_tag: str) -> None:
            element = stack.pop()
            if texts:
                if element.children is NO_CHILDREN:
                    element.raw = "".join(texts)
                elif not texts[0].isspace() or len(texts) > 1:
                    _keep(texts, between, element.place)
                texts.clear()
            if between:
                element.raw += "".join(between.pop(element.place, ()))
            if element.attributes:
                self._leave_scope(element)
            if len(stack) == base:
                self._closed = True

        self._characters, self._end = texts.append, end
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = self._characters

    def _refuse_element(self) -> None:
        limits = self._limits
        if len(self.elements) >= limits.elements:
            raise self._broken(f"there are more than {limits.elements} elements", "XML_TOO_MANY_ELEMENTS")
        raise self._broken(f"elements are nested deeper than {limits.depth}", "XML_TOO_DEEP")

    def _read_attributes(self, element: Element) -> None:
        limits, attributes = self._limits, element.attributes
        if len(attributes) > limits.attributes:
            raise self._broken(
                f"an element has more than {limits.attributes} attributes", "XML_TOO_MANY_ATTRIBUTES"
            )
        for name in attributes:
            if name.startswith(_DECLARES):
                prefix = name.removeprefix(_DECLARES)
                self._scope[prefix] = self._scope.get(prefix, 0) + 1
        for name in attributes:
            if ":" in name and (prefix := name.partition(":")[0]) not in self._scope:
                self._note_unbound(prefix, element)

    def _leave_scope(self, element: Element) -> None:
        for name in element.attributes:
            if name.startswith(_DECLARES):
                prefix = name.removeprefix(_DECLARES)
                self._scope[prefix] -= 1
                if not self._scope[prefix]:
                    del self._scope[prefix]

    def _note_unbound(self, prefix: str, element: Element) -> None:
        if len(self._unbound) < _MOST_NAMED and prefix not in self._unbound:
            self._unbound[prefix] = element.path

    def _open_content(self, element: Element) -> None:
        self.count_attachment()
        self._content = element, self._new_content()
        self._opened_at = self._parser.CurrentByteIndex
        self._parser.CharacterDataHandler = self._take_text
        self._parser.EndElementHandler = self._end_content

    def _take_text(self, text: str) -> None:
        """Take a piece of a content that the parser had to look at; what stands deeper is no content."""
        assert self._content is not None  # noqa: S101 - this is its handler
        element, writer = self._content
        self._encoded += len(text)
        if element is self._stack[-1]:
            writer.feed(text)

    def _end_content(self, tag: str) -> None:
        """An element ends while a content is open: that of the content, or one inside it."""
        assert self._content is not None  # noqa: S101 - this is its handler
        element, writer = self._content
        ended = self._stack[-1] is element
        self._end(tag)
        if ended:
            element.content = writer.finish()
            self._content = None
            self._parser.CharacterDataHandler = self._characters
            self._parser.EndElementHandler = self._end

    def count_attachment(self) -> None:
        """Count one more attachment against the limit."""
        self._attachments += 1
        if self._attachments > self._limits.attachments:
            raise self._broken(
                f"there are more than {self._limits.attachments} attachments", "ATTACHMENTS_TOO_MANY"
            )
