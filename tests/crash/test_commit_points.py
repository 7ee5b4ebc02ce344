"""`kill -9` at every commit point of a document's life on both sides, one after the other.

A child works for both nodes and is killed just before a commit, just after an effect outside the database,
or just after a commit: its first one (which takes a task) or its second (which ends it). The next child goes
on. So the journey passes every commit in all three ways. At the end each side did everything once.
"""

import os
import secrets
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import cycle, product
from pathlib import Path
from typing import Any, Final

import pytest
from killing import in_a_child
from sqlalchemy import Engine, select, update

from edoc.core.lifecycle import Event, State
from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.keys.loading import load_key
from edoc.node import archive, clerk, collecting, deadletters, journal, steps, tasks
from edoc.node import tables as t
from edoc.node.node import Node
from edoc.signing import prepare, sign

KILLED: Final = -signal.SIGKILL
ALLOWED_TWICE: Final = {"received-again", "answer-01"}
"""A package that was not acknowledged before the kill comes again, and is answered again."""


@dataclass(frozen=True)
class Pair:
    """The folders of two nodes; nothing of them is open in this process while a child works."""

    a: Path
    b: Path

    def open(self, stack: ExitStack) -> tuple[Node, Node]:
        return stack.enter_context(Node.open(self.a)), stack.enter_context(Node.open(self.b))


@pytest.fixture(params=["sqlite", "postgresql"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Pair]:
    backings = Backing(), Backing()
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        urls = [server.ensure_database(f"points_{secrets.token_hex(6)}") for _ in range(2)]
        backings = Backing(database_url=urls[0]), Backing(database_url=urls[1])
    with serving(pki) as base:
        a, b = make_nodes(
            tmp_path,
            pki=pki.folder,
            seal_image=SAMPLES / "seal-a.png",
            tsa=f"{base}/tsa",
            backings=backings,
        )
        yield Pair(a=a, b=b)


def submit(pair: Pair, pki: DevPki, desk: Path) -> str:
    with Node.open(pair.a) as a:
        prepare(SAMPLE_PDF, desk / "prepared.pdf")
        person = load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)
        sign(
            desk / "prepared.pdf", desk / "signed.pdf", key=person, role="person", trust=a.trust, offline=True
        )
        return clerk.submit(a, draft_for(SAMPLE_PDF), [desk / "signed.pdf"], actor="clerk")


@dataclass
class Death:
    """Comes to a process that works for some nodes, in one of the `WAYS`, at its first or second commit."""

    way: str
    commits: int
    """That it survives before."""

    def arm(self, node: Node) -> None:
        """Have it come at what is done for this node, too."""
        dialect = node.journal.engine.dialect
        dialect.do_commit = self._watch_commit(dialect.do_commit)  # type: ignore[method-assign,assignment]
        for port, name in ((node.transport, "send"), (node.transport, "acknowledge"), (node.objects, "put")):
            setattr(port, name, self._watch_effect(getattr(port, name)))

    def _watch_commit(self, commit: Callable[[Any], None]) -> Callable[[Any], None]:
        def watched(connection: Any) -> None:
            if not self.commits and self.way == "before":
                die()
            commit(connection)
            if not self.commits:
                die()
            self.commits -= 1

        return watched

    def _watch_effect(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*words: Any, **more: Any) -> Any:
            result = act(*words, **more)
            if not self.commits and self.way == "effect":
                die()
            return result

        return watched


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


WAYS: Final = ("before", "effect", "after")


def work(pair: Pair, death: Death | None) -> None:
    """Do whatever there is to do on both sides, armed to die."""
    with ExitStack() as stack:
        nodes = pair.open(stack)
        if death is not None:
            for node in nodes:
                death.arm(node)
        while any([*map(collecting.collect, nodes), *map(work_off, nodes)]):
            pass
        for document in clerk.documents(nodes[1], direction="incoming"):
            if document.state == State.REGISTERED:
                clerk.act(nodes[1], document.id, Event.COMPLETE, actor="clerk")
                while any([*map(collecting.collect, nodes), *map(work_off, nodes)]):
                    pass


def work_off(node: Node) -> int:
    # nothing is committed where nothing is due: that is how the last child survives
    return sum(steps.run(node, task) for task in tasks.due(node.journal))


def let_leases_run_out(engine: Engine) -> None:
    with engine.begin() as connection:
        lapsed = update(t.tasks).where(t.tasks.c.lease_until.is_not(None))
        connection.execute(lapsed.values(lease_until="2000-01-01T00:00:00.000000+00:00"))


def test_every_commit_point_survives_a_kill_before_after_and_in_between(
    pair: Pair, pki: DevPki, tmp_path: Path
) -> None:
    sent = submit(pair, pki, tmp_path)
    kills = Counter[tuple[int, str]]()
    for commits, way in cycle(product((0, 1), WAYS)):
        code = in_a_child(partial(work, pair, Death(way, commits)))
        with ExitStack() as stack:
            for node in pair.open(stack):
                let_leases_run_out(node.journal.engine)
        if code == 0:
            break
        assert code == KILLED
        kills[commits, way] += 1
        assert kills.total() < 200
    assert min(kills[each] for each in product((0, 1), WAYS)) >= 8
    assert in_a_child(lambda: work(pair, None)) == 0
    with ExitStack() as stack:
        a, b = pair.open(stack)
        check(a, "outgoing", {sent})
        check(b, "incoming", {document.id for document in clerk.documents(b)})


def check(node: Node, direction: str, documents: set[str]) -> None:
    """One document, one number, everything once, chain and archive whole."""
    (document,) = clerk.documents(node)
    assert {document.id} == documents
    assert (document.direction, document.state) == (direction, State.ARCHIVED)
    assert archive.audit(node, document.id) == []
    assert deadletters.list_letters(node.journal) == []
    with node.journal.reading() as connection:
        assert journal.verify_chain(connection) == []
        assert connection.execute(select(t.register_entries.c.number)).scalars().all() == [1]
        events = Counter(connection.execute(select(t.audit.c.event)).scalars())
        open_tasks = select(t.tasks.c.id).where(t.tasks.c.done_at.is_(None))
        assert connection.execute(open_tasks).all() == []
    assert {event for event, count in events.items() if count > 1} <= ALLOWED_TWICE


def test_lost_duplicate_and_disordered_bells_change_nothing(pair: Pair, pki: DevPki, tmp_path: Path) -> None:
    sent = submit(pair, pki, tmp_path)
    with ExitStack() as stack:
        a, b = pair.open(stack)
        heard: list[int] = []
        a.journal.bell = heard.extend
        for _ in range(6):
            collecting.collect(b)
            for task in tasks.due(b.journal):  # B hears nothing at all
                steps.run(b, task)
            collecting.collect(a)
            # every bell that A ever heard, twice, the last one first, and some for tasks that are none
            for task in [4711, *reversed(heard), *heard, *tasks.due(a.journal)]:
                steps.run(a, task)
        with a.journal.reading() as connection:
            events = Counter(connection.execute(select(t.audit.c.event)).scalars())
        assert clerk.find(a, sent).state == State.SENT
        assert set(events.values()) == {1}
