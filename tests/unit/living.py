"""Two documents and the orders about them, over a network that delays, reorders and repeats.

Hypothesis chooses what happens at the sender, at the receiver and between them; whatever it chooses, no
message is lost, nothing happens that a table does not list, and in the end both sides agree.
"""

from collections.abc import Callable, Iterator
from functools import partial

from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from edoc.core.lifecycle import (
    DELIVERY,
    INCOMING,
    ORDER_DELIVERY,
    OUTGOING,
    Event,
    State,
    Work,
    conclusion,
    is_concluded,
    status_event,
)
from edoc.core.orders import EFFECTS, OrderKind, Verdict, echo, judge

_FIRST, _SECOND = "first", "second"
_DOCUMENTS = (_FIRST, _SECOND)
"""The second one replaces the first, if it is issued."""
_UPDATE = "update of first"
_ACTS = (
    Event.VERIFY,
    Event.REGISTER,
    Event.ASSIGN,
    Event.PROCESS,
    Event.COMPLETE,
    Event.ARCHIVE,
    Event.REFUSE,
)
_AGREEMENT = {
    State.RECEIVED: State.ARRIVED,
    State.VERIFIED: State.ARRIVED,
    State.REGISTERED: State.ACCEPTED,
    State.ASSIGNED: State.ASSIGNED,
    State.PROCESSING: State.PROCESSING,
    State.COMPLETED: State.COMPLETED,
    State.ARCHIVED: State.COMPLETED,
    State.REFUSED: State.REFUSED,
    State.CANCELLED: State.RECALLED,
    State.REPLACED: State.REPLACED,
    State.ORDERED: State.ARRIVED,
    State.AGREED: State.AGREED,
    State.DECLINED: State.DECLINED,
}
"""What the sender thinks in the end, by what is true at the receiver."""


_PLANS = (
    "replace",
    "recall of first",
    "recall of second",
    _UPDATE,
    f"give up {_UPDATE}",
    "give up recall of first",
    "give up recall of second",
    "refuse first",
    "refuse second",
)
_NOT_LEFT = frozenset({State.PENDING, State.REPLACED})
_WITHIN_REACH = frozenset({State.DELIVERED, State.ARRIVED, State.ACCEPTED, State.ASSIGNED, State.PROCESSING})
Act = Callable[[], None]


def _kind(name: str) -> OrderKind | None:
    if name == _SECOND:
        return OrderKind.REPLACE
    if name == _UPDATE:
        return OrderKind.UPDATE
    return OrderKind.RECALL if name not in _DOCUMENTS else None


def _recall_of(name: str) -> str:
    return f"recall of {name}"


def _named(name: str) -> str:
    """The document that an order is about."""
    return name.rpartition(" ")[2] if name not in _DOCUMENTS else _FIRST


