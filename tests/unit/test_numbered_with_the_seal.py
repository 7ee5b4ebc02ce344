"""A seal brings number and date along in its own update, and everybody still finds both signatures good."""

import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pdfmaking import LETTER, ask

from edoc.core.report import Changes
from edoc.devpki.hierarchy import DevPki
from edoc.errors import Refused
from edoc.keys.loading import load_key
from edoc.signing import number, prepare, sign
from edoc.trust.store import Trust
from edoc.verification import verify
from edoc.verification.reading import Source

TOLD = {"number": 5, "notation": "UBND-VP", "date": date(2026, 2, 5)}


@pytest.fixture(scope="module")
def trust(pki: DevPki) -> Trust:
    return Trust.load(pki.trust_path)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, pki: DevPki, trust: Trust) -> Path:
    """By the person, and without a number yet."""
    folder = tmp_path_factory.mktemp("numbered-with-the-seal")
    (folder / "draft.pdf").write_bytes(LETTER)
    prepare(folder / "draft.pdf", folder / "ready.pdf")
    person = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    sign(folder / "ready.pdf", folder / "signed.pdf", key=person, role="person", trust=trust, offline=True)
    return folder / "signed.pdf"


def put_seal(pki: DevPki, trust: Trust, source: Source, target: Path, **told: object) -> None:
    seal = load_key(pki.key_path("a-seal"), passphrase=pki.passphrase)
    sign(source, target, key=seal, role="agency", trust=trust, offline=True, **told)  # type: ignore[arg-type]


def test_both_signatures_are_good_and_the_rule_holds(
    signed: Path, tmp_path: Path, pki: DevPki, trust: Trust
) -> None:
    put_seal(pki, trust, signed, tmp_path / "sealed.pdf", **TOLD)
    (file,) = verify(tmp_path / "sealed.pdf", trust=trust, offline=True, rule="nd30").files
    assert file.document_rule.passed, file.document_rule.reasons
    person, seal = file.signatures
    assert (person.changes_after, person.changes_allowed) == (Changes.FORM_FILLING, True)
    assert seal.changes_after is Changes.NONE
    told = ask("pdfsig", "-nocert", tmp_path / "sealed.pdf")
    assert told.count("Signature is Valid") == 2
    assert "No syntax or stream encoding errors" in ask("qpdf", "--check", tmp_path / "sealed.pdf")
    words = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "sealed.pdf", "-"], check=True, capture_output=True, text=True
    ).stdout
    assert "05" in words
    assert "ngày 05 tháng 02 năm 2026" in words


def test_what_was_numbered_before_is_sealed_as_it_is(
    signed: Path, tmp_path: Path, pki: DevPki, trust: Trust
) -> None:
    number(signed, tmp_path / "numbered.pdf", **TOLD)  # type: ignore[arg-type]
    put_seal(pki, trust, tmp_path / "numbered.pdf", tmp_path / "sealed.pdf", **TOLD)
    (file,) = verify(tmp_path / "sealed.pdf", trust=trust, offline=True, rule="nd30").files
    assert file.document_rule.passed, file.document_rule.reasons


def test_another_number_than_it_has_is_refused(
    signed: Path, tmp_path: Path, pki: DevPki, trust: Trust
) -> None:
    number(signed, tmp_path / "numbered.pdf", number=6, notation="UBND-VP", date=TOLD["date"])  # type: ignore[arg-type]
    with pytest.raises(Refused, match="already says"):
        put_seal(pki, trust, tmp_path / "numbered.pdf", tmp_path / "sealed.pdf", **TOLD)
    assert not (tmp_path / "sealed.pdf").exists()


def test_what_draws_number_and_date_itself_fills_no_field(
    signed: Path, tmp_path: Path, pki: DevPki, trust: Trust
) -> None:
    seal = load_key(pki.key_path("a-seal"), passphrase=pki.passphrase)
    options: dict[str, Any] = {**TOLD, "page": 1, "rect": (60, 700, 260, 740)}
    sign(signed, tmp_path / "drawn.pdf", key=seal, role="number", trust=trust, offline=True, **options)
    with pikepdf.open(tmp_path / "drawn.pdf") as pdf:
        texts = [field for field in pdf.Root.AcroForm.Fields if field.FT == "/Tx"]
        assert [str(field.T) for field in texts] == ["Number", "Date"]
        assert not any("/V" in field for field in texts)
