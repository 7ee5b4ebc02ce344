"""Unsigned documents with everything that an attacker could reach for.

Fonts of each kind, layers, a picture, a form, an outline, two pages; and what somebody prepares before
another one signs.
"""

import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pikepdf
from fontTools import subset
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name, Stream, String

_FONTS: Final = Path(__file__).resolve().parents[2] / "edoc" / "fonts"
WIDTH, HEIGHT = 595, 842
AMOUNT_BOX: Final = (72.0, 560.0, 240.0, 580.0)
NOTE_BOX: Final = (72.0, 530.0, 240.0, 550.0)
AGREE_BOX: Final = (260.0, 560.0, 280.0, 580.0)
KIND_BOX: Final = (300.0, 560.0, 420.0, 580.0)
TEXT_BOX: Final = (70.0, 600.0, 400.0, 760.0)
"""Where page 1 says what it is about."""

CONTENT: Final = b"""q
BT /F1 14 Tf 72 740 Td (We agree to pay 100 dong) Tj ET
BT /F2 14 Tf 72 715 Td <0102> Tj ET
BT /F3 14 Tf 72 690 Td (Approved on the first day) Tj ET
/OC /Layer BDC BT /F1 12 Tf 72 665 Td (This clause is in force) Tj ET EMC
/OC /Other BDC BT /F1 12 Tf 72 645 Td (This clause is withdrawn) Tj ET EMC
q 120 0 0 30 72 605 cm /Picture Do Q
/Shape Do
Q
"""
SECOND: Final = b"BT /F1 14 Tf 72 740 Td (Annex: the terms of payment) Tj ET\n"
METADATA: Final = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
    b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/></x:xmpmeta>"
)
_TYPE3_A: Final = b"800 0 0 0 700 700 d1 0 0 200 700 re 0 0 600 150 re f"
_TYPE3_B: Final = b"800 0 0 0 700 700 d1 0 0 600 150 re 200 0 200 700 re f"

Change = Callable[[pikepdf.Pdf], None]


@functools.cache
def draft(*changes: Change, packed: bool = False) -> bytes:
    """Give the document, after changes that its author makes before anybody signs."""
    pdf = _compose()
    for change in changes:
        change(pdf)
    output = io.BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if packed else pikepdf.ObjectStreamMode.disable
    pdf.save(output, deterministic_id=True, object_stream_mode=mode, compress_streams=packed)
    return output.getvalue()


def _compose() -> pikepdf.Pdf:
    pdf = pikepdf.new()
    layers = [pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String(name))) for name in ("Layer", "Other")]
    resources = Dictionary(
        Font=_make_fonts(pdf),
        XObject=Dictionary(Picture=_make_picture(pdf), Shape=_make_shape(pdf)),
        Properties=Dictionary(Layer=layers[0], Other=layers[1]),
    )
    shared = pdf.make_indirect(resources)
    for content in (CONTENT, SECOND):
        page = pdf.add_blank_page(page_size=(WIDTH, HEIGHT)).obj
        page.Contents = pdf.make_stream(content)
        page.Resources = shared
    pdf.Root.OCProperties = pdf.make_indirect(
        Dictionary(
            OCGs=Array(layers),
            D=Dictionary(BaseState=Name.ON, ON=Array(layers[:1]), OFF=Array(layers[1:]), Order=Array(layers)),
        )
    )
    _add_form(pdf)
    _add_furniture(pdf)
    return pdf


def _make_fonts(pdf: pikepdf.Pdf) -> Any:
    encoding = pdf.make_indirect(Dictionary(Type=Name.Encoding, BaseEncoding=Name.WinAnsiEncoding))
    plain = Dictionary(
        Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=encoding, FirstChar=32
    )
    plain.LastChar, plain.Widths = 126, pdf.make_indirect(Array([556] * 95))
    del plain["/FirstChar"], plain["/LastChar"], plain["/Widths"]
    shapes = Dictionary(a=pdf.make_stream(_TYPE3_A), b=pdf.make_stream(_TYPE3_B))
    drawn = Dictionary(
        Type=Name.Font,
        Subtype=Name.Type3,
        FontBBox=Array([0, 0, 800, 800]),
        FontMatrix=Array([0.001, 0, 0, 0.001, 0, 0]),
        CharProcs=pdf.make_indirect(shapes),
        Encoding=pdf.make_indirect(Dictionary(Type=Name.Encoding, Differences=Array([1, Name.a, Name.b]))),
        FirstChar=1,
        LastChar=2,
        Widths=pdf.make_indirect(Array([800, 800])),
        Resources=Dictionary(),
    )
    return Dictionary(
        F1=pdf.make_indirect(plain), F2=pdf.make_indirect(drawn), F3=pdf.make_indirect(_make_embedded(pdf))
    )


@functools.cache
def cut_font(name: str = "Regular") -> bytes:
    """Give a small TrueType font with the letters that the documents use."""
    options = subset.Options(layout_features=[], hinting=False, drop_tables=["FFTM"])
    output = io.BytesIO()
    with TTFont(_FONTS / f"LiberationSerif-{name}.ttf") as font:
        cutter = subset.Subsetter(options)
        cutter.populate(text="Approved on the first dayRejc0123456789 ")
        cutter.subset(font)
        font.save(output)
    return output.getvalue()


