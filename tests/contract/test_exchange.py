"""Two nodes driven step by step: what is answered, refused, repeated, contradicted, and breaks halfway."""

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from edoc.core.lifecycle import Event, State
from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.errors import InputError, Refused
from edoc.keys.loading import load_key
from edoc.node import archive, clerk, incoming, journal, outgoing, steps, tasks
from edoc.node import tables as t
from edoc.node.node import Node
from edoc.node.objects import DamagedObjectError
from edoc.packing import pack, unpack
from edoc.signing import prepare, sign


@dataclass
class Pair:
    """Agency A and agency B, and the desk where A's person signs."""

    a: Node
    b: Node
    pki: DevPki
    desk: Path

    def signed(self, name: str = "cong-van.pdf", *, key: str = "a-person2") -> Path:
        prepared, signed = self.desk / f"prepared-{name}", self.desk / name
        prepare(SAMPLE_PDF, prepared)
        person = load_key(self.pki.key_path(key), passphrase=self.pki.passphrase)
        sign(prepared, signed, key=person, role="person", trust=self.a.trust, offline=True)
        return signed

    def submit(self, name: str = "cong-van.pdf") -> str:
        return clerk.submit(self.a, draft_for(SAMPLE_PDF), [self.signed(name)], actor="clerk")

    def settle(self) -> None:
        """Let both nodes do all the work there is."""
        while any([*map(incoming.collect, (self.a, self.b)), *map(work, (self.a, self.b))]):
            pass


def work(node: Node) -> int:
    return sum(steps.run(node, task) for task in tasks.due(node.journal))


def arrivals(node: Node) -> list[Any]:
    return clerk.documents(node, direction="incoming")


def mailbox(node: Node, place: str) -> list[Path]:
    folder = node.folder / node.settings.mailbox.path / node.settings.agency.organ_id / place
    return sorted(folder.glob("*.edxml"))


@pytest.fixture
def pair(tmp_path: Path, pki: DevPki) -> Iterator[Pair]:
    with ExitStack() as stack:
        tsa = stack.enter_context(serving(pki)) + "/tsa"
        folders = make_nodes(
            tmp_path,
            pki=pki.folder,
            seal_image=SAMPLES / "seal-a.png",
            tsa=tsa,
            backings=(Backing(), Backing()),
        )
        (tmp_path / "desk").mkdir()
        a, b = (stack.enter_context(Node.open(folder)) for folder in folders)
        yield Pair(a=a, b=b, pki=pki, desk=tmp_path / "desk")


def test_a_dispatch_is_sent_received_registered_completed_and_archived(pair: Pair) -> None:
    sent = pair.submit()
    pair.settle()
    assert clerk.find(pair.a, sent).state == State.SENT
    (arrived,) = arrivals(pair.b)
    assert arrived.state == State.REGISTERED
    clerk.act(pair.b, arrived.id, Event.COMPLETE, actor="clerk")
    pair.settle()
    assert clerk.find(pair.a, sent).state == clerk.find(pair.b, arrived.id).state == State.ARCHIVED
    assert archive.audit(pair.a, sent) == archive.audit(pair.b, arrived.id) == []


def test_submitting_the_same_again_gives_the_same_document(pair: Pair) -> None:
    signed = pair.signed()
    draft = draft_for(SAMPLE_PDF)
    assert len({clerk.submit(pair.a, draft, [signed], actor="clerk") for _ in range(3)}) == 1
    assert len(clerk.documents(pair.a)) == 1


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"to": []}, "to"),
        ({"subject": ""}, "subject"),
        ({"code": {"code_notation": "A,B"}}, "code.code_notation"),
        ({"code": {"code_number": "7", "code_notation": "A"}}, "code.code_number"),
        ({"surprise": 1}, "surprise"),
        ({"to": [{"organ_id": "H" * 36}]}, "H"),
    ],
    ids=["no recipient", "no subject", "comma", "own number", "unknown key", "long code"],
)
def test_a_draft_that_cannot_be_sent_is_refused_before_anything_is_entered(
    pair: Pair, change: dict[str, Any], where: str
) -> None:
    with pytest.raises(InputError) as caught:
        clerk.submit(pair.a, {**draft_for(SAMPLE_PDF), **change}, [pair.signed()], actor="clerk")
    assert where in caught.value.where
    assert clerk.documents(pair.a) == []


