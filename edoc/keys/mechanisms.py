"""The ways in which a token may sign: it hashes, or the hash is made here; what it lacks is gone round.

A way that the token lists comes first; then the others, for lists are not always true.
"""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import MGF, Mechanism, _pkcs11
from pkcs11 import exceptions as p11

from edoc.core.ports import Scheme
from edoc.errors import KeyLoadError

_RSA: Final = {
    "sha256": (Mechanism.SHA256_RSA_PKCS, bytes.fromhex("3031300d060960864801650304020105000420")),
    "sha384": (Mechanism.SHA384_RSA_PKCS, bytes.fromhex("3041300d060960864801650304020205000430")),
    "sha512": (Mechanism.SHA512_RSA_PKCS, bytes.fromhex("3051300d060960864801650304020305000440")),
}
"""With what stands before the hash in PKCS#1 v1.5 (RFC 8017, 9.2, note 1)."""
_PSS: Final = {
    "sha256": (Mechanism.SHA256_RSA_PKCS_PSS, Mechanism.SHA256, MGF.SHA256),
    "sha384": (Mechanism.SHA384_RSA_PKCS_PSS, Mechanism.SHA384, MGF.SHA384),
    "sha512": (Mechanism.SHA512_RSA_PKCS_PSS, Mechanism.SHA512, MGF.SHA512),
}
_ECDSA: Final = {
    "sha256": Mechanism.ECDSA_SHA256,
    "sha384": Mechanism.ECDSA_SHA384,
    "sha512": Mechanism.ECDSA_SHA512,
}
_CANNOT: Final = (
    *(p11.MechanismInvalid, p11.MechanismParamInvalid, p11.FunctionNotSupported, p11.ArgumentsBad),
    *(p11.DataLenRange, p11.DataInvalid, p11.KeySizeRange),
)
"""What a token says of a way that it does not go."""


@dataclass(frozen=True, slots=True)
class _Way:
    mechanism: Mechanism
    content: bytes
    parameters: tuple[Any, ...] | None = None


_native: Any = _pkcs11  # its stubs leave these out


class _Signer(_native.SignMixin, _native.Object):  # type: ignore[misc]
    """A private key that signs, whatever its token says or does not say of CKA_SIGN and CKA_KEY_TYPE."""

    key_type = None


def sign_with(
    key: Any,
    data: bytes,
    *,
    scheme: Scheme,
    digest: str,
    listed: Collection[Any],
    point_bytes: int,
    pin: Callable[[Callable[[str | None], bytes]], bytes] | None = None,
) -> bytes:
    """Sign `data` by the first way that the token goes; `listed` are its mechanisms, as far as it says.

    `point_bytes` is the length of a curve's coordinates. `pin` is given where the key wants the PIN at each
    use. The result is as X.509 wants it: ECDSA in DER. Raises `KeyLoadError` if the token goes none.
    """
    signer = _Signer(key.wrapper)
    ways = _list_ways(scheme, data, digest, point_bytes)
    for way in sorted(ways, key=lambda way: way.mechanism not in listed):

        def act(secret: str | None, way: _Way = way) -> bytes:
            return bytes(
                signer.sign(way.content, mechanism=way.mechanism, mechanism_param=way.parameters, pin=secret)
            )

        try:
            value = act(None) if pin is None else pin(act)
        except _CANNOT:
            continue
        return _encode(value) if scheme == "ecdsa" else value
    raise KeyLoadError(
        f"the token cannot sign by {scheme} with {digest}.", advice="Choose another digest or scheme."
    )


def _list_ways(scheme: Scheme, data: bytes, digest: str, point_bytes: int) -> tuple[_Way, ...]:
    hashed = hashlib.new(digest, data).digest()
    if scheme == "ecdsa":
        # FIPS 186-5, 6.4.1: only so many leftmost bits of the hash count; some tokens refuse more.
        return _Way(Mechanism.ECDSA, hashed[:point_bytes]), _Way(_ECDSA[digest], data)
    if scheme == "pss":
        mechanism, *kind = _PSS[digest]
        parameters = (*kind, len(hashed))
        return _Way(Mechanism.RSA_PKCS_PSS, hashed, parameters), _Way(mechanism, data, parameters)
    mechanism, prefix = _RSA[digest]
    return _Way(mechanism, data), _Way(Mechanism.RSA_PKCS, prefix + hashed)


def _encode(raw: bytes) -> bytes:
    """Give the DER of r and s (RFC 3279, 2.2.3), which a token gives one after the other."""
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
