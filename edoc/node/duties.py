"""What a node does by the clock: each duty is done by one worker at a time, whichever comes first.

There is no leader to elect and none to lose: every duty has a row with a lease and a fence, so a worker that
dies in the middle of one is followed by another, and one that was overtaken changes nothing more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import select, update

from edoc.errors import EdocError
from edoc.node import anchors, earlywarning, signingqueue
from edoc.node import tables as t
from edoc.node.journal import Transaction
from edoc.node.logs import facts_of
from edoc.node.node import Node
from edoc.node.tables import instant
from edoc.node.tasks import describe

_LEASE: Final = timedelta(minutes=30)
_AGAIN: Final = timedelta(minutes=10)
"""After a failure, unless the duty comes round sooner."""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One thing that comes round."""

    name: str
    every: timedelta
    perform: Callable[[Node], object]


DUTIES: Final = (
    Duty(name="anchor", every=timedelta(days=1), perform=anchors.anchor),
    Duty(name="certificates", every=timedelta(days=1), perform=earlywarning.tell_certificates),
    Duty(name=earlywarning.DEADLINES, every=timedelta(minutes=5), perform=earlywarning.tell_deadlines),
    Duty(name="signing-queue", every=timedelta(minutes=10), perform=signingqueue.expire),
)


def perform_due(node: Node, duties: Sequence[Duty] = DUTIES) -> list[str]:
    """Do what is due and free; returns the names of what was done, well or not.

    A duty's own trouble is kept with it and it is tried again; only an unreachable database raises
    `Unavailable`.
    """
    done = []
    for duty in duties:
        turn = _claim(node, duty)
        if turn is not None:
            done.append(duty.name)
            _perform(node, duty, turn)
    return done


def list_duties(node: Node) -> list[dict[str, Any]]:
    """Give every duty that was ever due: when it comes round, when it was last done, its trouble."""
    columns = (t.duties.c.name, t.duties.c.due_at, t.duties.c.last_done_at, t.duties.c.last_error)
    with node.journal.reading() as connection:
        rows = connection.execute(select(*columns).order_by(t.duties.c.name))
        return [dict(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name for it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """A duty in this worker's hands."""

    fence: int
    began_at: str
    """What a duty looks at is what was before this, at least."""


def _claim(node: Node, duty: Duty) -> _Turn | None:
    with node.journal.transaction(actor="duty") as tx:
        tx.connection.execute(
            tx.insert_once(t.duties).values(name=duty.name, due_at=tx.at, fence=0, lease_until=None)
        )
        row = t.duties.c
        free = row.lease_until.is_(None) | (row.lease_until <= tx.at)
        fence = tx.connection.execute(
            update(t.duties)
            .where((row.name == duty.name) & (row.due_at <= tx.at) & free)
            .values(fence=row.fence + 1, lease_until=instant(tx.now + _LEASE))
            .returning(row.fence)
        ).scalar()
        return None if fence is None else _Turn(fence=fence, began_at=tx.at)


def _perform(node: Node, duty: Duty, turn: _Turn) -> None:
    words = log.bind(duty=duty.name)
    try:
        duty.perform(node)
    except Exception as error:  # noqa: BLE001 - a defect of one duty must not end the others
        if isinstance(error, EdocError | OSError):
            words.warning("duty failed", **facts_of(error))
        else:
            words.exception("duty failed unexpectedly")
        with node.journal.transaction(actor="duty") as tx:
            pause = min(duty.every, _AGAIN)
            _end(tx, duty, turn, due_at=instant(tx.now + pause), last_error=describe(error))
        return
    with node.journal.transaction(actor="duty") as tx:
        due_at = instant(tx.now + duty.every)
        _end(tx, duty, turn, due_at=due_at, last_done_at=turn.began_at, last_error=None)
    words.info("duty done")


def _end(tx: Transaction, duty: Duty, turn: _Turn, **values: Any) -> None:
    mine = (t.duties.c.name == duty.name) & (t.duties.c.fence == turn.fence)
    tx.connection.execute(update(t.duties).where(mine).values(lease_until=None, **values))
