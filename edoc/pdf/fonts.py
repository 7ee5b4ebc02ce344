"""Liberation Serif (metrics of Times New Roman) inside a PDF: subset, embedded, complete for Vietnamese.

The same letters give the same bytes. Serves Decree 30/2020/NĐ-CP, Annex I (Times New Roman, TCVN 6909:2001).
"""

import hashlib
import unicodedata
import zlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.errors import InputError
from edoc.pdf.archival import read_archival
from edoc.pdf.objects import Value, deflated, dictionary, stream
from edoc.pdf.objects import text as text_string
from edoc.pdf.update import Revision

_FOLDER: Final = Path(__file__).resolve().parent.parent / "fonts"
_DROPPED: Final = (
    "GSUB",
    "GPOS",
    "GDEF",
    "kern",
    "FFTM",
    "DSIG",
    "name",
    "post",
    "OS/2",
    "gasp",
    "hdmx",
    "VDMX",
    "LTSH",
)

_SERIF_SYMBOLIC: Final = 2 | 4
_ITALIC: Final = 64
"""Font descriptor flags (ISO 32000-2, table 121)."""

_RANGES: Final = (
    (0x20, 0x7E),  # ASCII
    (0xA0, 0xFF),
    (0x102, 0x103),
    (0x110, 0x111),
    (0x128, 0x129),
    (0x168, 0x169),
    (0x1A0, 0x1A1),
    (0x1AF, 0x1B0),
    (0x1EA0, 0x1EF9),
    (0x2013, 0x2014),  # dashes and quotation marks
    (0x2018, 0x2019),
    (0x201C, 0x201D),
    (0x2026, 0x2026),
)
VIETNAMESE: Final = "".join(chr(code) for first, last in _RANGES for code in range(first, last + 1))
"""Every letter of Vietnamese in NFC, with digits and punctuation."""
_KNOWN: Final = frozenset(VIETNAMESE)
_ALWAYS: Final = frozenset(" +-./0123456789:T")
"""What numbers and times are made of."""


class Face(StrEnum):
    """The faces that forms and books use; the value is the file's stem."""

    UPRIGHT = "LiberationSerif-Regular"
    ITALIC = "LiberationSerif-Italic"
    BOLD = "LiberationSerif-Bold"

    @property
    def path(self) -> Path:
        """The file of the whole face."""
        return _FOLDER / f"{self}.ttf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subset:
    """The part of a face that some letters need."""

    name: str
    program: bytes
    """TrueType, deflated."""
    size: int
    """Of the program before deflating, in bytes."""
    glyphs: dict[str, int]
    widths: tuple[int, ...]
    """By glyph, in thousandths of the size."""
    box: tuple[int, ...]
    ascent: int
    descent: int
    slant: int
    """Italic angle in degrees."""
    to_unicode: bytes
    """What the glyphs mean, deflated."""

    def encode(self, text: str) -> str:
        """Text as the hexadecimal string that shows it."""
        return "".join(f"{self.glyphs[letter]:04X}" for letter in text)

    def measure(self, text: str, size: float) -> float:
        """Width of a text in points."""
        return sum(self.widths[self.glyphs[letter]] for letter in text) * size / 1000


def normalize(text: str) -> str:
    """Text as the font knows it: NFC. Raises `InputError` for a letter it does not have."""
    composed = unicodedata.normalize("NFC", text)
    for letter in composed:
        if letter not in _KNOWN:
            raise InputError(
                f"the letter {letter!r} (U+{ord(letter):04X}) in {composed!r} cannot be shown.",
                advice="Use the letters, digits and punctuation of Vietnamese.",
            )
    return composed


def measure(face: Face, text: str, size: float) -> float:
    """Width of a text in points. Raises `InputError` for a letter that the face does not have."""
    widths = _read_widths(face)
    return sum(widths[letter] for letter in normalize(text)) * size / 1000


@lru_cache(maxsize=len(Face))
def _read_widths(face: Face) -> dict[str, int]:
    whole = cut_subset(face, VIETNAMESE)
    return {letter: whole.widths[glyph] for letter, glyph in whole.glyphs.items()}


def cut_alike(face: Face, text: str) -> Subset:
    """Cut a face down to what a text like this one may need: with all digits and marks of a time.

    So texts that differ in number and time alone share one subset, and only the first costs the cutting.
    Raises `InputError` for a letter that the face does not have.
    """
    return cut_subset(face, "".join(sorted(_ALWAYS.union(normalize(text)))))


