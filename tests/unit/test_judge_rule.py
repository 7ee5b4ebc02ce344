"""The document rule nd30: persons, then agencies, locked, and the dispatch's number and date."""

import dataclasses
import datetime as dt

import pytest

from edoc.core.chain import CertificateKind
from edoc.core.report import (
    Changes,
    Coverage,
    DocumentRule,
    Indication,
    Level,
    SignatureReport,
    SignatureType,
    Signer,
)
from edoc.core.rule import Expected, apply_rule, read_date
from edoc.errors import InputError

DAY = dt.date(2026, 2, 5)
WHEN = dt.datetime(2026, 2, 5, tzinfo=dt.UTC)


def signed(kind: CertificateKind, **changed: object) -> SignatureReport:
    report = SignatureReport(
        field=kind.name.title(),
        type=SignatureType.SIGNATURE,
        level=Level.PADES_B_B,
        indication=Indication.TOTAL_PASSED,
        intact=True,
        coverage=Coverage.WHOLE_FILE,
        changes_after=Changes.NONE,
        changes_allowed=True,
        signer=Signer(
            common_name="Tên",
            organization="Ủy ban nhân dân tỉnh An Bình",
            serial_number="1",
            issuer="CA",
            not_before=WHEN,
            not_after=WHEN,
            kind=kind,
        ),
    )
    return dataclasses.replace(report, **changed)  # type: ignore[arg-type]


PERSON = signed(CertificateKind.PERSON, changes_after=Changes.FORM_FILLING)
SEAL = signed(CertificateKind.AGENCY, locked=True)
STAMP = signed(CertificateKind.SYSTEM, type=SignatureType.DOCUMENT_TIMESTAMP)


def apply(
    *signatures: SignatureReport, fields: dict[str, str] | None = None, expected: Expected | None = None
) -> DocumentRule:
    return apply_rule("nd30", signatures, tuple((fields or {}).items()), expected)


def codes(rule: DocumentRule) -> list[str]:
    return [reason.code for reason in rule.reasons]


@pytest.mark.parametrize(
    "signatures",
    [
        (PERSON, SEAL),
        (PERSON, PERSON, SEAL),
        (PERSON, dataclasses.replace(SEAL, locked=False, changes_after=Changes.FORM_FILLING), SEAL),
        (PERSON, dataclasses.replace(SEAL, changes_after=Changes.LTV_UPDATE), STAMP),
    ],
    ids=["one and one", "two persons", "two agencies", "time-stamp after the seal"],
)
def test_persons_and_then_agencies_pass(signatures: tuple[SignatureReport, ...]) -> None:
    rule = apply(*signatures)
    assert rule.passed
    assert codes(rule) == []


@pytest.mark.parametrize(
    ("signatures", "code"),
    [
        ((), "RULE_NO_PERSON"),
        ((), "RULE_NO_SEAL"),
        ((SEAL,), "RULE_NO_PERSON"),
        ((PERSON,), "RULE_NO_SEAL"),
        ((SEAL, PERSON), "RULE_WRONG_ORDER"),
        ((PERSON, SEAL, PERSON), "RULE_WRONG_ORDER"),
        ((PERSON, dataclasses.replace(SEAL, locked=False)), "RULE_NOT_LOCKED"),
        ((PERSON, dataclasses.replace(SEAL, changes_after=Changes.FORM_FILLING)), "RULE_CHANGED_AFTER_SEAL"),
        ((PERSON, signed(CertificateKind.SYSTEM), SEAL), "RULE_FOREIGN_SIGNATURE"),
        ((PERSON, dataclasses.replace(SEAL, signer=None)), "RULE_FOREIGN_SIGNATURE"),
        (
            (dataclasses.replace(PERSON, indication=Indication.INDETERMINATE), SEAL),
            "RULE_SIGNATURE_NOT_PASSED",
        ),
    ],
)
def test_anything_else_fails_with_its_reason(signatures: tuple[SignatureReport, ...], code: str) -> None:
    rule = apply(*signatures)
    assert rule.passed is False
    assert code in codes(rule)
    assert all(reason.text_vi for reason in rule.reasons)


@pytest.mark.parametrize("shown", ["05/UBND-VP", "5/UBND-VP", "Số: 05/UBND-VP", " 05 / UBND-VP "])
def test_the_number_agrees_however_it_is_written(shown: str) -> None:
    expected = Expected(number="05", notation="UBND-VP")
    assert apply(PERSON, SEAL, fields={"Number": shown}, expected=expected).passed


@pytest.mark.parametrize("shown", ["", "6/UBND-VP", "05/QĐ-UBND", "05"])
def test_another_number_fails(shown: str) -> None:
    rule = apply(PERSON, SEAL, fields={"Number": shown}, expected=Expected(number="05", notation="UBND-VP"))
    assert codes(rule) == ["RULE_NUMBER_DIFFERS"]


@pytest.mark.parametrize(
    "shown",
    ["ngày 05 tháng 02 năm 2026", "ngày 5 tháng 2 năm 2026", "05 tháng 02 năm 2026", "05/02/2026",
     "5-2-2026", "Hà Nội, ngày 05 tháng 02 năm 2026"],
)  # fmt: skip
def test_the_date_agrees_however_it_is_written(shown: str) -> None:
    assert read_date(shown) == DAY
    assert apply(PERSON, SEAL, fields={"Date": shown}, expected=Expected(date=DAY)).passed


@pytest.mark.parametrize("shown", ["", "ngày 06 tháng 02 năm 2026", "31/02/2026", "05/02/2026 06/02/2026"])
def test_another_date_fails(shown: str) -> None:
    rule = apply(PERSON, SEAL, fields={"Date": shown}, expected=Expected(date=DAY))
    assert codes(rule) == ["RULE_DATE_DIFFERS"]


def test_a_document_without_the_fields_is_not_compared() -> None:
    assert apply(PERSON, SEAL, expected=Expected(number="05", notation="X", date=DAY)).passed


def test_the_agency_is_the_sender() -> None:
    assert apply(PERSON, SEAL, expected=Expected(organization="ủy ban nhân dân  tỉnh An Bình")).passed
    rule = apply(PERSON, SEAL, expected=Expected(organization="Sở Tài chính"))
    assert codes(rule) == ["RULE_AGENCY_DIFFERS"]


def test_no_rule_says_nothing_and_an_unknown_rule_is_refused() -> None:
    assert apply_rule("none", (), ()).passed is None
    with pytest.raises(InputError):
        apply_rule("nd31", (), ())
