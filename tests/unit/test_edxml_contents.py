"""What attachments are, judged by their bytes: labels, dangers, programs."""

import io
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from edxmlmaking import ENDS, PDF, TYPES, UUID, attachment, codes, foreign, read, zipped

from edoc.edxml.admission import EVERYTHING, PROGRAMS, REFUSABLE, make_admission
from edoc.edxml.limits import DEFAULT_LIMITS
from edoc.edxml.refusals import OF_ADMISSION
from edoc.errors import PackageError
from edoc.packing import Unpacked, unpack

REFERENCE = "<Reference><ContentId>cid:att-1</ContentId></Reference>"
DOCX = zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>"})
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\x00\x00" + bytes(100)
LNK = bytes.fromhex("4c0000000114020000000000c000000000000046") + bytes(56)


def ole(*, class_id: bytes = bytes(16), more: bytes = b"") -> bytes:
    """The least of an OLE file: a header, and a directory of one entry in the first sector."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header[0x1E:0x20] = (9).to_bytes(2, "little")
    directory = bytearray(512)
    directory[80:96] = class_id
    return bytes(header) + bytes(directory) + more


MSI = ole(class_id=bytes.fromhex("84100c0000000000c000000000000046"))


def package(name: str, content: bytes, label: str = "") -> bytes:
    return foreign(ENDS + TYPES, attachments=attachment(name, content, label=label), manifest=REFERENCE)


def refusal(data: bytes) -> PackageError:
    with pytest.raises(PackageError) as raised:
        read(data)
    return raised.value


def odf(kind: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", "<x/>")
    return out.getvalue()


# What it is


@pytest.mark.parametrize(
    ("name", "content", "label"),
    [
        ("a.pdf", PDF, "application/pdf"),
        ("a.PDF", b"junk\n" + PDF, "application/pdf"),
        ("a.docx", DOCX, "application/docx"),
        ("a.docx", DOCX, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.xlsx", zipped({"xl/workbook.xml": b"<w/>"}), "application/xlsx"),
        ("a.odt", odf("text"), "application/vnd.oasis.opendocument.text"),
        ("a.doc", ole(), "application/msword"),
        ("a.doc", b"{\\rtf1 x}", "application/doc"),
        ("a.xls", ole(), "application/xls"),
        ("a.zip", zipped({"a.txt": b"x"}), "application/zip"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.txt", b"MZ is how this text begins", "text/plain"),
        ("a.unknown", b"whatever", "application/octet-stream"),
    ],
)
def test_what_is_what_it_says_is_taken_without_a_word(name: str, content: bytes, label: str) -> None:
    assert codes(package(name, content, label)) == []


@pytest.mark.parametrize(
    ("name", "content", "label", "warned"),
    [
        ("a.pdf", DOCX, "application/pdf", "CONTENT_MISMATCH"),
        ("a.docx", zipped({"xl/workbook.xml": b"<w/>"}), "application/docx", "CONTENT_MISMATCH"),
        ("a.docx", zipped({"a.txt": b"x"}), "", "CONTENT_MISMATCH"),
        ("a.odt", DOCX, "", "CONTENT_MISMATCH"),
        ("a.doc", b"<html><table/></html>", "", "CONTENT_MISMATCH"),
        ("a.pdf", PDF, "application/docx", "LABEL_DIFFERS"),
        ("a.pdf", PDF, "application/zip", "LABEL_DIFFERS"),
        ("a", PDF, "image/png; charset=utf-8", "LABEL_DIFFERS"),
        # the reference takes the docx apart and hands on [Content_Types].xml
        ("a.docx", DOCX, "application/zip", "CONTENT_PLAIN"),
    ],
)
def test_what_is_not_what_it_says_is_said(name: str, content: bytes, label: str, warned: str) -> None:
    assert warned in codes(package(name, content, label))


def test_a_plain_docx_that_is_labelled_as_a_zip_stays_whole(tmp_path: Path) -> None:
    unpack(io.BytesIO(package("a.docx", DOCX, "application/zip")), into=tmp_path)
    assert (tmp_path / "a.docx").read_bytes() == DOCX


@pytest.mark.parametrize("label", ["application/pdf", "text/plain", "application/zip"])
def test_a_pdf_in_the_references_zip_is_taken_out_whatever_the_label(label: str, tmp_path: Path) -> None:
    data = package("a.pdf", zipped({f"{UUID}.pdf": PDF}), label)
    assert [warning.code for warning in unpack(io.BytesIO(data), into=tmp_path).warnings] == [
        "CONTENT_UNWRAPPED"
    ]
    assert (tmp_path / "a.pdf").read_bytes() == PDF


def test_a_zip_that_two_hubs_made_is_taken_off_twice(tmp_path: Path) -> None:
    twice = zipped({f"{UUID}.pdf": zipped({f"{UUID}.PDF": PDF})})
    found = unpack(io.BytesIO(package("a.pdf", twice, "application/pdf")), into=tmp_path)
    assert [warning.code for warning in found.warnings] == ["CONTENT_UNWRAPPED"] * 2
    assert (tmp_path / "a.pdf").read_bytes() == PDF


# What it could do


@pytest.mark.parametrize(
    ("name", "content", "warned"),
    [
        ("a.docx", zipped({"word/document.xml": b"", "word/vbaProject.bin": b""}), "MACROS_FOUND"),
        ("a.xlsx", zipped({"xl/workbook.xml": b"", "xl/macrosheets/sheet1.xml": b""}), "MACROS_FOUND"),
        ("a.doc", ole(more="_VBA_PROJECT".encode("utf-16-le")), "MACROS_FOUND"),
        ("a.doc", ole(more="EncryptedPackage".encode("utf-16-le")), "CONTENT_ENCRYPTED"),
        ("a.pdf", PDF + b"<</S/JavaScript/JS(app.alert(1))>>", "SCRIPT_FOUND"),
        ("a.pdf", PDF + b"<</S /Launch/F(cmd.exe)>>", "SCRIPT_FOUND"),
        ("a.html", b"<!DOCTYPE html><p>", "SCRIPT_FOUND"),
        ("a.txt", b"  <SCRIPT>x()</SCRIPT>", "SCRIPT_FOUND"),
        ("a.svg", b'<?xml version="1.0"?><svg xmlns="x"/>', "SCRIPT_FOUND"),
        ("a.js", b"x()", "SCRIPT_FOUND"),
        ("a.pdf.vbs", b"x()", "SCRIPT_FOUND"),
        ("a.zip", zipped({"x/setup.EXE": b"x"}), "ARCHIVE_HOLDS_PROGRAM"),
        ("a.zip", zipped({"x": bytes(20 << 20)}), "ARCHIVE_EXPANDS"),
        ("a.zip", b"PK\x03\x04 and no directory", "ARCHIVE_UNREAD"),
    ],
)
def test_what_is_dangerous_is_let_in_and_pointed_out(name: str, content: bytes, warned: str) -> None:
    assert codes(package(name, content)) == [warned]


def test_an_encrypted_zip_is_pointed_out() -> None:
    data = bytearray(zipped({"a.txt": b"secret"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert codes(package("a.zip", bytes(data))) == ["CONTENT_ENCRYPTED"]


@pytest.mark.parametrize("cut", [1, 5, 10])
def test_a_sign_is_seen_across_the_seam_of_two_pieces(cut: int) -> None:
    size = (1 << 18) // 4 * 3
    content = (PDF + bytes(2 * size))[: size - cut] + b"/JavaScript" + bytes(99)
    assert "SCRIPT_FOUND" in codes(package("a.pdf", content))


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.pdf", PE, "pe"),
        ("a.txt", b"MZ" + bytes(30) + b"x" * 100, "dos"),
        ("a.pdf", b"\x7fELF\x02\x01", "elf"),
        ("a.pdf", b"\xcf\xfa\xed\xfe" + bytes(20), "macho"),
        ("a.pdf", b"\xca\xfe\xba\xbe\x00\x00\x00\x02", "macho"),
        ("a.pdf", b"\xca\xfe\xba\xbe\x00\x00\x00\x41", "java-class"),
        ("a.doc", MSI, "msi"),
        ("a.pdf", LNK, "lnk"),
        ("a.txt", b"#!/bin/sh\nrm -rf ~\n", "shebang"),
        ("a.txt", b"\xef\xbb\xbf#! /usr/bin/env python\n", "shebang"),
        ("a.zip", zipped({"META-INF/MANIFEST.MF": b"x", "A.class": b"x"}), "jar"),
        ("a.zip", zipped({"AndroidManifest.xml": b"x", "classes.dex": b"x"}), "apk"),
        ("a.exe", b"harmless", ".exe"),
        ("a.pdf.EXE. ", b"harmless", ".exe"),
        ("hoadon\u202efdp.scr", PDF, ".scr"),
        ("..\\a.msi", b"harmless", ".msi"),
        ("a.l\u200bnk", b"harmless", ".lnk"),
        ("a.jar", b"harmless", ".jar"),
    ],
)
def test_programs_are_refused_by_content_and_by_name(name: str, content: bytes, kind: str) -> None:
    error = refusal(package(name, content))
    assert error.code == "EXECUTABLE_REFUSED"
    assert f"is a program ({kind})" in error.what
    assert error.where == "edXML/AttachmentEncoded/Attachment, line 5"


def test_a_program_in_a_zip_of_transport_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    data = package("a.txt", zipped({f"{UUID}.txt": PE}), "application/zip")
    with pytest.raises(PackageError):
        unpack(io.BytesIO(data), into=tmp_path / "in")
    assert list(tmp_path.iterdir()) == []


def test_every_attachment_that_is_refused_is_told_in_both_languages(tmp_path: Path) -> None:
    files = (("a.pdf", PE), ("ảnh.png", b"\x89PNG\r\n\x1a\n"), ("b.msi", b"x"))
    attachments = "".join(attachment(name, content, cid=name) for name, content in files)
    with pytest.raises(PackageError) as raised:
        unpack(io.BytesIO(foreign(ENDS + TYPES, attachments=attachments)), into=tmp_path / "in")
    assert list(tmp_path.iterdir()) == []
    assert raised.value.reasons == (
        "Tệp đính kèm 'a.pdf' là chương trình thực thi (pe) / the attachment 'a.pdf' is a program (pe)",
        "Tệp đính kèm 'b.msi' là chương trình thực thi (.msi) / the attachment 'b.msi' is a program (.msi)",
    )


def test_of_very_many_refused_attachments_twenty_are_told() -> None:
    attachments = "".join(attachment("a.exe", b"x", cid=str(number)) for number in range(30))
    reasons = refusal(foreign(ENDS + TYPES, attachments=attachments)).reasons
    assert len(reasons) == 21
    assert "và 10 lý do khác" in reasons[-1]


@pytest.mark.parametrize(
    ("word", "name", "content"),
    [
        ("macros", "a.docx", zipped({"word/document.xml": b"", "word/vbaProject.bin": b""})),
        ("scripts", "a.pdf", PDF + b"/JavaScript"),
        ("encrypted", "a.doc", ole(more="EncryptedPackage".encode("utf-16-le"))),
        ("bombs", "a.zip", zipped({"x": bytes(20 << 20)})),
        ("archived-programs", "a.zip", zipped({"x/setup.EXE": b"x"})),
        ("programs", "a.pdf", PE),
    ],
)
def test_a_policy_refuses_what_its_settings_name_and_nothing_else(
    word: str, name: str, content: bytes
) -> None:
    data = package(name, content)
    others = {PROGRAMS, *REFUSABLE} - {word}
    unpack(io.BytesIO(data), limits=replace(DEFAULT_LIMITS, admission=make_admission(others)))
    with pytest.raises(PackageError) as raised:
        unpack(io.BytesIO(data), limits=replace(DEFAULT_LIMITS, admission=make_admission([word])))
    assert raised.value.code in OF_ADMISSION


def test_the_policy_is_data() -> None:
    def look(data: bytes) -> Unpacked:
        return unpack(io.BytesIO(data), limits=replace(DEFAULT_LIMITS, admission=EVERYTHING))

    (warning,) = look(package("a.exe", PE)).warnings
    assert warning.code == "PROGRAM_FOUND"
    strict = replace(EVERYTHING, refused_extensions=frozenset({"pdf"}))
    with pytest.raises(PackageError):
        unpack(io.BytesIO(package("a.pdf", PDF)), limits=replace(DEFAULT_LIMITS, admission=strict))
