"""The words of the axis and the shapes of its replies."""

import json
from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr

from edoc.axis.connection import require_head
from edoc.axis.replies import (
    AgencyList,
    AgencyRow,
    CountReply,
    GetReply,
    Head,
    ReceivedList,
    ReceivedRow,
    Reply,
    SendReply,
    SentList,
    SentRow,
    UnitList,
    UnitRow,
    fail,
)
from edoc.axis.wire import (
    MEANINGS,
    ErrorCode,
    Operation,
    Transfer,
    dump_date,
    dump_receivers,
    find_document_id,
    parse_receivers,
    parse_transfer,
)
from edoc.errors import EdocError, InputError, Refused, Unavailable

GOOD = {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Success"}
NO_SECRET = SecretStr("")


def test_operations_are_called_as_the_sdk_calls_them() -> None:
    assert {operation.value for operation in Operation if operation.method == "GET"} == {"downloadEdoc"}
    assert {operation.value for operation in Operation if operation.body == b"{}"} == {
        *("deleteAgency", "getEdoc", "updateStatus", "countReceiveEdoc", "countReceiveStatus")
    }
    assert Operation.SEND.content_type == "application/octet-stream"
    assert Operation.RECEIVED.content_type == "application/json"


@pytest.mark.parametrize("status", Transfer)
def test_both_vocabularies_of_transfer_are_read(status: Transfer) -> None:
    assert parse_transfer(status.value) is parse_transfer(status.value.upper()) is status
    assert status.is_open is (status in {Transfer.INITIAL, Transfer.PROCESSING})


@pytest.mark.parametrize("text", ["", "Done", "01", "inbox", "finished"])
def test_other_words_are_no_status_of_transfer(text: str) -> None:
    with pytest.raises(InputError, match="initial, processing, done and fail"):
        parse_transfer(text)


def test_receivers_travel_as_a_json_array_and_come_back_once_each() -> None:
    assert dump_receivers(("H99.02", "000.00.02.H99")) == '["H99.02","000.00.02.H99"]'
    assert parse_receivers('["H99.02", "H99.03","H99.02"]') == ("H99.02", "H99.03")
    assert parse_receivers(" H99.02 ") == ("H99.02",)
    assert parse_receivers("") == ()


@pytest.mark.parametrize("text", ["[", "[1]", '[""]', "[null]", '["a",["b"]]', "[" * 10_000])
def test_what_is_no_list_of_receivers_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no list of receivers"):
        parse_receivers(text)


def test_dates_have_slashes() -> None:
    assert dump_date(date(2026, 2, 5)) == "2026/02/05"


def test_a_document_is_named_with_either_spelling_and_a_left_over_one_loses() -> None:
    assert find_document_id({"docId": "D-1"}) == find_document_id({"docid": "D-1"}) == "D-1"
    assert find_document_id({"docId": "old", "docid": "new", "status": "done"}) == "new"
    assert find_document_id({"docId": "new", "docid": "old", "filePath": "."}) == "new"
    assert find_document_id({}) == ""


REPLIES: list[Any] = [
    Reply(),
    Reply(head=fail(ErrorCode.WRONG_EDXML, "sai định dạng")),
    SendReply(doc_id="D-1"),
    SendReply(head=fail(ErrorCode.UNKNOWN_RECEIVER, "H99.77")),
    GetReply(data="PGVkWE1MLz4="),
    CountReply(count=7),
    AgencyList(items=(AgencyRow(id="1", code="H99.01", name="Sở Nội vụ", old_code="000.00.01.H99"),)),
    AgencyList(items=(AgencyRow(code="H99.01", code102="000.00.01.H99"),)),
    UnitList(items=(UnitRow(code="H99", version=3, deleted=True, is_agency=True),)),
    ReceivedList(items=(ReceivedRow(doc_id="D-1", from_="H99.01", to="H99.02", status="initial"),)),
    ReceivedList(),
    SentList(items=(SentRow(sender_doc_id="D-1", to_code="H99.02", title="Về việc 😀", hash_file="ab"),)),
]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: type(reply).__name__)
def test_replies_come_back_and_are_in_ascii(reply: Any) -> None:
    content = reply.dump()
    assert content.isascii()
    assert type(reply).parse(content) == reply
    assert b"null" not in content


