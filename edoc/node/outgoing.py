"""The steps of a document we send: number, seal, pack, deliver.

NĐ 30/2020 Art 14 gives the order: number and date, register, agency signature, release. The person's
signature is verified before a number is given (`edoc.node.clerk.submit`), the agency's key signs only what a
person validly signed (Art 32), and a number whose seal fails is voided where everybody sees it.
"""

import uuid
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import select

from edoc.core.chain import CertificateKind
from edoc.core.dispatch import Dispatch, TraceHeader
from edoc.core.ids import display_number, make_document_id
from edoc.core.lifecycle import Event, State
from edoc.core.zone import VIETNAM
from edoc.errors import PdfError, Refused
from edoc.node import promises, registers
from edoc.node import tables as t
from edoc.node.node import Node
from edoc.node.peers import reaching
from edoc.node.scratch import fetch, file_of, files_of, reading, scratch, store
from edoc.node.settling import settle
from edoc.node.tasks import Claim, finishing
from edoc.packing import pack as pack_dispatch
from edoc.signing import check_certificate, sign

_MESSAGES = uuid.UUID("6c1d6f0e-0d5c-4b1e-9a53-2d1c7a7f3e11")
"""Name space of message ids: the same document to the same recipient always gets the same one."""


def number(node: Node, claim: Claim) -> None:
    """Give number and date, enter the register, and fix the document's identifiers (Art 15).

    The seal's certificate is checked first: an expired one must not cost a number.
    """
    now = node.journal.clock()
    with node.settings.online.make(node.folder) as online:
        check_certificate(
            node.seal_key,
            kind=CertificateKind.AGENCY,
            trust=node.trust,
            at=now,
            fetcher=online.fetcher,
            freshness=online.freshness,
        )
    promises.require_reconciled(node)
    with finishing(node.journal, claim) as tx:
        row = tx.document(claim.document)
        given = registers.give_number(tx, series=node.settings.register_.outgoing_series, document=row.id)
        today = tx.now.astimezone(VIETNAM).date()
        dispatch = _numbered(Dispatch.from_dict(row.dispatch), given.number, today)
        tx.change(row.id, dispatch=dispatch.to_dict(), document_id=dispatch.document_id)
        tx.advance(row.id, Event.NUMBER, number=given.number, document_id=dispatch.document_id)
        promise = promises.make(tx, given, document=row.id)
    promises.keep(node, promise)


def _numbered(draft: Dispatch, given: int, today: date) -> Dispatch:
    code = replace(draft.code, code_number=display_number(given))
    return replace(
        draft,
        code=code,
        promulgation_info=replace(draft.promulgation_info, promulgation_date=today),
        document_id=make_document_id(draft.from_.organ_id, today, code.code_number, code.code_notation),
    )


def seal(node: Node, claim: Claim) -> None:
    """Fill number and date into the signed PDF and seal it; a document that cannot be sealed is voided."""
    promises.ensure(node, claim.document)
    with node.journal.reading() as connection:
        signed = file_of(connection, claim.document, "signed")
        dispatch = Dispatch.from_dict(connection.execute(_document(claim.document)).one().dispatch)
    try:
        with scratch() as folder:
            sealed = _seal(node, dispatch, fetch(node, signed.sha256, folder / "signed.pdf"))
            stored = store(node, sealed)
    except (Refused, PdfError) as error:
        with finishing(node.journal, claim) as tx:
            registers.void_number(tx, document=claim.document, reason=str(error))
            tx.advance(claim.document, Event.VOID, reason=str(error))
        return
    with finishing(node.journal, claim) as tx:
        tx.keep(claim.document, "sealed", signed.name, stored)
        tx.advance(claim.document, Event.SEAL, sha256=stored.sha256)


def _seal(node: Node, dispatch: Dispatch, signed: Path) -> Path:
    settings = node.settings.seal
    sealed = signed.with_name("sealed.pdf")
    code, issued = dispatch.code, dispatch.promulgation_info.promulgation_date
    assert issued is not None  # noqa: S101 - given together with the number
    first = () if settings.tsa is None else (settings.tsa,)
    with node.settings.online.make(node.folder, first=first) as online:
        sign(
            signed,
            sealed,
            key=node.seal_key,
            role="agency",
            number=int(code.code_number),
            notation=code.code_notation,
            date=issued,
            level=settings.level,
            image=None if settings.image is None else node.folder / settings.image,
            online=online,
            trust=node.trust,
        )
    return sealed


def pack(node: Node, claim: Claim) -> None:
    """Make the package. Its bytes and its message ids are fixed from here on, before the first attempt."""
    with node.journal.reading() as connection:
        row = connection.execute(_document(claim.document)).one()
        # a recall carries nothing but its words
        ordered = row.state == State.ORDERED
        sealed = () if ordered else (file_of(connection, claim.document, "sealed"),)
        annexes = files_of(connection, claim.document, "annex")
    hop = TraceHeader(
        organ_id=row.organ_id, timestamp=claim.created_at.astimezone(VIETNAM).replace(microsecond=0)
    )
    dispatch = replace(Dispatch.from_dict(row.dispatch), trace_headers=(hop,))
    with scratch() as folder:
        paths = [fetch(node, file.sha256, folder / str(file.id)) for file in (*sealed, *annexes)]
        package = folder / "package.edxml"
        pack_dispatch(dispatch, attach=paths, out=package)
        stored = store(node, package)
    with finishing(node.journal, claim) as tx:
        tx.keep(row.id, "package", f"{_file_name(row.document_id)}.edxml", stored)
        tx.advance(row.id, Event.PACK, sha256=stored.sha256)
        for recipient in dict.fromkeys(to.organ_id for to in dispatch.to):
            message_id = str(uuid.uuid5(_MESSAGES, f"{row.id} {recipient}"))
            tx.open_delivery(row.id, recipient, message_id=message_id)


def deliver(node: Node, claim: Claim) -> None:
    """Hand the package to one recipient's transport; the recipient stands in the task's argument."""
    recipient = claim.argument
    with node.journal.reading() as connection:
        package = file_of(connection, claim.document, "package")
        delivery = connection.execute(
            select(t.deliveries).where(
                (t.deliveries.c.document == claim.document) & (t.deliveries.c.recipient == recipient)
            )
        ).one()
    with reading(node, package.sha256) as source, reaching(claim.peer):
        node.transport.send(to=recipient, message_id=delivery.message_id, source=source)
    with finishing(node.journal, claim) as tx:
        tx.document(claim.document)
        after = tx.move_delivery(claim.document, recipient, Event.DELIVER)
        tx.note(claim.document, "deliver", after=after, recipient=recipient, message_id=delivery.message_id)
        settle(tx, claim.document)


def _document(document: str) -> Any:
    return select(t.documents).where(t.documents.c.id == document)


def _file_name(document_id: str) -> str:
    """A document's identifier as a file name that every system takes."""
    return "".join(c if c.isalnum() or c in ".-" else "-" for c in document_id)
