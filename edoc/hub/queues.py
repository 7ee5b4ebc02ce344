"""What was sent to whom, and how far it has come: one row a package, one delivery a receiver.

Rules: the same bytes from the same sender to the same receivers are the same package, whose first DocId is
given again; a status of transfer only ever goes forward, so that a repeated call changes nothing; a package
waits until its receiver says `done` or `fail`. A package to one agency has one DocId for both sides; to
several, each delivery has one of its own.
"""

import hashlib
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, true, update

from edoc.axis.replies import ReceivedRow, SentRow
from edoc.axis.signing import hash_file
from edoc.axis.wire import SERVICE_TYPE, MessageType, Transfer
from edoc.core.ports import Stored
from edoc.core.zone import VIETNAM
from edoc.hub import tables as t
from edoc.hub.directory import select_codes
from edoc.hub.moments import show_time
from edoc.hub.refusals import BAD_CALL, CallRefusedError
from edoc.node.database import insert_once
from edoc.node.tables import instant

MOST_ROWS: Final = 5_000
"""Rows of one list; what is left comes with the next call."""
_ORDER: Final = (Transfer.INITIAL, Transfer.PROCESSING, Transfer.FAIL, Transfer.DONE)
_OPEN: Final = tuple(transfer.value for transfer in Transfer if transfer.is_open)
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_DESCRIPTIONS: Final = {
    Transfer.INITIAL: "waiting",
    Transfer.PROCESSING: "being fetched",
    Transfer.DONE: "received",
    Transfer.FAIL: "could not be received",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package that was accepted; all codes as they stand in the list of agencies."""

    system: str
    sender: str
    receivers: tuple[str, ...]
    """In order, each once."""
    stored: Stored
    kind: MessageType
    title: str
    notation: str

    @property
    def receivers_sha256(self) -> str:
        """What stands for all receivers together."""
        return hashlib.sha256("\n".join(self.receivers).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The days of a list, both included, in Vietnam's zone; None is open."""

    since: date | None = None
    until: date | None = None

    def select(self, column: Any) -> ColumnElement[bool]:
        """Tell which rows lie within, by a column of times."""
        found: list[ColumnElement[bool]] = [true()]
        if self.since is not None:
            found.append(column >= instant(_midnight(self.since)))
        if self.until is not None:
            found.append(column < instant(_midnight(self.until) + timedelta(days=1)))
        return and_(*found)


def enter(connection: Connection, package: Package, *, at: datetime) -> tuple[str, bool]:
    """Enter a package into its receivers' queues; returns its DocId, and whether it is new."""
    doc_id = uuid.uuid4().hex
    seq = connection.execute(
        insert_once(connection, t.messages)
        .values(
            doc_id=doc_id,
            system=package.system,
            sender=package.sender,
            receivers_sha256=package.receivers_sha256,
            sha256=package.stored.sha256,
            size=package.stored.size,
            kind=package.kind.value,
            title=package.title,
            notation=package.notation,
            sent_at=instant(at),
        )
        .returning(t.messages.c.seq)
    ).scalar()
    if seq is None:
        return find_earlier(connection, package), False
    single = len(package.receivers) == 1
    rows = [
        {
            "doc_id": doc_id if single else uuid.uuid4().hex,
            "message": seq,
            "receiver": receiver,
            "status": Transfer.INITIAL.value,
            "created_at": instant(at),
            "changed_at": instant(at),
        }
        for receiver in package.receivers
    ]
    connection.execute(insert(t.deliveries), rows)
    return doc_id, True


def find_earlier(connection: Connection, package: Package) -> str:
    """Give the DocId of the same package sent before; "" if there is none."""
    query = select(t.messages.c.doc_id).where(
        (t.messages.c.sender == package.sender)
        & (t.messages.c.sha256 == package.stored.sha256)
        & (t.messages.c.receivers_sha256 == package.receivers_sha256)
    )
    return connection.execute(query).scalar() or ""


def list_received(
    connection: Connection, system: str, kind: MessageType | None, span: Span
) -> tuple[ReceivedRow, ...]:
    """What waits for a system's agencies, oldest first."""
    query = (
        select(t.deliveries, t.messages.c.sender, t.messages.c.kind)
        .join(t.messages, t.messages.c.seq == t.deliveries.c.message)
        .where(_waits(system, kind) & span.select(t.deliveries.c.created_at))
        .order_by(t.deliveries.c.seq)
        .limit(MOST_ROWS)
    )
    return tuple(
        ReceivedRow(
            doc_id=row.doc_id,
            service_type=SERVICE_TYPE,
            message_type=row.kind,
            created_time=show_time(row.created_at),
            updated_time=show_time(row.changed_at),
            from_=row.sender,
            to=row.receiver,
            status=row.status,
            status_desc=_DESCRIPTIONS[Transfer(row.status)],
        )
        for row in connection.execute(query)
    )


def list_sent(
    connection: Connection, system: str, kind: MessageType | None, span: Span, *, doc_id: str = ""
) -> tuple[SentRow, ...]:
    """What a system sent, newest first, a row for each receiver."""
    wanted = (t.messages.c.system == system) & span.select(t.messages.c.sent_at)
    if kind is not None:
        wanted &= t.messages.c.kind == kind.value
    if doc_id:
        if not _is_id(doc_id):
            return ()
        wanted &= or_(t.messages.c.doc_id == doc_id, t.deliveries.c.doc_id == doc_id)
    query = (
        select(t.messages, t.deliveries.c.doc_id.label("delivered_as"), t.deliveries.c.receiver)
        .add_columns(t.deliveries.c.status, t.deliveries.c.changed_at)
        .join(t.deliveries, t.deliveries.c.message == t.messages.c.seq)
        .where(wanted)
        .order_by(t.messages.c.seq.desc(), t.deliveries.c.seq)
        .limit(MOST_ROWS)
    )
    return tuple(_show_sent(row) for row in connection.execute(query))


def _show_sent(row: Row[Any]) -> SentRow:
    transfer = Transfer(row.status)
    return SentRow(
        service_type=SERVICE_TYPE,
        message_type=row.kind,
        sender_doc_id=row.doc_id,
        receiver_doc_id=row.delivered_as,
        from_code=row.sender,
        to_code=row.receiver,
        send_status=Transfer.DONE.value,
        send_status_desc="taken by the hub",
        receive_status=transfer.value,
        receive_status_desc=_DESCRIPTIONS[transfer],
        title=row.title,
        notation=row.notation,
        sent_time=show_time(row.sent_at),
        received_time=show_time(row.changed_at) if transfer is Transfer.DONE else "",
        hash_file=hash_file(bytes.fromhex(row.sha256)),
    )


def count_waiting(connection: Connection, system: str, kind: MessageType) -> int:
    """How many packages of a kind wait for a system's agencies."""
    query = (
        select(func.count())
        .select_from(t.deliveries)
        .join(t.messages, t.messages.c.seq == t.deliveries.c.message)
        .where(_waits(system, kind))
    )
    return connection.execute(query).scalar_one()


def find_content(connection: Connection, system: str, doc_id: str) -> Stored:
    """Give the content of a package that the system sent, or that came for it.

    Raises `CallRefusedError`: who has no part in a package does not learn whether it is there.
    """
    codes = select_codes(system)
    query = (
        select(t.messages.c.sha256, t.messages.c.size)
        .join(t.deliveries, t.deliveries.c.message == t.messages.c.seq)
        .where(
            or_(
                and_(t.deliveries.c.doc_id == doc_id, t.deliveries.c.receiver.in_(codes)),
                and_(t.messages.c.doc_id == doc_id, t.messages.c.sender.in_(codes)),
            )
        )
    )
    row = connection.execute(query).first() if _is_id(doc_id) else None
    if row is None:
        raise _unknown(doc_id)
    return Stored(sha256=row.sha256, size=row.size)


def advance(connection: Connection, system: str, doc_id: str, to: Transfer, *, at: datetime) -> Transfer:
    """Take a delivery forward; returns where it stands then, which is not `to` if it was further already.

    Raises `CallRefusedError` if no such package came for the system.
    """
    key = (t.deliveries.c.doc_id == doc_id) & t.deliveries.c.receiver.in_(select_codes(system))
    query = select(t.deliveries.c.status).where(key).with_for_update()
    status = connection.execute(query).scalar() if _is_id(doc_id) else None
    if status is None:
        raise _unknown(doc_id)
    standing = Transfer(status)
    if _ORDER.index(to) <= _ORDER.index(standing):
        return standing
    connection.execute(update(t.deliveries).where(key).values(status=to.value, changed_at=instant(at)))
    return to


def list_deliveries(connection: Connection, *, only_open: bool = False) -> list[Row[Any]]:
    """The newest deliveries of all agencies, for the operator."""
    return list(connection.execute(_for_operator(t.deliveries.c.status.in_(_OPEN) if only_open else true())))


def find_deliveries(connection: Connection, doc_id: str) -> Sequence[Row[Any]]:
    """All deliveries of the package that has this DocId for its sender or a receiver."""
    seq = select(t.deliveries.c.message).where(t.deliveries.c.doc_id == doc_id)
    wanted = or_(t.messages.c.doc_id == doc_id, t.messages.c.seq.in_(seq))
    return connection.execute(_for_operator(wanted)).all()


def _for_operator(wanted: ColumnElement[bool]) -> Any:
    return (
        select(t.messages, t.deliveries.c.doc_id.label("delivered_as"), t.deliveries.c.receiver)
        .add_columns(t.deliveries.c.status, t.deliveries.c.changed_at)
        .join(t.deliveries, t.deliveries.c.message == t.messages.c.seq)
        .where(wanted)
        .order_by(t.deliveries.c.seq.desc())
        .limit(MOST_ROWS)
    )


def _waits(system: str, kind: MessageType | None) -> ColumnElement[bool]:
    waits = t.deliveries.c.receiver.in_(select_codes(system)) & t.deliveries.c.status.in_(_OPEN)
    return waits if kind is None else waits & (t.messages.c.kind == kind.value)


def _is_id(doc_id: str) -> bool:
    """Tell whether this could be an id of ours; what could not must not reach the database."""
    return _ID.fullmatch(doc_id) is not None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), VIETNAM).astimezone(UTC)


def _unknown(doc_id: str) -> CallRefusedError:
    return CallRefusedError(
        BAD_CALL,
        f"there is no package {doc_id[:64] or '(without an id)'} for this system.",
        advice="Take the docId from getReceivedEdocList.",
    )
