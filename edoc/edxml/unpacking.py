"""Read one package from a stream: header, attachments, warnings.

The order is fixed by the wire: contents arrive before or after the names that tell what they are, so they are
staged first, and named, unwrapped and judged when everything is known.
"""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from edoc.core.dispatch import Attachment, Dispatch, StatusUpdate
from edoc.edxml import reader
from edoc.edxml.elements import Element
from edoc.edxml.filenames import safe_name
from edoc.edxml.findings import Findings, PackageWarning
from edoc.edxml.limits import Limits
from edoc.edxml.scanner import Scanned, scan
from edoc.edxml.staging import Content, Staging
from edoc.edxml.wrapping import extension_of, is_sent_plain

_CID: Final = re.compile(r"^(?:cid:)+")
# What a file of that name starts with; others are not judged here.
_MAGIC: Final = {
    "pdf": (b"%PDF-",),
    "docx": (b"PK\x03\x04",),
    "xlsx": (b"PK\x03\x04",),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "doc": (b"\xd0\xcf\x11\xe0", b"{\\rtf"),
    "xls": (b"\xd0\xcf\x11\xe0",),
    "png": (b"\x89PNG",),
}
_DESTROYED: Final = re.compile(rb"%PDF-[0-9.]+\s+%(?:\xef\xbf\xbd)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a package says; either a dispatch or a status."""

    dispatch: Dispatch | None
    status: StatusUpdate | None
    warnings: tuple[PackageWarning, ...]
    sha256: str
    size: int
    scanned: Scanned
    """What the names above were read from."""


def read_package(source: BinaryIO, *, into: Path | None, limits: Limits, durable: bool = True) -> Read:
    """Read a package and write its attachments into a folder, if one is given, at the very end.

    `durable` attachments are on the disk when this returns. Raises `PackageError` if it cannot be read or
    breaks a limit; nothing is left in the folder then.
    """
    findings = Findings()
    with Staging(into, limits, durable=durable) as staging:
        scanned = scan(source, limits=limits, new_content=staging.new_content)
        header = reader.find_header(scanned.root, findings)
        message = reader.find_message(header, findings)
        dispatch = status = None
        if reader.is_status(message):
            status = reader.read_status(message, findings)
        else:
            attachments = _Attachments(scanned.root, staging, findings).read()
            dispatch = reader.read_dispatch(header, message, attachments, findings)
        reader.report_left_over(scanned.root, findings)
    return Read(
        dispatch=dispatch,
        status=status,
        warnings=findings.warnings,
        sha256=scanned.sha256,
        size=scanned.size,
        scanned=scanned,
    )


class _Attachments:
    """The attachments of one package, with what the manifest says of them."""

    def __init__(self, root: Element, staging: Staging, findings: Findings) -> None:
        self._staging = staging
        self._findings = findings
        encoded = root.find("AttachmentEncoded")
        self._elements = [] if encoded is None else encoded.find_all("Attachment")
        self._references = _manifest(root)
        self._ids: set[str] = set()

    def read(self) -> list[Attachment]:
        found = [self._read_one(index, element) for index, element in enumerate(self._elements, start=1)]
        unmatched = self._ids.symmetric_difference(self._references)
        if unmatched and self._elements:
            self._findings.add("MANIFEST_DIFFERS", self._elements[0].path, ", ".join(sorted(unmatched)))
        return found

    def _read_one(self, index: int, element: Element) -> Attachment:
        content_id = self._content_id(element)
        reference = self._references.get(content_id)
        name = element.find_text("AttachmentName") or self._name_in(reference, element)
        label = element.find_text("ContentType")
        described = element.find_text("Description")
        content = self._content(element, name, label)
        path = None
        if content is not None:
            self._judge(content, name, element)
            path = self._publish(content, name, index, element)
        return Attachment(
            content_id=content_id,
            name=name,
            description=described or ("" if reference is None else reference.find_text("Description")),
            content_type=label,
            field_name=element.find_text("FieldName"),
            mime_type=element.find_text("MimeType"),
            path=path,
            size=0 if content is None else content.size,
            sha256="" if content is None else content.sha256,
        )

    def _content_id(self, element: Element) -> str:
        written = element.find_text("ContentId")
        content_id = _CID.sub("", written)
        if written.startswith("cid:cid:"):
            self._findings.add("CONTENT_ID_FORM", element.path, written)
        if content_id in self._ids:
            self._findings.add("CONTENT_ID_TWICE", element.path, content_id)
        self._ids.add(content_id)
        return content_id

    def _name_in(self, reference: Element | None, element: Element) -> str:
        name = "" if reference is None else reference.find_text("AttachmentName")
        if name:
            self._findings.add("NAME_FROM_MANIFEST", element.path, name)
        else:
            self._findings.add("VALUE_MISSING", element.path, "AttachmentName")
        return name

    def _content(self, element: Element, name: str, label: str) -> Content | None:
        encoded = element.find("ContentTransferEncoded")
        content = None if encoded is None else encoded.content
        if encoded is None or content is None:
            self._findings.add("CONTENT_MISSING", element.path)
            return None
        if content.repaired:
            self._findings.add("BASE64_REPAIRED", encoded.path)
        try:
            inner = self._staging.unwrap(content, extension_of(name))
        except zipfile.BadZipFile as error:
            self._findings.add("CONTENT_ZIP_DAMAGED", encoded.path, str(error))
            return content
        if inner is None:
            return content
        if is_sent_plain(name) or label.lower() != "application/zip":
            self._findings.add("CONTENT_UNWRAPPED", element.path, label)
        return inner

    def _judge(self, content: Content, name: str, element: Element) -> None:
        expected = _MAGIC.get(extension_of(name).lower())
        if _DESTROYED.match(content.head):
            self._findings.add("CONTENT_DESTROYED", element.path)
        elif expected is not None and not content.head.startswith(expected):
            self._findings.add("CONTENT_MISMATCH", element.path, name)

    def _publish(self, content: Content, name: str, index: int, element: Element) -> str | None:
        if not self._staging.keeps:
            return None
        safe = safe_name(name, f"attachment-{index}")
        if name and safe != name:
            self._findings.add("NAME_MADE_SAFE", element.path, safe)
        return self._staging.publish(content, safe)


def _manifest(root: Element) -> dict[str, Element]:
    """The manifest's references by content id."""
    envelope = root.find("edXMLEnvelope")
    body = None if envelope is None else envelope.find("edXMLBody")
    manifest = None if body is None else body.find("edXMLManifest")
    references = [] if manifest is None else manifest.find_all("Reference")
    for reference in references:
        reference.take_all()
    return {_CID.sub("", reference.find_text("ContentId")): reference for reference in references}
