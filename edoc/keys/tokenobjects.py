"""Find a private key on a token, and the certificates that belong to it.

Rules: what is shown to be the same key counts most, then the same id, then the same name. Where a token does
not show enough, a wrong choice does no harm, since each signature is verified with the certificate.
"""

from typing import Any, Final

from asn1crypto.core import Sequence
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, KeyType, ObjectClass

from edoc.errors import KeyLoadError
from edoc.keys.attributes import clean, describe, id_of, label_of, list_objects, read
from edoc.keys.uri import TokenUri

_KINDS: Final = {KeyType.RSA: rsa.RSAPublicKey, KeyType.EC: ec.EllipticCurvePublicKey}

_POINTS: Final = {65: 65, 67: 65, 97: 97, 99: 97, 133: 133, 136: 133}
"""Lengths of CKA_EC_POINT, with and without its OCTET STRING, to that of the point (P-256, P-384, P-521)."""

Found = tuple[Any, x509.Certificate]
"""An object on the token, and the certificate in it."""


def find_key(session: Any, uri: TokenUri) -> Any:
    """Find the one private key that a URI names, by its own name or its certificate's.

    Raises `KeyLoadError` naming what is there if none fits, or several.
    """
    keys = list_objects(session, ObjectClass.PRIVATE_KEY)
    fitting = [key for key in keys if _fits(key, uri)]
    if not fitting and uri.object is not None:
        named = [found for found in list_certificates(session) if _fits(found[0], uri)]
        fitting = [key for key in keys if find_own(session, key, named)]
    if len(fitting) > 1:
        fitting = [key for key in fitting if read(key, Attribute.SIGN) is not False] or fitting
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(sorted(describe(key) for key in keys)) or "none"
    what = "several private keys fit this URI" if fitting else "no private key on the token fits this URI"
    raise KeyLoadError(
        f"{what}; it holds: {names}.", where=uri.token or "", advice="Name it by object= or id= in the URI."
    )


def list_certificates(session: Any) -> list[Found]:
    """List the X.509 certificates on a token that can be read."""
    found: list[Found] = []
    for item in list_objects(session, ObjectClass.CERTIFICATE):
        try:
            # Only the certificate: some tokens fill the place after it.
            value = Sequence.load(read(item, Attribute.VALUE) or b"").dump()
            certificate = x509.load_der_x509_certificate(value)
            certificate.public_key()
        except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm):
            continue  # an attribute certificate, one by reference, or another kind of key
        found.append((item, certificate))
    return found


def find_certificate(session: Any, key: Any, uri: TokenUri) -> x509.Certificate:
    """Find the certificate of a private key. Raises `KeyLoadError` if it is not on the token.

    Where several were issued for one key, the URI's name decides, then the key's id, then the latest date.
    """
    own = find_own(session, key, list_certificates(session))
    if not own:
        raise KeyLoadError(
            f"no certificate on the token belongs to the key {describe(key)}.",
            advice="Load the signer's certificate onto the token, under the key's id.",
        )

    def rank(found: Found) -> tuple[Any, ...]:
        item, certificate = found
        named = uri.object is not None and label_of(item) == clean(uri.object)
        return named, id_of(item) == id_of(key), certificate.not_valid_before_utc

    return max(own, key=rank)[1]


def find_own(session: Any, key: Any, certificates: list[Found]) -> list[Found]:
    """Find the certificates that belong to a private key, as far as its token shows."""
    shown = _read_numbers(key)
    if shown is not None:
        return [found for found in certificates if _encode_public(found[1]) == shown]
    beside = {
        _read_numbers(item) for item in list_objects(session, ObjectClass.PUBLIC_KEY) if _are_pair(key, item)
    }
    kind = _KINDS.get(read(key, Attribute.KEY_TYPE))
    alike = [found for found in certificates if kind is None or isinstance(found[1].public_key(), kind)]
    holders = [found for found in alike if not _is_authority(found[1])]
    return (
        [found for found in alike if _encode_public(found[1]) in beside - {None}]
        or [found for found in alike if id_of(key) and id_of(found[0]) == id_of(key)]
        or [found for found in alike if label_of(key) and label_of(found[0]) == label_of(key)]
        or (holders if len(holders) == 1 else [])
    )


def _fits(item: Any, uri: TokenUri) -> bool:
    same_id = uri.id is None or id_of(item) == uri.id
    return same_id and (uri.object is None or label_of(item) == clean(uri.object))


def _are_pair(key: Any, public: Any) -> bool:
    if read(key, Attribute.KEY_TYPE) != read(public, Attribute.KEY_TYPE):
        return False
    if id_of(key):
        return id_of(key) == id_of(public)
    return bool(label_of(key)) and label_of(key) == label_of(public)


def _read_numbers(item: Any) -> bytes | None:
    modulus = read(item, Attribute.MODULUS)
    if modulus:
        return bytes(modulus).lstrip(b"\0")
    point = read(item, Attribute.EC_POINT)
    if not point:
        return None
    # In an OCTET STRING, as the standard wants, or as it is, as some tokens have it.
    size = _POINTS.get(len(point))
    return None if size is None else bytes(point[-size:])


def _encode_public(certificate: x509.Certificate) -> bytes | None:
    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        modulus = public.public_numbers().n
        return modulus.to_bytes((modulus.bit_length() + 7) // 8)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return None


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