def _make_embedded(pdf: pikepdf.Pdf) -> Any:
    font = pdf.make_stream(cut_font())
    descriptor = Dictionary(
        Type=Name.FontDescriptor,
        FontName=Name("/ABCDEF+Serif"),
        Flags=32,
        FontBBox=Array([-200, -300, 1200, 1000]),
        ItalicAngle=0,
        Ascent=891,
        Descent=-216,
        CapHeight=660,
        StemV=80,
        FontFile2=font,
    )
    return Dictionary(
        Type=Name.Font,
        Subtype=Name.TrueType,
        BaseFont=Name("/ABCDEF+Serif"),
        Encoding=Name.WinAnsiEncoding,
        FirstChar=32,
        LastChar=126,
        Widths=pdf.make_indirect(Array([500] * 95)),
        FontDescriptor=pdf.make_indirect(descriptor),
    )


def _make_picture(pdf: pikepdf.Pdf) -> Any:
    picture = pdf.make_stream(bytes(range(0, 240, 20)) * 3)
    picture.Type, picture.Subtype = Name.XObject, Name.Image
    picture.Width, picture.Height, picture.BitsPerComponent = 4, 3, 8
    picture.ColorSpace = Name.DeviceRGB
    return picture


def _make_shape(pdf: pikepdf.Pdf) -> Any:
    shape = pdf.make_stream(b"0 0 1 rg 420 700 60 40 re f")
    shape.Type, shape.Subtype, shape.BBox = Name.XObject, Name.Form, Array([0, 0, WIDTH, HEIGHT])
    shape.Resources = Dictionary()
    return shape


def _add_form(pdf: pikepdf.Pdf) -> None:
    page = pdf.pages[0].obj
    helvetica = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    resources = pdf.make_indirect(Dictionary(Font=Dictionary(Helv=helvetica)))
    pdf.Root.AcroForm = pdf.make_indirect(Dictionary(DR=resources, DA=String("/Helv 10 Tf 0 g")))
    made = [
        _widget(pdf, page, "Amount", Name.Tx, AMOUNT_BOX, V=String("100"), AP=_look(pdf, AMOUNT_BOX, b"100")),
        _widget(pdf, page, "Note", Name.Tx, NOTE_BOX),
        _widget(
            pdf,
            page,
            "Agree",
            Name.Btn,
            AGREE_BOX,
            V=Name.Off,
            AS=Name.Off,
            AP=Dictionary(
                N=Dictionary(Yes=_mark(pdf, AGREE_BOX, b"X"), Off=_mark(pdf, AGREE_BOX, b"")),
            ),
        ),
        _widget(pdf, page, "Kind", Name.Ch, KIND_BOX, Ff=1 << 17, Opt=Array([String("one"), String("two")])),
        _widget(pdf, page, "Twin", Name.Tx, (300.0, 530.0, 420.0, 550.0)),
    ]
    pdf.Root.AcroForm.Fields = Array(made)
    page.Annots = pdf.make_indirect(Array(made))


def _widget(pdf: pikepdf.Pdf, page: Any, name: str, kind: Any, box: tuple[float, ...], **entries: Any) -> Any:
    shape = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=kind, T=String(name), Rect=Array(box), F=4)
    shape.P, shape.DA = page, String("/Helv 10 Tf 0 g")
    for key, value in entries.items():
        shape[Name(f"/{key}")] = value
    return pdf.make_indirect(shape)


def _look(pdf: pikepdf.Pdf, box: tuple[float, ...], words: bytes) -> Any:
    return Dictionary(N=_mark(pdf, box, words))


def _mark(pdf: pikepdf.Pdf, box: tuple[float, ...], words: bytes) -> Any:
    mark = pdf.make_stream(b"/Tx BMC BT /Helv 10 Tf 2 5 Td (%s) Tj ET EMC" % words)
    mark.Type, mark.Subtype = Name.XObject, Name.Form
    mark.BBox = Array([0, 0, box[2] - box[0], box[3] - box[1]])
    mark.Resources = pdf.Root.AcroForm.DR
    return mark


def _add_furniture(pdf: pikepdf.Pdf) -> None:
    """Metadata, outline, named things and a link: what hangs on the catalogue."""
    page = pdf.pages[0].obj
    metadata = Stream(pdf, METADATA)
    metadata.Type, metadata.Subtype = Name.Metadata, Name.XML
    pdf.Root.Metadata = pdf.make_indirect(metadata)
    item = pdf.make_indirect(Dictionary(Title=String("Start"), Dest=Array([page, Name.Fit])))
    outlines = pdf.make_indirect(Dictionary(Type=Name.Outlines, First=item, Last=item, Count=1))
    item.Parent = outlines
    pdf.Root.Outlines = outlines
    pdf.Root.Names = pdf.make_indirect(
        Dictionary(Dests=Dictionary(Names=Array([String("start"), Array([page, Name.Fit])])))
    )
    pdf.Root.PageLabels = Dictionary(Nums=Array([0, Dictionary(S=Name.D)]))
    pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
    pdf.docinfo.Title = String("An agreement")
    link = Dictionary(
        Type=Name.Annot, Subtype=Name.Link, Rect=Array([72, 460, 200, 480]), Border=Array([0] * 3)
    )
    link.Dest = Array([page, Name.Fit])
    pdf.pages[1].obj.Annots = Array([pdf.make_indirect(link)])


def simple_page(pdf: pikepdf.Pdf) -> Any:
    """Give the first page's dictionary."""
    return pdf.pages[0].obj
