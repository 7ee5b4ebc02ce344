"""What the journal, the registers and the outbox promise, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from clockwork import Clock, clocked_journal, tick
from sqlalchemy import delete, select, update

from edoc.core.lifecycle import Event, State, Work
from edoc.errors import Refused, SettingsError, Unavailable
from edoc.node import database, journal, registers, tasks
from edoc.node import tables as t
from edoc.node.journal import Journal


@pytest.fixture(params=["sqlite", "postgresql"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    with clocked_journal(request, request.param, tmp_path) as journal:
        yield journal


@pytest.fixture
def document(books: Journal) -> str:
    return submit(books, "first")


def submit(books: Journal, name: str) -> str:
    with books.transaction(actor="test") as tx:
        tx.begin(name, "outgoing", submission=name, organ_id="H99.01", dispatch={"subject": name})
    return name


def state(books: Journal, document: str) -> State:
    with books.reading() as connection:
        return State(
            connection.execute(select(t.documents.c.state).where(t.documents.c.id == document)).scalar_one()
        )


def claim(books: Journal, task: int, *, lease_seconds: float = 60, max_starts: int = 3) -> tasks.Claim | None:
    return tasks.claim(books, task, lease_seconds=lease_seconds, max_starts=max_starts)


def test_migrating_twice_changes_nothing_and_an_empty_database_is_refused(tmp_path: Path) -> None:
    engine = database.connect("sqlite:///node.db", tmp_path)
    with pytest.raises(SettingsError, match="edoc init"):
        database.require_present(engine)
    database.migrate(engine)
    database.migrate(engine)
    database.require_present(engine)
    engine.dispose()


def test_state_audit_and_work_commit_together_or_not_at_all(books: Journal, document: str) -> None:
    def be_cut_off() -> None:
        with books.transaction(actor="test") as tx:
            tx.advance(document, Event.NUMBER)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        be_cut_off()
    assert state(books, document) is State.SIGNED
    with books.transaction(actor="test") as tx:
        tx.advance(document, Event.NUMBER)
    with books.reading() as connection:
        work = connection.execute(select(t.tasks.c.kind).order_by(t.tasks.c.id)).scalars().all()
        events = connection.execute(select(t.audit.c.event).order_by(t.audit.c.seq)).scalars().all()
    assert work == ["number", "seal"]
    assert events == ["submit", "number"]


def test_the_bell_rings_after_the_commit_and_only_for_new_work(books: Journal) -> None:
    heard: list[int] = []

    def bell(due: list[int]) -> None:
        assert tasks.due(books), "the work must be there before anybody is told"
        heard.extend(due)

    books.bell = bell  # type: ignore[assignment]
    submit(books, "first")
    assert heard == tasks.due(books)
    with books.transaction(actor="test") as tx:
        tx.require("first", (Work.NUMBER, ""))
    assert len(heard) == 1


def test_numbers_have_no_gap_and_no_repeat_whoever_fails_between(books: Journal) -> None:
    names = [submit(books, f"document {index}") for index in range(24)]

    def number(name: str) -> None:
        index = int(name.split()[1])
        with books.transaction(actor=name) as tx:
            registers.give_number(tx, series="VB-DI", document=name)
            if index % 3 == 0:
                raise RuntimeError("killed before the commit")

    with ThreadPoolExecutor(6) as pool:
        failed = [future.exception() for future in [pool.submit(number, name) for name in names]]
    assert [type(error) for error in failed if error] == [RuntimeError] * 8
    with books.reading() as connection:
        given = connection.execute(select(t.register_entries.c.number)).scalars().all()
        assert sorted(given) == list(range(1, 17))
        assert connection.execute(select(t.books.c.last_number)).scalar_one() == 16


def test_numbers_begin_again_with_the_new_year_in_vietnam(books: Journal) -> None:
    for name, now in (
        ("last of 2026", datetime(2026, 12, 31, 16, 59, 59, tzinfo=UTC)),
        ("first of 2027", datetime(2026, 12, 31, 17, 0, 0, tzinfo=UTC)),
    ):
        submit(books, name)
        assert isinstance(books.clock, Clock)
        books.clock.now = now
        with books.transaction(actor="test") as tx:
            given = registers.give_number(tx, series="VB-DI", document=name)
        assert (given.year, given.number) == (now.year + (name == "first of 2027"), 1)


def test_a_voided_number_stays_with_its_reason(books: Journal, document: str) -> None:
    with books.transaction(actor="test") as tx:
        registers.give_number(tx, series="VB-DI", document=document)
        registers.void_number(tx, document=document, reason="the seal failed")
    submit(books, "second")
    with books.transaction(actor="test") as tx:
        assert registers.give_number(tx, series="VB-DI", document="second").number == 2
    with books.reading() as connection:
        rows = [
            (row.number, row.void_reason) for row in registers.entries(connection, series="VB-DI", year=2026)
        ]
    assert rows == [(1, "the seal failed"), (2, None)]


def test_only_one_worker_gets_a_task_and_a_fallen_one_is_overtaken_but_cannot_commit(
    books: Journal, document: str
) -> None:
    (task,) = tasks.due(books)
    first = claim(books, task)
    assert first is not None
    assert claim(books, task) is None
    assert tasks.due(books) == []
    tick(books, 61)
    second = claim(books, task)
    assert second is not None
    assert second.fence == first.fence + 1
    with pytest.raises(Refused, match="took this step over"), tasks.finishing(books, first) as tx:
        tx.advance(document, Event.NUMBER)
    assert state(books, document) is State.SIGNED
    with tasks.finishing(books, second) as tx:
        tx.advance(document, Event.NUMBER)
    assert state(books, document) is State.NUMBERED
    assert claim(books, task) is None


@pytest.mark.parametrize(
    ("harm", "finding"),
    [
        (update(t.audit).where(t.audit.c.seq == 2).values(actor="somebody else"), "entry 2 was changed"),
        (delete(t.audit).where(t.audit.c.seq == 2), "entry 2 is missing"),
        (delete(t.audit).where(t.audit.c.seq == 3), "its head says 3"),
        (update(t.audit).where(t.audit.c.seq == 3).values(previous="0" * 64), "does not follow"),
    ],
    ids=["changed", "removed", "cut off", "moved"],
)
def test_the_audit_chain_shows_what_was_done_to_it(
    books: Journal, document: str, harm: object, finding: str
) -> None:
    for event in (Event.NUMBER, Event.SEAL):
        with books.transaction(actor="test") as tx:
            tx.advance(document, event, note="Ủy ban nhân dân")
    with books.reading() as connection:
        assert journal.verify_chain(connection) == []
    with books.engine.begin() as connection:
        connection.execute(harm)  # type: ignore[call-overload]
    with books.reading() as connection:
        assert any(finding in line for line in journal.verify_chain(connection))


def test_an_event_that_the_life_does_not_permit_leaves_no_trace(books: Journal, document: str) -> None:
    with pytest.raises(Refused), books.transaction(actor="test") as tx:
        tx.advance(document, Event.ARCHIVE)
    with books.reading() as connection:
        assert connection.execute(select(t.audit.c.event)).scalars().all() == ["submit"]


def test_a_database_that_cannot_be_reached_is_unavailable_and_retryable(tmp_path: Path) -> None:
    engine = database.connect("postgresql://nobody:secret@127.0.0.1:1/none", tmp_path)
    with pytest.raises(Unavailable) as caught:
        database.require_present(engine)
    assert caught.value.retryable
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_a_url_of_no_database_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError):
        database.connect(url, tmp_path)
