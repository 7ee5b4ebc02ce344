"""Whether an attack can be seen at all: what a viewer shows before and after it."""

import pypdfium2
from PIL import Image, ImageChops

from edoc.pdf.pdfium import LOCK

_SCALE = 0.5


def looks_different(before: bytes, after: bytes) -> bool:
    """Tell whether PDFium draws two files differently; one that it cannot open looks like nothing."""
    with LOCK:
        one, two = _draw(before), _draw(after)
    if len(one) != len(two):
        return True
    return any(
        left.size != right.size or ImageChops.difference(left, right).getbbox() is not None
        for left, right in zip(one, two, strict=True)
    )


def _draw(data: bytes) -> list[Image.Image]:
    try:
        document = pypdfium2.PdfDocument(data)
        document.init_forms()
        try:
            return [
                page.render(scale=_SCALE, may_draw_forms=True).to_pil().convert("RGB") for page in document
            ]
        finally:
            document.close()
    except pypdfium2.PdfiumError:
        return []
