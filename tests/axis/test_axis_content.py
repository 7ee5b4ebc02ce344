"""Packages inside JSON, in pieces of any size; and what is told from a content's edges."""

import base64
import io
import json
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edoc.axis.content import EDGE, Kind, is_status, judge, judge_edges
from edoc.axis.longtext import LongText, PackageSink
from edoc.errors import InputError


def read(
    content: bytes, *, name: str = "data", step: int = 1 << 16, limit: int = 1 << 20
) -> tuple[object, bytes]:
    target = io.BytesIO()
    sink = PackageSink(target, limit=limit)
    reader = LongText(name, sink.write)
    for place in range(0, len(content), step):
        reader.feed(content[place : place + step])
    value = reader.close()
    sink.close()
    return value, target.getvalue()


@given(
    content=st.binary(max_size=200),
    others=st.dictionaries(st.text(max_size=8).filter(lambda name: name != "data"), st.text(max_size=12)),
    step=st.integers(1, 40),
    in_ascii=st.booleans(),
    slashes=st.booleans(),
    after=st.booleans(),
)
def test_base64_comes_out_of_any_reply_in_any_pieces(
    content: bytes, others: dict[str, str], step: int, in_ascii: bool, slashes: bool, after: bool
) -> None:
    whole = {"data": base64.b64encode(content).decode()}
    reply = {**others, **whole, "list": ["data", 1]} if after else {**whole, **others}
    text = json.dumps(reply, ensure_ascii=in_ascii)
    text = text.replace("/", "\\/") if slashes else text
    assert read(text.encode(), step=step) == ({**reply, "data": ""}, content)


@given(text=st.text(max_size=80), step=st.integers(1, 20), in_ascii=st.booleans())
def test_a_package_that_travels_as_it_is_comes_out_letter_for_letter(
    text: str, step: int, in_ascii: bool
) -> None:
    package = f"<edXML>{text}"
    reply = json.dumps({"success": True, "data": {"edxml": package}}, ensure_ascii=in_ascii)
    value, found = read(reply.encode("utf-8", "surrogatepass"), name="edxml", step=step)
    assert value == {"success": True, "data": {"edxml": ""}}
    assert found == package.encode()


def test_missing_padding_and_line_breaks_are_forgiven() -> None:
    assert read(b'{"data":"YWJj\\r\\nZGU"}') == ({"data": ""}, b"abcde")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"data":"YWJj"',
        b'{"data":"YWJj',
        b'{"data":"YWJj\\',
        b'{"data":"YW*j"}',
        b'{"data":"YQ==YQ=="}',
        b'{"data":"Y"}',
        b'{"data":"\\x"}',
        b'{"data":"\\u12"}            ',
        b'{"data":"YWJj","x":{"data":"YWJj"}}',
        b'{"a":"' + b"x" * (5 << 20) + b'"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_such_reply_is_refused(content: bytes) -> None:
    with pytest.raises(InputError):
        read(content)


def test_more_than_agreed_is_not_written() -> None:
    with pytest.raises(InputError, match="longer than agreed"):
        read(b'{"data":"' + base64.b64encode(bytes(2000)) + b'"}', limit=1999)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'<?xml version="1.0"?>\r\n<edXML xmlns="x">..</edXML>\r\n', Kind.PACKAGE),
        (b"\xef\xbb\xbf<edXML>..</edXML>", Kind.PACKAGE),
        ("\ufeff<edXML>..</edXML>".encode("utf-16-le"), Kind.PACKAGE),
        ("<edXML>..</edXML>".encode("utf-16-be"), Kind.PACKAGE),
        (b"<!-- note --><edXML>..</edXML><!-- end -->", Kind.PACKAGE),
        (b"<!DOCTYPE edXML [<!ENTITY a 'b'>]><edXML>&a;</edXML>", Kind.PACKAGE),
        (b"<SOAP-ENV:Envelope>..</SOAP-ENV:Envelope >", Kind.PACKAGE),
        (b'<EdXMLEnvelope xmlns="http://www.go.vn/eDoc">..</EdXMLEnvelope>', Kind.PACKAGE),
        (b"MIME-Version: 1.0\r\n\r\n--b\r\n..\r\n--b--\r\n", Kind.PACKAGE),
        (b"MIME-Version: 1.0\r\n\r\n--b\r\n..", Kind.CUT_OFF),
        (b"<edXML><a>..", Kind.CUT_OFF),
        (b"<a:edXML>..</b:edXML>", Kind.CUT_OFF),
        (b"", Kind.EMPTY),
        (b" \r\n\t", Kind.EMPTY),
        (b"<!DOCTYPE html><html></html>", Kind.HTML),
        (b"\n<!-- x -->\n<HTML lang='vi'>", Kind.HTML),
        (b'{"status":"FAIL"}', Kind.REPLY),
        (b"<svg>..</svg>", Kind.OTHER),
        (b"%PDF-1.7", Kind.OTHER),
        (b"PK\3\4", Kind.OTHER),
    ],
)
def test_content_is_told_by_its_edges(content: bytes, kind: Kind) -> None:
    assert judge_edges(content, content) is kind
    file = io.BytesIO(content)
    assert judge(file) is kind
    assert file.tell() == 0


def test_only_the_edges_are_read() -> None:
    large = io.BytesIO(b"<edXML>" + bytes(3 * EDGE) + b"</edXML>")
    assert judge(large) is Kind.PACKAGE


@pytest.mark.parametrize(
    "piece", [b"<!-- -->", b"<!--", b"<?", b"<!DOCTYPE ", b"<!DOCTYPE x [", b"<a:", b" ", b"<!DOCTYPE x []>"]
)
def test_no_edge_takes_long(piece: bytes) -> None:
    content = (piece * EDGE)[:EDGE]
    started = time.monotonic()
    judge_edges(content, content)
    assert time.monotonic() - started < 0.5


@given(first=st.binary(max_size=300), last=st.binary(max_size=300))
def test_every_content_is_of_some_kind(first: bytes, last: bytes) -> None:
    assert judge_edges(first, last) in set(Kind)


@pytest.mark.shared
def test_the_reference_librarys_packages_are_packages_and_statuses_are_told_apart(
    shared_corpus: Path,
) -> None:
    packages = sorted((shared_corpus / "edxml").glob("*.edxml"))
    assert packages
    for path in packages:
        with path.open("rb") as package:
            assert judge(package) is Kind.PACKAGE, path.name
            assert is_status(package) is path.name.startswith("status"), path.name


def test_a_word_in_a_subject_makes_no_status() -> None:
    package = io.BytesIO(b"<edXML><Subject>&lt;StatusCode&gt;01</Subject></edXML>")
    assert not is_status(package)


def test_random_content_passes_through_quickly() -> None:
    content = random.Random(1).randbytes(8 << 20)
    reply = b'{"data":"' + base64.b64encode(content) + b'"}'
    started = time.monotonic()
    assert read(reply, limit=len(content))[1] == content
    assert time.monotonic() - started < 3
