"""The steps of legitimate later changes: validation data, filled fields, comments, further signatures."""

import datetime as dt
import io
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from asn1crypto import keys, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pikepdf import Array, Dictionary, Name, String
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from edoc import signing

from .drafts import cut_font
from .filling import fill, write_text
from .increments import Edit, Update, append
from .makers import OTHER_SIGNER, Base, write
from .sealing import read_contents

SEAL_IMAGE: Final = "samples/seal-a.png"

Step = Callable[[Base], bytes]


# --- validation data


def _extend(level: str, base: Base) -> bytes:
    return base.maker.extend(base.data, level)


def _stamp(base: Base) -> bytes:
    return base.maker.stamp(base.data)


def _stamp_thrice(base: Base) -> bytes:
    return base.maker.stamp(base.maker.stamp(base.maker.stamp(base.data)))


def _store_by_pyhanko(base: Base) -> bytes:
    pki = base.maker.pki
    names = ("agencies", "services", "root")
    output = io.BytesIO(base.data)
    DocumentSecurityStore.add_dss(
        output,
        read_contents(base.data, 0).hex().encode(),
        certs=[x509.Certificate.load(pki.certificate(name)) for name in names],
        crls=[_crl(pki.crl(name)) for name in names],
    )
    return output.getvalue()


def _crl(content: bytes) -> Any:
    from asn1crypto.crl import CertificateList

    return CertificateList.load(content)


def _stamp_by_pyhanko(base: Base) -> bytes:
    key = base.maker.pki.load_service_key("tsa")
    bare = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    make: Any = DummyTimeStamper
    stamper = make(
        tsa_cert=x509.Certificate.load(base.maker.pki.certificate("tsa")),
        tsa_key=keys.PrivateKeyInfo.load(bare),
    )
    writer: Any = IncrementalPdfFileWriter(io.BytesIO(base.data))
    return write(lambda out: PdfTimeStamper(stamper).timestamp_pdf(writer, "sha256", output=out))


def write_store(update: Update) -> None:
    """Certificates and lists, with an entry for the signature, as direct and indirect objects."""
    store = update.root.get("/DSS", Dictionary(Type=Name.DSS))
    crl, certificate = update.stream(b"\x30\x00"), update.stream(b"\x30\x00")
    store.Certs = Array([*store.get("/Certs", Array()), certificate])
    store.CRLs = update.add(Array([*store.get("/CRLs", Array()), crl]))
    entry = Dictionary(Cert=Array([certificate]), CRL=Array([crl]), TU=String("D:20260101000000Z"))
    store.VRI = Dictionary(
        {**dict(store.get("/VRI", Dictionary()).items()), f"/{'B' * 40}": update.add(entry)}
    )
    update.root.DSS = store
    update.put_holder(store, update.root)


def inform(update: Update) -> None:
    update.pdf.trailer.Info.ModDate = String("D:20260101000000Z")
    update.put(update.pdf.trailer.Info)


def describe(update: Update) -> None:
    update.root.Metadata.write(update.root.Metadata.read_bytes() + b" ")
    update.put(update.root.Metadata)


def _nothing(base: Base) -> bytes:
    """An update that lists nothing."""
    return append(base.data, {})


def _the_same(base: Base) -> bytes:
    """An object written again as it was."""
    update = Update(base.data)
    update.put(update.root)
    return update.render()


def _declare_extension(base: Base) -> bytes:
    update = Update(base.data)
    known = update.root.get("/Extensions", Dictionary())
    known.ESIC = Dictionary(BaseVersion=Name("/1.7"), ExtensionLevel=5)
    update.root.Extensions = known
    update.put(update.root)
    return update.render()


def _blank_lines(base: Base) -> bytes:
    return base.data + b"\r\n\r\n"


