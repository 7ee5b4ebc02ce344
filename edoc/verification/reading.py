"""Read whatever is to be verified into evidence, before its certificates are examined.

Rules: files are read here and nowhere else; what cannot be read is reported, never raised.
"""

import hashlib
from pathlib import Path
from typing import BinaryIO

from edoc.core.evidence import Fault, FileEvidence
from edoc.pdf.reader import MAX_SIZE, is_pdf, read_pdf

Source = str | Path | BinaryIO
"""A file to read: its path, or a binary file object."""


def read_file(source: Source, *, password: str | None = None) -> FileEvidence:
    """The file's own evidence, before its certificates are examined."""
    name = str(source) if isinstance(source, str | Path) else str(getattr(source, "name", "") or "-")
    try:
        data = _load(source)
    except OSError as error:
        detail = (error.strerror or "input error").lower()
        return FileEvidence(
            path=name, sha256=None, size=None, unreadable=Fault(code="FILE_MISSING", detail=detail)
        )
    sha256 = hashlib.sha256(data).hexdigest()
    unreadable = None
    if not data:
        unreadable = Fault(code="FILE_EMPTY")
    elif len(data) > MAX_SIZE:
        unreadable = Fault(code="FILE_TOO_LARGE", detail=str(MAX_SIZE))
    elif not is_pdf(data):
        unreadable = Fault(code="FILE_NOT_PDF")
    if unreadable:
        return FileEvidence(path=name, sha256=sha256, size=len(data), unreadable=unreadable)
    return read_pdf(data, path=name, password=password)


def _load(source: Source) -> bytes:
    """At most one byte more than the limit."""
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            return file.read(MAX_SIZE + 1)
    return source.read(MAX_SIZE + 1)
