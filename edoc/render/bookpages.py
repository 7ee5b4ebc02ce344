"""A PDF that is written page by page: a page that is finished is on the disk, and takes no memory any more.

    with PageWriter(stream, size=(842, 595), title="…", author="…") as pages:
        pages.text(Face.UPRIGHT, 12, 40, 500, "Sổ đăng ký")
        pages.line(40, 490, 800, 490)
        pages.finish_page()

Letters are written as their Unicode values, so that the fonts can be cut to what was used when the last page
is done. The same calls give the same bytes.
"""

import hashlib
import zlib
from array import array
from collections.abc import Iterable
from functools import cache
from types import TracebackType
from typing import BinaryIO, Final, Self

from fontTools.ttLib import TTFont

from edoc.pdf.fonts import Face, Subset, cut_subset, map_to_unicode

_LEAF: Final = 100
"""Pages under one node of the page tree."""
_CATALOG, _ROOT, _INFO, _COUNT = 1, 2, 3, 4
"""Objects whose content is known last."""
_FONTS: Final = {face: 5 + place for place, face in enumerate(Face)}
_COUNT_SIZE: Final = 9
_MISSING: Final = 0.75
"""Width of the box that stands for a letter which the font does not have, in parts of its size."""


@cache
def _read_widths(face: Face) -> dict[str, float]:
    """The widths of all letters of a face, in parts of its size."""
    with TTFont(face.path, lazy=True) as font:
        advances, scale = font["hmtx"].metrics, font["head"].unitsPerEm
        return {chr(code): advances[name][0] / scale for code, name in font.getBestCmap().items()}


def measure(face: Face, size: float, text: str) -> float:
    """Width of a text in points."""
    widths = _read_widths(face)
    try:
        return size * sum(map(widths.__getitem__, text))
    except KeyError:
        return size * sum(widths.get(letter, _MISSING) for letter in text)


