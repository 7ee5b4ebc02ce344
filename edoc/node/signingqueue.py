"""The queue of documents that wait for a person's key: enter, look, refuse, expire.

    document = submit(node, draft, [ready], signers=[Signer(person="Nguyễn Văn A")], actor="vanthu")
    for waiting in list_requests(node): ...

A document enters prepared but unsigned, with one request for each person who must sign, in their order. A
desk takes a request, signs the digest and hands the signature in (`edoc.node.signingdesk`); after the last
one the document goes the ordinary way. Who must sign may refuse; what nobody signed in time ends. Serves
NĐ 30/2020 Art 13 and 14 (the competent person signs before number and date are given) and Art 32.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, insert, select

from edoc.core.chain import CertificateKind
from edoc.core.entryfields import RegisterNumber
from edoc.core.folding import spell
from edoc.core.lifecycle import Event, State
from edoc.errors import InputError, Refused
from edoc.node import clerk, registers
from edoc.node import tables as t
from edoc.node.journal import Transaction
from edoc.node.node import Node
from edoc.node.tables import instant
from edoc.roles.role import load_role
from edoc.signing import LEVELS
from edoc.trust.certificates import read_certificate

PATIENCE: Final = timedelta(days=7)
"""So long a document waits for its signatures, unless its clerk says otherwise."""
MAX_SIGNERS: Final = 16
MAX_WORDS: Final = 500
"""Characters of a name or a reason."""
_ADVICE: Final = "See 'edoc queue list'."


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who must sign: a person by the name in the certificate, or the owner of one certificate."""

    person: str | None = None
    certificate: bytes | None = None
    """DER."""
    role: str = "person"
    """A preset, or the path of a file (`edoc.roles`)."""
    level: str = "B-B"
    """What the signature is to reach; B-T and above need a TSA in the node's settings."""


def submit(
    node: Node,
    draft: Mapping[str, Any],
    attach: Sequence[Path],
    *,
    signers: Sequence[Signer],
    actor: str,
    expires_at: datetime | None = None,
    series: str | None = None,
    number: RegisterNumber | None = None,
) -> str:
    """Enter a prepared document that waits for these signers, one after the other; returns its id.

    The rest is as in `clerk.submit`: the same draft and files again return the same id. `expires_at` has an
    offset; it is `PATIENCE` from now if left out. Raises `InputError` if the draft, a file or a signer cannot
    be used.
    """
    if not 1 <= len(signers) <= MAX_SIGNERS:
        raise InputError(f"name one to {MAX_SIGNERS} people who must sign.")
    rows = [_check(signer) for signer in signers]
    submission = clerk.read_submission(node, draft, attach, series=series, number=number)

    def queue(tx: Transaction, document: str) -> None:
        until = expires_at or tx.now + PATIENCE
        if until <= tx.now:
            raise InputError("the time until which it is to be signed is over.", where=until.isoformat())
        tx.connection.execute(
            insert(t.signing_requests).values(document=document, expires_at=instant(until)),
            [{"position": place, **row} for place, row in enumerate(rows, 1)],
        )
        names = [row["person"] or _name(row["certificate"]) for row in rows]
        roles = [row["role"] for row in rows]
        tx.note(document, "queue", signers=names, roles=roles, expires_at=instant(until))

    return clerk.enter(node, submission, actor=actor, queue=queue)


def _check(signer: Signer) -> dict[str, Any]:
    """The request's values; raises `InputError` for a signer who cannot sign here."""
    role = load_role(signer.role)
    if role.kind is not CertificateKind.PERSON:
        raise InputError(
            f"a {role.kind} does not sign in this queue; the node makes seals itself.", where=signer.role
        )
    if signer.level not in LEVELS:
        raise InputError(f"the level is one of {', '.join(LEVELS)}.", where=signer.level)
    named = (signer.person or "").strip()
    if bool(named) is (signer.certificate is not None) or len(named) > MAX_WORDS:
        raise InputError(
            "who must sign is named either by a person's name or by a certificate.",
            advice="Give one of them (--person NAME or --certificate FILE).",
        )
    if signer.certificate is not None:
        require_person(signer.certificate)
    return {
        "role": str(Path(signer.role).absolute()) if signer.role.endswith(".toml") else signer.role,
        "person": named or None,
        "certificate": signer.certificate and base64.b64encode(signer.certificate).decode(),
        "level": signer.level,
    }


def require_person(certificate: bytes) -> str:
    """Return the common name in a person's certificate (DER); raises `InputError` for any other."""
    facts = read_certificate(certificate)
    if facts.kind is not CertificateKind.PERSON:
        raise InputError(
            f"the certificate of {facts.common_name} is of the kind {facts.kind}, not of a person.",
            advice="Name the certificate of the person who signs.",
        )
    return facts.common_name


def require_wanted(row: Row[Any], certificate: bytes) -> None:
    """Raise `Refused` unless the certificate is the one, or of the person, that the request names."""
    name = require_person(certificate)
    if row.certificate is not None and base64.b64decode(row.certificate) != certificate:
        raise Refused(
            f"another certificate must sign: that of {_name(row.certificate)}, which the request names.",
            where=f"request {row.id}",
            advice="Take the request with that certificate.",
        )
    if row.person is not None and spell(row.person) != spell(name):
        raise Refused(
            f"{row.person} must sign, and this is the certificate of {name}.",
            where=f"request {row.id}",
            advice="Take the request with the certificate of the person whom it names.",
        )


def _name(certificate: str) -> str:
    return read_certificate(base64.b64decode(certificate)).common_name


