"""What people do at a node: submit a signed document, act on one that arrived, look.

document = clerk.submit(node, draft, [Path("signed.pdf")], actor="vanthu")
clerk.act(node, document, Event.COMPLETE, actor="vanthu")
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, case, select

from edoc.core.annex6 import require_fitting
from edoc.core.dispatch import Attachment, Dispatch
from edoc.core.entryfields import RegisterNumber
from edoc.core.ids import display_number, make_document_id, parse_agency_code
from edoc.core.lifecycle import Event, State, Work
from edoc.core.ports import Stored
from edoc.errors import InputError, Refused
from edoc.node import headers, orders, registers, reservations, terms
from edoc.node import tables as t
from edoc.node.alerts import alerts_of
from edoc.node.journal import Transaction
from edoc.node.listing import summarize
from edoc.node.node import Node
from edoc.node.scratch import store
from edoc.pdf.document import inspect
from edoc.signing import require_person_signed

CLERK_EVENTS: Final = (Event.ASSIGN, Event.PROCESS, Event.COMPLETE)
"""What a clerk may do with a document that arrived and was registered."""
Queueing = Callable[[Transaction, str], None]
"""Says, in the transaction that enters a document, who must sign it first."""


def submit(
    node: Node,
    draft: Mapping[str, Any],
    attach: Sequence[Path],
    *,
    actor: str,
    series: str | None = None,
    number: RegisterNumber | None = None,
) -> str:
    """Enter a document that a competent person has signed; the node numbers, seals, packs and sends it.

    `draft` is a dispatch (`schemas/draft.schema.json`) without what the node gives: number, date, document
    id, sender. `attach` names the signed and prepared PDF first, then annexes. Returns the document's id in
    this node; the same draft and files again return the same id. `series` is that of an advisory body,
    `number` one that was reserved for this document.

    Raises `InputError` if the draft or a file cannot be used, and `Refused` if the first PDF carries no valid
    signature of a competent person (NĐ 30/2020 Art 32).
    """
    submission = read_submission(node, draft, attach, series=series, number=number)
    require_person_signed(attach[0], trust=node.trust, at=node.journal.clock())
    return enter(node, submission, actor=actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A document that can be entered; made by `read_submission`."""

    dispatch: dict[str, Any]
    attach: tuple[Path, ...]
    book: str
    number: RegisterNumber | None


def read_submission(
    node: Node,
    draft: Mapping[str, Any],
    attach: Sequence[Path],
    *,
    series: str | None = None,
    number: RegisterNumber | None = None,
) -> Submission:
    """Check everything about a document but its signatures; takes and raises what `submit` does."""
    if not attach:
        raise InputError("a document needs its signed PDF.", advice="Name it with --attach.")
    dispatch = _complete_draft(node, draft, [path.name for path in attach])
    require_fitting(dispatch, "outgoing")
    headers.require_no_secret(Dispatch.from_dict(dispatch))
    book = registers.choose_series(node.settings.register_, "outgoing", number.series if number else series)
    if not inspect(attach[0]).prepared:
        raise Refused(
            "it has no fields for number, date and seal.",
            where=str(attach[0]),
            advice="Make them with 'edoc prepare' before the person signs.",
        )
    return Submission(dispatch=dispatch, attach=tuple(attach), book=book, number=number)


def enter(node: Node, submission: Submission, *, actor: str, queue: Queueing | None = None) -> str:
    """Enter a document; `queue` lets it wait for a person's signature first. Returns its id in this node."""
    files = [(path.name, store(node, path)) for path in submission.attach]
    key = _submission(submission.dispatch, [stored for _, stored in files])
    with node.journal.transaction(actor=actor) as tx:
        known = tx.connection.execute(
            select(t.documents.c.id).where(
                (t.documents.c.direction == "outgoing") & (t.documents.c.submission == key)
            )
        ).scalar()
        if known is not None:
            return str(known)
        document = uuid.uuid4().hex
        tx.begin(
            document,
            "outgoing",
            state=None if queue is None else State.DRAFTED,
            submission=key,
            organ_id=node.settings.agency.organ_id,
            dispatch=submission.dispatch,
            series=submission.book,
        )
        orders.announce(tx, document, Dispatch.from_dict(submission.dispatch))
        if submission.number is not None:
            reservations.hold(tx, submission.number, document=document)
        first = "signed" if queue is None else "draft"
        for index, (name, stored) in enumerate(files):
            tx.keep(document, "annex" if index else first, name, stored)
        if queue is not None:
            queue(tx, document)
    return document


_GIVEN_BY_NODE: Final = (
    "document_id",
    "code.code_number",
    "promulgation_info.promulgation_date",
    "attachments",
    "trace_headers",
)


