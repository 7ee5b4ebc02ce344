"""Packages as others write them: read right, and every repair said."""

import io
from datetime import date
from pathlib import Path

import pytest
from edxmlmaking import (
    ENDS,
    NAMESPACE,
    PDF,
    TYPES,
    UUID,
    attachment,
    codes,
    dispatch_of,
    foreign,
    packed,
    read,
    values,
    zipped,
)

from edoc.core.dispatch import Dispatch
from edoc.edxml.findings import CODES
from edoc.edxml.refusals import REFUSALS
from edoc.errors import PackageError
from edoc.packing import unpack


def test_a_package_without_prefixes_is_read_without_a_word() -> None:
    package = foreign(ENDS + TYPES, attachments=attachment("a.pdf", PDF), manifest=REFERENCE)
    found = read(package)
    assert found.kind == "document"
    assert found.dispatch is not None
    assert found.dispatch.from_.organ_id == "A"
    assert found.dispatch.attachments[0].size == len(PDF)
    assert found.warnings == ()


REFERENCE = "<Reference><ContentId>cid:att-1</ContentId></Reference>"


def test_any_prefix_even_an_unbound_one_is_read() -> None:
    package = packed(values(), ("a.pdf", PDF)).replace(b"edXML:", b"q:").replace(b"xmlns:edXML", b"xmlns:q")
    unbound = package.replace(b"<q:Reference>", b'<q:Reference xlink:href="cid:att-1">')
    assert dispatch_of(package) == dispatch_of(packed(values(), ("a.pdf", PDF)))
    assert codes(package) == []
    assert dispatch_of(unbound) == dispatch_of(package)
    assert codes(unbound) == ["PREFIX_UNBOUND"]


def test_elements_may_stand_in_any_order() -> None:
    package = foreign(
        f"<Subject> Về việc\n  X </Subject>{TYPES}<To><OrganName>b</OrganName><OrganId>B</OrganId></To>"
        "<From><OrganId>A</OrganId></From>"
    )
    found = dispatch_of(package)
    assert (found.subject, found.to[0].organ_name, found.from_.organ_id) == ("Về việc\n  X", "b", "A")


def test_utf_16_and_a_byte_order_mark_are_read() -> None:
    text = foreign(ENDS + TYPES + "<Subject>Về việc</Subject>").decode().replace("UTF-8", "UTF-16")
    assert dispatch_of(text.encode("utf-16")).subject == "Về việc"
    assert dispatch_of(b"\xef\xbb\xbf" + foreign(ENDS + TYPES)).to[0].organ_id == "B"


@pytest.mark.parametrize(
    ("written", "read_as", "warned"),
    [
        ("2024/05/17", date(2024, 5, 17), []),
        ("2024/5/7", date(2024, 5, 7), ["DATE_FORM"]),
        ("2024-05-17", date(2024, 5, 17), ["DATE_MISREAD"]),  # the reference reads nothing
        ("30/10/2020", date(2020, 10, 30), ["DATE_MISREAD"]),  # the reference reads the year 36
        ("2024/05/17 08:00", date(2024, 5, 17), ["DATE_FORM"]),
        ("2024-05-16T17:00:00Z", date(2024, 5, 17), ["DATE_MISREAD"]),  # midnight in Vietnam
        ("2024-05-17T00:00:00+07:00", date(2024, 5, 17), ["DATE_MISREAD"]),
        ("2024/05/17 99:00:00Z", date(2024, 5, 17), ["DATE_FORM"]),
        ("2024/13/45", None, ["DATE_UNREADABLE"]),  # the reference rolls over to 2025
        ("tháng 5", None, ["DATE_UNREADABLE"]),
        ("", None, []),
    ],
)
def test_dates_are_read_right_and_other_forms_are_said(
    written: str, read_as: date | None, warned: list[str]
) -> None:
    package = foreign(f"{ENDS}{TYPES}<DueDate>{written}</DueDate>")
    assert dispatch_of(package).due_date == read_as
    assert codes(package) == warned


