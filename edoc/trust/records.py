"""A certificate as paths and revocation need it: read once, then only looked at, by any thread.

Names are compared as RFC 5280 section 7.1 has it (case, blanks and string types do not matter), so they are
kept here in their comparable form.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edoc.trust.certificates import MALFORMED
from edoc.trust.memory import remembered
from edoc.trust.statements import name_digest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Certificate:
    """One certificate; nothing in it changes, and nothing in it depends on the time."""

    der: bytes
    digest: bytes
    """SHA-256 of `der`: what stands for the certificate wherever something about it is remembered."""
    subject: str
    """Comparable, not for reading."""
    issuer: str
    """Comparable, not for reading."""
    issuer_text: str
    """The issuer's name for people."""
    key_identifier: bytes | None
    authority_key_identifier: bytes | None
    not_before: datetime
    not_after: datetime
    usages: frozenset[str] | None
    """Key usages in asn1crypto's words; None if there is no such extension."""
    extended_usages: frozenset[str] | None
    signature_digest: str
    """With which digest its issuer signed it; empty if that is unknown."""
    key_kind: str
    """`rsa`, `ec`, `dsa`, or empty."""
    key_bits: int
    can_issue: bool
    """Its key can be read, so that it can stand above another certificate in a path."""
    key_info: bytes
    """SubjectPublicKeyInfo (DER) of an RSA or elliptic key; empty for other keys."""
    parsed: x509.Certificate | None

    @property
    def x509(self) -> x509.Certificate:
        """As cryptography has it. Raises `ValueError` if cryptography cannot parse it."""
        if self.parsed is None:
            raise ValueError("this certificate is not supported")
        return self.parsed

    def covers(self, at: datetime) -> bool:
        """Whether `at` lies in its period."""
        return self.not_before <= at <= self.not_after


@remembered(entries=4096, total_bytes=16 << 20)
def load_record(der: bytes) -> Certificate:
    """Read a DER certificate. Raises one of `MALFORMED` if that fails."""
    found = asn1_x509.Certificate.load(der, strict=True)
    validity = found["tbs_certificate"]["validity"]
    parsed = _parse(der)
    kind, bits = _measure(parsed)
    return Certificate(
        der=der,
        digest=hashlib.sha256(der).digest(),
        subject=found.subject.hashable,
        issuer=found.issuer.hashable,
        issuer_text=found.issuer.human_friendly,
        key_identifier=found.key_identifier,
        authority_key_identifier=found.authority_key_identifier,
        not_before=validity["not_before"].native,
        not_after=validity["not_after"].native,
        usages=_list(found.key_usage_value),
        extended_usages=_list(found.extended_key_usage_value),
        signature_digest=_name_digest(parsed),
        key_kind=kind,
        key_bits=bits,
        can_issue=_has_key(found),
        key_info=b"" if parsed is None else _read_key(parsed),
        parsed=parsed,
    )


def load_records(certificates: tuple[bytes, ...]) -> list[Certificate]:
    """Read what can be read of DER certificates that somebody handed in; those of no use are passed over."""
    found = []
    for der in certificates:
        try:
            record = load_record(der)
        except MALFORMED:
            continue
        if record.can_issue:
            found.append(record)
    return found


def _parse(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except MALFORMED:
        return None


def _name_digest(certificate: x509.Certificate | None) -> str:
    try:
        return name_digest(None if certificate is None else certificate.signature_hash_algorithm)
    except (*MALFORMED, UnsupportedAlgorithm):
        return ""


def _measure(certificate: x509.Certificate | None) -> tuple[str, int]:
    """What its key is of, and how long it is."""
    try:
        key = None if certificate is None else certificate.public_key()
    except (*MALFORMED, UnsupportedAlgorithm):
        return "", 0
    for kind, known in (
        ("rsa", rsa.RSAPublicKey),
        ("ec", ec.EllipticCurvePublicKey),
        ("dsa", dsa.DSAPublicKey),
    ):
        if isinstance(key, known):
            return kind, int(key.key_size)
    return "", 0


def _read_key(certificate: x509.Certificate) -> bytes:
    try:
        key = certificate.public_key()
    except MALFORMED:
        return b""
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return b""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _has_key(certificate: Any) -> bool:
    try:
        return certificate.public_key.native is not None
    except MALFORMED:
        return False


def _list(extension: Any) -> frozenset[str] | None:
    return None if extension is None else frozenset(extension.native)
