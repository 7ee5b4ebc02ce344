"""Open a PDF for work, look at it, extend it, and write a file that is whole or not there at all.

Rules: an input is read under limits and never trusted; whatever a library throws at it becomes one
`PdfError`. A `Revision` appends to the file and adds nothing of its own: no dates, no producer, no random
identifiers, so that the same inputs give the same bytes.
"""

import errno
import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodeLimits
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader

from edoc.errors import EdocError, PdfError
from edoc.pdf.fieldlist import list_fields
from edoc.pdf.files import Source, hash_stream
from edoc.pdf.forms import PREPARED, is_filled, is_signature, read_signer
from edoc.pdf.layout import Frame
from edoc.pdf.objects import convert, dictionary, look
from edoc.pdf.pages import count_pages, read_frame

_HEADER_WINDOW: Final = 1024
_CHUNK: Final = 1 << 20
_MAX_PAGES: Final = 100_000
_DETAIL_LENGTH: Final = 160
_PARSERS_ERRNOS: Final = (None, errno.EINVAL)
"""What an `OSError` carries when a parser was led to seek before the file's start: no disk failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedField:
    """A signature that stands in the file, judged by nobody."""

    field: str
    """Empty if the signature's bytes are there but no form field leads to it."""
    signer: str
    """Common name in the signer's certificate; empty if it cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfFacts:
    """What a PDF is, before anybody works on it."""

    pages: tuple[tuple[float, float], ...]
    """Width and height of each page as displayed, in points."""
    fields: tuple[str, ...]
    """Full names of all form fields."""
    signatures: tuple[SignedField, ...]

    @property
    def prepared(self) -> bool:
        """Number, date and signatures have their fields (`edoc.prepare`)."""
        return set(PREPARED) <= set(self.fields)


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF that is open for reading."""

    stream: BinaryIO
    reader: PdfFileReader
    where: str
    """How to name the file in messages; may be empty."""
    sha256: str

    @property
    def page_count(self) -> int:
        """How many pages it has."""
        return count_pages(self.reader)

    def read_frame(self, index: int) -> Frame:
        """Give the visible box and rotation of a page; the first is 0."""
        return read_frame(self.reader, index)

    def read_bytes(self) -> bytes:
        """Read the whole file."""
        self.stream.seek(0)
        return self.stream.read()

    def mentions(self, needle: bytes) -> bool:
        """Tell whether the file's bytes hold `needle` anywhere."""
        self.stream.seek(0)
        tail = b""
        while chunk := self.stream.read(_CHUNK):
            if needle in tail + chunk:
                return True
            tail = chunk[-len(needle) :]
        return False

    def extend(self, purpose: str) -> "Revision":
        """Start an incremental update; `purpose` and the input alone decide the new file identifier."""
        return Revision(self, purpose)


class Revision(IncrementalPdfFileWriter):
    """An incremental update that adds only what it is told to."""

    output_version = (1, 0)  # the file's own version stays

    def __init__(self, document: Document, purpose: str) -> None:
        base: Any = super()  # pyHanko's writer carries no types here
        base.__init__(document.stream, prev=document.reader)
        seed = hashlib.sha256(f"{document.sha256} {purpose}".encode()).digest()
        known = "/ID" in document.reader.trailer
        first = self._document_id[0] if known else generic.ByteStringObject(seed[16:])
        self._document_id = generic.ArrayObject([first, generic.ByteStringObject(seed[:16])])
        self._lastobj_id = max(self._lastobj_id, _find_last_object(document.reader))

    @property
    def form(self) -> generic.DictionaryObject:
        """The document's form, made if there is none."""
        root: generic.DictionaryObject = self.root
        form = self.ensure(root, "/AcroForm")
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

    def mark(self, changed: Any) -> None:
        """Have a changed object written with this update."""
        writer: Any = self
        writer.update_container(changed)

    def find_page(self, index: int) -> Any:
        """Give the reference of a page; the first is 0."""
        writer: Any = self
        return writer.find_page_for_modification(index)[0]

    def annotate(self, page: Any, annotation: Any) -> None:
        """Put an annotation (both are references) on a page."""
        writer: Any = self
        writer.register_annotation(page, annotation)

    def save(self, output: BinaryIO) -> None:
        """Write the whole file with this update."""
        writer: Any = self
        writer.write(output)

    def _update_meta(self) -> None:
        # A signature or a number is no new edition: title, dates and producer stay as they are.
        pass


