import re
import subprocess
import sys
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


def test_a_letter_without_fields_is_signed_numbered_and_sealed(
    letter: Path, tmp_path: Path, pki: DevPki
) -> None:
    signed, numbered, sealed = (tmp_path / f"{step}.pdf" for step in range(3))
    given = ["--number", "5", "--notation", "UBND-VP", "--date", "2026-02-05"]
    anchored = ["--anchor", "KT. CHỦ TỊCH"]
    steps: list[list[str | Path]] = [
        ["sign", letter, signed, "--role", "person", *anchored, "--image", SIGNATURE_IMAGE],
        ["sign", signed, numbered, "--role", "number", *given],
        ["sign", numbered, sealed, "--role", "agency", "--image", SEAL_IMAGE, "--digest", "sha384", "--pss"],
    ]
    for step, name in zip(steps, ("a-person2", "a-seal", "a-seal"), strict=True):
        done = run(*step, *signer(pki, name))
        assert done.exit_code == 0, done.output
    assert [(sound, allowed) for _, sound, _, allowed in judge(sealed)] == [(True, True)] * 3


@pytest.mark.parametrize(("lock", "signs_after"), [("none", True), ("form", True), ("all", False)])
def test_a_lock_says_what_may_follow(
    lock: str, signs_after: bool, letter: Path, tmp_path: Path, pki: DevPki
) -> None:
    first, second = tmp_path / "1.pdf", tmp_path / "2.pdf"
    done = run("sign", letter, first, "--role", "person", "--lock", lock, *signer(pki, "a-person1"))
    assert done.exit_code == 0, done.output
    done = run("sign", first, second, "--role", "person", *signer(pki, "a-person2"))
    assert (done.exit_code == 0) is signs_after, done.output


def test_a_role_of_ones_own_is_a_file(letter: Path, tmp_path: Path, pki: DevPki) -> None:
    role = tmp_path / "chánh văn phòng.toml"
    role.write_text(
        'title = "Chánh Văn phòng"\nkind = "person"\nnew_field = "ChanhVanPhong"\nplace = "none"\n',
        encoding="utf-8",
    )
    done = run("sign", letter, tmp_path / "out.pdf", "--role", role, *signer(pki, "a-person1"))
    assert done.exit_code == 0, done.output
    assert judge(tmp_path / "out.pdf")[0][0].startswith("ChanhVanPhong")


def test_an_unknown_role_is_told_the_presets(letter: Path, tmp_path: Path, pki: DevPki) -> None:
    done = run("sign", letter, tmp_path / "o.pdf", "--role", "clerk", *signer(pki, "a-person1"))
    assert done.exit_code == 2
    for preset in ("person", "agency", "system", "annex", "enclosure", "sao-y", "sao-luc", "trich-sao"):
        assert preset in done.stderr


def test_a_seal_judges_the_person_by_the_policy_in_a_file(letter: Path, tmp_path: Path, pki: DevPki) -> None:
    signed, sealed, policy = tmp_path / "1.pdf", tmp_path / "2.pdf", tmp_path / "tinh.toml"
    assert run("sign", letter, signed, "--role", "person", *signer(pki, "a-person1")).exit_code == 0
    more = ["--role", "agency", "--image", SEAL_IMAGE, *signer(pki, "a-seal"), "--policy", policy]
    policy.write_text('name = "strict"\nminimal_rsa_bits = 16384\nminimal_ec_bits = 1024\n')
    refused = run("sign", signed, sealed, *more)
    assert refused.exit_code == 1
    assert "validly signed" in refused.stderr
    policy.write_text('name = "usual"\n')
    done = run("sign", signed, sealed, *more)
    assert done.exit_code == 0, done.output


def test_an_unknown_policy_is_wrong_usage(letter: Path, tmp_path: Path, pki: DevPki) -> None:
    more = ["--role", "person", "--policy", "nd69", *signer(pki, "a-person1")]
    done = run("sign", letter, tmp_path / "o.pdf", *more)
    assert done.exit_code == 2
    assert "nd68" in done.stderr


def test_two_places_for_the_passphrase_are_wrong_usage(letter: Path, tmp_path: Path, pki: DevPki) -> None:
    more = ["--role", "person", "--passphrase-env", "X", *signer(pki, "a-person1")]
    assert run("sign", letter, tmp_path / "o.pdf", *more).exit_code == 2


def test_an_encrypted_draft_is_prepared_and_numbered_with_its_password(tmp_path: Path) -> None:
    draft, ready, filled = (tmp_path / f"{step}.pdf" for step in ("draft", "ready", "filled"))
    draft.write_bytes(encrypt("sesame"))
    (tmp_path / "password").write_text("sesame\n")
    opened: list[str | Path] = ["--password-file", tmp_path / "password"]
    given: list[str] = ["--number", "5", "--notation", "UBND-VP", "--date", "2026-02-05"]
    assert run("prepare", draft, ready, *opened).exit_code == 0
    done = run("number", ready, filled, *given, *opened)
    assert done.exit_code == 0, done.output
    with pikepdf.open(filled, password="sesame") as pdf:
        assert pdf.is_encrypted


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    program = (
        "import sys; sys.argv = ['edoc', 'sign', '--help']\n"
        "from edoc.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"cryptography", "asn1crypto", "pikepdf", "PIL", "lxml", "httpx", "pyhanko", "rich"}
    assert not {name for name in heavy if f"'{name}'" in done.stderr}


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
