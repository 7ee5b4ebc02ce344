"""File names from strangers made safe: no path, no device, nothing invisible, no text that runs backwards."""

import re
import unicodedata
from typing import Final

_LONGEST: Final = 200
_RESERVED: Final = re.compile(r'[<>:"|?*]')
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe_name(name: str, fallback: str) -> str:
    """Return `name` as a file name that is safe on every system; `fallback` if nothing is left of it.

    The last part of a path is kept, normalised to NFC; control and formatting characters (right-to-left marks
    too) are taken out, reserved characters become `_`, and at most 200 bytes of UTF-8 remain.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    visible = "".join(c for c in last if unicodedata.category(c) not in _INVISIBLE)
    safe = _RESERVED.sub("_", visible).strip(" .")
    if _DEVICE.fullmatch(safe.partition(".")[0].strip()):
        safe = f"_{safe}"
    return _shortened(safe) or fallback


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
