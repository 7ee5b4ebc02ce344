"""Hierarchies like the dedicated ones, at any dates: who has which certificate, and what CRLs say when.

Everything is made from its description and kept: the same description gives the same bytes. Keys are of the
name: `Signer …` has P-256, `… (RSA)` has RSA of 2,048 bits, everybody else P-384.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from issuing import draft_certificate, draft_crl, sign_again

DIGESTS: Final[dict[str, Any]] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - what old hierarchies were signed with
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
TSA_ONLY: Final = ExtendedKeyUsageOID.TIME_STAMPING
OCSP_ONLY: Final = ExtendedKeyUsageOID.OCSP_SIGNING


def on(text: str) -> dt.datetime:
    """A moment, UTC: `2024-03-05` or `2024-03-05T01:00:30`."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@cache
def make_key(name: str) -> Any:
    """The key of somebody."""
    if name.endswith("(RSA)"):
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1() if name.startswith("Signer") else ec.SECP384R1())


def sign(name: str, data: bytes, digest: str) -> bytes:
    """Sign with somebody's key."""
    key = make_key(name)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), DIGESTS[digest])
    made: bytes = key.sign(data, ec.ECDSA(DIGESTS[digest]))
    return made


def name_mechanism(name: str, digest: str) -> str:
    """In asn1crypto's words."""
    return f"{digest}_{'rsa' if isinstance(make_key(name), rsa.RSAPrivateKey) else 'ecdsa'}"


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Somebody with a certificate."""

    name: str
    issuer: str
    begins: str
    ends: str
    ca: bool = False
    digest: str = "sha256"
    """What its certificate was signed with."""
    usages: frozenset[str] = frozenset({"digital_signature", "content_commitment"})
    purpose: x509.ObjectIdentifier | None = None
    is_person: bool = False
    key: str = ""
    """Whose key it holds; empty: its own."""
    issuer_key: str = ""
    """Whose key signed the certificate; empty: its issuer's."""

    @property
    def serial(self) -> int:
        """Its certificate's number."""
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:8]) >> 1

    @property
    def certificate(self) -> bytes:
        """DER."""
        return _issue(self)


def _name(text: str, *, is_person: bool = False) -> x509.Name:
    # EN 319 412-2 for persons; an agency's common name is its organisation's.
    given = [x509.NameAttribute(NameOID.SURNAME, "Trần")] if is_person else []
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)
    return x509.Name([organization, *given, x509.NameAttribute(NameOID.COMMON_NAME, text)])


@cache
def _issue(holder: Holder) -> bytes:
    builder = draft_certificate(
        _name(holder.issuer),
        _name(holder.name, is_person=holder.is_person),
        make_key(holder.key or holder.name).public_key(),
        holder.serial,
        (on(holder.begins), on(holder.ends)),
        usages=holder.usages,
        ca=holder.ca,
        purpose=holder.purpose,
    )
    issuer_key = make_key(holder.issuer_key or holder.issuer)
    der = builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.DER)
    made = asn1_x509.Certificate.load(der)
    return _sign_again(made, "tbs_certificate", "signature_value", holder.issuer, holder.digest)


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """A certificate that was revoked, or put on hold, at a moment."""

    holder: Holder
    since: str
    hold: bool = False
    lifted: str = "9999-12-31"
    """From when on it is not listed any more."""


@dataclass(frozen=True, kw_only=True)
class Crl:
    """What a CA says on a day."""

    issuer: str
    at: str
    days: int = 7
    """For how long."""
    revoked: tuple[Revocation, ...] = ()
    digest: str = "sha256"
    signer: str = ""
    """Who signs it; empty: the issuer."""
    remembers_since: str = ""
    """Since when it lists what has expired (expiredCertsOnCRL); empty: it does not say."""

    @property
    def der(self) -> bytes:
        """DER."""
        return _list(self)


@cache
def _list(crl: Crl) -> bytes:
    begins = on(crl.at)
    builder = draft_crl(
        _name(crl.issuer),
        (begins, begins + dt.timedelta(days=crl.days)),
        [(each.holder.serial, on(each.since), each.hold) for each in crl.revoked],
        remembers=on(crl.remembers_since) if crl.remembers_since else None,
    )
    der = builder.sign(make_key(crl.signer or crl.issuer), hashes.SHA256()).public_bytes(Encoding.DER)
    made = asn1_crl.CertificateList.load(der)
    return _sign_again(made, "tbs_cert_list", "signature", crl.issuer, crl.digest)


def _sign_again(made: Any, body: str, value: str, issuer: str, digest: str) -> bytes:
    if digest == "sha256":
        return bytes(made.dump())
    mechanism = name_mechanism(issuer, digest)
    return sign_again(made, body, value, mechanism, lambda data: sign(issuer, data, digest))


def issue_crls(
    day: str,
    issuers: Iterable[Holder],
    *,
    revoked: Iterable[Revocation] = (),
    days: int = 7,
) -> tuple[Crl, ...]:
    """The CRLs of a day: each lists what its CA had revoked by then. SHA-1 only before 2017."""
    known = [each for each in revoked if each.since <= day < each.lifted]
    return tuple(
        Crl(
            issuer=issuer.name,
            at=day,
            days=days,
            revoked=tuple(each for each in known if each.holder.issuer == issuer.name),
            digest=issuer.digest if day < "2017" else "sha256",
        )
        for issuer in issuers
    )


ROOT: Final = Holder(name="Root", issuer="Root", begins="2010-01-01", ends="2040-01-01", ca=True)
CA: Final = Holder(name="CA", issuer="Root", begins="2015-01-01", ends="2035-01-01", ca=True)
SIGNER: Final = Holder(name="Signer", issuer="CA", begins="2022-01-01", ends="2027-01-01")
"""An agency (NĐ 68/2024 Art 9: five years)."""
PERSON: Final = replace(SIGNER, name="Signer, a person", is_person=True)

SERVICES_ROOT: Final = replace(ROOT, name="Root of services", issuer="Root of services")
SERVICES: Final = replace(CA, name="CA of services", issuer="Root of services")
TSA: Final = Holder(
    name="TSA", issuer="CA of services", begins="2021-01-01", ends="2031-01-01", purpose=TSA_ONLY
)
ARCHIVE_TSA: Final = replace(TSA, name="Archive TSA")
"""Who stamps documents; another than the one that stamps signatures."""
