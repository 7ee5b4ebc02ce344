"""Who is who in the development hierarchy, and what each kind of certificate looks like.

Shaped like the dedicated hierarchy of the Government Cipher Committee (NĐ 68/2024 Arts 9 and 10): persons by
ETSI EN 319 412-2, agencies by EN 319 412-3, software and services with extended key usages of their own.
All agencies and persons are fictitious.
"""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edoc.core.devmark import DEV_PREFIX

CA_PERIOD: Final = timedelta(days=20 * 365)
"""NĐ 68/2024 Art 9: a CA certificate lives twenty years."""
SUBSCRIBER_PERIOD: Final = timedelta(days=5 * 365)
"""NĐ 68/2024 Art 9: a new subscriber certificate lives at most five years."""
CRL_PERIOD: Final = timedelta(days=365)
"""Long, so that a checkout works offline for a year; a real CA issues CRLs daily."""
CRL_RENEWAL: Final = timedelta(hours=30)
"""Who makes the PKI again after this gets new ones: a node asks for a seal's status that is not days old."""
SKEW: Final = timedelta(hours=1)
"""Everything is valid a little before it was made, because clocks differ."""

CA_KEY_BITS: Final = 3072
LEAF_KEY_BITS: Final = 2048

_OPERATOR: Final = f"{DEV_PREFIX}Ban Co yeu Chinh phu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A fictitious competent person (người có thẩm quyền)."""

    key_name: str
    """Stem of the `.p12` file, such as `a-person1`."""
    surname: str
    given_name: str
    position: str
    """Stands in documents and directories, not in the certificate (NĐ 68/2024 dropped titles)."""
    identity: str
    """Subject serialNumber, such as `CCCD:000000000001`; no real person has such a number."""

    @property
    def full_name(self) -> str:
        """The name as it stands under a signature."""
        return f"{self.surname} {self.given_name}"

    @property
    def common_name(self) -> str:
        """The name in the certificate, marked DEV."""
        return DEV_PREFIX + self.full_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """A fictitious agency (cơ quan, tổ chức) with its persons."""

    key: str
    """`a` or `b`: the prefix of its files."""
    organ_id: str
    """Agency code by QĐ 20/2020/QĐ-TTg; the group H99 is given to nobody."""
    name: str
    """Official name, marked DEV; common name and organisation of the seal certificate."""
    place: str
    """Where it issues its documents."""
    persons: tuple[Person, ...]

    @property
    def seal_name(self) -> str:
        """Stem of the `.p12` file of the agency's seal (dấu của cơ quan)."""
        return f"{self.key}-seal"


AGENCIES: Final = (
    Agency(
        key="a",
        organ_id="H99.01",
        name=f"{DEV_PREFIX}Ủy ban nhân dân tỉnh An Bình",
        place="An Bình",
        persons=(
            Person(
                key_name="a-person1",
                surname="Trần",
                given_name="Thị Bích Hằng",
                position="Chủ tịch",
                identity="CCCD:000000000001",
            ),
            Person(
                key_name="a-person2",
                surname="Nguyễn",
                given_name="Hoàng Ân",
                position="Phó Chủ tịch",
                identity="CCCD:000000000002",
            ),
        ),
    ),
    Agency(
        key="b",
        organ_id="H99.02",
        name=f"{DEV_PREFIX}Sở Nội vụ tỉnh Bình An",
        place="Bình An",
        persons=(
            Person(
                key_name="b-person1",
                surname="Lê",
                given_name="Đức Thuận",
                position="Giám đốc",
                identity="CCCD:000000000003",
            ),
            Person(
                key_name="b-person2",
                surname="Phạm",
                given_name="Thị Diễm Quỳnh",
                position="Phó Giám đốc",
                identity="CCCD:000000000004",
            ),
        ),
    ),
)