def _complete_draft(node: Node, draft: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Check the draft and put in what the node knows; number and date come later."""
    agency = node.settings.agency.organization
    read = Dispatch.from_dict({"from": {"organ_id": agency.organ_id}, **draft})
    for name in _GIVEN_BY_NODE:
        if _value(read, name):
            raise InputError("the node gives this; leave it out of the draft.", where=name)
    if read.from_.organ_id != agency.organ_id:
        raise Refused(f"this node sends only for {agency.organ_id}.", where="from.organ_id")
    required = {"to": read.to, "code.code_notation": read.code.code_notation, "subject": read.subject}
    for name, value in required.items():
        if not value:
            raise InputError("this is missing in the draft.", where=name)
    for recipient in read.to:
        parse_agency_code(recipient.organ_id)
    # whatever cannot become an identifier shows now, to the clerk, not after a number was given
    make_document_id(agency.organ_id, date.max, display_number(1), read.code.code_notation)
    attachments = tuple(
        Attachment(name=name, content_id=f"att-{index}") for index, name in enumerate(names, 1)
    )
    return replace(read, from_=agency, attachments=attachments).to_dict()


def _value(dispatch: Dispatch, name: str) -> Any:
    value: Any = dispatch
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _submission(dispatch: Mapping[str, Any], files: Sequence[Stored]) -> str:
    text = json.dumps([dispatch, [stored.sha256 for stored in files]], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def act(node: Node, document: str, event: Event, *, actor: str) -> None:
    """Assign, process or complete an arrived document; its sender is told (04, 05, 06).

    Raises `Refused` if that is not possible in its present state.
    """
    if event not in CLERK_EVENTS:
        raise Refused(f"'{event.value}' is not a clerk's act.")
    with node.journal.transaction(actor=actor) as tx:
        if tx.document(document).direction != "incoming":
            raise Refused(
                "only a document that arrived can be assigned, processed or completed.", where=document
            )
        tx.advance(document, event)


def refuse(node: Node, document: str, *, reason: str, actor: str) -> None:
    """Return a document that arrived, as misaddressed for instance; its sender is told why (02).

    An arrival number that it has stays where it is. NĐ 30/2020 Art 21.2b. Raises `InputError` without a
    reason, and `Refused` if that is not possible in its present state.
    """
    if not reason.strip():
        raise InputError("a refusal needs a reason.", advice="Name it with --reason.")
    with node.journal.transaction(actor=actor) as tx:
        if tx.document(document).direction != "incoming":
            raise Refused("only a document that arrived can be refused.", where=document)
        tx.advance(document, Event.REFUSE, reasons=[reason])


def find(node: Node, name: str) -> Row[Any]:
    """Return the document of that id in this node, or of that edXML DocumentId.

    Raises `InputError` if there is none.
    """
    query = select(t.documents).where((t.documents.c.id == name) | (t.documents.c.document_id == name))
    with node.journal.reading() as connection:
        row = connection.execute(query).first()
    if row is None:
        raise InputError("there is no such document in this node.", where=name, advice="See 'edoc list'.")
    return row


def documents(node: Node, *, direction: str | None = None) -> list[Row[Any]]:
    """Return all documents, the oldest first."""
    query = select(t.documents).order_by(t.documents.c.created_at, t.documents.c.id)
    if direction is not None:
        query = query.where(t.documents.c.direction == direction)
    with node.journal.reading() as connection:
        return list(connection.execute(query))


def story(node: Node, document: str, *, after: int = 0) -> list[Row[Any]]:
    """Return a document's audit entries in order, those after entry number `after`."""
    query = (
        select(t.audit)
        .where((t.audit.c.document == document) & (t.audit.c.seq > after))
        .order_by(t.audit.c.seq)
    )
    with node.journal.reading() as connection:
        return list(connection.execute(query))


def files(node: Node, document: str) -> list[Row[Any]]:
    """Return what the node keeps of a document, in the order it came."""
    query = select(t.files).where(t.files.c.document == document).order_by(t.files.c.id)
    with node.journal.reading() as connection:
        return list(connection.execute(query))


def trouble(node: Node, document: str) -> list[Row[Any]]:
    """Return the document's work that was postponed or set aside, with the reasons."""
    query = select(t.tasks).where(
        (t.tasks.c.document == document) & t.tasks.c.done_at.is_(None) & t.tasks.c.error.is_not(None)
    )
    with node.journal.reading() as connection:
        return list(connection.execute(query))


_DELIVERIES: Final = (
    select(
        *t.deliveries.c,
        t.tasks.c.starts.label("attempts"),
        case((t.tasks.c.done_at.is_(None), t.tasks.c.due_at)).label("next_at"),
        t.tasks.c.expires_at,
        t.tasks.c.dead_at,
        t.tasks.c.code,
        t.tasks.c.error,
    )
    .join_from(
        t.deliveries,
        t.tasks,
        (t.tasks.c.document == t.deliveries.c.document)
        & (t.tasks.c.kind == Work.DELIVER.value)
        & (t.tasks.c.argument == t.deliveries.c.recipient),
        isouter=True,
    )
    .order_by(t.deliveries.c.recipient)
)
"""Each recipient's state, and what its delivery took so far."""


def _tell(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name


def tell(node: Node, name: str) -> dict[str, Any]:
    """Return everything the node knows of a document, ready for JSON."""
    row = find(node, name)
    with node.journal.reading_at() as (connection, now):
        deliveries = _tell(connection, _DELIVERIES.where(t.deliveries.c.document == row.id))
        about = (t.orders.c.document == row.id) | (t.orders.c.target == row.id)
        told_orders = _tell(connection, select(t.orders).where(about).order_by(t.orders.c.document))
        entry = registers.number_of(connection, row.id)
        alerts = alerts_of(connection, [row.id]).get(row.id, [])
        deadlines = [terms.summarize(term, now=now) for term in terms.terms_of(connection, row.id)]
    return {
        **summarize(row),
        "dispatch": row.dispatch,
        "events": [dict(entry._mapping) for entry in story(node, row.id)],  # noqa: SLF001
        "deliveries": deliveries,
        "orders": told_orders,
        "files": [dict(file._mapping) for file in files(node, row.id)],  # noqa: SLF001
        "register": entry and str(registers.ref(entry)),
        "alerts": alerts,
        "deadlines": deadlines,
        "trouble": [{"kind": task.kind, "error": task.error} for task in trouble(node, row.id)],
    }
