"""Loading a signer's key, and what a key refuses."""

import copy
import pickle
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError, KeyLoadError
from edoc.keys.algorithms import require_certificate, verify_value
from edoc.keys.loading import load_key

_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def make_certificate(key: _PrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DEV thử")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256())
    )


def write_p12(path: Path, key: _PrivateKey | None, *certificates: x509.Certificate) -> Path:
    leaf = certificates[0] if certificates and key is not None else None
    others = certificates[1:] if leaf is not None else certificates
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", key, leaf, others, BestAvailableEncryption(b"secret"))
    )
    return path


def test_a_key_signs_with_its_certificate_and_brings_its_issuer(pki: DevPki) -> None:
    key: SigningKey = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    certificate = x509.load_der_x509_certificate(key.certificate)
    assert key.certificate == pki.certificate("a-person1")
    assert key.chain == (pki.certificate("agencies"),)
    public = certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    for name, algorithm in (("sha256", SHA256()), ("sha384", SHA384()), ("sha512", SHA512())):
        public.verify(key.sign(b"data", digest=name), b"data", padding.PKCS1v15(), algorithm)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda c: c.name)
def test_an_elliptic_key_signs_too(tmp_path: Path, curve: ec.EllipticCurve) -> None:
    private = ec.generate_private_key(curve)
    key = load_key(
        str(write_p12(tmp_path / "ec.p12", private, make_certificate(private))), passphrase="secret"
    )
    private.public_key().verify(key.sign(b"data", digest="sha384"), b"data", ec.ECDSA(SHA384()))
    assert key.chain == ()


def test_the_passphrase_may_be_a_function_that_is_called_once(pki: DevPki) -> None:
    asked = []

    def ask() -> str:
        asked.append(True)
        return pki.passphrase

    load_key(pki.key_path("a-seal"), passphrase=ask)
    assert asked == [True]


def test_a_file_without_protection_needs_no_passphrase(tmp_path: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    path = tmp_path / "open.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", private, make_certificate(private), None, NoEncryption())
    )
    assert load_key(path).certificate


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(KeyLoadError, match=r"none\.p12: this key file does not exist\."):
        load_key(tmp_path / "none.p12")


