"""What the hub's operator does on the hub's own machine: enter agencies and take them off the list."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Row, select

from edoc.errors import InputError
from edoc.hub import audit, directory
from edoc.hub import tables as t
from edoc.hub.directory import Entry
from edoc.hub.hub import Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """An agency as it stands in the list now, and who answers for it."""

    code: str
    system: str
    secret_path: Path
    """The file with the system's secret; hand its content to whoever runs the system, and to nobody else."""


def add_agency(hub: Hub, entry: Entry, *, system: str = "", secret: SecretStr | None = None) -> Added:
    """Enter an agency, or change it; its system is made if there is none of that id.

    Without `system` the agency's code is its system's id. A system without a secret gets a random one;
    `secret` replaces whatever it has. Raises `InputError`, `CallRefusedError` and `Unavailable`.
    """
    chosen = system or entry.code.strip()
    path = hub.credentials.path(chosen)
    at = hub.clock()
    with hub.writing() as connection:
        code = directory.enter(connection, entry, system=chosen, at=at)
        directory.enter_system(connection, chosen, code, at=at)
        audit.note(connection, audit.OPERATOR, "add-agency", at=at, subject=code, note=f"system {chosen}")
        # Before the commit: whoever stands in the list can also be let in.
        if secret is not None or hub.credentials.find(chosen) is None:
            hub.credentials.give(chosen, secret)
    return Added(code=code, system=chosen, secret_path=path)


def remove_agency(hub: Hub, code: str) -> str:
    """Take an agency off the list; returns its code. Its packages stay. Raises `InputError`."""
    at = hub.clock()
    with hub.writing() as connection:
        row = directory.find_agency(connection, code)
        if row is None:
            raise InputError("there is no such agency here.", where=code, advice="See 'edoc hub agencies'.")
        directory.strike(connection, row, at=at)
        audit.note(connection, audit.OPERATOR, "remove-agency", at=at, subject=row.code)
    return str(row.code)


def list_agencies(hub: Hub) -> list[Row[Any]]:
    """All agencies that are registered, by their codes."""
    query = select(t.agencies).where(t.agencies.c.deleted_at.is_(None)).order_by(t.agencies.c.code)
    with hub.reading() as connection:
        return list(connection.execute(query))
