"""Sources and targets: paths and binary file objects alike; a path is written whole or not at all."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from edoc.files import replacing

Source = Path | str | BinaryIO
"""A path, or a binary file object that is read from where it stands."""
Target = Path | str | BinaryIO

_CHUNK: Final = 3 << 15
"""Whole groups of three bytes, so that Base64 carries nothing over."""


class HashingWriter:
    """Writes through to a stream, hashing and counting."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.size = 0
        """Bytes written so far."""

    def write(self, data: bytes) -> int:
        """Write bytes."""
        self._stream.write(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    @property
    def sha256(self) -> str:
        """Lower-case hex of what was written so far."""
        return self._digest.hexdigest()


@contextmanager
def read_from(source: Source) -> Iterator[BinaryIO]:
    """Open a source for reading; a file object stays open afterwards."""
    if isinstance(source, str | Path):
        with Path(source).open("rb") as stream:
            yield stream
    else:
        yield source


@contextmanager
def write_to(target: Target) -> Iterator[HashingWriter]:
    """Open a target for writing.

    A path is replaced atomically once its bytes are on the disk; on failure nothing is left behind and what
    stood there stays.
    """
    if not isinstance(target, str | Path):
        yield HashingWriter(target)
        target.flush()
        return
    with replacing(Path(target)) as stream:
        yield HashingWriter(stream)


@contextmanager
def rewindable(stream: BinaryIO) -> Iterator[BinaryIO]:
    """Give a stream that can be read twice; one that cannot seek is copied to a temporary file."""
    with nullcontext(stream) if stream.seekable() else tempfile.TemporaryFile() as twice:
        if twice is not stream:
            shutil.copyfileobj(stream, twice, _CHUNK)
            twice.seek(0)
        yield twice


def pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Go through the rest of a stream."""
    while chunk := stream.read(_CHUNK):
        yield chunk
