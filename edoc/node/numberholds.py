"""Holds on numbering: while one is open, no book of the node gives a number.

A restored database may be older than what the agency issued. Numbers that it would give again stand on paper
already, so it gives none until `edoc register reconcile` has brought the books up to date. Serves NĐ 30/2020
Art 15.1 (a number is given once) after a disaster, too.
"""

from typing import Final

from sqlalchemy import ColumnElement, Connection, insert, select, update

from edoc.errors import Unavailable
from edoc.node import tables as t
from edoc.node.journal import Transaction

_H: Final = t.numbering_holds.c


class UnreconciledError(Unavailable):
    """No number is given until somebody has reconciled the registers."""

    code = "UNRECONCILED"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"no number is given: {reason}",
            advice="Look with 'edoc register reconcile --dry-run', then run it without --dry-run.",
        )


def none_open() -> ColumnElement[bool]:
    """The condition that nothing holds numbering."""
    return ~select(_H.id).where(_H.ended_at.is_(None)).exists()


def find_hold(connection: Connection) -> str | None:
    """Return why numbering is held, or None."""
    return connection.execute(select(_H.reason).where(_H.ended_at.is_(None)).order_by(_H.id)).scalar()


def require_none(connection: Connection) -> None:
    """Raise `UnreconciledError` while numbering is held."""
    reason = find_hold(connection)
    if reason is not None:
        raise UnreconciledError(reason)


def hold(tx: Transaction, reason: str) -> None:
    """Stop numbering in the whole node; does nothing if it is held already."""
    if find_hold(tx.connection) is None:
        tx.connection.execute(insert(t.numbering_holds).values(since=tx.at, reason=reason))
        tx.note(None, "hold-numbering", reason=reason)


def release(tx: Transaction) -> bool:
    """Let numbering go on; tells whether it was held."""
    ended = update(t.numbering_holds).where(_H.ended_at.is_(None)).values(ended_at=tx.at)
    return tx.connection.execute(ended).rowcount > 0
