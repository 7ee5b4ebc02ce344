"""`edoc timestamp`, `edoc extend`, and levels of `edoc sign`: one file or many, with a configuration file."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from acting import Run
from pdfmaking import LETTER, encrypt
from softhsm import PIN, SoftHsm

from edoc.core.report import Level
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.trust.store import Trust
from edoc.verification import verify


@pytest.fixture(scope="module")
def services(pki: DevPki) -> Iterator[str]:
    with serving(pki) as url:
        yield url


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.pdf"
    path.write_bytes(LETTER)
    return path


def write_config(folder: Path, pki: DevPki, tsa: str) -> Path:
    path = folder / "edoc.toml"
    path.write_text(
        f'[trust]\npaths = ["{pki.trust_path}"]\n[online]\ncache = "cache"\n[[online.tsa]]\nurl = "{tsa}"\n'
        '[agency]\norgan_id = "a node says more"\n'
    )
    return path


def level_of(path: Path, pki: DevPki) -> Level:
    return verify(path, trust=Trust.load(pki.trust_path), offline=True).files[0].signatures[0].level


def test_trust_and_tsa_come_from_a_file(
    letter: Path, tmp_path: Path, pki: DevPki, services: str, run: Run
) -> None:
    config = write_config(tmp_path, pki, f"{services}/tsa")
    out = tmp_path / "out.pdf"
    key = ["--key", pki.key_path("a-person1"), "--passphrase-file", pki.passphrase_path]
    done = run("sign", letter, out, *key, "--role", "person", "--level", "B-LTA", "--config", config)
    assert done.returncode == 0, done.stderr
    assert "level B-LTA" in done.stderr
    assert level_of(out, pki) is Level.PADES_B_LTA


def test_a_signed_file_is_stamped_and_raised(
    letter: Path, tmp_path: Path, pki: DevPki, services: str, run: Run
) -> None:
    signed, stamped, kept = (tmp_path / f"{name}.pdf" for name in ("signed", "stamped", "kept"))
    key = ["--key", pki.key_path("a-person1"), "--passphrase-file", pki.passphrase_path]
    run("sign", letter, signed, *key, "--role", "person", "--checks", "none")
    assert run("timestamp", signed, stamped, "--tsa", f"{services}/tsa").returncode == 0
    assert level_of(stamped, pki) is Level.PADES_B_T
    more = ["--level", "B-LTA", "--trust", pki.trust_path, "--offline", "--tsa", f"{services}/tsa"]
    assert run("extend", signed, kept, *more).returncode == 0
    assert level_of(kept, pki) is Level.PADES_B_LTA


def test_a_token_signs_from_the_command_line(
    letter: Path, tmp_path: Path, pki: DevPki, softhsm: SoftHsm, run: Run
) -> None:
    softhsm.make_token("dòng lệnh")
    softhsm.put("dòng lệnh", pki.key_path("a-person1"), pki.passphrase, label="k", number="01")
    (tmp_path / "pin").write_text(PIN)
    key = ["--key", "pkcs11:token=d%C3%B2ng%20l%E1%BB%87nh;object=k", "--passphrase-file", tmp_path / "pin"]
    more = ["--role", "person", "--trust", pki.trust_path, "--offline", "--pss"]
    done = run("sign", letter, tmp_path / "out.pdf", *key, *more)
    assert done.returncode == 0, done.stderr
    assert PIN not in done.stdout + done.stderr


def test_extend_without_trust_is_refused(letter: Path, tmp_path: Path, run: Run) -> None:
    done = run("extend", letter, tmp_path / "out.pdf", "--level", "B-LT")
    assert done.returncode == 1
    assert "without a trusted root" in done.stderr


def test_timestamp_without_a_tsa_is_wrong_usage(letter: Path, tmp_path: Path, run: Run) -> None:
    assert run("timestamp", letter, tmp_path / "out.pdf").returncode == 2


@pytest.fixture
def signed(tmp_path: Path, pki: DevPki, run: Run) -> Path:
    """A folder of two signed letters, and a file that is none."""
    folder = tmp_path / "vào"
    (folder / "năm").mkdir(parents=True)
    for name in ("một.pdf", "năm/hai.pdf"):
        (folder / name).write_bytes(LETTER)
    out = tmp_path / "đã ký"
    key = ["--key", pki.key_path("a-person1"), "--passphrase-file", pki.passphrase_path]
    done = run("sign", folder, "--out-dir", out, *key, "--role", "person", "--checks", "none")
    assert done.returncode == 0, done.stderr
    (out / "hỏng.pdf").write_text("không phải PDF")
    return out


def test_a_folder_is_stamped(signed: Path, tmp_path: Path, pki: DevPki, services: str, run: Run) -> None:
    done = run("timestamp", signed, "--out-dir", tmp_path / "ra", "--tsa", f"{services}/tsa")
    assert done.returncode == 1
    assert "2 time-stamped, 1 failed" in done.stdout
    assert level_of(tmp_path / "ra" / "năm" / "hai.pdf", pki) is Level.PADES_B_T
    assert not (tmp_path / "ra" / "hỏng.pdf").exists()


def test_a_folder_is_raised_and_told_as_json(
    signed: Path, tmp_path: Path, pki: DevPki, services: str, run: Run
) -> None:
    (signed / "hỏng.pdf").unlink()
    config = write_config(tmp_path, pki, f"{services}/tsa")
    out = tmp_path / "ra"
    more = ["--level", "B-LT", "--config", config, "--offline", "--json"]
    done = run("extend", signed, "--out-dir", out, *more)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["files"]
    assert {(Path(each["out"]).name, each["level"]) for each in told} == {
        ("một.pdf", "B-LT"),
        ("hai.pdf", "B-LT"),
    }
    for each in told:
        content = Path(each["out"]).read_bytes()
        assert (each["sha256"], each["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert level_of(out / "một.pdf", pki) is Level.PADES_B_LT
    again = run("extend", signed, "--out-dir", out, *more[:-1], "--resume")
    assert "0 raised, 0 failed, 2 passed over" in again.stdout


def test_authorities_are_asked_in_their_order_and_a_dead_one_is_passed(
    letter: Path, tmp_path: Path, pki: DevPki, services: str, run: Run
) -> None:
    key = ["--key", pki.key_path("a-person1"), "--passphrase-file", pki.passphrase_path]
    more = ["--role", "person", "--checks", "none", "--level", "B-T"]
    dead = ["--tsa", "http://127.0.0.1:1/tsa"]
    out = tmp_path / "out.pdf"
    done = run("sign", letter, out, *key, *more, *dead, "--tsa", f"{services}/tsa")
    assert done.returncode == 0, done.stderr
    assert level_of(out, pki) is Level.PADES_B_T
    refused = run("sign", letter, tmp_path / "none.pdf", *key, *more, *dead)
    assert refused.returncode == 1
    assert not (tmp_path / "none.pdf").exists()
    lower = run("sign", letter, tmp_path / "lower.pdf", *key, *more, *dead, "--or-lower")
    assert lower.returncode == 0, lower.stderr
    assert "level B-B" in lower.stderr
    assert level_of(tmp_path / "lower.pdf", pki) is Level.PADES_B_B


def test_a_tsa_that_is_no_address_is_wrong_usage(letter: Path, tmp_path: Path, run: Run) -> None:
    done = run("timestamp", letter, tmp_path / "out.pdf", "--tsa", "tsa.vn")
    assert done.returncode == 2
    assert "no http address" in done.stderr


def test_an_encrypted_file_is_stamped_and_raised_with_its_password(
    tmp_path: Path, pki: DevPki, services: str, run: Run
) -> None:
    locked, signed, stamped, kept = (tmp_path / f"{name}.pdf" for name in ("l", "s", "t", "k"))
    locked.write_bytes(encrypt("sesame"))
    (tmp_path / "password").write_text("sesame\n")
    opened = ["--password-file", tmp_path / "password"]
    key = ["--key", pki.key_path("a-person1"), "--passphrase-file", pki.passphrase_path]
    tsa = ["--tsa", f"{services}/tsa"]
    raised = ["--level", "B-LT", "--trust", pki.trust_path, "--offline"]
    assert run("sign", locked, signed, *key, "--role", "person", "--checks", "none", *opened).returncode == 0
    assert run("timestamp", signed, stamped, *tsa, *opened).returncode == 0
    done = run("extend", signed, kept, *raised, *tsa, *opened)
    assert done.returncode == 0, done.stderr
    assert run("extend", signed, kept, *raised, *tsa).returncode == 1
    report = verify(kept, trust=Trust.load(pki.trust_path), offline=True, password="sesame")
    assert report.files[0].signatures[0].level is Level.PADES_B_LT
