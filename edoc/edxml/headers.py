"""The headers of dispatches and statuses as elements, in the order of the reference library."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from edoc.core.dispatch import Attachment, Business, Dispatch, DocumentInfo, OtherInfo, StatusUpdate
from edoc.core.ids import wire_date
from edoc.core.records import in_vietnam
from edoc.edxml.mapping import plain_fields
from edoc.edxml.markup import Node, text_node


def dispatch_header(dispatch: Dispatch) -> Node:
    """Return the `edXMLHeader` of a document."""
    return Node("edXMLHeader", (Node("MessageHeader", _message(dispatch)), *_trace(dispatch)))


def status_header(status: StatusUpdate) -> Node:
    """Return the `edXMLHeader` of a status."""
    message = (
        _record("From", status.from_),
        _record("ResponseFor", status.response_for),
        *_optional("StaffInfo", status.staff_info),
        *_plain(status),
    )
    return Node("edXMLHeader", (Node("MessageHeader", message),))


def manifest(attachments: Iterable[Attachment]) -> Node:
    """Return the `edXMLBody`; the reference library labels every fresh reference `application/zip`."""
    references = tuple(
        Node(
            "Reference",
            (
                Node("ContentId", f"cid:{attachment.content_id}"),
                Node("ContentType", "application/zip"),
                *text_node("Description", attachment.description),
                *text_node("AttachmentName", attachment.name),
            ),
        )
        for attachment in attachments
    )
    return Node("edXMLBody", (Node("edXMLManifest", references, (("version", "1.0"),)),))


def _message(dispatch: Dispatch) -> tuple[Node, ...]:
    values = {node.name: node for node in _plain(dispatch)}

    def plain(name: str) -> tuple[Node, ...]:
        return (values[name],) if name in values else ()

    return (
        _record("From", dispatch.from_),
        *(_record("To", organization) for organization in dispatch.to),
        *plain("DocumentId"),
        _record("Code", dispatch.code),
        _record("PromulgationInfo", dispatch.promulgation_info),
        _record("DocumentType", dispatch.document_type),
        *plain("Subject"),
        *plain("Content"),
        *_optional("SignerInfo", dispatch.signer_info),
        *plain("DueDate"),
        *_other_info(dispatch.other_info),
        *(_record("ResponseFor", answered) for answered in dispatch.response_for),
        *plain("SteeringType"),
        *_list("ResponseForTask", "TaskCode", dispatch.response_for_task),
        *plain("ApplicationType"),
        *_list("ToPlaces", "Place", dispatch.to_places),
    )


def _trace(dispatch: Dispatch) -> tuple[Node, ...]:
    listed = dispatch.trace_header_list
    content = (
        *_business(dispatch.business),
        *(_record("TraceHeader", hop) for hop in dispatch.trace_headers),
    )
    if listed is None:
        return (Node("TraceHeaderList", content),) if content else ()
    attributes = (("id", listed.id), ("version", listed.version))
    return (Node("TraceHeaderList", content, tuple(pair for pair in attributes if pair[1])),)


def _business(business: Business | None) -> tuple[Node, ...]:
    if business is None:
        return ()
    replaced = tuple(
        Node(
            "ReplacementInfo",
            (
                *_plain(replacement),
                *_list("OrganIdList", "OrganId", replacement.organ_ids),
            ),
        )
        for replacement in business.replacements
    )
    content = (
        *_plain(business),
        *map(_document_info, business.document_infos),
        *((Node("ReplacementInfoList", replaced),) if replaced else ()),
        *(_record("StaffInfo", staff) for staff in business.staff_info),
    )
    return (Node("Bussiness", content),)


def _document_info(info: DocumentInfo) -> Node:
    receivers = tuple(_record("Receiver", receiver) for receiver in info.receivers)
    block = (Node("ReceiverList", receivers),) if receivers else ()
    return Node("BussinessDocumentInfo", (*_plain(info), *block))


def _other_info(info: OtherInfo | None) -> tuple[Node, ...]:
    if info is None:
        return ()
    return (Node("OtherInfo", (*_plain(info), *_list("Appendixes", "Appendix", info.appendixes))),)


def _list(name: str, item: str, texts: tuple[str, ...]) -> tuple[Node, ...]:
    return (Node(name, tuple(node for text in texts for node in text_node(item, text))),) if texts else ()


def _optional(name: str, record: Any) -> tuple[Node, ...]:
    return () if record is None else (_record(name, record),)


def _record(name: str, record: Any) -> Node:
    return Node(name, _plain(record))


def _plain(record: Any) -> tuple[Node, ...]:
    """Elements of the plain fields that have a value; a negative number has none."""
    texts = ((plain.element, _spell(getattr(record, plain.field))) for plain in plain_fields(type(record)))
    return tuple(node for name, text in texts for node in text_node(name, text))


def _spell(value: object) -> str:
    """Write a value as the wire has it, times unshifted in Vietnam's zone; empty if it makes no element."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if value >= 0 else ""
    if isinstance(value, datetime):
        local = in_vietnam(value)
        return f"{wire_date(local)} {local:%H:%M:%S}"
    if isinstance(value, date):
        return wire_date(value)
    return "" if value is None else str(value)
