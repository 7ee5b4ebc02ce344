"""The provincial variant: a login, a bearer, multipart, and the agency's own secret beside it."""

import base64
import email
import email.policy
import io
import json
import threading
from datetime import date
from email.message import EmailMessage
from typing import Any

import pytest
from pydantic import SecretStr
from scripting import NOW, PACKAGE, QUICK, SECRET, Asked, Peer, ScriptedHub, answer, http

from edoc.axis.connection import Access, BadReplyError, ReplyLostError
from edoc.axis.content import Kind
from edoc.axis.profile import Shipment
from edoc.axis.provincial import Login, ProvincialClient
from edoc.axis.replies import AgencyRow, ReceivedRow
from edoc.axis.wire import MessageType, Transfer
from edoc.errors import EdocError, InputError, Refused, SettingsError, Unavailable

PASSWORD = "the account's own"


def say(reply: Any, **options: Any) -> Any:
    return answer(json.dumps(reply).encode(), **options)


def token(name: str) -> Any:
    return say({"code": 200, "message": "OK", "data": {"token": name, "username": "ubnd"}})


DENIED = say({"code": 401, "message": "Unauthorized"}, status=401)


def client(hub: ScriptedHub) -> ProvincialClient:
    access = Access(url=hub.url, system_id="H99.DN.001", secret=SecretStr(SECRET))
    login = Login(username="ubnd", password=SecretStr(PASSWORD), application_code="QLVB")
    return ProvincialClient(access, login, clock=lambda: NOW, limits=QUICK)


def shipment(content: bytes = PACKAGE) -> Shipment:
    return Shipment.of(io.BytesIO(content), sender="H99.01", receivers=("H99.02",))


def parts(asked: Asked) -> dict[str, Any]:
    head = f"Content-Type: {asked.header('content-type')}\r\n\r\n".encode()
    whole = email.message_from_bytes(head + asked.body, policy=email.policy.HTTP)
    assert isinstance(whole, EmailMessage)
    return {str(part.get_param("name", header="content-disposition")): part for part in whole.iter_parts()}


def test_whoever_calls_logs_in_first_and_shows_token_system_and_secret() -> None:
    with ScriptedHub([token("t1"), say({"success": True, "docId": "D-1"})]) as hub, client(hub) as axis:
        assert axis.send(shipment()) == "D-1"
    login, sent = hub.asked
    assert (login.method, login.target) == ("POST", "/axis/v1/auth/login?allow_anonymous=true")
    assert json.loads(login.body) == {
        "username": "ubnd",
        "password": PASSWORD,
        "applicationCode": "QLVB",
        "otp": None,
        "twoFactorProvider": None,
        "typeObjs": [0, 1],
    }
    assert (sent.method, sent.target) == ("POST", "/axis/v1/sendEdoc")
    assert sent.header("authorization") == "Bearer t1"
    assert sent.header("x-systemid") == "H99.DN.001"
    assert sent.header("x-secretkey") == SECRET


def test_a_package_travels_as_one_part_of_a_form_of_a_known_length() -> None:
    with ScriptedHub([token("t1"), say({"success": True, "docId": "D-1"})]) as hub, client(hub) as axis:
        axis.send(shipment())
    sent = hub.asked[1]
    found = parts(sent)
    assert set(found) == {"edocFile", "messageType"}
    assert found["messageType"].get_payload().strip() == "edoc"
    assert found["edocFile"].get_content_type() == "application/xml"
    assert found["edocFile"].get_payload(decode=True) == PACKAGE
    assert sent.header("content-length") == str(len(sent.body))
    assert sent.header("transfer-encoding") is None


def test_a_token_is_used_until_the_province_no_longer_takes_it() -> None:
    empty = {"success": True, "count": 0, "data": []}
    acts = [token("t1"), say(empty), say(empty), DENIED, token("t2"), say(empty)]
    with ScriptedHub(acts) as hub, client(hub) as axis:
        for _ in range(3):
            assert axis.list_received(MessageType.DOCUMENT) == ()
    seen = [asked.header("authorization") for asked in hub.asked]
    assert seen == [None, "Bearer t1", "Bearer t1", "Bearer t1", None, "Bearer t2"]


