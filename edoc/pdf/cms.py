"""Read the CMS inside a PDF signature: does its digest match, does its cryptography hold, what came along.

Rules: a signature holds or it does not; what this machine cannot compute is neither (`None`). Signed
attributes that are not DER never hold (RFC 5652, 5.3). Trust is judged elsewhere. Serves TT 15/2025
Art 6 (the signature matches the certificate's public key; digests are equal).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import cms, tsp, x509
from asn1crypto.core import VOID, Asn1Value
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_sig_integrity
from pyhanko_certvalidator.errors import AlgorithmNotSupported, DSAParametersUnavailable, PSSParameterMismatch

from edoc.core.evidence import Fault, TimestampFacts

_UNSUPPORTED: Final = (
    UnsupportedAlgorithm,
    AlgorithmNotSupported,
    DSAParametersUnavailable,
    PSSParameterMismatch,
    NotImplementedError,
    AttributeError,  # pyHanko looks hash algorithms up by name
)
_PLAIN_ECDSA: Final = "0.4.0.127.0.7.1.1.4.1."
"""BSI TR-03111, 5.2.1: r and s side by side, without ASN.1."""
_PLAIN_ECDSA_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "2": hashes.SHA224(),
    "3": hashes.SHA256(),
    "4": hashes.SHA384(),
    "5": hashes.SHA512(),
}
_TOKEN: Final = "tst_info"  # noqa: S105 - the name of a content type

Digest = Callable[[str], bytes]
"""Gives the digest of the signed bytes by the named algorithm; raises `NotImplementedError` if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CmsFacts:
    """What one CMS object says."""

    is_token: bool = False
    """It is a time-stamp token and not a signature."""
    digest_matches: bool | None = None
    signature_holds: bool | None = None
    digest_algorithm: str = ""
    signature_algorithm: str = ""
    key_bits: int = 0
    certificate: bytes | None = None
    others: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    signing_time: datetime | None = None
    attributes: frozenset[str] = frozenset()
    """Names (or object identifiers) of the signed attributes."""
    timestamp: TimestampFacts | None = None
    token_time: datetime | None = None
    faults: tuple[Fault, ...] = ()


def read_cms(contents: bytes, digest: Digest, *, over_sha1: bool = False) -> CmsFacts:
    """Read a PDF signature's CMS and check it against the signed bytes.

    `over_sha1` is the old `adbe.pkcs7.sha1`, which signs the SHA-1 of the bytes. Raises `ValueError` or
    other parser errors on bytes that are no CMS.
    """
    signed_data = _load(contents)
    token = _is_token(signed_data)
    infos = list(signed_data["signer_infos"])
    if not infos:
        raise ValueError("the CMS holds no signature")
    judged = [_judge(signed_data, info, digest, over_sha1=over_sha1 and not token) for info in infos]
    worst = min(judged, key=lambda facts: (facts.digest_matches is True) + (facts.signature_holds is True))
    if len(infos) == 1:
        return worst
    fault = Fault(code="SEVERAL_SIGNERS", detail=f"{len(infos)} SignerInfo")
    return replace(worst, faults=(*worst.faults, fault))


def read_token(contents: bytes, stamped: bytes) -> TimestampFacts:
    """Read a time-stamp token on the bytes `stamped`. Whatever is wrong with it becomes its fault."""
    try:
        facts = read_cms(contents, lambda algorithm: _hash(algorithm, stamped))
    except Exception as error:  # noqa: BLE001 - a token of any shape is evidence, never a crash
        return TimestampFacts(fault=f"it cannot be read: {type(error).__name__}")
    return as_timestamp(facts)


def as_timestamp(facts: CmsFacts) -> TimestampFacts:
    """The same facts, seen as a time-stamp."""
    intact = facts.is_token and facts.digest_matches is True and facts.signature_holds is True
    fault = "" if intact else "its imprint or its signature does not hold"
    if not facts.is_token:
        fault = "it is not a time-stamp token"
    return TimestampFacts(
        time=facts.token_time, intact=intact, certificate=facts.certificate, others=facts.others, fault=fault
    )


def _hash(algorithm: str, data: bytes) -> bytes:
    try:
        return hashlib.new(algorithm, data).digest()
    except ValueError as error:
        raise NotImplementedError(f"digest algorithm {algorithm}") from error


