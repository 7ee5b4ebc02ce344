"""What our own profile adds to the reference's form, and where older readers pass over it."""

import base64
import hashlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
from edxmlmaking import PDF, UUID, codes, dispatch_of, packed, read, values, zipped

from edoc.core.dispatch import StatusUpdate
from edoc.errors import InputError
from edoc.packing import pack_status, unpack

FILES = (("a.pdf", PDF), ("b.txt", b"text"), ("c.txt", b""))


def told(package: bytes) -> list[tuple[str, ...]]:
    """What a package tells of its attachments."""
    found = re.findall(
        r'<edoc:AttachmentDigest ContentId="(.*?)" Size="(.*?)" SHA-256="(.*?)" />', package.decode()
    )
    return [tuple(each) for each in found]


def test_the_digests_of_all_attachments_are_told_as_the_recipient_shall_have_them() -> None:
    expected = [
        (f"cid:att-{number}", str(len(content)), hashlib.sha256(content).hexdigest())
        for number, (_, content) in enumerate(FILES, start=1)
    ]
    package = packed(values(), *FILES)
    assert told(package) == expected
    assert codes(package) == []
    assert dispatch_of(package).strays == ()


def test_they_stand_behind_what_the_reference_writes() -> None:
    ours = packed(values(document_id="x", business={"business_doc_type": "0"}), *FILES)
    theirs = packed(values(document_id="x", business={"business_doc_type": "0"}), *FILES, profile="reference")
    head, _, tail = ours.partition(b'  <edoc:AttachmentDigests xmlns:edoc="urn:edoc:package:1">\r\n')
    assert head + b"</edXML>\r\n" == theirs
    assert tail.endswith(b"  </edoc:AttachmentDigests>\r\n</edXML>\r\n")


def test_a_package_without_attachments_tells_of_none() -> None:
    assert b"AttachmentDigests" not in packed(values())


def test_another_content_is_reported() -> None:
    package = packed(values(), *FILES).replace(b"JVBERi0x", b"JVBERi0y")
    (warning,) = read(package).warnings
    assert (warning.code, "'a.pdf'" in warning.text) == ("DIGEST_DIFFERS", True)


def test_an_attachment_that_came_or_went_on_the_way_is_reported() -> None:
    package = packed(values(), *FILES).decode()
    name = re.compile(r"    <Attachment>\r\n      <ContentId>cid:att-2.*?</Attachment>\r\n", re.DOTALL)
    gone = name.sub("", package)
    assert "DIGEST_WITHOUT_ATTACHMENT" in codes(gone.encode())
    (entry,) = re.findall(r'    <edoc:AttachmentDigest ContentId="cid:att-2".*?\r\n', package)
    came = package.replace(entry, "")
    assert codes(came.encode()) == ["DIGEST_MISSING"]


def test_the_same_files_under_other_ids_are_no_difference() -> None:
    head, mark, tail = packed(values(), *FILES).partition(b"  <edoc:AttachmentDigests")
    assert codes(head.replace(b"cid:att-", b"cid:hub-") + mark + tail) == []


def test_contents_that_changed_their_places_are_reported() -> None:
    package = packed(values(), ("a.pdf", PDF), ("b.pdf", PDF + b"2"))
    first, second = (base64.b64encode(content) for content in (PDF, PDF + b"2"))
    swapped = package.replace(first, b"*").replace(second, first).replace(b"*", second)
    assert codes(swapped) == ["DIGEST_DIFFERS"] * 2


def test_what_looks_like_a_wrapping_and_was_packed_is_kept_as_it_was(tmp_path: Path) -> None:
    twice = zipped({f"{UUID}.xlsx": zipped({f"{UUID}.xlsx": b"sheet"})})
    package = packed(values(), ("a.xlsx", twice), ("b.zip", zipped({f"{UUID}.zip": b"x"})))
    assert codes(package) == ["CONTENT_MISMATCH"]  # a.xlsx is a zip, and no workbook
    unpack(io.BytesIO(package), into=tmp_path)
    assert (tmp_path / "a.xlsx").read_bytes() == twice


def test_an_element_of_that_name_elsewhere_is_none_of_ours() -> None:
    package = packed(values(), *FILES).replace(b"urn:edoc:package:1", b"urn:other")
    assert codes(package) == ["ELEMENT_KEPT"]


def test_our_profile_always_names_the_document_and_its_business() -> None:
    found = dispatch_of(packed(values()))
    assert found.document_id == "H99.01,2026/02/05,05/UBND-VP"
    assert found.business is not None
    assert found.business.business_doc_type == "0"


def test_our_profile_keeps_a_document_id_that_is_given() -> None:
    assert dispatch_of(packed(values(document_id="A,2026,000123"))).document_id == "A,2026,000123"


def test_the_reference_profile_adds_nothing() -> None:
    package = packed(values(), *FILES, profile="reference")
    found = dispatch_of(package)
    assert (found.document_id, found.business, told(package)) == ("", None, [])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"to": []}, "to"),
        ({"to": [{"organ_name": "B"}]}, "to[0].organ_id"),
        ({"from": {"organ_id": " "}}, "from.organ_id"),
        ({"promulgation_info": {}}, "promulgation_info.promulgation_date"),
        ({"code": {"code_number": "05"}}, "code.code_notation"),
        ({"business": {"business_doc_type": "7"}}, "business.business_doc_type"),
        ({"business": {"business_doc_type": "1"}}, "business.document_id"),
        ({"business": {"business_doc_type": "2"}}, "business.document_id"),
        ({"business": {"business_doc_type": "3"}}, "business.replacements"),
    ],
)
def test_what_our_profile_cannot_complete_is_refused(change: dict[str, Any], where: str) -> None:
    with pytest.raises(InputError) as raised:
        packed(values(**change))
    assert raised.value.where == where


def test_a_status_without_its_senders_code_is_refused_by_our_profile_alone() -> None:
    status = StatusUpdate.from_dict({"from": {}, "status_code": "01"})
    out = io.BytesIO()
    with pytest.raises(InputError):
        pack_status(status, out=out)
    pack_status(status, out=out, profile="reference")
    assert b"<edXML:From />" in out.getvalue()


def test_what_only_the_reference_writes_again_is_left_out() -> None:
    again = values(
        signature={"signature_value": "AA=="},
        form={"missing": ["steering_type"], "empty": ["content"], "content_ids": ["cid:cid:att-1"]},
    )
    assert packed(again, FILES[0]) == packed(values(content=" "), FILES[0])
