"""The fields that a document carries for number, date, signature and seal, and filling the first two.

Rules: the page's content is never touched; everything is an incremental update. Number and date wait
empty until the register gives them (NĐ 30/2020/NĐ-CP Art 14 and 15), which is after the person has signed:
the person's signature permits form filling, a seal locks every field that is there, and the last seal
locks everything.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.core.evidence import Lock
from edoc.core.ids import display_date_vi, display_number
from edoc.errors import InputError, Refused
from edoc.pdf import appearance, fonts
from edoc.pdf.document import Document
from edoc.pdf.fieldlist import Field, list_boxes, list_pages
from edoc.pdf.forms import DATE, NUMBER, PERSON, SEAL, find_field, is_filled, read_locks
from edoc.pdf.layout import LINE, PADDING, TEXT_SIZE, Frame, Place, Rect
from edoc.pdf.objects import Value, convert, dictionary, items, look, text
from edoc.pdf.pages import frame_of, require_page
from edoc.pdf.update import Revision

MAX_SEALS: Final = 8
_STATE: Final = "/N"
"""Appearance state of a text field. It selects nothing, as there is one appearance only; but with it pyHanko
(0.38) does not take a locked field's old appearance for a new one when a later update follows."""
_NOWHERE: Final = Rect(0, 0, 0, 0)
_PRINT: Final = 4
_FIXED: Final = 128
"""Annotation flags: printed; not to be moved."""
_SIZE: Final = re.compile(r"([\d.]+)\s+Tf")
_NOTATION: Final = re.compile(r"[\w.,&+-]+(?:[/ ][\w.,&+-]+)*")
_MAX_NOTATION: Final = 30
"""FileNotation and CodeNotation in Annex VI of NĐ 30/2020/NĐ-CP."""
_TEXT_FIELDS: Final = {
    NUMBER: ("Số, ký hiệu văn bản", "EdocSerif", fonts.Face.UPRIGHT),
    DATE: ("Ngày, tháng, năm ban hành văn bản", "EdocSerifItalic", fonts.Face.ITALIC),
}
"""Name → what it is for, its font's resource name, its face (Annex I: the date is italic)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the fields of a document go."""

    number: Place
    date: Place
    person: Place
    seals: tuple[Place, ...]


PERSON_LOCK: Final = Lock(document=2, action="Include")
"""A person's signature locks no field: number and date come after it."""
LAST_SEAL_LOCK: Final = Lock(document=1, action="All")
"""After the last seal nothing may follow but what keeps signatures verifiable."""


def seal_names(count: int) -> tuple[str, ...]:
    """Give the names of the fields for `count` seals."""
    return tuple(SEAL if number == 1 else f"{SEAL}{number}" for number in range(1, count + 1))


def seal_lock(name: str, names: tuple[str, ...]) -> Lock:
    """Say what a seal locks: everything but the seals that follow it."""
    later = names[names.index(name) + 1 :]
    return Lock(document=2, action="Exclude", fields=later) if later else LAST_SEAL_LOCK


def add_fields(document: Document, places: Places) -> Revision:
    """Add the empty fields as an incremental update."""
    revision = document.extend("prepare")
    form = revision.form
    form.pop("/NeedAppearances", None)  # what is shown is in the file, not made up by the viewer
    form["/SigFlags"] = convert(int(look(form, "/SigFlags", 0)) | 1)
    revision.mark(form)
    _add_fonts(revision, form)
    _add_text(revision, NUMBER, places.number)
    _add_text(revision, DATE, places.date)
    add_signature(revision, PERSON, places.person, PERSON_LOCK, purpose="Chữ ký của người có thẩm quyền")
    names = seal_names(len(places.seals))
    for name, place in zip(names, places.seals, strict=True):
        lock = seal_lock(name, names)
        add_signature(revision, name, place, lock, purpose="Chữ ký số của cơ quan, tổ chức")
    return revision


