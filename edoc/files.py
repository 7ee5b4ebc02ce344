"""Write a file that is whole or not there at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

_NAME_LENGTH: Final = 60


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
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename == str(temporary):
            error.filename = str(path)  # the name that the caller knows
        raise
