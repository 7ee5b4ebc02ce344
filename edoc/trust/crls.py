"""Read from a CRL what it says about a certificate (RFC 5280 sections 5 and 6.3).

Not counted: delta and indirect CRLs, CRLs for some reasons only, unknown critical extensions, and signatures
with SHA-1 or weaker.
"""

from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from edoc.trust.certificates import MALFORMED
from edoc.trust.statements import WEAK, Source, Statement, find_extension


def parse_crl(der: bytes) -> Iterator[x509.CertificateRevocationList]:
    """Parse a DER CRL; nothing if it cannot be parsed."""
    try:
        yield x509.load_der_x509_crl(der)
    except MALFORMED:
        return


def read_crl(
    crl: x509.CertificateRevocationList, certificate: x509.Certificate, issuer: x509.Certificate
) -> Iterator[Statement]:
    """Give what `crl` says about `certificate`, if `issuer` issued both and all of its conditions hold."""
    try:
        if not _applies(crl, certificate, issuer):
            return
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        reason = None if entry is None else _find_reason(entry)
        lifted = entry is None or reason is x509.ReasonFlags.remove_from_crl
        yield Statement(
            source=Source.CRL,
            der=crl.public_bytes(Encoding.DER),
            this_update=crl.last_update_utc,
            next_update=crl.next_update_utc,
            revoked_at=None if entry is None or lifted else entry.revocation_date_utc,
            on_hold=reason is x509.ReasonFlags.certificate_hold,
        )
    except MALFORMED:
        return


def _applies(
    crl: x509.CertificateRevocationList, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    if crl.issuer != issuer.subject or isinstance(crl.signature_hash_algorithm, WEAK):
        return False
    usage = find_extension(issuer, x509.KeyUsage)
    if usage is not None and not usage.crl_sign:
        return False
    for extension in crl.extensions:
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            if not _is_in_scope(extension.value, certificate):
                return False
        elif extension.critical:
            return False
    key = issuer.public_key()
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return False
    return crl.is_signature_valid(key)


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
