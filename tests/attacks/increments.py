"""Write incremental updates byte by byte, as an attacker would: no library objects to nonsense here.

    update = Update(data)
    page = update.page(0)
    page.Rotate = 90
    update.put(page)
    forged = update.render("table")

Objects are read and built with pikepdf, which never writes a file here; the signed bytes stay as they are.
"""

import io
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import pikepdf
from pikepdf import Array, Dictionary, Name

Form = Literal["table", "stream", "packed", "hybrid", "scattered"]
"""How an update lists its objects.

A table; a stream; a stream, with objects in an object stream; a table that hides some in a stream; a table
with a section for each object, from the highest down.
"""
FORMS: Final[tuple[Form, ...]] = ("table", "stream", "packed", "hybrid", "scattered")

_MIN_HIDDEN: Final = 1
_START: Final = re.compile(rb"startxref\s+(\d+)")


@dataclass
class Update:
    """One update that is being drawn up."""

    data: bytes
    written: dict[tuple[int, int], bytes] = field(default_factory=dict)
    """Bodies by number and generation."""
    freed: dict[int, int] = field(default_factory=dict)
    """Freed numbers and their next generations."""

    def __post_init__(self) -> None:
        self.pdf = pikepdf.open(io.BytesIO(self.data))
        self.size = int(self.pdf.trailer.Size)
        self._next = self.size

    @property
    def root(self) -> Any:
        """The catalogue."""
        return self.pdf.Root

    @property
    def form(self) -> Any:
        """The interactive form."""
        return self.pdf.Root.AcroForm

    def page(self, index: int = 0) -> Any:
        """Give a page; the first is 0."""
        return self.pdf.pages[index].obj

    @property
    def fields(self) -> list[Any]:
        """The form's fields that have a name."""
        return [each for each in self.form.Fields if isinstance(each, Dictionary) and "/T" in each]

    def field(self, name: str) -> Any:
        """Give the form field of that name."""
        return next(each for each in self.fields if str(each.T) == name)

    @property
    def content(self) -> int:
        """The number of the first page's content."""
        return int(self.page().Contents.objgen[0])

    @property
    def signature(self) -> Any:
        """The first signature."""
        return next(each.V for each in self.fields if "/V" in each and Name.Sig == each.FT)

    def put(self, *objects: Any) -> None:
        """Write these indirect objects again, as they are now."""
        for each in objects:
            if not each.is_indirect:
                raise ValueError("only indirect objects are written")
            self.written[each.objgen] = spell(each)

    def put_holder(self, value: Any, *holders: Any) -> None:
        """Write `value` again if it is an object of its own, else the first of its holders that is one."""
        self.put(next(each for each in (value, *holders) if each.is_indirect))

    def raw(self, number: int, body: bytes, generation: int = 0) -> None:
        """Write these bytes as an object."""
        self.written[number, generation] = body

    def add(self, value: Any) -> Any:
        """Add a new object and give it as an indirect one."""
        made = self.pdf.make_indirect(value)
        self.written[made.objgen] = spell(made)
        return made

    def stream(self, content: bytes, entries: Mapping[str, Any] | None = None) -> Any:
        """Add a new stream."""
        made = self.pdf.make_stream(content)
        for key, value in (entries or {}).items():
            made[Name(f"/{key}")] = value
        self.written[made.objgen] = spell(made)
        return made

    def drawing(
        self, content: bytes, box: tuple[float, ...], entries: Mapping[str, Any] | None = None
    ) -> Any:
        """Add a form XObject that can serve as an appearance."""
        shape = {"Type": Name.XObject, "Subtype": Name.Form, "BBox": Array(box), "Resources": FONTS()}
        return self.stream(content, {**shape, **(entries or {})})

    def annotate(self, page: Any, annotation: Any) -> None:
        """Put an annotation on a page."""
        if "/Annots" in page:
            page.Annots.append(annotation)
            self.put_holder(page.Annots, page)
        else:
            page.Annots = Array([annotation])
            self.put(page)

    def enlist(self, entry: Any) -> None:
        """Put a field into the form."""
        self.form.Fields.append(entry)
        self.put_holder(self.form.Fields, self.form, self.root)

    def free(self, number: int, generation: int = 1) -> None:
        """Free a number."""
        self.freed[number] = generation

    def render(self, form: Form = "table", **options: Any) -> bytes:
        """Give the file with this update; `options` as in `append`."""
        return append(self.data, self.written, form, freed=self.freed, **options)


def FONTS() -> Any:  # noqa: N802 - a constant that must be made anew for each file
    """Resources with Helvetica as `/Helv`."""
    helvetica = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    return Dictionary(Font=Dictionary(Helv=helvetica))


def copy(entries: Any) -> Any:
    """Give a direct dictionary with the same entries."""
    return Dictionary(dict(entries.items()))


def spell(value: Any) -> bytes:
    """Give the bytes of an object's body."""
    if isinstance(value, pikepdf.Stream):
        data = value.read_raw_bytes()
        entries = copy(value.stream_dict)
        entries.Length = len(data)
        return bytes(entries.unparse(resolved=True)) + b"\nstream\n" + data + b"\nendstream"
    return bytes(value.unparse(resolved=True))


def find_start(data: bytes) -> int:
    """Where the newest cross-reference stands, as the file says."""
    return int(_START.findall(data)[-1])


@dataclass(frozen=True)
class Tail:
    """What an update's trailer says, besides its own cross-reference."""

    size: int
    entries: bytes


