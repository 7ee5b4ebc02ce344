"""Work that is due together: taken together, done each for itself, committed together or one by one."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from clockwork import clocked_journal
from pairing import Pair, open_pair
from sqlalchemy import func, select, update

from edoc.core.dispatch import Dispatch
from edoc.core.entryfields import RegisterNumber
from edoc.core.lifecycle import Event, State, Work
from edoc.devpki.hierarchy import DevPki
from edoc.errors import Refused, Unavailable
from edoc.node import clerk, collecting, entering, registers, sealing, steps, tasks
from edoc.node import tables as t
from edoc.node.journal import Journal, Transaction
from edoc.node.node import Node
from edoc.node.tasks import Claim, OvertakenError, Terms

TERMS = Terms(lease_seconds=60, max_starts=3)


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    with clocked_journal(request, request.param, tmp_path) as journal:
        for name in ("d1", "d2", "d3"):
            with journal.transaction(actor="test") as tx:
                tx.begin(name, "outgoing", submission=name, organ_id="H99.01", dispatch={"subject": name})
        yield journal


@pytest.fixture
def pair(tmp_path: Path, pki: DevPki, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setenv("EDOC_SEAL__LEVEL", "B-B")
    with open_pair(tmp_path, pki) as opened:
        yield opened


def names(claims: list[Claim]) -> list[str]:
    return [claim.document for claim in claims]


def states(books: Journal) -> list[str]:
    with books.reading() as connection:
        return list(connection.execute(select(t.documents.c.state).order_by(t.documents.c.id)).scalars())


def number_all(pair: Pair) -> list[str]:
    """Three documents that wait for their numbers."""
    return [pair.submit(subject=f"Văn bản {name}") for name in ("một", "hai", "ba")]


def test_what_was_started_without_an_end_is_not_taken_together_with_others(books: Journal) -> None:
    fallen = tasks.claim_next(books, Terms(lease_seconds=-1))
    assert fallen is not None
    assert names(tasks.claim_some(books, TERMS, at_most=8)) == ["d2", "d3"]
    assert tasks.claim_some(books, TERMS, at_most=8) == []
    alone = tasks.claim_next(books, TERMS)
    assert alone is not None
    assert (alone.document, alone.starts) == ("d1", 2)


def test_no_more_is_taken_than_was_asked_for(books: Journal) -> None:
    assert names(tasks.claim_some(books, TERMS, at_most=2)) == ["d1", "d2"]


def test_what_is_given_back_was_never_started_and_is_rung_for(books: Journal) -> None:
    rung: list[int] = []
    claims = tasks.claim_some(books, TERMS, at_most=2)
    books.bell = rung.extend
    tasks.give_back(books, claims)
    assert sorted(rung) == [claim.task for claim in claims]
    again = tasks.claim_some(books, TERMS, at_most=8)
    assert {claim.document: claim.starts for claim in again} == {"d1": 1, "d2": 1, "d3": 1}


def test_if_one_was_taken_over_nothing_of_the_batch_is_committed(books: Journal) -> None:
    claims = tasks.claim_some(books, TERMS, at_most=3)
    with books.engine.begin() as connection:
        other = update(t.tasks).where(t.tasks.c.id == claims[1].task).values(fence=t.tasks.c.fence + 1)
        connection.execute(other)
    with pytest.raises(OvertakenError), tasks.finishing(books, *claims) as tx:
        tx.advance("d1", Event.NUMBER)
    assert states(books) == ["signed"] * 3
    with books.reading() as connection:
        done = select(func.count()).where(t.tasks.c.done_at.is_not(None))
        assert connection.execute(done).scalar_one() == 0


def test_each_document_of_a_batch_goes_on_in_the_same_hands(books: Journal) -> None:
    claims = tasks.claim_some(books, TERMS, at_most=3)
    with tasks.finishing(books, *claims) as tx:
        for claim in claims:
            tx.advance(claim.document, Event.NUMBER)
    assert [[then.kind for then in claim.then] for claim in claims] == [[Work.SEAL]] * 3
    assert states(books) == ["numbered"] * 3


def test_who_asks_within_a_transaction_sees_what_was_held_back(books: Journal) -> None:
    query = select(t.documents.c.state).where(t.documents.c.id == "d1")
    with books.transaction(actor="test") as tx:
        tx.advance("d1", Event.NUMBER)
        assert tx.raw.execute(query).scalar_one() == "signed"
        assert tx.connection.execute(query).scalar_one() == "numbered"
        tx.advance("d1", Event.SEAL)
    assert states(books)[0] == "sealed"


def test_documents_that_are_due_together_get_their_numbers_in_one_commit(pair: Pair) -> None:
    documents = number_all(pair)
    began = len(list_times(pair))
    assert steps.run_next(pair.a, kinds={Work.NUMBER}, at_most=8) == 3
    assert sorted(number_of(pair, document) for document in documents) == [1, 2, 3]
    assert len(list_times(pair)) == began + 1


def list_times(pair: Pair) -> set[str]:
    """The times of all transactions that wrote audit entries."""
    with pair.a.journal.reading() as connection:
        return set(connection.execute(select(t.audit.c.at)).scalars())


def number_of(pair: Pair, document: str) -> int:
    with pair.a.journal.reading() as connection:
        entry = registers.number_of(connection, document)
    assert entry is not None
    return int(entry.number)


def test_one_that_cannot_be_committed_holds_up_no_other(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = number_all(pair)
    give = registers.give_number

    def refuse_one(tx: Transaction, *, series: str, document: str) -> RegisterNumber:
        given = give(tx, series=series, document=document)
        if document == second:
            raise Refused("this one cannot be numbered.")
        return given

    monkeypatch.setattr(registers, "give_number", refuse_one)
    assert steps.run_next(pair.a, kinds={Work.NUMBER}, at_most=8) == 2
    assert sorted(number_of(pair, document) for document in (first, third)) == [1, 2], "no gap"
    assert pair.state(second) == State.SIGNED
    assert [row.code for row in clerk.trouble(pair.a, second)] == ["REFUSED"]


def test_one_whose_work_fails_holds_up_no_other(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = number_all(pair)
    steps.run_next(pair.a, kinds={Work.NUMBER}, at_most=8)
    seal = sealing.seal

    def fail_one(node: Node, dispatch: Dispatch, signed: Path) -> Path:
        if dispatch.subject.endswith("hai"):
            raise OSError("the pen broke")
        return seal(node, dispatch, signed)

    monkeypatch.setattr(sealing, "seal", fail_one)
    assert steps.run_next(pair.a, kinds={Work.SEAL}, at_most=8) == 2
    assert [pair.state(each) for each in (first, second, third)] == ["sealed", "numbered", "sealed"]


def test_when_the_time_is_over_only_what_was_begun_is_done(pair: Pair) -> None:
    documents = number_all(pair)
    assert steps.run_next(pair.a, at_most=8, over=lambda: True) == 1
    assert sorted(pair.state(each) for each in documents) == ["numbered", "signed", "signed"]
    while steps.run_next(pair.a, at_most=8):
        pass
    assert {pair.state(each) for each in documents} == {"sent"}


def test_packages_are_entered_in_the_order_in_which_they_came(pair: Pair) -> None:
    documents = number_all(pair)
    while steps.run_next(pair.a, at_most=8):
        pass
    waiting = [parcel.message_id for parcel in pair.b.transport.waiting()]
    assert collecting.collect(pair.b) == len(documents)
    with pair.b.journal.reading() as connection:
        received = select(t.inbox.c.message_id).join(t.audit, t.audit.c.document == t.inbox.c.document)
        entered = connection.execute(received.where(t.audit.c.event == "receive").order_by(t.audit.c.seq))
        assert list(entered.scalars()) == waiting
        listed = select(t.inbox.c.message_id).join(t.documents, t.documents.c.id == t.inbox.c.document)
        assert list(connection.execute(listed.order_by(t.documents.c.created_at)).scalars()) == waiting
        assert len({row.created_at for row in pair.arrived()}) == len(waiting)


def test_a_package_that_cannot_be_read_holds_up_no_other(pair: Pair) -> None:
    number_all(pair)
    while steps.run_next(pair.a, at_most=8):
        pass
    box = pair.b.folder.parent / "mailbox" / "H99.02" / "new"
    damaged = sorted(box.iterdir())[1]
    damaged.write_bytes(b"no package")
    assert collecting.collect(pair.b) == 3
    assert len(pair.arrived()) == 2
    assert pair.b.transport.waiting() == ()


def test_on_a_full_disk_packages_wait_and_are_not_held_for_unreadable(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    pair.submit()
    while steps.run_next(pair.a):
        pass
    with monkeypatch.context() as full:
        full.setattr(entering, "fetch", fail)
        with pytest.raises(Unavailable, match="the disk is full"):
            collecting.collect(pair.b)
    assert len(pair.b.transport.waiting()) == 1
    assert collecting.collect(pair.b) == 1
    assert len(pair.arrived()) == 1
