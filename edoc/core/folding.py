"""How Vietnamese text is compared when somebody looks for it: with its diacritics, or without.

    fold("Ủy ban nhân dân tỉnh Đắk Lắk")     # "uy ban nhan dan tinh dak lak"
    spell("Hoà")[0] == spell("hòa")[0]       # the tone may stand on either vowel

Rules: words are runs of letters and digits of any script; case, punctuation and the way letters are composed
(NFC, NFD) never count. A folded word has lost all diacritics and đ is d. A spelt word keeps them, with the
tone at its end, because the place of the tone is a matter of taste.
"""

import unicodedata
from typing import Final

MAX_WORD: Final = 64
"""Letters of a word that count; no word of Vietnamese has more than seven."""

_TONES: Final = frozenset("\u0300\u0301\u0303\u0309\u0323")


def plain(text: str) -> str:
    """Return the text in small letters without diacritics; whatever is no letter stays as it is."""
    return _strip(_decompose(text))


def fold(text: str) -> str:
    """Return the text's words in small letters without diacritics, one blank between."""
    return " ".join(fold_words(text))


def fold_words(text: str) -> list[str]:
    """Return the words of `fold`, in their order."""
    return [_strip(word)[:MAX_WORD] for word in _split(text)]


def spell(text: str) -> list[str]:
    """Return the text's words in small letters with their diacritics, the tone last.

    The result is as long as that of `fold_words`: word by word the same text.
    """
    return [_tone_last(word) for word in _split(text)]


def is_marked(text: str) -> bool:
    """Tell whether any word of the text has a diacritic, or the letter đ."""
    return any(c == "đ" or unicodedata.combining(c) for word in _split(text) for c in word)


def _split(text: str) -> list[str]:
    """The words in small letters, decomposed; each holds a letter or a digit."""
    letters = _decompose(text)
    parts = "".join(c if c.isalnum() or unicodedata.combining(c) else " " for c in letters).split()
    return [part for part in parts if not all(map(unicodedata.combining, part))]


def _decompose(text: str) -> str:
    # casefold can compose anew (İ), and compatibility forms hide letters (full-width, ligatures)
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())


def _strip(decomposed: str) -> str:
    return "".join(c for c in decomposed if not unicodedata.combining(c)).replace("đ", "d")


def _tone_last(word: str) -> str:
    bare = "".join(c for c in word if c not in _TONES)
    tones = "".join(sorted(c for c in word if c in _TONES))
    return unicodedata.normalize("NFC", bare)[:MAX_WORD] + tones[:1]
