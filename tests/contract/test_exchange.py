"""Two nodes driven step by step: what is answered, refused, repeated, contradicted, and breaks halfway.

Over the shared folder and over a real hub, but for what only a folder lets happen: a hub takes no junk, and
never hands out the same package twice.
"""

import hashlib
import io
import json
import tomllib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from sqlalchemy import select

from edoc.core.lifecycle import Event, State
from edoc.core.ports import Parcel, Transport
from edoc.demo.hub import HubServer
from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.errors import EdocError, InputError, Refused, Unavailable
from edoc.hub.directory import Entry
from edoc.keys.loading import load_key
from edoc.node import archive, clerk, collecting, entering, journal, peers, sealing, steps, tasks
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
        while any([*map(collecting.collect, (self.a, self.b)), *map(work, (self.a, self.b))]):
            pass


def work(node: Node) -> int:
    return sum(steps.run(node, task) for task in tasks.due(node.journal))


def arrivals(node: Node) -> list[Any]:
    return clerk.documents(node, direction="incoming")


def received(node: Node) -> dict[str, bytes]:
    """Every package that the node took in, by its id at the transport."""
    with node.journal.reading() as connection:
        rows = connection.execute(select(t.inbox.c.message_id, t.inbox.c.sha256)).all()
    found = {}
    for message_id, sha256 in rows:
        with node.objects.open(sha256) as content:
            found[message_id] = content.read()
    return found


def use_axis(folder: Path, hub: HubServer) -> None:
    """Have a node that was made for a folder use a hub instead."""
    file = folder / "edoc.toml"
    settings = tomllib.loads(file.read_text(encoding="utf-8"))
    code = settings["agency"]["organ_id"]
    added = hub.add(Entry(code=code, name=settings["agency"]["organ_name"]))
    axis = {"url": hub.url, "system_id": code, "secret_file": str(added.secret_path), "poll_seconds": 0}
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in axis.items()]
    old = f"[mailbox]\npath = {json.dumps(settings['mailbox']['path'])}\n"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, "[axis]\n" + "".join(lines)), encoding="utf-8")


BOTH = pytest.mark.parametrize("transport", ["mailbox", "axis"], indirect=True)
"""For tests of what transports have in common; the others run over the folder alone."""


@pytest.fixture
def transport(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "mailbox"))


@pytest.fixture
def pair(tmp_path: Path, pki: DevPki, transport: str) -> Iterator[Pair]:
    with ExitStack() as stack:
        tsa = stack.enter_context(serving(pki)) + "/tsa"
        folders = make_nodes(
            tmp_path,
            pki=pki.folder,
            seal_image=SAMPLES / "seal-a.png",
            tsa=tsa,
            backings=(Backing(), Backing()),
        )
        if transport == "axis":
            quick = "[limits]\ncalls_per_minute = 100000\n"
            hub = stack.enter_context(HubServer(tmp_path / "hub", settings=quick))
            for folder in folders:
                use_axis(folder, hub)
        (tmp_path / "desk").mkdir()
        a, b = (stack.enter_context(Node.open(folder)) for folder in folders)
        yield Pair(a=a, b=b, pki=pki, desk=tmp_path / "desk")


@BOTH
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
    (package,) = received(pair.b).values()
    first = received(pair.a)
    pair.a.transport.send(to="H99.02", message_id="another-way", source=io.BytesIO(package))
    pair.settle()
    assert len(arrivals(pair.b)) == 1
    assert received(pair.a) == first
    events = [entry.event for entry in clerk.story(pair.b, arrivals(pair.b)[0].id)]
    assert events.count("received-again") == 1
    assert events.count("answer-01") == 2
    assert events.count("register") == 1


@BOTH
def test_another_package_under_the_same_identifier_is_kept_as_evidence_and_changes_nothing(
    pair: Pair, tmp_path: Path
) -> None:
    pair.submit()
    pair.settle()
    (package,) = received(pair.b).values()
    content = unpack(io.BytesIO(package), into=tmp_path / "content")
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


@BOTH
def test_what_waited_while_the_node_was_away_is_taken_in_once(pair: Pair) -> None:
    pair.submit()
    while work(pair.a):
        pass
    assert [collecting.collect(pair.b) for _ in range(2)] == [1, 0]
    assert len(arrivals(pair.b)) == 1


@dataclass
class Troubled:
    """A transport of which some parcels cannot be had."""

    inner: Transport
    troubles: dict[str, EdocError]
    refused: list[str] = field(default_factory=list)
    away: bool = False
    attempts: int = 0

    def send(self, *, to: str, message_id: str, source: BinaryIO) -> None:
        self.attempts += 1
        if self.away:
            raise Unavailable("nobody answers.")
        self.inner.send(to=to, message_id=message_id, source=source)

    def waiting(self, *, limit: int = 100) -> tuple[Parcel, ...]:
        return self.inner.waiting(limit=limit)

    def open(self, parcel: Parcel) -> AbstractContextManager[BinaryIO]:
        if parcel.message_id in self.troubles:
            raise self.troubles[parcel.message_id]
        return self.inner.open(parcel)

    def acknowledge(self, parcel: Parcel) -> None:
        self.inner.acknowledge(parcel)

    def refuse(self, parcel: Parcel) -> None:
        self.refused.append(parcel.message_id)
        self.inner.refuse(parcel)


