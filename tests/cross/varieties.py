"""Hundreds of PDFs that differ in everything PDFs differ in, the same ones each time."""

import io
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pikepdf
from pikepdf import ObjectStreamMode
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfgen import canvas

PASSWORD: Final = "open sesame"
_OBJECT_STREAMS: Final = (ObjectStreamMode.disable, ObjectStreamMode.generate, ObjectStreamMode.preserve)
_CIPHERS: Final[tuple[dict[str, Any], ...]] = (
    {"R": 3, "aes": False, "metadata": False},
    {"R": 4, "aes": True},
    {"R": 6, "aes": True},
)


@dataclass(frozen=True, slots=True)
class Variety:
    """One PDF."""

    name: str
    data: bytes
    password: str | None = None


def make_all(count: int) -> Iterator[Variety]:
    """Make so many."""
    makers = (_plain, _form, _turned, _updated, _by_hand, _hybrid, _encrypted)
    for number in itertools.count():
        if number >= count:
            return
        dice = random.Random(number)
        # By hand and hybrid forms are few in kind; saved ones differ in everything.
        maker = makers[number % len(makers)]
        yield maker(dice, f"{number:03} {maker.__name__.strip('_')}")


def _draw(dice: random.Random, *, fields: bool = False) -> bytes:
    output = io.BytesIO()
    size = landscape(A4) if dice.random() < 0.2 else A4
    page = canvas.Canvas(output, pagesize=size, pageCompression=dice.randrange(2), invariant=1)
    page.setTitle(f"Title {dice.randrange(1000)} \\ ( )")
    for number in range(dice.choice((1, 1, 2, 3, 40))):
        page.drawString(72, 500, f"page {number} {dice.random()}")
        if fields and number == 0:
            for name in range(dice.choice((1, 2, 12))):
                page.acroForm.textfield(name=f"text{name}", value="x", x=72, y=100 + 20 * name)
            page.acroForm.checkbox(name="box", checked=True, x=300, y=100)
        page.showPage()
    page.save()
    return output.getvalue()


def _save(dice: random.Random, pdf: pikepdf.Pdf, **more: Any) -> bytes:
    output = io.BytesIO()
    options: dict[str, Any] = {
        "object_stream_mode": dice.choice(_OBJECT_STREAMS),
        "linearize": dice.random() < 0.3,
        "qdf": dice.random() < 0.15,
        "compress_streams": dice.random() < 0.7,
        "min_version": dice.choice(("1.3", "1.4", "1.5", "1.7", "2.0")),
        "deterministic_id": True,
        **more,
    }
    if options["qdf"]:
        options["linearize"] = False
    if "encryption" in options:
        del options["deterministic_id"]
    pdf.save(output, **options)
    return output.getvalue()


def _resave(dice: random.Random, data: bytes) -> bytes:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return _save(dice, pdf)


def _plain(dice: random.Random, name: str) -> Variety:
    data = _draw(dice)
    data = data if dice.random() < 0.2 else _resave(dice, data)
    end = dice.choice((b"", b"\n", b"\r\n", b"\n\n  \n"))
    return Variety(name, data.rstrip() + end)


def _form(dice: random.Random, name: str) -> Variety:
    with pikepdf.open(io.BytesIO(_draw(dice, fields=True))) as pdf:
        form = pdf.Root.AcroForm
        kind = dice.randrange(5)
        if kind == 0:  # direct, with a hierarchy
            parent = pdf.make_indirect(pikepdf.Dictionary(T=pikepdf.String("cha"), Kids=form.Fields))
            for field in form.Fields:
                field.Parent = parent
            form.Fields = pikepdf.Array([parent])
        elif kind == 1:
            form.Fields = pdf.make_indirect(form.Fields)
        elif kind == 2:
            pdf.Root.AcroForm = pdf.make_indirect(form)
            pdf.pages[0].Annots = pdf.make_indirect(pdf.pages[0].Annots)
        elif kind == 3:
            form.Fields.append(_make_signature_field(pdf))
        else:
            form.SigFlags = 1
        return Variety(name, _save(dice, pdf))


def _make_signature_field(pdf: pikepdf.Pdf) -> pikepdf.Object:
    return pdf.make_indirect(
        pikepdf.Dictionary(
            FT=pikepdf.Name.Sig,
            T=pikepdf.String("chữ ký"),
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            Rect=pikepdf.Array([0, 0, 0, 0]),
            F=132,
        )
    )


def _turned(dice: random.Random, name: str) -> Variety:
    with pikepdf.open(io.BytesIO(_draw(dice))) as pdf:
        for page in pdf.pages:
            page.Rotate = dice.choice((0, 90, 180, 270))
            page.CropBox = pikepdf.Array([10, 20, 400, 500])
        if dice.random() < 0.5:  # inherited from the tree
            pdf.Root.Pages.MediaBox = pdf.pages[0].MediaBox
            del pdf.pages[0].MediaBox
        return Variety(name, _save(dice, pdf))


