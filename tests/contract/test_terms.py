"""A node's deadlines: opened, met and told as its documents go their way; and state secrets at the door."""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edoc.core.dispatch import Dispatch
from edoc.core.lifecycle import Event, State
from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.errors import Refused
from edoc.keys.loading import load_key
from edoc.node import clerk, incoming, steps, tasks, terms
from edoc.node.node import Node
from edoc.packing import pack
from edoc.signing import prepare, sign


@pytest.fixture
def nodes(tmp_path: Path, pki: DevPki) -> Iterator[tuple[Node, Node]]:
    with ExitStack() as stack:
        folders = make_nodes(
            tmp_path,
            pki=pki.folder,
            seal_image=SAMPLES / "seal-a.png",
            tsa=stack.enter_context(serving(pki)) + "/tsa",
            backings=(Backing(), Backing()),
        )
        a, b = (stack.enter_context(Node.open(folder)) for folder in folders)
        yield a, b


@pytest.fixture
def signed(tmp_path: Path, nodes: tuple[Node, Node], pki: DevPki) -> Path:
    prepared, path = tmp_path / "prepared.pdf", tmp_path / "signed.pdf"
    prepare(SAMPLE_PDF, prepared)
    person = load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)
    sign(prepared, path, key=person, role="person", trust=nodes[0].trust, offline=True)
    return path


def settle(*nodes: Node) -> None:
    while any(
        incoming.collect(node) + sum(steps.run(node, task) for task in tasks.due(node.journal))
        for node in nodes
    ):
        pass


def standing(node: Node, document: str) -> dict[tuple[str, str], str]:
    """Each deadline by kind and recipient: open, met or lapsed."""
    return {
        (term["kind"], term["recipient"]): "met"
        if term["met_at"]
        else "lapsed"
        if term["lapsed_at"]
        else "open"
        for term in clerk.tell(node, document)["deadlines"]
    }


def soon(node: Node, *, late: bool, after: timedelta) -> list[tuple[str, str]]:
    now = datetime.now(UTC) + after
    with node.journal.reading() as connection:
        return [(row.kind, row.recipient) for row in terms.open_terms(connection, now=now, late=late)]


def test_deadlines_follow_a_document_on_both_sides(nodes: tuple[Node, Node], signed: Path) -> None:
    a, b = nodes
    draft = {**draft_for(SAMPLE_PDF), "due_date": "2040-01-31"}
    document = clerk.submit(a, draft, [signed], actor="clerk")
    assert standing(a, document) == {("release", ""): "open"}
    settle(a, b)
    assert standing(a, document) == {
        ("release", ""): "met",
        ("hand-over", "H99.02"): "met",
        ("receipt", "H99.02"): "met",
        ("reply", "H99.02"): "open",
    }
    (arrived,) = clerk.documents(b, direction="incoming")
    assert standing(b, arrived.id) == {("notice", ""): "met", ("register", ""): "met", ("handle", ""): "open"}
    clerk.act(b, arrived.id, Event.COMPLETE, actor="clerk")
    settle(a, b)
    assert standing(a, document)["reply", "H99.02"] == "met"
    assert standing(b, arrived.id)["handle", ""] == "met"


def test_what_is_late_and_what_will_be_is_told(nodes: tuple[Node, Node], signed: Path) -> None:
    a, _ = nodes
    draft: dict[str, Any] = draft_for(SAMPLE_PDF)
    urgent = {**draft, "other_info": {**draft["other_info"], "priority": 3}}
    clerk.submit(a, urgent, [signed], actor="clerk")
    assert soon(a, late=True, after=timedelta(minutes=14)) == []
    assert soon(a, late=False, after=timedelta(minutes=14)) == [("release", "")]
    assert soon(a, late=True, after=timedelta(minutes=16)) == [("release", "")]
    assert soon(a, late=False, after=timedelta(minutes=16)) == []


def test_a_state_secret_is_not_taken_from_a_clerk(nodes: tuple[Node, Node], signed: Path) -> None:
    a, _ = nodes
    with pytest.raises(Refused, match="subject: mật: the document is marked as a state secret"):
        clerk.submit(a, {**draft_for(SAMPLE_PDF), "subject": "[MẬT] Kế hoạch"}, [signed], actor="clerk")
    assert clerk.documents(a) == []


def test_a_state_secret_that_arrives_is_refused_and_not_opened(nodes: tuple[Node, Node]) -> None:
    a, b = nodes
    header = {
        "from": {"organ_id": "H99.01", "organ_name": "A"},
        "to": [{"organ_id": "H99.02"}],
        "code": {"code_number": "1", "code_notation": "UBND"},
        "promulgation_info": {"promulgation_date": "2026-02-05"},
        "subject": "Tối mật: kế hoạch",
        "attachments": [{"name": "a.pdf"}],
    }
    package = io.BytesIO()
    pack(Dispatch.from_dict(header), attach=[SAMPLE_PDF], out=package)
    a.transport.send(to="H99.02", message_id="m-1", source=io.BytesIO(package.getvalue()))
    settle(b)
    (arrived,) = clerk.documents(b, direction="incoming")
    assert arrived.state == State.REFUSED
    (refusal,) = [entry for entry in clerk.story(b, arrived.id) if entry.event == "refuse"]
    assert "Văn bản chứa bí mật nhà nước" in refusal.details["reasons"][0]
    assert {file.role for file in clerk.files(b, arrived.id)} == {"package", "answer-01", "answer-02"}
