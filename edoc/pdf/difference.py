"""Explain what an incremental update did, object by object, or give up.

Rules: an object that is new can be reached only through one that changed, provided that nothing referred to
its number before; so only the objects that were written again, and the trailer, decide. Each must have one
known role and may change only in what harms in no role: the form's list of fields, a page's list of
annotations, a field's value and looks, the validation store, the document's information, the structure that
is read aloud. No stream but the catalogue's metadata is ever written again. Whatever is not explained here
raises `Unordinary`, and a slower analysis decides.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.core.evidence import Change
from edoc.core.report import Changes
from edoc.pdf.comparing import (
    ABSENT,
    TRAILER,
    Mentions,
    find_references,
    get_raw,
    is_same,
    list_additions,
    list_changes,
)
from edoc.pdf.fieldlist import ODD, Field
from edoc.pdf.objects import look
from edoc.pdf.ordinary import OrdinaryReader, Unordinary, Update

_STREAM: Final = frozenset({"/Type", "/W", "/Index", "/Filter", "/DecodeParms", "/Length"})
_HARMLESS_IN_ROOT: Final = frozenset({"/Extensions", "/Version", "/Metadata"})
_OF_NEW_FORM: Final = frozenset({"/DA", "/DR"})
_IN_PAGE: Final = frozenset({"/Annots", "/StructParents", "/Tabs"})
_IN_STRUCTURE: Final = frozenset({"/K", "/ParentTree", "/ParentTreeNextKey"})
_VALUE: Final = frozenset({"/V", "/AP", "/AS", "/F", "/M"})
_NEW_FIELD: Final = frozenset(
    {"/FT", "/Ff", "/Lock", "/Parent", "/SV", "/T", "/TU", "/V"}
    | {"/AP", "/AS", "/BS", "/Border", "/Contents", "/DA", "/DR", "/F", "/H", "/M", "/MK", "/NM", "/P"}
    | {"/Rect", "/StructParent", "/Subtype", "/Type"}
)
_NEW_NODE: Final = frozenset({"/FT", "/Ff", "/Kids", "/Parent", "/T", "/TU"})
_MAX_DEPTH: Final = 16
_MARKUP: Final = frozenset(
    {"/Text", "/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine", "/Highlight", "/Underline"}
    | {"/Squiggly", "/StrikeOut", "/Stamp", "/Caret", "/Ink", "/Popup"}
)
"""Annotations that comment and do nothing (ISO 32000-2, table 171)."""
_ACTIONS: Final = frozenset({"/A", "/AA", "/OC"})
_make: Final[Any] = generic.DictionaryObject
_EMPTY: Final = _make()
_nothing: Final[Any] = generic.ArrayObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What an update did; nothing but the widgets of the fields it names can look different."""

    changes: tuple[Change, ...]
    adds_visible: bool
    """A new field can be seen, which a certified document does not permit."""


def explain(
    old: OrdinaryReader, new: OrdinaryReader, mentions: Mentions, fields: Mapping[int, Field]
) -> Explanation:
    """Say what the newest update of `new` did to `old`.

    `mentions` are those of `old`; `fields` are the form's fields by the numbers of their objects and widgets,
    as the file's newest revision has them. Raises `Unordinary` if something is not explained.
    """
    try:
        return _Comparison(old, new, mentions, fields).conclude()
    except ODD as error:
        raise Unordinary(str(error)) from error