def list_requests(node: Node, *, person: str | None = None, everything: bool = False) -> list[dict[str, Any]]:
    """Give the requests that can be signed now, of one person if named; the oldest first.

    With `everything` also those that wait for another signer, expired, were signed, or whose document ended.
    """
    query = _requests().order_by(_R.id)
    if not everything:
        query = query.where((t.documents.c.state == State.DRAFTED.value) & _R.signed_at.is_(None))
    with node.journal.reading_at() as (connection, now):
        rows = connection.execute(query).all()
        claims = _newest_claims(connection, [row.id for row in rows])
    firsts: dict[str, int] = {}
    for row in rows:
        if row.signed_at is None:
            firsts.setdefault(row.document, row.id)
    told = [_tell(row, claims.get(row.id), instant(now), first=firsts.get(row.document)) for row in rows]
    wanted = None if person is None else spell(person)
    return [
        each
        for each in told
        if (everything or each["state"] in ("open", "taken"))
        and (wanted is None or spell(each["person"]) == wanted)
    ]


def _tell(row: Row[Any], claim: Row[Any] | None, now: str, *, first: int | None) -> dict[str, Any]:
    taken = claim if claim is not None and row.signed_at is None and claim.lease_until > now else None
    return {
        "request": row.id,
        "document": row.document,
        "state": _state(row, now, first=first, taken=taken is not None),
        "subject": row.dispatch.get("subject", ""),
        "notation": (row.dispatch.get("code") or {}).get("code_notation", ""),
        "role": row.role,
        "person": row.person or _name(row.certificate),
        "certificate": row.certificate,
        "level": row.level,
        "expires_at": row.expires_at,
        "signed_at": row.signed_at,
        "taken_by": taken and taken.taken_by,
        "lease_until": taken and taken.lease_until,
    }


def _state(row: Row[Any], now: str, *, first: int | None, taken: bool) -> str:
    if row.signed_at is not None:
        return "signed"
    if row.state != State.DRAFTED:
        return "ended"
    if row.expires_at <= now:
        return "expired"
    if row.id != first:
        return "waiting"
    return "taken" if taken else "open"


_R: Final = t.signing_requests.c


def _requests() -> Select[Any]:
    d = t.documents.c
    return select(t.signing_requests, d.dispatch, d.state).join_from(t.signing_requests, t.documents)


def _newest_claims(connection: Connection, requests: Sequence[int]) -> dict[int, Row[Any]]:
    query = select(t.signing_claims).where(t.signing_claims.c.request.in_(requests))
    return {row.request: row for row in connection.execute(query.order_by(t.signing_claims.c.id))}


def find_request(connection: Connection, request: int) -> Row[Any]:
    """Return a request with its document's `dispatch` and `state`; raises `InputError` if there is none."""
    row = connection.execute(_requests().where(_R.id == request)).first()
    if row is None:
        raise InputError("there is no such request in the signing queue.", where=str(request), advice=_ADVICE)
    return row


def find_open(connection: Connection, request: int, now: datetime) -> Row[Any]:
    """Return a request that can be signed now, as `find_request` does; raises `Refused` that says why not."""
    row = find_request(connection, request)
    earlier = select(_R.id).where(
        (_R.document == row.document) & (_R.position < row.position) & _R.signed_at.is_(None)
    )
    first = connection.execute(earlier.order_by(_R.position).limit(1)).scalar()
    reason = {
        "signed": f"it was signed already on {row.signed_at}.",
        "ended": f"its document is {row.state}: there is nothing left to sign.",
        "expired": f"it was to be signed until {row.expires_at}.",
        "waiting": f"somebody else must sign the document first (request {first}).",
    }.get(_state(row, instant(now), first=first or row.id, taken=False))
    if reason is not None:
        raise Refused(reason, where=f"request {request}", advice=_ADVICE)
    return row


def refuse(node: Node, request: int, *, reason: str, actor: str) -> None:
    """Give back a document unsigned: it is voided, with the reason, and a number held for it is struck out.

    Raises `InputError` without a reason, and `Refused` if it cannot be signed any more.
    """
    if not 0 < len(reason.strip()) <= MAX_WORDS:
        raise InputError(f"write why, in at most {MAX_WORDS} characters.", advice="Name it with --reason.")
    with node.journal.transaction(actor=actor) as tx:
        tx.document(find_request(tx.connection, request).document)
        row = find_open(tx.connection, request, tx.now)
        _void(tx, row, reason.strip())


def expire(node: Node) -> list[str]:
    """Void documents that nobody signed in time; returns their ids."""
    late = select(_R.id).where(_R.signed_at.is_(None)).join(t.documents).order_by(_R.document, _R.position)
    with node.journal.transaction(actor="signing-queue") as tx:
        drafted = t.documents.c.state == State.DRAFTED.value
        due = tx.connection.execute(late.where(drafted & (_R.expires_at <= tx.at))).scalars().all()
        ended = []
        for request in due:
            document = tx.document(find_request(tx.connection, request).document)
            if document.state == State.DRAFTED:  # several requests of one document end it once
                row = find_request(tx.connection, request)
                _void(tx, row, f"Quá hạn ký {row.expires_at} (nobody signed it in time).")
                ended.append(str(document.id))
    return ended


def _void(tx: Transaction, row: Row[Any], reason: str) -> None:
    registers.void_number(tx, document=row.document, reason=reason)
    tx.advance(row.document, Event.REFUSE, request=row.id, reasons=[reason])
    # it was never signed: the same draft may come again
    freed = hashlib.sha256(f"{tx.document(row.document).submission} {row.document}".encode()).hexdigest()
    tx.change(row.document, submission=freed)