def send_three(pair: Pair, trouble: EdocError) -> Troubled:
    """Three statuses wait for B, the first of which cannot be had."""
    for index in range(3):
        junk = io.BytesIO(f"no package {index}".encode())
        pair.a.transport.send(to="H99.02", message_id=f"m-{index}", source=junk)
    troubled = Troubled(pair.b.transport, {"m-0": trouble})
    pair.b.transport = troubled
    return troubled


def test_a_parcel_that_cannot_be_had_now_does_not_hold_up_the_others(pair: Pair) -> None:
    troubled = send_three(pair, Unavailable("the hub has trouble with this one."))
    with pytest.raises(Unavailable, match="with this one"):
        collecting.collect(pair.b)
    assert [parcel.message_id for parcel in troubled.waiting()] == ["m-0"]
    assert sorted(received(pair.b)) == ["m-1", "m-2"]


def test_a_parcel_that_can_never_be_had_is_refused_with_the_reason_kept(pair: Pair) -> None:
    troubled = send_three(pair, InputError("the hub says that it is broken."))
    assert collecting.collect(pair.b) == 3
    assert sorted(troubled.refused) == ["m-0", "m-1", "m-2"]
    assert troubled.waiting() == ()
    with pair.b.journal.reading() as connection:
        note = connection.execute(select(t.audit).where(t.audit.c.event == "unfit")).one()
    assert note.details == {"message_id": "m-0", "reason": "the hub says that it is broken."}


@pytest.mark.parametrize("content", [b"", b"no package", b"<!DOCTYPE x [<!ENTITY a 'b'>]><edXML>&a;</edXML>"])
def test_what_cannot_be_read_is_kept_acknowledged_and_holds_up_nobody(pair: Pair, content: bytes) -> None:
    pair.a.transport.send(to="H99.02", message_id="junk", source=io.BytesIO(content))
    pair.submit()
    pair.settle()
    assert [row.state for row in arrivals(pair.b)] == [State.REGISTERED]
    assert pair.b.transport.waiting() == ()
    with pair.b.journal.reading() as connection:
        kept = connection.execute(select(t.inbox).where(t.inbox.c.kind == "damaged")).one()
    assert kept.sha256 == hashlib.sha256(content).hexdigest()
    assert pair.b.objects.holds(kept.sha256)


@BOTH
def test_a_package_that_this_nodes_own_store_damaged_goes_on_waiting(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> Path:
        raise DamagedObjectError("the object's bytes were changed.")

    pair.submit()
    while work(pair.a):
        pass
    with monkeypatch.context() as broken:
        broken.setattr(entering, "fetch", damaged)
        with pytest.raises(DamagedObjectError):
            collecting.collect(pair.b)
    assert len(pair.b.transport.waiting()) == 1
    pair.settle()
    assert [row.state for row in arrivals(pair.b)] == [State.REGISTERED]


@BOTH
def test_a_document_without_the_agencys_seal_is_refused_with_reasons_and_gets_no_arrival_number(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    # our own node never sends such a document, so the sealing step is left out as a foreign system might
    monkeypatch.setattr(sealing, "seal", lambda _node, _dispatch, signed: signed)
    sent = pair.submit()
    pair.settle()
    (arrived,) = arrivals(pair.b)
    assert arrived.state == State.REFUSED
    assert clerk.find(pair.a, sent).state == State.ARCHIVED
    (refusal,) = [package for package in received(pair.a).values() if b"StatusCode>02<" in package]
    status = unpack(io.BytesIO(refusal)).status
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
        broken.setattr(sealing, "seal", refuse)
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


def test_a_recipient_that_is_away_is_asked_by_few_and_gets_everything_once_when_it_is_back(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [pair.submit(f"{index}.pdf") for index in range(5)]
    worker = pair.a.settings.worker.model_copy(update={"breaker_failures": 2})
    monkeypatch.setattr(pair.a, "settings", pair.a.settings.model_copy(update={"worker": worker}))
    away = Troubled(pair.a.transport, {}, away=True)
    pair.a.transport = away
    for _ in range(3):
        work(pair.a)
    assert away.attempts == 2
    (peer,) = peers.list_peers(pair.a.journal)
    assert (peer["peer"], peer["state"], peer["waiting"]) == ("H99.02", "open", 5)
    assert {clerk.find(pair.a, document).state for document in sent} == {State.PACKED}
    away.away = False
    now = pair.a.journal.clock
    monkeypatch.setattr(pair.a.journal, "clock", lambda: now() + timedelta(minutes=1))
    pair.settle()
    assert {clerk.find(pair.a, document).state for document in sent} == {State.SENT}
    assert len(arrivals(pair.b)) == 5
    (peer,) = peers.list_peers(pair.a.journal)
    assert (peer["state"], peer["waiting"]) == ("closed", 0)


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


@BOTH
def test_the_story_can_be_told_in_json_and_the_chain_holds(pair: Pair) -> None:
    sent = pair.submit()
    pair.settle()
    told = json.loads(json.dumps(clerk.tell(pair.a, sent)))
    assert [event["event"] for event in told["events"]][:4] == ["submit", "number", "seal", "pack"]
    assert told["deliveries"][0]["state"] == State.ACCEPTED
    with pair.a.journal.reading() as connection:
        assert journal.verify_chain(connection) == []
