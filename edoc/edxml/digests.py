"""SHA-256 and size of each attachment, told with the package in a place that other readers pass over.

    <edoc:AttachmentDigests xmlns:edoc="urn:edoc:package:1">
      <edoc:AttachmentDigest ContentId="cid:att-1" Size="15" SHA-256="1f71…" />
    </edoc:AttachmentDigests>

Rules: it stands behind the attachments, in a namespace of its own, under names that nobody else looks for; it
is over what the recipient shall hold in hands, not over its encoding on the way; a difference is reported
here and refused by a node; whoever changed an attachment on purpose could have changed this too: it shows
accidents, signatures show attacks.
"""

from collections.abc import Sequence
from typing import Final

from edoc.core.dispatch import Attachment
from edoc.edxml.declaration import namespace_of
from edoc.edxml.elements import Element
from edoc.edxml.findings import Findings
from edoc.edxml.mapping import strip_id
from edoc.edxml.markup import Node

NAMESPACE: Final = "urn:edoc:package:1"
PREFIX: Final = "edoc:"
_LIST: Final = "AttachmentDigests"
_ENTRY: Final = "AttachmentDigest"


def spell_digests(attachments: Sequence[Attachment]) -> Node:
    """Give the element; each attachment has its `sha256` and `size`."""
    entries = tuple(
        Node(
            _ENTRY,
            (),
            (
                ("ContentId", f"cid:{attachment.content_id}"),
                ("Size", str(attachment.size)),
                ("SHA-256", attachment.sha256),
            ),
        )
        for attachment in attachments
    )
    return Node(_LIST, entries, ((f"xmlns:{PREFIX[:-1]}", NAMESPACE),))


def find_digests(root: Element) -> list[Element]:
    """What a package says of its attachments; more than one element of these is strange, but all count."""
    found = [child for child in root.children if child.name == _LIST]
    return [child for child in found if namespace_of(child) == NAMESPACE]


def list_told(root: Element) -> frozenset[str]:
    """The SHA-256 of all files that the packer told of, in lower-case hex."""
    entries = [entry for block in find_digests(root) for entry in block.children if entry.name == _ENTRY]
    return frozenset(_digest_of(entry) for entry in entries)


def _digest_of(entry: Element) -> str:
    return entry.attributes.get("SHA-256", "").lower()


def check_digests(root: Element, attachments: Sequence[Attachment], findings: Findings) -> None:
    """Compare the attachments of a package with what their packer said of them; differences are reported.

    The same files under other ids are no difference: there are relays that number anew.
    """
    for block in find_digests(root):
        block.taken = True
        entries = block.find_all(_ENTRY)
        told = [_digest_of(entry) for entry in entries]
        if told != [attachment.sha256 for attachment in attachments]:
            _report(block, entries, attachments, findings)


def _report(
    block: Element, entries: list[Element], attachments: Sequence[Attachment], findings: Findings
) -> None:
    """Name each attachment that is not the one that was told, and those that are not there."""
    told = {strip_id(entry.attributes.get("ContentId", "")): entry for entry in entries}
    ids = {attachment.content_id for attachment in attachments}
    if told.keys().isdisjoint(ids) and sorted(map(_digest_of, entries)) == sorted(
        attachment.sha256 for attachment in attachments
    ):
        return
    for attachment in attachments:
        entry = told.pop(attachment.content_id, None)
        if entry is None:
            findings.add("DIGEST_MISSING", block.path, attachment.name or attachment.content_id)
        elif _digest_of(entry) != attachment.sha256:
            findings.add("DIGEST_DIFFERS", entry.path, attachment.name or attachment.content_id)
    for content_id, entry in told.items():
        findings.add("DIGEST_WITHOUT_ATTACHMENT", entry.path, content_id)
