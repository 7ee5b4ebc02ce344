"""Ready means that a worker gets on: what turns `/readyz` to 503, and what does not."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from clockwork import Clock
from sqlalchemy import text, update

from edoc.core.lifecycle import Work
from edoc.demo.nodes import Backing, by_mailbox, make_node
from edoc.demo.play import SAMPLES
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.profiles import AGENCIES
from edoc.node import tables as t
from edoc.node.figures import take
from edoc.node.node import Node
from worker import sweeper as sweeping
from worker.child import Ran
from worker.health import watching
from worker.metrics import Meters
from worker.pool import Pool
from worker.progress import Progress
from worker.sweeper import Sweeper


@contextmanager
def open_node(folder: Path, pki: DevPki, url: str, clock: Clock) -> Iterator[Node]:
    made = make_node(
        folder / "a",
        agency=AGENCIES[0],
        pki=pki.folder,
        seal_image=SAMPLES / "seal-a.png",
        transport=by_mailbox(folder / "mailbox")(AGENCIES[0]),
        tsa="http://127.0.0.1:9/",
        backing=Backing(database_url=url),
    )
    with Node.open(made, clock=clock) as node:
        yield node


@pytest.fixture
def node(tmp_path: Path, pki: DevPki, postgres_database: str) -> Iterator[Node]:
    """A node whose database, and whose machine, show what the test says."""
    clock = Clock.of(postgres_database)
    with open_node(tmp_path, pki, clock.url, clock) as opened:
        yield opened


@contextmanager
def sweep(node: Node) -> Iterator[str]:
    """A sweeper that runs, and the address where it is asked whether it is ready."""
    meters = Meters(node)
    with Pool(node.folder, size=1, seconds=60) as pool:
        sweeper = Sweeper(node=node, pool=pool, meters=meters, ring=lambda _: None)
        thread = threading.Thread(target=sweeper.run)
        with watching("127.0.0.1", 0, registry=meters.registry, ready=sweeper.doubts) as port:
            thread.start()
            try:
                yield f"http://127.0.0.1:{port}/readyz"
            finally:
                sweeper.stopping.set()
                thread.join()


def reasons_at(url: str, status: int) -> list[str]:
    """What speaks against readiness, once it is answered with this status."""
    deadline = time.monotonic() + 20
    while (answer := httpx.get(url)).status_code != status:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.02)
    return list(answer.json()["reasons"])


def set_skew(node: Node, seconds: float) -> None:
    assert isinstance(node.journal.clock, Clock)
    node.journal.clock.skew = timedelta(seconds=seconds)


def add_task(node: Node, *, waits: timedelta) -> None:
    """A document whose number is due for that long already."""
    with node.journal.transaction(actor="clerk") as tx:
        tx.begin("0" * 32, "outgoing", submission="x", organ_id="H99.01", dispatch={}, series="VB-DI")
    with node.journal.engine.begin() as connection:
        due = (node.journal.clock() - waits).isoformat(timespec="microseconds")
        connection.execute(update(t.tasks).values(due_at=due))


def test_a_wrong_clock_turns_it_off_and_the_right_one_on_again(node: Node) -> None:
    with sweep(node) as url:
        assert reasons_at(url, 200) == []
        set_skew(node, 90)
        (why,) = reasons_at(url, 503)
        assert why == "this machine's clock is +90 seconds off the database's"
        set_skew(node, -30)
        assert reasons_at(url, 200) == []


def test_a_sweeper_that_stalls_turns_it_off(
    tmp_path: Path, pki: DevPki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "_SILENT_SECONDS", 0.5)
    monkeypatch.setattr(sweeping, "_TEND_SECONDS", 0.0)
    with open_node(tmp_path, pki, "sqlite:///node.db", Clock()) as node, sweep(node) as url:
        reasons_at(url, 200)
        with node.journal.engine.begin() as connection:  # nobody else can write meanwhile
            connection.execute(text("UPDATE audit_head SET seq = seq"))
            (why,) = reasons_at(url, 503)
        assert "were last looked at" in why
        reasons_at(url, 200)


def test_a_database_that_is_away_turns_it_off(tmp_path: Path, pki: DevPki) -> None:
    with open_node(tmp_path, pki, "sqlite:///node.db", Clock()) as node, sweep(node) as url:
        reasons_at(url, 200)
        node.journal.engine.dispose()
        database = node.folder / "node.db"
        database.rename(node.folder / "elsewhere.db")
        database.mkdir()
        assert "the database cannot be used now" in reasons_at(url, 503)[0]
        database.rmdir()
        (node.folder / "elsewhere.db").rename(database)
        reasons_at(url, 200)


def test_work_that_waits_while_nothing_is_done_speaks_against_it(node: Node) -> None:
    meters = Meters(node)
    progress = Progress(node=node, meters=meters, patience=0.1)
    time.sleep(0.15)
    assert progress.doubts() == [], "nothing waits"
    add_task(node, waits=timedelta(seconds=90))
    (why,) = progress.doubts()
    assert why.startswith("1 tasks are due, one for 90 seconds")
    meters.count(Ran(done=0, seconds=1.0, trouble="a process died", replaced=True))
    assert progress.doubts() != []
    meters.count(Ran(done=1, seconds=1.0))
    assert progress.doubts() == []


def test_work_that_others_do_says_nothing_about_this_worker(node: Node) -> None:
    add_task(node, waits=timedelta(seconds=90))
    only_delivers = frozenset({Work.DELIVER})
    progress = Progress(node=node, meters=Meters(node), kinds=only_delivers, patience=0.0)
    assert progress.doubts() == []


def test_figures_go_by_the_databases_clock(node: Node) -> None:
    add_task(node, waits=timedelta(seconds=10))
    set_skew(node, 3600)
    figures = take(node)
    assert figures.outbox_lag_seconds == figures.oldest_open_seconds + 10 == 10
    assert figures.clock_offset_seconds == pytest.approx(3600)
    assert (figures.due_tasks, dict(figures.open_tasks)) == (1, {"number": 1})
    at_noon = figures.certificate_days_left
    set_skew(node, 0)
    assert take(node).certificate_days_left == at_noon
    assert set(at_noon) == {"seal", "issuer"}
