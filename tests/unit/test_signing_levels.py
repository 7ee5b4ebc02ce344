"""Levels B-T to B-LTA against the real services of the development PKI."""

import datetime as dt
import io
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from pdfmaking import LETTER
from pyhanko.pdf_utils.reader import PdfFileReader
from reportlab.pdfgen import canvas

from edoc.core.ports import SigningKey
from edoc.core.report import Changes, Indication, Level, SignatureReport
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.errors import InputError, Refused, Unavailable
from edoc.keys.loading import load_key
from edoc.signing import Online, Tsa, extend, number, prepare, sign, timestamp
from edoc.trust.store import Trust
from edoc.verification import verify


@pytest.fixture(scope="module")
def trust(pki: DevPki) -> Trust:
    return Trust.load(pki.trust_path)


@pytest.fixture(scope="module")
def tsa(pki: DevPki) -> Iterator[str]:
    with serving(pki) as url:
        yield f"{url}/tsa"


@pytest.fixture(scope="module")
def person(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)


@pytest.fixture(scope="module")
def agency(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-seal"), passphrase=pki.passphrase)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory, person: SigningKey, trust: Trust) -> Path:
    """Signed by a person, and numbered."""
    folder = tmp_path_factory.mktemp("numbered")
    prepare(io.BytesIO(LETTER), folder / "1.pdf")
    sign(folder / "1.pdf", folder / "2.pdf", key=person, role="person", trust=trust, offline=True)
    number(folder / "2.pdf", folder / "3.pdf", number=5, notation="UBND-VP", date=dt.date(2026, 2, 5))
    return folder / "3.pdf"


def seal(source: Path, target: Path, key: SigningKey, trust: Trust, **more: Any) -> str:
    return sign(source, target, key=key, role="agency", trust=trust, offline=True, **more).level


def judge(path: Path, trust: Trust) -> dict[str, SignatureReport]:
    (file,) = verify(path, trust=trust, offline=True).files
    return {each.field: each for each in file.signatures}


def dead_address() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}/tsa"


LEVELS = {
    "B-B": Level.PADES_B_B,
    "B-T": Level.PADES_B_T,
    "B-LT": Level.PADES_B_LT,
    "B-LTA": Level.PADES_B_LTA,
}


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_is_reached_and_breaks_nothing(
    level: str, numbered: Path, tmp_path: Path, agency: SigningKey, trust: Trust, tsa: str
) -> None:
    out = tmp_path / "out.pdf"
    assert seal(numbered, out, agency, trust, level=level, tsa=tsa) == level
    found = judge(out, trust)
    assert found["Seal"].level is LEVELS[level]
    assert all(each.indication is Indication.TOTAL_PASSED for each in found.values())
    assert found["Seal"].changes_after in {Changes.NONE, Changes.LTV_UPDATE}
    assert found["Person"].changes_allowed


@pytest.mark.parametrize("level", ["B-T", "B-LT", "B-LTA"])
def test_what_is_signed_already_is_raised_to_each_level(
    level: str, numbered: Path, tmp_path: Path, agency: SigningKey, trust: Trust, tsa: str
) -> None:
    seal(numbered, tmp_path / "sealed.pdf", agency, trust)
    extend(tmp_path / "sealed.pdf", tmp_path / "out.pdf", level=level, trust=trust, tsa=tsa, offline=True)
    found = judge(tmp_path / "out.pdf", trust)
    assert {found["Person"].level, found["Seal"].level} == {LEVELS[level]}
    assert all(each.indication is Indication.TOTAL_PASSED for each in found.values())


def test_an_archive_time_stamp_is_renewed_over_the_one_before(
    numbered: Path, tmp_path: Path, agency: SigningKey, trust: Trust, tsa: str
) -> None:
    seal(numbered, tmp_path / "1.pdf", agency, trust, level="B-LTA", tsa=tsa)
    extend(tmp_path / "1.pdf", tmp_path / "2.pdf", level="B-LTA", trust=trust, tsa=tsa, offline=True)
    found = judge(tmp_path / "2.pdf", trust)
    assert list(found) == ["Person", "Seal", "Timestamp1", "Timestamp2"]
    assert found["Timestamp1"].changes_after is Changes.LTV_UPDATE
    assert (tmp_path / "2.pdf").read_bytes().startswith((tmp_path / "1.pdf").read_bytes())


def test_raising_to_a_level_that_is_there_adds_nothing(
    numbered: Path, tmp_path: Path, agency: SigningKey, trust: Trust, tsa: str
) -> None:
    seal(numbered, tmp_path / "1.pdf", agency, trust)
    extend(tmp_path / "1.pdf", tmp_path / "2.pdf", level="B-LT", trust=trust, tsa=tsa, offline=True)
    extend(tmp_path / "2.pdf", tmp_path / "3.pdf", level="B-LT", trust=trust, tsa=tsa, offline=True)
    assert (tmp_path / "3.pdf").read_bytes() == (tmp_path / "2.pdf").read_bytes()


def test_the_store_holds_each_thing_once(
    numbered: Path, tmp_path: Path, agency: SigningKey, trust: Trust, tsa: str
) -> None:
    seal(numbered, tmp_path / "out.pdf", agency, trust, level="B-LTA", tsa=tsa)
    extend(tmp_path / "out.pdf", tmp_path / "more.pdf", level="B-LTA", trust=trust, tsa=tsa, offline=True)
    with (tmp_path / "more.pdf").open("rb") as stream:
        store = PdfFileReader(stream).root["/DSS"]
        for key in ("/Certs", "/CRLs"):
            held = [item.get_object().data for item in store[key]]
            assert len(held) == len(set(held)) >= 2


