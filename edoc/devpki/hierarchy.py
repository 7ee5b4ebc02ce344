"""Make, open and change a development PKI.

    pki = make(Path("certs-dev"), now=datetime.now(UTC))
    pki.folder / "a-person1.p12", pki.passphrase, pki.trust_path

All randomness comes from the operating system; the time comes from the caller, so a PKI whose certificates
have expired is one made in the past.
"""

import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from edoc.devpki import folder as folders
from edoc.devpki.authority import Authority, found_root
from edoc.devpki.profiles import (
    CA_KEY_BITS,
    CA_NAMES,
    CRL_RENEWAL,
    LEAF_KEY_BITS,
    Leaf,
    describe_leaves,
)
from edoc.errors import InputError

DEFAULT_URL: Final = "http://127.0.0.1:8900"
"""Where certificates say that CRL, OCSP and CA certificates are served."""

_ISSUERS: Final = ("agencies", "services")


@dataclass(frozen=True, slots=True, kw_only=True)
class DevPki:
    """A complete development PKI in its folder."""

    folder: Path
    base_url: str
    """Address that its certificates name, without a trailing slash."""
    made: bool
    """True if this call made it, false if it already stood there."""

    @property
    def trust_path(self) -> Path:
        """The folder with root, issuing CAs and CRLs, for `--trust`."""
        return self.folder / "trust"

    @property
    def passphrase_path(self) -> Path:
        """The file with the passphrase, for `--passphrase-file`."""
        return self.folder / folders.PASSPHRASE

    @property
    def passphrase(self) -> str:
        """The passphrase of every `.p12`; read from its file each time, kept nowhere."""
        return self.passphrase_path.read_text(encoding="utf-8").strip()

    def key_path(self, name: str) -> Path:
        """Path of a `.p12`, by its stem: `a-person1`, `b-seal`, `system`."""
        return self.folder / f"{name}.p12"

    def certificate(self, name: str) -> bytes:
        """Give a certificate (DER): `root`, `agencies`, `services`, a stem, `tsa` or `ocsp-agencies`."""
        authority = name in CA_NAMES
        path = self.trust_path / f"{name}.pem" if authority else self.folder / "ca" / f"{name}.cer"
        if not path.is_file():
            raise InputError(f"the development PKI has no certificate {name!r}.", where=str(self.folder))
        content = path.read_bytes()
        return x509.load_pem_x509_certificate(content).public_bytes(Encoding.DER) if authority else content

    def crl(self, authority: str) -> bytes:
        """Give the present CRL (DER) of a CA."""
        return (self.trust_path / f"{authority}.crl").read_bytes()

    def load_service_key(self, name: str) -> rsa.RSAPrivateKey:
        """Load the private key of a CA, a responder or the TSA."""
        key = load_pem_private_key((self.folder / "ca" / f"{name}.key").read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise InputError("this is no RSA key.", where=str(self.folder / "ca" / f"{name}.key"))
        return key

    def load_authority(self, name: str) -> Authority:
        """Load a CA with its key."""
        return Authority(
            name=name,
            key=self.load_service_key(name),
            certificate=x509.load_der_x509_certificate(self.certificate(name)),
            base_url=self.base_url,
        )


def make(folder: Path, *, now: datetime, base_url: str = DEFAULT_URL, replace: bool = False) -> DevPki:
    """Make a development PKI in `folder`, valid from `now` on, or give the complete one that stands there.

    One that stands there is kept as it is, except that CRLs older than `CRL_RENEWAL` are issued again.
    Raises `InputError` for a folder with a half-made PKI (unless `replace`) or with foreign files (always).
    """
    if folders.inspect(folder) is folders.State.FOREIGN:
        raise InputError(
            "this folder holds files that are no development PKI.",
            where=str(folder),
            advice="Name an empty or a new folder.",
        )
    with folders.claim(folder):
        if replace or folders.inspect(folder) is folders.State.EMPTY:
            return _build(folder, now=_round(now), base_url=base_url.rstrip("/"))
        pki = open_pki(folder)
        _refresh_crls(pki, now=now)
        return pki


def open_pki(folder: Path) -> DevPki:
    """Open the complete development PKI in `folder`.

    Raises `InputError` if there is none, or only a part of one.
    """
    state = folders.inspect(folder)
    if state is folders.State.INCOMPLETE:
        raise InputError(
            "the development PKI in this folder is incomplete.",
            where=str(folder),
            advice="Make it anew with `edoc dev-pki --replace`.",
        )
    if state is not folders.State.COMPLETE:
        raise InputError(
            "there is no development PKI in this folder.",
            where=str(folder),
            advice="Make one with `edoc dev-pki`.",
        )
    return DevPki(folder=folder, base_url=folders.read_manifest(folder)["base_url"], made=False)


def revoke(
    pki: DevPki,
    name: str,
    *,
    at: datetime,
    now: datetime,
    reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
) -> None:
    """Revoke a certificate as of `at` and issue its issuer's CRL anew, as of `now`.

    `name` is an issuing CA (`agencies`, `services`) or the stem of an end entity. Revoking again changes
    nothing. Raises `InputError` for an unknown name.
    """
    certificate = x509.load_der_x509_certificate(pki.certificate(name))
    authority = next(
        pki.load_authority(key)
        for key in CA_NAMES
        if certificate.issuer == x509.load_der_x509_certificate(pki.certificate(key)).subject
    )
    crl = x509.load_der_x509_crl(pki.crl(authority.name))
    if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
        return
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(certificate.serial_number)
        .revocation_date(_round(at))
        .add_extension(x509.CRLReason(reason), critical=False)
        .build()
    )
    _issue_crl_again(pki, authority, [*crl, entry], now=now)


