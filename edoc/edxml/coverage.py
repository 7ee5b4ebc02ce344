"""What a signature covers of a package, compared with what edoc reads of it: the guard against wrapping.

Rules: a signed element counts only where the reader takes it from, the first of its name on a fixed path; a
package is covered if every element is signed but the scaffolding (which says nothing by itself) and the
signatures; whatever else is unsigned is named.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edoc.edxml.declaration import is_dsig
from edoc.edxml.digests import find_digests
from edoc.edxml.elements import XML_SPACE, Element

_HOLDERS: Final = frozenset({"DigitalSignature", "Security"})
"""Elements that some put around a signature."""
_MOST_NAMED: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the reader takes what from."""

    scaffolding: frozenset[int]
    """Places of elements that only hold others."""
    readable: frozenset[int]
    """Places of elements that may be signed one by one; the scaffolding too."""


def lay_out(root: Element) -> Layout:
    """Find the elements that the reader goes through."""
    envelope = _first(root, "edXMLEnvelope")
    header, body = _first(envelope, "edXMLHeader"), _first(envelope, "edXMLBody")
    manifest, encoded = _first(body, "edXMLManifest"), _first(root, "AttachmentEncoded")
    scaffolding = [element for element in (root, envelope, header, body, manifest, encoded) if element]
    message = _first(header, "MessageHeader") or _first(header, "Status")
    parts = [message, _first(header, "TraceHeaderList"), *_all(manifest, "Reference"), *find_digests(root)]
    readable = [element for element in (*parts, *_all(encoded, "Attachment")) if element]
    return Layout(
        scaffolding=frozenset(element.place for element in scaffolding),
        readable=frozenset(element.place for element in (*scaffolding, *readable)),
    )


def list_unsigned(root: Element, layout: Layout, signed: frozenset[int]) -> str:
    """Name what a signature of the elements at the places `signed` leaves unsigned; empty if nothing."""
    names: dict[str, int] = {}
    for element in _walk_unsigned(root, layout, signed):
        names[element.name] = names.get(element.name, 0) + 1
    shown = [f"{name} ×{count}" if count > 1 else name for name, count in names.items()]
    more = ["…"] if len(shown) > _MOST_NAMED else []
    return ", ".join([*shown[:_MOST_NAMED], *more])


def _walk_unsigned(root: Element, layout: Layout, signed: frozenset[int]) -> Iterator[Element]:
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if element.place in signed or is_dsig(element, "Signature"):
            continue
        holds = element.place in layout.scaffolding or element.name in _HOLDERS
        if holds and not element.raw.strip(XML_SPACE):
            waiting += reversed(element.children)
        else:
            yield element


def _first(parent: Element | None, name: str) -> Element | None:
    return next(iter(_all(parent, name)), None)


def _all(parent: Element | None, name: str) -> list[Element]:
    return [] if parent is None else [child for child in parent.children if child.name == name]
