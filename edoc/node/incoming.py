"""What a node does with packages that arrive: make durable, acknowledge, answer, verify, register.

Nothing is acknowledged before it is durable (QĐ 28/2018 Art 6 and 9.1). The key (sender, document, hash) is
kept for good: the same package again gets the same answer again, another package under the same identifier
is kept as evidence of a conflict and changes nothing. A document gets its arrival number only after both
signatures were verified; otherwise it is refused with every reason (status 02, NĐ 30/2020 Art 21.2b).
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from edoc.core.dispatch import Dispatch, StatusUpdate
from edoc.core.ids import parse_agency_code
from edoc.core.lifecycle import Event, State, Work, status_event
from edoc.core.orders import own_id, read_order, recall_from_status
from edoc.core.ports import Parcel, Stored
from edoc.core.report import Report
from edoc.core.rule import Expected
from edoc.core.secrecy import explain_marking, find_secret_marking
from edoc.edxml.admission import EVERYTHING
from edoc.edxml.findings import CHANGES
from edoc.edxml.limits import DEFAULT_LIMITS
from edoc.edxml.refusals import OF_ADMISSION
from edoc.errors import EdocError, InputError, PackageError
from edoc.node import arrivedorders, orders, promises, registers
from edoc.node import tables as t
from edoc.node.journal import Transaction
from edoc.node.logs import facts_of
from edoc.node.node import Node
from edoc.node.scratch import fetch, file_of, scratch, store
from edoc.node.settling import settle
from edoc.node.tasks import Claim, finishing
from edoc.packing import Unpacked, unpack
from edoc.render.report import to_html
from edoc.verification import verify as verify_pdf

log = structlog.get_logger()


_ALL_LET_IN = replace(DEFAULT_LIMITS, admission=EVERYTHING)
"""Who sent a package is looked at first, whatever it carries: else nobody could be answered."""
Enter = Callable[[Parcel, Stored], bool]
"""Enters a package that is durable here; tells whether it is one."""
_MAX_TROUBLE = 3
"""After so many packages that could not be taken in, the trouble is not the packages'."""


def collect(node: Node, *, enter: Enter | None = None, jobs: int = 1) -> int:
    """Take in every package that waits at the transport, `jobs` at a time; returns how many were taken.

    `enter` decides what a package is and enters it, in another process for instance; `enter_package` if it is
    left out. One that cannot be taken in now does not hold up the others; what went wrong first is raised at
    the end.
    """
    waiting, troubles = node.transport.waiting(), list[EdocError]()

    def take(parcel: Parcel) -> bool:
        if len(troubles) >= _MAX_TROUBLE:
            return False
        try:
            return _take(node, parcel, enter or partial(enter_package, node))
        except EdocError as error:
            log.warning("package not taken in", message_id=parcel.message_id, **facts_of(error))
            troubles.append(error)
            return False

    if jobs == 1:
        taken = sum(map(take, waiting))
    else:
        with ThreadPoolExecutor(jobs, thread_name_prefix="collect") as pool:
            taken = sum(pool.map(take, waiting))
    if troubles:
        raise troubles[0]
    return taken


def _take(node: Node, parcel: Parcel, enter: Enter) -> bool:
    """Make one package durable, enter it, and only then tell the transport."""
    try:
        with node.transport.open(parcel) as source:
            stored = node.objects.put(source)
    except InputError as error:  # not even the transport can make anything of it
        with node.journal.transaction(actor="transport") as tx:
            tx.note(None, "unfit", message_id=parcel.message_id, reason=str(error))
        node.transport.refuse(parcel)
        return True
    try:
        fits = enter(parcel, stored)
    except IntegrityError:  # another worker entered it at the same moment: look at it again next time
        log.warning("package met twice", message_id=parcel.message_id)
        return False
    if fits:
        node.transport.acknowledge(parcel)
    else:
        node.transport.refuse(parcel)
    return True


