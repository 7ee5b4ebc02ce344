"""What a transaction writes and nobody reads before it ends: held back, and written in few round trips.

    held_back.change_document(document, {"state": "sealed"})
    held_back.keep_file({...})
    held_back.write(connection)

One transaction often moves several documents, and each of them several times: of all that only the last
values reach the database, all rows of a table in one go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, String, bindparam, literal, update

from edoc.node import tables as t
from edoc.node.database import insert_once


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A document as the transaction that holds it sees it: the columns of `edoc.node.tables.documents`."""

    id: str
    direction: str
    state: str
    submission: str
    document_id: str | None
    organ_id: str
    dispatch: dict[str, Any]
    created_at: str
    changed_at: str
    series: str | None


@dataclass(slots=True)
class HeldBack:
    """One transaction's."""

    _documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    _deliveries: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    _files: list[Mapping[str, Any]] = field(default_factory=list)
    _closed: list[dict[str, Any]] = field(default_factory=list)
    _opened: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    def change_document(self, document: str, values: Mapping[str, Any]) -> None:
        """Give columns of a document new values."""
        self._documents.setdefault(document, {}).update(values)

    def move_delivery(self, document: str, recipient: str, values: Mapping[str, Any]) -> None:
        """Give a delivery another state, since a time."""
        self._deliveries[document, recipient] = values

    def keep_file(self, row: Mapping[str, Any]) -> None:
        """Enter a file, once."""
        self._files.append(row)

    def open_deadline(self, row: Mapping[str, Any]) -> None:
        """Enter a deadline, once."""
        key = (row["document"], row["recipient"], row["kind"])
        self._opened.setdefault(key, {**row, "met_at": None, "lapsed_at": None})

    def close_deadlines(
        self, document: str, recipient: str, kinds: Sequence[str], column: str, at: str
    ) -> None:
        """Say that deadlines of these kinds are met (`met_at`) or lapsed (`lapsed_at`), if they are open."""
        for kind in kinds:
            row = self._opened.get((document, recipient, kind))
            if row is not None and row["met_at"] is row["lapsed_at"] is None:
                row[column] = at
        closed = {"of": document, "at_recipient": recipient, "kinds": f",{','.join(kinds)},", "value": at}
        self._closed.append({"column": column, **closed})

    def write(self, connection: Connection) -> None:
        """Write everything to the database; nothing is held back afterwards."""
        if self._documents:
            self._change_documents(connection)
        if self._deliveries:
            moved = [
                {"of": document, "at_recipient": recipient, **values}
                for (document, recipient), values in sorted(self._deliveries.items())
            ]
            connection.execute(_MOVING, moved)
            self._deliveries = {}
        if self._files:
            connection.execute(insert_once(connection, t.files), self._files)
            self._files = []
        if self._closed:
            for column, rows in groupby(self._closed, key=lambda each: each["column"]):
                connection.execute(_closing(column), list(rows))
            self._closed = []
        if self._opened:
            connection.execute(insert_once(connection, t.deadlines), list(self._opened.values()))
            self._opened = {}

    def _change_documents(self, connection: Connection) -> None:
        changes = sorted(self._documents.items(), key=lambda each: (sorted(each[1]), each[0]))
        for columns, rows in groupby(changes, key=lambda each: sorted(each[1])):
            connection.execute(
                _changing(*columns), [{"the_document": document, **values} for document, values in rows]
            )
        self._documents = {}


_MOVING: Final = (
    update(t.deliveries)
    .where(t.deliveries.c.document == bindparam("of"))
    .where(t.deliveries.c.recipient == bindparam("at_recipient"))
    .values(state=bindparam("state"), changed_at=bindparam("changed_at"))
)
_KINDS: Final = bindparam("kinds", type_=String)


@cache
def _changing(*columns: str) -> Any:
    """Set these columns of a document."""
    values = {column: bindparam(column, type_=t.documents.c[column].type) for column in columns}
    return update(t.documents).where(t.documents.c.id == bindparam("the_document")).values(values)


@cache
def _closing(column: str) -> Any:
    """Close open deadlines whose kind is one of `:kinds`."""
    d = t.deadlines.c
    named = (d.document == bindparam("of")) & (d.recipient == bindparam("at_recipient"))
    listed = _KINDS.like(literal("%,").concat(d.kind).concat(",%"))
    is_open = d.met_at.is_(None) & d.lapsed_at.is_(None)
    return update(t.deadlines).where(named & listed & is_open).values({column: bindparam("value")})
