"""Signed attributes: do they say what RFC 5652, 11 and RFC 5035 demand, and which certificate do they name.

Each check gives a sentence on what is wrong, or nothing.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from edoc.pdf.cmsder import INTEGER, NULL, OCTET_STRING, OID, SEQUENCE, TAG_1, Malformed, Part
from edoc.pdf.cmsnames import compute_digest, name_digest
from edoc.pdf.cmsparts import Attribute, Certificate, SignerInfo, read_key_identifier

Bag = dict[str, list[Attribute]]

_ONCE: Final = (
    "content_type",
    "message_digest",
    "signing_time",
    "signing_certificate",
    "signing_certificate_v2",
    "cms_algorithm_protection",
)
_DIRECTORY_NAME: Final = 0xA4
_MAX_NAME: Final = 4096
"""Bytes of a name that is compared otherwise than byte for byte."""


def find_malformed(bag: Bag, info: SignerInfo, content_type: bytes) -> Iterator[str]:
    """What is wrong with the attributes themselves (RFC 5652, 5.3 and 11; RFC 6211, 2)."""
    yield from _find_repeated(bag)
    if "content_type" not in bag or "message_digest" not in bag:
        yield "the attributes content_type and message_digest must be there"
    for kind in _list_single(bag, "content_type"):
        if kind.tag != OID or kind.content != content_type:
            yield "the attribute content_type is not the type of the content"
    for value in _list_single(bag, "message_digest"):
        if value.tag != OCTET_STRING:
            yield "the attribute message_digest holds no digest"
    for protection in _list_single(bag, "cms_algorithm_protection"):
        if not _is_protected(protection, info):
            yield "the algorithms are not those that the signer protected (RFC 6211)"


def _find_repeated(bag: Bag) -> Iterator[str]:
    for name in _ONCE:
        found = bag.get(name, ())
        if len(found) > 1:
            yield f"the attribute {name} stands there {len(found)} times"
        elif found and len(found[0].values) != 1:
            yield f"the attribute {name} has {len(found[0].values)} values"


def is_der(bag: Part, attributes: Bag) -> bool:
    """RFC 5652, 5.3: signed attributes are DER, so the elements of the set stand in order."""
    listed = [attribute.part for found in attributes.values() for attribute in found]
    values = (value for found in attributes.values() for attribute in found for value in attribute.values)
    if not all(part.definite for part in listed) or not all(value.definite for value in values):
        return False
    encoded = [part.raw for part in bag.parts]
    return encoded == sorted(encoded)


def read_message_digest(bag: Bag) -> bytes | None:
    """The digest that was signed; None if there is not exactly one."""
    values = _list_single(bag, "message_digest")
    return values[0].content if values and values[0].tag == OCTET_STRING else None


def _list_single(bag: Bag, name: str) -> list[Part]:
    """The one value, or nothing."""
    found = bag.get(name, ())
    return found[0].values if len(found) == 1 and len(found[0].values) == 1 else []


def _is_protected(protection: Part, info: SignerInfo) -> bool:
    digest, *rest = protection.expect(SEQUENCE).parts
    signature = next((part for part in rest if part.tag == TAG_1), None)
    return (
        _spell(digest) == _spell(info.digest_algorithm)
        and signature is not None
        and _spell(signature) == _spell(info.signature_algorithm)
    )


def _spell(algorithm: Part) -> list[bytes]:
    """An AlgorithmIdentifier, whatever its tag; NULL and absent parameters are the same."""
    return [part.raw for part in algorithm.parts if part.tag != NULL]


class Reference(NamedTuple):
    """How the signer names the own certificate (ESSCertID, ESSCertIDv2)."""

    digest: str
    value: bytes
    issuer: bytes | None = None
    """Name, DER; None if it is not named."""
    serial: bytes | None = None


def read_references(bag: Bag) -> list[Reference]:
    """Read the first ESSCertID of each kind, which is the signer's (RFC 5035, 3). Raises `Malformed`."""
    found = []
    for name in ("signing_certificate", "signing_certificate_v2"):
        for value in _list_single(bag, name):
            listed = value.expect(SEQUENCE).parts
            named = listed[0].expect(SEQUENCE).parts if listed else []
            if not named:
                raise Malformed(f"the attribute {name} names no certificate")
            found.append(_read_reference(named[0].expect(SEQUENCE).parts, v2=name.endswith("_v2")))
    return found


def _read_reference(parts: list[Part], *, v2: bool) -> Reference:
    digest = "sha256" if v2 else "sha1"
    if v2 and parts and parts[0].tag == SEQUENCE:
        digest = name_digest(parts.pop(0).first.expect(OID).content)
    if not parts:
        raise Malformed("a reference to a certificate without its digest")
    value = parts[0].expect(OCTET_STRING).content
    if len(parts) == 1 or parts[1].tag != SEQUENCE:
        return Reference(digest, value)
    named = parts[1].parts
    if len(named) != 2:  # noqa: PLR2004 - IssuerSerial
        return Reference(digest, value)
    names, serial = named
    directory = [name.first.raw for name in names.parts if name.tag == _DIRECTORY_NAME and name.parts]
    return Reference(digest, value, directory[0] if directory else b"", serial.expect(INTEGER).content)


def is_referenced(certificate: Certificate, references: Iterable[Reference]) -> bool:
    """Whether all references fit by their digests. Raises `NotImplementedError` for an unknown digest."""
    return all(compute_digest(each.digest, certificate.der) == each.value for each in references)


def is_issuer_named(certificate: Certificate, references: Iterable[Reference]) -> bool:
    """Whether issuer and serial number in the references, where they stand, are the certificate's."""
    return all(
        each.issuer is None
        or (each.serial == certificate.serial and is_same_name(each.issuer, certificate.issuer))
        for each in references
    )


def is_identified(info: SignerInfo, certificate: Certificate) -> bool:
    """Whether the SignerInfo names this certificate (RFC 5652, 5.3: sid)."""
    if info.identifier.tag != SEQUENCE:
        try:
            return read_key_identifier(certificate.der) == info.identifier.content
        except ValueError:
            return False
    parts = info.identifier.parts
    if len(parts) != 2:  # noqa: PLR2004 - IssuerAndSerialNumber
        raise Malformed("the SignerInfo names no certificate")
    return parts[1].expect(INTEGER).content == certificate.serial and is_same_name(
        parts[0].raw, certificate.issuer
    )


def is_same_name(one: bytes, other: bytes) -> bool:
    """Compare two names, encoded; case, blanks and string types do not matter (RFC 5280, 7.1)."""
    if one == other:
        return True
    if max(len(one), len(other)) > _MAX_NAME:
        return False
    comparable = _make_comparable(one)
    return bool(comparable) and comparable == _make_comparable(other)


@lru_cache(maxsize=256)
def _make_comparable(name: bytes) -> str:
    """Empty for what cannot be read: it is no other's name."""
    from asn1crypto import x509

    try:
        return str(x509.Name.load(name).hashable)
    except Exception:  # noqa: BLE001 - a name of any shape may come here
        return ""
