"""Append an incremental update to a PDF (ISO 32000-2, 7.5.6): what was there stays to the byte.

A `Revision` adds nothing of its own: no dates, no producer, no random identifiers, so that the same inputs
give the same bytes. It writes a cross-reference table where the file had one, else a stream.
"""

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.rw_common import PdfHandler

from edoc.pdf.files import Growing, Written
from edoc.pdf.objects import convert, deflated, dictionary, look
from edoc.pdf.ordinary import OrdinaryReader
from edoc.pdf.syntax import require_names, write_object

_generic: Final[Any] = generic
_OWN_KEYS: Final = frozenset(
    ("/Prev", "/Size", "/XRefStm", "/ID", "/Type", "/W", "/Index", "/Filter", "/DecodeParms", "/Length")
)
"""Keys of a trailer that belong to its section, not to the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What an update needs to know of the file it extends."""

    stream: BinaryIO
    reader: Any
    startxref: int
    last_object: int
    has_xref_stream: bool
    security: Any = None
    """pyHanko's security handler of an encrypted file."""


class Revision(PdfHandler):
    """An incremental update in the making. Its new objects have numbers above `above`."""

    def __init__(self, base: Base, purpose: str, *, above: int = 0) -> None:
        self._base = base
        self._purpose = purpose
        self._changed: dict[tuple[int, int], Any] = {}
        self._last = max(base.last_object, above)
        self.offsets: dict[int, int] = {}
        """Where each object's content begins in the file, once it is rendered."""

    @property
    def root_ref(self) -> generic.Reference:
        """The catalog's reference."""
        reference: generic.Reference = self._base.reader.root_ref
        return reference

    @property
    def trailer_view(self) -> Any:
        """The newest trailer."""
        return self._base.reader.trailer_view

    def get_object(self, ref: Any, as_metadata_stream: bool = False) -> Any:  # noqa: ARG002
        """Give an object as this update leaves it."""
        found = self._changed.get((ref.idnum, ref.generation))
        return self._base.reader.get_object(ref) if found is None else found

    @property
    def form(self) -> generic.DictionaryObject:
        """The document's form, made if there is none."""
        form = self.ensure(self.root, "/AcroForm")
        if not isinstance(look(form, "/Fields"), generic.ArrayObject):
            form["/Fields"] = convert([])
            self.mark(form)
        return form

    def ensure(self, parent: generic.DictionaryObject, key: str) -> generic.DictionaryObject:
        """Give the dictionary under `key`, made if it is missing."""
        child = look(parent, key)
        if child is None:
            child = parent[key] = dictionary({})
            self.mark(parent)
        if not isinstance(child, generic.DictionaryObject):
            raise PdfReadError(f"{key} is no dictionary")
        return child

    def add_object(self, value: generic.PdfObject) -> generic.IndirectObject:
        """Add a new object; give its reference."""
        self._last += 1
        self._changed[self._last, 0] = value
        reference: generic.IndirectObject = _generic.IndirectObject(self._last, 0, self)
        value.container_ref = reference.reference
        return reference

    def refer(self, reference: generic.Reference) -> generic.IndirectObject:
        """Give an object that refers to another one."""
        made: generic.IndirectObject = _generic.IndirectObject(reference.idnum, reference.generation, self)
        return made

    @property
    def security(self) -> Any:
        """What encrypts the strings of this file; None if nothing does."""
        return self._base.security

    def mark(self, changed: Any) -> None:
        """Have the object that holds `changed` written with this update."""
        home = changed.container_ref
        if isinstance(home, generic.Reference) and (home.idnum, home.generation) not in self._changed:
            value = self._base.reader.get_object(home)
            if not isinstance(self._base.reader, OrdinaryReader):
                require_names(value)
            self._changed[home.idnum, home.generation] = value

    def find_page(self, index: int) -> Any:
        """Give the reference of a page; the first is 0."""
        tree: Any = self
        return tree.find_page_for_modification(index)[0]

    def annotate(self, page: Any, annotation: Any) -> None:
        """Put an annotation (both are references) on a page."""
        holder = page.get_object()
        listed = look(holder, "/Annots")
        if isinstance(listed, generic.ArrayObject):
            # Some files have one array for this and the form's fields.
            if annotation not in list.__iter__(listed):
                listed.append(annotation)
            self.mark(listed)
        else:
            holder["/Annots"] = convert([annotation])
            self.mark(holder)

    def save(self, output: BinaryIO) -> Written:
        """Write the whole file with this update to an empty stream."""
        growing = Growing(output)
        growing.copy(self._base.stream)
        growing.append(self.render(growing))
        return growing.written

    def render(self, so_far: Growing) -> bytes:
        """Give the bytes to append to `so_far`, which holds the file that is extended."""
        parts = [b"" if so_far.ends_line else b"\n"]
        position = so_far.size + len(parts[0])
        offsets: list[tuple[int, int, int]] = []
        for (number, generation), value in sorted(self._changed.items(), key=lambda each: each[0]):
            head = b"%d %d obj\n" % (number, generation)
            offsets.append((number, generation, position))
            self.offsets[number] = position + len(head)
            home = _generic.Reference(number, generation, self)
            parts += (head, write_object(value, self._base.security, home), b"\nendobj\n")
            position += sum(map(len, parts[-3:]))
        identifier = self._identify(so_far)
        if self._base.has_xref_stream:
            parts.append(self._render_stream(offsets, position, identifier))
        else:
            parts.append(self._render_table(offsets, identifier))
        parts.append(b"\nstartxref\n%d\n%%%%EOF\n" % position)
        return b"".join(parts)

    def _identify(self, so_far: Growing) -> generic.ArrayObject:
        seed = hashlib.sha256(f"{so_far.sha256} {self._purpose}".encode()).digest()
        known = look(self.trailer_view, "/ID")
        # The first part stays: ciphers depend on it (ISO 32000-2, 14.4).
        kept: Any = known[0] if isinstance(known, generic.ArrayObject) and len(known) else None
        first = kept.original_bytes if hasattr(kept, "original_bytes") else seed[16:]
        array: generic.ArrayObject = _generic.ArrayObject(
            [_generic.ByteStringObject(first), _generic.ByteStringObject(seed[:16])]
        )
        return array

    def _render_trailer(self, identifier: generic.ArrayObject, size: int) -> dict[str, Any]:
        view = self.trailer_view
        kept = {key[1:]: view.raw_get(key) for key in dict.keys(view) if key not in _OWN_KEYS}
        return {**kept, "ID": identifier, "Size": size, "Prev": self._base.startxref}

    def _render_table(self, offsets: list[tuple[int, int, int]], identifier: generic.ArrayObject) -> bytes:
        lines = [b"xref\n"]
        for run in _find_runs(offsets):
            lines.append(b"%d %d\n" % (run[0][0], len(run)))
            lines += [b"%010d %05d n \n" % (at, generation) for _, generation, at in run]
        trailer = dictionary(self._render_trailer(identifier, self._last + 1))
        return b"".join((*lines, b"trailer\n", write_object(trailer)))

    def _render_stream(
        self, offsets: list[tuple[int, int, int]], position: int, identifier: generic.ArrayObject
    ) -> bytes:
        number = self._last + 1
        listed = sorted([*offsets, (number, 0, position)])
        rows = b"".join(b"\x01" + at.to_bytes(8) + generation.to_bytes(2) for _, generation, at in listed)
        index = [value for run in _find_runs(listed) for value in (run[0][0], len(run))]
        entries = {
            **self._render_trailer(identifier, number + 1),
            "Type": "/XRef",
            "W": [1, 8, 2],
            "Index": index,
            "Filter": "/FlateDecode",
        }
        section = deflated(entries, zlib.compress(rows))
        return b"%d 0 obj\n%s\nendobj" % (number, write_object(section))


def _find_runs(offsets: list[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    for _, run in groupby(enumerate(offsets), key=lambda each: each[1][0] - each[0]):
        yield [entry for _, entry in run]
