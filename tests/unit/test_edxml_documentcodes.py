"""The names of documents in the forms that are found in the wild."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edoc.core.documentcodes import DocumentCode, DocumentCodeForm, parse_document_code
from edoc.core.ids import make_document_id

REGULATION, OTHER = DocumentCodeForm.REGULATION, DocumentCodeForm.OTHER


def test_the_form_of_the_regulation_is_taken_apart() -> None:
    text = make_document_id("000.00.00.H41", date(2026, 2, 5), "05", "UBND-VP")
    assert parse_document_code(f" {text}\n") == DocumentCode(
        text=text,
        form=REGULATION,
        organ_id="000.00.00.H41",
        promulgation_date=date(2026, 2, 5),
        number="05",
        notation="UBND-VP",
    )


@pytest.mark.parametrize(
    ("text", "day", "number", "notation"),
    [
        ("H01, 2024/5/7, 12/ĐVA-VP", date(2024, 5, 7), "12", "ĐVA-VP"),
        ("H01,2024-05-17,12/2024/NĐ-CP", date(2024, 5, 17), "12", "2024/NĐ-CP"),
        ("H01,2024/13/45,12a/X", None, "12a", "X"),
        ("H01,,12/X", None, "", ""),
    ],
)
def test_other_spellings_of_it_are_understood(
    text: str, day: date | None, number: str, notation: str
) -> None:
    found = parse_document_code(text)
    assert (found.promulgation_date, found.number, found.notation) == (day, number, notation)
    assert found.form is (REGULATION if number else OTHER)


@pytest.mark.parametrize(
    "text", ["a2de2b77-b28e-4d20-9642-bc0d85f03a14", "A2DE2B77-B28E-4D20-9642-BC0D85F03A14"]
)
def test_what_a_program_made_up_says_nothing_of_number_and_symbol(text: str) -> None:
    assert parse_document_code(text) == DocumentCode(text=text, form=DocumentCodeForm.UUID)


@pytest.mark.parametrize(
    ("text", "number", "notation"),
    [
        ("12/UBND-VP", "12", "UBND-VP"),
        ("05 / QĐ-UBND", "05", "QĐ-UBND"),
        ("12/2024/NĐ-CP", "12", "2024/NĐ-CP"),
        ("H41.03.12,2026,000123", "", ""),
        ("UBND-VP", "", ""),
        ("/UBND-VP", "", ""),
        ("12/", "", ""),
        ("", "", ""),
    ],
)
def test_anything_else_is_kept_whole_with_number_and_symbol_if_it_is_these(
    text: str, number: str, notation: str
) -> None:
    assert parse_document_code(text) == DocumentCode(text=text, form=OTHER, number=number, notation=notation)


@given(st.text())
def test_nothing_is_refused(text: str) -> None:
    assert parse_document_code(text).text == text.strip()
