"""Updates of documents that were issued: what their sender gives anew, and what a receiver decides."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from acting import Run
from pairing import Pair, open_pair

from edoc.core.dispatch import Business, Dispatch, DocumentInfo, Organization, Receiver
from edoc.core.lifecycle import Event, State
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError, Refused
from edoc.node import arrivedorders, clerk, orders, search
from edoc.node.node import Node

REMOVED = DocumentInfo(
    document_info="0",
    document_receiver="1",
    receivers=(Receiver(organ_id="H99.02", receiver_type="0"),),
)


@pytest.fixture
def pair(tmp_path: Path, pki: DevPki) -> Iterator[Pair]:
    with open_pair(tmp_path, pki) as made:
        yield made


def update_of(named: str | None, **header: Any) -> Dispatch:
    """An update that A's node did not make."""
    business = Business(
        document_id=named or "", business_doc_type="2", business_doc_reason="Đính chính", paper="0"
    )
    return Dispatch(
        from_=Organization(organ_id="H99.01"),
        to=(Organization(organ_id="H99.02"),),
        document_id="the-update",
        business=business,
        **{"subject": "Nội dung mới", **header},
    )


def answers(pair: Pair, order: str) -> list[tuple[str, Any]]:
    """What A heard of the order."""
    return [
        (entry.event, entry.details.get("description", ""))
        for entry in clerk.story(pair.a, order)
        if entry.event in {"status-15", "status-16"}
    ]


def finds(node: Node, words: str) -> set[str]:
    with node.journal.reading() as connection:
        return {found.subject for found in search.find(connection, words).found}


def test_what_reads_otherwise_holds_here_at_once_and_there_when_a_person_agrees(pair: Pair) -> None:
    document = pair.submit(subject="Về việc kiểm tra tháng chín")
    pair.settle()
    changes = {"subject": "Về việc kiểm tra tháng mười"}
    order = orders.update(pair.a, document, changes, reason="Sai tháng", actor="vanthu")
    pair.settle()
    assert finds(pair.a, "tháng mười") == {"Về việc kiểm tra tháng mười"}
    arrived, update = pair.arrived()
    assert (arrived.state, update.state) == (State.REGISTERED, State.ORDERED)
    assert arrived.dispatch["subject"] == "Về việc kiểm tra tháng chín"
    arrivedorders.decide(pair.b, update.id, agree=True, actor="vanthu")
    pair.settle()
    arrived, update = pair.arrived()
    assert (arrived.state, update.state) == (State.REGISTERED, State.AGREED)
    assert arrived.dispatch["subject"] == "Về việc kiểm tra tháng mười"
    assert finds(pair.b, "thang muoi") == {"Về việc kiểm tra tháng mười"}
    assert finds(pair.b, "tháng chín") == set()
    assert (pair.state(order), pair.delivery(order)) == (State.ARCHIVED, State.AGREED)
    assert (pair.state(document), pair.delivery(document)) == (State.SENT, State.ACCEPTED)


def test_who_declines_says_why_and_nothing_changes_there(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    order = orders.update(pair.a, document, {"subject": "Khác"}, reason="Sai", actor="vanthu")
    pair.settle()
    arrived, update = pair.arrived()
    arrivedorders.decide(pair.b, update.id, agree=False, reason="Đã giao việc", actor="vanthu")
    pair.settle()
    assert pair.arrived()[0].dispatch == arrived.dispatch
    assert pair.delivery(order) == State.DECLINED
    assert answers(pair, order) == [("status-16", "Từ chối cập nhật, thu hồi: Đã giao việc")]
    with pytest.raises(Refused, match="nothing about this waits"):
        arrivedorders.decide(pair.b, update.id, agree=True, actor="vanthu")


def test_a_document_can_be_updated_again(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    for subject in ("Lần một", "Lần hai"):
        orders.update(pair.a, document, {"subject": subject}, reason="Sai", actor="vanthu")
    pair.settle()
    assert [row.document_id.rpartition("-")[2] for row in pair.arrived()[1:]] == ["CN1", "CN2"]
    assert [order["kind"] for order in clerk.tell(pair.a, document)["orders"]] == ["2", "2"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"code": {"code_notation": "X"}}, "code: this cannot be updated"),
        ({"subject": 7}, "subject"),
        ({"subject": "[MẬT] Kế hoạch"}, "marked as a state secret"),
        ({}, "this changes nothing"),
    ],
)
def test_some_changes_are_refused(pair: Pair, changes: dict[str, Any], words: str) -> None:
    document = pair.submit()
    pair.settle()
    with pytest.raises((InputError, Refused), match=words):
        orders.update(pair.a, document, changes, reason="Sai", actor="vanthu")
    assert clerk.tell(pair.a, document)["orders"] == []


