"""What a form field shows: a line of text; or a picture, lines of text, words in their places.

Decree 30/2020/NĐ-CP, Annex I specifies no text beside a person's signature or an agency's seal, so presets
have none there, and no border anywhere. A picture is shown whole and undistorted. In a PDF/A nothing is
shown that would end its being one: fonts are embedded, colours are those of no device, and where soft masks
are forbidden a stencil takes their place.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from pyhanko.pdf_utils import generic

from edoc.errors import Refused
from edoc.pdf import fonts
from edoc.pdf.archival import Archival, read_archival
from edoc.pdf.layout import ASCENT, DESCENT, PADDING, Frame, Rect
from edoc.pdf.objects import Value, deflated, dictionary, stream
from edoc.pdf.pictures import Picture
from edoc.pdf.update import Revision

LEADING: Final = 1.15
"""From line to line, per point of size."""
LEAST_TEXT_SIZE: Final = 8.0
"""In points; what needs smaller letters has no room."""
_SIZE_STEP: Final = 0.5
_SLACK: Final = 0.1
"""Points that rounding a rectangle may cost."""
_D65: Final = (0.9505, 1.0, 1.089)
_PRIMARIES: Final = (0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505)
_GAMMA: Final = 2.2
"""sRGB, as near as CalRGB comes (ISO 32000-2, 8.6.5.3)."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words in their place on the displayed page, in points."""

    text: str
    x: float
    baseline: float
    size: float
    face: fonts.Face = fonts.Face.UPRIGHT

    @property
    def width(self) -> float:
        """From the first letter to the last."""
        return fonts.measure(self.face, self.text, self.size)

    @property
    def box(self) -> Rect:
        """What they cover."""
        below, above = self.baseline - DESCENT * self.size, self.baseline + ASCENT * self.size
        return Rect(self.x, below, self.x + self.width, above)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a signature shows."""

    picture: Picture | None = None
    """In the middle of what the lines leave free."""
    picture_mm: float | None = None
    """For a picture in actual size: its usual width. None makes it as large as there is room."""
    lines: tuple[str, ...] = ()
    """Set flush left from the top, or under the picture; black and upright (Annex I)."""
    size: float = 10.0
    """Of the lines, in points."""
    words: tuple[Words, ...] = ()

    def measure(self) -> tuple[float, float]:
        """Width and height that the lines need, in points."""
        widths = (fonts.measure(fonts.Face.UPRIGHT, line, self.size) for line in self.lines)
        return max(widths, default=0) + 2 * PADDING, _measure_height(self)


def wrap_lines(lines: Iterable[str], size: float, width: float) -> tuple[str, ...]:
    """Break lines at spaces so that none is wider than `width` points, unless one word alone is."""
    wrapped: list[str] = []
    for line in lines:
        current = ""
        for word in line.split():
            longer = f"{current} {word}".strip()
            if current and fonts.measure(fonts.Face.UPRIGHT, longer, size) > width:
                wrapped.append(current)
                longer = word
            current = longer
        wrapped.append(current)
    return tuple(wrapped)


def show_look(revision: Revision, look: Look, rect: Rect, frame: Frame) -> generic.IndirectObject:
    """Make the appearance of a field (`rect` as displayed) that shows all of `look`.

    Lines that are too long are broken, and set smaller if there is no room for them. Raises `Refused` if even
    8 points are too much, and `InputError` for a letter that the font does not have.
    """
    archival = read_archival(revision)
    look = _fit_lines(look, rect)
    content: list[str] = []
    resources: dict[str, Value] = {}
    if look.picture is not None:
        content.append(_draw_picture(look, look.picture, rect))
        resources["XObject"] = dictionary({"Picture": _embed_picture(revision, look.picture, archival)})
    words = (*_set_lines(look, rect), *look.words)
    if words:
        faces = {each.face: "" for each in words}
        parts = {
            face: fonts.cut_alike(face, "".join(each.text for each in words if each.face is face))
            for face in faces
        }
        black = _choose_black(resources, archival)
        shown = [_draw_words(each, parts[each.face], rect) for each in words]
        content.append(f"BT {black} {' '.join(shown)} ET")
        resources["Font"] = dictionary(
            {face.name: fonts.embed(revision, part) for face, part in parts.items()}
        )
    return revision.add_object(_build_form("\n".join(content), rect, frame, dictionary(resources)))


def _fit_lines(look: Look, rect: Rect) -> Look:
    if not look.lines:
        return look
    room = rect.width - 2 * PADDING + _SLACK
    size = look.size
    least = min(size, LEAST_TEXT_SIZE)
    while size >= least:
        fitted = replace(look, lines=wrap_lines(look.lines, size, room), size=size)
        width, height = fitted.measure()
        if width <= rect.width + _SLACK and height <= rect.height + _SLACK:
            return fitted
        size -= _SIZE_STEP
    raise Refused(
        f"there is no room for {look.lines[0]!r} in {rect.width:.0f} by {rect.height:.0f} points.",
        advice="Give a larger rectangle.",
    )


def _measure_height(look: Look) -> float:
    if not look.lines:
        return 2 * PADDING
    return (ASCENT + DESCENT + (len(look.lines) - 1) * LEADING) * look.size + 2 * PADDING


def _set_lines(look: Look, rect: Rect) -> tuple[Words, ...]:
    top = rect.y2 if look.picture is None else rect.y1 + _measure_height(look)
    first = top - PADDING - ASCENT * look.size
    return tuple(
        Words(line, rect.x1 + PADDING, first - number * look.size * LEADING, look.size)
        for number, line in enumerate(look.lines)
    )


def _draw_words(words: Words, part: fonts.Subset, rect: Rect) -> str:
    place = f"1 0 0 1 {words.x - rect.x1:.2f} {words.baseline - rect.y1:.2f} Tm"
    return f"/{words.face.name} {words.size:g} Tf {place} <{part.encode(fonts.normalize(words.text))}> Tj"


def _draw_picture(look: Look, picture: Picture, rect: Rect) -> str:
    base = _measure_height(look) - PADDING if look.lines else 0
    room = max(rect.height - base, 1)
    width, height = picture.fit(rect.width, room)
    if look.picture_mm is not None:
        actual, _ = picture.measure(look.picture_mm)
        width, height = min((width, height), (actual, actual * picture.height / picture.width))
    left, bottom = (rect.width - width) / 2, base + (room - height) / 2
    return f"q {width:.3f} 0 0 {height:.3f} {left:.3f} {bottom:.3f} cm /Picture Do Q"


def _embed_picture(revision: Revision, picture: Picture, archival: Archival) -> generic.IndirectObject:
    colours: Value = "/DeviceRGB"
    if archival.part:  # ISO 19005-1, 6.2.3: the output intent may be for another device, or missing
        calibrated = {"WhitePoint": _D65, "Gamma": (_GAMMA,) * 3, "Matrix": _PRIMARIES}
        colours = ["/CalRGB", dictionary(calibrated)]
    entries: dict[str, Value] = {"ColorSpace": colours, "BitsPerComponent": 8}
    if archival.allows_soft_masks:
        grey: dict[str, Value] = {"ColorSpace": "/DeviceGray", "BitsPerComponent": 8}
        entries["SMask"] = revision.add_object(_build_image(picture, picture.transparency, grey))
    else:
        stencil: dict[str, Value] = {"ImageMask": True, "BitsPerComponent": 1}
        entries["Mask"] = revision.add_object(_build_image(picture, picture.stencil, stencil))
    return revision.add_object(_build_image(picture, picture.colours, entries))


def _choose_black(resources: dict[str, Value], archival: Archival) -> str:
    if not archival.part:
        return "0 g"
    calibrated: Value = ["/CalGray", dictionary({"WhitePoint": _D65, "Gamma": _GAMMA})]
    resources["ColorSpace"] = dictionary({"Grey": calibrated})
    return "/Grey cs 0 sc"


def show_text(
    revision: Revision, text: str, *, face: fonts.Face, size: float, rect: Rect, frame: Frame
) -> generic.IndirectObject:
    """Make the appearance of a text field (`rect` as displayed) that shows one line, vertically centred.

    The text is set smaller if it would not fit. Raises `Refused` if even 8 points are too much.
    """
    letters = fonts.normalize(text)
    part = fonts.cut_alike(face, letters)
    room = rect.width - 2 * PADDING
    size = min(size, size * room / part.measure(letters, size))
    if size < LEAST_TEXT_SIZE:
        raise Refused(
            f"the field has no room for {letters!r}.", advice="Prepare the document with a wider rectangle."
        )
    baseline = (rect.height - (ASCENT + DESCENT) * size) / 2 + DESCENT * size
    resources: dict[str, Value] = {}
    black = _choose_black(resources, read_archival(revision))
    shown = f"/Serif {size:.2f} Tf {black} {PADDING:.2f} {baseline:.3f} Td <{part.encode(letters)}> Tj"
    resources["Font"] = dictionary({"Serif": fonts.embed(revision, part)})
    content = f"/Tx BMC q BT {shown} ET Q EMC"
    return revision.add_object(_build_form(content, rect, frame, dictionary(resources)))


def show_nothing(revision: Revision, rect: Rect, frame: Frame) -> generic.IndirectObject:
    """Make the appearance of a field that is still empty."""
    return revision.add_object(_build_form("", rect, frame, dictionary({})))


def _build_form(
    content: str, rect: Rect, frame: Frame, resources: generic.DictionaryObject
) -> generic.StreamObject:
    return stream(
        {
            "Type": "/XObject",
            "Subtype": "/Form",
            "BBox": [0, 0, rect.width, rect.height],
            "Matrix": [*frame.upright, 0, 0],
            "Resources": resources,
        },
        content.encode("ascii"),
    )


def _build_image(picture: Picture, data: bytes, more: dict[str, Value]) -> generic.StreamObject:
    return deflated(
        {
            "Type": "/XObject",
            "Subtype": "/Image",
            "Width": picture.width,
            "Height": picture.height,
            "Filter": "/FlateDecode",
            **more,
        },
        data,
    )
