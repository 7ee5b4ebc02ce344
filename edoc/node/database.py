"""Opens the node's database and brings it to the present shape.

SQLite is the embedded default, PostgreSQL the production one. Every transaction that writes takes its lock
at the start (`BEGIN IMMEDIATE` on SQLite), so that two workers wait for each other instead of failing late,
and is on disk when it commits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from edoc.errors import SettingsError, Unavailable

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 30


def connect(url: str, folder: Path) -> Engine:
    """Return an engine for `url`; a relative SQLite path counts from `folder`. Opens nothing yet.

    Raises `SettingsError` if the URL is of no database that edoc knows.
    """
    try:
        parsed = sqlalchemy.make_url(url)
    except SQLAlchemyError:
        raise SettingsError(
            "database.url is not a database URL.", advice="Example: sqlite:///node.db"
        ) from None
    if parsed.get_backend_name() == "sqlite":
        if parsed.database is None or parsed.database == ":memory:":
            raise SettingsError("a node's database must be a file.", advice="Example: sqlite:///node.db")
        parsed = parsed.set(database=str(folder / parsed.database))
        engine = sqlalchemy.create_engine(parsed, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.get_backend_name() == "postgresql":
        # a lost connection is noticed before use, not in the middle of a step
        parsed = parsed.set(drivername="postgresql+psycopg")
        return sqlalchemy.create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": 5})
    raise SettingsError(
        "database.url names neither SQLite nor PostgreSQL.", advice="Example: sqlite:///node.db"
    )


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions on its own
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    mode = "DEFERRED" if connection.get_execution_options().get("reading") else "IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN {mode}")


def close(engine: Engine) -> None:
    """Give all connections back."""
    engine.dispose()


def migrate(engine: Engine) -> None:
    """Create the tables or bring them to the present revision; does nothing if they are."""
    with database_errors(), engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def require_present(engine: Engine) -> None:
    """Raise `SettingsError` unless the tables have the present revision."""
    with database_errors(), engine.connect().execution_options(reading=True) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    wanted = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    if found != wanted:
        raise SettingsError(
            "the database is not there yet, or older or newer than this program.",
            where=engine.url.render_as_string(hide_password=True),
            advice="Run 'edoc init DIR' with the program's present version.",
        )


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn trouble with the database server, its disk or its network into `Unavailable`.

    Errors that say our own statement is wrong pass through: they are defects.
    """
    try:
        yield
    except (OperationalError, sqlalchemy.exc.TimeoutError) as error:
        raise Unavailable(
            f"the database cannot be used now: {_first_line(error)}.",
            advice="Check that it is running, reachable, and has free disk space.",
        ) from error
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise Unavailable("the connection to the database was lost.", advice="It is tried again.") from error


def _first_line(error: SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    lines = str(cause).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(cause).__name__
