"""What every transport promises: the shared folder, and a real hub over HTTP."""

import io
import itertools
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from edoc.axis.client import AxisClient
from edoc.axis.connection import Access
from edoc.core.dispatch import Dispatch
from edoc.core.ports import Parcel, Transport
from edoc.demo.hub import HubServer
from edoc.errors import Conflict, InputError, Refused, Unavailable
from edoc.hub.directory import Entry
from edoc.node import database
from edoc.node.axisbox import AxisBox
from edoc.node.journal import Journal
from edoc.node.mailbox import Mailbox
from edoc.node.node import system_clock
from edoc.packing import pack

_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Party:
    """Two agencies of codes that nobody else has; `join` gives one its own view, as another process would."""

    a: str
    b: str
    join: Callable[[str], Transport]

    def package(self, subject: str, *, to: str = "") -> bytes:
        """A document from A to B."""
        values = {
            "from": {"organ_id": self.a, "organ_name": "Sở Nội vụ"},
            "to": [{"organ_id": to or self.b, "organ_name": "Sở Y tế"}],
            "document_id": f"{self.a},2026/02/05,{subject}",
            "code": {"code_number": "07", "code_notation": "CV-SNV"},
            "promulgation_info": {"place": "Hà Nội", "promulgation_date": "2026-02-05"},
            "subject": subject,
        }
        out = io.BytesIO()
        pack(Dispatch.from_dict(values), attach=[], out=out)
        return out.getvalue()

    def send(self, transport: Transport, message_id: str, subject: str = "one", *, to: str = "") -> None:
        source = io.BytesIO(self.package(subject, to=to))
        transport.send(to=to or self.b, message_id=message_id, source=source)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    settings = "[limits]\ncalls_per_minute = 100000\n"
    with HubServer(tmp_path_factory.mktemp("hub"), settings=settings) as server:
        yield server


def open_box(folder: Path, organ_id: str, *, url: str, secret: SecretStr) -> AxisBox:
    """Open a node's access to the hub, beside its own database."""
    access = Access(url=url, system_id=organ_id, secret=secret)
    journal = Journal(database.connect(f"sqlite:///{organ_id}.db", folder), system_clock)
    return AxisBox(AxisClient(access, clock=system_clock), organ_id=organ_id, journal=journal)


@pytest.fixture(params=["mailbox", "axis"])
def party(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Party]:
    a, b = (f"H99.{next(_NUMBERS)}" for _ in range(2))
    if request.param == "mailbox":
        yield Party(a, b, lambda organ_id: Mailbox(tmp_path / "mailbox", organ_id))
        return
    hub: HubServer = request.getfixturevalue("hub")
    secrets = {}
    for code in (a, b):
        added = hub.add(Entry(code=code, name="Sở"))
        secrets[code] = SecretStr(added.secret_path.read_text(encoding="utf-8").strip())
        database.migrate(database.connect(f"sqlite:///{code}.db", tmp_path))
    with ExitStack() as stack:
        yield Party(
            a,
            b,
            lambda organ_id: stack.enter_context(
                open_box(tmp_path, organ_id, url=hub.url, secret=secrets[organ_id])
            ),
        )


@pytest.fixture
def b(party: Party) -> Transport:
    return party.join(party.b)


@pytest.fixture
def a(party: Party, b: Transport) -> Transport:
    del b  # a folder is known to others when its owner was there first
    return party.join(party.a)


def read(transport: Transport, parcel: Parcel) -> bytes:
    with transport.open(parcel) as source:
        return source.read()


def test_a_package_travels_byte_for_byte(party: Party, a: Transport, b: Transport) -> None:
    party.send(a, "message-1")
    (parcel,) = b.waiting()
    assert read(b, parcel) == party.package("one")
    assert a.waiting() == ()


def test_a_parcel_waits_until_it_is_acknowledged_by_whoever_looks(
    party: Party, a: Transport, b: Transport
) -> None:
    party.send(a, "message-1")
    (parcel,) = b.waiting()
    assert read(b, parcel) == party.package("one")
    assert [again.message_id for again in party.join(party.b).waiting()] == [parcel.message_id]
    b.acknowledge(parcel)
    assert b.waiting() == party.join(party.b).waiting() == ()


