"""Who signed a time-stamp token, and whether the signature holds (RFC 5652 section 5.4, RFC 5816)."""

import hashlib
from collections.abc import Sequence
from typing import Final

from asn1crypto import algos, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from edoc.trust.certificates import MALFORMED
from edoc.trust.der import INTEGER, OCTET_STRING, OID, SEQUENCE, SET, TAG_0, Item, Malformed, encode_oid
from edoc.trust.records import Certificate, load_record

DIGESTS: Final[dict[str, tuple[bytes, int, HashAlgorithm]]] = {
    "sha256": (encode_oid("2.16.840.1.101.3.4.2.1"), 32, SHA256()),
    "sha384": (encode_oid("2.16.840.1.101.3.4.2.2"), 48, SHA384()),
    "sha512": (encode_oid("2.16.840.1.101.3.4.2.3"), 64, SHA512()),
}
"""Digest → its object identifier, its length in bytes, and cryptography's word for it."""
NAMES: Final = {oid: name for name, (oid, _, _) in DIGESTS.items()}
TST_INFO: Final = encode_oid("1.2.840.113549.1.9.16.1.4")

_CONTENT_TYPE: Final = encode_oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST: Final = encode_oid("1.2.840.113549.1.9.4")
_CERTIFICATE_V1: Final = encode_oid("1.2.840.113549.1.9.16.2.12")
_CERTIFICATE_V2: Final = encode_oid("1.2.840.113549.1.9.16.2.47")
_RSA: Final = encode_oid("1.2.840.113549.1.1.1")
_PSS: Final = encode_oid("1.2.840.113549.1.1.10")
_RSA_WITH: Final = {
    encode_oid("1.2.840.113549.1.1.11"): "sha256",
    encode_oid("1.2.840.113549.1.1.12"): "sha384",
    encode_oid("1.2.840.113549.1.1.13"): "sha512",
}
_ECDSA_WITH: Final = {
    encode_oid("1.2.840.10045.4.3.2"): "sha256",
    encode_oid("1.2.840.10045.4.3.3"): "sha384",
    encode_oid("1.2.840.10045.4.3.4"): "sha512",
}
_KEY_ID: Final = 0x80
_SERIAL, _ISSUER = 0, 2
"""Places in a TBSCertificate, after its version."""


class NotOurs(Exception):  # noqa: N818 - a finding about an answer
    """An answer is no time-stamp for the question; the text says why, as what the authority did."""


def check_signer(signer: Item, content: bytes, certificates: Sequence[bytes]) -> bytes:
    """Give the certificate (DER) under which a SignerInfo over `content` (the TSTInfo) holds.

    Raises `NotOurs`, and `Malformed` for what is no SignerInfo with signed attributes.
    """
    parts = signer.children
    if len(parts) < 6 or parts[3].tag != TAG_0:  # noqa: PLR2004 - with signed attributes
        raise Malformed("too few elements")
    digest = NAMES.get(parts[2].expect(SEQUENCE).child(0, OID).content)
    if digest is None:
        raise NotOurs("signs with a digest that is not accepted")
    attributes = _read_attributes(parts[3])
    if _require(attributes, _CONTENT_TYPE, OID).content != TST_INFO:
        raise NotOurs("signed something else than a time-stamp")
    if _require(attributes, _MESSAGE_DIGEST, OCTET_STRING).content != hashlib.new(digest, content).digest():
        raise NotOurs("signed another content than the one it sends")
    certificate = _find_certificate(parts[1], attributes, certificates)
    # Signed as SET OF, carried as [0] IMPLICIT (RFC 5652 section 5.4).
    signed = bytes((SET,)) + parts[3].raw[1:]
    try:
        _verify(certificate, parts[4].expect(SEQUENCE), digest, parts[5].expect(OCTET_STRING).content, signed)
    except InvalidSignature:
        raise NotOurs("answers with a signature that does not hold") from None
    except MALFORMED as error:
        raise NotOurs("signs with a key or an algorithm that is not supported") from error
    return certificate.der


