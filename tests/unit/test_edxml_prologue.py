"""How packages begin and end, and how their text is encoded."""

import pytest
from edxmlmaking import ENDS, PDF, TYPES, attachment, codes, dispatch_of, foreign, read

from edoc.errors import PackageError

SUBJECT = "Về việc 📄"
TEXT = foreign(
    f"{ENDS}{TYPES}<Subject>{SUBJECT}</Subject>",
    attachments=attachment("a.pdf", PDF),
    manifest="<Reference><ContentId>cid:att-1</ContentId></Reference>",
).decode()


def declare(encoding: str, text: str = TEXT) -> str:
    return text.replace("UTF-8", encoding)


@pytest.mark.parametrize(
    ("package", "warned"),
    [
        (b"\xef\xbb\xbf" + TEXT.encode(), []),
        (declare("utf8").encode(), []),
        (declare("UTF-16").encode("utf-16"), ["ENCODING_OTHER"]),
        (declare("UTF-16").encode("utf-16-le"), ["ENCODING_OTHER"]),
        (b"\xfe\xff" + declare("UTF-16").encode("utf-16-be"), ["ENCODING_OTHER"]),
        (TEXT.encode("utf-16"), ["ENCODING_OTHER", "ENCODING_MISDECLARED"]),
        (declare("UTF-32").encode("utf-32"), ["ENCODING_OTHER"]),
        (declare("gb18030").encode("gb18030"), ["ENCODING_OTHER"]),
        # .NET declares what its strings are, not what it writes
        (declare("utf-16").encode(), ["ENCODING_MISDECLARED"]),
    ],
    ids=["mark", "utf8", "16", "16 no mark", "16 be", "16 undeclared", "32", "legacy", "misdeclared"],
)
def test_every_declared_encoding_is_read(package: bytes, warned: list[str]) -> None:
    found = dispatch_of(package)
    assert (found.subject, found.attachments[0].size) == (SUBJECT, len(PDF))
    assert codes(package) == warned


@pytest.mark.parametrize("encoding", ["windows-1258", "ISO-8859-1", "us-ascii"])
def test_single_byte_encodings_are_read(encoding: str) -> None:
    text = declare(encoding).replace(SUBJECT, "ph\xe1t" if encoding != "us-ascii" else "phat")
    assert dispatch_of(text.encode(encoding)).subject in {"ph\xe1t", "phat"}


@pytest.mark.parametrize(
    ("package", "said"),
    [
        (declare("x-none").encode(), "unknown encoding: x-none"),
        (declare("utf-7").encode(), "unknown encoding: utf-7"),
        (declare("cp037").encode(), "unknown encoding: cp037"),  # in which ASCII means something else
        (declare("unicode_escape").encode(), "unknown encoding"),
        (declare("UTF-16").encode("utf-16")[:-1], "cannot be decoded"),
        (declare("gb18030").encode("gb18030").replace(b"</Subject>", b"\xff</Subject>"), "cannot be decoded"),
    ],
)
def test_other_encodings_are_refused(package: bytes, said: str) -> None:
    with pytest.raises(PackageError) as raised:
        read(package)
    assert raised.value.code == "XML_ENCODING"
    assert said in str(raised.value)


def test_bytes_that_are_no_utf_8_are_refused_with_line_and_element() -> None:
    with pytest.raises(PackageError) as raised:
        read(TEXT.replace(SUBJECT, "x").encode().replace(b"<Subject>", b"<Subject>\xe1"))
    assert raised.value.code == "XML_MALFORMED"
    assert raised.value.where == "line 3, in edXML/edXMLEnvelope/edXMLHeader/MessageHeader/Subject"


@pytest.mark.parametrize(
    "junk",
    [
        b"\r\n",
        b"HTTP/1.1 200 OK\r\nDate: today\r\n\r\n",
        b"\xef\xbb\xbf\xef\xbb\xbf",
        b"\x00" * 100,
        "Gói tin gửi đi:\n".encode(),
        b"<!-- a hub was here -->\n",
        "\ufeffxin chào ".encode("utf-16-le"),
    ],
)
def test_what_stands_before_the_prolog_is_passed_over_and_said(junk: bytes) -> None:
    text = declare("UTF-16").encode("utf-16-le") if junk.startswith(b"\xff\xfe") else TEXT.encode()
    found = read(junk + text)
    assert found.dispatch is not None
    assert found.dispatch.subject == SUBJECT
    assert "LEADING_JUNK" in [warning.code for warning in found.warnings]


def test_lines_count_what_stands_before_the_prolog() -> None:
    package = b"one\ntwo\n" + TEXT.replace("<Subject>", "<Strange/><Subject>").encode()
    assert read(package).warnings[-1].where.endswith("MessageHeader/Strange, line 5")


def test_comments_and_white_space_before_the_root_are_no_junk() -> None:
    bare = TEXT.partition("?>")[2]
    assert codes(f"\n <!-- c --><?hub x?>{bare}".encode()) == []


def test_more_than_64_kib_before_the_prolog_are_refused() -> None:
    with pytest.raises(PackageError) as raised:
        read(b"x" * (70 << 10) + TEXT.encode())
    assert raised.value.code == "XML_MALFORMED"


@pytest.mark.parametrize(
    "junk", [b"\x00" * 7, b"<edXML/>", "hết".encode(), b"&", b"<!-- unfinished", b"]]>", TEXT.encode()]
)
def test_what_stands_behind_the_root_is_passed_over_and_counted(junk: bytes) -> None:
    found = read(TEXT.encode() + b"\r\n" + junk)
    assert found.dispatch is not None
    assert found.dispatch.subject == SUBJECT
    (warning,) = found.warnings
    assert warning.code == "TRAILING_JUNK"
    assert f"{len(junk)} bytes" in warning.text


def test_much_behind_the_root_is_counted_over_all_its_pieces() -> None:
    (warning,) = read(TEXT.encode() + b"x" * 1_000_000).warnings
    assert "1000000 bytes" in warning.text


def test_comments_and_white_space_behind_the_root_are_no_junk() -> None:
    assert codes(TEXT.encode() + b"\r\n<!-- c --><?hub x?>\r\n") == []
