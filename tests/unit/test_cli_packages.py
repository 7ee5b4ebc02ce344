"""The commands pack, pack-status and unpack, as people and programs use them."""

import json
from pathlib import Path

import pytest
import typer
from edxmlmaking import PDF, attachment, foreign, values
from typer.testing import CliRunner

from edoc.cli import packages

APP = typer.Typer(rich_markup_mode=None)
packages.register(APP)
STATUS = {"from": {"organ_id": "H99.02"}, "status_code": "03", "description": "Đã tiếp nhận"}


def run(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(APP, list(map(str, arguments)))
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a dispatch, a status and two files, to work in."""
    monkeypatch.chdir(tmp_path)
    Path("dispatch.json").write_text(json.dumps(values()), encoding="utf-8")
    Path("status.json").write_text(json.dumps(STATUS), encoding="utf-8")
    Path("a.pdf").write_bytes(PDF)
    Path("b.xlsx").write_bytes(b"PK\x03\x04sheet")
    return tmp_path


@pytest.mark.parametrize(
    "attach", [("--attach", "a.pdf", "--attach", "b.xlsx"), ("--attach", "a.pdf", "b.xlsx")]
)
def test_packed_and_unpacked_the_files_are_the_same(attach: tuple[str, ...], here: Path) -> None:
    assert run("pack", "dispatch.json", *attach, "-o", "out.edxml")[0] == 0
    code, shown, _ = run("unpack", "out.edxml", "-d", "inbox", "--json")
    found = json.loads(shown)
    assert code == 0
    assert [(one["content_id"], one["name"], one["path"]) for one in found["attachments"]] == [
        ("att-1", "a.pdf", "a.pdf"),
        ("att-2", "b.xlsx", "b.xlsx"),
    ]
    assert found["document_id"] == "H99.01,2026/02/05,05/UBND-VP"
    assert (here / "inbox/a.pdf").read_bytes() == PDF
    assert (here / "inbox/b.xlsx").read_bytes() == b"PK\x03\x04sheet"


def test_what_unpack_prints_can_be_packed_again(here: Path) -> None:
    run("pack", "dispatch.json", "--attach", "a.pdf", "-o", "one.edxml", "--profile", "reference")
    (here / "again.json").write_text(run("unpack", "one.edxml", "-d", "in", "--json")[1], encoding="utf-8")
    run("pack", "again.json", "--attach", "in/a.pdf", "-o", "two.edxml", "--profile", "reference")
    assert (here / "two.edxml").read_bytes() == (here / "one.edxml").read_bytes()


def test_a_status_goes_there_and_back(here: Path) -> None:
    assert run("pack-status", "status.json", "-o", "status.edxml")[0] == 0
    found = json.loads(run("unpack", "status.edxml", "--json")[1])
    assert found["kind"] == "status"
    assert found.items() >= STATUS.items()
    (here / "again.json").write_text(json.dumps(found), encoding="utf-8")
    assert run("pack-status", "again.json", "-o", "again.edxml")[0] == 0
    assert (here / "again.edxml").read_bytes() == (here / "status.edxml").read_bytes()


@pytest.mark.usefixtures("here")
def test_json_of_pack_names_what_was_written() -> None:
    code, shown, said = run("pack", "dispatch.json", "-o", "out.edxml", "--json")
    found = json.loads(shown)
    assert (code, said) == (0, "")
    assert found == {
        "path": "out.edxml",
        "sha256": json.loads(run("unpack", "out.edxml", "--json")[1])["sha256"],
        "size": Path("out.edxml").stat().st_size,
    }


@pytest.mark.usefixtures("here")
def test_people_see_the_header_and_the_attachments() -> None:
    run("pack", "dispatch.json", "--attach", "a.pdf", "-o", "out.edxml")
    code, shown, said = run("unpack", "out.edxml")
    assert (code, said) == (0, "")
    for words in (
        "05/UBND-VP",
        "Về việc phòng, chống dịch bệnh",
        "Sở Y tế tỉnh B",
        "a.pdf",
        f"{len(PDF)} bytes",
    ):
        assert words in shown


def test_warnings_go_to_stderr_and_strangers_cannot_steer_the_terminal(here: Path) -> None:
    package = foreign(
        "<From><OrganId>A</OrganId></From><To><OrganId>B</OrganId></To><Subject>a\u202eb\tc</Subject>",
        attachments=attachment("a.pdf", b"MZ"),
    )
    (here / "x.edxml").write_bytes(package)
    code, shown, said = run("unpack", "x.edxml")
    assert code == 0
    assert "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c" in shown
    assert "CONTENT_MISMATCH: The content is not what the name 'a.pdf' says." in said
    assert "VALUE_MISSING" in said
    assert run("unpack", "x.edxml", "--json")[1].startswith("{")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("unpack", "a.pdf", "-d", "in"), "edoc: a.pdf, line 1: this is not well-formed XML"),
        (("unpack", "missing.edxml"), "edoc: missing.edxml: no such file or directory."),
        (("pack", "status.json", "-o", "out.edxml"), "edoc: status.json: this is a status, not a dispatch."),
        (("pack", "a.pdf", "-o", "out.edxml"), "edoc: a.pdf: this is not JSON"),
        (("pack", "dispatch.json", "--attach", "no.pdf", "-o", "out.edxml"), "edoc: no.pdf: no such file"),
        (("pack-status", "dispatch.json", "-o", "out.edxml"), "this is a dispatch, not a status."),
        (("pack", "dispatch.json", "-o", "no/out.edxml"), "edoc: no/out.edxml: no such file or directory."),
    ],
)
def test_a_failure_is_one_sentence_and_leaves_nothing(
    arguments: tuple[str, ...], said: str, here: Path
) -> None:
    before = sorted(here.iterdir())
    code, shown, stderr = run(*arguments)
    assert (code, shown) == (1, "")
    assert said in stderr
    assert stderr.count("\n") == 1
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("pack", "dispatch.json"),
        ("pack", "dispatch.json", "-o", "o", "--profile", "bkav"),
        ("pack", "dispatch.json", "--attach", "a.pdf", "b.xlsx", "--attach", "a.pdf", "-o", "o"),
        ("unpack",),
    ],
)
@pytest.mark.usefixtures("here")
def test_wrong_usage_exits_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


@pytest.mark.parametrize("command", ["pack", "pack-status", "unpack"])
def test_help_ends_with_an_example(command: str) -> None:
    code, shown, _ = run(command, "--help")
    assert code == 0
    assert f"Example: edoc {command} " in " ".join(shown.split())
