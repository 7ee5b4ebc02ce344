"""Keys on tokens and in HSMs (PKCS#11): the key stays there, its certificates are read once."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Never, final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass
from pkcs11 import exceptions as p11

from edoc.core.ports import Scheme
from edoc.errors import KeyLoadError, Unavailable
from edoc.keys.algorithms import find_digest, require_certificate, verify_value
from edoc.keys.chains import order_issuers
from edoc.keys.tokens import Pin, Token, clean, find_module
from edoc.keys.uri import TokenUri, parse_uri

_RSA: Final = {
    "sha256": Mechanism.SHA256_RSA_PKCS,
    "sha384": Mechanism.SHA384_RSA_PKCS,
    "sha512": Mechanism.SHA512_RSA_PKCS,
}
_HASHES: Final = {
    "sha256": (Mechanism.SHA256, MGF.SHA256),
    "sha384": (Mechanism.SHA384, MGF.SHA384),
    "sha512": (Mechanism.SHA512, MGF.SHA512),
}
_DIGEST_INFO: Final = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
"""What stands before the hash in PKCS#1 v1.5 (RFC 8017, 9.2), for tokens that do not hash."""


@final
class TokenKey:
    """A key on a token; implements `edoc.core.ports.SigningKey`.

    Threads may share it, and a forked process logs in anew; other processes load their own.
    """

    __slots__ = ("_certificate", "_chain", "_find", "_held", "_mechanisms", "_scheme", "_token")

    def __init__(
        self,
        token: Token,
        find: Callable[[Any], Any],
        certificate: bytes,
        chain: tuple[bytes, ...],
        scheme: Scheme,
        mechanisms: frozenset[Any],
    ) -> None:
        self._token = token
        self._find = find
        self._certificate = certificate
        self._chain = chain
        self._scheme: Scheme = scheme
        self._mechanisms = mechanisms
        self._held: tuple[Any, Any, bool] | None = None

    @property
    def certificate(self) -> bytes:
        """The signer's certificate, DER."""
        return self._certificate

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Issuer certificates from the token, DER, the leaf's issuer first; may be empty."""
        return self._chain

    @property
    def scheme(self) -> Scheme:
        """How the key signs."""
        return self._scheme

    def sign(self, data: bytes, *, digest: str) -> bytes:
        """Sign `data` (not its hash) with `sha256`, `sha384` or `sha512`.

        Raises `InputError` for another digest, `Unavailable` if the token cannot be had now or signs wrongly.
        """
        find_digest(digest)
        value = self._token.run(lambda session: self._sign(session, data, digest))
        if not verify_value(self._certificate, data, value, digest=digest, scheme=self._scheme):
            raise Unavailable(
                "the token gave a signature that does not belong to the certificate beside the key.",
                advice="Check that key and certificate on the token have the same id.",
            )
        return value

    def _sign(self, session: Any, data: bytes, digest: str) -> bytes:
        if self._held is None or self._held[0] is not session:
            key = self._find(session)
            self._held = (session, key, _read(key, Attribute.ALWAYS_AUTHENTICATE, default=False))
        _, key, asks_always = self._held
        more = {"pin": self._token.ask_pin()} if asks_always else {}
        hashed = hashlib.new(digest, data).digest()
        if self._scheme == "ecdsa":
            raw = key.sign(hashed, mechanism=Mechanism.ECDSA, **more)
            half = len(raw) // 2
            return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))
        if self._scheme == "pss":
            # Hashed here: tokens differ in whether they hash, but all of them pad.
            parameters = (*_HASHES[digest], len(hashed))
            return bytes(
                key.sign(hashed, mechanism=Mechanism.RSA_PKCS_PSS, mechanism_param=parameters, **more)
            )
        if _RSA[digest] in self._mechanisms:
            return bytes(key.sign(data, mechanism=_RSA[digest], **more))
        return bytes(key.sign(_DIGEST_INFO[digest] + hashed, mechanism=Mechanism.RSA_PKCS, **more))

    def __repr__(self) -> str:
        return f"<TokenKey at {id(self):#x}>"

    def __reduce__(self) -> Never:
        raise TypeError("a private key is not copied or pickled; load it where it is used")