def test_what_no_person_signed_is_refused_and_gets_no_number(pair: Pair) -> None:
    with pytest.raises(Refused, match="edoc prepare"):
        clerk.submit(pair.a, draft_for(SAMPLE_PDF), [SAMPLE_PDF], actor="clerk")
    prepared = pair.desk / "only-prepared.pdf"
    prepare(SAMPLE_PDF, prepared)
    with pytest.raises(Refused, match="validly signed"):
        clerk.submit(pair.a, draft_for(SAMPLE_PDF), [prepared], actor="clerk")
    assert clerk.documents(pair.a) == []


def test_the_same_package_again_gets_the_same_answer_again_and_no_second_number(pair: Pair) -> None:
    pair.submit()
    pair.settle()
    (package,) = mailbox(pair.b, "done")
    first = {path.name: path.read_bytes() for path in mailbox(pair.a, "done")}
    with package.open("rb") as source:
        pair.a.transport.send(to="H99.02", message_id="another-way", source=source)
    pair.settle()
    assert len(arrivals(pair.b)) == 1
    assert {path.name: path.read_bytes() for path in mailbox(pair.a, "done")} == first
    events = [entry.event for entry in clerk.story(pair.b, arrivals(pair.b)[0].id)]
    assert events.count("received-again") == 1
    assert events.count("answer-01") == 2
    assert events.count("register") == 1


def test_another_package_under_the_same_identifier_is_kept_as_evidence_and_changes_nothing(
    pair: Pair, tmp_path: Path
) -> None:
    pair.submit()
    pair.settle()
    (package,) = mailbox(pair.b, "done")
    content = unpack(package, into=tmp_path / "content")
    assert content.dispatch is not None
    forged = io.BytesIO()
    files = [tmp_path / "content" / str(each.path) for each in content.dispatch.attachments]
    pack(
        content.dispatch.from_dict({**content.dispatch.to_dict(), "subject": "Another"}),
        attach=files,
        out=forged,
    )
    pair.a.transport.send(to="H99.02", message_id="forged", source=io.BytesIO(forged.getvalue()))
    pair.settle()
    (arrived,) = arrivals(pair.b)
    assert arrived.dispatch["subject"] != "Another"
    conflict = [entry for entry in clerk.story(pair.b, arrived.id) if entry.event == "conflict"]
    assert [entry.details["sha256"] for entry in conflict] == [hashlib.sha256(forged.getvalue()).hexdigest()]
    assert pair.b.objects.holds(conflict[0].details["sha256"])


@pytest.mark.parametrize("content", [b"", b"no package", b"<!DOCTYPE x [<!ENTITY a 'b'>]><edXML>&a;</edXML>"])
def test_what_cannot_be_read_is_kept_acknowledged_and_holds_up_nobody(pair: Pair, content: bytes) -> None:
    pair.a.transport.send(to="H99.02", message_id="junk", source=io.BytesIO(content))
    pair.submit()
    pair.settle()
    assert [row.state for row in arrivals(pair.b)] == [State.REGISTERED]
    assert mailbox(pair.b, "new") == []
    with pair.b.journal.reading() as connection:
        kept = connection.execute(select(t.inbox).where(t.inbox.c.kind == "damaged")).one()
    assert kept.sha256 == hashlib.sha256(content).hexdigest()
    assert pair.b.objects.holds(kept.sha256)


