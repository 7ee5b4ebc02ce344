"""The packages that the reference library wrote: the same values, and the same bytes again."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from edoc.core.dispatch import Dispatch, StatusUpdate
from edoc.edxml.profile import complete
from edoc.packing import Unpacked, pack, pack_status, unpack

pytestmark = pytest.mark.shared

DOCUMENTS = ("full", "manyto", "minimal", "noatt", "nonbmp", "replace")
STATUSES = ("status_01", "status_02", "status_03", "status_06", "status_13")
# What the reference library invents when it reads; nothing else may differ.
INVENTED = {("minimal", "document_id")}
# What it loses is not in the samples: the attributes of TraceHeaderList (it asks for `edXML:id`), and whether
# an element stood there empty.
RENAMED = {
    "bussiness": "business",
    "bussiness_doc_type": "business_doc_type",
    "bussiness_doc_reason": "business_doc_reason",
    "document_info": "document_infos",
}

SCHEMA = Path(__file__).resolve().parents[2] / "schemas/edxml.xsd"
Sample = Callable[[str], Path]


@pytest.fixture
def sample(shared_corpus: Path) -> Sample:
    return lambda name: shared_corpus / "edxml" / name


def test_every_sample_is_looked_at(shared_corpus: Path) -> None:
    found = {path.stem for path in (shared_corpus / "edxml").glob("*.edxml")}
    assert found == {*DOCUMENTS, *STATUSES}


def pack_again(json_text: str, folder: Path) -> bytes:
    values = json.loads(json_text)
    out = io.BytesIO()
    if values["kind"] == "status":
        pack_status(StatusUpdate.from_dict(values), out=out, profile="reference")
        return out.getvalue()
    dispatch = Dispatch.from_dict(values)
    files = [folder / str(attachment.path) for attachment in dispatch.attachments]
    pack(dispatch, attach=files, out=out, profile="reference")
    return out.getvalue()


@pytest.mark.parametrize("name", [*DOCUMENTS, *STATUSES])
def test_unpacked_and_packed_again_it_has_the_same_bytes(name: str, sample: Sample, tmp_path: Path) -> None:
    package = sample(f"{name}.edxml")
    unpacked = unpack(package, into=tmp_path)
    assert pack_again(json.dumps(unpacked.to_dict()), tmp_path) == package.read_bytes()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_made_from_the_values_that_made_it_it_has_the_same_bytes(
    name: str, sample: Sample, tmp_path: Path
) -> None:
    meta = json.loads(sample(f"{name}.meta.json").read_text(encoding="utf-8"))
    values = translated(meta["messageHeader"], meta.get("traceHeaderList"))
    unpacked = unpack(sample(f"{name}.edxml"), into=tmp_path)
    assert unpacked.dispatch is not None
    given = unpacked.dispatch.attachments
    values["attachments"] = [{"name": one.name, "description": one.description} for one in given]
    out = io.BytesIO()
    files = [tmp_path / str(one.path) for one in given]
    pack(Dispatch.from_dict(values), attach=files, out=out, profile="reference")
    assert out.getvalue() == sample(f"{name}.edxml").read_bytes()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_says_what_the_reference_reads(name: str, sample: Sample) -> None:
    parsed = json.loads(sample(f"{name}.parsed.json").read_text(encoding="utf-8"))
    header = parsed["header"]
    expected = translated(header["messageHeader"], header["traceHeaderList"])
    found = unpack(sample(f"{name}.edxml"))
    ours = content_of(found)
    attachments = ours.pop("attachments")
    for sample_name, key in INVENTED:
        if sample_name == name:
            del expected[key]
    assert ours == expected
    assert [item["sha256"] for item in attachments] == [item["sha256"] for item in parsed["attachments"]]
    assert [item["size"] for item in attachments] == [item["size"] for item in parsed["attachments"]]
    for ours_one, theirs in zip(attachments, parsed["attachments"], strict=True):
        assert f"cid:{ours_one['content_id']}" == theirs["contentId"]
        for key, their_key in {
            "name": "name",
            "content_type": "contentType",
            "description": "description",
        }.items():
            assert ours_one[key] == theirs[their_key]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_manifest_says_what_the_reference_reads(name: str, sample: Sample) -> None:
    parsed = json.loads(sample(f"{name}.parsed.json").read_text(encoding="utf-8"))
    found = unpack(sample(f"{name}.edxml")).dispatch
    assert found is not None
    assert found.form is None  # and so every type is the usual one
    assert [
        {
            "contentId": one.content_id,
            "contentType": "application/zip",
            "attachmentName": one.name,
            "description": one.description,
        }
        for one in found.attachments
    ] == parsed["manifest"]


@pytest.mark.parametrize("name", [*DOCUMENTS, *STATUSES])
def test_packed_again_in_our_profile_it_says_the_same(name: str, sample: Sample, tmp_path: Path) -> None:
    found = unpack(sample(f"{name}.edxml"), into=tmp_path)
    out = io.BytesIO()
    if found.dispatch is None:
        assert found.status is not None
        pack_status(found.status, out=out)
        assert out.getvalue() == sample(f"{name}.edxml").read_bytes()
        return
    given = replace(found.dispatch, document_id=found.dispatch.document_id or "x")
    pack(given, attach=[tmp_path / str(one.path) for one in given.attachments], out=out)
    again = unpack(io.BytesIO(out.getvalue()))
    assert again.dispatch is not None
    assert again.dispatch.attachments == tuple(replace(one, path=None) for one in given.attachments)
    assert replace(again.dispatch, attachments=given.attachments) == complete(given)


@pytest.mark.parametrize("name", STATUSES)
def test_a_status_says_what_the_reference_reads(name: str, sample: Sample) -> None:
    parsed = json.loads(sample(f"{name}.parsed.json").read_text(encoding="utf-8"))
    found = unpack(sample(f"{name}.edxml"))
    assert found.warnings == ()
    assert content_of(found) == translated(parsed["header"]["messageHeader"], None)


@pytest.mark.parametrize("name", [*DOCUMENTS, *STATUSES])
def test_the_schema_of_what_we_emit_admits_it(name: str, sample: Sample) -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMA))
    assert schema.validate(etree.parse(sample(f"{name}.edxml"))), schema.error_log


def content_of(found: Unpacked) -> dict[str, Any]:
    values = found.to_dict()
    for key in ("kind", "sha256", "size", "warnings"):
        del values[key]
    return values


def translated(message: dict[str, Any], trace: dict[str, Any] | None) -> dict[str, Any]:
    """The reference library's names and flat groups as ours."""
    values: dict[str, Any] = _snake(message)
    if "status_code" not in values:
        groups = {
            "code": ("code_number", "code_notation"),
            "promulgation_info": ("place", "promulgation_date"),
            "document_type": ("type", "type_detail", "type_name"),
        }
        for group, keys in groups.items():
            values[group] = {key: values.pop(key) for key in keys if key in values}
    trace = _snake(trace or {})
    return values | {key: trace[key] for key in ("trace_headers", "business") if key in trace}


def _snake(value: Any) -> Any:
    if isinstance(value, list):
        return [_snake(item) for item in value]
    if not isinstance(value, dict):
        return _iso(value)
    found = {}
    for key, item in value.items():
        if item not in (None, []):
            name = re.sub(r"([A-Z])", r"_\1", key).lower()
            found[RENAMED.get(name, name)] = _snake(item)
    return found


def _iso(value: Any) -> Any:
    """A date or a time as ISO 8601; the same clock reading, in Vietnam's zone."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}/\d\d/\d\d", value):
        return value.replace("/", "-")
    if isinstance(value, str) and re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", value):
        return value.replace("/", "-").replace(" ", "T") + "+07:00"
    return value
