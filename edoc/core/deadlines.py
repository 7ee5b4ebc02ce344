"""The deadlines of QĐ 28/2018 Art 6.2 and NĐ 30/2020, as a table, and when each one falls.

Rules: a term begins when a document or a delivery reaches a state, is met when it reaches one of others (or
when a status is answered), and lapses when the document takes another course. All times are Vietnam's; the
law counts working days, urgent documents count in minutes. Nothing here reads a clock.

    span(Limit.SEND, start, priority=0, due_date=None, schedule=schedule).due_at
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from edoc.core.calendar import Calendar
from edoc.core.lifecycle import State
from edoc.core.zone import VIETNAM


class Kind(StrEnum):
    """What is to be done in time."""

    RELEASE = "release"
    """We issue and send a signed document."""
    HAND_OVER = "hand-over"
    """One recipient's transport takes it."""
    RECEIPT = "receipt"
    """That recipient says that it arrived."""
    REPLY = "reply"
    """That recipient completes it by the date the document sets."""
    RECALL = "recall"
    """That recipient answers our recall."""
    NOTICE = "notice"
    """We say that a document arrived."""
    REGISTER = "register"
    """We accept and register it, or return it."""
    HANDLE = "handle"
    """We complete it by the date it sets."""
    DECIDE = "decide"
    """We answer an order."""


class Limit(StrEnum):
    """How a deadline is counted."""

    SEND = "send"
    """The same day, at latest the morning of the next working day; urgent: minutes."""
    REGISTER = "register"
    """The same day, at latest the next working day; urgent: minutes."""
    WITHIN_DAY = "within-day"
    """By the end of the working day; what comes after it or on a free day, by the end of the next one."""
    PROMPTLY = "promptly"
    """The law says only "promptly": here by the end of the next working day."""
    DUE_DATE = "due-date"
    """By the end of the date that the document sets; without one there is no deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One deadline as data."""

    kind: Kind
    life: str
    """The machine: `outgoing`, `incoming` or `delivery`."""
    opens: State
    met: frozenset[State] = frozenset()
    lapses: frozenset[State] = frozenset()
    answer: str = ""
    """The status code whose sending meets it."""
    limit: Limit
    law: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What the law leaves open, as data (`edoc/policies/deadlines.toml`)."""

    morning_ends: time
    day_ends: time
    urgent_minutes: Mapping[int, int]
    """Priority of the dispatch → minutes; the highest one given also serves any above it."""
    warn_share: float
    """A deadline is at risk when this share of its time is used…"""
    warn_minutes: int
    """…or when no more than this is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Everything that deadlines are counted by."""

    calendar: Calendar
    timing: Timing


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When a deadline falls, and from when it is at risk; Vietnam time."""

    due_at: datetime
    warn_at: datetime


_S = State
_NOT_RECALLED: Final = (_S.DELIVERED, _S.ARRIVED, _S.ACCEPTED, _S.ASSIGNED, _S.PROCESSING, _S.COMPLETED)
_ANSWERED: Final = (_S.AGREED, _S.DECLINED)
_TAKEN_BACK: Final = (_S.RECALLING, _S.RECALLED, _S.UNRECALLED, _S.WITHHELD, _S.REPLACED)
_ENDED: Final = (_S.CANCELLED, _S.REPLACED)

