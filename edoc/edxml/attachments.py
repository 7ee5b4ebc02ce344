"""The attachments of a message: matched with its manifest, taken out of their zips, judged, published.

Contents arrive before or after the names that tell what they are, so they were staged first; here everything
is known. Whatever form they travelled in, they become the same records.
"""

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edoc.core.dispatch import Attachment
from edoc.edxml.dangers import Refusal, extension_shown, list_dangers, list_refusals, refuse
from edoc.edxml.dialects import Located
from edoc.edxml.elements import Element
from edoc.edxml.filenames import safe_name, shown_name
from edoc.edxml.findings import Findings
from edoc.edxml.kinds import fits_label, fits_name, tell_nature
from edoc.edxml.limits import Limits
from edoc.edxml.mapping import strip_id
from edoc.edxml.scanner import Part
from edoc.edxml.staging import Content, Staging
from edoc.edxml.tree import CONTENT_NAMES
from edoc.edxml.wrapping import extension_of, is_sent_plain
from edoc.errors import PackageError

_DESTROYED: Final = re.compile(rb"%PDF-[0-9.]+\s+%(?:\xef\xbf\xbd)+")
_ZIP: Final = "application/zip"
_IDS: Final = ("ContentId", "ContentID")
_NAMES: Final = ("AttachmentName", "FileName", "Name", "name")
_TYPES: Final = ("ContentType", "FileType", "AttachmentType")


@dataclass(slots=True, kw_only=True)
class _Item:
    """One attachment as it travelled."""

    place: Element | str
    content_id: str
    """As written; empty if it has none."""
    name: str
    label: str
    content: Content | None
    content_place: Element | str
    description: str = ""
    field_name: str = ""
    mime_type: str = ""

    @property
    def where(self) -> str:
        """Where it stands."""
        return self.place if isinstance(self.place, str) else self.place.path

    @property
    def content_where(self) -> str:
        """Where its content stands."""
        return self.content_place if isinstance(self.content_place, str) else self.content_place.path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reference:
    """One line of the manifest."""

    content_id: str
    name: str
    description: str
    element: Element


def read_attachments(
    located: Located,
    parts: Sequence[Part],
    *,
    staging: Staging,
    limits: Limits,
    findings: Findings,
    told: frozenset[str] = frozenset(),
) -> list[Attachment]:
    """Read and publish all attachments; `told` holds the digests of files as their packer told them.

    Raises `PackageError` if some are refused, with every reason, or if one breaks a limit.
    """
    return _Reading(located, parts, staging, limits, findings, told).read()