class Life(RuleBasedStateMachine):
    """Everything goes by name: documents, and the orders that name them."""

    @initialize(plan=st.sets(st.sampled_from(_PLANS)), repeating=st.booleans())
    def issue(self, *, plan: set[str], repeating: bool) -> None:
        """A packed document with one recipient; `plan`: which of the rarer things can happen at all."""
        self.plan, self.repeating = plan, repeating
        self.sent: dict[str, State] = {}
        """The sender's states, and its deliveries' to the one recipient."""
        self.delivery: dict[str, State] = {}
        self.got: dict[str, State] = {}
        """The receiver's states."""
        self.open: set[str] = set()
        """Orders that arrived before what they name."""
        self.left: set[str] = set()
        self.there: list[str] = []
        self.back: list[tuple[str, str]] = []
        self.said: list[tuple[str, str]] = []
        self.heard: list[tuple[str, str]] = []
        self._pack(_FIRST)

    def _pack(self, name: str) -> None:
        self.sent[name] = State.PACKED
        self.delivery[name] = State.PENDING

    @rule(choice=st.integers(0, 9_999))
    def go_on(self, *, choice: int) -> None:
        """Do one of the things that are possible now."""
        possible = [*self._at_the_sender(), *self._on_the_way(), *self._at_the_receiver()]
        if possible:
            possible[choice % len(possible)]()

    def _at_the_sender(self) -> Iterator[Act]:
        if "replace" in self.plan and _SECOND not in self.sent:
            yield partial(self._pack, _SECOND)
        for name in filter(self.sent.__contains__, _DOCUMENTS):
            if self._leaves(name):
                yield partial(self._deliver, name)
            recallable = (self.sent[name], Event.RECALL) in OUTGOING.transitions
            if _recall_of(name) in self.plan and recallable and _recall_of(name) not in self.sent:
                yield partial(self._recall, name)
        updatable = (self.sent[_FIRST], Event.UPDATE) in OUTGOING.transitions
        if _UPDATE in self.plan - self.sent.keys() and updatable and self.delivery[_FIRST] in _WITHIN_REACH:
            yield self._update

    def _leaves(self, name: str) -> bool:
        """Whether a document that has not left still can; one may be replaced before it does."""
        frozen = self.sent[name] in {State.FROZEN, State.RECALLED}
        return not frozen and name not in self.left and self.delivery[name] in _NOT_LEFT

    def _deliver(self, name: str) -> None:
        self.left.add(name)
        self._move(name, Event.DELIVER)
        self.there.append(name)

    def _recall(self, name: str) -> None:
        self.sent[name] = OUTGOING.after(self.sent[name], Event.RECALL)
        if self.delivery[name] is State.PENDING:
            self._move(name, Event.WITHHOLD)
            return
        self._move(name, Event.RECALL)
        self._order(_recall_of(name))

    def _update(self) -> None:
        self.sent[_FIRST] = OUTGOING.after(self.sent[_FIRST], Event.UPDATE)
        self._order(_UPDATE)

    def _order(self, name: str) -> None:
        """Pack an order, and deliver it, or give that up."""
        self._pack(name)
        if f"give up {name}" not in self.plan:
            self._move(name, Event.DELIVER)
            self.there.append(name)
            return
        self._move(name, Event.WITHHOLD)
        if _kind(name) is OrderKind.RECALL:
            self._move(_named(name), Event.WITHHOLD)

    def _on_the_way(self) -> Iterator[Act]:
        for name in self.there:
            yield partial(self._arrive, name, again=False)
        for message in self.back:
            yield partial(self._hear, message, again=False)
        if self.repeating:
            yield from (partial(self._arrive, name, again=True) for name in self.there)
            yield from (partial(self._hear, message, again=True) for message in self.back)

    def _arrive(self, name: str, *, again: bool) -> None:
        if not again:
            self.there.remove(name)
        if name in self.got:
            return
        bare = name not in _DOCUMENTS
        self._become(name, State.ORDERED if bare else INCOMING.initial)
        if bare:
            self._carry_out(name)
        for order in sorted(self.open):
            kind = _kind(order)
            if kind is None or _named(order) != name:
                continue
            self.open.remove(order)
            self._happen(name, EFFECTS[kind])
            if kind is OrderKind.RECALL:
                self._happen(order, Event.AGREE)

    def _carry_out(self, order: str) -> None:
        kind, named = _kind(order), self.got.get(_named(order))
        assert kind is not None
        verdict = judge(kind, named)
        if named is None and kind is not OrderKind.UPDATE:
            self.open.add(order)
        elif verdict is Verdict.AGREE:
            self._happen(_named(order), EFFECTS[kind])
        if kind is not OrderKind.REPLACE and verdict is not Verdict.WAIT:
            self._happen(order, Event.AGREE if verdict is Verdict.AGREE else Event.DECLINE)

    def _at_the_receiver(self) -> Iterator[Act]:
        for name in filter(self.got.__contains__, _DOCUMENTS):
            for event in _ACTS:
                refusing = event is Event.REFUSE and f"refuse {name}" not in self.plan
                if (self.got[name], event) in INCOMING.transitions and not refusing:
                    yield partial(self._act, name, event)
        if self.got.get(_UPDATE) is State.ORDERED:
            yield partial(self._happen, _UPDATE, Event.DECLINE)
            if (self.got[_FIRST], Event.UPDATE) in INCOMING.transitions:
                yield self._agree_to_update

    def _act(self, name: str, event: Event) -> None:
        self._happen(name, event)
        if event is Event.REGISTER and _kind(name) is not None:
            self._carry_out(name)

    def _agree_to_update(self) -> None:
        self._happen(_FIRST, Event.UPDATE)
        self._happen(_UPDATE, Event.AGREE)

    def _hear(self, message: tuple[str, str], *, again: bool) -> None:
        if not again:
            self.back.remove(message)
        self.heard.append(message)
        name, code = message
        event = status_event(code)
        assert event is not None
        self._move(name, event)
        kind = _kind(name)
        told = None if kind is None else echo(kind, event, self.delivery[name])
        if told is not None:
            self._move(_named(name), told)

    @invariant()
    def every_state_has_been_reached_by_the_tables(self) -> None:
        for name in getattr(self, "sent", {}):
            bare = name not in _DOCUMENTS
            while (event := conclusion(self.sent[name], [self.delivery[name]], bare=bare)) is not None:
                self.sent[name] = OUTGOING.after(self.sent[name], event)

    def teardown(self) -> None:
        """Let everything arrive that is on its way: then both sides agree."""
        if not hasattr(self, "sent"):
            return
        for name in filter(self.sent.__contains__, _DOCUMENTS):
            if self._leaves(name):
                self._deliver(name)
        while self.there or self.back:
            if self.there:
                self._arrive(self.there[0], again=False)
            if self.back:
                self._hear(self.back[-1], again=False)
        self.every_state_has_been_reached_by_the_tables()
        note(f"{self.sent=} {self.delivery=} {self.got=}")
        assert set(self.heard) == set(self.said)
        for name in self.sent:
            self._agree_about(name)

    def _agree_about(self, name: str) -> None:
        delivery, there = self.delivery[name], self.got.get(name)
        recall = self.delivery.get(_recall_of(name))
        if recall is State.WITHHELD:
            assert delivery is State.UNRECALLED
            assert there is not State.CANCELLED
        elif there is None:
            assert delivery in {State.WITHHELD, State.REPLACED}
        else:
            assert delivery is _AGREEMENT[there]
        if recall not in {None, State.WITHHELD}:
            assert (recall, there) == (State.AGREED, State.CANCELLED)
        if is_concluded(delivery):
            assert self.sent[name] not in {State.PACKED, State.SENT, State.FROZEN}

    def _move(self, name: str, event: Event) -> None:
        machine = DELIVERY if name in _DOCUMENTS else ORDER_DELIVERY
        self.delivery[name] = machine.after(self.delivery[name], event)

    def _happen(self, name: str, event: Event) -> None:
        before, after = self.got[name], INCOMING.after(self.got[name], event)
        if after is not before:
            self._become(name, after)

    def _become(self, name: str, state: State) -> None:
        self.got[name] = state
        answers = [(name, code) for work, code in INCOMING.work.get(state, ()) if work is Work.ANSWER]
        self.said += answers
        self.back += answers


def walk(count: int) -> None:
    """Try so many lives; raises `AssertionError` or `Refused`, with the shortest that goes wrong."""
    run_state_machine_as_test(
        Life, settings=settings(max_examples=count, stateful_step_count=50, deadline=None)
    )
