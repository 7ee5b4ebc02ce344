"""Our own reader: what it takes, what it leaves to the other one; and what an update appends."""

import io
from typing import Any

import pikepdf
import pytest
from pdfmaking import LETTER, change

from edoc.errors import PdfError
from edoc.pdf.document import open_pdf
from edoc.pdf.objects import text
from edoc.pdf.ordinary import OrdinaryReader, Unordinary

KINDS: dict[str, dict[str, Any]] = {
    "table": {"object_stream_mode": pikepdf.ObjectStreamMode.disable},
    "stream": {"object_stream_mode": pikepdf.ObjectStreamMode.generate},
    "linearized": {"linearize": True},
    "both": {"linearize": True, "object_stream_mode": pikepdf.ObjectStreamMode.generate},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_cross_reference_is_read(kind: str) -> None:
    reader = OrdinaryReader(io.BytesIO(change(**KINDS[kind])))
    assert reader.root["/Type"] == "/Catalog"
    assert reader.root["/Pages"]["/Count"] == 1


def extend(data: bytes) -> bytes:
    output = io.BytesIO()
    with open_pdf(io.BytesIO(data)) as document:
        revision = document.extend("test")
        revision.root["/Note"] = revision.add_object(text("ghi chú"))
        revision.mark(revision.root)
        revision.save(output)
    return output.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_an_update_appends_and_others_read_it(kind: str) -> None:
    data = change(**KINDS[kind])
    done = extend(data)
    assert done.startswith(data)
    with pikepdf.open(io.BytesIO(done)) as pdf:
        assert str(pdf.Root.Note) == "ghi chú"
        assert not pdf.check_pdf_syntax()


def test_the_same_inputs_give_the_same_bytes_and_other_inputs_another_identifier() -> None:
    assert extend(LETTER) == extend(LETTER)
    once, twice = extend(LETTER), extend(extend(LETTER))
    with pikepdf.open(io.BytesIO(once)) as one, pikepdf.open(io.BytesIO(twice)) as two:
        assert bytes(one.trailer.ID[0]) == bytes(two.trailer.ID[0])
        assert bytes(one.trailer.ID[1]) != bytes(two.trailer.ID[1])


def test_new_objects_never_replace_old_ones_whatever_size_says() -> None:
    data = change(**KINDS["table"])
    start = data.rindex(b"/Size ") + 6
    length = data[start:].index(b"/") if b"/" in data[start : start + 4] else len(data[start:].split()[0])
    lying = data[:start] + b"3".ljust(length) + data[start + length :]
    with pikepdf.open(io.BytesIO(extend(lying))) as pdf:
        assert len(pdf.pages) == 1
        assert "/Font" in pdf.pages[0].Resources


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (LETTER[:-6], "does not end with"),
        (b"junk" + LETTER, "begin with"),
        (LETTER.replace(b"startxref\n", b"startxref\n9"), "outside the file|no object"),
        (change(encryption=pikepdf.Encryption(owner="o"), deterministic_id=False), "encrypted"),
    ],
    ids=["cut", "junk before", "wrong start", "encrypted"],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_other_reader(broken: bytes, words: str) -> None:
    with pytest.raises(Unordinary, match=words):
        OrdinaryReader(io.BytesIO(broken))


def test_sections_that_go_in_a_circle_end() -> None:
    data = change(**KINDS["table"])
    start = int(data.split(b"startxref")[1].split()[0])
    at = data.rindex(b"/Size")
    circle = data[:at] + b"/Prev %d " % start + data[at:]
    with pytest.raises(Unordinary, match="circle"):
        OrdinaryReader(io.BytesIO(circle))


def test_input_that_qpdf_cannot_open_is_refused() -> None:
    loop = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    at = len(loop)
    loop += b"2 0 obj\n<</Type/Pages/Count 1/Kids[2 0 R]>>\nendobj\n"
    start = len(loop)
    loop += b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n%010d 00000 n \n" % at
    loop += b"trailer\n<</Root 1 0 R/Size 3>>\nstartxref\n%d\n%%%%EOF\n" % start
    with pytest.raises(PdfError):
        extend(loop)
