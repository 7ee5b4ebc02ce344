"""Who did what when at the hub, and how it ended; rows are added and never changed, as the database sees to.

Every sending, fetching, change of status and change of the list of agencies is noted, and whatever was
refused; looking at lists is not. No content is noted, no header and no secret.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from edoc.hub import tables as t
from edoc.hub.refusals import MOST_WORDS
from edoc.hub.words import tame
from edoc.node.tables import instant

_MOST: Final = 200
"""Characters of a subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who calls: a system, not proven before its signature was checked, and from where."""

    system: str
    address: str = ""


OPERATOR: Final = Actor(system="")
"""Whoever runs commands on the hub's own machine."""


def note(
    connection: Connection,
    actor: Actor,
    operation: str,
    *,
    at: datetime,
    subject: str = "",
    result: str = "0",
    note: str = "",
) -> None:
    """Add an entry, in the transaction of what it tells."""
    connection.execute(
        insert(t.audit).values(
            at=instant(at),
            system=tame(actor.system, 64),
            address=tame(actor.address, 64),
            operation=operation,
            subject=tame(subject, _MOST),
            result=result,
            note=tame(note, MOST_WORDS),
        )
    )


def list_entries(connection: Connection, subject: str) -> list[Row[Any]]:
    """Everything that was noted about a DocId or an agency, in its order."""
    query = select(t.audit).where(t.audit.c.subject == subject).order_by(t.audit.c.seq)
    return list(connection.execute(query))
