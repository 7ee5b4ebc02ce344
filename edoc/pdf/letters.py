"""Does a filled text field show its value, and nothing else.

What a program reads in a field and what it shows can be made to differ: white, clipped or covered letters, a
picture beside invisible words, looks for the moment when the mouse
passes. So whatever a later update gives a field must be plain: one new look, of letters alone, in a font.
"""

import re
from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.pdf.comparing import get_raw, is_same
from edoc.pdf.fieldlist import ODD, Field, get_object
from edoc.pdf.objects import look

_STRINGS: Final = re.compile(rb"\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f\s]*>|/[^\s()<>\[\]{}/%]*", re.DOTALL)
_PAINTS: Final = re.compile(rb"(?<![\w*])(?:f\*?|F|B\*?|b\*?|S|s|sh|Do|BI|Tr|gs)(?![\w*])")
"""Operators that fill, stroke, place pictures, hide letters or make them transparent."""
_FRAMES: Final = frozenset({"/XObject", "/Pattern", "/Shading"})
_FONTS: Final = frozenset({"/Type0", "/Type1", "/MMType1", "/TrueType"})


def find_trick(signed: Any, widget: Any) -> str:
    """Say what is odd about the looks that a field's widget was given after `signed`; else nothing."""
    try:
        looks = look(widget, "/AP")
        if looks is None:
            return "has no looks"
        normal = dict.get(looks, "/N")
        if set(looks) != {"/N"}:
            return "has more than one look"
        if not isinstance(normal, generic.IndirectObject) or _stands(signed, normal):
            return "got looks that were prepared before"
        return _find_in_stream(normal.reference.get_object())
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


def _find_in_stream(stream: Any) -> str:
    if not isinstance(stream, generic.StreamObject):
        return "has looks that are no drawing"
    painted = _PAINTS.search(_STRINGS.sub(b" ", stream.data))
    if painted is not None:
        return f"draws more than letters ({painted[0].decode()})"
    resources = look(stream, "/Resources", {})
    if _FRAMES & set(resources):
        return "shows pictures"
    fonts = look(resources, "/Font", {})
    if not all(_is_honest(fonts[name]) for name in fonts):
        return "draws its letters itself"
    return ""


def _is_honest(font: Any) -> bool:
    """Tell whether a font is a font, and its codes mean what its own encoding says."""
    encoding = look(font, "/Encoding")
    other = isinstance(encoding, generic.DictionaryObject) and "/Differences" in encoding
    return dict.get(font, "/Subtype") in _FONTS and not other


def _stands(view: Any, reference: Any) -> bool:
    """Whether an object of that number was there already."""
    try:
        found = get_object(view, (reference.idnum, reference.generation))
    except ODD:
        return False
    return not isinstance(found, generic.NullObject)
