"""Which keys may sign, and how (TT 15/2025/TT-BKHCN, Annex I): RSA from 2048 bits, P-256, P-384 and P-521.

SHA-1 and what is weaker is refused everywhere.
"""

from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from edoc.core.ports import Scheme
from edoc.errors import InputError, KeyLoadError

MIN_RSA_BITS: Final = 2048
DIGESTS: Final[dict[str, HashAlgorithm]] = {"sha256": SHA256(), "sha384": SHA384(), "sha512": SHA512()}
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_RSASSA_PSS: Final = "1.2.840.113549.1.1.10"

Key = rsa.RSAPublicKey | rsa.RSAPrivateKey | ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey


def find_digest(digest: str) -> HashAlgorithm:
    """Give the algorithm of that name. Raises `InputError` for one that is not for signing."""
    if digest not in DIGESTS:
        raise InputError(f"the digest {digest!r} is not for signing.", advice=f"Use {', '.join(DIGESTS)}.")
    return DIGESTS[digest]


def make_padding(scheme: Scheme, algorithm: HashAlgorithm) -> AsymmetricPadding:
    """Give the padding of an RSA signature."""
    if scheme == "pss":
        return padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
    return padding.PKCS1v15()


def choose_scheme(key: object, wanted: Scheme | None, *, where: str = "") -> Scheme:
    """Say how a key signs, as wanted where it can. Raises `KeyLoadError` for a key that may not sign."""
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        if key.key_size < MIN_RSA_BITS:
            raise KeyLoadError(
                f"this RSA key has {key.key_size} bits; signing needs at least {MIN_RSA_BITS}.", where=where
            )
        usual: Scheme = "pkcs1v15"
    elif isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) and isinstance(
        key.curve, _CURVES
    ):
        usual = "ecdsa"
    else:
        raise KeyLoadError(
            "this kind of key is not for signing documents; RSA, P-256, P-384 and P-521 are.", where=where
        )
    if wanted is not None and (wanted == "ecdsa") is not (usual == "ecdsa"):
        raise KeyLoadError(f"this key does not sign by {wanted}.", where=where, advice=f"It does by {usual}.")
    return wanted or usual


def require_certificate(certificate: bytes, *, scheme: Scheme | None = None) -> Scheme:
    """Say how the key of a certificate (DER) signs. Raises `KeyLoadError` if it may not sign documents."""
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        key = parsed.public_key()
        bound = parsed.public_key_algorithm_oid.dotted_string == _RSASSA_PSS
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyLoadError(
            "this certificate cannot be read.", advice="Give the signer's certificate in DER."
        ) from error
    if bound and scheme not in {None, "pss"}:
        raise KeyLoadError("the certificate allows its key to sign by PSS only.", advice="Sign by pss.")
    return choose_scheme(key, "pss" if bound else scheme)


def verify_value(certificate: bytes, data: bytes, value: bytes, *, digest: str, scheme: Scheme) -> bool:
    """Tell whether `value` is the signature over `data` (not its hash) by the certificate's key, so made.

    Raises `KeyLoadError` for a certificate that may not sign documents, `InputError` for another digest.
    """
    algorithm = find_digest(digest)
    usual = require_certificate(certificate)
    if scheme != usual and (usual, scheme) != ("pkcs1v15", "pss"):
        return False
    key: Any = x509.load_der_x509_certificate(certificate).public_key()
    try:
        if scheme == "ecdsa":
            key.verify(value, data, ec.ECDSA(algorithm))
        else:
            key.verify(value, data, make_padding(scheme, algorithm), algorithm)
    except InvalidSignature:
        return False
    return True
