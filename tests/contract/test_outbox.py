"""Who gets which task when: leases, lanes, retries, expiry, breakers and clocks, on SQLite and PostgreSQL."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clockwork import Clock, clocked_journal, tick
from sqlalchemy import event, func, insert, select, text, update

from edoc.core.lifecycle import Event, State, Work
from edoc.errors import EdocError, InputError, Unavailable
from edoc.node import database, deadletters, outbox, peers, tasks
from edoc.node import tables as t
from edoc.node.heartbeat import Heart
from edoc.node.journal import Journal, clock_offset, verify_chain
from edoc.node.peers import Breaker, PeerAwayError
from edoc.node.tasks import Claim, ClockSkewedError, OvertakenError, Terms

TERMS = Terms(lease_seconds=60, max_starts=3)
AWAY = PeerAwayError("H99.02 cannot be reached: no answer.")
KINDS = ["sqlite", "postgresql"]


@pytest.fixture(params=KINDS)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    with clocked_journal(request, request.param, tmp_path) as journal:
        yield journal


def submit(books: Journal, name: str, **header: Any) -> str:
    dispatch = {"subject": name, **header}
    with books.transaction(actor="test") as tx:
        tx.begin(name, "outgoing", submission=name, organ_id="H99.01", dispatch=dispatch)
    return name


def require(books: Journal, document: str, *work: tuple[Work, str]) -> list[int]:
    with books.transaction(actor="test") as tx:
        tx.require(document, *work)
        return list(tx.rung)


def deliveries(books: Journal, count: int, recipient: str = "H99.02") -> list[int]:
    """So many documents, each with a delivery that is due."""
    found = []
    for index in range(count):
        name = submit(books, f"to {recipient}, {index}")
        found += require(books, name, (Work.DELIVER, recipient))
    with books.engine.begin() as connection:
        connection.execute(update(t.tasks).where(t.tasks.c.kind == "number").values(done_at="done"))
    return found


def take(books: Journal, task: int) -> Claim:
    taken = tasks.claim(books, task, lease_seconds=60, max_starts=3)
    assert taken is not None
    return taken


def next_one(books: Journal) -> Claim:
    taken = tasks.claim_next(books, TERMS)
    assert taken is not None
    return taken


def column(books: Journal, task: int, name: str) -> Any:
    with books.reading() as connection:
        return connection.execute(select(t.tasks.c[name]).where(t.tasks.c.id == task)).scalar_one()


def finish(books: Journal, claim: Claim) -> None:
    with tasks.finishing(books, claim):
        pass


def fill(books: Journal, count: int, **values: Any) -> None:
    """Put so many documents into the books, each with a task."""
    first = uuid.uuid4().hex[:8]
    names = [f"{first} {index}" for index in range(count)]
    document = {"direction": "outgoing", "state": "new", "organ_id": "H99.01", "dispatch": {}}
    times = {"created_at": "1", "changed_at": "1"}
    task = {"kind": "number", "argument": "", "lane": "steps", "created_at": "1", "due_at": "1"}
    with books.engine.begin() as connection:
        rows = [{"id": name, "submission": name, **document, **times} for name in names]
        connection.execute(insert(t.documents), rows)
        rows = [{"document": name, "expires_at": "9", **task, **values} for name in names]
        connection.execute(insert(t.tasks), rows)


@pytest.mark.parametrize("by", ["some", "next"])
def test_taking_work_costs_as_much_on_a_full_morning_as_on_a_quiet_night(
    request: pytest.FixtureRequest, tmp_path: Path, by: str
) -> None:
    with clocked_journal(request, "postgresql", tmp_path) as books:
        query = outbox.taking(by=by).compile(dialect=books.engine.dialect)
        values = query.construct_params({"now": "9", "until": "9", "lately": "0", "at_most": 8})

        def count_blocks() -> int:
            with books.engine.connect() as connection:
                plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", values)
                return int(plan.scalar_one()[0]["Plan"]["Shared Hit Blocks"])

        fill(books, 3_000, done_at="2")
        with books.engine.begin() as connection:
            connection.execute(text("ANALYZE"))  # as autovacuum does when nothing waits
        fill(books, 20)
        few = count_blocks()
        fill(books, 3_000)
        assert count_blocks() < few + 200


def test_only_one_of_many_workers_gets_a_task(books: Journal) -> None:
    submit(books, "first")
    (task,) = tasks.due(books)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: tasks.claim(books, task, lease_seconds=60, max_starts=9), range(16)))
    assert len([claim for claim in taken if claim is not None]) == 1


def test_many_workers_take_different_tasks_and_leave_none(books: Journal) -> None:
    for index in range(24):
        submit(books, f"document {index}")

    def work(_: int) -> list[int]:
        mine = []
        # on PostgreSQL a worker can look while all that is left is just being taken by the others
        for _ in range(40):
            claim = tasks.claim_next(books, TERMS)
            if claim is not None:
                mine.append(claim.task)
        return mine

    with ThreadPoolExecutor(4) as pool:
        taken = Counter(task for mine in pool.map(work, range(4)) for task in mine)
    assert len(taken) == 24
    assert set(taken.values()) == {1}


def test_the_longest_due_comes_first_and_kinds_can_be_chosen(books: Journal) -> None:
    submit(books, "first")
    tick(books, 1)
    submit(books, "second")
    require(books, "second", (Work.DELIVER, "H99.02"))
    only = Terms(kinds=frozenset({Work.DELIVER, Work.ANSWER}))
    chosen = tasks.claim_next(books, only)
    assert chosen is not None
    assert chosen.kind is Work.DELIVER
    assert [next_one(books).document for _ in range(2)] == ["first", "second"]
    assert tasks.claim_next(books, TERMS) is None


def test_a_lane_goes_in_order_one_at_a_time_and_does_not_hold_other_lanes(books: Journal) -> None:
    submit(books, "document")
    require(
        books,
        "document",
        (Work.ANSWER, "01"),
        (Work.ANSWER, "03"),
        (Work.DELIVER, "H99.02"),
        (Work.DELIVER, "H99.03"),
    )
    taken = [next_one(books) for _ in range(4)]
    assert [(claim.kind.value, claim.argument) for claim in taken] == [
        ("number", ""),
        ("answer", "01"),
        ("deliver", "H99.02"),
        ("deliver", "H99.03"),
    ]
    assert tasks.claim_next(books, TERMS) is None
    (blocked,) = (task for task in range(1, 6) if column(books, task, "argument") == "03")
    assert tasks.claim(books, blocked, lease_seconds=60, max_starts=3) is None
    finish(books, taken[1])
    assert [claim.argument for claim in taken[1].then] == ["03"]


def test_a_task_set_aside_holds_its_own_lane_alone_until_somebody_acts(books: Journal) -> None:
    submit(books, "document")
    first, second, other = require(
        books, "document", (Work.ANSWER, "01"), (Work.ANSWER, "03"), (Work.DELIVER, "H99.02")
    )
    tasks.set_aside(books, take(books, first), InputError("poisoned."))
    assert other in tasks.due(books)
    assert second not in tasks.due(books)
    deadletters.replay(books, [first], actor="operator")
    finish(books, take(books, first))
    assert column(books, second, "starts") == 1


def test_what_is_opened_again_waits_for_what_is_in_hand_in_its_lane(books: Journal) -> None:
    submit(books, "document")
    first, second = require(books, "document", (Work.ANSWER, "01"), (Work.ANSWER, "03"))
    finish(books, claim := take(books, first))
    (in_hand,) = claim.then
    with books.transaction(actor="test") as tx:
        tx.connection.execute(update(t.tasks).where(t.tasks.c.id == first).values(done_at=None))
    assert tasks.claim(books, first, lease_seconds=60, max_starts=3) is None
    tick(books, 61)  # its worker fell silent: it is taken up before what was opened again
    assert first not in tasks.due(books)
    again = take(books, second)
    assert again.fence == in_hand.fence + 1
    finish(books, again)
    assert [claim.task for claim in again.then] == [first]


def test_what_a_step_leads_to_stays_in_the_same_hands(books: Journal) -> None:
    rung: list[int] = []
    submit(books, "document")
    books.bell = rung.extend
    claim = next_one(books)
    with tasks.finishing(books, claim) as tx:
        tx.advance("document", Event.NUMBER)
    (then,) = claim.then
    assert (then.kind, then.starts, then.fence) == (Work.SEAL, 1, 1)
    assert rung == []
    assert tasks.due(books) == []
    tick(books, 61)
    assert tasks.due(books) == [then.task]


def test_a_worker_that_takes_other_kinds_leaves_it_to_others(books: Journal) -> None:
    rung: list[int] = []
    submit(books, "document")
    books.bell = rung.extend
    claim = tasks.claim_next(books, Terms(kinds=frozenset({Work.NUMBER})))
    assert claim is not None
    with tasks.finishing(books, claim) as tx:
        tx.advance("document", Event.NUMBER)
    assert claim.then == []
    assert rung == tasks.due(books)


def test_an_overtaken_worker_cannot_finish_postpone_or_set_aside(books: Journal) -> None:
    submit(books, "document")
    slow = next_one(books)
    tick(books, 61)
    fast = next_one(books)
    with pytest.raises(OvertakenError), tasks.finishing(books, slow) as tx:
        tx.advance("document", Event.NUMBER)
    with pytest.raises(OvertakenError):
        tasks.postpone(books, slow, Unavailable("away."), first_pause=5)
    with pytest.raises(OvertakenError):
        tasks.set_aside(books, slow, InputError("broken."))
    with pytest.raises(OvertakenError):
        tasks.renew(books, slow)
    finish(books, fast)


def test_a_step_that_takes_long_keeps_its_lease_while_its_heart_beats(books: Journal) -> None:
    submit(books, "document")
    claim = tasks.claim_next(books, Terms(lease_seconds=0.3))
    assert claim is not None
    assert isinstance(books.clock, Clock)
    beats = threading.Semaphore(0)
    event.listen(books.engine, "commit", lambda _: beats.release())
    with closing(Heart(books, lease_seconds=0.3)) as heart, heart.beating(claim, longest=30):
        before = column(books, claim.task, "lease_until")
        tick(books, 0.2)
        # the event comes before the commit: with the third, one that began after the tick is there
        assert all(beats.acquire(timeout=10) for _ in range(3))
        assert column(books, claim.task, "lease_until") > before
    finish(books, claim)


def test_the_heart_does_not_beat_for_ever(books: Journal) -> None:
    submit(books, "document")
    claim = tasks.claim_next(books, Terms(lease_seconds=0.03))
    assert claim is not None
    submit(books, "another")
    other = tasks.claim_next(books, Terms(lease_seconds=0.03))
    assert other is not None
    before = column(books, claim.task, "lease_until")
    beats = threading.Semaphore(0)
    with (
        closing(Heart(books, lease_seconds=0.03)) as heart,
        heart.beating(claim, longest=0.0),
        heart.beating(other, longest=30),
    ):
        event.listen(books.engine, "commit", lambda _: beats.release())
        assert all(beats.acquire(timeout=10) for _ in range(3))
    assert column(books, claim.task, "lease_until") == before


def test_starts_without_an_end_quarantine_a_task_and_failures_that_pass_do_not(books: Journal) -> None:
    submit(books, "document")
    (task,) = tasks.due(books)
    for _ in range(12):
        assert tasks.postpone(books, take(books, task), Unavailable("away."), first_pause=1)
        tick(books, 3600)
    for _ in range(3):
        take(books, task)
        tick(books, 61)
    assert tasks.claim(books, task, lease_seconds=60, max_starts=3) is None
    (dead,) = deadletters.list_letters(books)
    assert (dead["code"], dead["tries"]) == ("CRASHED", 12)
    assert dead["error"] == "started 3 times without coming to an end"


def test_pauses_grow_to_an_hour_and_differ_from_task_to_task(books: Journal) -> None:
    submit(books, "document")
    (task,) = tasks.due(books)
    pauses = []
    for _ in range(14):
        claim = take(books, task)
        tasks.postpone(books, claim, Unavailable("away."), first_pause=5)
        due = datetime.fromisoformat(column(books, task, "due_at"))
        pauses.append((due - books.clock()).total_seconds())
        tick(books, pauses[-1])
    for tries, pause in enumerate(pauses):
        whole = min(5 * 2**tries, 3600)
        assert 0.75 * whole <= pause <= whole
    submit(books, "another")
    other = next_one(books)
    assert tasks.pause_after(other, first=5).total_seconds() != pauses[0]


@pytest.mark.parametrize(
    ("header", "days"),
    [
        ({}, 7),
        ({"due_date": None}, 7),
        ({"due_date": ""}, 7),
        # noon in Vietnam on 5 March to midnight after 20 March
        ({"due_date": "2026-03-20"}, 15.5),
        # at least a day, though it was due before
        ({"due_date": "2026-03-05"}, 1),
        ({"due_date": "2020-01-01"}, 1),
    ],
)
def test_a_delivery_is_tried_until_its_document_is_due_or_for_seven_days(
    books: Journal, header: dict[str, Any], days: float
) -> None:
    submit(books, "document", **header)
    number, deliver = 1, require(books, "document", (Work.DELIVER, "H99.02"))[0]
    for task, expected in ((number, 7), (deliver, days)):
        expires = datetime.fromisoformat(column(books, task, "expires_at"))
        assert (expires - books.clock()) / timedelta(days=1) == expected


def test_what_expires_is_warned_of_once_then_set_aside_with_its_whole_history(books: Journal) -> None:
    submit(books, "document")
    (task,) = tasks.due(books)
    assert tasks.postpone(books, take(books, task), Unavailable("the TSA is away."), first_pause=5)
    assert tasks.warn(books) == []
    tick(books, 6.5 * 86_400)
    assert tasks.warn(books) == [task]
    assert tasks.warn(books) == []
    assert tasks.postpone(books, take(books, task), Unavailable("still away."), first_pause=5)
    tick(books, 86_400)
    assert not tasks.postpone(books, take(books, task), Unavailable("away for good."), first_pause=5)
    (dead,) = deadletters.list_letters(books, codes=["EXPIRED"])
    assert "away for good" in dead["error"]
    told = deadletters.show_letter(books, task)
    assert [(each["outcome"], each["code"]) for each in told["history"]] == [
        *[("failed", "UNAVAILABLE")] * 3,
        ("dead", "EXPIRED"),
    ]
    with books.reading() as connection:
        events = connection.execute(select(t.audit.c.event).order_by(t.audit.c.seq)).scalars().all()
    assert events == ["submit", "expires-soon", "set-aside"]


def test_work_that_lay_while_all_workers_were_away_does_not_expire(books: Journal) -> None:
    (task,) = deliveries(books, 1)
    tick(books, 30 * 86_400)
    assert tasks.expire(books) == []
    finish(books, take(books, task))


def test_a_peer_that_is_away_is_tried_by_one_task_not_by_five_hundred(books: Journal) -> None:
    count = 500
    (first,) = deliveries(books, 1)
    with books.transaction(actor="test") as tx:
        row = tx.connection.execute(select(t.tasks).where(t.tasks.c.id == first)).one()._asdict()
        del row["id"]
        for index in range(count - 1):
            name = f"copy {index}"
            tx.connection.execute(
                insert(t.documents).values(
                    id=name,
                    direction="outgoing",
                    state="packed",
                    submission=name,
                    organ_id="H99.01",
                    dispatch={},
                    created_at=tx.at,
                    changed_at=tx.at,
                )
            )
            tx.connection.execute(insert(t.tasks).values({**row, "document": name}))
    breaker = Breaker(failures=3, pause=timedelta(seconds=30))

    def attempt_all() -> int:
        attempts = 0
        while (claim := tasks.claim_next(books, TERMS)) is not None:
            attempts += 1
            assert attempts < 10
            tasks.postpone(books, claim, AWAY, first_pause=0.001, breaker=breaker)
        return attempts

    assert attempt_all() == 3
    (peer,) = peers.list_peers(books)
    assert (peer["state"], peer["waiting"], peer["failures"]) == ("open", count, 3)
    assert tasks.due(books) == []
    tick(books, 31)
    (peer,) = peers.list_peers(books)
    assert peer["state"] == "half-open"
    assert attempt_all() == 1
    tick(books, 31)  # the pause has doubled
    assert attempt_all() == 0
    tick(books, 30)
    assert attempt_all() == 1
    tick(books, 600)
    probe = next_one(books)
    assert tasks.claim_next(books, TERMS) is None, "one probes, the others wait for it"
    finish(books, probe)
    assert probe.news
    peers.note_success(books, "H99.02")
    (peer,) = peers.list_peers(books)
    assert (peer["state"], peer["failures"]) == ("closed", 0)
    assert len(tasks.due(books, limit=count)) == count - 1
    assert next_one(books).news is False


def test_a_probe_that_dies_is_followed_by_another(books: Journal) -> None:
    deliveries(books, 2)
    tasks.postpone(books, next_one(books), AWAY, first_pause=0.001, breaker=Breaker(failures=1))
    tick(books, 31)
    next_one(books)  # killed
    tick(books, 59)
    assert tasks.claim_next(books, TERMS) is None
    tick(books, 2)
    assert next_one(books).kind is Work.DELIVER


def test_peers_do_not_wait_for_each_other_and_what_comes_later_waits_too(books: Journal) -> None:
    (gone,) = deliveries(books, 1, "H99.02")
    (there,) = deliveries(books, 1, "H99.03")
    tasks.postpone(books, take(books, gone), AWAY, first_pause=0.001, breaker=Breaker(failures=1))
    (later,) = require(books, submit(books, "later"), (Work.DELIVER, "H99.02"))
    assert there in tasks.due(books)
    assert later not in tasks.due(books)
    before = column(books, later, "due_at")
    peers.park_all(books)
    assert column(books, later, "due_at") > before


def test_what_expires_while_its_peer_is_away_is_set_aside_without_another_attempt(books: Journal) -> None:
    gone, waiting = deliveries(books, 2)
    tasks.postpone(books, take(books, gone), AWAY, first_pause=0.001, breaker=Breaker(failures=1))
    tick(books, 7.5 * 86_400)
    assert sorted(tasks.expire(books)) == [gone, waiting]
    assert {row["code"] for row in deadletters.list_letters(books)} == {"EXPIRED"}


def test_through_a_hub_there_is_one_peer(books: Journal) -> None:
    books.hub = True
    (first,) = deliveries(books, 1, "H99.02")
    (second,) = deliveries(books, 1, "H99.03")
    tasks.postpone(books, take(books, first), AWAY, first_pause=0.001, breaker=Breaker(failures=1))
    assert second not in tasks.due(books)
    assert [peer["peer"] for peer in peers.list_peers(books)] == ["hub"]


def test_the_cost_of_taking_a_task_does_not_grow_with_what_is_done(books: Journal) -> None:
    submit(books, "document")
    with books.transaction(actor="test") as tx:
        row = tx.connection.execute(select(t.tasks)).one()._asdict()
        del row["id"]
        done = [{**row, "argument": str(index), "done_at": tx.at} for index in range(3000)]
        tx.connection.execute(insert(t.tasks), done)
    with books.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
        statement = outbox.taking(by="next")
        values = {"now": "2027", "until": "2027", "lately": "2026"}
        compiled = statement.compile(books.engine, compile_kwargs={"literal_binds": False})
        explain = "EXPLAIN " if books.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
        parameters = compiled.construct_params(values)
        if books.engine.dialect.name == "sqlite":
            plan = connection.exec_driver_sql(
                explain + str(compiled), tuple(parameters[name] for name in compiled.positiontup or ())
            )
        else:
            plan = connection.exec_driver_sql(explain + str(compiled), parameters)
        lines = "\n".join(" ".join(map(str, line)) for line in plan)
    assert "ix_tasks_due_at" in lines
    assert "Seq Scan on tasks" not in lines
    assert "SCAN candidate" not in lines.replace("SCAN candidate USING INDEX", "")


def test_the_audit_log_is_one_chain_however_many_write_at_once(books: Journal) -> None:
    def write(index: int) -> None:
        with books.transaction(actor="test") as tx:
            for number in range(5):
                tx.note(None, "note", writer=index, number=number, words='Ủy ban "nhân dân" \\ 1e400')

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(12)))
    with books.reading() as connection:
        assert verify_chain(connection) == []
        assert connection.execute(select(func.count()).select_from(t.audit)).scalar_one() == 60


@pytest.fixture
def skewed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    with clocked_journal(request, "postgresql", tmp_path) as journal:
        yield journal


@pytest.mark.parametrize("ahead", [120.0, -120.0, 86_400.0, -86_400.0])
def test_a_worker_whose_clock_is_off_takes_nothing_and_ends_nothing(skewed: Journal, ahead: float) -> None:
    submit(skewed, "document")
    claim = next_one(skewed)
    submit(skewed, "another")
    clock = skewed.clock
    assert isinstance(clock, Clock)
    clock.skew = timedelta(seconds=ahead)
    assert clock_offset(skewed) == clock.skew
    with pytest.raises(ClockSkewedError, match="off the database's"):
        tasks.claim_next(skewed, TERMS)
    with pytest.raises(ClockSkewedError), tasks.finishing(skewed, claim) as tx:
        tx.advance("document", Event.NUMBER)
    with skewed.reading() as connection:
        states = connection.execute(select(t.documents.c.state)).scalars().all()
        assert states == [State.SIGNED] * 2
    assert tasks.postpone(skewed, claim, ClockSkewedError("off."), first_pause=5)
    clock.skew = timedelta(seconds=59)
    tick(skewed, 10)
    assert next_one(skewed) is not None


def test_every_time_that_is_written_is_the_databases(skewed: Journal) -> None:
    clock = skewed.clock
    assert isinstance(clock, Clock)
    clock.skew = timedelta(days=-1)
    submit(skewed, "document")
    with skewed.reading() as connection:
        times = [
            connection.execute(select(column)).scalar_one()
            for column in (t.documents.c.created_at, t.tasks.c.due_at, t.audit.c.at)
        ]
    assert set(times) == {clock.now.astimezone(UTC).isoformat(timespec="microseconds")}


def test_a_connection_that_was_lost_in_the_pool_is_noticed_before_it_is_used(skewed: Journal) -> None:
    others = [skewed.engine.connect() for _ in range(3)]
    for connection in others:
        connection.execute(text("SELECT 1"))
        connection.close()
    with skewed.engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            ).execution_options()
        )
    submit(skewed, "document")
    assert len(tasks.due(skewed)) == 1


def test_an_error_that_nobody_foresaw_is_written_down_without_its_text(books: Journal) -> None:
    submit(books, "document")
    claim = next_one(books)
    tasks.postpone(books, claim, ValueError("the passphrase is hunter2"), first_pause=5)
    assert column(books, claim.task, "error") == "unexpected ValueError"
    assert column(books, claim.task, "code") == "DEFECT"


def test_a_task_set_aside_keeps_reason_and_code(books: Journal) -> None:
    submit(books, "document")
    tasks.set_aside(books, next_one(books), EdocError("the key is gone.", advice="Bring it back."))
    (dead,) = deadletters.list_letters(books)
    assert (dead["code"], dead["error"]) == ("ERROR", "the key is gone. Bring it back.")
    assert tasks.due(books) == []


@pytest.mark.parametrize("kind", KINDS)
def test_work_that_is_under_way_while_the_tables_are_widened_goes_on(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    url = "sqlite:///node.db" if kind == "sqlite" else request.getfixturevalue("postgres_database")
    engine = database.connect(url, tmp_path)
    database.migrate(engine, to="0005")
    then = "2026-03-05T05:00:00.000000+00:00"
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO documents (id, direction, state, submission, organ_id, dispatch, created_at,"
                " changed_at) VALUES ('d', 'incoming', 'received', 's', 'H99.02', '{}', :then, :then)"
            ),
            {"then": then},
        )
        for task, (work, argument, lease, dead) in enumerate(
            [
                ("answer", "01", then, None),
                ("answer", "03", None, None),
                ("deliver", "H99.03", None, None),
                ("verify", "", None, then),
            ],
            1,
        ):
            connection.execute(
                text(
                    "INSERT INTO tasks (id, document, kind, argument, created_at, due_at, starts, fence,"
                    " lease_until, dead_at) VALUES (:id, 'd', :kind, :argument, :then, :then, 7, 1, :lease,"
                    " :dead)"
                ),
                {"id": task, "kind": work, "argument": argument, "then": then, "lease": lease, "dead": dead},
            )
    database.migrate(engine)
    books = Journal(engine, lambda: datetime.now(UTC))
    with books.reading() as connection:
        rows = connection.execute(select(t.tasks).order_by(t.tasks.c.id)).all()
    assert [(row.lane, row.peer) for row in rows] == [
        ("answer", "H99.02"),
        ("answer", "H99.02"),
        ("deliver H99.03", "H99.03"),
        ("steps", None),
    ]
    assert [row.code for row in rows] == [None, None, None, "UNKNOWN"]
    assert tasks.due(books) == [1, 3]
    claim = take(books, 1)
    assert (claim.starts, claim.fence) == (1, 3)
    assert claim.expires_at - books.clock() > timedelta(days=6.9)
    finish(books, claim)
    assert [each.argument for each in claim.then] == ["03"]
    engine.dispose()
