"""The outbox: work that a commit caused, taken by one worker at a time.

A worker claims a task by a lease with a fencing number; whoever finishes must still hold that number, so a
worker that fell silent and was overtaken cannot commit. Starts are counted in the database: a step that kills
its worker again and again is set aside for a person. Nothing here is ever deleted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update

from edoc.core.lifecycle import Work
from edoc.errors import EdocError, InputError, Refused
from edoc.node import tables as t
from edoc.node.journal import Journal, Transaction, instant

_LONGEST_PAUSE = timedelta(hours=1)


class OvertakenError(Refused):
    """Another worker took the step over; whatever this one did is dropped."""

    code = "OVERTAKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A task in a worker's hands until the lease ends."""

    task: int
    document: str
    kind: Work
    argument: str
    created_at: datetime
    starts: int
    fence: int

    @property
    def actor(self) -> str:
        """The name under which the audit log knows this work."""
        return f"worker:{self.kind.value}"


def _open() -> ColumnElement[bool]:
    return t.tasks.c.done_at.is_(None) & t.tasks.c.dead_at.is_(None)


def _free(now: str) -> ColumnElement[bool]:
    return (
        _open()
        & (t.tasks.c.due_at <= now)
        & (t.tasks.c.lease_until.is_(None) | (t.tasks.c.lease_until <= now))
    )


def due(journal: Journal, *, limit: int = 200) -> list[int]:
    """Ids of tasks that a worker may claim now, the longest due first."""
    with journal.reading() as connection:
        query = (
            select(t.tasks.c.id)
            .where(_free(instant(journal.clock())))
            .order_by(t.tasks.c.due_at, t.tasks.c.id)
        )
        return list(connection.execute(query.limit(limit)).scalars())


def claim(journal: Journal, task: int, *, lease_seconds: float, max_starts: int) -> Claim | None:
    """Take a task; None if it is done, dead, not due or in other hands.

    A task that was started `max_starts` times without an end is set aside instead.
    """
    with journal.transaction(actor="worker") as tx:
        until = instant(tx.now + timedelta(seconds=lease_seconds))
        row = tx.connection.execute(
            update(t.tasks)
            .where((t.tasks.c.id == task) & _free(tx.at))
            .values(lease_until=until, fence=t.tasks.c.fence + 1, starts=t.tasks.c.starts + 1)
            .returning(*t.tasks.c)
        ).first()
        if row is None:
            return None
        if row.starts > max_starts:
            _set_aside(tx, row, f"started {max_starts} times without coming to an end")
            return None
        return Claim(
            task=row.id,
            document=row.document,
            kind=Work(row.kind),
            argument=row.argument,
            created_at=datetime.fromisoformat(row.created_at),
            starts=row.starts,
            fence=row.fence,
        )


@contextmanager
def finishing(journal: Journal, claim: Claim) -> Iterator[Transaction]:
    """The one transaction that ends a claimed task together with everything it did.

    Raises `OvertakenError` if another worker took the task over: then nothing of this is committed.
    """
    with journal.transaction(actor=claim.actor) as tx:
        # first, so that a worker that was overtaken touches nothing else
        _hold(tx, claim, done_at=tx.at, lease_until=None, error=None)
        yield tx


def postpone(journal: Journal, claim: Claim, error: str, *, first_pause: float) -> None:
    """Try again later: the pause doubles with each start, up to an hour."""
    pause = min(timedelta(seconds=first_pause * 2 ** min(claim.starts - 1, 20)), _LONGEST_PAUSE)
    with journal.transaction(actor=claim.actor) as tx:
        _hold(tx, claim, lease_until=None, due_at=instant(tx.now + pause), error=error)


def set_aside(journal: Journal, claim: Claim, error: EdocError) -> None:
    """End a task that cannot succeed: it waits, with its reason, for a person."""
    with journal.transaction(actor=claim.actor) as tx:
        _set_aside(tx, _hold(tx, claim), str(error))


def _hold(tx: Transaction, claim: Claim, **values: Any) -> Any:
    row = tx.connection.execute(
        update(t.tasks)
        .where((t.tasks.c.id == claim.task) & (t.tasks.c.fence == claim.fence) & _open())
        .values(fence=claim.fence, **values)
        .returning(*t.tasks.c)
    ).first()
    if row is None:
        raise OvertakenError("another worker took this step over.", where=f"task {claim.task}")
    return row


def _set_aside(tx: Transaction, row: Any, reason: str) -> None:
    tx.connection.execute(
        update(t.tasks).where(t.tasks.c.id == row.id).values(dead_at=tx.at, lease_until=None, error=reason)
    )
    tx.note(row.document, "set-aside", kind=row.kind, argument=row.argument, reason=reason)


def dead(journal: Journal) -> list[dict[str, Any]]:
    """Return the tasks that were set aside, the oldest first, ready for JSON."""
    columns = (
        t.tasks.c.id.label("task"),
        *(t.tasks.c[name] for name in ("document", "kind", "argument", "starts", "dead_at", "error")),
    )
    query = select(*columns).where(t.tasks.c.dead_at.is_not(None)).order_by(t.tasks.c.dead_at)
    with journal.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]  # noqa: SLF001


def replay(journal: Journal, task: int, *, actor: str) -> None:
    """Put a task that was set aside back to work, with its starts counted anew.

    Raises `InputError` if no such task was set aside.
    """
    with journal.transaction(actor=actor) as tx:
        row = tx.connection.execute(
            update(t.tasks)
            .where((t.tasks.c.id == task) & t.tasks.c.dead_at.is_not(None))
            .values(dead_at=None, starts=0, due_at=tx.at)
            .returning(t.tasks.c.document, t.tasks.c.kind)
        ).first()
        if row is None:
            raise InputError(
                "no such step was set aside.", where=str(task), advice="See 'edoc dead-letters list'."
            )
        tx.note(row.document, "replay", kind=row.kind)
