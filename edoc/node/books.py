"""The register books as rows of Annex IV of NĐ 30/2020, read from the registers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Row, select

from edoc.core.dispatch import Dispatch
from edoc.core.ids import display_number
from edoc.core.lifecycle import Event
from edoc.core.zone import VIETNAM
from edoc.node import registers
from edoc.node import tables as t
from edoc.node.node import Node
from edoc.render.books import (
    INCOMING_COLUMNS,
    INCOMING_TITLE,
    OUTGOING_COLUMNS,
    OUTGOING_TITLE,
    Column,
    IncomingRow,
    OutgoingRow,
    to_csv,
    to_pdf,
)

DEFAULT_TYPE: Final = "Công văn"
_DAY: Final = "%d/%m/%Y"


def write(
    node: Node, direction: str, *, year: int | None = None, csv: Path | None = None, pdf: Path | None = None
) -> None:
    """Write the book `outgoing` or `incoming` of a year (None: the newest) as CSV, printable PDF, or both."""
    rows_of, columns, title = BOOKS[direction]
    year = year or max(years(node), default=node.journal.clock().astimezone(VIETNAM).year)
    rows = rows_of(node, year=year)
    if csv is not None:
        to_csv(rows, columns, csv)
    if pdf is not None:
        to_pdf(rows, columns, pdf, title=title, agency=node.settings.agency.organ_name, year=year)


def outgoing(node: Node, *, year: int) -> list[OutgoingRow]:
    """Return the book of documents sent in a year, in order of number."""
    with node.journal.reading() as connection:
        entries = list(
            registers.entries(connection, series=node.settings.register_.outgoing_series, year=year)
        )
    return [_outgoing_row(node, entry) for entry in entries]


def incoming(node: Node, *, year: int) -> list[IncomingRow]:
    """Return the book of documents received in a year, in order of arrival number."""
    with node.journal.reading() as connection:
        entries = list(
            registers.entries(connection, series=node.settings.register_.incoming_series, year=year)
        )
    return [_incoming_row(node, entry) for entry in entries]


def years(node: Node) -> list[int]:
    """Return the years that have a book."""
    with node.journal.reading() as connection:
        return list(connection.execute(select(t.books.c.year).distinct().order_by(t.books.c.year)).scalars())


def _outgoing_row(node: Node, entry: Row[Any]) -> OutgoingRow:
    dispatch = Dispatch.from_dict(entry.dispatch)
    amount = dispatch.other_info.promulgation_amount if dispatch.other_info else None
    return OutgoingRow(
        code=_code(dispatch),
        date=_issued(dispatch),
        subject=_subject(dispatch),
        signer=dispatch.signer_info.full_name if dispatch.signer_info else "",
        recipients="; ".join(to.organ_name or to.organ_id for to in dispatch.to),
        keeper=node.settings.agency.organ_name,
        copies=str(amount or 1),
        transfer_date=_moment(node, entry.document, Event.SEND),
        receipt="",
        note=entry.void_reason or "",
        voided=entry.void_reason is not None,
    )


def _incoming_row(node: Node, entry: Row[Any]) -> IncomingRow:
    dispatch = Dispatch.from_dict(entry.dispatch)
    return IncomingRow(
        arrival_date=_day(entry.given_at),
        arrival_number=display_number(entry.number),
        author=dispatch.from_.organ_name or dispatch.from_.organ_id,
        code=_code(dispatch),
        date=_issued(dispatch),
        subject=_subject(dispatch),
        unit=node.settings.agency.organ_name,
        transfer_date=_moment(node, entry.document, Event.ASSIGN),
        receipt="",
        note=entry.void_reason or "",
        voided=entry.void_reason is not None,
    )


def _code(dispatch: Dispatch) -> str:
    return f"{dispatch.code.code_number}/{dispatch.code.code_notation}"


def _issued(dispatch: Dispatch) -> str:
    issued = dispatch.promulgation_info.promulgation_date
    return "" if issued is None else issued.strftime(_DAY)


def _subject(dispatch: Dispatch) -> str:
    return f"{dispatch.document_type.type_name or DEFAULT_TYPE}: {dispatch.subject}"


def _day(value: str) -> str:
    """The day of a time, in Vietnam."""
    return datetime.fromisoformat(value).astimezone(VIETNAM).strftime(_DAY)


def _moment(node: Node, document: str, event: Event) -> str:
    query = select(t.audit.c.at).where((t.audit.c.document == document) & (t.audit.c.event == event.value))
    with node.journal.reading() as connection:
        at = connection.execute(query.limit(1)).scalar()
    return "" if at is None else _day(at)


BOOKS: Final[
    Mapping[str, tuple[Callable[..., Sequence[OutgoingRow | IncomingRow]], Sequence[Column], str]]
] = {
    "outgoing": (outgoing, OUTGOING_COLUMNS, OUTGOING_TITLE),
    "incoming": (incoming, INCOMING_COLUMNS, INCOMING_TITLE),
}
