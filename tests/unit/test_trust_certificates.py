"""Reading a certificate, and telling whose it is."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edoc.core.chain import CertificateKind
from edoc.devpki.hierarchy import DevPki
from edoc.errors import EdocError, InputError
from edoc.trust.certificates import is_development_root, read_certificate

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime(2026, 3, 5, tzinfo=UTC)
MAIL, CLIENT, SERVER = (
    ExtendedKeyUsageOID.EMAIL_PROTECTION,
    ExtendedKeyUsageOID.CLIENT_AUTH,
    ExtendedKeyUsageOID.SERVER_AUTH,
)


def make_certificate(
    *subject: tuple[x509.ObjectIdentifier, str], usages: tuple[x509.ObjectIdentifier, ...] = ()
) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in subject]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Ban")]))
        .public_key(KEY.public_key())
        .serial_number(2**150 + 1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.sign(KEY, SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a-person1", CertificateKind.PERSON),
        ("b-person2", CertificateKind.PERSON),
        ("a-seal", CertificateKind.AGENCY),
        ("b-seal", CertificateKind.AGENCY),
        ("system", CertificateKind.SYSTEM),
        ("tsa", CertificateKind.SYSTEM),
        ("ocsp-agencies", CertificateKind.SYSTEM),
        ("agencies", CertificateKind.UNKNOWN),
        ("root", CertificateKind.UNKNOWN),
    ],
)
def test_the_development_certificates_are_of_their_kinds(
    pki: DevPki, name: str, kind: CertificateKind
) -> None:
    assert read_certificate(pki.certificate(name)).kind is kind


@pytest.mark.parametrize(
    ("subject", "usages", "kind"),
    [
        pytest.param([(NameOID.USER_ID, "CMND:012345678")], (CLIENT, MAIL), "person", id="cmnd"),
        pytest.param([(NameOID.SERIAL_NUMBER, "cccd:001")], (), "person", id="cccd"),
        pytest.param([(NameOID.USER_ID, "MST:0101234567")], (CLIENT, MAIL), "agency", id="tax-code"),
        pytest.param([(NameOID.SERIAL_NUMBER, "PNOVN-1")], (), "person", id="en-319-412-1-person"),
        pytest.param([(NameOID.ORGANIZATION_IDENTIFIER, "VATVN-1")], (), "agency", id="organisation-id"),
        pytest.param([(NameOID.ORGANIZATION_NAME, "Cổng")], (CLIENT,), "system", id="client"),
        pytest.param([(NameOID.ORGANIZATION_NAME, "Cổng")], (SERVER,), "system", id="server"),
        pytest.param([(NameOID.ORGANIZATION_NAME, "Cổng")], (CLIENT, MAIL), "unknown", id="mail-and-client"),
        pytest.param([(NameOID.ORGANIZATION_NAME, "Cổng")], (), "unknown", id="nothing-known"),
        pytest.param([(NameOID.SURNAME, "Lê"), (NameOID.USER_ID, "MST:1")], (), "person", id="person-first"),
    ],
)
def test_kinds_follow_the_rules(
    subject: list[tuple[x509.ObjectIdentifier, str]], usages: tuple[x509.ObjectIdentifier, ...], kind: str
) -> None:
    der = make_certificate(*subject, (NameOID.COMMON_NAME, "Một tên"), usages=usages)
    assert read_certificate(der).kind == kind


def test_a_common_name_equal_to_the_organisation_is_an_agency() -> None:
    name = "Ủy ban nhân dân tỉnh"
    agency = make_certificate((NameOID.ORGANIZATION_NAME, name), (NameOID.COMMON_NAME, name))
    assert read_certificate(agency).kind is CertificateKind.AGENCY
    assert read_certificate(make_certificate()).kind is CertificateKind.UNKNOWN


def test_facts_are_read_as_they_stand() -> None:
    facts = read_certificate(
        make_certificate((NameOID.ORGANIZATION_NAME, "Sở Nội vụ"), (NameOID.COMMON_NAME, "Lê Đức Thuận"))
    )
    assert facts.common_name == "Lê Đức Thuận"
    assert facts.organization == "Sở Nội vụ"
    assert facts.serial_number == str(2**150 + 1)
    assert facts.issuer == "Organization: Ban"
    assert (facts.not_before, facts.not_after) == (NOW, NOW + timedelta(days=1))
    assert facts.not_before.utcoffset() == timedelta(0)


def test_the_issuer_is_named_by_its_common_name(pki: DevPki) -> None:
    facts = read_certificate(pki.certificate("a-seal"))
    assert facts.issuer == "DEV CA phuc vu cac co quan nha nuoc"
    assert facts.common_name == facts.organization == "DEV Ủy ban nhân dân tỉnh An Bình"


def test_only_the_root_is_marked_as_development(pki: DevPki) -> None:
    assert is_development_root(pki.certificate("root"))
    assert not is_development_root(pki.certificate("agencies"))
    assert not is_development_root(make_certificate((NameOID.COMMON_NAME, "DEV by name only")))
    assert not is_development_root(b"\x30\x00")


@pytest.mark.parametrize("der", [b"", b"\x30\x00", b"-----BEGIN CERTIFICATE-----", b"\xff" * 64])
def test_what_is_no_certificate_is_one_clear_error(der: bytes) -> None:
    with pytest.raises(InputError, match="not a certificate"):
        read_certificate(der)


def test_any_damage_ends_in_facts_or_in_an_error_of_edoc(pki: DevPki) -> None:
    der = pki.certificate("a-person1")
    outcomes = set()
    for position in range(len(der)):
        for flip in (0x01, 0x80, 0xFF):
            damaged = bytearray(der)
            damaged[position] ^= flip
            try:
                read_certificate(bytes(damaged))
                outcomes.add("facts")
            except EdocError:
                outcomes.add("error")
    assert outcomes == {"facts", "error"}
