"""Anchors of the audit log: every day an outside authority time-stamps its head.

The chain shows that an entry was changed, removed or reordered, but whoever owns the database could write a
whole new chain. An anchor is a time-stamp token (RFC 3161) over the head's number and hash: what stood there
then can be proven against anybody. An anchor is an entry of the log itself, so the next one covers it, and an
authority's certificate may expire meanwhile (EN 319 102-1, 5.6.2: the newer proves the older).
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from edoc.core.verdicts import Indication
from edoc.errors import EdocError
from edoc.node import tables as t
from edoc.node.journal import verify_chain
from edoc.node.node import Node
from edoc.node.scratch import fetch
from edoc.verification import verify

EVENT: Final = "anchor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """What a token was asked for."""

    upto: int
    """The number of the last entry that it covers."""
    hash: str
    """That entry's."""
    token: str
    """SHA-256 of the token, which is an object."""
    entry: int
    """Where in the log it stands itself."""
    written_at: datetime


def head_text(organ_id: str, upto: int, entry_hash: str) -> bytes:
    """Give what is time-stamped; anybody can write it down again."""
    return f"edoc audit log of {organ_id}: entry {upto} is {entry_hash}\n".encode()


def anchor(node: Node) -> Anchor | None:
    """Have the log's head time-stamped; None if nothing was written since the last anchor.

    Raises `Unavailable` if no authority answers, `InputError` if the settings name none.
    """
    with node.journal.reading() as connection:
        head = connection.execute(select(t.audit_head)).one()
        last = next(_list(connection, newest_first=True), None)
    if head.seq == 0 or (last is not None and last.entry == head.seq):
        return None
    text = head_text(node.settings.agency.organ_id, head.seq, head.hash)
    stamp = node.online.ask(hashlib.new(node.online.digest, text).digest())
    stored = node.objects.put(io.BytesIO(stamp.token))
    with node.journal.transaction(actor="anchor") as tx:
        tx.note(None, EVENT, upto=head.seq, hash=head.hash, token=stored.sha256)
    with node.journal.reading() as connection:
        return next(_list(connection, newest_first=True))


def list_anchors(node: Node) -> list[Anchor]:
    """Give all anchors, the oldest first."""
    with node.journal.reading() as connection:
        return list(_list(connection))


def verify_log(node: Node) -> list[str]:
    """Recompute the chain and judge every anchor; returns what is wrong, empty if nothing is.

    A token is judged when the next one proves that it existed, the newest one now.
    """
    with node.journal.reading() as connection:
        wrong = verify_chain(connection)
        anchors = list(_list(connection))
        hashes = _hashes(connection, anchors)
    with node.journal.reading_at() as (_, at):  # asked last: no anchor that was found is of later
        pass
    for each in reversed(anchors):
        if hashes.get(each.upto) != each.hash:
            wrong.append(f"entry {each.upto} is not what the anchor in entry {each.entry} covers")
            continue
        fault, proven = _judge(node, each, at)
        if fault:
            wrong.append(f"the anchor in entry {each.entry} does not hold: {fault}")
        elif proven is not None:
            at = proven
    return wrong


def _judge(node: Node, each: Anchor, at: datetime) -> tuple[str, datetime | None]:
    """What is wrong with a token, if anything, and else its time."""
    text = io.BytesIO(head_text(node.settings.agency.organ_id, each.upto, each.hash))
    try:
        with node.workspace.scratch() as folder:
            token = fetch(node, each.token, folder / "token.tst")
            report = verify(text, detached=token, trust=node.trust, at=at, offline=True)
    except EdocError as error:
        return str(error), None
    (file,) = report.files
    found = next(iter(file.signatures), None)
    if found is None or found.indication is not Indication.TOTAL_PASSED:
        return "; ".join(report.reasons()) or "it is no time-stamp token", None
    return "", found.claimed_time


def _list(connection: Connection, *, newest_first: bool = False) -> Iterator[Anchor]:
    order = t.audit.c.seq.desc() if newest_first else t.audit.c.seq
    # an anchor is of no document: those entries are few, and an index finds them
    found = select(t.audit).where((t.audit.c.event == EVENT) & t.audit.c.document.is_(None))
    for row in connection.execute(found.order_by(order)):
        details = row.details
        yield Anchor(
            upto=details["upto"],
            hash=details["hash"],
            token=details["token"],
            entry=row.seq,
            written_at=datetime.fromisoformat(row.at),
        )


def _hashes(connection: Connection, anchors: list[Anchor]) -> dict[int, str]:
    """The hashes of the entries that were time-stamped, as they stand now."""
    found: dict[int, str] = {}
    for each in anchors:
        value = connection.execute(select(t.audit.c.hash).where(t.audit.c.seq == each.upto)).scalar()
        if value is not None:
            found[each.upto] = value
    return found
