"""What the client sends for each operation, and what it makes of the answers."""

import hashlib
import io
import json
import threading
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from scripting import NOW, PACKAGE, SECRET, Peer, ScriptedHub, answer, client, http, make_tls

from edoc.axis.client import AxisClient
from edoc.axis.connection import Access, Limits
from edoc.axis.content import Kind
from edoc.axis.profile import Shipment
from edoc.axis.replies import ReceivedRow, Registration
from edoc.axis.signing import hash_bytes, read_call
from edoc.axis.wire import MessageType, Transfer
from edoc.errors import EdocError, InputError, Refused, SettingsError, Unavailable

STATUS = b"<edXML><MessageHeader><StatusCode>01</StatusCode></MessageHeader></edXML>"


def shipment(content: bytes = PACKAGE, *to: str) -> Shipment:
    return Shipment.of(io.BytesIO(content), sender="H99.01", receivers=to or ("H99.02",))


def test_sending_is_the_raw_package_then_crlf_under_a_hash_of_the_package_alone() -> None:
    with ScriptedHub([answer({"DocId": "D-1"})]) as hub, client(hub) as axis:
        assert axis.send(shipment(PACKAGE, "H99.02", "H99.03")) == "D-1"
    (asked,) = hub.asked
    assert (asked.method, asked.target) == ("POST", "/axis/sendEdoc")
    assert asked.body == PACKAGE + b"\r\n"
    assert asked.header("content-length") == str(len(PACKAGE) + 2)
    assert asked.header("transfer-encoding") is asked.header("expect") is None
    assert (
        asked.header("content-type") == asked.header("xroadvnpt-content-type") == "application/octet-stream"
    )
    assert asked.header("user-agent") == "JAVASDKAgent/1.0.0 XRoad/VPCP"
    assert asked.parameters == {
        "from": "H99.01",
        "to": '["H99.02","H99.03"]',
        "servicetype": "eDoc",
        "messagetype": "edoc",
        "hash-file": hash_bytes(PACKAGE),
    }


def test_a_status_is_announced_as_one() -> None:
    with ScriptedHub([answer({"DocId": "D-1"})]) as hub, client(hub) as axis:
        axis.send(shipment(STATUS))
    assert hub.asked[0].parameters["messagetype"] == "status"


