"""The parts of a SignedData (RFC 5652, 5.1), found and not yet believed.

Certificates and revocation data stay bytes: only what names the signer is read of them, and kept by the
bytes it was read from.
"""

from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from edoc.pdf.cmsder import (
    ENUMERATED,
    INTEGER,
    KEY_IDENTIFIER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    TAG_0,
    TAG_1,
    TAG_3,
    Malformed,
    Part,
    encode_oid,
    read_first,
    read_whole,
    write,
)
from edoc.pdf.cmsnames import OCSP_BASIC, OCSP_RESPONSE, SIGNED_DATA, name_attribute

_SUBJECT_KEY_IDENTIFIER: Final = encode_oid("2.5.29.14")
_MAX_SIGNERS: Final = 16
_MAX_ATTRIBUTES: Final = 128
_MAX_VALUES: Final = 256
_MAX_REMEMBERED: Final = 16 << 10
"""Bytes of a certificate that is worth remembering."""


class SignedData(NamedTuple):
    """What was signed, by whom, and what came along."""

    content_type: bytes
    """Content of the object identifier."""
    content: bytes | None
    """The octets inside; None in a detached signature."""
    certificates: tuple[bytes, ...]
    """DER, X.509 only."""
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]
    """OCSPResponse, DER."""
    signers: tuple[Part, ...]
    trailing: bytes
    """What follows the CMS; a signature reserves more room than it needs, so zeros are usual."""
    raw: bytes
    """The CMS itself, without what follows it."""


class SignerInfo(NamedTuple):
    """One signer (RFC 5652, 5.3)."""

    raw: bytes
    identifier: Part
    digest_algorithm: Part
    signed: Part | None
    signature_algorithm: Part
    signature: bytes
    unsigned: Part | None


class Attribute(NamedTuple):
    """One attribute."""

    part: Part
    values: list[Part]


def read_signed_data(contents: bytes) -> SignedData:
    """Take a CMS apart. Raises `Malformed` if it is no SignedData."""
    whole = read_first(contents, SEQUENCE)
    kind, wrapped = _take(whole.parts, 2)
    if kind.expect(OID).content != SIGNED_DATA:
        raise Malformed("the CMS is no SignedData")
    parts = wrapped.expect(TAG_0).first.expect(SEQUENCE).parts
    version, digests, encapsulated = _take(parts, 3)
    version.expect(INTEGER)
    digests.expect(SET)
    optional = {part.tag: part for part in parts[3:-1]}
    if len(optional) != len(parts) - 4 or not optional.keys() <= {TAG_0, TAG_1}:
        raise Malformed("a SignedData with other elements than it may have")
    signers = parts[-1].expect(SET).parts
    if not signers:
        raise Malformed("the CMS holds no signature")
    if len(signers) > _MAX_SIGNERS:
        raise Malformed("too many SignerInfo")
    content_type, content = _read_encapsulated(encapsulated.expect(SEQUENCE))
    crls, ocsps = _read_revocation(optional.get(TAG_1))
    return SignedData(
        content_type=content_type,
        content=content,
        certificates=_read_certificates(optional.get(TAG_0)),
        crls=crls,
        ocsps=ocsps,
        signers=tuple(signers),
        trailing=contents[whole.end :].rstrip(b"\x00"),
        raw=whole.raw,
    )


def _take(parts: list[Part], count: int) -> list[Part]:
    if len(parts) < count:
        raise Malformed("too few elements")
    return parts[:count]


def _read_encapsulated(part: Part) -> tuple[bytes, bytes | None]:
    kind, *rest = part.parts
    if not rest:
        return kind.expect(OID).content, None
    inner = rest[0].expect(TAG_0).parts
    if len(rest) > 1 or len(inner) != 1:
        raise Malformed("content that is not one element")
    # PKCS #7 had content of any type; only its inside was signed.
    octets = inner[0].octets if inner[0].tag in {OCTET_STRING, OCTET_STRING | 0x20} else inner[0].content
    return kind.expect(OID).content, octets


def _read_certificates(part: Part | None) -> tuple[bytes, ...]:
    """Other kinds (attribute certificates, PKCS #6) have other tags and are passed over."""
    return () if part is None else tuple(choice.raw for choice in part.parts if choice.tag == SEQUENCE)


def _read_revocation(part: Part | None) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    if part is None:
        return (), ()
    crls = [choice.raw for choice in part.parts if choice.tag == SEQUENCE]
    ocsps = []
    for choice in part.parts:
        if choice.tag == TAG_1:
            kind, answer, *_ = _take(choice.parts, 2)
            if kind.content == OCSP_RESPONSE:
                ocsps.append(answer.raw)
    return tuple(crls), tuple(ocsps)


