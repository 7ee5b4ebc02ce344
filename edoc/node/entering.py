"""Enters packages that arrived and are durable here: a document, an order about one, or a status.

The key (sender, document, hash) is kept for good: the same package again gets the same answer again, another
package under the same identifier is kept as evidence of a conflict and changes nothing.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final

import structlog
from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from edoc.core.dispatch import Dispatch, StatusUpdate
from edoc.core.ids import parse_agency_code
from edoc.core.lifecycle import Event, State, Work, status_event
from edoc.core.orders import own_id, read_order, recall_from_status
from edoc.core.ports import Parcel, Stored
from edoc.edxml.admission import EVERYTHING
from edoc.edxml.limits import DEFAULT_LIMITS
from edoc.errors import EdocError, InputError
from edoc.node import arrivedorders, orders
from edoc.node import tables as t
from edoc.node.durable import disk_errors
from edoc.node.journal import Transaction
from edoc.node.node import Node
from edoc.node.scratch import fetch
from edoc.node.settling import settle
from edoc.node.tracing import telling_arrival
from edoc.packing import unpack

log = structlog.get_logger()
_EARLIER: Final = select(t.inbox).where(
    (t.inbox.c.sender == bindparam("the_sender"))
    & (t.inbox.c.kind == bindparam("the_kind"))
    & (t.inbox.c.key == bindparam("the_key"))
)
_RECORDING: Final = insert(t.inbox)
_ANSWERED: Final = (
    select(t.documents.c.id)
    .join_from(t.documents, t.deliveries)
    .where((t.documents.c.direction == "outgoing") & (t.documents.c.document_id == bindparam("named")))
    .where(t.deliveries.c.recipient == bindparam("by"))
)
_ALL_LET_IN = replace(DEFAULT_LIMITS, admission=EVERYTHING)
"""Who sent a package is looked at first, whatever it carries: else nobody could be answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A package that came by the transport and is durable here."""

    parcel: Parcel
    stored: Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What became of an arrival."""

    fits: bool | None = None
    """Whether it is a package; None: it waits, and is looked at again."""
    trouble: EdocError | None = None
    """Why it waits, if something is wrong here."""


def enter_packages(node: Node, arrivals: Sequence[Arrival]) -> list[Entered]:
    """Decide what packages are that are durable here, and enter each, once, in this order.

    They are committed together, or one by one if one of them cannot be entered now.
    """
    outcomes = dict[int, Entered]()
    messages = dict[int, Dispatch | StatusUpdate]()
    for place, arrival in enumerate(arrivals):
        read = _read(node, arrival)
        if isinstance(read, Entered):
            outcomes[place] = read
        else:
            messages[place] = read
    entered = _enter_all(node, [(arrivals[place], message) for place, message in messages.items()])
    outcomes |= zip(messages, entered, strict=True)
    return [outcomes[place] for place in range(len(arrivals))]


def _read(node: Node, arrival: Arrival) -> Dispatch | StatusUpdate | Entered:
    """Read what came; what is no package is kept as that."""
    stored, parcel = arrival.stored, arrival.parcel
    try:
        with (
            telling_arrival(parcel.message_id),
            disk_errors(Path(gettempdir())),
            node.workspace.scratch(stored.size) as folder,
        ):
            package = unpack(fetch(node, stored.sha256, folder / "package.edxml"), limits=_ALL_LET_IN)
        message = package.dispatch or package.status
        assert message is not None  # noqa: S101 - it is one of the two
        parse_agency_code(message.from_.organ_id)  # who cannot be named cannot be answered
        type(message).from_dict(message.to_dict())  # what is kept must be readable again
    except InputError as error:
        return _unreadable(node, arrival, str(error))
    except EdocError as error:  # our own trouble: the package waits until it is over
        return Entered(trouble=error)
    except Exception as error:  # one poisonous package must not hold up the others
        log.exception("package cannot be read", message_id=parcel.message_id)
        return _unreadable(node, arrival, f"unexpected {type(error).__name__}")
    return message


def _unreadable(node: Node, arrival: Arrival, reason: str) -> Entered:
    try:
        keep_unreadable(node, arrival.parcel, arrival.stored, reason)
    except EdocError as error:
        return Entered(trouble=error)
    return Entered(fits=False)


def _enter_all(node: Node, messages: Sequence[tuple[Arrival, Dispatch | StatusUpdate]]) -> list[Entered]:
    if not messages:
        return []
    try:
        with node.journal.transaction(actor="transport") as tx:
            answered = [_find_answered(tx, message) for _, message in messages]
            tx.lock({document for document in answered if document is not None})
            for (arrival, message), document in zip(messages, answered, strict=True):
                _enter(node, tx, arrival, message, document)
    except (EdocError, IntegrityError) as error:
        if len(messages) > 1:
            return [each for message in messages for each in _enter_all(node, [message])]
        if isinstance(error, EdocError):
            return [Entered(trouble=error)]
        # another worker entered it at the same moment
        log.warning("package met twice", message_id=messages[0][0].parcel.message_id)
        return [Entered()]
    return [Entered(fits=True)] * len(messages)


def _find_answered(tx: Transaction, message: Dispatch | StatusUpdate) -> str | None:
    """The document of ours that a status speaks of, if it was sent to that sender at all."""
    if isinstance(message, Dispatch):
        return None
    named = {"named": message.response_for.document_id, "by": message.from_.organ_id}
    document: str | None = tx.raw.execute(_ANSWERED, named).scalar()
    return document


