"""What one CRL or OCSP answer says about one certificate, once its signature holds."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.hashes import MD5, SHA1, HashAlgorithm

from edoc.core.chain import Algorithm

WEAK: Final = (MD5, SHA1)
"""Digests under which a signature on an answer proves nothing any more."""
BROKEN: Final = (MD5,)
"""Digests under which a signature on a CRL proves nothing."""

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


class Source(StrEnum):
    """Where a statement comes from."""

    CRL = "crl"
    OCSP = "ocsp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One authentic statement on one certificate."""

    source: Source
    der: bytes
    """The CRL or OCSP response that makes it."""
    this_update: datetime
    next_update: datetime | None
    revoked_at: datetime | None = None
    """None if it says good."""
    on_hold: bool = False
    """The reason is certificateHold, which can be lifted again."""
    digest: str = ""
    """With which digest it was signed, if that is weak by now; else empty."""
    algorithms: tuple[Algorithm, ...] = ()
    """With which it was signed, and everything else that it takes to believe it."""
    until: datetime | None = None
    """When the first of those who vouch for it expires."""
    forgets: bool = False
    """It says good of what had expired before, and not that it remembers such (RFC 5280 section 3.3)."""
    support: tuple[bytes, ...] = ()
    """CRLs that show that the OCSP responder itself was not revoked."""

    def counts(self, at: datetime) -> bool:
        """Whether it may be used for the instant `at`."""
        return at <= self.this_update or (self.next_update is not None and at <= self.next_update)


def name_digest(algorithm: HashAlgorithm | None) -> str:
    """Name a digest as policies do; empty where there is none."""
    if algorithm is None:
        return ""
    return algorithm.name.replace("-", "_") if algorithm.name.startswith("sha3") else algorithm.name


def name_weak(algorithm: HashAlgorithm | None) -> str:
    """Name a digest that counts only in what is historic; empty for all others."""
    return "sha1" if isinstance(algorithm, SHA1) else ""


def verify_signature(key: PublicKeyTypes, signature: bytes, signed: bytes, hashing: HashAlgorithm) -> bool:
    """Whether a key signed so (RSA by PKCS#1 v1.5, ECDSA); False for other kinds of keys.

    Raises `InvalidSignature` if it did not.
    """
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, signed, padding.PKCS1v15(), hashing)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, signed, ec.ECDSA(hashing))
    else:
        return False
    return True


def find_extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """Give an extension's value, or None where there is none."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
