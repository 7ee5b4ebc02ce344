"""The bytes we write: those of the reference library, and what our own profile adds."""

import base64
import io
import zipfile
from typing import Any

import pytest
from edxmlmaking import PDF, dispatch_of, packed, values

from edoc.core.dispatch import StatusUpdate
from edoc.errors import InputError
from edoc.packing import pack_status

MINIMAL = {"from": {"organ_id": "A"}, "to": [{"organ_id": "B"}]}


def lines(dispatch: dict[str, Any], *files: tuple[str, bytes]) -> list[str]:
    package = packed(dispatch, *files, profile="reference").decode()
    assert package.endswith("\r\n")
    assert "\n" not in package.replace("\r\n", "")
    return [line.strip() for line in package.split("\r\n")]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("  a  b\t", "<edXML:Subject>a  b</edXML:Subject>"),
        (" \r\n\t", "<edXML:Subject />"),
        ("a & b < c > d \"e' f", "<edXML:Subject>a &amp; b &lt; c &gt; d \"e' f</edXML:Subject>"),
        ("a\rb", "<edXML:Subject>a&#xD;b</edXML:Subject>"),
        ("😀 𠀀", "<edXML:Subject>&#x1f600; &#x20000;</edXML:Subject>"),
        ("\u00a0x\u00a0", "<edXML:Subject>\u00a0x\u00a0</edXML:Subject>"),
        ("e\u0323\u0302", "<edXML:Subject>e\u0323\u0302</edXML:Subject>"),
    ],
)
def test_a_text_is_written_as_the_reference_does(text: str, written: str) -> None:
    assert written in lines(MINIMAL | {"subject": text})


def test_a_line_end_inside_a_text_becomes_crlf_and_comes_back() -> None:
    dispatch = MINIMAL | {"subject": "a\nb"}
    assert b"<edXML:Subject>a\r\nb</edXML:Subject>" in packed(dispatch, profile="reference")
    assert dispatch_of(packed(dispatch, profile="reference")).subject == "a\nb"


def test_an_empty_text_and_a_negative_number_make_no_element() -> None:
    package = "".join(lines(MINIMAL | {"subject": "", "document_type": {"type": 2, "type_detail": -1}}))
    assert "Subject" not in package
    assert "TypeDetail" not in package


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ud800", "\uffff"])
def test_a_character_that_xml_cannot_carry_is_refused(character: str) -> None:
    with pytest.raises(InputError) as raised:
        packed(values(to=[{"organ_id": "B", "organ_name": f"x{character}"}]))
    assert raised.value.where == "to[0].organ_name"


def test_the_trace_header_list_keeps_its_attributes() -> None:
    listed = MINIMAL | {"trace_header_list": {"id": 'a"b', "version": "1.0"}}
    assert '<edXML:TraceHeaderList id="a&quot;b" version="1.0" />' in lines(listed)
    found = dispatch_of(packed(listed, profile="reference")).to_dict()
    assert found["trace_header_list"] == {"id": 'a"b', "version": "1.0"}


def test_a_time_is_written_unshifted_in_vietnams_zone() -> None:
    hops = [{"organ_id": "A", "timestamp": time} for time in TIMES]
    written = [line for line in lines(MINIMAL | {"trace_headers": hops}) if "Timestamp" in line]
    assert written == ["<edXML:Timestamp>2026/03/05 10:20:30</edXML:Timestamp>"] * len(TIMES)


TIMES = (
    "2026-03-05T10:20:30+07:00",
    "2026-03-05T03:20:30Z",
    "2026-03-05T10:20:30",
    "2026-03-05T10:20:30.9+07:00",
)


@pytest.mark.parametrize("name", ["a.pdf", "a.PDF", "a.doc", "a.docx", "a.zip"])
def test_these_travel_plain(name: str) -> None:
    found = lines(MINIMAL, (name, PDF))
    kind = name.rpartition(".")[2].lower()
    assert f"<ContentType>application/{kind}</ContentType>" in found
    assert any(
        line.endswith(f">{base64.b64encode(PDF).decode()}</edXML:ContentTransferEncoded>") for line in found
    )


@pytest.mark.parametrize(("name", "ending"), [("a.xlsx", ".xlsx"), ("b.tar.gz", ".gz"), ("README", "")])
def test_all_others_travel_in_a_zip_of_one_entry(name: str, ending: str) -> None:
    found = lines(MINIMAL, (name, PDF))
    (line,) = (line for line in found if "ContentTransferEncoded" in line)
    text = line.partition(">")[2].partition("<")[0]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(text, validate=True))) as archive:
        (entry,) = archive.namelist()
        assert archive.read(entry) == PDF
    assert len(entry) == 36 + len(ending)
    assert entry.endswith(ending)
    assert "<ContentType>application/zip</ContentType>" in found
    assert dispatch_of(packed(MINIMAL, (name, PDF), profile="reference")).attachments[0].size == len(PDF)


def test_two_contents_never_share_the_name_inside_the_zip() -> None:
    entries = set()
    for content in (b"one", b"two", b"two"):
        (line,) = (line for line in lines(MINIMAL, ("a.txt", content)) if "ContentTransferEncoded" in line)
        data = base64.b64decode(line.partition(">")[2].partition("<")[0])
        entries.update(zipfile.ZipFile(io.BytesIO(data)).namelist())
    assert len(entries) == 2


def test_an_empty_file_is_an_empty_element() -> None:
    assert any(
        line.endswith('ContentTransferEncoded xmlns:edXML="' + NAMESPACE + '" />')
        for line in lines(MINIMAL, ("a.pdf", b""))
    )


NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"


def test_a_status_has_neither_body_nor_attachments() -> None:
    out = io.BytesIO()
    status = StatusUpdate.from_dict({"from": {"organ_id": "B"}, "status_code": "01"})
    pack_status(status, out=out)
    package = out.getvalue().decode()
    assert "<edXML:ResponseFor />" in package
    assert "edXMLBody" not in package
    assert "AttachmentEncoded" not in package
