"""Read whatever is to be verified into evidence, before its certificates are examined.

Rules: files are read here and nowhere else; what cannot be read is reported, never raised.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edoc.core.evidence import Fault, FileEvidence
from edoc.pdf.cmsloose import is_loose
from edoc.pdf.filebytes import FileBytes
from edoc.pdf.reader import MAX_SIZE, is_pdf, read_pdf

Source = str | Path | BinaryIO
"""A file to read: its path, or a binary file object."""
_START_BYTES = 4096


def read_file(
    source: Source, *, password: str | None = None, detached: str | Path | None = None
) -> FileEvidence:
    """The file's own evidence, before its certificates are examined.

    `detached` is the CMS or time-stamp token that stands in a file of its own.
    """
    name = name_source(source)
    try:
        with _open(source) as stream:
            if detached is None:
                return _read(stream, name, password)
            from edoc.verification.loose import read_beside

            with Path(detached).open("rb") as signature:
                return read_beside(stream, signature, path=name, name=Path(detached).name)
    except OSError as error:
        detail = (error.strerror or "input error").lower()
        return FileEvidence(
            path=name, sha256=None, size=None, unreadable=Fault(code="FILE_MISSING", detail=detail)
        )


def name_source(source: Source) -> str:
    """Give the name under which a source stands in a report."""
    return str(source) if isinstance(source, str | Path) else str(getattr(source, "name", "") or "-")


def _read(stream: BinaryIO, name: str, password: str | None) -> FileEvidence:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    start = stream.read(_START_BYTES)
    if not start:
        fault = Fault(code="FILE_EMPTY")
    elif size > MAX_SIZE:
        fault = Fault(code="FILE_TOO_LARGE", detail=str(MAX_SIZE))
    elif is_pdf(start):
        return read_pdf(stream, path=name, password=password)
    elif is_loose(start):
        from edoc.verification.loose import read_alone

        return read_alone(stream, path=name)
    elif _may_be_package(start):
        from edoc.verification.packages import read_package

        return read_package(stream, path=name, password=password)
    else:
        fault = Fault(code="FILE_NOT_PDF")
    return FileEvidence(path=name, sha256=FileBytes(stream).sha256, size=size, unreadable=fault)


def _may_be_package(start: bytes) -> bool:
    from edoc.edxml.scanner import looks_like_package

    return looks_like_package(start)


@contextmanager
def _open(source: Source) -> Iterator[BinaryIO]:
    """The file as a stream that can be read from any place."""
    if isinstance(source, str | Path):
        with Path(source).open("rb") as stream:
            yield stream
    elif source.seekable():
        yield source
    else:
        yield io.BytesIO(source.read(MAX_SIZE + 1))
