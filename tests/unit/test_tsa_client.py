"""Time-stamps from live authorities, from dead ones, and from ones that lie."""

import hashlib
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from answering import Asked, Handle, answering
from asn1crypto import algos, cms, core, tsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edoc.core.chain import ChainStatus
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.devpki.tsa import POLICY, TimeStamper
from edoc.errors import InputError, Unavailable
from edoc.trust.chain import Usage, examine
from edoc.trust.fetch import HttpFetcher
from edoc.trust.stampers import NotOurs
from edoc.trust.store import Trust
from edoc.trust.timestamps import REST_SECONDS, Stamp, TimeStampClient, Tsa
from edoc.trust.tokens import Question, Token, read_answer

NOW = datetime.now(UTC).replace(microsecond=0)
DATA = "văn bản".encode()
IMPRINT = hashlib.sha256(DATA).digest()
DEAD = "http://127.0.0.1:9/tsa"
QUESTION = Question(imprint=IMPRINT, digest="sha256", nonce=b"\x41\0\0\0\0\0\0\1")


@pytest.fixture(scope="module")
def url(pki: DevPki) -> Iterator[str]:
    with serving(pki) as address:
        yield f"{address}/tsa"


@pytest.fixture
def http() -> Iterator[HttpFetcher]:
    with HttpFetcher() as fetcher:
        yield fetcher


@pytest.fixture(scope="module")
def authority(pki: DevPki) -> TimeStamper:
    """The development TSA, without its server."""
    return TimeStamper(
        key=pki.load_service_key("tsa"),
        certificate=pki.certificate("tsa"),
        issuer=pki.certificate("services"),
    )


def get(http: HttpFetcher, *services: str | Tsa) -> Stamp:
    tsas = [Tsa(found) if isinstance(found, str) else found for found in services]
    return TimeStampClient(tsas, http=http).stamp(IMPRINT, digest="sha256")


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


# Good ones


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_openssl_accepts_the_token(
    pki: DevPki, url: str, http: HttpFetcher, tmp_path: Path, digest: str
) -> None:
    imprint = hashlib.new(digest, DATA).digest()
    stamp = TimeStampClient([Tsa(url, digest=digest)], http=http).stamp(imprint, digest=digest)
    token = tmp_path / "token"
    token.write_bytes(stamp.token)
    assert "Verification: OK" in run(
        *("openssl", "ts", "-verify", "-token_in", "-in", token, "-digest", imprint.hex()),
        *("-CAfile", pki.trust_path / "root.pem"),
    )


def test_the_stamp_says_when_and_who_and_its_path_can_be_examined(
    pki: DevPki, url: str, http: HttpFetcher
) -> None:
    stamp = get(http, url)
    assert abs(stamp.time - datetime.now(UTC)) < timedelta(seconds=5)
    assert stamp.url == url
    assert stamp.certificate == pki.certificate("tsa")
    assert stamp.others == (pki.certificate("services"),)
    trust = Trust(roots=(pki.certificate("root"),))
    facts = examine(
        stamp.certificate,
        trust=trust,
        at=stamp.time,
        others=stamp.others,
        crls=[pki.crl("root"), pki.crl("services")],
        usage=Usage.TIMESTAMPING,
    )
    assert facts.status is ChainStatus.OK


def test_data_is_hashed_with_each_authoritys_own_digest(url: str, http: HttpFetcher) -> None:
    stamp = TimeStampClient([Tsa(url, digest="sha512")], http=http).stamp_data(DATA)
    imprint = read_info(stamp.token)["message_imprint"]
    assert imprint["hash_algorithm"]["algorithm"].native == "sha512"
    assert imprint["hashed_message"].native == hashlib.sha512(DATA).digest()


def read_info(token: bytes) -> Any:
    return cms.ContentInfo.load(token, strict=True)["content"]["encap_content_info"]["content"].parsed


