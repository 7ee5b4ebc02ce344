"""How a node is doing, in numbers, read from the database: for metrics, readiness and people.

Whatever grows with the documents is counted by the database over what is open only; what was done long ago
costs nothing here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from edoc.node import tables as t
from edoc.node.node import Node
from edoc.node.tables import instant
from edoc.trust.certificates import read_certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A node at one instant; times in seconds."""

    open_tasks: Mapping[str, int]
    """Tasks that are neither done nor set aside, by kind."""
    due_tasks: int
    """Those that a worker could take now."""
    oldest_due_seconds: float
    """How long the one that has waited longest could have been taken; 0 if none waits."""
    dead_letters: int
    """Tasks that wait for a person."""
    seal_days_left: float
    """Until the seal's certificate ends, in days; negative after that."""


def take(node: Node) -> Figures:
    """Read the figures; raises `Unavailable` if the database cannot be reached."""
    now = node.journal.clock()
    tasks = t.tasks.c
    is_open = tasks.done_at.is_(None) & tasks.dead_at.is_(None)
    free = tasks.lease_until.is_(None) | (tasks.lease_until <= instant(now))
    with node.journal.reading() as connection:
        by_kind = connection.execute(select(tasks.kind, func.count()).where(is_open).group_by(tasks.kind))
        open_tasks: dict[str, int] = dict(list(by_kind.tuples()))
        due = select(func.count(), func.min(tasks.due_at)).where(
            is_open & free & (tasks.due_at <= instant(now))
        )
        due_tasks, oldest = connection.execute(due).one()
        dead = connection.execute(select(func.count()).where(tasks.dead_at.is_not(None))).scalar_one()
    waited = 0.0 if oldest is None else (now - datetime.fromisoformat(oldest)).total_seconds()
    ends = read_certificate(node.seal_key.certificate).not_after
    return Figures(
        open_tasks=open_tasks,
        due_tasks=due_tasks,
        oldest_due_seconds=max(0.0, waited),
        dead_letters=dead,
        seal_days_left=(ends - now).total_seconds() / 86_400,
    )
