"""What came after each signature of a file, and whether it can be seen.

Each revision is compared with the one before it, once, so that the work grows with the revisions and not
with revisions times signatures. An analysis that cannot end is said to be undecided and is never a pass.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from edoc.core.evidence import Change, ChangeFacts
from edoc.core.report import Changes, Coverage, SignatureType
from edoc.pdf.comments import is_mark, is_note
from edoc.pdf.fieldlist import (
    Box,
    Field,
    Key,
    get_object,
    list_boxes,
    list_fields,
    list_pages,
    list_rectangles,
)
from edoc.pdf.filebytes import FileBytes
from edoc.pdf.letters import find_trick, has_other_looks, lost_looks
from edoc.pdf.ordinary import Unordinary
from edoc.pdf.places import Allowed, CannotDraw
from edoc.pdf.reach import find_reached
from edoc.pdf.revisions import Revisions, Step
from edoc.pdf.signatures import Found, say

if TYPE_CHECKING:
    from edoc.pdf.visual import Looks

_PERMITTED: Final = {1: Changes.LTV_UPDATE, 2: Changes.FORM_FILLING, 3: Changes.ANNOTATION}
"""The worst kind that each DocMDP permission lets pass (ISO 32000-2, table 257)."""
_ANNOTATIONS: Final = 3
_FEW_PAGES: Final = 32
"""So many are drawn without asking which can have changed."""
_LOOKS: Final = (Changes.FORM_FILLING, Changes.ANNOTATION)


class History:
    """The changes of one file, from the earliest of its signatures on."""

    def __init__(
        self,
        file: FileBytes,
        revisions: Revisions,
        found: list[Found],
        fields: tuple[Field, ...],
        password: str | None,
    ) -> None:
        self._file = file
        self._revisions = revisions
        self._found = found
        self._fields = fields
        self._password = password
        self._looks: Looks | None = None
        signed = [item.revision for item in found if item.facts.coverage is Coverage.WHOLE_REVISION]
        self._first = min(signed, default=revisions.newest) + 1

    def close(self) -> None:
        """Let the file go."""
        if self._looks is not None:
            self._looks.close()

    def after(self, item: Found) -> ChangeFacts:
        """Say what came after the revision that a signature signs, under its lock."""
        lock = item.facts.lock
        later = range(item.revision + 1, self._revisions.newest + 1)
        steps = [self._revisions.step(each, first=self._first, certified=lock.certified) for each in later]
        kind = _find_worst(steps)
        permitted = _PERMITTED.get(lock.document or 0, Changes.OTHER)
        changes = ChangeFacts(
            kind=kind,
            details=tuple(self._place(steps)),
            reasons=tuple(step.reason for step in steps if step.reason),
            locked_fields=tuple(sorted({name for step in steps for name in step.fields if lock.holds(name)})),
            beyond_document=kind.rank > permitted.rank,
            undecided=next((step.undecided for step in steps if step.undecided), ""),
        )
        if not item.facts.intact or changes.undecided or not self._can_be_seen(steps):
            return changes
        try:
            return replace(changes, visual=self._look(item, steps))
        except Unordinary:
            raise
        except CannotDraw as error:
            return replace(changes, undecided=f"the pages cannot be drawn: {say(error)}")
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary: any file ends in evidence
            return replace(changes, undecided=say(error))

    def _can_be_seen(self, steps: list[Step]) -> bool:
        kind = _find_worst(steps)
        return kind in _LOOKS or (kind is Changes.LTV_UPDATE and bool(self._list_touched(steps)))

    @cached_property
    def _pages(self) -> dict[Key, int]:
        return list_pages(self._revisions.current)

    @cached_property
    def _boxes(self) -> dict[str, tuple[tuple[int, Box], ...]]:
        """Where each field can be seen now."""
        boxes = {field.name: list_boxes(field, self._pages) for field in self._fields}
        return {
            name: tuple(place for place in places if _has_area(place[1])) for name, places in boxes.items()
        }

    def _list_touched(self, steps: list[Step]) -> set[int]:
        """Pages, from 0, that show a field or an annotation that was touched."""
        names = {name for step in steps for name in step.fields}
        places = [place for name in names for place in self._boxes.get(name, ())]
        return {page for page, _ in (*places, *(place for _, place in self._find_annotations(steps)))}

    def _find_annotations(self, steps: list[Step]) -> list[tuple[Key, tuple[int, Box]]]:
        """Annotations that were added or changed, and where they stand."""
        numbers = {
            number
            for step in steps
            for change in step.details
            if change.kind is Changes.ANNOTATION
            for number in change.objects
        }
        keys = [key for key in self._pages if key[0] in numbers]
        view = self._revisions.current
        return [(key, place) for key in keys for place in list_rectangles(view, key, self._pages)]

    def _list_suspected(self, item: Found) -> set[int] | None:
        """Pages, from 0, that an update can have reached; None if all."""
        if len(self._pages) <= _FEW_PAGES:
            return None
        later = range(item.revision + 1, self._revisions.newest + 1)
        written = {number for revision in later for number in self._revisions.list_written(revision)}
        return find_reached(self._revisions.current, written)

    def _place(self, steps: list[Step]) -> Iterator[Change]:
        """Every change with the page that shows it."""
        for step in steps:
            for change in step.details:
                shown = self._boxes.get(change.field, ()) if change.field else ()
                if change.kind is Changes.ANNOTATION:
                    shown = tuple(place for _, place in self._find_annotations([step]))
                yield replace(change, page=shown[0][0] + 1) if shown and change.page is None else change

    def _look(self, item: Found, steps: list[Step]) -> tuple[str, ...]:
        """Changes to the looks of the pages where they are not allowed."""
        contained = all(step.contained for step in steps)
        signed = self._revisions.view(item.revision)
        return (
            *self._list_covers(steps),
            *self._list_tricks(item, signed, steps),
            *self._compare(item, signed, steps, contained=contained),
        )

    def _compare(self, item: Found, signed: Any, steps: list[Step], *, contained: bool) -> tuple[str, ...]:
        from edoc.pdf.visual import Looks

        if self._looks is None:
            self._looks = Looks(self._file.open_head(self._file.size), password=self._password)
        return self._looks.compare(
            self._file.open_head(item.facts.end),
            tuple(self._list_allowed(item, signed, steps)),
            self._list_touched(steps) if contained else self._list_suspected(item),
        )

    def _list_allowed(self, item: Found, signed: Any, steps: list[Step]) -> Iterator[Allowed]:
        now = {field.name: field for field in self._fields}
        texts = any(field.type == "/Tx" for field in self._fields)
        pages = list_pages(signed) if texts else {}
        for field in list_fields(signed) if texts else ():
            # Only what was empty and unlocked when it was signed may be filled.
            text = now[field.name].text if field.name in now else ""
            if text and field.type == "/Tx" and not field.text and not self._is_locked(field.name, item):
                for page, box in list_boxes(field, pages):
                    yield Allowed(page=page, box=box, text=text, name=field.name)
        for name in self._list_signing(item):
            for page, box in self._boxes.get(name, ()):
                yield Allowed(page=page, box=box)
        if item.facts.lock.document in {None, _ANNOTATIONS}:
            yield from self._list_comments(steps)

    def _list_tricks(self, item: Found, signed: Any, steps: list[Step]) -> Iterator[str]:
        """Fields that were touched and do not simply show their value, or a signature."""
        now = {field.name: field for field in self._fields}
        signing = self._list_signing(item)
        touched = {name for step in steps for name in step.fields} & set(now)
        filled = any(now[name].type != "/Sig" for name in touched)
        before = {field.name: field for field in list_fields(signed)} if filled else {}
        for name in sorted(touched):
            field = now[name]
            if field.type == "/Sig":
                if name not in signing and self._boxes.get(name):
                    yield f"the field {name} can be seen and holds no signature that holds"
            elif field.type == "/Tx":
                yield from self._list_text_tricks(before.get(name), field, signed)
            elif name in before and has_other_looks(before[name], field):
                yield f"the field {name} got other looks"

    def _list_signing(self, item: Found) -> set[str]:
        """Fields of later signatures that hold; anybody can have a document time-stamped."""
        later = (each.facts for each in self._found if each.facts.end > item.facts.end)
        return {each.field for each in later if each.intact and each.type is SignatureType.SIGNATURE}

    def _list_text_tricks(self, before: Field | None, field: Field, signed: Any) -> Iterator[str]:
        if before is None or field.text == before.text:
            if before is not None and lost_looks(before, field):
                yield f"the field {field.name} lost its looks"
            return
        if before.text:
            yield f"the field {field.name} was filled already"
        if not self._boxes.get(field.name):
            return
        for _, widget in field.widgets:
            if trick := find_trick(signed, widget):
                yield f"the field {field.name} {trick}"

    def _list_covers(self, steps: list[Step]) -> Iterator[str]:
        """Comments that can cover or write, whether or not the one program shows it that draws here."""
        for key, (page, box) in self._find_annotations(steps):
            annotation = get_object(self._revisions.current, key)
            if not is_note(annotation, box) and not is_mark(annotation):
                yield f"the annotation {key[0]} on page {page + 1} can cover and write"

    def _list_comments(self, steps: list[Step]) -> Iterator[Allowed]:
        for key, (page, box) in self._find_annotations(steps):
            annotation = get_object(self._revisions.current, key)
            if is_note(annotation, box):
                yield Allowed(page=page, box=box)
            elif is_mark(annotation):
                yield Allowed(page=page, box=box, only_darker=True)

    def _is_locked(self, name: str, item: Found) -> bool:
        """Whether this signature or one before it locks a field."""
        return any(each.facts.lock.holds(name) for each in self._found if each.facts.end <= item.facts.end)


def _find_worst(steps: list[Step]) -> Changes:
    return max((step.kind for step in steps), key=lambda kind: kind.rank, default=Changes.NONE)


def _has_area(box: Box) -> bool:
    left, bottom, right, top = box
    return left != right and bottom != top
