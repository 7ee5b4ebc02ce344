"""A node is backed up and restored, from either database into either."""

import io
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from alone import make_alone
from sqlalchemy import select

from edoc.demo.nodes import Backing
from edoc.devpki.hierarchy import DevPki
from edoc.errors import Conflict, InputError
from edoc.node import database, numberholds, promises, registers
from edoc.node import tables as t
from edoc.node.backup import backup, restore
from edoc.node.journal import Journal, verify_chain
from edoc.node.node import Node, system_clock
from edoc.node.objects import DirectoryObjects

KINDS = ("sqlite", "postgresql")


def find_url(request: pytest.FixtureRequest, kind: str) -> str:
    return "sqlite:///node.db" if kind == "sqlite" else str(request.getfixturevalue("postgres_database"))


@pytest.fixture(params=KINDS)
def node(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    folder = make_alone(tmp_path, pki, Backing(database_url=find_url(request, request.param)))
    with Node.open(folder) as opened:
        enter(opened, "first")
        yield opened


def enter(node: Node, name: str) -> None:
    """A document with a number and a file."""
    stored = node.objects.put(io.BytesIO(f"nội dung {name}".encode()))
    with node.journal.transaction(actor="clerk") as tx:
        tx.begin(name, "outgoing", submission=name, organ_id="H99.01", dispatch={"subject": "Về việc"})
        given = registers.give_number(tx, series="VB-DI", document=name)
        tx.keep(name, "signed", "a.pdf", stored)
        promise = promises.make(tx, given, document=name)
    promises.keep(node, promise)


@pytest.mark.parametrize("into", KINDS)
def test_what_was_backed_up_is_there_again(
    node: Node, into: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made = backup(node, tmp_path / "backup")
    assert made["tables"]["documents"]["rows"] == 1
    # another database than the one that was backed up
    url = "sqlite:///restored.db" if into == "sqlite" else fresh_postgres(request)
    engine = database.connect(url, tmp_path)
    objects = DirectoryObjects(tmp_path / "restored")
    restore(tmp_path / "backup", engine, objects, clock=system_clock)
    restored = Journal(engine, system_clock)
    entries = select(t.audit).order_by(t.audit.c.seq)  # two more: restored, and numbering held
    with node.journal.reading() as before, restored.reading() as after:
        for table in set(t.metadata.sorted_tables) - {t.numbering_holds, t.audit, t.audit_head}:
            ordered = select(table).order_by(*table.primary_key.columns)
            assert list(before.execute(ordered)) == list(after.execute(ordered)), table.name
        assert list(after.execute(entries))[:-2] == list(before.execute(entries))
        assert verify_chain(after) == []
    assert set(objects.hashes()) == set(node.objects.hashes())
    assert list(objects.promises("")) == list(node.objects.promises(""))
    # and it goes on where it stopped: numbers of the database's own do not repeat
    with restored.transaction(actor="operator") as tx:
        assert numberholds.release(tx)
    with restored.transaction(actor="clerk") as tx:
        tx.begin("second", "outgoing", submission="second", organ_id="H99.01", dispatch={})
        assert registers.give_number(tx, series="VB-DI", document="second").number == 2
    engine.dispose()


def fresh_postgres(request: pytest.FixtureRequest) -> str:
    server = request.getfixturevalue("postgres_server")
    return str(server.ensure_database(f"restored_{secrets.token_hex(6)}"))


def test_a_backup_is_never_written_over(node: Node, tmp_path: Path) -> None:
    backup(node, tmp_path / "backup")
    with pytest.raises(Conflict):
        backup(node, tmp_path / "backup")


def test_nothing_is_restored_over_what_is_there(node: Node, tmp_path: Path) -> None:
    backup(node, tmp_path / "backup")
    enter(node, "second")
    with pytest.raises(Conflict):
        restore(tmp_path / "backup", node.journal.engine, node.objects, clock=system_clock)
    with node.journal.reading() as connection:
        assert len(list(connection.execute(select(t.documents)))) == 2
        assert verify_chain(connection) == []


def test_a_damaged_backup_is_not_restored(node: Node, tmp_path: Path) -> None:
    backup(node, tmp_path / "backup")
    file = tmp_path / "backup/database/audit.jsonl"
    file.chmod(0o600)
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows[0]["actor"] = "somebody else"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    engine = database.connect("sqlite:///restored.db", tmp_path)
    with pytest.raises(InputError, match="damaged"):
        restore(tmp_path / "backup", engine, DirectoryObjects(tmp_path / "restored"), clock=system_clock)
    engine.dispose()


def test_an_unfinished_backup_is_none(node: Node, tmp_path: Path) -> None:
    backup(node, tmp_path / "backup")
    (tmp_path / "backup/backup.json").unlink()
    engine = database.connect("sqlite:///restored.db", tmp_path)
    with pytest.raises(InputError, match=r"backup\.json"):
        restore(tmp_path / "backup", engine, DirectoryObjects(tmp_path / "restored"), clock=system_clock)
    engine.dispose()


def test_a_backup_of_a_newer_program_is_not_restored(node: Node, tmp_path: Path) -> None:
    backup(node, tmp_path / "backup")
    head = tmp_path / "backup/backup.json"
    made = json.loads(head.read_text(encoding="utf-8"))
    head.write_text(json.dumps({**made, "revision": "9999"}), encoding="utf-8")
    engine = database.connect("sqlite:///restored.db", tmp_path)
    with pytest.raises(InputError, match="revision 9999"):
        restore(tmp_path / "backup", engine, DirectoryObjects(tmp_path / "restored"), clock=system_clock)
    engine.dispose()


def test_a_database_of_another_version_is_no_new_one(node: Node, tmp_path: Path) -> None:
    backup(node, tmp_path / "backup")
    engine = database.connect("sqlite:///restored.db", tmp_path)
    database.migrate(engine, to="0001")
    with pytest.raises(Conflict, match="another version"):
        restore(tmp_path / "backup", engine, DirectoryObjects(tmp_path / "restored"), clock=system_clock)
    engine.dispose()


def test_a_folder_with_an_older_backup_gets_only_what_is_new(node: Node, tmp_path: Path) -> None:
    first = backup(node, tmp_path / "backup")
    (tmp_path / "backup/backup.json").unlink()
    enter(node, "second")
    second = backup(node, tmp_path / "backup")
    assert second["objects"] == first["objects"] + 1
    kept = DirectoryObjects(tmp_path / "backup/objects")
    assert list(kept.promises("")) == list(node.objects.promises(""))
