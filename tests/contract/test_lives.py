"""Two real nodes through a random season: documents, orders and clerks, over an unsteady mailbox.

What happens follows from a number, so that a life that went wrong can be lived again.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from pairing import Pair, open_pair, replacing

from edoc.core.lifecycle import INCOMING, OUTGOING, Event, State
from edoc.core.orders import is_bare
from edoc.core.ports import Parcel, Transport
from edoc.devpki.hierarchy import DevPki
from edoc.node import arrivedorders, clerk, collecting, deadletters, orders, steps, tasks
from edoc.node.journal import verify_chain
from edoc.node.node import Node

Act = Callable[[], object]
_AGREEMENT = {
    State.REGISTERED: {State.ACCEPTED},
    State.ASSIGNED: {State.ASSIGNED},
    State.PROCESSING: {State.PROCESSING},
    State.ARCHIVED: {State.COMPLETED},
    State.REFUSED: {State.REFUSED},
    State.REPLACED: {State.REPLACED},
    State.CANCELLED: {State.RECALLED},
    State.ORDERED: {State.ARRIVED},
    State.AGREED: {State.AGREED},
    State.DECLINED: {State.DECLINED},
}
"""What the sender knows of a delivery in the end, by what is true at the receiver."""


@dataclass
class Unsteady:
    """A transport that shows its parcels in any order and some of them late, and forgets what was taken."""

    inner: Transport
    chance: random.Random

    def send(self, *, to: str, message_id: str, source: BinaryIO) -> None:
        self.inner.send(to=to, message_id=message_id, source=source)

    def waiting(self, *, limit: int = 100) -> tuple[Parcel, ...]:
        found = list(self.inner.waiting(limit=limit))
        return tuple(self.chance.sample(found, self.chance.randint(0, len(found))))

    def open(self, parcel: Parcel) -> AbstractContextManager[BinaryIO]:
        return self.inner.open(parcel)

    def acknowledge(self, parcel: Parcel) -> None:
        if self.chance.random() < 0.7:  # else its reader died before it said so
            self.inner.acknowledge(parcel)

    def refuse(self, parcel: Parcel) -> None:
        self.inner.refuse(parcel)


@dataclass
class Season:
    """What can happen, and what did."""

    pair: Pair
    chance: random.Random
    issued: int = 0
    wishes: dict[str, set[str]] = field(default_factory=dict)
    """What else is to be done once with each document, sooner or later."""

    def live(self, count: int) -> None:
        a, b = (
            replace(node, transport=Unsteady(node.transport, self.chance))
            for node in (self.pair.a, self.pair.b)
        )
        for _ in range(count):
            machinery: list[Act] = [
                *(partial(steps.run, node, task) for node in (a, b) for task in tasks.due(node.journal)),
                partial(collecting.collect, a),
                partial(collecting.collect, b),
            ]
            people = list(self._people())
            self.chance.choice(self.chance.choice((machinery, people)))()

    def _people(self) -> Iterator[Act]:
        if self.issued < 4:
            yield self._issue
        for row in clerk.documents(self.pair.a, direction="outgoing"):
            yield from self._at_the_sender(row)
        for row in clerk.documents(self.pair.b, direction="incoming"):
            yield from self._at_the_receiver(row)
        yield lambda: None

    def _issue(self) -> None:
        self.issued += 1
        named = [
            row.document_id
            for row in clerk.documents(self.pair.a, direction="outgoing")
            if row.state in {State.PACKED, State.SENT} and not is_bare(row.dispatch)
        ]
        business = replacing(self.chance.choice(named)) if named and self.chance.random() < 0.5 else {}
        document = self.pair.submit(subject=f"Văn bản thứ {self.issued}", **business)
        self.wishes[document] = {wish for wish in ("recall", "update") if self.chance.random() < 0.3}

    def _at_the_sender(self, row: Any) -> Iterator[Act]:
        wishes = self.wishes.get(row.id, set())
        if "recall" in wishes and (State(row.state), Event.RECALL) in OUTGOING.transitions:
            yield partial(self._recall, row.id)
        reach = {State.DELIVERED, State.ARRIVED, State.ACCEPTED, State.ASSIGNED, State.PROCESSING}
        deliveries = {each["state"] for each in clerk.tell(self.pair.a, row.id)["deliveries"]}
        updatable = (State(row.state), Event.UPDATE) in OUTGOING.transitions and deliveries & reach
        if "update" in wishes and updatable:
            yield partial(self._update, row.id)

    def _recall(self, document: str) -> None:
        self.wishes[document].remove("recall")
        orders.recall(self.pair.a, document, reason="Ban hành nhầm", actor="vanthu")

    def _update(self, document: str) -> None:
        self.wishes[document].remove("update")
        changes = {"subject": f"Văn bản sửa lần {self.chance.randrange(10**6)}"}
        orders.update(self.pair.a, document, changes, reason="Đính chính", actor="vanthu")

    def _at_the_receiver(self, row: Any) -> Iterator[Act]:
        for event in clerk.CLERK_EVENTS:
            if (State(row.state), event) in INCOMING.transitions:
                yield partial(clerk.act, self.pair.b, row.id, event, actor="vanthu")
        refusable = (State(row.state), Event.REFUSE) in INCOMING.transitions
        if refusable and self.chance.random() < 0.1:
            yield partial(clerk.refuse, self.pair.b, row.id, reason="Gửi nhầm", actor="vanthu")
        if row.state == State.ORDERED:
            yield partial(self._decide, row.id)

    def _decide(self, order: str) -> None:
        (named,) = (each["target"] for each in clerk.tell(self.pair.b, order)["orders"])
        possible = (State(clerk.find(self.pair.b, named).state), Event.UPDATE) in INCOMING.transitions
        agree = possible and self.chance.random() < 0.5
        arrivedorders.decide(self.pair.b, order, agree=agree, actor="vanthu")


@contextmanager
def seen(seed: int) -> Iterator[None]:
    """Say which life went wrong."""
    try:
        yield
    except Exception as error:
        error.add_note(f"seed {seed}")
        raise


def require_agreement(pair: Pair) -> None:
    there = {row.document_id: State(row.state) for row in pair.arrived()}
    for row in clerk.documents(pair.a, direction="outgoing"):
        for delivery in clerk.tell(pair.a, row.id)["deliveries"]:
            knows = State(delivery["state"])
            if row.document_id in there:
                assert knows in _AGREEMENT[there[row.document_id]], (row.document_id, knows, there)
            else:
                assert knows in {State.WITHHELD, State.REPLACED}
    sent = {row.document_id for row in clerk.documents(pair.a, direction="outgoing")}
    assert there.keys() <= sent


def require_order(node: Node) -> None:
    """Nothing waits, nothing was set aside, no number is missing, the log holds."""
    assert tasks.due(node.journal) == []
    assert deadletters.list_letters(node.journal) == []
    for direction in ("outgoing", "incoming"):
        numbers = sorted(
            int(told["register"].rpartition("/")[2])
            for told in (clerk.tell(node, row.id) for row in clerk.documents(node, direction=direction))
            if told["register"]
        )
        assert numbers == list(range(1, len(numbers) + 1))
    with node.journal.reading() as connection:
        assert verify_chain(connection) == []


@pytest.mark.parametrize("seed", range(4))
def test_both_nodes_agree_after_a_season_of_anything(tmp_path: Path, pki: DevPki, seed: int) -> None:
    with open_pair(tmp_path, pki) as pair, seen(seed):
        Season(pair=pair, chance=random.Random(seed)).live(120)
        pair.settle()
        require_agreement(pair)
        for node in (pair.a, pair.b):
            require_order(node)
