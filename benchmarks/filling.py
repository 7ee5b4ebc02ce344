"""Fills a node's register in bulk: one archived document again and again, with all that belongs to it.

Only the audit log's hashes are made up; whoever measures does not verify it.
"""

from typing import Final

from sqlalchemy import Connection, Table, text

from edoc.node import tables as t
from edoc.node.node import Node

_ID: Final = "md5('{round} ' || n)"
_TABLES: Final[tuple[tuple[Table, dict[str, str]], ...]] = (
    (
        t.documents,
        {"id": _ID, "submission": "md5('s{round} ' || n)", "document_id": "document_id || '{round}.' || n"},
    ),
    (t.files, {"document": _ID, "sha256": "md5('{round} ' || n) || md5(x.sha256)"}),
    (t.deliveries, {"document": _ID, "message_id": _ID}),
    (t.register_entries, {"document": _ID, "number": "{last} + n"}),
    (t.search_texts, {"document": _ID}),
    (t.tasks, {"document": _ID}),
    (t.inbox, {"document": _ID, "key": "md5('{round} ' || n) || md5(x.key)", "message_id": _ID}),
)


def fill(node: Node, model: str, *, upto: int) -> None:
    """Copy the document `model` until the register holds `upto` numbers (PostgreSQL only)."""
    with node.journal.engine.begin() as connection:
        last = connection.execute(text("SELECT max(last_number) FROM books")).scalar_one()
        for table, changes in _TABLES:
            _copy(connection, table, changes, model=model, last=last, count=upto - last)
        _copy_audit(connection, model=model, last=last, count=upto - last)
        connection.execute(text("UPDATE books SET last_number = :upto"), {"upto": upto})
    raw = node.journal.engine.raw_connection()  # not within a transaction
    try:
        raw.cursor().execute("VACUUM ANALYZE")
    finally:
        raw.close()


def _copy(
    connection: Connection, table: Table, changes: dict[str, str], *, model: str, last: int, count: int
) -> None:
    serial = {"id"} if table.c[next(iter(table.c.keys()))].name == "id" and "id" not in changes else set()
    names = [column.name for column in table.c if column.name not in serial]
    values = [changes.get(name, f"x.{name}").format(round=last, last=last) for name in names]
    key = "id" if table is t.documents else "document"
    connection.execute(
        text(
            f"INSERT INTO {table.name} ({', '.join(names)}) SELECT {', '.join(values)}"  # noqa: S608 - our own names
            f" FROM {table.name} x, generate_series(1, :count) n WHERE x.{key} = :model"
        ),
        {"count": count, "model": model},
    )


def _copy_audit(connection: Connection, *, model: str, last: int, count: int) -> None:
    columns = "at, actor, event, before, after, details, previous"
    next_seq = "(SELECT seq FROM audit_head) + row_number() OVER ()"
    connection.execute(
        text(
            f"INSERT INTO audit (seq, document, hash, {columns})"  # noqa: S608 - our own names
            f" SELECT {next_seq}, md5('{last} ' || n), x.hash, {columns}"
            " FROM audit x, generate_series(1, :count) n WHERE x.document = :model"
        ),
        {"count": count, "model": model},
    )
    connection.execute(text("UPDATE audit_head SET seq = (SELECT max(seq) FROM audit)"))