def append(
    data: bytes,
    objects: Mapping[tuple[int, int], bytes],
    form: Form = "table",
    *,
    freed: Mapping[int, int] | None = None,
    trailer: Mapping[str, bytes | None] | None = None,
    extra: Mapping[int, tuple[int, int]] | None = None,
    ending: bytes = b"\nstartxref\n%d\n%%%%EOF\n",
    gap: bytes = b"\n",
) -> bytes:
    """Append objects with a cross-reference of the given form.

    `trailer` replaces or (None) removes entries; `extra` lists further objects as offset and generation;
    `ending` is what follows the cross-reference, `gap` what precedes everything.
    """
    body = bytearray(data + gap)
    rows: dict[int, tuple[int, int, int]] = {
        number: (0, 0, generation) for number, generation in (freed or {}).items()
    }
    rows |= {number: (1, *place) for number, place in (extra or {}).items()}
    last = max([*(number for number, _ in objects), *rows, _read_size(data) - 1])
    packable = {
        key: content for key, content in objects.items() if b"stream\n" not in content and key[1] == 0
    }
    packed = packable if form == "packed" else {}
    for key in sorted(objects):
        if key not in packed:
            rows[key[0]] = (1, len(body), key[1])
            body += b"%d %d obj\n%s\nendobj\n" % (*key, objects[key])
    if packed:
        last += 1
        rows[last] = (1, len(body), 0)
        rows |= {number: (2, last, index) for index, (number, _) in enumerate(sorted(packed))}
        body += b"%d 0 obj\n%s\nendobj\n" % (last, _pack(packed))
    hidden = {number: row for number, row in rows.items() if row[0] == 1} if form == "hybrid" else {}
    entries = {"Root": _find_root(data), "Prev": b"%d" % find_start(data), **_read_identifier(data)}
    entries |= trailer or {}  # type: ignore[arg-type]
    if hidden:
        last += 1
        entries["XRefStm"] = b"%d" % len(body)
        body += _section_stream(last, dict(hidden), len(body), {"Size": b"%d" % (last + 1)})
        rows = {last: (1, int(entries["XRefStm"]), 0)}
    start = len(body)
    if form in {"stream", "packed"}:
        number = last + 1
        entries["Size"] = b"%d" % (number + 1)
        entries |= trailer or {}  # type: ignore[arg-type]
        body += _section_stream(number, rows, start, entries)
    else:
        entries["Size"] = b"%d" % (last + 1)
        entries |= trailer or {}  # type: ignore[arg-type]
        body += spell_table(rows, scattered=form == "scattered") + b"trailer\n" + _spell_entries(entries)
    return bytes(body) + (ending % start if b"%d" in ending else ending)


def spell_table(rows: Mapping[int, tuple[int, int, int]], *, scattered: bool = False) -> bytes:
    """Give a cross-reference table of rows: kind (0 free, 1 in use), offset, generation."""
    out = [b"xref\n"]
    for number in sorted(rows, reverse=scattered):
        kind, offset, generation = rows[number]
        out.append(b"%d 1\n%010d %05d %s \n" % (number, offset, generation, b"n" if kind else b"f"))
    return b"".join(out) if rows else b"xref\n0 0\n"


def _section_stream(
    number: int, rows: dict[int, tuple[int, int, int]], start: int, entries: Mapping[str, bytes | None]
) -> bytes:
    rows = {**rows, number: (1, start, 0)}
    index = b" ".join(b"%d 1" % each for each in sorted(rows))
    data = zlib.compress(
        b"".join(
            kind.to_bytes(1) + one.to_bytes(8) + two.to_bytes(4)
            for _, (kind, one, two) in sorted(rows.items())
        )
    )
    shape = {
        **entries,
        "Type": b"/XRef",
        "W": b"[1 8 4]",
        "Index": b"[" + index + b"]",
        "Filter": b"/FlateDecode",
        "Length": b"%d" % len(data),
    }
    return b"%d 0 obj\n%s\nstream\n%s\nendstream\nendobj" % (number, _spell_entries(shape), data)


def _pack(objects: Mapping[tuple[int, int], bytes]) -> bytes:
    heads, bodies, at = [], [], 0
    for (number, _), content in sorted(objects.items()):
        heads.append(b"%d %d" % (number, at))
        bodies.append(content + b"\n")
        at += len(bodies[-1])
    head = b" ".join(heads) + b"\n"
    data = zlib.compress(head + b"".join(bodies))
    shape = b"<< /Type /ObjStm /N %d /First %d /Filter /FlateDecode /Length %d >>"
    return shape % (len(objects), len(head), len(data)) + b"\nstream\n" + data + b"\nendstream"


def _spell_entries(entries: Mapping[str, bytes | None]) -> bytes:
    kept = (b"/%s %s" % (key.encode(), value) for key, value in entries.items() if value is not None)
    return b"<< " + b" ".join(kept) + b" >>"


def _read_size(data: bytes) -> int:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return max(int(pdf.trailer.Size), len(pdf.objects) + 1)


def _find_root(data: bytes) -> bytes:
    found: list[bytes] = re.findall(rb"/Root\s+(\d+\s+\d+\s+R)", data)
    return found[-1]


def _read_identifier(data: bytes) -> dict[str, bytes]:
    found = re.findall(rb"/ID\s*(\[\s*<[0-9A-Fa-f]*>\s*<[0-9A-Fa-f]*>\s*\])", data)
    info = re.findall(rb"/Info\s+(\d+\s+\d+\s+R)", data)
    return {
        **({"ID": found[-1]} if found else {}),
        **({"Info": info[-1]} if info else {}),
    }


Edit = Callable[[Update], object]
"""What an attacker does to a document."""


def apply(data: bytes, edit: Edit, form: Form = "table", **options: Any) -> bytes:
    """Append the update that `edit` draws up."""
    update = Update(data)
    edit(update)
    return update.render(form, **options)
