"""Read from an OCSP answer what it says about a certificate (RFC 6960).

Not counted: signatures with SHA-1 or weaker, and a responder that is neither the issuer itself nor delegated
by it (section 4.2.2.2): issued by it, for OCSP signing, valid when it answered, and known not to be revoked.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from edoc.trust.certificates import MALFORMED
from edoc.trust.statements import WEAK, Source, Statement, find_extension

WITHOUT_NEXT_UPDATE: Final = timedelta(minutes=30)
"""How long an answer that names no nextUpdate is good for; RFC 6960 leaves it to the asker."""

IsUnrevoked = Callable[[x509.Certificate, datetime], bool]
"""Says whether a responder's certificate is known not to be revoked at an instant."""


def parse_response(der: bytes) -> Iterator[ocsp.OCSPResponse]:
    """Parse a DER OCSP response; nothing if it cannot be parsed or is an error."""
    try:
        response = ocsp.load_der_ocsp_response(der)
    except MALFORMED:
        return
    if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
        yield response


def read_response(
    response: ocsp.OCSPResponse,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    *,
    is_unrevoked: IsUnrevoked,
) -> Iterator[Statement]:
    """Give what `response` says about `certificate`, which `issuer` issued, if it is authentic."""
    try:
        singles = [single for single in response.responses if _is_about(single, certificate, issuer)]
        authentic = bool(singles) and _is_authentic(response, issuer, is_unrevoked)
    except MALFORMED:
        return
    if authentic:
        for single in singles:
            yield from _read_single(single, response)


def _is_authentic(response: ocsp.OCSPResponse, issuer: x509.Certificate, is_unrevoked: IsUnrevoked) -> bool:
    if _names_responder(response, issuer):
        return _is_signed_by(response, issuer)
    return any(
        _names_responder(response, delegate)
        and _is_delegated(delegate, issuer, is_unrevoked, at=response.produced_at_utc)
        and _is_signed_by(response, delegate)
        for delegate in response.certificates
    )


def _is_delegated(
    delegate: x509.Certificate, issuer: x509.Certificate, is_unrevoked: IsUnrevoked, *, at: datetime
) -> bool:
    delegate.verify_directly_issued_by(issuer)
    usages = find_extension(delegate, x509.ExtendedKeyUsage)
    if usages is None or ExtendedKeyUsageOID.OCSP_SIGNING not in usages:
        return False
    if not delegate.not_valid_before_utc <= at <= delegate.not_valid_after_utc:
        return False
    return find_extension(delegate, x509.OCSPNoCheck) is not None or is_unrevoked(delegate, at)


def _is_about(
    single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    if single.serial_number != certificate.serial_number:
        return False
    name = _digest(issuer.subject.public_bytes(), single.hash_algorithm)
    return (single.issuer_name_hash, single.issuer_key_hash) == (
        name,
        _digest(_key_bits(issuer), single.hash_algorithm),
    )


def _read_single(single: ocsp.OCSPSingleResponse, response: ocsp.OCSPResponse) -> Iterator[Statement]:
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return
    yield Statement(
        source=Source.OCSP,
        der=response.public_bytes(Encoding.DER),
        this_update=single.this_update_utc,
        next_update=single.next_update_utc or single.this_update_utc + WITHOUT_NEXT_UPDATE,
        revoked_at=single.revocation_time_utc,
        on_hold=single.revocation_reason is x509.ReasonFlags.certificate_hold,
    )


def _names_responder(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    if response.responder_key_hash is not None:
        return response.responder_key_hash == _digest(_key_bits(certificate), SHA1())  # noqa: S303 - RFC 6960
    return response.responder_name == certificate.subject


def _is_signed_by(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    hashing = response.signature_hash_algorithm
    if hashing is None or isinstance(hashing, WEAK):
        return False
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), hashing)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(hashing))
    else:
        return False
    return True


def _digest(data: bytes, hashing: HashAlgorithm) -> bytes:
    digest = Hash(hashing)
    digest.update(data)
    return digest.finalize()


def _key_bits(certificate: x509.Certificate) -> bytes:
    # The content of the BIT STRING, as the key hashes of RFC 6960 are taken over.
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise NotImplementedError
