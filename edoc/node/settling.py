"""Moves a document on when its deliveries, taken together, mean something for it."""

from edoc.core.lifecycle import State, conclusion
from edoc.core.orders import is_bare
from edoc.node.journal import Transaction


def settle(tx: Transaction, document: str) -> None:
    """Move the document on when its last delivery has left, and again when the last one is concluded.

    The caller holds the document's row.
    """
    states = list(tx.deliveries(document).values())
    row = tx.document(document)
    bare = is_bare(row.dispatch)
    while (event := conclusion(State(tx.document(document).state), states, bare=bare)) is not None:
        tx.advance(document, event)
