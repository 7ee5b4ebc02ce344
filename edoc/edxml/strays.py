"""What a package holds beyond the format: unknown elements and attributes, loose texts, signatures.

Rules: nothing of it is lost in silence; what can be carried on is kept, the rest is said.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from edoc.core.dispatch import Stray
from edoc.edxml.declaration import is_dsig, walk
from edoc.edxml.dialects import Located
from edoc.edxml.elements import Element
from edoc.edxml.findings import Findings
from edoc.edxml.scanner import Scanned
from edoc.edxml.tree import HOLDERS

_ROOM: Final = 256 << 10
"""Characters of all strays of one package that are kept."""
_OVERHEAD: Final = 200
_MOST_PIECES: Final = 10_000
_SIGNATURES: Final = frozenset({"Signature", "DigitalSignature"})
_KNOWN: Final = {
    "TraceHeaderList": frozenset({"id", "version"}),
    "edXMLManifest": frozenset({"version"}),
    "Manifest": frozenset({"version"}),
    "Reference": frozenset({"href"}),
    "AttachmentDigest": frozenset({"ContentId", "Size", "SHA-256"}),
} | dict.fromkeys(HOLDERS, frozenset({"Content-Type", "ContentType", "Content-ID", "ContentID", "ContentId"}))


def pass_signatures(scanned: Scanned, located: Located, findings: Findings) -> None:
    """Take the signatures: true ones are verification's affair, what only looks like one is said."""
    for element in located.header.find_all(*_SIGNATURES):
        element.take_all()
        if (element.children or element.text) and not _is_true(element):
            findings.add("SIGNATURE_NOT_EVIDENCE", element.path)
    for element in [each for each in scanned.elements if each.name == "Signature" and not each.taken]:
        if is_dsig(element, "Signature"):
            element.taken = True
            element.take_all()


def _is_true(element: Element) -> bool:
    return any(is_dsig(each, "Signature") for each in (element, *walk(element)))


def collect_strays(scanned: Scanned, located: Located, findings: Findings) -> tuple[Stray, ...]:
    """Keep what nobody took, and report it."""
    collection = _Collection(findings)
    for element in _list_elements(scanned, located):
        collection.keep_element(element)
    for element in [each for each in scanned.elements if each.raw and each.children]:
        if element.taken:
            findings.add("TEXT_IGNORED", element.path, element.text)
    for element in [each for each in scanned.elements if each.attributes]:
        for name in _list_attributes(element):
            collection.keep_attribute(element, name)
    return tuple(collection.kept)


class _Collection:
    """Strays, as far as there is room."""

    def __init__(self, findings: Findings) -> None:
        self.kept: list[Stray] = []
        self._findings = findings
        self._room = _ROOM

    def keep_element(self, element: Element) -> None:
        value = "".join(islice(_spell(element), _MOST_PIECES))
        whole = not any(each.content for each in (element, *walk(element)))
        kept = whole and self._take(element, _written(element), value, attribute=False)
        self._findings.add("ELEMENT_KEPT" if kept else "ELEMENT_IGNORED", element.path, element.name)

    def keep_attribute(self, element: Element, name: str) -> None:
        kept = self._take(element, name, element.attributes[name], attribute=True)
        self._findings.add("ATTRIBUTE_KEPT" if kept else "ATTRIBUTE_IGNORED", element.path, name)

    def _take(self, element: Element, name: str, value: str, *, attribute: bool) -> bool:
        size = _OVERHEAD + len(value)
        if size > self._room:
            return False
        self._room -= size
        holder = element if attribute else element.parent
        where = "" if holder is None else holder.path.rpartition(", line ")[0]
        self.kept.append(Stray(where=where, name=name, attribute=attribute, value=value))
        return True


def _written(element: Element) -> str:
    return f"{element.prefix}:{element.written}" if element.prefix else element.written


def _spell(element: Element) -> Iterator[str]:
    """An element as XML again; texts between its elements come first."""
    name = _written(element)
    yield f"<{name}"
    for key, value in element.attributes.items():
        yield f" {key}={quoteattr(value)}"
    yield ">"
    yield escape(element.text)
    for child in element.children:
        yield from _spell(child)
    yield f"</{name}>"


def _list_elements(scanned: Scanned, located: Located) -> Iterator[Element]:
    for element in [each for each in scanned.elements if not each.taken]:
        if element.parent is not None and element.parent.taken:
            yield element
    if located.copied is not None:
        yield from located.copied.left_over()


def _list_attributes(element: Element) -> Iterator[str]:
    """Attributes that the format does not have, of elements that it has; namespaces are none."""
    known = _KNOWN.get(element.name, frozenset())
    for name in element.attributes:
        prefix, _, local = name.rpartition(":")
        if "xmlns" not in {prefix, name} and local not in known and _is_carried(element):
            yield name


def _is_carried(element: Element) -> bool:
    above: Element | None = element
    while above is not None:
        if not above.taken or above.name in _SIGNATURES:
            return False
        above = above.parent
    return True
