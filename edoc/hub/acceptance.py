"""Take a package over: examined, addressed, stored, entered into queues; only then is it acknowledged.

A crash before the last commit leaves at most an object that nobody refers to, and its sender without an
answer, who sends again; a crash after it leaves nothing to do, and the same DocId for whoever sends again.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from edoc.axis.wire import ErrorCode, Operation
from edoc.core.ports import Stored
from edoc.errors import Unavailable
from edoc.hub import audit, directory, queues
from edoc.hub.audit import Actor
from edoc.hub.examination import Examined, examine
from edoc.hub.hub import Hub
from edoc.hub.queues import Package
from edoc.hub.refusals import CallRefusedError
from edoc.hub.spool import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the call says about its package; empty where it says nothing."""

    sender: str = ""
    receivers: tuple[str, ...] = ()


def accept(hub: Hub, actor: Actor, spool: Spool, stored: Stored, claim: Claim) -> str:
    """Take the package in the spool over; returns its DocId, an earlier one if it was sent before.

    Raises `PackageError` if it is no package, `CallRefusedError` if sender or receivers are not right, and
    `Unavailable` if it cannot be stored now.
    """
    examined = examine(spool.rewind(), limit=hub.settings.limits.package_bytes)
    with hub.reading() as connection:
        package = _address(connection, actor.system, stored, examined, claim)
        earlier = queues.find_earlier(connection, package)
    if not earlier and hub.objects.put(spool.rewind()) != stored:
        raise Unavailable("the package changed while it lay on the hub's disk.", where=str(hub.spool))
    at = hub.clock()
    with hub.writing() as connection:
        # Once more: whoever was registered a moment ago may be gone.
        package = _address(connection, actor.system, stored, examined, claim)
        doc_id, fresh = queues.enter(connection, package, at=at)
        audit.note(
            connection,
            actor,
            Operation.SEND,
            at=at,
            subject=doc_id,
            note="" if fresh else "sent again; nothing was changed",
        )
    return doc_id


def _address(
    connection: Connection, system: str, stored: Stored, examined: Examined, claim: Claim
) -> Package:
    directory.require_system(connection, system)
    sender = directory.require_sender(connection, system, claim.sender or examined.sender)
    inside = directory.find_agency(connection, examined.sender)
    if inside is None or inside.code != sender:
        raise CallRefusedError(
            ErrorCode.SENDER_NOT_REGISTERED,
            f"the package is from {examined.sender[:35] or '(nobody)'}, the call from {sender}.",
        )
    return Package(
        system=system,
        sender=sender,
        receivers=directory.resolve_receivers(connection, claim.receivers or examined.receivers),
        stored=stored,
        kind=examined.kind,
        title=examined.title,
        notation=examined.notation,
    )
