"""Orders about earlier documents, at their sender and at their receiver: recall, update, replace.

    orders.recall(node, document, reason="…", actor="vanthu")     # at the sender
    orders.decide(node, order, agree=True, actor="vanthu")        # at the receiver, where a person decides

What an order does is a table, `edoc.core.orders`. A recall is carried out at whatever stage: the sender
freezes the document and tells every recipient that may have it, a recipient cancels it. An order that
overtakes the document it names is remembered and takes effect when that one arrives. Serves QĐ 28/2018
Art 9.2 and NĐ 30/2020 Art 18.4b.
"""

import hashlib
import uuid
from typing import Any

from sqlalchemy import Row, insert, select, update

from edoc.core.dispatch import Dispatch
from edoc.core.lifecycle import Event, State, Work
from edoc.core.orders import (
    EFFECTS,
    Order,
    OrderKind,
    Verdict,
    answer_of,
    judge,
    make_recall,
    read_order,
)
from edoc.core.orders import update as update_header
from edoc.errors import InputError, Refused
from edoc.node import outbox, registers
from edoc.node import tables as t
from edoc.node.journal import Transaction
from edoc.node.node import Node
from edoc.node.settling import settle

_OWN_ID = "-TH"
"""What a recall's own DocumentId ends with: `thu hồi`."""


def recall(node: Node, document: str, *, reason: str, actor: str) -> str | None:
    """Take back a document that we issued; returns the order that tells its recipients so.

    None if nobody has to be told: it was not issued yet and its number is voided, or it had left for nobody.
    Recalling again changes nothing. Raises `InputError` without a reason, and `Refused` if the document is
    not ours or its life does not permit it.
    """
    if not reason.strip():
        raise InputError("a recall needs a reason.", advice="Name it with --reason.")
    with node.journal.transaction(actor=actor) as tx:
        row = tx.document(document)
        if row.direction != "outgoing":
            raise Refused("only a document that we issued can be recalled.", where=document)
        known = _order_about(tx, document)
        if known is not None:
            return known
        if tx.advance(document, Event.RECALL, reason=reason) is State.VOIDED:
            registers.void_number(tx, document=document, reason=reason)
            return None
        told = _freeze_deliveries(tx, document)
        settle(tx, document)
        if not told:
            return None
        original = Dispatch.from_dict(row.dispatch)
        order_id = f"{row.document_id}{_OWN_ID}"
        order = make_recall(
            original,
            reason=reason,
            to=tuple(to for to in original.to if to.organ_id in told),
            document_id=order_id,
        )
        return _begin_recall(tx, row, order)


def _order_about(tx: Transaction, document: str) -> str | None:
    query = select(t.orders.c.document).where(
        (t.orders.c.target == document) & (t.orders.c.kind == OrderKind.RECALL.value)
    )
    found: str | None = tx.connection.execute(query).scalar()
    return found


def _freeze_deliveries(tx: Transaction, document: str) -> set[str]:
    """Withhold what nobody has begun to deliver; returns the recipients that may have the document."""
    begun = set(
        tx.connection.execute(
            select(t.tasks.c.argument).where(
                (t.tasks.c.document == document)
                & (t.tasks.c.kind == Work.DELIVER.value)
                & (t.tasks.c.starts > 0)
            )
        ).scalars()
    )
    outbox.drop(tx.connection, document, {Work.DELIVER}, at=tx.at)
    told = set()
    query = select(t.deliveries.c.recipient, t.deliveries.c.state).where(t.deliveries.c.document == document)
    for recipient, state in tx.connection.execute(query).all():
        withheld = state == State.PENDING and recipient not in begun
        after = tx.move_delivery(document, recipient, Event.WITHHOLD if withheld else Event.RECALL)
        tx.note(document, "withhold" if withheld else "recall-told", after=after, recipient=recipient)
        if not withheld:
            told.add(recipient)
    return told


def _begin_recall(tx: Transaction, named: Row[Any], dispatch: Dispatch) -> str:
    order = uuid.uuid4().hex
    tx.begin(
        order,
        "outgoing",
        state=State.ORDERED,
        submission=hashlib.sha256(f"recall {named.id}".encode()).hexdigest(),
        document_id=dispatch.document_id,
        organ_id=named.organ_id,
        dispatch=dispatch.to_dict(),
    )
    _write(tx, order, named.organ_id, OrderKind.RECALL, named.document_id, bare=True, target=named.id)
    return order


def _write(
    tx: Transaction,
    order: str,
    sender: str,
    kind: OrderKind,
    named: str,
    *,
    bare: bool,
    target: str | None = None,
) -> None:
    tx.connection.execute(
        insert(t.orders).values(
            document=order, named=named, kind=kind.value, bare=bare, sender=sender, target=target
        )
    )


