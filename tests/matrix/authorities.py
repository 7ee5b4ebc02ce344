"""A hierarchy like the dedicated one, at any dates: root, CA, signer, time-stamping authority, their CRLs."""

import datetime as dt
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from issuing import draft_certificate, draft_crl, sign_again

from edoc.core.evidence import FileEvidence, SignatureFacts, TimestampFacts
from edoc.core.judge import judge
from edoc.core.policy import Policy
from edoc.core.report import Coverage, SignatureReport, SignatureType
from edoc.trust.store import Trust
from edoc.verification.examination import Examiner

START: Final = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def day(number: float) -> dt.datetime:
    """So many days after everything began."""
    return START + dt.timedelta(days=number)


@cache
def make_key(_name: str) -> ec.EllipticCurvePrivateKey:
    """The key of somebody."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Holder:
    """Somebody with a certificate."""

    name: str
    issuer: str
    begins: int
    """Days after the start."""
    ends: int
    ca: bool = False
    digest: str = "sha256"
    usages: frozenset[str] = frozenset({"digital_signature"})
    purpose: x509.ObjectIdentifier | None = None

    @property
    def serial(self) -> int:
        """Its certificate's number."""
        return sum(map(ord, self.name)) + 1

    @property
    def certificate(self) -> bytes:
        """DER."""
        return _issue(self)


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, text),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "An Bình"),
        ]
    )


@cache
def _issue(holder: Holder) -> bytes:
    builder = draft_certificate(
        _name(holder.issuer),
        _name(holder.name),
        make_key(holder.name).public_key(),
        holder.serial,
        (day(holder.begins), day(holder.ends)),
        usages=holder.usages,
        ca=holder.ca,
        purpose=holder.purpose,
    )
    key = make_key(holder.issuer)
    digest = hashes.SHA512() if holder.digest == "sha512" else hashes.SHA256()
    signed = builder.sign(key, digest).public_bytes(Encoding.DER)
    if holder.digest != "sha1":
        return signed

    def sign(data: bytes) -> bytes:
        return key.sign(data, ec.ECDSA(hashes.SHA1()))  # noqa: S303 - history

    made = asn1.Certificate.load(signed)
    return sign_again(made, "tbs_certificate", "signature_value", "sha1_ecdsa", sign)


def make_crl(
    issuer: str,
    at: int,
    *,
    until: int = 5000,
    revoked: dict[int, int] | None = None,
    hold: bool = False,
    digest: str = "sha256",
    remembers: int | None = None,
) -> bytes:
    """A CRL of the day `at` that lists serial numbers with the days of their revocation.

    It says that it lists what expired since the day `remembers`, if that is given.
    """
    builder = draft_crl(
        _name(issuer),
        (day(at), day(until)),
        [(serial, day(since), hold) for serial, since in (revoked or {}).items()],
        remembers=None if remembers is None else day(remembers),
    )
    strong = hashes.SHA512() if digest == "sha512" else hashes.SHA256()
    return builder.sign(make_key(issuer), strong).public_bytes(Encoding.DER)


ROOT: Final = Holder("Root", "Root", 0, 7300, ca=True)
CA: Final = Holder("CA", "Root", 0, 3650, ca=True)
SIGNER: Final = Holder("Signer", "CA", 0, 1800)
TSA: Final = Holder("TSA", "CA", 0, 3600, purpose=ExtendedKeyUsageOID.TIME_STAMPING)
OTHER_ROOT: Final = Holder("Other root", "Other root", 0, 7300, ca=True)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What there is to judge; days count from the start. The signature is of day 500."""

    root: Holder = ROOT
    ca: Holder = CA
    signer: Holder = SIGNER
    tsa: Holder = TSA
    archive: Holder = TSA
    """Who stamped the document."""
    stamp: float | None = None
    """Day of the signature's own time-stamp."""
    document_stamp: float | None = None
    """Day of a time-stamp over the document and its validation data."""
    earlier_stamps: tuple[float, ...] = ()
    """Days of time-stamps over the document that were there already when it was signed."""
    crls: tuple[bytes, ...] = ()
    """In the document."""
    covered: bool = True
    """The document's time-stamp covers the CRLs."""
    judged: int = 1000
    trusted: bool = True
    digest: str = "sha256"
    key: tuple[str, int] = ("ecdsa", 256)
    claimed: float = 500
    stamp_digest: str = "sha256"

    def judge(self, policy: Policy) -> SignatureReport:
        """Judge the signature under a policy."""
        return self.judge_all(policy)["Person"]

    def judge_all(self, policy: Policy) -> dict[str, SignatureReport]:
        """Judge the signature, and the time-stamp over the document if there is one; by their fields."""
        trust = Trust(roots=(self.root.certificate,)) if self.trusted else Trust.empty()
        file = Examiner(trust, day(self.judged), None, policy).complete(self.describe())
        return {found.field: found for found in judge((file,), policy, day(self.judged)).files[0].signatures}

    def describe(self) -> FileEvidence:
        """What reading such a file gives."""
        signature = replace(
            self._sign(SignatureType.SIGNATURE, self.signer, 100, claimed_time=day(self.claimed)),
            timestamp=self._stamp(self.tsa, self.stamp, self.stamp_digest),
        )
        made = [signature]
        for place, earlier in enumerate(self.earlier_stamps):
            facts = self._sign(SignatureType.DOCUMENT_TIMESTAMP, self.archive, 50 + place)
            made.append(replace(facts, timestamp=self._stamp(self.archive, earlier, "sha256")))
        if self.document_stamp is not None:
            stamp = self._stamp(self.archive, self.document_stamp, "sha256")
            facts = self._sign(SignatureType.DOCUMENT_TIMESTAMP, self.archive, 200, timestamp=stamp)
            held = frozenset(self.crls if self.covered else ())
            made.append(replace(facts, covers=held | {self.ca.certificate}))
        return FileEvidence(
            path="scene.pdf",
            sha256="0" * 64,
            size=300,
            format="pdf",
            signatures=tuple(made),
            certificates=(self.ca.certificate,),
            crls=self.crls,
        )

    def _sign(self, kind: SignatureType, holder: Holder, end: int, **more: Any) -> SignatureFacts:
        return SignatureFacts(
            field="Person" if kind is SignatureType.SIGNATURE else "Stamp",
            type=kind,
            end=end,
            digest_algorithm=self.digest,
            signature_algorithm=self.key[0],
            key_bits=self.key[1],
            digest_matches=True,
            signature_holds=True,
            coverage=Coverage.WHOLE_FILE,
            certificate=holder.certificate,
            **more,
        )

    def _stamp(self, holder: Holder, at: float | None, digest: str) -> TimestampFacts | None:
        if at is None:
            return None
        return TimestampFacts(
            time=day(at),
            intact=True,
            certificate=holder.certificate,
            digest_algorithm=digest,
            signature_algorithm="ecdsa",
            key_bits=256,
        )
