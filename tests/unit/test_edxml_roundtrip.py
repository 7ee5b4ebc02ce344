"""Any model becomes a package and the same model again, in both profiles; a package, the same bytes."""

import io
import json
from dataclasses import fields, replace
from datetime import date, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from edxmlmaking import named
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from edoc.core import dispatch as d
from edoc.core.dispatch import Dispatch, StatusUpdate
from edoc.core.zone import VIETNAM
from edoc.edxml.profile import complete
from edoc.packing import Unpacked, pack, pack_status, unpack

XSD = etree.XMLSchema(etree.parse(Path(__file__).resolve().parents[2] / "schemas/edxml.xsd"))
PROFILES = ("edoc", "reference")

# What XML carries: no control characters but these three, which the writer trims at the ends.
CHARACTERS = st.characters(
    min_codepoint=0x20, exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"
)
LOOSE = st.text(CHARACTERS | st.sampled_from("\t\r\n &<>\"'\u00a0\U0001f600"), max_size=12)
TEXT = LOOSE.map(lambda text: text.strip(" \t\r\n"))
NEEDED = TEXT.filter(str.strip)  # a code of no-break spaces alone is none
MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([VIETNAM, timezone(timedelta(hours=-3))]),
).map(lambda moment: moment.replace(microsecond=0).astimezone(VIETNAM))
INTEGERS = st.integers(0, 2**31 - 1)
NEVER_GIVEN = {"attachments": (), "strays": (), "form": None, "sha256": "", "size": None}
"""What reading alone finds out."""
FILES = st.lists(
    st.tuples(
        st.sampled_from(["a", "Tờ trình số 1", "x.y", "ÂM"]),
        st.sampled_from([".pdf", ".PDF", ".docx", ".xlsx", ".zip", ".txt", ".xsl", ".xslx", ""]),
        st.binary(max_size=50).map(lambda content: content and b"." + content),  # never a program
    ).map(lambda parts: (parts[0] + parts[1], parts[2])),
    max_size=3,
)


