"""Pack and unpack: what goes in comes out, the same every time, and failures leave nothing."""

import io
import json
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from edxmlmaking import PDF, dispatch_of, packed, values
from hypothesis import given
from hypothesis import strategies as st

from edoc.core import dispatch as d
from edoc.core.dispatch import Attachment, Dispatch, is_status
from edoc.core.zone import VIETNAM
from edoc.errors import InputError, PackageError
from edoc.packing import Unpacked, load_dispatch, load_status, pack, unpack

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["from", "to", "organ_id", "code", "x"]), inner)
    ),
)


@given(
    st.dictionaries(st.sampled_from(["from", "to", "code", "due_date", "trace_headers", "business"]), JSON)
)
def test_any_json_is_a_dispatch_or_refused(found: dict[str, Any]) -> None:
    try:
        dispatch = Dispatch.from_dict(found)
    except InputError:
        return
    assert Dispatch.from_dict(dispatch.to_dict()) == dispatch


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"to": {"organ_id": "x"}}, "to: {'organ_id': 'x'} is not a list."),
        ({"from": None}, "from: this is missing."),
        ({"code": "05/UBND"}, "code: '05/UBND' is not an object."),
        ({"due_date": "05/02/2026"}, "due_date: '05/02/2026' is not a date as 2026-03-05."),
        ({"document_type": {"type": "2"}}, "document_type.type: '2' is not a whole number."),
        ({"document_type": {"type": True}}, "document_type.type: True is not a whole number."),
        ({"other_info": {"direction": 1}}, "other_info.direction: 1 is not true or false."),
        ({"trace_headers": [{"timestamp": "noon"}]}, "trace_headers[0].timestamp: 'noon' is not a time"),
        ({"subject": "a\x00b"}, "subject: the character U+0000 cannot stand in a package."),
        ({"bussiness": {}}, "bussiness: this key is unknown. Known are: from, to,"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as raised:
        Dispatch.from_dict(values(**change))
    assert said in str(raised.value)


def test_null_stands_for_absent() -> None:
    assert Dispatch.from_dict(values(due_date=None, business=None)) == Dispatch.from_dict(values())


def test_a_status_is_told_from_a_dispatch_by_its_code() -> None:
    assert is_status({"status_code": "01"})
    assert not is_status(values())


def test_the_same_inputs_give_the_same_bytes() -> None:
    files = [("a.pdf", PDF), ("b.txt", b"text" * 1000)]
    assert packed(values(), *files) == packed(values(), *files)


def test_what_was_packed_is_what_was_said(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(PDF)
    done = pack(Dispatch.from_dict(values()), attach=[tmp_path / "a.pdf"], out=tmp_path / "out.edxml")
    written = (tmp_path / "out.edxml").read_bytes()
    assert (done.sha256, done.size) == (sha256(written).hexdigest(), len(written))
    found = unpack(tmp_path / "out.edxml")
    assert (found.sha256, found.size) == (done.sha256, done.size)


def test_files_are_matched_by_position_and_the_rest_get_names_and_ids() -> None:
    dispatch = values(attachments=[{"name": "Công văn.pdf", "content_id": "att-2", "description": "Chính"}])
    found = dispatch_of(packed(dispatch, ("17", PDF), ("annex.pdf", PDF)))
    assert [(one.content_id, one.name, one.description) for one in found.attachments] == [
        ("att-2", "Công văn.pdf", "Chính"),
        ("att-3", "annex.pdf", ""),
    ]


def test_an_attachment_without_its_file_is_refused() -> None:
    with pytest.raises(InputError, match="names 1 attachments, but 0 files"):
        packed(values(attachments=[{"name": "a.pdf"}]))


def test_a_file_that_is_not_the_one_described_is_refused(tmp_path: Path) -> None:
    dispatch = Dispatch.from_dict(
        values(attachments=[{"name": "a.pdf", "sha256": sha256(b"other").hexdigest()}])
    )
    with pytest.raises(InputError) as raised:
        pack(dispatch, attach=[io.BytesIO(PDF)], out=tmp_path / "out.edxml")
    assert raised.value.where == "attachments[0].sha256"
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_older_package_untouched(tmp_path: Path) -> None:
    out = tmp_path / "out.edxml"
    out.write_text("older")
    with pytest.raises(FileNotFoundError):
        pack(Dispatch.from_dict(values()), attach=[tmp_path / "missing.pdf"], out=out)
    assert out.read_text() == "older"
    assert list(tmp_path.iterdir()) == [out]


class Pipe(io.BytesIO):
    """A stream that can be read once only, as a pipe."""

    name = "annex.xlsx"

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def test_file_objects_are_taken_for_paths_even_pipes(tmp_path: Path) -> None:
    out = io.BytesIO()
    pack(Dispatch.from_dict(values()), attach=[Pipe(b"PK\x03\x04sheet")], out=out)
    assert out.getvalue() == packed(values(), ("annex.xlsx", b"PK\x03\x04sheet"))
    found = unpack(Pipe(out.getvalue()), into=tmp_path)
    assert contents(found, tmp_path) == {"annex.xlsx": b"PK\x03\x04sheet"}


def test_a_nameless_file_object_needs_an_entry() -> None:
    with pytest.raises(InputError) as raised:
        pack(Dispatch.from_dict(values()), attach=[io.BytesIO(PDF)], out=io.BytesIO())
    assert raised.value.where == "attachments[0].name"


def test_two_attachments_of_one_name_are_both_kept(tmp_path: Path) -> None:
    package = packed(values(), ("a.pdf", b"%PDF-one"), ("A.pdf", b"%PDF-big"), ("a.pdf", b"%PDF-two"))
    found = unpack(io.BytesIO(package), into=tmp_path)
    assert contents(found, tmp_path) == {"a.pdf": b"%PDF-one", "A.pdf": b"%PDF-big", "a (2).pdf": b"%PDF-two"}


def test_unpacking_twice_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("mine")
    for number in (2, 3):
        found = unpack(io.BytesIO(packed(values(), ("a.pdf", PDF))), into=tmp_path)
        assert contents(found, tmp_path) == {f"a ({number}).pdf": PDF}
    assert (tmp_path / "a.pdf").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3


def contents(found: Unpacked, folder: Path) -> dict[str, bytes]:
    assert found.dispatch is not None
    return {str(one.path): (folder / str(one.path)).read_bytes() for one in found.dispatch.attachments}


def test_without_a_folder_attachments_are_only_hashed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = dispatch_of(packed(values(), ("a.pdf", PDF), ("b.txt", b"text")))
    assert [one.sha256 for one in found.attachments] == [sha256(c).hexdigest() for c in (PDF, b"text")]
    assert [one.path for one in found.attachments] == [None, None]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(InputError, match="'edoc' or 'reference'"):
        packed(values(), profile="bkav")


def test_json_is_loaded_from_paths_and_file_objects(tmp_path: Path) -> None:
    path = tmp_path / "dispatch.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(values()).encode())
    with path.open("rb") as stream:
        assert load_dispatch(path) == load_dispatch(str(path)) == load_dispatch(stream)
    status = {"from": {"organ_id": "B"}, "status_code": "01", "timestamp": "2026-03-05T10:20:30+07:00"}
    assert load_status(io.BytesIO(json.dumps(status).encode())).timestamp == datetime(
        2026, 3, 5, 10, 20, 30, tzinfo=VIETNAM
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{,}", "line 1, column 2: this is not JSON"),
        (b"[]", "not an object"),
        (b"\xff\xfe", "nor any text in UTF-8"),
        (b'{"steering_type": ' + b"1" * 5000 + b"}", "too long"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"status_code": "01"}', "this is a status, not a dispatch"),
        (b'{"from": {"organ_id": 1}}', "from.organ_id: 1 is not a text"),
    ],
)
def test_json_that_is_no_dispatch_is_refused_with_its_place(text: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "dispatch.json"
    path.write_bytes(text)
    with pytest.raises(InputError) as raised:
        load_dispatch(path)
    assert str(path) in str(raised.value)
    assert said in str(raised.value)


def test_an_unreadable_package_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.edxml"
    path.write_bytes(b"<edXML>")
    with pytest.raises(PackageError) as raised:
        unpack(path)
    assert raised.value.where == f"{path}, line 1, in edXML"


def test_records_are_values() -> None:
    one = Attachment(name="a.pdf")
    assert one == Attachment(name="a.pdf")
    assert len({d.PromulgationInfo(promulgation_date=date(2026, 2, 5)) for _ in range(2)}) == 1
    with pytest.raises(AttributeError):
        one.name = "b.pdf"  # type: ignore[misc]
