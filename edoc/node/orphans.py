"""Objects that nothing names: what a crash leaves between storing and committing.

An object is durable before a row names it (invariant 2), so a worker that dies in between leaves one behind.
It does no harm, and the same step stores the same bytes again; it is told here so that nobody has to guess.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, select

from edoc.node import tables as t
from edoc.node.anchors import list_anchors
from edoc.node.node import Node

_NAMING: Final = tuple(table.c["sha256"] for table in t.metadata.sorted_tables if "sha256" in table.c)
"""Every column that names an object, whichever table came last."""


def find_orphans(node: Node) -> list[str]:
    """Give the SHA-256 of every object that no row names, in order.

    Ask while the node's workers stand still: what one of them stores at this moment is named a moment later.
    Keeps the names of all objects in memory, about 150 bytes each. Raises `Unavailable` if the store or the
    database cannot be reached.
    """
    stored = set(node.objects.hashes())
    with node.journal.reading() as connection:
        for sha256 in _list_named(connection):
            stored.discard(sha256)
    stored.difference_update(anchor.token for anchor in list_anchors(node))
    return sorted(stored)


def _list_named(connection: Connection) -> Iterator[str]:
    for column in _NAMING:
        yield from connection.execute(select(column).where(column.is_not(None))).scalars()
