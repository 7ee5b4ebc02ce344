"""The outbox: work that a commit caused, taken by one worker at a time.

A worker claims a task by a lease with a fencing number; whoever finishes must still hold that number, so a
worker that fell silent and was overtaken cannot commit. What a finished step caused next stays in the same
hands where it can. Starts without an end are counted apart from failures that can pass: the former quarantine
a task, the latter are repeated until it expires. Nothing here is ever deleted.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from edoc.core.failures import CATALOGUE, Failure, failure_of
from edoc.core.lifecycle import Work
from edoc.errors import EdocError, Refused, Unavailable
from edoc.node import outbox, peers
from edoc.node import tables as t
from edoc.node.journal import Journal, Transaction
from edoc.node.peers import Breaker
from edoc.node.tables import instant

MAX_SKEW: Final = timedelta(seconds=60)
"""A machine whose clock is farther from the database's takes and ends no work."""
_LONGEST_PAUSE: Final = timedelta(hours=1)
_LATELY: Final = timedelta(minutes=1)
_WARNING: Final = timedelta(days=1)
_AT_ONCE: Final = 100


class OvertakenError(Refused):
    """Another worker took the step over; whatever this one did is dropped."""

    code = "OVERTAKEN"


class ClockSkewedError(Unavailable):
    """This machine's clock is too far from the database's."""

    code = "CLOCK_SKEWED"


Finish = Callable[[Transaction], None]
"""Commits what a step did; with other steps in one transaction, so it may be called again in another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a worker takes tasks."""

    lease_seconds: float = 60
    max_starts: int = 20
    """So many starts without an end quarantine a task."""
    kinds: frozenset[Work] | None = None
    """What it takes at all; None: everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A task in a worker's hands until the lease ends."""

    task: int
    document: str
    kind: Work
    argument: str
    lane: str
    peer: str | None
    """Who must be reached, if anybody."""
    created_at: datetime
    expires_at: datetime
    starts: int
    tries: int
    """Earlier attempts that failed."""
    fence: int
    terms: Terms
    news: bool
    """Whether it is worth noting that the peer was reached."""
    then: list["Claim"] = field(default_factory=list, compare=False)
    """What finishing this led to, already in the same hands."""

    @property
    def actor(self) -> str:
        """The name under which the audit log knows this work."""
        return f"worker:{self.kind.value}"


def due(journal: Journal, *, kinds: frozenset[Work] | None = None, limit: int = 200) -> list[int]:
    """Ids of tasks, of these kinds if they are given, that a worker may claim now, the longest due first."""
    query = select(t.tasks.c.id).where(outbox.may_be_taken()).order_by(t.tasks.c.due_at, t.tasks.c.id)
    if kinds is not None:
        query = query.where(t.tasks.c.kind.in_(sorted(kind.value for kind in kinds)))
    with journal.reading_at() as (connection, now):
        return list(connection.execute(query.limit(limit), {"now": instant(now)}).scalars())


def require_clock(tx: Transaction) -> None:
    """Raise `ClockSkewedError` if this machine's clock is too far from the database's."""
    if abs(tx.skew) > MAX_SKEW:
        raise ClockSkewedError(
            f"this machine's clock is {tx.skew.total_seconds():+.0f} seconds off the database's.",
            advice="Set it by NTP; until then this worker signs, numbers and sends nothing.",
        )


def claim(journal: Journal, task: int, *, lease_seconds: float, max_starts: int) -> Claim | None:
    """Take a certain task; None if it is done, dead, not due, in other hands, or not the first in its lane.

    A task that was started `max_starts` times without an end is set aside instead. Raises
    `ClockSkewedError` if this machine's clock is wrong.
    """
    terms = Terms(lease_seconds=lease_seconds, max_starts=max_starts)
    return _claim(journal, terms, by="task", wanted_task=task)


def claim_next(journal: Journal, terms: Terms) -> Claim | None:
    """Take the task that has been due longest; None if there is none. Raises `ClockSkewedError`."""
    return _claim(journal, terms, by="next")


def claim_some(journal: Journal, terms: Terms, *, at_most: int) -> list[Claim]:
    """Take tasks that have been due longest, none that was started before without an end.

    So what kills a worker takes down no other task but once. Raises `ClockSkewedError`.
    """
    with journal.transaction(actor="worker") as tx:
        require_clock(tx)
        values = {**_values(tx, terms), "at_most": at_most}
        rows = tx.raw.execute(outbox.taking(by="some", kinds=terms.kinds), values).all()
    return [_claim_of(row, terms) for row in sorted(rows, key=lambda row: (row.due_at, row.id))]


def give_back(journal: Journal, claims: Sequence[Claim]) -> None:
    """Let go of tasks that were taken and not begun; they are rung for again."""
    with journal.transaction(actor="worker") as tx:
        held = _TASKS.where(_are_held(claims))
        gone = held.values(lease_until=None, starts=t.tasks.c.starts - 1).returning(t.tasks.c.id)
        tx.rung += tx.raw.execute(gone).scalars()


