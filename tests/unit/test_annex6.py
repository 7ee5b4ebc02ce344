"""The system fields of NĐ 30/2020, Annex VI: which there are, and how long they may be."""

from datetime import date
from typing import Any

import pytest

from edoc.core.annex6 import FIELDS, Group, Kind, list_excess, require_fitting, tabulate
from edoc.core.dispatch import Dispatch
from edoc.core.entryfields import EntryFields, RegisterNumber
from edoc.errors import InputError

# Part II of the Annex, field by field: group, name, kind, length. Agency codes: QĐ 20/2020 made 13 into 35.
ANNEX = """
common FileCode.OrganId String 35
common FileCode.FileCatalog Number 4
common FileCode.FileNotation String 20
common DocOrdinal Number 3
common TypeName String 100
common CodeNumber String 11
common CodeNotation String 30
common IssuedDate Date 10
common OrganName String 200
common Subject String 500
common Language String 30
common PageAmount Number 3
common Description String 500
common SignerInfo.Position String 100
common SignerInfo.FullName String 50
common Priority Number 1
common DueDate Date 10
outgoing To.OrganId String 35
outgoing To.OrganName String 200
outgoing IssuedAmount Number 3
incoming ArrivalDate Date 10
incoming ArrivalNumber Number 10
incoming ToPlaces String 1000
incoming TraceHeaderList LongText None
file FileCode.OrganId String 35
file FileCode.FileCatalog Number 4
file FileCode.FileNotation String 20
file Title String 500
file Maintenance String 30
file Rights String 30
file Creator String 30
file Language String 50
file StartDate Date 10
file EndDate Date 10
file DocTotal Number 4
file PageTotal Number 4
file Description String 500
"""

# A header that has each field of a document as long as it may be.
FULL: dict[str, Any] = {
    "from": {"organ_id": "H99.01", "organ_name": "T" * 200},
    "to": [{"organ_id": "H" * 35, "organ_name": "Đ" * 200}, {"organ_id": "H99.02"}],
    "code": {"code_number": "1" * 11, "code_notation": "K" * 30},
    "promulgation_info": {"promulgation_date": "2026-03-05"},
    "document_type": {"type_name": "L" * 100},
    "subject": "S" * 500,
    "signer_info": {"position": "C" * 100, "full_name": "N" * 50},
    "due_date": "2026-03-31",
    "other_info": {"priority": 4, "page_amount": 999, "promulgation_amount": 999},
    "to_places": ["P" * 499, "Q" * 499],
    "trace_headers": [{"organ_id": "H99", "timestamp": "2026-03-05T10:00:00+07:00"}],
}


def test_the_fields_are_those_of_the_annex_with_kind_and_length() -> None:
    found = [f"{field.group} {field.name} {field.kind} {field.length}" for field in FIELDS]
    assert found == ANNEX.strip().splitlines()
    assert all(field.words for field in FIELDS)


@pytest.mark.parametrize("direction", ["outgoing", "incoming"])
def test_a_document_whose_fields_are_as_long_as_they_may_be_fits(direction: str) -> None:
    Dispatch.from_dict(FULL)  # it is a header at all
    assert list_excess(FULL, direction) == []
    require_fitting(FULL, direction)


def longer(name: str, value: Any) -> dict[str, Any]:
    """The full header with another value at a path."""
    head, _, rest = name.partition(".")
    return {**FULL, head: {**FULL[head], rest: value} if rest else value}