def hear(tx: Transaction, order: str, recipient: str, delivery: State) -> None:
    """Tell a document of ours what a recipient answered to the order about it."""
    event = answer_of(delivery)
    query = select(t.orders.c.target).where((t.orders.c.document == order) & t.orders.c.target.is_not(None))
    target = tx.connection.execute(query).scalar()
    if event is None or target is None:
        return
    tx.document(target)
    after = tx.move_delivery(target, recipient, event)
    tx.note(target, event.value, after=after, recipient=recipient, order=order)
    settle(tx, target)


def enter(tx: Transaction, document: str, sender: str, order: Order) -> None:
    """Write down what an arrived dispatch orders; one that carries no document takes effect at once."""
    for named in order.named:
        _write(tx, document, sender, order.kind, named, bare=order.bare)
    if order.bare:
        carry_out(tx, document)


def carry_out(tx: Transaction, document: str) -> None:
    """Do what an arrived dispatch orders, as far as no person has to decide; without orders do nothing."""
    query = select(t.orders).where((t.orders.c.document == document) & t.orders.c.outcome.is_(None))
    rows = tx.connection.execute(query.order_by(t.orders.c.named)).all()
    for row in rows:
        target = _find_named(tx, row.sender, row.named)
        kind = OrderKind(row.kind)
        verdict = judge(kind, None if target is None else State(tx.document(target).state))
        if verdict is Verdict.WAIT:
            _conclude(tx, row, target, None)
            continue
        if verdict is Verdict.AGREE and target is not None:
            tx.advance(target, EFFECTS[kind], order=document)
        # an order about what is not here stays open for the day that it arrives
        _conclude(tx, row, target, None if target is None else verdict)
        if row.bare:
            tx.advance(document, Event.AGREE if verdict is Verdict.AGREE else Event.DECLINE)


def _find_named(tx: Transaction, sender: str, named: str) -> str | None:
    """The arrived document of that identifier; only whoever sent it may order anything about it."""
    if not named:
        return None
    found: str | None = tx.connection.execute(
        select(t.documents.c.id)
        .where(
            (t.documents.c.direction == "incoming")
            & (t.documents.c.organ_id == sender)
            & (t.documents.c.document_id == named)
        )
        .order_by(t.documents.c.created_at)
    ).scalar()
    return found


def _conclude(tx: Transaction, row: Any, target: str | None, verdict: Verdict | None) -> None:
    tx.connection.execute(
        update(t.orders)
        .where((t.orders.c.document == row.document) & (t.orders.c.named == row.named))
        .values(target=target, outcome=None if verdict is None else verdict.value)
    )


def catch_up(tx: Transaction, document: str, sender: str, named: str) -> None:
    """Let orders take effect that overtook the document which just arrived."""
    if not named:
        return
    query = select(t.orders).where(
        (t.orders.c.sender == sender) & (t.orders.c.named == named) & t.orders.c.target.is_(None)
    )
    for row in tx.connection.execute(query).all():
        kind, order = OrderKind(row.kind), tx.document(row.document)
        if order.direction != "incoming" or kind is OrderKind.UPDATE:
            continue
        if not row.bare and order.state in {State.RECEIVED, State.VERIFIED, State.REFUSED}:
            continue  # it takes effect when it is registered, or never
        tx.advance(document, EFFECTS[kind], order=row.document)
        _conclude(tx, row, document, Verdict.AGREE)
        if row.bare:
            tx.advance(row.document, Event.AGREE)


def decide(node: Node, order: str, *, agree: bool, actor: str, reason: str = "") -> None:
    """Agree to an update that waits for a person, or decline it; its sender is told (15, 16).

    Raises `Refused` if the order waits for nobody.
    """
    with node.journal.transaction(actor=actor) as tx:
        dispatch = Dispatch.from_dict(tx.document(order).dispatch)
        query = select(t.orders).where((t.orders.c.document == order) & t.orders.c.outcome.is_(None))
        rows = [row for row in tx.connection.execute(query).all() if row.target is not None]
        if not rows or read_order(dispatch) is None:
            raise Refused("nothing about this waits for a decision.", where=order)
        tx.advance(order, Event.AGREE if agree else Event.DECLINE, reason=reason)
        for row in rows:
            if agree:
                tx.advance(row.target, EFFECTS[OrderKind(row.kind)], order=order)
                header = Dispatch.from_dict(tx.document(row.target).dispatch)
                tx.change(row.target, dispatch=update_header(header, dispatch).to_dict())
            _conclude(tx, row, row.target, Verdict.AGREE if agree else Verdict.DECLINE)
