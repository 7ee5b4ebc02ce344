"""Work that was set aside: looked at, tried again, given up; and what that means for its document."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting import Run
from registering import KINDS, begin, registering_node
from sqlalchemy import insert, select, update

from edoc.core.lifecycle import Event, State, Work
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError
from edoc.node import deadletters, registers, tasks
from edoc.node import tables as t
from edoc.node.journal import verify_chain
from edoc.node.node import Node
from edoc.node.peers import Breaker, PeerAwayError

BROKEN = InputError("it cannot be used.")


@pytest.fixture(params=KINDS)
def node(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    with registering_node(request, tmp_path, pki, request.param) as node:
        yield node


@pytest.fixture
def small(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    """On SQLite alone, where the command line meets the same clock."""
    with registering_node(request, tmp_path, pki, "sqlite") as node:
        yield node


def take(node: Node, task: int) -> tasks.Claim:
    taken = tasks.claim(node.journal, task, lease_seconds=60, max_starts=9)
    assert taken is not None
    return taken


def bury(node: Node, task: int, error: Exception = BROKEN) -> int:
    tasks.set_aside(node.journal, take(node, task), error)
    return task


def task_of(node: Node, document: str, kind: Work, argument: str = "") -> int:
    """The document's task of that kind; made if there is none, with what comes before done."""
    with node.journal.transaction(actor="test") as tx:
        tx.connection.execute(
            update(t.tasks)
            .where((t.tasks.c.document == document) & (t.tasks.c.kind != kind.value))
            .values(done_at=tx.at)
        )
        tx.require(document, (kind, argument))
        made = (t.tasks.c.document == document) & (t.tasks.c.kind == kind.value)
        query = select(t.tasks.c.id).where(made & (t.tasks.c.argument == argument))
        return int(tx.connection.execute(query).scalar_one())


def lead(node: Node, document: str, *events: Event) -> None:
    with node.journal.transaction(actor="test") as tx:
        for event in events:
            if event is Event.NUMBER:
                registers.give_number(tx, series="VB-DI", document=document)
            tx.advance(document, event)


def state(node: Node, document: str) -> State:
    with node.journal.transaction(actor="test") as tx:
        return State(tx.document(document).state)


def events(node: Node, document: str) -> list[str]:
    with node.journal.reading() as connection:
        query = select(t.audit.c.event).where(t.audit.c.document == document).order_by(t.audit.c.seq)
        return list(connection.execute(query).scalars())


def open_kinds(node: Node, document: str) -> list[str]:
    with node.journal.reading() as connection:
        query = select(t.tasks.c.kind).where(
            (t.tasks.c.document == document) & t.tasks.c.done_at.is_(None) & t.tasks.c.dead_at.is_(None)
        )
        return list(connection.execute(query.order_by(t.tasks.c.id)).scalars())


@pytest.mark.parametrize(
    ("before", "kind", "after"),
    [
        ((), Work.NUMBER, State.REFUSED),
        ((Event.NUMBER,), Work.SEAL, State.VOIDED),
        ((Event.NUMBER, Event.SEAL), Work.PACK, State.VOIDED),
        (
            (Event.NUMBER, Event.SEAL, Event.PACK, Event.SEND, Event.CONCLUDE),
            Work.ARCHIVE,
            State.COMPLETED,
        ),
    ],
)
def test_giving_up_a_step_of_a_document_we_send_ends_it_and_voids_its_number(
    node: Node, before: tuple[Event, ...], kind: Work, after: State
) -> None:
    document = begin(node, "document", "outgoing")
    lead(node, document, *before)
    task = bury(node, task_of(node, document, kind))
    assert deadletters.discard(node, task, reason="sent on paper", actor="clerk") == after
    assert state(node, document) is after
    assert open_kinds(node, document) == []
    with node.journal.reading() as connection:
        reasons = connection.execute(select(t.register_entries.c.void_reason)).scalars().all()
    assert set(reasons) <= {"sent on paper" if after is State.VOIDED else None}


@pytest.mark.parametrize(("before", "kind"), [((), Work.VERIFY), ((Event.VERIFY,), Work.REGISTER)])
def test_giving_up_a_document_that_arrived_refuses_it_and_tells_its_sender(
    node: Node, before: tuple[Event, ...], kind: Work
) -> None:
    document = begin(node, "document", "incoming")
    lead(node, document, *before)
    task = bury(node, task_of(node, document, kind))
    assert deadletters.discard(node, task, reason="poisoned", actor="clerk") is State.REFUSED
    assert open_kinds(node, document) == ["answer"]
    with node.journal.reading() as connection:
        entry = connection.execute(select(t.audit).where(t.audit.c.event == "refuse")).one()
    assert entry.details == {"reasons": ["poisoned"]}


def test_giving_up_one_delivery_withholds_it_and_lets_the_others_conclude(node: Node) -> None:
    document = begin(node, "document", "outgoing")
    lead(node, document, Event.NUMBER, Event.SEAL, Event.PACK)
    with node.journal.transaction(actor="test") as tx:
        for recipient, where in (("H99.02", State.PENDING), ("H99.03", State.COMPLETED)):
            tx.connection.execute(
                insert(t.deliveries).values(
                    document=document,
                    recipient=recipient,
                    message_id=recipient,
                    state=where.value,
                    changed_at=tx.at,
                )
            )
    task = bury(node, task_of(node, document, Work.DELIVER, "H99.02"))
    assert deadletters.discard(node, task, reason="the agency is gone", actor="clerk") is State.COMPLETED
    assert events(node, document)[-4:] == ["discard", "withhold", "send", "conclude"]


