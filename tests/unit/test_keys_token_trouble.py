"""Tokens as they are: taken out, restarted, locked up, badly filled, and shared with others."""

import os
import shutil
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pkcs11 import Attribute, ObjectClass, _pkcs11
from pkcs11 import exceptions as p11
from pkcs11.util.ec import decode_ec_private_key, decode_ec_public_key
from pkcs11.util.rsa import decode_rsa_private_key
from pkcs11.util.x509 import decode_x509_certificate
from softhsm import MODULE, PIN, SoftHsm, configure, log_out, make_certificate

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import DevPki
from edoc.errors import KeyLoadError, Unavailable
from edoc.keys.algorithms import verify_value
from edoc.keys.attributes import list_objects
from edoc.keys.libraries import get_library
from edoc.keys.loading import load_key
from edoc.keys.mechanisms import sign_with
from edoc.keys.pools import Pool, Seat

native: Any = _pkcs11
Make = Callable[[str], str]


@pytest.fixture
def make(softhsm: SoftHsm, pki: DevPki) -> Make:
    """Make a token with the key of a person; gives its URI."""

    def make_one(name: str) -> str:
        softhsm.make_token(name)
        softhsm.put(name, pki.key_path("a-person1"), pki.passphrase, label="k", number="01")
        return f"pkcs11:token={name}"

    return make_one


def signs(key: SigningKey) -> bool:
    value = key.sign(b"data", digest="sha256")
    return verify_value(key.certificate, b"data", value, digest="sha256", scheme=key.scheme)