@pytest.mark.parametrize(
    ("written", "read_as", "warned"),
    [
        ("2024/05/17 08:09:10", "2024-05-17T08:09:10+07:00", []),
        ("2024/5/17 8:09:10", "2024-05-17T08:09:10+07:00", ["DATE_FORM"]),
        ("17/05/2024 8:09", "2024-05-17T08:09:00+07:00", ["DATE_MISREAD"]),
        ("2024-05-17T08:09:10.123", "2024-05-17T08:09:10+07:00", ["DATE_MISREAD"]),
        ("2024-05-17T08:09:10Z", "2024-05-17T15:09:10+07:00", ["DATE_MISREAD"]),
        ("2024-05-17T08:09:10+05:30", "2024-05-17T09:39:10+07:00", ["DATE_MISREAD"]),
        ("2024/05/17", "2024-05-17T00:00:00+07:00", ["DATE_MISREAD"]),
        ("2024/05/17 25:00:00", None, ["DATE_UNREADABLE"]),
        ("0001-01-01T00:00:00+09:00", None, ["DATE_UNREADABLE"]),
    ],
)
def test_times_are_vietnams(written: str, read_as: str | None, warned: list[str]) -> None:
    hop = f"<TraceHeaderList><TraceHeader><Timestamp>{written}</Timestamp></TraceHeader></TraceHeaderList>"
    package = foreign(ENDS + TYPES, trace=hop)
    (found,) = dispatch_of(package).trace_headers
    assert (found.timestamp and found.timestamp.isoformat()) == read_as
    assert codes(package) == warned


@pytest.mark.parametrize(
    ("written", "theirs"),
    [
        ("30/10/2020", "0036-04-11"),  # the 2,020th day of October of the year 30, in the old calendar
        ("2024/13/45", "2025-02-14"),
        ("2024-05-17", "nothing"),
        ("tháng 5", "nothing"),
    ],
)
def test_what_the_reference_would_read_is_said(written: str, theirs: str) -> None:
    (warning,) = read(foreign(f"{ENDS}{TYPES}<DueDate>{written}</DueDate>")).warnings
    assert f"the reference library reads {theirs}" in warning.text
    assert f"thư viện tham chiếu đọc thành {theirs}" in warning.text_vi
    assert warning.where == "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/DueDate, line 3"


@pytest.mark.parametrize(
    ("written", "read_as", "warned"),
    [
        ("3", 3, []),
        (" 1 ", 1, ["INTEGER_PADDED"]),  # the reference refuses the whole package
        ("", 0, ["INTEGER_UNREADABLE"]),
        ("một", 0, ["INTEGER_UNREADABLE"]),
        ("9" * 5000, 0, ["INTEGER_UNREADABLE"]),
    ],
)
def test_a_broken_number_does_not_lose_the_package(written: str, read_as: int, warned: list[str]) -> None:
    types = f"<DocumentType><Type>1</Type></DocumentType><SteeringType>{written}</SteeringType>"
    assert dispatch_of(foreign(ENDS + types)).steering_type == read_as
    assert codes(foreign(ENDS + types)) == warned


def test_what_is_missing_is_said() -> None:
    package = foreign("<Subject>S</Subject>")
    found = read(package)
    assert found.dispatch is not None
    assert found.dispatch.document_type.type == 2  # as the reference takes it
    missing = {warning.text for warning in found.warnings}
    assert missing == {f"'{name}' is missing." for name in ("From", "To", "Type", "SteeringType")}


def test_what_is_unknown_or_repeated_is_said() -> None:
    package = foreign(f"{ENDS}{TYPES}<Subject>S</Subject><Subject>T</Subject><Secret>X</Secret>")
    found = read(package)
    assert found.dispatch is not None
    assert found.dispatch.subject == "S"
    assert [(w.code, w.where) for w in found.warnings] == [
        ("ELEMENT_KEPT", "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/Subject, line 3"),
        ("ELEMENT_KEPT", "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/Secret, line 3"),
    ]


def test_an_envelope_signature_is_no_evidence() -> None:
    package = foreign(ENDS + TYPES, trace="<Signature><SignatureValue>x</SignatureValue></Signature>")
    assert codes(package) == ["SIGNATURE_NOT_EVIDENCE"]


def test_both_spellings_of_business_are_read() -> None:
    one = "<Business><BussinessDocType>1</BussinessDocType></Business>"
    package = foreign(ENDS + TYPES, trace=f"<TraceHeaderList>{one}</TraceHeaderList>")
    business = dispatch_of(package).business
    assert business is not None
    assert business.business_doc_type == "1"
    assert codes(package) == ["ELEMENT_RENAMED"]


def test_of_two_businesses_the_last_wins() -> None:
    both = "".join(f"<Bussiness><BussinessDocType>{n}</BussinessDocType></Bussiness>" for n in (1, 2))
    package = foreign(ENDS + TYPES, trace=f"<TraceHeaderList>{both}</TraceHeaderList>")
    business = dispatch_of(package).business
    assert business is not None
    assert business.business_doc_type == "2"
    assert codes(package) == ["ELEMENT_KEPT"]


