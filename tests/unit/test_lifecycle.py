"""The life of a document: every state × event, and what both sides end up believing."""

from itertools import product

import pytest
from drawing import PAGE, draw
from hypothesis import given
from hypothesis import strategies as st

from edoc.core.lifecycle import (
    DELIVERY,
    INCOMING,
    ORDER_DELIVERY,
    OUTGOING,
    Event,
    Machine,
    State,
    Work,
    is_concluded,
    status_event,
)
from edoc.errors import Refused


@pytest.mark.parametrize("machine", [OUTGOING, INCOMING, DELIVERY, ORDER_DELIVERY], ids=lambda m: m.name)
def test_each_pair_leads_where_the_table_says_or_is_refused(machine: Machine) -> None:
    for state, event in product(State, Event):
        if (state, event) in machine.transitions:
            assert machine.after(state, event) is machine.transitions[state, event]
        else:
            with pytest.raises(Refused):
                machine.after(state, event)


@pytest.mark.parametrize("machine", [OUTGOING, INCOMING], ids=lambda m: m.name)
def test_every_state_can_be_reached_and_work_hangs_only_on_states_that_exist(machine: Machine) -> None:
    reachable = set(machine.entrances)
    while new := {to for (at, _), to in machine.transitions.items() if at in reachable} - reachable:
        reachable |= new
    assert {at for at, _ in machine.transitions} <= reachable
    assert set(machine.work) <= reachable


def test_the_agency_never_seals_before_the_number_and_never_numbers_before_the_person_signed() -> None:
    path = [State.SIGNED]
    for event in (Event.NUMBER, Event.SEAL, Event.PACK, Event.SEND, Event.CONCLUDE, Event.ARCHIVE):
        path.append(OUTGOING.after(path[-1], event))
    assert path == [
        State.SIGNED,
        State.NUMBERED,
        State.SEALED,
        State.PACKED,
        State.SENT,
        State.COMPLETED,
        State.ARCHIVED,
    ]
    with pytest.raises(Refused, match="Possible now: number, recall, refuse"):
        OUTGOING.after(State.SIGNED, Event.SEAL)


def test_a_document_is_registered_only_after_it_was_verified() -> None:
    with pytest.raises(Refused):
        INCOMING.after(State.RECEIVED, Event.REGISTER)
    assert INCOMING.work[State.RECEIVED] == ((Work.ANSWER, "01"), (Work.VERIFY, ""))
    assert INCOMING.work[State.REFUSED] == ((Work.ANSWER, "02"),)


_ANSWERS = [Event.DELIVER, *(event for event in Event if event.value.startswith("status-0"))]


@given(st.permutations([Event.DELIVER, *(status_event(code) for code in ("01", "03", "04", "05", "06"))]))
def test_whatever_the_order_of_the_statuses_the_sender_ends_at_completed(events: list[Event]) -> None:
    state = DELIVERY.initial
    for event in events:
        state = DELIVERY.after(state, event)
    assert state is State.COMPLETED


@given(st.data())
def test_whatever_the_order_of_the_answers_an_order_ends_the_same(data: st.DataObject) -> None:
    answers = [Event.DELIVER, *(event for event in Event if event.value.startswith("status-1"))]
    answers = [*answers, *_ANSWERS[1:], Event.WITHHOLD]
    answers.remove(Event.STATUS_13)
    heard = data.draw(st.lists(st.sampled_from(answers)))
    ends = []
    for events in (heard, data.draw(st.permutations(heard))):
        state = ORDER_DELIVERY.initial
        for event in events:
            state = ORDER_DELIVERY.after(state, event)
        ends.append(state)
    assert ends[0] is ends[1]


@given(st.lists(st.sampled_from(_ANSWERS)))
def test_a_delivery_never_goes_back_and_a_conclusion_stays(events: list[Event]) -> None:
    course = [State.PENDING, State.DELIVERED, State.ARRIVED, State.ACCEPTED, State.ASSIGNED, State.PROCESSING]
    state = DELIVERY.initial
    for event in events:
        before, state = state, DELIVERY.after(state, event)
        if is_concluded(before):
            assert state is before
        elif not is_concluded(state):
            assert course.index(state) >= course.index(before)


@pytest.mark.parametrize(("code", "event"), [("01", Event.STATUS_01), ("6", Event.STATUS_06), ("99", None)])
def test_a_status_code_is_an_event_or_nothing(code: str, event: Event | None) -> None:
    assert status_event(code) is event


def test_the_page_shows_what_the_tables_say() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == draw() + "\n", "write the page anew: python tests/drawing.py"
