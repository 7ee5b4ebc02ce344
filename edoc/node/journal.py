"""One transaction for a state change, its audit entry and the work it causes.

    with journal.transaction(actor="clerk") as tx:
        tx.advance(document, Event.COMPLETE)

Rules: the broker is only a bell, rung after the commit with the ids of new tasks; if nobody hears it, the
sweeper finds the tasks. Each audit entry carries the SHA-256 of the one before, so that a changed, removed or
reordered entry shows.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from edoc.core.lifecycle import DELIVERY, INCOMING, OUTGOING, Event, Machine, State, Work
from edoc.core.ports import Stored
from edoc.errors import InputError
from edoc.node import tables as t
from edoc.node.database import database_errors

Bell = Callable[[Sequence[int]], None]
"""Called with the ids of tasks that became due; must not raise."""

MACHINES: Mapping[str, Machine] = {"outgoing": OUTGOING, "incoming": INCOMING}
GENESIS = "0" * 64
"""What stands before the first audit entry."""


def instant(at: datetime) -> str:
    """Write a time as the tables hold it: UTC, ISO 8601, microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def silence(_tasks: Sequence[int]) -> None:
    """Ring nothing: the sweeper finds the work."""


@dataclass(slots=True)
class Transaction:
    """Everything that may be written together. Made by `Journal.transaction` only."""

    connection: Connection
    now: datetime
    actor: str
    rung: list[int] = field(default_factory=list)
    _entries: list[dict[str, Any]] = field(default_factory=list)

    @property
    def at(self) -> str:
        """The transaction's time as the tables hold it."""
        return instant(self.now)

    def document(self, document: str) -> Row[Any]:
        """Return the document's row, locked until the transaction ends.

        Raises `InputError` if there is none.
        """
        row = self.connection.execute(
            select(t.documents).where(t.documents.c.id == document).with_for_update()
        ).first()
        if row is None:
            raise InputError(
                "there is no such document in this node.", where=document, advice="See 'edoc list'."
            )
        return row

    def advance(self, document: str, event: Event, **details: Any) -> State:
        """Take the document through `event`: its state, its audit entry and the work it causes.

        Raises `Refused` if the document's life does not permit the event now.
        """
        row = self.document(document)
        machine = MACHINES[row.direction]
        before = State(row.state)
        after = machine.after(before, event)
        self.connection.execute(
            update(t.documents)
            .where(t.documents.c.id == document)
            .values(state=after.value, changed_at=self.at)
        )
        self.note(document, event.value, before=before, after=after, **details)
        self.require(document, *machine.work.get(after, ()))
        return after

    def begin(self, document: str, direction: str, **values: Any) -> None:
        """Enter a new document in its machine's first state, with the work that causes."""
        machine = MACHINES[direction]
        self.connection.execute(
            insert(t.documents).values(
                id=document,
                direction=direction,
                state=machine.initial.value,
                created_at=self.at,
                changed_at=self.at,
                **values,
            )
        )
        self.note(document, "submit" if direction == "outgoing" else "receive", after=machine.initial)
        self.require(document, *machine.work.get(machine.initial, ()))

    def move_delivery(self, document: str, recipient: str, event: Event) -> State:
        """Take one delivery through `event`; returns its state afterwards."""
        key = (t.deliveries.c.document == document) & (t.deliveries.c.recipient == recipient)
        row = self.connection.execute(select(t.deliveries.c.state).where(key).with_for_update()).first()
        if row is None:
            raise InputError(f"the document was not sent to {recipient}.", where=document)
        before = State(row.state)
        after = DELIVERY.after(before, event)
        if after is not before:
            self.connection.execute(
                update(t.deliveries).where(key).values(state=after.value, changed_at=self.at)
            )
        return after

    def require(self, document: str, *work: tuple[Work, str]) -> None:
        """Put work into the outbox; what already stands there stays as it is."""
        for kind, argument in work:
            task = self.connection.execute(
                self.insert_once(t.tasks)
                .values(
                    document=document,
                    kind=kind.value,
                    argument=argument,
                    created_at=self.at,
                    due_at=self.at,
                    starts=0,
                    fence=0,
                )
                .returning(t.tasks.c.id)
            ).scalar()
            if task is not None:
                self.rung.append(task)

    def has_open_work(self, document: str) -> bool:
        """Tell whether anything is left to do for the document; the caller holds its row."""
        query = select(t.tasks.c.id).where((t.tasks.c.document == document) & t.tasks.c.done_at.is_(None))
        return self.connection.execute(query.limit(1)).first() is not None

    def keep(self, document: str, role: str, name: str, stored: Stored) -> None:
        """Say that the document has a file; the same role and name again change nothing."""
        self.connection.execute(
            self.insert_once(t.files).values(
                document=document,
                role=role,
                name=name,
                sha256=stored.sha256,
                size=stored.size,
                created_at=self.at,
            )
        )

    def insert_once(self, table: Table) -> Any:
        """An insert that leaves what already stands under the same key as it is."""
        make = sqlite_insert if self.connection.dialect.name == "sqlite" else postgresql_insert
        return make(table).on_conflict_do_nothing()

    def note(
        self,
        document: str | None,
        event: str,
        *,
        before: State | None = None,
        after: State | None = None,
        **details: Any,
    ) -> None:
        """Write an audit entry; `details` must be plain JSON values and hold no secret."""
        self._entries.append(
            {
                "at": self.at,
                "document": document,
                "actor": self.actor,
                "event": event,
                "before": before and before.value,
                "after": after and after.value,
                "details": details,
            }
        )

    def seal_audit(self) -> None:
        """Chain the noted entries to the log; last of all, since the head is locked from here on."""
        if not self._entries:
            return
        head = self.connection.execute(select(t.audit_head).with_for_update()).one()
        seq, previous = head.seq, head.hash
        for entry in self._entries:
            seq += 1
            row = {"seq": seq, **entry, "previous": previous}
            previous = entry_hash(row)
            self.connection.execute(insert(t.audit).values(**row, hash=previous))
        self.connection.execute(update(t.audit_head).values(seq=seq, hash=previous))


