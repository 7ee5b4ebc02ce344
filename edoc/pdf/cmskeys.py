"""Public keys of signers, and whether a signature holds under one.

Rules: a key depends on its bytes alone and is kept by them; an answer of False means that the arithmetic was
done; what cannot be computed raises `Unsupported`. Issuers who forgot the sign byte of an RSA modulus are
understood: the number meant is clear.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from edoc.pdf.cmsder import (
    BIT_STRING,
    INTEGER,
    NULL,
    OCTET_STRING,
    OID,
    SEQUENCE,
    TAG_0,
    TAG_1,
    TAG_2,
    TAG_3,
    Malformed,
    Part,
    decode_oid,
    read_whole,
    write,
)
from edoc.pdf.cmsnames import DIGESTS, MGF1, PRIMITIVES, PSS_KEY, SCHEMES, Scheme, name_digest

_MAX_KEY: Final = 16 << 10
"""Bytes of a SubjectPublicKeyInfo; the largest key that OpenSSL computes with is a quarter of it."""
_MAX_RSA_BITS: Final = 16384
_MAX_RSA_BITS_ANY_EXPONENT: Final = 3072
_MAX_EXPONENT_BITS: Final = 64
"""OpenSSL refuses the others, as if their signatures were wrong."""
_MAX_EXPONENT_BITS_EVER: Final = 256
"""FIPS 186-4, B.3.1; larger ones only cost time."""
_STAND_INS: Final[dict[int, Any]] = {
    20: hashes.SHA1(),  # noqa: S303
    28: hashes.SHA224(),
    32: hashes.SHA256(),
    48: hashes.SHA384(),
    64: hashes.SHA512(),
    16: hashes.MD5(),  # noqa: S303
}
"""(EC)DSA takes the digest as a number: only its length counts."""


class Unsupported(NotImplementedError):  # noqa: N818 - reads as what it is
    """This machine cannot compute it."""


class PssParameters(NamedTuple):
    """RFC 4055, 3.1."""

    digest: str
    mask_digest: str
    salt: int
    """Bytes."""


class Key(NamedTuple):
    """A public key."""

    kind: str
    """`rsa`, `ec`, `dsa`, `ed25519`, `ed448`."""
    public: Any
    """cryptography's object."""
    bits: int
    """0 for the Edwards curves, whose strength is in their name."""
    pss_only: bool = False
    pss: PssParameters | None = None
    """What a key for PSS alone demands."""


class Algorithm(NamedTuple):
    """What a SignerInfo says about its signature."""

    scheme: Scheme
    digest: str
    """The digest that is signed."""
    pss: PssParameters | None = None


@lru_cache(maxsize=256)
def load_key(info: bytes) -> Key:
    """Read a SubjectPublicKeyInfo. Raises `Unsupported`, or `Malformed`."""
    if len(info) > _MAX_KEY:
        raise Unsupported("a public key of more than 16 KiB")
    try:
        public: Any = load_der_public_key(info)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        public = _repair_rsa(info)
        if public is None:
            raise Unsupported(f"public key: {error}") from error
    match public:
        case rsa.RSAPublicKey():
            return _name_rsa(public, info)
        case ec.EllipticCurvePublicKey():
            return Key("ec", public, public.key_size)
        case dsa.DSAPublicKey():
            return Key("dsa", public, public.key_size)
        case ed25519.Ed25519PublicKey():
            return Key("ed25519", public, 0)
        case ed448.Ed448PublicKey():
            return Key("ed448", public, 0)
    raise Unsupported(f"public key of the kind {type(public).__name__}")


