"""PDFs put together byte by byte, with whatever cross-references and signatures a test wants."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cmsmaking import Signer, list_attributes, make_cms, make_info, make_signer, refer

Sign = Callable[[bytes], bytes]
"""From the signed bytes to what `/Contents` holds."""

ROOM: Final = 6000
"""Bytes for one CMS."""
RANGE: Final = b"/ByteRange[0 0000000001 0000000002 0000000003]"
CONTENTS: Final = b"/Contents<" + b"00" * ROOM + b">"
PADES: Final = b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached"
DOCUMENT_STAMP: Final = b"/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161"
TEXT: Final = b"BT /F1 18 Tf 72 720 Td (Quyet dinh) Tj ET"
PLAIN: Final[Mapping[int, bytes]] = {
    1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R]/SigFlags 3>>>>",
    2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Annots[5 0 R]"
    b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
    4: b"<</Length %d>>\nstream\n%s\nendstream" % (len(TEXT), TEXT),
    5: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(S1)/Rect[0 0 0 0]/F 132/P 3 0 R/V 6 0 R>>",
}
"""One page with one signature field; its value, the object 6, is the test's."""


@dataclass
class File:
    """A file that grows."""

    data: bytes = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    offset: int = 0
    """Subtracted from all offsets: what stands before the header."""
    size: int = 0
    section: int | None = None
    """Where the last cross-reference section begins."""

    def add(self, objects: Mapping[int, bytes], *, trailer: bytes = b"", free: Iterable[int] = ()) -> "File":
        """Append objects and a table of cross-references to them."""
        places = self.write(objects)
        return self.close(places, trailer=trailer, free=free)

    def write(self, objects: Mapping[int, bytes]) -> dict[int, int]:
        """Append objects and tell where they are."""
        places = {}
        for number, content in objects.items():
            places[number] = len(self.data) - self.offset
            self.data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
        self.size = max(self.size, *(number + 1 for number in objects))
        return places

    def close(
        self, places: Mapping[int, int], *, trailer: bytes = b"", free: Iterable[int] = (), root: int = 1
    ) -> "File":
        """Append a table of cross-references, the trailer and the end."""
        before = b"" if self.section is None else b"/Prev %d" % self.section
        rows = {number: b"%010d 00000 n \n" % place for number, place in places.items()}
        rows |= dict.fromkeys(free, b"0000000000 00001 f \n")
        if self.section is None:
            rows[0] = b"0000000000 65535 f \n"
        self.section = len(self.data) - self.offset
        self.data += b"xref\n" + b"".join(b"%d 1\n%s" % row for row in sorted(rows.items()))
        self.data += b"trailer\n<</Size %d/Root %d 0 R%s%s>>\n" % (self.size, root, before, trailer)
        self.data += b"startxref\n%d\n%%%%EOF\n" % self.section
        return self

    def sign(self, sign: Sign | None = None) -> "File":
        """Fill the room for a signature over the whole file as it is."""
        self.data = fill(self.data, sign or seal)
        return self


def make(
    signature: bytes = PADES, *, sign: Sign | None = None, more: Mapping[int, bytes] | None = None
) -> bytes:
    """One signed page; `signature` says of which kind, `more` replaces objects or adds some."""
    objects = {**PLAIN, 6: make_value(signature), **(more or {})}
    return File().add(objects).sign(sign).data


def make_value(entries: bytes = PADES) -> bytes:
    """A signature dictionary with room to be filled."""
    return b"<<" + entries + RANGE + CONTENTS + b">>"


def add_signature(file: File, *, number: int, fields: bytes, sign: Sign | None = None) -> File:
    """Append an invisible signature S`number`, the objects `number` and `number` + 1."""
    value = make_value()
    field = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(S%d)/Rect[0 0 0 0]/F 132/P 3 0 R/V %d 0 R>>"
    catalogue = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[%s]/SigFlags 3>>>>" % fields
    page = PLAIN[3].replace(b"/Annots[5 0 R]", b"/Annots[%s]" % fields)
    objects = {1: catalogue, 3: page, number: field % (number, number + 1), number + 1: value}
    return file.add(objects).sign(sign)


def fill(data: bytes, sign: Sign) -> bytes:
    """Write the byte range and the signature into the one place that has room for them."""
    (contents,) = re.finditer(rb"<(?:00){%d}>" % ROOM, data)
    start, end = contents.span()
    numbers = b"/ByteRange[0 %010d %010d %010d]" % (start, end, len(data) - end)
    assert data.count(RANGE) == 1
    data = data.replace(RANGE, numbers)
    signed = sign(data[:start] + data[end:]).hex().encode()
    assert len(signed) <= 2 * ROOM
    return data[: start + 1] + signed.ljust(2 * ROOM, b"0") + data[end - 1 :]


def seal(content: bytes, signer: Signer | None = None) -> bytes:
    """What PAdES wants, over these bytes."""
    signer = signer or make_signer()
    attributes = list_attributes(content, more=[refer(signer.certificate)])
    return make_cms([make_info(signer, attributes)], [signer.certificate])


def digest(content: bytes) -> bytes:
    """SHA-1, as the old sub-filters want it."""
    return hashlib.sha1(content).digest()  # noqa: S324 - verified, not trusted
