"""A node's deadlines: opened, met and told as its documents go their way; and state secrets at the door."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pairing import Pair, open_pair

from edoc.core.dispatch import Dispatch
from edoc.core.lifecycle import Event, State
from edoc.demo.play import SAMPLE_PDF, draft_for
from edoc.devpki.hierarchy import DevPki
from edoc.errors import Refused
from edoc.node import arrivedorders, clerk, orders, terms
from edoc.node.node import Node


@pytest.fixture
def pair(tmp_path: Path, pki: DevPki) -> Iterator[Pair]:
    with open_pair(tmp_path, pki) as made:
        yield made


def standing(node: Node, document: str) -> dict[tuple[str, str], str]:
    """Each deadline by kind and recipient: open, met or lapsed."""
    deadlines = clerk.tell(node, document)["deadlines"]
    return {(term["kind"], term["recipient"]): term["standing"] for term in deadlines}


def soon(node: Node, *, late: bool, after: timedelta) -> list[tuple[str, str]]:
    now = datetime.now(UTC) + after
    with node.journal.reading() as connection:
        return [(row.kind, row.recipient) for row in terms.open_terms(connection, now=now, late=late)]


def test_deadlines_follow_a_document_on_both_sides(pair: Pair) -> None:
    document = pair.submit(due_date="2040-01-31")
    assert standing(pair.a, document) == {("release", ""): "open"}
    pair.settle()
    assert standing(pair.a, document) == {
        ("release", ""): "met",
        ("hand-over", "H99.02"): "met",
        ("receipt", "H99.02"): "met",
        ("reply", "H99.02"): "open",
    }
    (arrived,) = pair.arrived()
    assert standing(pair.b, arrived.id) == {
        ("notice", ""): "met",
        ("register", ""): "met",
        ("handle", ""): "open",
    }
    clerk.act(pair.b, arrived.id, Event.COMPLETE, actor="clerk")
    pair.settle()
    assert standing(pair.a, document)["reply", "H99.02"] == "met"
    assert standing(pair.b, arrived.id)["handle", ""] == "met"


def test_a_new_date_of_the_document_counts_anew_on_both_sides(pair: Pair) -> None:
    document = pair.submit()
    pair.settle()
    order = orders.update(pair.a, document, {"due_date": "2040-01-31"}, reason="Có hạn", actor="vanthu")
    pair.settle()
    arrived, update = pair.arrived()
    assert ("reply", "H99.02") in standing(pair.a, document)
    assert ("handle", "") not in standing(pair.b, arrived.id)
    assert standing(pair.b, update.id) == {("decide", ""): "open"}
    arrivedorders.decide(pair.b, update.id, agree=True, actor="vanthu")
    pair.settle()
    dates = {
        node.settings.agency.organ_id: [
            term["due_at"]
            for term in clerk.tell(node, name)["deadlines"]
            if term["kind"] in {"reply", "handle"}
        ]
        for node, name in ((pair.a, document), (pair.b, arrived.id))
    }
    midnight = "2040-01-31T17:00:00.000000+00:00"
    assert dates == {"H99.01": [midnight], "H99.02": [midnight]}
    assert standing(pair.b, update.id) == {("decide", ""): "met"}
    assert set(standing(pair.a, order).values()) == {"met"}


def test_a_recall_ends_what_was_due_and_is_due_itself(pair: Pair) -> None:
    document = pair.submit(due_date="2040-01-31")
    pair.settle()
    orders.recall(pair.a, document, reason="Ban hành nhầm", actor="vanthu")
    assert standing(pair.a, document)["reply", "H99.02"] == "lapsed"
    assert standing(pair.a, document)["recall", "H99.02"] == "open"
    pair.settle()
    assert standing(pair.a, document)["recall", "H99.02"] == "met"
    assert standing(pair.b, pair.arrived()[0].id)["handle", ""] == "lapsed"


def test_what_is_late_and_what_will_be_is_told(pair: Pair) -> None:
    pair.submit(other_info={**draft_for(SAMPLE_PDF)["other_info"], "priority": 3})
    assert soon(pair.a, late=True, after=timedelta(minutes=14)) == []
    assert soon(pair.a, late=False, after=timedelta(minutes=14)) == [("release", "")]
    assert soon(pair.a, late=True, after=timedelta(minutes=16)) == [("release", "")]
    assert soon(pair.a, late=False, after=timedelta(minutes=16)) == []


def test_a_state_secret_is_not_taken_from_a_clerk(pair: Pair) -> None:
    with pytest.raises(Refused, match="subject: mật: the document is marked as a state secret"):
        pair.submit(subject="[MẬT] Kế hoạch")
    assert clerk.documents(pair.a) == []


def test_a_state_secret_that_arrives_is_refused_and_not_opened(pair: Pair) -> None:
    header = {
        "from": {"organ_id": "H99.01", "organ_name": "A"},
        "to": [{"organ_id": "H99.02"}],
        "code": {"code_number": "1", "code_notation": "UBND"},
        "promulgation_info": {"promulgation_date": "2026-02-05"},
        "subject": "Tối mật: kế hoạch",
        "attachments": [{"name": "a.pdf"}],
    }
    pair.hand_over(Dispatch.from_dict(header), attach=True)
    pair.receive()
    (arrived,) = pair.arrived()
    assert arrived.state == State.REFUSED
    (refusal,) = [entry for entry in clerk.story(pair.b, arrived.id) if entry.event == "refuse"]
    assert "Văn bản chứa bí mật nhà nước" in refusal.details["reasons"][0]
    assert {file.role for file in clerk.files(pair.b, arrived.id)} == {"package", "answer-01", "answer-02"}
