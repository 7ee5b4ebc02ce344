"""Which comments hide nothing: they may be added to a document that permits comments (ISO 32000-2, 12.8.2.2).

A comment can also be drawn as a white box with other words in it ("evil annotation"). So a note may be as
large as its sign, and a mark on text may only darken what is there and draw no text of its own. Whatever else
looks different is a changed page.
"""

import re
from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.pdf.fieldlist import ODD, Box

NOTES: Final = frozenset({"/Text", "/Caret", "/Popup"})
MARKS: Final = frozenset({"/Highlight", "/Underline", "/Squiggly", "/StrikeOut"})
_NOTE_SIZE: Final = 50.0
"""PDF points; programs draw the sign of a note with 18 to 32."""
_WRITES: Final = re.compile(rb"(?<![\w/])(?:Tj|TJ|Do|BI|sh|'|\")(?!\w)")


def is_note(annotation: Any, box: Box) -> bool:
    """Tell whether a comment is a small sign beside the text."""
    left, bottom, right, top = box
    small = right - left <= _NOTE_SIZE and top - bottom <= _NOTE_SIZE
    return small and dict.get(annotation, "/Subtype") in NOTES


def is_mark(annotation: Any) -> bool:
    """Tell whether a comment marks text and writes none."""
    if dict.get(annotation, "/Subtype") not in MARKS:
        return False
    try:
        look = annotation["/AP"]["/N"] if "/AP" in annotation else None
        return look is None or (isinstance(look, generic.StreamObject) and not _WRITES.search(look.data))
    except ODD:
        return False
