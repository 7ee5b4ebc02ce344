"""Working copies of objects: files in a private folder that is gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from edoc.core.ports import Stored
from edoc.errors import InputError
from edoc.node import tables as t
from edoc.node.node import Node
from edoc.node.objects import open_verified


@contextmanager
def scratch() -> Iterator[Path]:
    """A private folder for one step."""
    with tempfile.TemporaryDirectory(prefix="edoc-") as folder:
        yield Path(folder)


def fetch(node: Node, sha256: str, target: Path) -> Path:
    """Copy an object into `target`, checking its hash on the way."""
    with open_verified(node.objects, sha256) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    return target


def store(node: Node, path: Path) -> Stored:
    """Make a file's content durable in the object store."""
    with path.open("rb") as source:
        return node.objects.put(source)


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
    query = (
        select(t.files.c.id, t.files.c.name, t.files.c.sha256, t.files.c.size)
        .where((t.files.c.document == document) & (t.files.c.role == role))
        .order_by(t.files.c.id)
    )
    return list(connection.execute(query))
