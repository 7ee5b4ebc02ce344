"""Canonical XML as it flows: what a signature in a package was made over, digested in one pass.

Canonical XML 1.0 and 1.1 (inclusive) and Exclusive XML Canonicalization 1.0, of a whole document or of one
element with everything below, without one element that stands in it (the enveloped signature).

Rules: the parser is the one that reads packages, so what is digested is what is read; nothing is held in
memory but the open elements; what has no canonical form (unbound prefixes, relative namespaces, doubled
attributes) raises `Uncanonical` and is never guessed.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import BinaryIO, Final
from xml.parsers import expat

from edoc.edxml.elements import XML_SPACE

_CHUNK: Final = 1 << 18
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_XMLNS: Final = "http://www.w3.org/2000/xmlns/"
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LONGEST_NAME: Final = 2_000
_TEXT: Final = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#xD;"))
_VALUE: Final = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    ('"', "&quot;"),
    ("\t", "&#x9;"),
    ("\n", "&#xA;"),
    ("\r", "&#xD;"),
)
_INHERITED_11: Final = frozenset({"lang", "space"})
"""Canonical XML 1.1, 2.4: `xml:id` is not handed down."""

Names = dict[str, str]
"""Namespaces by prefix; the default one is "", absent or "" where there is none. Never changed once made."""


class Uncanonical(ValueError):  # noqa: N818 - reads as what it is
    """The document has no canonical form, or is not the one that was read before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How to canonicalise."""

    exclusive: bool = False
    comments: bool = False
    eleven: bool = False
    """Canonical XML 1.1 instead of 1.0."""
    prefixes: frozenset[str] = frozenset()
    """Prefixes that the exclusive form treats inclusively; "" stands for the default namespace."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """Something to canonicalise, and where its bytes go."""

    method: Method
    write: Callable[[bytes], object]
    apex: int | None = None
    """The element, by its place in document order, the root being 1; None for the whole document."""
    omit: int | None = None
    """An element that is left out with everything below."""


def canonicalise(source: BinaryIO, targets: Iterable[Target], *, most: int) -> str:
    """Canonicalise all targets in one pass over a document, from where the stream stands.

    Returns the SHA-256 of the bytes read, lower-case hex. Raises `Uncanonical`, also if all targets together
    become longer than `most` bytes: namespaces that are written again and again let a document grow; and if a
    comment stands inside a text: nobody signs comments, and some readers take a text to end there.
    """
    digest = hashlib.sha256()
    walk = Canonicaliser(targets, most)
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        walk.feed(chunk)
    walk.feed(b"", last=True)
    return digest.hexdigest()


@dataclass(slots=True, kw_only=True)
class _Open:
    """An open element."""

    tag: str
    names: Names
    inherited: Names
    """Attributes of the `xml` namespace, its own and those of its ancestors, by local name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """A start tag taken apart."""

    tag: str
    names: Names
    declares: bool
    attributes: list[tuple[str, str, str, str]]
    """Namespace, local name, name as written, value; in canonical order."""