class _Reading:
    def __init__(
        self,
        located: Located,
        parts: Sequence[Part],
        staging: Staging,
        limits: Limits,
        findings: Findings,
        told: frozenset[str],
    ) -> None:
        self._staging = staging
        self._limits = limits
        self._findings = findings
        self._items = [*map(_read_element, located.attachments), *map(_read_part, parts)]
        self._references = [_read_reference(element) for element in located.references]
        self._told = told
        self._refusals: list[Refusal] = []

    def read(self) -> list[Attachment]:
        ids = [self._strip_id(item) for item in self._items]
        matched = self._match(ids)
        found = [
            self._read_one(index, item, reference.content_id if reference and not own else own, reference)
            for index, (item, own, reference) in enumerate(zip(self._items, ids, matched, strict=True), 1)
        ]
        if self._refusals:
            raise refuse(self._refusals)
        self._compare(found)
        return found

    def _strip_id(self, item: _Item) -> str:
        if item.content_id.lower().startswith("cid:cid:"):
            self._findings.add("CONTENT_ID_FORM", item.where, item.content_id)
        return strip_id(item.content_id)

    def _match(self, ids: list[str]) -> list[_Reference | None]:
        """Find each attachment's line in the manifest: by id, else by name, else by position."""
        by_id = {reference.content_id: reference for reference in self._references if reference.content_id}
        taken = {id(by_id[own]) for own in ids if own in by_id}
        free = [reference for reference in self._references if id(reference) not in taken]
        by_name = {reference.name: reference for reference in reversed(free) if reference.name}
        in_order = iter(free) if len(free) == ids.count("") else iter(())
        found: list[_Reference | None] = []
        for item, own in zip(self._items, ids, strict=True):
            if own:
                found.append(by_id.get(own))
                continue
            next_free = next(in_order, None)
            reference = by_name.get(item.name) or (None if item.name else next_free)
            if reference is not None and reference.content_id:
                self._findings.add("CONTENT_ID_FROM_MANIFEST", item.where, reference.content_id)
            else:
                self._findings.add("VALUE_MISSING", item.where, "ContentId")
            found.append(reference)
        return found

    def _compare(self, found: list[Attachment]) -> None:
        """Report ids that are given twice, or only on one side."""
        ids = [attachment.content_id for attachment in found]
        named = [reference.content_id for reference in self._references]
        unmatched = (set(named) ^ set(ids)) - {""}
        if len(set(ids)) < len(ids) or len(set(named)) < len(named):
            self._report_twice(
                [(item.where, content_id) for item, content_id in zip(self._items, ids, strict=True)]
            )
            self._report_twice([(each.element.path, each.content_id) for each in self._references])
        if unmatched:
            where = self._items[0].where if self._items else self._references[0].element.path
            self._findings.add("MANIFEST_DIFFERS", where, ", ".join(sorted(unmatched)))

    def _report_twice(self, ids: list[tuple[str, str]]) -> None:
        seen: set[str] = set()
        for where, content_id in ids:
            if content_id and content_id in seen:
                self._findings.add("CONTENT_ID_TWICE", where, content_id)
            seen.add(content_id)

    def _read_one(self, index: int, item: _Item, content_id: str, reference: _Reference | None) -> Attachment:
        name = item.name or self._name_in(reference, item)
        content, wrapping = self._unwrap(item, name)
        path = None
        if content is not None:
            self._judge(item, content, name, wrapping=wrapping)
            path = None if self._refusals else self._publish(item, content, name, index)
        if name and not name.isprintable():
            self._findings.add("NAME_HIDES", item.where, shown_name(name))
        return Attachment(
            content_id=content_id,
            name=name,
            description=item.description or ("" if reference is None else reference.description),
            content_type=item.label,
            field_name=item.field_name,
            mime_type=item.mime_type,
            path=path,
            size=0 if content is None else content.size,
            sha256="" if content is None else content.sha256,
        )

    def _name_in(self, reference: _Reference | None, item: _Item) -> str:
        name = "" if reference is None else reference.name
        if name:
            self._findings.add("NAME_FROM_MANIFEST", item.where, name)
        else:
            self._findings.add("VALUE_MISSING", item.where, "AttachmentName")
        return name

    def _unwrap(self, item: _Item, name: str) -> tuple[Content | None, bool]:
        """The content as it was before transport, and whether a zip of transport was, or is, around it."""
        content = item.content
        if content is None:
            self._findings.add("CONTENT_MISSING", item.where)
            return None, False
        if content.repaired:
            self._findings.add("BASE64_REPAIRED", item.content_where)
        for depth in range(self._limits.zip_nesting + 1):
            if content.sha256 in self._told:  # what was packed may look like a wrapping itself
                return content, depth > 0
            try:
                inner = self._staging.unwrap(content, extension_of(name))
            except zipfile.BadZipFile as error:
                self._findings.add("CONTENT_ZIP_DAMAGED", item.content_where, str(error))
                return content, True
            if inner is None:
                return content, depth > 0
            if depth or is_sent_plain(name) or item.label.lower() != _ZIP:
                self._findings.add("CONTENT_UNWRAPPED", item.where, item.label)
            content = inner
        raise PackageError(
            f"an attachment lies in more than {self._limits.zip_nesting} zips of transport.",
            where=item.where,
            code="ZIP_NESTED",
        )

    def _judge(self, item: _Item, content: Content, name: str, *, wrapping: bool) -> None:
        nature = tell_nature(content, self._limits)
        extension = extension_shown(name)
        dangers = tuple(list_dangers(content, extension, nature, self._limits))
        self._refusals += list_refusals(name, nature, dangers, self._limits.admission, item.where)
        for code, detail in dangers:
            self._findings.add(code, item.where, detail)
        if _DESTROYED.match(content.head):
            self._findings.add("CONTENT_DESTROYED", item.where)
        elif not fits_name(nature, extension):
            self._findings.add("CONTENT_MISMATCH", item.where, name)
        elif wrapping or not item.label:
            return
        elif not fits_label(nature, item.label):
            self._findings.add("LABEL_DIFFERS", item.where, item.label)
        elif item.label.lower() == _ZIP and extension != "zip":
            self._findings.add("CONTENT_PLAIN", item.where)

    def _publish(self, item: _Item, content: Content, name: str, index: int) -> str | None:
        if not self._staging.keeps:
            return None
        safe = safe_name(name, f"attachment-{index}")
        if name and safe != name:
            self._findings.add("NAME_MADE_SAFE", item.where, safe)
        return self._staging.publish(content, safe)


def _read_element(element: Element) -> _Item:
    held = next((child for child in element.children if child.content is not None), None)
    held = held or next((child for child in element.children if child.name in CONTENT_NAMES), None)
    if held is not None:
        held.taken = True
    return _Item(
        place=element,
        content_id=element.find_any_text(_IDS) or _attribute(element, "Content-ID", "ContentID", "ContentId"),
        name=element.find_any_text(_NAMES),
        label=element.find_any_text(_TYPES) or _attribute(element, "Content-Type", "ContentType"),
        description=element.find_text("Description"),
        field_name=element.find_text("FieldName"),
        mime_type=element.find_text("MimeType"),
        content=None if held is None else held.content,
        content_place=held or element,
    )


def _read_part(part: Part) -> _Item:
    where = f"MIME part, line {part.head.line}"
    return _Item(
        place=where,
        content_id=part.head.content_id,
        name=part.head.name,
        label=part.head.content_type,
        content=part.content,
        content_place=where,
    )


def _read_reference(element: Element) -> _Reference:
    element.take_all()
    written = element.find_any_text(_IDS) or next(_list_addresses(element), "")
    return _Reference(
        content_id=strip_id(written),
        name=element.find_text("AttachmentName"),
        description=element.find_text("Description"),
        element=element,
    )


def _list_addresses(element: Element) -> Iterator[str]:
    """The `href` of the old forms and of .NET, under whatever prefix."""
    for name, value in element.attributes.items():
        if name.rpartition(":")[2] == "href":
            yield value


def _attribute(element: Element, *names: str) -> str:
    return next((element.attributes[name] for name in names if name in element.attributes), "")
