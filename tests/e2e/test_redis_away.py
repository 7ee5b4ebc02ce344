"""The journey on real Redis, PostgreSQL and S3, with Redis stopped for five seconds in its middle."""

import io
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import select

from edoc.core.lifecycle import State
from edoc.demo.journey import Journey
from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.demo.screen import Screen
from edoc.demo.services import PostgresServer, RedisServer, S3Server
from edoc.demo.workers import running
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.profiles import AGENCIES
from edoc.devpki.server import serving
from edoc.node import clerk, journal
from edoc.node import tables as t
from edoc.node.node import Node

AWAY_SECONDS = 5


@pytest.fixture
def journey(
    tmp_path: Path,
    pki: DevPki,
    redis_server: RedisServer,
    postgres_server: PostgresServer,
    s3_server: S3Server,
) -> Iterator[tuple[Journey, str]]:
    with ExitStack() as stack:
        tsa = stack.enter_context(serving(pki)) + "/tsa"
        backings = [
            Backing(
                database_url=postgres_server.ensure_database(f"away_{agency.key}"),
                redis_url=f"{redis_server.url}/{index}",
                s3={**s3_server.connection(), "bucket": s3_server.ensure_bucket(f"away-{agency.key}")},
            )
            for index, agency in enumerate(AGENCIES)
        ]
        nodes = make_nodes(
            tmp_path, pki=pki.folder, seal_image=SAMPLES / "seal-a.png", tsa=tsa, backings=backings
        )
        a, b = (stack.enter_context(Node.open(node)) for node in nodes)
        workers = stack.enter_context(running(*nodes))
        screen = Screen(Console(file=io.StringIO()), (AGENCIES[0].name, AGENCIES[1].name))
        yield Journey(a=a, b=b, screen=screen, check_servants=lambda: _unharmed(workers.revive())), tsa


def _unharmed(ended: list[Path]) -> None:
    assert ended == [], "no worker may end because Redis is away"


def test_stopping_redis_for_five_seconds_changes_nothing_but_time(
    journey: tuple[Journey, str], redis_server: RedisServer, pki: DevPki, tmp_path: Path
) -> None:
    played, tsa = journey
    signed = played.sign_draft(
        SAMPLE_PDF, tmp_path, pki=pki.folder, image=SAMPLES / "signature-a.png", tsa=tsa
    )
    redis_server.stop()
    began = time.monotonic()

    def bring_back() -> None:
        servants_alive()
        if not redis_server.is_running and time.monotonic() - began >= AWAY_SECONDS:
            redis_server.start()

    servants_alive = played.check_servants
    played.check_servants = bring_back
    sent = played.send(draft_for(SAMPLE_PDF), signed)
    arrived = played.complete(clerk.find(played.a, sent).document_id)
    played.wait("a", sent, State.ARCHIVED)
    assert time.monotonic() - began >= AWAY_SECONDS, "nothing can have moved without the bell"
    for node, document in ((played.a, sent), (played.b, arrived)):
        assert [row.id for row in clerk.documents(node)] == [document]
        with node.journal.reading() as connection:
            assert connection.execute(select(t.register_entries.c.number)).scalars().all() == [1]
            assert journal.verify_chain(connection) == []