def test_what_is_no_package_for_its_receiver_waits_no_longer_once_it_is_refused(
    party: Party, a: Transport, b: Transport
) -> None:
    party.send(a, "message-1")
    (parcel,) = b.waiting()
    for _ in range(2):
        b.refuse(parcel)
    assert b.waiting() == party.join(party.b).waiting() == ()


def test_acknowledging_again_changes_nothing(party: Party, a: Transport, b: Transport) -> None:
    party.send(a, "message-1")
    (parcel,) = b.waiting()
    for _ in range(2):
        b.acknowledge(parcel)
    party.join(party.b).acknowledge(parcel)
    assert b.waiting() == ()


def test_sending_again_changes_nothing_before_and_after_it_was_acknowledged(
    party: Party, a: Transport, b: Transport
) -> None:
    party.send(a, "message-1")
    party.send(a, "message-1")
    party.send(party.join(party.a), "message-1")
    (parcel,) = b.waiting()
    b.acknowledge(parcel)
    party.send(a, "message-1")
    assert b.waiting() == party.join(party.b).waiting() == ()


def test_other_bytes_under_a_known_id_are_a_conflict_before_and_after(
    party: Party, a: Transport, b: Transport
) -> None:
    party.send(a, "message-1")
    with pytest.raises(Conflict, match="already stands for another package"):
        party.send(a, "message-1", "other")
    (parcel,) = b.waiting()
    assert read(b, parcel) == party.package("one")
    b.acknowledge(parcel)
    with pytest.raises(Conflict, match="already stands for another package"):
        party.send(a, "message-1", "other")
    assert b.waiting() == ()


def test_parcels_come_oldest_first_and_no_more_than_asked(party: Party, a: Transport, b: Transport) -> None:
    subjects = [f"number {index}" for index in range(3)]
    for index, subject in enumerate(subjects):
        party.send(a, f"message-{index}", subject)
    contents = [party.package(subject) for subject in subjects]
    assert [read(b, parcel) for parcel in b.waiting()] == contents
    assert [read(b, parcel) for parcel in b.waiting(limit=2)] == contents[:2]


def test_an_agency_that_is_not_there_gets_nothing_and_its_sender_is_told(party: Party, a: Transport) -> None:
    with pytest.raises((Unavailable, Refused), match=r"H99\.77777"):
        party.send(a, "message-1", to="H99.77777")


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/etc", "a/b", "a\0b", "a\r\nX: y", "ệ", "a" * 200])
def test_what_cannot_be_an_id_is_refused(a: Transport, name: str) -> None:
    with pytest.raises(InputError, match="cannot be a message id"):
        a.send(to="H99.1", message_id=name, source=io.BytesIO(b"<edXML/>"))
    with pytest.raises(InputError, match="cannot be an agency's code"):
        a.send(to=name, message_id="message-1", source=io.BytesIO(b"<edXML/>"))


def test_three_senders_repeat_themselves_while_two_workers_receive_and_nothing_is_lost_or_doubled(
    party: Party, b: Transport
) -> None:
    subjects = {f"message-{index}": f"number {index}" for index in range(12)}
    received: dict[str, bytes] = {}
    deadline = time.monotonic() + 30

    def send_all() -> None:
        sender = party.join(party.a)
        for name in random.sample(sorted(subjects), len(subjects)):
            party.send(sender, name, subjects[name])

    def receive() -> None:
        receiver = party.join(party.b)
        while len(received) < len(subjects) and time.monotonic() < deadline:
            for parcel in receiver.waiting():
                try:
                    received[parcel.message_id] = read(receiver, parcel)
                    receiver.acknowledge(parcel)
                except Unavailable:
                    continue  # the other worker was faster

    with ThreadPoolExecutor(5) as pool:
        at_work = [pool.submit(act) for act in (receive, send_all, send_all, receive, send_all)]
    assert [work.exception() for work in at_work] == [None] * 5
    assert b.waiting() == ()
    assert sorted(received.values()) == sorted(map(party.package, subjects.values()))
