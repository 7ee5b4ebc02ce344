"""Back a node up, and restore it: its database as text, its objects as they are.

    backup(node, Path("/backup/2026-02-05"))
    restore(Path("/backup/2026-02-05"), Path("/srv/edoc/node"))

    backup.json            when, which revision of the tables, rows and SHA-256 of every file below
    database/TABLE.jsonl   one JSON object a row; restored into SQLite or PostgreSQL alike
    objects/ab/abcdef…     by their SHA-256, as in the embedded store
    promises/…             which number was promised to which document

Objects are made durable before a row names them, so the rows are copied first, in one snapshot, and then the
objects: whatever a row names is there. A folder that holds an older backup's objects gets only what is new.

A backup is older than what was issued after it: a restored node gives no number until somebody has reconciled
its registers (`edoc.node.reconcile`).
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

from alembic.migration import MigrationContext
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, Table, column, insert, inspect, select, text
from sqlalchemy import table as sql_table

from edoc.core.ports import Objects
from edoc.errors import Conflict, InputError
from edoc.node import database, numberholds
from edoc.node import tables as t
from edoc.node.durable import disk_errors, stage, write_file
from edoc.node.journal import Journal, verify_chain
from edoc.node.node import Node, open_objects, system_clock
from edoc.node.objects import DirectoryObjects
from edoc.node.settings import Settings

FORMAT: Final = "edoc-backup/1"
_HEAD: Final = "backup.json"
_ROWS: Final = 500
"""Rows that are written to the database at once."""


def backup(node: Node, folder: Path) -> dict[str, Any]:
    """Write a backup to `folder`; returns what its `backup.json` says.

    Raises `Conflict` if a finished backup stands there already, `Unavailable` if something cannot be read.
    """
    head = folder / _HEAD
    if head.exists():
        raise Conflict(
            "a finished backup stands here already.", where=str(folder), advice="Name a new folder."
        )
    with disk_errors(folder):
        (folder / "database").mkdir(parents=True, exist_ok=True)
    files: dict[str, dict[str, Any]] = {}
    with _snapshot(node.journal.engine) as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        for table in t.metadata.sorted_tables:
            files[table.name] = _write_table(connection, table, folder)
    store = DirectoryObjects(folder / "objects")
    count = _copy_objects(node.objects, store)
    _copy_promises(node.objects, store)
    made = {
        "format": FORMAT,
        "made_at": node.journal.clock().isoformat(),
        "organ_id": node.settings.agency.organ_id,
        "revision": revision,
        "tables": files,
        "objects": count,
    }
    write_file(head, json.dumps(made, ensure_ascii=False, indent=2).encode())
    return made


def restore(
    folder: Path, engine: Engine, objects: Objects, *, clock: Callable[[], datetime]
) -> dict[str, Any]:
    """Restore a backup into an empty database and an object store, and bring the tables to the present shape.

    Numbering is held afterwards. The store may be the node's own, with what came after the backup: nothing in
    it is changed. Returns what its `backup.json` says. Nothing is committed to the database unless every row
    is there and the audit log is intact. Raises `InputError` if the backup is damaged, no backup, or one of a
    newer program, `Conflict` if the database is not empty.
    """
    made = _read_head(folder)
    for name, about in made["tables"].items():
        _check(folder / "database" / f"{name}.jsonl", about["sha256"])
    _prepare(engine, made["revision"], folder)
    store = DirectoryObjects(folder / "objects")
    _copy_objects(store, objects)
    _copy_promises(store, objects)
    with database.database_errors(), engine.begin() as connection:
        # what the first migration itself wrote is replaced
        connection.execute(t.audit_head.delete())
        for table in t.metadata.sorted_tables:
            if table.name in made["tables"]:
                _load_table(connection, table, folder)
        wrong = verify_chain(connection)
        if wrong:
            raise InputError(f"the backup's audit log is damaged: {wrong[0]}.", where=str(folder))
    database.migrate(engine)
    with Journal(engine, clock).transaction(actor="restore") as tx:
        tx.note(None, "restore", made_at=made["made_at"], revision=made["revision"])
        numberholds.hold(tx, f"the database was restored from a backup of {made['made_at']}.")
    return made


def restore_node(folder: Path, node: Path) -> dict[str, Any]:
    """Restore a backup into what the `edoc.toml` of the folder `node` names; see `restore`."""
    settings = Settings.load(node)
    engine = database.connect(settings.database.url.get_secret_value(), node)
    try:
        return restore(folder, engine, open_objects(settings.objects, node), clock=system_clock)
    finally:
        engine.dispose()


def _snapshot(engine: Engine) -> Any:
    """A connection that sees the database as it is now until it is closed."""
    if engine.dialect.name == "sqlite":
        connection = engine.connect().execution_options(reading=True)
    else:
        connection = engine.connect().execution_options(isolation_level="REPEATABLE READ")
    return connection


def _write_table(connection: Connection, table: Table, folder: Path) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    target = folder / "database" / f"{table.name}.jsonl"
    with disk_errors(target), stage(target.parent) as staged:
        ordered = select(table).order_by(*table.primary_key.columns)
        for row in connection.execute(ordered).yield_per(_ROWS):
            line = json.dumps(dict(row._mapping), ensure_ascii=False).encode() + b"\n"  # noqa: SLF001
            digest.update(line)
            staged.file.write(line)
            rows += 1
        staged.replace(target)
    return {"rows": rows, "sha256": digest.hexdigest()}


def _copy_objects(source: Objects, target: Objects) -> int:
    count = 0
    for sha256 in source.hashes():
        count += 1
        if not target.holds(sha256):
            with source.open(sha256) as content:
                stored = target.put(content)
            if stored.sha256 != sha256:
                raise InputError("an object is damaged; it was left out.", where=sha256)
    return count


def _copy_promises(source: Objects, target: Objects) -> None:
    there = set(target.promises(""))
    for name in source.promises(""):
        text = None if name in there else source.promised(name)
        if text is not None:
            target.promise(name, text)


def _read_head(folder: Path) -> dict[str, Any]:
    try:
        made = json.loads((folder / _HEAD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        made = {}
    if not isinstance(made, dict) or made.get("format") != FORMAT:
        raise InputError(
            f"this is no finished backup: its {_HEAD} is missing or of another kind.", where=str(folder)
        )
    datetime.fromisoformat(made["made_at"])
    return made


def _check(file: Path, sha256: str) -> None:
    with disk_errors(file), file.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != sha256:
            raise InputError("this file of the backup is damaged.", where=str(file))


def _prepare(engine: Engine, revision: str, folder: Path) -> None:
    """Give an empty database the tables of the backup's revision."""
    with database.database_errors(), engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
        filled = _find_filled(connection)
    if filled is not None or present not in (None, revision):
        found = f"the table {filled} is not empty" if filled else "its tables are of another version"
        raise Conflict(
            f"nothing was restored: the database is no new one, {found}.",
            where=str(folder),
            advice="Restore into a new database that nobody has prepared.",
        )
    try:
        database.migrate(engine, to=revision)
    except CommandError:
        raise InputError(
            f"this backup is of revision {revision}, which this program does not know.",
            where=str(folder),
            advice="Restore it with the version that made it, or a newer one.",
        ) from None


