"""Signed documents for the verification's tests, and updates that nobody signed."""

import datetime as dt
import functools
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pdfmaking import LETTER
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner

from edoc import signing
from edoc.core.report import Report
from edoc.core.rule import Expected
from edoc.devpki.hierarchy import DevPki, open_pki
from edoc.keys.loading import load_key
from edoc.trust.store import Trust
from edoc.verification import verify

make_dictionary: Any = generic.DictionaryObject
make_number: Any = generic.NumberObject
"""pyHanko's constructors carry no types."""

SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "verification-report.schema.json"
EXPECTED = Expected(number="05", notation="UBND-VP", date=dt.date(2026, 2, 5))


@dataclass(frozen=True)
class Journey:
    """One document at each step of NĐ 30 Art 14, and the trust that judges it."""

    trust: Trust
    unsigned: bytes
    signed: bytes
    numbered: bytes
    sealed: bytes

    def judge(self, data: bytes, **options: Any) -> Report:
        """Verify offline under the development trust."""
        settings: dict[str, Any] = {"trust": self.trust, "offline": True} | options
        return verify(io.BytesIO(data), **settings)


@functools.cache
def _travel(folder: Path) -> Journey:
    return go(open_pki(folder), LETTER)


def travel(pki: DevPki) -> Journey:
    """Prepare, sign, number and seal the sample letter, once per PKI."""
    return _travel(pki.folder)


def go(pki: DevPki, draft: bytes) -> Journey:
    """Prepare, sign, number and seal a draft."""
    unsigned = write(lambda out: signing.prepare(io.BytesIO(draft), out))
    signed = sign(pki, unsigned, "a-person1", role="person")
    numbered = write(
        lambda out: signing.number(
            io.BytesIO(signed), out, number=5, notation="UBND-VP", date=dt.date(2026, 2, 5)
        )
    )
    sealed = sign(pki, numbered, "a-seal", role="agency")
    return Journey(Trust.load(pki.trust_path), unsigned, signed, numbered, sealed)


def certify(
    pki: DevPki, data: bytes, permission: MDPPerm | None, box: tuple[int, int, int, int] | None = None
) -> bytes:
    """Sign in a new field with plain pyHanko, certifying the document if a permission is given."""
    key = pki.key_path("a-person1")
    load: Any = SimpleSigner.load_pkcs12
    signer = load(str(key), passphrase=pki.passphrase.encode())
    writer: Any = IncrementalPdfFileWriter(io.BytesIO(data))
    metadata = PdfSignatureMetadata(
        field_name=f"New{len(data)}",
        certify=permission is not None,
        docmdp_permissions=permission or MDPPerm.FILL_FORMS,
        subfilter=SigSeedSubFilter.PADES,
        md_algorithm="sha256",
    )
    field = SigFieldSpec(f"New{len(data)}", box=box)
    return write(lambda out: PdfSigner(metadata, signer, new_field_spec=field).sign_pdf(writer, output=out))


def write(step: Callable[[io.BytesIO], object]) -> bytes:
    output = io.BytesIO()
    step(output)
    return output.getvalue()


def sign(pki: DevPki, data: bytes, name: str, **options: Any) -> bytes:
    """Sign with a development key; earlier signatures are not judged here."""
    key = load_key(str(pki.key_path(name)), passphrase=lambda: pki.passphrase)
    settings: dict[str, Any] = {"checks": "none"} | options
    return write(lambda out: signing.sign(io.BytesIO(data), out, key=key, **settings))


def update(data: bytes, edit: Callable[[Any], None]) -> bytes:
    """Append an incremental update that nobody signs."""
    writer: Any = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    edit(writer)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def draw_on_page(writer: Any) -> None:
    """Paint over the page."""
    page = writer.root["/Pages"]["/Kids"][0]
    extra = writer.add_object(generic.StreamObject(stream_data=b"q 1 0 0 rg 200 300 150 60 re f Q"))
    contents = page["/Contents"] if isinstance(page["/Contents"], generic.ArrayObject) else None
    page[pdf_name("/Contents")] = generic.ArrayObject([*(contents or [page.raw_get("/Contents")]), extra])
    writer.mark_update(page.get_container_ref() or page)


def replace_page_content(writer: Any) -> None:
    """Overwrite the page's own content stream, object number and all."""
    page = writer.root["/Pages"]["/Kids"][0]
    contents = page.raw_get("/Contents").get_object()
    stream = contents[0] if isinstance(contents, generic.ArrayObject) else contents
    stream._data = b"q 0 0 1 rg 100 100 200 200 re f Q"
    stream._encoded_data = None
    writer.update_container(stream)


def add_note(writer: Any) -> None:
    """Add an annotation that covers text."""
    page = writer.root["/Pages"]["/Kids"][0]
    note = make_dictionary(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Square"),
            pdf_name("/Rect"): generic.ArrayObject(map(generic.FloatObject, (100, 300, 400, 500))),
            pdf_name("/IC"): generic.ArrayObject(map(generic.FloatObject, (1, 1, 1))),
            pdf_name("/F"): make_number(4),
        }
    )
    reference = writer.add_object(note)
    annotations = page["/Annots"] if "/Annots" in page else generic.ArrayObject()
    page[pdf_name("/Annots")] = generic.ArrayObject([*annotations, reference])
    writer.update_container(page)


def find_field(writer: Any, name: str) -> Any:
    return next(
        field.get_object()
        for field in writer.root["/AcroForm"]["/Fields"]
        if field.get_object()["/T"] == name
    )


def refill(name: str, text: str) -> Callable[[Any], None]:
    """Give a field another value and leave its looks."""

    def edit(writer: Any) -> None:
        field = find_field(writer, name)
        field[pdf_name("/V")] = pdf_string(text)
        writer.update_container(field)

    return edit


def redraw(name: str, content: bytes) -> Callable[[Any], None]:
    """Give a field other looks and leave its value."""

    def edit(writer: Any) -> None:
        field = find_field(writer, name)
        old = field["/AP"]["/N"]
        stream = generic.StreamObject(stream_data=content)
        for key in ("/Type", "/Subtype", "/BBox", "/Resources", "/Matrix"):
            if key in old:
                stream[pdf_name(key)] = old.raw_get(key)
        appearance = make_dictionary({pdf_name("/N"): writer.add_object(stream)})
        field[pdf_name("/AP")] = appearance
        writer.update_container(field)

    return edit


def unlink(name: str) -> Callable[[Any], None]:
    """Take a field out of the form."""

    def edit(writer: Any) -> None:
        form = writer.root["/AcroForm"]
        form[pdf_name("/Fields")] = generic.ArrayObject(
            field for field in form["/Fields"] if field.get_object()["/T"] != name
        )
        writer.update_container(form)

    return edit


def flip(data: bytes, position: int) -> bytes:
    """Change one byte."""
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
