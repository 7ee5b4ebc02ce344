"""The live services of the development PKI, judged by OpenSSL and pyHanko."""

import asyncio
import base64
import hashlib
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from asn1crypto import core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.status import TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

from edoc.devpki.hierarchy import DevPki, make, revoke
from edoc.devpki.server import MAX_REQUEST_BYTES, serving
from edoc.devpki.tsa import POLICY
from edoc.errors import EdocError


@pytest.fixture(scope="module")
def url(pki: DevPki) -> Iterator[str]:
    with serving(pki) as address:
        yield address


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def fetch(url: str, body: bytes | None = None, content_type: str = "") -> bytes:
    headers = {"Content-Type": content_type} if body is not None else {}
    with urlopen(Request(url, data=body, headers=headers), timeout=10) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


def stamp(url: str, request: bytes) -> tsp.TimeStampResp:
    return tsp.TimeStampResp.load(fetch(f"{url}/tsa", request, "application/timestamp-query"), strict=True)


def ask_time(**changes: object) -> bytes:
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": hashlib.sha256(b"data").digest()}
    wanted = {"version": "v1", "message_imprint": imprint, "cert_req": True, "nonce": 2**63 + 5} | changes
    return bytes(tsp.TimeStampReq(wanted).dump())


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_openssl_accepts_a_stamp(pki: DevPki, url: str, tmp_path: Path, digest: str) -> None:
    data = tmp_path / "data"
    data.write_bytes("văn bản".encode())
    query, reply = tmp_path / "query", tmp_path / "reply"
    run("openssl", "ts", "-query", "-data", data, f"-{digest}", "-cert", "-out", query)
    reply.write_bytes(fetch(f"{url}/tsa", query.read_bytes(), "application/timestamp-query"))
    root = pki.trust_path / "root.pem"
    verify: tuple[str | Path, ...] = ("openssl", "ts", "-verify", "-in", reply, "-CAfile", root)
    assert "Verification: OK" in run(*verify, "-queryfile", query)
    assert "Verification: OK" in run(*verify, "-data", data)
    data.write_bytes(b"other")
    assert subprocess.run([*verify, "-data", data], capture_output=True, check=False).returncode != 0


def test_openssl_accepts_a_stamp_without_certificates(pki: DevPki, url: str, tmp_path: Path) -> None:
    reply, chain = tmp_path / "reply", tmp_path / "chain.pem"
    reply.write_bytes(stamp(url, ask_time(cert_req=False)).dump())
    certificates = [x509.load_der_x509_certificate(pki.certificate(name)) for name in ("tsa", "services")]
    chain.write_bytes(b"".join(found.public_bytes(Encoding.PEM) for found in certificates))
    digest = hashlib.sha256(b"data").hexdigest()
    assert "Verification: OK" in run(
        *("openssl", "ts", "-verify", "-in", reply, "-digest", digest, "-untrusted", chain),
        *("-CAfile", pki.trust_path / "root.pem"),
    )


def test_pyhanko_accepts_a_stamp(pki: DevPki, url: str) -> None:
    token = stamp(url, ask_time())["time_stamp_token"]
    roots = [asn1_x509.Certificate.load(pki.certificate("root"))]
    crls = [pki.crl("root"), pki.crl("services")]
    context = ValidationContext(
        trust_roots=roots, crls=crls, moment=datetime.now(UTC), revocation_mode="require"
    )
    judged = asyncio.run(
        validate_tst_signed_data(token["content"], context, lambda name: hashlib.new(name, b"data").digest())
    )
    status = TimestampSignatureStatus(**judged)
    assert status.intact
    assert status.valid
    assert status.trusted