def _enter(
    node: Node,
    tx: Transaction,
    arrival: Arrival,
    message: Dispatch | StatusUpdate,
    answered: str | None,
) -> None:
    receiver = node.settings.agency.organ_id
    entry = _Entry(parcel=arrival.parcel, stored=arrival.stored, tx=tx, receiver=receiver)
    if isinstance(message, Dispatch):
        _enter_document(entry, message)
    else:
        _enter_status(entry, message, answered)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A package that is durable here, about to be entered."""

    parcel: Parcel
    stored: Stored
    tx: Transaction
    receiver: str
    """This agency."""

    def earlier(self, sender: str, kind: str, key: str) -> list[Row[Any]]:
        """What came before under the same key."""
        named = {"the_sender": sender, "the_kind": kind, "the_key": key}
        return list(self.tx.raw.execute(_EARLIER, named))

    def record(self, sender: str, kind: str, key: str, outcome: str, document: str | None) -> None:
        """Keep the permanent key; the log tells to which document the package belongs."""
        log.info("package known", message_id=self.parcel.message_id, outcome=outcome, document=document)
        row = {
            "sender": sender,
            "kind": kind,
            "key": key,
            "sha256": self.stored.sha256,
            "message_id": self.parcel.message_id,
            "outcome": outcome,
            "document": document,
            "received_at": self.tx.at,
        }
        self.tx.raw.execute(_RECORDING, row)


def keep_unreadable(node: Node, parcel: Parcel, stored: Stored, reason: str) -> None:
    """Write down that what came as a package is none, once for the same bytes; they stay as evidence."""
    with node.journal.transaction(actor="transport") as tx:
        entry = _Entry(parcel=parcel, stored=stored, tx=tx, receiver=node.settings.agency.organ_id)
        if not entry.earlier("", "damaged", stored.sha256):
            entry.record("", "damaged", stored.sha256, "unreadable", None)
            tx.note(None, "unreadable", message_id=parcel.message_id, sha256=stored.sha256, reason=reason)


def _enter_document(entry: _Entry, dispatch: Dispatch) -> None:
    tx, stored = entry.tx, entry.stored
    order = read_order(dispatch, receiver=entry.receiver)
    sender, document_id = dispatch.from_.organ_id, own_id(dispatch, order)
    arrivedorders.hold(tx, sender, document_id, order)
    # without an identifier of its own a package is known by its bytes
    key = hashlib.sha256(document_id.encode()).hexdigest() if document_id else stored.sha256
    earlier = entry.earlier(sender, "document", key)
    same = next((row for row in earlier if row.sha256 == stored.sha256), None)
    if same is not None:
        tx.note(same.document, "received-again", message_id=entry.parcel.message_id, outcome=same.outcome)
        if same.outcome == "entered":
            _answer_again(tx, same.document)
        return
    if earlier:
        entry.record(sender, "document", key, "conflict", earlier[0].document)
        tx.note(earlier[0].document, "conflict", sha256=stored.sha256, message_id=entry.parcel.message_id)
        return
    document = uuid.uuid4().hex
    tx.begin(
        document,
        "incoming",
        state=State.ORDERED if order is not None and order.bare else None,
        submission=hashlib.sha256(f"{sender} {key}".encode()).hexdigest(),
        document_id=document_id or None,
        organ_id=sender,
        dispatch=dispatch.to_dict(),
    )
    entry.record(sender, "document", key, "entered", document)
    tx.keep(document, "package", f"{entry.parcel.message_id}.edxml", stored)
    if order is not None:
        arrivedorders.enter(tx, document, sender, order)
    arrivedorders.catch_up(tx, document, sender, document_id)


def _answer_again(tx: Transaction, document: str) -> None:
    """The sender did not hear our receipt: send the same bytes once more."""
    tx.connection.execute(
        update(t.tasks)
        .where(
            (t.tasks.c.document == document)
            & (t.tasks.c.kind == Work.ANSWER.value)
            & (t.tasks.c.argument == "01")
        )
        # whoever is at it this moment sends the same bytes, and must not end what is asked for anew
        .values(done_at=None, lease_until=None, due_at=tx.at, fence=t.tasks.c.fence + 1)
    )


def _enter_status(entry: _Entry, status: StatusUpdate, document: str | None) -> None:
    tx, stored = entry.tx, entry.stored
    sender = status.from_.organ_id
    if entry.earlier(sender, "status", stored.sha256):
        return
    event = status_event(status.status_code)
    if event is Event.STATUS_13:  # a recall without a dispatch
        _enter_document(entry, recall_from_status(status))
        return
    if document is None or event is None:
        entry.record(sender, "status", stored.sha256, "unmatched", document)
        tx.note(document, "unmatched-status", sender=sender, code=status.status_code, sha256=stored.sha256)
        return
    entry.record(sender, "status", stored.sha256, "entered", document)
    tx.keep(document, f"status-{status.status_code}", f"{sender}-{status.status_code}.edxml", stored)
    after = tx.move_delivery(document, sender, event)
    tx.note(document, event.value, after=after, recipient=sender, description=status.description)
    settle(tx, document)
    orders.hear(tx, document, sender, event, after)
