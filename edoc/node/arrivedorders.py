"""Orders that arrive about documents which came before, or will: recall, update, replace.

    arrivedorders.decide(node, order, agree=True, actor="vanthu")        # where a person decides

A recall is carried out when it arrives, whatever the stage of the document and whatever it carries; an update
waits for a person; a replacement takes effect when the replacing document is registered. An order that
overtakes the document it names is remembered, and only whoever sent that document may order anything about
it. What becomes of an order is a table, `edoc.core.orders`. Serves QĐ 28/2018 Art 9.2 and NĐ 30/2020 Art
18.4b.
"""

from typing import Any, Final

from sqlalchemy import Row, select, update

from edoc.core.dispatch import Dispatch
from edoc.core.lifecycle import Event, State, Work
from edoc.core.orders import EFFECTS, Order, OrderKind, Verdict, is_removed, judge
from edoc.core.orders import update as update_header
from edoc.core.secrecy import explain_marking, find_secret_marking
from edoc.errors import Refused
from edoc.node import database, headers, orders, outbox, registers
from edoc.node import tables as t
from edoc.node.journal import Transaction
from edoc.node.node import Node

_UNKNOWN: Final = "Không có văn bản này của nơi gửi (the document is unknown here, or somebody else's)."
_TOO_LATE: Final = (
    "Văn bản đã xử lý xong, đã thu hồi hoặc đã được thay thế"
    " (the document is done with, recalled or replaced)."
)
_SAID: Final = {Verdict.AGREE: (Event.AGREE, "15"), Verdict.DECLINE: (Event.DECLINE, "16")}


def hold(tx: Transaction, sender: str, own: str, order: Order | None) -> None:
    """Let an order and the document it names not arrive at the same moment: neither would see the other."""
    names = {own, *(order.named if order is not None else ())} - {""}
    database.hold_names(tx.connection, [f"{sender} {name}" for name in names])


def enter(tx: Transaction, document: str, sender: str, order: Order) -> None:
    """Write down what an arrived dispatch orders; do it, unless it hangs on the document that it carries."""
    for named in order.named:
        orders.write(tx, document, sender, order.kind, named, bare=order.bare)
    if order.bare or order.kind is OrderKind.RECALL:
        carry_out(tx, document)


def carry_out(tx: Transaction, document: str) -> None:
    """Do what an arrived dispatch orders, as far as no person has to decide; without orders do nothing."""
    query = select(t.orders).where((t.orders.c.document == document) & t.orders.c.outcome.is_(None))
    for row in tx.connection.execute(query.order_by(t.orders.c.named)).all():
        target = _find_named(tx, row.sender, row.named)
        if target is not None:
            outbox.hold(tx.connection, target)
        verdict, reasons = _judge(tx, row, target)
        if verdict is Verdict.AGREE and target is not None:
            tx.advance(target, EFFECTS[OrderKind(row.kind)], order=document)
        # an order about what is not here stays open for the day that it arrives
        outcome = None if target is None or verdict is Verdict.WAIT else verdict
        _conclude(tx, row, target, outcome)
        _reply(tx, row, verdict, reasons)


def _judge(tx: Transaction, row: Row[Any], target: str | None) -> tuple[Verdict, list[str]]:
    kind = OrderKind(row.kind)
    if kind is OrderKind.UPDATE:
        secret = find_secret_marking(Dispatch.from_dict(tx.document(row.document).dispatch))
        if secret is not None:
            return Verdict.DECLINE, [explain_marking(secret)]
    verdict = judge(kind, None if target is None else State(tx.document(target).state))
    if verdict is Verdict.DECLINE:
        return verdict, [_UNKNOWN if target is None or kind is OrderKind.RECALL else _TOO_LATE]
    return verdict, []


def _reply(tx: Transaction, row: Row[Any], verdict: Verdict, reasons: list[str]) -> None:
    """Tell the sender what became of its order (15, 16); a replacement is answered as a document (03)."""
    if verdict is Verdict.WAIT or row.kind == OrderKind.REPLACE:
        return
    event, code = _SAID[verdict]
    if row.bare:
        if (State(tx.document(row.document).state), event) != (State.DECLINED, Event.DECLINE):
            tx.advance(row.document, event, reasons=reasons)
        return
    tx.note(row.document, event.value, reasons=reasons)
    tx.require(row.document, (Work.ANSWER, code))


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


def _conclude(tx: Transaction, row: Row[Any], target: str | None, verdict: Verdict | None) -> None:
    tx.connection.execute(
        update(t.orders)
        .where((t.orders.c.document == row.document) & (t.orders.c.named == row.named))
        .values(target=target, outcome=None if verdict is None else verdict.value)
    )


def catch_up(tx: Transaction, document: str, sender: str, named: str) -> None:
    """Let recalls and replacements take effect that overtook the document which just arrived.

    An update that did was declined; its sender sends it again.
    """
    if not named:
        return
    query = select(t.orders).where(
        (t.orders.c.sender == sender) & (t.orders.c.named == named) & t.orders.c.target.is_(None)
    )
    for row in tx.connection.execute(query.order_by(t.orders.c.document)).all():
        kind, order = OrderKind(row.kind), tx.document(row.document)
        if order.direction != "incoming" or kind is OrderKind.UPDATE:
            continue
        if kind is OrderKind.REPLACE and registers.number_of(tx.connection, row.document) is None:
            continue  # it takes effect when it is registered, or never
        if judge(kind, State(tx.document(document).state)) is not Verdict.AGREE:
            continue  # what arrived is an order itself
        tx.advance(document, EFFECTS[kind], order=row.document)
        _conclude(tx, row, document, Verdict.AGREE)
        _reply(tx, row, Verdict.AGREE, [])


def decide(node: Node, order: str, *, agree: bool, actor: str, reason: str = "") -> None:
    """Agree to an update that waits for a person, or decline it; its sender is told (15, 16).

    An update that takes this agency off the list of recipients cancels the document here. Raises `Refused` if
    the order waits for nobody, or if the document cannot be updated any more.
    """
    verdict = Verdict.AGREE if agree else Verdict.DECLINE
    with node.journal.transaction(actor=actor) as tx:
        dispatch = Dispatch.from_dict(tx.document(order).dispatch)
        query = select(t.orders).where((t.orders.c.document == order) & t.orders.c.outcome.is_(None))
        rows = [row for row in tx.connection.execute(query).all() if _waits(row)]
        if not rows:
            raise Refused("nothing about this waits for a decision.", where=order)
        for row in rows:
            if agree:
                _update(tx, row, dispatch, node.settings.agency.organ_id)
            _conclude(tx, row, row.target, verdict)
            _reply(tx, row, verdict, [reason] if reason.strip() else [])


def _waits(row: Row[Any]) -> bool:
    return row.kind == OrderKind.UPDATE and row.target is not None


def _update(tx: Transaction, row: Row[Any], order: Dispatch, receiver: str) -> None:
    outbox.hold(tx.connection, row.target)
    if is_removed(order, receiver):
        tx.advance(row.target, Event.RECALL, order=row.document)
        return
    tx.advance(row.target, Event.UPDATE, order=row.document)
    header = Dispatch.from_dict(tx.document(row.target).dispatch)
    headers.rewrite(tx, row.target, update_header(header, order))