@lru_cache(maxsize=256)
def cut_subset(face: Face, letters: str) -> Subset:
    """Cut a face down to the given letters (in NFC, as `normalize` gives them)."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    wanted = "".join(sorted(set(letters)))
    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True, recalc_timestamp=False)
    options.drop_tables += list(_DROPPED)
    cutter = subset.Subsetter(options)
    cutter.populate(text=wanted)
    with TTFont(face.path, recalcTimestamp=False, recalcBBoxes=False, lazy=True) as font:
        cutter.subset(font)
        return _describe(font, face, wanted)


def _describe(font: Any, face: Face, letters: str) -> Subset:
    names = font.getBestCmap()
    glyphs = {letter: font.getGlyphID(names[ord(letter)]) for letter in letters}
    scale = 1000 / font["head"].unitsPerEm
    advance = font["hmtx"]
    widths = tuple(round(advance[name][0] * scale) for name in font.getGlyphOrder())
    head, across = font["head"], font["hhea"]
    box = tuple(round(value * scale) for value in (head.xMin, head.yMin, head.xMax, head.yMax))
    output = BytesIO()
    font.save(output)
    program = output.getvalue()
    return Subset(
        name=f"{_tag(program)}+{face.value}",
        program=zlib.compress(program, 9),
        size=len(program),
        glyphs=glyphs,
        widths=widths,
        box=box,
        ascent=round(across.ascent * scale),
        descent=round(across.descent * scale),
        slant=-16 if face is Face.ITALIC else 0,
        to_unicode=zlib.compress(map_to_unicode(glyphs), 9),
    )


def _tag(program: bytes) -> str:
    # ISO 32000-2, 9.9.2: six capital letters name a subset.
    digest = hashlib.sha256(program).digest()
    return "".join(chr(ord("A") + byte % 26) for byte in digest[:6])


def embed(revision: Revision, part: Subset) -> generic.IndirectObject:
    """Add the subset to the file as a composite font; give its reference."""
    descendant = dictionary(
        {
            "Type": "/Font",
            "Subtype": "/CIDFontType2",
            "BaseFont": f"/{part.name}",
            "CIDToGIDMap": "/Identity",
            "CIDSystemInfo": dictionary(
                {"Registry": text_string("Adobe"), "Ordering": text_string("Identity"), "Supplement": 0}
            ),
            "W": [0, part.widths],
            "FontDescriptor": revision.add_object(_describe_font(revision, part)),
        }
    )
    return revision.add_object(
        dictionary(
            {
                "Type": "/Font",
                "Subtype": "/Type0",
                "BaseFont": f"/{part.name}",
                "Encoding": "/Identity-H",
                "DescendantFonts": [revision.add_object(descendant)],
                "ToUnicode": revision.add_object(deflated({"Filter": "/FlateDecode"}, part.to_unicode)),
            }
        )
    )


def _describe_font(revision: Revision, part: Subset) -> generic.DictionaryObject:
    program = deflated({"Filter": "/FlateDecode", "Length1": part.size}, part.program)
    more: dict[str, Value] = {}
    if read_archival(revision).part == 1:
        # ISO 19005-1, 6.3.5: the glyphs of a subset are listed; here they are all that the program has.
        listed = revision.add_object(stream({}, _list_glyphs(len(part.widths))))
        more["CIDSet"] = listed
    return dictionary(
        {
            **more,
            "Type": "/FontDescriptor",
            "FontName": f"/{part.name}",
            "FontFile2": revision.add_object(program),
            "FontBBox": part.box,
            "Flags": _SERIF_SYMBOLIC | (_ITALIC if part.slant else 0),
            "ItalicAngle": part.slant,
            "Ascent": part.ascent,
            "Descent": part.descent,
            "CapHeight": 662,
            "StemV": 80,
        }
    )


def _list_glyphs(count: int) -> bytes:
    bits = (1 << count) - 1 << -count % 8
    return bits.to_bytes((count + 7) // 8)


def map_to_unicode(glyphs: dict[str, int]) -> bytes:
    """Make the CMap that tells what codes mean, from letters and their codes."""
    pairs = sorted((glyph, letter) for letter, glyph in glyphs.items())
    lines = [
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
        "1 begincodespacerange <0000> <FFFF> endcodespacerange",
    ]
    for start in range(0, len(pairs), 100):
        chunk = pairs[start : start + 100]
        lines.append(f"{len(chunk)} beginbfchar")
        lines += [f"<{glyph:04X}> <{ord(letter):04X}>" for glyph, letter in chunk]
        lines.append("endbfchar")
    lines.append("endcmap CMapName currentdict /CMap defineresource pop end end")
    return "\n".join(lines).encode("ascii")
