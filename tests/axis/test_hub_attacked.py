"""The hub as an attacker meets it: headers, bodies and names that are made to harm."""

import io
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hubpeers import Member, document, join, send
from rawcalls import RawCall, connect, exchange, read_answer, read_head, sending
from sqlalchemy import select

from edoc.axis.content import Kind
from edoc.axis.wire import MessageType
from edoc.demo.hub import HubServer
from edoc.hub import tables as t
from edoc.hub.hub import Hub

NUL, HALF = "\0", "\ud800"
QUICK = "[limits]\nsilence_seconds = 0.5\n"


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    with HubServer(tmp_path_factory.mktemp("quick"), settings=QUICK) as server:
        yield server


def call_rest(member: Member, path: str, body: dict[str, Any], **more: str) -> dict[str, Any]:
    """A call of the provincial variant with a body of JSON."""
    content = json.dumps(body).encode()
    headers = {"Host": "hub", "Content-Length": len(content), "X-SystemId": member.code, **more}
    lines = [f"POST /v1/{path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    reply: dict[str, Any] = json.loads(
        exchange(member.url, "\r\n".join((*lines, "", "")).encode() + content).body
    )
    return reply


def log_in(member: Member) -> dict[str, str]:
    """The headers of whoever is logged in."""
    secret = member.secret.get_secret_value()
    reply = call_rest(member, "auth/login", {"username": member.code, "password": secret})
    return {"Authorization": f"Bearer {reply['data']['token']}", "X-SecretKey": secret}


def drip(line: socket.socket, piece: bytes) -> None:
    """Send a little again and again, and take what comes, until the other end has enough of it."""
    line.settimeout(0.1)
    for _ in range(150):
        line.sendall(piece)
        with suppress(TimeoutError):
            if not line.recv(1 << 16):
                raise ConnectionResetError


def test_who_never_ends_its_headers_is_left(quick: HubServer) -> None:
    with connect(quick.url) as silent, connect(quick.url) as slow:
        slow.sendall(b"POST /sendEdoc HTTP/1.1\r\nHost: hub\r\n")
        with pytest.raises(ConnectionError):
            drip(slow, b"X-More: x\r\n")
        assert read_head(silent) == b""


def test_who_is_refused_and_goes_on_sending_for_ever_is_left(quick: HubServer) -> None:
    a, b = join(quick), join(quick)
    call = sending(a, document(a, b), b.code, length=False, more={"Transfer-Encoding": "chunked"})
    forged = replace(call, changed={"XroadVnpt-hash-header": "0" * 64})
    with connect(quick.url) as line:
        line.sendall(forged.head())
        assert read_answer(line).reply["ErrorCode"] == "15"
        with pytest.raises(ConnectionError):
            drip(line, b"1\r\nx\r\n")


def test_a_login_that_drips_is_left(quick: HubServer) -> None:
    with connect(quick.url) as line:
        line.sendall(b"POST /v1/auth/login HTTP/1.1\r\nHost: hub\r\nContent-Length: 1000\r\n\r\n")
        with pytest.raises(ConnectionError):
            drip(line, b" ")


@pytest.mark.parametrize(
    "header",
    ["Content-Length: " + "9" * 5000, "Content-Length: -1", "Content-Length: 1\r\nContent-Length: 2"],
    ids=["long", "negative", "two"],
)
def test_no_length_of_a_body_harms(hub: HubServer, a: Member, header: str) -> None:
    head = sending(a, document(a, a), a.code, length=False).head()
    answer = exchange(hub.url, head.replace(b"\r\n\r\n", f"\r\n{header}\r\n\r\n".encode()))
    assert answer.status == 400
    assert a.received() == ()


def test_headers_without_end_are_refused(hub: HubServer) -> None:
    with connect(hub.url) as line:
        line.sendall(b"POST /sendEdoc HTTP/1.1\r\n")
        try:
            for _ in range(64):
                line.sendall(b"X-Much: " + b"x" * (16 << 10) + b"\r\n")
            answer = read_head(line)
        except ConnectionError:
            answer = b"HTTP/1.1 400"
    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "stamp",
    ["05022026T081530+" + "9" * 40, "05020001T000000+0000", "05029999T000000+0000", "30022026T081530+0"],
)
def test_no_time_of_a_call_harms(a: Member, stamp: str) -> None:
    reply = RawCall(a, "getAgenciesList", stamp=stamp).make().reply
    assert reply["ErrorCode"] == "15"
    assert "time" in reply["ErrorDesc"]


@pytest.mark.parametrize("doc_id", ["../../hub.toml", "%2e%2e/x", "' OR 1=1 --", "A" * 60_000, "*"])
@pytest.mark.parametrize("operation", ["getEdoc", "updateStatus", "getSentEdocList"])
def test_no_document_id_leads_elsewhere(a: Member, b: Member, doc_id: str, operation: str) -> None:
    send(a, document(a, b), b)
    reply = RawCall(b, operation, (("docId", doc_id), ("status", "done")), b"{}").make().reply
    assert reply["ErrorCode"] in {"40", "15"} or reply["data"] == []
    assert [row.status for row in b.received()] == ["initial"]


