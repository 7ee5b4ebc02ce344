"""The breaker of each peer: who cannot be reached is asked by one task now and then, not by all.

closed ── some failures on end ──► open ── its pause is over ──► half open: one task tries
   ▲                                ▲                                │            │
   └──────── it was reached ────────┼────────────────────────────────┘            │
                                    └──────────── it was not: a longer pause ─────┘

A peer is a recipient with a mailbox of its own, or the hub through which everything travels.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from sqlalchemy import case, func, select, update

from edoc.errors import Unavailable
from edoc.node import outbox
from edoc.node import tables as t
from edoc.node.database import insert_once
from edoc.node.journal import Journal, Transaction
from edoc.node.tables import instant

_LONGEST: Final = timedelta(minutes=10)


class PeerAwayError(Unavailable):
    """A peer cannot be reached now; `code` tells what the hub said, if it said anything."""

    code = "PEER_AWAY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """How patient the node is with a peer."""

    failures: int = 3
    """So many on end open it."""
    pause: timedelta = timedelta(seconds=30)
    """The first pause; doubles with each probe that fails, up to ten minutes."""


@contextmanager
def reaching(peer: str | None) -> Iterator[None]:
    """Around whatever is sent: what is `Unavailable` there counts as the peer's being away."""
    try:
        yield
    except Unavailable as error:
        raise PeerAwayError(
            f"{peer or 'the recipient'} cannot be reached: {error.what}",
            where=error.where,
            advice=error.advice,
        ) from error


def begin_probe(tx: Transaction, peer: str, *, lease_seconds: float) -> bool:
    """Be the one who tries a half-open peer; false if somebody else does."""
    until = instant(tx.now + timedelta(seconds=lease_seconds))
    half_open = select(t.peers.c.peer).where((t.peers.c.peer == peer) & (t.peers.c.open_until <= tx.at))
    # never wait for the row: whoever holds it may wait for the task that we hold
    free = half_open.with_for_update(skip_locked=True).scalar_subquery()
    probing = update(t.peers).where(t.peers.c.peer == free).values(open_until=until)
    return tx.connection.execute(probing).rowcount > 0


def note_failure(tx: Transaction, peer: str, reason: str, breaker: Breaker) -> None:
    """Count a failure; if the breaker is open then, everything for this peer waits as long as it does."""
    tx.connection.execute(insert_once(tx.connection, t.peers).values(peer=peer, failures=0))
    key = t.peers.c.peer == peer
    row = tx.connection.execute(
        update(t.peers)
        .where(key)
        .values(failures=t.peers.c.failures + 1, last_error=reason, last_error_at=tx.at)
        .returning(t.peers.c.failures)
    ).one()
    if row.failures < breaker.failures:
        return
    until = instant(tx.now + min(breaker.pause * 2 ** min(row.failures - breaker.failures, 20), _LONGEST))
    tx.connection.execute(update(t.peers).where(key).values(open_until=until))
    park(tx, peer, until)


def park(tx: Transaction, peer: str, until: str) -> None:
    """Have the peer's waiting tasks wait longer, so that nobody has to look at them before.

    The caller holds the peer's row.
    """
    expires = t.tasks.c.expires_at
    tx.connection.execute(
        update(t.tasks)
        .where(outbox.is_open() & (t.tasks.c.peer == peer) & t.tasks.c.lease_until.is_(None))
        .where(t.tasks.c.due_at < until)
        .values(due_at=case((expires < until, expires), else_=until))
    )


def park_all(journal: Journal) -> None:
    """Do so for every peer that is away: of what came since, too."""
    away = select(t.peers.c.peer, t.peers.c.open_until).where(t.peers.c.open_until.is_not(None))
    with journal.reading() as connection:
        if not connection.execute(away.limit(1)).all():
            return
    with journal.transaction(actor="breaker") as tx:
        for row in tx.connection.execute(away.with_for_update(skip_locked=True)).all():
            if row.open_until > tx.at:
                park(tx, row.peer, row.open_until)


def note_success(journal: Journal, peer: str) -> None:
    """Close the breaker; what waited for the peer is due at once."""
    with journal.transaction(actor="breaker") as tx:
        tx.connection.execute(insert_once(tx.connection, t.peers).values(peer=peer, failures=0))
        key = t.peers.c.peer == peer
        before = tx.connection.execute(select(t.peers.c.failures).where(key).with_for_update()).scalar_one()
        tx.connection.execute(
            update(t.peers).where(key).values(failures=0, open_until=None, last_success_at=tx.at)
        )
        if before:
            tx.connection.execute(
                update(t.tasks)
                .where(outbox.is_open() & (t.tasks.c.peer == peer) & t.tasks.c.lease_until.is_(None))
                .where(t.tasks.c.due_at > tx.at)
                .values(due_at=tx.at)
            )


def state_of(row: Any, now: str) -> Literal["closed", "open", "half-open"]:
    """Tell a breaker's state from its row."""
    if row.open_until is None:
        return "closed"
    return "open" if row.open_until > now else "half-open"


def list_peers(journal: Journal) -> list[dict[str, Any]]:
    """Give every peer that was ever tried: its breaker's state, what failed last, how much waits for it."""
    waiting = (
        select(func.count())
        .where(outbox.is_open() & (t.tasks.c.peer == t.peers.c.peer))
        .correlate(t.peers)
        .scalar_subquery()
    )
    with journal.reading_at() as (connection, now):
        rows = connection.execute(select(t.peers, waiting.label("waiting")).order_by(t.peers.c.peer)).all()
    return [{**row._mapping, "state": state_of(row, instant(now))} for row in rows]  # noqa: SLF001