class Canonicaliser:
    """Canonicalises what is fed to it; see `canonicalise`."""

    def __init__(self, targets: Iterable[Target], most: int) -> None:
        self._writers = [_Writer(target) for target in targets]
        self._most = most
        self._stack: list[_Open] = []
        self._place = 0
        self._text = self._remark = False
        """Since the last tag there was text, or a comment."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = _CHUNK
        parser.ordered_attributes = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.CommentHandler = self._comment
        parser.ProcessingInstructionHandler = self._instruction
        self._parser = parser

    def feed(self, chunk: bytes, *, last: bool = False) -> None:
        """Take the next bytes. Raises `Uncanonical`."""
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            raise Uncanonical(f"it is not well-formed ({expat.ErrorString(error.code)})") from None
        if sum(writer.written for writer in self._writers) > self._most:
            raise Uncanonical("its canonical form is too long")

    def feed_plain(self, text: bytes) -> None:
        """Take a text that is its own canonical form, as Base64 is; it stands right behind a tag."""
        for writer in self._writers:
            if writer.is_active:
                writer.write(text)

    def _refuse_doctype(self, *_: object) -> None:
        raise Uncanonical("it carries a DTD")

    def _start(self, tag: str, attributes: list[str]) -> None:
        self._place += 1
        self._text = self._remark = False
        above = self._stack[-1] if self._stack else None
        start = _take_apart(tag, attributes, above.names if above else {})
        own = {local: value for space, local, _, value in start.attributes if space == _XML}
        handed = above.inherited if above else {}
        for writer in self._writers:
            writer.start(self._place, start, handed)
        inherited = {**handed, **own} if own else handed
        self._stack.append(_Open(tag=tag, names=start.names, inherited=inherited))

    def _end(self, _tag: str) -> None:
        tag = self._stack.pop().tag
        self._text = self._remark = False
        for writer in self._writers:
            writer.end(tag)

    def _characters(self, text: str) -> None:
        if not self._text and text.strip(XML_SPACE):
            self._text = True
            self._check_text()
        active = [writer for writer in self._writers if writer.is_active]
        if active:
            data = _escape(text, _TEXT).encode()
            for writer in active:
                writer.write(data)

    def _check_text(self) -> None:
        if self._text and self._remark and self._stack:
            raise Uncanonical("a comment stands inside a text")

    def _comment(self, text: str) -> None:
        self._remark = True
        self._check_text()
        for writer in self._writers:
            if writer.comments:
                writer.put_aside(f"<!--{text}-->", inside=bool(self._stack), after=self._place > 0)

    def _instruction(self, target: str, data: str) -> None:
        text = f"<?{target} {data}?>" if data else f"<?{target}?>"
        for writer in self._writers:
            writer.put_aside(text, inside=bool(self._stack), after=self._place > 0)


@dataclass(slots=True)
class _Writer:
    """One target on its way: whether it is inside, and which namespaces it has written."""

    target: Target
    depth: int = 0
    """Open elements that are written; 0 outside."""
    omitted: int = 0
    """Open elements that are left out."""
    rendered: list[Names] = field(default_factory=list)
    written: int = 0
    """Bytes."""

    @property
    def is_active(self) -> bool:
        return self.depth > 0 and not self.omitted

    @property
    def comments(self) -> bool:
        return self.target.method.comments

    def write(self, data: bytes) -> None:
        self.written += len(data)
        self.target.write(data)

    def start(self, place: int, start: _Start, handed: Names) -> None:
        if self.omitted:
            self.omitted += 1
            return
        apex = 1 if self.target.apex is None else self.target.apex
        if not self.depth and place != apex:
            return
        if place == self.target.omit:
            self.omitted = 1
            return
        first, self.depth = not self.depth, self.depth + 1
        before = {} if first else self.rendered[-1]
        attributes = self._inherit(start, handed) if first else start.attributes
        written = self._choose(start, before, first=first)
        self.rendered.append({**before, **dict(written)} if written else before)
        self.write(_render(start.tag, written, attributes).encode())

    def end(self, tag: str) -> None:
        if self.omitted:
            self.omitted -= 1
        elif self.depth:
            self.depth -= 1
            self.rendered.pop()
            self.write(f"</{tag}>".encode())

    def put_aside(self, text: str, *, inside: bool, after: bool) -> None:
        """Write a comment or an instruction; outside the root each has a line of its own."""
        if inside:
            if self.is_active:
                self.write(text.encode())
        elif self.target.apex is None:
            self.write(f"\n{text}".encode() if after else f"{text}\n".encode())

    def _choose(self, start: _Start, before: Names, *, first: bool) -> list[tuple[str, str]]:
        """The namespaces that are written here, in order of their prefixes."""
        method = self.target.method
        anew = {"", *start.names} if start.declares or first else set()
        if method.exclusive:
            used = {start.tag.rpartition(":")[0], *_list_prefixes(start.attributes)}
            prefixes = used | (anew & method.prefixes)
        else:
            prefixes = anew
        found = [(prefix, start.names.get(prefix, "")) for prefix in prefixes if prefix != "xml"]
        return sorted((prefix, name) for prefix, name in found if before.get(prefix, "") != name)

    def _inherit(self, start: _Start, handed: Names) -> list[tuple[str, str, str, str]]:
        """The apex of an inclusive form takes over attributes of the `xml` namespace from its ancestors."""
        method = self.target.method
        if method.exclusive or not handed:
            return start.attributes
        if method.eleven and "base" in handed:
            raise Uncanonical("an xml:base would have to be joined (Canonical XML 1.1)")
        own = {local for space, local, _, _ in start.attributes if space == _XML}
        wanted = _INHERITED_11 if method.eleven else handed.keys()
        taken = [
            (_XML, local, f"xml:{local}", value)
            for local, value in handed.items()
            if local in wanted and local not in own
        ]
        return sorted([*start.attributes, *taken])


def _take_apart(tag: str, attributes: list[str], above: Names) -> _Start:
    pairs = list(zip(attributes[::2], attributes[1::2], strict=True))
    declared = {name[6:]: value for name, value in pairs if name == "xmlns" or name.startswith("xmlns:")}
    for prefix, name in declared.items():
        _check_declaration(prefix, name)
    names = {**above, **declared} if declared else above
    prefix, _ = _split(tag)
    _bind(prefix, names)
    plain = []
    for name, value in pairs:
        if name == "xmlns" or name.startswith("xmlns:"):
            continue
        prefix, local = _split(name)
        plain.append((_bind(prefix, names) if prefix else "", local, name, value))
    if len({(space, local) for space, local, _, _ in plain}) != len(plain):
        raise Uncanonical("an element has the same attribute twice")
    return _Start(tag=tag, names=names, declares=bool(declared), attributes=sorted(plain))


def _split(name: str) -> tuple[str, str]:
    prefix, colon, local = name.partition(":")
    if not colon:
        return "", name
    if not prefix or not local or ":" in local:
        raise Uncanonical(f"the name {name[:40]!r} is no name of XML namespaces")
    return prefix, local


def _bind(prefix: str, names: Names) -> str:
    if prefix == "xml":
        return _XML
    if prefix and not names.get(prefix):
        raise Uncanonical(f"the prefix {prefix[:40]!r} is not bound to a namespace")
    return names.get(prefix, "")


def _check_declaration(prefix: str, name: str) -> None:
    if name in {_XML, _XMLNS} or prefix in {"xml", "xmlns"}:
        raise Uncanonical("a reserved namespace is declared")
    if prefix and not name:
        raise Uncanonical(f"the prefix {prefix[:40]!r} is declared without a namespace")
    if len(name) > _LONGEST_NAME:
        raise Uncanonical(f"a namespace is longer than {_LONGEST_NAME} characters")
    if name and not _ABSOLUTE.match(name):
        # Canonical XML 1.0, 1: implementations must report a failure
        raise Uncanonical(f"the namespace {name[:80]!r} is relative")


def _list_prefixes(attributes: list[tuple[str, str, str, str]]) -> Iterable[str]:
    return (name.partition(":")[0] for _, _, name, _ in attributes if ":" in name)


def _render(tag: str, names: list[tuple[str, str]], attributes: list[tuple[str, str, str, str]]) -> str:
    declared = "".join(
        f' xmlns:{prefix}="{_escape(name, _VALUE)}"' if prefix else f' xmlns="{_escape(name, _VALUE)}"'
        for prefix, name in names
    )
    plain = "".join(f' {name}="{_escape(value, _VALUE)}"' for _, _, name, value in attributes)
    return f"<{tag}{declared}{plain}>"


def _escape(text: str, entities: tuple[tuple[str, str], ...]) -> str:
    for character, entity in entities:
        if character in text:
            text = text.replace(character, entity)
    return text
