"""Orders that we give about documents we issued: recall, update, replace.

    orders.recall(node, document, reason="…", actor="vanthu")
    orders.update(node, document, {"due_date": "2026-12-31"}, reason="…", actor="vanthu")

A recall is carried out at whatever stage: the document is frozen, and every recipient that may have it is
told. An update gives parts of the header anew and waits at each recipient for a person. A document that
replaces another names it in its draft; the other counts as replaced wherever this one is accepted. What each
means is a table, `edoc.core.orders`; orders that arrive: `edoc.node.arrivedorders`. Serves QĐ 28/2018 Art 8
and 9.2, NĐ 30/2020 Art 18.3 and 18.4b.
"""

import hashlib
import uuid
from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import Row, bindparam, insert, select

from edoc.core.annex6 import require_fitting
from edoc.core.dispatch import Dispatch
from edoc.core.lifecycle import Event, State, Work
from edoc.core.orders import (
    UPDATABLE,
    OrderKind,
    answer_of,
    echo,
    is_bare,
    make_recall,
    make_update,
    read_order,
)
from edoc.errors import InputError, Refused
from edoc.node import headers, outbox, registers
from edoc.node import tables as t
from edoc.node.heldback import DocumentRow
from edoc.node.journal import Transaction
from edoc.node.node import Node
from edoc.node.settling import settle

_RECALL_ID: Final = "-TH"
"""What a recall's own DocumentId ends with: `thu hồi`."""
_UPDATE_ID: Final = "-CN"
"""…and an update's, with its number: `cập nhật`."""
_WITHIN_REACH: Final = frozenset(
    {State.DELIVERED, State.ARRIVED, State.ACCEPTED, State.ASSIGNED, State.PROCESSING}
)
"""Where an update can still be of use."""


def recall(node: Node, document: str, *, reason: str, actor: str) -> str | None:
    """Take back a document that we issued; returns the order that tells its recipients so.

    None if nobody has to be told: it was not issued yet and its number is voided, or it had left for nobody.
    Recalling again changes nothing. Raises `InputError` without a reason, and `Refused` if the document is
    not ours or its life does not permit it.
    """
    with node.journal.transaction(actor=actor) as tx:
        row = _take(tx, document, reason, "recalled")
        known = _orders_about(tx, document, OrderKind.RECALL)
        if known or row.state == State.RECALLED:
            return known[0] if known else None
        if tx.advance(document, Event.RECALL, reason=reason) is State.VOIDED:
            registers.void_number(tx, document=document, reason=reason)
            return None
        told = _freeze_deliveries(tx, document)
        settle(tx, document)
        if not told:
            return None
        original = Dispatch.from_dict(row.dispatch)
        order = make_recall(
            original,
            reason=reason,
            to=tuple(to for to in original.to if to.organ_id in told),
            document_id=f"{row.document_id}{_RECALL_ID}",
        )
        return _begin(tx, row, OrderKind.RECALL, order)


def update(node: Node, document: str, changes: Mapping[str, Any], *, reason: str, actor: str) -> str:
    """Give parts of the header of a document anew that we issued; returns the order that tells it.

    `changes` are those of `UPDATABLE`, as in a draft. They hold here at once; each recipient that has not
    come to an end with the document decides for itself. Raises `InputError` without a reason or if the
    changes cannot be used, and `Refused` if the document is not ours or nobody can be told any more.
    """
    strange = sorted(changes.keys() - set(UPDATABLE))
    if strange:
        raise InputError(
            "this cannot be updated.",
            where=", ".join(strange),
            advice=f"Possible: {', '.join(UPDATABLE)}. For anything else issue a document that replaces it.",
        )
    with node.journal.transaction(actor=actor) as tx:
        row = _take(tx, document, reason, "updated")
        updated = Dispatch.from_dict({**row.dispatch, **changes})
        require_fitting(updated.to_dict(), "outgoing")
        headers.require_no_secret(updated)
        original = Dispatch.from_dict(row.dispatch)
        if updated == original:
            raise InputError("this changes nothing.", where=document)
        told = _recipients(tx, document, _WITHIN_REACH)
        tx.advance(document, Event.UPDATE, reason=reason, changed=sorted(changes))
        if not told:
            raise Refused("no recipient can be told any more.", where=document)
        headers.rewrite(tx, document, updated)
        number = len(_orders_about(tx, document, OrderKind.UPDATE)) + 1
        order = make_update(
            original,
            updated,
            reason=reason,
            to=tuple(to for to in original.to if to.organ_id in told),
            document_id=f"{row.document_id}{_UPDATE_ID}{number}",
        )
        return _begin(tx, row, OrderKind.UPDATE, order)


