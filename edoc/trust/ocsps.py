"""Read from an OCSP answer what it says about a certificate (RFC 6960).

Not counted: signatures with SHA-1 or weaker, and a responder that is neither the issuer itself nor delegated
by it (section 4.2.2.2): issued by it, for OCSP signing, valid when it answered, and known not to be revoked.
An answer need not remember what has expired; one that does says so (archive cutoff, section 4.4.4).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA1, Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from edoc.core.chain import Algorithm
from edoc.trust.certificates import MALFORMED
from edoc.trust.memory import Memory, remembered
from edoc.trust.records import Certificate, load_record
from edoc.trust.statements import WEAK, Source, Statement, find_extension, name_digest, verify_signature

WITHOUT_NEXT_UPDATE: Final = timedelta(minutes=30)
"""How long an answer that names no nextUpdate is good for; RFC 6960 leaves it to the asker."""
MAX_DELEGATES: Final = 4
"""Certificates in an answer that are looked at; deployed responders send one."""

FindClearance = Callable[[Certificate, datetime], Statement | None]
"""Gives what shows a responder's certificate unrevoked at an instant; None if nothing does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Testimony:
    """What an answer says about one certificate, if one of its signers may say it."""

    statements: tuple[Statement, ...] = ()
    unconditional: bool = False
    """Signed by the issuer itself, or by a delegate that is not to be checked."""
    delegates: tuple[Certificate, ...] = ()
    """Delegates that signed it and must be known not to be revoked."""


def _remember_testimonies() -> "Memory[tuple[bytes, bytes], _Testimony]":
    return Memory(entries=64, total_bytes=64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Response:
    """A parsed OCSP answer, with what was found out about it; that is forgotten together with it."""

    der: bytes
    parsed: ocsp.OCSPResponse
    testimonies: Memory[tuple[bytes, bytes], _Testimony] = field(
        default_factory=_remember_testimonies, repr=False
    )
    """By the digests of the certificate and of its issuer."""


@remembered(entries=1024, total_bytes=16 << 20)
def parse_response(der: bytes) -> Response | None:
    """Parse a DER OCSP response; None if it cannot be parsed or is an error."""
    try:
        response = ocsp.load_der_ocsp_response(der)
    except MALFORMED:
        return None
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return None
    return Response(der=der, parsed=response)


def read_response(
    response: Response, certificate: Certificate, issuer: Certificate, *, find_clearance: FindClearance
) -> tuple[Statement, ...]:
    """Give what `response` says about `certificate`, which `issuer` issued, if it is authentic."""
    heard = response.testimonies.recall(
        (certificate.digest, issuer.digest), lambda: _hear(response, certificate, issuer)
    )
    if heard.unconditional:
        return heard.statements
    for delegate in heard.delegates:
        clearance = find_clearance(delegate, response.parsed.produced_at_utc)
        if clearance is not None:
            algorithms = (*_name_algorithms(response, delegate, issuer), *clearance.algorithms)
            marked = _mark(heard.statements, algorithms, until=min(delegate.not_after, issuer.not_after))
            return tuple(replace(found, support=(clearance.der,)) for found in marked)
    return ()


def _hear(response: Response, certificate: Certificate, issuer: Certificate) -> _Testimony:
    try:
        about = [
            (place, one)
            for place, one in enumerate(response.parsed.responses)
            if _is_about(one, certificate.x509, issuer.x509)
        ]
        if not about:
            return _Testimony()
        statements = tuple(
            replace(found, forgets=found.revoked_at is None and _forgets(response, place, certificate))
            for place, one in about
            for found in _read_single(one, response)
        )
        if _names_responder(response.parsed, issuer.x509):
            signed = _is_signed_by(response.parsed, issuer.x509)
            algorithms = _name_algorithms(response, issuer, issuer)
            marked = _mark(statements, algorithms, until=issuer.not_after)
            return _Testimony(statements=marked, unconditional=signed)
        delegates = list(_list_delegates(response.parsed, issuer.x509))
    except MALFORMED:
        return _Testimony()
    free = [found for found in delegates if find_extension(found.x509, x509.OCSPNoCheck) is not None]
    if free:
        until = min(free[0].not_after, issuer.not_after)
        statements = _mark(statements, _name_algorithms(response, free[0], issuer), until=until)
    return _Testimony(statements=statements, unconditional=bool(free), delegates=tuple(delegates))


def _mark(
    statements: tuple[Statement, ...], algorithms: tuple[Algorithm, ...], *, until: datetime
) -> tuple[Statement, ...]:
    return tuple(replace(found, algorithms=algorithms, until=until) for found in statements)


def _forgets(response: Response, place: int, certificate: Certificate) -> bool:
    """Whether its silence says nothing, because the certificate had expired and it need not remember that."""
    # cryptography shows only the extensions of the first answer.
    parsed = asn1_ocsp.OCSPResponse.load(response.der).basic_ocsp_response["tbs_response_data"]
    single = parsed["responses"][place]
    if single["this_update"].native <= certificate.not_after:
        return False
    cutoffs = [
        extension["extn_value"].parsed.native
        for extension in single["single_extensions"] or ()
        if extension["extn_id"].native == "archive_cutoff"
    ]
    return not any(cutoff <= certificate.not_after for cutoff in cutoffs)


def _name_algorithms(response: Response, signer: Certificate, issuer: Certificate) -> tuple[Algorithm, ...]:
    """With which an answer was signed, and the certificate of its signer if that is a delegate."""
    digest = name_digest(response.parsed.signature_hash_algorithm)
    own = Algorithm(digest, signer.key_kind, signer.key_bits)
    if signer is issuer:
        return (own,)
    return own, Algorithm(signer.signature_digest, issuer.key_kind, issuer.key_bits)


def _list_delegates(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> Iterator[Certificate]:
    """Those that signed the answer and that the issuer made for it."""
    for found in response.certificates[:MAX_DELEGATES]:
        try:
            if (
                _names_responder(response, found)
                and _is_delegated(found, issuer, at=response.produced_at_utc)
                and _is_signed_by(response, found)
            ):
                yield load_record(found.public_bytes(Encoding.DER))
        except MALFORMED:
            continue


def _is_delegated(delegate: x509.Certificate, issuer: x509.Certificate, *, at: datetime) -> bool:
    delegate.verify_directly_issued_by(issuer)
    usages = find_extension(delegate, x509.ExtendedKeyUsage)
    if usages is None or ExtendedKeyUsageOID.OCSP_SIGNING not in usages:
        return False
    if isinstance(delegate.signature_hash_algorithm, WEAK):
        return False
    return delegate.not_valid_before_utc <= at <= delegate.not_valid_after_utc


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


def _read_single(single: ocsp.OCSPSingleResponse, response: Response) -> Iterator[Statement]:
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return
    yield Statement(
        source=Source.OCSP,
        der=response.der,
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
    return verify_signature(
        certificate.public_key(), response.signature, response.tbs_response_bytes, hashing
    )


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
