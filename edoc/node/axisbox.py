"""The axis as a transport: what a mailbox folder is to neighbours, a hub is to everybody else.

    with AxisBox(axis, organ_id="H99.01", journal=journal) as box:
        box.send(to="H99.02", message_id=message_id, source=package)
        for parcel in box.waiting():
            with box.open(parcel) as package: ...        # make it durable
            box.acknowledge(parcel)                      # initial → processing → done

Nothing is said to the hub about a package before it is durable here: should this node die, the hub still
offers it. Each shipment is noted before its first attempt; where an earlier attempt may have arrived, the
hub is asked before anything is sent again. Serves invariant 2.
"""

import io
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import structlog
from sqlalchemy import Row, select, update

from edoc.axis.profile import Axis, Shipment
from edoc.axis.replies import ReceivedRow
from edoc.axis.wire import MessageType, Transfer, parse_transfer
from edoc.core.ports import Parcel
from edoc.core.zone import VIETNAM
from edoc.errors import Conflict, EdocError, InputError, Refused, Unavailable
from edoc.node import tables as t
from edoc.node.durable import disk_errors
from edoc.node.journal import Journal
from edoc.node.mailbox import require_message_id, require_organ_id
from edoc.node.objects import CHUNK
from edoc.packing import unpack

log = structlog.get_logger()

_ACTOR: Final = "transport"
_DOC_ID: Final = re.compile(r"[!-~]{1,200}")
_REMEMBERED: Final = 10_000
"""Packages of which this process knows how they ended; older ones are asked for again."""


