"""What comes round is done once, by whichever worker is there, and again after trouble."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from clockwork import Clock

from edoc.demo.nodes import Backing, make_node
from edoc.demo.play import SAMPLES
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.profiles import AGENCIES
from edoc.errors import Unavailable
from edoc.node.duties import Duty, list_duties, perform_due
from edoc.node.node import Node

DAILY = timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def node(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    url, clock = "sqlite:///node.db", Clock()
    if request.param == "postgresql":
        clock = Clock.of(request.getfixturevalue("postgres_database"))
        url = clock.url
    folder = make_node(
        tmp_path / "a",
        agency=AGENCIES[0],
        pki=pki.folder,
        seal_image=SAMPLES / "seal-a.png",
        transport={"mailbox": {"path": str(tmp_path / "mailbox")}},
        tsa="http://127.0.0.1:9/tsa",
        backing=Backing(database_url=url),
    )
    with Node.open(folder, clock=clock) as opened:
        yield opened


def test_a_duty_is_done_when_it_is_due_and_not_before(node: Node) -> None:
    clock, done = node.journal.clock, list[datetime]()
    assert isinstance(clock, Clock)
    duty = Duty(name="count", every=DAILY, perform=lambda _: done.append(clock.now))
    perform_due(node, [duty])
    clock.now += DAILY - timedelta(seconds=1)
    perform_due(node, [duty])
    assert len(done) == 1
    clock.now += timedelta(seconds=1)
    assert perform_due(node, [duty]) == ["count"]
    assert len(done) == 2


def test_trouble_is_kept_and_the_duty_comes_round_sooner(node: Node) -> None:
    clock = node.journal.clock
    assert isinstance(clock, Clock)

    def fail(_: Node) -> None:
        raise Unavailable("the authority is away.")

    duty = Duty(name="fails", every=DAILY, perform=fail)
    perform_due(node, [duty])
    (told,) = list_duties(node)
    assert told["last_error"] == "the authority is away."
    clock.now += timedelta(minutes=11)
    perform_due(node, [replace(duty, perform=lambda _: None)])
    (told,) = list_duties(node)
    assert told["last_error"] is None
    assert told["last_done_at"] is not None


def test_of_many_workers_one_does_it(node: Node) -> None:
    done: list[int] = []
    duty = Duty(name="once", every=DAILY, perform=lambda _: done.append(1))
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda _: perform_due(node, [duty]), range(16)))
    assert done == [1]


def test_a_duty_whose_worker_died_is_taken_over(node: Node) -> None:
    clock = node.journal.clock
    assert isinstance(clock, Clock)

    def die(_: Node) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perform_due(node, [Duty(name="dies", every=DAILY, perform=die)])
    duty = Duty(name="dies", every=DAILY, perform=lambda _: None)
    assert perform_due(node, [duty]) == []
    clock.now += timedelta(minutes=31)
    assert perform_due(node, [duty]) == ["dies"]
