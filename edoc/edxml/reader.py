"""Read the message of a package as the wild demands: any prefix, any order, nothing lost in silence.

Rules: elements are found by local name, and the first of a name counts; a document and a status are told
apart by `StatusCode`, because each parser "accepts" the other's messages; whatever had to be repaired,
guessed or left out is a coded warning.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, TypeVar

from edoc.core.dispatch import (
    Attachment,
    Business,
    Code,
    Dispatch,
    DocumentInfo,
    DocumentType,
    Organization,
    OtherInfo,
    PromulgationInfo,
    Receiver,
    Replacement,
    ResponseFor,
    SignerInfo,
    StaffInfo,
    StatusUpdate,
    TraceHeader,
    TraceHeaderList,
)
from edoc.edxml.dialects import Located
from edoc.edxml.elements import XML_SPACE, Element
from edoc.edxml.findings import Findings
from edoc.edxml.mapping import plain_fields
from edoc.edxml.values import READERS, Reader, read_integer, read_text
from edoc.errors import PackageError

_R = TypeVar("_R")
_STATUS_CODES: Final = frozenset({"01", "02", "03", "04", "05", "06", "13", "15", "16"})
_ADMINISTRATIVE: Final = 2
"""What the reference library takes for a missing or unreadable `Type`."""


def is_status(message: Element) -> bool:
    """Tell a status from a document."""
    return message.find("StatusCode") is not None


def read_status(message: Element, findings: Findings) -> StatusUpdate:
    """Read a status; raises `PackageError` if its code is empty."""
    code = message.find_text("StatusCode")
    if not code:
        raise PackageError("the element <StatusCode> is empty.", where=message.path, code="STATUS_CODE_EMPTY")
    if code not in _STATUS_CODES:
        findings.add("STATUS_CODE_UNKNOWN", message.path, code)
    answered = message.find("ResponseFor")
    return _record(
        StatusUpdate,
        message,
        findings,
        from_=_from(message, findings),
        response_for=ResponseFor() if answered is None else _record(ResponseFor, answered, findings),
        status_code=code,
        staff_info=_optional(StaffInfo, message.find("StaffInfo"), findings),
    )


def read_dispatch(located: Located, attachments: Sequence[Attachment], findings: Findings) -> Dispatch:
    """Read a document's header and put its attachments to it."""
    message = located.message
    to = tuple(_organization(element, findings) for element in message.find_all("To"))
    if not to:
        findings.add("VALUE_MISSING", message.path, "To")
    answered = message.find_all("ResponseFor")
    return _record(
        Dispatch,
        message,
        findings,
        from_=_from(message, findings),
        to=to,
        code=_or_empty(Code, message.find("Code"), findings),
        promulgation_info=_or_empty(PromulgationInfo, message.find("PromulgationInfo"), findings),
        document_type=_document_type(message, findings),
        signer_info=_optional(SignerInfo, message.find("SignerInfo"), findings),
        other_info=_other_info(message.find("OtherInfo"), findings),
        response_for=tuple(_record(ResponseFor, element, findings) for element in answered),
        steering_type=_steering_type(message, findings),
        response_for_task=_texts(message.find("ResponseForTask"), "TaskCode"),
        to_places=_texts(message.find("ToPlaces"), "Place"),
        attachments=tuple(attachments),
        **_trace(located.trace, findings),
    )


def _record(kind: type[_R], element: Element, findings: Findings, **given: Any) -> _R:
    """Read the plain fields of a record; those `given` were read already."""
    values, table = given, _list_readers(kind)  # type: ignore[arg-type]
    for child in element.children:
        found = table.get(child.name)
        if found is None or found[0] in values:
            continue
        field, read = found
        child.taken = True
        value = child.raw.strip(XML_SPACE) if read is read_text else read(child, findings)
        if value is not None:
            values[field] = value
    return kind(**values)