def _name_rsa(public: rsa.RSAPublicKey, info: bytes) -> Key:
    exponent = public.public_numbers().e.bit_length()
    too_long = public.key_size > _MAX_RSA_BITS_ANY_EXPONENT and exponent > _MAX_EXPONENT_BITS
    if public.key_size > _MAX_RSA_BITS or too_long or exponent > _MAX_EXPONENT_BITS_EVER:
        raise Unsupported(f"RSA key of {public.key_size} bits with an exponent of {exponent} bits")
    oid, *parameters = read_whole(info, SEQUENCE).first.parts
    if oid.content != PSS_KEY:
        return Key("rsa", public, public.key_size)
    return Key("rsa", public, public.key_size, True, read_pss(parameters[0]) if parameters else None)


def _repair_rsa(info: bytes) -> rsa.RSAPublicKey | None:
    """None if it is no RSA key."""
    algorithm, key = read_whole(info, SEQUENCE).parts
    oid = algorithm.first.content
    if oid not in SCHEMES or not SCHEMES[oid].name.startswith("rsa"):
        return None
    numbers = read_whole(key.expect(BIT_STRING).content[1:], SEQUENCE).parts
    modulus, exponent = (int.from_bytes(number.expect(INTEGER).content) for number in numbers)
    try:
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as error:
        raise Unsupported(f"RSA key: {error}") from error


def read_pss(parameters: Part | None) -> PssParameters:
    """Read RSASSA-PSS-params with their defaults. Raises `Malformed`, or `Unsupported`."""
    found: dict[int, Part] = {}
    if parameters is not None and parameters.tag != NULL:
        found = {part.tag: part.first for part in parameters.expect(SEQUENCE).parts}
    digest = _read_digest(found.get(TAG_0))
    mask = found.get(TAG_1)
    mask_digest = "sha1"
    if mask is not None:
        oid, *inner = mask.expect(SEQUENCE).parts
        if oid.expect(OID).content != MGF1:
            raise Unsupported("a mask function other than MGF1")
        mask_digest = _read_digest(inner[0] if inner else None)
    salt = _read_small(found.get(TAG_2), 20)
    if _read_small(found.get(TAG_3), 1) != 1:
        raise Unsupported("an unknown trailer field of PSS")
    return PssParameters(digest, mask_digest, salt)


def _read_digest(algorithm: Part | None) -> str:
    if algorithm is None or algorithm.tag == NULL:
        return "sha1"
    return name_digest(algorithm.expect(SEQUENCE).first.expect(OID).content)


def _read_small(number: Part | None, default: int) -> int:
    if number is None:
        return default
    content = number.expect(INTEGER).content
    if not 1 <= len(content) <= 2 or content[0] >= 0x80:  # noqa: PLR2004 - a salt is shorter than a key
        raise Malformed("PSS parameters with a number of an impossible size")
    return int.from_bytes(content)


def read_algorithm(identifier: Part, digest: str) -> Algorithm:
    """Read what a signature algorithm is; `digest` is the SignerInfo's, for those that name none.

    Raises `Malformed`, or `Unsupported` for one that is not known.
    """
    oid, *parameters = identifier.expect(SEQUENCE).parts
    scheme = SCHEMES.get(oid.expect(OID).content)
    if scheme is None:
        raise Unsupported(f"signature algorithm {decode_oid(oid.content)}")
    if scheme.name == "rsassa_pss":
        pss = read_pss(parameters[0] if parameters else None)
        return Algorithm(scheme, pss.digest, pss)
    if scheme.name == "ecdsa" and not scheme.digest and parameters and parameters[0].tag == SEQUENCE:
        inner = parameters[0].parts
        if inner and inner[0].tag == OID and inner[0].content in DIGESTS:
            return Algorithm(scheme, name_digest(inner[0].content))
    return Algorithm(scheme, scheme.digest or digest)


