"""Open a PDF for work and look at it.

Rules: an input is read under limits and never trusted; whatever a library throws at it becomes one
`PdfError`. Ordinary files are read by our own reader, all others by pyHanko's, if qpdf can open them.
"""

import errno
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import pikepdf
from pyhanko.pdf_utils.crypt import AuthStatus
from pyhanko.pdf_utils.decode_limits import DecodeLimits
from pyhanko.pdf_utils.reader import PdfFileReader

from edoc.errors import EdocError, PdfError, Refused
from edoc.pdf.crossref import MAX_OBJECT, count_objects
from edoc.pdf.fieldlist import Field, list_fields
from edoc.pdf.files import Source
from edoc.pdf.forms import PREPARED, is_filled, is_signature, read_signer
from edoc.pdf.layout import Frame
from edoc.pdf.objects import look
from edoc.pdf.ordinary import MAX_SECTIONS, OrdinaryReader, Unordinary
from edoc.pdf.pages import count_pages, read_frame, require_tree
from edoc.pdf.syntax import find_highest_reference
from edoc.pdf.update import Base, Revision

_HEADER_WINDOW: Final = 1024
_CHUNK: Final = 1 << 20
_MAX_PAGES: Final = 100_000
_DETAIL_LENGTH: Final = 160
_GUESSES: Final = re.compile("reconstruct|overflow|null character")
"""What qpdf says when it has to guess, or found what some of its versions cannot read."""
_STARTXREF: Final = re.compile(rb"startxref[\s\x00]*(\d{1,19})")
_FEW_PAGES: Final = 16
_MAY_SIGN: Final = 0x8 | 0x20 | 0x100
"""Permissions to change a file, to annotate it, to fill its form (ISO 32000-2, table 22); signed or not."""
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

    base: Base
    fields: tuple[Field, ...]
    """The form's fields, before anything is added."""
    where: str
    """How to name the file in messages; may be empty."""
    password: str | None = None
    """What opened it, if it is encrypted."""

    @property
    def stream(self) -> BinaryIO:
        """The file's bytes."""
        return self.base.stream

    @property
    def reader(self) -> Any:
        """What reads its objects."""
        return self.base.reader

    @property
    def page_count(self) -> int:
        """How many pages it has."""
        return count_pages(self.reader)

    def read_frame(self, index: int) -> Frame:
        """Give the visible box and rotation of a page; the first is 0."""
        return read_frame(self.reader, index)

    def mentions(self, needle: bytes) -> bool:
        """Tell whether the file's bytes hold `needle` anywhere."""
        self.stream.seek(0)
        tail = b""
        while chunk := self.stream.read(_CHUNK):
            if needle in tail + chunk:
                return True
            tail = chunk[-len(needle) :]
        return False

    def extend(self, purpose: str) -> Revision:
        """Start an incremental update; `purpose` and the input alone decide the new file identifier."""
        # A reference that leads to nothing must not come to lead to a new object: a field whose value stands
        # nowhere would seem to hold the next signature.
        seen = self._find_highest_reference()
        return Revision(self.base, purpose, above=seen if seen <= MAX_OBJECT else 0)

    def _find_highest_reference(self) -> int:
        if isinstance(self.reader, OrdinaryReader):
            return self.reader.highest_reference
        widgets = [widget for field in self.fields for _, widget in field.widgets]
        root = self.reader.root
        shown = [self.reader.find_page_for_modification(0)[0].get_object(), look(root, "/AcroForm")]
        return find_highest_reference(root, *shown, *(field.dictionary for field in self.fields), *widgets)


@contextmanager
def open_pdf(src: Source, *, password: str | None = None) -> Iterator[Document]:
    """Open a PDF for work; `password` is the user's or the owner's of an encrypted one.

    Raises `PdfError` if it is empty, no PDF, broken, or does not open with the password, `Refused` if its
    owner forbids changing it, and `OSError` if there is no such file. What libraries raise over the document
    while it is in use becomes `PdfError` too.
    """
    with _open_stream(src) as (stream, where), guarded(where):
        yield open_stream(stream, where=where, password=password)


def open_stream(stream: BinaryIO, *, where: str, password: str | None = None) -> Document:
    """Open a PDF in a stream that stays open. Raises as `open_pdf` does, and whatever libraries raise."""
    _require_pdf(stream, where)
    try:
        reader = OrdinaryReader(stream)
        base = Base(
            stream=stream,
            reader=reader,
            startxref=reader.startxref,
            last_object=reader.last_object,
            has_xref_stream=reader.has_xref_stream,
        )
        document = _look_over(base, where, None)
        if document.page_count > _FEW_PAGES:
            _require_qpdf(stream, where, None)  # it walks long page trees faster
        else:
            require_tree(reader)
    except Unordinary:
        base = _read(stream, where, password)
        return _look_over(base, where, password if base.security else None)
    return document


