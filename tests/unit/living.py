"""One document between its sender and its receiver, over a network that delays, reorders and repeats.

Hypothesis chooses what happens; whatever it chooses, no event is lost, nothing happens that a table does not
list, and in the end both sides agree.
"""

from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
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
    status_event,
)
from edoc.core.orders import EFFECTS, OrderKind, Verdict, answer_of, judge

_CLERK = (
    Event.ASSIGN,
    Event.PROCESS,
    Event.COMPLETE,
    Event.REFUSE,
    Event.VERIFY,
    Event.REGISTER,
    Event.ARCHIVE,
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
}
"""What the sender thinks in the end, by what is true at the receiver."""
Message = tuple[str, str]


class Life(RuleBasedStateMachine):
    """Messages are `("document", "")` and `("order", "")` there, `("document" or "order", code)` back."""

    @initialize()
    def issue(self) -> None:
        """A packed document with one recipient."""
        self.outgoing, self.delivery = State.PACKED, DELIVERY.initial
        self.order_out: State | None = None
        self.order_delivery = ORDER_DELIVERY.initial
        self.incoming: State | None = None
        self.order_in: State | None = None
        self.there: list[Message] = []
        self.back: list[Message] = []
        self.events = 0
        self.heard = 0

    @precondition(lambda self: self.delivery is State.PENDING)
    @rule()
    def deliver(self) -> None:
        self._move(Event.DELIVER)
        self.there.append(("document", ""))

    @precondition(
        lambda self: self.order_out is None and (self.outgoing, Event.RECALL) in OUTGOING.transitions
    )
    @rule()
    def recall(self) -> None:
        self.outgoing = OUTGOING.after(self.outgoing, Event.RECALL)
        if self.delivery is State.PENDING:
            self._move(Event.WITHHOLD)
            return
        self._move(Event.RECALL)
        self.order_out = State.PACKED
        self.order_delivery = ORDER_DELIVERY.after(self.order_delivery, Event.DELIVER)
        self.there.append(("order", ""))

    @rule()
    def wait(self) -> None:
        """Time passes, and nothing happens."""

    @precondition(lambda self: bool(self.there))
    @rule(place=st.integers(0, 99), again=st.booleans())
    def arrive(self, *, place: int, again: bool) -> None:
        message = self._take(self.there, place, again=again)
        if message == ("document", "") and self.incoming is None:
            self._enter_there("document", INCOMING.initial)
            if self.order_in is State.DECLINED:
                self._happen_there(EFFECTS[OrderKind.RECALL])
                self._happen_to_order(Event.AGREE)
        elif message == ("order", "") and self.order_in is None:
            self._enter_there("order", State.ORDERED)
            if judge(OrderKind.RECALL, self.incoming) is Verdict.AGREE:
                self._happen_there(EFFECTS[OrderKind.RECALL])
                self._happen_to_order(Event.AGREE)
            else:
                self._happen_to_order(Event.DECLINE)

    @precondition(lambda self: self.incoming is not None)
    @rule(event=st.sampled_from(_CLERK))
    def act(self, *, event: Event) -> None:
        assert self.incoming is not None
        if (self.incoming, event) in INCOMING.transitions:
            self._happen_there(event)

    @precondition(lambda self: bool(self.back))
    @rule(place=st.integers(0, 99), again=st.booleans())
    def hear(self, *, place: int, again: bool) -> None:
        about, code = self._take(self.back, place, again=again)
        event = status_event(code)
        assert event is not None
        if about == "document":
            self._move(event)
            return
        self.order_delivery = ORDER_DELIVERY.after(self.order_delivery, event)
        answer = answer_of(self.order_delivery)
        if answer is not None:
            self._move(answer)

    @invariant()
    def every_state_has_been_reached_by_the_tables(self) -> None:
        if not hasattr(self, "delivery"):
            return
        assert self.heard <= self.events
        while (event := conclusion(self.outgoing, [self.delivery])) is not None:
            self.outgoing = OUTGOING.after(self.outgoing, event)

    def teardown(self) -> None:
        """Let everything arrive that is on its way: then both sides agree."""
        if not hasattr(self, "delivery"):
            return
        if self.delivery is State.PENDING:
            self.deliver()
        while self.there or self.back:
            if self.there:
                self.arrive(place=0, again=False)
            if self.back:
                self.hear(place=len(self.back) - 1, again=False)
        self.every_state_has_been_reached_by_the_tables()
        note(f"{self.outgoing=} {self.delivery=} {self.incoming=} {self.order_in=}")
        if self.delivery is State.WITHHELD:
            assert self.incoming is None
        else:
            assert self.incoming is not None
            assert self.delivery is _AGREEMENT[self.incoming]
        if self.order_out is not None:
            assert (self.order_in, self.order_delivery) == (State.AGREED, State.AGREED)
            assert self.incoming is State.CANCELLED
            assert self.outgoing is State.RECALLED

    def _move(self, event: Event) -> None:
        self.delivery = DELIVERY.after(self.delivery, event)

    def _enter_there(self, what: str, state: State) -> None:
        if what == "document":
            self.incoming = state
        else:
            self.order_in = state
        self._answer(what, state)

    def _happen_there(self, event: Event) -> None:
        assert self.incoming is not None
        before, self.incoming = self.incoming, INCOMING.after(self.incoming, event)
        if self.incoming is not before:
            self._answer("document", self.incoming)

    def _happen_to_order(self, event: Event) -> None:
        assert self.order_in is not None
        self.order_in = INCOMING.after(self.order_in, event)
        self._answer("order", self.order_in)

    def _answer(self, about: str, state: State) -> None:
        for work, code in INCOMING.work.get(state, ()):
            if work is Work.ANSWER:
                self.events += 1
                self.back.append((about, code))

    def _take(self, box: list[Message], place: int, *, again: bool) -> Message:
        message = box[place % len(box)]
        if not again:
            box.remove(message)
        return message


def walk(count: int) -> None:
    """Try so many lives; raises `AssertionError` or `Refused`, with the shortest that goes wrong."""
    run_state_machine_as_test(
        Life, settings=settings(max_examples=count, stateful_step_count=40, deadline=None)
    )
