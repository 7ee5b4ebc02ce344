"""Reserved numbers and paper documents in the registers, duplicates, and the search."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BATCH = 1000


def upgrade() -> None:
    _widen_documents()
    _widen_registers()
    op.create_index(
        "ix_inbox_document",
        "inbox",
        ["document"],
        sqlite_where=sa.text("outcome = 'conflict'"),
        postgresql_where=sa.text("outcome = 'conflict'"),
    )
    _fill_registers()
    _make_search()
    _fill_search()


def _widen_documents() -> None:
    op.add_column("documents", sa.Column("series", sa.String(length=30), nullable=True))
    op.create_index("ix_documents_direction_created_at_id", "documents", ["direction", "created_at", "id"])
    op.create_index("ix_documents_document_id", "documents", ["document_id"])


def _widen_registers() -> None:
    with op.batch_alter_table("books") as batch:
        batch.add_column(sa.Column("direction", sa.String(length=8), nullable=True))
    with op.batch_alter_table("register_entries") as batch:
        batch.alter_column("document", existing_type=sa.String(length=32), nullable=True)
        for name in ("symbol", "reserved_for", "same_code", "same_by_id", "same_by_name"):
            batch.add_column(sa.Column(name, sa.Text(), nullable=True))
        batch.add_column(sa.Column("reserved_until", sa.String(length=10), nullable=True))
        for name in ("paper", "fields", "alerts"):
            batch.add_column(sa.Column(name, sa.JSON(), nullable=True))
        batch.create_unique_constraint("uq_register_entries_year_symbol_number", ["year", "symbol", "number"])
    for name in ("same_code", "same_by_id", "same_by_name"):
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_register_entries_{name}",
            "register_entries",
            [name],
            sqlite_where=there,
            postgresql_where=there,
        )


def _fill_registers() -> None:
    """Symbols and what duplicates are found by, of the entries that are there."""
    from edoc.node.duplicates import keys_of, symbol_key

    connection = op.get_bind()
    connection.execute(
        sa.text(
            "UPDATE books SET direction = CASE WHEN EXISTS (SELECT 1 FROM register_entries e"
            " JOIN documents d ON d.id = e.document WHERE e.series = books.series AND e.year = books.year"
            " AND d.direction = 'incoming') THEN 'incoming' ELSE 'outgoing' END"
        )
    )
    with op.batch_alter_table("books") as batch:
        batch.alter_column("direction", existing_type=sa.String(length=8), nullable=False)
    page = sa.text(
        "SELECT e.document, d.direction, d.dispatch FROM register_entries e"
        " JOIN documents d ON d.id = e.document WHERE e.document > :after ORDER BY e.document LIMIT :batch"
    )
    sent = sa.text("UPDATE register_entries SET symbol = :symbol WHERE document = :document")
    received = sa.text(
        "UPDATE register_entries SET same_code = :same_code, same_by_id = :same_by_id,"
        " same_by_name = :same_by_name WHERE document = :document"
    )
    after = ""
    while rows := connection.execute(page, {"after": after, "batch": _BATCH}).all():
        after = rows[-1].document
        for row in rows:
            dispatch = _read(row.dispatch)
            if row.direction == "outgoing":
                symbol = symbol_key((dispatch.get("code") or {}).get("code_notation") or "")
                connection.execute(sent, {"symbol": symbol, "document": row.document})
            else:
                connection.execute(received, {**keys_of(dispatch).values(), "document": row.document})


def _make_search() -> None:
    op.create_table(
        "search_texts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(length=32), nullable=True),
        sa.Column("entry", sa.Text(), nullable=True),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name="fk_search_texts_document"),
        sa.PrimaryKeyConstraint("id", name="pk_search_texts"),
        sa.UniqueConstraint("document", name="uq_search_texts_document"),
        sa.UniqueConstraint("entry", name="uq_search_texts_entry"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE INDEX ix_search_texts_words ON search_texts"
            " USING gin (array_to_tsvector(string_to_array(words, ' ')))"
        )
        return
    # an index without a copy of the text; the triggers keep it, whoever writes the table
    op.execute(
        "CREATE VIRTUAL TABLE search_index USING fts5(words, content='search_texts', content_rowid='id',"
        " tokenize=\"ascii tokenchars '_'\", detail=none, columnsize=0)"
    )
    add = "INSERT INTO search_index(rowid, words) VALUES (new.id, new.words);"
    remove = "INSERT INTO search_index(search_index, rowid, words) VALUES ('delete', old.id, old.words);"
    for name, what in (("insert", add), ("delete", remove), ("update", remove + add)):
        op.execute(
            f"CREATE TRIGGER search_texts_{name} AFTER {name.upper()} ON search_texts BEGIN {what} END"
        )


def _fill_search() -> None:
    """The documents that are there, the oldest first."""
    from edoc.node.search import write

    connection = op.get_bind()
    page = sa.text(
        "SELECT id, direction, dispatch, created_at FROM documents"
        " WHERE created_at > :at OR (created_at = :at AND id > :id) ORDER BY created_at, id LIMIT :batch"
    )
    at, last = "", ""
    while rows := connection.execute(page, {"at": at, "id": last, "batch": _BATCH}).all():
        at, last = rows[-1].created_at, rows[-1].id
        for row in rows:
            write(
                connection,
                document=row.id,
                direction=row.direction,
                dispatch=_read(row.dispatch),
                at=row.created_at,
            )


def _read(value: object) -> dict[str, Any]:
    """JSON comes as text from SQLite, as values from PostgreSQL."""
    read = json.loads(value) if isinstance(value, str) else value
    return read if isinstance(read, dict) else {}
