"""What XAdES adds to an XML signature (ETSI EN 319 132-1): who, when, time-stamps, validation data.

Rules: what the signer says counts only if it is signed; what others added later never spoils a signature.
Time-stamp tokens are handed on unread.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from edoc.core.zone import VIETNAM
from edoc.edxml.canonical import Method
from edoc.edxml.declaration import (
    XADES,
    Declaration,
    Rejected,
    is_dsig,
    namespace_of,
    read_base64,
    read_digest,
    read_method,
)
from edoc.edxml.elements import Element

_MAX_STAMPS: Final = 8
_MAX_VALUES: Final = 256
_LONGEST_TIME: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A time-stamp on the signature's value."""

    method: Method
    """How the stamped element is canonicalised."""
    token: bytes
    """DER."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """The qualifying properties of one signature."""

    signed: Element | None
    """`SignedProperties`, whether or not a reference points to it."""
    stamps: tuple[Stamp, ...] = ()
    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    """DER."""


def read_properties(declaration: Declaration) -> Properties | None:
    """The qualifying properties; None if there are none.

    Raises `Rejected` if there are several, or if the signature holds an object of another kind.
    """
    inside = [child for part in declaration.objects for child in part.children]
    strange = [child for child in inside if not _is_xades(child, "QualifyingProperties")]
    if strange:
        raise Rejected("XML_SIGNATURE_FORBIDDEN", f"it carries an object of its own ({strange[0].name})")
    if len(inside) > 1:
        raise Rejected("XML_SIGNATURE_FORBIDDEN", "it has qualifying properties more than once")
    if not inside:
        return None
    whole = inside[0]
    if whole.attributes.get("Target", "") != f"#{declaration.signature.attributes.get('Id', '')}":
        raise Rejected("XML_SIGNATURE_FORBIDDEN", "its qualifying properties are about another signature")
    signed = list(_find(whole, "SignedProperties"))
    if len(signed) > 1:
        raise Rejected("XML_SIGNATURE_FORBIDDEN", "it has signed properties more than once")
    path = ("UnsignedProperties", "UnsignedSignatureProperties")
    return Properties(
        signed=signed[0] if signed else None,
        stamps=tuple(_list_stamps(whole)),
        certificates=_read_values(whole, *path, "CertificateValues", "EncapsulatedX509Certificate"),
        crls=_read_values(whole, *path, "RevocationValues", "CRLValues", "EncapsulatedCRLValue"),
        ocsps=_read_values(whole, *path, "RevocationValues", "OCSPValues", "EncapsulatedOCSPValue"),
    )


def read_time(signed: Element) -> datetime | None:
    """The time at which the signer says to have signed; without an offset it is Vietnam's."""
    found = next(_find(signed, "SignedSignatureProperties", "SigningTime"), None)
    if found is None or len(found.text) > _LONGEST_TIME:
        return None
    try:
        time = datetime.fromisoformat(found.text)
        time = time if time.tzinfo else time.replace(tzinfo=VIETNAM)
        time.astimezone(VIETNAM)
    except (ValueError, OverflowError):
        return None
    return time


def names_certificate(signed: Element) -> bool:
    """Tell whether the signer named a certificate."""
    return next(_list_named(signed), None) is not None


def find_named(signed: Element, certificates: tuple[bytes, ...]) -> bytes | None:
    """The certificate that the signer named by its digest; None if it is not among those.

    Raises `Rejected` if the digest cannot be read.
    """
    named = next(_list_named(signed))
    if len(named.children) != 2 or not is_dsig(named.children[1], "DigestValue"):  # noqa: PLR2004
        raise Rejected("XML_SIGNATURE_MALFORMED", f"{named.name}, line {named.line}: it is no digest")
    algorithm, value = read_digest(named.children[0]), read_base64(named.children[1])
    return next((der for der in certificates if hashlib.new(algorithm, der).digest() == value), None)


def _list_named(signed: Element) -> Iterator[Element]:
    """Digests of the signer's certificate; the first `Cert` is the signer's."""
    for name in ("SigningCertificateV2", "SigningCertificate"):
        yield from _find(signed, "SignedSignatureProperties", name, "Cert", "CertDigest")


def _list_stamps(whole: Element) -> Iterator[Stamp]:
    path = ("UnsignedProperties", "UnsignedSignatureProperties", "SignatureTimeStamp")
    for count, stamp in enumerate(_find(whole, *path)):
        if count == _MAX_STAMPS:
            return
        method = next((child for child in stamp.children if is_dsig(child, "CanonicalizationMethod")), None)
        for token in _find(stamp, "EncapsulatedTimeStamp"):
            try:
                yield Stamp(method=read_method(method), token=read_base64(token))
            except Rejected:
                continue


def _read_values(whole: Element, *path: str) -> tuple[bytes, ...]:
    found = []
    for element in _find(whole, *path):
        try:
            found.append(read_base64(element))
        except Rejected:
            continue
    return tuple(found[:_MAX_VALUES])


def _find(element: Element, *path: str) -> Iterator[Element]:
    """Descendants along a path of names of XAdES."""
    for child in element.children:
        if _is_xades(child, path[0]):
            if path[1:]:
                yield from _find(child, *path[1:])
            else:
                yield child


def _is_xades(element: Element, name: str) -> bool:
    return element.name == name and namespace_of(element).startswith(XADES)