def values_of(hint: Any, text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Any value of a type that fields have; texts in lists are never empty, for these make no element."""
    scalars: dict[Any, st.SearchStrategy[Any]] = {
        str: text,
        int: INTEGERS,
        bool: st.booleans(),
        date: st.dates(),
        datetime: MOMENTS,
    }
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        return st.lists(text.filter(bool) if item is str else values_of(item, text), max_size=2).map(tuple)
    options = get_args(hint) or (hint,)
    found = [scalars[one] if one in scalars else records(one, text) for one in options if one is not NoneType]
    return st.one_of(*found, *([st.none()] if NoneType in options else []))


def records(kind: Any, text: st.SearchStrategy[str], **given_: Any) -> st.SearchStrategy[Any]:
    """Any record of that kind."""
    hints = get_type_hints(kind)
    chosen = {
        field.name: given_[field.name] if field.name in given_ else values_of(hints[field.name], text)
        for field in fields(kind)
        if field.name not in NEVER_GIVEN
    }
    return st.builds(kind, **chosen)


def messages(text: st.SearchStrategy[str], needed: st.SearchStrategy[str]) -> tuple[Any, Any]:
    agencies = records(d.Organization, text, organ_id=needed)
    dispatches = records(
        Dispatch,
        text,
        from_=agencies,
        to=st.lists(agencies, min_size=1, max_size=3).map(tuple),
        document_id=needed,
        signature=st.none(),
        trace_header_list=st.none() | records(d.TraceHeaderList, text, id=needed),
        business=st.none()
        | records(
            d.Business,
            text,
            document_id=needed,
            business_doc_type=st.sampled_from("0123"),
            replacements=st.lists(records(d.Replacement, text), min_size=1, max_size=2).map(tuple),
        ),
    )
    statuses = records(StatusUpdate, text, from_=agencies, status_code=needed, signature=st.none())
    return dispatches, statuses


DISPATCHES, STATUSES = messages(TEXT, NEEDED)
LOOSE_DISPATCHES, LOOSE_STATUSES = messages(LOOSE, LOOSE)


def write(message: Any, files: list[tuple[str, bytes]], profile: str) -> bytes:
    out = io.BytesIO()
    if isinstance(message, StatusUpdate):
        pack_status(message, out=out, profile=profile)
    else:
        pack(message, attach=[named(*file) for file in files], out=out, profile=profile)
    package = out.getvalue()
    assert XSD.validate(etree.fromstring(package)), XSD.error_log
    return package


def read(package: bytes) -> Unpacked:
    return unpack(io.BytesIO(package))


@pytest.mark.parametrize("profile", PROFILES)
@given(dispatch=DISPATCHES, files=FILES)
def test_a_dispatch_comes_out_as_it_went_in(
    dispatch: Dispatch, files: list[tuple[str, bytes]], profile: str
) -> None:
    found = read(write(dispatch, files, profile)).dispatch
    assert found is not None
    assert [(one.name, one.size, one.sha256) for one in found.attachments] == [
        (name, len(content), sha256(content).hexdigest()) for name, content in files
    ]
    assert replace(found, attachments=()) == (complete(dispatch) if profile == "edoc" else dispatch)


@pytest.mark.parametrize("profile", PROFILES)
@given(status=STATUSES)
def test_a_status_comes_out_as_it_went_in(status: StatusUpdate, profile: str) -> None:
    assert read(write(status, [], profile)).status == status


@given(dispatch=DISPATCHES, status=STATUSES)
def test_the_json_means_the_same(dispatch: Dispatch, status: StatusUpdate) -> None:
    assert Dispatch.from_dict(json.loads(json.dumps(dispatch.to_dict()))) == dispatch
    assert StatusUpdate.from_dict(json.loads(json.dumps(status.to_dict()))) == status


def signed(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    reference = records(d.SignedReference, text)
    return st.none() | records(d.Signature, text, references=st.lists(reference, max_size=2).map(tuple))


NEGATIVE = st.integers(-5, 2**31 - 1)


@given(
    dispatch=LOOSE_DISPATCHES,
    files=FILES,
    kind=st.builds(d.DocumentType, type=NEGATIVE, type_detail=NEGATIVE, type_name=LOOSE),
    steering=NEGATIVE,
    signature=signed(TEXT),
    organ_id=LOOSE,
)
def test_whatever_the_reference_could_write_is_written_again_to_the_same_bytes(
    dispatch: Dispatch,
    files: list[tuple[str, bytes]],
    kind: d.DocumentType,
    steering: int,
    signature: d.Signature | None,
    organ_id: str,
) -> None:
    given_ = replace(
        dispatch,
        document_type=kind,
        steering_type=steering,
        signature=signature,
        to=(d.Organization(organ_id=organ_id), *dispatch.to),
    )
    package = write(given_, files, "reference")
    found = Dispatch.from_dict(json.loads(json.dumps(read(package).to_dict())))
    again = [(one.name, content) for one, (_, content) in zip(found.attachments, files, strict=True)]
    assert write(found, again, "reference") == package


@given(status=LOOSE_STATUSES.filter(lambda status: status.status_code.strip()), signature=signed(TEXT))
def test_so_is_any_status(status: StatusUpdate, signature: d.Signature | None) -> None:
    package = write(replace(status, signature=signature), [], "reference")
    found = StatusUpdate.from_dict(json.loads(json.dumps(read(package).to_dict())))
    assert write(found, [], "reference") == package


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cid:att-1", "cid:cid:att-1"),
        ("<edXML:ContentId>cid:", "<edXML:ContentId>cid:cid:"),
        ("<edXML:ContentType>application/zip<", "<edXML:ContentType>application/pdf<"),
        ("        <edXML:SteeringType>0</edXML:SteeringType>\r\n", ""),
        (
            "DocumentType>\r\n          <edXML:Type>1</edXML:Type>\r\n        </edXML:DocumentType>",
            "DocumentType />",
        ),
        ("<edXML:ToPlaces>\r\n", "<edXML:ToPlaces>\r\n          <edXML:Place />\r\n"),
        (
            "        </edXML:ToPlaces>",
            "          <edXML:Place />\r\n          <edXML:Place />\r\n        </edXML:ToPlaces>",
        ),
        ("        <edXML:ToPlaces>\r\n", "        <edXML:ResponseForTask />\r\n        <edXML:ToPlaces>\r\n"),
    ],
)
def test_what_relays_leave_behind_is_written_again_too(old: str, new: str) -> None:
    dispatch = Dispatch(from_=d.Organization(organ_id="A"), to=(d.Organization(),), to_places=("X", "Y"))
    files = [("a.pdf", b"%PDF-1.7\n"), ("b.doc", b"")]
    package = write(dispatch, files, "reference").decode()
    assert old in package
    relayed = package.replace(old, new).encode()
    found = Dispatch.from_dict(read(relayed).to_dict())
    assert write(found, files, "reference") == relayed


def test_a_form_that_no_longer_fits_is_passed_over() -> None:
    dispatch = Dispatch(
        from_=d.Organization(organ_id="A"),
        to=(d.Organization(organ_id="B"),),
        form=d.Form(
            empty=("to[7].fax", "nothing", "subject"),
            content_ids=("CID:cid:att-1",),
            reference_ids=("cid:a", "cid:b"),
            reference_types=("x", "y"),
        ),
        subject="S",
    )
    plain = replace(dispatch, form=None)
    assert write(dispatch, [("a.pdf", b"")], "reference") == write(plain, [("a.pdf", b"")], "reference")
