"""What a node says in its log before it is too late: deadlines at risk and missed, certificates that end.

One worker of the node looks at a time (`edoc.node.duties`), and each deadline is told twice: when its early
warning comes and when it is missed. Only ids are told, never what a document is about.
"""

from typing import Final

import structlog
from sqlalchemy import Connection, select

from edoc.node import figures, terms
from edoc.node import tables as t
from edoc.node.node import Node

DEADLINES: Final = "deadlines"
"""The duty's name; what was told follows from when it was last done."""
_DAYS: Final = 45.0
"""A certificate that ends sooner is told every day: a new one takes weeks to get."""
log = structlog.get_logger()


def tell_deadlines(node: Node) -> int:
    """Tell which deadlines came to be at risk or missed since this was last done; returns how many."""
    with node.journal.reading_at() as (connection, now):
        last = _last_done(connection)
        late, at_risk = (terms.open_terms(connection, now=now, late=late) for late in (True, False))
    news = [("deadline missed", row) for row in late if last is None or row.due_at > last]
    news += [("deadline at risk", row) for row in at_risk if last is None or row.warn_at > last]
    for words, row in news:
        log.error(words, document=row.document, recipient=row.recipient, kind=row.kind, due_at=row.due_at)
    return len(news)


def tell_certificates(node: Node) -> dict[str, float]:
    """Tell which of the seal's certificates end soon or have ended; returns the days left of each."""
    with node.journal.reading_at() as (_, now):
        days = figures.days_left(node, now)
    for use, left in days.items():
        if left < _DAYS:
            log.error("certificate ends", certificate=use, days_left=round(left, 1))
    return days


def _last_done(connection: Connection) -> str | None:
    last = connection.execute(select(t.duties.c.last_done_at).where(t.duties.c.name == DEADLINES)).scalar()
    return None if last is None else str(last)
