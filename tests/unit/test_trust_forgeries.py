"""Certificates and CRLs that somebody made up, bent or multiplied never better the verdict."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from edoc.core.chain import ChainStatus
from edoc.devpki.hierarchy import DevPki, make, revoke
from edoc.trust.chain import examine
from edoc.trust.store import Trust

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def without_crls(pki: DevPki) -> Trust:
    return replace(Trust.load(pki.trust_path), crls=())


KEY = rsa.generate_private_key(65537, 2048)


def forge(template: x509.Certificate, key: rsa.RSAPublicKey, *, serial: int | None = None) -> bytes:
    """A certificate that repeats another's names, extensions and signature bytes, but holds another key."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(template.subject)
        .issuer_name(template.issuer)
        .public_key(key)
        .serial_number(serial or template.serial_number)
        .not_valid_before(template.not_valid_before_utc)
        .not_valid_after(template.not_valid_after_utc)
    )
    for extension in template.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    der = builder.sign(rsa.generate_private_key(65537, 3072), SHA256()).public_bytes(Encoding.DER)
    return der[: -len(template.signature)] + template.signature


def sign_crl(
    issuer: x509.Name, key: rsa.RSAPrivateKey, *extensions: tuple[x509.ExtensionType, bool]
) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer)
        .last_update(NOW + DAY)
        .next_update(NOW + 300 * DAY)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    return builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def test_a_crl_under_a_forged_copy_of_the_ca_does_not_count(pki: DevPki) -> None:
    # The copy carries the real signature bytes: a cache keyed by them would take it for the real one.
    real = x509.load_der_x509_certificate(pki.certificate("agencies"))
    copies = [forge(real, KEY.public_key(), serial=serial) for serial in (None, 4711)]
    clean = sign_crl(real.subject, KEY)
    for others in (copies, copies[::-1]):
        facts = examine(
            pki.certificate("a-seal"),
            trust=without_crls(pki),
            at=NOW + 2 * DAY,
            others=others,
            crls=[clean, pki.crl("root")],
        )
        assert facts.status is ChainStatus.REVOCATION_UNKNOWN


def test_a_crl_with_another_body_under_a_real_signature_does_not_count(tmp_path: Path) -> None:
    own = make(tmp_path / "own", now=NOW)
    revoke(own, "a-seal", at=NOW, now=NOW)
    real = own.crl("agencies")
    serial = x509.load_der_x509_certificate(own.certificate("a-seal")).serial_number
    needle = serial.to_bytes((serial.bit_length() + 8) // 8, "big")
    assert needle in real
    forged = real.replace(needle, needle[:-1] + bytes([needle[-1] ^ 1]))
    crls = [forged, own.crl("root")]
    leaf = own.certificate("a-seal")
    facts = examine(leaf, trust=without_crls(own), at=NOW + DAY, crls=crls)
    assert facts.status is ChainStatus.REVOCATION_UNKNOWN
    facts = examine(leaf, trust=without_crls(own), at=NOW + DAY, crls=[*crls, real])
    assert facts.status is ChainStatus.REVOKED


SCOPE = x509.IssuingDistributionPoint
URI = x509.UniformResourceIdentifier


def scope(**changes: object) -> x509.IssuingDistributionPoint:
    wanted: dict[str, object] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return SCOPE(**(wanted | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("extension", "status"),
    [
        pytest.param(scope(only_contains_user_certs=True), "OK", id="user-certificates"),
        pytest.param(
            scope(full_name=[URI("http://127.0.0.1:8900/crl/agencies.crl")]), "OK", id="its-own-point"
        ),
        pytest.param(
            scope(full_name=[URI("http://127.0.0.1:8900/crl/2.crl")]), "REVOCATION_UNKNOWN", id="other-point"
        ),
        pytest.param(scope(only_contains_ca_certs=True), "REVOCATION_UNKNOWN", id="ca-certificates"),
        pytest.param(
            scope(only_contains_attribute_certs=True), "REVOCATION_UNKNOWN", id="attribute-certificates"
        ),
        pytest.param(scope(indirect_crl=True), "REVOCATION_UNKNOWN", id="indirect"),
        pytest.param(
            scope(only_some_reasons=frozenset([x509.ReasonFlags.key_compromise])),
            "REVOCATION_UNKNOWN",
            id="some-reasons",
        ),
        pytest.param(x509.DeltaCRLIndicator(1), "REVOCATION_UNKNOWN", id="delta"),
        pytest.param(
            x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"),
            "REVOCATION_UNKNOWN",
            id="unknown-critical",
        ),
    ],
)
def test_a_crl_counts_only_in_its_scope(pki: DevPki, extension: x509.ExtensionType, status: str) -> None:
    authority = pki.load_authority("agencies")
    crl = sign_crl(authority.certificate.subject, authority.key, (extension, True))
    facts = examine(
        pki.certificate("a-seal"), trust=without_crls(pki), at=NOW + DAY, crls=[crl, pki.crl("root")]
    )
    assert facts.status == status


def issue(
    pki: DevPki,
    change: Callable[[x509.CertificateBuilder], x509.CertificateBuilder],
    authority: str = "agencies",
) -> bytes:
    signer = pki.load_authority(authority)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DEV lạ")]))
        .issuer_name(signer.certificate.subject)
        .public_key(KEY.public_key())
        .serial_number(77)
        .not_valid_before(NOW)
        .not_valid_after(NOW + 100 * DAY)
    )
    return change(builder).sign(signer.key, SHA256()).public_bytes(Encoding.DER)


def test_a_broken_signature_and_an_unknown_critical_extension_are_invalid(pki: DevPki) -> None:
    trust = Trust.load(pki.trust_path)
    damaged = bytearray(pki.certificate("a-seal"))
    damaged[-1] ^= 1
    assert examine(bytes(damaged), trust=trust, at=NOW).status is ChainStatus.INVALID
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    refused = issue(pki, lambda builder: builder.add_extension(odd, critical=True))
    passed_over = issue(pki, lambda builder: builder.add_extension(odd, critical=False))
    assert examine(refused, trust=trust, at=NOW).status is ChainStatus.INVALID
    assert examine(passed_over, trust=trust, at=NOW).status is ChainStatus.OK


@pytest.mark.parametrize(("crl_sign", "status"), [(True, "OK"), (False, "REVOCATION_UNKNOWN")])
def test_a_ca_that_may_not_sign_crls_signs_none(pki: DevPki, *, crl_sign: bool, status: str) -> None:
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
    ca = issue(
        pki,
        lambda builder: builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        ).add_extension(usage, critical=True),
        "root",
    )
    issuer = x509.load_der_x509_certificate(ca)
    crl = sign_crl(issuer.subject, KEY)
    facts = examine(forge_leaf(issuer), trust=Trust.load(pki.trust_path), at=NOW, others=[ca], crls=[crl])
    assert facts.status == status


