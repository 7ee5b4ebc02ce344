"""Work that was set aside: it waits here, with its reason and history, until a person acts.

replay(node.journal, [17], actor="operator")          # the reason is gone: try again
discard(node, 18, reason="sent on paper", actor="clerk")   # give it up, visibly

Nothing is ever erased. Giving a step up brings its document, or the delivery that it was about, to a defined
end (`_END`) and lets the rest of its lane go on.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, insert, select, update

from edoc.core.failures import CATALOGUE
from edoc.core.lifecycle import Event, State, Work
from edoc.errors import InputError
from edoc.node import orders, outbox, registers
from edoc.node import tables as t
from edoc.node.journal import MACHINES, Journal, Transaction
from edoc.node.node import Node
from edoc.node.tables import instant

_ADVICE: Final = "See 'edoc dead-letters list'."
_END: Final[Mapping[Work, tuple[Event, ...]]] = {
    Work.NUMBER: (Event.REFUSE,),
    Work.SEAL: (Event.VOID,),
    # it has a number that nobody will ever see outside
    Work.PACK: (Event.VOID, Event.RECALL),
    Work.VERIFY: (Event.REFUSE,),
    Work.REGISTER: (Event.REFUSE,),
}
"""What giving up a document's own step does to it: the first of these events that its state permits."""
_SHOWN: Final = (
    t.tasks.c.id.label("task"),
    *(
        t.tasks.c[name]
        for name in (
            "document",
            "kind",
            "argument",
            "code",
            "error",
            "starts",
            "tries",
            "created_at",
            "dead_at",
            "discarded_at",
        )
    ),
    t.documents.c.direction,
    t.documents.c.state,
    t.documents.c.document_id,
)


def list_letters(
    journal: Journal, *, codes: Collection[str] = (), discarded: bool = False, limit: int | None = None
) -> list[dict[str, Any]]:
    """Return what was set aside and waits for a person, the oldest first, ready for JSON.

    `codes` picks kinds of failure; `discarded` gives what was given up instead of what waits.
    """
    found = _waiting() if not discarded else t.tasks.c.discarded_at.is_not(None)
    query = _shown().where(found).order_by(t.tasks.c.dead_at, t.tasks.c.id).limit(limit)
    if codes:
        query = query.where(t.tasks.c.code.in_(codes))
    with journal.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001


def show_letter(journal: Journal, task: int) -> dict[str, Any]:
    """Return everything about a task that is or was set aside: reason, who acts, every attempt, its document.

    Raises `InputError` if there never was one of that number.
    """
    attempts = select(t.attempts).where(t.attempts.c.task == task).order_by(t.attempts.c.id)
    with journal.reading() as connection:
        row = connection.execute(_shown().where(t.tasks.c.id == task)).first()
        history = [dict(each._mapping) for each in connection.execute(attempts)]  # noqa: SLF001
    if row is None or not (row.dead_at or history):
        raise InputError("no such step was ever set aside.", where=str(task), advice=_ADVICE)
    told = dict(row._mapping)  # noqa: SLF001
    failure = CATALOGUE.get(row.code or "")
    if failure is not None:
        told |= {"acts": failure.acts.value, "meaning": failure.english, "meaning_vi": failure.vietnamese}
    return {**told, "history": history}


def replay(
    journal: Journal,
    tasks: Sequence[int] = (),
    *,
    codes: Collection[str] = (),
    limit: int | None = None,
    dry_run: bool = False,
    actor: str,
) -> list[int]:
    """Put what was set aside back to work, counted anew and with its whole time; returns the tasks.

    Certain tasks, or whatever waits, of some kinds of failure; the oldest first, at most `limit`. Raises
    `InputError` if one of those named does not wait, and replays none then.
    """
    with journal.transaction(actor=actor) as tx:
        rows = _pick(tx, tasks, codes, limit)
        if dry_run:
            return [row.id for row in rows]
        for row in rows:
            tx.connection.execute(
                update(t.tasks)
                .where(t.tasks.c.id == row.id)
                .values(
                    dead_at=None,
                    starts=0,
                    tries=0,
                    fence=t.tasks.c.fence + 1,
                    due_at=tx.at,
                    expires_at=instant(tx.now + tx.patience),
                    warned_at=None,
                )
            )
            _record(tx, row, "replayed", actor)
            tx.note(row.document, "replay", kind=row.kind, argument=row.argument, code=row.code)
            tx.rung.append(row.id)
    return [row.id for row in rows]


def _pick(tx: Transaction, tasks: Sequence[int], codes: Collection[str], limit: int | None) -> list[Row[Any]]:
    query = select(t.tasks).where(_waiting()).order_by(t.tasks.c.dead_at, t.tasks.c.id).with_for_update()
    if tasks:
        query = query.where(t.tasks.c.id.in_(tasks))
    found = {row.id: row for row in tx.connection.execute(query)}
    missing = [task for task in tasks if task not in found]
    if missing:
        raise InputError("no such step was set aside.", where=", ".join(map(str, missing)), advice=_ADVICE)
    return [row for row in found.values() if not codes or row.code in codes][:limit]


def discard(node: Node, task: int, *, reason: str, actor: str) -> State:
    """Give a step up for good; it stays visible. Returns the state of its document afterwards.

    Raises `InputError` if no such step waits or no reason is given.
    """
    if not reason.strip():
        raise InputError("giving a step up needs a reason.", advice="Name it with --reason.")
    with node.journal.transaction(actor=actor) as tx:
        (row,) = _pick(tx, [task], (), None)
        document = tx.document(row.document)
        tx.connection.execute(
            update(t.tasks)
            .where(t.tasks.c.id == task)
            .values(discarded_at=tx.at, done_at=tx.at, fence=t.tasks.c.fence + 1)
        )
        _record(tx, row, "discarded", reason)
        tx.note(document.id, "discard", kind=row.kind, argument=row.argument, reason=reason)
        _end(tx, row, reason)
        following = select(t.tasks.c.id).where(
            (t.tasks.c.document == row.document) & (t.tasks.c.lane == row.lane) & outbox.is_open()
        )
        tx.rung += tx.connection.execute(following.order_by(t.tasks.c.id).limit(1)).scalars()
        return State(tx.document(document.id).state)


def _end(tx: Transaction, row: Row[Any], reason: str) -> None:
    """Bring the document, or the delivery, to the end that giving up the step means for it."""
    kind, document = Work(row.kind), tx.document(row.document)
    if kind is Work.DELIVER:
        orders.give_up(tx, document.id, [row.argument])
        return
    transitions = MACHINES[document.direction].transitions
    event = next((each for each in _END.get(kind, ()) if (State(document.state), each) in transitions), None)
    if event is not None:
        if document.direction == "outgoing":
            registers.void_number(tx, document=document.id, reason=reason)
        tx.advance(document.id, event, reasons=[reason])
        if document.direction == "outgoing":
            orders.give_up(tx, document.id)
    # the last answer that could not be given no longer keeps a completed document from its archive
    if kind is Work.ANSWER and document.state == State.COMPLETED and not tx.has_open_work(document.id):
        tx.require(document.id, (Work.ARCHIVE, ""))


def _waiting() -> ColumnElement[bool]:
    return t.tasks.c.dead_at.is_not(None) & t.tasks.c.done_at.is_(None)


def _shown() -> Any:
    return select(*_SHOWN).join_from(t.tasks, t.documents)


def _record(tx: Transaction, row: Row[Any], outcome: str, words: str) -> None:
    tx.connection.execute(
        insert(t.attempts).values(
            task=row.id, at=tx.at, start=row.starts, outcome=outcome, code=row.code or "", words=words
        )
    )
