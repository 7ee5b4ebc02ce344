"""Really signed and time-stamped documents, by whom and when a story tells, with what is at hand to judge."""

import datetime as dt
import hashlib
import io
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Final

import pikepdf
from asn1crypto import algos, core
from cryptography import x509
from hierarchies import (
    ARCHIVE_TSA,
    CA,
    ROOT,
    SERVICES,
    SERVICES_ROOT,
    SIGNER,
    TSA,
    Crl,
    Holder,
    Revocation,
    issue_crls,
    name_mechanism,
    on,
    sign,
)

from edoc.core.policy import Policy
from edoc.core.report import Report, SignatureReport
from edoc.pdf import dss, signer
from edoc.pdf.cades import encode
from edoc.pdf.document import Document, open_stream
from edoc.pdf.dss import Evidence
from edoc.pdf.files import Growing
from edoc.pdf.signer import Order, Stamper
from edoc.trust.store import Trust
from edoc.verification import verify

_SEQUENCE, _SET, _OCTETS, _CONTENT, _UNSIGNED = 0x30, 0x31, 0x04, 0xA0, 0xA1
_DATA, _SIGNED_DATA = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_TST_INFO, _STAMP, _CERTIFICATE = (f"1.2.840.113549.1.9.16.{number}" for number in ("1.4", "2.14", "2.47"))


class Proof(StrEnum):
    """What proves the time of the signature."""

    NONE = "no proof"
    STAMP = "time-stamp"
    """The signature's own."""
    ARCHIVE = "archived"
    """Besides: validation data in the document, and a time-stamp over them and all else (LTA)."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """Who signed what when, who stamped it, and what is known when it is judged. Times are UTC."""

    signer: Holder = SIGNER
    ca: Holder = CA
    root: Holder = ROOT
    tsa: Holder = TSA
    archive_tsa: Holder = ARCHIVE_TSA
    services: Holder = SERVICES
    services_root: Holder = SERVICES_ROOT

    claimed: str = "2024-03-05T01:00:00"
    """When the signer says that it was signed."""
    stamped: str = "2024-03-05T01:00:05"
    """The time in the signature's own time-stamp."""
    archived: str = "2024-03-07T01:00:00"
    """The time in the time-stamp over the document."""
    digest: str = "sha256"
    """What the signature is made with."""
    stamp_digest: str = "sha256"
    """The imprint of the signature's own time-stamp."""

    revoked: tuple[Revocation, ...] = ()
    embedded: tuple[str, ...] = ("2024-03-06",)
    """Days of the CRLs in the archived document."""
    at_hand: tuple[str, ...] = ("2026-02-04",)
    """Days of the CRLs in the trust store."""
    root_at_hand: tuple[str, ...] | None = None
    """Days of the root's CRLs there; None: the same days."""
    services_at_hand: tuple[str, ...] = ("2026-02-04",)
    """Days of the CRLs about time-stamping authorities in the trust store."""
    silent: frozenset[str] = frozenset()
    """CAs that issue no CRLs."""

    trusted: tuple[Holder, ...] | None = None
    """None: both roots of the story."""
    judged: str = "2026-02-05T01:00:00"

    @property
    def trust(self) -> Trust:
        """What the verifier has: roots and CRLs; the CAs below come with the document."""
        roots = (self.root, self.services_root) if self.trusted is None else self.trusted
        days = self.at_hand if self.root_at_hand is None else self.root_at_hand
        signers = (*self._issue(days, self.root), *self._issue(self.at_hand, self.ca))
        services = self._issue(self.services_at_hand, self.services_root, self.services)
        return Trust(
            roots=tuple(root.certificate for root in roots),
            crls=tuple(crl.der for crl in (*signers, *services)),
        )

    @property
    def in_document(self) -> Evidence:
        """What the archived document holds."""
        everybody = (self.root, self.ca, self.services_root, self.services)
        return Evidence(
            certificates=tuple(
                each.certificate for each in (self.signer, self.tsa, self.archive_tsa, *everybody)
            ),
            crls=tuple(crl.der for crl in self._issue(self.embedded, *everybody)),
        )

    def _issue(self, days: tuple[str, ...], *issuers: Holder) -> tuple[Crl, ...]:
        speaking = [each for each in issuers if each.name not in self.silent]
        return tuple(crl for day in days for crl in issue_crls(day, speaking, revoked=self.revoked))

    def make(self, proof: Proof) -> bytes:
        """The signed PDF."""
        # What the verifier has, and when, makes no other file.
        plain = replace(self, at_hand=(), root_at_hand=(), services_at_hand=(), trusted=None, judged="")
        return _make(plain, proof)

    def judge(self, proof: Proof, policy: str | Policy) -> SignatureReport:
        """Verify the file and give what is said of the person's signature."""
        (report, *_) = self.verify(proof, policy).files[0].signatures
        return report

    def verify(self, proof: Proof, policy: str | Policy, *, trust: Trust | None = None) -> Report:
        """Verify the file, offline."""
        chosen = self.trust if trust is None else trust
        return verify(
            io.BytesIO(self.make(proof)), trust=chosen, policy=policy, at=on(self.judged), offline=True
        )


def grow(data: bytes) -> tuple[Growing, io.BytesIO]:
    """A file to append to, and where it grows."""
    output = io.BytesIO()
    growing = Growing(output, digests=("sha1", "sha256", "sha384", "sha512"))
    growing.append(data)
    return growing, output


