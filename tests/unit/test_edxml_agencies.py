"""Codes of agencies in both forms, and the list by which one becomes the other."""

import pytest

from edoc.core.agencies import Agency, CodeForm, Directory, code_form, is_below
from edoc.core.ids import AgencyCode
from edoc.errors import InputError

ROWS = [
    {"id": "1", "code": "H41", "code102": "000.00.00.H41", "name": "UBND tỉnh A", "mail": "a@example.vn"},
    {"id": "2", "code": "H41.03", "code102": "000.00.12.H41", "name": "Sở Y tế"},
    {"id": "3", "code": "H41.03.07", "code102": "000.02.12.H41", "name": "Trung tâm Y tế"},
    {"id": "4", "code": "020100107370", "code102": "", "name": "Doanh nghiệp"},
]


@pytest.fixture
def directory() -> Directory:
    return Directory.from_rows(ROWS)


@pytest.mark.parametrize(
    ("code", "form"),
    [
        ("000.00.00.H41", CodeForm.OLD),
        ("000.12.03.G12", CodeForm.OLD),
        ("H41", CodeForm.NEW),
        ("H41.03.12", CodeForm.NEW),
        ("H37.DN.001", CodeForm.NEW),
        ("H41" + ".12" * 10, CodeForm.NEW),
        ("020100107370", CodeForm.OTHER),
        ("02.29.W00", CodeForm.OTHER),
        ("vxp.saas.03", CodeForm.OTHER),
        ("٠٠٠.٠٠.٠٠.H41", CodeForm.OTHER),
    ],
)
def test_the_form_of_a_code_is_told(code: str, form: CodeForm) -> None:
    assert code_form(AgencyCode(code)) is form


@pytest.mark.parametrize(
    ("code", "above", "below"),
    [
        ("H41.03.12", "H41", True),
        ("H41.03.12", "000.00.03.H41", True),
        ("000.12.03.H41", "H41.03", True),
        ("H41.03", "H41.03", False),
        ("H41", "H41.03", False),
        ("H42.03", "H41", False),
    ],
)
def test_an_agency_lies_below_another_whatever_the_forms_of_their_codes(
    code: str, above: str, *, below: bool
) -> None:
    assert is_below(AgencyCode(code), AgencyCode(above)) is below


def test_a_code_becomes_the_other_form_by_the_list_not_by_turning_it(directory: Directory) -> None:
    assert directory.convert("000.00.12.H41", CodeForm.NEW) == "H41.03"
    assert directory.convert("H41.03", CodeForm.OLD) == "000.00.12.H41"
    assert directory.convert(" h41.03.07 ", CodeForm.OLD) == "000.02.12.H41"


def test_a_code_of_the_wanted_form_stays_even_if_nobody_knows_it(directory: Directory) -> None:
    assert directory.convert("H99.01", CodeForm.NEW) == "H99.01"


@pytest.mark.parametrize("code", ["000.99.99.H41", "020100107370", "000.00.00.H99"])
def test_what_the_list_does_not_tell_is_not_guessed(code: str, directory: Directory) -> None:
    wanted = CodeForm.OLD if code.startswith("02") else CodeForm.NEW
    with pytest.raises(InputError, match="knows no code of the form"):
        directory.convert(code, wanted)


def test_an_agency_is_found_by_either_code_and_knows_its_level(directory: Directory) -> None:
    found = directory.find("000.02.12.H41")
    assert found == directory.find("H41.03.07")
    assert found is not None
    assert (found.name, found.level) == ("Trung tâm Y tế", 3)
    assert directory.find("H00") is None


def test_rows_of_both_lists_are_put_together(directory: Directory) -> None:
    old = [
        {"code": "000.00.12.H41", "oldCode": "", "name": "Sở Y tế"},
        {"code": "000.00.77.H41", "name": "Sở cũ"},
        {"code": "000.00.00.H41", "oldCode": "H41", "name": "UBND tỉnh A"},
    ]
    both = Directory.from_rows([*ROWS, *old])
    assert both.agencies[:4] == directory.agencies
    assert both.agencies[4:] == (Agency(old_code="000.00.77.H41", name="Sở cũ"),)
    assert both.convert("000.00.12.H41", CodeForm.NEW) == "H41.03"


def test_a_code_of_two_agencies_is_not_guessed() -> None:
    merged = Directory.from_rows([*ROWS, {"code": "H41.08", "code102": "000.00.12.H41"}])
    assert merged.convert("H41.08", CodeForm.OLD) == "000.00.12.H41"
    with pytest.raises(InputError, match="2 times"):
        merged.convert("000.00.12.H41", CodeForm.NEW)


def test_rows_without_a_code_are_counted_not_believed() -> None:
    found = Directory.from_rows([{"name": "x"}, {"code": "H" * 36}, {"code": None}, *ROWS])
    assert (found.passed_over, len(found.agencies)) == (3, 4)


def test_a_directory_is_kept_as_json(directory: Directory) -> None:
    assert Directory.from_dict(directory.to_dict()) == directory
    with pytest.raises(InputError) as raised:
        Directory.from_dict({"agencies": [{"code": 5}]})
    assert raised.value.where == "agencies[0].code"


def test_what_is_no_code_is_refused(directory: Directory) -> None:
    with pytest.raises(InputError):
        directory.find(" ")
