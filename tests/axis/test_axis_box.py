"""The axis as a node's transport: what is told to the hub and when, and what a lost reply costs."""

import base64
import hashlib
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from scripting import NOW, PACKAGE, Peer, ScriptedHub, answer, client
from sqlalchemy import select

from edoc.axis.signing import hash_bytes
from edoc.core.ports import Parcel
from edoc.errors import Conflict, InputError, Refused, Unavailable
from edoc.node import database
from edoc.node import tables as t
from edoc.node.axisbox import AxisBox
from edoc.node.journal import Journal

SENT = answer({"DocId": "D-1"})
UPDATED = answer({})


def listing(*rows: tuple[str, str], documents: bool = True) -> list[Any]:
    """The two lists that a poll asks for."""
    full = answer({"data": [{"docId": doc_id, "status": status} for doc_id, status in rows]})
    empty = answer({"data": []})
    return [full, empty] if documents else [empty, full]


def lose(peer: Peer) -> None:
    """Take the request, and the reply is lost."""
    peer.read()


def targets(hub: ScriptedHub) -> list[str]:
    return [
        " ".join(filter(None, (asked.target.rpartition("/")[2], asked.parameters.get("status"))))
        for asked in hub.asked
    ]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    engine = database.connect("sqlite:///node.db", tmp_path)
    database.migrate(engine)
    yield Journal(engine, lambda: NOW)
    engine.dispose()


def box(hub: ScriptedHub, journal: Journal, **options: Any) -> AxisBox:
    return AxisBox(client(hub), organ_id="H99.01", journal=journal, **options)


def send(
    transport: AxisBox, content: bytes = PACKAGE, *, to: str = "H99.02", message_id: str = "m-1"
) -> None:
    transport.send(to=to, message_id=message_id, source=io.BytesIO(content))


def test_sending_again_after_success_asks_nobody(journal: Journal) -> None:
    with ScriptedHub([SENT]) as hub, box(hub, journal) as transport:
        for _ in range(3):
            send(transport)
    assert targets(hub) == ["sendEdoc"]
    with journal.reading() as connection:
        (row,) = connection.execute(select(t.axis_shipments))
    assert (row.receiver, row.doc_id, row.sha256) == ("H99.02", "D-1", hashlib.sha256(PACKAGE).hexdigest())


@pytest.mark.parametrize("reply", [lose, answer(b"<html>bad gateway</html>"), answer(b"", status=502)])
def test_after_a_lost_reply_the_hub_is_asked_before_anything_is_sent_again(
    journal: Journal, reply: Any
) -> None:
    there = {"hashFile": hash_bytes(PACKAGE), "toCode": "H99.02", "receiverDocId": "D-7"}
    with ScriptedHub([reply, answer({"data": [there]})]) as hub, box(hub, journal) as transport:
        with pytest.raises(Unavailable):
            send(transport)
        send(transport)
        send(transport)
    assert targets(hub) == ["sendEdoc", "getSentEdocList"]


def test_what_did_not_arrive_is_sent_again(journal: Journal) -> None:
    with ScriptedHub([lose, answer({"data": []}), SENT]) as hub, box(hub, journal) as transport:
        with pytest.raises(Unavailable):
            send(transport)
        send(transport)
    assert targets(hub) == ["sendEdoc", "getSentEdocList", "sendEdoc"]
    assert hub.asked[0].body == hub.asked[2].body


def test_while_it_cannot_be_told_whether_it_arrived_nothing_is_sent(journal: Journal) -> None:
    with ScriptedHub([lose, lose]) as hub, box(hub, journal) as transport:
        for _ in range(2):
            with pytest.raises(Unavailable):
                send(transport)
    assert targets(hub) == ["sendEdoc", "getSentEdocList"]


def test_another_process_knows_of_the_earlier_attempt(journal: Journal) -> None:
    with ScriptedHub([lose, answer({"data": []}), SENT]) as hub:
        with box(hub, journal) as first, pytest.raises(Unavailable):
            send(first)
        with box(hub, journal) as second:
            send(second)
    assert targets(hub) == ["sendEdoc", "getSentEdocList", "sendEdoc"]


def test_an_id_that_stands_for_something_else_is_a_conflict_and_sends_nothing(journal: Journal) -> None:
    with ScriptedHub([SENT]) as hub, box(hub, journal) as transport:
        send(transport)
        with pytest.raises(Conflict, match="already stands"):
            send(transport, b"<edXML>other</edXML>")
        with pytest.raises(Conflict, match="already stands"):
            send(transport, to="H99.03")
    assert targets(hub) == ["sendEdoc"]


