"""Write a file that is whole or not there at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO, Final

_NAME_LENGTH: Final = 60
_PASSING: Final = ContextVar("passing", default=False)


@contextmanager
def passing() -> Iterator[None]:
    """Files that this block writes are gone soon: they need not survive a power cut."""
    before = _PASSING.set(True)
    try:
        yield
    finally:
        _PASSING.reset(before)


def sync(file: BinaryIO) -> None:
    """Return when the file's bytes are on the disk; at once for files in `passing`."""
    file.flush()
    if not _PASSING.get():
        os.fsync(file.fileno())


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a stream for reading and writing that becomes `path` when the block ends without an error.

    The path is replaced atomically, after the bytes are on the disk; on failure nothing is left behind and
    what stood there stays.
    """
    temporary = path.with_name(f".{path.name[:_NAME_LENGTH]}.{secrets.token_hex(8)}.part")
    try:
        with temporary.open("x+b") as stream:
            yield stream
            sync(stream)
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename == str(temporary):
            error.filename = str(path)  # the name that the caller knows
        raise