class PageWriter:
    """Writes a PDF to a stream; points from the lower left."""

    def __init__(self, stream: BinaryIO, *, size: tuple[float, float], title: str, author: str) -> None:
        self._stream, self._size, self._title, self._author = stream, size, title, author
        self._offsets = array("Q", bytes(8 * (_COUNT + len(_FONTS) + 1)))
        self._position, self._digest = 0, hashlib.sha256()
        self._drawn: list[str] = []
        self._letters: dict[Face, set[str]] = {face: set() for face in Face}
        self._leaves: list[tuple[int, list[int]]] = []
        self._write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._finish()

    @property
    def page(self) -> int:
        """The number of the page that is being drawn; the first is 1."""
        return 1 + sum(len(pages) for _, pages in self._leaves[-1:]) + _LEAF * max(0, len(self._leaves) - 1)

    def text(self, face: Face, size: float, x: float, y: float, text: str) -> None:
        """Draw a line of text; its baseline begins at x, y."""
        if text:
            self._letters[face].update(text)
            self._drawn.append(f"BT /F{_FONTS[face]} {size:g} Tf {x:.2f} {y:.2f} Td <{_encode(text)}> Tj ET")

    def page_count(self, x: float, y: float) -> None:
        """Draw the number of all pages, which is known at the end."""
        self._drawn.append(f"q 1 0 0 1 {x:.2f} {y:.2f} cm /Pages Do Q")

    def line(self, x: float, y: float, to_x: float, to_y: float, *, width: float = 0.5) -> None:
        """Draw a straight line."""
        self._drawn.append(f"{width:g} w {x:.2f} {y:.2f} m {to_x:.2f} {to_y:.2f} l S")

    def finish_page(self) -> None:
        """Write the page that was drawn, and begin the next."""
        content = self._add_stream("", zlib.compress("\n".join(self._drawn).encode("ascii")))
        self._drawn = []
        if not self._leaves or len(self._leaves[-1][1]) == _LEAF:
            if self._leaves:
                self._write_leaf()
            self._leaves.append((self._reserve(), []))
        leaf, pages = self._leaves[-1]
        pages.append(self._add(f"<</Type/Page/Parent {leaf} 0 R/Contents {content} 0 R>>"))

    def _write_leaf(self) -> None:
        leaf, pages = self._leaves[-1]
        self._set(leaf, f"<</Type/Pages/Parent {_ROOT} 0 R/Count {len(pages)}/Kids[{_refs(pages)}]>>")

    def _finish(self) -> None:
        if self._drawn or not self._leaves:
            self.finish_page()
        self._write_leaf()
        count, (width, height) = self.page - 1, self._size
        self._letters[Face.UPRIGHT].update(str(count))
        fonts = " ".join(f"/F{number} {number} 0 R" for number in _FONTS.values())
        drawn = f"BT /F{_FONTS[Face.UPRIGHT]} {_COUNT_SIZE} Tf <{_encode(str(count))}> Tj ET"
        box = f"/Type/XObject/Subtype/Form/BBox[0 -5 50 15]/Resources<</Font<<{fonts}>>>>"
        self._set_stream(_COUNT, box, zlib.compress(drawn.encode("ascii")))
        for face, number in _FONTS.items():
            self._add_font(face, number)
        resources = f"<</Font<<{fonts}>>/XObject<</Pages {_COUNT} 0 R>>>>"
        kids = _refs(leaf for leaf, _ in self._leaves)
        self._set(
            _ROOT,
            f"<</Type/Pages/Count {count}/Kids[{kids}]/MediaBox[0 0 {width:g} {height:g}]"
            f"/Resources{resources}>>",
        )
        self._set(
            _CATALOG,
            f"<</Type/Catalog/Pages {_ROOT} 0 R/Lang(vi-VN)/ViewerPreferences<</DisplayDocTitle true>>>>",
        )
        self._set(_INFO, f"<</Title{_string(self._title)}/Author{_string(self._author)}>>")
        self._write_trailer()

    def _add_font(self, face: Face, number: int) -> None:
        """The face, cut to the letters that were used; a letter that it does not have is a box."""
        used = self._letters[face] | {" "}
        part = cut_subset(face, "".join(sorted(used & _read_widths(face).keys())))
        program = self._add_stream(f"/Length1 {part.size}", part.program)
        descriptor = self._add(
            f"<</Type/FontDescriptor/FontName/{part.name}/FontFile2 {program} 0 R/FontBBox[{_row(part.box)}]"
            f"/Flags {6 if not part.slant else 70}/ItalicAngle {part.slant}/Ascent {part.ascent}"
            f"/Descent {part.descent}/CapHeight 662/StemV 80>>"
        )
        glyphs = self._add_stream("", zlib.compress(_map_glyphs(part)))
        codes = {letter: ord(letter) for letter in used if ord(letter) < 1 << 16}
        widths = "".join(
            f"{code}[{round(1000 * measure(face, 1, letter))}]" for letter, code in sorted(codes.items())
        )
        descendant = self._add(
            f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{part.name}/CIDToGIDMap {glyphs} 0 R"
            "/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"
            f"/DW {round(1000 * _MISSING)}/W[{widths}]/FontDescriptor {descriptor} 0 R>>"
        )
        meaning = self._add_stream("", zlib.compress(map_to_unicode(codes)))
        self._set(
            number,
            f"<</Type/Font/Subtype/Type0/BaseFont/{part.name}/Encoding/Identity-H"
            f"/DescendantFonts[{descendant} 0 R]/ToUnicode {meaning} 0 R>>",
        )

    def _reserve(self) -> int:
        self._offsets.append(0)
        return len(self._offsets) - 1

    def _add(self, content: str) -> int:
        number = self._reserve()
        self._set(number, content)
        return number

    def _set(self, number: int, content: str) -> None:
        self._offsets[number] = self._position
        self._write(f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1"))

    def _add_stream(self, more: str, deflated: bytes) -> int:
        number = self._reserve()
        self._set_stream(number, more, deflated)
        return number

    def _set_stream(self, number: int, more: str, deflated: bytes) -> None:
        self._offsets[number] = self._position
        head = f"{number} 0 obj\n<</Length {len(deflated)}/Filter/FlateDecode{more}>>\nstream\n"
        self._write(head.encode("ascii") + deflated + b"\nendstream\nendobj\n")

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._digest.update(data)
        self._position += len(data)

    def _write_trailer(self) -> None:
        start, name = self._position, self._digest.hexdigest()[:32]
        self._write(f"xref\n0 {len(self._offsets)}\n0000000000 65535 f \n".encode())
        for offset in self._offsets[1:]:
            self._write(b"%010d 00000 n \n" % offset)
        about = f"/Size {len(self._offsets)}/Root {_CATALOG} 0 R/Info {_INFO} 0 R/ID[<{name}><{name}>]"
        self._write(f"trailer\n<<{about}>>\nstartxref\n{start}\n%%EOF\n".encode())


def _refs(numbers: Iterable[int]) -> str:
    return " ".join(f"{number} 0 R" for number in numbers)


def _row(values: Iterable[int]) -> str:
    return " ".join(map(str, values))


def _encode(text: str) -> str:
    """Letters as two bytes each; what needs more is a box anyway."""
    return "".join(f"{min(ord(letter), 0xFFFD):04X}" for letter in text)


def _string(text: str) -> str:
    return "<" + f"\ufeff{text}".encode("utf-16-be").hex() + ">"


def _map_glyphs(part: Subset) -> bytes:
    """CIDToGIDMap: two bytes for each Unicode value up to the last that is used."""
    table = bytearray(2 * (1 + max(map(ord, part.glyphs))))
    for letter, glyph in part.glyphs.items():
        table[2 * ord(letter) : 2 * ord(letter) + 2] = glyph.to_bytes(2)
    return bytes(table)
