"""The system fields of NĐ 30/2020, Annex VI, part II, as data: name, kind, length, and where we hold each.

    list_excess(header, "incoming")          # what is longer than the Annex allows
    require_fitting(header, "outgoing")      # the same at our own door: refused, with where and what

A header is the JSON of a dispatch (`schemas/dispatch.schema.json`), whole or in part.

Rules: lengths are in characters (digits for numbers). Our own documents keep them; what others sent is kept
as it is and what is too long is reported, for their packages are not ours to cut. Agency codes may have 35
characters (QĐ 20/2020/QĐ-TTg Art 4), although the Annex still says 13, the length of the older form.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from edoc.core.ids import MAX_AGENCY_CODE
from edoc.errors import InputError


class Kind(StrEnum):
    """What a field holds."""

    STRING = "String"
    NUMBER = "Number"
    DATE = "Date"
    """`yyyy/MM/dd`, ten characters."""
    LONG_TEXT = "LongText"
    """Text of any length."""


class Group(StrEnum):
    """What a field describes."""

    FILE = "file"
    COMMON = "common"
    """A document in either direction."""
    OUTGOING = "outgoing"
    INCOMING = "incoming"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnexField:
    """A field of the Annex."""

    name: str
    """As the Annex names it; parts of a composite field after a dot."""
    group: Group
    kind: Kind
    length: int | None
    """Characters or digits; None for text of any length."""
    words: str
    """What it is, in the Annex's language."""
    path: str = ""
    """Where a dispatch holds it, with `[]` for each item of a list; empty where the register holds it."""


def _field(group: Group, name: str, kind: Kind, length: int | None, words: str, path: str = "") -> AnnexField:
    return AnnexField(name=name, group=group, kind=kind, length=length, words=words, path=path)


_S, _N, _D = Kind.STRING, Kind.NUMBER, Kind.DATE
_COMMON, _OUT, _IN, _FILE = Group.COMMON, Group.OUTGOING, Group.INCOMING, Group.FILE

FIELDS: Final = (
    _field(_COMMON, "FileCode.OrganId", _S, MAX_AGENCY_CODE, "Mã định danh của cơ quan lập hồ sơ"),
    _field(_COMMON, "FileCode.FileCatalog", _N, 4, "Năm hình thành hồ sơ"),
    _field(_COMMON, "FileCode.FileNotation", _S, 20, "Số và ký hiệu hồ sơ"),
    _field(_COMMON, "DocOrdinal", _N, 3, "Số thứ tự văn bản trong hồ sơ"),
    _field(_COMMON, "TypeName", _S, 100, "Tên loại văn bản", "document_type.type_name"),
    _field(_COMMON, "CodeNumber", _S, 11, "Số của văn bản", "code.code_number"),
    _field(_COMMON, "CodeNotation", _S, 30, "Ký hiệu của văn bản", "code.code_notation"),
    _field(_COMMON, "IssuedDate", _D, 10, "Ngày, tháng, năm văn bản", "promulgation_info.promulgation_date"),
    _field(_COMMON, "OrganName", _S, 200, "Tên cơ quan, tổ chức ban hành văn bản", "from.organ_name"),
    _field(_COMMON, "Subject", _S, 500, "Trích yếu nội dung", "subject"),
    _field(_COMMON, "Language", _S, 30, "Ngôn ngữ"),
    _field(_COMMON, "PageAmount", _N, 3, "Số trang của văn bản", "other_info.page_amount"),
    _field(_COMMON, "Description", _S, 500, "Ghi chú"),
    _field(_COMMON, "SignerInfo.Position", _S, 100, "Chức vụ của người ký", "signer_info.position"),
    _field(_COMMON, "SignerInfo.FullName", _S, 50, "Họ và tên người ký", "signer_info.full_name"),
    _field(_COMMON, "Priority", _N, 1, "Mức độ khẩn", "other_info.priority"),
    _field(_COMMON, "DueDate", _D, 10, "Hạn trả lời văn bản", "due_date"),
    _field(_OUT, "To.OrganId", _S, MAX_AGENCY_CODE, "Mã định danh của cơ quan nhận", "to[].organ_id"),
    _field(_OUT, "To.OrganName", _S, 200, "Tên cơ quan, tổ chức nhận văn bản", "to[].organ_name"),
    _field(_OUT, "IssuedAmount", _N, 3, "Số lượng bản phát hành", "other_info.promulgation_amount"),
    _field(_IN, "ArrivalDate", _D, 10, "Ngày, tháng, năm đến"),
    _field(_IN, "ArrivalNumber", _N, 10, "Số đến"),
    _field(_IN, "ToPlaces", _S, 1000, "Nơi nhận", "to_places"),
    _field(_IN, "TraceHeaderList", Kind.LONG_TEXT, None, "Lịch sử xử lý văn bản", "trace_headers"),
    _field(_FILE, "FileCode.OrganId", _S, MAX_AGENCY_CODE, "Mã định danh của cơ quan lập hồ sơ"),
    _field(_FILE, "FileCode.FileCatalog", _N, 4, "Năm hình thành hồ sơ"),
    _field(_FILE, "FileCode.FileNotation", _S, 20, "Số và ký hiệu hồ sơ"),
    _field(_FILE, "Title", _S, 500, "Tiêu đề hồ sơ"),
    _field(_FILE, "Maintenance", _S, 30, "Thời hạn bảo quản"),
    _field(_FILE, "Rights", _S, 30, "Chế độ sử dụng"),
    _field(_FILE, "Creator", _S, 30, "Người lập hồ sơ"),
    _field(_FILE, "Language", _S, 50, "Ngôn ngữ"),
    _field(_FILE, "StartDate", _D, 10, "Thời gian bắt đầu"),
    _field(_FILE, "EndDate", _D, 10, "Thời gian kết thúc"),
    _field(_FILE, "DocTotal", _N, 4, "Tổng số văn bản trong hồ sơ"),
    _field(_FILE, "PageTotal", _N, 4, "Tổng số trang của hồ sơ"),
    _field(_FILE, "Description", _S, 500, "Ghi chú"),
)
"""All fields of the Annex, in its order."""