def _round(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise InputError("a time without its zone says nothing.", advice="Give a time with its offset.")
    return moment.astimezone(UTC).replace(microsecond=0)


def _refresh_crls(pki: DevPki, *, now: datetime) -> None:
    for name in CA_NAMES:
        crl = x509.load_der_x509_crl(pki.crl(name))
        if crl.last_update_utc + CRL_RENEWAL <= now:
            _issue_crl_again(pki, pki.load_authority(name), list(crl), now=now)


def _issue_crl_again(
    pki: DevPki, authority: Authority, revoked: list[x509.RevokedCertificate], *, now: datetime
) -> None:
    last = x509.load_der_x509_crl(pki.crl(authority.name))
    number = last.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number + 1
    crl = authority.issue_crl(revoked, now=_round(now), number=number)
    folders.replace_public(pki.trust_path / f"{authority.name}.crl", crl.public_bytes(Encoding.DER))


def _build(folder: Path, *, now: datetime, base_url: str) -> DevPki:
    with folders.fill(folder, {"made_at": now.isoformat(), "base_url": base_url}) as building:
        (building / "trust").mkdir()
        (building / "ca").mkdir(mode=0o700)
        leaves = describe_leaves()
        keys = _generate_keys(leaves)
        authorities = _found_authorities(keys, now=now, base_url=base_url)
        for authority in authorities.values():
            _write_authority(building, authority, now=now)
        passphrase = secrets.token_urlsafe(24)
        folders.write_private(building / folders.PASSPHRASE, passphrase.encode() + b"\n")
        for leaf in leaves:
            _write_leaf(building, leaf, keys[leaf.name], authorities[leaf.issuer], passphrase, now=now)
    return DevPki(folder=folder, base_url=base_url, made=True)


def _generate_keys(leaves: tuple[Leaf, ...]) -> dict[str, rsa.RSAPrivateKey]:
    # Primes take nearly all of the time, and OpenSSL looks for them without holding the interpreter.
    sizes = dict.fromkeys(CA_NAMES, CA_KEY_BITS) | {leaf.name: LEAF_KEY_BITS for leaf in leaves}
    with ThreadPoolExecutor() as pool:
        return dict(
            zip(sizes, pool.map(partial(rsa.generate_private_key, 65537), sizes.values()), strict=True)
        )


def _found_authorities(
    keys: Mapping[str, rsa.RSAPrivateKey], *, now: datetime, base_url: str
) -> dict[str, Authority]:
    root = found_root(keys["root"], now=now, base_url=base_url)
    authorities = {"root": root}
    for name in _ISSUERS:
        certificate = root.issue_authority(name, keys[name].public_key(), now=now)
        authorities[name] = Authority(name=name, key=keys[name], certificate=certificate, base_url=base_url)
    return authorities


def _write_authority(building: Path, authority: Authority, *, now: datetime) -> None:
    trust = building / "trust"
    crl = authority.issue_crl((), now=now, number=1)
    folders.write_public(trust / f"{authority.name}.pem", authority.certificate.public_bytes(Encoding.PEM))
    folders.write_public(trust / f"{authority.name}.crl", crl.public_bytes(Encoding.DER))
    folders.write_private(building / "ca" / f"{authority.name}.key", _encode_key(authority.key))


def _write_leaf(
    building: Path,
    leaf: Leaf,
    key: rsa.RSAPrivateKey,
    issuer: Authority,
    passphrase: str,
    *,
    now: datetime,
) -> None:
    certificate = issuer.issue_leaf(leaf, key.public_key(), now=now)
    folders.write_private(building / "ca" / f"{leaf.name}.cer", certificate.public_bytes(Encoding.DER))
    if leaf.name in folders.SERVICES:
        folders.write_private(building / "ca" / f"{leaf.name}.key", _encode_key(key))
        return
    bundle = pkcs12.serialize_key_and_certificates(
        leaf.name.encode(),
        key,
        certificate,
        [issuer.certificate],
        BestAvailableEncryption(passphrase.encode()),
    )
    folders.write_private(building / f"{leaf.name}.p12", bundle)


def _encode_key(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
