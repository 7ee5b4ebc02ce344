"""Lists of a node's documents, the newest first: the thousandth page costs what the first does.

page = list_documents(node, direction="incoming", limit=50)
page = list_documents(node, direction="incoming", limit=50, before=page[-1].id)
"""

from heapq import merge
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Row, select, tuple_

from edoc.errors import InputError
from edoc.node import tables as t
from edoc.node.alerts import alerts_of
from edoc.node.node import Node

PAGE: Final = 100
DIRECTIONS: Final = ("outgoing", "incoming")
_COLUMNS: Final = t.documents.c


def list_documents(
    node: Node, *, direction: str | None = None, before: str | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """Give documents in a few words, ready for JSON; `before`: the id of the document that the list follows.

    Raises `InputError` if there is no document of that id.
    """
    with node.journal.reading() as connection:
        start = None if before is None else _place(connection, before)
        directions = DIRECTIONS if direction is None else (direction,)
        pages = [_page(connection, each, start, limit) for each in directions]
        newest = merge(*pages, key=lambda row: (row.created_at, row.id), reverse=True)
        rows = list(islice(newest, limit))
        alerts = alerts_of(connection, [row.id for row in rows])
    return [{**summarize(row), "alerts": alerts.get(row.id, [])} for row in rows]


def summarize(row: Row[Any]) -> dict[str, Any]:
    """Return a document in a few words, ready for JSON."""
    return {
        "id": row.id,
        "direction": row.direction,
        "state": row.state,
        "document_id": row.document_id,
        "subject": row.dispatch.get("subject", ""),
        "created_at": row.created_at,
    }


def _place(connection: Connection, document: str) -> tuple[str, str]:
    query = select(_COLUMNS.created_at, _COLUMNS.id).where(_COLUMNS.id == document)
    row = connection.execute(query).first()
    if row is None:
        raise InputError("there is no such document in this node.", where=document)
    return row.created_at, row.id


def _page(
    connection: Connection, direction: str, start: tuple[str, str] | None, limit: int
) -> list[Row[Any]]:
    """One direction's, in the order of its index."""
    query = select(t.documents).where(_COLUMNS.direction == direction)
    if start is not None:
        query = query.where(tuple_(_COLUMNS.created_at, _COLUMNS.id) < start)
    order = (_COLUMNS.created_at.desc(), _COLUMNS.id.desc())
    return list(connection.execute(query.order_by(*order).limit(limit)))
