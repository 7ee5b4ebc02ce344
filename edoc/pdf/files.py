"""Write a file that is whole or not there at all; hash what was written."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from edoc.files import replacing

Source = str | os.PathLike[str] | BinaryIO
"""A file to read: its path, or a binary file object (seekable or not)."""
Target = str | os.PathLike[str] | BinaryIO
"""A file to write: its path, or a binary file object, which receives the whole at once."""

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written: its SHA-256 in lower-case hex, and its size in bytes."""

    sha256: str
    size: int


@contextmanager
def written_to(dst: Target) -> Iterator[BinaryIO]:
    """Give a stream for reading and writing that becomes `dst` when the block ends without an error.

    A path is replaced atomically, after its bytes are on the disk; on failure nothing is left behind and what
    stood there stays.
    """
    if not isinstance(dst, str | os.PathLike):
        buffer = io.BytesIO()
        yield buffer
        dst.write(buffer.getvalue())
        dst.flush()
        return
    with replacing(Path(dst)) as stream:
        yield stream


def hash_stream(stream: BinaryIO) -> str:
    """SHA-256 of all that a stream holds, in lower-case hex."""
    digest = hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def measure(stream: BinaryIO) -> Written:
    """Hash and measure what a stream holds."""
    return Written(sha256=hash_stream(stream), size=stream.seek(0, io.SEEK_END))


def copy(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a stream from its start."""
    source.seek(0)
    while chunk := source.read(_CHUNK):
        target.write(chunk)
