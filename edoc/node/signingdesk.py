"""A person's desk at the signing queue: take a request, hand the signature in.

    offer = take(node, request, certificate=certificate, actor="desk")
    value = token.sign(offer.attributes)              # or of their digest: offer.attributes_digest
    document = hand_in(node, request, value, actor="desk")

Taking begins the signature and keeps it (`edoc.signing.deferred`); nobody else can take the request until the
lease ends. A signature counts if it verifies over exactly what was taken last, by the certificate that was
named then, and if the signed file is TOTAL_PASSED now. The same signature again gets the same answer. No key
comes near the node. Serves NĐ 68/2024 Arts 29 to 32 and NĐ 30/2020 Art 13.
"""

import base64
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from edoc.core.lifecycle import Event
from edoc.core.ports import Stored
from edoc.errors import InputError, NotVerified, Refused
from edoc.keys.algorithms import verify_value
from edoc.node import tables as t
from edoc.node.journal import Transaction
from edoc.node.node import Node
from edoc.node.objects import open_verified
from edoc.node.scratch import fetch, file_of, files_of, store
from edoc.node.signingqueue import find_open, find_request, require_wanted
from edoc.node.tables import instant
from edoc.node.tasks import require_clock
from edoc.signing import Online, SigningState, begin_signing, complete_signing
from edoc.verification import verify

LEASE: Final = timedelta(minutes=15)
"""So long nobody else can take a request that was taken."""
MAX_VALUE: Final = 4096
"""Bytes of a signature."""
_C: Final = t.signing_claims.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a desk is to sign."""

    request: int
    claim: int
    document: str
    subject: str
    role: str
    source_sha256: str
    """Of the PDF that is signed."""
    lease_until: datetime
    state: SigningState

    @property
    def attributes(self) -> bytes:
        """What is signed, DER; a key that hashes by itself gets these bytes."""
        return self.state.attributes

    def to_dict(self) -> dict[str, Any]:
        """As JSON: bytes in Base64, times in ISO 8601."""
        state = self.state
        return {
            **{name: getattr(self, name) for name in ("request", "claim", "document", "subject", "role")},
            "source_sha256": self.source_sha256,
            "lease_until": self.lease_until.isoformat(),
            "signing_time": state.signing_time.isoformat(),
            "certificate": _encode(state.certificate),
            "scheme": state.scheme,
            "digest_algorithm": state.digest,
            "digest": _encode(state.attributes_digest),
            "to_be_signed": _encode(state.attributes),
        }


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def take(
    node: Node,
    request: int,
    *,
    actor: str,
    certificate: bytes | None = None,
    chain: Sequence[bytes] = (),
    image: Path | None = None,
    lease: timedelta = LEASE,
) -> Offer:
    """Begin the signature that a request asks for; it is the taker's until the lease ends.

    `certificate` (DER) may be left out if the request names one; `chain` are its CAs, `image` what the
    signature shows. Taking again what one holds, with the same certificate, gives the same offer. Raises
    `Refused` if the request cannot be signed now, somebody else holds it, or the certificate is another's or
    may not sign; `Unavailable` if that cannot be found out now.
    """
    with node.journal.reading_at() as (connection, now):
        row = find_open(connection, request, now)
        held = _find_held(connection, request, actor, now)
        source = file_of(connection, row.document, "draft")
    wanted = certificate or base64.b64decode(row.certificate or "")
    if not wanted:
        raise InputError(
            f"the certificate of {row.person} is needed to begin.", advice="Name it with --certificate."
        )
    require_wanted(row, wanted)
    if held is not None:
        state = _load_state(node, held)
        if state.certificate == wanted:
            return _offer(row, held, state)
    with node.workspace.scratch() as folder:
        state = begin_signing(
            fetch(node, source.sha256, folder / "draft.pdf"),
            certificate=wanted,
            chain=tuple(chain),
            role=row.role,
            level=row.level,
            image=image,
            trust=node.trust,
            online=node.online,
            at=now,
        )
    stored = node.objects.put(io.BytesIO(state.to_json().encode()))
    with node.journal.transaction(actor=actor) as tx:
        claim = _enter_claim(tx, row, stored, lease)
    return _offer(row, claim, state)


def _find_held(connection: Connection, request: int, actor: str, now: datetime) -> Row[Any] | None:
    """The claim that is the actor's now; raises `Refused` if it is somebody else's."""
    claims = _claims(connection, request)
    if not claims or claims[0].lease_until <= instant(now):
        return None
    if claims[0].taken_by != actor:
        raise Refused(
            f"{claims[0].taken_by} holds it until {claims[0].lease_until}.",
            where=f"request {request}",
            advice="Wait until then, or ask whoever holds it.",
        )
    return claims[0]


def _claims(connection: Connection, request: int) -> Sequence[Row[Any]]:
    """A request's claims, the newest first: only that one counts."""
    query = select(t.signing_claims).where(_C.request == request).order_by(_C.id.desc())
    return connection.execute(query).all()


def _enter_claim(tx: Transaction, row: Row[Any], stored: Stored, lease: timedelta) -> Row[Any]:
    require_clock(tx)
    tx.document(row.document)  # its row is held: one takes at a time
    find_open(tx.connection, row.id, tx.now)
    _find_held(tx.connection, row.id, tx.actor, tx.now)
    values = {"request": row.id, "taken_by": tx.actor, "taken_at": tx.at, "sha256": stored.sha256}
    until = instant(tx.now + lease)
    adding = insert(t.signing_claims).values(**values, lease_until=until).returning(t.signing_claims)
    claim = tx.connection.execute(adding).one()
    tx.note(row.document, "take", request=row.id, claim=claim.id, lease_until=until, sha256=stored.sha256)
    return claim