Header = Mapping[str, Any]
"""The JSON of a dispatch."""

Held = Mapping[str, str | int | date]
"""Values of fields that the register holds, by the Annex's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excess:
    """A value that is longer than the Annex allows."""

    field: str
    """The Annex's name."""
    where: str
    """The path in the dispatch, as `to[3].organ_name`."""
    length: int
    """Of the value, in characters."""
    limit: int


def fields_of(direction: str) -> tuple[AnnexField, ...]:
    """Give the fields of a document that is `outgoing` or `incoming`, in the Annex's order."""
    return tuple(field for field in FIELDS if field.group in (Group.COMMON, Group(direction)))


def list_excess(header: Header, direction: str, held: Held | None = None) -> list[Excess]:
    """Give what is longer than the Annex allows, in the Annex's order."""
    return [
        Excess(field=field.name, where=where, length=len(_text(value)), limit=field.length)
        for field in fields_of(direction)
        if field.length is not None
        for where, value in _values(field, header, held or {})
        if len(_text(value)) > field.length
    ]


def require_fitting(header: Header, direction: str, held: Held | None = None) -> None:
    """Raise `InputError` that names the first value which is longer than the Annex allows."""
    for found in list_excess(header, direction, held):
        raise InputError(
            f"this has {found.length} characters; Decree 30/2020, Annex VI allows {found.limit}"
            f" for {found.field}.",
            where=found.where,
            advice="Shorten it.",
        )


def tabulate(header: Header, direction: str, held: Held | None = None) -> dict[str, Any]:
    """Give the Annex's fields with the values of a document; lists for what it names several times.

    What is not known is left out. Dates are `yyyy/MM/dd`.
    """
    found: dict[str, Any] = {}
    for field in fields_of(direction):
        values = [_plain(field, value) for _, value in _values(field, header, held or {})]
        if values:
            found[field.name] = values if "[]" in field.path else values[0]
    return found


def _values(field: AnnexField, header: Header, held: Held) -> Iterator[tuple[str, Any]]:
    """The values that are there, each with its place."""
    if not field.path:
        if held.get(field.name) not in (None, ""):
            yield field.name, held[field.name]
        return
    yield from _walk(header, field.path.split("."), "")


def _walk(value: Any, steps: list[str], place: str) -> Iterator[tuple[str, Any]]:
    if not steps:
        if value not in (None, "", []):
            yield place, value
        return
    name = steps[0].removesuffix("[]")
    inner = value.get(name) if isinstance(value, Mapping) else None
    where = f"{place}.{name}" if place else name
    if not steps[0].endswith("[]"):
        yield from _walk(inner, steps[1:], where)
        return
    for index, item in enumerate(inner if isinstance(inner, list) else ()):
        yield from _walk(item, steps[1:], f"{where}[{index}]")


def _text(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _plain(field: AnnexField, value: Any) -> Any:
    if field.kind is Kind.DATE:
        return str(value).replace("-", "/")
    if field.kind is Kind.LONG_TEXT:
        return "; ".join(f"{hop.get('timestamp', '')} {hop.get('organ_id', '')}".strip() for hop in value)
    return value
