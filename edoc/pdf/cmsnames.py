"""What the object identifiers of a CMS mean: digests, signature algorithms, attributes.

Sources: RFC 3370, 4056, 5754, 8419 (EdDSA), 8702 (SHAKE), NIST's register of algorithms (SHA-3), BSI TR-03111
5.2.1 (plain ECDSA), RFC 5035 (signing certificate), RFC 6211 (algorithm protection).
"""

import hashlib
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives import hashes

from edoc.pdf.cmsder import INTEGER, Malformed, Part, decode_oid, encode_oid


class Scheme(NamedTuple):
    """How a signature is computed."""

    name: str
    """`rsassa_pkcs1v15`, `rsassa_pss`, `ecdsa`, `ecdsa_plain`, `dsa`, `ed25519`, `ed448`."""
    digest: str
    """The digest that the algorithm itself names; empty if it names none."""


def _index(table: dict[str, tuple[str, ...]]) -> dict[bytes, str]:
    return {encode_oid(oid): name for name, oids in table.items() for oid in oids}


_NIST: Final = "2.16.840.1.101.3.4"
_RSA: Final = "1.2.840.113549.1.1"
_EC: Final = "1.2.840.10045.4"
_PLAIN: Final = "0.4.0.127.0.7.1.1.4.1"

DIGESTS: Final = _index(
    {
        "md5": ("1.2.840.113549.2.5",),
        "sha1": ("1.3.14.3.2.26",),
        "ripemd160": ("1.3.36.3.2.1",),
        "sha224": (f"{_NIST}.2.4",),
        "sha256": (f"{_NIST}.2.1",),
        "sha384": (f"{_NIST}.2.2",),
        "sha512": (f"{_NIST}.2.3",),
        "sha512_224": (f"{_NIST}.2.5",),
        "sha512_256": (f"{_NIST}.2.6",),
        "sha3_224": (f"{_NIST}.2.7",),
        "sha3_256": (f"{_NIST}.2.8",),
        "sha3_384": (f"{_NIST}.2.9",),
        "sha3_512": (f"{_NIST}.2.10",),
        "shake_128": (f"{_NIST}.2.11",),
        "shake_256": (f"{_NIST}.2.12", f"{_NIST}.2.18"),
    }
)
"""Object identifier → hashlib's name."""
_SHAKE_SIZES: Final = {"shake_128": 32, "shake_256": 64}
"""RFC 8702, 3.1, in bytes."""
_SHAKE_WITH_LENGTH: Final = encode_oid(f"{_NIST}.2.18")
_FROM_WEAKEST: Final = (
    *("md5", "sha1", "ripemd160", "sha224", "sha512_224", "sha3_224"),
    *(
        "sha256",
        "sha512_256",
        "sha3_256",
        "shake_128",
        "sha384",
        "sha3_384",
        "sha512",
        "sha3_512",
        "shake_256",
    ),
)