def test_a_status_is_told_by_its_code_whatever_its_header_is_called() -> None:
    header = "<MessageHeader><From><OrganId>B</OrganId></From><StatusCode>03</StatusCode></MessageHeader>"
    envelope = f"<edXMLEnvelope><edXMLHeader>{header}</edXMLHeader></edXMLEnvelope>"
    package = f'<edXML xmlns="{NAMESPACE}">{envelope}</edXML>'.encode()
    renamed = package.replace(b"MessageHeader", b"Status")
    for found in (read(package), read(renamed)):
        assert found.kind == "status"
        assert found.dispatch is None
        assert found.status is not None
        assert found.status.status_code == "03"
    assert codes(package) == []
    assert codes(renamed) == ["ELEMENT_RENAMED"]


def test_another_namespace_is_read_and_said() -> None:
    package = foreign(ENDS + TYPES).replace(NAMESPACE.encode(), b"http://www.e-doc.vn/Schema/")
    assert codes(package) == ["NAMESPACE_OTHER"]


@pytest.mark.parametrize(
    ("written", "warned"),
    [("att-1", []), ("cid:att-1", []), ("cid:cid:att-1", ["CONTENT_ID_FORM"])],
)
def test_content_ids_match_with_and_without_cid(written: str, warned: list[str]) -> None:
    package = foreign(ENDS + TYPES, attachments=attachment("a.pdf", PDF, cid=written), manifest=REFERENCE)
    assert dispatch_of(package).attachments[0].content_id == "att-1"
    assert codes(package) == warned


def test_a_nameless_attachment_takes_its_name_from_the_manifest() -> None:
    manifest = "<Reference><ContentId>att-1</ContentId><AttachmentName>b.pdf</AttachmentName></Reference>"
    package = foreign(ENDS + TYPES, attachments=attachment("", PDF), manifest=manifest)
    assert dispatch_of(package).attachments[0].name == "b.pdf"
    assert codes(package) == ["NAME_FROM_MANIFEST"]


def test_a_manifest_that_does_not_match_is_said() -> None:
    twice = attachment("a.pdf", PDF) + attachment("b.pdf", PDF)
    package = foreign(ENDS + TYPES, attachments=twice, manifest=REFERENCE.replace("att-1", "att-9"))
    assert codes(package) == ["CONTENT_ID_TWICE", "MANIFEST_DIFFERS"]


def test_an_attachment_in_the_references_zip_is_taken_out() -> None:
    sheet = zipped({"xl/workbook.xml": b"<workbook/>"})
    wrapped = zipped({f"{UUID}.xlsx": sheet})
    package = foreign(
        ENDS + TYPES, attachments=attachment("b.xlsx", wrapped, label="application/zip"), manifest=REFERENCE
    )
    assert dispatch_of(package).attachments[0].size == len(sheet)
    assert codes(package) == []


def test_a_mislabelled_zip_is_taken_out_and_said() -> None:
    package = foreign(
        ENDS + TYPES, attachments=attachment("b.pdf", zipped({f"{UUID}.pdf": PDF})), manifest=REFERENCE
    )
    assert dispatch_of(package).attachments[0].size == len(PDF)
    assert codes(package) == ["CONTENT_UNWRAPPED"]


@pytest.mark.parametrize(
    "entries",
    [
        {"[Content_Types].xml": b"<Types/>"},  # the reference tears a docx apart here
        {f"{UUID}.docx": b"PK\x03\x04", "more.xml": b""},
        {f"{UUID}.pdf": PDF},
        {f"../{UUID}.docx": b"PK\x03\x04"},
        {},
    ],
)
def test_any_other_zip_is_content(entries: dict[str, bytes]) -> None:
    content = zipped(entries)
    package = foreign(ENDS + TYPES, attachments=attachment("b.docx", content, label="application/zip"))
    assert dispatch_of(package).attachments[0].size == len(content)


def test_a_damaged_wrapping_is_kept_as_it_is_and_said() -> None:
    damaged = bytearray(zipped({f"{UUID}.txt": bytes(range(256)) * 9}))
    damaged[100] ^= 0xFF
    package = foreign(
        ENDS + TYPES,
        attachments=attachment("b.txt", bytes(damaged), label="application/zip"),
        manifest=REFERENCE,
    )
    assert dispatch_of(package).attachments[0].size == len(damaged)
    assert codes(package) == ["CONTENT_ZIP_DAMAGED"]


def test_content_that_is_not_what_its_name_says_is_said() -> None:
    destroyed = PDF.decode("utf-8", "replace").encode()
    package = foreign(
        ENDS + TYPES,
        attachments=attachment("a.pdf", b"MZ\x90") + attachment("b.pdf", destroyed, cid="att-2"),
        manifest=REFERENCE + REFERENCE.replace("att-1", "att-2"),
    )
    assert codes(package) == ["CONTENT_MISMATCH", "CONTENT_DESTROYED"]


