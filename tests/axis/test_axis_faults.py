"""Everything that can go wrong between client and hub, with a server that does it byte by byte."""

import base64
import gzip
import io
import json
import socket
import struct
import time
from typing import Any

import pytest
from scripting import GOOD, PACKAGE, QUICK, Act, Peer, ScriptedHub, answer, client, http

from edoc.axis.connection import BadReplyError, ReplyLostError
from edoc.axis.profile import Shipment
from edoc.axis.wire import MessageType, Transfer
from edoc.errors import EdocError, InputError, Refused, Unavailable

REPLY = http(json.dumps({**GOOD, "DocId": "D-1", "data": []}).encode())
HTML = b"<!DOCTYPE html><html><body>OK</body></html>"


def send(axis: Any, content: bytes = PACKAGE) -> Any:
    return axis.send(Shipment.of(io.BytesIO(content), sender="H99.01", receivers=("H99.02",)))


def after_reading(then: bytes, *, reset: bool = False) -> Act:
    """Read the request, send some bytes, hang up."""

    def act(peer: Peer) -> None:
        peer.read()
        peer.send(then)
        if reset:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return act


def hang_up_at_once(_peer: Peer) -> None:
    pass


def hang_up_after_the_head(peer: Peer) -> None:
    peer.read_head()


def hang_up_in_the_body(peer: Peer) -> None:
    peer.read_head()
    peer.read_bytes(10)


def fall_silent(peer: Peer) -> None:
    peer.read()
    time.sleep(QUICK.silence_seconds + 0.3)


def fall_silent_in_the_reply(peer: Peer) -> None:
    peer.read()
    peer.send(REPLY[:-4])
    time.sleep(QUICK.silence_seconds + 0.3)