def _take(tx: Transaction, document: str, reason: str, what: str) -> DocumentRow:
    if not reason.strip():
        raise InputError("an order about a document needs a reason.", advice="Name it with --reason.")
    outbox.hold(tx.connection, document)
    row = tx.document(document)
    if row.direction != "outgoing":
        raise Refused(f"only a document that we issued can be {what}.", where=document)
    if is_bare(row.dispatch) and row.document_id is not None:
        raise Refused(f"this is an order itself; it cannot be {what}.", where=document)
    return row


def _orders_about(tx: Transaction, document: str, kind: OrderKind) -> list[str]:
    query = select(t.orders.c.document).where(
        (t.orders.c.target == document) & (t.orders.c.kind == kind.value) & t.orders.c.bare
    )
    return list(tx.connection.execute(query).scalars())


def _recipients(tx: Transaction, document: str, states: Collection[State] = ()) -> list[str]:
    query = select(t.deliveries.c.recipient).where(t.deliveries.c.document == document)
    if states:
        query = query.where(t.deliveries.c.state.in_([state.value for state in states]))
    return list(tx.connection.execute(query.order_by(t.deliveries.c.recipient)).scalars())


def _freeze_deliveries(tx: Transaction, document: str) -> set[str]:
    """Withhold what nobody has begun to deliver; returns the recipients that may have the document."""
    of = t.tasks.c
    # what was set aside and replayed counts its starts anew, but its fence only grows
    begun = select(of.argument).where(
        (of.document == document) & (of.kind == Work.DELIVER.value) & ((of.starts > 0) | (of.fence > 1))
    )
    may_have = set(tx.connection.execute(begun).scalars())
    outbox.drop(tx.connection, document, {Work.DELIVER}, at=tx.at)
    told = set()
    for recipient in _recipients(tx, document):
        pending = _delivery_state(tx, document, recipient) is State.PENDING
        event = Event.WITHHOLD if pending and recipient not in may_have else Event.RECALL
        after = tx.move_delivery(document, recipient, event)
        tx.note(document, event.value, after=after, recipient=recipient)
        if event is Event.RECALL:
            told.add(recipient)
    return told


def _begin(tx: Transaction, named: DocumentRow, kind: OrderKind, dispatch: Dispatch) -> str:
    order = uuid.uuid4().hex
    tx.begin(
        order,
        "outgoing",
        state=State.ORDERED,
        submission=hashlib.sha256(f"order {dispatch.document_id}".encode()).hexdigest(),
        document_id=dispatch.document_id,
        organ_id=named.organ_id,
        dispatch=dispatch.to_dict(),
    )
    write(tx, order, named.organ_id, kind, named.document_id or "", bare=True, target=named.id)
    return order


def write(
    tx: Transaction,
    order: str,
    sender: str,
    kind: OrderKind,
    named: str,
    *,
    bare: bool,
    target: str | None = None,
) -> None:
    """Enter that a document orders something about another."""
    tx.connection.execute(
        insert(t.orders).values(
            document=order, named=named, kind=kind.value, bare=bare, sender=sender, target=target
        )
    )


