"""What no update of a signed form may do, whatever else explains it.

pyHanko's analysis lets the form's defaults change freely; but they decide how programs draw fields whose
looks they make anew, and a field may carry an action.
"""

from collections.abc import Iterable
from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.pdf.comparing import get_raw, is_same
from edoc.pdf.objects import look

_ACTIONS: Final = frozenset({"/A", "/AA"})
_FIXED: Final = ("/DA", "/Q", "/XFA")


def find_forbidden(old: Any, new: Any, written: Iterable[generic.Reference]) -> str:
    """Say what a revision changed in the form although it may not; empty if nothing.

    `old` and `new` are views of the two revisions, `written` the objects that the newer one writes.
    """
    before, after = look(old.root, "/AcroForm"), look(new.root, "/AcroForm")
    if isinstance(before, generic.DictionaryObject) and isinstance(after, generic.DictionaryObject):
        return _compare(before, after) or _find_action(old, new, written)
    return _find_action(old, new, written)


def _compare(before: Any, after: Any) -> str:
    if _is_true(look(after, "/NeedAppearances")) and not _is_true(look(before, "/NeedAppearances")):
        return "the looks of all fields are to be made anew"
    for key in _FIXED:
        if key in before and str(look(before, key)) != str(look(after, key)):
            return f"the form's {key} changed"
    if "/Q" not in before and int(look(after, "/Q", 0)):
        return "the form's /Q changed"
    if int(look(before, "/SigFlags", 0)) & ~int(look(after, "/SigFlags", 0)):
        return "the form does not say any more that it is signed"
    listed = [look(form, "/Fields", []) for form in (before, after)]
    numbers = [{getattr(item, "idnum", 0) for item in list.__iter__(found)} for found in listed]
    if not numbers[0] <= numbers[1]:
        return "fields were taken out of the form"
    return _compare_resources(look(before, "/DR", {}), look(after, "/DR", {}))


def _is_true(value: Any) -> bool:
    return bool(value) and not isinstance(value, generic.NullObject) and bool(getattr(value, "value", value))


def _compare_resources(before: Any, after: Any) -> str:
    """More fonts may come; those that are there stay what they are."""
    for kind in before:
        old, new = look(before, kind), look(after, kind)
        if not isinstance(old, generic.DictionaryObject):
            continue
        for name in old:
            if not is_same(get_raw(old, name), get_raw(new, name)):
                return f"the form's {kind[1:]} {name[1:]} was replaced"
    return ""


def _find_action(old: Any, new: Any, written: Iterable[generic.Reference]) -> str:
    for reference in written:
        value = new.get_object(reference)
        if not isinstance(value, generic.DictionaryObject) or not ("/FT" in value or "/Subtype" in value):
            continue
        if _ACTIONS & set(value) and not _ACTIONS & set(_find(old, reference)):
            return f"object {reference.idnum} brings an action along"
    return ""


def _find(view: Any, reference: generic.Reference) -> Any:
    if not view.defines(reference):
        return {}
    found = view.get_object(reference)
    return found if isinstance(found, generic.DictionaryObject) else {}
