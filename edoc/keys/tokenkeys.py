"""Keys on tokens and in HSMs (PKCS#11): the key stays there, its certificates are read once.

Each process loads its own key: a forked one logs in anew with the PIN that it inherited, a spawned one is
given nothing, for a key is not pickled. Who is logged in is a matter between process and token: where this
process has entered a token already, the token does not check the PIN of a second key.
"""

from pathlib import Path
from typing import Any, Final, Never, final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pkcs11 import Attribute
from pkcs11 import exceptions as p11

from edoc.core.ports import Scheme
from edoc.errors import KeyLoadError
from edoc.keys.algorithms import find_digest, require_certificate, verify_value
from edoc.keys.attributes import read
from edoc.keys.chains import order_issuers
from edoc.keys.libraries import find_module, get_library
from edoc.keys.mechanisms import sign_with
from edoc.keys.passphrases import Passphrase, from_source
from edoc.keys.pools import Seat
from edoc.keys.tokenobjects import find_certificate, find_key, list_certificates
from edoc.keys.tokens import Token
from edoc.keys.uri import TokenUri, parse_uri

_NOTHING_LISTED: Final[frozenset[Any]] = frozenset()


@final
class TokenKey:
    """A key on a token; implements `edoc.core.ports.SigningKey`.

    Threads may share it and sign at once; a forked process logs in anew.
    """

    __slots__ = ("_certificate", "_chain", "_listed", "_point_bytes", "_scheme", "_token", "_uri")

    def __init__(
        self,
        token: Token,
        uri: TokenUri,
        certificates: tuple[x509.Certificate, ...],
        scheme: Scheme,
        listed: frozenset[Any],
    ) -> None:
        self._token = token
        self._uri = uri
        self._certificate, *issuers = (each.public_bytes(Encoding.DER) for each in certificates)
        self._chain = tuple(issuers)
        self._scheme: Scheme = scheme
        self._listed = listed
        public = certificates[0].public_key()
        bits = public.key_size if isinstance(public, ec.EllipticCurvePublicKey) else 0
        self._point_bytes = (bits + 7) // 8

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

        Raises `InputError` for another digest, `Unavailable` if the token cannot be had now, `KeyLoadError`
        if it refuses, or if what it gives does not verify with the certificate.
        """
        find_digest(digest)
        value = self._token.run(lambda seat: self._sign(seat, data, digest))
        if not verify_value(self._certificate, data, value, digest=digest, scheme=self._scheme):
            raise KeyLoadError(
                "the token gave a signature that does not belong to the certificate beside the key.",
                where=self._uri.token or "",
                advice="Check that key and certificate on the token have the same id.",
            )
        return value

    def _sign(self, seat: Seat, data: bytes, digest: str) -> bytes:
        if seat.found is None:
            seat.found = self._find(seat)
        key, asks_always = seat.found
        return sign_with(
            key,
            data,
            scheme=self._scheme,
            digest=digest,
            listed=self._listed,
            point_bytes=self._point_bytes,
            pin=self._token.make_pin(seat.session.token) if asks_always else None,
        )

    def _find(self, seat: Seat) -> tuple[Any, bool]:
        try:
            key = find_key(seat.session, self._uri)
        except KeyLoadError as error:
            # It was there: the token is going, or a login is gone, without which keys are hidden.
            raise p11.NoSuchKey(error.what) from None
        return key, bool(read(key, Attribute.ALWAYS_AUTHENTICATE))

    def __repr__(self) -> str:
        return f"<TokenKey at {id(self):#x}>"

    def __reduce__(self) -> Never:
        raise TypeError("a private key is not copied or pickled; load it where it is used")


def load_token_key(
    text: str, *, pin: Passphrase = None, scheme: Scheme | None = None, module: str | Path | None = None
) -> TokenKey:
    """Load the key that a `pkcs11:` URI names, with its certificates.

    Raises `KeyLoadError` if the URI, the library, the token, the PIN, the key or the certificate is wrong,
    `Unavailable` if no token fits now.
    """
    uri = parse_uri(text)
    library = get_library(find_module(uri, module))
    token = Token(library, uri, pin if uri.pin_source is None else from_source(uri.pin_source))

    def load(seat: Seat) -> TokenKey:
        key = find_key(seat.session, uri)
        leaf = find_certificate(seat.session, key, uri)
        issuers = order_issuers(leaf, [found for _, found in list_certificates(seat.session)])
        chosen = require_certificate(leaf.public_bytes(Encoding.DER), scheme=scheme)
        return TokenKey(token, uri, (leaf, *issuers), chosen, _list_mechanisms(seat.session.token.slot))

    return token.run(load)


def _list_mechanisms(slot: Any) -> frozenset[Any]:
    try:
        return frozenset(slot.get_mechanisms())
    except p11.PKCS11Error:
        return _NOTHING_LISTED  # then each way is tried