def test_the_policy_demanded_is_asked_for(url: str, http: HttpFetcher) -> None:
    assert read_info(get(http, Tsa(url, policy=POLICY)).token)["policy"].native == POLICY
    with pytest.raises(
        Unavailable, match=r"refuses the request \(the only policy is .*, policy not accepted\)"
    ):
        get(http, Tsa(url, policy="1.2.3"))


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("policy", [None, "1.3.6.1.4.1.99999.200.16384", "2.999.1"])
def test_the_request_is_what_asn1crypto_would_write(digest: str, policy: str | None) -> None:
    imprint = hashlib.new(digest, DATA).digest()
    oid = None if policy is None else core.ObjectIdentifier(policy).contents
    question = replace(QUESTION, imprint=imprint, digest=digest, policy=oid)
    wanted = {
        "version": "v1",
        "message_imprint": {
            "hash_algorithm": {"algorithm": digest, "parameters": core.Null()},
            "hashed_message": imprint,
        },
        "nonce": int.from_bytes(QUESTION.nonce, "big"),
        "cert_req": True,
    }
    assert question.encode() == tsp.TimeStampReq(wanted | ({"req_policy": policy} if policy else {})).dump()


# Several, dead and refusing


def test_the_first_that_is_good_is_taken(url: str, http: HttpFetcher) -> None:
    with answering(lambda _: 503) as broken, answering(lambda _: b"<html>") as strange:
        stamp = get(http, DEAD, broken.url, strange.url, url, DEAD)
        assert stamp.url == url


def test_if_none_is_good_each_is_named_with_what_it_did(http: HttpFetcher) -> None:
    with answering(lambda _: 503) as broken, answering(lambda _: b"<html>") as strange:
        with pytest.raises(Unavailable) as caught:
            get(http, DEAD, broken.url, strange.url)
        text = str(caught.value)
        assert f"{DEAD}: this address does not answer (ConnectionRefusedError)" in text
        assert f"{broken.url}: this address answers with status 503" in text
        assert f"{strange.url}: answers with something that is no time-stamp" in text
    assert caught.value.retryable


def test_one_that_failed_is_asked_last_for_a_while(url: str, http: HttpFetcher) -> None:
    clock = [0.0]
    with answering(lambda _: 503) as broken:
        client = TimeStampClient([Tsa(broken.url), Tsa(url)], http=http, clock=lambda: clock[0])
        for _ in range(5):
            assert client.stamp(IMPRINT, digest="sha256").url == url
        assert len(broken.requests) == 1
        clock[0] = REST_SECONDS
        client.stamp(IMPRINT, digest="sha256")
        assert len(broken.requests) == 2


def test_one_with_another_digest_is_passed_over(url: str, http: HttpFetcher) -> None:
    assert get(http, Tsa(url, digest="sha512"), url).url == url
    with pytest.raises(Unavailable, match="is asked with sha512 only"):
        get(http, Tsa(url, digest="sha512"))


@pytest.mark.parametrize(("imprint", "digest"), [(b"", "sha256"), (IMPRINT, "sha512"), (b"0" * 20, "sha1")])
def test_an_imprint_that_is_none_is_refused(http: HttpFetcher, imprint: bytes, digest: str) -> None:
    with pytest.raises(InputError, match="bytes are no value"):
        TimeStampClient([Tsa(DEAD)], http=http).stamp(imprint, digest=digest)


def test_nobody_to_ask_is_refused(http: HttpFetcher) -> None:
    with pytest.raises(InputError, match="no time-stamping authority is named"):
        TimeStampClient([], http=http)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Tsa("ftp://x"),
        lambda: Tsa("http://user:secret@x/"),
        lambda: Tsa("http://x", digest="sha1"),
        lambda: Tsa("http://x", policy="policy"),
        lambda: Tsa("http://x", policy="1.99.secret"),
        lambda: Tsa("http://x", username="u", token="secret"),
        lambda: Tsa("http://x", timeout_seconds=0),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(make: Callable[[], Tsa]) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert "user:secret" not in str(caught.value)


# Login


@dataclass
class Pydanticlike:
    value: str

    def get_secret_value(self) -> str:
        return self.value


@pytest.mark.parametrize("wrap", [str, lambda text: lambda: text, Pydanticlike])
def test_basic_authentication(pki: DevPki, http: HttpFetcher, wrap: Callable[[str], Any]) -> None:
    with serving(pki, tsa_login=("ubnd", "mật khẩu")) as address:
        known = Tsa(f"{address}/tsa", username="ubnd", password=wrap("mật khẩu"))
        assert get(http, known).time
        for stranger in (Tsa(f"{address}/tsa"), replace(known, password=wrap("sai"))):
            with pytest.raises(Unavailable, match="status 401"):
                get(http, stranger)


