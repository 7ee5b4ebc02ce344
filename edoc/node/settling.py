"""Moves a document on when its deliveries, taken together, mean something for it."""

from sqlalchemy import select

from edoc.core.lifecycle import State, conclusion
from edoc.core.orders import is_bare
from edoc.node import tables as t
from edoc.node.journal import Transaction


def settle(tx: Transaction, document: str) -> None:
    """Move the document on when its last delivery has left, and again when the last one is concluded.

    The caller holds the document's row.
    """
    query = select(t.deliveries.c.state).where(t.deliveries.c.document == document)
    states = [State(state) for state in tx.connection.execute(query).scalars()]
    row = tx.document(document)
    bare = is_bare(row.dispatch)
    while (event := conclusion(State(tx.document(document).state), states, bare=bare)) is not None:
        tx.advance(document, event)
