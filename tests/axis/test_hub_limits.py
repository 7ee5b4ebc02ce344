"""What a hub refuses: old and early calls, repeated ones, too many, too large, too slow."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hubpeers import Member, document, join, send, shipment
from rawcalls import RawCall, connect, read_answer, read_head, sending

from edoc.axis.replies import Registration
from edoc.axis.wire import Transfer
from edoc.demo.hub import HubServer
from edoc.errors import InputError, Refused, Unavailable

STRICT = """
[window]
oldest_minutes = 4
newest_minutes = 4
[limits]
package_mib = 0.05
calls_per_minute = 20
mib_per_hour = 0.1
uploads = 1
silence_seconds = 0.7
[registration]
by_axis = false
"""
FIVE = timedelta(minutes=5)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    with HubServer(tmp_path_factory.mktemp("strict"), settings=STRICT) as server:
        yield server


@pytest.mark.parametrize("ahead", [FIVE, -FIVE])
def test_a_clock_five_minutes_off_is_within_the_usual_window(a: Member, ahead: timedelta) -> None:
    with a.client(ahead=ahead) as client:
        assert client.list_agencies()


@pytest.mark.parametrize(("ahead", "words"), [(FIVE, "ahead of"), (-FIVE, "behind")])
def test_a_clock_outside_the_window_is_refused_and_told_why(
    strict: HubServer, ahead: timedelta, words: str
) -> None:
    with join(strict).client(ahead=ahead) as client, pytest.raises(Unavailable) as caught:
        client.list_agencies()
    assert caught.value.code == "AXIS_15"
    assert f"5.0 minutes {words} the hub" in str(caught.value)
    assert "4 behind and 4 ahead are allowed" in str(caught.value)


def test_a_service_that_has_run_for_hours_is_let_in_and_one_of_last_week_is_not(a: Member) -> None:
    now = datetime.now(UTC)
    assert RawCall(a, "getAgenciesList", at=now - timedelta(hours=20)).make().reply["status"] == "OK"
    old = RawCall(a, "getAgenciesList", at=now - timedelta(days=7)).make()
    assert (old.reply["status"], old.reply["ErrorCode"]) == ("FAIL", "15")


def test_a_sending_that_is_replayed_delivers_nothing_twice(a: Member, b: Member) -> None:
    caught = sending(a, document(a, b), b.code)
    assert caught.make().reply["DocId"] == caught.make().reply["DocId"]
    assert len(b.received()) == 1


def test_a_caught_signature_sends_no_other_package(a: Member, b: Member) -> None:
    caught = sending(a, document(a, b), b.code)
    forged = replace(caught, body=document(a, b) + b"\r\n").make()
    assert forged.reply["ErrorCode"] == "10"
    assert b.received() == ()


def test_one_service_object_may_call_again_and_again_with_one_signature(a: Member, b: Member) -> None:
    call = RawCall(b, "getReceivedEdocList", (("servicetype", "eDoc"), ("messagetype", "edoc")))
    assert call.make().reply["data"] == []
    doc_id = send(a, document(a, b), b)
    assert [row["docId"] for row in call.make().reply["data"]] == [doc_id]


def test_a_replayed_status_does_not_bring_a_package_back(a: Member, b: Member) -> None:
    doc_id = send(a, document(a, b), b)
    caught = RawCall(b, "updateStatus", (("docId", doc_id), ("status", "processing")), b"{}")
    assert caught.make().reply["status"] == "OK"
    with b.client() as client:
        client.update_status(doc_id, Transfer.DONE)
    assert "done already" in caught.make().reply["ErrorDesc"]
    assert b.received() == ()


def test_a_replayed_registration_does_not_bring_an_agency_back(a: Member) -> None:
    code = f"{a.code}.9"
    caught = RawCall(a, "registerAgency", body=f'{{"code":"{code}","pcode":"{a.code}"}}'.encode())
    assert caught.make().reply["status"] == "OK"
    with a.client() as client:
        client.delete(code)
        again = caught.make().reply
        assert (again["status"], "nothing was changed" in again["ErrorDesc"]) == ("OK", True)
        assert code not in {row.code for row in client.list_agencies()}
        client.register(Registration(code=code, parent_code=a.code))  # signed anew, it counts
        assert code in {row.code for row in client.list_agencies()}


def test_who_calls_too_often_waits_and_nobody_else_does(strict: HubServer) -> None:
    fast, other = join(strict), join(strict)
    with fast.client() as client:
        for _ in range(20):
            client.list_agencies()
        with pytest.raises(Unavailable, match="more than 20 times a minute"):
            client.list_agencies()
    with other.client() as client:
        assert client.list_agencies()
    refused = RawCall(fast, "downloadEdoc", (("docId", "x"),), method="GET").make()
    assert refused.status == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60


def test_strangers_do_not_use_up_the_calls_of_an_agency(strict: HubServer) -> None:
    member = join(strict)
    forged = RawCall(member, "getAgenciesList", changed={"XroadVnpt-hash-header": "0" * 64})
    for _ in range(30):
        assert forged.make().reply["ErrorCode"] == "15"
    with member.client() as client:
        assert client.list_agencies()


def test_a_package_that_is_too_large_is_refused_however_it_comes(strict: HubServer) -> None:
    a, b = join(strict), join(strict)
    large = document(a, b, content="x" * (60 << 10))
    with a.client() as client, pytest.raises(InputError, match="larger than") as caught:
        client.send(shipment(a, large, b))
    assert caught.value.code == "AXIS_10"
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(large), large)
    call = sending(a, large, b.code, length=False, more={"Transfer-Encoding": "chunked"})
    answer = replace(call, body=chunked).make()
    assert (answer.reply["ErrorCode"], answer.reply["DocId"]) == ("10", "")
    assert b.received() == ()


def test_a_claim_of_ten_gigabytes_is_refused_before_a_byte_of_it_came(strict: HubServer) -> None:
    a, b = join(strict), join(strict)
    more = {"Expect": "100-continue", "Content-Length": str(10 << 30)}
    answer = sending(a, document(a, b), b.code, more=more).make_asking_first()
    assert (answer.before, answer.reply["ErrorCode"]) == (b"", "10")


def test_who_is_refused_in_the_middle_of_a_large_body_gets_to_know_why(a: Member, b: Member) -> None:
    package = document(a, b, content="x" * (12 << 20))
    with a.client(secret="x" * 32) as client, pytest.raises(Unavailable) as caught:
        client.send(shipment(a, package, b))
    assert caught.value.code == "AXIS_15"


def test_who_sends_too_much_in_an_hour_waits(strict: HubServer) -> None:
    a, b = join(strict), join(strict)
    with a.client() as client:
        for _ in range(3):
            client.send(shipment(a, document(a, b, content="x" * (40 << 10)), b))
        with pytest.raises(Unavailable, match=r"more than 0\.1 MiB an hour"):
            client.send(shipment(a, document(a, b), b))
    assert len(b.received()) == 3


def test_a_sender_that_falls_silent_is_left_and_the_next_one_gets_in(strict: HubServer) -> None:
    a, b = join(strict), join(strict)
    slow = sending(a, document(a, b), b.code)
    with connect(a.url) as line:
        line.sendall(slow.head() + slow.body[:100])
        began = time.monotonic()
        package, doc_id = document(b, a), ""
        while not doc_id and time.monotonic() < began + 10:
            with suppress(Unavailable):  # the only place may become free a moment too late
                doc_id = send(b, package, a)
        assert "nothing came for 0.7 s" in read_answer(line).reply["ErrorDesc"]
        assert line.recv(1) == b""
    assert [row.doc_id for row in a.received()] == [doc_id]
    assert b.received() == ()


def test_one_system_never_takes_all_places(strict: HubServer) -> None:
    a, b = join(strict), join(strict)
    slow, next_one = sending(a, document(a, b), b.code, more={"Expect": "100-continue"}), document(a, b)
    with connect(a.url) as line:
        line.sendall(slow.head())
        assert read_head(line).startswith(b"HTTP/1.1 100 ")
        with a.client() as client, pytest.raises(Unavailable, match="of this system come in at once"):
            client.send(shipment(a, next_one, b))
        line.sendall(slow.body)
        assert read_answer(line).reply["status"] == "OK"


def test_registration_can_be_left_to_the_operator(strict: HubServer) -> None:
    a = join(strict)
    with a.client() as client, pytest.raises(Refused, match="operator"):
        client.register(Registration(code=f"{a.code}.1", parent_code=a.code))


def test_no_secret_stands_in_the_log_the_database_or_a_reply(strict: HubServer) -> None:
    a = join(strict)
    with a.client(secret="a-wrong-secret-of-some-length") as client, pytest.raises(Unavailable):
        client.list_agencies()
    send(a, document(a, join(strict)))
    files = [path for path in strict.folder.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    assert any(path.name == "hub.db" for path in files)
    for path in files:
        content = path.read_bytes()
        assert a.secret.get_secret_value().encode() not in content
        assert b"a-wrong-secret" not in content