CALLS: dict[str, tuple[Any, dict[str, Any], str, str, bytes, dict[str, str]]] = {
    "agencies": (lambda axis: axis.list_agencies(), {"data": []}, "POST", "getAgenciesList", b"", {}),
    "agencies by the new codes": (
        lambda axis: axis.list_agencies_qd20("2"),
        {"data": []},
        "POST",
        "getAgenciesListQD20",
        b"",
        {"level": "2"},
    ),
    "units": (lambda axis: axis.list_units(), {"data": []}, "POST", "getSynchronizeUnit", b"", {}),
    "delete": (
        lambda axis: axis.delete("H99.02"),
        {},
        "POST",
        "deleteAgency",
        b"{}",
        {"AgencyCode": "H99.02"},
    ),
    "received": (
        lambda axis: axis.list_received(MessageType.DOCUMENT),
        {"data": []},
        "POST",
        "getReceivedEdocList",
        b"",
        {"servicetype": "eDoc", "messagetype": "edoc"},
    ),
    "received since": (
        lambda axis: axis.list_received(MessageType.STATUS, since=date(2026, 1, 2)),
        {"data": []},
        "POST",
        "getReceivedEdocList",
        b"",
        {"servicetype": "eDoc", "messagetype": "status", "fromDate": "2026/01/02", "toDate": "2026/02/06"},
    ),
    "sent": (
        lambda axis: axis.list_sent(MessageType.DOCUMENT, doc_id="D-1"),
        {"data": []},
        "POST",
        "getSentEdocList",
        b"",
        {"servicetype": "eDoc", "messagetype": "edoc", "docId": "D-1"},
    ),
    "update": (
        lambda axis: axis.update_status("D-1", Transfer.DONE),
        {},
        "POST",
        "updateStatus",
        b"{}",
        {"docId": "D-1", "status": "done"},
    ),
    "update in capitals": (
        lambda axis: axis.update_status("D-1", Transfer.FAIL, capitals=True),
        {},
        "POST",
        "updateStatus",
        b"{}",
        {"docId": "D-1", "status": "FAIL"},
    ),
    "count documents": (
        lambda axis: axis.count_documents(),
        {"count": 3},
        "POST",
        "countReceiveEdoc",
        b"{}",
        {},
    ),
    "count statuses": (
        lambda axis: axis.count_statuses(),
        {"count": "3"},
        "POST",
        "countReceiveStatus",
        b"{}",
        {},
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_call_is_made_as_the_sdk_makes_it_and_signed(name: str) -> None:
    call, reply, method, operation, body, parameters = CALLS[name]
    with ScriptedHub([answer(reply)]) as hub, client(hub) as axis:
        call(axis)
    (asked,) = hub.asked
    assert (asked.method, asked.target, asked.body) == (method, f"/axis/{operation}", body)
    assert asked.parameters == parameters
    assert asked.header("content-length") == str(len(body))
    signed = read_call(asked.headers)
    assert signed.is_signed_with(SECRET)
    assert signed.system_id == "H99.01"
    assert dict(signed.parameters) == parameters


def test_an_agency_is_registered_with_a_json_body_in_ascii() -> None:
    agency = Registration(id="7", parent_code="H99", code="H99.07", name="Sở Y tế", mail="a@b.vn")
    with ScriptedHub([answer({})]) as hub, client(hub) as axis:
        axis.register(agency)
    (asked,) = hub.asked
    assert asked.body.isascii()
    assert json.loads(asked.body) == {
        "id": "7",
        "pcode": "H99",
        "code": "H99.07",
        "name": "Sở Y tế",
        "mail": "a@b.vn",
        "mobile": "",
        "fax": "",
    }


def test_parameters_of_earlier_calls_do_not_leak_and_no_two_signatures_are_the_same() -> None:
    acts = [answer({}), answer({"data": []}), answer({"data": []})]
    with ScriptedHub(acts) as hub, client(hub) as axis:
        axis.update_status("D-1", Transfer.DONE)
        axis.list_received(MessageType.DOCUMENT)
        axis.list_received(MessageType.DOCUMENT)
    assert [sorted(asked.parameters) for asked in hub.asked[1:]] == [["messagetype", "servicetype"]] * 2
    assert len({asked.header("xroadvnpt-hash-header") for asked in hub.asked}) == 3


def test_lists_come_as_values() -> None:
    row = {"docId": "D-1", "from": "H99.01", "messageType": "edoc", "status": "INITIAL", "extra": 1}
    with ScriptedHub([answer({"data": [row]})]) as hub, client(hub) as axis:
        rows = axis.list_received(MessageType.DOCUMENT)
    assert rows == (ReceivedRow(doc_id="D-1", from_="H99.01", message_type="edoc", status="INITIAL"),)


def test_a_value_that_cannot_travel_is_refused_before_anything_is_sent() -> None:
    with ScriptedHub([]) as hub, client(hub) as axis, pytest.raises(InputError, match="ASCII"):
        axis.delete("Sở Nội vụ")
    assert hub.connections == 0


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], None),
        ([{"hashFile": hash_bytes(PACKAGE), "toCode": "H99.02", "receiverDocId": "D-9"}], "D-9"),
        ([{"hashFile": hash_bytes(PACKAGE), "toCode": "H99.03", "receiverDocId": "D-9"}], None),
        ([{"hashFile": "0", "toCode": "H99.02", "senderDocId": "the id", "receiverDocId": "D-9"}], None),
        ([{"toCode": "H99.02", "senderDocId": "the id", "receiverDocId": "D-9"}], "D-9"),
        ([{"toCode": "H99.02", "senderDocId": "another", "receiverDocId": "D-9"}], None),
        ([{"toCode": "H99.02", "senderDocId": "", "receiverDocId": "D-9"}], None),
    ],
)
def test_what_may_have_been_sent_is_looked_for_by_hash_or_by_the_documents_id(
    rows: list[dict[str, str]], found: str | None
) -> None:
    with ScriptedHub([answer({"data": rows})]) as hub, client(hub) as axis:
        assert axis.find_sent(shipment(), document_id="the id", since=date(2026, 2, 4)) == found
    assert hub.asked[0].parameters["fromDate"] == "2026/02/04"


def test_a_hub_without_a_list_of_what_was_sent_cannot_tell() -> None:
    with ScriptedHub([answer(b"not here", status=404)]) as hub, client(hub) as axis:
        assert axis.find_sent(shipment(), document_id="", since=date(2026, 2, 4)) is None