def _look_over(base: Base, where: str, password: str | None) -> Document:
    document = Document(base, list_fields(base.reader), where, password)
    if not 0 < document.page_count <= _MAX_PAGES:
        raise PdfError("this PDF has no pages.", where=where)
    if base.last_object > MAX_OBJECT:
        raise PdfError("this PDF numbers its objects higher than programs can read.", where=where)
    document.read_frame(0)
    return document


def inspect(src: Source) -> PdfFacts:
    """Say what a PDF is. Raises as `open_pdf` does."""
    with open_pdf(src) as document:
        return examine(document)


def examine(document: Document) -> PdfFacts:
    """Say what an open PDF is."""
    fields = document.fields
    signatures = [
        SignedField(field=field.name, signer=read_signer(field))
        for field in fields
        if is_signature(field) and is_filled(field)
    ]
    if not signatures and document.mentions(b"/ByteRange"):
        signatures = [SignedField(field="", signer="")]
    return PdfFacts(
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


def _read(stream: BinaryIO, where: str, password: str | None) -> Base:
    with guarded(where):
        reader = _open_reader(stream)
        if reader.encrypted:
            _decrypt(reader, where, password)
    if reader.xrefs.total_revisions > MAX_SECTIONS:
        raise PdfError(f"this PDF has more than {MAX_SECTIONS} revisions.", where=where)
    _require_qpdf(stream, where, password)
    _require_newest(stream, where, reader.last_startxref)
    revisions = range(reader.xrefs.total_revisions)
    objects = (ref.idnum for each in revisions for ref in reader.xrefs.explicit_refs_in_revision(each))
    return Base(
        stream=stream,
        reader=reader,
        startxref=reader.last_startxref,
        last_object=count_objects(max(objects, default=0), int(reader.trailer["/Size"])),
        has_xref_stream=reader.has_xref_stream,
        security=reader.security_handler,
    )


def _require_newest(stream: BinaryIO, where: str, start: int) -> None:
    # pyHanko looks for the last %%EOF; where that is cut, it reads an older revision than others do, and a
    # signature would bring that one back.
    stream.seek(max(0, stream.seek(0, io.SEEK_END) - _CHUNK))
    said = _STARTXREF.findall(stream.read())
    if not said or int(said[-1]) != start:
        raise PdfError("the end of this PDF is damaged.", where=where, advice="Ask for it again.")


def _open_reader(stream: BinaryIO) -> Any:
    limits = DecodeLimits.for_untrusted_input()
    make: Any = PdfFileReader
    try:
        reader = make(stream, strict=True, decode_limits=limits)
        if not reader.xrefs.hybrid_xrefs_present:
            return reader
    except Exception:  # noqa: BLE001, S110 - any library error
        pass  # sloppy writers are common; what the lenient reader refuses too is broken
    stream.seek(0)
    return make(stream, strict=False, decode_limits=limits)


def _decrypt(reader: Any, where: str, password: str | None) -> None:
    result = reader.decrypt("") if password is None else reader.decrypt(password)
    if result.status is AuthStatus.FAILED:
        raise PdfError(
            "this PDF is encrypted." if password is None else "the password does not open this PDF.",
            where=where,
            advice="Give its password (--password-file).",
        )
    if "/AuthCode" in reader.trailer:
        raise PdfError("this PDF is protected by a code over its whole content (ISO 32004).", where=where)
    allowed = int(reader.trailer["/Encrypt"]["/P"])
    if result.status is not AuthStatus.OWNER and not allowed & _MAY_SIGN:
        raise Refused(
            "the owner of this PDF forbids changing and signing it.",
            where=where,
            advice="Give the owner's password (--password-file).",
        )


def _require_qpdf(stream: BinaryIO, where: str, password: str | None) -> None:
    # What even a program that repairs files cannot open is not worth a signature; and what it has to repair
    # each program repairs in its own way, so that nobody knows what was signed.
    stream.seek(0)
    try:
        with pikepdf.open(stream, password=password or "") as opened:
            sound = len(opened.pages) > 0 and not any(map(_GUESSES.search, map(str, opened.get_warnings())))
    except (pikepdf.PdfError, pikepdf.PasswordError):
        sound = False
    if not sound:
        raise PdfError(
            "this PDF is so damaged that programs do not agree on what it shows.",
            where=where,
            advice="Open it in a PDF program, save it as a new file, and try that one.",
        )
