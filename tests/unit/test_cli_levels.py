"""`edoc timestamp`, `edoc extend`, and levels of `edoc sign`, with the configuration in a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from acting import Run
from pdfmaking import LETTER
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
