"""Keys on a real token (SoftHSM2): how they sign, and who may use them at once."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pdfmaking import LETTER, require_sound
from softhsm import PIN, SoftHsm, make_p12

from edoc.core.ports import Scheme, SigningKey
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError, KeyLoadError, Unavailable
from edoc.keys.algorithms import verify_value
from edoc.keys.loading import load_key
from edoc.keys.pools import MAX_SESSIONS
from edoc.signing import prepare, sign
from edoc.trust.store import Trust
from edoc.verification import verify


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


def openssl_believes(key: SigningKey, digest: str, folder: Path) -> bool:
    """Ask openssl whether a signature of the key is one."""
    (folder / "data").write_bytes(b"data")
    (folder / "value").write_bytes(key.sign(b"data", digest=digest))
    public = x509.load_der_x509_certificate(key.certificate).public_key()
    (folder / "public.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    asked = ["openssl", "dgst", f"-{digest}", "-verify", "public.pem", "-signature", "value"]
    if key.scheme == "pss":
        for option in ("rsa_padding_mode:pss", "rsa_pss_saltlen:digest", f"rsa_mgf1_md:{digest}"):
            asked += ["-sigopt", option]
    done = subprocess.run([*asked, "data"], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout.strip() == "Verified OK"


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
def test_rsa_signs_by_both_schemes(token: str, scheme: Scheme, digest: str, tmp_path: Path) -> None:
    key = load_key(f"{token};id=%01", passphrase=PIN, scheme=scheme)
    assert key.scheme == scheme
    assert holds(key, key.sign(b"data", digest=digest), digest)
    assert openssl_believes(key, digest, tmp_path)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda c: c.name)
def test_every_curve_signs_with_every_digest(
    softhsm: SoftHsm, tmp_path: Path, curve: ec.EllipticCurve
) -> None:
    softhsm.make_token(curve.name)
    p12 = make_p12(tmp_path, ec.generate_private_key(curve))
    softhsm.put(curve.name, p12, "p", label="ec", number="0a")
    key = load_key(f"pkcs11:token={curve.name}", passphrase=PIN)
    assert key.scheme == "ecdsa"
    for digest in ("sha256", "sha384", "sha512"):
        assert holds(key, key.sign(b"data", digest=digest), digest)
        assert openssl_believes(key, digest, tmp_path)


def test_a_short_key_on_a_token_is_refused(softhsm: SoftHsm, tmp_path: Path) -> None:
    softhsm.make_token("short")
    private = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the point of the test
    softhsm.put("short", make_p12(tmp_path, private), "p", label="k", number="01")
    with pytest.raises(KeyLoadError, match="1024 bits"):
        load_key("pkcs11:token=short", passphrase=PIN)


def test_a_token_key_shows_nothing_and_refuses_sha1(key: SigningKey) -> None:
    assert set(repr(key)) <= set("<TokenKey at 0x0123456789abcdef>")
    with pytest.raises(TypeError, match="not copied"):
        pickle.dumps(key)
    with pytest.raises(InputError, match="sha1"):
        key.sign(b"data", digest="sha1")


def test_more_threads_than_sessions_share_a_key(key: SigningKey) -> None:
    with ThreadPoolExecutor(2 * MAX_SESSIONS) as pool:
        values = list(pool.map(lambda n: key.sign(b"%d" % n, digest="sha256"), range(200)))
    assert all(holds(key, value, "sha256", b"%d" % n) for n, value in enumerate(values))


def test_several_keys_on_one_token_take_turns(token: str, key: SigningKey) -> None:
    seal = load_key(f"{token};object=seal", passphrase=PIN)
    for one in (key, seal, key, seal):
        assert holds(one, one.sign(b"data", digest="sha256"), "sha256")


def sign_in_child(*keys: SigningKey) -> list[bytes]:
    """Sign in a forked process, where nothing of pytest may run."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # newer Pythons warn of threads here; that they do no harm is the point
        child = os.fork()
    if child == 0:
        signal.alarm(20)  # should it hang
        try:
            os.write(writer, pickle.dumps([key.sign(b"data", digest="sha256") for key in (*keys, *keys)]))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        content = pipe.read()
    os.waitpid(child, 0)
    values: list[bytes] = pickle.loads(content)  # noqa: S301 - our own child's
    return values


def test_a_forked_child_logs_in_anew_and_leaves_its_parent_alone(token: str, key: SigningKey) -> None:
    seal = load_key(f"{token};object=seal", passphrase=PIN)
    with ThreadPoolExecutor(2) as pool:  # several sessions are open
        list(pool.map(lambda _: key.sign(b"before", digest="sha256"), range(8)))
    for one, value in zip((key, seal, key, seal), sign_in_child(key, seal), strict=True):
        assert holds(one, value, "sha256")
    assert holds(key, key.sign(b"data", digest="sha256"), "sha256")


def test_a_process_may_fork_while_its_threads_sign(key: SigningKey) -> None:
    end = Event()

    def sign_on() -> None:
        while not end.is_set():
            key.sign(b"before", digest="sha256")

    with ThreadPoolExecutor(3) as pool:
        work = [pool.submit(sign_on) for _ in range(3)]
        try:
            for _ in range(8):
                assert all(holds(key, value, "sha256") for value in sign_in_child(key))
        finally:
            end.set()
        for each in work:
            each.result()


def _sign_elsewhere(uri: str) -> bytes:
    return load_key(uri, passphrase=PIN).sign(b"data", digest="sha256")


def test_another_process_loads_its_own(token: str, key: SigningKey) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        value = pool.apply(_sign_elsewhere, (f"{token};object=person",))
    assert holds(key, value, "sha256")


def test_a_key_is_found_by_its_certificates_name_as_well(token: str, key: SigningKey) -> None:
    assert load_key(f"{token};object=person%200", passphrase=PIN).certificate == key.certificate


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (";manufacturer=SoftHSM%20project;model=SoftHSM%20v2", True),
        (";library-manufacturer=SoftHSM", True),
        (";library-version=1.7", False),
        (";slot-description=elsewhere", False),
        (";serial=0", False),
        (";slot-id=0", False),
    ],
)
def test_every_attribute_of_a_uri_counts(token: str, more: str, found: bool) -> None:
    if found:
        load_key(f"{token};id=%02{more}", passphrase=PIN)
    else:
        with pytest.raises(Unavailable, match=r"no token fits the URI; present: .*Văn thư A"):
            load_key(f"{token};id=%02{more}", passphrase=PIN)