def test_a_receiver_that_the_hub_does_not_know_is_refused_for_good(journal: Journal) -> None:
    no = answer({"status": "FAIL", "ErrorCode": "18", "ErrorDesc": "H99.77", "DocId": ""})
    with ScriptedHub([no]) as hub, box(hub, journal) as transport, pytest.raises(Refused):
        send(transport, to="H99.77")


def test_a_stream_that_cannot_go_back_is_sent_too(journal: Journal) -> None:
    class Pipe(io.RawIOBase):
        content = io.BytesIO(PACKAGE)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            return self.content.readinto(buffer)

    with ScriptedHub([SENT]) as hub, box(hub, journal) as transport:
        transport.send(to="H99.02", message_id="m-1", source=io.BufferedReader(Pipe()))
    assert hub.asked[0].body == PACKAGE + b"\r\n"


@pytest.mark.parametrize("name", ["", "..", "a/b", "ệ", "a\r\nb", "x" * 200])
def test_ids_that_cannot_be_ones_are_refused_before_anything_is_sent(journal: Journal, name: str) -> None:
    with ScriptedHub([]) as hub, box(hub, journal) as transport:
        with pytest.raises(InputError, match="message id"):
            send(transport, message_id=name)
        with pytest.raises(InputError, match="agency's code"):
            send(transport, to=name)
    assert hub.connections == 0


def test_nothing_is_told_to_the_hub_before_the_package_is_acknowledged(journal: Journal) -> None:
    acts = [*listing(("D-1", "initial")), answer(PACKAGE), UPDATED, UPDATED]
    with ScriptedHub(acts) as hub, box(hub, journal) as transport:
        (parcel,) = transport.waiting()
        with transport.open(parcel) as package:
            assert package.read() == PACKAGE
        assert targets(hub) == ["getReceivedEdocList"] * 2 + ["downloadEdoc"]
        transport.acknowledge(parcel)
        transport.acknowledge(parcel)
    assert targets(hub)[3:] == ["updateStatus processing", "updateStatus done"]


def test_the_hub_is_answered_in_its_own_vocabulary(journal: Journal) -> None:
    acts = [*listing(("D-1", "INITIAL"), ("D-2", "PROCESSING")), *[UPDATED] * 3]
    with ScriptedHub(acts) as hub, box(hub, journal) as transport:
        one, two = transport.waiting()
        transport.acknowledge(one)
        transport.refuse(two)
    assert targets(hub)[2:] == ["updateStatus PROCESSING", "updateStatus DONE", "updateStatus FAIL"]


def test_what_has_ended_does_not_wait_and_an_unknown_word_hides_nothing(journal: Journal) -> None:
    rows = [("D-1", "done"), ("D-2", "FAIL"), ("D-3", "mới"), ("D-4", "processing"), ("", "initial")]
    with ScriptedHub(listing(*rows, ("D 5\n", "initial"))) as hub, box(hub, journal) as transport:
        assert [parcel.message_id for parcel in transport.waiting()] == ["D-3", "D-4"]


def test_documents_and_statuses_both_come_and_no_more_than_asked(journal: Journal) -> None:
    both = [answer({"data": [{"docId": f"{kind}-{n}"} for n in range(3)]}) for kind in ("doc", "status")]
    with ScriptedHub(both * 2) as hub, box(hub, journal) as transport:
        assert len(transport.waiting()) == 6
        assert len(transport.waiting(limit=2)) == 2
    kinds = [asked.parameters["messagetype"] for asked in hub.asked]
    assert kinds == ["edoc", "status"] * 2


def test_the_hub_is_asked_no_more_often_than_agreed(journal: Journal) -> None:
    now = [100.0]
    acts = [*listing(), *listing()]
    with ScriptedHub(acts) as hub, box(hub, journal, poll_seconds=15, clock=lambda: now[0]) as transport:
        for second in (100, 101, 114.9, 115.1, 120):
            now[0] = second
            assert transport.waiting() == ()
    assert len(hub.asked) == 4


def test_a_hub_that_says_no_is_asked_no_more_often_either(journal: Journal) -> None:
    now = [100.0]
    no = answer({"status": "FAIL", "ErrorCode": "15", "ErrorDesc": "no"})
    acts = [no, *listing()]
    with ScriptedHub(acts) as hub, box(hub, journal, poll_seconds=15, clock=lambda: now[0]) as transport:
        with pytest.raises(Unavailable):
            transport.waiting()
        now[0] = 101
        assert transport.waiting() == ()
        assert len(hub.asked) == 1
        now[0] = 116
        assert transport.waiting() == ()
    assert len(hub.asked) == 3