def test_the_package_is_sent_whole_once_more_after_a_new_login() -> None:
    acts = [token("t1"), DENIED, token("t2"), say({"success": True, "docId": "D-1"})]
    with ScriptedHub(acts) as hub, client(hub) as axis:
        axis.send(shipment())
    assert parts(hub.asked[3])["edocFile"].get_payload(decode=True) == PACKAGE


def test_who_is_denied_twice_is_not_let_in_and_does_not_go_on_asking() -> None:
    acts = [token("t1"), DENIED, token("t2"), DENIED]
    with (
        ScriptedHub(acts) as hub,
        client(hub) as axis,
        pytest.raises(Unavailable, match="does not let us in"),
    ):
        axis.update_status("D-1", Transfer.DONE)
    assert hub.connections == 4


@pytest.mark.parametrize(
    "reply",
    [
        say({"code": 401, "message": "no"}, status=401),
        say({"code": 400, "message": "no"}, status=400),
        say({"code": 200, "message": "OK", "data": {}}),
        say({"code": 200, "data": {"token": "two words"}}),
        say({"code": 200, "data": {"token": "a\r\nX: y"}}),
        say({"code": 200, "data": {"token": "ệ"}}),
        say({"code": 200}),
    ],
)
def test_a_login_that_fails_says_what_to_check_and_shows_no_secret(reply: Any) -> None:
    with ScriptedHub([reply]) as hub, client(hub) as axis, pytest.raises(Unavailable) as caught:
        axis.list_received(MessageType.DOCUMENT)
    assert "axis.username" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert caught.value.code == "AXIS_15"


def test_a_page_is_no_login() -> None:
    with ScriptedHub([answer(b"<html>hi</html>")]) as hub, client(hub) as axis, pytest.raises(BadReplyError):
        axis.list_received(MessageType.DOCUMENT)


def test_threads_that_need_a_token_log_in_once() -> None:
    count = 6
    acts = [token("t1"), *(say({"success": True, "data": []}) for _ in range(count))]
    with ScriptedHub(acts) as hub, client(hub) as axis:

        def ask() -> None:
            axis.list_received(MessageType.DOCUMENT)

        threads = [threading.Thread(target=ask) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(hub.asked) == count + 1


def test_what_came_is_asked_for_by_days_and_read() -> None:
    row = {"docId": "D-1", "from": "H99.01", "to": "H99.02", "status": "initial", "createdTime": "x"}
    acts = [
        token("t1"),
        say({"success": True, "count": 1, "data": [row]}),
        say({"success": True, "data": []}),
    ]
    with ScriptedHub(acts) as hub, client(hub) as axis:
        rows = axis.list_received(MessageType.DOCUMENT, since=date(2026, 2, 1))
        axis.list_received(MessageType.STATUS)
    assert rows == (
        ReceivedRow(
            doc_id="D-1", from_="H99.01", to="H99.02", status="initial", created_time="x", message_type="edoc"
        ),
    )
    days = "fromDate=2026%2F02%2F01&toDate=2026%2F02%2F06"
    assert hub.asked[1].target == f"/axis/v1/syncReceivedEdocList?messageType=edoc&{days}"
    assert "fromDate=2026%2F01%2F05" in hub.asked[2].target


@pytest.mark.parametrize("as_it_is", [True, False])
def test_a_package_comes_in_base64_or_as_it_is(as_it_is: bool) -> None:
    text = PACKAGE.decode() if as_it_is else base64.b64encode(PACKAGE).decode()
    target = io.BytesIO()
    acts = [token("t1"), say({"success": True, "data": {"docId": "D/1", "edxml": text}})]
    with ScriptedHub(acts) as hub, client(hub) as axis:
        assert axis.fetch("D/1", target) is Kind.PACKAGE
    assert target.getvalue() == PACKAGE
    assert hub.asked[1].target == "/axis/v1/getEdoc?docId=D%2F1"


def test_what_was_sent_as_no_package_comes_out_as_it_is() -> None:
    acts = [token("t1"), say({"success": True, "data": {"edxml": "<html></html>"}})]
    with ScriptedHub(acts) as hub, client(hub) as axis:
        assert axis.fetch("D-1", io.BytesIO()) is Kind.HTML


def test_how_far_a_package_has_come_is_told_in_json() -> None:
    acts = [token("t1"), say({"success": True, "message": "OK"}), say({"success": True})]
    with ScriptedHub(acts) as hub, client(hub) as axis:
        axis.update_status("D-1", Transfer.DONE)
        axis.update_status("D-1", Transfer.FAIL, capitals=True)
    assert [json.loads(asked.body) for asked in hub.asked[1:]] == [
        {"docId": "D-1", "status": "done"},
        {"docId": "D-1", "status": "FAIL"},
    ]


def test_agencies_are_listed_in_the_words_of_the_national_axis() -> None:
    row = {"orgCode": "H99.01", "orgName": "Sở Nội vụ", "parentCode": None, "email": "a@b.vn"}
    acts = [token("t1"), say({"code": 200, "data": [row]})]
    with ScriptedHub(acts) as hub, client(hub) as axis:
        assert axis.list_agencies() == (AgencyRow(code="H99.01", name="Sở Nội vụ", mail="a@b.vn"),)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({"success": False, "message": "Loi", "data": {"errorCode": "18", "errorDesc": "H99.77"}}, Refused),
        ({"success": False, "message": "Loi", "data": {"errorCode": "22", "docId": None}}, InputError),
        ({"success": False, "message": "Loi", "data": {"errorCode": "20"}}, Unavailable),
        ({"success": False, "message": "Loi"}, Refused),
        ({"code": 401, "message": "Unauthorized"}, Refused),
        ({"success": True, "data": {"errorCode": "23"}}, Unavailable),
        ({"success": True}, BadReplyError),
        ({}, BadReplyError),
        ({"message": "OK", "docId": "D-1"}, BadReplyError),
    ],
)
def test_a_reply_that_says_no_or_nothing_is_an_error(reply: Any, kind: type[EdocError]) -> None:
    with ScriptedHub([token("t1"), say(reply)]) as hub, client(hub) as axis, pytest.raises(kind):
        axis.send(shipment())


