"""Build the CMS of a PAdES signature (ETSI EN 319 142-1, 5.3): DER from constant parts and three digests.

    identity = Identity.of(certificate, chain, "pkcs1v15")
    attributes = signed_attributes(identity, "sha256", digest_of_the_byte_range)
    cms = signed_data(identity, "sha256", attributes, value, token=time_stamp)

What never changes for a signer is encoded once; every attribute stands in the call, so that no signature can
inherit another one's. The signing time is the PDF's `/M`, as PAdES wants, not an attribute.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from asn1crypto import x509

from edoc.core.ports import Scheme
from edoc.errors import InputError

DIGESTS: Final = ("sha256", "sha384", "sha512")

_SEQUENCE, _SET, _OCTETS, _INTEGER, _CONTEXT_0, _CONTEXT_1, _CONTEXT_2 = 0x30, 0x31, 4, 2, 0xA0, 0xA1, 0xA2
_OIDS: Final = {
    "data": "2a864886f70d010701",
    "signed_data": "2a864886f70d010702",
    "content_type": "2a864886f70d010903",
    "message_digest": "2a864886f70d010904",
    "signing_certificate_v2": "2a864886f70d010910022f",
    "signature_time_stamp": "2a864886f70d010910020e",
    "sha256": "608648016503040201",
    "sha384": "608648016503040202",
    "sha512": "608648016503040203",
    "pss": "2a864886f70d01010a",
    "mgf1": "2a864886f70d010108",
    "pkcs1v15_sha256": "2a864886f70d01010b",
    "pkcs1v15_sha384": "2a864886f70d01010c",
    "pkcs1v15_sha512": "2a864886f70d01010d",
    "ecdsa_sha256": "2a8648ce3d040302",
    "ecdsa_sha384": "2a8648ce3d040303",
    "ecdsa_sha512": "2a8648ce3d040304",
}
_NULL: Final = b"\x05\x00"
_SHORT: Final = 0x80


def encode(tag: int, *parts: bytes) -> bytes:
    """Encode a value in DER."""
    content = b"".join(parts)
    size = len(content)
    if size < _SHORT:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, _SHORT | len(length))) + length + content


def _oid(name: str) -> bytes:
    return encode(6, bytes.fromhex(_OIDS[name]))


@dataclass(frozen=True, slots=True)
class Identity:
    """What a signature says about its signer, encoded."""

    issuer_and_serial: bytes
    signing_certificate: bytes
    """The attribute signing-certificate-v2 (RFC 5035), whole."""
    certificates: bytes
    """The field `certificates` of SignedData, whole."""
    scheme: Scheme

    @classmethod
    def of(cls, certificate: bytes, chain: tuple[bytes, ...], scheme: Scheme) -> "Identity":
        """Encode a signer (DER certificates). Raises `InputError` if the certificate cannot be parsed."""
        return _identify(certificate, chain, scheme)


@lru_cache(maxsize=64)
def _identify(certificate: bytes, chain: tuple[bytes, ...], scheme: Scheme) -> Identity:
    try:
        body = x509.Certificate.load(certificate, strict=True)["tbs_certificate"]
        issuer, serial = body["issuer"].dump(), body["serial_number"].dump()
    except (ValueError, TypeError, KeyError) as error:
        raise InputError("the signer's certificate cannot be read.") from error
    # RFC 5035: ESSCertIDv2 with the default SHA-256, and the issuer as GeneralNames.
    names = encode(_SEQUENCE, encode(0xA4, issuer))
    digest = encode(_OCTETS, hashlib.sha256(certificate).digest())
    reference = encode(_SEQUENCE, digest, encode(_SEQUENCE, names, serial))
    listed = encode(_SEQUENCE, encode(_SEQUENCE, reference))
    return Identity(
        issuer_and_serial=encode(_SEQUENCE, issuer, serial),
        signing_certificate=_attribute("signing_certificate_v2", listed),
        certificates=encode(_CONTEXT_0, *sorted({certificate, *chain})),
        scheme=scheme,
    )


def _attribute(name: str, *values: bytes) -> bytes:
    return encode(_SEQUENCE, _oid(name), encode(_SET, *values))


@lru_cache(maxsize=8)
def _digest_algorithm(digest: str) -> bytes:
    return encode(_SEQUENCE, _oid(digest), _NULL)


@lru_cache(maxsize=16)
def _signature_algorithm(scheme: Scheme, digest: str) -> bytes:
    if scheme == "ecdsa":
        return encode(_SEQUENCE, _oid(f"ecdsa_{digest}"))
    if scheme == "pkcs1v15":
        return encode(_SEQUENCE, _oid(f"pkcs1v15_{digest}"), _NULL)
    # RFC 4055, 3.1: the mask uses the same digest, the salt is as long as it.
    mask = encode(_SEQUENCE, _oid("mgf1"), _digest_algorithm(digest))
    salt = encode(_INTEGER, bytes((hashlib.new(digest).digest_size,)))
    parts = (
        encode(_CONTEXT_0, _digest_algorithm(digest)),
        encode(_CONTEXT_1, mask),
        encode(_CONTEXT_2, salt),
    )
    return encode(_SEQUENCE, _oid("pss"), encode(_SEQUENCE, *parts))


def require_digest(digest: str) -> None:
    """Raise `InputError` for a digest that signatures do not use, SHA-1 among them."""
    if digest not in DIGESTS:
        raise InputError(f"the digest {digest!r} is not for signing.", advice=f"Use {', '.join(DIGESTS)}.")


def signed_attributes(identity: Identity, digest: str, value: bytes) -> bytes:
    """Encode the attributes to sign, as a SET OF: `value` is the digest of the signed byte range."""
    require_digest(digest)
    attributes = (
        _attribute("content_type", _oid("data")),
        _attribute("message_digest", encode(_OCTETS, value)),
        identity.signing_certificate,
    )
    return encode(_SET, *sorted(attributes))


def signed_data(
    identity: Identity, digest: str, attributes: bytes, value: bytes, *, token: bytes | None = None
) -> bytes:
    """Encode the whole CMS; `value` is the signature over `attributes`, `token` a time-stamp over `value`."""
    unsigned = b"" if token is None else encode(_CONTEXT_1, _attribute("signature_time_stamp", token))
    signer = encode(
        _SEQUENCE,
        b"\x02\x01\x01",
        identity.issuer_and_serial,
        _digest_algorithm(digest),
        bytes((_CONTEXT_0,)) + attributes[1:],
        _signature_algorithm(identity.scheme, digest),
        encode(_OCTETS, value),
        unsigned,
    )
    content = encode(
        _SEQUENCE,
        b"\x02\x01\x01",
        encode(_SET, _digest_algorithm(digest)),
        encode(_SEQUENCE, _oid("data")),
        identity.certificates,
        encode(_SET, signer),
    )
    return encode(_SEQUENCE, _oid("signed_data"), encode(_CONTEXT_0, content))
