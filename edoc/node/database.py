"""Opens the node's database and brings it to the present shape.

SQLite is the embedded default, PostgreSQL the production one. Every transaction that writes takes its lock
at the start (`BEGIN IMMEDIATE` on SQLite), so that two workers wait for each other instead of failing late,
and is on disk when it commits.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import ARRAY, BigInteger, Connection, Engine, Table, event, func, literal, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from edoc.errors import SettingsError, Unavailable

_MIGRATIONS = Path(__file__).parent / "migrations"
NODE_VERSIONS = _MIGRATIONS / "versions"
"""The steps by which a node's tables came to their present shape; others bring their own."""
_BUSY_SECONDS = 30
_NO_ROOM = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"})
_IDLE_SECONDS = 1.0
_BEGAN_AT = "edoc_began_at"
_USED_AT = "edoc_used_at"


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
        parsed = parsed.set(drivername="postgresql+psycopg")
        engine = sqlalchemy.create_engine(parsed, connect_args={"connect_timeout": 5})
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "begin", _begin_postgresql)
        return engine
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


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    connection.autocommit = True  # the driver would begin transactions in a round trip of its own


def _begin_postgresql(connection: Connection) -> None:
    """Begin and ask for the database's time in one round trip.

    It tells at the same time whether the connection was lost while it lay in the pool: then the next one is
    tried, and at last a new one. Mere reading needs no transaction: each statement sees what is committed
    then, and a connection that was in use a moment ago is not asked whether it is there.
    """
    options, at = connection.get_execution_options(), time.monotonic()
    idle, connection.info[_USED_AT] = at - connection.info.get(_USED_AT, 0.0), at
    if options.get("reading") and not options.get("timed") and idle < _IDLE_SECONDS:
        return
    for left in reversed(range(connection.engine.pool.checkedin() + 2)):  # type: ignore[attr-defined]
        driver: psycopg.Connection[tuple[Any, ...]] = connection.connection.driver_connection  # type: ignore[assignment]
        try:
            with psycopg.ClientCursor(driver) as cursor:
                # asked for a special isolation level, it begins by itself
                if driver.autocommit and not options.get("reading"):
                    cursor.execute("BEGIN; SELECT clock_timestamp()").nextset()
                else:
                    cursor.execute("SELECT clock_timestamp()")
                (connection.info[_BEGAN_AT],) = cursor.fetchone() or (None,)
        except psycopg.OperationalError as error:
            connection.invalidate(error)
            if not left:
                raise OperationalError("BEGIN", None, error, connection_invalidated=True) from error
        else:
            return


def began_at(connection: Connection) -> datetime | None:
    """The database's own time when the connection's transaction began; None if it has no clock (SQLite)."""
    at: datetime | None = connection.info.get(_BEGAN_AT)
    return at


def close(engine: Engine) -> None:
    """Give all connections back."""
    engine.dispose()


def migrate(engine: Engine, *, to: str = "head", versions: Path = NODE_VERSIONS) -> None:
    """Create the tables or bring them to a revision, the present one; does nothing if they are."""
    with database_errors(), engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", str(versions))
        config.attributes["connection"] = connection
        command.upgrade(config, to)
        connection.commit()


def require_present(
    engine: Engine,
    *,
    versions: Path = NODE_VERSIONS,
    advice: str = "Run 'edoc init DIR' with the program's present version.",
) -> None:
    """Raise `SettingsError` unless the tables have the present revision."""
    with database_errors(), engine.connect().execution_options(reading=True) as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    wanted = ScriptDirectory(str(_MIGRATIONS), version_locations=[str(versions)]).get_current_head()
    if found != wanted:
        raise SettingsError(
            "the database is not there yet, or older or newer than this program.",
            where=engine.url.render_as_string(hide_password=True),
            advice=advice,
        )


def insert_once(connection: Connection, table: Table) -> Any:
    """An insert that leaves what already stands under the same key as it is."""
    return _insert_once(connection.dialect.name, table)


@cache
def _insert_once(dialect: str, table: Table) -> Any:
    make = sqlite_insert if dialect == "sqlite" else postgresql_insert
    return make(table).on_conflict_do_nothing()


def hold_names(connection: Connection, names: Iterable[str]) -> None:
    """Let nobody else hold any of these names until the transaction ends.

    On SQLite whoever writes is alone anyway.
    """
    keys = sorted({int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True) for name in names})
    if keys and connection.dialect.name == "postgresql":
        listed = func.unnest(literal(keys, ARRAY(BigInteger))).alias("listed")
        connection.execute(select(func.pg_advisory_xact_lock(listed.column)))


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
    name = getattr(cause, "sqlite_errorname", "")
    if name in _NO_ROOM:
        return f"its disk is full ({name})"
    lines = str(cause).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(cause).__name__