def test_bearer_authentication_and_no_secret_in_any_text(http: HttpFetcher) -> None:
    with answering(lambda _: 403) as server:
        services = [
            Tsa(f"{server.url}/?key=hidden1", token="hidden2"),
            Tsa(server.url, username="user", password=lambda: "hidden3"),
            Tsa(server.url, token="hidden4\r\nX: y"),
            Tsa(DEAD, token="hidden5"),
        ]
        with pytest.raises(Unavailable) as caught:
            get(http, *services)
    told = f"{services} {caught.value} {caught.value!r} {caught.value.__cause__} {caught.value.__context__}"
    assert "holds letters that cannot be sent" in told
    assert "user" not in told
    # What stands in the address is not shown in errors; it is part of the setting, though.
    assert "hidden" not in told.replace("?key=hidden1", "", 1)
    assert "key" not in str(caught.value)
    logins = [asked.headers.get("Authorization") for asked in server.requests]
    assert logins == ["Bearer hidden2", "Basic dXNlcjpoaWRkZW4z"]


# Hosts and connections


def test_hosts_are_replaced(url: str) -> None:
    host = url.removesuffix("/tsa")
    with HttpFetcher(hosts={"tsa.agency.invalid": host}) as http:
        assert get(http, "http://tsa.agency.invalid/tsa").url == "http://tsa.agency.invalid/tsa"


def test_a_connection_is_kept_and_replaced_when_the_server_closed_it(
    authority: TimeStamper, http: HttpFetcher
) -> None:
    def handle(asked: Asked) -> bytes:
        return authority.answer(asked.body, now=NOW)

    for hangs_up, connections in ((False, 1), (True, 3)):
        with answering(handle, hangs_up=hangs_up) as server:
            client = TimeStampClient([Tsa(server.url)], http=http)
            assert len({client.stamp(IMPRINT, digest="sha256").token for _ in range(3)}) == 3
            assert server.connections == connections