class _AnotherProbesError(Exception):
    """The peer is away, and another worker is trying it now."""


def _claim(journal: Journal, terms: Terms, **wanted: Any) -> Claim | None:
    try:
        with journal.transaction(actor="worker") as tx:
            require_clock(tx)
            return _take(tx, terms, **wanted)
    except (_AnotherProbesError, IntegrityError):  # at the same moment another worker got into that lane
        return None


def _take(tx: Transaction, terms: Terms, *, by: str, **wanted: Any) -> Claim | None:
    values = {**_values(tx, terms), **wanted}
    row = tx.raw.execute(outbox.taking(by=by, kinds=terms.kinds), values).first()
    if row is None:
        return None
    if row.half_open is not None and not peers.begin_probe(tx, row.peer, lease_seconds=terms.lease_seconds):
        raise _AnotherProbesError
    if row.starts - row.tries > terms.max_starts:
        words = f"started {terms.max_starts} times without coming to an end"
        _set_aside(tx, row, CATALOGUE["CRASHED"], words)
        return None
    return _claim_of(row, terms)


def _values(tx: Transaction, terms: Terms) -> dict[str, Any]:
    return {
        "now": tx.at,
        "until": instant(tx.now + timedelta(seconds=terms.lease_seconds)),
        "lately": instant(tx.now - _LATELY),
    }


def _claim_of(row: Any, terms: Terms) -> Claim:
    return Claim(
        task=row.id,
        document=row.document,
        kind=Work(row.kind),
        argument=row.argument,
        lane=row.lane,
        peer=row.peer,
        created_at=datetime.fromisoformat(row.created_at),
        expires_at=datetime.fromisoformat(row.expires_at),
        starts=row.starts,
        tries=row.tries,
        fence=row.fence,
        terms=terms,
        news=row.peer is not None and bool(row.news),
    )


@contextmanager
def finishing(journal: Journal, *claims: Claim) -> Iterator[Transaction]:
    """The one transaction that ends claimed tasks together with everything they did.

    Raises `OvertakenError` if another worker took one of them over, `ClockSkewedError` if this machine's
    clock went wrong: then nothing of this is committed.
    """
    terms, by_document = claims[0].terms, {claim.document: claim for claim in claims}
    actor = claims[0].actor
    with journal.transaction(actor=actor, lease_seconds=terms.lease_seconds, kinds=terms.kinds) as tx:
        require_clock(tx)
        # first, so that a worker that was overtaken touches nothing else
        _end(tx, claims)
        tx.takes |= by_document.keys()
        yield tx
        led_to = [(by_document[row.document], _claim_of(row, terms)) for row in tx.taken]
        for claim in claims:
            if claim.lane == outbox.ANSWERS and claim.document in tx.takes:
                named = {"wanted_document": claim.document, "wanted_lane": claim.lane}
                next_answer = _take(tx, terms, by="lane", **named)
                led_to += [] if next_answer is None else [(claim, next_answer)]
    for claim, then in led_to:
        claim.then.append(then)


def _end(tx: Transaction, claims: Sequence[Claim]) -> None:
    """Mark the tasks as done, and hold their documents, which whoever ends one changes."""
    ending = _TASKS.where(_are_held(claims)).values(done_at=tx.at, lease_until=None, code=None, error=None)
    ended = set(tx.raw.execute(ending.returning(t.tasks.c.id)).scalars())
    for claim in claims:
        if claim.task not in ended:
            raise _overtaken(claim)
    tx.lock({claim.document for claim in claims})


def renew(journal: Journal, claim: Claim) -> None:
    """Lengthen the lease of a step that is still being done; raises `OvertakenError` if it was lost."""
    with journal.transaction(actor=claim.actor) as tx:
        _hold(tx, claim, lease_until=instant(tx.now + timedelta(seconds=claim.terms.lease_seconds)))


def pause_after(claim: Claim, *, first: float) -> timedelta:
    """How long a task waits after this failure: twice as long each time, up to an hour, less some jitter.

    The jitter follows from the task, so that tasks that failed together do not come back together.
    """
    longest = min(timedelta(seconds=first * 2 ** min(claim.tries, 20)), _LONGEST_PAUSE)
    return longest * (1 - zlib.crc32(f"{claim.task} {claim.tries}".encode()) / 2**34)


