"""Where the parts of a message stand, in the regulation's form and in those that circulate beside it.

| Form | Root | Message | Attachments |
|---|---|---|---|
| QCVN 102:2016 | `edXML` | `edXMLEnvelope/edXMLHeader/MessageHeader` | `AttachmentEncoded` |
| home-made | `edXML` | the same | `edXMLEnvelope/edXMLAttachments` |
| 512 and 2803 | SOAP `Envelope` | `Header/MessageHeader`, `Header/Status` | `AllDocument`, MIME parts |
| flat | `EdXMLEnvelope` | `MessageHeader`, the trace inside | `Manifest/Attachment` |

Rules: the first of a name counts, as in the reference library; a form other than the regulation's is said.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edoc.edxml.elements import NO_ATTRIBUTES, Element, RenamedElement
from edoc.edxml.findings import Findings
from edoc.edxml.mapping import NAMESPACE
from edoc.edxml.tree import FOREIGN, HOLDERS
from edoc.errors import PackageError

_MESSAGES: Final = ("MessageHeader", "Status")
_CONTAINERS: Final = ("AllDocument", "edXMLDocument", "Document", "Attach", "Attachments", "edXMLAttachments")
# What the flat form calls otherwise: parent and name there, name here.
_FLAT_NAMES: Final = {
    ("SignerInfo", "Signer"): "FullName",
    ("TraceHeader", "Time"): "Timestamp",
    ("TraceHeader", "Path"): "OrganId",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """The parts of a message."""

    header: Element
    message: Element
    trace: Element | None
    references: tuple[Element, ...] = ()
    attachments: tuple[Element, ...] = ()
    manifest: Element | None = None
    copied: Element | None = None
    """The message under the regulation's names, where it is a copy and not of the tree itself."""


def locate(root: Element, findings: Findings) -> Located:
    """Find the parts of a message. Raises `PackageError` if this is no edXML package or lacks a part."""
    root.taken = True
    if root.name == "edXML":
        return _locate_regular(root, findings)
    if root.name == "Envelope":
        return _locate_soap(root, findings)
    if root.name.lower() in {"edxmlenvelope", "edxml"}:
        return _locate_flat(root, findings)
    raise _foreign(root)


def _locate_regular(root: Element, findings: Findings) -> Located:
    envelope = _require(root, "edXMLEnvelope")
    names = {**root.attributes, **envelope.attributes}
    namespace = names.get(f"xmlns:{envelope.prefix}" if envelope.prefix else "xmlns", "")
    if namespace != NAMESPACE:
        findings.add("NAMESPACE_OTHER", envelope.path, namespace)
    header = _require(envelope, "edXMLHeader")
    message = _find_message(header, findings)
    manifest = _find_path(envelope, "edXMLBody", "edXMLManifest")
    encoded = root.find("AttachmentEncoded")
    return Located(
        header=header,
        message=message,
        trace=header.find("TraceHeaderList"),
        manifest=manifest,
        references=_find_references(manifest),
        attachments=(
            *(encoded.find_all(*HOLDERS) if encoded else ()),
            *_find_elsewhere(envelope, findings, "AttachmentEncoded"),
            *_find_elsewhere(root, findings),
        ),
    )


def _locate_soap(root: Element, findings: Findings) -> Located:
    header = root.find("Header")
    if header is None or not any(child.name in _MESSAGES for child in header.children):
        raise _foreign(root)
    findings.add("DIALECT_OTHER", root.path, "SOAP (512/BTTTT, 2803/BTTTT)")
    message = _find_message(header, findings, "Status")
    body = root.find("Body")
    manifest = None if body is None else body.find_any(("Manifest", "edXMLManifest"))
    attachments = [found for place in (root, body) if place for found in _find_holders([place])]
    return Located(
        header=header,
        message=message,
        trace=header.find("TraceHeaderList"),
        manifest=manifest,
        references=_find_references(manifest),
        attachments=tuple(attachments),
    )


