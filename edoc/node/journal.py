"""One transaction for a state change, its audit entry and the work it causes.

    with journal.transaction(actor="clerk") as tx:
        tx.advance(document, Event.COMPLETE)

Rules: the broker is only a bell, rung after the commit with the ids of new tasks; if nobody hears it, the
sweeper finds the tasks. Each audit entry carries the SHA-256 of the one before, so that a changed, removed or
reordered entry shows.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, Table, bindparam, insert, select, text, update

from edoc.core.deadlines import Schedule
from edoc.core.lifecycle import DELIVERY, INCOMING, ORDER_DELIVERY, OUTGOING, Event, Machine, State, Work
from edoc.core.orders import is_bare
from edoc.core.ports import Stored
from edoc.errors import InputError
from edoc.node import outbox, search, terms
from edoc.node import tables as t
from edoc.node.database import began_at, database_errors, insert_once
from edoc.node.heldback import DocumentRow, HeldBack
from edoc.policies.schedules import load_schedule

Bell = Callable[[Sequence[int]], None]
"""Called with the ids of tasks that became due; must not raise."""

MACHINES: Mapping[str, Machine] = {"outgoing": OUTGOING, "incoming": INCOMING}
_PAGE: Final = 1000
_TICK: Final = timedelta(microseconds=1)
_LATELY: Final = timedelta(minutes=1)
"""Who was reached within this time need not be noted as reached again."""
GENESIS = "0" * 64
"""What stands before the first audit entry."""


def silence(_tasks: Sequence[int]) -> None:
    """Ring nothing: the sweeper finds the work."""


@dataclass(slots=True)
class Transaction:
    """Everything that may be written together. Made by `Journal.transaction` only."""

    raw: Connection
    """For statements that read nothing which is held back, and write nothing that it changes."""
    now: datetime
    """When it began, by the database's clock where that has one."""
    actor: str
    skew: timedelta = timedelta(0)
    """How far this machine's clock is ahead of the database's."""
    patience: timedelta = outbox.PATIENCE
    schedule: Schedule = field(default_factory=load_schedule)
    hub: bool = False
    take_until: datetime | None = None
    """If set, the first new task that is free goes into this worker's hands at once, of each of these"""
    takes: set[str] = field(default_factory=set)
    """documents,"""
    take_kinds: frozenset[Work] | None = None
    """if it is of these kinds, or of any."""
    taken: list[Row[Any]] = field(default_factory=list)
    rung: list[int] = field(default_factory=list)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    """What is done once it is committed; must not raise."""
    held_back: HeldBack = field(default_factory=HeldBack)
    _begun: int = 0
    _rows: dict[str, DocumentRow] = field(default_factory=dict)
    _deliveries: dict[str, dict[str, State]] = field(default_factory=dict)
    _entries: list[dict[str, Any]] = field(default_factory=list)

    @property
    def connection(self) -> Connection:
        """The database, with everything written that was held back."""
        self.held_back.write(self.raw)
        return self.raw

    @property
    def at(self) -> str:
        """The transaction's time as the tables hold it."""
        return t.instant(self.now)

    def document(self, document: str) -> DocumentRow:
        """Return the document's row, locked until the transaction ends.

        Raises `InputError` if there is none.
        """
        self.lock([document])
        if document not in self._rows:
            raise InputError(
                "there is no such document in this node.", where=document, advice="See 'edoc list'."
            )
        return self._rows[document]

    def lock(self, documents: Collection[str]) -> None:
        """Lock documents' rows until the transaction ends, in an order that is everybody's."""
        wanted = sorted(set(documents) - self._rows.keys())
        if not wanted:
            return
        for row in self.raw.execute(_LOCKING, {"the_documents": wanted}):
            self._rows[row.id] = DocumentRow(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it

    def change(self, document: str, **values: Any) -> DocumentRow:
        """Give columns of the document's row new values; returns it as it is then, locked."""
        self._rows[document] = row = replace(self.document(document), **values)
        self.held_back.change_document(document, values)
        return row

    def advance(self, document: str, event: Event, **details: Any) -> State:
        """Take the document through `event`: its state, its audit entry and the work it causes.

        Raises `Refused` if the document's life does not permit the event now.
        """
        row = self.document(document)
        machine = MACHINES[row.direction]
        before = State(row.state)
        after = machine.after(before, event)
        self.change(document, state=after.value, changed_at=self.at)
        self.note(document, event.value, before=before, after=after, **details)
        self._follow(document, row.direction, after, row.dispatch)
        if event in machine.drops:
            outbox.drop(self.connection, document, machine.drops[event], at=self.at)
        self.require(document, *machine.work.get(after, ()))
        return after

    def begin(self, document: str, direction: str, *, state: State | None = None, **values: Any) -> None:
        """Enter a new document in its machine's first state, or another entrance, with the work it causes."""
        machine = MACHINES[direction]
        first = state or machine.initial
        # of several that come at once, the first stands first in every list
        created_at, self._begun = t.instant(self.now + self._begun * _TICK), self._begun + 1
        row = DocumentRow(
            id=document,
            direction=direction,
            state=first.value,
            created_at=created_at,
            changed_at=created_at,
            **{"document_id": None, "series": None, **values},
        )
        self.raw.execute(_BEGINNING, asdict(row))
        self._rows[document] = row
        search.write(
            self.raw, document=document, direction=direction, dispatch=values["dispatch"], at=self.at
        )
        self.note(document, "submit" if direction == "outgoing" else "receive", after=first)
        self._follow(document, direction, first, values["dispatch"])
        self.require(document, *machine.work.get(first, ()))

    def open_delivery(self, document: str, recipient: str, *, message_id: str) -> None:
        """Enter what is to be delivered to one recipient, with the work that causes."""
        self.raw.execute(
            _OPENING_DELIVERY,
            {
                "document": document,
                "recipient": recipient,
                "message_id": message_id,
                "state": State.PENDING.value,
                "changed_at": self.at,
            },
        )
        if document in self._deliveries:
            self._deliveries[document][recipient] = State.PENDING
        self._follow(document, "delivery", State.PENDING, self.document(document).dispatch, recipient)
        self.require(document, (Work.DELIVER, recipient))

    def deliveries(self, document: str) -> Mapping[str, State]:
        """Return the states of a document's deliveries by recipient; the document's row is held."""
        self.document(document)
        if document not in self._deliveries:
            rows = self.raw.execute(_DELIVERIES, {"of": document})
            self._deliveries[document] = {row.recipient: State(row.state) for row in rows}
        return self._deliveries[document]

    def move_delivery(self, document: str, recipient: str, event: Event) -> State:
        """Take one delivery through `event`; returns its state afterwards."""
        before, dispatch = self.deliveries(document).get(recipient), self.document(document).dispatch
        if before is None:
            raise InputError(f"the document was not sent to {recipient}.", where=document)
        after = (ORDER_DELIVERY if is_bare(dispatch) else DELIVERY).after(before, event)
        if after is not before:
            self._deliveries[document][recipient] = after
            self.held_back.move_delivery(document, recipient, {"state": after.value, "changed_at": self.at})
            self._follow(document, "delivery", after, dispatch, recipient)
        return after

    def answered(self, document: str, code: str) -> None:
        """Meet the deadlines that the sending of a status of that code meets."""
        subject = terms.Subject(document=document, life="incoming", dispatch={})
        terms.answered(self.held_back, subject, code, now=self.now)

    def _follow(
        self, document: str, life: str, state: State, dispatch: Mapping[str, Any], recipient: str = ""
    ) -> None:
        """Open, meet and end the deadlines that hang on a state."""
        subject = terms.Subject(document=document, recipient=recipient, life=life, dispatch=dispatch)
        terms.follow(self.held_back, subject, state, now=self.now, schedule=self.schedule)

    def require(self, document: str, *work: tuple[Work, str]) -> None:
        """Put work into the outbox; what already stands there stays as it is."""
        for kind, argument in work:
            row = self.raw.execute(
                outbox.putting(self.raw.dialect.name), self._task(document, kind, argument)
            ).first()
            if row is None:
                continue
            if row.lease_until is None:
                self.rung.append(row.id)
            else:
                self.taken.append(row)
                self.takes.discard(document)

    def _task(self, document: str, kind: Work, argument: str) -> dict[str, Any]:
        row = self.document(document)
        takes = document in self.takes and (self.take_kinds is None or kind in self.take_kinds)
        return {
            "the_document": document,
            "the_kind": kind.value,
            "the_argument": argument,
            "the_lane": outbox.lane_of(kind, argument),
            "the_peer": outbox.peer_of(kind, argument, sender=row.organ_id, hub=self.hub),
            "now": self.at,
            "lately": t.instant(self.now - _LATELY),
            "expires_at": outbox.expiry(kind, row.dispatch, now=self.now, patience=self.patience),
            "until": t.instant(self.take_until) if takes and self.take_until else None,
        }

    def has_open_work(self, document: str) -> bool:
        """Tell whether anything is left to do for the document; the caller holds its row."""
        return outbox.has_unfinished(self.raw, document)

    def keep(self, document: str, role: str, name: str, stored: Stored) -> None:
        """Say that the document has a file; the same role and name again change nothing."""
        self.held_back.keep_file(
            {
                "document": document,
                "role": role,
                "name": name,
                "sha256": stored.sha256,
                "size": stored.size,
                "created_at": self.at,
            }
        )

    def insert_once(self, table: Table) -> Any:
        """An insert that leaves what already stands under the same key as it is."""
        return insert_once(self.raw, table)

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

    def seal(self) -> None:
        """Write what was held back, and chain the noted entries to the log.

        Last of all, since the head is locked from here on.
        """
        self.held_back.write(self.raw)
        if not self._entries:
            return
        head = self.raw.execute(_HEAD).one()
        seq, previous = head.seq, head.hash
        rows = []
        for seq, entry in enumerate(self._entries, head.seq + 1):
            row = {"seq": seq, **entry, "previous": previous}
            previous = entry_hash(row)
            rows.append({**row, "hash": previous})
        if self.raw.dialect.name == "postgresql":
            # everybody waits for the head: all entries and the new head in one round trip
            entries = json.dumps(rows, ensure_ascii=False)
            self.raw.execute(_CHAIN, {"entries": entries, "seq": seq, "hash": previous})
        else:
            self.raw.execute(insert(t.audit), rows)
            self.raw.execute(update(t.audit_head).values(seq=seq, hash=previous))


_HEAD: Final = select(t.audit_head).with_for_update()
# built once: building a statement takes longer than PostgreSQL takes to execute it
_LOCKING: Final = (
    select(t.documents)
    .where(t.documents.c.id.in_(bindparam("the_documents", expanding=True)))
    .order_by(t.documents.c.id)
    .with_for_update()
)
_BEGINNING: Final = insert(t.documents)
_OPENING_DELIVERY: Final = insert(t.deliveries)
_DELIVERIES: Final = select(t.deliveries.c.recipient, t.deliveries.c.state).where(
    t.deliveries.c.document == bindparam("of")
)
_AUDIT_COLUMNS: Final = ", ".join(f'"{column.name}"' for column in t.audit.c)
_CHAIN: Final = text(
    f"WITH entries AS (INSERT INTO audit ({_AUDIT_COLUMNS}) SELECT {_AUDIT_COLUMNS}"  # noqa: S608 - our own names
    " FROM json_populate_recordset(NULL::audit, CAST(:entries AS json)))"
    " UPDATE audit_head SET seq = :seq, hash = :hash"
)


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
    """This machine's clock, which counts where the database has none (SQLite)."""
    bell: Bell = silence
    patience: timedelta = outbox.PATIENCE
    """So long work is tried, unless its dispatch says otherwise."""
    hub: bool = False
    """Whether all packages travel through one hub, which then is the one peer there is."""
    schedule: Schedule = field(default_factory=load_schedule)
    """What deadlines are counted by."""

    @contextmanager
    def transaction(
        self, *, actor: str, lease_seconds: float | None = None, kinds: frozenset[Work] | None = None
    ) -> Iterator[Transaction]:
        """One transaction; commits at the end, rolls back on any error, rings the bell after the commit.

        With `lease_seconds` the first new work of each document in `takes` that is free, of those kinds if
        they are given, is at once in the caller's hands for that long (`taken`); nobody is rung for it.
        Raises `Unavailable` if the database cannot be reached or written.
        """
        before = self.clock()
        with database_errors(), self.engine.begin() as connection:
            now, skew = _compare(began_at(connection), before, self.clock())
            tx = Transaction(
                raw=connection,
                now=now,
                actor=actor,
                skew=skew,
                patience=self.patience,
                schedule=self.schedule,
                hub=self.hub,
                take_until=None if lease_seconds is None else now + timedelta(seconds=lease_seconds),
                take_kinds=kinds,
            )
            yield tx
            tx.seal()
        if tx.rung:
            self.bell(tx.rung)
        for each in tx.afterwards:
            each()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading only; each statement sees what is committed then."""
        with database_errors(), self.engine.connect().execution_options(reading=True) as connection:
            yield connection

    @contextmanager
    def reading_at(self) -> Iterator[tuple[Connection, datetime]]:
        """A connection for reading, and the present by the database's clock."""
        options = {"reading": True, "timed": True}
        with database_errors(), self.engine.connect().execution_options(**options) as connection:
            connection.begin()
            yield connection, began_at(connection) or self.clock()


def clock_offset(journal: Journal) -> timedelta:
    """How far this machine's clock is ahead of the database's; nothing where the database has none."""
    before = journal.clock()
    with journal.reading_at() as (connection, _):
        return _compare(began_at(connection), before, journal.clock())[1]


def _compare(database: datetime | None, before: datetime, after: datetime) -> tuple[datetime, timedelta]:
    """The time that counts, and how far this machine's clock is ahead of it.

    The database was asked between `before` and `after`, so what lies between them is no difference.
    """
    if database is None:
        return after, timedelta(0)
    return database, max(before - database, timedelta(0)) or min(after - database, timedelta(0))


def verify_chain(connection: Connection) -> list[str]:
    """Recompute the audit chain; returns what is wrong, empty if nothing is.

    The log may grow meanwhile: it is read page by page until its end is the head's.
    """
    wrong = []
    seq, previous = 0, GENESIS
    page = select(t.audit).where(t.audit.c.seq > bindparam("after")).order_by(t.audit.c.seq).limit(_PAGE)
    while True:
        rows = connection.execute(page, {"after": seq}).all()
        for row in rows:
            entry = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
            if row.seq != seq + 1:
                wrong.append(f"entry {seq + 1} is missing: the next one found is {row.seq}")
            if row.previous != previous:
                wrong.append(f"entry {row.seq} does not follow the one before it")
            if entry_hash(entry) != row.hash:
                wrong.append(f"entry {row.seq} was changed")
            seq, previous = row.seq, row.hash
        head = connection.execute(select(t.audit_head)).one()
        if not rows or head.seq <= seq:
            break
    if (head.seq, head.hash) != (seq, previous):
        wrong.append(f"the log ends at entry {seq}, but its head says {head.seq}")
    return wrong
