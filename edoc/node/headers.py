"""A document's header in the node: what it must not say, and what hangs on it when it is given anew."""

from sqlalchemy import select

from edoc.core.dispatch import Dispatch
from edoc.core.lifecycle import State
from edoc.core.secrecy import find_secret_marking
from edoc.errors import Refused
from edoc.node import search, terms
from edoc.node import tables as t
from edoc.node.journal import Transaction


def require_no_secret(dispatch: Dispatch) -> None:
    """Raise `Refused` if a header of ours is marked as a state secret (QĐ 28/2018 Art 1)."""
    secret = find_secret_marking(dispatch)
    if secret is not None:
        raise Refused(
            "the document is marked as a state secret; such documents must not travel this way.",
            where=secret,
            advice="Send it by the rules on protecting state secrets (QĐ 28/2018 Art 1).",
        )


def rewrite(tx: Transaction, document: str, dispatch: Dispatch) -> None:
    """Give a document a new header; it is found by the new words, and its date counts anew."""
    header = dispatch.to_dict()
    row = tx.change(document, dispatch=header, changed_at=tx.at)
    search.write(
        tx.connection, document=document, direction=row.direction, dispatch=header, at=row.created_at
    )
    lives = [("", row.direction, row.state)]
    deliveries = select(t.deliveries.c.recipient, t.deliveries.c.state).where(
        t.deliveries.c.document == document
    )
    lives += [(each.recipient, "delivery", each.state) for each in tx.connection.execute(deliveries)]
    for recipient, life, state in lives:
        subject = terms.Subject(document=document, recipient=recipient, life=life, dispatch=header)
        terms.reset(tx.connection, subject, State(state), now=tx.now, schedule=tx.schedule)
