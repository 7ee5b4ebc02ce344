from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import pytest

from edoc.core.chain import CertificateKind
from edoc.errors import InputError
from edoc.roles.role import Spot, list_presets, load_role

AT = datetime(2026, 3, 5, 10, 20, 30, tzinfo=timezone(timedelta(hours=7)))
OWN = """
title = "Văn thư"
kind = "agency"
new_field = "Clerk"
place = "top-right"
lines = ["Văn bản số {number} {date}", "{agency}, {time}"]
"""


def compose(name: str, **given: Any) -> tuple[str, ...]:
    values = {"number": "05/UBND-VP", "date": "ngày 05 tháng 3 năm 2026", "time": AT, "agency": "UBND tỉnh"}
    return load_role(name).compose(**{**values, **given})


def own(folder: Path, text: str, name: str = "van-thu.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_presets_are_those_of_annex_1() -> None:
    assert set(list_presets()) == {
        "person", "agency", "system", "annex", "enclosure", "sao-y", "sao-luc", "trich-sao", "number",
    }  # fmt: skip
    for name in list_presets():
        role = load_role(name)
        assert role.name == name
        assert role.title
        assert role.text_size == (13 if name == "number" else 10)


@pytest.mark.parametrize(
    ("name", "kind", "place", "lock", "image"),
    [
        ("person", "person", "person", "none", "optional"),
        ("agency", "agency", "seal", "all", "optional"),
        ("system", "system", "none", "none", "optional"),
        ("annex", "agency", "top-right", "all", "forbidden"),
        ("enclosure", "agency", "top-right", "none", "forbidden"),
        ("sao-y", "agency", "top-right", "all", "forbidden"),
        ("sao-luc", "agency", "top-right", "all", "forbidden"),
        ("trich-sao", "agency", "top-right", "all", "forbidden"),
        ("number", "agency", "number-and-date", "none", "forbidden"),
    ],
)
def test_a_preset_says_who_signs_where_and_what_is_locked(
    name: str, kind: str, place: str, lock: str, image: str
) -> None:
    role = load_role(name)
    assert (role.kind, role.place, role.lock, role.image) == (CertificateKind(kind), place, lock, image)


def test_only_seal_and_number_ask_for_a_persons_signature() -> None:
    assert {name for name in list_presets() if load_role(name).requires_person} == {"agency", "number"}


def test_person_and_seal_fill_the_prepared_fields_in_order() -> None:
    assert load_role("person").fields == ("Person",)
    assert load_role("agency").fields[:3] == ("Seal", "Seal2", "Seal3")
    seal = load_role("agency")
    assert (seal.width_mm, seal.height_mm, seal.actual_size) == (36, 36, True)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("person", ()),
        ("agency", ()),
        ("annex", ("Kèm theo văn bản số 05/UBND-VP", "Thời gian ký: 2026-03-05T10:20:30+07:00")),
        ("sao-y", ("SAO Y", "UBND tỉnh", "Thời gian ký: 2026-03-05T10:20:30+07:00")),
        ("sao-luc", ("SAO LỤC", "UBND tỉnh", "Thời gian ký: 2026-03-05T10:20:30+07:00")),
        ("trich-sao", ("TRÍCH SAO", "UBND tỉnh", "Thời gian ký: 2026-03-05T10:20:30+07:00")),
        ("number", ("05/UBND-VP", "ngày 05 tháng 3 năm 2026")),
    ],
)
def test_a_preset_prints_what_annex_1_lists(name: str, lines: tuple[str, ...]) -> None:
    assert compose(name) == lines


@pytest.mark.parametrize(("name", "missing"), [("annex", "number"), ("sao-y", "agency"), ("number", "date")])
def test_what_a_role_prints_must_be_given(name: str, missing: str) -> None:
    with pytest.raises(InputError, match=f"the role {name} prints the {missing}, and none is given"):
        compose(name, **{missing: None})


def test_a_role_of_ones_own_is_a_file(tmp_path: Path) -> None:
    path = own(tmp_path, OWN + 'time_format = "%d/%m/%Y %H:%M:%S %:z"\n')
    role = load_role(path)
    assert role == load_role(str(path))
    assert (role.name, role.title, role.new_field) == ("van-thu", "Văn thư", "Clerk")
    lines = role.compose(number="5/A", date="ngày 5", time=AT, agency="Sở Nội vụ")
    assert lines == ("Văn bản số 5/A ngày 5", "Sở Nội vụ, 05/03/2026 10:20:30 +07:00")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("colour = 'red'", "a role has no colour"),
        ("lock = 'everything'", "lock cannot be 'everything'"),
        ("image = 'maybe'", "image cannot be 'maybe'"),
        ("width_mm = 'wide'", "width_mm must be a number from 1 to 300"),
        ("width_mm = true", "width_mm must be a number from 1 to 300"),
        ("height_mm = nan", "height_mm must be a number"),
        ("text_size = 2", "text_size must be a number from 6 to 72"),
        ("requires_person = 'yes'", "requires_person must be true or false"),
        ("fields = 'Person'", "fields must be a list"),
        ("fields = [1]", "fields must be a list"),
        ("name = ''", "name must be a text"),
        ("time_format = 'now'", "time_format cannot be 'now'"),
        ("time_format = '%H:%M %p'", "time_format cannot be"),
        ("time_format = '%9999d'", "time_format cannot be"),
        ("actual_size = true", "needs width_mm"),
    ],
)
def test_what_a_role_cannot_be_is_named_with_its_file(change: str, words: str, tmp_path: Path) -> None:
    path = own(tmp_path, OWN + change + "\n")
    with pytest.raises(InputError, match=words) as caught:
        load_role(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "agency"\n', "", "a role needs kind"),
        ('kind = "agency"', 'kind = "clerk"', "kind cannot be 'clerk'. Use person, agency, system"),
        ('new_field = "Clerk"\n', "", "a role needs new_field"),
        ('new_field = "Clerk"', 'new_field = "A.B"', "new_field cannot be 'A.B'"),
        ('place = "top-right"', 'place = "left"', f"Use {', '.join(get_args(Spot))}"),
        ('place = "top-right"', 'place = "seal"', "with the place seal needs width_mm"),
        ("{date}", "{copy}", "lines cannot say {copy}. They can say {number}, {date}, {time}, {agency}"),
        ("{date}", "{date", "Braces only as in"),
        ("title =", "title", "is no TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_allowed(old: str, new: str, words: str, tmp_path: Path) -> None:
    assert old in OWN
    with pytest.raises(InputError) as caught:
        load_role(own(tmp_path, OWN.replace(old, new)))
    assert words in str(caught.value)


def test_lines_are_needed_where_text_is_to_stand(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="with the place top-right needs lines"):
        load_role(own(tmp_path, OWN[: OWN.index("lines")]))


@pytest.mark.parametrize("name", ["clerk", "../roles/person", ""])
def test_an_unknown_name_lists_the_known_ones(name: str) -> None:
    with pytest.raises(InputError, match="Roles are agency, annex, enclosure, number, person"):
        load_role(name)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml: this role file cannot be read \(no such file"):
        load_role(tmp_path / "none.toml")


def test_a_file_that_is_no_text_or_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "role.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is no TOML"):
        load_role(path)
    path.write_bytes(b"#" * 100_000)
    with pytest.raises(InputError, match="too long"):
        load_role(path)