@pytest.mark.parametrize(
    ("direction", "name", "value", "field", "where"),
    [
        ("outgoing", "document_type.type_name", "L" * 101, "TypeName", "document_type.type_name"),
        ("outgoing", "code.code_number", "1" * 12, "CodeNumber", "code.code_number"),
        ("outgoing", "code.code_notation", "K" * 31, "CodeNotation", "code.code_notation"),
        ("incoming", "from.organ_name", "T" * 201, "OrganName", "from.organ_name"),
        ("outgoing", "subject", "Ủ" * 501, "Subject", "subject"),
        ("outgoing", "other_info.page_amount", 1000, "PageAmount", "other_info.page_amount"),
        ("outgoing", "signer_info.position", "C" * 101, "SignerInfo.Position", "signer_info.position"),
        ("outgoing", "signer_info.full_name", "N" * 51, "SignerInfo.FullName", "signer_info.full_name"),
        ("outgoing", "other_info.priority", 10, "Priority", "other_info.priority"),
        ("outgoing", "to", [{"organ_id": "H" * 36}], "To.OrganId", "to[0].organ_id"),
        ("outgoing", "to", [{}, {"organ_name": "Đ" * 201}], "To.OrganName", "to[1].organ_name"),
        (
            "outgoing",
            "other_info.promulgation_amount",
            1000,
            "IssuedAmount",
            "other_info.promulgation_amount",
        ),
        ("incoming", "to_places", ["P" * 1001], "ToPlaces", "to_places"),
    ],
)
def test_one_character_more_is_found_and_refused_at_our_own_door(
    direction: str, name: str, value: Any, field: str, where: str
) -> None:
    header = longer(name, value)
    (found,) = list_excess(header, direction)
    assert (found.field, found.where, found.length) == (field, where, found.limit + 1)
    with pytest.raises(InputError) as caught:
        require_fitting(header, direction)
    assert caught.value.where == where
    assert f"this has {found.length} characters" in str(caught.value)
    assert f"allows {found.limit} for {field}" in str(caught.value)


def test_what_concerns_the_other_direction_is_not_asked_for() -> None:
    assert list_excess(longer("to", [{"organ_id": "H" * 36}]), "incoming") == []
    assert list_excess(longer("to_places", ["P" * 1001]), "outgoing") == []


@pytest.mark.parametrize("header", [{}, {"to": None, "code": "12"}, {"to": ["x"], "subject": None}])
def test_a_header_that_is_incomplete_or_odd_has_no_excess(header: dict[str, Any]) -> None:
    assert list_excess(header, "outgoing") == []


def test_what_only_the_register_holds_counts_as_well() -> None:
    fields = EntryFields(file_notation="01-TC", file_catalog=2026, doc_ordinal=1000, description="D" * 501)
    found = [(excess.field, excess.length) for excess in list_excess({}, "incoming", fields.held())]
    assert found == [("DocOrdinal", 4), ("Description", 501)]


def test_every_field_of_a_document_has_a_place_in_a_header_or_in_the_register() -> None:
    everything = EntryFields(
        file_organ_id="H99.01", file_catalog=2026, file_notation="01-TC", doc_ordinal=1, language="Việt",
        description="-",
    )  # fmt: skip
    held = {**everything.held(), "ArrivalDate": date(2026, 3, 5), "ArrivalNumber": 7}
    found = {**tabulate(FULL, "outgoing", held), **tabulate(FULL, "incoming", held)}
    wanted = {field.name for field in FIELDS if field.group is not Group.FILE}
    assert found.keys() == wanted
    assert found["To.OrganName"] == ["Đ" * 200]
    assert found["IssuedDate"] == "2026/03/05"
    assert found["ArrivalDate"] == "2026/03/05"
    assert found["TraceHeaderList"] == "2026-03-05T10:00:00+07:00 H99"


def test_only_dates_have_the_length_of_a_date() -> None:
    assert {field.length for field in FIELDS if field.kind is Kind.DATE} == {10}


@pytest.mark.parametrize("text", ["VB-DI/2026/17", "HĐ/TĐ KT/2026/1"])
def test_the_name_of_an_entry_is_read_as_it_is_written(text: str) -> None:
    assert str(RegisterNumber.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "17", "VB-DI/17", "VB-DI/26/1", "VB-DI/2026/0", "VB-DI/2026/x", "/2026/1"]
)
def test_what_names_no_entry_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="VB-DI/2026/17"):
        RegisterNumber.parse(text)
