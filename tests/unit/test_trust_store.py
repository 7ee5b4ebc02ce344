"""Loading a trust store from files and folders."""

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError
from edoc.trust.store import Trust


def to_pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def test_a_folder_gives_roots_issuers_and_crls(pki: DevPki) -> None:
    trust = Trust.load(pki.trust_path)
    assert trust.roots == (pki.certificate("root"),)
    assert set(trust.intermediates) == {pki.certificate("agencies"), pki.certificate("services")}
    assert set(trust.crls) == {pki.crl(name) for name in ("root", "agencies", "services")}
    assert trust.is_development


def test_single_files_in_any_encoding_add_up(pki: DevPki, tmp_path: Path) -> None:
    bundle, der, crl = tmp_path / "bundle.pem", tmp_path / "no-suffix", tmp_path / "crl.pem"
    bundle.write_bytes(b"a remark\n" + to_pem(pki.certificate("root")) + to_pem(pki.certificate("agencies")))
    der.write_bytes(pki.certificate("services"))
    crl.write_bytes(x509.load_der_x509_crl(pki.crl("root")).public_bytes(Encoding.PEM))
    trust = Trust.load(bundle, str(der), crl, bundle)
    assert trust.roots == (pki.certificate("root"),)
    assert trust.intermediates == (pki.certificate("agencies"), pki.certificate("services"))
    assert trust.crls == (pki.crl("root"),)


def test_subfolders_are_read_and_other_files_passed_over(pki: DevPki, tmp_path: Path) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "deeper" / "root.CRT").write_bytes(pki.certificate("root"))
    (tmp_path / "notes.txt").write_text("not a certificate")
    (tmp_path / ".hidden.pem").write_text("not a certificate")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.pem").write_text("not a certificate")
    assert Trust.load(tmp_path).roots == (pki.certificate("root"),)


def test_a_subordinate_ca_and_an_end_entity_are_no_roots(pki: DevPki, tmp_path: Path) -> None:
    (tmp_path / "ca.cer").write_bytes(pki.certificate("agencies"))
    (tmp_path / "leaf.cer").write_bytes(pki.certificate("a-seal"))
    trust = Trust.load(tmp_path)
    assert trust.roots == ()
    assert not trust.is_development


def test_a_root_whose_own_signature_does_not_hold_is_no_root(pki: DevPki, tmp_path: Path) -> None:
    damaged = bytearray(pki.certificate("root"))
    damaged[-1] ^= 1
    (tmp_path / "root.cer").write_bytes(damaged)
    assert Trust.load(tmp_path).roots == ()


@pytest.mark.parametrize("name", ["bad.pem", "bad.cer", "bad.crl"])
@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nx\n", b"\x30\x03\x02\x01\x01"]
)
def test_a_file_in_a_folder_that_promises_a_certificate_must_hold_one(
    pki: DevPki, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / "good.cer").write_bytes(pki.certificate("root"))
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: this is neither a certificate nor a CRL"):
        Trust.load(tmp_path)


def test_a_named_file_that_is_neither_is_an_error(pki: DevPki) -> None:
    with pytest.raises(InputError, match="neither a certificate nor a CRL"):
        Trust.load(pki.key_path("a-seal"))
    with pytest.raises(InputError, match="neither a certificate nor a CRL"):
        Trust.load(pki.folder / "ca" / "root.key")


def test_a_missing_path_and_an_empty_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        Trust.load(tmp_path / "none")
    with pytest.raises(InputError, match="no certificate and no CRL here"):
        Trust.load(tmp_path)


def test_nobody_is_trusted_by_default() -> None:
    assert Trust.empty() == Trust() == Trust.load()
    assert not Trust.empty().is_development
