"""Write a file that is whole or not there at all; hash it while it grows."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from edoc.files import replacing

Source = str | os.PathLike[str] | BinaryIO
"""A file to read: its path, or a binary file object (seekable or not)."""
Target = str | os.PathLike[str] | BinaryIO
"""A file to write: its path, or a binary file object, which receives the whole at once."""

_CHUNK: Final = 1 << 20
_SPOOL_BYTES: Final = 8 << 20
"""What is meant for a file object waits in memory up to this size, beyond it on the disk."""


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
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as buffer:
            stream: Any = buffer
            yield stream
            buffer.seek(0)
            shutil.copyfileobj(buffer, dst, _CHUNK)
        dst.flush()
        return
    with replacing(Path(dst)) as stream:
        yield stream


class Growing:
    """A file that only grows, at the end of a stream; everything is read and hashed once.

    Without a stream it is only hashed.
    """

    def __init__(self, stream: BinaryIO | None, *, digests: tuple[str, ...] = ()) -> None:
        self._stream = stream
        self._states = {name: hashlib.new(name) for name in {"sha256", *digests}}
        self._last = b""
        self.size = 0
        """In bytes."""

    def copy(self, source: BinaryIO) -> None:
        """Append all that another stream holds."""
        source.seek(0)
        while chunk := source.read(_CHUNK):
            self.append(chunk)

    def append(self, data: bytes | bytearray) -> None:
        """Append bytes."""
        if self._stream is not None:
            self._stream.seek(self.size)
            self._stream.write(data)
        for state in self._states.values():
            state.update(data)
        self.size += len(data)
        self._last = bytes(data[-1:]) or self._last

    def digest_with(self, name: str, *more: bytes | memoryview) -> bytes:
        """Give the digest of all that is here, and `more` after it that is not."""
        state = self._states[name].copy()
        for part in more:
            state.update(part)
        return state.digest()

    @property
    def ends_line(self) -> bool:
        """Whether the last byte ends a line."""
        return self._last in (b"\n", b"\r")

    @property
    def sha256(self) -> str:
        """SHA-256 of all that is here, in lower-case hex."""
        return self._states["sha256"].hexdigest()

    @property
    def written(self) -> Written:
        """Hash and size of all that is here."""
        return Written(sha256=self.sha256, size=self.size)