@pytest.mark.parametrize("doc_id", [NUL, HALF, "x\r\nInjected: yes", "\x1b[2J", "\u202e"])
def test_letters_that_no_database_takes_are_refused_and_noted_tamely(
    hub: HubServer, a: Member, doc_id: str
) -> None:
    reply = call_rest(a, "updateStatus", {"docId": doc_id, "status": "done"}, **log_in(a))
    assert (reply["success"], reply["errorCode"]) == (False, "40")
    with Hub.open(hub.data) as opened, opened.reading() as connection:
        noted = select(t.audit.c.note).where(t.audit.c.system == a.code).order_by(t.audit.c.seq.desc())
        note = connection.execute(noted).scalars().first()
    assert note is not None
    assert note.startswith("there is no package")
    assert note.isprintable()


def test_a_login_under_no_possible_name_is_refused_in_words(a: Member) -> None:
    for name in (NUL, HALF, "../" * 100, "\u202e", 5, None, ["x"]):
        reply = call_rest(a, "auth/login", {"username": name, "password": HALF})
        assert (reply["success"], reply["errorCode"]) == (False, "15")


@pytest.mark.parametrize("name", [f"Phòng{NUL}", f"Phòng{HALF}", "Phòng\x1b[2J", "Phòng\n\u202e"])
def test_an_agencys_name_is_one_printable_line(a: Member, name: str) -> None:
    code = f"{a.code}.1"
    body = json.dumps({"code": code, "name": name, "pcode": a.code}).encode()
    assert RawCall(a, "registerAgency", body=body).make().reply["status"] == "OK"
    with a.client() as client:
        (row,) = (row for row in client.list_agencies() if row.code == code)
    assert row.name.startswith("Phòng")
    assert row.name.isprintable()


@pytest.mark.parametrize("field", ["code", "pcode"])
@pytest.mark.parametrize("code", [NUL, HALF, "H99\r\nX: y", "x" * 5000])
def test_no_agency_is_registered_under_no_possible_code(a: Member, field: str, code: str) -> None:
    body = json.dumps({"code": f"{a.code}.2", "pcode": a.code, field: code}).encode()
    reply = RawCall(a, "registerAgency", body=body).make().reply
    assert (reply["status"], reply["ErrorCode"]) == ("FAIL", "40")


def test_nobody_takes_an_agency_over_by_registering_it_anew(hub: HubServer, a: Member, b: Member) -> None:
    below = join(hub, f"{a.code}.7", old_code=f"{a.code}.old")  # of a's province, with a system of its own
    package = document(b, below)
    doc_id = send(b, package, below)
    for code in (below.code, f"{a.code}.old"):
        body = json.dumps({"code": code, "pcode": a.code, "name": "X"}).encode()
        assert RawCall(a, "registerAgency", body=body).make().reply["ErrorCode"] == "40"
        assert RawCall(a, "deleteAgency", (("AgencyCode", code),), b"{}").make().reply["ErrorCode"] == "40"
    assert a.received() == ()
    assert below.fetched(doc_id) == package


def test_nobody_sees_in_its_lists_what_is_between_others(hub: HubServer, a: Member, b: Member) -> None:
    doc_id, stranger = send(a, document(a, b), b), join(hub)
    with stranger.client() as client:
        assert client.list_received(MessageType.DOCUMENT) == ()
        assert client.list_sent(MessageType.DOCUMENT) == ()
        assert client.list_sent(MessageType.DOCUMENT, doc_id=doc_id) == ()
        assert client.count_documents() == 0
    for path in (f"v1/getEdoc?docId={doc_id}", "v1/syncReceivedEdocList?messageType=edoc"):
        lines = [f"GET /{path} HTTP/1.1", "Host: hub", f"X-SystemId: {stranger.code}"]
        lines += [f"{name}: {value}" for name, value in log_in(stranger).items()]
        reply = json.loads(exchange(hub.url, "\r\n".join((*lines, "", "")).encode()).body)
        assert reply.get("data", []) == []


def test_a_token_of_another_system_or_another_hubs_is_none(a: Member, b: Member) -> None:
    mine, other = log_in(a), log_in(b)
    for token in (other["Authorization"], "Bearer ", "Bearer x.y", "Bearer é.é", "Basic eA=="):
        headers = {**mine, "Authorization": token}
        reply = call_rest(a, "updateStatus", {"docId": "0" * 32, "status": "done"}, **headers)
        assert reply["errorCode"] == "15"


def test_subjects_steer_no_terminal(a: Member, b: Member) -> None:
    send(a, document(a, b, subject="Về việc\u009b2J \u202ephá"), b)
    with a.client() as client:
        (row,) = client.list_sent(MessageType.DOCUMENT)
    assert row.title == "Về việc?2J ?phá"


def test_a_pipelined_second_call_is_signed_for_itself(a: Member, b: Member) -> None:
    good = RawCall(b, "countReceiveEdoc", body=b"{}")
    forged = replace(good, changed={"XroadVnpt-hash-header": "0" * 64})
    with connect(a.url) as line:
        line.sendall(good.head() + good.body + forged.head() + forged.body)
        assert read_answer(line).reply["status"] == "OK"
        assert read_answer(line).reply["ErrorCode"] == "15"


def test_a_caught_download_gives_nobody_another_document(a: Member, b: Member) -> None:
    first, second = (send(a, document(a, b), b) for _ in range(2))
    caught = RawCall(b, "downloadEdoc", (("docId", first), ("filePath", ".")), method="GET")
    assert caught.make().status == 200
    for changed in ({"XroadVnpt-docId": second}, {"XroadVnpt-docid": second}):
        answer = replace(caught, changed=changed).make()
        assert answer.status == 401 or answer.body == caught.make().body
    with b.client() as client:
        target = io.BytesIO()
        assert client.download(second, target) is Kind.PACKAGE
