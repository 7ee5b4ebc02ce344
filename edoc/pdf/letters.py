"""Does a filled text field show its value, and nothing else.

What a program reads in a field and what it shows can be made to differ: white, clipped or covered letters, a
font whose letters look like others, a picture beside invisible words, looks for the moment when the mouse
passes. So whatever a later update gives a field must be plain: new looks of letters alone, in a font that was
there before or that every program brings along.
"""

import re
from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.pdf.comparing import get_raw, is_same
from edoc.pdf.fieldlist import ODD, Field
from edoc.pdf.objects import look

_STRINGS: Final = re.compile(rb"\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\s]*>|/[^\s()<>\[\]{}/%]*", re.DOTALL)
_PAINTS: Final = re.compile(rb"(?<![\w*])(?:f\*?|F|B\*?|b\*?|S|s|sh|Do|BI|Tr|gs)(?![\w*])")
"""Operators that fill, stroke, place pictures, hide letters or make them transparent."""
_FRAMES: Final = frozenset({"/XObject", "/Pattern", "/Shading"})
_STANDARD: Final = frozenset({"/Type1", "/TrueType"})


def find_trick(signed: Any, widget: Any, text: str) -> str:
    """Say what is odd about the looks that a field's widget was given after `signed` to show `text`."""
    try:
        looks = look(widget, "/AP")
        if looks is None:
            return "has no looks"
        normal = dict.get(looks, "/N")
        if set(looks) != {"/N"}:
            return "has more than one look"
        if not isinstance(normal, generic.IndirectObject) or _stands(signed, normal):
            return "got looks that were prepared before"
        return _find_in_stream(signed, normal.reference.get_object(), text)
    except ODD:
        return "has looks that cannot be read"


def has_other_looks(before: Field, now: Field) -> bool:
    """Tell whether a field's widgets were given other looks; another state of the same looks is none."""
    pairs = zip(before.widgets, now.widgets, strict=False)
    return len(before.widgets) != len(now.widgets) or any(
        not is_same(get_raw(old, "/AP"), get_raw(new, "/AP")) for (_, old), (_, new) in pairs
    )


def lost_looks(before: Field, now: Field) -> bool:
    """Tell whether any of a field's widgets has no looks any more."""
    pairs = zip(before.widgets, now.widgets, strict=False)
    return any(_is_drawn(old) and not _is_drawn(new) for (_, old), (_, new) in pairs)


def _is_drawn(widget: Any) -> bool:
    try:
        return isinstance(look(look(widget, "/AP", {}), "/N"), generic.StreamObject)
    except ODD:
        return False


def _find_in_stream(signed: Any, stream: Any, text: str) -> str:
    if not isinstance(stream, generic.StreamObject):
        return "has looks that are no drawing"
    painted = _PAINTS.search(_STRINGS.sub(b" ", stream.data))
    if painted is not None:
        return f"draws more than letters ({painted[0].decode()})"
    resources = look(stream, "/Resources", {})
    if _FRAMES & set(resources):
        return "shows pictures"
    fonts = look(resources, "/Font", {})
    for name in fonts:
        raw = dict.get(fonts, name)
        known = isinstance(raw, generic.IndirectObject) and _stands(signed, raw)
        if not known and not _is_honest(fonts[name]) and not _is_own(fonts[name], text):
            return "brings its own letters along"
    return ""


def _is_honest(font: Any) -> bool:
    """Tell whether the letters of a font are every program's own."""
    encoding = dict.get(font, "/Encoding")
    own = "/FontDescriptor" in font or "/ToUnicode" in font or "/DescendantFonts" in font
    named = encoding is None or isinstance(encoding, generic.NameObject) or (not own and _is_usual(font))
    return not own and named and dict.get(font, "/Subtype") in _STANDARD


def _is_own(font: Any, text: str) -> bool:
    from edoc.pdf.fonts import is_own  # it brings what cuts fonts along

    return "/DescendantFonts" in font and is_own(font, text)


def _is_usual(font: Any) -> bool:
    encoding = look(font, "/Encoding")
    return isinstance(encoding, generic.DictionaryObject) and "/Differences" not in encoding


def _stands(view: Any, reference: Any) -> bool:
    """Whether an object of that number was there already."""
    make: Any = generic.Reference
    found = view.get_object(make(reference.idnum, reference.generation, pdf=view))
    return not isinstance(found, generic.NullObject)
