"""Strict reading: what our writer would not write is refused, with every reason."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from edxmlmaking import ENDS, PDF, TYPES, UUID, attachment, foreign, named, packed, values, zipped

from edoc.core.dispatch import Dispatch, StatusUpdate
from edoc.devpki.hierarchy import DevPki
from edoc.errors import PackageError
from edoc.keys.loading import load_key
from edoc.packing import Unpacked, pack, pack_status, unpack

Change = Callable[[bytes], bytes]
GOOD = packed(values(), ("a.pdf", PDF), ("b.txt", b"text"), ("c.docx", b""))


def read_strictly(package: bytes) -> Unpacked:
    return unpack(io.BytesIO(package), strict=True)


def reasons(package: bytes) -> tuple[str, ...]:
    with pytest.raises(PackageError) as raised:
        read_strictly(package)
    assert raised.value.code == "PACKAGE_NOT_STRICT"
    return raised.value.reasons


@pytest.mark.parametrize("profile", ["edoc", "reference"])
def test_what_our_writer_writes_is_read(profile: str) -> None:
    for package in (
        packed(values(), profile=profile),
        packed(values(), ("a.pdf", PDF), ("b.txt", b"text"), ("c.pdf", b""), profile=profile),
        packed(values(subject="a & b < c\nd 📄", business={"business_doc_type": "0"}), profile=profile),
    ):
        assert read_strictly(package).sha256 == unpack(io.BytesIO(package)).sha256


def test_a_status_that_our_writer_writes_is_read() -> None:
    out = io.BytesIO()
    pack_status(StatusUpdate.from_dict({"from": {"organ_id": "H99.02"}, "status_code": "03"}), out=out)
    assert read_strictly(out.getvalue()).kind == "status"


def test_what_our_writer_signs_is_read_and_a_signature_elsewhere_is_not(pki: DevPki) -> None:
    key = load_key(pki.key_path("a-seal"), passphrase=pki.passphrase)
    out = io.BytesIO()
    pack(Dispatch.from_dict(values()), attach=[named("a.pdf", PDF)], out=out, key=key)
    assert read_strictly(out.getvalue()).warnings == ()
    before, begin, rest = out.getvalue().partition(b"  <ds:Signature ")
    signature, end = rest.split(b"</edXML>")
    moved = before.replace(b"  <AttachmentE", begin + signature + b"  <AttachmentE", 1) + b"</edXML>" + end
    assert any("ds:Signature" in reason for reason in reasons(moved))


@pytest.mark.shared
def test_what_the_reference_writes_is_read_whatever_it_names_the_entries_of_its_zips(
    shared_corpus: Path,
) -> None:
    for path in (shared_corpus / "edxml").glob("*.edxml"):
        assert unpack(path, strict=True) == unpack(path)


def test_what_is_dangerous_may_be_strictly_written() -> None:
    package = packed(values(), ("a.pdf", PDF + b"/JavaScript"))
    assert [warning.code for warning in read_strictly(package).warnings] == ["SCRIPT_FOUND"]


def swap(old: bytes, new: bytes) -> Change:
    def change(package: bytes) -> bytes:
        assert old in package
        return package.replace(old, new, 1)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (swap(b"<edXML:Subject>", b"<edXML:Extra/><edXML:Subject>"), "ELEMENT_KEPT"),
        (swap(b"\r\n", b"\n"), "(LF) instead of"),
        (swap(b"        <edXML:Subject>", b"\t<edXML:Subject>"), "<edXML:Subject>"),
        (swap(b"2026/02/05</edXML:P", b"2026-02-05</edXML:P"), "DATE_MISREAD"),
        (swap(b"<edXML:Type>2", b"<edXML:Type> 2"), "INTEGER_PADDED"),
        (swap(b"</edXML:Code>", b"</edXML:Code><!-- c -->"), "<!-- c -->"),
        (swap(b"application/pdf", b"application/PDF"), "application/PDF"),
        (swap(b"<?xml", b"\xef\xbb\xbf<?xml"), "line 1"),
        (swap(b"</edXML>\r\n", b"</edXML>"), "no line end"),
        (swap(b"</edXML>\r\n", b"</edXML>\r\nmore"), "TRAILING_JUNK"),
        (swap(b"JVBERi0x", b"JVBERi0x\r\n"), "one unbroken, padded line"),
        (swap(b"JVBERi0x", b"JVBE-i0x"), "BASE64_REPAIRED"),
        (swap(b"cid:att-1", b"cid:cid:att-1"), "cid:cid:att-1"),
        (swap(b">cid:att-2", b">cid:att-1"), "MANIFEST_DIFFERS"),
        (lambda package: package.replace(b"edXML:", b"q:").replace(b":edXML=", b":q="), "<q:"),
        (lambda package: package.replace(b"cid:att-2", b"cid:att-1"), "CONTENT_ID_TWICE"),
    ],
)
def test_anything_else_is_refused_and_the_reason_told(change: Change, said: str) -> None:
    assert any(said in reason for reason in reasons(change(GOOD)))


def test_every_reason_is_told() -> None:
    package = swap(b"<edXML:Subject>", b"<edXML:Extra/><edXML:Subject>")(
        swap(b"JVBERi0x", b"JVBE Ri0x")(GOOD)
    )
    told = reasons(package)
    extra, broken = (
        package[: package.index(text)].count(b"\n") + 1 for text in (b"<edXML:Extra", b"JVBE Ri0x")
    )
    found = [reason.partition(":")[0] for reason in told]
    assert found == ["ELEMENT_KEPT", f"line {broken}", f"line {extra}"]


def test_other_dialects_are_refused() -> None:
    package = foreign(ENDS + TYPES, attachments=attachment("a.pdf", zipped({f"{UUID}.pdf": PDF})))
    assert any("CONTENT_UNWRAPPED" in reason for reason in reasons(package))


def test_what_cannot_be_written_at_all_is_refused() -> None:
    told = reasons(foreign("<From><OrganId>A</OrganId></From>" + TYPES))
    assert told[0].startswith("VALUE_MISSING: 'To' is missing.")
    assert told[-1] == "to: there is no recipient."


def test_an_attachment_without_content_is_refused() -> None:
    package = re.sub(rb"      <edXML:ContentTransferEncoded.*?\r\n", b"", GOOD, count=1)
    assert any("CONTENT_MISSING" in reason for reason in reasons(package))


def test_what_is_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(PackageError):
        unpack(io.BytesIO(GOOD + b"x"), into=tmp_path / "in", strict=True)
    assert list(tmp_path.iterdir()) == []


def test_a_stream_that_cannot_seek_is_read_strictly_too(tmp_path: Path) -> None:
    path = tmp_path / "a.edxml"
    path.write_bytes(GOOD)
    with path.open("rb") as stream:
        stream.seekable = lambda: False  # type: ignore[method-assign]
        assert unpack(stream, strict=True).kind == "document"
