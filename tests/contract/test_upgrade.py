"""Tables are brought to the present shape while documents are in flight: each is completed all the same."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import inspect

from edoc.core.lifecycle import Event, State, Work
from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.keys.loading import load_key
from edoc.node import archive, clerk, collecting, database, reconcile, steps
from edoc.node import tables as t
from edoc.node.backup import backup, restore_node
from edoc.node.journal import verify_chain
from edoc.node.node import Node
from edoc.signing import prepare, sign

SENT = (Work.NUMBER, Work.SEAL, Work.PACK, Work.DELIVER)
DRIVEN: dict[State, tuple[Work, ...]] = {
    State.SENT: SENT,
    State.PACKED: SENT[:3],
    State.SEALED: SENT[:2],
    State.NUMBERED: SENT[:1],
    State.SIGNED: (),
}
"""What is done for a document of ours until it stands there."""


@contextmanager
def open_nodes(folders: Iterable[Path]) -> Iterator[list[Node]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Node.open(folder)) for folder in folders]


def submit(node: Node, desk: Path, pki: DevPki, name: str) -> str:
    prepared, signed = desk / f"prepared-{name}.pdf", desk / f"{name}.pdf"
    prepare(SAMPLE_PDF, prepared)
    person = load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)
    sign(prepared, signed, key=person, role="person", trust=node.trust, offline=True)
    return clerk.submit(node, draft_for(SAMPLE_PDF), [signed], actor="clerk")


def work(node: Node, *kinds: Work) -> None:
    """Do what is due of each kind, kind by kind."""
    for kind in kinds:
        while steps.run_next(node, kinds={kind}):
            pass


def settle(a: Node, b: Node) -> None:
    for _ in range(4):
        for node in (a, b):
            collecting.collect(node)
            while steps.run_next(node):
                pass


def states(node: Node) -> set[str]:
    return {row.state for row in clerk.documents(node)}


def fill(a: Node, b: Node, desk: Path, pki: DevPki) -> None:
    """Bring documents into every state of their lives on either side."""
    submit(a, desk, pki, "archived")
    settle(a, b)
    clerk.act(b, clerk.documents(b)[0].id, Event.COMPLETE, actor="clerk")
    settle(a, b)
    for state in (State.PROCESSING, State.ASSIGNED, State.REGISTERED, State.VERIFIED, State.RECEIVED):
        submit(a, desk, pki, f"b-{state}")
        work(a, *SENT)
        collecting.collect(b)
        row = next(row for row in clerk.documents(b) if row.state == State.RECEIVED)
        if state is not State.RECEIVED:
            work(b, Work.VERIFY)
        if state not in (State.RECEIVED, State.VERIFIED):
            work(b, Work.REGISTER)
        for event in {State.ASSIGNED: [Event.ASSIGN], State.PROCESSING: [Event.PROCESS]}.get(state, ()):
            clerk.act(b, row.id, event, actor="clerk")
    for state, kinds in DRIVEN.items():
        document = submit(a, desk, pki, state.value)
        work(a, *kinds)
        assert clerk.find(a, document).state == state


def make_older(folder: Path, revision: str) -> None:
    """Turn a backup into one of an earlier program: without the tables and columns that came later."""
    engine = database.connect("sqlite:///older.db", folder)
    database.migrate(engine, to=revision)
    shape = inspect(engine)
    there = {name: {each["name"] for each in shape.get_columns(name)} for name in shape.get_table_names()}
    engine.dispose()
    made = json.loads((folder / "backup.json").read_text(encoding="utf-8"))
    tables = {}
    for name in made["tables"]:
        file = folder / "database" / f"{name}.jsonl"
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        file.unlink()
        if name in there:
            kept = [{key: row[key] for key in row if key in there[name]} for row in rows]
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept)
            file.write_text(text, encoding="utf-8")
            tables[name] = {"rows": len(kept), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    head = {**made, "tables": tables, "revision": revision}
    (folder / "backup.json").write_text(json.dumps(head), encoding="utf-8")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_documents_in_every_state_of_the_first_revision_are_completed_after_the_upgrade(
    request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki, kind: str
) -> None:
    (tmp_path / "desk").mkdir()
    with serving(pki) as url:
        image, tsa = SAMPLES / "seal-a.png", f"{url}/tsa"
        backings = (Backing(), Backing())
        folders = make_nodes(tmp_path, pki=pki.folder, seal_image=image, tsa=tsa, backings=backings)
        with open_nodes(folders) as (a, b):
            fill(a, b, tmp_path / "desk", pki)
            assert states(a) >= {each.value for each in (*DRIVEN, State.ARCHIVED)}
            inside = {State.RECEIVED, State.VERIFIED, State.REGISTERED, State.ASSIGNED, State.PROCESSING}
            assert states(b) == {each.value for each in (*inside, State.ARCHIVED)}
            for node in (a, b):
                backup(node, tmp_path / f"backup-{node.folder.name}")
        for folder in folders:
            older = tmp_path / f"backup-{folder.name}"
            make_older(older, "0001")
            for file in folder.glob("node.db*"):
                file.unlink()
            if kind == "postgresql" and folder is folders[0]:
                database_url = request.getfixturevalue("postgres_database")
                settings = folder / "edoc.toml"
                text = settings.read_text(encoding="utf-8")
                assert "sqlite:///node.db" in text
                settings.write_text(text.replace("sqlite:///node.db", database_url), encoding="utf-8")
            restore_node(older, folder)
            shutil.rmtree(older)
        with open_nodes(folders) as (a, b):
            for node in (a, b):
                reconcile.enter(node, reconcile.find_missing(node), actor="operator")
            settle(a, b)
            for row in clerk.documents(b):
                if row.state != State.ARCHIVED:
                    clerk.act(b, row.id, Event.COMPLETE, actor="clerk")
            settle(a, b)
            for node in (a, b):
                assert states(node) == {State.ARCHIVED.value}
                assert not [each for row in clerk.documents(node) for each in archive.audit(node, row.id)]
                with node.journal.reading() as connection:
                    assert verify_chain(connection) == []
                    entries = connection.execute(t.register_entries.select()).all()
                assert sorted(entry.number for entry in entries) == list(range(1, 12))
                assert not [entry for entry in entries if entry.void_reason or entry.reserved_for]