def tell_all(error: BaseException | None) -> str:
    """All that an error and its chain say."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        error = error.__cause__ or error.__context__
    return repr([(each, str(each), vars(each)) for each in seen])


def put_key(session: Any, private: Any, attributes: dict[Attribute, Any]) -> None:
    """Put a private key onto a token, and nothing beside it."""
    kind = PrivateFormat.TraditionalOpenSSL
    der = private.private_bytes(Encoding.DER, kind, NoEncryption())
    decode = decode_rsa_private_key if isinstance(private, rsa.RSAPrivateKey) else decode_ec_private_key
    usual = {Attribute.TOKEN: True, Attribute.PRIVATE: True, Attribute.SIGN: True}
    session.create_object({**decode(der), **usual, **attributes})


def put_public(session: Any, private: Any, attributes: dict[Attribute, Any]) -> None:
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    session.create_object({**decode_ec_public_key(der), Attribute.TOKEN: True, **attributes})


def put_certificate(session: Any, certificate: x509.Certificate, attributes: dict[Attribute, Any]) -> None:
    decoded = decode_x509_certificate(certificate.public_bytes(Encoding.DER))
    session.create_object({**decoded, Attribute.TOKEN: True, **attributes})


# Taken out and put back


def test_a_token_that_was_taken_out_and_put_back_signs_again(
    softhsm: SoftHsm, pki: DevPki, tmp_path: Path
) -> None:
    place = softhsm.make_token("rút")
    softhsm.put("rút", pki.key_path("a-person2"), pki.passphrase, label="k", number="01")
    key = load_key("pkcs11:token=r%C3%BAt", passphrase=PIN)
    assert signs(key)
    shutil.move(place, tmp_path / "away")
    with pytest.raises(Unavailable, match="token cannot be reached") as caught:
        key.sign(b"data", digest="sha256")
    assert caught.value.retryable
    assert PIN not in tell_all(caught.value)
    shutil.move(tmp_path / "away", place)
    assert signs(key)


def test_it_may_be_taken_out_while_threads_sign(softhsm: SoftHsm, pki: DevPki, tmp_path: Path) -> None:
    place = softhsm.make_token("busy")
    softhsm.put("busy", pki.key_path("a-person1"), pki.passphrase, label="k", number="01")
    key = load_key("pkcs11:token=busy", passphrase=PIN)
    end = time.monotonic() + 1.5

    def sign_on(_: int) -> tuple[int, int]:
        done, missed = 0, 0
        while time.monotonic() < end:
            try:
                assert signs(key)
                done += 1
            except Unavailable:
                missed += 1
        return done, missed

    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(sign_on, n) for n in range(6)]
        for _ in range(3):
            time.sleep(0.2)
            shutil.move(place, tmp_path / "away")
            time.sleep(0.1)
            shutil.move(tmp_path / "away", place)
        counts = [each.result() for each in work]
    assert all(done for done, _ in counts)
    assert any(missed for _, missed in counts)
    assert signs(key)


def test_a_library_that_started_anew_is_logged_in_to_again(make: Make) -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        return PIN

    key = load_key(make("anew"), passphrase=ask)
    log_out()
    assert signs(key)
    assert len(asked) == 2


def test_a_token_with_another_pin_since_is_tried_once_with_the_old_one(softhsm: SoftHsm, make: Make) -> None:
    uri, pin = make("changed"), PIN
    key = load_key(uri, passphrase=lambda: pin)
    with softhsm.opened("changed") as session:
        session.set_pin(PIN, "161803")
    for words in ("refuses this PIN", "refused this PIN before"):
        with pytest.raises(KeyLoadError, match=words):
            key.sign(b"data", digest="sha256")
    pin = "161803"
    assert signs(key)


def test_a_key_that_is_gone_from_its_token_is_waited_for(softhsm: SoftHsm, make: Make) -> None:
    key = load_key(make("emptied"), passphrase=PIN)
    with softhsm.opened("emptied") as session:
        for item in list_objects(session, ObjectClass.PRIVATE_KEY):
            item.destroy()
    with pytest.raises(Unavailable, match="no private key on the token fits this URI; it holds: none"):
        key.sign(b"data", digest="sha256")


# PINs


def test_a_wrong_pin_is_sent_once_whatever_the_threads(make: Make) -> None:
    uri = make("wrong")

    def load(_: int) -> str:
        with pytest.raises(KeyLoadError) as caught:
            load_key(uri, passphrase="000wrong000")
        assert "000wrong000" not in tell_all(caught.value)
        return str(caught.value)

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(load, range(8)))
    assert sum("the token refuses this PIN; few tries are left" in each for each in said) == 1
    assert sum("refused this PIN before" in each for each in said) == 7
    assert all("locks itself" in each for each in said)
    assert signs(load_key(uri, passphrase=PIN))


def test_the_pin_comes_from_a_file_that_the_uri_names(make: Make, tmp_path: Path) -> None:
    (tmp_path / "mã pin").write_text(f"{PIN}\n")
    uri = make("source")
    assert signs(load_key(f"{uri}?pin-source=file:{tmp_path}/m%C3%A3%20pin", passphrase="unused"))


@pytest.mark.parametrize(
    ("secret", "words"), [(None, "needs its PIN"), ("", "is empty"), ("12\udc80", "not valid UTF-8")]
)
def test_what_is_no_pin_is_not_sent(make: Make, secret: str | None, words: str) -> None:
    uri = make(f"unsent{len(words)}")
    with pytest.raises(KeyLoadError, match=words) as caught:
        load_key(uri, passphrase=secret)
    assert "udc80" not in tell_all(caught.value)


def test_a_key_may_want_its_pin_at_each_use(softhsm: SoftHsm) -> None:
    softhsm.make_token("always")
    private = rsa.generate_private_key(65537, 2048)
    with softhsm.opened("always") as session:
        put_key(session, private, {Attribute.ALWAYS_AUTHENTICATE: True})
        put_certificate(session, make_certificate(private), {})
    pins = [PIN, PIN, PIN, "999999", PIN]
    key = load_key("pkcs11:token=always", passphrase=lambda: pins.pop(0))
    assert signs(key)
    assert signs(key)
    with pytest.raises(KeyLoadError, match="refuses this PIN"):
        key.sign(b"data", digest="sha256")
    assert pins == [PIN]  # nobody tried again
    assert signs(key)


# Badly filled


def test_what_is_missing_is_named(
    softhsm: SoftHsm, make: Make, pki: DevPki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = make("two")
    softhsm.put("two", pki.key_path("a-seal"), pki.passphrase, label="seal", number="02")
    with pytest.raises(KeyLoadError, match=r"no private key.*k \(id 01\), seal \(id 02\)"):
        load_key(f"{uri};object=nobody", passphrase=PIN)
    with pytest.raises(KeyLoadError, match="several private keys"):
        load_key(uri, passphrase=PIN)
    with pytest.raises(KeyLoadError, match=r"several tokens fit this URI \(.*two \(serial"):
        load_key("pkcs11:", passphrase=PIN)
    with pytest.raises(Unavailable, match=r"no token fits the URI; present: .*two \(serial"):
        load_key("pkcs11:token=nowhere", passphrase=PIN)
    with pytest.raises(KeyLoadError, match="does not exist"):
        load_key(f"{uri}?module-path={tmp_path / 'no.so'}", passphrase=PIN)
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(KeyLoadError, match="cannot be loaded"):
        load_key(f"{uri}?module-path={tmp_path / 'text.so'}", passphrase=PIN)
    with pytest.raises(KeyLoadError, match="cannot be loaded"):  # a library, but not of tokens
        load_key(uri, passphrase=PIN, module=sys.modules["_ctypes"].__file__)
    monkeypatch.delenv("EDOC_PKCS11_MODULE")
    with pytest.raises(KeyLoadError, match="library is not named"):
        load_key(uri, passphrase=PIN)


def test_a_library_may_be_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = make("named")
    monkeypatch.setenv("EDOC_PKCS11_MODULE", "/nowhere.so")
    for where in ("module-name=softhsm2", f"module-path={MODULE.parent}&module-name=softhsm2"):
        load_key(f"{uri};id=%01?{where}", passphrase=PIN)
    load_key(uri, passphrase=PIN, module=MODULE)
    for name in ("nobody", "../softhsm/softhsm2"):
        with pytest.raises(KeyLoadError, match="no token library"):
            load_key(f"{uri}?module-name={name}", passphrase=PIN)


def test_a_key_without_certificate_is_of_no_use(softhsm: SoftHsm, make: Make) -> None:
    uri = make("bare")
    with softhsm.opened("bare") as session:
        for item in list_objects(session, ObjectClass.CERTIFICATE):
            item.destroy()
    with pytest.raises(KeyLoadError, match=r"no certificate on the token belongs to the key k \(id 01\)"):
        load_key(uri, passphrase=PIN)


def test_anothers_certificate_under_the_keys_id_is_not_taken(softhsm: SoftHsm) -> None:
    softhsm.make_token("swapped")
    private = rsa.generate_private_key(65537, 2048)
    other = make_certificate(rsa.generate_private_key(65537, 2048))
    with softhsm.opened("swapped") as session:
        put_key(session, private, {Attribute.ID: b"\x01"})
        put_certificate(session, other, {Attribute.ID: b"\x01"})
    with pytest.raises(KeyLoadError, match="no certificate on the token belongs"):
        load_key("pkcs11:token=swapped", passphrase=PIN)


@pytest.mark.parametrize("kind", ["rsa", "ec", "ec with its public key"])
def test_key_and_certificate_need_no_common_id(softhsm: SoftHsm, kind: str) -> None:
    name = f"apart {kind}"
    softhsm.make_token(name)
    private: Any = (
        rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP384R1())
    )
    with softhsm.opened(name) as session:
        put_key(session, private, {Attribute.ID: b"", Attribute.LABEL: "khoá"})
        own = make_certificate(private)
        put_certificate(session, own, {Attribute.ID: b"\x07"})
        if kind == "ec with its public key":
            more = make_certificate(ec.generate_private_key(ec.SECP384R1()))
            put_certificate(session, more, {Attribute.ID: b"\x08"})
            put_public(session, private, {Attribute.ID: b"", Attribute.LABEL: "khoá"})
    key = load_key(f"pkcs11:token={name.replace(' ', '%20')}", passphrase=PIN)
    assert key.certificate == own.public_bytes(Encoding.DER)
    assert signs(key)


def test_of_two_certificates_of_one_key_the_later_is_taken(softhsm: SoftHsm) -> None:
    softhsm.make_token("renewed")
    private = rsa.generate_private_key(65537, 2048)
    now, later = make_certificate(private), make_certificate(private, days=300)
    with softhsm.opened("renewed") as session:
        put_key(session, private, {Attribute.ID: b"\x01"})
        put_certificate(session, later, {Attribute.ID: b"\x01", Attribute.LABEL: "mới"})
        put_certificate(session, now, {Attribute.ID: b"\x01", Attribute.LABEL: "cũ"})
    chosen = load_key("pkcs11:token=renewed", passphrase=PIN)
    assert chosen.certificate == later.public_bytes(Encoding.DER)
    named = load_key("pkcs11:token=renewed;object=c%C5%A9", passphrase=PIN)
    assert named.certificate == now.public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "label",
    [
        b"TR\xe1\xba\xa6N NG\xe1\xbb\x8cC T\xc3\x9a",
        b"TR\xe1\xba\xa6N NG\xe1\xbb\x8cC T\xc3\x9a  \0\0\0",
        unicodedata.normalize("NFD", "TRẦN NGỌC TÚ").encode(),
    ],
    ids=["plain", "padded", "decomposed"],
)
def test_vietnamese_labels_are_found_as_they_are_written(softhsm: SoftHsm, label: bytes) -> None:
    name = f"labels{len(label)}"
    softhsm.make_token(name)
    private = rsa.generate_private_key(65537, 2048)
    with softhsm.opened(name) as session:
        put_key(session, private, {Attribute.ID: b"\x01", Attribute.LABEL: "another name"})
        put_certificate(session, make_certificate(private), {Attribute.LABEL: label})
        put_key(session, rsa.generate_private_key(65537, 2048), {Attribute.LABEL: b"TR\xcaN \xff"})
    assert signs(load_key(f"pkcs11:token={name};object=TRẦN%20NGỌC%20TÚ", passphrase=PIN))
    with pytest.raises(KeyLoadError, match=r"no private key.*TR\ufffdN \ufffd \(id none\)"):
        load_key(f"pkcs11:token={name};object=x", passphrase=PIN)


def test_a_key_that_is_not_for_signing_is_passed_over(softhsm: SoftHsm) -> None:
    softhsm.make_token("mixed")
    private, other = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)
    with softhsm.opened("mixed") as session:
        put_key(session, private, {Attribute.ID: b"\x01"})
        put_key(session, other, {Attribute.ID: b"\x02", Attribute.SIGN: False})
        put_certificate(session, make_certificate(private), {Attribute.ID: b"\x01"})
        put_certificate(session, make_certificate(other), {Attribute.ID: b"\x02"})
    assert signs(load_key("pkcs11:token=mixed", passphrase=PIN))
    with pytest.raises(KeyLoadError, match="the token refuses"):
        load_key("pkcs11:token=mixed;id=%02", passphrase=PIN).sign(b"data", digest="sha256")


def test_a_token_need_not_say_that_its_key_signs(softhsm: SoftHsm, make: Make) -> None:
    make("silent")
    with softhsm.opened("silent") as session:
        (key,) = list_objects(session, ObjectClass.PRIVATE_KEY)
        silent = native.Object(key.wrapper)  # what python-pkcs11 gives where CKA_SIGN cannot be read
        assert not hasattr(silent, "sign")
        value = sign_with(silent, b"data", scheme="pkcs1v15", digest="sha256", listed=(), point_bytes=0)
    certificate = load_key("pkcs11:token=silent", passphrase=PIN).certificate
    assert verify_value(certificate, b"data", value, digest="sha256", scheme="pkcs1v15")


SIGN_ONCE = """
import sys
from edoc.errors import KeyLoadError
from edoc.keys.loading import load_key
try:
    key = load_key(sys.argv[1], passphrase=sys.argv[2], scheme=sys.argv[3])
    key.sign(b"data", digest="sha256")
    print("signed")
