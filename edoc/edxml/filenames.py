"""File names from strangers made safe: no path, no device, nothing invisible, no text that runs backwards."""

import re
import unicodedata
from typing import Final

_LONGEST: Final = 200
_RESERVED: Final = re.compile(r'[<>:"|?*]')
_DEVICE: Final = re.compile(
    r"(con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE
)
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe_name(name: str, fallback: str) -> str:
    """Return `name` as a file name that is safe on every system; `fallback` if nothing is left of it.

    The last part of a path is kept, normalised to NFC; control and formatting characters (right-to-left marks
    too) are taken out, reserved characters become `_`, and at most 200 bytes of UTF-8 remain.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = last.isascii() and last.isprintable()
    visible = last if plain else "".join(c for c in last if unicodedata.category(c) not in _INVISIBLE)
    safe = _RESERVED.sub("_", visible).strip(" .")
    if _DEVICE.fullmatch(safe.partition(".")[0].strip()):
        safe = f"_{safe}"
    return _shortened(safe) or fallback


def shown_name(name: str) -> str:
    """Return `name` with everything shown that a reader would not see: `invoice⟨U+202E⟩fdp.exe`.

    Control and formatting characters, right-to-left marks among them, and white space other than a blank
    are spelt out; the rest is normalised to NFC.
    """
    return "".join(f"⟨U+{ord(c):04X}⟩" if hides(c) else c for c in unicodedata.normalize("NFC", name))


def hides(character: str) -> bool:
    """Tell whether a character cannot be seen, or makes a text look other than it is."""
    return unicodedata.category(character) in _INVISIBLE or (character != " " and character.isspace())


def numbered_name(name: str, attempt: int) -> str:
    """Return the name itself for the first attempt, then `name (2).ext`, `name (3).ext`."""
    if attempt == 1:
        return name
    stem, dot, extension = name.rpartition(".")
    return f"{stem} ({attempt}){dot}{extension}" if stem else f"{name} ({attempt})"


def _shortened(name: str) -> str:
    if len(name.encode()) <= _LONGEST:
        return name
    stem, dot, extension = name.rpartition(".")
    tail = f"{dot}{extension}" if stem and len(extension.encode()) <= _LONGEST // 4 else ""
    kept = name.removesuffix(tail).encode()[: _LONGEST - len(tail.encode())]
    return kept.decode("utf-8", "ignore").rstrip(" .") + tail