@cache
def _list_readers(kind: Any) -> dict[str, tuple[str, Reader]]:
    return {plain.element: (plain.field, READERS[plain.kind]) for plain in plain_fields(kind)}


def _optional(kind: type[_R], element: Element | None, findings: Findings) -> _R | None:
    return None if element is None else _record(kind, element, findings)


def _or_empty(kind: type[_R], element: Element | None, findings: Findings) -> _R:
    return kind() if element is None else _record(kind, element, findings)


def _from(message: Element, findings: Findings) -> Organization:
    element = message.find("From")
    if element is None:
        findings.add("VALUE_MISSING", message.path, "From")
        return Organization(organ_id="")
    return _organization(element, findings)


def _organization(element: Element, findings: Findings) -> Organization:
    organ_id = element.find_text("OrganId")
    if not organ_id:
        findings.add("VALUE_MISSING", element.path, "OrganId")
    return _record(Organization, element, findings, organ_id=organ_id)


def _document_type(message: Element, findings: Findings) -> DocumentType:
    element = message.find("DocumentType")
    kind = None if element is None else element.find("Type")
    if element is None or kind is None:
        findings.add("VALUE_MISSING", message.path, "Type")
    value = None if kind is None else read_integer(kind, findings)
    value = _ADMINISTRATIVE if value is None else value
    if element is None:
        return DocumentType(type=value)
    return _record(DocumentType, element, findings, type=value)


def _steering_type(message: Element, findings: Findings) -> int:
    element = message.find("SteeringType")
    if element is None:
        findings.add("VALUE_MISSING", message.path, "SteeringType")
        return 0
    return read_integer(element, findings) or 0


def _other_info(element: Element | None, findings: Findings) -> OtherInfo | None:
    if element is None:
        return None
    appendixes = _texts(element.find("Appendixes"), "Appendix")
    return _record(OtherInfo, element, findings, appendixes=appendixes)


def _texts(parent: Element | None, name: str) -> tuple[str, ...]:
    if parent is None:
        return ()
    return tuple(element.text for element in parent.find_all(name) if element.text)


def _trace(element: Element | None, findings: Findings) -> dict[str, Any]:
    if element is None:
        return {}
    hops = tuple(_record(TraceHeader, hop, findings) for hop in element.find_all("TraceHeader"))
    business = _business(element, findings)
    attributes = {name: element.attributes.get(name, "") for name in ("id", "version")}
    empty = not hops and business is None
    return {
        "trace_headers": hops,
        "business": business,
        # kept for its attributes, or because it is there and empty
        "trace_header_list": TraceHeaderList(**attributes) if empty or any(attributes.values()) else None,
    }


def _business(trace: Element, findings: Findings) -> Business | None:
    elements = trace.find_all("Bussiness")
    if not elements:
        elements = trace.find_all("Business")
        for element in elements:
            findings.add("ELEMENT_RENAMED", element.path, element.name)
    if not elements:
        return None
    element = elements[-1]  # the last one wins, as in the reference library
    for other in elements[:-1]:
        other.taken = False
    replacements = [
        _record(Replacement, item, findings, organ_ids=_texts(item.find("OrganIdList"), "OrganId"))
        for block in element.find_all("ReplacementInfoList")
        for item in block.find_all("ReplacementInfo")
    ]
    infos = [_document_info(item, findings) for item in element.find_all("BussinessDocumentInfo")]
    staff = [_record(StaffInfo, item, findings) for item in element.find_all("StaffInfo")]
    return _record(
        Business,
        element,
        findings,
        document_infos=tuple(infos),
        replacements=tuple(replacements),
        staff_info=tuple(staff),
    )


def _document_info(element: Element, findings: Findings) -> DocumentInfo:
    block = element.find("ReceiverList")
    receivers = () if block is None else block.find_all("Receiver")
    read = tuple(_record(Receiver, receiver, findings) for receiver in receivers)
    return _record(DocumentInfo, element, findings, receivers=read)
