"""Recall, update and replacement between two real nodes: what each side does, hears and answers."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from acting import Run
from pairing import Pair, do_step, open_pair, replacing, work
from sqlalchemy import update

from edoc.core.dispatch import Business, Dispatch, Organization, ResponseFor, StatusUpdate
from edoc.core.lifecycle import Event, State
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError, Refused
from edoc.node import arrivedorders, clerk, orders, tasks
from edoc.node import tables as t
from edoc.packing import pack_status, unpack


@pytest.fixture
def pair(tmp_path: Path, pki: DevPki) -> Iterator[Pair]:
    with open_pair(tmp_path, pki) as made:
        yield made


def test_a_recall_freezes_the_document_here_and_cancels_it_there(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    order = orders.recall(pair.a, document, reason="Ban hành nhầm", actor="vanthu")
    assert order is not None
    assert pair.state(document) == State.FROZEN
    pair.settle()
    arrived, recalled = pair.arrived()
    assert (arrived.state, recalled.state) == (State.CANCELLED, State.AGREED)
    assert (pair.state(document), pair.delivery(document)) == (State.RECALLED, State.RECALLED)
    assert (pair.state(order), pair.delivery(order)) == (State.ARCHIVED, State.AGREED)
    said = [entry.event for entry in clerk.story(pair.b, recalled.id)]
    assert "answer-15" in said
    assert Dispatch.from_dict(recalled.dispatch).business == Business(
        document_id=clerk.find(pair.a, document).document_id,
        business_doc_type="1",
        business_doc_reason="Ban hành nhầm",
        paper="0",
    )


def test_recalling_again_changes_nothing(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    first = orders.recall(pair.a, document, reason="Ban hành nhầm", actor="vanthu")
    assert orders.recall(pair.a, document, reason="Lần nữa", actor="vanthu") == first
    pair.settle()
    assert len(pair.arrived()) == 2


def test_a_document_that_is_archived_on_both_sides_can_still_be_recalled(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    clerk.act(pair.b, pair.arrived()[0].id, Event.COMPLETE, actor="clerk")
    pair.settle()
    assert pair.state(document) == State.ARCHIVED
    orders.recall(pair.a, document, reason="Sai thẩm quyền", actor="vanthu")
    pair.settle()
    assert pair.state(document) == State.RECALLED
    assert pair.arrived()[0].state == State.CANCELLED


def test_what_was_not_issued_yet_is_voided_and_nobody_is_told(pair: Pair) -> None:
    document = pair.submit()
    (number,) = tasks.due(pair.a.journal)
    claim = tasks.claim(pair.a.journal, number, lease_seconds=60, max_starts=3)
    assert claim is not None
    do_step(pair.a, claim)
    assert pair.state(document) == State.NUMBERED
    assert orders.recall(pair.a, document, reason="Dừng lại", actor="vanthu") is None
    assert pair.state(document) == State.VOIDED
    pair.settle()
    assert pair.arrived() == []


def test_what_nobody_has_begun_to_deliver_is_withheld(pair: Pair) -> None:
    document = pair.submit()
    while pair.state(document) != State.PACKED:
        claim = tasks.claim_next(pair.a.journal, tasks.Terms())
        assert claim is not None
        do_step(pair.a, claim)
        for then in claim.then:  # this worker dies before it goes on
            let_fall = update(t.tasks).where(t.tasks.c.id == then.task).values(lease_until=None, starts=0)
            with pair.a.journal.engine.begin() as connection:
                connection.execute(let_fall)
    assert orders.recall(pair.a, document, reason="Dừng lại", actor="vanthu") is None
    assert (pair.state(document), pair.delivery(document)) == (State.RECALLED, State.WITHHELD)
    pair.settle()
    assert pair.arrived() == []


def test_a_recall_that_overtakes_its_document_takes_effect_when_that_arrives(pair: Pair) -> None:
    document = pair.submit()
    while pair.state(document) != State.SENT:
        work(pair.a)
    box = next(Path(pair.a.settings.mailbox.path).glob("H99.02/new/*")) if pair.a.settings.mailbox else None
    assert box is not None
    late = box.rename(box.parents[3] / "late")
    orders.recall(pair.a, document, reason="Ban hành nhầm", actor="vanthu")
    pair.settle()
    assert [each.state for each in pair.arrived()] == [State.DECLINED]
    assert pair.delivery(document) == State.UNRECALLED
    late.rename(box)
    pair.settle()
    assert [each.state for each in pair.arrived()] == [State.AGREED, State.CANCELLED]
    assert (pair.state(document), pair.delivery(document)) == (State.RECALLED, State.RECALLED)


def test_nobody_recalls_what_somebody_else_sent(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    named = clerk.find(pair.a, document).document_id
    forged = recall_of(named, sender="H99.03")
    pair.hand_over(forged)
    pair.receive()
    arrived, order = pair.arrived()
    assert (arrived.state, order.state) == (State.REGISTERED, State.DECLINED)


def recall_of(named: str, *, sender: str = "H99.01", kind: str = "1", own: str = "the-order") -> Dispatch:
    return Dispatch(
        from_=Organization(organ_id=sender),
        to=(Organization(organ_id="H99.02"),),
        document_id=own,
        subject="Nội dung mới",
        business=Business(document_id=named, business_doc_type=kind, business_doc_reason="Lý do"),
    )


def test_status_13_recalls_without_a_dispatch(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    named = clerk.find(pair.a, document)
    status = StatusUpdate(
        from_=Organization(organ_id="H99.01"),
        response_for=ResponseFor(organ_id="H99.01", code="01/UBND-VP", document_id=named.document_id),
        status_code="13",
        description="Xin lấy lại",
        timestamp=datetime(2026, 2, 5, 8, tzinfo=UTC),
    )
    package = io.BytesIO()
    pack_status(status, out=package)
    pair.a.transport.send(to="H99.02", message_id="thirteen", source=io.BytesIO(package.getvalue()))
    pair.receive()
    arrived, order = pair.arrived()
    assert (arrived.state, order.state) == (State.CANCELLED, State.AGREED)
    answers = []
    for parcel in pair.a.transport.waiting():
        with pair.a.transport.open(parcel) as source:
            answers.append(unpack(source).status)
    assert ("15", named.document_id) in [
        (each.status_code, each.response_for.document_id) for each in answers if each is not None
    ]


@pytest.mark.parametrize("agree", [True, False])
def test_an_update_waits_for_a_person(pair: Pair, *, agree: bool) -> None:
    document = pair.submit()
    pair.settle()
    pair.hand_over(recall_of(clerk.find(pair.a, document).document_id, kind="2"))
    pair.receive()
    arrived, order = pair.arrived()
    assert (arrived.state, order.state) == (State.REGISTERED, State.ORDERED)
    arrivedorders.decide(pair.b, order.id, agree=agree, actor="vanthu")
    arrived, order = pair.arrived()
    assert order.state == (State.AGREED if agree else State.DECLINED)
    assert (arrived.dispatch["subject"] == "Nội dung mới") is agree
    with pytest.raises(Refused, match="nothing about this waits"):
        arrivedorders.decide(pair.b, order.id, agree=agree, actor="vanthu")


def test_a_replacement_takes_effect_on_both_sides_when_it_is_registered(pair: Pair) -> None:
    first = pair.submit()
    pair.settle()
    named = clerk.find(pair.a, first).document_id
    second = pair.submit(subject="Bản thay thế", **replacing(named, "H99.02"))
    pair.settle()
    replaced, replacement = pair.arrived()
    assert (replaced.state, replacement.state) == (State.REPLACED, State.REGISTERED)
    assert (pair.state(first), pair.delivery(first)) == (State.REPLACED, State.REPLACED)
    assert (pair.state(second), pair.delivery(second)) == (State.SENT, State.ACCEPTED)
    (known,) = clerk.tell(pair.a, first)["orders"]
    assert (known["document"], known["kind"], known["named"]) == (second, "3", named)


def test_a_replacement_that_concerns_others_changes_nothing_here(pair: Pair) -> None:
    first = pair.submit()
    pair.settle()
    pair.submit(subject="Bản thay thế", **replacing(clerk.find(pair.a, first).document_id, "H99.03"))
    pair.settle()
    assert pair.arrived()[0].state == State.REGISTERED
    assert (pair.state(first), pair.delivery(first)) == (State.SENT, State.ACCEPTED)


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_recall_needs_a_reason(pair: Pair, reason: str) -> None:
    with pytest.raises(InputError, match="needs a reason"):
        orders.recall(pair.a, pair.submit(), reason=reason, actor="vanthu")


def test_the_commands_do_the_same(pair: Pair, run: Run) -> None:
    document = pair.submit()
    pair.settle()
    named = clerk.find(pair.a, document).document_id
    done = run("recall", named, "--reason", "Ban hành nhầm", "--node", pair.a.folder, "--json")
    assert done.returncode == 0, done.stderr
    assert clerk.find(pair.a, json.loads(done.stdout)["order"]).state == State.ORDERED
    refused = run("decide", pair.arrived()[0].id, "--agree", "--node", pair.b.folder)
    assert refused.returncode == 1
    assert "nothing about this waits for a decision" in refused.stderr
