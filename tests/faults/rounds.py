"""Carries documents through while something goes wrong: sends them, plays both clerks, revives workers."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from crews import Worker
from grounds import Grounds, Side
from poison import Bad
from sqlalchemy import func, select

from edoc.core.lifecycle import Event, State
from edoc.errors import EdocError, Unavailable
from edoc.node import clerk
from edoc.node import tables as t

PATIENCE: Final = 180.0
"""Seconds without a step after which a trial is given up; what is not done then counts as lost."""
_TICK: Final = 0.1


@dataclass(slots=True)
class Outcome:
    """What a trial did."""

    faults: Counter[str] = field(default_factory=Counter)
    """Faults injected, by kind."""
    bad: list[tuple[Side, Bad]] = field(default_factory=list)
    """Packages that arrived and must not get through."""
    refused: list[tuple[Side, str]] = field(default_factory=list)
    """Documents that must end with a reason: what the trial did to them is one."""
    wrong: list[str] = field(default_factory=list)
    """What the trial itself saw that must not be."""

    def require(self, holds: bool, words: str) -> None:
        """Note what must not be."""
        if not holds:
            self.wrong.append(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a trial runs."""

    name: str
    """Its letter, as documents remember it."""
    count: int
    """Good documents, both directions together."""
    dice: random.Random
    brief: bool
    """Whether everybody is waiting: fewer faults, shorter pauses."""


def send(grounds: Grounds, terms: Terms, count: int | None = None, *sides: Side) -> None:
    """Submit so many documents, all of the trial if it is left out, by turns in both directions."""
    places = sides or grounds.sides
    for index in range(terms.count if count is None else count):
        grounds.submit(places[index % len(places)], terms.name)


def carry_through(
    grounds: Grounds,
    workers: Sequence[Worker],
    terms: Terms,
    *,
    disturb: Callable[[], object] = lambda: None,
    until: Callable[[], bool] = lambda: True,
    patience: float = PATIENCE,
) -> bool:
    """Go on until every document of the trial is archived on both sides and `until` holds.

    `disturb` is called again and again meanwhile. Returns false if nothing moved for `patience` seconds.
    """
    moved, last = time.monotonic(), (0, 0)
    while True:
        for worker in workers:
            worker.revive()
        disturb()
        try:
            play_clerks(grounds)
            now = count_entries(grounds)
            if is_done(grounds, terms.name) and until():
                return True
        except Unavailable:  # the database is away: so it was meant
            now = last
        if now != last:
            moved, last = time.monotonic(), now
        if time.monotonic() - moved > patience:
            return False
        time.sleep(_TICK)


def play_clerks(grounds: Grounds) -> None:
    """Complete whatever was registered on either side."""
    for side in grounds.sides:
        query = select(t.documents.c.id).where(
            (t.documents.c.direction == "incoming") & (t.documents.c.state == State.REGISTERED.value)
        )
        with side.node.journal.reading() as connection:
            registered = connection.execute(query).scalars().all()
        for document in registered:
            clerk.act(side.node, document, Event.COMPLETE, actor="chuyen-vien")


def count_entries(grounds: Grounds) -> tuple[int, int]:
    """How many audit entries there are on each side."""
    one, two = (count_audit(side) for side in grounds.sides)
    return one, two


def count_audit(side: Side) -> int:
    """How many audit entries a node has."""
    with side.node.journal.reading() as connection:
        return int(connection.execute(select(func.max(t.audit.c.seq))).scalar() or 0)


def is_done(grounds: Grounds, trial: str) -> bool:
    """Tell whether every document of a trial is archived on both sides."""
    return all(
        count_archived(side, trial) == (want := sum(name == trial for name in side.sent.values()))
        and count_arrived(other, side, trial) == want
        for side, other in (grounds.sides, grounds.sides[::-1])
    )


def count_archived(side: Side, trial: str) -> int:
    """How many documents that a side sent in a trial are archived there."""
    return len(_archived(side, "outgoing") & _names(side, trial))


def count_arrived(there: Side, sender: Side, trial: str) -> int:
    """How many of them are archived at their recipient."""
    return len(_archived(there, "incoming") & _names(sender, trial))


def _names(side: Side, trial: str) -> set[str]:
    """What a side's documents of a trial are called everywhere, as far as they have a number."""
    mine = [document for document, sent_in in side.sent.items() if sent_in == trial]
    query = select(t.documents.c.document_id).where(t.documents.c.id.in_(mine))
    with side.node.journal.reading() as connection:
        return {name for name in connection.execute(query).scalars() if name}


def _archived(side: Side, direction: str) -> set[str]:
    query = select(t.documents.c.document_id).where(
        (t.documents.c.direction == direction) & (t.documents.c.state == State.ARCHIVED.value)
    )
    with side.node.journal.reading() as connection:
        return {name for name in connection.execute(query).scalars() if name}


@dataclass(slots=True)
class Every:
    """Does something every so many seconds, more or less, at most so many times."""

    seconds: float
    times: int
    dice: random.Random
    act: Callable[[int], object]
    """Called with how many times it was done before."""
    done: int = 0
    _next: float = field(default_factory=time.monotonic)

    def __call__(self) -> None:
        """Do it if it is time."""
        if self.done < self.times and time.monotonic() >= self._next:
            self.act(self.done)
            self.done += 1
            self._next = time.monotonic() + self.seconds * self.dice.uniform(0.5, 1.5)

    @property
    def over(self) -> bool:
        """Whether it was done as often as it is to be."""
        return self.done >= self.times


def try_command(done: Callable[[], object], outcome: Outcome, what: str) -> None:
    """Do something that a person would do; what goes wrong counts."""
    try:
        done()
    except EdocError as error:
        outcome.wrong.append(f"{what}: {error}")
