"""What agencies tell each other: a dispatch (QCVN 102:2016/BTTTT) and the status of one.

Rules: names are the edXML element names in snake_case, correctly spelt (`business`); texts are kept as they
were read, codes included; an absent text is "", anything else absent is None or (); dates and times have no
zone on the wire and are Vietnam's. No length and no code is enforced here: other agencies' packages break
them, and what we may emit is the writer's affair.

    dispatch = Dispatch.from_dict({"from": {"organ_id": "H99.01"}, "to": [{"organ_id": "H99.02"}]})
    dispatch.to_dict()["from"]["organ_id"]
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Self

from edoc.core.records import ALWAYS, decode, encode

READING_KEYS: Final = frozenset({"kind", "sha256", "size", "warnings"})
"""What unpacking adds to the JSON of a dispatch or a status; ignored where that is read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An agency that sends or receives (elements 1.1 and 1.2)."""

    organ_id: str = ""
    """Packages without it circulate; our own profile asks for it."""
    organization_in_charge: str = ""
    """The agency above it (cơ quan chủ quản)."""
    organ_name: str = ""
    organ_add: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Number and symbol of a document (1.3); shown as `code_number/code_notation`."""

    code_number: str = ""
    code_notation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromulgationInfo:
    """Where and when it was issued (1.4)."""

    place: str = ""
    promulgation_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentType:
    """What kind of document it is (1.5)."""

    type: int = 1
    """1 normative, 2 administrative, by the regulation; others circulate."""
    type_detail: int = -1
    """The kind within the type; -1 if it is not given."""
    type_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerInfo:
    """The competent person (1.8)."""

    competence: str = ""
    """TM., KT., TL., TUQ."""
    position: str = ""
    full_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherInfo:
    """Urgency, copies, annexes (1.11); `reply_fors`, `direction`, `reference_codes` are a vendor's."""

    priority: int | None = None
    """0 normal, 1 khẩn, 2 thượng khẩn, 3 hỏa tốc, 4 hỏa tốc hẹn giờ."""
    sphere_of_promulgation: str = ""
    typer_notation: str = ""
    promulgation_amount: int | None = None
    """Number of copies."""
    page_amount: int | None = None
    reply_fors: str = ""
    direction: bool = False
    reference_codes: str = ""
    appendixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFor:
    """The document that this one, or this status, answers (1.12)."""

    organ_id: str = ""
    code: str = ""
    """Number and symbol, as `12/UBND-VP`."""
    document_id: str = ""
    promulgation_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHeader:
    """One hop of the package (2.1); real hubs leave out who they are."""

    organ_id: str = ""
    timestamp: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHeaderList:
    """The attributes of the list of hops, which the reference library loses when it reads."""

    id: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffInfo:
    """Who handles the document."""

    department: str = ""
    department_id: str = ""
    staff: str = ""
    staff_id: str = ""
    email: str = ""
    mobile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A recipient that an update adds or removes."""

    organ_id: str = ""
    receiver_type: str = ""
    """0 removed, 1 added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInfo:
    """What an update changes (`BussinessDocumentInfo`)."""

    document_info: str = ""
    """0 or 1: the document's data change."""
    document_receiver: str = ""
    """0 or 1: the recipients change."""
    receivers: tuple[Receiver, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A document that this one replaces, and at which agencies (`ReplacementInfo`)."""

    document_id: str = ""
    organ_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """What the dispatch does to an earlier one (2.2; `Bussiness` on the wire)."""

    document_id: str = ""
    """The document that is recalled or updated."""
    business_doc_type: str = ""
    """0 new, 1 revoke, 2 update, 3 replace."""
    business_doc_reason: str = ""
    paper: str = ""
    """1 if a paper copy follows, else 0."""
    document_infos: tuple[DocumentInfo, ...] = ()
    replacements: tuple[Replacement, ...] = ()
    staff_info: tuple[StaffInfo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that travels with the dispatch; its content is elsewhere."""

    content_id: str = ""
    """Without `cid:`."""
    name: str = ""
    """As the sender wrote it; never use it as a path."""
    description: str = ""
    content_type: str = ""
    """As the package labels it; when packing, the name decides."""
    field_name: str = ""
    mime_type: str = ""
    path: str | None = None
    """Where its content was written, relative to the folder of unpacking."""
    size: int | None = None
    """Bytes."""
    sha256: str = ""
    """Lower-case hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedReference:
    """What a signature of the reference library says to cover."""

    uri: str = ""
    transforms: tuple[str, ...] = ()
    """Addresses of algorithms."""
    digest_method: str = ""
    digest_value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature as the reference library writes it: outside XMLDSig's namespace, computed by nobody.

    It proves nothing, and is kept only to be written again. True signatures are verification's affair.
    """

    canonicalization_method: str = ""
    signature_method: str = ""
    references: tuple[SignedReference, ...] = ()
    signature_value: str = ""
    subject_name: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a package was written where its values do not tell; the profile `reference` writes it so again.

    Our own profile does so only for what is empty.
    """

    empty: tuple[str, ...] = ()
    """Texts and lists whose elements were there and empty, by their keys, as `to[0].fax`."""
    missing: tuple[str, ...] = ()
    """Numbers that were read as the usual ones because their elements were not there."""
    content_ids: tuple[str, ...] = ()
    """Ids of all attachments, if one of them does not begin with one `cid:`."""
    reference_ids: tuple[str, ...] = ()
    """The same in the manifest."""
    reference_types: tuple[str, ...] = ()
    """Content types in the manifest, if one of them is not `application/zip`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """What a package holds beyond the format: an unknown or repeated element, or an attribute."""

    where: str
    """The names of the elements that it stands in, from the root, with slashes between."""
    name: str
    """As it is written, prefix included."""
    attribute: bool = False
    value: str = ""
    """The attribute's value, or the element as XML; namespaces that others declare are not repeated there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """A document on its way, or an order to recall, update or replace one."""

    from_: Organization
    to: tuple[Organization, ...] = field(default=(), metadata=ALWAYS)
    document_id: str = ""
    """`OrganId,yyyy/MM/dd,Number/Notation`, or whatever the sender uses."""
    code: Code = Code()
    promulgation_info: PromulgationInfo = PromulgationInfo()
    document_type: DocumentType = DocumentType()
    subject: str = ""
    content: str = ""
    signer_info: SignerInfo | None = None
    due_date: date | None = None
    other_info: OtherInfo | None = None
    response_for: tuple[ResponseFor, ...] = ()
    steering_type: int = 0
    """0 common, 1 not steering, 2 steering, 3 report on steering."""
    response_for_task: tuple[str, ...] = ()
    """Task codes; a vendor's addition."""
    application_type: str = ""
    """A vendor's addition."""
    to_places: tuple[str, ...] = ()
    """Nơi nhận."""
    trace_header_list: TraceHeaderList | None = None
    trace_headers: tuple[TraceHeader, ...] = ()
    business: Business | None = None
    signature: Signature | None = None
    attachments: tuple[Attachment, ...] = field(default=(), metadata=ALWAYS)
    strays: tuple[Stray, ...] = ()
    """Kept where they were read; never written."""
    form: Form | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of `schemas/dispatch.schema.json`."""
        return encode(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Take the JSON of `schemas/dispatch.schema.json`.

        Raises `InputError` that names the path of the wrong key, as `to[0].organ_id`.
        """
        return decode(cls, values, ignore=READING_KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUpdate:
    """What a recipient says of a dispatch, or its sender asks (13)."""

    from_: Organization
    response_for: ResponseFor = ResponseFor()
    staff_info: StaffInfo | None = None
    status_code: str
    """01 arrived, 02 refused, 03 accepted, 04 assigned, 05 in process, 06 finished, 13 take back, 15 agreed,
    16 not agreed; kept as it was written."""
    description: str = ""
    timestamp: datetime | None = None
    signature: Signature | None = None
    strays: tuple[Stray, ...] = ()
    """Kept where they were read; never written."""
    form: Form | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of `schemas/status.schema.json`."""
        return encode(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Take the JSON of `schemas/status.schema.json`.

        Raises `InputError` that names the path of the wrong key, as `response_for.promulgation_date`.
        """
        return decode(cls, values, ignore=READING_KEYS)


def is_status(values: Mapping[str, Any]) -> bool:
    """Tell the JSON of a status from that of a dispatch: only a status has a code."""
    return "status_code" in values