def entry_hash(entry: Mapping[str, Any]) -> str:
    """SHA-256 of an audit entry's canonical JSON; `previous` is part of it, its own hash is not."""
    plain = {name: value for name, value in entry.items() if name != "hash"}
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class Journal:
    """The door to the database for everything that changes."""

    engine: Engine
    clock: Callable[[], datetime]
    bell: Bell = silence

    @contextmanager
    def transaction(self, *, actor: str) -> Iterator[Transaction]:
        """One transaction; commits at the end, rolls back on any error, rings the bell after the commit.

        Raises `Unavailable` if the database cannot be reached or written.
        """
        with database_errors(), self.engine.begin() as connection:
            tx = Transaction(connection=connection, now=self.clock(), actor=actor)
            yield tx
            tx.seal_audit()
        if tx.rung:
            self.bell(tx.rung)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading only."""
        with database_errors(), self.engine.connect().execution_options(reading=True) as connection:
            yield connection


def verify_chain(connection: Connection) -> list[str]:
    """Recompute the audit chain; returns what is wrong, empty if nothing is."""
    wrong = []
    seq, previous = 0, GENESIS
    for row in connection.execute(select(t.audit).order_by(t.audit.c.seq)).yield_per(1000):
        entry = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
        if row.seq != seq + 1:
            wrong.append(f"entry {seq + 1} is missing: the next one found is {row.seq}")
        if row.previous != previous:
            wrong.append(f"entry {row.seq} does not follow the one before it")
        if entry_hash(entry) != row.hash:
            wrong.append(f"entry {row.seq} was changed")
        seq, previous = row.seq, row.hash
    head = connection.execute(select(t.audit_head)).one()
    if (head.seq, head.hash) != (seq, previous):
        wrong.append(f"the log ends at entry {seq}, but its head says {head.seq}")
    return wrong
