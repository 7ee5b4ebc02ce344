"""The hub is killed at any moment: what it acknowledged is there, and nothing is there twice."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cutting import cutting
from hubpeers import Member, document, join, send, shipment

from edoc.axis.wire import Transfer
from edoc.demo.hub import HubServer
from edoc.errors import Unavailable


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    with HubServer(tmp_path_factory.mktemp("mortal"), settings="") as server:
        yield server


def contents(folder: Path) -> set[bytes]:
    """What the receivers could be handed out."""
    return {path.read_bytes() for path in folder.glob("objects/[0-9a-f][0-9a-f]/*")}


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_killed_in_the_middle_of_a_sending_it_has_nothing_of_it(mortal: HubServer, share: float) -> None:
    a, b = join(mortal), join(mortal)
    package = document(a, b, content="x" * 200_000)
    with cutting(mortal.url, up=int(len(package) * share), holds=True) as line:
        sending = threading.Thread(target=try_to_send, args=(a, package, b, line.url))
        sending.start()
        assert line.reached.wait(20)
        mortal.kill()
    sending.join(20)
    mortal.start()
    assert b.received() == ()
    assert package not in contents(mortal.data)
    assert list((mortal.data / "spool").iterdir()) == []
    doc_id = send(a, package, b)
    assert [row.doc_id for row in b.received()] == [doc_id]
    assert b.fetched(doc_id) == package


def try_to_send(sender: Member, package: bytes, receiver: Member, url: str) -> str | None:
    with sender.client(url=url) as client:
        try:
            return client.send(shipment(sender, package, receiver))
        except Unavailable:
            return None


@pytest.mark.parametrize("after", [1, 7, 20])
def test_killed_while_packages_come_in_it_keeps_what_it_acknowledged(mortal: HubServer, after: int) -> None:
    a, b = join(mortal), join(mortal)
    tried: list[bytes] = []
    acknowledged: dict[str, bytes] = {}
    enough, over = threading.Event(), threading.Event()

    def send_on() -> None:
        while not over.is_set():
            tried.append(document(a, b))
            doc_id = try_to_send(a, tried[-1], b, "")
            if doc_id is not None:
                acknowledged[doc_id] = tried[-1]
            if len(acknowledged) >= after:
                enough.set()

    sending = threading.Thread(target=send_on)
    sending.start()
    assert enough.wait(30)
    mortal.kill()
    over.set()
    sending.join(30)
    mortal.start()
    kept = {row.doc_id for row in b.received()}
    assert acknowledged.keys() <= kept
    again = {send(a, package, b): package for package in tried}
    assert acknowledged.items() <= again.items()
    assert {row.doc_id for row in b.received()} == again.keys()
    assert len(b.received()) == len(tried)
    assert all(b.fetched(doc_id) == package for doc_id, package in again.items())


def test_killed_while_packages_are_acknowledged_it_remembers_which(mortal: HubServer) -> None:
    a, b = join(mortal), join(mortal)
    all_ids = [send(a, document(a, b), b) for _ in range(12)]
    told: list[str] = []
    enough = threading.Event()

    def acknowledge_on() -> None:
        with b.client() as client, suppress(Unavailable):
            for doc_id in all_ids:
                client.update_status(doc_id, Transfer.DONE)
                told.append(doc_id)
                if len(told) >= 5:
                    enough.set()

    telling = threading.Thread(target=acknowledge_on)
    telling.start()
    assert enough.wait(30)
    mortal.kill()
    telling.join(30)
    mortal.start()
    waiting = [row.doc_id for row in b.received()]
    assert not set(told) & set(waiting)
    assert len(waiting) in {len(all_ids) - len(told), len(all_ids) - len(told) - 1}  # one reply may be lost
