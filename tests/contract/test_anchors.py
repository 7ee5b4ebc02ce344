"""The audit log's head is time-stamped, and whoever rewrites the log is found out."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select, update

from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLES
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.errors import Unavailable
from edoc.node import tables as t
from edoc.node.anchors import anchor, list_anchors, verify_log
from edoc.node.journal import GENESIS, entry_hash
from edoc.node.node import Node


@pytest.fixture
def node(tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    """A node whose time-stamping authority runs."""
    with ExitStack() as stack:
        tsa = stack.enter_context(serving(pki)) + "/tsa"
        backings = (Backing(), Backing())
        folders = make_nodes(
            tmp_path, pki=pki.folder, seal_image=SAMPLES / "seal-a.png", tsa=tsa, backings=backings
        )
        yield stack.enter_context(Node.open(folders[0]))


def write(node: Node, event: str) -> None:
    with node.journal.transaction(actor="clerk") as tx:
        tx.note(None, event, detail="Văn bản đến")


def rewrite(node: Node) -> None:
    """Change the first entry and make the whole chain anew, as who owns the database can."""
    with node.journal.engine.begin() as connection:
        previous, seq = GENESIS, 0
        for row in connection.execute(select(t.audit).order_by(t.audit.c.seq)).all():
            entry = {**row._mapping, "previous": previous}
            if row.seq == 1:
                entry["actor"] = "somebody else"
            previous, seq = entry_hash(entry), row.seq
            connection.execute(
                update(t.audit).where(t.audit.c.seq == seq).values(**{**entry, "hash": previous})
            )
        connection.execute(update(t.audit_head).values(seq=seq, hash=previous))


def test_an_anchor_covers_what_was_written_before_it(node: Node) -> None:
    write(node, "one")
    made = anchor(node)
    assert made is not None
    assert (made.upto, made.entry) == (1, 2)
    assert list_anchors(node) == [made]
    assert verify_log(node) == []


def test_nothing_new_needs_no_anchor(node: Node) -> None:
    assert anchor(node) is None
    write(node, "one")
    anchor(node)
    assert anchor(node) is None
    write(node, "two")
    assert anchor(node) is not None
    assert verify_log(node) == []


def test_a_log_that_was_written_anew_does_not_agree_with_its_anchors(node: Node) -> None:
    write(node, "one")
    write(node, "two")
    anchor(node)
    rewrite(node)
    assert verify_log(node) == ["entry 2 is not what the anchor in entry 3 covers"]


def test_a_token_of_something_else_is_no_anchor(node: Node) -> None:
    for event in ("one", "two"):
        write(node, event)
        anchor(node)
    first, second = list_anchors(node)
    with node.journal.engine.begin() as connection:
        row = connection.execute(select(t.audit).where(t.audit.c.seq == second.entry)).one()
        forged = {**row._mapping, "details": {**row.details, "token": first.token}}
        values = {"details": forged["details"], "hash": entry_hash(forged)}
        connection.execute(update(t.audit).where(t.audit.c.seq == row.seq).values(**values))
        connection.execute(update(t.audit_head).values(hash=values["hash"]))
    (wrong,) = verify_log(node)
    assert wrong.startswith(f"the anchor in entry {second.entry} does not hold")


def test_without_an_authority_nothing_is_written(tmp_path: Path, pki: DevPki) -> None:
    folders = make_nodes(
        tmp_path,
        pki=pki.folder,
        seal_image=SAMPLES / "seal-a.png",
        tsa="http://127.0.0.1:9/tsa",
        backings=(Backing(), Backing()),
    )
    with Node.open(folders[0]) as node:
        write(node, "one")
        with pytest.raises(Unavailable):
            anchor(node)
        assert list_anchors(node) == []