@pytest.mark.parametrize("status", [400, 500])
def test_the_provinces_own_words_count_more_than_the_status(status: int) -> None:
    no = {"success": False, "message": "Loi", "data": {"errorCode": "23", "errorDesc": "khóa"}}
    with (
        ScriptedHub([token("t1"), say(no, status=status)]) as hub,
        client(hub) as axis,
        pytest.raises(Unavailable, match="receiver is locked") as caught,
    ):
        axis.send(shipment())
    assert caught.value.code == "AXIS_23"


def test_a_lost_reply_says_so_and_there_is_no_list_to_look_in() -> None:
    def lose(peer: Peer) -> None:
        peer.read()

    with ScriptedHub([token("t1"), lose]) as hub, client(hub) as axis:
        with pytest.raises(ReplyLostError):
            axis.send(shipment())
        assert axis.find_sent(shipment(), document_id="x", since=date(2026, 2, 4)) is None
    assert axis.reads_receivers


def test_neither_secret_shows_in_any_text() -> None:
    echo = {"success": False, "message": f"wrong key {SECRET}"}
    with ScriptedHub([token("t1"), say(echo)]) as hub, client(hub) as axis:
        assert SECRET not in repr(axis)
        with pytest.raises(Refused) as caught:
            axis.send(shipment())
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("secret", ["khóa-bí-mật-của-sở", "two\nlines", ""])
def test_a_secret_that_cannot_travel_is_a_wrong_setting_and_is_not_shown(secret: str) -> None:
    access = Access(url="https://hub.example", system_id="H99.01", secret=SecretStr(secret))
    login = Login(username="x", password=SecretStr("y"))
    with pytest.raises(SettingsError, match=r"axis\.secret") as caught:
        ProvincialClient(access, login, clock=lambda: NOW)
    assert not secret or secret not in str(caught.value)


def test_a_reply_before_the_form_has_ended_is_heard() -> None:
    def deny(peer: Peer) -> None:
        peer.read_head()
        peer.send(http(b'{"code":401}', status=401))

    acts = [token("t1"), deny, token("t2"), say({"success": True, "docId": "D-1"})]
    with ScriptedHub(acts) as hub, client(hub) as axis:
        assert axis.send(shipment()) == "D-1"