@contextmanager
def dripping(content: bytes) -> Iterator[str]:
    """A server that sends one byte every tenth of a second, head and all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            peer, _ = listener.accept()
            with peer:
                for octet in content:
                    try:
                        peer.sendall(bytes([octet]))
                    except OSError:
                        return
                    time.sleep(0.1)

        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("head", ["", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"])
def test_a_slow_answer_is_cut_off(url: str, http: HttpFetcher, head: str) -> None:
    # Every byte arrives in time; the whole does not.
    with dripping((head or "HTTP/1.1 200 OK").encode()[:40]) as slow:
        started = time.monotonic()
        assert get(http, Tsa(slow, timeout_seconds=0.5), url).url == url
        assert time.monotonic() - started < 2


def test_a_huge_answer_is_cut_off(http: HttpFetcher) -> None:
    with (
        answering(lambda _: b"\x30" * (300 << 10)) as server,
        pytest.raises(Unavailable, match="the answer is longer than 262144 bytes"),
    ):
        get(http, server.url)


# Lies


def change(authority: TimeStamper, **changes: Any) -> Handle:
    """An authority that stamps another request than the one it got."""

    def handle(asked: Asked) -> bytes:
        request = tsp.TimeStampReq.load(asked.body)
        for name, value in changes.items():
            request[name] = value
        return authority.answer(request.dump(force=True), now=NOW)

    return handle


OTHER = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": b"\0" * 32}
LONGER = {"hash_algorithm": {"algorithm": "sha512"}, "hashed_message": b"\0" * 64}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nonce": 5}, "the nonce is not ours"),
        ({"nonce": None}, "the nonce is not ours"),
        ({"message_imprint": OTHER}, "stamped another digest"),
        ({"message_imprint": LONGER}, "stamped another digest"),
        ({"req_policy": None}, "under another policy"),
        ({"cert_req": False}, "does not send the certificate"),
    ],
)
def test_a_stamp_for_another_request_is_not_ours(
    authority: TimeStamper, http: HttpFetcher, url: str, changes: dict[str, Any], message: str
) -> None:
    with answering(change(authority, **changes)) as liar:
        service = Tsa(liar.url, policy="1.2.3.4" if "req_policy" in changes else None)
        with pytest.raises(Unavailable, match=message):
            get(http, service)
        assert get(http, service, url).url == url


def test_an_old_answer_of_somebody_who_listened_is_not_ours(
    authority: TimeStamper, http: HttpFetcher
) -> None:
    old = authority.answer(QUESTION.encode(), now=NOW)
    with answering(lambda _: old) as replaying, pytest.raises(Unavailable, match="the nonce is not ours"):
        get(http, replaying.url)


def read(answer: bytes) -> Token:
    return read_answer(answer, QUESTION)


@pytest.fixture(scope="module")
def answer(authority: TimeStamper) -> bytes:
    return authority.answer(QUESTION.encode(), now=NOW)


def rebuild(answer: bytes, edit: Callable[[Any], None]) -> bytes:
    """The answer with something in its SignedData changed, the signature not renewed."""
    response = tsp.TimeStampResp.load(answer)
    signed = response["time_stamp_token"]["content"]
    edit(signed)
    return bytes(response.dump(force=True))


def sign_anew(answer: bytes, key: Any, edit: Callable[[Any], None], algorithm: Any = None) -> bytes:
    """The answer with something in its signed attributes changed, and signed again."""

    def both(signed: Any) -> None:
        (signer,) = signed["signer_infos"]
        edit(signer)
        attributes = cms.CMSAttributes(list(signer["signed_attrs"])).dump()
        if algorithm is not None:
            signer["signature_algorithm"] = algorithm
            signer["signature"] = key.sign(attributes, padding.PSS(padding.MGF1(SHA512()), 64), SHA512())
        else:
            signer["signature"] = key.sign(attributes, padding.PKCS1v15(), SHA256())

    return rebuild(answer, both)


def test_the_answer_is_read_as_it_stands(answer: bytes, pki: DevPki) -> None:
    token = read(answer)
    assert token.time == NOW
    assert token.der == tsp.TimeStampResp.load(answer)["time_stamp_token"].dump()
    assert token.certificate == pki.certificate("tsa")


def drop(kind: str) -> Callable[[Any], None]:
    def edit(signer: Any) -> None:
        kept = [found for found in signer["signed_attrs"] if found["type"].native != kind]
        signer["signed_attrs"] = cms.CMSAttributes(kept)

    return edit


def put(kind: str, value: Any) -> Callable[[Any], None]:
    def edit(signer: Any) -> None:
        drop(kind)(signer)
        added = cms.CMSAttribute({"type": kind, "values": [value]})
        signer["signed_attrs"] = cms.CMSAttributes([*signer["signed_attrs"], added])

    return edit


def name_certificate(der: bytes, digest: str = "sha256") -> Callable[[Any], None]:
    named = {"hash_algorithm": {"algorithm": digest}, "cert_hash": hashlib.new(digest, der).digest()}
    return put("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [named]}))


def name_certificate_v1(der: bytes) -> Callable[[Any], None]:
    value = tsp.SigningCertificate({"certs": [{"cert_hash": hashlib.new("sha1", der).digest()}]})  # noqa: S324

    def edit(signer: Any) -> None:
        drop("signing_certificate_v2")(signer)
        put("signing_certificate", value)(signer)

    return edit


def test_every_way_to_name_the_certificate_is_understood(answer: bytes, pki: DevPki) -> None:
    key, der = pki.load_service_key("tsa"), pki.certificate("tsa")
    for edit in (name_certificate(der, "sha512"), name_certificate(der), name_certificate_v1(der)):
        assert read(sign_anew(answer, key, edit)).certificate == der

    def by_key_identifier(signer: Any) -> None:
        identifier = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(
            x509.SubjectKeyIdentifier
        )
        signer["sid"] = cms.SignerIdentifier("subject_key_identifier", identifier.value.digest)

    assert read(sign_anew(answer, key, by_key_identifier)).certificate == der


def test_a_token_signed_wrongly_is_not_believed(answer: bytes, pki: DevPki) -> None:
    key, der, other = pki.load_service_key("tsa"), pki.certificate("tsa"), pki.certificate("services")
    wrong: dict[str, Callable[[Any], None]] = {
        "does not sign which certificate": drop("signing_certificate_v2"),
        "without the attributes": drop("message_digest"),
        "another content": put("message_digest", b"\0" * 32),
        "something else": put("content_type", "data"),
        "does not send the certificate": name_certificate(other),
        "by a digest that is not accepted": name_certificate(der, "sha1"),
    }
    for message, edit in wrong.items():
        with pytest.raises(NotOurs, match=message):
            read(sign_anew(answer, key, edit))
    with pytest.raises(NotOurs, match="does not send the certificate"):
        read(sign_anew(answer, key, name_certificate_v1(other)))
    with pytest.raises(NotOurs, match="does not hold"):
        read(sign_anew(answer, rsa.generate_private_key(65537, 2048), lambda _: None))
    # Another content under attributes and a signature that were real.
    forged = bytearray(answer)
    position = answer.index(IMPRINT)
    forged[position] ^= 1
    with pytest.raises(NotOurs, match="another digest"):
        read(bytes(forged))


def test_two_signers_and_none_are_not_one(answer: bytes) -> None:
    def double(signed: Any) -> None:
        (signer,) = signed["signer_infos"]
        other = signer.copy()
        other["digest_algorithm"] = {"algorithm": "sha512"}
        signed["signer_infos"] = [signer, other]

    def none(signed: Any) -> None:
        signed["signer_infos"] = []

    for edit, number in ((double, 2), (none, 0)):
        with pytest.raises(NotOurs, match=f"{number} signers instead of one"):
            read(rebuild(answer, edit))


def test_a_content_that_is_no_time_stamp_is_refused(answer: bytes) -> None:
    def edit(signed: Any) -> None:
        signed["encap_content_info"]["content_type"] = "data"

    with pytest.raises(NotOurs, match="signed something else"):
        read(rebuild(answer, edit))


def test_a_pss_signature_is_understood(answer: bytes, pki: DevPki) -> None:
    parameters = algos.RSASSAPSSParams(
        {
            "hash_algorithm": {"algorithm": "sha512"},
            "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha512"}},
            "salt_length": 64,
        }
    )
    algorithm = algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})
    assert read(sign_anew(answer, pki.load_service_key("tsa"), lambda _: None, algorithm)).time == NOW


def test_any_damage_is_refused_or_touches_nothing_that_is_used(answer: bytes) -> None:
    whole = read(answer)
    refused = 0
    for position in range(0, len(answer), 3):
        damaged = bytearray(answer)
        damaged[position] ^= 0x81
        try:
            token = read(bytes(damaged))
        except NotOurs:
            refused += 1
        else:
            assert (token.time, token.certificate) == (whole.time, whole.certificate)
    assert refused > len(answer) // 6
    for end in range(0, len(answer), 5):
        with pytest.raises(NotOurs):
            read(answer[:end])


@pytest.mark.parametrize(
    "junk", [b"", b"\x30\x00", b"\x30\x80\x00\x00", b"\x30" * 5000, b"\x30\x84\xff\xff\xff\xff"]
)
def test_junk_is_no_time_stamp(junk: bytes) -> None:
    with pytest.raises(NotOurs, match=r"no time-stamp|refuses"):
        read(junk)


# OpenSSL as the authority

CONFIG = """
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/chain.pem
signer_key = {folder}/key.pem
signer_digest = sha384
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = yes
ess_cert_id_alg = {ess}
"""


def issue_tsa(pki: DevPki, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> x509.Certificate:
    issuer = pki.load_authority("services")
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DEV TSA 2")]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(2**100)
        .not_valid_before(NOW - timedelta(hours=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(issuer.key, SHA256())
    )


@pytest.mark.parametrize("ess", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_openssl_as_the_authority(
    pki: DevPki, http: HttpFetcher, tmp_path: Path, kind: str, ess: str
) -> None:
    key = ec.generate_private_key(ec.SECP384R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
    certificate = issue_tsa(pki, key)
    (tmp_path / "tsa.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    chain = x509.load_der_x509_certificate(pki.certificate("services"))
    (tmp_path / "chain.pem").write_bytes(chain.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "config").write_text(CONFIG.format(folder=tmp_path, ess=ess))

    def handle(asked: Asked) -> bytes:
        query, reply = tmp_path / "query", tmp_path / "reply"
        query.write_bytes(asked.body)
        run(
            "openssl",
            "ts",
            "-reply",
            "-config",
            tmp_path / "config",
            "-section",
            "tsa",
            "-queryfile",
            query,
            "-out",
            reply,
        )
        return reply.read_bytes()

    with answering(handle) as server:
        stamp = get(http, Tsa(server.url, policy="1.2.3.4.1"))
    assert stamp.certificate == certificate.public_bytes(Encoding.DER)


# Speed


def test_asking_and_reading_cost_less_than_the_round_trip(answer: bytes) -> None:
    durations = []
    for _ in range(200):
        started = time.perf_counter()
        QUESTION.encode()
        read(answer)
        durations.append(time.perf_counter() - started)
    assert statistics.median(durations) < 0.7e-3
