import re
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pdfmaking import LETTER, SEAL_IMAGE, SIGNATURE_IMAGE, encrypt, judge
from typer import Typer
from typer.testing import CliRunner, Result

from edoc.cli import levels, prepare, sign
from edoc.devpki.hierarchy import DevPki
from edoc.pdf.document import inspect

app = Typer(pretty_exceptions_enable=False)
for commands in (prepare, sign, levels):
    commands.register(app)


def run(*arguments: str | Path, **options: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], **options)  # type: ignore[arg-type]


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.pdf"
    path.write_bytes(LETTER)
    return path


def signer(pki: DevPki, name: str) -> list[str | Path]:
    return [
        "--key",
        pki.key_path(name),
        "--passphrase-file",
        pki.passphrase_path,
        "--trust",
        pki.trust_path,
        "--offline",
    ]


def test_the_whole_way_of_a_letter(letter: Path, tmp_path: Path, pki: DevPki) -> None:
    ready, signed, filled, sealed = (tmp_path / f"{step}.pdf" for step in range(4))
    steps: list[list[str | Path]] = [
        ["prepare", letter, ready, "--anchor", "KT. CHỦ TỊCH"],
        ["sign", ready, signed, "--role", "person", "--image", SIGNATURE_IMAGE, *signer(pki, "a-person2")],
        ["number", signed, filled, "--number", "5", "--notation", "UBND-VP", "--date", "2026-02-05"],
        ["sign", filled, sealed, "--role", "agency", "--image", SEAL_IMAGE, *signer(pki, "a-seal")],
    ]
    for step in steps:
        done = run(*step)
        assert done.exit_code == 0, done.output
        assert done.stdout == ""
    assert [(field, sound, allowed) for field, sound, _, allowed in judge(sealed)] == [
        ("Person", True, True),
        ("Seal", True, True),
    ]


def test_places_are_given_as_page_and_corners(letter: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    assert run("prepare", letter, out, "--person-rect", "1,300,100,440,170", "--seals", "2").exit_code == 0
    assert inspect(out).fields == ("Number", "Date", "Person", "Seal", "Seal2")
    with pikepdf.open(out) as pdf:
        widget: Any = pdf.pages[0].Annots[2]
        assert (str(widget.T), [float(corner) for corner in widget.Rect]) == ("Person", [300, 100, 440, 170])


def test_the_passphrase_may_stand_in_the_environment(letter: Path, tmp_path: Path, pki: DevPki) -> None:
    arguments: list[str | Path]
    arguments = ["sign", letter, tmp_path / "o.pdf", "--role", "person", "--key", pki.key_path("a-person1")]
    arguments += ["--checks", "none", "--passphrase-env", "PIN_OF_TEST"]
    done = run(*arguments, env={"PIN_OF_TEST": pki.passphrase})
    assert done.exit_code == 0, done.output
    missing = run(*arguments)
    assert missing.exit_code == 1
    assert "PIN_OF_TEST is not set" in missing.stderr


def test_a_wrong_passphrase_is_one_sentence(letter: Path, tmp_path: Path, pki: DevPki) -> None:
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("sesame")
    done = run(
        "sign", letter, tmp_path / "o.pdf", "--role", "person", "--key", pki.key_path("a-person1"),
        "--passphrase-file", wrong, "--checks", "none",
    )  # fmt: skip
    assert done.exit_code == 1
    assert "the passphrase does not open this key file" in done.stderr
    assert "sesame" not in done.output
    assert "Traceback" not in done.output
    assert not (tmp_path / "o.pdf").exists()


def test_without_trust_signing_is_refused(letter: Path, tmp_path: Path, pki: DevPki) -> None:
    done = run(
        "sign", letter, tmp_path / "o.pdf", "--role", "person", "--key", pki.key_path("a-person1"),
        "--passphrase-file", pki.passphrase_path,
    )  # fmt: skip
    assert done.exit_code == 1
    assert "no trusted root was given" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty (0 bytes)"), (b"text", "not a PDF"), (encrypt("secret"), "encrypted")]
)
@pytest.mark.parametrize("command", ["prepare", "number", "sign"])
def test_a_file_that_cannot_be_read_ends_in_one_sentence(
    command: str, content: bytes, words: str, tmp_path: Path, pki: DevPki
) -> None:
    source = tmp_path / "in.pdf"
    source.write_bytes(content)
    more: dict[str, list[str | Path]] = {
        "prepare": [],
        "number": ["--number", "5", "--notation", "UBND-VP", "--date", "2026-02-05"],
        "sign": ["--role", "person", *signer(pki, "a-person1")],
    }
    done = run(command, source, tmp_path / "out.pdf", *more[command])
    assert done.exit_code == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.pdf"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    done = run("prepare", tmp_path / "none.pdf", tmp_path / "out.pdf")
    assert done.exit_code == 1
    assert "none.pdf: no such file or directory" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["prepare", "in.pdf", "out.pdf", "--number-rect", "1,2,3"],
        ["prepare", "in.pdf", "out.pdf", "--number-rect", "0,1,2,3,4"],
        ["prepare", "in.pdf", "out.pdf", "--date-rect", "1,a,b,c,d"],
        ["prepare", "in.pdf", "out.pdf", "--seal-rect", "1,nan,2,3,4"],
        ["prepare", "in.pdf", "out.pdf", "--seals", "0"],
        ["prepare", "in.pdf"],
        ["number", "in.pdf", "out.pdf", "--number", "0", "--notation", "S", "--date", "2026-02-05"],
        ["number", "in.pdf", "out.pdf", "--number", "1", "--notation", "S", "--date", "5/2/2026"],
        ["sign", "in.pdf", "out.pdf", "--role", "clerk", "--key", "k.p12"],
        ["sign", "in.pdf", "out.pdf", "--role", "person"],
        ["sign", "in.pdf", "out.pdf", "--role", "person", "--key", "k.p12", "--page", "1"],
        ["sign", "in.pdf", "out.pdf", "--role", "person", "--key", "k.p12", "--level", "B-T"],
        ["sign", "in.pdf", "out.pdf", "--role", "person", "--key", "k.p12", "--level", "B-X"],
        ["sign", "in.pdf", "out.pdf", "--role", "person", "--key", "k.p12", "--page", "1", "--rect", "1,2"],
    ],
)
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_level_without_a_tsa_is_wrong_usage(letter: Path, tmp_path: Path, pki: DevPki) -> None:
    done = run(
        "sign", letter, tmp_path / "o.pdf", "--role", "person", "--level", "B-LTA", *signer(pki, "a-person1")
    )
    assert done.exit_code == 2
    assert "needs a TSA" in done.stderr


@pytest.mark.parametrize("command", ["prepare", "number", "sign", "timestamp", "extend"])
def test_help_has_an_example(command: str) -> None:
    shown = re.sub(r"\s+", " ", run(command, "--help").output)
    assert re.search(rf"Examples?: edoc {command} ", shown)
