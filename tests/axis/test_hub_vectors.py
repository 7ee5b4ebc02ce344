"""The hub against calls as the unmodified SDK makes them, byte by byte, with all its habits."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hubpeers import Member, document, join, send
from rawcalls import Answer, RawCall, exchange, sending, unpadded

from edoc.demo.hub import HubServer

LIST = (("servicetype", "eDoc"), ("messagetype", "edoc"))


def short_hashed(a: Member, b: Member) -> bytes:
    """A package whose hash is shorter than 64 letters, as the SDK writes it."""
    return next(package for package in iter(lambda: document(a, b), b"") if len(unpadded(package)) < 64)


def listed(member: Member, *parameters: tuple[str, str]) -> list[str]:
    reply = RawCall(member, "getReceivedEdocList", (*LIST, *parameters)).make().reply
    assert reply["status"] == "OK"
    return [row["docId"] for row in reply["data"]]


def test_a_package_is_taken_with_a_short_hash_and_what_follows_it(a: Member, b: Member) -> None:
    package = short_hashed(a, b)
    answer = sending(a, package, b.code).make()
    assert answer.status == 200
    assert list(answer.reply) == ["status", "ErrorCode", "ErrorDesc", "DocId"]
    assert listed(b) == [answer.reply["DocId"]]
    assert b.fetched(answer.reply["DocId"]) == package


def test_a_package_is_taken_without_what_follows_it(a: Member, b: Member) -> None:
    package = document(a, b)
    assert package.endswith(b"\r\n")  # its own, which belong to it
    doc_id = sending(a, package, b.code, trailer=b"").make().reply["DocId"]
    assert b.fetched(doc_id) == package


def test_a_hash_written_in_full_is_taken_too(a: Member, b: Member) -> None:
    package = short_hashed(a, b)
    claimed = hashlib.sha256(package).hexdigest()
    doc_id = sending(a, package, b.code, claimed=claimed).make().reply["DocId"]
    assert b.fetched(doc_id) == package


def test_the_sdk_asks_before_it_sends_the_body(a: Member, b: Member) -> None:
    package = document(a, b)
    answer = sending(a, package, b.code, more={"Expect": "100-continue"}).make_asking_first()
    assert answer.before == b"HTTP/1.1 100 \r\n\r\n" or answer.before.startswith(b"HTTP/1.1 100 Continue\r\n")
    assert b.fetched(answer.reply["DocId"]) == package


def test_who_is_refused_before_the_body_need_not_send_it(a: Member, b: Member) -> None:
    call = sending(a, document(a, b), b.code, more={"Expect": "100-continue"})
    answer = replace(call, changed={"XroadVnpt-hash-header": "0" * 64}).make_asking_first()
    assert answer.before == b""
    assert (answer.reply["ErrorCode"], answer.reply["DocId"]) == ("15", "")
    assert answer.headers["connection"] == "close"


def test_other_bytes_than_were_signed_are_refused(a: Member, b: Member) -> None:
    call = sending(a, document(a, b), b.code)
    for body in (document(a, b) + b"\r\n", call.body[:-3] + b"\r\n", call.body + b"x", b""):
        answer = replace(call, body=body).make()
        assert (answer.status, answer.reply["ErrorCode"], answer.reply["DocId"]) == (200, "10", "")
    assert listed(b) == []


def test_without_a_hash_nothing_ties_body_and_signature(a: Member, b: Member) -> None:
    call = sending(a, document(a, b), b.code)
    answer = replace(call, parameters=call.parameters[1:]).make()
    assert answer.reply["ErrorCode"] == "10"


def test_the_signed_text_counts_as_it_came_in_any_order(a: Member) -> None:
    call = RawCall(a, "getReceivedEdocList", LIST)
    assert replace(call, parameters=LIST[::-1]).make().reply["status"] == "OK"


@pytest.mark.parametrize(
    "changed",
    [
        {"XroadVnpt-messagetype": "status"},
        {"XroadVnpt-systemid": "H99.other"},
        {"XroadVnpt-sign-header": "{}"},
        {"XroadVnpt-sign-header-key": "messagetype"},
        {"XroadVnpt-hash-header": ""},
        {"XroadVnpt-messagetype": "édoc"},
    ],
)
def test_what_differs_from_what_was_signed_is_refused(a: Member, changed: dict[str, str]) -> None:
    answer = RawCall(a, "getReceivedEdocList", LIST, changed=changed).make()
    assert (answer.status, answer.reply["ErrorCode"], answer.reply["data"]) == (200, "15", [])


def test_a_header_that_comes_twice_makes_nobody_another(a: Member, b: Member, hub: HubServer) -> None:
    doc_id, thief = send(a, document(a, b), b), join(hub)
    call = RawCall(thief, "getEdoc", (("docId", doc_id),), b"{}")
    request_line, rest = call.head().split(b"\r\n", 1)
    twice = b"\r\n".join((request_line, f"XroadVnpt-systemid: {b.code}".encode(), rest))
    reply = exchange(hub.url, twice + call.body).reply
    assert (reply["status"], reply["data"]) == ("FAIL", "")


@pytest.mark.parametrize(
    ("body", "kind"), [(b"", "application/json"), (b"{}", "application/json"), (b"a=b&c=", "x-form")]
)
def test_any_small_body_is_passed_over_where_none_is_needed(a: Member, body: bytes, kind: str) -> None:
    call = RawCall(a, "getAgenciesList", body=body, content_type=kind)
    assert a.code in {row["code"] for row in call.make().reply["data"]}


def test_parameters_left_over_from_earlier_calls_do_not_count(a: Member, b: Member) -> None:
    old, new = send(a, document(a, b), b), send(a, document(a, b), b)
    leaked = (("docId", old), ("status", "done"), ("filePath", "D:/eDoc"), ("to", "[]"), ("hash-file", "0"))
    assert listed(b, *leaked) == [old, new]
    left = (("docid", old), ("status", "done"), ("docId", new))
    answer = RawCall(b, "getEdoc", left, b"{}").make()
    assert base64.b64decode(answer.reply["data"]) == b.fetched(new)


@pytest.mark.parametrize("spelling", ["docId", "docid"])
def test_both_spellings_of_the_document_id_are_understood(a: Member, b: Member, spelling: str) -> None:
    doc_id = send(a, document(a, b), b)
    answer = RawCall(b, "updateStatus", ((spelling, doc_id), ("status", "done")), b"{}").make()
    assert answer.reply["status"] == "OK"
    assert listed(b) == []


def test_a_period_of_days_bounds_the_list(a: Member, b: Member) -> None:
    doc_id = send(a, document(a, b), b)
    today = f"{datetime.now(UTC) + timedelta(hours=7):%Y/%m/%d}"
    assert listed(b, ("fromDate", today), ("toDate", today)) == [doc_id]
    assert listed(b, ("fromDate", "2020/01/01"), ("toDate", "2020/12/31")) == []
    bad = RawCall(b, "getReceivedEdocList", (*LIST, ("fromDate", "yesterday"))).make()
    assert (bad.reply["status"], bad.reply["ErrorCode"]) == ("FAIL", "40")


def test_names_travel_as_escapes(a: Member) -> None:
    answer = RawCall(a, "getAgenciesList").make()
    assert rb"S\u1edf N\u1ed9i v\u1ee5" in answer.body
    assert any(row["name"] == "Sở Nội vụ tỉnh A" for row in answer.reply["data"])


@pytest.mark.parametrize("kind", ["json", "form"])
def test_an_agency_is_registered_from_json_or_a_form(a: Member, kind: str) -> None:
    code = f"{a.code}.1"
    body = json.dumps({"id": "1", "pcode": a.code, "code": code, "name": "Phòng"}).encode()
    if kind == "form":
        body = f"id=1&pcode={a.code}&code={code}&name=Ph%C3%B2ng".encode()
    assert RawCall(a, "registerAgency", body=body).make().reply["status"] == "OK"
    (row,) = (row for row in RawCall(a, "getAgenciesList").make().reply["data"] if row["code"] == code)
    assert row["name"] == "Phòng"


def test_a_download_is_raw_and_can_be_taken_up(a: Member, b: Member) -> None:
    package = document(a, b)
    doc_id = send(a, package, b)
    call = RawCall(b, "downloadEdoc", (("docId", doc_id), ("filePath", "D:/eDoc")), method="GET")
    whole = call.make()
    assert (whole.status, whole.body) == (200, package)
    tag = whole.headers["etag"]

    def part(text: str, **more: str) -> Answer:
        return replace(call, more={"Range": text, **more}).make()

    assert (part("bytes=100-").status, part("bytes=100-").body) == (206, package[100:])
    middle = part("bytes=100-199")
    assert middle.headers["content-range"] == f"bytes 100-199/{len(package)}"
    assert middle.body == package[100:200]
    assert part("bytes=-10").body == package[-10:]
    assert part("bytes=100-", **{"If-Range": tag}).status == 206
    assert part("bytes=100-", **{"If-Range": '"other"'}).body == package
    beyond = part(f"bytes={len(package)}-")
    assert (beyond.status, beyond.reply["status"]) == (416, "FAIL")
    assert beyond.headers["content-range"] == f"bytes */{len(package)}"


def test_a_download_that_fails_cannot_pass_for_a_package(a: Member) -> None:
    call = RawCall(a, "downloadEdoc", (("docId", "nothing"), ("filePath", "D:/eDoc")), method="GET")
    assert (call.make().status, call.make().reply["status"]) == (404, "FAIL")
    forged = replace(call, changed={"XroadVnpt-hash-header": "0" * 64}).make()
    assert (forged.status, forged.reply["ErrorCode"]) == (401, "15")


@pytest.mark.parametrize(
    "request_line",
    ["GET / HTTP/1.1", "GET /sendEdoc HTTP/1.1", "POST /sendedoc HTTP/1.1", "DELETE /downloadEdoc HTTP/1.1"],
)
def test_what_the_hub_does_not_know_it_says_in_json(hub: HubServer, request_line: str) -> None:
    answer = exchange(hub.url, f"{request_line}\r\nHost: hub\r\nContent-Length: 0\r\n\r\n".encode())
    assert answer.status in {404, 405}
    assert answer.reply["ErrorCode"] == "40"


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n", b"POST /sendEdoc HTTP/9\r\n\r\n"]
)
def test_what_is_no_http_gets_no_html(hub: HubServer, junk: bytes) -> None:
    answer = exchange(hub.url, junk)
    assert answer.status == 400
    assert not re.search(rb"<\w", answer.body)


def test_a_long_list_of_receivers_fits_into_the_headers(a: Member, hub: HubServer) -> None:
    codes = [f"H99.long-{number:03d}-{'x' * 20}" for number in range(300)]
    answer = sending(a, document(a, join(hub)), *codes).make()
    assert answer.reply["ErrorCode"] == "18"
