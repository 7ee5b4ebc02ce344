"""Sign a package as it is written (XMLDSig 1.1): one pass, whatever its size; the signature comes last.

    seal = Seal(key)
    seal.feed(markup) … seal.feed_plain(base64) …
    seal.sign()

Rules: the signature covers the whole package but itself, and its own `KeyInfo`, so that nobody can put
another certificate to it; SHA-256 throughout; what is digested is the canonical form (exclusive), made by the
very code that verifies. It stands behind everything that older readers look at.
"""

import hashlib
import io
from base64 import b64encode
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from edoc.core.ports import SigningKey
from edoc.edxml.algorithms import (
    DSIG,
    ENVELOPED,
    EXCLUSIVE,
    SHA256,
    Scheme,
    Unsupported,
    address_of,
    check_signature,
    load_key,
)
from edoc.edxml.canonical import Canonicaliser, Method, Target, canonicalise
from edoc.edxml.markup import Node, lines
from edoc.errors import KeyLoadError

_PREFIX: Final = "ds:"
_DEPTH: Final = 1
_BYTES: Final = 32
_METHOD: Final = Method(exclusive=True)
_SCHEMES: Final = {
    "pkcs1v15": Scheme("rsassa_pkcs1v15", "sha256"),
    "pss": Scheme("rsassa_pss", "sha256", "sha256", _BYTES),
    "ecdsa": Scheme("ecdsa", "sha256"),
}
_NO_LIMIT: Final = 1 << 62
"""What we write ourselves cannot grow by being canonicalised."""


class Seal:
    """The signature of one package: is fed what stands before it, and with `last` what will stand behind."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._digest = hashlib.sha256()
        target = Target(method=_METHOD, write=self._digest.update)
        self._canonicaliser = Canonicaliser([target], _NO_LIMIT)

    def feed(self, markup: bytes, *, last: bool = False) -> None:
        """Take the next bytes."""
        self._canonicaliser.feed(markup, last=last)

    def feed_plain(self, text: bytes) -> None:
        """Take the next piece of Base64, right behind a tag."""
        self._canonicaliser.feed_plain(text)

    def sign(self) -> str:
        """Give the signature's element with its line ends. Raises `KeyLoadError` if the key does not fit."""
        key_info = _spell_key(self._key)
        name = key_info.attributes[0][1]
        inside = (ENVELOPED, EXCLUSIVE), self._digest.digest()
        signed = _spell_signed(
            _SCHEMES[self._key.scheme],
            _spell_reference("", *inside),
            _spell_reference(f"#{name}", (EXCLUSIVE,), hashlib.sha256(_canonicalise(key_info)).digest()),
        )
        value = Node("SignatureValue", _encode(_compute(self._key, _canonicalise(signed))))
        return _write(_spell(signed, value, key_info))


def _spell(*parts: Node) -> Node:
    return Node("Signature", parts, ((f"xmlns:{_PREFIX[:-1]}", DSIG),))


def _write(signature: Node) -> str:
    return "".join(lines(signature, _DEPTH, _PREFIX))


def _spell_key(key: SigningKey) -> Node:
    certificates = tuple(Node("X509Certificate", _encode(der)) for der in (key.certificate, *key.chain))
    name = f"key-{hashlib.sha256(key.certificate).hexdigest()[:_BYTES]}"
    return Node("KeyInfo", (Node("X509Data", certificates),), (("Id", name),))


def _spell_signed(scheme: Scheme, *references: Node) -> Node:
    methods = (
        _spell_algorithm("CanonicalizationMethod", EXCLUSIVE),
        _spell_algorithm("SignatureMethod", address_of(scheme)),
    )
    return Node("SignedInfo", (*methods, *references))


def _spell_reference(address: str, transforms: tuple[str, ...], digest: bytes) -> Node:
    content = (
        Node("Transforms", tuple(_spell_algorithm("Transform", name) for name in transforms)),
        _spell_algorithm("DigestMethod", SHA256),
        Node("DigestValue", _encode(digest)),
    )
    return Node("Reference", content, (("URI", address),))


def _spell_algorithm(name: str, address: str) -> Node:
    return Node(name, (), (("Algorithm", address),))


def _encode(data: bytes) -> str:
    return b64encode(data).decode()


def _canonicalise(part: Node) -> bytes:
    """The canonical form of a part of the signature."""
    found = bytearray()
    target = Target(method=_METHOD, write=found.extend, apex=2)
    canonicalise(io.BytesIO(_write(_spell(part)).encode()), [target], most=_NO_LIMIT)
    return bytes(found)


def _compute(key: SigningKey, data: bytes) -> bytes:
    """Sign, and look whether it holds: a token may do otherwise than it says."""
    value = key.sign(data, digest="sha256")
    try:
        public = load_key(key.certificate)
        if key.scheme == "ecdsa":
            # XMLDSig 1.1, 6.4.3: both numbers in full length, one after the other
            half = (public.bits + 7) // 8
            value = b"".join(number.to_bytes(half) for number in decode_dss_signature(value))
        holds = check_signature(public, _SCHEMES[key.scheme], value, data)
    except (Unsupported, ValueError, OverflowError) as error:
        raise KeyLoadError("the key's certificate cannot be used to sign packages.") from error
    if not holds:
        raise KeyLoadError(
            "the key does not belong to its certificate.",
            advice="Give the key with the certificate made for it.",
        )
    return value
