"""What came after each signature, and whether the signature itself forbids it.

Rules: every object of a later revision must be explained, or the change is `other`; each revision is
compared with the one before it, once, so that the work grows with the revisions and not with revisions
times signatures; an analysis that cannot end is said to be undecided and is never a pass. The comparing is
pyHanko's; where it raises false alarms on validation data and freed numbers, the rules here are wider.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader, RawPdfPath
from pyhanko.sign.diff_analysis import (
    CatalogModificationRule,
    DocInfoRule,
    FormUpdatingRule,
    GenericFieldModificationRule,
    MetadataUpdateRule,
    ModificationLevel,
    ObjectStreamRule,
    QualifiedWhitelistRule,
    ReferenceUpdate,
    SigFieldCreationRule,
    SigFieldModificationRule,
    StandardDiffPolicy,
    SuspiciousModification,
    XrefStreamRule,
)
from pyhanko.sign.diff_analysis.rules_api import Context
from pyhanko.sign.fields import MDPPerm

from edoc.core.evidence import Change
from edoc.core.report import Changes
from edoc.pdf.fieldlist import ODD, list_pages
from edoc.pdf.formguard import find_forbidden
from edoc.pdf.revisions import Step

_KINDS: Final = {
    ModificationLevel.NONE: Changes.NONE,
    ModificationLevel.LTA_UPDATES: Changes.LTV_UPDATE,
    ModificationLevel.FORM_FILLING: Changes.FORM_FILLING,
    ModificationLevel.ANNOTATIONS: Changes.ANNOTATION,
    ModificationLevel.OTHER: Changes.OTHER,
}
_RAW: Final = generic.EncryptedObjAccess.RAW
"""Signatures are never encrypted (ISO 32000-2, 7.6.2), so strings are taken as they stand."""
_REASON_LENGTH: Final = 400
_MAX_TOLD: Final = 50
"""Objects that are named for one change."""

Update = tuple[ModificationLevel, ReferenceUpdate]


class _Revision(HistoricalResolver):
    """One revision; numbers that stand for nothing lead nowhere instead of ending the analysis."""

    def _collect_indirect_references(
        self, obj: generic.PdfObject, seen: set[generic.Reference], since_revision: int | None = None
    ) -> None:
        waiting = [obj]
        while waiting:
            item = waiting.pop()
            if isinstance(item, generic.IndirectObject):
                if item.reference in seen or not self._is_since(item.reference, since_revision):
                    continue
                seen.add(item.reference)
                item = self.get_object(item.reference)
            if isinstance(item, generic.DictionaryObject):
                waiting += [item.raw_get(key, _RAW) for key in item]
            elif isinstance(item, generic.ArrayObject):
                waiting += [item.raw_get(index, _RAW) for index in range(len(item))]

    def _is_since(self, reference: generic.Reference, revision: int | None) -> bool:
        try:
            introduced = self.reader.xrefs.get_introducing_revision(reference)
        except KeyError:
            return False
        return revision is None or bool(introduced >= revision)

    @property
    def written(self) -> set[generic.Reference]:
        """Objects that this revision writes or frees."""
        return set(self.reader.xrefs.explicit_refs_in_revision(self.revision))

    @property
    def freed(self) -> set[generic.Reference]:
        """Numbers that this revision frees."""
        return set(self.reader.xrefs.refs_freed_in_revision(self.revision))

    def usages(self, reference: generic.Reference) -> set[tuple[str | int, ...]]:
        """Every path from the trailer to `reference`, also where it stands for nothing yet."""
        load: Callable[[], None] = self._load_reverse_xref_cache
        load()
        return {tuple(path) for path in self._get_usages_of_ref(reference)}

    def defines(self, reference: generic.Reference) -> bool:
        """Tell whether the number stands for an object here."""
        return self.reader.xrefs.get_historical_ref(reference, self.revision) is not None


class _UnseenRule(QualifiedWhitelistRule):
    """Validation data, and the office document that some writers add, may come, go and be rewritten.

    No page shows them (EN 319 142-1, 5.4.2). An object is cleared only where it is reached through one of
    these places, so nothing shown can hide in it.
    """

    def apply_qualified(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[Update]:
        if not (isinstance(old, _Revision) and isinstance(new, _Revision)):
            return
        reached: set[generic.Reference] = set()
        for holder, name in ((new.root, "/DSS"), (new.trailer_view, "/AdditionalStreams")):
            if name in holder:
                reached |= new.collect_dependencies(holder.raw_get(name))
        for reference in reached & new.written:
            usages = old.usages(reference)
            if not usages and not old.defines(reference):
                yield ModificationLevel.LTA_UPDATES, ReferenceUpdate(reference)
            for path in filter(_is_unseen, usages):
                context = Context.from_absolute(old, RawPdfPath(*path))
                yield ModificationLevel.LTA_UPDATES, ReferenceUpdate(reference, context_checked=context)


class _FreedRule(QualifiedWhitelistRule):
    """A number may be freed if nothing in the signed revision used it."""

    def apply_qualified(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[Update]:
        freed = new.freed if isinstance(new, _Revision) else None
        if freed:
            for reference in freed - old.collect_dependencies(old.trailer_view):
                yield ModificationLevel.LTA_UPDATES, ReferenceUpdate(reference)


class _WrittenFieldRule(GenericFieldModificationRule):
    """A field is touched only where the later revision writes something of it.

    pyHanko (0.38) also names appearances that were there before, and so takes every locked field with an old
    appearance for a changed one.
    """

    def apply(self, context: Any) -> Iterable[Any]:
        written = context.new.written
        for level, update in super().apply(context):
            if update.updated_ref in written:
                yield level, update


def _is_unseen(path: tuple[str | int, ...]) -> bool:
    return path[:2] == ("/Root", "/DSS") or path[:1] == ("/AdditionalStreams",)


def _find_awaited(old: _Revision, new: _Revision) -> list[int]:
    """Objects that the older revision referred to before they existed: a page may have waited for them."""
    return sorted(
        reference.idnum
        for reference in new.written
        if not old.defines(reference) and any(not _is_unseen(path) for path in old.usages(reference))
    )


def _make_policy() -> StandardDiffPolicy:
    # pyHanko's rules carry no types, so they are made through `Any`.
    make: Callable[[Any], Any] = lambda rule: rule()  # noqa: E731
    unqualified = (DocInfoRule, XrefStreamRule, ObjectStreamRule, MetadataUpdateRule)
    harmless = [make(rule).as_qualified(ModificationLevel.LTA_UPDATES) for rule in unqualified]
    filling = (SigFieldCreationRule, SigFieldModificationRule, _WrittenFieldRule)
    return StandardDiffPolicy(
        global_rules=[make(CatalogModificationRule), *harmless, _UnseenRule(), _FreedRule()],
        form_rule=FormUpdatingRule(field_rules=[make(rule) for rule in filling]),
        reject_object_freeing=False,
    )


class History:
    """The revisions of one file; each step is compared once, whoever asks."""

    def __init__(self, reader: PdfFileReader) -> None:
        self._reader = reader
        self._policy = _make_policy()
        self._revisions: dict[int, _Revision] = {}
        self._steps: dict[tuple[int, bool], Step] = {}

    def step(self, revision: int, *, certified: bool) -> Step:
        """Say what `revision` did to the one before it, after a signature that certifies or does not."""
        key = (revision, certified)
        if key not in self._steps:
            self._steps[key] = self._compare(revision, certified=certified)
        return self._steps[key]

    def _revision(self, number: int) -> _Revision:
        if number not in self._revisions:
            self._revisions[number] = _Revision(self._reader, number)
        return self._revisions[number]

    def _compare(self, revision: int, *, certified: bool) -> Step:
        old, new = self._revision(revision - 1), self._revision(revision)
        try:
            # Only whether a permission is set matters here; how far it reaches is asked in `after`.
            result = self._policy.apply(old, new, doc_mdp=MDPPerm.FILL_FORMS if certified else None)
            awaited = _find_awaited(old, new)
            forbidden = find_forbidden(old, new, new.written)
        except SuspiciousModification as error:
            return self._suspect(new, reason=_say(error))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - an odd file is an outcome, never a crash
            return self._suspect(new, undecided=_say(error))
        if forbidden:
            return self._suspect(new, reason=forbidden)
        if awaited:
            return self._suspect(new, reason=f"objects {awaited} were referred to before they existed")
        kind = _KINDS[result.modification_level]
        fields = frozenset(result.changed_form_fields)
        details = [
            Change(kind=kind, text=f"the field {name} was changed", field=name) for name in sorted(fields)
        ]
        if not details and kind is not Changes.NONE:
            details = [_tell(new, kind, "the document was updated")]
        return Step(kind=kind, fields=fields, details=tuple(details))

    def _suspect(self, new: _Revision, *, reason: str = "", undecided: str = "") -> Step:
        detail = _tell(new, Changes.OTHER, reason or undecided)
        return Step(kind=Changes.OTHER, details=(detail,), reason=reason, undecided=undecided)


def _tell(new: _Revision, kind: Changes, text: str) -> Change:
    """A change with the objects and the page that it concerns."""
    try:
        numbers = tuple(sorted(reference.idnum for reference in new.written))
        pages = list_pages(new)
        shown = [place for key, place in pages.items() if key[0] in numbers]
    except ODD:
        return Change(kind=kind, text=text)
    return Change(kind=kind, text=text, objects=numbers[:_MAX_TOLD], page=min(shown) + 1 if shown else None)


def _say(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:_REASON_LENGTH]