def _load(contents: bytes) -> cms.SignedData:
    # Signing reserves more room than it needs, so zeros may follow.
    info = cms.ContentInfo.load(contents)
    if info["content_type"].native != "signed_data":
        raise ValueError("the CMS is no SignedData")
    return info["content"]


def _is_token(signed_data: cms.SignedData) -> bool:
    return bool(signed_data["encap_content_info"]["content_type"].native == _TOKEN)


def _judge(signed_data: cms.SignedData, info: cms.SignerInfo, digest: Digest, *, over_sha1: bool) -> CmsFacts:
    """Everything about one SignerInfo."""
    algorithm = info["digest_algorithm"]["algorithm"].native
    certificate, others = _split(signed_data, info)
    faults: list[Fault] = []
    matches: bool | None = None
    holds: bool | None = None
    token = _is_token(signed_data)
    if certificate is None:
        faults.append(Fault(code="NO_SIGNER_CERTIFICATE"))
    else:
        try:
            content_digest, agrees = _content_digest(signed_data, algorithm, digest, over_sha1=over_sha1)
            matches, holds = _check(info, certificate, content_digest, _TOKEN if token else "data")
            matches = matches and agrees
        except _UNSUPPORTED as error:
            faults.append(Fault(code="ALGORITHM_UNSUPPORTED", detail=_say(error)))
        except (SignatureValidationError, ValueError, KeyError, TypeError, AssertionError) as error:
            faults.append(Fault(code="CMS_MALFORMED", detail=_say(error)))
            holds = False
        if not _is_der(info):
            faults.append(Fault(code="ATTRIBUTES_NOT_DER"))
            holds = False
    if not token and not over_sha1 and signed_data["encap_content_info"]["content"].native:
        faults.append(Fault(code="CONTENT_ENCAPSULATED"))
    crls, ocsps = _revocation(info)
    return CmsFacts(
        is_token=token,
        digest_matches=matches,
        signature_holds=holds,
        digest_algorithm=algorithm,
        signature_algorithm=_name_algorithm(info),
        key_bits=_key_bits(certificate),
        certificate=None if certificate is None else certificate.dump(),
        others=tuple(other.dump() for other in others),
        crls=crls,
        ocsps=ocsps,
        signing_time=_signing_time(info),
        attributes=frozenset(attribute["type"].native for attribute in _signed_attributes(info)),
        timestamp=_signature_timestamp(info),
        token_time=_token_time(signed_data) if token else None,
        faults=tuple(faults),
    )


def _content_digest(
    signed_data: cms.SignedData, algorithm: str, digest: Digest, *, over_sha1: bool
) -> tuple[bytes, bool]:
    """The digest that the signature must carry, and whether what lies between it and the file agrees."""
    content = signed_data["encap_content_info"]["content"]
    if _is_token(signed_data):
        imprint = content.parsed["message_imprint"]
        stamped = digest(imprint["hash_algorithm"]["algorithm"].native)
        return _hash(algorithm, bytes(content)), stamped == imprint["hashed_message"].native
    if over_sha1:
        embedded = bytes(content)
        return _hash(algorithm, embedded), embedded == digest("sha1")
    return digest(algorithm), True


def _check(
    info: cms.SignerInfo, certificate: x509.Certificate, content_digest: bytes, content_type: str
) -> tuple[bool, bool]:
    """Whether the digest matches and whether the signature over it holds."""
    oid = info["signature_algorithm"]["algorithm"].dotted
    if oid.startswith(_PLAIN_ECDSA):
        return _check_plain_ecdsa(info, certificate, content_digest, oid.removeprefix(_PLAIN_ECDSA))
    _repair_modulus(certificate)
    return validate_sig_integrity(info, certificate, content_type, content_digest)


def _check_plain_ecdsa(
    info: cms.SignerInfo, certificate: x509.Certificate, content_digest: bytes, variant: str
) -> tuple[bool, bool]:
    key = serialization.load_der_public_key(certificate.public_key.dump())
    algorithm = _PLAIN_ECDSA_HASHES.get(variant)
    if algorithm is None or not isinstance(key, ec.EllipticCurvePublicKey):
        raise UnsupportedAlgorithm(f"plain ECDSA variant {variant}")
    raw = info["signature"].native
    half = len(raw) // 2
    value = utils.encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
    attributes = {item["type"].native: item["values"] for item in _signed_attributes(info)}
    matches = attributes["message_digest"][0].native == content_digest
    try:
        key.verify(value, info["signed_attrs"].untag().dump(), ec.ECDSA(algorithm))
    except InvalidSignature:
        return matches, False
    return matches, True


