"""What the outbox's rows mean, as SQL: which work may be taken, in which lane, for which peer.

A document's tasks stand in lanes: its own steps, the answers to its sender, one lane for each recipient.
Those of a lane are done in the order of their ids, never two at once, and one that was set aside holds its
lane until a person acts. Lanes know nothing of each other.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    String,
    bindparam,
    case,
    exists,
    literal,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from edoc.core.lifecycle import Work
from edoc.node import tables as t

HUB: Final = "hub"
"""The one peer of a node whose packages all travel through a hub."""
ANSWERS: Final = "answer"
STEPS: Final = "steps"
PATIENCE: Final = timedelta(days=7)
"""So long a task is tried, unless its dispatch says otherwise."""
AT_LEAST: Final = timedelta(days=1)
"""A dispatch that is due earlier is tried for this long nevertheless."""
_END_OF_DAY: Final = "T17:00:00.000000+00:00"
"""Midnight in Vietnam, as the tables hold it."""


def lane_of(kind: Work, argument: str) -> str:
    """Name the lane of its document that work belongs to."""
    if kind is Work.DELIVER:
        return f"deliver {argument}"
    return ANSWERS if kind is Work.ANSWER else STEPS


def is_open() -> ColumnElement[bool]:
    """Neither done nor set aside."""
    return t.tasks.c.done_at.is_(None) & t.tasks.c.dead_at.is_(None)


def is_unfinished(tasks: FromClause = t.tasks) -> ColumnElement[bool]:
    """Open, or set aside and not given up: it holds its lane."""
    return tasks.c.done_at.is_(None) & tasks.c.discarded_at.is_(None)


def may_be_taken(tasks: FromClause = t.tasks) -> ColumnElement[bool]:
    """Due, in nobody's hands, first in its lane, and its peer is not known to be away; at `:now`.

    What a worker let fall goes before all others of its lane.
    """
    now = bindparam("now", type_=String)
    other = t.tasks.alias("other")
    in_the_way = (
        (other.c.document == tasks.c.document)
        & (other.c.lane == tasks.c.lane)
        & (other.c.id != tasks.c.id)
        & is_unfinished(other)
        & (other.c.lease_until.is_not(None) | (tasks.c.lease_until.is_(None) & (other.c.id < tasks.c.id)))
    )
    away = (t.peers.c.peer == tasks.c.peer) & (t.peers.c.open_until > now)
    return (
        tasks.c.done_at.is_(None)
        & tasks.c.dead_at.is_(None)
        & (tasks.c.due_at <= now)
        & (tasks.c.lease_until.is_(None) | (tasks.c.lease_until <= now))
        & _none(other, in_the_way, of=tasks)
        & _none(t.peers, away, of=tasks)
    )


def _none(rows: FromClause, condition: ColumnElement[bool], *, of: FromClause) -> ColumnElement[bool]:
    """Say that there is no such row, looked up for each task of `of`.

    Not by NOT EXISTS: PostgreSQL makes a join of it, and with statistics of a quiet night, by which next to
    nothing waits, it compared every task that waits with every other.
    """
    first = next(iter(rows.primary_key))
    return select(first).where(condition).limit(1).correlate(of).scalar_subquery().is_(None)


@cache
def taking(*, by: str, kinds: frozenset[Work] | None = None) -> Any:
    """Take one task and return its row: a certain `"task"`, the first in a `"lane"`, or the `"next"` due.

    Or take `"some"` that are due, `at_most` so many; what was started without an end, or tries whether a peer
    is back, is not among them. Parameters: `now`, `until`, `lately`; `wanted_task`, or `wanted_document` and
    `wanted_lane`, or `at_most`. The row's
    `half_open` is a time if the peer was away and this one tries, `news` is true if it is worth noting that
    the peer was reached.
    """
    candidate = t.tasks.alias("candidate")
    query = select(candidate.c.id).where(may_be_taken(candidate))
    if by == "task":
        query = query.where(candidate.c.id == bindparam("wanted_task"))
    elif by == "lane":
        lane = (candidate.c.document == bindparam("wanted_document")) & (
            candidate.c.lane == bindparam("wanted_lane")
        )
        query = query.where(lane).order_by(candidate.c.id)
    else:
        query = query.order_by(candidate.c.due_at, candidate.c.id)
    if by == "some":
        away = (t.peers.c.peer == candidate.c.peer) & t.peers.c.open_until.is_not(None)
        query = query.where((candidate.c.starts == candidate.c.tries) & _none(t.peers, away, of=candidate))
    if kinds is not None:
        query = query.where(candidate.c.kind.in_(sorted(kind.value for kind in kinds)))
    query = query.limit(bindparam("at_most", type_=Integer) if by == "some" else 1)
    # chosen once, whatever the plan: what is skipped because it is locked must not be replaced by others
    chosen = query.with_for_update(skip_locked=True, of=candidate).cte("chosen").prefix_with("MATERIALIZED")
    return (
        update(t.tasks)
        .where(t.tasks.c.id.in_(select(chosen.c.id)))
        .values(
            lease_until=bindparam("until", type_=String),
            fence=t.tasks.c.fence + 1,
            starts=t.tasks.c.starts + 1,
        )
        .returning(*t.tasks.c, *_about_peer())
    )


def _about_peer() -> tuple[ColumnElement[Any], ...]:
    # by name: what is returned is not correlated otherwise
    mine = t.peers.c.peer == literal_column("tasks.peer", String)
    lately = t.peers.c.last_success_at > bindparam("lately", type_=String)
    well = mine & (t.peers.c.failures == 0) & t.peers.c.open_until.is_(None) & lately
    half_open = select(t.peers.c.open_until).where(mine).scalar_subquery()
    news = ~select(t.peers.c.peer).where(well).exists()
    return half_open.label("half_open"), news.label("news")


@cache
def putting(dialect: str) -> Any:
    """Put one task into the outbox unless it stands there; returns its row, or none.

    Parameters: `the_document`, `the_kind`, `the_argument`, `the_lane`, `the_peer`, `now`, `expires_at`,
    `lately`, and `until`: if that is a time and the lane is free, the task is at once in the
    hands of whoever puts it there.
    """
    make = sqlite_insert if dialect == "sqlite" else postgresql_insert
    names = ("the_document", "the_kind", "the_argument", "the_lane", "the_peer", "now", "until", "expires_at")
    document, kind, argument, lane, peer, now, until, expires_at = (
        bindparam(name, type_=String) for name in names
    )
    other = t.tasks.alias("other")
    in_lane = (other.c.document == document) & (other.c.lane == lane) & is_unfinished(other)
    away = (t.peers.c.peer == peer) & t.peers.c.open_until.is_not(None)
    mine = until.is_not(None) & ~exists().where(in_lane) & ~exists().where(away)
    values = {
        "document": document,
        "kind": kind,
        "argument": argument,
        "lane": lane,
        "peer": peer,
        "created_at": now,
        "due_at": now,
        "expires_at": expires_at,
        "starts": case((mine, 1), else_=0),
        "tries": literal(0),
        "fence": literal(1),
        "lease_until": case((mine, until), else_=None),
    }
    return (
        make(t.tasks)
        .from_select(list(values), select(*values.values()).where(true()))
        .on_conflict_do_nothing()
        .returning(*t.tasks.c, *_about_peer())
    )


def peer_of(kind: Work, argument: str, *, sender: str, hub: bool) -> str | None:
    """Name whom the work must reach; everything goes through the hub where there is one."""
    if kind not in {Work.DELIVER, Work.ANSWER}:
        return None
    if hub:
        return HUB
    return argument if kind is Work.DELIVER else sender


def expiry(kind: Work, dispatch: Mapping[str, Any], *, now: datetime, patience: timedelta) -> str:
    """Until when work is tried, as the tables hold times.

    A delivery until the end of the day that its dispatch names, but for a day at least; else for `patience`.
    """
    due = dispatch.get("due_date")
    if kind is not Work.DELIVER or not due:
        return t.instant(now + patience)
    return max(f"{due}{_END_OF_DAY}", t.instant(now + AT_LEAST))


def has_unfinished(connection: Connection, document: str) -> bool:
    """Tell whether anything is left to do for the document, or waits for a person."""
    query = select(t.tasks.c.id).where((t.tasks.c.document == document) & is_unfinished())
    return connection.execute(query.limit(1)).first() is not None


def hold(connection: Connection, document: str) -> None:
    """Hold the document's unfinished tasks before its row, as whoever finishes a step does.

    Taken the other way round, both would wait for each other.
    """
    query = select(t.tasks.c.id).where((t.tasks.c.document == document) & is_unfinished())
    connection.execute(query.order_by(t.tasks.c.id).with_for_update()).all()


def drop(connection: Connection, document: str, kinds: Collection[Work], *, at: str) -> None:
    """End the document's open work of those kinds; a worker that is at it can no longer commit."""
    connection.execute(
        update(t.tasks)
        .where(
            (t.tasks.c.document == document)
            & t.tasks.c.kind.in_([kind.value for kind in kinds])
            & is_unfinished()
        )
        .values(done_at=at, lease_until=None, fence=t.tasks.c.fence + 1)
    )