def read_signer_info(part: Part) -> SignerInfo:
    """Take a SignerInfo apart. Raises `Malformed`."""
    parts = part.expect(SEQUENCE).parts
    signed = parts.pop(3) if len(parts) > 3 and parts[3].tag == TAG_0 else None  # noqa: PLR2004
    version, identifier, digest, algorithm, signature, *rest = (*_take(parts, 5), *parts[5:])
    version.expect(INTEGER)
    if identifier.tag not in {SEQUENCE, KEY_IDENTIFIER} or len(rest) > 1:
        raise Malformed("a SignerInfo of an unknown kind")
    return SignerInfo(
        raw=part.raw,
        identifier=identifier,
        digest_algorithm=digest.expect(SEQUENCE),
        signed=signed,
        signature_algorithm=algorithm.expect(SEQUENCE),
        signature=signature.octets,
        unsigned=rest[0].expect(TAG_1) if rest else None,
    )


def read_attributes(bag: Part | None) -> dict[str, list[Attribute]]:
    """Attributes by name, each as often as it stands there. Raises `Malformed`."""
    found: dict[str, list[Attribute]] = {}
    for part in bag.list_parts(_MAX_ATTRIBUTES) if bag is not None else ():
        kind, values = _take(part.expect(SEQUENCE).parts, 2)
        name = name_attribute(kind.expect(OID).content)
        found.setdefault(name, []).append(Attribute(part, values.expect(SET).list_parts(_MAX_VALUES)))
    return found


def read_unsigned(info: SignerInfo) -> dict[str, list[Attribute]]:
    """The unsigned attributes: nobody vouches for them, so they break nothing either."""
    try:
        return read_attributes(info.unsigned)
    except ValueError:
        return {}


def list_values(bag: dict[str, list[Attribute]], name: str, *, limit: int = 16) -> list[Part]:
    """All values of an attribute that may come more than once, up to a limit."""
    return list(islice((value for attribute in bag.get(name, ()) for value in attribute.values), limit))


def read_archive(value: Part) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """CRLs and OCSP answers of Adobe's RevocationInfoArchival, or of CAdES' RevocationValues (basic answers).

    Raises `Malformed`.
    """
    crls: list[bytes] = []
    ocsps: list[bytes] = []
    for part in value.expect(SEQUENCE).parts:
        if part.tag in {TAG_0, TAG_1}:
            listed = part.first.expect(SEQUENCE).parts if part.parts else []
            (crls if part.tag == TAG_0 else ocsps).extend(entry.raw for entry in listed)
    return tuple(crls), tuple(ocsps)


def wrap_answer(basic: bytes) -> bytes:
    """The OCSPResponse around a BasicOCSPResponse (RFC 6960, 4.2.1)."""
    answer = write(SEQUENCE, write(OID, OCSP_BASIC), write(OCTET_STRING, basic))
    return write(SEQUENCE, write(ENUMERATED, b"\x00"), write(TAG_0, answer))


class Certificate(NamedTuple):
    """What is needed of a certificate to check a signature."""

    der: bytes
    issuer: bytes
    """Name, DER."""
    serial: bytes
    """Content of the INTEGER."""
    key_info: bytes
    """SubjectPublicKeyInfo, DER."""


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate. Raises `Malformed`."""
    return _remember_certificate(der) if len(der) <= _MAX_REMEMBERED else _read_certificate(der)


def _read_certificate(der: bytes) -> Certificate:
    body = read_whole(der, SEQUENCE).first.expect(SEQUENCE).parts
    if body and body[0].tag == TAG_0:
        del body[0]
    serial, _, issuer, _, _, key = _take(body, 6)
    return Certificate(
        der, issuer.expect(SEQUENCE).raw, serial.expect(INTEGER).content, key.expect(SEQUENCE).raw
    )


_remember_certificate = lru_cache(maxsize=256)(_read_certificate)


def read_key_identifier(der: bytes) -> bytes | None:
    """The SubjectKeyIdentifier of a certificate (RFC 5280, 4.2.1.2). Raises `Malformed`."""
    body = read_whole(der, SEQUENCE).first.parts
    extensions = next((part.first.parts for part in body if part.tag == TAG_3 and part.parts), [])
    for extension in extensions:
        oid, *rest = extension.expect(SEQUENCE).parts
        if oid.content == _SUBJECT_KEY_IDENTIFIER and rest:
            return read_whole(rest[-1].expect(OCTET_STRING).content, OCTET_STRING).content
    return None