VALIDATION: Final[dict[str, Step]] = {
    "raised to B-T": partial(_extend, "B-T"),
    "raised to B-LT": partial(_extend, "B-LT"),
    "raised to B-LTA": partial(_extend, "B-LTA"),
    "stamped": _stamp,
    "stamped three times": _stamp_thrice,
    "stored by pyHanko": _store_by_pyhanko,
    "stored by pyHanko, stamped": lambda base: base.maker.stamp(_store_by_pyhanko(base)),
    "stamped by pyHanko": _stamp_by_pyhanko,
    "an update of nothing": _nothing,
    "an object as it was": _the_same,
    "an extension declared": _declare_extension,
    "blank lines": _blank_lines,
}


# --- fields


def _fill_note(update: Update) -> None:
    fill(update, "Note", "one hundred", write_text("one hundred"))


def _fill_again(update: Update) -> None:
    """Filled, and its looks drawn in two pieces."""
    shown = b"/Tx BMC q 1 1 166 18 re W n BT /Helv 10 Tf 2 5 Td (one ) Tj (hundred) Tj ET Q EMC"
    fill(update, "Twin", "one hundred", shown)


def _fill_in_vietnamese(update: Update) -> None:
    """Letters of an embedded font, by their glyphs."""
    words = "Appro"
    program = update.stream(cut_font())
    descriptor = Dictionary(
        Type=Name.FontDescriptor,
        FontName=Name("/AAAAAA+Serif"),
        Flags=4,
        FontBBox=Array([-200, -300, 1200, 1000]),
    )
    descriptor.ItalicAngle, descriptor.Ascent, descriptor.Descent = 0, 891, -216
    descriptor.CapHeight, descriptor.StemV, descriptor.FontFile2 = 660, 80, program
    font = Dictionary(Type=Name.Font, Subtype=Name.TrueType, BaseFont=Name("/AAAAAA+Serif"))
    font.Encoding, font.FirstChar, font.LastChar = Name.WinAnsiEncoding, 32, 126
    font.Widths, font.FontDescriptor = Array([500] * 95), update.add(descriptor)
    field = update.field("Note")
    look = update.drawing(b"BT /F 10 Tf 2 5 Td (%s) Tj ET" % words.encode(), (0, 0, 168, 20))
    look.Resources = Dictionary(Font=Dictionary(F=update.add(font)))
    update.put(look)
    field.V, field.AP = String(words), Dictionary(N=look)
    update.put(field)


def _tick(update: Update) -> None:
    box = update.field("Agree")
    box.V = box.AS = Name.Yes
    update.put(box)


def _choose(update: Update) -> None:
    fill(update, "Kind", "one", write_text("one"))


def _fill_both(update: Update) -> None:
    _fill_note(update)
    _tick(update)
    _choose(update)


def _fill_and_inform(update: Update) -> None:
    _fill_note(update)
    inform(update)
    describe(update)


def _redraw(update: Update) -> None:
    """An untouched value, drawn anew as it was."""
    field = update.field("Amount")
    field.AP = Dictionary(N=update.drawing(field.AP.N.read_bytes(), (0, 0, 168, 20)))
    update.put(field)


def _empty_signature_field(update: Update) -> None:
    """A further place to sign, which nobody sees."""
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=String("Later"), F=132)
    field.Rect, field.P = Array([0, 0, 0, 0]), update.page()
    made = update.add(field)
    update.annotate(update.page(), made)
    update.enlist(made)


FILLS: Final[dict[str, Edit]] = {
    "text": _fill_note,
    "text in pieces": _fill_again,
    "text in an embedded font": _fill_in_vietnamese,
    "text, information and metadata": _fill_and_inform,
    "looks drawn anew": _redraw,
    "place to sign": _empty_signature_field,
}


# --- comments, where the certifying signature grants them


def _link(update: Update) -> None:
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([72, 100, 200, 120]), F=4)
    link.Border, link.Dest = Array([0, 0, 0]), Array([update.page(1), Name.Fit])
    update.annotate(update.page(), update.add(link))


def _popup(update: Update) -> None:
    """A closed note: its words are read by opening it."""
    note = Dictionary(Type=Name.Annot, Subtype=Name.Text, Rect=Array([500, 100, 520, 120]), F=2)
    note.Contents = String("Please see page 2.")
    made = update.add(note)
    popup = Dictionary(Type=Name.Annot, Subtype=Name.Popup, Rect=Array([0, 0, 0, 0]), Parent=made, Open=False)
    note = made
    note.Popup = update.add(popup)
    update.put(note)
    update.annotate(update.page(), note)
    update.annotate(update.page(), note.Popup)