class _Comparison:
    def __init__(
        self, old: OrdinaryReader, new: OrdinaryReader, mentions: Mentions, fields: Mapping[int, Field]
    ) -> None:
        self._old = old
        self._new = new
        self._mentions = mentions
        self._fields = fields
        self._changes: list[Change] = []
        self._root = new.root_ref.idnum
        self._written: set[int] = set()
        self._added: set[int] = set()
        """Numbers of new signature fields."""
        self._adds_visible = False

    def conclude(self) -> Explanation:
        update = self._new.updates[-1]
        self._compare_trailers(update)
        again = self._sort(update)
        # The form comes first: it says which fields are new, and only their widgets may come to a page.
        roles = [(self._get_role(number), number) for number in again]
        for (_, compare), number in sorted(roles, key=lambda item: item[0][0]):
            compare(number)
        return Explanation(changes=tuple(self._changes), adds_visible=self._adds_visible)

    def _compare_trailers(self, update: Update) -> None:
        before, after = self._old.trailer, update.trailer
        ignored = TRAILER | _STREAM
        keys = (set(before) | set(after)) - ignored
        if any(not is_same(get_raw(before, key), get_raw(after, key)) for key in keys):
            raise Unordinary("the trailer changed")

    def _sort(self, update: Update) -> list[int]:
        """Numbers of the objects that were written again; the new ones are noted."""
        again = []
        for number, entry in update.list_all().items():
            before = self._old.find(number)
            absent = before is None or before.free
            if entry.free:
                if not absent:
                    raise Unordinary(f"object {number} was freed")
            elif absent:
                if self._mentions.of(number):
                    raise Unordinary(f"object {number} was referred to before it existed")
                self._written.add(number)
            else:
                again.append(number)
        return again

    @cached_property
    def _family(self) -> set[int]:
        """Numbers of the objects of the validation store in the old revision, all but its streams."""
        found: set[int] = set()
        waiting = list(find_references(get_raw(self._old.root, "/DSS")))
        while waiting:
            number, _ = waiting.pop()
            if number in found:
                continue
            value, is_stream = self._old.peek(number)
            if not is_stream:
                found.add(number)
                waiting += find_references(value)
        return found

    def _get_role(self, number: int) -> tuple[int, Callable[[int], None]]:  # noqa: C901, PLR0911 - a table
        """What an object is, and so how it may change; in the order of comparing."""
        form = get_raw(self._old.root, "/AcroForm")
        if number == self._root:
            return 0, self._compare_roots
        if _is_reference(form, number):
            return 0, self._compare_forms
        if _is_reference(get_raw(look(self._old.root, "/AcroForm"), "/Fields"), number):
            return 0, self._compare_lists
        if number in self._fields:
            return 1, self._compare_fields
        if number in self._family:
            return 1, self._compare_stores
        if _is_reference(get_raw(self._old.trailer, "/Info"), number):
            return 1, self._compare_information
        if _is_reference(get_raw(self._old.root, "/Metadata"), number):
            return 1, self._compare_metadata
        if number in self._nodes:
            return 0, self._compare_nodes
        value, _ = self._old.peek(number)
        if isinstance(value, generic.ArrayObject):
            return 1, self._compare_annotation_lists
        if _is_markup(value):
            return 1, self._compare_markup
        if get_raw(value, "/Type") in {"/StructTreeRoot", "/StructElem"}:
            return 1, self._compare_structures
        return 1, self._compare_pages

    def _both(self, number: int, kind: type) -> tuple[Any, Any]:
        """An object before and after; it must be of that kind, and no stream."""
        before, was_stream = self._old.peek(number)
        after, is_stream = self._new.peek(number)
        one, two = self._old.find(number), self._new.find(number)
        fits = isinstance(before, kind) and isinstance(after, kind) and not was_stream and not is_stream
        generations = {entry.generation for entry in (one, two) if entry is not None and not entry.compressed}
        if not fits or len(generations) > 1:
            raise Unordinary(f"object {number} was replaced")
        return before, after

    def _compare_roots(self, number: int) -> None:
        before, after = self._both(number, generic.DictionaryObject)
        for key in list_changes(before, after):
            if key == "/DSS":
                self._note(Changes.LTV_UPDATE, "validation data were added", number)
            elif key == "/AcroForm":
                self._compare_form(look(before, key, _EMPTY), look(after, key, _EMPTY), number)
            elif key in _HARMLESS_IN_ROOT:
                self._note(Changes.LTV_UPDATE, f"the catalogue's {key[1:]} changed", number)
            else:
                raise Unordinary(f"the catalogue's {key} changed")

    def _compare_forms(self, number: int) -> None:
        before, after = self._both(number, generic.DictionaryObject)
        self._require_users(number, frozenset(), key="/AcroForm")
        self._compare_form(before, after, number)

    def _compare_form(self, before: Any, after: Any, number: int) -> None:
        if not _is_plain(before) or not _is_plain(after):
            raise Unordinary("the form is no dictionary")
        for key in list_changes(before, after):
            if key == "/Fields":
                self._compare_list(look(before, key, []), look(after, key, []))
            elif key == "/SigFlags":
                self._compare_flags(look(before, key, 0), look(after, key, 0))
            elif before or key not in _OF_NEW_FORM:
                raise Unordinary(f"the form's {key} changed in object {number}")

    def _compare_flags(self, before: Any, after: Any) -> None:
        if int(before) & ~int(after):
            raise Unordinary("the form does not say any more that it is signed")

    def _compare_lists(self, number: int) -> None:
        before, after = self._both(number, generic.ArrayObject)
        form = get_raw(self._old.root, "/AcroForm")
        holders = {form.idnum} if isinstance(form, generic.IndirectObject) else frozenset()
        self._require_users(number, holders, key="/AcroForm")
        self._compare_list(before, after)

    def _require_users(self, number: int, users: AbstractSet[int], *, key: str = "") -> None:
        """See to it that nothing else refers to an object; the catalogue may under the one key."""
        found = self._mentions.of(number)
        if key and self._root in found:
            others = (item for name, item in dict.items(self._old.root) if name != key)
            if not any(each == number for item in others for each, _ in find_references(item)):
                found = found - {self._root}
        if not found <= users:
            raise Unordinary(f"object {number} has several uses")

    def _compare_list(self, before: Any, after: Any) -> None:
        """The form's fields: those that were there stay in their order, new ones follow."""
        for item in list_additions(before, after):
            self._add_branch(item.idnum)

    def _add_branch(self, number: int, depth: int = 0) -> None:
        """A new field, or a new node of fields that leads to new fields only."""
        if number not in self._written or depth > _MAX_DEPTH:
            raise Unordinary(f"object {number} became a field")
        if number in self._added:
            return
        self._added.add(number)
        if number in self._fields:
            self._add_field(number, self._fields[number])
            return
        value, is_stream = self._new.peek(number)
        if is_stream or not isinstance(value, generic.DictionaryObject) or not set(value) <= _NEW_NODE:
            raise Unordinary(f"object {number} became a field")
        for kid in list_additions(_nothing(), look(value, "/Kids")):
            self._add_branch(kid.idnum, depth + 1)

    def _compare_nodes(self, number: int) -> None:
        """A node of fields, to which new ones are added."""
        before, after = self._both(number, generic.DictionaryObject)
        keys = list_changes(before, after)
        if not keys <= {"/Kids"}:
            raise Unordinary(f"the field {number} changed in {', '.join(sorted(keys))}")
        self._require_users(number, self._nodes | set(self._fields), key="/AcroForm")
        if keys:
            self._compare_list(look(before, "/Kids", []), look(after, "/Kids", []))

    @cached_property
    def _nodes(self) -> set[int]:
        """Numbers of what leads to the fields of the old revision: form, list, and the fields' ancestors."""
        form = get_raw(self._old.root, "/AcroForm")
        listed = get_raw(look(self._old.root, "/AcroForm"), "/Fields")
        found = {item.idnum for item in (form, listed) if isinstance(item, generic.IndirectObject)}
        for number in set(self._fields):
            entry = self._old.find(number)
            value = self._old.peek(number)[0] if entry is not None and not entry.free else None
            for _ in range(_MAX_DEPTH):
                parent = get_raw(value, "/Parent")
                if not isinstance(parent, generic.IndirectObject):
                    break
                value = self._old.peek(parent.idnum)[0]
                if "/T" not in value or "/Type" in value:
                    break
                found.add(parent.idnum)
        return found

    def _add_field(self, number: int, field: Field) -> None:
        value, is_stream = self._new.peek(number)
        plain = isinstance(value, generic.DictionaryObject) and not is_stream
        if not plain or not set(value) <= _NEW_FIELD or field.type != "/Sig":
            raise Unordinary(f"the new field {field.name} is more than a signature")
        if sum(each.name == field.name for each in self._fields.values()) > 1:
            raise Unordinary(f"two fields are named {field.name}")
        self._adds_visible = self._adds_visible or is_visible(value)
        self._note_signature(field, value, number)

    def _note_signature(self, field: Field, value: Any, number: int) -> None:
        signature = get_raw(value, "/V")
        if signature is ABSENT:
            self._note(Changes.FORM_FILLING, f"the signature field {field.name} was added", number, field)
            return
        held = value["/V"]
        if not _is_plain(held):
            raise Unordinary(f"the field {field.name} holds no signature")
        stamp = "/Type" in held and held["/Type"] == "/DocTimeStamp"
        if stamp and not is_visible(value):
            self._note(Changes.LTV_UPDATE, f"the document was time-stamped in {field.name}", number, field)
        else:
            self._note(Changes.FORM_FILLING, f"a signature was put into {field.name}", number, field)

    def _compare_fields(self, number: int) -> None:
        before, after = self._both(number, generic.DictionaryObject)
        field = self._fields[number]
        keys = list_changes(before, after)
        if not keys:
            return
        if not keys <= _VALUE or field.type not in {"/Sig", "/Tx"}:
            raise Unordinary(f"the field {field.name} changed in {', '.join(sorted(keys))}")
        for key in keys:
            replaced = get_raw(before, key)
            if isinstance(replaced, generic.IndirectObject):
                self._require_users(replaced.idnum, {number})
        if self._count_pages(number) > 1:
            raise Unordinary(f"the field {field.name} stands on several pages")
        if field.type == "/Tx":
            self._note(Changes.FORM_FILLING, f"the field {field.name} was filled", number, field)
        elif "/V" in keys and get_raw(before, "/V") is ABSENT:
            self._note_signature(field, after, number)
        else:
            raise Unordinary(f"the signature in {field.name} was changed")

    def _count_pages(self, number: int) -> int:
        """On how many pages a widget stands."""
        holders = self._mentions.of(number) - {0}
        lists = {holder for holder in holders if isinstance(self._old.peek(holder)[0], generic.ArrayObject)}
        users = {user for holder in lists for user in self._mentions.of(holder)}
        return sum("/Annots" in dict(self._old.peek(each)[0]) for each in (holders - lists) | (users - lists))

    def _compare_stores(self, number: int) -> None:
        """Data for validation: any change, if nothing leads to any of them but the catalogue's `/DSS`."""
        self._both(number, type(self._old.peek(number)[0]))
        for each in self._family:
            self._require_users(each, self._family, key="/DSS")
        self._note(Changes.LTV_UPDATE, "validation data were added", number)

    def _compare_information(self, number: int) -> None:
        self._both(number, generic.DictionaryObject)
        self._require_users(number, frozenset())
        self._note(Changes.LTV_UPDATE, "the document's information changed", number)

    def _compare_metadata(self, number: int) -> None:
        before, after = self._old.peek(number), self._new.peek(number)
        if any(
            not is_stream or get_raw(value, "/Type") != "/Metadata" for value, is_stream in (before, after)
        ):
            raise Unordinary(f"object {number} was replaced")
        self._require_users(number, frozenset(), key="/Metadata")
        self._note(Changes.LTV_UPDATE, "the document's metadata changed", number)

    def _compare_structures(self, number: int) -> None:
        """Elements of the logical structure may be added (ISO 32000-2, 14.7); pages do not show them."""
        before, after = self._both(number, generic.DictionaryObject)
        keys = list_changes(before, after)
        if not keys <= _IN_STRUCTURE or get_raw(before, "/Type") != get_raw(after, "/Type"):
            raise Unordinary(f"object {number} changed in {', '.join(sorted(keys))}")
        if "/K" in keys:
            old, new = look(before, "/K", []), look(after, "/K", [])
            list_additions(old if isinstance(old, list) else [get_raw(before, "/K")], new)
        if keys:
            self._note(Changes.FORM_FILLING, "the logical structure was extended", number)

    def _compare_pages(self, number: int) -> None:
        before, after = self._both(number, generic.DictionaryObject)
        keys = list_changes(before, after)
        if not keys:
            return
        if not keys <= _IN_PAGE or get_raw(before, "/Type") != "/Page" or get_raw(after, "/Type") != "/Page":
            raise Unordinary(f"object {number} changed in {', '.join(sorted(keys))}")
        self._compare_annotations(look(before, "/Annots", []), look(after, "/Annots", []))

    def _compare_annotation_lists(self, number: int) -> None:
        before, after = self._both(number, generic.ArrayObject)
        for holder in self._mentions.of(number):
            value, _ = self._old.peek(holder)
            others = [item for key, item in dict.items(dict(value)) if key != "/Annots"]
            elsewhere = any(found == number for item in others for found, _ in find_references(item))
            if elsewhere or get_raw(value, "/Type") != "/Page":
                raise Unordinary(f"object {number} is more than a list of annotations")
        self._compare_annotations(before, after)

    def _compare_annotations(self, before: Any, after: Any) -> None:
        for item in list_additions(before, after):
            if item.idnum in self._added:
                continue
            value, is_stream = self._new.peek(item.idnum)
            if item.idnum not in self._written or is_stream or not _is_markup(value):
                raise Unordinary(f"object {item.idnum} became an annotation")
            self._note_annotation(value, "added", item.idnum)

    def _compare_markup(self, number: int) -> None:
        before, after = self._both(number, generic.DictionaryObject)
        if not _is_markup(after) or get_raw(before, "/Subtype") != get_raw(after, "/Subtype"):
            raise Unordinary(f"the annotation {number} was replaced")
        if self._count_pages(number) > 1:
            raise Unordinary(f"the annotation {number} stands on several pages")
        if list_changes(before, after):
            self._note_annotation(after, "changed", number)

    def _note_annotation(self, value: Any, what: str, number: int) -> None:
        self._note(
            Changes.ANNOTATION,
            f"an annotation was {what}: {get_raw(value, '/Subtype')[1:]}, object {number}",
            number,
        )

    def _note(self, kind: Changes, text: str, number: int, field: Field | None = None) -> None:
        change = Change(kind=kind, text=text, objects=(number,), field=field.name if field else "")
        if all(known.text != text or known.field != change.field for known in self._changes):
            self._changes.append(change)


def is_visible(widget: Any) -> bool:
    """Tell whether a widget covers any place."""
    try:
        x1, y1, x2, y2 = (float(number) for number in widget["/Rect"])
    except (KeyError, TypeError, ValueError):
        return "/Rect" in widget
    return x1 != x2 and y1 != y2


def _is_reference(value: Any, number: int) -> bool:
    return isinstance(value, generic.IndirectObject) and value.idnum == number


def _is_markup(value: Any) -> bool:
    kind = get_raw(value, "/Subtype")
    return isinstance(kind, generic.NameObject) and kind in _MARKUP and not _ACTIONS & set(value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, generic.DictionaryObject) and not isinstance(value, generic.StreamObject)