@cache
def _make(story: Story, proof: Proof) -> bytes:
    growing, output = grow(_draw_page())
    _append_signature(growing, _open(output), story, stamped=proof is not Proof.NONE)
    if proof is Proof.ARCHIVE:
        archive(growing, output, story.in_document, story.archive_tsa, story.archived, story.services)
    return output.getvalue()


def archive(
    growing: Growing, output: io.BytesIO, evidence: Evidence, tsa: Holder, at: str, issuer: Holder
) -> None:
    """Append validation data and a document time-stamp."""
    revision = dss.add_evidence(_open(output), evidence)
    if revision is not None:
        growing.append(revision.render(growing))
    document = _open(output)
    stamper = Stamper(_stamp(tsa, issuer, on(at), "sha256"), "sha256")
    signer.stamp_onto(growing, document, signer.invent_name(document, "Stamp"), stamp=stamper)


@cache
def _draw_page() -> bytes:
    output = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        pdf.save(output, static_id=True)
    return output.getvalue()


def _open(output: io.BytesIO) -> Document:
    output.seek(0)
    return open_stream(output, where="story")


@dataclass(frozen=True)
class _Holder:
    """As edoc's signer wants it."""

    certificate: bytes
    chain: tuple[bytes, ...]


def _append_signature(growing: Growing, document: Document, story: Story, *, stamped: bool) -> None:
    order = Order(at=on(story.claimed), field="Person", digest=story.digest)
    holder = _Holder(story.signer.certificate, (story.ca.certificate,))
    draft = signer.begin(growing, document, order, holder, timestamp=stamped)
    stamp = _stamp(story.tsa, story.services, on(story.stamped), story.stamp_digest) if stamped else None
    growing.append(draft.fill(_sign_digest(story, draft.digest, stamp)))


def _sign_digest(story: Story, digest: bytes, stamp: Callable[[bytes], bytes] | None) -> bytes:
    def add_stamp(value: bytes) -> bytes:
        if stamp is None:
            return b""
        return encode(_UNSIGNED, _attribute(_STAMP, stamp(hashlib.new(story.stamp_digest, value).digest())))

    signature = _Signature(story.signer, story.digest, _DATA, digest)
    return signature.wrap(_oid(_DATA), (story.signer, story.ca), version=1, unsigned=add_stamp)


def _stamp(tsa: Holder, issuer: Holder, at: dt.datetime, digest: str) -> Callable[[bytes], bytes]:
    """Give a token for an imprint, as an authority whose clock shows `at`."""

    def stamp(imprint: bytes) -> bytes:
        content = encode(
            _SEQUENCE,
            core.Integer(1).dump(),
            _oid("1.2.3.4"),
            encode(_SEQUENCE, _digest(digest), encode(_OCTETS, imprint)),
            core.Integer(secrets.randbits(60)).dump(),
            core.GeneralizedTime(at).dump(),
        )
        signature = _Signature(tsa, "sha256", _TST_INFO, hashlib.sha256(content).digest())
        inside = encode(_CONTENT, encode(_OCTETS, content))
        return signature.wrap(_oid(_TST_INFO) + inside, (tsa, issuer), version=3)

    return stamp


@dataclass(frozen=True)
class _Signature:
    """Somebody's CMS signature over a content, by that content's type and digest."""

    holder: Holder
    digest: str
    kind: str
    value: bytes

    def wrap(
        self,
        content: bytes,
        holders: tuple[Holder, ...],
        *,
        version: int,
        unsigned: Callable[[bytes], bytes] = lambda _: b"",
    ) -> bytes:
        """The whole CMS; `unsigned` gives what is added to a signature's value."""
        signed = encode(
            _SEQUENCE,
            core.Integer(version).dump(),
            encode(_SET, _digest(self.digest)),
            encode(_SEQUENCE, content),
            encode(_CONTENT, *sorted(holder.certificate for holder in holders)),
            encode(_SET, self._describe(unsigned)),
        )
        return encode(_SEQUENCE, _oid(_SIGNED_DATA), encode(_CONTENT, signed))

    def _describe(self, unsigned: Callable[[bytes], bytes]) -> bytes:
        certificate = x509.load_der_x509_certificate(self.holder.certificate)
        named = encode(_SEQUENCE, encode(_OCTETS, hashlib.sha256(self.holder.certificate).digest()))
        attributes = b"".join(
            sorted(
                (
                    _attribute(_CONTENT_TYPE, _oid(self.kind)),
                    _attribute(_MESSAGE_DIGEST, encode(_OCTETS, self.value)),
                    _attribute(_CERTIFICATE, encode(_SEQUENCE, encode(_SEQUENCE, named))),
                )
            )
        )
        # Signed as SET OF, carried as [0] IMPLICIT (RFC 5652 section 5.4).
        value = sign(self.holder.name, encode(_SET, attributes), self.digest)
        serial = core.Integer(certificate.serial_number).dump()
        mechanism = algos.SignedDigestAlgorithm({"algorithm": name_mechanism(self.holder.name, self.digest)})
        return encode(
            _SEQUENCE,
            core.Integer(1).dump(),
            encode(_SEQUENCE, certificate.issuer.public_bytes(), serial),
            _digest(self.digest),
            encode(_CONTENT, attributes),
            mechanism.dump(),
            encode(_OCTETS, value),
            unsigned(value),
        )


def _oid(dotted: str) -> bytes:
    made: bytes = core.ObjectIdentifier(dotted).dump()
    return made


def _attribute(kind: str, value: bytes) -> bytes:
    return encode(_SEQUENCE, _oid(kind), encode(_SET, value))


def _digest(name: str) -> bytes:
    made: bytes = algos.DigestAlgorithm({"algorithm": name}).dump()
    return made


GOOD: Final = Story()
