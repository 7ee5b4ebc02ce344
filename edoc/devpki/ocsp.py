"""An OCSP responder for one CA (RFC 6960): what the CA's present CRL says, certificate by certificate.

A serial number that the CA never issued is `unknown`. A request that cannot be answered gets an error
response, never an exception.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256, Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

VALIDITY: Final = timedelta(hours=12)
"""How long an answer is good for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """The responder of one CA; `issued` are the serial numbers of the certificates that its CA issued."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    issuer: x509.Certificate
    issued: frozenset[int]

    def answer(self, request: bytes, *, crl: x509.CertificateRevocationList, now: datetime) -> bytes:
        """Answer a DER OCSPRequest with a DER OCSPResponse for the moment `now`, by `crl`."""
        try:
            asked = ocsp.load_der_ocsp_request(request)
            hashing = asked.hash_algorithm
            nonce = _find_nonce(asked)
        except (ValueError, NotImplementedError, UnsupportedAlgorithm):
            return _refuse(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        if not self._is_about_issuer(asked, hashing):
            return _refuse(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        builder = self._state(asked, hashing, crl, now=now)
        if nonce is not None:
            builder = builder.add_extension(nonce, critical=False)
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.DER)

    def _is_about_issuer(self, asked: ocsp.OCSPRequest, hashing: HashAlgorithm) -> bool:
        name = _digest(self.issuer.subject.public_bytes(), hashing)
        key = _digest(_key_bits(self.issuer), hashing)
        return (asked.issuer_name_hash, asked.issuer_key_hash) == (name, key)

    def _state(
        self,
        asked: ocsp.OCSPRequest,
        hashing: HashAlgorithm,
        crl: x509.CertificateRevocationList,
        *,
        now: datetime,
    ) -> ocsp.OCSPResponseBuilder:
        entry = crl.get_revoked_certificate_by_serial_number(asked.serial_number)
        status = ocsp.OCSPCertStatus.GOOD
        if entry is not None:
            status = ocsp.OCSPCertStatus.REVOKED
        elif asked.serial_number not in self.issued:
            status = ocsp.OCSPCertStatus.UNKNOWN
        return (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                issuer_name_hash=asked.issuer_name_hash,
                issuer_key_hash=asked.issuer_key_hash,
                serial_number=asked.serial_number,
                algorithm=hashing,
                cert_status=status,
                this_update=now,
                next_update=now + VALIDITY,
                revocation_time=None if entry is None else entry.revocation_date_utc,
                revocation_reason=None if entry is None else _find_reason(entry),
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self.certificate)
            .certificates([self.certificate])
        )


def _refuse(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


def _digest(data: bytes, hashing: HashAlgorithm) -> bytes:
    digest = Hash(hashing)
    digest.update(data)
    return digest.finalize()


def _key_bits(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)


def _find_nonce(asked: ocsp.OCSPRequest) -> x509.OCSPNonce | None:
    try:
        return asked.extensions.get_extension_for_class(x509.OCSPNonce).value
    except x509.ExtensionNotFound:
        return None


def _find_reason(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    try:
        return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return None