def _find_last_object(reader: Any) -> int:
    # A wrong /Size must not make new objects replace old ones.
    revisions = range(reader.xrefs.total_revisions)
    return max((ref.idnum for n in revisions for ref in reader.xrefs.explicit_refs_in_revision(n)), default=0)


@contextmanager
def open_pdf(src: Source) -> Iterator[Document]:
    """Open a PDF for work.

    Raises `PdfError` if it is empty, no PDF, broken or encrypted, and `OSError` if there is no such file.
    What libraries raise over the document while it is in use becomes `PdfError` too.
    """
    with _open_stream(src) as (stream, where), guarded(where):
        _require_pdf(stream, where)
        reader = _read(stream, where)
        if reader.encrypted:
            raise PdfError(
                "this PDF is encrypted.",
                where=where,
                advice="Remove its protection (for example by printing it to a new PDF) and try again.",
            )
        document = Document(stream, reader, where, hash_stream(stream))
        if not 0 < document.page_count <= _MAX_PAGES:
            raise PdfError("this PDF has no pages.", where=where)
        document.read_frame(0)
        yield document


def inspect(src: Source) -> PdfFacts:
    """Say what a PDF is. Raises as `open_pdf` does."""
    with open_pdf(src) as document:
        return examine(document)


def examine(document: Document) -> PdfFacts:
    """Say what an open PDF is."""
    frames = [document.read_frame(index).page for index in range(document.page_count)]
    fields = list_fields(document.reader)
    signatures = [
        SignedField(field=field.name, signer=read_signer(field))
        for field in fields
        if is_signature(field) and is_filled(field)
    ]
    if not signatures and document.mentions(b"/ByteRange"):
        signatures = [SignedField(field="", signer="")]
    return PdfFacts(
        pages=tuple((page.width, page.height) for page in frames),
        fields=tuple(field.name for field in fields),
        signatures=tuple(signatures),
    )


@contextmanager
def guarded(where: str) -> Iterator[None]:
    """Turn whatever a library raises over a broken PDF into one `PdfError`."""
    try:
        yield
    except EdocError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in _PARSERS_ERRNOS:
            raise
        raise PdfError(
            f"this PDF is damaged or of a kind that cannot be worked on ({_describe(error)}).",
            where=where,
            advice="Open it in a PDF program, save it as a new file, and try that one.",
        ) from error


def _describe(error: Exception) -> str:
    words = " ".join(str(error).split())
    if not words or not words[0].isalnum() or "<" in words:
        words = type(error).__name__  # an errno or a class is no explanation
    return words[:_DETAIL_LENGTH].rstrip(".")


@contextmanager
def _open_stream(src: Source) -> Iterator[tuple[BinaryIO, str]]:
    if isinstance(src, str | os.PathLike):
        with Path(src).open("rb") as stream:
            yield stream, str(src)
        return
    name = getattr(src, "name", "")
    where = name if isinstance(name, str) else ""
    if src.seekable():
        yield src, where
    else:
        yield io.BytesIO(src.read()), where


def _require_pdf(stream: BinaryIO, where: str) -> None:
    stream.seek(0)
    start = stream.read(_HEADER_WINDOW)
    if not start:
        raise PdfError("this file is empty (0 bytes).", where=where, advice="Name a PDF file.")
    if b"%PDF-" not in start:
        raise PdfError("this file is not a PDF.", where=where, advice="Name a PDF file.")


def _read(stream: BinaryIO, where: str) -> PdfFileReader:
    limits = DecodeLimits.for_untrusted_input()
    make: Any = PdfFileReader
    reader: PdfFileReader
    try:
        reader = make(stream, strict=True, decode_limits=limits)
        if not reader.xrefs.hybrid_xrefs_present:
            return reader
    except Exception:  # noqa: BLE001, S110 - any library error
        pass  # sloppy writers are common; what the lenient reader refuses too is broken
    stream.seek(0)
    with guarded(where):
        reader = make(stream, strict=False, decode_limits=limits)
        return reader
