"""Read from a CRL what it says about a certificate (RFC 5280 sections 5 and 6.3).

Not counted: delta and indirect CRLs, CRLs for some reasons only, unknown critical extensions, and signatures
with MD5; with SHA-1 only where that is historic. A CRL need not list what has expired; one that does says
since when (expiredCertsOnCRL, X.509).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1

from edoc.core.chain import Algorithm
from edoc.trust.certificates import MALFORMED
from edoc.trust.memory import Memory, remembered
from edoc.trust.records import Certificate
from edoc.trust.statements import (
    BROKEN,
    Source,
    Statement,
    find_extension,
    name_digest,
    name_weak,
    verify_signature,
)

MAX_REMEMBERED_BYTES: Final = 64 << 20
"""CRLs that one process keeps parsed; those of large public CAs have some megabytes."""
EXPIRED_CERTS_ON_CRL: Final = x509.ObjectIdentifier("2.5.29.60")
"""Since when it lists expired certificates too (X.509, 9.5.2.8)."""


def _remember_statements() -> "Memory[tuple[bytes, bytes], tuple[Statement, ...]]":
    return Memory(entries=256, total_bytes=256)


def _remember_keys() -> "Memory[bytes, bool]":
    return Memory(entries=16, total_bytes=16)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crl:
    """A parsed CRL, with what was found out about it; that is forgotten together with it."""

    der: bytes
    parsed: x509.CertificateRevocationList
    statements: Memory[tuple[bytes, bytes], tuple[Statement, ...]] = field(
        default_factory=_remember_statements, repr=False
    )
    """By the digests of the certificate and of its issuer."""
    keys: Memory[bytes, bool] = field(default_factory=_remember_keys, repr=False)
    """Whether a key, by its whole SubjectPublicKeyInfo, signed it."""


@remembered(entries=256, total_bytes=MAX_REMEMBERED_BYTES)
def parse_crl(der: bytes) -> Crl | None:
    """Parse a DER CRL; None if it cannot be parsed."""
    try:
        return Crl(der=der, parsed=x509.load_der_x509_crl(der))
    except MALFORMED:
        return None


def read_crl(crl: Crl, certificate: Certificate, issuer: Certificate) -> tuple[Statement, ...]:
    """Give what `crl` says about `certificate`, if `issuer` issued both and all of its conditions hold."""
    return crl.statements.recall(
        (certificate.digest, issuer.digest), lambda: tuple(_read(crl, certificate, issuer))
    )


def _read(crl: Crl, certificate: Certificate, issuer: Certificate) -> Iterator[Statement]:
    try:
        if not _applies(crl, certificate.x509, issuer):
            return
        entry = crl.parsed.get_revoked_certificate_by_serial_number(certificate.x509.serial_number)
        digest = crl.parsed.signature_hash_algorithm
        reason = None if entry is None else _find_reason(entry)
        lifted = entry is None or reason is x509.ReasonFlags.remove_from_crl
        yield Statement(
            source=Source.CRL,
            der=crl.der,
            this_update=crl.parsed.last_update_utc,
            next_update=crl.parsed.next_update_utc,
            revoked_at=None if entry is None or lifted else entry.revocation_date_utc,
            on_hold=reason is x509.ReasonFlags.certificate_hold,
            digest=name_weak(digest),
            algorithms=(Algorithm(name_digest(digest), issuer.key_kind, issuer.key_bits),),
            until=issuer.not_after,
            forgets=entry is None and _forgets(crl, certificate),
        )
    except MALFORMED:
        return


def _applies(crl: Crl, certificate: x509.Certificate, issuer: Certificate) -> bool:
    if crl.parsed.issuer != issuer.x509.subject or isinstance(crl.parsed.signature_hash_algorithm, BROKEN):
        return False
    usage = find_extension(issuer.x509, x509.KeyUsage)
    if usage is not None and not usage.crl_sign:
        return False
    for extension in crl.parsed.extensions:
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            if not _is_in_scope(extension.value, certificate):
                return False
        elif extension.critical:
            return False
    return crl.keys.recall(issuer.key_info, lambda: _is_signed_by(crl, issuer))


def _is_signed_by(crl: Crl, issuer: Certificate) -> bool:
    key = issuer.x509.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return False
    hashing = crl.parsed.signature_hash_algorithm
    if not isinstance(hashing, SHA1):
        return crl.parsed.is_signature_valid(key)
    # cryptography calls no CRL valid that was signed with SHA-1; whether it counts is judged elsewhere.
    return verify_signature(key, crl.parsed.signature, crl.parsed.tbs_certlist_bytes, hashing)


def _forgets(crl: Crl, certificate: Certificate) -> bool:
    """Whether its silence says nothing, because the certificate had expired and it need not remember that."""
    if crl.parsed.last_update_utc <= certificate.not_after:
        return False
    for extension in crl.parsed.extensions:
        if extension.oid == EXPIRED_CERTS_ON_CRL and isinstance(extension.value, x509.UnrecognizedExtension):
            since = core.GeneralizedTime.load(extension.value.value).native
            return bool(since > certificate.not_after)
    return True


def _is_in_scope(point: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    if point.indirect_crl or point.only_contains_attribute_certs or point.only_some_reasons:
        return False
    constraints = find_extension(certificate, x509.BasicConstraints)
    is_ca = constraints is not None and constraints.ca
    if (point.only_contains_user_certs and is_ca) or (point.only_contains_ca_certs and not is_ca):
        return False
    if point.relative_name is not None:
        return False
    if point.full_name is None:
        return True
    named = find_extension(certificate, x509.CRLDistributionPoints) or ()
    return any(name in point.full_name for found in named for name in found.full_name or ())


def _find_reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return None