def test_broken_base64_and_missing_content_are_said(tmp_path: Path) -> None:
    junk = "<Attachment><ContentId>att-1</ContentId><AttachmentName>a.txt</AttachmentName>{}</Attachment>"
    broken = junk.format("<ContentTransferEncoded>${__StringFromFile(x)}</ContentTransferEncoded>")
    package = foreign(ENDS + TYPES, attachments=broken, manifest=REFERENCE)
    empty = foreign(ENDS + TYPES, attachments=junk.format(""), manifest=REFERENCE)
    assert codes(package) == ["BASE64_REPAIRED"]
    assert codes(empty) == ["CONTENT_MISSING"]
    assert unpack(io.BytesIO(empty), into=tmp_path / "in").to_dict()["attachments"][0]["size"] == 0


def test_every_code_that_the_reader_can_give_has_words_in_both_languages() -> None:
    used = {code for file in _sources("findings.py") for code in CODES if f'"{code}"' in file}
    assert used == CODES


def _sources(catalogue: str) -> list[str]:
    folder = Path(__file__).resolve().parents[2] / "edoc"
    files = [*(folder / "edxml").glob("*.py"), folder / "packing.py"]
    return [path.read_text() for path in files if path.name != catalogue]


@pytest.mark.parametrize(
    ("package", "said"),
    [
        (b"", "empty"),
        (b"%PDF-1.7", "line 1: this is not well-formed XML"),
        (b"<html></html>", "its root is <html>"),
        (b"<edXML><a/></edXML>", "<edXMLEnvelope> is missing"),
        (b"<edXML><edXMLEnvelope/></edXML>", "<edXMLHeader> is missing"),
        (b"<edXML><edXMLEnvelope><edXMLHeader/></edXMLEnvelope></edXML>", "<MessageHeader> is missing"),
        (b'<?xml version="1.0" encoding="x-none"?><edXML/>', "unknown encoding"),
        (foreign("<From/><StatusCode> </StatusCode>"), "<StatusCode> is empty"),
        (
            foreign(ENDS + "<Subject>&nbsp;</Subject>"),
            "in edXML/edXMLEnvelope/edXMLHeader/MessageHeader/Subject",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_line_and_element(package: bytes, said: str) -> None:
    with pytest.raises(PackageError) as raised:
        read(package)
    assert said in str(raised.value)


def test_what_is_unknown_survives_as_it_was_written() -> None:
    package = foreign(
        f'{ENDS}{TYPES}<v:Extra xmlns:v="urn:v" a="1&amp;2"><v:Deep>x &lt; y</v:Deep></v:Extra>',
        trace='<TraceHeaderList v:hop="3" xmlns:v="urn:v"/>',
    )
    found = read(package).to_dict()
    assert found["strays"] == [
        {
            "where": "edXML/edXMLEnvelope/edXMLHeader/MessageHeader",
            "name": "v:Extra",
            "attribute": False,
            "value": '<v:Extra xmlns:v="urn:v" a="1&amp;2"><v:Deep>x &lt; y</v:Deep></v:Extra>',
        },
        {
            "where": "edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList",
            "name": "v:hop",
            "attribute": True,
            "value": "3",
        },
    ]
    assert codes(package) == ["ELEMENT_KEPT", "ATTRIBUTE_KEPT"]
    again = Dispatch.from_dict(found)
    assert [stray.name for stray in again.strays] == ["v:Extra", "v:hop"]


def test_what_is_unknown_and_huge_is_left_out_and_said() -> None:
    package = foreign(f"{ENDS}{TYPES}<Extra>{'x' * 300_000}</Extra><Extra/>")
    assert codes(package) == ["ELEMENT_IGNORED", "ELEMENT_KEPT"]
    assert [stray.value for stray in dispatch_of(package).strays] == ["<Extra></Extra>"]


def test_text_between_elements_is_said() -> None:
    assert codes(foreign(f"{ENDS} lạc đề {TYPES}")) == ["TEXT_IGNORED"]
    (warning,) = read(foreign(f"{ENDS}lạc{TYPES}đề")).warnings
    assert warning.detail == "lạcđề"


@pytest.mark.parametrize("code", ["99", "3", "00"])
def test_a_status_code_that_nobody_agreed_on_is_kept_and_said(code: str) -> None:
    package = foreign(f"<From><OrganId>B</OrganId></From><StatusCode>{code}</StatusCode>")
    found = read(package)
    assert found.status is not None
    assert found.status.status_code == code
    assert "STATUS_CODE_UNKNOWN" in codes(package)


def test_every_refusal_has_words_in_both_languages() -> None:
    used = {code for file in _sources("refusals.py") for code in REFUSALS if f'"{code}"' in file}
    assert used | {"PACKAGE_UNREADABLE"} == set(REFUSALS)
    assert all(text and text_vi for text, text_vi in REFUSALS.values())