def _read_attributes(bag: Item) -> dict[bytes, Item]:
    found: dict[bytes, Item] = {}
    for attribute in bag.children:
        kind = attribute.expect(SEQUENCE).child(0, OID).content
        values = attribute.child(1, SET).children
        if kind in found or not values:
            raise Malformed("an attribute twice or without a value")
        if len(values) == 1:
            found[kind] = values[0]
    return found


def _require(attributes: dict[bytes, Item], kind: bytes, tag: int) -> Item:
    if kind not in attributes:
        raise NotOurs("signed without the attributes that a time-stamp needs")
    return attributes[kind].expect(tag)


def _find_certificate(
    identifier: Item, attributes: dict[bytes, Item], certificates: Sequence[bytes]
) -> Certificate:
    named = [
        _read_certificate_id(attributes[kind], kind)
        for kind in (_CERTIFICATE_V1, _CERTIFICATE_V2)
        if kind in attributes
    ]
    if not named:
        raise NotOurs("does not sign which certificate it uses (ESSCertID)")
    for der in certificates:
        if all(hashlib.new(name, der).digest() == value for name, value in named):
            try:
                certificate = load_record(der)
                if _is_identified(identifier, certificate):
                    return certificate
            except MALFORMED as error:
                raise NotOurs("sends a certificate that cannot be read") from error
    raise NotOurs("does not send the certificate that it signed with")


def _read_certificate_id(attribute: Item, kind: bytes) -> tuple[str, bytes]:
    """Digest and value of the first ESSCertID, which is the signer's (RFC 5035 section 3)."""
    first = attribute.expect(SEQUENCE).child(0, SEQUENCE).child(0, SEQUENCE).children
    if kind == _CERTIFICATE_V1:
        return "sha1", first[0].expect(OCTET_STRING).content
    if first[0].tag == SEQUENCE:
        digest = NAMES.get(first[0].child(0, OID).content)
        if digest is None or len(first) == 1:
            raise NotOurs("names its certificate by a digest that is not accepted")
        return digest, first[1].expect(OCTET_STRING).content
    return "sha256", first[0].expect(OCTET_STRING).content


def _is_identified(identifier: Item, certificate: Certificate) -> bool:
    if identifier.tag == _KEY_ID:
        return identifier.content == certificate.key_identifier
    issuer, serial = identifier.expect(SEQUENCE).child(0, SEQUENCE), identifier.child(1, INTEGER)
    body = Item.load(certificate.der, SEQUENCE).child(0, SEQUENCE).children
    body = body[1:] if body[0].tag == TAG_0 else body
    if body[_SERIAL].content != serial.content:
        return False
    same = body[_ISSUER].raw == issuer.raw
    return same or x509.Name.load(issuer.raw, strict=True).hashable == certificate.issuer


def _verify(certificate: Certificate, algorithm: Item, digest: str, signature: bytes, signed: bytes) -> None:
    kind = algorithm.child(0, OID).content
    key = certificate.x509.public_key()
    if isinstance(key, rsa.RSAPublicKey) and kind == _PSS:
        scheme, hashing = _read_pss(algorithm)
        key.verify(signature, signed, scheme, hashing)
        return
    if isinstance(key, rsa.RSAPublicKey):
        stated = digest if kind == _RSA else _RSA_WITH[kind]
        key.verify(signature, signed, padding.PKCS1v15(), DIGESTS[stated][2])
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, signed, ec.ECDSA(DIGESTS[_ECDSA_WITH[kind]][2]))
    else:
        raise NotImplementedError


def _read_pss(algorithm: Item) -> tuple[padding.PSS, HashAlgorithm]:
    parameters = algos.SignedDigestAlgorithm.load(algorithm.raw, strict=True)["parameters"]
    hashing = DIGESTS[parameters["hash_algorithm"]["algorithm"].native][2]
    mask = DIGESTS[parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native][2]
    return padding.PSS(padding.MGF1(mask), parameters["salt_length"].native), hashing
