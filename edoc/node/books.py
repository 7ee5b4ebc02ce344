"""The register books as rows of Annex IV of NĐ 30/2020, read from the registers a page at a time.

    book = Book(direction="outgoing", series="VB-DI", year=2026)
    write(node, "outgoing", year=2026, csv=…, xlsx=…, pdf=…)

A book may be exported while the node works: what is numbered meanwhile is in it or not, whole in either case.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Connection, func, select

from edoc.core.dispatch import Dispatch
from edoc.core.entryfields import EntryFields
from edoc.core.ids import display_number
from edoc.core.lifecycle import Event
from edoc.core.zone import VIETNAM
from edoc.errors import InputError
from edoc.node import alerts, registers
from edoc.node import tables as t
from edoc.node.node import Node
from edoc.render.bookpdf import to_pdf
from edoc.render.books import (
    INCOMING_COLUMNS,
    INCOMING_TITLE,
    OUTGOING_COLUMNS,
    OUTGOING_TITLE,
    Column,
    Cover,
    IncomingRow,
    OutgoingRow,
    Row,
    show_date,
    to_csv,
)
from edoc.render.bookxlsx import to_xlsx

DEFAULT_TYPE: Final = "Công văn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A series in a year."""

    direction: str
    series: str
    year: int
    last_number: int = 0


def write(
    node: Node,
    direction: str,
    *,
    year: int | None = None,
    series: str | None = None,
    csv: Path | None = None,
    xlsx: Path | None = None,
    pdf: Path | None = None,
) -> Book:
    """Write a book of a year (None: the newest) as CSV, workbook, printable PDF, or several; returns it.

    Raises `InputError` for a direction or series that there is not.
    """
    book = find_book(node, direction, year=year, series=series)
    columns, _, _ = _KINDS[direction]
    if csv is not None:
        to_csv(rows(node, book), columns, csv)
    if xlsx is not None:
        to_xlsx(rows(node, book), columns, xlsx, cover=cover(node, book))
    if pdf is not None:
        to_pdf(rows(node, book), columns, pdf, cover=cover(node, book))
    return book


def find_book(node: Node, direction: str, *, year: int | None = None, series: str | None = None) -> Book:
    """Give the book of a series and a year; the newest one if no year is named, an empty one if none is."""
    if direction not in _KINDS:
        raise InputError("a book is 'outgoing' or 'incoming'.", where=direction)
    name = registers.choose_series(node.settings.register_, direction, series)
    query = select(t.books).where(t.books.c.series == name).order_by(t.books.c.year.desc()).limit(1)
    if year is not None:
        query = query.where(t.books.c.year == year)
    with node.journal.reading() as connection:
        row = connection.execute(query).first()
    if row is not None:
        return Book(direction=direction, series=name, year=row.year, last_number=row.last_number)
    this_year = node.journal.clock().astimezone(VIETNAM).year
    return Book(direction=direction, series=name, year=this_year if year is None else year)


def list_books(node: Node) -> list[Book]:
    """Give all books, the oldest first."""
    books = t.books.c
    with node.journal.reading() as connection:
        found = connection.execute(select(t.books).order_by(books.year, books.direction, books.series))
        return [
            Book(direction=row.direction, series=row.series, year=row.year, last_number=row.last_number)
            for row in found
        ]


def cover(node: Node, book: Book) -> Cover:
    """Give what the title block says."""
    agency, entries = node.settings.agency, t.register_entries.c
    query = select(func.min(entries.number), func.max(entries.number)).where(
        (entries.series == book.series) & (entries.year == book.year)
    )
    ends = select(entries.given_at).where((entries.series == book.series) & (entries.year == book.year))
    with node.journal.reading() as connection:
        first, last = connection.execute(query).one()
        days = [
            _day(connection.execute(ends.where(entries.number == number)).scalar_one())
            for number in (first, last)
            if number is not None
        ]
    _, title, _ = _KINDS[book.direction]
    return Cover(
        title=title,
        agency=agency.organ_name,
        superior=agency.organization_in_charge,
        year=book.year,
        days=(days[0], days[1]) if days else None,
        numbers=(first, last) if days else None,
    )


