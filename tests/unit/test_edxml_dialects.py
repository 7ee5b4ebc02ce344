"""Packages in the forms that circulate beside the regulation's: read, and the form said."""

import base64
from datetime import date

import pytest
from dialectmaking import (
    ALL_DOCUMENT,
    FLAT,
    MANIFEST,
    MESSAGE,
    NAMESPACE,
    NET,
    PDF,
    SOAP,
    STATUS,
    home_made,
    mail_part,
    mime,
    soap,
)
from edxmlmaking import ENDS, TYPES, UUID, attachment, codes, dispatch_of, foreign, read, zipped

from edoc.errors import PackageError

OLD_FORM = ["DIALECT_OTHER", "DATE_MISREAD", "DATE_MISREAD"]


# 512 and 2803


@pytest.mark.parametrize("where", ["behind", "in the envelope", "in the body"])
def test_the_soap_form_is_read_with_its_attachments_wherever_they_stand(where: str) -> None:
    package = soap()
    if where == "behind":
        package = soap(behind=f"\r\n{ALL_DOCUMENT}\n")
    elif where == "in the envelope":
        package = package.replace(b"</SOAP-ENV:Envelope>", f"{ALL_DOCUMENT}</SOAP-ENV:Envelope>".encode())
    else:
        package = soap(body=MANIFEST + ALL_DOCUMENT)
    found = dispatch_of(package)
    assert found.from_.organ_id == "000.00.00.H19"
    assert found.promulgation_info.promulgation_date == date(2015, 5, 17)
    assert [hop.organ_id for hop in found.trace_headers] == ["000.00.00.H19"]
    (one,) = found.attachments
    assert (one.name, one.size, one.content_id) == ("a.pdf", len(PDF), "7")
    assert sorted(codes(package)) == sorted([*OLD_FORM, "CONTENT_ID_FROM_MANIFEST", "ATTRIBUTE_KEPT"])


def test_attachments_that_travel_in_no_part_of_the_package_are_missed() -> None:
    assert codes(soap()) == ["DIALECT_OTHER", "MANIFEST_DIFFERS", "DATE_MISREAD", "DATE_MISREAD"]


@pytest.mark.parametrize(
    "head",
    [
        "",
        'MIME-Version: 1.0\r\nContent-Type: multipart/related;\r\n boundary="Boundary"; x=y\r\n\r\n',
        "Content-Type: multipart/related; boundary=Boundary\n\nThis is a MIME message.\n",
    ],
)
@pytest.mark.parametrize(
    "part",
    [
        mail_part(base64.encodebytes(PDF)),
        mail_part(PDF, encoding="binary"),
        mail_part(b"%PDF-1.7=0A%=E2=E3=CF=D3=0AA page.=\r\n=0A%%EOF=0A", encoding="quoted-printable"),
    ],
    ids=["base64", "binary", "quoted-printable"],
)
def test_mime_parts_are_attachments(head: str, part: bytes) -> None:
    package = mime(soap(), part, head=head)
    (one,) = dispatch_of(package).attachments
    assert (one.name, one.content_id, one.content_type) == ("a.pdf", "7", "application/pdf")
    assert one.size == len(PDF)
    assert sorted(codes(package)) == sorted([*OLD_FORM, "DIALECT_OTHER"])


def test_a_mime_part_that_holds_all_documents_is_taken_apart() -> None:
    part = b"Content-Type: text/xml\r\n\r\n" + ALL_DOCUMENT.encode()
    (one,) = dispatch_of(mime(soap(), part)).attachments
    assert (one.name, one.size) == ("a.pdf", len(PDF))


def test_a_mime_message_may_be_encoded_too_and_names_may_be() -> None:
    message = b"Content-Type: text/xml\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(
        soap()
    )
    part = mail_part(PDF, encoding="8bit", name="name*=utf-8''C%C3%B4ng%20v%C4%83n.pdf")
    package = b"--B\r\n" + message + b"\r\n--B\r\n" + part + b"\r\n--B--\r\n"
    (one,) = dispatch_of(package).attachments
    assert (one.name, one.size) == ("Công văn.pdf", len(PDF))


def test_a_regular_message_may_travel_in_mime() -> None:
    package = mime(
        foreign(ENDS + TYPES, attachments=attachment("a.pdf", PDF)), mail_part(PDF, encoding="binary")
    )
    found = dispatch_of(package)
    assert [one.content_id for one in found.attachments] == ["att-1", "7"]


def test_lines_are_those_of_the_whole_mime_message() -> None:
    package = mime(soap(f"{MESSAGE}\n<edXML:DueDate>nie</edXML:DueDate>"))
    warning = next(one for one in read(package).warnings if one.code == "DATE_UNREADABLE")
    assert warning.where.endswith("DueDate, line 6")


