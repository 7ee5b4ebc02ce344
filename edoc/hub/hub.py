"""A hub: one database, one object store, one configuration, and a folder of secrets; wired here.

    with Hub.open("/srv/edoc/hub") as hub:
        hub.objects, hub.settings
        with hub.writing() as connection: …

Several processes on one machine may open the same hub; on several machines they need PostgreSQL, an S3 store
and the same folder of secrets.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Connection, Engine

from edoc.core.ports import Objects
from edoc.hub.credentials import Credentials
from edoc.hub.settings import FILE_NAME, HubSettings
from edoc.node import database
from edoc.node.durable import disk_errors, make_folder
from edoc.node.node import open_objects, system_clock

_VERSIONS: Final = Path(__file__).parent / "versions"
_ADVICE: Final = "Run 'edoc hub init DIR' with the program's present version."


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """An open hub; made by `Hub.open`."""

    folder: Path
    settings: HubSettings
    engine: Engine
    objects: Objects
    credentials: Credentials
    clock: Callable[[], datetime]

    @classmethod
    @contextmanager
    def open(cls, path: Path | str, *, clock: Callable[[], datetime] = system_clock) -> Iterator[Self]:
        """Open the hub in a folder (or by its `hub.toml`) and close it again.

        Raises `SettingsError` if the settings or the database's shape are not right, and `Unavailable` if the
        database or the disk cannot be used.
        """
        folder = Path(path)
        folder = (folder.parent if folder.name == FILE_NAME else folder).absolute()
        settings = HubSettings.load(folder)
        engine = _connect(settings, folder)
        try:
            database.require_present(engine, versions=_VERSIONS, advice=_ADVICE)
            hub = cls(
                folder=folder,
                settings=settings,
                engine=engine,
                objects=open_objects(settings.objects, folder),
                credentials=Credentials(folder),
                clock=clock,
            )
            with disk_errors(hub.spool):
                make_folder(hub.spool)
            yield hub
        finally:
            engine.dispose()

    @property
    def spool(self) -> Path:
        """Where packages lie, without a name, while they come in."""
        return self.folder / "spool"

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction; commits at the end, rolls back on any error. Raises `Unavailable`."""
        with database.database_errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for reading only. Raises `Unavailable`."""
        with (
            database.database_errors(),
            self.engine.connect().execution_options(reading=True) as connection,
        ):
            yield connection


def migrate(folder: Path) -> None:
    """Create the hub's tables or bring them to the present shape."""
    engine = _connect(HubSettings.load(folder), folder)
    try:
        database.migrate(engine, versions=_VERSIONS)
    finally:
        engine.dispose()


def _connect(settings: HubSettings, folder: Path) -> Engine:
    return database.connect(settings.database.url.get_secret_value(), folder)
