"""`edoc verify`: exit codes, one JSON document on stdout, an HTML file."""

import json
from pathlib import Path

import pytest
import typer
import verifying
from typer.testing import CliRunner

from edoc.cli import verify as command
from edoc.devpki.hierarchy import DevPki


@pytest.fixture
def folder(pki: DevPki, tmp_path: Path) -> Path:
    journey = verifying.travel(pki)
    (tmp_path / "sealed.pdf").write_bytes(journey.sealed)
    (tmp_path / "unsigned.pdf").write_bytes(journey.unsigned)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\n")
    return tmp_path


def run(*arguments: str | Path) -> tuple[int, str, str]:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    result = CliRunner().invoke(app, ["verify", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_a_trusted_document_exits_0(pki: DevPki, folder: Path) -> None:
    code, out, _ = run("--offline", "--trust", pki.trust_path, "--rule", "nd30", folder / "sealed.pdf")
    assert code == 0
    assert "Hợp lệ" in out
    assert "DEVELOPMENT" in out


def test_without_trust_it_exits_3(folder: Path) -> None:
    assert run("--offline", folder / "sealed.pdf")[0] == 3


def test_an_altered_document_exits_1(pki: DevPki, folder: Path) -> None:
    data = (folder / "sealed.pdf").read_bytes()
    (folder / "altered.pdf").write_bytes(verifying.flip(data, data.index(b"stream") + 20))
    assert run("--offline", "--trust", pki.trust_path, folder / "altered.pdf")[0] == 1


def test_unsigned_exits_4_and_unreadable_5(folder: Path) -> None:
    assert run("--offline", folder / "unsigned.pdf")[0] == 4
    assert run("--offline", folder / "broken.pdf")[0] == 5
    assert run("--offline", folder / "missing.pdf")[0] == 5


def test_json_is_alone_on_stdout(folder: Path) -> None:
    code, out, _ = run("--json", "--offline", folder)
    document = json.loads(out)
    assert code == 5
    assert [Path(file["path"]).name for file in document["files"]] == [
        "broken.pdf",
        "sealed.pdf",
        "unsigned.pdf",
    ]
    assert document["files"][0]["signatures"] == []
    assert document["files"][0]["indication"] is None


def test_html_is_written_whole(pki: DevPki, folder: Path) -> None:
    target = folder / "report.html"
    assert run("--offline", "--trust", pki.trust_path, "--html", target, folder / "sealed.pdf")[0] == 0
    assert target.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [path.name for path in folder.iterdir() if path.name.endswith(".part")] == []


@pytest.mark.parametrize(
    "options",
    [
        ("--policy", "none-such"),
        ("--rule", "none-such"),
        ("--at", "yesterday"),
        ("--trust", "/no/such/trust"),
        ("--password-file", "/no/such/file"),
        ("--html", "/no/such/folder/out.html"),
        ("--no-such-option",),
    ],
)
def test_wrong_usage_exits_2_with_one_sentence(folder: Path, options: tuple[str, ...]) -> None:
    code, out, err = run("--offline", *options, folder / "sealed.pdf")
    assert code == 2
    assert out == ""
    assert err
    assert "Traceback" not in err


def test_an_empty_folder_is_wrong_usage(tmp_path: Path) -> None:
    assert run("--offline", tmp_path)[0] == 2


def test_a_time_without_offset_is_vietnamese(folder: Path) -> None:
    _, out, _ = run("--json", "--offline", "--at", "2026-02-05T08:00:00", folder / "sealed.pdf")
    assert json.loads(out)["validation_time"] == "2026-02-05T08:00:00+07:00"


def test_help_has_an_example_and_the_exit_codes() -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "edoc verify --offline" in out
    assert "Exit codes" in out
