"""One certificate in words, and whose it is.

The kind is decided by rules in a fixed order, the first that fits wins (`RULES`). They follow ETSI
EN 319 412-2 (persons) and EN 319 412-3 (agencies), NĐ 68/2024 Art 10, and what Vietnamese CAs write into
subjects: `CCCD:…`, `CMND:…` for persons and `MST:…` for organisations.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from asn1crypto import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import DuplicateExtension, InvalidVersion, UnsupportedGeneralNameType

from edoc.core.chain import CertificateFacts, CertificateKind
from edoc.core.devmark import DEV_ROOT_OID
from edoc.errors import InputError
from edoc.trust.memory import remembered

MALFORMED: Final = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
    NotImplementedError,
    InvalidSignature,
    InvalidVersion,
    DuplicateExtension,
    UnsupportedAlgorithm,
    UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,
)
"""What asn1crypto and cryptography raise for malformed or unsupported DER (warnings as errors too)."""

_COMMON_NAME: Final = "2.5.4.3"
_ORGANIZATION: Final = "2.5.4.10"
_ORGANIZATION_ID: Final = "2.5.4.97"
_PERSONAL: Final = frozenset({"2.5.4.4", "2.5.4.42", "2.5.4.65"})
"""surname, givenName, pseudonym: EN 319 412-2 clause 4.2.4 demands one of them of every person."""
_IDENTIFIERS: Final = ("2.5.4.5", "0.9.2342.19200300.100.1.1")
"""serialNumber and UID."""

_PERSON_IDS: Final = ("CCCD", "CMND", "HC", "PAS", "IDC", "PNO", "TIN")
"""Vietnamese identity papers, and the natural-person types of EN 319 412-1 clause 5.1.3."""
_AGENCY_IDS: Final = ("MST", "MNS", "VAT", "NTR")
"""Vietnamese tax and budget codes, and the legal-person types of EN 319 412-1 clause 5.1.4."""

_TLS: Final = frozenset({"server_auth", "client_auth"})
_SERVICES: Final = frozenset({"time_stamping", "ocsp_signing"})
_DOCUMENTS: Final = frozenset(
    {"email_protection", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.311.10.3.12", "microsoft_document_signing"}
    | {"1.2.840.113583.1.1.5", "adobe_authentic_documents_trust"}
)
"""Usages of a certificate whose owner signs documents or mail, besides logging in with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """What the rules look at."""

    attributes: dict[str, list[str]]
    usages: frozenset[str]
    is_ca: bool

    def first(self, oid: str) -> str:
        return next(iter(self.attributes.get(oid, ())), "")

    def identifies(self, schemes: tuple[str, ...]) -> bool:
        values = (value for oid in _IDENTIFIERS for value in self.attributes.get(oid, ()))
        return any(value.strip().upper().startswith(schemes) for value in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """If `fits`, the certificate is of `kind`; `because` says why, for the documentation."""

    kind: CertificateKind
    because: str
    fits: Callable[[_Subject], bool]


RULES: Final = (
    Rule(
        kind=CertificateKind.UNKNOWN,
        because="a CA certificate signs certificates, not documents",
        fits=lambda subject: subject.is_ca,
    ),
    Rule(
        kind=CertificateKind.SYSTEM,
        because="time-stamping and OCSP are services",
        fits=lambda subject: bool(subject.usages & _SERVICES),
    ),
    Rule(
        kind=CertificateKind.PERSON,
        because="surname, given name or pseudonym (EN 319 412-2)",
        fits=lambda subject: bool(_PERSONAL & subject.attributes.keys()),
    ),
    Rule(
        kind=CertificateKind.PERSON,
        because="serialNumber or UID names an identity paper",
        fits=lambda subject: subject.identifies(_PERSON_IDS),
    ),
    Rule(
        kind=CertificateKind.SYSTEM,
        because="TLS client or server, and not for documents or mail",
        fits=lambda subject: bool(subject.usages & _TLS) and not subject.usages & _DOCUMENTS,
    ),
    Rule(
        kind=CertificateKind.AGENCY,
        because="organizationIdentifier (EN 319 412-3)",
        fits=lambda subject: bool(subject.first(_ORGANIZATION_ID)),
    ),
    Rule(
        kind=CertificateKind.AGENCY,
        because="serialNumber or UID names a tax or budget code",
        fits=lambda subject: subject.identifies(_AGENCY_IDS),
    ),
    Rule(
        kind=CertificateKind.AGENCY,
        because="the common name is the organisation's",
        fits=lambda subject: bool(
            subject.first(_COMMON_NAME) and subject.first(_COMMON_NAME) == subject.first(_ORGANIZATION)
        ),
    ),
)


def read_certificate(der: bytes) -> CertificateFacts:
    """Put a DER certificate into words. Raises `InputError` if it cannot be read."""
    try:
        return _read(der)
    except MALFORMED as error:
        raise InputError("this is not a certificate that can be read.") from error


@remembered(entries=1024, total_bytes=8 << 20)
def is_development_root(der: bytes) -> bool:
    """Tell whether a certificate carries the mark of a development root."""
    try:
        certificate = x509.Certificate.load(der)
        return any(
            extension["extn_id"].dotted == DEV_ROOT_OID
            for extension in certificate["tbs_certificate"]["extensions"]
        )
    except MALFORMED:
        return False


@remembered(entries=1024, total_bytes=8 << 20)
def _read(der: bytes) -> CertificateFacts:
    certificate = x509.Certificate.load(der, strict=True)
    validity = certificate["tbs_certificate"]["validity"]
    subject = _describe_subject(certificate)
    issuer = _collect_attributes(certificate.issuer)
    return CertificateFacts(
        der=der,
        common_name=subject.first(_COMMON_NAME),
        organization=subject.first(_ORGANIZATION),
        serial_number=str(certificate.serial_number),
        issuer=next(iter(issuer.get(_COMMON_NAME, ())), "") or certificate.issuer.human_friendly,
        not_before=validity["not_before"].native,
        not_after=validity["not_after"].native,
        kind=next((rule.kind for rule in RULES if rule.fits(subject)), CertificateKind.UNKNOWN),
    )


def _describe_subject(certificate: Any) -> _Subject:
    usages = certificate.extended_key_usage_value
    return _Subject(
        attributes=_collect_attributes(certificate.subject),
        usages=frozenset(usages.native) if usages is not None else frozenset(),
        is_ca=bool(certificate.ca),
    )


def _collect_attributes(name: Any) -> dict[str, list[str]]:
    # The most specific attribute stands last in a name, so it comes first here.
    found: dict[str, list[str]] = {}
    for relative in name.chosen:
        for attribute in relative:
            value = attribute["value"].native
            if isinstance(value, str):
                found.setdefault(attribute["type"].dotted, []).insert(0, value)
    return found