def enter_package(node: Node, parcel: Parcel, stored: Stored) -> bool:
    """Decide what a package is that is durable here, and enter it, once; returns whether it is one.

    Raises `EdocError` if that cannot be done now.
    """
    try:
        with scratch() as folder:
            package = unpack(fetch(node, stored.sha256, folder / "package.edxml"), limits=_ALL_LET_IN)
        message = package.dispatch or package.status
        assert message is not None  # noqa: S101 - it is one of the two
        parse_agency_code(message.from_.organ_id)  # who cannot be named cannot be answered
        type(message).from_dict(message.to_dict())  # what is kept must be readable again
    except InputError as error:
        keep_unreadable(node, parcel, stored, str(error))
        return False
    except (EdocError, OSError):  # our own trouble: the package waits until it is over
        raise
    except Exception as error:  # one poisonous package must not hold up the others
        log.exception("package cannot be read", message_id=parcel.message_id)
        keep_unreadable(node, parcel, stored, f"unexpected {type(error).__name__}")
        return False
    with node.journal.transaction(actor="transport") as tx:
        arrival = _Arrival(parcel=parcel, stored=stored, tx=tx, receiver=node.settings.agency.organ_id)
        if package.dispatch is not None:
            _enter_document(arrival, package.dispatch)
        elif package.status is not None:
            _enter_status(arrival, package.status)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A package that is durable here, about to be entered."""

    parcel: Parcel
    stored: Stored
    tx: Transaction
    receiver: str
    """This agency."""

    def earlier(self, sender: str, kind: str, key: str) -> list[Row[Any]]:
        """What came before under the same key."""
        query = select(t.inbox).where(
            (t.inbox.c.sender == sender) & (t.inbox.c.kind == kind) & (t.inbox.c.key == key)
        )
        return list(self.tx.connection.execute(query))

    def record(self, sender: str, kind: str, key: str, outcome: str, document: str | None) -> None:
        """Keep the permanent key; the log tells to which document the package belongs."""
        log.info("package known", message_id=self.parcel.message_id, outcome=outcome, document=document)
        self.tx.connection.execute(
            insert(t.inbox).values(
                sender=sender,
                kind=kind,
                key=key,
                sha256=self.stored.sha256,
                message_id=self.parcel.message_id,
                outcome=outcome,
                document=document,
                received_at=self.tx.at,
            )
        )


def keep_unreadable(node: Node, parcel: Parcel, stored: Stored, reason: str) -> None:
    """Write down that what came as a package is none, once for the same bytes; they stay as evidence."""
    with node.journal.transaction(actor="transport") as tx:
        arrival = _Arrival(parcel=parcel, stored=stored, tx=tx, receiver=node.settings.agency.organ_id)
        if not arrival.earlier("", "damaged", stored.sha256):
            arrival.record("", "damaged", stored.sha256, "unreadable", None)
            tx.note(None, "unreadable", message_id=parcel.message_id, sha256=stored.sha256, reason=reason)


def _enter_document(arrival: _Arrival, dispatch: Dispatch) -> None:
    tx, stored = arrival.tx, arrival.stored
    order = read_order(dispatch, receiver=arrival.receiver)
    sender, document_id = dispatch.from_.organ_id, own_id(dispatch, order)
    arrivedorders.hold(tx, sender, document_id, order)
    # without an identifier of its own a package is known by its bytes
    key = hashlib.sha256(document_id.encode()).hexdigest() if document_id else stored.sha256
    earlier = arrival.earlier(sender, "document", key)
    same = next((row for row in earlier if row.sha256 == stored.sha256), None)
    if same is not None:
        tx.note(same.document, "received-again", message_id=arrival.parcel.message_id, outcome=same.outcome)
        if same.outcome == "entered":
            _answer_again(tx, same.document)
        return
    if earlier:
        arrival.record(sender, "document", key, "conflict", earlier[0].document)
        tx.note(earlier[0].document, "conflict", sha256=stored.sha256, message_id=arrival.parcel.message_id)
        return
    document = uuid.uuid4().hex
    tx.begin(
        document,
        "incoming",
        state=State.ORDERED if order is not None and order.bare else None,
        submission=hashlib.sha256(f"{sender} {key}".encode()).hexdigest(),
        document_id=document_id or None,
        organ_id=sender,
        dispatch=dispatch.to_dict(),
    )
    arrival.record(sender, "document", key, "entered", document)
    tx.keep(document, "package", f"{arrival.parcel.message_id}.edxml", stored)
    if order is not None:
        arrivedorders.enter(tx, document, sender, order)
    arrivedorders.catch_up(tx, document, sender, document_id)


def _answer_again(tx: Transaction, document: str) -> None:
    """The sender did not hear our receipt: send the same bytes once more."""
    tx.connection.execute(
        update(t.tasks)
        .where(
            (t.tasks.c.document == document)
            & (t.tasks.c.kind == Work.ANSWER.value)
            & (t.tasks.c.argument == "01")
        )
        # whoever is at it this moment sends the same bytes, and must not end what is asked for anew
        .values(done_at=None, lease_until=None, due_at=tx.at, fence=t.tasks.c.fence + 1)
    )


def _enter_status(arrival: _Arrival, status: StatusUpdate) -> None:
    tx, stored = arrival.tx, arrival.stored
    sender = status.from_.organ_id
    if arrival.earlier(sender, "status", stored.sha256):
        return
    event = status_event(status.status_code)
    if event is Event.STATUS_13:  # a recall without a dispatch
        _enter_document(arrival, recall_from_status(status))
        return
    document = _document_answered(tx, status, sender)
    if document is None or event is None:
        arrival.record(sender, "status", stored.sha256, "unmatched", document)
        tx.note(document, "unmatched-status", sender=sender, code=status.status_code, sha256=stored.sha256)
        return
    tx.document(document)  # its row is held while deliveries are counted
    arrival.record(sender, "status", stored.sha256, "entered", document)
    tx.keep(document, f"status-{status.status_code}", f"{sender}-{status.status_code}.edxml", stored)
    after = tx.move_delivery(document, sender, event)
    tx.note(document, event.value, after=after, recipient=sender, description=status.description)
    settle(tx, document)
    orders.hear(tx, document, sender, event, after)


def _document_answered(tx: Transaction, status: StatusUpdate, sender: str) -> str | None:
    """The document of ours that the status speaks of, if it was sent to that sender at all."""
    query = (
        select(t.documents.c.id)
        .join_from(t.documents, t.deliveries)
        .where(
            (t.documents.c.direction == "outgoing")
            & (t.documents.c.document_id == status.response_for.document_id)
            & (t.deliveries.c.recipient == sender)
        )
    )
    return tx.connection.execute(query).scalar()


def verify(node: Node, claim: Claim) -> None:
    """Verify the arrived document; lead it on to registration, or refuse it with every reason."""
    with node.journal.reading() as connection:
        package = file_of(connection, claim.document, "package")
        header = select(t.documents.c.dispatch).where(t.documents.c.id == claim.document)
        secret = find_secret_marking(Dispatch.from_dict(connection.execute(header).scalar_one()))
    if secret is not None:
        files, reasons = list[tuple[str, str, Stored]](), [explain_marking(secret)]
    else:
        with scratch() as folder:
            copy = fetch(node, package.sha256, folder / "package.edxml")
            files, reasons = _examine(node, copy, claim.created_at)
    with finishing(node.journal, claim) as tx:
        for role, name, stored in files:
            tx.keep(claim.document, role, name, stored)
        if reasons:
            tx.advance(claim.document, Event.REFUSE, reasons=reasons)
        else:
            tx.advance(claim.document, Event.VERIFY)


def _examine(node: Node, package: Path, at: datetime) -> tuple[list[tuple[str, str, Stored]], list[str]]:
    """Unpack beside the package, and judge: what is to be kept, by role and name, and what speaks against."""
    exchange, folder = node.settings.exchange, package.with_name("attachments")
    try:
        content = unpack(package, into=folder, limits=replace(DEFAULT_LIMITS, admission=exchange.admission))
    except PackageError as error:
        if error.code not in OF_ADMISSION:
            raise
        return [], list(error.reasons)  # nothing of it leaves the package, which is kept
    kept = [("attachment", name, store(node, path)) for name, path in _attachments(content, folder)]
    report, reasons = _judge(node, content, folder, at)
    if report is not None:
        kept += [("report", name, store(node, path)) for name, path in _write_report(report, package.parent)]
    changed = [each for each in content.warnings if each.code in CHANGES and exchange.refuse_changed]
    return kept, [*(f"{each.text_vi} ({each.text})" for each in changed), *reasons]


def _attachments(content: Unpacked, folder: Path) -> Iterator[tuple[str, Path]]:
    assert content.dispatch is not None  # noqa: S101 - only documents get this far
    for attachment in content.dispatch.attachments:
        if attachment.path is not None:
            yield Path(attachment.path).name, folder / attachment.path


def _judge(node: Node, content: Unpacked, folder: Path, at: datetime) -> tuple[Report | None, list[str]]:
    """Judge the main document, the first PDF, by the document rule: the report, and what speaks against."""
    assert content.dispatch is not None  # noqa: S101
    dispatch = content.dispatch
    pdf = next((path for _, path in _attachments(content, folder) if path.suffix.lower() == ".pdf"), None)
    if pdf is None:
        return None, ["Gói tin không có văn bản PDF có chữ ký số (the package holds no signed PDF)."]
    report = verify_pdf(
        pdf,
        trust=node.trust,
        at=at,
        offline=True,
        rule="nd30",
        expected=Expected(
            number=dispatch.code.code_number,
            notation=dispatch.code.code_notation,
            date=dispatch.promulgation_info.promulgation_date,
            organization=dispatch.from_.organ_name,
        ),
    )
    # named as its sender named it: the report must not depend on where this worker's copy lay
    report = replace(report, files=tuple(replace(file, path=pdf.name) for file in report.files))
    return report, report.reasons()


def _write_report(report: Report, folder: Path) -> Iterator[tuple[str, Path]]:
    texts = {
        "report.json": json.dumps(report.to_dict(), ensure_ascii=False, indent=2),
        "report.html": to_html(report),
    }
    for name, text in texts.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        yield name, path


def register(node: Node, claim: Claim) -> None:
    """Give the arrival number and enter the register (NĐ 30/2020 Art 22)."""
    promises.require_reconciled(node)
    with finishing(node.journal, claim) as tx:
        given = registers.give_number(
            tx, series=node.settings.register_.incoming_series, document=claim.document
        )
        tx.advance(claim.document, Event.REGISTER, number=given.number)
        arrivedorders.carry_out(tx, claim.document)
        promise = promises.make(tx, given, document=claim.document)
    promises.keep(node, promise)