@pytest.mark.parametrize(
    ("package", "code"),
    [
        (b"--Boundary\r\nContent-Type: text/plain\r\n\r\nhello\r\n--Boundary--", "NOT_EDXML"),
        (b"Content-Type: multipart/related; boundary=B\r\n\r\nnothing", "MIME_MALFORMED"),
        (b"--B\r\n" + b"X-Long: " + b"x" * 20_000, "MIME_MALFORMED"),
        (f'<s:Envelope xmlns:s="{SOAP}"><s:Body/></s:Envelope>'.encode(), "NOT_EDXML"),
        (f'<s:Envelope xmlns:s="{SOAP}"><s:Header/></s:Envelope>'.encode(), "NOT_EDXML"),
    ],
)
def test_other_messages_are_refused(package: bytes, code: str) -> None:
    with pytest.raises(PackageError) as raised:
        read(package)
    assert raised.value.code == code


def test_the_status_of_the_soap_form_is_read_even_with_the_prefix_bound_to_soap() -> None:
    found = read(STATUS.encode())
    assert found.status is not None
    assert found.status.status_code == "03"
    assert found.status.response_for.promulgation_date == date(2015, 5, 17)
    assert found.status.staff_info is not None
    assert found.status.staff_info.staff == "S"
    assert [warning.code for warning in found.warnings] == OLD_FORM


# The flat form


@pytest.mark.parametrize(
    "package",
    [
        FLAT,
        FLAT.replace("EdXMLEnvelope", "edXMLEnvelope"),
        FLAT.replace("EdXMLEnvelope", "e:EdXMLEnvelope").replace("xmlns=", "xmlns:e="),
    ],
    ids=["as it circulates", "lower case", "with a prefix"],
)
def test_the_flat_form_is_read(package: str) -> None:
    found = dispatch_of(package.encode())
    assert (found.from_.organ_id, found.document_id, found.code.code_number) == ("H37.DN.001", "uuid-1", "1")
    assert found.promulgation_info.promulgation_date == date(2026, 5, 20)
    assert (found.document_type.type, found.document_type.type_name) == (2, "Công văn")
    assert found.signer_info is not None
    assert (found.signer_info.full_name, found.signer_info.position) == ("Nguyễn A", "Giám đốc")
    assert found.other_info is not None
    assert (found.other_info.page_amount, found.other_info.appendixes) == (3, ("P1", "P2"))
    (hop,) = found.trace_headers
    assert hop.organ_id == "H37.DN.001"
    assert hop.timestamp is not None
    assert hop.timestamp.isoformat() == "2026-05-20T08:00:00+07:00"
    assert [(one.name, one.size, one.content_type) for one in found.attachments] == [
        ("a.pdf", len(PDF), "application/pdf")
    ]


def test_what_the_flat_form_has_of_its_own_is_said_under_its_own_names() -> None:
    where = {warning.where for warning in read(FLAT.encode()).warnings if warning.code == "ELEMENT_KEPT"}
    assert where == {
        "EdXMLEnvelope/MessageHeader/PromulgationInfo/Promulgator, line 1",
        "EdXMLEnvelope/MessageHeader/TraceHeaderList/TraceHeader/Path/To, line 1",
    }


# Home-made, .NET, BKAV


def test_home_made_attachments_in_the_envelope_are_found() -> None:
    (one,) = dispatch_of(home_made()).attachments
    assert (one.name, one.size) == ("a.pdf", len(PDF))
    assert codes(home_made()) == ["ATTACHMENTS_ELSEWHERE", "MANIFEST_DIFFERS"]


def test_the_net_dialect_is_read_and_what_others_lose_of_it_is_said() -> None:
    sheet = zipped({"xl/workbook.xml": b"<workbook/>"})
    wrapped = base64.b64encode(zipped({f"{UUID}.xlsx": sheet})).decode()
    found = read(NET.replace("{}", wrapped).encode())
    assert found.dispatch is not None
    (one,) = found.dispatch.attachments
    assert (one.content_id, one.name, one.size) == ("x-1", "b.xlsx", len(sheet))
    said = [(warning.code, warning.text.split("'")[1]) for warning in found.warnings]
    assert said == [
        ("PREFIX_UNBOUND", "xlink"),
        ("ATTRIBUTE_KEPT", "edXML:mustUnderstand"),
        ("ATTRIBUTE_KEPT", "edXML:actor"),
        ("ATTRIBUTE_KEPT", "xlink:type"),
        ("ATTRIBUTE_KEPT", "xlink:role"),
    ]


def test_bkav_calls_the_header_of_a_status_otherwise() -> None:
    header = "<Status><From><OrganId>B</OrganId></From><StatusCode>3</StatusCode></Status>"
    envelope = f"<edXMLEnvelope><edXMLHeader>{header}</edXMLHeader></edXMLEnvelope>"
    found = read(f'<edXML xmlns="{NAMESPACE}">{envelope}</edXML>'.encode())
    assert found.status is not None
    assert found.status.status_code == "3"
    assert [warning.code for warning in found.warnings] == ["ELEMENT_RENAMED", "STATUS_CODE_UNKNOWN"]
