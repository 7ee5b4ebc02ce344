"""How a node is doing, in numbers, read from the database: for metrics, readiness and people.

Whatever grows with the documents is counted by the database over what is open only; what was done long ago
costs nothing here. Time is the database's, so that a machine whose clock is wrong tells the truth about
everything but itself.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from edoc.core.lifecycle import Work
from edoc.node import outbox, terms
from edoc.node import tables as t
from edoc.node.journal import clock_offset
from edoc.node.node import Node
from edoc.node.tables import instant
from edoc.trust.certificates import read_certificate

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A node at one instant; times in seconds unless they say days."""

    open_tasks: Mapping[str, int]
    """Tasks that are neither done nor set aside, by kind."""
    due_tasks: int
    """Those that a worker could take now."""
    outbox_lag_seconds: float
    """How long the one that has waited longest could have been taken; 0 if none waits."""
    oldest_open_seconds: float
    """Since the oldest open task was caused, whether it may be tried now or not; 0 if there is none."""
    dead_letters: int
    """Tasks that wait for a person."""
    late: int
    """Deadlines that are missed."""
    at_risk: int
    """Deadlines whose early warning has come."""
    peers_away: int
    """Recipients, or the hub, that could not be reached lately."""
    numbering_held: bool
    """Whether no number is given until the registers are reconciled."""
    duties_failed: int
    """Duties (`edoc.node.duties`) whose last attempt failed."""
    anchor_age_seconds: float | None
    """Since a worker last saw to it that the audit log is time-stamped; None if none ever did."""
    clock_offset_seconds: float
    """How far this machine's clock is ahead of the database's."""
    certificate_days_left: Mapping[str, float]
    """Until the certificates end: `seal`, and `issuer`, the first of those above it; negative after that."""


def take(node: Node) -> Figures:
    """Read the figures.

    Raises `Unavailable` if the database cannot be reached, `KeyLoadError` if the seal cannot be read.
    """
    offset = clock_offset(node.journal)
    with node.journal.reading_at() as (connection, now):
        opened, oldest = _open_tasks(connection)
        due, lag = waiting(connection, now)
        late, at_risk = terms.count(connection, now=now)
        return Figures(
            open_tasks=opened,
            due_tasks=due,
            outbox_lag_seconds=lag,
            oldest_open_seconds=_since(oldest, now) or 0.0,
            dead_letters=_count(connection, t.tasks.c.dead_at.is_not(None) & t.tasks.c.done_at.is_(None)),
            late=late,
            at_risk=at_risk,
            peers_away=_count(connection, t.peers.c.open_until.is_not(None)),
            numbering_held=_count(connection, t.numbering_holds.c.ended_at.is_(None)) > 0,
            duties_failed=_count(connection, t.duties.c.last_error.is_not(None)),
            anchor_age_seconds=_since(_last_anchor(connection), now),
            clock_offset_seconds=offset.total_seconds(),
            certificate_days_left=days_left(node, now),
        )


def waiting(
    connection: Connection, now: datetime, *, kinds: Collection[Work] | None = None
) -> tuple[int, float]:
    """Count what a worker of these kinds, or of all, could take; and the seconds that the first one waits."""
    found = select(func.count(), func.min(t.tasks.c.due_at)).where(outbox.may_be_taken())
    if kinds is not None:
        found = found.where(t.tasks.c.kind.in_(sorted(kind.value for kind in kinds)))
    count, oldest = connection.execute(found, {"now": instant(now)}).one()
    return count, _since(oldest, now) or 0.0


def days_left(node: Node, now: datetime) -> dict[str, float]:
    """Days until the seal's certificate ends, and until the first of its issuers' does."""
    key = node.seal_key
    issuers = [read_certificate(each).not_after for each in key.chain]
    ends = {"seal": read_certificate(key.certificate).not_after}
    if issuers:
        ends["issuer"] = min(issuers)
    return {use: (at - now) / _DAY for use, at in ends.items()}


def _open_tasks(connection: Connection) -> tuple[dict[str, int], str | None]:
    """Open tasks by kind, and when the oldest was caused."""
    count, oldest = func.count(), func.min(t.tasks.c.created_at)
    rows = connection.execute(
        select(t.tasks.c.kind, count, oldest).where(outbox.is_open()).group_by(t.tasks.c.kind)
    ).all()
    return {kind: number for kind, number, _ in rows}, min((row[2] for row in rows), default=None)


def _count(connection: Connection, condition: object) -> int:
    return int(connection.execute(select(func.count()).where(condition)).scalar_one())  # type: ignore[arg-type]


def _last_anchor(connection: Connection) -> str | None:
    return connection.execute(select(t.duties.c.last_done_at).where(t.duties.c.name == "anchor")).scalar()


def _since(at: str | None, now: datetime) -> float | None:
    return None if at is None else max(0.0, (now - datetime.fromisoformat(at)).total_seconds())