def test_a_person_is_no_ca(pki: DevPki) -> None:
    person = x509.load_der_x509_certificate(pki.certificate("a-person1"))
    fake = forge_leaf(person)
    facts = examine(fake, trust=Trust.load(pki.trust_path), at=NOW, others=[pki.certificate("a-person1")])
    assert facts.status is ChainStatus.INVALID


def forge_leaf(issuer: x509.Certificate) -> bytes:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DEV giả")]))
        .issuer_name(issuer.subject)
        .public_key(KEY.public_key())
        .serial_number(5)
        .not_valid_before(NOW)
        .not_valid_after(NOW + DAY)
        .sign(KEY, SHA256())
        .public_bytes(Encoding.DER)
    )


def test_a_ca_below_an_issuing_ca_exceeds_the_path_length(pki: DevPki) -> None:
    below = issue(
        pki,
        lambda builder: builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        ),
    )
    leaf = forge_leaf(x509.load_der_x509_certificate(below))
    facts = examine(leaf, trust=Trust.load(pki.trust_path), at=NOW, others=[below])
    assert facts.status is ChainStatus.INVALID
    assert "path length" in facts.detail


def test_a_namesake_of_the_ca_does_not_hide_the_real_one(pki: DevPki) -> None:
    real = x509.load_der_x509_certificate(pki.certificate("agencies"))
    decoy = forge(real, KEY.public_key(), serial=4711)
    trust = replace(Trust.load(pki.trust_path), intermediates=())
    for others in ([decoy, pki.certificate("agencies")], [pki.certificate("agencies"), decoy]):
        assert examine(pki.certificate("a-seal"), trust=trust, at=NOW, others=others).status is ChainStatus.OK


def test_a_crowd_of_decoys_does_not_stop_the_clock(pki: DevPki) -> None:
    # Each may have issued each: the number of paths is the factorial of their number.
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.load_der_x509_certificate(pki.certificate("a-seal")).issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .not_valid_before(NOW)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    crowd = [
        builder.serial_number(number).sign(key, SHA256()).public_bytes(Encoding.DER)
        for number in range(1, 60)
    ]
    started = time.perf_counter()
    trusting = examine(pki.certificate("a-seal"), trust=Trust.load(pki.trust_path), at=NOW, others=crowd)
    doubting = examine(pki.certificate("a-seal"), trust=Trust.empty(), at=NOW, others=crowd)
    assert trusting.status is ChainStatus.OK
    assert doubting.status is ChainStatus.NO_PATH
    assert time.perf_counter() - started < 5


def test_any_damage_to_a_certificate_ends_in_facts(pki: DevPki) -> None:
    trust = Trust.load(pki.trust_path)
    der = pki.certificate("a-person1")
    for position in range(0, len(der), 7):
        damaged = bytearray(der)
        damaged[position] ^= 0xFF
        facts = examine(bytes(damaged), trust=trust, at=NOW)
        assert facts.status is not ChainStatus.OK
        assert facts.detail
        assert facts.path
    assert examine(b"", trust=trust, at=NOW).status is ChainStatus.INVALID