def postpone(
    journal: Journal,
    claim: Claim,
    error: BaseException,
    *,
    first_pause: float,
    breaker: Breaker | None = None,
) -> bool:
    """Try again later; false if the task has expired and was set aside instead.

    The failure of a peer counts for its breaker.
    """
    failure, words = failure_of(error), describe(error)
    with journal.transaction(actor=claim.actor) as tx:
        expired = tx.now >= claim.expires_at
        wait_until = min(tx.now + pause_after(claim, first=first_pause), claim.expires_at)
        row = _hold(
            tx,
            claim,
            lease_until=None,
            due_at=instant(wait_until),
            tries=claim.tries + 1,
            code=failure.code,
            error=words,
        )
        _record(tx, row, "failed", failure.code, words)
        if claim.peer is not None and isinstance(error, peers.PeerAwayError):
            peers.note_failure(tx, claim.peer, words, breaker or Breaker())
        if expired:
            _set_aside(tx, row, CATALOGUE["EXPIRED"], f"tried until its time ran out: {words}")
    return not expired


def set_aside(journal: Journal, claim: Claim, error: BaseException) -> None:
    """End a task that cannot succeed: it waits, with its reason, for a person."""
    with journal.transaction(actor=claim.actor) as tx:
        _set_aside(tx, _hold(tx, claim), failure_of(error), describe(error))


def describe(error: BaseException) -> str:
    """Say what went wrong; of an error that is not ours only its kind, for its text might tell a secret."""
    return str(error) if isinstance(error, EdocError) else f"unexpected {type(error).__name__}"


def expire(journal: Journal) -> list[int]:
    """Set aside what expired while its peer was away; returns the tasks."""
    with journal.transaction(actor="sweeper") as tx:
        rows = tx.connection.execute(
            select(t.tasks, t.peers.c.last_error)
            .join(t.peers, t.peers.c.peer == t.tasks.c.peer)
            .where(outbox.is_open() & t.tasks.c.lease_until.is_(None) & (t.tasks.c.expires_at <= tx.at))
            .where(t.peers.c.open_until.is_not(None))
            .limit(_AT_ONCE)
            .with_for_update(skip_locked=True, of=t.tasks)
        ).all()
        for row in rows:
            words = f"its time ran out while {row.peer} was away: {row.last_error}"
            _set_aside(tx, row, CATALOGUE["EXPIRED"], words)
    return [row.id for row in rows]


def warn(journal: Journal) -> list[int]:
    """Note in the audit log what fails or waits and expires within a day; each task once."""
    with journal.transaction(actor="sweeper") as tx:
        soon = instant(tx.now + _WARNING)
        troubled = (t.tasks.c.tries > 0) | (t.tasks.c.due_at > tx.at)
        rows = tx.connection.execute(
            select(t.tasks)
            .where(outbox.is_open() & troubled & t.tasks.c.warned_at.is_(None))
            .where(t.tasks.c.expires_at <= soon)
            .limit(_AT_ONCE)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            tx.note(
                row.document,
                "expires-soon",
                kind=row.kind,
                argument=row.argument,
                expires_at=row.expires_at,
                reason=row.error or "",
            )
        if rows:
            ids = [row.id for row in rows]
            tx.connection.execute(update(t.tasks).where(t.tasks.c.id.in_(ids)).values(warned_at=tx.at))
    return [row.id for row in rows]


_HELD: Final = (
    (t.tasks.c.id == bindparam("held_task")) & (t.tasks.c.fence == bindparam("held_fence")) & outbox.is_open()
)
# sets the columns that are given to it
_HOLDING: Final = update(t.tasks).where(_HELD).returning(*t.tasks.c)


_TASKS: Final = update(t.tasks)


def _are_held(claims: Sequence[Claim]) -> ColumnElement[bool]:
    """The tasks that are still in these hands; they are locked in an order that is everybody's."""
    pairs = tuple_(t.tasks.c.id, t.tasks.c.fence).in_([(claim.task, claim.fence) for claim in claims])
    held = select(t.tasks.c.id).where(pairs & outbox.is_open()).order_by(t.tasks.c.id).with_for_update()
    return t.tasks.c.id.in_(select(held.cte("held").c.id))


def _hold(tx: Transaction, claim: Claim, **values: Any) -> Any:
    held = {"held_task": claim.task, "held_fence": claim.fence, "fence": claim.fence}
    row = tx.connection.execute(_HOLDING, {**held, **values}).first()
    if row is None:
        raise _overtaken(claim)
    return row


def _overtaken(claim: Claim) -> OvertakenError:
    return OvertakenError("another worker took this step over.", where=f"task {claim.task}")


def _set_aside(tx: Transaction, row: Any, failure: Failure, words: str) -> None:
    tx.connection.execute(
        update(t.tasks)
        .where(t.tasks.c.id == row.id)
        .values(dead_at=tx.at, lease_until=None, code=failure.code, error=words)
    )
    _record(tx, row, "dead", failure.code, words)
    tx.note(row.document, "set-aside", kind=row.kind, argument=row.argument, code=failure.code, reason=words)


def _record(tx: Transaction, row: Any, outcome: str, code: str, words: str) -> None:
    tx.connection.execute(
        insert(t.attempts).values(
            task=row.id, at=tx.at, start=row.starts, outcome=outcome, code=code, words=words
        )
    )
