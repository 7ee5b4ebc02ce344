"""What an incremental update must leave alone, as qpdf sees it."""

import io
import re
from collections.abc import Set as AbstractSet
from typing import Final

import pikepdf

Key = tuple[int, int]
"""Number and generation of an object."""

_REFERENCE: Final = re.compile(rb"(/[^\s/]* )?\b(\d+) (\d+) R\b ?")
_MAY_CHANGE: Final = frozenset(("/AcroForm", "/Annots", "/Fields", "/SigFlags", "/V", "/AP", "/Length"))
"""Keys that signing a document may give new values; qpdf shows a stream's length by its own rules."""


def compare(before: bytes, after: bytes) -> str:
    """Tell what a signature changed that it may not change; else nothing."""
    one = _list_objects(before, None)
    if one is None:
        return ""
    two = _list_objects(after, one.keys())
    if two is None:
        return "qpdf sees faults that were not there before"
    lost = [key for key, value in one.items() if not _is_kept(value, two.get(key))]
    return f"a signature changed {lost[0]}: {one[lost[0]]!r}, {two.get(lost[0])!r}"[:400] if lost else ""


def _list_objects(data: bytes, known: AbstractSet[Key] | None) -> dict[Key, object] | None:
    """Spell every object, or those that are known, as if no other were there; None if qpdf has to guess."""
    try:
        with (
            pikepdf.explicit_conversion(),
            pikepdf.open(io.BytesIO(data), inherit_page_attributes=False) as pdf,
        ):
            found = {each.objgen: each for each in pdf.objects if isinstance(each, pikepdf.Object)}
            kept = found.keys() if known is None else found.keys() & known
            listed = {key: _spell_entries(found[key], kept) for key in kept}
            return None if pdf.get_warnings() else listed
    except (pikepdf.PdfError, pikepdf.PasswordError):
        return None


def _spell_entries(found: pikepdf.Object, known: AbstractSet[Key]) -> object:
    entries = found.stream_dict if isinstance(found, pikepdf.Stream) else found
    if isinstance(entries, pikepdf.Dictionary):
        spelt = {key: _spell(value, known) for key, value in entries.items() if value is not None}
        return {key: value for key, value in spelt.items() if value != b"null"}
    if isinstance(entries, pikepdf.Array):
        return [_spell(value, known) for value in entries]
    return _spell(entries, known)


def _spell(value: pikepdf.Object | None, known: AbstractSet[Key]) -> bytes:
    if value is None:
        return b"null"

    def forget(found: re.Match[bytes]) -> bytes:
        if (int(found[2]), int(found[3])) in known:
            return found[0]
        return b"" if found[1] else b"null "

    # A reference beyond the last object is null until an update adds that object.
    spelt: bytes = _REFERENCE.sub(forget, value.unparse()).strip()
    return spelt


def _is_kept(before: object, after: object) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return all(_is_kept(value, after.get(key)) for key, value in before.items() if key not in _MAY_CHANGE)
    if isinstance(before, list) and isinstance(after, list):
        return before == after[: len(before)]  # fields and annotations are added
    return before == after