LOST: dict[str, Act] = {
    "at once": hang_up_at_once,
    "after the request's head": hang_up_after_the_head,
    "in the request's body": hang_up_in_the_body,
    "before the reply": after_reading(b""),
    "before the reply, by a reset": after_reading(b"", reset=True),
    "in the status line": after_reading(REPLY[:9]),
    "in the reply's head": after_reading(REPLY[:40]),
    "before the reply's body": after_reading(REPLY[: REPLY.index(b"\r\n\r\n") + 4]),
    "in the reply's body": after_reading(REPLY[:-4]),
    "silent": fall_silent,
    "silent in the reply": fall_silent_in_the_reply,
    "no HTTP": after_reading(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "a length that is none": after_reading(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}"),
    "two lengths": after_reading(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
    "broken chunks": after_reading(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
    "too long a head": after_reading(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"),
}


@pytest.mark.parametrize("point", LOST)
def test_a_connection_that_breaks_at_any_point_means_try_again(point: str) -> None:
    with ScriptedHub([LOST[point]]) as hub, client(hub) as axis, pytest.raises(Unavailable) as caught:
        send(axis, PACKAGE * 50)
    assert caught.value.retryable
    assert caught.value.where == "sendEdoc"


@pytest.mark.parametrize("point", ["before the reply", "silent", "in the status line", "no HTTP"])
def test_without_a_reply_the_call_may_have_been_done(point: str) -> None:
    with ScriptedHub([LOST[point]]) as hub, client(hub) as axis, pytest.raises(ReplyLostError):
        send(axis)


def test_a_hub_that_is_not_there_was_certainly_not_reached() -> None:
    with ScriptedHub([]) as hub:
        url = hub.url
    with client(hub, url=url) as axis, pytest.raises(Unavailable) as caught:
        send(axis)
    assert not isinstance(caught.value, ReplyLostError)


def test_after_any_of_this_the_same_client_works_on() -> None:
    with ScriptedHub([*LOST.values(), answer({"DocId": "D-1"})]) as hub, client(hub) as axis:
        for _ in LOST:
            with pytest.raises(Unavailable):
                send(axis)
        assert send(axis) == "D-1"


def drip_the_head(peer: Peer) -> None:
    peer.read()
    peer.drip(REPLY)


def drip_the_body(peer: Peer) -> None:
    peer.read()
    peer.send(REPLY[:-40])
    peer.drip(REPLY[-40:])


def drip_interim_answers(peer: Peer) -> None:
    peer.read()
    for _ in range(100):
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)


@pytest.mark.parametrize("slow", [drip_the_head, drip_the_body, drip_interim_answers])
def test_a_hub_that_sends_a_byte_now_and_then_holds_nobody(slow: Act) -> None:
    started = time.monotonic()
    with ScriptedHub([slow]) as hub, client(hub) as axis, pytest.raises(Unavailable, match="timeout"):
        axis.list_received(MessageType.DOCUMENT)
    assert QUICK.call_seconds - 0.1 < time.monotonic() - started < QUICK.call_seconds + 1


def test_a_hub_that_reads_slowly_holds_nobody() -> None:
    def read_slowly(peer: Peer) -> None:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(60):
            peer.socket.recv(1000)
            time.sleep(0.05)

    with ScriptedHub([read_slowly]) as hub, client(hub) as axis:
        started = time.monotonic()
        with pytest.raises(Unavailable):
            send(axis, bytes(32 << 20))
        assert time.monotonic() - started < QUICK.transfer_seconds + 1


def test_a_download_that_drips_is_given_up() -> None:
    def drip(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        peer.drip(b"<edXML>" + b"x" * 990)

    started = time.monotonic()
    with ScriptedHub([drip]) as hub, client(hub) as axis, pytest.raises(Unavailable):
        axis.fetch("D-1", io.BytesIO())
    assert time.monotonic() - started < QUICK.transfer_seconds + 3


WRONG: dict[str, Act] = {
    "an HTML page": answer(HTML),
    "an empty page": answer(b""),
    "a shorter length than there is": answer({"DocId": "D-1", "data": []}, length=20),
    "a list": answer(b"[]"),
    "no end": answer(b'{"status":"OK","ErrorCode":"0"'),
    "no status": answer(b'{"ErrorCode":"0","ErrorDesc":"","DocId":"D-1","data":[]}'),
    "no ErrorCode": answer(b'{"status":"OK","ErrorDesc":"","DocId":"D-1","data":[]}'),
    "no ErrorDesc": answer(b'{"status":"OK","ErrorCode":"0","DocId":"D-1","data":[]}'),
    "a null": answer({"status": None}),
    "neither DocId nor data": answer({}),
    "too deep": answer(b"[" * 100_000),
    "a redirect": answer(b"", status=302, headers=["Location: https://login.example/"]),
    "a permanent redirect": answer(b"", status=308, headers=["Location: /elsewhere"]),
    "gzip": answer(gzip.compress(b"{}"), headers=["Content-Encoding: gzip"]),
    "too long": answer(b" " * (QUICK.reply_bytes + 1)),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("call", ["send", "received"])
def test_what_is_no_reply_of_the_hub_is_an_error_and_never_nothing_to_do(what: str, call: str) -> None:
    with ScriptedHub([WRONG[what]]) as hub, client(hub) as axis, pytest.raises(BadReplyError) as caught:
        _ = send(axis) if call == "send" else axis.list_received(MessageType.DOCUMENT)
    assert caught.value.retryable
    assert hub.connections == 1


def test_a_reply_without_an_announced_end_is_read_to_its_limit_and_no_further() -> None:
    def endless(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(10_000):
            peer.send(b" " * 65_536)

    with ScriptedHub([endless]) as hub, client(hub) as axis, pytest.raises(BadReplyError, match="longer"):
        axis.list_received(MessageType.DOCUMENT)


def test_a_package_beyond_the_limit_is_not_taken_in_either_way() -> None:
    huge = b"<edXML>" + b"x" * QUICK.package_bytes + b"</edXML>"
    target = io.BytesIO()
    acts = [answer(huge), answer({"data": base64.b64encode(huge).decode()})]
    with ScriptedHub(acts) as hub, client(hub) as axis, pytest.raises(BadReplyError, match="longer"):
        axis.fetch("D-1", target)
    assert len(target.getvalue()) <= QUICK.package_bytes


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, Unavailable),
        (403, Refused),
        (404, Unavailable),
        (405, Unavailable),
        (408, Unavailable),
        (413, InputError),
        (418, Refused),
        (429, Unavailable),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
def test_a_page_with_an_error_status_is_judged_by_its_status(status: int, kind: type[EdocError]) -> None:
    with (
        ScriptedHub([answer(HTML, status=status)]) as hub,
        client(hub) as axis,
        pytest.raises(kind) as caught,
    ):
        axis.update_status("D-1", Transfer.DONE)
    assert caught.value.retryable is (kind is Unavailable)


def test_the_hubs_own_words_count_more_than_the_status() -> None:
    no = {"status": "FAIL", "ErrorCode": "23", "ErrorDesc": "khóa", "DocId": ""}
    for status in (200, 400, 404, 500):
        with (
            ScriptedHub([answer(no, status=status)]) as hub,
            client(hub) as axis,
            pytest.raises(Unavailable, match="receiver is locked") as caught,
        ):
            send(axis)
        assert caught.value.code == "AXIS_23"


def test_an_answer_that_comes_before_the_request_has_ended_is_heard() -> None:
    """A hub that takes no more than so many bytes says so and hangs up."""

    def cut_short(peer: Peer) -> None:
        peer.read_head()
        peer.send(http(b"too large", status=413))
        time.sleep(0.2)

    with ScriptedHub([cut_short]) as hub, client(hub) as axis, pytest.raises(EdocError) as caught:
        send(axis, bytes(8 << 20))
    assert isinstance(caught.value, InputError | Unavailable)


def test_connections_are_kept_and_one_that_went_stale_is_noticed() -> None:
    def twice_then_leave(peer: Peer) -> None:
        for _ in range(2):
            peer.read()
            peer.send(REPLY.replace(b"Connection: close\r\n", b""))

    with ScriptedHub([twice_then_leave, answer({"data": []})]) as hub, client(hub) as axis:
        axis.list_received(MessageType.DOCUMENT)
        axis.list_received(MessageType.DOCUMENT)
        assert hub.connections == 1
        time.sleep(0.1)
        axis.list_received(MessageType.DOCUMENT)
        assert hub.connections == 2


def test_cookies_and_proxies_of_the_environment_are_of_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    acts = [answer({"data": []}, headers=["Set-Cookie: a=b; Path=/"]), answer({"data": []})]
    with ScriptedHub(acts) as hub, client(hub) as axis:
        axis.list_received(MessageType.DOCUMENT)
        axis.list_received(MessageType.DOCUMENT)
    assert [asked.header("cookie") for asked in hub.asked] == [None, None]