def test_nobody_is_told_what_comes_too_late(pair: Pair) -> None:
    document = pair.submit()
    with pytest.raises(Refused, match="'update' is not possible while the document is signed"):
        orders.update(pair.a, document, {"subject": "Khác"}, reason="Sai", actor="vanthu")
    pair.settle()
    clerk.act(pair.b, pair.arrived()[0].id, Event.COMPLETE, actor="clerk")
    pair.settle()
    with pytest.raises(Refused, match="'update' is not possible while the document is archived"):
        orders.update(pair.a, document, {"subject": "Khác"}, reason="Sai", actor="vanthu")


def test_an_update_of_what_is_done_with_is_declined(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    order = orders.update(pair.a, document, {"subject": "Khác"}, reason="Sai", actor="vanthu")
    clerk.act(pair.b, pair.arrived()[0].id, Event.COMPLETE, actor="clerk")
    pair.settle()
    assert pair.delivery(order) == State.DECLINED
    ((_, said),) = answers(pair, order)
    assert "the document is done with, recalled or replaced" in said


def test_an_update_may_carry_a_document_of_its_own(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    named = clerk.find(pair.a, document).document_id
    business = {"business_doc_type": "2", "document_id": named, "business_doc_reason": "Đính chính"}
    correction = pair.submit(subject="Đính chính", business=business)
    pair.settle()
    arrived, update = pair.arrived()
    assert (arrived.state, update.state) == (State.REGISTERED, State.REGISTERED)
    arrivedorders.decide(pair.b, update.id, agree=True, actor="vanthu")
    pair.settle()
    assert pair.arrived()[0].dispatch["subject"] == "Đính chính"
    assert pair.arrived()[1].state == State.REGISTERED
    assert [event for event, _ in answers(pair, correction)] == ["status-15"]
    assert [event for event, _ in answers(pair, document)] == ["status-15"]


def test_who_is_taken_off_the_list_cancels_the_document(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    update = update_of(clerk.find(pair.a, document).document_id)
    assert update.business is not None
    pair.hand_over(replace(update, business=replace(update.business, document_infos=(REMOVED,))))
    pair.receive()
    arrivedorders.decide(pair.b, pair.arrived()[1].id, agree=True, actor="vanthu")
    assert pair.arrived()[0].state == State.CANCELLED


def test_an_update_that_is_marked_as_a_secret_is_declined(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    pair.hand_over(update_of(clerk.find(pair.a, document).document_id, subject="Tối mật: kế hoạch"))
    pair.receive()
    arrived, update = pair.arrived()
    assert (arrived.state, update.state) == (State.REGISTERED, State.DECLINED)
    (declined,) = [entry for entry in clerk.story(pair.b, update.id) if entry.event == "decline"]
    assert "Văn bản chứa bí mật nhà nước" in declined.details["reasons"][0]


def test_the_command_updates_and_the_story_tells_it(pair: Pair, run: Run, tmp_path: Path) -> None:
    document = pair.submit()
    pair.settle()
    changes = tmp_path / "changes.json"
    changes.write_text(json.dumps({"due_date": "2040-01-31"}), encoding="utf-8")
    done = run("update", document, changes, "--reason", "Có hạn", "--node", pair.a.folder, "--json")
    assert done.returncode == 0, done.stderr
    order = json.loads(done.stdout)["order"]
    pair.settle()
    shown = run("show", document, "--node", pair.a.folder)
    assert f"cập nhật / update: ← {order}" in shown.stdout
    assert "31/01/2040 24:00  nơi nhận hoàn thành" in shown.stdout
    decided = run("decide", pair.arrived()[1].id, "--agree", "--node", pair.b.folder)
    assert decided.returncode == 0, decided.stderr
    assert "(đồng ý / agreed)" in run("show", pair.arrived()[0].id, "--node", pair.b.folder).stdout