def check_signature(
    key: Key, algorithm: Algorithm, signature: bytes, digest: bytes, message: bytes | None
) -> bool:
    """Whether a signature holds over a message, which the Edwards curves need whole.

    Raises `Unsupported` for what cannot be computed or what the key does not permit.
    """
    name = algorithm.scheme.name
    if not name.startswith({"ec": "ecdsa", "rsa": "rsa"}.get(key.kind, key.kind)):
        raise Unsupported(f"the key ({key.kind}) is not one of the algorithm ({name})")
    try:
        if key.kind == "rsa":
            return _check_rsa(key, algorithm, signature, digest)
        if key.kind in {"ec", "dsa"}:
            _check_dsa(key, name, signature, digest)
        elif message is None:
            raise Unsupported("EdDSA over content that is not at hand")
        else:
            key.public.verify(signature, message)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError, TypeError) as error:
        raise Unsupported(f"{name}: {error}") from error
    return True


def _check_dsa(key: Key, name: str, signature: bytes, digest: bytes) -> None:
    if name == "ecdsa_plain":
        half = len(signature) // 2
        if len(signature) != 2 * ((key.bits + 7) // 8):
            raise InvalidSignature
        halves = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
        signature = encode_dss_signature(*halves)
    stand_in = _STAND_INS.get(len(digest))
    if stand_in is None:
        raise Unsupported(f"a digest of {len(digest)} bytes")
    arguments = (ec.ECDSA(Prehashed(stand_in)),) if key.kind == "ec" else (Prehashed(stand_in),)
    key.public.verify(signature, digest, *arguments)


def _check_rsa(key: Key, algorithm: Algorithm, signature: bytes, digest: bytes) -> bool:
    # Some signers drop leading zeros; the number is the same.
    signature = signature.rjust((key.bits + 7) // 8, b"\x00")
    if algorithm.pss is not None:
        return _check_pss(key, algorithm.pss, signature, digest)
    if key.pss_only:
        raise Unsupported("the key permits PSS only")
    primitive = PRIMITIVES.get(algorithm.digest)
    if primitive is not None:
        try:
            key.public.verify(signature, digest, padding.PKCS1v15(), Prehashed(primitive))
        except InvalidSignature:
            pass  # perhaps only spelt otherwise
        else:
            return True
    return recover_digest(key, signature) == (algorithm.digest, digest)


def _check_pss(key: Key, pss: PssParameters, signature: bytes, digest: bytes) -> bool:
    demanded = key.pss
    if demanded and (demanded[:2] != pss[:2] or pss.salt < demanded.salt):
        raise Unsupported("the key does not permit these PSS parameters")
    primitive, mask = PRIMITIVES.get(pss.digest), PRIMITIVES.get(pss.mask_digest)
    if primitive is None or mask is None:
        raise Unsupported(f"PSS with {pss.digest} and {pss.mask_digest}")
    scheme = padding.PSS(padding.MGF1(mask), pss.salt)
    try:
        key.public.verify(signature, digest, scheme, Prehashed(primitive))
    except InvalidSignature:
        return False
    return True


def recover_digest(key: Key, signature: bytes) -> tuple[str, bytes]:
    """What a PKCS #1 v1.5 signature says was signed: the digest's name and value; empty if nothing is said.

    RFC 8017, 8.2.2: the parameters of the digest may be NULL or absent; nothing else may differ, so that no
    byte of the signature is left to a forger.
    """
    signature = signature.rjust((key.bits + 7) // 8, b"\x00")
    try:
        info = bytes(key.public.recover_data_from_signature(signature, padding.PKCS1v15(), None))
        algorithm, value = read_whole(info, SEQUENCE).parts
        oid = algorithm.expect(SEQUENCE).first.expect(OID)
    except (InvalidSignature, ValueError, IndexError):
        return "", b""
    digest = value.octets if value.tag == OCTET_STRING else b""
    spelt = [
        write(SEQUENCE, write(SEQUENCE, oid.raw, parameters), write(OCTET_STRING, digest))
        for parameters in (b"\x05\x00", b"")
    ]
    if info not in spelt or oid.content not in DIGESTS:
        return "", b""
    return name_digest(oid.content), digest