def load_token_key(
    text: str, *, pin: Pin = None, scheme: Scheme | None = None, module: str | Path | None = None
) -> TokenKey:
    """Load the key that a `pkcs11:` URI names, with its certificates.

    Raises `KeyLoadError` if the URI, the library, the token, the PIN, the key or the certificate is wrong,
    `Unavailable` if no token fits now.
    """
    uri = parse_uri(text)
    token = Token(
        find_module(uri, module), uri, pin if uri.pin_source is None else _from_file(uri.pin_source)
    )

    def load(session: Any) -> TokenKey:
        key = _find_key(session, uri)
        leaf, others = _find_certificate(session, key)
        der = leaf.public_bytes(Encoding.DER)
        chain = tuple(issuer.public_bytes(Encoding.DER) for issuer in order_issuers(leaf, others))
        mechanisms = frozenset(session.token.slot.get_mechanisms())
        return TokenKey(
            token,
            lambda later: _find_key(later, uri),
            der,
            chain,
            require_certificate(der, scheme=scheme),
            mechanisms,
        )

    return token.run(load)


def _from_file(source: str) -> Callable[[], str]:
    path = Path(source.removeprefix("file://").removeprefix("file:"))

    def read() -> str:
        try:
            return path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise KeyLoadError(
                "the PIN file that the URI names cannot be read.",
                where=str(path),
                advice="Name a readable text file that holds only the PIN.",
            ) from None

    return read


def _read(item: Any, attribute: Attribute, *, default: Any) -> Any:
    try:
        return item[attribute]
    except (p11.AttributeTypeInvalid, p11.AttributeSensitive, p11.AttributeValueInvalid, p11.FunctionFailed):
        return default  # tokens know only some attributes


def _list(session: Any, kind: ObjectClass) -> list[Any]:
    return list(session.get_objects({Attribute.CLASS: kind}))


def _find_key(session: Any, uri: TokenUri) -> Any:
    keys = _list(session, ObjectClass.PRIVATE_KEY)
    fitting = [key for key in keys if _fits(key, uri)]
    if not fitting and uri.object is not None:
        # Some tokens name only the certificate, and tie the key to it by its id.
        named = [found for found in _list(session, ObjectClass.CERTIFICATE) if _fits(found, uri)]
        ids = {_read(found, Attribute.ID, default=None) for found in named} - {None, b""}
        fitting = [key for key in keys if _read(key, Attribute.ID, default=None) in ids]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(sorted(_describe(key) for key in keys)) or "none"
    what = "several private keys fit this URI" if fitting else "no private key on the token fits this URI"
    raise KeyLoadError(
        f"{what}; it holds: {names}.", where=uri.token or "", advice="Name it by object= or id= in the URI."
    )


def _fits(item: Any, uri: TokenUri) -> bool:
    if uri.id is not None and _read(item, Attribute.ID, default=None) != uri.id:
        return False
    label = _read(item, Attribute.LABEL, default="")
    return uri.object is None or clean(label or "") == clean(uri.object)


def _describe(key: Any) -> str:
    label = clean(_read(key, Attribute.LABEL, default="") or "")
    number = (_read(key, Attribute.ID, default=b"") or b"").hex()
    return f"{label or '(no label)'} (id {number or 'none'})"


def _find_certificate(session: Any, key: Any) -> tuple[x509.Certificate, list[x509.Certificate]]:
    found: list[tuple[Any, x509.Certificate]] = []
    for item in _list(session, ObjectClass.CERTIFICATE):
        try:
            found.append((item, x509.load_der_x509_certificate(_read(item, Attribute.VALUE, default=b""))))
        except ValueError:
            continue  # an attribute certificate, or nothing
    number = _read(key, Attribute.ID, default=None)
    by_key = [cert for _, cert in found if _holds(cert, key)]
    by_id = [cert for item, cert in found if number and _read(item, Attribute.ID, default=None) == number]
    leaf = next(iter(by_key or by_id), None)
    if leaf is None:
        raise KeyLoadError(
            f"no certificate on the token belongs to the key {_describe(key)}.",
            advice="Load the signer's certificate onto the token, under the key's id.",
        )
    return leaf, [cert for _, cert in found if cert != leaf]


def _holds(certificate: x509.Certificate, key: Any) -> bool:
    if _read(key, Attribute.KEY_TYPE, default=None) is not KeyType.RSA:
        return False  # an EC private key need not say its public point; its id decides
    try:
        numbers: Any = certificate.public_key()
        modulus = numbers.public_numbers().n
    except (ValueError, AttributeError):
        return False
    return bool(int.from_bytes(_read(key, Attribute.MODULUS, default=b"") or b"") == modulus)