def test_openssl_confirms_the_document_time_stamp(
    numbered: Path, tmp_path: Path, pki: DevPki, tsa: str
) -> None:
    out = tmp_path / "stamped.pdf"
    timestamp(numbered, out, tsa=tsa)
    with out.open("rb") as stream:
        found = PdfFileReader(stream).embedded_timestamp_signatures[-1]
        token = cms.ContentInfo.load(bytes(found.pkcs7_content)).dump()
        start, length, second, rest = found.byte_range
    data = out.read_bytes()
    (tmp_path / "token").write_bytes(token)
    (tmp_path / "data").write_bytes(data[start : start + length] + data[second : second + rest])
    (tmp_path / "ca.pem").write_bytes(b"".join(map(pem, Trust.load(pki.trust_path).roots)))
    chain = Trust.load(pki.trust_path).intermediates
    (tmp_path / "chain.pem").write_bytes(b"".join(map(pem, chain)))
    asked = ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "data"]
    given = [*asked, "-CAfile", "ca.pem", "-untrusted", "chain.pem"]
    done = subprocess.run(given, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout + done.stderr


def pem(der: bytes) -> bytes:
    from asn1crypto import pem as armour

    return bytes(armour.armor("CERTIFICATE", der))


def test_a_dead_tsa_is_a_retryable_error_and_leaves_no_file(
    numbered: Path, tmp_path: Path, agency: SigningKey, trust: Trust
) -> None:
    out = tmp_path / "out.pdf"
    with pytest.raises(Unavailable) as caught:
        seal(numbered, out, agency, trust, level="B-T", tsa=dead_address())
    assert caught.value.retryable
    assert not out.exists()


def test_a_dead_tsa_leads_to_a_lower_level_only_if_that_is_allowed(
    numbered: Path, tmp_path: Path, agency: SigningKey, trust: Trust
) -> None:
    out = tmp_path / "out.pdf"
    assert seal(numbered, out, agency, trust, level="B-LTA", tsa=dead_address(), or_lower=True) == "B-B"
    assert judge(out, trust)["Seal"].level is Level.PADES_B_B


def test_several_tsas_are_asked_in_their_order(
    numbered: Path, tmp_path: Path, agency: SigningKey, trust: Trust, tsa: str
) -> None:
    with Online(tsas=(Tsa(url=dead_address()), Tsa(url=tsa))) as online:
        assert seal(numbered, tmp_path / "out.pdf", agency, trust, level="B-T", online=online) == "B-T"


def test_a_level_needs_its_means(
    numbered: Path, tmp_path: Path, agency: SigningKey, trust: Trust, tsa: str
) -> None:
    with pytest.raises(InputError, match="time-stamping authority"):
        seal(numbered, tmp_path / "out.pdf", agency, trust, level="B-T")
    with pytest.raises(InputError, match="trusted roots"):
        sign(
            numbered,
            tmp_path / "out.pdf",
            key=agency,
            role="agency",
            level="B-LT",
            checks="none",
            tsa=tsa,
        )
    with pytest.raises(InputError, match="no level 'B-X'"):
        seal(numbered, tmp_path / "out.pdf", agency, trust, level="B-X", tsa=tsa)


def test_a_broken_signature_is_not_raised(numbered: Path, tmp_path: Path, trust: Trust, tsa: str) -> None:
    data = bytearray(numbered.read_bytes())
    at = data.index(b"/MediaBox")
    data[at + 1 : at + 3] = b"md"
    with pytest.raises(Refused, match="Person does not hold"):
        extend(io.BytesIO(bytes(data)), tmp_path / "x", level="B-LT", trust=trust, tsa=tsa, offline=True)


def test_an_unsigned_file_is_not_raised(tmp_path: Path, trust: Trust, tsa: str) -> None:
    with pytest.raises(Refused, match="no signature"):
        extend(io.BytesIO(LETTER), tmp_path / "x", level="B-LT", trust=trust, tsa=tsa, offline=True)


def test_without_proof_for_the_certificate_there_is_no_long_term_level(
    numbered: Path, tmp_path: Path, trust: Trust, tsa: str
) -> None:
    bare = Trust(roots=trust.roots, intermediates=trust.intermediates)
    with pytest.raises(Refused, match="no proof"):
        extend(numbered, tmp_path / "x", level="B-LT", trust=bare, tsa=tsa, offline=True)


def test_a_sealed_form_with_fields_of_others_stays_valid_when_it_is_archived(
    tmp_path: Path, agency: SigningKey, trust: Trust, tsa: str
) -> None:
    drawn = io.BytesIO()
    page = canvas.Canvas(drawn)
    page.drawString(100, 700, "Phiếu")
    page.acroForm.textfield(name="note", value="old text", x=100, y=600)
    page.acroForm.checkbox(name="box", checked=True, x=100, y=500)
    page.save()
    drawn.seek(0)
    out = tmp_path / "out.pdf"
    sign(drawn, out, key=agency, role="agency", checks="none", level="B-LTA", tsa=tsa, trust=trust)
    found = judge(out, trust)
    assert found["Seal1"].indication is Indication.TOTAL_PASSED
    assert found["Seal1"].changes_after is Changes.LTV_UPDATE