def announce(tx: Transaction, document: str, dispatch: Dispatch) -> None:
    """Note which earlier documents a new one of ours replaces or corrects.

    Those that this node did not issue are only named. Raises `Refused` if it recalls one that it did:
    that is `recall`'s, which freezes it.
    """
    order = read_order(dispatch)
    if order is None:
        return
    for named in order.named:
        target = _find_issued(tx, named)
        if order.kind is OrderKind.RECALL and target is not None:
            raise Refused(
                "a document is not recalled by submitting one.",
                where=named,
                advice=f"Use 'edoc recall {named} --reason …'.",
            )
        if target is not None and is_bare(target.dispatch):
            raise Refused("this is an order itself; nothing replaces or corrects it.", where=named)
        write(
            tx,
            document,
            dispatch.from_.organ_id,
            order.kind,
            named,
            bare=False,
            target=None if target is None else target.id,
        )


def _find_issued(tx: Transaction, named: str) -> Row[Any] | None:
    query = select(t.documents).where(
        (t.documents.c.direction == "outgoing") & (t.documents.c.document_id == named)
    )
    return tx.connection.execute(query).first()


_TARGETS: Final = (
    select(t.orders)
    .where((t.orders.c.document == bindparam("of")) & t.orders.c.target.is_not(None))
    .order_by(t.orders.c.target)
)


def hear(tx: Transaction, order: str, recipient: str, event: Event, delivery: State) -> None:
    """Tell documents of ours what a recipient's status about an order means for them.

    `delivery` is the order's own at that recipient, after the status.
    """
    rows = tx.raw.execute(_TARGETS, {"of": order}).all()
    if not rows:
        return
    concerned = read_order(Dispatch.from_dict(tx.document(order).dispatch), receiver=recipient)
    for row in rows:
        if concerned is not None and row.named in concerned.named:
            _hear(tx, row, recipient, event, delivery)


def _hear(tx: Transaction, row: Row[Any], recipient: str, event: Event, delivery: State) -> None:
    kind = OrderKind(row.kind)
    tx.document(row.target)  # its row is held while deliveries are counted
    before = _delivery_state(tx, row.target, recipient)
    if before is None:
        return
    if kind is OrderKind.UPDATE:
        if answer_of(delivery) is not None or event in {Event.STATUS_15, Event.STATUS_16}:
            tx.note(row.target, event.value, after=before, recipient=recipient, order=row.document)
        return
    told = echo(kind, event, delivery)
    if told is not None:
        _move(tx, row.target, recipient, told, before, order=row.document)


def _delivery_state(tx: Transaction, document: str, recipient: str) -> State | None:
    query = select(t.deliveries.c.state).where(
        (t.deliveries.c.document == document) & (t.deliveries.c.recipient == recipient)
    )
    state = tx.connection.execute(query).scalar()
    return None if state is None else State(state)


def _move(
    tx: Transaction, document: str, recipient: str, event: Event, before: State, **details: Any
) -> None:
    after = tx.move_delivery(document, recipient, event)
    if after is not before:
        tx.note(document, event.value, before=before, after=after, recipient=recipient, **details)
        settle(tx, document)


def give_up(tx: Transaction, document: str, recipients: Collection[str] = ()) -> None:
    """A delivery cannot be made to these recipients, or to any: bring it to its end, and what it orders.

    A recall that cannot be told has no effect there; nothing else becomes of documents that are only named.
    """
    tx.document(document)
    for recipient in recipients or _recipients(tx, document):
        before = _delivery_state(tx, document, recipient)
        if before is State.PENDING:
            _move(tx, document, recipient, Event.WITHHOLD, before)
    settle(tx, document)
    query = select(t.orders.c.target).where(
        (t.orders.c.document == document)
        & (t.orders.c.kind == OrderKind.RECALL.value)
        & t.orders.c.target.is_not(None)
    )
    target = tx.connection.execute(query).scalar()
    if target is None:
        return
    tx.document(target)
    for recipient in recipients or _recipients(tx, target):
        before = _delivery_state(tx, target, recipient)
        if before is State.RECALLING:
            _move(tx, target, recipient, Event.WITHHOLD, before, order=document)