def test_what_was_told_is_not_offered_again_by_a_hub_that_goes_on_listing_it(journal: Journal) -> None:
    acts = [*listing(("D-1", "initial")), UPDATED, UPDATED, *listing(("D-1", "initial"))]
    with ScriptedHub(acts) as hub, box(hub, journal) as transport:
        (parcel,) = transport.waiting()
        transport.acknowledge(parcel)
        assert transport.waiting() == ()


@pytest.mark.parametrize("told", [0, 1])
def test_what_could_not_be_told_is_told_before_more_is_asked_and_nothing_is_fetched_twice(
    journal: Journal, told: int
) -> None:
    acts = [
        *listing(("D-1", "initial")),
        *[UPDATED] * told,
        lose,
        UPDATED,
        UPDATED,
        *listing(("D-1", "processing")),
    ]
    with ScriptedHub(acts) as hub, box(hub, journal) as transport:
        (parcel,) = transport.waiting()
        with pytest.raises(Unavailable):
            transport.acknowledge(parcel)
        assert transport.waiting() == ()
    assert targets(hub)[-4:-2] == ["updateStatus processing", "updateStatus done"]


def test_a_package_that_another_worker_acknowledged_is_acknowledged(journal: Journal) -> None:
    no = answer({"status": "FAIL", "ErrorCode": "99", "ErrorDesc": "has ended"})
    ended = answer({"data": [{"docId": "D-1", "status": "done"}]})
    with ScriptedHub([no, ended, no, answer({"data": []})]) as hub, box(hub, journal) as transport:
        transport.acknowledge(Parcel(message_id="D-1", mark="edoc initial"))
        with pytest.raises(Unavailable, match="does not let"):
            transport.acknowledge(Parcel(message_id="D-2", mark="edoc initial"))


def test_what_made_trouble_stands_last(journal: Journal) -> None:
    rows = (("D-1", "initial"), ("D-2", "initial"))
    acts = [*listing(*rows), answer(b"", status=502), *listing(*rows)]
    with ScriptedHub(acts) as hub, box(hub, journal) as transport:
        first, _ = transport.waiting()
        with pytest.raises(Unavailable), transport.open(first):
            pytest.fail("nothing was fetched")
        assert [parcel.message_id for parcel in transport.waiting()] == ["D-2", "D-1"]


def test_an_error_page_never_comes_out_as_a_package(journal: Journal) -> None:
    page = answer(b"<html>wait</html>")
    with ScriptedHub([*listing(("D-1", "initial")), page, page]) as hub, box(hub, journal) as transport:
        (parcel,) = transport.waiting()
        with pytest.raises(Unavailable), transport.open(parcel):
            pytest.fail("nothing was fetched")


def test_what_was_sent_as_no_package_comes_out_to_be_kept_and_refused(journal: Journal) -> None:
    page = b"<html>sent by mistake</html>"
    data = answer({"data": base64.b64encode(page).decode()})
    acts = [*listing(("D-1", "initial")), answer(page), data, UPDATED, UPDATED]
    with ScriptedHub(acts) as hub, box(hub, journal) as transport:
        (parcel,) = transport.waiting()
        with transport.open(parcel) as package:
            assert package.read() == page
        transport.refuse(parcel)
    assert targets(hub)[-1] == "updateStatus fail"


def test_what_the_hub_itself_finds_unfit_can_never_be_had(journal: Journal) -> None:
    no = answer(json.dumps({"status": "FAIL", "ErrorCode": "10", "ErrorDesc": "hỏng"}).encode(), status=400)
    with ScriptedHub([*listing(("D-1", "initial")), no]) as hub, box(hub, journal) as transport:
        (parcel,) = transport.waiting()
        with pytest.raises(InputError), transport.open(parcel):
            pytest.fail("nothing was fetched")


def test_threads_share_a_box_and_each_package_is_told_of_once(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edoc.node.axisbox._REMEMBERED", 5)
    rows = [(f"D-{number}", "processing") for number in range(40)]
    with ScriptedHub([*listing(*rows), *[UPDATED] * len(rows)]) as hub, box(hub, journal) as transport:
        parcels = transport.waiting()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(transport.acknowledge, parcels))
    told = [(asked.parameters["docId"], asked.parameters["status"]) for asked in hub.asked[2:]]
    assert sorted(told) == sorted((doc_id, "done") for doc_id, _ in rows)