def test_a_stamp_repeats_what_was_asked_and_names_its_policy_and_time(url: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    response = stamp(url, ask_time())
    info = response["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
    assert response["status"]["status"].native == "granted"
    assert info["nonce"].native == 2**63 + 5
    assert info["message_imprint"]["hashed_message"].native == hashlib.sha256(b"data").digest()
    assert info["policy"].native == POLICY
    assert before <= info["gen_time"].native <= datetime.now(UTC)
    assert len(response["time_stamp_token"]["content"]["certificates"]) == 2


def test_a_stamp_carries_neither_nonce_nor_certificates_unasked(url: str) -> None:
    signed = stamp(url, ask_time(cert_req=False, nonce=None))["time_stamp_token"]["content"]
    assert signed["encap_content_info"]["content"].parsed["nonce"].native is None
    assert signed["certificates"].native is None


@pytest.mark.parametrize(
    ("request_", "failure"),
    [
        (b"", "bad_data_format"),
        (b"GET me", "bad_data_format"),
        (ask_time()[:-3], "bad_data_format"),
        (ask_time() + b"\0", "bad_data_format"),
        (
            ask_time(message_imprint={"hash_algorithm": {"algorithm": "sha1"}, "hashed_message": b"0" * 20}),
            "bad_alg",
        ),
        (
            ask_time(message_imprint={"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": b"0"}),
            "bad_data_format",
        ),
        (ask_time(req_policy="1.2.3"), "unaccepted_policy"),
        (
            ask_time(extensions=[{"extn_id": "1.2.3", "critical": True, "extn_value": b"\x05\x00"}]),
            "unaccepted_extensions",
        ),
    ],
    ids=["empty", "text", "cut", "longer", "sha1", "short-digest", "policy", "extension"],
)
def test_a_request_that_cannot_be_granted_is_rejected_by_the_standard(
    url: str, request_: bytes, failure: str
) -> None:
    answer = core.SequenceOf.load(
        fetch(f"{url}/tsa", request_, "application/timestamp-query"), strict=True, spec=tsp.PKIStatusInfo
    )
    assert len(answer) == 1  # a status and no token
    assert answer[0]["status"].native == "rejection"
    assert answer[0]["fail_info"].native == {failure}


def ask_status(pki: DevPki, name: str, issuer: str, hashing: HashAlgorithm, *, nonce: bytes = b"") -> bytes:
    certificate, authority = (
        x509.load_der_x509_certificate(pki.certificate(found)) for found in (name, issuer)
    )
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, authority, hashing)
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def check_status(url: str, authority: str, request: bytes) -> ocsp.OCSPResponse:
    return ocsp.load_der_ocsp_response(fetch(f"{url}/ocsp/{authority}", request, "application/ocsp-request"))


def test_openssl_accepts_an_ocsp_answer(pki: DevPki, url: str, tmp_path: Path) -> None:
    leaf, issuer = tmp_path / "leaf.cer", pki.trust_path / "agencies.pem"
    leaf.write_bytes(pki.certificate("a-person1"))
    said = run(
        *("openssl", "ocsp", "-issuer", issuer, "-cert", leaf, "-url", f"{url}/ocsp/agencies"),
        *("-CAfile", pki.trust_path / "root.pem"),
    )
    assert "Response verify OK" in said
    assert "leaf.cer: good" in said


@pytest.mark.parametrize("hashing", [SHA1(), SHA256()], ids=["sha1", "sha256"])  # noqa: S303 - RFC 6960's default
def test_an_answer_repeats_the_nonce_and_holds_for_hours(
    pki: DevPki, url: str, hashing: HashAlgorithm
) -> None:
    request = ask_status(pki, "tsa", "services", hashing, nonce=b"0123456789abcdef")
    answer = check_status(url, "services", request)
    assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"0123456789abcdef"
    assert answer.next_update_utc is not None
    assert answer.next_update_utc > answer.this_update_utc


def test_an_answer_comes_by_get_too(pki: DevPki, url: str) -> None:
    request = ask_status(pki, "b-seal", "agencies", SHA256())
    encoded = quote(base64.b64encode(request).decode(), safe="")
    answer = ocsp.load_der_ocsp_response(fetch(f"{url}/ocsp/agencies/{encoded}"))
    assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD


def test_a_serial_that_was_never_issued_is_unknown_and_another_ca_is_none_of_its_business(
    pki: DevPki, url: str
) -> None:
    known = ocsp.load_der_ocsp_request(ask_status(pki, "a-seal", "agencies", SHA256()))
    made_up = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        known.issuer_name_hash, known.issuer_key_hash, 4711, SHA256()
    )
    request = made_up.build().public_bytes(Encoding.DER)
    assert check_status(url, "agencies", request).certificate_status is ocsp.OCSPCertStatus.UNKNOWN
    refused = check_status(url, "services", request)
    assert refused.response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED


@pytest.mark.parametrize("request_", [b"", b"\x30\x00", b"x" * 200])
def test_a_malformed_status_request_is_answered_as_such(url: str, request_: bytes) -> None:
    answer = check_status(url, "agencies", request_)
    assert answer.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    by_get = ocsp.load_der_ocsp_response(fetch(f"{url}/ocsp/agencies/@@@"))
    assert by_get.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_a_revocation_shows_at_once(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    pki = make(tmp_path / "pki", now=now)
    with serving(pki) as url:
        request = ask_status(pki, "a-person2", "agencies", SHA256())
        assert check_status(url, "agencies", request).certificate_status is ocsp.OCSPCertStatus.GOOD
        revoke(pki, "a-person2", at=now - timedelta(minutes=5), now=now)
        answer = check_status(url, "agencies", request)
        crl = x509.load_der_x509_crl(fetch(f"{url}/crl/agencies.crl"))
    assert answer.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert answer.revocation_reason is x509.ReasonFlags.key_compromise
    assert answer.revocation_time_utc == (now - timedelta(minutes=5)).replace(microsecond=0)
    assert len(list(crl)) == 1


def test_crls_and_ca_certificates_are_served_as_der(pki: DevPki, url: str) -> None:
    for name in ("root", "agencies", "services"):
        assert fetch(f"{url}/crl/{name}.crl") == pki.crl(name)
        assert fetch(f"{url}/ca/{name}.cer") == pki.certificate(name)


@pytest.mark.parametrize(
    "path", ["", "passphrase.txt", "ca/root.key", "ca/../passphrase.txt", "crl/x.crl", "ca/agencies.cer/x"]
)
def test_nothing_else_is_served(url: str, path: str) -> None:
    with pytest.raises(HTTPError) as caught:
        fetch(f"{url}/{path}")
    assert caught.value.code == 404
    caught.value.close()


@pytest.mark.parametrize(
    ("path", "body", "content_type", "code"),
    [
        ("tsa", b"x" * (MAX_REQUEST_BYTES + 1), "application/timestamp-query", 413),
        ("tsa", b"x", "text/plain", 415),
        ("ocsp/agencies", b"x", "text/plain", 415),
        ("ocsp/root", b"x", "application/ocsp-request", 404),
        ("nowhere", b"x", "text/plain", 404),
    ],
)
def test_a_request_out_of_bounds_is_refused(
    url: str, path: str, body: bytes, content_type: str, code: int
) -> None:
    with pytest.raises(HTTPError) as caught:
        fetch(f"{url}/{path}", body, content_type)
    assert caught.value.code == code
    caught.value.close()


def test_a_busy_port_is_one_clear_sentence(pki: DevPki) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EdocError, match=f"port {port} cannot be listened on"), serving(pki, port=port):
            pytest.fail("must not serve")


def test_a_port_beyond_the_range_is_one_clear_sentence(pki: DevPki) -> None:
    with pytest.raises(EdocError, match="port 99999 cannot be listened on"), serving(pki, port=99999):
        pytest.fail("must not serve")
