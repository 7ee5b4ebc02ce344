"""Algorithms of XML signatures by their addresses (XMLDSig 1.1, RFC 9231), and whether a signature holds.

Rules: the table is closed; an HMAC is no signature, for whoever can check it can make it; False means that
the arithmetic was done, what cannot be computed raises `Unsupported`.
"""

from typing import Any, Final, NamedTuple

from asn1crypto.x509 import Certificate
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from edoc.edxml.canonical import Method

DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
MORE: Final = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007: Final = "http://www.w3.org/2007/05/xmldsig-more#"
MORE_2021: Final = "http://www.w3.org/2021/04/xmldsig-more#"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = f"{DSIG}enveloped-signature"
PSS: Final = f"{MORE_2007}rsa-pss"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
MGF1: Final = f"{MORE_2007}MGF1"

METHODS: Final = {
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315": Method(),
    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments": Method(comments=True),
    "http://www.w3.org/2006/12/xml-c14n11": Method(eleven=True),
    "http://www.w3.org/2006/12/xml-c14n11#WithComments": Method(eleven=True, comments=True),
    EXCLUSIVE: Method(exclusive=True),
    f"{EXCLUSIVE}WithComments": Method(exclusive=True, comments=True),
}
"""Ways to canonicalise."""

DIGESTS: Final = {
    f"{DSIG}sha1": "sha1",
    f"{MORE}sha224": "sha224",
    SHA256: "sha256",
    f"{MORE}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    f"{MORE_2007}sha3-224": "sha3_224",
    f"{MORE_2007}sha3-256": "sha3_256",
    f"{MORE_2007}sha3-384": "sha3_384",
    f"{MORE_2007}sha3-512": "sha3_512",
}
"""hashlib's names."""
_FROM_WEAKEST: Final = ("sha1", "sha224", "sha3_224", "sha256", "sha3_256", "sha384", "sha3_384", "sha512")
_PRIMITIVES: Final[dict[str, Any]] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - computed; the policy says what it is worth
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_224": hashes.SHA3_224(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}
_MAX_RSA_BITS: Final = 16384
_MAX_EXPONENT_BITS: Final = 64


class Unsupported(NotImplementedError):  # noqa: N818 - reads as what it is
    """This machine does not compute it."""


class Scheme(NamedTuple):
    """How a signature is computed."""

    name: str
    """`rsassa_pkcs1v15`, `rsassa_pss`, `ecdsa`, `ed25519`, `ed448`."""
    digest: str
    """hashlib's name; empty for the Edwards curves."""
    mask_digest: str = ""
    salt: int = 0
    """Bytes."""


def _list_schemes() -> dict[str, Scheme]:
    found = {
        f"{DSIG}rsa-sha1": Scheme("rsassa_pkcs1v15", "sha1"),
        f"{MORE_2021}eddsa-ed25519": Scheme("ed25519", ""),
        f"{MORE_2021}eddsa-ed448": Scheme("ed448", ""),
    }
    for digest, primitive in _PRIMITIVES.items():
        spelt = digest.replace("_", "-")
        newer = digest.startswith("sha3_")
        if digest != "sha1" and not newer:
            found[f"{MORE}rsa-{spelt}"] = Scheme("rsassa_pkcs1v15", digest)
        found[f"{MORE_2021 if newer else MORE}ecdsa-{spelt}"] = Scheme("ecdsa", digest)
        found[f"{MORE_2007}{spelt}-rsa-MGF1"] = Scheme("rsassa_pss", digest, digest, primitive.digest_size)
    return found


SCHEMES: Final = _list_schemes()
"""Ways to sign, but PSS with parameters of its own."""


def address_of(scheme: Scheme) -> str:
    """The address of a way to sign that is in the table."""
    return next(address for address, found in SCHEMES.items() if found == scheme)


def make_pss(digest: str, mask_digest: str, salt: int | None) -> Scheme:
    """PSS with parameters (RFC 9231, 2.3.9); the salt is as long as the digest if it is not given."""
    length = _PRIMITIVES[digest].digest_size if salt is None else salt
    return Scheme("rsassa_pss", digest, mask_digest, length)


def find_weakest(digests: set[str]) -> str:
    """The digest with the shortest life; empty if there is none."""
    return min(digests - {""}, key=[*_FROM_WEAKEST, "sha3_512"].index, default="")


class Key(NamedTuple):
    """The public key of a certificate."""

    public: Any
    """cryptography's object."""
    bits: int
    """0 for the Edwards curves, whose strength is in their name."""


def load_key(certificate: bytes) -> Key:
    """The public key of a DER certificate. Raises `Unsupported` if it cannot be used."""
    try:
        # cryptography refuses whole certificates for flaws that have nothing to do with their keys
        body = Certificate.load(certificate, strict=True)["tbs_certificate"]
        public: Any = load_der_public_key(body["subject_public_key_info"].dump())
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm) as error:
        raise Unsupported(f"the public key cannot be read: {error}") from error
    match public:
        case rsa.RSAPublicKey():
            # The arithmetic of a huge key is paid by whoever checks it.
            exponent = public.public_numbers().e.bit_length()
            if public.key_size > _MAX_RSA_BITS or exponent > _MAX_EXPONENT_BITS:
                raise Unsupported(f"RSA key of {public.key_size} bits with an exponent of {exponent} bits")
            return Key(public, public.key_size)
        case ec.EllipticCurvePublicKey():
            return Key(public, public.key_size)
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            return Key(public, 0)
    raise Unsupported(f"public key of the kind {type(public).__name__}")


def check_signature(key: Key, scheme: Scheme, signature: bytes, data: bytes) -> bool:
    """Whether a signature over `data` holds.

    Raises `Unsupported` for what cannot be computed or a key that is not of the scheme.
    """
    try:
        _check(key, scheme, signature, data)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError, TypeError) as error:
        raise Unsupported(f"{scheme.name}: {error}") from error
    return True


def _check(key: Key, scheme: Scheme, signature: bytes, data: bytes) -> None:
    public: Any = key.public
    primitive: Any = _PRIMITIVES.get(scheme.digest)
    match scheme.name, public:
        case "rsassa_pkcs1v15", rsa.RSAPublicKey():
            public.verify(signature, data, padding.PKCS1v15(), primitive)
        case "rsassa_pss", rsa.RSAPublicKey():
            mask = padding.MGF1(_PRIMITIVES[scheme.mask_digest])
            public.verify(signature, data, padding.PSS(mask, scheme.salt), primitive)
        case "ecdsa", ec.EllipticCurvePublicKey():
            public.verify(_spell_ecdsa(signature, key.bits), data, ec.ECDSA(primitive))
        case ("ed25519", ed25519.Ed25519PublicKey()) | ("ed448", ed448.Ed448PublicKey()):
            public.verify(signature, data)
        case _:
            raise Unsupported(f"the key is not one of the algorithm ({scheme.name})")


def _spell_ecdsa(signature: bytes, bits: int) -> bytes:
    """XMLDSig 1.1, 6.4.3: both numbers in full length, one after the other."""
    half = (bits + 7) // 8
    if len(signature) != 2 * half:
        raise InvalidSignature
    return encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
