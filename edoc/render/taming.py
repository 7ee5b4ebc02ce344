"""Make text from a document or a certificate harmless to look at.

Whoever makes a certificate chooses its names. Rules: one line; nothing that turns, hides or moves other text;
what is taken out is named, as ⟨U+202E⟩; no name is longer than a reader can use. Markup is escaped by who
shows the text, not here.
"""

import re
import unicodedata
from typing import Final

MAX_LENGTH: Final = 200
"""Characters of one text that are shown."""
_MAX_MARKS: Final = 3
"""Combining marks on one letter; Vietnamese has at most two."""
_HARMLESS: Final = re.compile(r"[ -~\u00a1-\u00ac\u00ae-\u02ff\u1ea0-\u1ef9\u2010-\u2027]*")
_ODD: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK: Final = frozenset("\t\n\r\v\f\x85")
_FILLERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f")
"""Letters and marks that show nothing at all."""


def tame(text: str, limit: int = MAX_LENGTH) -> str:
    """Give a text that can be shown in one line: at most `limit` characters, and how many it had."""
    if len(text) <= limit and _HARMLESS.fullmatch(text):
        return text
    shown = "".join(_tame_letters(text[:limit]))
    return shown if len(text) <= limit else f"{shown}… ({len(text)})"


def _tame_letters(text: str) -> list[str]:
    found: list[str] = []
    marks = 0
    for letter in text:
        category = unicodedata.category(letter)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if letter in _BLANK:
            found.append(" ")
        elif category in _ODD or letter in _FILLERS or marks > _MAX_MARKS:
            found.append(f"⟨U+{ord(letter):04X}⟩")
        else:
            found.append(letter)
    return found
