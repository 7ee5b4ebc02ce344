"""What a package carries and a node does not take: its sender is answered with status 02 and every reason."""

import io
import struct
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import pytest

from edoc.core.dispatch import Dispatch, StatusUpdate
from edoc.core.lifecycle import State
from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLE_PDF, SAMPLES
from edoc.devpki.hierarchy import DevPki
from edoc.node import clerk, collecting, steps, tasks
from edoc.node.node import Node
from edoc.packing import pack, unpack

PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\x00\x00" + bytes(100)


@pytest.fixture
def nodes(tmp_path: Path, pki: DevPki, request: pytest.FixtureRequest) -> Iterator[tuple[Node, Node]]:
    """Agency A, and agency B with the settings that the test asks for."""
    folders = make_nodes(
        tmp_path,
        pki=pki.folder,
        seal_image=SAMPLES / "seal-a.png",
        tsa="http://127.0.0.1:9/tsa",
        backings=(Backing(), Backing()),
    )
    with (folders[1] / "edoc.toml").open("a", encoding="utf-8") as settings:
        settings.write(f"\n[exchange]\n{getattr(request, 'param', '')}\n")
    with ExitStack() as stack:
        a, b = (stack.enter_context(Node.open(folder)) for folder in folders)
        yield a, b


def settings(text: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("nodes", [text], indirect=True, ids=[text])


def docx(*, macros: bool) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("word/document.xml", *(("word/vbaProject.bin",) if macros else ())):
            archive.writestr(name, b"<x/>")
    return out.getvalue()


def package(**files: bytes) -> bytes:
    """A package of agency A to agency B; the names of files have `_` for the dot."""
    dispatch = Dispatch.from_dict(
        {
            "from": {"organ_id": "H99.01", "organ_name": "Ủy ban nhân dân tỉnh A"},
            "to": [{"organ_id": "H99.02"}],
            "document_id": "H99.01,2026/02/05,05/UBND-VP",
            "code": {"code_number": "05", "code_notation": "UBND-VP"},
            "attachments": [{"name": name.replace("_", ".")} for name in files],
        }
    )
    out = io.BytesIO()
    pack(dispatch, attach=[io.BytesIO(content) for content in files.values()], out=out)
    return out.getvalue()


def answers(nodes: tuple[Node, Node], data: bytes) -> dict[str, StatusUpdate]:
    """Send a package from A, let B do all its work, and return what came back, by status code."""
    a, b = nodes
    a.transport.send(to="H99.02", message_id="m-1", source=io.BytesIO(data))
    while collecting.collect(b) or sum(steps.run(b, task) for task in tasks.due(b.journal)):
        pass
    found = {}
    for parcel in a.transport.waiting():
        with a.transport.open(parcel) as source:
            status = unpack(source).status
        assert status is not None
        found[status.status_code] = status
    return found


def test_a_package_with_programs_is_answered_with_every_reason(nodes: tuple[Node, Node]) -> None:
    data = package(a_pdf=SAMPLE_PDF.read_bytes(), setup_exe=PE, b_docx=docx(macros=True), c_pdf=PE)
    found = answers(nodes, data)
    assert set(found) == {"01", "02"}
    said = found["02"].description
    assert "Tệp đính kèm 'setup.exe' là chương trình thực thi (pe)" in said
    assert "the attachment 'c.pdf' is a program (pe)" in said
    assert "b.docx" not in said  # macros are pointed out; agencies send each other tables with them
    assert found["02"].response_for.document_id == "H99.01,2026/02/05,05/UBND-VP"
    (arrived,) = clerk.documents(nodes[1], direction="incoming")
    assert arrived.state == State.REFUSED
    assert "register" not in [entry.event for entry in clerk.story(nodes[1], arrived.id)]


def test_nothing_of_what_is_refused_leaves_the_package(nodes: tuple[Node, Node]) -> None:
    answers(nodes, package(a_pdf=SAMPLE_PDF.read_bytes(), setup_exe=PE))
    b = nodes[1]
    for content in (PE, SAMPLE_PDF.read_bytes()):
        assert not b.objects.holds(sha256(content).hexdigest())


@settings('refuse = ["scripts", "macros"]\nrefuse_extensions = [".TXT"]')
def test_what_is_refused_is_a_setting(nodes: tuple[Node, Node]) -> None:
    files = {"a_txt": b"text", "setup_exe": PE, "b_docx": docx(macros=True), "c_html": b"<html>"}
    said = answers(nodes, package(**files))["02"].description
    assert "Tệp đính kèm 'a.txt' thuộc loại không nhận (.txt)" in said
    assert "Tệp đính kèm 'c.html' là hoặc có chứa mã kịch bản" in said
    assert "Tệp đính kèm 'b.docx' có macro (docx)" in said
    assert "setup.exe" not in said


def test_an_attachment_that_was_changed_on_the_way_is_refused_by_name(nodes: tuple[Node, Node]) -> None:
    said = answers(nodes, changed())["02"].description
    assert "Tệp đính kèm 'bang.txt' không phải là tệp đã được đóng gói" in said


@settings("refuse_changed = false")
def test_a_node_may_take_changed_attachments(nodes: tuple[Node, Node]) -> None:
    said = answers(nodes, changed())["02"].description  # the PDF is not signed
    assert "bang.txt" not in said


def changed() -> bytes:
    files = {"a_pdf": SAMPLE_PDF.read_bytes(), "bang_txt": b"before"}
    before, after = (sha256(content).hexdigest().encode() for content in (b"before", b"after"))
    return package(**{**files, "bang_txt": b"after"}).replace(after, before)