def _locate_flat(root: Element, findings: Findings) -> Located:
    findings.add("DIALECT_OTHER", root.path, f"<{root.name}>")
    envelope = root.find_any(("edXMLEnvelope", "EdXMLEnvelope")) or root
    header = envelope.find_any(("edXMLHeader", "Header")) or envelope
    message = _find_message(header, findings)
    trace = header.find("TraceHeaderList")
    copied = _copy(message)
    message.take_all()
    body = envelope.find_any(("edXMLBody", "Body")) or envelope
    manifest = body.find_any(("edXMLManifest", "Manifest"))
    return Located(
        header=header,
        message=copied,
        trace=trace or copied.find("TraceHeaderList"),
        manifest=manifest,
        references=_find_references(manifest),
        attachments=(
            *(manifest.find_all(*HOLDERS) if manifest else ()),
            *_find_elsewhere(envelope, findings, "AttachmentEncoded"),
            *(() if root is envelope else _find_elsewhere(root, findings, "AttachmentEncoded")),
        ),
        copied=copied,
    )


def _foreign(root: Element) -> PackageError:
    return PackageError(
        f"this is XML, but no edXML package: its root is <{root.name[:100]}>.",
        where=root.path,
        code="NOT_EDXML",
    )


def _require(parent: Element, name: str) -> Element:
    found = parent.find(name)
    if found is None:
        raise _missing(parent, name)
    return found


def _missing(parent: Element, name: str) -> PackageError:
    return PackageError(
        f"the element <{name}> is missing.", where=parent.path, advice=FOREIGN, code="ELEMENT_MISSING"
    )


def _find_message(header: Element, findings: Findings, *proper: str) -> Element:
    """The `MessageHeader`, or the `Status` that one vendor and the old forms write instead."""
    for name in _MESSAGES:
        message = header.find(name)
        if message is not None:
            if name not in (*proper, "MessageHeader"):
                findings.add("ELEMENT_RENAMED", message.path, message.name)
            return message
    raise _missing(header, "MessageHeader")


def _find_path(element: Element | None, *names: str) -> Element | None:
    for name in names:
        element = None if element is None else element.find(name)
    return element


def _find_references(manifest: Element | None) -> tuple[Element, ...]:
    return () if manifest is None else tuple(manifest.find_all("Reference"))


def _find_elsewhere(place: Element, findings: Findings, *more: str) -> list[Element]:
    """Attachments where the reference library does not see them."""
    found = []
    for container in place.find_all("edXMLAttachments", "Attachments", *more):
        held = container.find_all(*HOLDERS)
        if held:
            findings.add("ATTACHMENTS_ELSEWHERE", container.path, container.name)
            found += held
    return found


def _find_holders(places: Iterable[Element]) -> list[Element]:
    """Attachments in the containers of the old forms, however they are nested."""
    found, waiting = [], list(places)
    while waiting:
        place = waiting.pop()
        found += place.find_all(*HOLDERS)
        waiting += reversed(place.find_all(*_CONTAINERS))
    return found


def _copy(element: Element, parent: Element | None = None) -> Element:
    """Copy a message of the flat form, under the names of the regulation."""
    parent = parent or element.parent
    name = _FLAT_NAMES.get((parent.name if parent else "", element.name), element.name)
    copied = RenamedElement(name, element, parent)
    copied.raw = element.raw
    if name == "DocumentType" and not element.children:
        return _wrap(copied, "TypeName", element.raw)
    if element.name == "Path":
        start = next((child for child in element.children if child.name == "From"), None)
        copied.raw = "" if start is None else start.raw
        copied.children = [_copy(child, copied) for child in element.children if child is not start]
        return copied
    copied.children = [_copy(child, copied) for child in element.children]
    loose = [child for child in copied.children if child.name == "Appendix"] if name == "OtherInfo" else []
    if loose:
        block = Element("Appendixes", "", loose[0].line, NO_ATTRIBUTES, copied)
        block.children = loose
        copied.children = [child for child in copied.children if child not in loose] + [block]
    return copied


def _wrap(copied: Element, name: str, raw: str) -> Element:
    inner = Element(name, "", copied.line, NO_ATTRIBUTES, copied)
    inner.raw = raw
    copied.raw, copied.children = "", [inner]
    return copied
