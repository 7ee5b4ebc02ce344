"""What OCSP answers prove, and which prove nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edoc.core.chain import ChainFacts, ChainStatus
from edoc.devpki.hierarchy import DevPki, make, revoke
from edoc.trust.chain import examine
from edoc.trust.store import Trust

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
KEY = rsa.generate_private_key(65537, 2048)


def load(pki: DevPki, name: str) -> x509.Certificate:
    return x509.load_der_x509_certificate(pki.certificate(name))


def answer(
    pki: DevPki,
    *,
    leaf: str = "a-seal",
    revoked_at: datetime | None = None,
    unknown: bool = False,
    this_update: datetime = NOW,
    next_update: datetime | None = NOW + DAY,
    signer: x509.Certificate | None = None,
    key: rsa.RSAPrivateKey | None = None,
) -> bytes:
    """An OCSP answer on `leaf`, by the real responder unless said otherwise."""
    good = ocsp.OCSPCertStatus.UNKNOWN if unknown else ocsp.OCSPCertStatus.GOOD
    responder = signer or load(pki, "ocsp-agencies")
    return (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=load(pki, leaf),
            issuer=load(pki, "agencies"),
            algorithm=SHA256(),
            cert_status=good if revoked_at is None else ocsp.OCSPCertStatus.REVOKED,
            this_update=this_update,
            next_update=next_update,
            revocation_time=revoked_at,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, responder)
        .certificates([responder])
        .sign(key or pki.load_service_key("ocsp-agencies"), SHA256())
        .public_bytes(Encoding.DER)
    )


def look(pki: DevPki, *ocsps: bytes, at: datetime = NOW, crls: tuple[str, ...] = ("root",)) -> ChainFacts:
    trust = replace(Trust.load(pki.trust_path), crls=tuple(map(pki.crl, crls)))
    return examine(pki.certificate("a-seal"), trust=trust, at=at, ocsps=ocsps)


def make_responder(
    pki: DevPki,
    *,
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.OCSP_SIGNING,
    no_check: bool = True,
    not_after: datetime = NOW + DAY,
) -> x509.Certificate:
    """Another responder of the agencies CA, with `KEY`."""
    authority = pki.load_authority("agencies")
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DEV OCSP 2")]))
        .issuer_name(authority.certificate.subject)
        .public_key(KEY.public_key())
        .serial_number(99)
        .not_valid_before(NOW - 2 * DAY)
        .not_valid_after(not_after)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    if no_check:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    return builder.sign(authority.key, SHA256())


def test_a_good_answer_is_enough(pki: DevPki) -> None:
    good = answer(pki)
    facts = look(pki, b"junk", good)
    assert facts.status is ChainStatus.OK
    assert facts.revocation_source == "ocsp"
    assert facts.evidence == (pki.crl("root"), good)


def test_an_answer_of_the_ca_itself_is_enough(pki: DevPki) -> None:
    authority = pki.load_authority("agencies")
    good = answer(pki, signer=authority.certificate, key=authority.key)
    assert look(pki, good).status is ChainStatus.OK


def test_an_answer_counts_in_its_window_or_if_given_later(pki: DevPki) -> None:
    late = answer(pki, this_update=NOW + 5 * DAY, next_update=NOW + 6 * DAY)
    assert look(pki, answer(pki), at=NOW + DAY).status is ChainStatus.OK
    assert look(pki, answer(pki), at=NOW + 2 * DAY).status is ChainStatus.REVOCATION_UNKNOWN
    assert look(pki, late, at=NOW + 2 * DAY).status is ChainStatus.OK


def test_without_next_update_an_answer_is_good_for_half_an_hour(pki: DevPki) -> None:
    fresh = answer(pki, next_update=None)
    assert look(pki, fresh, at=NOW + timedelta(minutes=30)).status is ChainStatus.OK
    assert look(pki, fresh, at=NOW + timedelta(minutes=31)).status is ChainStatus.REVOCATION_UNKNOWN


def test_revoked_before_is_revoked_and_after_is_not(pki: DevPki) -> None:
    revoked = answer(pki, revoked_at=NOW - timedelta(minutes=9))
    facts = look(pki, revoked)
    assert facts.status is ChainStatus.REVOKED
    assert facts.revoked_at == NOW - timedelta(minutes=9)
    assert facts.revocation_source == "ocsp"
    assert facts.evidence == (revoked,)
    assert look(pki, revoked, at=NOW - timedelta(minutes=10)).status is ChainStatus.OK


def test_a_revocation_wins_over_a_good_answer_whichever_is_newer(tmp_path: Path) -> None:
    pki = make(tmp_path / "pki", now=NOW)
    revoke(pki, "a-seal", at=NOW, now=NOW)
    newer = answer(pki, this_update=NOW + timedelta(hours=1))
    facts = look(pki, newer, at=NOW + timedelta(hours=2), crls=("root", "agencies"))
    assert facts.status is ChainStatus.REVOKED
    assert facts.revocation_source == "crl"
    older = answer(pki, this_update=NOW - timedelta(hours=3))
    assert look(pki, older, at=NOW, crls=("root", "agencies")).status is ChainStatus.REVOKED


def test_unknown_and_answers_on_others_say_nothing(pki: DevPki) -> None:
    for nothing in (answer(pki, unknown=True), answer(pki, leaf="b-seal")):
        assert look(pki, nothing).status is ChainStatus.REVOCATION_UNKNOWN


def test_a_damaged_answer_says_nothing(pki: DevPki) -> None:
    good = answer(pki)
    parsed = ocsp.load_der_ocsp_response(good)
    for part in (parsed.tbs_response_bytes, parsed.signature):
        start = good.index(part)
        for position in range(start, start + len(part), 5):
            damaged = bytearray(good)
            damaged[position] ^= 0xFF
            assert look(pki, bytes(damaged)).status is ChainStatus.REVOCATION_UNKNOWN


def test_a_weak_digest_says_nothing(pki: DevPki) -> None:
    response = asn1_ocsp.OCSPResponse.load(answer(pki))
    basic = response["response_bytes"]["response"].parsed
    key = pki.load_service_key("ocsp-agencies")
    basic["signature_algorithm"] = {"algorithm": "sha1_rsa"}
    basic["signature"] = key.sign(basic["tbs_response_data"].dump(), padding.PKCS1v15(), SHA1())  # noqa: S303
    weak = asn1_ocsp.OCSPResponse(
        {
            "response_status": "successful",
            "response_bytes": {
                "response_type": "basic_ocsp_response",
                "response": core.ParsableOctetString(basic.dump()),
            },
        }
    ).dump()
    assert isinstance(ocsp.load_der_ocsp_response(weak).signature_hash_algorithm, SHA1)
    assert look(pki, weak).status is ChainStatus.REVOCATION_UNKNOWN


def test_a_delegated_responder_must_be_fit_for_it(pki: DevPki) -> None:
    def status(responder: x509.Certificate, *crls: str) -> ChainStatus:
        return look(pki, answer(pki, signer=responder, key=KEY), crls=("root", *crls)).status

    assert status(make_responder(pki)) is ChainStatus.OK
    unfit = make_responder(pki, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    assert status(unfit) is ChainStatus.REVOCATION_UNKNOWN
    expired = make_responder(pki, not_after=NOW - DAY)
    assert status(expired) is ChainStatus.REVOCATION_UNKNOWN
    unchecked = make_responder(pki, no_check=False)
    assert status(unchecked) is ChainStatus.REVOCATION_UNKNOWN
    assert status(unchecked, "agencies") is ChainStatus.OK


def test_a_revoked_responder_says_nothing(tmp_path: Path) -> None:
    pki = make(tmp_path / "pki", now=NOW - DAY)
    responder = make_responder(pki, no_check=False)
    authority = pki.load_authority("agencies")
    entry = x509.RevokedCertificateBuilder().serial_number(99).revocation_date(NOW - 2 * DAY).build()
    crl = authority.issue_crl([entry], now=NOW - DAY, number=2).public_bytes(Encoding.DER)
    trust = replace(Trust.load(pki.trust_path), crls=(pki.crl("root"),))
    # Asked about an instant that the CRL does not cover, so that only the answer could speak for the seal.
    later = NOW + 366 * DAY
    good = answer(pki, signer=responder, key=KEY, this_update=NOW, next_update=later)
    root_crl = pki.load_authority("root").issue_crl([], now=NOW, number=2).public_bytes(Encoding.DER)
    facts = examine(
        pki.certificate("a-seal"), trust=trust, at=NOW + 365 * DAY, ocsps=[good], crls=[crl, root_crl]
    )
    assert facts.status is ChainStatus.REVOCATION_UNKNOWN
    assert "Ủy ban" in facts.detail


def test_a_responder_of_another_ca_says_nothing(pki: DevPki) -> None:
    foreign = answer(pki, signer=load(pki, "ocsp-services"), key=pki.load_service_key("ocsp-services"))
    assert look(pki, foreign).status is ChainStatus.REVOCATION_UNKNOWN


@pytest.mark.parametrize("same_key_id", [False, True])
def test_a_forged_copy_of_the_ca_says_nothing(pki: DevPki, *, same_key_id: bool) -> None:
    # It carries the real names, serial number and signature bytes, and another key.
    real = load(pki, "agencies")
    builder = (
        x509.CertificateBuilder()
        .subject_name(real.subject)
        .issuer_name(real.issuer)
        .public_key(KEY.public_key())
        .serial_number(real.serial_number)
        .not_valid_before(real.not_valid_before_utc)
        .not_valid_after(real.not_valid_after_utc)
    )
    if same_key_id:
        for extension in real.extensions:
            builder = builder.add_extension(extension.value, critical=extension.critical)
    signer = rsa.generate_private_key(65537, 3072)
    der = builder.sign(signer, SHA256()).public_bytes(Encoding.DER)
    copy = x509.load_der_x509_certificate(der[: -len(real.signature)] + real.signature)
    assert copy.signature == real.signature
    assert look(pki, answer(pki, signer=copy, key=KEY)).status is ChainStatus.REVOCATION_UNKNOWN
    by_name = answer_by_name(pki, copy)
    assert look(pki, by_name).status is ChainStatus.REVOCATION_UNKNOWN


def answer_by_name(pki: DevPki, signer: x509.Certificate) -> bytes:
    return (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=load(pki, "a-seal"),
            issuer=load(pki, "agencies"),
            algorithm=SHA256(),
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=NOW,
            next_update=NOW + DAY,
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.NAME, signer)
        .certificates([signer])
        .sign(KEY, SHA256())
        .public_bytes(Encoding.DER)
    )


def test_a_refusal_says_nothing(pki: DevPki) -> None:
    refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    assert look(pki, refusal.public_bytes(Encoding.DER)).status is ChainStatus.REVOCATION_UNKNOWN


def test_an_elliptic_responder_is_understood(pki: DevPki) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    authority = pki.load_authority("agencies")
    responder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DEV OCSP EC")]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(100)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        .add_extension(x509.OCSPNoCheck(), critical=False)
        .sign(authority.key, SHA256())
    )
    good = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=load(pki, "a-seal"),
            issuer=load(pki, "agencies"),
            algorithm=SHA256(),
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=NOW,
            next_update=NOW + DAY,
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, responder)
        .certificates([responder])
        .sign(key, SHA256())
    )
    assert look(pki, good.public_bytes(Encoding.DER)).status is ChainStatus.OK
