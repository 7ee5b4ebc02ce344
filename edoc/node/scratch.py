"""Working copies of objects: files in a private folder that is gone afterwards."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from sqlalchemy import Connection, Row, bindparam, select

from edoc.core.ports import Stored
from edoc.errors import InputError
from edoc.node import tables as t
from edoc.node.node import Node
from edoc.node.objects import CHUNK, open_verified
from edoc.node.recent import Recent

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_FILES: Final = (
    select(t.files.c.id, t.files.c.name, t.files.c.sha256, t.files.c.size)
    .where((t.files.c.document == bindparam("of")) & (t.files.c.role == bindparam("in_role")))
    .order_by(t.files.c.id)
)


@contextmanager
def reading(node: Node, sha256: str) -> Iterator[BinaryIO]:
    """Open an object for reading once from start to end, checking its hash on the way."""
    content = node.recent.get(sha256)
    if content is not None:
        yield io.BytesIO(content)
        return
    with open_verified(node.objects, sha256) as source:
        yield source


def fetch(node: Node, sha256: str, target: Path) -> Path:
    """Copy an object into `target`, checking its hash on the way."""
    with reading(node, sha256) as source:
        return _copy(source, target)


def fetch_stored(node: Node, sha256: str, target: Path) -> Path:
    """Copy an object into `target` from the store itself: for whoever asks what is really there."""
    with open_verified(node.objects, sha256) as source:
        return _copy(source, target)


def _copy(source: BinaryIO, target: Path) -> Path:
    with target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    return target


def store(node: Node, path: Path) -> Stored:
    """Make a file's content durable in the object store."""
    with path.open("rb") as source:
        return store_stream(node, source)


def store_stream(node: Node, source: BinaryIO) -> Stored:
    """Make a stream durable in the object store, to its end; what is small is kept at hand."""
    sipped = _Sipped(source)
    with io.BufferedReader(sipped, CHUNK) as reader:
        stored = node.objects.put(reader)
    if sipped.content is not None:
        node.recent.keep(stored.sha256, bytes(sipped.content))
    return stored


class _Sipped(io.RawIOBase):
    """Passes a stream on and remembers what was read, as long as it is little."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.content: bytearray | None = bytearray()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        chunk = self._source.read(len(view))
        view[: len(chunk)] = chunk
        if self.content is not None:
            self.content += chunk
            if not Recent.fits(len(self.content)):
                self.content = None
        return len(chunk)


def file_of(connection: Connection, document: str, role: str) -> Row[Any]:
    """The document's newest file of that role: (id, name, sha256, size).

    Raises `InputError` if it has none.
    """
    found = files_of(connection, document, role)
    if not found:
        raise InputError(f"the document has no file '{role}' yet.", where=document)
    return found[-1]


def files_of(connection: Connection, document: str, role: str) -> list[Row[Any]]:
    """The document's files of a role, in the order they came."""
    return list(connection.execute(_FILES, {"of": document, "in_role": role}))
