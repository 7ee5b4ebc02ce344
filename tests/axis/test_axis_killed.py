"""A node is killed at each point of its talk with the hub: nothing is lost, nothing is there twice."""

import io
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cutting import cutting
from hubpeers import Member, document, send, status
from killing import in_a_child
from sqlalchemy import select

from edoc.axis.wire import MessageType
from edoc.node import database
from edoc.node import tables as t
from edoc.node.axisbox import AxisBox
from edoc.node.durable import write_file
from edoc.node.journal import Journal
from edoc.node.node import system_clock

SHARES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
"""Where the node dies, as shares of what passes on its line."""
Talk = Callable[[AxisBox], object]


@contextmanager
def opening(member: Member, folder: Path, url: str = "") -> Iterator[AxisBox]:
    """A node's access to the hub after its start, beside its own database."""
    engine = database.connect("sqlite:///node.db", folder)
    try:
        with AxisBox(
            member.client(url=url), organ_id=member.code, journal=Journal(engine, system_clock)
        ) as box:
            yield box
    finally:
        engine.dispose()


def make_node(folder: Path) -> Path:
    """A node that has not been started yet."""
    folder.mkdir()
    engine = database.connect("sqlite:///node.db", folder)
    database.migrate(engine)
    engine.dispose()
    return folder


def measure(member: Member, folder: Path, talk: Talk) -> dict[str, int]:
    """How many bytes a talk takes, up and down."""
    with cutting(member.url) as line, opening(member, folder, line.url) as box:
        talk(box)
        assert line.connections == 1
        return dict(line.passed)


def die_at(member: Member, folder: Path, talk: Talk, **point: int) -> None:
    """Let a node talk in a process that is killed once so many bytes have passed."""

    def live() -> None:
        with cutting(member.url, holds=True, **point) as line:

            def die() -> None:
                line.reached.wait()
                os.kill(os.getpid(), signal.SIGKILL)

            threading.Thread(target=die, daemon=True).start()
            with opening(member, folder, line.url) as box:
                talk(box)

    assert in_a_child(live) in {-signal.SIGKILL, 0}  # 0: it had ended a moment before


def sending(package: bytes, receiver: Member, message_id: str) -> Talk:
    return lambda box: box.send(to=receiver.code, message_id=message_id, source=io.BytesIO(package))


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_sender_that_dies_anywhere_has_sent_once(a: Member, b: Member, tmp_path: Path, way: str) -> None:
    sample = document(a, b)
    folder = make_node(tmp_path / "node")
    total = measure(a, folder, sending(sample, b, "sample"))[way]
    expected = {sample}
    for share in SHARES:
        package = document(a, b)
        expected.add(package)
        talk = sending(package, b, f"m{share}")
        die_at(a, folder, talk, **{way: int(total * share)})
        with opening(a, folder) as box:
            talk(box)
            with box._journal.reading() as connection:
                row = connection.execute(
                    select(t.axis_shipments).where(t.axis_shipments.c.message_id == f"m{share}")
                ).one()
        assert b.fetched(row.doc_id) == package
    arrived = [b.fetched(row.doc_id) for row in b.received()]
    assert len(arrived) == len(expected)
    assert set(arrived) == expected


def receiving(folder: Path) -> Talk:
    """Poll once: make durable what came, then say so."""

    def receive(box: AxisBox) -> None:
        for parcel in box.waiting():
            with box.open(parcel) as source:
                write_file(folder / f"{parcel.message_id}.edxml", source.read())
            box.acknowledge(parcel)

    return receive


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_receiver_that_dies_anywhere_has_everything_once(
    a: Member, b: Member, tmp_path: Path, way: str
) -> None:
    def fill() -> dict[str, bytes]:
        packages = (document(a, b), document(a, b), status(a, b))
        return {send(a, package, b): package for package in packages}

    node = make_node(tmp_path / "node")
    fill()
    total = measure(b, node, receiving(tmp_path))[way]
    for share in SHARES:
        folder, expected = tmp_path / f"came-{share}", fill()
        folder.mkdir()
        talk = receiving(folder)
        die_at(b, node, talk, **{way: int(total * share)})
        waiting = {row.doc_id: row.status for kind in MessageType for row in b.received(kind)}
        for doc_id, package in expected.items():
            if waiting.get(doc_id) != "initial":  # the hub was told of it, so it must be here
                assert (folder / f"{doc_id}.edxml").read_bytes() == package
        with opening(b, node) as box:
            talk(box)
            assert box.waiting() == ()
        assert {path.stem: path.read_bytes() for path in folder.glob("*.edxml")} == expected
        assert [*b.received(), *b.received(MessageType.STATUS)] == []
    with a.client() as client:
        ends = {row.receive_status for kind in MessageType for row in client.list_sent(kind)}
    assert ends == {"done"}