def _add_fonts(revision: Revision, form: generic.DictionaryObject) -> None:
    known = revision.ensure(revision.ensure(form, "/DR"), "/Font")
    for _, name, face in _TEXT_FIELDS.values():
        known[f"/{name}"] = fonts.embed(revision, fonts.cut_subset(face, fonts.VIETNAMESE))
    revision.mark(known)


def _add_text(revision: Revision, name: str, place: Place) -> None:
    purpose, font, _ = _TEXT_FIELDS[name]
    size = min(max(round((place.rect.height - PADDING) / LINE * 2) / 2, TEXT_SIZE), TEXT_SIZE + 1)
    shown = text(f"/{font} {size:g} Tf 0 g")
    entries: dict[str, Value] = {"FT": "/Tx", "TU": text(purpose), "DA": shown, "F": _PRINT, "AS": _STATE}
    _add_field(revision, name, place, entries)


def add_signature(
    revision: Revision, name: str, place: Place | None, lock: Lock | None, *, purpose: str = ""
) -> None:
    """Add one empty signature field; without a place it is invisible.

    Raises `InputError` if the place is not on its page.
    """
    entries: dict[str, Value] = {"FT": "/Sig", "F": _PRINT | _FIXED}
    if purpose:
        entries["TU"] = text(purpose)
    if lock is not None:
        entries["Lock"] = revision.add_object(_build_lock(lock))
    if place is None:
        # PDF/A wants an appearance for every field (ISO 19005-1, 6.9), seen or not.
        nothing = appearance.show_nothing(revision, _NOWHERE, Frame(_NOWHERE, 0))
        entries["AP"] = dictionary({"N": nothing})
    _add_field(revision, name, place, entries)


def add_timestamp(revision: Revision, name: str) -> None:
    """Add a field for a document time-stamp: without appearance, which would count as form filling."""
    _add_field(revision, name, None, {"FT": "/Sig", "F": _PRINT | _FIXED})


def _build_lock(lock: Lock) -> generic.DictionaryObject:
    # ISO 32000-2, 12.7.5.5; /P is its PDF 2.0 part, which older programs pass over.
    entries: dict[str, Value] = {"Type": "/SigFieldLock", "Action": f"/{lock.action}"}
    if lock.document is not None:
        entries["P"] = lock.document
    if lock.action != "All":
        entries["Fields"] = list(map(text, lock.fields))
    return dictionary(entries)


def _add_field(revision: Revision, name: str, place: Place | None, entries: Mapping[str, Value]) -> None:
    page = revision.find_page(0 if place is None else require_page(revision, place.page))
    where: dict[str, Value] = {"T": text(name), "P": page, "Rect": [0, 0, 0, 0]}
    field = dictionary({**entries, "Type": "/Annot", "Subtype": "/Widget", **where})
    if place is not None:
        _put(revision, field, place, frame_of(page.get_object()))
    reference = revision.add_object(field)
    array = revision.form["/Fields"]
    array.append(reference)
    revision.mark(array)
    revision.annotate(page, reference)


def _put(revision: Revision, field: generic.DictionaryObject, place: Place, frame: Frame) -> None:
    if not place.rect.lies_in(frame.page):
        raise InputError(
            f"the rectangle for {field['/T']} does not lie on page {place.page}.",
            advice=f"The page is {frame.page.x2:.0f} by {frame.page.y2:.0f} points; x1 < x2, y1 < y2.",
        )
    corners = frame.to_file(place.rect).round()
    field["/Rect"] = convert([corners.x1, corners.y1, corners.x2, corners.y2])
    field["/AP"] = dictionary({"N": appearance.show_nothing(revision, place.rect, frame)})
    if frame.rotation:
        field["/MK"] = dictionary({"R": frame.rotation})


def show(revision: Revision, field: Field, shown: generic.IndirectObject) -> None:
    """Give a field the appearance `shown`."""
    widget = only_widget(field)
    widget["/AP"] = dictionary({"N": shown})
    revision.mark(widget)


def only_widget(field: Field) -> Any:
    """Give the one place of a field on a page. Raises `Refused` if it has several."""
    if len(field.widgets) != 1:
        raise Refused(f"the field {field.name} stands in {len(field.widgets)} places, not in one.")
    return field.widgets[0][1]