def test_a_package_that_this_nodes_own_store_damaged_stays_in_the_mailbox(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> Path:
        raise DamagedObjectError("the object's bytes were changed.")

    pair.submit()
    while work(pair.a):
        pass
    with monkeypatch.context() as broken:
        broken.setattr(incoming, "fetch", damaged)
        with pytest.raises(DamagedObjectError):
            incoming.collect(pair.b)
    assert len(mailbox(pair.b, "new")) == 1
    pair.settle()
    assert [row.state for row in arrivals(pair.b)] == [State.REGISTERED]


def test_a_document_without_the_agencys_seal_is_refused_with_reasons_and_gets_no_arrival_number(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    # our own node never sends such a document, so the sealing step is left out as a foreign system might
    monkeypatch.setattr(outgoing, "_seal", lambda _node, _dispatch, signed: signed)
    sent = pair.submit()
    pair.settle()
    (arrived,) = arrivals(pair.b)
    assert arrived.state == State.REFUSED
    assert clerk.find(pair.a, sent).state == State.ARCHIVED
    (refusal,) = [path for path in mailbox(pair.a, "done") if b"StatusCode>02<" in path.read_bytes()]
    status = unpack(refusal).status
    assert status is not None
    assert status.description.startswith("Từ chối tiếp nhận: ")
    with pair.b.journal.reading() as connection:
        assert connection.execute(select(t.register_entries)).all() == []


def test_a_seal_that_the_document_forbids_voids_its_number_where_everybody_sees_it(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Path:
        raise Refused("the document forbids a seal.")

    with monkeypatch.context() as broken:
        broken.setattr(outgoing, "_seal", refuse)
        voided = pair.submit("first.pdf")
        pair.settle()
    assert clerk.find(pair.a, voided).state == State.VOIDED
    second = pair.submit("second.pdf")
    pair.settle()
    with pair.a.journal.reading() as connection:
        rows = connection.execute(
            select(
                t.register_entries.c.number, t.register_entries.c.document, t.register_entries.c.void_reason
            )
        ).all()
    assert [tuple(row) for row in rows] == [(1, voided, "the document forbids a seal."), (2, second, None)]


def test_without_a_time_stamping_authority_the_seal_waits_and_the_number_is_not_lost(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    tsa = pair.a.settings.seal.tsa
    away = pair.a.settings.seal.model_copy(update={"tsa": "http://127.0.0.1:1/tsa"})
    monkeypatch.setattr(pair.a, "settings", pair.a.settings.model_copy(update={"seal": away}))
    sent = pair.submit()
    pair.settle()
    assert clerk.find(pair.a, sent).state == State.NUMBERED
    (waiting,) = clerk.trouble(pair.a, sent)
    assert (waiting.kind, waiting.dead_at) == ("seal", None)
    back = away.model_copy(update={"tsa": tsa})
    monkeypatch.setattr(pair.a, "settings", pair.a.settings.model_copy(update={"seal": back}))
    now = pair.a.journal.clock
    monkeypatch.setattr(pair.a.journal, "clock", lambda: now() + timedelta(minutes=5))
    pair.settle()
    assert clerk.find(pair.a, sent).state == State.SENT


def test_a_lost_object_is_found_by_the_archives_audit(pair: Pair) -> None:
    sent = pair.submit()
    pair.settle()
    clerk.act(pair.b, arrivals(pair.b)[0].id, Event.COMPLETE, actor="clerk")
    pair.settle()
    sealed = next(file for file in clerk.files(pair.a, sent) if file.role == "sealed")
    path = pair.a.folder / "objects" / sealed.sha256[:2] / sealed.sha256
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    (finding,) = archive.audit(pair.a, sent)
    assert "sealed" in finding
    path.unlink()
    assert len(archive.audit(pair.a, sent)) == 1


def test_the_story_can_be_told_in_json_and_the_chain_holds(pair: Pair) -> None:
    sent = pair.submit()
    pair.settle()
    told = json.loads(json.dumps(clerk.tell(pair.a, sent)))
    assert [event["event"] for event in told["events"]][:4] == ["submit", "number", "seal", "pack"]
    assert told["deliveries"][0]["state"] == State.ACCEPTED
    with pair.a.journal.reading() as connection:
        assert journal.verify_chain(connection) == []