def _updated(dice: random.Random, name: str) -> Variety:
    data = _resave(dice, _draw(dice))
    for number in range(dice.choice((1, 2, 5))):
        data = _append_update(data, number)
    return Variety(name, data)


def _append_update(data: bytes, number: int) -> bytes:
    """A later revision, as another program appends it."""
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    make: Any = IncrementalPdfFileWriter
    writer = make(io.BytesIO(data))
    text: Any = generic.pdf_string
    writer.root["/Note"] = writer.add_object(text(f"lần {number}"))
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def _by_hand(dice: random.Random, name: str) -> Variety:
    """Legal, and odd: comments, white space, escapes, generations, gaps, no version number to speak of."""
    gap = dice.choice((b" ", b"\r\n", b"\t", b" % so ) >> be it\n", b"\x00\x0c "))
    line = dice.choice((b"\n", b"\r\n", b"\r"))
    generation = dice.choice((0, 0, 3))
    first = dice.choice((1, 1, 50))
    bodies = {
        first: b"<<%b/Type/Catalog%b/Pages %d 0 R/Na#6de(a\\(b\\051\\\n)>>" % (gap, gap, first + 1),
        first + 1: b"<</Type%b/Pages/Count 1/Kids[%b%d %d R]>>" % (gap, gap, first + 2, generation),
        first + 2: b"<</Type/Page/Parent %d 0 R/MediaBox[.0 -0 +595.5 842.]/Resources<<>>%b/Contents %d 0 R>>"
        % (first + 1, gap, first + 3),
        first + 3: b"<</Length %d 0 R>>stream\nq Q\nendstream" % (first + 4),
        first + 4: b"3",
    }
    data = b"%%PDF-1.%d%b%%\xe2\xe3\xcf\xd3%b" % (dice.choice((3, 4, 6, 7)), line, line)
    offsets = {}
    for number, body in bodies.items():
        offsets[number] = len(data)
        data += b"%d %d obj%b%b%bendobj%b" % (
            number,
            generation if number == first + 2 else 0,
            gap,
            body,
            line,
            line,
        )
    start = len(data)
    eol = {b"\n": b" \n", b"\r": b" \r", b"\r\n": b"\r\n"}[line]
    rows = b"".join(
        b"%010d %05d n%b" % (at, generation if number == first + 2 else 0, eol)
        for number, at in offsets.items()
    )
    data += b"xref%b0 1%b0000000000 65535 f%b%d %d%b%b" % (line, line, eol, first, len(bodies), line, rows)
    data += b"trailer%b<</Root %d 0 R/Size %d>>%bstartxref%b%d%b%%%%EOF" % (
        line,
        first,
        first + len(bodies),
        line,
        line,
        start,
        line,
    )
    return Variety(name, data)


def _hybrid(dice: random.Random, name: str) -> Variety:
    """A table for old readers, and a stream beside it with what they need not see (ISO 32000-2, 7.5.8.4)."""
    words = f"(hidden {dice.randrange(1000)})".encode()
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R/Note 6 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    ]
    data, offsets = b"%PDF-1.5\n", []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    packed = len(data)
    inner = b"6 0 " + words
    data += b"4 0 obj\n<</Type/ObjStm/N 1/First 4/Length %d>>stream\n%b\nendstream\nendobj\n" % (
        len(inner),
        inner,
    )
    section = len(data)
    rows = b"\x01" + packed.to_bytes(4) + b"\x00" + b"\x02" + (4).to_bytes(4) + b"\x00"
    data += (
        b"5 0 obj\n<</Type/XRef/W[1 4 1]/Index[4 1 6 1]/Size 7/Length %d>>stream\n%b\nendstream\nendobj\n"
        % (
            len(rows),
            rows,
        )
    )
    start = len(data)
    table = b"".join(b"%010d 00000 n \n" % at for at in offsets)
    free = b"0000000000 65535 f \n" * 3
    data += b"xref\n0 1\n0000000000 65535 f \n1 3\n%b4 3\n%b" % (table, free)
    data += b"trailer\n<</Root 1 0 R/Size 7/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n" % (section, start)
    return Variety(name, data)


def _encrypted(dice: random.Random, name: str) -> Variety:
    with pikepdf.open(io.BytesIO(_draw(dice))) as pdf:
        cipher = pikepdf.Encryption(user=PASSWORD, owner="owner", **dice.choice(_CIPHERS))
        return Variety(name, _save(dice, pdf, encryption=cipher, min_version="1.7"), PASSWORD)