TERMS: Final = (
    Term(
        kind=Kind.RELEASE,
        life="outgoing",
        opens=_S.SIGNED,
        met=frozenset({_S.SENT, _S.COMPLETED}),
        lapses=frozenset({_S.REFUSED, _S.VOIDED, _S.FROZEN}),
        limit=Limit.SEND,
        law="QĐ 28/2018 Art 6.2; NĐ 30/2020 Art 18.1",
    ),
    Term(
        kind=Kind.HAND_OVER,
        life="delivery",
        opens=_S.PENDING,
        met=frozenset({*_NOT_RECALLED, *_ANSWERED, _S.REFUSED}),
        lapses=frozenset(_TAKEN_BACK),
        limit=Limit.SEND,
        law="QĐ 28/2018 Art 6.2",
    ),
    Term(
        kind=Kind.RECEIPT,
        life="delivery",
        opens=_S.DELIVERED,
        met=frozenset({*_NOT_RECALLED[1:], *_ANSWERED, _S.REFUSED}),
        lapses=frozenset(_TAKEN_BACK),
        limit=Limit.WITHIN_DAY,
        law="NĐ 30/2020 Art 21.2c",
    ),
    Term(
        kind=Kind.REPLY,
        life="delivery",
        opens=_S.DELIVERED,
        met=frozenset({_S.COMPLETED, *_ANSWERED}),
        lapses=frozenset({*_TAKEN_BACK, _S.REFUSED}),
        limit=Limit.DUE_DATE,
        law="QĐ 28/2018 Art 10.2 (DueDate)",
    ),
    Term(
        kind=Kind.RECALL,
        life="delivery",
        opens=_S.RECALLING,
        met=frozenset({_S.RECALLED, _S.UNRECALLED}),
        limit=Limit.PROMPTLY,
        law="QĐ 28/2018 Art 9.2; NĐ 30/2020 Art 18.4b",
    ),
    Term(
        kind=Kind.NOTICE,
        life="incoming",
        opens=_S.RECEIVED,
        answer="01",
        limit=Limit.WITHIN_DAY,
        law="NĐ 30/2020 Art 21.2c",
    ),
    Term(
        kind=Kind.REGISTER,
        life="incoming",
        opens=_S.RECEIVED,
        met=frozenset({_S.REGISTERED, _S.REFUSED}),
        lapses=frozenset(_ENDED),
        limit=Limit.REGISTER,
        law="NĐ 30/2020 Art 4.2c, 22, 23.1",
    ),
    Term(
        kind=Kind.HANDLE,
        life="incoming",
        opens=_S.REGISTERED,
        met=frozenset({_S.COMPLETED}),
        lapses=frozenset({*_ENDED, _S.REFUSED}),
        limit=Limit.DUE_DATE,
        law="QĐ 28/2018 Art 10.2 (DueDate)",
    ),
    Term(
        kind=Kind.DECIDE,
        life="incoming",
        opens=_S.ORDERED,
        met=frozenset({_S.AGREED, _S.DECLINED}),
        limit=Limit.PROMPTLY,
        law="QĐ 28/2018 Art 9.2",
    ),
)


def opening(life: str, state: State) -> Iterator[Term]:
    """Give the terms that begin when a life reaches the state."""
    return (term for term in TERMS if term.life == life and term.opens is state)


def ending(life: str, state: State) -> tuple[frozenset[Kind], frozenset[Kind]]:
    """Give the terms that are met, and those that lapse, when a life reaches the state."""
    return (
        frozenset(term.kind for term in TERMS if term.life == life and state in term.met),
        frozenset(term.kind for term in TERMS if term.life == life and state in term.lapses),
    )


def dated(life: str, state: State) -> Iterator[Term]:
    """Give the terms that go by the document's own date, as far as the state does not end them."""
    return (
        term
        for term in TERMS
        if term.life == life and term.limit is Limit.DUE_DATE and state not in term.met | term.lapses
    )


def answering(code: str) -> frozenset[Kind]:
    """Give the terms that are met when a status of that code has been sent."""
    return frozenset(term.kind for term in TERMS if term.answer and term.answer == code)


def span(
    limit: Limit, start: datetime, *, priority: int | None, due_date: date | None, schedule: Schedule
) -> Span | None:
    """Tell when a deadline that begins at `start` falls; None if there is none."""
    start = start.astimezone(VIETNAM)
    due_at = _due(limit, start, priority or 0, due_date, schedule)
    if due_at is None:
        return None
    timing = schedule.timing
    early = min(start + (due_at - start) * timing.warn_share, due_at - timedelta(minutes=timing.warn_minutes))
    return Span(due_at=due_at, warn_at=min(max(start, early), due_at))


def _due(
    limit: Limit, start: datetime, priority: int, due_date: date | None, schedule: Schedule
) -> datetime | None:
    calendar, timing = schedule.calendar, schedule.timing
    if limit is Limit.DUE_DATE:
        return None if due_date is None else _at(due_date + timedelta(days=1), time(0))
    minutes = _urgent_minutes(priority, timing) if limit in {Limit.SEND, Limit.REGISTER} else None
    if minutes is not None:
        return start + timedelta(minutes=minutes)
    if limit is Limit.SEND:
        return _at(calendar.next_working(start.date()), timing.morning_ends)
    if limit is Limit.WITHIN_DAY and calendar.is_working(start.date()) and start.time() < timing.day_ends:
        return _at(start.date(), timing.day_ends)
    return _at(calendar.next_working(start.date()), timing.day_ends)


def _urgent_minutes(priority: int, timing: Timing) -> int | None:
    levels = [level for level in timing.urgent_minutes if level <= priority]
    return timing.urgent_minutes[max(levels)] if levels else None


def _at(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, VIETNAM)
