"""Keys in PKCS#12 files (`.p12`, `.pfx`), parsed once.

A key never shows itself: not in `repr`, not in an error, not in a pickle.
"""

from pathlib import Path
from typing import Final, Never, final

from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs12

from edoc.core.ports import Scheme
from edoc.errors import KeyLoadError
from edoc.keys.algorithms import choose_scheme, find_digest, make_padding, require_certificate
from edoc.keys.chains import order_issuers
from edoc.keys.passphrases import Passphrase, ask

MAX_FILE_BYTES: Final = 1 << 20
"""A PKCS#12 file larger than this is not read."""

_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@final
class Pkcs12Key:
    """A key from a PKCS#12 file, parsed once; implements `edoc.core.ports.SigningKey`.

    Threads may share it.
    """

    __slots__ = ("_certificate", "_chain", "_key", "_scheme")

    def __init__(
        self, key: _PrivateKey, certificate: bytes, chain: tuple[bytes, ...], scheme: Scheme
    ) -> None:
        self._key = key
        self._scheme: Scheme = scheme
        self._certificate = certificate
        self._chain = chain

    @property
    def certificate(self) -> bytes:
        """The signer's certificate, DER."""
        return self._certificate

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Issuer certificates from the file, DER, the leaf's issuer first; may be empty."""
        return self._chain

    @property
    def scheme(self) -> Scheme:
        """How the key signs."""
        return self._scheme

    def sign(self, data: bytes, *, digest: str) -> bytes:
        """Sign `data` (not its hash) with `sha256`, `sha384` or `sha512`.

        Raises `InputError` for another digest.
        """
        algorithm = find_digest(digest)
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, make_padding(self._scheme, algorithm), algorithm)
        return self._key.sign(data, ec.ECDSA(algorithm))

    def __repr__(self) -> str:
        return f"<Pkcs12Key at {id(self):#x}>"

    def __reduce__(self) -> Never:
        raise TypeError("a private key is not copied or pickled; load it where it is used")


def load_file_key(path: Path, *, passphrase: Passphrase = None, scheme: Scheme | None = None) -> Pkcs12Key:
    """Load a private key with its certificate from a PKCS#12 file.

    `passphrase` may be a function, which is called once. Raises `KeyLoadError` when the file is missing, is
    no PKCS#12, does not open with the passphrase, holds no key or no matching certificate, or holds a key
    that is too weak or of another kind.
    """
    content = _read(path)
    _require_pkcs12(content, where=str(path))
    return _assemble(_open(content, ask(passphrase), where=str(path)), scheme, where=str(path))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise KeyLoadError(
            "this key file does not exist.",
            where=str(path),
            advice="Name the .p12 or .pfx file of the signer.",
        ) from error
    except OSError as error:
        raise KeyLoadError(
            f"this key file cannot be read ({(error.strerror or 'input error').lower()}).", where=str(path)
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise _refuse_format(str(path))
    return content


def _refuse_format(where: str) -> KeyLoadError:
    return KeyLoadError(
        "this is not a PKCS#12 file.", where=where, advice="Name the .p12 or .pfx file of the signer."
    )


def _require_pkcs12(content: bytes, *, where: str) -> None:
    # OpenSSL says the same of a wrong passphrase and of a file of another kind; people need to know which.
    try:
        bundle = asn1_pkcs12.Pfx.load(content, strict=True)
        sound = bundle["version"].native == "v3" and bundle["auth_safe"]["content_type"].native == "data"
    except (ValueError, TypeError, KeyError) as error:
        raise _refuse_format(where) from error
    if not sound:
        raise _refuse_format(where)


def _open(content: bytes, secret: str | None, *, where: str) -> pkcs12.PKCS12KeyAndCertificates:
    try:
        return pkcs12.load_pkcs12(content, None if secret is None else secret.encode())
    except UnsupportedAlgorithm:
        raise KeyLoadError(
            "this PKCS#12 file uses an encryption or a key that cannot be read.",
            where=where,
            advice="Export the key anew with AES encryption.",
        ) from None
    except (ValueError, TypeError, x509.InvalidVersion):
        # `from None`: what a library says about a secret stays here.
        what = "the passphrase does not open this key file."
        if secret is None:
            what = "this key file needs its passphrase."
        raise KeyLoadError(
            what, where=where, advice="Check the passphrase (--passphrase-file or --passphrase-env)."
        ) from None


def _assemble(bundle: pkcs12.PKCS12KeyAndCertificates, scheme: Scheme | None, *, where: str) -> Pkcs12Key:
    key = _require_key(bundle.key, scheme, where=where)
    others = [entry.certificate for entry in bundle.additional_certs]
    certificates = [bundle.cert.certificate, *others] if bundle.cert is not None else others
    if not certificates:
        raise KeyLoadError("there is no certificate in this key file.", where=where)
    leaf = next((found for found in certificates if _belongs(found, key)), None)
    if leaf is None:
        raise KeyLoadError("no certificate in this file belongs to its private key.", where=where)
    chain = order_issuers(leaf, certificates)
    certificate = leaf.public_bytes(Encoding.DER)
    return Pkcs12Key(
        key,
        certificate,
        tuple(issuer.public_bytes(Encoding.DER) for issuer in chain),
        require_certificate(certificate, scheme=scheme),
    )


def _require_key(key: object, scheme: Scheme | None, *, where: str) -> _PrivateKey:
    if key is None:
        raise KeyLoadError("there is no private key in this file.", where=where)
    choose_scheme(key, scheme, where=where)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyLoadError("this kind of key is not for signing documents.", where=where)
    return key


def _belongs(certificate: x509.Certificate, key: _PrivateKey) -> bool:
    def encode(public: CertificatePublicKeyTypes) -> bytes:
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    try:
        return encode(certificate.public_key()) == encode(key.public_key())
    except (ValueError, UnsupportedAlgorithm):
        return False