def test_a_reply_to_send_names_a_document_even_if_it_failed() -> None:
    reply = json.loads(SendReply(head=fail(ErrorCode.HUB_ERROR, "x")).dump())
    assert reply == {"status": "FAIL", "ErrorCode": "20", "ErrorDesc": "x", "DocId": ""}


def test_codes_and_numbers_come_as_numbers_and_as_texts() -> None:
    assert CountReply.parse(b'{"status":"OK","ErrorCode":0,"ErrorDesc":"","count":"12"}').count == 12
    row = UnitRow.read({"version": "4", "deleted": "true", "isAgency": 1, "name": None, "code": ["x"]})
    assert row == UnitRow(version=4, deleted=True, is_agency=True)


@pytest.mark.parametrize("missing", ["status", "ErrorCode", "ErrorDesc"])
@pytest.mark.parametrize("kind", [Reply, SendReply, GetReply, CountReply, AgencyList, ReceivedList, SentList])
def test_a_reply_without_one_of_the_three_is_none(kind: Any, missing: str) -> None:
    good = {**GOOD, "DocId": "D", "data": [], "count": 1}
    for bad in ({**good, missing: None}, {name: good[name] for name in good if name != missing}):
        with pytest.raises(InputError):
            kind.parse(json.dumps(bad).encode())


@pytest.mark.parametrize(
    "content", [b"", b"<html>OK</html>", b"[]", b'"OK"', b"{", b"\xff\xfe", b"[" * 10_000]
)
def test_what_is_no_json_object_is_no_reply(content: bytes) -> None:
    with pytest.raises(InputError, match="no JSON object"):
        ReceivedList.parse(content)


@pytest.mark.parametrize("data", [None, {}, "x", [1], [None], [[]]])
def test_a_reply_that_says_yes_and_holds_no_list_is_none(data: object) -> None:
    with pytest.raises(InputError, match="data"):
        ReceivedList.parse(json.dumps({**GOOD, "data": data}).encode())


def test_a_reply_that_says_yes_and_names_no_document_is_none() -> None:
    for doc_id in (None, "", 1):
        with pytest.raises(InputError, match="DocId"):
            SendReply.parse(json.dumps({**GOOD, "DocId": doc_id}).encode())


def test_a_number_of_endless_digits_is_none() -> None:
    endless = "9" * 5000
    with pytest.raises(InputError):
        CountReply.parse(json.dumps({**GOOD, "count": endless}).encode())
    (row,) = UnitList.parse(json.dumps({**GOOD, "data": [{"version": endless}]}).encode()).items
    assert row.version == 0


def test_both_words_must_say_yes() -> None:
    assert Head().is_ok
    assert not Head(status="ok").is_ok
    assert not Head(status="FAIL").is_ok
    assert not Head(error_code="20").is_ok


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("10", InputError),
        ("15", Unavailable),
        ("18", Refused),
        ("19", Refused),
        ("20", Unavailable),
        ("21", Unavailable),
        ("22", InputError),
        ("23", Unavailable),
        ("99", Refused),
    ],
)
def test_each_code_says_whether_to_try_again(code: str, kind: type[EdocError]) -> None:
    with pytest.raises(EdocError, match="the hub says") as caught:
        require_head(Head(status="FAIL", error_code=code, error_desc="x"), where="sendEdoc", secret=NO_SECRET)
    assert type(caught.value) is kind
    assert caught.value.where == "sendEdoc"


def test_every_code_has_words_in_both_languages() -> None:
    assert set(MEANINGS) == set(ErrorCode)
    assert all(meaning.text and meaning.text_vi for meaning in MEANINGS.values())


def test_the_hubs_words_are_shown_without_our_secret_and_without_markup() -> None:
    head = Head(status="FAIL", error_code="15", error_desc="sai khóa <b>s3cret</b>\x1b[31m" + "x" * 5000)
    with pytest.raises(Unavailable) as caught:
        require_head(head, where="sendEdoc", secret=SecretStr("s3cret"))
    text = str(caught.value)
    assert "sai khóa" in text
    assert "s3cret" not in text
    assert "\x1b" not in text
    assert "<" not in text
    assert len(text) < 600
    assert caught.value.code == "AXIS_15"
