"""Calls that change the list of agencies count once: the same signature with the same body changes nothing.

A caught call can so not bring back an agency that was deleted since. A call is remembered for as long as its
time counts.
"""

import hashlib
from datetime import datetime

from sqlalchemy import Connection, delete

from edoc.axis.signing import Call
from edoc.hub import tables as t
from edoc.hub.settings import Window
from edoc.node.database import insert_once
from edoc.node.tables import instant


def is_repeat(
    connection: Connection, call: Call, operation: str, body: bytes, *, window: Window, at: datetime
) -> bool:
    """Tell whether this very call was done before, and remember it with the present transaction."""
    connection.execute(delete(t.calls).where(t.calls.c.at < instant(at - window.oldest - window.newest)))
    fresh = connection.execute(
        insert_once(connection, t.calls)
        .values(
            system=call.system_id,
            operation=operation,
            signature=call.signature.lower(),
            body_sha256=hashlib.sha256(body).hexdigest(),
            at=instant(at),
        )
        .returning(t.calls.c.at)
    ).first()
    return fresh is None