except KeyLoadError as error:
    print(error)
"""


def run_alone(script: str, *arguments: str, config: Path) -> str:
    """Run a script in a process of its own, with a configuration of SoftHSM of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments],
        env={**os.environ, "SOFTHSM2_CONF": str(config)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("mechanism", "scheme", "said"),
    [
        ("CKM_RSA_PKCS", "pkcs1v15", "signed"),
        ("CKM_SHA256_RSA_PKCS", "pkcs1v15", "signed"),
        ("CKM_RSA_PKCS_PSS", "pss", "signed"),
        ("CKM_SHA256_RSA_PKCS_PSS", "pss", "signed"),
        ("CKM_SHA256_RSA_PKCS", "pss", "the token cannot sign by pss with sha256."),
    ],
)
def test_a_token_need_not_know_every_mechanism(
    softhsm: SoftHsm, make: Make, mechanism: str, scheme: str, said: str
) -> None:
    uri = make(f"{mechanism[-24:]} {scheme}"[-32:].replace(" ", "-"))
    config = configure(softhsm.folder, f"slots.mechanisms = {mechanism}")
    assert run_alone(SIGN_ONCE, uri, PIN, scheme, config=config).startswith(said)


# Shared with others

TOGETHER = """
import sys
import pkcs11
from edoc.keys.loading import load_key
other = pkcs11.lib(sys.argv[3])                    # started by somebody else
key = load_key(sys.argv[1], passphrase=sys.argv[2])
key.sign(b"data", digest="sha256")
other.finalize()                                   # stopped by somebody else
key.sign(b"data", digest="sha256")
print("signed")
"""


def test_others_in_the_process_may_use_the_library(softhsm: SoftHsm, make: Make) -> None:
    config = configure(softhsm.folder)
    assert run_alone(TOGETHER, make("together"), PIN, str(MODULE), config=config) == "signed"


def test_a_token_with_few_sessions_makes_threads_wait() -> None:
    # No real token at hand refuses sessions, so the one that opens them does.
    library = get_library(str(MODULE))
    opened: list[Seat] = []

    def open_seat(_: Any, epoch: int) -> Seat:
        if len(opened) == 2:
            raise p11.SessionCount
        opened.append(Seat(object(), epoch))
        return opened[-1]

    pool = Pool(library, open_seat)

    def sit(_: int) -> Seat:
        def work(seat: Seat) -> Seat:
            time.sleep(0.01)
            return seat

        return pool.sit(None, work)

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(sit, range(24))) <= set(opened)
    assert len(opened) == 2