def rows(node: Node, book: Book) -> Iterator[Row]:
    """Give the book's rows in order of number; the database is asked for some at a time."""
    _, _, make = _KINDS[book.direction]
    after = 0
    while True:
        with node.journal.reading() as connection:
            page = registers.page(connection, series=book.series, year=book.year, after=after)
            known = _Known.read(connection, page, book.direction)
        yield from (make(node, entry, known) for entry in page)
        if not page:
            return
        after = page[-1].number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is known of a page's documents beside their entries."""

    moved: Mapping[str, date]
    """When they were sent, or given to who handles them."""
    alerts: Mapping[str, Sequence[Mapping[str, Any]]]

    @classmethod
    def read(cls, connection: Connection, page: Sequence[Any], direction: str) -> "_Known":
        """Ask once for the whole page."""
        documents = [entry.document for entry in page if entry.document is not None]
        event = Event.SEND if direction == "outgoing" else Event.ASSIGN
        audit = t.audit.c
        moments = (
            select(audit.document, func.min(audit.at).label("at"))
            .where(audit.document.in_(documents) & (audit.event == event.value))
            .group_by(audit.document)
        )
        return cls(
            moved={row.document: _day(row.at) for row in connection.execute(moments)},
            alerts=alerts.alerts_of(connection, documents),
        )

    def note(self, entry: Any, fields: EntryFields) -> str:
        """What stands in the last column."""
        found = self.alerts.get(entry.document, entry.alerts or ())
        reserved = (
            ""
            if entry.reserved_for is None or registers.header_of(entry).get("subject")
            else _reserved(entry)
        )
        parts = (entry.void_reason, reserved, fields.note, *map(alerts.describe, found))
        return "; ".join(part for part in parts if part)


def _reserved(entry: Any) -> str:
    day = entry.reserved_until
    until = f" (cho ngày {show_date(date.fromisoformat(day))})" if day else ""
    return f"Số dành trước{until}: {entry.reserved_for}"


def _outgoing_row(node: Node, entry: Any, known: _Known) -> OutgoingRow:
    dispatch, fields = _read(entry)
    header = dispatch.other_info
    return OutgoingRow(
        # a reserved number is one already, whatever it will be used for
        code=_code(dispatch) or display_number(entry.number),
        issued=dispatch.promulgation_info.promulgation_date,
        subject=_subject(dispatch),
        signer=dispatch.signer_info.full_name if dispatch.signer_info else "",
        recipients="; ".join(to.organ_name or to.organ_id for to in dispatch.to)
        or "; ".join(dispatch.to_places),
        keeper=fields.keeper or (node.settings.agency.organ_name if dispatch.subject else ""),
        copies=(header.promulgation_amount if header else None) or (1 if dispatch.subject else None),
        transfer_date=fields.transfer_date or known.moved.get(entry.document),
        receipt=fields.receipt,
        note=known.note(entry, fields),
        voided=entry.void_reason is not None,
    )


def _incoming_row(node: Node, entry: Any, known: _Known) -> IncomingRow:
    dispatch, fields = _read(entry)
    return IncomingRow(
        arrival_date=fields.arrival_date or _day(entry.given_at),
        arrival_number=entry.number,
        author=dispatch.from_.organ_name or (dispatch.from_.organ_id if dispatch.subject else ""),
        code=_code(dispatch),
        issued=dispatch.promulgation_info.promulgation_date,
        subject=_subject(dispatch),
        unit=fields.unit or (node.settings.agency.organ_name if dispatch.subject else ""),
        transfer_date=fields.transfer_date or known.moved.get(entry.document),
        receipt=fields.receipt,
        note=known.note(entry, fields),
        voided=entry.void_reason is not None,
    )


def _read(entry: Any) -> tuple[Dispatch, EntryFields]:
    # a number that is only reserved has no issuer yet
    header = {"from": {"organ_id": "-"}, **registers.header_of(entry)}
    return Dispatch.from_dict(header), EntryFields.from_dict(entry.fields or {})


def _code(dispatch: Dispatch) -> str:
    return "/".join(filter(None, (dispatch.code.code_number, dispatch.code.code_notation)))


def _subject(dispatch: Dispatch) -> str:
    if not dispatch.subject:
        return ""
    return f"{dispatch.document_type.type_name or DEFAULT_TYPE}: {dispatch.subject}"


def _day(value: str) -> date:
    """The day of a time, in Vietnam."""
    return datetime.fromisoformat(value).astimezone(VIETNAM).date()


class _Make(Protocol):
    def __call__(self, node: Node, entry: Any, known: _Known) -> Row: ...


_KINDS: Final[Mapping[str, tuple[Sequence[Column], str, _Make]]] = {
    "outgoing": (OUTGOING_COLUMNS, OUTGOING_TITLE, _outgoing_row),
    "incoming": (INCOMING_COLUMNS, INCOMING_TITLE, _incoming_row),
}
