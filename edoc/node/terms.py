"""The deadlines of a node's documents: written with the state that opens, meets or ends them.

    late = terms.open_terms(connection, now=now, late=True)

Which deadlines there are and when they fall is data: `edoc.core.deadlines`, `edoc/policies/*.toml`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select

from edoc.core.deadlines import Kind, Schedule, Term, answering, dated, ending, opening, span
from edoc.core.lifecycle import State
from edoc.node import tables as t
from edoc.node.database import insert_once
from edoc.node.heldback import HeldBack


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a deadline is about: a document, or its delivery to one recipient."""

    document: str
    recipient: str = ""
    life: str
    """The machine's name."""
    dispatch: Mapping[str, Any]
    """The document's header as JSON: its priority and due date count."""


def follow(held_back: HeldBack, subject: Subject, state: State, *, now: datetime, schedule: Schedule) -> None:
    """Open, meet and end what reaching `state` opens, meets and ends. The caller holds the document's row."""
    met, lapsed = ending(subject.life, state)
    _close(held_back, subject, met, "met_at", now)
    _close(held_back, subject, lapsed, "lapsed_at", now)
    for row in _begin(subject, opening(subject.life, state), now, schedule):
        held_back.open_deadline(row)


def reset(
    connection: Connection, subject: Subject, state: State, *, now: datetime, schedule: Schedule
) -> None:
    """Count what goes by the document's own date anew, after that date was changed."""
    terms = tuple(dated(subject.life, state))
    kinds = [term.kind.value for term in terms]
    mine = (t.deadlines.c.document == subject.document) & (t.deadlines.c.recipient == subject.recipient)
    connection.execute(delete(t.deadlines).where(mine & t.deadlines.c.kind.in_(kinds) & _is_open()))
    rows = list(_begin(subject, terms, now, schedule))
    if rows:
        connection.execute(insert_once(connection, t.deadlines).values(rows))


def _begin(
    subject: Subject, terms: Iterable[Term], now: datetime, schedule: Schedule
) -> Iterator[dict[str, Any]]:
    """The rows of the terms that begin now."""
    for term in terms:
        found = span(
            term.limit,
            now,
            priority=_priority(subject.dispatch),
            due_date=_due_date(subject.dispatch),
            schedule=schedule,
        )
        if found is not None:
            yield {
                "document": subject.document,
                "recipient": subject.recipient,
                "kind": term.kind.value,
                "due_at": t.instant(found.due_at),
                "warn_at": t.instant(found.warn_at),
            }


def answered(held_back: HeldBack, subject: Subject, code: str, *, now: datetime) -> None:
    """Meet what the sending of a status of that code meets."""
    _close(held_back, subject, answering(code), "met_at", now)


def _close(
    held_back: HeldBack, subject: Subject, kinds: Collection[Kind], column: str, now: datetime
) -> None:
    if kinds:
        values = sorted(kind.value for kind in kinds)
        held_back.close_deadlines(subject.document, subject.recipient, values, column, t.instant(now))


def open_terms(connection: Connection, *, now: datetime, late: bool) -> list[Row[Any]]:
    """Give the deadlines that are missed (`late`), or at risk and not missed yet; the earliest first."""
    condition = _late(now) if late else _at_risk(now)
    return list(connection.execute(select(t.deadlines).where(condition).order_by(t.deadlines.c.due_at)))


def count(connection: Connection, *, now: datetime) -> tuple[int, int]:
    """Count the open deadlines that are missed, and those at risk."""
    found = connection.execute(
        select(
            func.count().filter(_late(now)).label("late"), func.count().filter(_at_risk(now)).label("at_risk")
        ).where(_is_open())
    ).one()
    return found.late, found.at_risk


def terms_of(connection: Connection, document: str) -> list[Row[Any]]:
    """Give all deadlines of a document and its deliveries, the earliest first."""
    query = select(t.deadlines).where(t.deadlines.c.document == document)
    return list(connection.execute(query.order_by(t.deadlines.c.due_at, t.deadlines.c.kind)))


def summarize(row: Row[Any], *, now: datetime) -> dict[str, Any]:
    """A deadline for JSON, times in UTC; `standing` is `open`, `at-risk`, `late`, `met` or `lapsed`."""
    return {**row._mapping, "standing": _standing(row, t.instant(now))}  # noqa: SLF001 - SQLAlchemy's public name


def _standing(row: Row[Any], now: str) -> str:
    if row.met_at is not None:
        return "met"
    if row.lapsed_at is not None:
        return "lapsed"
    return "late" if row.due_at <= now else "at-risk" if row.warn_at <= now else "open"


def _is_open() -> ColumnElement[bool]:
    return t.deadlines.c.met_at.is_(None) & t.deadlines.c.lapsed_at.is_(None)


def _late(now: datetime) -> ColumnElement[bool]:
    # warn_at is the indexed one, and never after due_at
    return _is_open() & (t.deadlines.c.warn_at <= t.instant(now)) & (t.deadlines.c.due_at <= t.instant(now))


def _at_risk(now: datetime) -> ColumnElement[bool]:
    return _is_open() & (t.deadlines.c.warn_at <= t.instant(now)) & (t.deadlines.c.due_at > t.instant(now))


def _priority(dispatch: Mapping[str, Any]) -> int | None:
    value = (dispatch.get("other_info") or {}).get("priority")
    return value if isinstance(value, int) else None


def _due_date(dispatch: Mapping[str, Any]) -> date | None:
    value = dispatch.get("due_date")
    return date.fromisoformat(value) if value else None