PRIMITIVES: Final[dict[str, Any]] = {
    "md5": hashes.MD5(),  # noqa: S303 - old files are judged by the policy, after they were computed
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha512_224": hashes.SHA512_224(),
    "sha512_256": hashes.SHA512_256(),
    "sha3_224": hashes.SHA3_224(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}
"""cryptography's words for the digests; those of RSA."""

_SCHEMES: Final[dict[str, dict[str, str]]] = {
    "rsassa_pkcs1v15": {
        f"{_RSA}.1": "",
        f"{_RSA}.4": "md5",
        f"{_RSA}.5": "sha1",
        "1.3.14.3.2.29": "sha1",
        "1.3.36.3.3.1.2": "ripemd160",
        f"{_RSA}.14": "sha224",
        f"{_RSA}.11": "sha256",
        f"{_RSA}.12": "sha384",
        f"{_RSA}.13": "sha512",
        f"{_RSA}.15": "sha512_224",
        f"{_RSA}.16": "sha512_256",
        f"{_NIST}.3.13": "sha3_224",
        f"{_NIST}.3.14": "sha3_256",
        f"{_NIST}.3.15": "sha3_384",
        f"{_NIST}.3.16": "sha3_512",
    },
    "rsassa_pss": {f"{_RSA}.10": ""},
    "ecdsa": {
        "1.2.840.10045.2.1": "",
        f"{_EC}.3": "",
        f"{_EC}.1": "sha1",
        f"{_EC}.3.1": "sha224",
        f"{_EC}.3.2": "sha256",
        f"{_EC}.3.3": "sha384",
        f"{_EC}.3.4": "sha512",
        f"{_NIST}.3.9": "sha3_224",
        f"{_NIST}.3.10": "sha3_256",
        f"{_NIST}.3.11": "sha3_384",
        f"{_NIST}.3.12": "sha3_512",
        "1.3.6.1.5.5.7.6.32": "shake_128",
        "1.3.6.1.5.5.7.6.33": "shake_256",
    },
    "ecdsa_plain": {
        f"{_PLAIN}.1": "sha1",
        f"{_PLAIN}.2": "sha224",
        f"{_PLAIN}.3": "sha256",
        f"{_PLAIN}.4": "sha384",
        f"{_PLAIN}.5": "sha512",
        f"{_PLAIN}.6": "ripemd160",
        f"{_PLAIN}.8": "sha3_224",
        f"{_PLAIN}.9": "sha3_256",
        f"{_PLAIN}.10": "sha3_384",
        f"{_PLAIN}.11": "sha3_512",
    },
    "dsa": {
        "1.2.840.10040.4.1": "",
        "1.2.840.10040.4.3": "sha1",
        "1.3.14.3.2.27": "sha1",
        f"{_NIST}.3.1": "sha224",
        f"{_NIST}.3.2": "sha256",
        f"{_NIST}.3.3": "sha384",
        f"{_NIST}.3.4": "sha512",
        f"{_NIST}.3.5": "sha3_224",
        f"{_NIST}.3.6": "sha3_256",
        f"{_NIST}.3.7": "sha3_384",
        f"{_NIST}.3.8": "sha3_512",
    },
    "ed25519": {"1.3.101.112": ""},
    "ed448": {"1.3.101.113": ""},
}
SCHEMES: Final = {
    encode_oid(oid): Scheme(name, digest) for name, table in _SCHEMES.items() for oid, digest in table.items()
}
"""Object identifier of a signature algorithm → what it is."""

SIGNED_DATA: Final = encode_oid("1.2.840.113549.1.7.2")
DATA: Final = encode_oid("1.2.840.113549.1.7.1")
TST_INFO: Final = encode_oid("1.2.840.113549.1.9.16.1.4")
MGF1: Final = encode_oid("1.2.840.113549.1.1.8")
PSS_KEY: Final = encode_oid("1.2.840.113549.1.1.10")

_ATTRIBUTES: Final = {
    "content_type": "1.2.840.113549.1.9.3",
    "message_digest": "1.2.840.113549.1.9.4",
    "signing_time": "1.2.840.113549.1.9.5",
    "counter_signature": "1.2.840.113549.1.9.6",
    "cms_algorithm_protection": "1.2.840.113549.1.9.52",
    "mime_type": "0.4.0.1733.2.1",
    "signature_policy_identifier": "1.2.840.113549.1.9.16.2.15",
    "commitment_type": "1.2.840.113549.1.9.16.2.16",
    "signing_certificate": "1.2.840.113549.1.9.16.2.12",
    "signing_certificate_v2": "1.2.840.113549.1.9.16.2.47",
    "signature_time_stamp_token": "1.2.840.113549.1.9.16.2.14",
    "certificate_values": "1.2.840.113549.1.9.16.2.23",
    "revocation_values": "1.2.840.113549.1.9.16.2.24",
    "adobe_revocation_info_archival": "1.2.840.113583.1.1.8",
}
_ATTRIBUTE_NAMES: Final = {encode_oid(oid): name for name, oid in _ATTRIBUTES.items()}
OCSP_RESPONSE: Final = encode_oid("1.3.6.1.5.5.7.16.2")
"""RFC 5940: an OCSP answer among the revocation data of a SignedData."""
OCSP_BASIC: Final = encode_oid("1.3.6.1.5.5.7.48.1.1")


def name_attribute(oid: bytes) -> str:
    """Give the name of an attribute, or its dotted identifier. Raises `Malformed`."""
    return _ATTRIBUTE_NAMES.get(oid) or decode_oid(oid)


def name_digest(oid: bytes, parameters: Part | None = None) -> str:
    """Give the name of a digest, or the dotted identifier of an unknown one. Raises `Malformed`.

    Where a signature algorithm stands in the place of a digest, its digest is meant.
    """
    if oid == _SHAKE_WITH_LENGTH and (
        parameters is None or parameters.expect(INTEGER).content != b"\x02\x00"
    ):
        raise Malformed("SHAKE256 of another length than 512 bits")
    known = DIGESTS.get(oid) or (SCHEMES[oid].digest if oid in SCHEMES else "")
    return known or decode_oid(oid)


def start_digest(algorithm: str) -> "Running":
    """Begin to compute a digest. Raises `NotImplementedError` if this machine does not know it."""
    try:
        return Running(algorithm)
    except ValueError as error:
        raise NotImplementedError(f"digest algorithm {algorithm}") from error


class Running:
    """A digest on its way; SHAKE has the lengths that CMS uses."""

    def __init__(self, algorithm: str) -> None:
        self._running = hashlib.new(algorithm, usedforsecurity=False)
        self._size = _SHAKE_SIZES.get(algorithm)
        if self._running.digest_size == 0 and self._size is None:
            raise ValueError(algorithm)

    def update(self, data: bytes | memoryview) -> None:
        """Take more bytes."""
        self._running.update(data)

    def copy(self) -> "Running":
        """Give another digest of all bytes so far."""
        other = object.__new__(Running)
        other._running, other._size = self._running.copy(), self._size
        return other

    def digest(self) -> bytes:
        """Give the digest of all bytes so far."""
        running: Any = self._running
        return bytes(running.digest() if self._size is None else running.digest(self._size))


def compute_digest(algorithm: str, data: bytes) -> bytes:
    """Digest of bytes at hand. Raises `NotImplementedError` if this machine does not know it."""
    running = start_digest(algorithm)
    running.update(data)
    return running.digest()


def find_weakest(algorithms: tuple[str, ...]) -> str:
    """Give the weakest of some digests: what the strength of a signature rests on."""
    return next((name for name in _FROM_WEAKEST if name in algorithms), next(iter(algorithms), ""))
