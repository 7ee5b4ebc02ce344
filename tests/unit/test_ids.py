"""Codes of agencies, ids of documents, numbers and dates as documents show them."""

from datetime import date

import pytest

from edoc.core.ids import (
    AgencyCode,
    agency_groups,
    agency_level,
    display_date_vi,
    display_number,
    make_document_id,
    parse_agency_code,
    wire_date,
)
from edoc.errors import InputError


@pytest.mark.parametrize(
    ("code", "groups"),
    [
        ("000.00.00.H41", ("H41",)),
        ("000.12.03.H41", ("H41", "03", "12")),
        ("H41.03.12", ("H41", "03", "12")),
        ("G12", ("G12",)),
        ("H37.DN.001", ("H37", "DN", "001")),
        ("02.29.W00", ("02", "29", "W00")),
        ("020100107370", ("020100107370",)),
    ],
)
def test_a_code_is_understood_in_both_orders(code: str, groups: tuple[str, ...]) -> None:
    assert agency_groups(parse_agency_code(f" {code}\n")) == groups
    assert agency_level(AgencyCode(code)) == len(groups)


def test_no_pattern_is_enforced_on_input() -> None:
    assert parse_agency_code("vxp.saas.03") == "vxp.saas.03"
    assert parse_agency_code("H" * 35) == "H" * 35


@pytest.mark.parametrize("code", ["", "  ", "H" * 36, "H41\x00", "H41\n.03"])
def test_what_cannot_be_a_code_is_refused(code: str) -> None:
    with pytest.raises(InputError):
        parse_agency_code(code)


def test_a_document_id_names_agency_day_number_and_symbol() -> None:
    assert make_document_id("H41.03", date(2026, 2, 5), "05", "UBND-VP") == "H41.03,2026/02/05,05/UBND-VP"


@pytest.mark.parametrize(
    ("parts", "where"),
    [
        (("", "05", "VP"), "from.organ_id"),
        (("H41", "", "VP"), "code.code_number"),
        (("H41", "05", "A,B"), "code.code_notation"),
    ],
)
def test_a_document_id_that_receivers_would_split_wrongly_is_refused(
    parts: tuple[str, str, str], where: str
) -> None:
    organ_id, number, notation = parts
    with pytest.raises(InputError) as raised:
        make_document_id(organ_id, date(2026, 2, 5), number, notation)
    assert raised.value.where == where


def test_early_years_keep_their_four_digits_on_the_wire() -> None:
    assert wire_date(date(36, 4, 11)) == "0036/04/11"


@pytest.mark.parametrize(("number", "shown"), [(1, "01"), (9, "09"), (10, "10"), (1234, "1234")])
def test_a_zero_precedes_numbers_below_ten(number: int, shown: str) -> None:
    assert display_number(number) == shown


def test_there_is_no_number_zero() -> None:
    with pytest.raises(InputError):
        display_number(0)


@pytest.mark.parametrize(
    ("day", "shown"),
    [
        (date(2026, 2, 5), "ngày 05 tháng 02 năm 2026"),
        (date(2026, 1, 31), "ngày 31 tháng 01 năm 2026"),
        (date(2026, 3, 5), "ngày 05 tháng 3 năm 2026"),
        (date(2026, 12, 10), "ngày 10 tháng 12 năm 2026"),
    ],
)
def test_a_zero_precedes_days_below_ten_and_the_first_two_months(day: date, shown: str) -> None:
    assert display_date_vi(day) == shown
