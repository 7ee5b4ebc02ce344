"""A package on its way in: to a file without a name, hashed as it comes, under a limit.

The SDK sends CR LF after the file, which its `hash-file` does not cover; and it writes that hash without
leading zeros in each byte. Both forms are taken, with CR LF and without.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edoc.axis.signing import hash_file
from edoc.axis.wire import TRAILER, ErrorCode
from edoc.core.ports import Stored
from edoc.hub.refusals import CallRefusedError
from edoc.node.durable import disk_errors


class Spool:
    """Takes one package in pieces; made by `open_spool`."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._limit = limit
        self._digest = hashlib.sha256()
        self._held = b""
        self.size = 0
        """Bytes taken so far, what may be the trailer included."""

    def write(self, data: bytes) -> None:
        """Take the next piece. Raises `CallRefusedError` if it is too much, `OSError` if the disk is full."""
        self.size += len(data)
        require_size(self.size - len(TRAILER), self._limit)
        data = self._held + data
        whole = max(0, len(data) - len(TRAILER))
        self._held = data[whole:]
        self._digest.update(data[:whole])
        self._file.write(data[:whole])

    def finish(self, claimed: str | None) -> Stored:
        """End the package, with the `hash-file` that was claimed for it; None: its sender claims nothing.

        Raises `CallRefusedError` if other bytes came than were claimed, or none at all.
        """
        endings = (b"", self._held) if claimed is not None and self._held == TRAILER else (self._held,)
        for ending in endings:
            digest = self._digest.copy()
            digest.update(ending)
            if claimed is None or claimed.lower() in {hash_file(digest.digest()), digest.hexdigest()}:
                self._file.write(ending)
                size = self._file.tell()
                require_size(size, self._limit)
                _require_content(size)
                return Stored(sha256=digest.hexdigest(), size=size)
        raise CallRefusedError(
            ErrorCode.INVALID_FILE,
            f"the package is not the one that was announced: {self.size} bytes came, and their SHA-256 is not"
            " hash-file.",
            advice="It was damaged on its way; send it again.",
        )

    def rewind(self) -> BinaryIO:
        """Give the package for reading from its beginning."""
        self._file.flush()
        self._file.seek(0)
        return self._file


@contextmanager
def open_spool(folder: Path, *, limit: int) -> Iterator[Spool]:
    """Make room for a package of `limit` bytes; nothing is left of it, whatever happens.

    Raises `Unavailable` if the disk is full or cannot be used.
    """
    with disk_errors(folder), tempfile.TemporaryFile(dir=folder) as file:
        yield Spool(file, limit)


def require_size(size: int, limit: int) -> None:
    """Raise `CallRefusedError` if a package is larger than the hub takes."""
    if size > limit:
        raise CallRefusedError(
            ErrorCode.INVALID_FILE, f"the package is larger than the {limit} bytes that this hub takes."
        )


def _require_content(size: int) -> None:
    if not size:
        raise CallRefusedError(ErrorCode.INVALID_FILE, "the package is empty.")