def _offer(row: Row[Any], claim: Row[Any], state: SigningState) -> Offer:
    return Offer(
        request=row.id,
        claim=claim.id,
        document=row.document,
        subject=row.dispatch.get("subject", ""),
        role=row.role,
        source_sha256=state.source_sha256,
        lease_until=datetime.fromisoformat(claim.lease_until),
        state=state,
    )


def _load_state(node: Node, claim: Row[Any]) -> SigningState:
    with open_verified(node.objects, claim.sha256) as source:
        return SigningState.from_json(source.read().decode())


def fetch_draft(node: Node, request: int, target: Path) -> Path:
    """Copy what a request asks to sign to `target`, for whoever wants to read it first."""
    with node.journal.reading() as connection:
        source = file_of(connection, find_request(connection, request).document, "draft")
    return fetch(node, source.sha256, target)


def hand_in(node: Node, request: int, value: bytes, *, actor: str) -> str:
    """Complete a request with its signature value: RSA's as it is, ECDSA's in DER; returns the document's id.

    After the document's last signature it is SIGNED, and the node numbers it. Raises `Refused` if the value
    does not verify over what was taken last, or the request cannot be signed any more; `NotVerified` with
    every reason if the signed file is not TOTAL_PASSED; then the same value may be handed in again.
    """
    if not 0 < len(value) <= MAX_VALUE:
        raise InputError(f"a signature has 1 to {MAX_VALUE} bytes.", where=f"request {request}")
    value_hash = hashlib.sha256(value).hexdigest()
    with node.journal.reading_at() as (connection, now):
        row, claims = find_request(connection, request), _claims(connection, request)
        if any(claim.value_hash == value_hash for claim in claims):
            return str(row.document)
        find_open(connection, request, now)
        source, *_ = reversed(files_of(connection, row.document, "draft"))
    if not claims:
        raise Refused(
            "nobody has taken it.", where=f"request {request}", advice=f"First 'edoc queue take {request}'."
        )
    state = _load_state(node, claims[0])
    _require_newest(node, claims, state, value)
    with node.workspace.scratch() as folder:
        draft, signed = fetch(node, source.sha256, folder / "draft.pdf"), folder / "signed.pdf"
        complete_signing(state, value, signed, src=draft, online=node.online, trust=node.trust)
        _require_passed(node, signed, state.field, node.online)
        stored = store(node, signed)
    with node.journal.transaction(actor=actor) as tx:
        _finish(tx, row, claims[0], value_hash, stored)
    return str(row.document)


def _require_newest(node: Node, claims: Sequence[Row[Any]], state: SigningState, value: bytes) -> None:
    """Raise `Refused` with a better reason if the signature belongs to an earlier taking."""
    if _verifies(state, value):
        return
    for claim in claims[1:]:
        if _verifies(_load_state(node, claim), value):
            raise Refused(
                f"this signature belongs to the taking of {claim.taken_at}; {claims[0].taken_by} took it"
                f" over on {claims[0].taken_at}.",
                where=f"request {claim.request}",
                advice="Take the request again and sign its new digest.",
            )


def _verifies(state: SigningState, value: bytes) -> bool:
    return verify_value(state.certificate, state.attributes, value, digest=state.digest, scheme=state.scheme)


def _require_passed(node: Node, signed: Path, field: str, online: Online) -> None:
    """Raise `NotVerified` unless every signature in the file passes, the new one among them."""
    with node.journal.reading_at() as (_, now):
        report = verify(signed, trust=node.trust, at=now, fetcher=online.fetcher)
    made = [signature for file in report.files for signature in file.signatures if signature.field == field]
    if len(made) == 1 and report.exit_code == 0:
        return
    reasons = tuple(report.reasons())
    raise NotVerified(
        f"the signed document does not pass: {'; '.join(reasons) or 'the new signature is not in it'}.",
        reasons=reasons,
        advice="Remove the reason, then hand the same signature in again.",
    )


def _finish(tx: Transaction, row: Row[Any], claim: Row[Any], value_hash: str, stored: Stored) -> None:
    """Keep the signed file; after the last signature the document's life goes on."""
    require_clock(tx)
    tx.document(row.document)
    newest = _claims(tx.connection, row.id)[0]
    if newest.value_hash == value_hash:  # handed in twice at the same moment
        return
    find_open(tx.connection, row.id, tx.now)
    if newest.id != claim.id:
        raise Refused(
            f"{newest.taken_by} took it over on {newest.taken_at}.",
            where=f"request {row.id}",
            advice="Take the request again and sign its new digest.",
        )
    tx.connection.execute(update(t.signing_claims).where(_C.id == claim.id).values(value_hash=value_hash))
    requests = t.signing_requests
    tx.connection.execute(update(requests).where(requests.c.id == row.id).values(signed_at=tx.at))
    left = (requests.c.document == row.document) & requests.c.signed_at.is_(None)
    others = tx.connection.execute(select(requests.c.id).where(left).limit(1)).first()
    name = files_of(tx.connection, row.document, "draft")[0].name
    details = {"request": row.id, "role": row.role, "sha256": stored.sha256}
    if others is not None:
        tx.keep(row.document, "draft", f"{row.position}-{name}", stored)
        tx.note(row.document, "sign", **details)
        return
    tx.keep(row.document, "signed", name, stored)
    tx.advance(row.document, Event.SIGN, **details)