def test_large_packages_pass_in_both_directions_in_constant_memory(tmp_path: Path) -> None:
    piece = b"<edXML>" + b"0123456789abcdef" * 4095 + b"</edXML>"
    path = tmp_path / "large"
    with path.open("wb") as large:
        for _ in range(512):
            large.write(piece)
    size = path.stat().st_size
    digest = hashlib.sha256()

    def swallow(peer: Peer) -> None:
        head = peer.read_head()
        left = int(head.header("content-length") or 0)
        digest.update(peer.rest)
        left -= len(peer.rest)
        while left:
            chunk = peer.socket.recv(1 << 16)
            digest.update(chunk)
            left -= len(chunk)
        peer.send(
            http(json.dumps({"status": "OK", "ErrorCode": "0", "ErrorDesc": "", "DocId": "D"}).encode())
        )

    def give(peer: Peer) -> None:
        peer.read()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
        peer.send(head.encode())
        with path.open("rb") as large:
            peer.socket.sendfile(large)

    limits = Limits(transfer_seconds=60)
    with ScriptedHub([swallow, give]) as hub, client(hub, limits=limits) as axis:
        tracemalloc.start()
        with path.open("rb") as source:
            axis.send(Shipment.of(source, sender="H99.01", receivers=("H99.02",)))
        with (tmp_path / "back").open("w+b") as back:
            assert axis.download("D", back) is Kind.PACKAGE
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 << 20
    assert (tmp_path / "back").stat().st_size == size
    with path.open("rb") as source:
        whole = hashlib.file_digest(source, "sha256")
    whole.update(b"\r\n")
    assert digest.digest() == whole.digest()


@pytest.mark.parametrize(
    "url", ["", "hub", "ftp://hub/", "http://", "file:///etc/passwd", "http://user:word@hub/"]
)
def test_what_is_no_address_is_refused_and_shows_no_password(url: str) -> None:
    with pytest.raises(InputError, match="no address of a hub") as caught:
        Access(url=url, system_id="H99.01", secret=SecretStr(SECRET))
    assert "word" not in str(caught.value)


@pytest.mark.parametrize("system_id", ["", "Sở-01", "H99\r\nX: y", " H99"])
def test_what_cannot_be_a_system_id_is_a_wrong_setting(system_id: str) -> None:
    with pytest.raises(SettingsError, match="system_id"):
        Access(url="https://hub.example", system_id=system_id, secret=SecretStr(SECRET))


def test_the_secret_shows_in_no_text() -> None:
    access = Access(url="http://127.0.0.1:1/", system_id="H99.01", secret=SecretStr(SECRET))
    with AxisClient(access, clock=lambda: NOW) as axis:
        assert SECRET not in repr(access) + repr(axis)
        with pytest.raises(Unavailable) as caught:
            axis.list_agencies()
    seen: BaseException | None = caught.value
    while seen is not None:
        assert SECRET not in str(seen) + repr(seen)
        seen = seen.__cause__ or seen.__context__


def test_a_hub_whose_certificate_nobody_vouches_for_is_not_used(tmp_path: Path) -> None:
    tls, certificate = make_tls(tmp_path)

    def secured(peer: Peer) -> None:
        with tls.wrap_socket(peer.socket, server_side=True) as peer.socket:
            answer({"data": []})(peer)

    with ScriptedHub([secured, secured]) as hub:
        url = hub.url.replace("http:", "https:")
        with client(hub, url=url) as axis, pytest.raises(Unavailable, match="certificate"):
            axis.list_agencies()
        access = Access(url=url, system_id="H99.01", secret=SecretStr(SECRET), ca_file=certificate)
        with AxisClient(access, clock=lambda: NOW) as axis:
            assert axis.list_agencies() == ()


def test_certificates_that_cannot_be_read_are_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate", encoding="utf-8")
    for name in ("ca.pem", "missing.pem"):
        access = Access(url="https://hub/", system_id="A", secret=SecretStr("x"), ca_file=tmp_path / name)
        with pytest.raises(SettingsError, match="vouch"):
            AxisClient(access, clock=lambda: NOW)


def test_threads_share_a_client(tmp_path: Path) -> None:
    del tmp_path
    count = 12
    errors: list[EdocError] = []
    with ScriptedHub([answer({"count": 1}) for _ in range(count)]) as hub, client(hub) as axis:

        def ask() -> None:
            try:
                axis.count_documents()
            except EdocError as error:
                errors.append(error)

        threads = [threading.Thread(target=ask) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert len({asked.header("xroadvnpt-timestamp") for asked in hub.asked}) == count


def test_refused_is_what_never_succeeds() -> None:
    no = {"status": "FAIL", "ErrorCode": "18", "ErrorDesc": "H99.77", "DocId": ""}
    with (
        ScriptedHub([answer(no)]) as hub,
        client(hub) as axis,
        pytest.raises(Refused, match=r"receiver is not known .*H99\.77") as caught,
    ):
        axis.send(shipment())
    assert (caught.value.code, caught.value.retryable) == ("AXIS_18", False)
