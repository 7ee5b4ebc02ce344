"""The revisions of one file, whoever reads it.

A revision is what one cross-reference section and those before it show; 0 is the oldest. `OrdinaryRevisions`
reads sound files and touches only what it is asked for; `edoc.pdf.tolerant` reads all others.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Protocol

from edoc.core.evidence import Change
from edoc.core.report import Changes
from edoc.pdf.comparing import Mentions
from edoc.pdf.crossref import Entry
from edoc.pdf.difference import Explanation, explain
from edoc.pdf.fieldlist import Key, list_fields
from edoc.pdf.filebytes import FileBytes
from edoc.pdf.ordinary import OrdinaryReader, Unordinary
from edoc.pdf.scan import TAIL_BYTES, read_startxref

_RANK: Final = attrgetter("rank")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one revision did to the one before it."""

    kind: Changes
    details: tuple[Change, ...] = ()
    fields: frozenset[str] = frozenset()
    """Full names of the fields that were touched; validation data, as time-stamps are, touch none."""
    reason: str = ""
    """Why the step is suspicious; empty if it is not."""
    undecided: str = ""
    """Why the step could not be judged; empty if it could."""
    contained: bool = False
    """Nothing can look different but the widgets of `fields`."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where a reader knows something to stand."""

    objects: frozenset[int]
    """Objects and cross-references."""
    sections: frozenset[int]
    """Cross-references."""


class Revisions(Protocol):
    """The revisions of one file."""

    @property
    def current(self) -> Any:
        """The newest revision: a view with `root` and `trailer_view`."""

    @property
    def newest(self) -> int:
        """Its number."""

    def view(self, revision: int) -> Any:
        """Give a view of a revision."""

    def find(self, end: int, key: Key | None, gap: int) -> int | None:
        """Give the revision that ends at byte `end` and holds the signature `key` with its gap; else None."""

    def offsets(self, start: int) -> Offsets:
        """Say where everything stands that begins at byte `start` or later."""

    def list_written(self, revision: int) -> Iterable[int]:
        """Give the numbers of the objects that a revision writes."""

    def step(self, revision: int, *, first: int, certified: bool) -> Step:
        """Say what a revision did; `first` is the earliest that is ever asked about."""


class OrdinaryRevisions:
    """The revisions of a sound file. Raises `Unordinary` where a file is not as sound as it seemed."""

    def __init__(self, file: FileBytes, reader: OrdinaryReader) -> None:
        self._file = file
        self._reader = reader
        self._updates = reader.updates
        self._views = {self.newest: reader}
        self._explained: dict[int, Explanation] = {}
        self._lists: dict[int, dict[int, Entry]] = {}

    def _list(self, revision: int) -> dict[int, Entry]:
        """What the cross-references of one revision alone say."""
        if revision not in self._lists:
            self._lists[revision] = self._updates[revision].list_all()
        return self._lists[revision]

    @property
    def current(self) -> OrdinaryReader:
        """The newest revision."""
        return self._reader

    @property
    def newest(self) -> int:
        """Its number."""
        return len(self._updates) - 1

    def view(self, revision: int) -> OrdinaryReader:
        """Give a view of a revision."""
        if revision not in self._views:
            self._views[revision] = self._reader.rewind(revision + 1)
        return self._views[revision]

    def find(self, end: int, key: Key | None, gap: int) -> int | None:
        """Give the revision that ends at byte `end` and holds the signature `key` with its gap; else None."""
        startxref = read_startxref(self._file.read(end - TAIL_BYTES, end))
        found = [
            number
            for number, update in enumerate(self._updates)
            if update.position == startxref and update.end <= end
        ]
        if self._reader.is_repaired or startxref is None or not found or key is None:
            return None
        revision = found[-1]
        view = self.view(revision)
        entry, now = view.find(key[0]), self._reader.find(key[0])
        if entry is None or entry != now or entry.compressed or not entry.offset < gap:
            return None
        # An object between the signature's beginning and its gap would mean that the gap is another's.
        if b"endobj" in self._file.read(entry.offset, gap):
            return None
        covered = self._updates[: revision + 1]
        if any(update.end > end or update.position > end for update in covered):
            return None
        lists = (self._list(number) for number in range(revision + 1))
        places = (each.offset for listed in lists for each in listed.values() if _stands(each))
        if any(place >= end for place in places):
            return None
        view.size = end  # nothing of this revision reaches beyond
        return revision

    def offsets(self, start: int) -> Offsets:
        """Say where everything stands that begins at byte `start` or later."""
        sections = {update.position for update in self._updates}
        numbers = [number for number, update in enumerate(self._updates) if update.end > start]
        later = [self._updates[number] for number in numbers]
        objects = {each.offset for number in numbers for each in self._list(number).values() if _stands(each)}
        hybrid = {int(update.trailer["/XRefStm"]) for update in later if "/XRefStm" in update.trailer}
        objects = {self._file.skip_blank(place) for place in objects | sections | hybrid if place >= start}
        return Offsets(frozenset(objects), frozenset(sections))

    def list_written(self, revision: int) -> Iterable[int]:
        """Give the numbers of the objects that a revision writes."""
        return self._list(revision)

    def step(self, revision: int, *, first: int, certified: bool) -> Step:
        """Say what a revision did; `first` is the earliest that is ever asked about."""
        if not self._explained:
            self._explained = dict(self._explain_all(first))
        found = self._explained[revision]
        if certified and found.adds_visible:
            raise Unordinary("a visible field was added to a certified document")
        return Step(
            kind=max((change.kind for change in found.changes), key=_RANK, default=Changes.NONE),
            details=found.changes,
            fields=frozenset(
                change.field
                for change in found.changes
                if change.field and change.kind is Changes.FORM_FILLING
            ),
            contained=True,
        )

    def _explain_all(self, first: int) -> Iterator[tuple[int, Explanation]]:
        fields = {
            key[0]: field
            for field in list_fields(self._reader)
            for key, _ in ((field.key, None), *field.widgets)
            if key is not None
        }
        mentions = Mentions(self.view(first - 1))
        for revision in range(first, self.newest + 1):
            old, new = self.view(revision - 1), self.view(revision)
            yield revision, explain(old, new, mentions, fields)
            mentions.add(new, self._list(revision))


def _stands(entry: Any) -> bool:
    return not entry.free and not entry.compressed
