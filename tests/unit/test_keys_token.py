"""Keys on a real token (SoftHSM2)."""

import datetime as dt
import multiprocessing
import os
import pickle
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from pdfmaking import LETTER, require_sound
from softhsm import MODULE, PIN, SoftHsm

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError, KeyLoadError, Unavailable
from edoc.keys.algorithms import verify_value
from edoc.keys.loading import load_key
from edoc.signing import prepare, sign
from edoc.trust.store import Trust
from edoc.verification import verify


def make_p12(folder: Path, private: Any) -> Path:
    """A key with a certificate that it signed itself."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Nguyễn Văn Thử")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, private.public_key(), 7, now, now + dt.timedelta(days=1))
    certificate = builder.sign(private, hashes.SHA256())
    path = folder / "key.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", private, certificate, None, BestAvailableEncryption(b"p"))
    )
    return path


@pytest.fixture(scope="module")
def token(softhsm: SoftHsm, pki: DevPki) -> str:
    softhsm.make_token("Văn thư A")
    p12, word = pki.key_path("a-person1"), pki.passphrase
    softhsm.put("Văn thư A", p12, word, label="person", number="01")
    softhsm.put("Văn thư A", pki.key_path("a-seal"), word, label="seal", number="02")
    return "pkcs11:token=V%C4%83n%20th%C6%B0%20A"


@pytest.fixture
def key(token: str) -> SigningKey:
    return load_key(f"{token};object=person", passphrase=PIN)


def holds(key: SigningKey, value: bytes, digest: str, data: bytes = b"data") -> bool:
    return verify_value(key.certificate, data, value, digest=digest, scheme=key.scheme)


def test_a_document_signed_with_a_token_is_as_good_as_any(
    key: SigningKey, pki: DevPki, tmp_path: Path
) -> None:
    trust = Trust.load(pki.trust_path)
    (tmp_path / "letter.pdf").write_bytes(LETTER)
    prepare(tmp_path / "letter.pdf", tmp_path / "ready.pdf")
    out = tmp_path / "out.pdf"
    sign(tmp_path / "ready.pdf", out, key=key, role="person", trust=trust, offline=True)
    verify(out, trust=trust, offline=True).require()
    require_sound(out, 1)


def test_the_chain_comes_from_the_token(key: SigningKey, pki: DevPki) -> None:
    file = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    assert (key.certificate, key.chain) == (file.certificate, file.chain)


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("scheme", ["pkcs1v15", "pss"])
def test_rsa_signs_by_both_schemes(token: str, scheme: Any, digest: str) -> None:
    key = load_key(f"{token};id=%01", passphrase=PIN, scheme=scheme)
    assert key.scheme == scheme
    assert holds(key, key.sign(b"data", digest=digest), digest)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda c: c.name)
def test_every_curve_signs(softhsm: SoftHsm, tmp_path: Path, curve: ec.EllipticCurve) -> None:
    softhsm.make_token(curve.name)
    p12 = make_p12(tmp_path, ec.generate_private_key(curve))
    softhsm.put(curve.name, p12, "p", label="ec", number="0a")
    key = load_key(f"pkcs11:token={curve.name}", passphrase=PIN)
    assert key.scheme == "ecdsa"
    for digest in ("sha256", "sha384", "sha512"):
        assert holds(key, key.sign(b"data", digest=digest), digest)


def test_openssl_believes_the_token(key: SigningKey, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"data")
    (tmp_path / "value").write_bytes(key.sign(b"data", digest="sha256"))
    certificate = x509.load_der_x509_certificate(key.certificate)
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(public)
    asked = ["openssl", "dgst", "-sha256", "-verify", "public.pem", "-signature", "value", "data"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "Verified OK"


def test_many_threads_share_a_key(key: SigningKey) -> None:
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda n: key.sign(b"%d" % n, digest="sha256"), range(64)))
    assert all(holds(key, value, "sha256", b"%d" % n) for n, value in enumerate(values))


def test_a_forked_child_logs_in_anew(key: SigningKey) -> None:
    key.sign(b"before", digest="sha256")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # nothing of pytest may run here
        try:
            os.write(writer, key.sign(b"data", digest="sha256"))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        value = pipe.read()
    os.waitpid(child, 0)
    assert holds(key, value, "sha256")
    assert holds(key, key.sign(b"data", digest="sha256"), "sha256")


def _sign_elsewhere(uri: str) -> bytes:
    return load_key(uri, passphrase=PIN).sign(b"data", digest="sha256")


def test_another_process_loads_its_own(token: str, key: SigningKey) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        value = pool.apply(_sign_elsewhere, (f"{token};object=person",))
    assert holds(key, value, "sha256")


def test_a_token_that_was_taken_out_and_put_back_signs_again(
    softhsm: SoftHsm, pki: DevPki, tmp_path: Path
) -> None:
    before = set((softhsm.folder / "tokens").iterdir())
    softhsm.make_token("rút")
    (place,) = set((softhsm.folder / "tokens").iterdir()) - before
    softhsm.put("rút", pki.key_path("a-person2"), pki.passphrase, label="k", number="01")
    key = load_key("pkcs11:token=r%C3%BAt", passphrase=PIN)
    assert holds(key, key.sign(b"data", digest="sha256"), "sha256")
    shutil.move(place, tmp_path / "away")
    with pytest.raises(Unavailable, match="token cannot be reached") as caught:
        key.sign(b"data", digest="sha256")
    assert caught.value.retryable
    shutil.move(tmp_path / "away", place)
    assert holds(key, key.sign(b"data", digest="sha256"), "sha256")


def test_the_pin_comes_from_a_file_that_the_uri_names(token: str, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text(f"{PIN}\n")
    load_key(f"{token};object=seal?pin-source=file:{tmp_path / 'pin'}")
    with pytest.raises(KeyLoadError, match="PIN file"):
        load_key(f"{token};object=seal?pin-source=file:{tmp_path / 'none'}")


def test_a_wrong_pin_is_tried_once_and_shown_nowhere(token: str) -> None:
    asked = []

    def guess() -> str:
        asked.append(1)
        return "000wrong000"

    pkcs11.lib(str(MODULE)).reinitialize()  # nobody is logged in any more
    with pytest.raises(KeyLoadError, match="refuses this PIN") as caught:
        load_key(f"{token};object=person", passphrase=guess)
    assert len(asked) == 1
    seen, error = [], caught.value.__cause__ or caught.value.__context__
    while error is not None and error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__
    assert "000wrong000" not in repr([caught.value, *seen])


def test_what_is_missing_is_named(token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyLoadError, match=r"no private key.*person \(id 01\), seal \(id 02\)"):
        load_key(f"{token};object=nobody", passphrase=PIN)
    with pytest.raises(KeyLoadError, match="several private keys"):
        load_key(token, passphrase=PIN)
    with pytest.raises(Unavailable, match="no token fits"):
        load_key("pkcs11:token=nowhere", passphrase=PIN)
    pkcs11.lib(str(MODULE)).reinitialize()
    with pytest.raises(KeyLoadError, match="needs its PIN"):
        load_key(f"{token};object=person")
    with pytest.raises(KeyLoadError, match="does not exist"):
        load_key(f"{token}?module-path={tmp_path / 'no.so'}", passphrase=PIN)
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(KeyLoadError, match="cannot be loaded"):
        load_key(f"{token}?module-path={tmp_path / 'text.so'}", passphrase=PIN)
    monkeypatch.delenv("EDOC_PKCS11_MODULE")
    with pytest.raises(KeyLoadError, match="library is not named"):
        load_key(token, passphrase=PIN)


def test_a_key_without_certificate_is_of_no_use(softhsm: SoftHsm, tmp_path: Path) -> None:
    softhsm.make_token("bare")
    softhsm.put(
        "bare", make_p12(tmp_path, ec.generate_private_key(ec.SECP256R1())), "p", label="k", number="01"
    )
    library = pkcs11.lib(str(MODULE))
    with library.get_token(token_label="bare").open(rw=True, user_pin=PIN) as session:
        for item in session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE}):
            item.destroy()
    library.reinitialize()
    with pytest.raises(KeyLoadError, match="no certificate on the token belongs"):
        load_key("pkcs11:token=bare", passphrase=PIN)


def test_a_short_key_on_a_token_is_refused(softhsm: SoftHsm, tmp_path: Path) -> None:
    softhsm.make_token("short")
    private = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the point of the test
    softhsm.put("short", make_p12(tmp_path, private), "p", label="k", number="01")
    with pytest.raises(KeyLoadError, match="1024 bits"):
        load_key("pkcs11:token=short", passphrase=PIN)


def test_a_token_key_shows_nothing_and_refuses_sha1(key: SigningKey) -> None:
    assert PIN not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(InputError, match="sha1"):
        key.sign(b"data", digest="sha1")