def test_giving_up_an_answer_lets_the_next_one_go_and_the_document_be_archived(node: Node) -> None:
    document = begin(node, "document", "incoming")
    first = task_of(node, document, Work.ANSWER, "01")
    with node.journal.transaction(actor="test") as tx:
        tx.require(document, (Work.ANSWER, "03"))
        (second,) = tx.rung
    bury(node, first)
    assert second not in tasks.due(node.journal)
    rung: list[int] = []
    node.journal.bell = rung.extend
    deadletters.discard(node, first, reason="told by telephone", actor="clerk")
    assert rung == [second]
    with tasks.finishing(node.journal, take(node, second)):
        pass
    lead(node, document, Event.VERIFY, Event.REGISTER, Event.COMPLETE)
    last = bury(node, task_of(node, document, Work.ANSWER, "06"))
    deadletters.discard(node, last, reason="told by telephone", actor="clerk")
    assert open_kinds(node, document) == ["archive"]


def test_what_was_given_up_stays_visible_and_cannot_be_tried_again(node: Node) -> None:
    task = bury(node, task_of(node, begin(node, "document", "outgoing"), Work.NUMBER))
    with pytest.raises(InputError, match="reason"):
        deadletters.discard(node, task, reason="  ", actor="clerk")
    deadletters.discard(node, task, reason="sent on paper", actor="clerk")
    assert deadletters.list_letters(node.journal) == []
    (shown,) = deadletters.list_letters(node.journal, discarded=True)
    assert shown["error"] == str(BROKEN)
    history = deadletters.show_letter(node.journal, task)["history"]
    assert [(each["outcome"], each["words"]) for each in history] == [
        ("dead", str(BROKEN)),
        ("discarded", "sent on paper"),
    ]
    for again in (
        lambda: deadletters.replay(node.journal, [task], actor="clerk"),
        lambda: deadletters.discard(node, task, reason="again", actor="clerk"),
    ):
        with pytest.raises(InputError, match="no such step"):
            again()
    with node.journal.reading() as connection:
        assert verify_chain(connection) == []


def test_replaying_picks_by_task_by_code_and_by_number_and_can_only_be_tried_out(node: Node) -> None:
    found = [
        bury(node, task_of(node, begin(node, f"document {index}", "outgoing"), Work.NUMBER), error)
        for index, error in enumerate([BROKEN, ValueError("what?"), BROKEN, BROKEN])
    ]
    journal = node.journal
    assert deadletters.replay(journal, codes=["INPUT"], limit=2, dry_run=True, actor="x") == [
        found[0],
        found[2],
    ]
    assert len(deadletters.list_letters(journal)) == 4
    with pytest.raises(InputError, match="no such step"):
        deadletters.replay(journal, [found[0], 4711], actor="x")
    assert len(deadletters.list_letters(journal)) == 4
    assert deadletters.replay(journal, [found[3], found[0]], actor="x") == [found[0], found[3]]
    assert deadletters.replay(journal, codes=["DEFECT"], actor="x") == [found[1]]
    assert [row["task"] for row in deadletters.list_letters(journal)] == [found[2]]
    assert sorted(tasks.due(journal)) == [found[0], found[1], found[3]]
    assert take(node, found[0]).starts == 1


def test_the_commands_list_show_replay_and_discard(small: Node, run: Run) -> None:
    first = bury(small, task_of(small, begin(small, "one", "outgoing"), Work.NUMBER))
    second = bury(small, task_of(small, begin(small, "two", "outgoing"), Work.NUMBER))
    here = ("--node", small.folder)

    def ask(*words: object) -> Any:
        done = run("dead-letters", *map(str, words), *here, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert [row["task"] for row in ask("list")] == [first, second]
    assert ask("list", "--code", "EXPIRED") == []
    told = ask("show", first)
    assert (told["acts"], told["code"]) == ("clerk", "INPUT")
    assert told["meaning_vi"] == "Tệp hoặc giá trị không dùng được."
    assert ask("replay", "--all", "--limit", 1, "--dry-run") == {"replayed": [first], "dry_run": True}
    assert ask("replay", first)["replayed"] == [first]
    assert ask("discard", second, "--reason", "gửi bản giấy") == {"discarded": second, "state": "refused"}
    assert [row["task"] for row in ask("list", "--discarded")] == [second]
    told_plainly = run("dead-letters", "show", str(second), *here)
    assert "gửi bản giấy" in told_plainly.stdout
    for words, code in (
        (("replay",), 2),
        (("replay", "4711"), 1),
        (("discard", str(second)), 2),
        (("show", "4711"), 1),
    ):
        assert run("dead-letters", *words, *here).returncode == code, words


def test_the_peers_are_listed_with_their_state(small: Node, run: Run) -> None:
    assert "Nothing was sent yet" in run("peers", "--node", small.folder).stderr
    document = begin(small, "document", "outgoing")
    claim = take(small, task_of(small, document, Work.DELIVER, "H99.02"))
    away = PeerAwayError("H99.02 cannot be reached: \x1b[2Jno answer.")
    tasks.postpone(small.journal, claim, away, first_pause=5, breaker=Breaker(failures=1))
    (peer,) = json.loads(run("peers", "--node", small.folder, "--json").stdout)
    assert (peer["peer"], peer["failures"], peer["waiting"]) == ("H99.02", 1, 1)
    # opened at the test's own time, which by this machine's clock is over
    assert peer["state"] == "half-open"
    plain = run("peers", "--node", small.folder).stdout
    assert "H99.02  half-open" in plain
    assert "\x1b" not in plain
