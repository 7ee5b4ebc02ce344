"""Fetching a package: raw or as Base64, taken up where the line broke, and never an error page."""

import base64
import io
import json
import random
from typing import Any

import pytest
from scripting import PACKAGE, Peer, ScriptedHub, answer, client, http

from edoc.axis.content import Kind
from edoc.errors import InputError, Unavailable


def test_a_package_is_downloaded_as_it_is() -> None:
    target = io.BytesIO()
    with ScriptedHub([answer(PACKAGE)]) as hub, client(hub) as axis:
        assert axis.fetch("D-1", target) is Kind.PACKAGE
    (asked,) = hub.asked
    assert (asked.method, asked.target) == ("GET", "/axis/downloadEdoc")
    assert asked.parameters == {"docId": "D-1", "filePath": "."}
    assert target.getvalue() == PACKAGE


@pytest.mark.parametrize(
    "first",
    [
        answer(b"not here", status=404),
        answer(b"no such method", status=405),
        answer(b"<!DOCTYPE html><html>wait</html>"),
        answer(b""),
        answer(PACKAGE[:30]),
    ],
    ids=["404", "405", "html", "empty", "cut off"],
)
def test_where_a_download_gives_no_package_it_is_had_in_base64(first: Any) -> None:
    data = base64.b64encode(PACKAGE).decode()
    target = io.BytesIO()
    with ScriptedHub([first, answer({"data": data})]) as hub, client(hub) as axis:
        assert axis.fetch("D-1", target) is Kind.PACKAGE
    assert target.getvalue() == PACKAGE
    assert [asked.target for asked in hub.asked] == ["/axis/downloadEdoc", "/axis/getEdoc"]


def test_what_was_sent_as_no_package_comes_out_as_it_is_because_the_hub_itself_says_so() -> None:
    page = b"<html><body>sent by mistake</body></html>"
    target = io.BytesIO()
    acts = [answer(page), answer({"data": base64.b64encode(page).decode()})]
    with ScriptedHub(acts) as hub, client(hub) as axis:
        assert axis.fetch("D-1", target) is Kind.HTML
    assert target.getvalue() == page


@pytest.mark.parametrize(
    "second",
    [
        answer(b"<html>maintenance</html>"),
        answer({"data": "***"}),
        answer({"data": ""}),
        answer({}),
        answer({"data": "PGVk", "more": {"data": "PGVk"}}),
        answer(json.dumps({"status": "OK", "data": "PGVk"}).encode()),
    ],
    ids=["html", "no base64", "nothing", "no data", "twice", "no end"],
)
def test_an_error_page_is_never_a_package(second: Any) -> None:
    with (
        ScriptedHub([answer(b"<html>maintenance</html>"), second]) as hub,
        client(hub) as axis,
        pytest.raises(Unavailable),
    ):
        axis.fetch("D-1", io.BytesIO())


def test_a_hub_that_says_no_in_json_is_heard_whichever_way_it_is_asked() -> None:
    no = json.dumps({"status": "FAIL", "ErrorCode": "22", "ErrorDesc": "hỏng"}).encode()
    for acts in ([answer(no, status=400)], [answer(no), answer(no)]):
        with ScriptedHub(acts) as hub, client(hub) as axis, pytest.raises(InputError, match="hỏng") as caught:
            axis.fetch("D-1", io.BytesIO())
        assert caught.value.code == "AXIS_22"


def hang_up(peer: Peer) -> None:
    peer.read()


def resuming(content: bytes, cut: int, *, tag: str = '"v1"', ranges: str = "bytes") -> list[Any]:
    """A hub that breaks off after `cut` bytes, then gives the rest to whoever asks for it rightly."""

    def first(peer: Peer) -> None:
        peer.read()
        head = [f"Content-Length: {len(content)}", f"ETag: {tag}", f"Accept-Ranges: {ranges}"]
        peer.send(b"HTTP/1.1 200 OK\r\n" + "\r\n".join(head).encode() + b"\r\n\r\n" + content[:cut])

    def second(peer: Peer) -> None:
        asked = peer.read()
        if asked.header("range") == f"bytes={cut}-" and asked.header("if-range") == tag:
            span = f"Content-Range: bytes {cut}-{len(content) - 1}/{len(content)}"
            peer.send(http(content[cut:], status=206, headers=[span]))
        else:
            peer.send(http(content))

    return [first, second]


@pytest.mark.parametrize(
    ("tag", "ranges", "asks"),
    [('"v1"', "bytes", "bytes=20000-"), ('W/"v1"', "bytes", None), ('"v1"', "none", None)],
    ids=["resumed", "weak tag", "no ranges"],
)
def test_a_broken_download_goes_on_where_it_can_and_begins_anew_elsewhere(
    tag: str, ranges: str, asks: str | None
) -> None:
    content = b"<edXML>" + random.Random(4).randbytes(40_000).hex().encode() + b"</edXML>"
    target = io.BytesIO()
    with ScriptedHub(resuming(content, 20_000, tag=tag, ranges=ranges)) as hub, client(hub) as axis:
        assert axis.download("D-1", target) is Kind.PACKAGE
    assert target.getvalue() == content
    assert [asked.header("range") for asked in hub.asked] == [None, asks]


def test_a_package_that_changed_meanwhile_is_taken_from_its_beginning() -> None:
    first, _ = resuming(b"<edXML>old" + b"x" * 30_000 + b"</edXML>", 20_000)
    target = io.BytesIO()
    with ScriptedHub([first, answer(PACKAGE, headers=['ETag: "v2"'])]) as hub, client(hub) as axis:
        assert axis.download("D-1", target) is Kind.PACKAGE
    assert target.getvalue() == PACKAGE


@pytest.mark.parametrize(
    "span", ["bytes 0-9/10", "bytes 20001-30000/30000", "", "bytes */30000", "lines 1-2/3"]
)
def test_a_piece_from_another_place_is_not_put_together(span: str) -> None:
    first, _ = resuming(b"<edXML>" + b"x" * 30_000 + b"</edXML>", 20_000)
    wrong = answer(b"y" * 10, status=206, headers=[f"Content-Range: {span}"])
    with (
        ScriptedHub([first, wrong]) as hub,
        client(hub) as axis,
        pytest.raises(Unavailable, match="another place"),
    ):
        axis.download("D-1", io.BytesIO())


def test_a_download_that_comes_no_further_is_given_up() -> None:
    first, _ = resuming(b"<edXML>" + b"x" * 30_000 + b"</edXML>", 20_000)
    with ScriptedHub([first, hang_up]) as hub, client(hub) as axis, pytest.raises(Unavailable):
        axis.download("D-1", io.BytesIO())
    assert hub.connections == 2