def _find_filled(connection: Connection) -> str | None:
    """Name a table that is there and holds a row; every database's audit log has a head."""
    there = set(inspect(connection).get_table_names()) - {t.audit_head.name}
    for table in t.metadata.sorted_tables:
        one = select(text("1")).select_from(table).limit(1)
        if table.name in there and connection.execute(one).first() is not None:
            return table.name
    return None


def _load_table(connection: Connection, table: Table, folder: Path) -> None:
    rows = _read_rows(folder / "database" / f"{table.name}.jsonl")
    while batch := list(islice(rows, _ROWS)):
        # the columns that the table had in the backup's revision, without the defaults of the present one
        names = (column(name, table.c[name].type if name in table.c else None) for name in batch[0])
        connection.execute(insert(sql_table(table.name, *names)), batch)
    _move_on(connection, table)


def _move_on(connection: Connection, table: Table) -> None:
    """Let numbers that the database gives itself go on after those that were restored."""
    counted = table.autoincrement_column
    if counted is not None and connection.dialect.name == "postgresql":
        highest = f"(SELECT coalesce(max({counted.name}), 0) FROM {table.name})"  # noqa: S608 - our own names
        sequence = f"pg_get_serial_sequence('{table.name}', '{counted.name}')"
        connection.execute(text(f"SELECT setval({sequence}, {highest} + 1, false)"))


def _read_rows(file: Path) -> Iterator[dict[str, Any]]:
    with disk_errors(file), file.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield json.loads(line.rstrip(os.linesep))