def test_a_folder_is_no_key_file(tmp_path: Path) -> None:
    with pytest.raises(KeyLoadError, match="cannot be read"):
        load_key(tmp_path)


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"0\x03\x02\x01\x03", b"\x30" * 100, b"0" * (1 << 21)])
def test_another_file_is_no_pkcs12(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.p12"
    path.write_bytes(content)
    with pytest.raises(KeyLoadError, match="this is not a PKCS#12 file"):
        load_key(path, passphrase="x")


def test_a_certificate_is_no_pkcs12(pki: DevPki) -> None:
    with pytest.raises(KeyLoadError, match="this is not a PKCS#12 file"):
        load_key(pki.folder / "ca" / "a-seal.cer", passphrase="x")


def test_a_wrong_passphrase_says_so_and_is_not_repeated(pki: DevPki) -> None:
    with pytest.raises(KeyLoadError, match="the passphrase does not open this key file") as caught:
        load_key(pki.key_path("a-person1"), passphrase="hush-hush")
    assert "hush-hush" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_passphrase_that_is_no_text_is_not_repeated_anywhere(pki: DevPki) -> None:
    with pytest.raises(KeyLoadError, match="not valid UTF-8") as caught:
        load_key(pki.key_path("a-person1"), passphrase="hush\udcff")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_no_passphrase_where_one_is_needed_says_so(pki: DevPki) -> None:
    with pytest.raises(KeyLoadError, match="needs its passphrase"):
        load_key(pki.key_path("a-person1"))


def test_a_file_without_a_key_says_so(tmp_path: Path) -> None:
    certificate = make_certificate(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(KeyLoadError, match="no private key in this file"):
        load_key(write_p12(tmp_path / "x.p12", None, certificate), passphrase="secret")


def test_a_file_without_a_certificate_says_so(tmp_path: Path) -> None:
    with pytest.raises(KeyLoadError, match="no certificate in this key file"):
        load_key(write_p12(tmp_path / "x.p12", ec.generate_private_key(ec.SECP256R1())), passphrase="secret")


def test_a_truncated_file_is_an_error_of_its_own_kind(pki: DevPki, tmp_path: Path) -> None:
    content = pki.key_path("b-seal").read_bytes()
    path = tmp_path / "x.p12"
    for size in range(0, len(content), 97):
        path.write_bytes(content[:size])
        with pytest.raises(KeyLoadError):
            load_key(path, passphrase=pki.passphrase)


def test_weak_and_foreign_keys_are_refused(tmp_path: Path) -> None:
    refused: list[_PrivateKey] = [
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - weak on purpose
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
    ]
    for number, private in enumerate(refused):
        path = write_p12(tmp_path / f"{number}.p12", private, make_certificate(private))
        with pytest.raises(KeyLoadError, match=r"needs at least 2048|not for signing documents"):
            load_key(path, passphrase="secret")


def test_rsa_signs_by_pss_where_that_is_wanted(pki: DevPki) -> None:
    key = load_key(pki.key_path("system"), passphrase=pki.passphrase, scheme="pss")
    value = key.sign(b"data", digest="sha384")
    assert verify_value(key.certificate, b"data", value, digest="sha384", scheme="pss")
    assert not verify_value(key.certificate, b"data", value, digest="sha384", scheme="pkcs1v15")


def test_an_rsa_key_does_not_sign_by_ecdsa(pki: DevPki) -> None:
    with pytest.raises(KeyLoadError, match="does not sign by ecdsa"):
        load_key(pki.key_path("system"), passphrase=pki.passphrase, scheme="ecdsa")


def make_pss_bound(folder: Path) -> Path:
    """A key file whose certificate binds its key to PSS (id-RSASSA-PSS), which only openssl makes."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "key.pem")
    openssl("req", "-x509", "-new", "-key", "key.pem", "-subj", "/CN=DEV", "-out", "cert.pem")
    files = ("-inkey", "key.pem", "-in", "cert.pem", "-out", "pss.p12")
    openssl("pkcs12", "-export", *files, "-passout", "pass:secret")
    return folder / "pss.p12"


def test_a_certificate_bound_to_pss_is_signed_with_by_pss_only(tmp_path: Path) -> None:
    path = make_pss_bound(tmp_path)
    key = load_key(path, passphrase="secret")
    assert key.scheme == require_certificate(key.certificate) == "pss"
    value = key.sign(b"data", digest="sha256")
    assert verify_value(key.certificate, b"data", value, digest="sha256", scheme="pss")
    assert not verify_value(key.certificate, b"data", value, digest="sha256", scheme="pkcs1v15")
    with pytest.raises(KeyLoadError, match="by PSS only"):
        load_key(path, passphrase="secret", scheme="pkcs1v15")


def test_a_value_of_another_scheme_does_not_verify(pki: DevPki, tmp_path: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    curved = load_key(write_p12(tmp_path / "ec.p12", private, make_certificate(private)), passphrase="secret")
    plain = load_key(pki.key_path("system"), passphrase=pki.passphrase)
    for key, other in ((plain, "ecdsa"), (curved, "pkcs1v15"), (curved, "pss")):
        value = key.sign(b"data", digest="sha256")
        assert verify_value(key.certificate, b"data", value, digest="sha256", scheme=key.scheme)
        assert not verify_value(key.certificate, b"data", value, digest="sha256", scheme=other)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [b"", b"x", b"\0" * 256])
def test_no_other_value_verifies(pki: DevPki, change: bytes) -> None:
    certificate = pki.certificate("system")
    assert not verify_value(certificate, b"data", change, digest="sha256", scheme="pkcs1v15")


def test_a_certificate_alone_says_how_its_key_signs(pki: DevPki) -> None:
    certificate = pki.certificate("system")
    assert require_certificate(certificate) == "pkcs1v15"
    assert require_certificate(certificate, scheme="pss") == "pss"
    with pytest.raises(KeyLoadError, match="does not sign by ecdsa"):
        require_certificate(certificate, scheme="ecdsa")
    short = make_certificate(rsa.generate_private_key(65537, 1024))  # noqa: S505 - weak on purpose
    with pytest.raises(KeyLoadError, match="1024 bits"):
        require_certificate(short.public_bytes(Encoding.DER))
    for broken in (b"", certificate[:-1]):
        with pytest.raises(KeyLoadError, match="cannot be read"):
            verify_value(broken, b"data", b"x", digest="sha256", scheme="pkcs1v15")


@pytest.mark.parametrize("digest", ["sha1", "md5", "SHA256", ""])
def test_other_digests_are_refused(pki: DevPki, digest: str) -> None:
    key = load_key(pki.key_path("system"), passphrase=pki.passphrase)
    with pytest.raises(InputError, match="not for signing"):
        key.sign(b"data", digest=digest)


def test_a_key_does_not_show_or_copy_itself(pki: DevPki) -> None:
    key = load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)
    assert set(repr(key)) <= set("<Pkcs12Key at 0x0123456789abcdef>")
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not copied"):
            way(key)


def test_threads_share_a_key(pki: DevPki) -> None:
    key = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: key.sign(b"data", digest="sha256"), range(64)))) == 1