class AxisBox:
    """One agency's view of a hub; threads may share it."""

    def __init__(
        self,
        axis: Axis,
        *,
        organ_id: str,
        journal: Journal,
        poll_seconds: float = 0,
        lookback_days: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._axis = axis
        self._organ_id = require_organ_id(organ_id)
        self._journal = journal
        self._poll_seconds = poll_seconds
        self._lookback_days = lookback_days
        self._clock = clock
        self._next_poll = -float("inf")
        self._told: dict[str, None] = {}
        self._owed: dict[str, tuple[Parcel, Transfer]] = {}
        self._failed: dict[str, int] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"AxisBox({self._axis!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._axis.close()

    def send(self, *, to: str, message_id: str, source: BinaryIO) -> None:
        """Send the package to the agency `to`; the hub has it when this returns.

        Sending the same id and bytes again changes nothing. Raises `Conflict` if the id already stands for
        other bytes or another agency, `Unavailable` if it cannot be sent now, `Refused` or `InputError` if
        the hub will never take it.
        """
        require_organ_id(to)
        require_message_id(message_id)
        with _rewindable(source) as package:
            shipment = Shipment.of(package, sender=self._organ_id, receivers=(to,))
            sha256 = shipment.digest.hex()
            earlier = self._note_attempt(message_id, to, sha256)
            if earlier is not None:
                _require_same(earlier, to, sha256)
                if earlier.doc_id is not None:
                    return
            doc_id = self._find_sent(shipment, earlier) or self._axis.send(shipment)
        self._note_sent(message_id, doc_id)

    def waiting(self, *, limit: int = 100) -> tuple[Parcel, ...]:
        """Packages for this agency whose end was not told to the hub yet, in the hub's order.

        The hub is asked no more often than agreed, also where it fails; in between, nothing waits.
        """
        if self._clock() < self._next_poll:
            return ()
        self._next_poll = self._clock() + self._poll_seconds
        self._pay_debts()
        since = None
        if self._lookback_days is not None:
            today = self._journal.clock().astimezone(VIETNAM).date()
            since = today - timedelta(days=self._lookback_days)
        found = [
            Parcel(message_id=row.doc_id, mark=f"{kind} {row.status}")
            for kind in MessageType
            for row in self._axis.list_received(kind, since=since)
            if self._is_waiting(row)
        ]
        # What made trouble before stands last, lest it hold up the others for ever.
        found.sort(key=lambda parcel: self._failed.get(parcel.message_id, 0))
        if len(found) > limit:
            self._next_poll = -float("inf")
        return tuple(found[:limit])

    @contextmanager
    def open(self, parcel: Parcel) -> Iterator[BinaryIO]:
        """Fetch a package whole, then open it for reading.

        What is no package comes out too, if that is what was sent. Raises `Unavailable` if it cannot be had
        now, and `InputError` if the hub itself finds it unfit.
        """
        with tempfile.TemporaryFile() as file:
            try:
                with disk_errors(Path(tempfile.gettempdir())):
                    kind = self._axis.fetch(parcel.message_id, file)
            except EdocError:
                self._failed[parcel.message_id] = self._failed.get(parcel.message_id, 0) + 1
                raise
            log.debug("package fetched", message_id=parcel.message_id, kind=kind.name)
            file.seek(0)
            yield file

    def acknowledge(self, parcel: Parcel) -> None:
        """Say that the package is durable here: `processing`, then `done`. Idempotent.

        Raises `Unavailable` if the hub cannot be told now or knows no such package; the former is made up for
        before the hub is asked for more.
        """
        self._tell(parcel, Transfer.DONE)

    def refuse(self, parcel: Parcel) -> None:
        """Say that what came is kept here and is no package: `processing`, then `fail`. Idempotent."""
        self._tell(parcel, Transfer.FAIL)

    def _is_waiting(self, row: ReceivedRow) -> bool:
        if not _DOC_ID.fullmatch(row.doc_id):
            log.warning("the hub lists a package under no usable id", doc_id=row.doc_id[:80])
            return False
        return _is_open(row) and row.doc_id not in self._told and row.doc_id not in self._owed

    def _pay_debts(self) -> None:
        """Tell what could not be told before; one package that cannot be told of must not stop the others."""
        for parcel, end in tuple(self._owed.values()):
            try:
                self._tell(parcel, end)
            except Unavailable as error:
                log.warning("the hub was not told", message_id=parcel.message_id, reason=str(error))

    def _tell(self, parcel: Parcel, end: Transfer) -> None:
        doc_id, (_, _, status) = parcel.message_id, parcel.mark.partition(" ")
        if doc_id in self._told:
            return
        capitals = bool(status) and status == status.upper()
        self._owed[doc_id] = parcel, end
        try:
            if status.lower() != Transfer.PROCESSING:
                self._axis.update_status(doc_id, Transfer.PROCESSING, capitals=capitals)
            self._axis.update_status(doc_id, end, capitals=capitals)
        except (Refused, InputError):
            self._owed.pop(doc_id, None)
            self._require_ended(parcel)
        with self._lock:
            self._owed.pop(doc_id, None)
            self._failed.pop(doc_id, None)
            self._told[doc_id] = None
            if len(self._told) > _REMEMBERED:
                del self._told[next(iter(self._told))]

    def _require_ended(self, parcel: Parcel) -> None:
        """Raise what the hub said unless the package's end is known there: another worker was faster."""
        kind = MessageType(parcel.mark.partition(" ")[0])
        for row in self._axis.list_received(kind):
            if row.doc_id == parcel.message_id and not _is_open(row):
                return
        raise Unavailable("the hub does not let this package be acknowledged.", where=parcel.message_id)

    def _note_attempt(self, message_id: str, to: str, sha256: str) -> Row[Any] | None:
        """Note that an attempt is about to be made; returns what an earlier one left, if there was one."""
        with self._journal.transaction(actor=_ACTOR) as tx:
            known = select(t.axis_shipments).where(t.axis_shipments.c.message_id == message_id)
            earlier = tx.connection.execute(known).first()
            if earlier is None:
                tx.connection.execute(
                    tx.insert_once(t.axis_shipments).values(
                        message_id=message_id, receiver=to, sha256=sha256, first_at=tx.at
                    )
                )
            return earlier

    def _note_sent(self, message_id: str, doc_id: str) -> None:
        with self._journal.transaction(actor=_ACTOR) as tx:
            tx.connection.execute(
                update(t.axis_shipments)
                .where(t.axis_shipments.c.message_id == message_id)
                .values(doc_id=doc_id, sent_at=tx.at)
            )

    def _find_sent(self, shipment: Shipment, earlier: Row[Any] | None) -> str | None:
        """Tell whether the hub has the package already."""
        if self._axis.reads_receivers:
            with self._journal.reading() as connection:
                same = select(t.axis_shipments.c.doc_id).where(
                    (t.axis_shipments.c.sha256 == shipment.digest.hex())
                    & t.axis_shipments.c.doc_id.is_not(None)
                )
                found: str | None = connection.execute(same).scalar()
            if found is not None:
                return found
        if earlier is None:
            return None
        first = datetime.fromisoformat(earlier.first_at).astimezone(VIETNAM).date()
        return self._axis.find_sent(
            shipment, document_id=_document_id(shipment), since=first - timedelta(days=1)
        )


def _is_open(row: ReceivedRow) -> bool:
    try:
        return parse_transfer(row.status).is_open
    except InputError:
        return True  # an unknown word must not hide a document


def _require_same(earlier: Row[Any], to: str, sha256: str) -> None:
    if (earlier.receiver, earlier.sha256) != (to, sha256):
        raise Conflict(
            "this message id already stands for another package; nothing was sent.",
            where=earlier.message_id,
            advice="Send the other package under an id of its own.",
        )


def _document_id(shipment: Shipment) -> str:
    """The edXML DocumentId, by which hubs know a document that do not know hashes; "" if it has none."""
    if shipment.message_type is MessageType.STATUS:
        return ""
    shipment.source.seek(0)
    try:
        dispatch = unpack(shipment.source).dispatch
    except InputError:
        return ""
    return dispatch.document_id if dispatch is not None else ""


@contextmanager
def _rewindable(source: BinaryIO) -> Iterator[BinaryIO]:
    """The same stream if it can be read again, or a copy in a file that is gone afterwards."""
    if isinstance(source, io.IOBase) and source.seekable() and source.tell() == 0:
        yield source
        return
    with tempfile.TemporaryFile() as copy:
        with disk_errors(Path(tempfile.gettempdir())):
            shutil.copyfileobj(source, copy, CHUNK)
            copy.seek(0)
        yield copy