COMMENTS: Final[dict[str, Edit]] = {"closed note": _popup}
TOLD: Final[dict[str, Edit]] = {
    "check box": _tick,
    "choice": _choose,
    "text, box and choice": _fill_both,
    "link": _link,
}
"""What forms of other kinds permit: here only empty text fields and signatures may change what a page shows,
and a link leads away from what was signed."""


# --- signatures


def _number(base: Base) -> bytes:
    return write(
        lambda out: signing.number(
            io.BytesIO(base.data), out, number=5, notation="UBND-VP", date=dt.date(2026, 2, 5)
        )
    )


def _seal(base: Base) -> bytes:
    return base.maker.sign(base.data, "a-seal", role="agency", field="Seal", image=SEAL_IMAGE)


def _number_and_seal(base: Base) -> bytes:
    numbered = Base(base.kind, _number(base), base.fields, base.maker)
    return _seal(numbered)


def _sign_unseen(base: Base) -> bytes:
    return base.maker.sign(base.data, OTHER_SIGNER, field=None if base.permission is None else "Person")


def _sign_thrice(base: Base) -> bytes:
    data = base.data
    for name in (OTHER_SIGNER, "b-person1", "b-person2"):
        data = base.maker.certify(data, f"New{name}", None, name=name)
    return data


def _sign_by_pyhanko(base: Base) -> bytes:
    return base.maker.certify(base.data, "Seal", None, name="a-seal")


def _sign_unseen_by_pyhanko(base: Base) -> bytes:
    return base.maker.certify(base.data, "New", None, name=OTHER_SIGNER)


def _sign_and_raise(base: Base) -> bytes:
    signed = _sign_by_pyhanko(base)
    return base.maker.extend(signed, "B-LTA")


def _fill_by_pyhanko(base: Base) -> bytes:
    """Value and looks by pyHanko's writer."""
    writer: Any = IncrementalPdfFileWriter(io.BytesIO(base.data))
    field = next(
        each.get_object() for each in writer.root["/AcroForm"]["/Fields"] if each.get_object()["/T"] == "Note"
    )
    make: Any = generic.StreamObject
    look = make(stream_data=write_text("100"))
    look[pdf_name("/Type")], look[pdf_name("/Subtype")] = pdf_name("/XObject"), pdf_name("/Form")
    look[pdf_name("/BBox")] = generic.ArrayObject(map(generic.FloatObject, (0, 0, 168, 20)))
    look[pdf_name("/Resources")] = writer.root["/AcroForm"].raw_get("/DR")
    field[pdf_name("/V")] = pdf_string("100")
    looks: Any = generic.DictionaryObject
    field[pdf_name("/AP")] = looks({pdf_name("/N"): writer.add_object(look)})
    writer.update_container(field)
    return write(writer.write)


def _fill_by_pyhanko_and_sign(base: Base) -> bytes:
    filled = Base(base.kind, _fill_by_pyhanko(base), base.fields, base.maker)
    return _sign_by_pyhanko(filled)


def _raise_sign_raise(base: Base) -> bytes:
    raised = Base(base.kind, base.maker.extend(base.data, "B-LTA"), base.fields, base.maker)
    return base.maker.extend(_sign_by_pyhanko(raised), "B-LTA")


SIGNING: Final[dict[str, Step]] = {
    "number and date": _number,
    "sealed": _seal,
    "number, date, sealed": _number_and_seal,
    "signed by edoc": _sign_unseen,
    "signed by pyHanko": _sign_by_pyhanko,
    "signed unseen by pyHanko": _sign_unseen_by_pyhanko,
    "signed three times": _sign_thrice,
    "signed and raised": _sign_and_raise,
    "raised, signed, raised": _raise_sign_raise,
    "filled by pyHanko": _fill_by_pyhanko,
    "filled and signed by pyHanko": _fill_by_pyhanko_and_sign,
}
