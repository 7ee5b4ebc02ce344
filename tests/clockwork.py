"""A clock that a test sets, for this machine and, where it has one, for the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import psycopg
import pytest

from edoc.node import database
from edoc.node.journal import Journal

NOON = datetime(2026, 3, 5, 5, 0, tzinfo=UTC)
_MAKE = """
CREATE SCHEMA IF NOT EXISTS clockwork;
CREATE TABLE clockwork.shown (at timestamptz NOT NULL);
INSERT INTO clockwork.shown VALUES (pg_catalog.clock_timestamp());
CREATE FUNCTION clockwork.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS 'SELECT at FROM clockwork.shown';
"""


class Clock:
    """Shows what it is told; called, it is this machine's clock."""

    def __init__(self, now: datetime = NOON, *, database: str = "") -> None:
        """`database` is the URL of a PostgreSQL database that goes by this clock when opened by `url`."""
        self._database = database
        self.skew = timedelta(0)
        """How far this machine's clock is ahead of the database's."""
        if database:
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute(_MAKE)
        self.now = now

    @classmethod
    def of(cls, url: str) -> Self:
        """A clock for a database: any that is no PostgreSQL has none of its own."""
        return cls(database=url if url.startswith("postgresql") else "")

    @property
    def url(self) -> str:
        """Under which the database goes by this clock: what is unqualified is looked up here first."""
        return f"{self._database}?options=-csearch_path%3Dpublic,clockwork,pg_catalog"

    @property
    def now(self) -> datetime:
        """What the database shows."""
        return self._now

    @now.setter
    def now(self, at: datetime) -> None:
        self._now = at
        if self._database:
            with psycopg.connect(self._database, autocommit=True) as connection:
                connection.execute("UPDATE clockwork.shown SET at = %s", [at])

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def __call__(self) -> datetime:
        return self._now + self.skew


@contextmanager
def clocked_journal(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[Journal]:
    """The journal of an empty node, on `sqlite` or `postgresql`, that goes by a clock of its own."""
    url, clock = "sqlite:///node.db", Clock()
    if kind == "postgresql":
        clock = Clock.of(request.getfixturevalue("postgres_database"))
        url = clock.url
    engine = database.connect(url, folder)
    try:
        database.migrate(engine)
        yield Journal(engine, clock)
    finally:
        engine.dispose()


def tick(journal: Journal, seconds: float) -> None:
    """Let time pass for a journal that goes by a clock of its own."""
    assert isinstance(journal.clock, Clock)
    journal.clock.tick(seconds)
