"""PDFs of every ordinary kind, made from the sample công văn, and eyes to look at pages with."""

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from edoc.pdf.layout import Rect
from edoc.pdf.pdfium import LOCK

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
LETTER = (SAMPLES / "cong-van.pdf").read_bytes()
SIGNATURE_IMAGE = SAMPLES / "signature-a.png"
SEAL_IMAGE = SAMPLES / "seal-a.png"

WIDTH, HEIGHT = 595.2756, 841.8898
MM = 72 / 25.4


def change(edit: Callable[[pikepdf.Pdf], None] = lambda _: None, **options: Any) -> bytes:
    """Edit the letter and save it anew."""
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(LETTER)) as pdf:
        edit(pdf)
        pdf.save(output, **{"deterministic_id": True, **options})
    return output.getvalue()


def turn(angle: int) -> Callable[[pikepdf.Pdf], None]:
    """Turn the page's content one way and the page the other, so that it looks as before."""
    sideways = f"[0 0 {HEIGHT} {WIDTH}]"
    boxes = {90: sideways, 180: f"[0 0 {WIDTH} {HEIGHT}]", 270: sideways}
    matrices = {
        90: f"0 1 -1 0 {HEIGHT} 0",
        180: f"-1 0 0 -1 {WIDTH} {HEIGHT}",
        270: f"0 -1 1 0 0 {WIDTH}",
    }

    def edit(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[0]
        page.MediaBox = pikepdf.Object.parse(boxes[angle].encode())
        page.Rotate = angle
        page.contents_add(f"q {matrices[angle]} cm".encode(), prepend=True)
        page.contents_add(b"Q")

    return edit


def crop(pdf: pikepdf.Pdf) -> None:
    page = pdf.pages[0]
    page.contents_add(b"q 1 0 0 1 100 200 cm", prepend=True)
    page.contents_add(b"Q")
    page.MediaBox = [50, 150, 100 + WIDTH + 50, 200 + HEIGHT + 50]
    page.CropBox = [100, 200, 100 + WIDTH, 200 + HEIGHT]


def add_form(*, indirect: bool, name: str = "Ghi chú") -> Callable[[pikepdf.Pdf], None]:
    def edit(pdf: pikepdf.Pdf) -> None:
        note = pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot,
                Subtype=pikepdf.Name.Widget,
                FT=pikepdf.Name.Tx,
                T=name,
                Rect=[100, 60, 200, 80],
                DA="/Helv 10 Tf 0 g",
                P=pdf.pages[0].obj,
            )
        )
        helvetica = pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
        fields: Any = pikepdf.Array([note])
        resources: Any = pikepdf.Dictionary(Font=pikepdf.Dictionary(Helv=helvetica))
        annotations: Any = pikepdf.Array([note])
        if indirect:
            fields, resources = pdf.make_indirect(fields), pdf.make_indirect(resources)
            annotations = pdf.make_indirect(annotations)
        form: Any = pikepdf.Dictionary(Fields=fields, DR=resources, NeedAppearances=True)
        pdf.Root.AcroForm = pdf.make_indirect(form) if indirect else form
        pdf.pages[0].Annots = annotations

    return edit


def add_page(pdf: pikepdf.Pdf) -> None:
    pdf.add_blank_page(page_size=(WIDTH, HEIGHT))


def inherit_boxes(pdf: pikepdf.Pdf) -> None:
    page = pdf.pages[0]
    pdf.Root.Pages.MediaBox = page.MediaBox
    del page.MediaBox


OBJECT_STREAMS = {"object_stream_mode": pikepdf.ObjectStreamMode.generate}

LOOKS_THE_SAME = {
    "as made": lambda: LETTER,
    "object streams": lambda: change(**OBJECT_STREAMS),
    "linearised": lambda: change(linearize=True),
    "version 1.3": lambda: change(force_version="1.3"),
    "version 2.0": lambda: change(min_version="2.0", **OBJECT_STREAMS),
    "turned by 90": lambda: change(turn(90)),
    "turned by 180": lambda: change(turn(180)),
    "turned by 270": lambda: change(turn(270), **OBJECT_STREAMS),
    "cropped": lambda: change(crop),
    "inherited boxes": lambda: change(inherit_boxes),
    "form of its own": lambda: change(add_form(indirect=False)),
    "form of references": lambda: change(add_form(indirect=True), **OBJECT_STREAMS),
    "blank last page": lambda: change(add_page),
}
"""Kinds of files whose first page shows the letter, upright and whole."""


def encrypt(user: str = "") -> bytes:
    return change(encryption=pikepdf.Encryption(owner="o", user=user), deterministic_id=False)


def render(pdf: bytes | Path, page: int = 0, *, dpi: int = 72) -> Image.Image:
    """Draw a page with its annotations, as a person sees it."""
    data = pdf.read_bytes() if isinstance(pdf, Path) else pdf
    with LOCK:
        document = pypdfium2.PdfDocument(data)
        document.init_forms()
        image: Image.Image = (
            document[page].render(scale=dpi / 72, may_draw_forms=True).to_pil().convert("RGB")
        )
        document.close()
    return image


def count_differences(one: Image.Image, other: Image.Image, *, top: float = 1) -> int:
    """Count the pixels that differ clearly, in the upper part of two pictures of a page."""
    box = (0, 0, one.width, round(one.height * top))
    difference = ImageChops.difference(one.crop(box).convert("L"), other.crop(box).convert("L"))
    return sum(difference.histogram()[96:])


def find_ink(image: Image.Image, colour: str, *, dpi: int) -> Rect:
    """Give the box of all that is red or blue in the lower half, in points from the lower left corner."""
    # The upper half has letters with coloured edges: PDFium smooths the text of forms for flat screens.
    image = image.crop((0, image.height // 2, image.width, image.height))
    channels = dict(zip(("red", "green", "blue"), image.split(), strict=True))
    strong = channels.pop(colour)
    others = ImageChops.lighter(*channels.values())
    box = ImageChops.subtract(strong, others).point(lambda value: 255 * (value > 60)).getbbox()
    assert box is not None, f"nothing {colour} on the page"
    left, top, right, bottom = (value * 72 / dpi for value in box)
    height = image.height * 72 / dpi
    return Rect(left, height - bottom, right, height - top)


def judge(pdf: Path) -> list[tuple[str, bool, ModificationLevel, bool]]:
    """What pyHanko says of each signature: field, intact and valid, changes after it, whether they may be."""
    with pdf.open("rb") as stream:
        reader: Any = PdfFileReader(stream)
        found = []
        for signature in reader.embedded_signatures:
            context = ValidationContext(trust_roots=[signature.signer_cert], allow_fetching=False)
            status: Any = validate_pdf_signature(signature, context)
            sound = status.intact and status.valid
            found.append((signature.field_name, sound, status.modification_level, bool(status.docmdp_ok)))
        return found


def ask(*command: str | Path) -> str:
    """Run another PDF program; skip the test where it is not installed."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


def require_sound(pdf: Path, signatures: int) -> None:
    """See to it that other programs find the file whole and every signature valid."""
    assert "No syntax or stream encoding errors found" in ask("qpdf", "--check", pdf)
    assert ask("pdfsig", pdf).count("Signature is Valid.") == signatures
    said = ask("mutool", "sign", "-v", pdf)
    assert "igest" not in said
    assert said.count("unchanged since signing") + said.count("The signature is valid") == signatures