def _repair_modulus(certificate: x509.Certificate) -> None:
    """Some issuers forgot the sign byte of the modulus; the number meant is clear."""
    info = certificate.public_key
    if info.algorithm != "rsa":
        return
    key = info["public_key"].parsed
    modulus = key["modulus"].native
    if modulus < 0:
        key["modulus"] = modulus + (1 << 8 * len(key["modulus"].contents))
        info["public_key"] = key


def _signed_attributes(info: cms.SignerInfo) -> list[Any]:
    attributes = info["signed_attrs"]
    return [] if attributes is VOID else list(attributes)


def _is_der(info: cms.SignerInfo) -> bool:
    """RFC 5652, 5.3: signed attributes are DER, so the elements of the set stand in order."""
    encoded = [attribute.dump() for attribute in _signed_attributes(info)]
    return encoded == sorted(encoded)


def _split(
    signed_data: cms.SignedData, info: cms.SignerInfo
) -> tuple[x509.Certificate | None, list[x509.Certificate]]:
    """The signer's certificate and all others that came along."""
    choices = signed_data["certificates"]
    found = [] if choices is VOID else [c.chosen.untag() for c in choices if c.name == "certificate"]
    signer = next((certificate for certificate in found if _names(info["sid"], certificate)), None)
    return signer, [certificate for certificate in found if certificate is not signer]


def _names(sid: cms.SignerIdentifier, certificate: x509.Certificate) -> bool:
    if sid.name == "subject_key_identifier":
        return bool(certificate.key_identifier == sid.chosen.native)
    return bool(
        sid.chosen["serial_number"].native == certificate.serial_number
        and sid.chosen["issuer"].hashable == certificate.issuer.hashable
    )


def _unsigned(info: cms.SignerInfo, name: str) -> list[Asn1Value]:
    attributes = info["unsigned_attrs"]
    if attributes is VOID:
        return []
    return [value for item in attributes if item["type"].native == name for value in item["values"]]


def _signature_timestamp(info: cms.SignerInfo) -> TimestampFacts | None:
    """The earliest sound signature time-stamp, else the first of any; None if there is none."""
    tokens = _unsigned(info, "signature_time_stamp_token")
    read = [read_token(token.dump(), info["signature"].native) for token in tokens]
    sound = [(token.time, place) for place, token in enumerate(read) if token.intact and token.time]
    return read[min(sound)[1]] if sound else next(iter(read), None)


def _token_time(signed_data: cms.SignedData) -> datetime | None:
    info: tsp.TSTInfo = signed_data["encap_content_info"]["content"].parsed
    return _aware(info["gen_time"].native)


def _signing_time(info: cms.SignerInfo) -> datetime | None:
    for attribute in _signed_attributes(info):
        if attribute["type"].native == "signing_time":
            return _aware(attribute["values"][0].native)
    return None


def _revocation(info: cms.SignerInfo) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """CRLs and OCSP responses in Adobe's signed attribute."""
    for attribute in _signed_attributes(info):
        if attribute["type"].native == "adobe_revocation_info_archival":
            archive = attribute["values"][0]
            crls = [] if archive["crl"] is VOID else archive["crl"]
            ocsps = [] if archive["ocsp"] is VOID else archive["ocsp"]
            return tuple(crl.dump() for crl in crls), tuple(ocsp.dump() for ocsp in ocsps)
    return (), ()


def _key_bits(certificate: x509.Certificate | None) -> int:
    if certificate is None:
        return 0
    try:
        key = serialization.load_der_public_key(certificate.public_key.dump())
    except (ValueError, UnsupportedAlgorithm):
        return 0
    return key.key_size if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0


def _name_algorithm(info: cms.SignerInfo) -> str:
    try:
        return str(info["signature_algorithm"].signature_algo)
    except ValueError:
        return str(info["signature_algorithm"]["algorithm"].native)


def _aware(time: Any) -> datetime | None:
    if not isinstance(time, datetime):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _say(error: Exception) -> str:
    return str(error)[:300] or type(error).__name__
