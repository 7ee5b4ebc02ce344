"""What a node tells the sender of a document or an order: the statuses 01 to 06, 15 and 16 of QCVN 102."""

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select

from edoc.core.dispatch import Dispatch, ResponseFor, StatusUpdate
from edoc.core.lifecycle import Event, State, Work
from edoc.core.zone import VIETNAM
from edoc.node import promises
from edoc.node import tables as t
from edoc.node.journal import Transaction
from edoc.node.node import Node
from edoc.node.peers import reaching
from edoc.node.scratch import store
from edoc.node.tasks import Claim, Finish
from edoc.packing import pack_status

_ANSWERS = uuid.UUID("3f6f4a52-7f2e-4a5e-8a53-0b7d9a3c5e20")
"""Name space of the message ids of answers: one document, one status code, one id."""

_DOCUMENT: Final = select(t.documents).where(t.documents.c.id == bindparam("of"))


def answer(node: Node, claim: Claim) -> Finish:
    """Send one status to the sender; the code stands in the task's argument.

    The bytes follow from the document and the task alone, so each attempt sends the same.
    """
    code = claim.argument
    if code == "03":
        promises.ensure(node, claim.document)
    with node.journal.reading() as connection:
        row = connection.execute(_DOCUMENT, {"of": claim.document}).one()
        reasons = _reasons(connection, row.id, code)
    status = _status(node, row, code, claim.created_at, reasons)
    with node.workspace.scratch(0) as folder:
        path = folder / "status.edxml"
        pack_status(status, out=path)
        stored = store(node, path)
        with path.open("rb") as source, reaching(claim.peer):
            node.transport.send(
                to=row.organ_id, message_id=str(uuid.uuid5(_ANSWERS, f"{row.id} {code}")), source=source
            )

    def finish(tx: Transaction) -> None:
        state = tx.document(row.id).state
        tx.keep(row.id, f"answer-{code}", f"{code}.edxml", stored)
        tx.note(row.id, f"answer-{code}", to=row.organ_id)
        tx.answered(row.id, code)
        if state == State.COMPLETED and not tx.has_open_work(row.id):
            tx.require(row.id, (Work.ARCHIVE, ""))

    return finish


_EXPLAINED = {"02": Event.REFUSE, "16": Event.DECLINE}


def _reasons(connection: Connection, document: str, code: str) -> list[str]:
    """Why something was refused or declined, as it stands in the audit log."""
    if code not in _EXPLAINED:
        return []
    query = select(t.audit.c.details).where(
        (t.audit.c.document == document) & (t.audit.c.event == _EXPLAINED[code].value)
    )
    details = connection.execute(query.order_by(t.audit.c.seq)).scalars().first()
    return list((details or {}).get("reasons", []))


_WORDS = {
    "01": "Văn bản đã đến",
    "02": "Từ chối tiếp nhận",
    "03": "Đã tiếp nhận, đăng ký vào sổ văn bản đến",
    "04": "Đã phân công xử lý",
    "05": "Đang xử lý",
    "06": "Đã hoàn thành xử lý",
    "15": "Đồng ý cập nhật, thu hồi",
    "16": "Từ chối cập nhật, thu hồi",
}


def _status(node: Node, row: Row[Any], code: str, at: datetime, reasons: list[str]) -> StatusUpdate:
    dispatch = Dispatch.from_dict(row.dispatch)
    return StatusUpdate(
        from_=node.settings.agency.organization,
        response_for=ResponseFor(
            organ_id=row.organ_id,
            code=f"{dispatch.code.code_number}/{dispatch.code.code_notation}",
            # a recall by status 13 has no identifier of its own
            document_id=dispatch.document_id or (dispatch.business.document_id if dispatch.business else ""),
            promulgation_date=dispatch.promulgation_info.promulgation_date,
        ),
        status_code=code,
        description=": ".join(filter(None, (_WORDS[code], "; ".join(reasons)))),
        timestamp=at.astimezone(VIETNAM).replace(microsecond=0),
    )