CA_NAMES: Final = {
    "root": f"{DEV_PREFIX}Co quan chung thuc so chuyen dung Chinh phu (RootCA)",
    "agencies": f"{DEV_PREFIX}CA phuc vu cac co quan nha nuoc",
    "services": f"{DEV_PREFIX}CA phuc vu cho dich vu phan mem",
}
"""Authority → common name: the root, the issuer for persons and agencies, the issuer for software and TSA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What makes one end-entity certificate different from the others."""

    name: str
    """Stem of its files."""
    issuer: str
    """Key of `CA_NAMES`."""
    subject: x509.Name
    usages: tuple[x509.ObjectIdentifier, ...]
    """Extended key usages."""
    critical_usages: bool = False
    key_encipherment: bool = False
    non_repudiation: bool = True
    alternative_names: tuple[x509.GeneralName, ...] = ()
    no_check: bool = False
    """An OCSP responder's certificate is not itself checked (RFC 6960 section 4.2.2.2.1)."""


# RFC 9336 for documents; e-mail protection because pdfsig and Acrobat ask for it.
_DOCUMENTS: Final = (
    ExtendedKeyUsageOID.EMAIL_PROTECTION,
    x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"),
)


def name_authority(authority: str) -> x509.Name:
    """Give the subject of a CA."""
    return _name((NameOID.ORGANIZATION_NAME, _OPERATOR), (NameOID.COMMON_NAME, CA_NAMES[authority]))


def describe_leaves() -> tuple[Leaf, ...]:
    """All end entities of the hierarchy, those with a `.p12` first."""
    people = (_describe_person(agency, person) for agency in AGENCIES for person in agency.persons)
    return (*people, *map(_describe_seal, AGENCIES), _describe_system(), *_describe_services())


def _describe_person(agency: Agency, person: Person) -> Leaf:
    # EN 319 412-2 clause 4.2.4: country, name, given name and surname, serial number.
    subject = _name(
        (NameOID.ORGANIZATION_NAME, agency.name),
        (NameOID.SURNAME, person.surname),
        (NameOID.GIVEN_NAME, person.given_name),
        (NameOID.SERIAL_NUMBER, person.identity),
        (NameOID.COMMON_NAME, person.common_name),
    )
    return Leaf(name=person.key_name, issuer="agencies", subject=subject, usages=_DOCUMENTS)


def _describe_seal(agency: Agency) -> Leaf:
    # EN 319 412-3 clause 4.2.1; `OI` is the two-letter local scheme of EN 319 412-1 clause 5.1.4: organ id.
    subject = _name(
        (NameOID.ORGANIZATION_NAME, agency.name),
        (NameOID.ORGANIZATION_IDENTIFIER, f"OI:VN-{agency.organ_id}"),
        (NameOID.COMMON_NAME, agency.name),
    )
    return Leaf(name=agency.seal_name, issuer="agencies", subject=subject, usages=_DOCUMENTS)


def _describe_system() -> Leaf:
    return Leaf(
        name="system",
        issuer="services",
        subject=_name(
            (NameOID.ORGANIZATION_NAME, _OPERATOR),
            (NameOID.COMMON_NAME, f"{DEV_PREFIX}Hệ thống trao đổi văn bản edoc"),
        ),
        usages=(ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH),
        key_encipherment=True,
        alternative_names=(
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        ),
    )


def _describe_services() -> tuple[Leaf, ...]:
    tsa = Leaf(
        name="tsa",
        issuer="services",
        subject=_name((NameOID.ORGANIZATION_NAME, _OPERATOR), (NameOID.COMMON_NAME, f"{DEV_PREFIX}TSA")),
        usages=(ExtendedKeyUsageOID.TIME_STAMPING,),
        critical_usages=True,  # RFC 3161 section 2.3
        non_repudiation=False,
    )
    return (tsa, *(_describe_responder(authority) for authority in ("agencies", "services")))


def _describe_responder(authority: str) -> Leaf:
    return Leaf(
        name=f"ocsp-{authority}",
        issuer=authority,
        subject=_name(
            (NameOID.ORGANIZATION_NAME, _OPERATOR),
            (NameOID.COMMON_NAME, f"{DEV_PREFIX}OCSP {authority}"),
        ),
        usages=(ExtendedKeyUsageOID.OCSP_SIGNING,),
        non_repudiation=False,
        no_check=True,
    )


def _name(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")
    return x509.Name([country, *(x509.NameAttribute(oid, value) for oid, value in attributes)])