def locate(revision: Revision, field: Field) -> tuple[Rect, Frame]:
    """Where a field stands: its rectangle as displayed (no area if invisible), and its page's frame."""
    page = look(only_widget(field), "/P")
    if not isinstance(page, generic.DictionaryObject):
        index = next((index for index, _ in list_boxes(field, list_pages(revision))), 0)
        page = revision.find_page(index).get_object()
    frame = frame_of(page)
    x1, y1, x2, y2 = (float(value) for value in items(only_widget(field)["/Rect"]))
    return frame.to_display(Rect.span((x1, y1), (x2, y2))), frame


def spell_number(number: int, notation: str) -> str:
    """Spell number and symbol as printed: `05/UBND-VP` (NĐ 30, Annex I, box 3).

    Raises `InputError` for a number below one and for what is no symbol.
    """
    if not _NOTATION.fullmatch(notation) or len(notation) > _MAX_NOTATION:
        raise InputError(
            f"{notation!r} is no document symbol.",
            advice=f"A symbol looks like UBND-VP and has at most {_MAX_NOTATION} letters.",
        )
    return f"{display_number(number)}/{notation}"


def spell_texts(number: int, notation: str, issued: date) -> dict[str, str]:
    """What number and date say: `05/UBND-VP` and `ngày 05 tháng 02 năm 2026`, by their fields' names.

    Raises `InputError` for an impossible number or symbol.
    """
    return {NUMBER: spell_number(number, notation), DATE: display_date_vi(issued)}


def require_fillable(document: Document, values: Mapping[str, str]) -> bool:
    """See to it that text fields (name → value) may be filled so; False if they already say exactly that.

    Raises `Refused` if a field is missing, is no text field, is locked, or says something else.
    """
    found = {name: _require_text(document.reader, document.where, name) for name in values}
    said = {name: field.text for name, field in found.items() if is_filled(field)}
    if said == values:
        return False
    other = next((name for name, words in said.items() if words != values[name]), None)
    if other is not None:
        raise Refused(
            f"the field {other} already says {said[other]!r}.",
            where=document.where,
            advice="A number is given once; work on the file as it was before.",
        )
    _require_unlocked(document, values)
    return True


def fill_texts(document: Document, values: Mapping[str, str]) -> Revision | None:
    """Fill text fields (name → value) in an update of their own; None if they already say exactly that.

    Raises `Refused` as `require_fillable` does.
    """
    if not require_fillable(document, values):
        return None
    revision = document.extend("fill " + " ".join(f"{name}={words}" for name, words in values.items()))
    write_texts(revision, values)
    return revision


def write_texts(revision: Revision, values: Mapping[str, str]) -> None:
    """Write texts into fields that may be filled."""
    for name, words in values.items():
        _fill_text(revision, name, words)


def _require_text(view: Any, where: str, name: str) -> Field:
    field = find_field(view, name)
    if field is None or field.type != "/Tx":
        raise Refused(
            f"this PDF has no text field {name}.",
            where=where,
            advice="Prepare it before the person signs (edoc prepare).",
        )
    return field


def _require_unlocked(document: Document, names: Iterable[str]) -> None:
    for signed, lock in read_locks(document.fields):
        if lock.whole or any(lock.holds(name) for name in names):
            raise Refused(
                f"number and date are locked by the signature in the field {signed}.",
                where=document.where,
                advice="Number the document before it is sealed.",
            )


def _fill_text(revision: Revision, name: str, words: str) -> None:
    field = _require_text(revision, "", name)
    rect, frame = locate(revision, field)
    given = _SIZE.search(str(look(field.dictionary, "/DA", "")))
    size = float(given[1]) if given is not None else 0.0
    face = _TEXT_FIELDS[name][2] if name in _TEXT_FIELDS else fonts.Face.UPRIGHT
    field.dictionary["/V"] = text(words)
    revision.mark(field.dictionary)
    shown = appearance.show_text(revision, words, face=face, size=size or TEXT_SIZE, rect=rect, frame=frame)
    show(revision, field, shown)
