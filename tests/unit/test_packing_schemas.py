"""The published schemas describe exactly what is read and written."""

import io
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from edxmlmaking import PDF, packed, read, values
from jsonschema import Draft202012Validator
from lxml import etree

from edoc.core.dispatch import READING_KEYS, Dispatch, StatusUpdate
from edoc.packing import pack_status

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
EVERYTHING = values(
    document_id="H99.01,2026/02/05,05/UBND-VP",
    content="Nội dung",
    signer_info={"competence": "KT. CHỦ TỊCH", "position": "Phó Chủ tịch", "full_name": "Nguyễn Văn A"},
    due_date="2026-03-01",
    other_info={
        "priority": 2,
        "sphere_of_promulgation": "Y tế",
        "typer_notation": "NVA",
        "promulgation_amount": 3,
        "page_amount": 4,
        "reply_fors": "x",
        "direction": True,
        "reference_codes": "y",
        "appendixes": ["Phụ lục I"],
    },
    response_for=[
        {"organ_id": "H99.02", "code": "12/SYT", "promulgation_date": "2026-01-02", "document_id": "x"}
    ],
    steering_type=1,
    response_for_task=["T1"],
    application_type="1",
    to_places=["Như trên", "Lưu: VT"],
    trace_header_list={"id": "1", "version": "1.0"},
    trace_headers=[{"organ_id": "H99.01", "timestamp": "2026-02-05T08:09:10+07:00"}, {}],
    business={
        "business_doc_type": "2",
        "business_doc_reason": "Đính chính",
        "document_id": "H99.01,2026/02/01,04/UBND-VP",
        "paper": "0",
        "document_infos": [
            {
                "document_info": "1",
                "document_receiver": "1",
                "receivers": [{"organ_id": "H99.03", "receiver_type": "1"}],
            }
        ],
        "replacements": [{"document_id": "z", "organ_ids": ["H99.02", "H99.03"]}],
        "staff_info": [
            {
                "department": "VP",
                "department_id": "1",
                "staff": "B",
                "staff_id": "2",
                "email": "b@example.vn",
                "mobile": "09",
            }
        ],
    },
    attachments=[
        {"name": "a.pdf", "description": "Chính", "field_name": "f", "mime_type": "application/pdf"}
    ],
)
STATUS = {
    "from": {"organ_id": "H99.02"},
    "response_for": {"organ_id": "H99.01", "document_id": "x"},
    "status_code": "03",
    "description": "Đã tiếp nhận",
    "timestamp": "2026-02-05T08:09:10+07:00",
    "staff_info": {"department": "VT", "staff": "C", "email": "c@example.vn", "mobile": "09"},
}


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(found)
    return found


def errors(name: str, found: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator(schema(name), format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in validator.iter_errors(json.loads(json.dumps(found)))]


def test_a_dispatch_with_everything_goes_round_and_validates() -> None:
    package = packed(EVERYTHING, ("a.pdf", PDF))
    found = read(package).to_dict()
    assert errors("dispatch", found) == []
    assert errors("dispatch", EVERYTHING) == []
    attachment = found.pop("attachments")[0]
    assert {key: found[key] for key in EVERYTHING if key in found} == {
        key: value for key, value in EVERYTHING.items() if key != "attachments"
    }
    assert attachment.items() >= EVERYTHING["attachments"][0].items()
    assert packed(found | {"attachments": [attachment]}, ("a.pdf", PDF)) == package


def test_a_status_goes_round_and_validates() -> None:
    out = io.BytesIO()
    pack_status(StatusUpdate.from_dict(STATUS), out=out)
    found = read(out.getvalue()).to_dict()
    assert errors("status", found) == errors("status", STATUS) == []
    assert found.items() >= STATUS.items()


@pytest.mark.parametrize(
    "change",
    [{"to": []}, {"from": None}, {"bussiness": {}}, {"subject": 1}, {"attachments": [{"sha256": "x"}]}],
)
def test_the_schema_refuses_what_packing_refuses(change: dict[str, Any]) -> None:
    assert errors("dispatch", values(**change))


@pytest.mark.parametrize(("name", "record"), [("dispatch", Dispatch), ("status", StatusUpdate)])
def test_schema_and_records_have_the_same_keys(name: str, record: type) -> None:
    described = schema(name)
    assert set(described["properties"]) == keys(record) | READING_KEYS
    nested = {kind.__name__: kind for kind in records_in(record)}
    for title, kind in nested.items():
        definition = described["$defs"]["".join(f"_{c.lower()}" if c.isupper() else c for c in title)[1:]]
        assert set(definition["properties"]) == keys(kind)
        assert definition["additionalProperties"] is False
    assert len(described["$defs"]) == len(nested) + 1  # and the warnings


def keys(record: Any) -> set[str]:
    return {field.name.rstrip("_") for field in fields(record)}


def records_in(record: Any) -> set[Any]:
    found: set[Any] = set()
    for hint in get_type_hints(record).values():
        parts = get_args(hint) if get_origin(hint) is not None or get_args(hint) else (hint,)
        for part in parts:
            if is_dataclass(part):
                found |= {part} | records_in(part)
    return found


@pytest.mark.parametrize("profile", ["edoc", "reference"])
def test_what_we_emit_validates_against_our_xsd(profile: str) -> None:
    xsd = etree.XMLSchema(etree.parse(SCHEMAS / "edxml.xsd"))
    minimal = {"from": {"organ_id": "A"}, "to": [{"organ_id": "B"}], "document_id": "x"}
    packages = [
        packed(EVERYTHING, ("a.pdf", PDF), ("b.xlsx", b"PK"), ("c.pdf", b""), profile=profile),
        packed(values(), profile=profile),
        packed(minimal, profile=profile),
    ]
    for package in packages:
        assert xsd.validate(etree.fromstring(package)), xsd.error_log


def test_the_xsd_refuses_another_order() -> None:
    xsd = etree.XMLSchema(etree.parse(SCHEMAS / "edxml.xsd"))
    package = packed(values()).replace(b"edXML:Subject", b"edXML:Subjekt")
    assert not xsd.validate(etree.fromstring(package))
