"""What a register entry says, ready for JSON and for people.

list_entries(node, "outgoing", year=2026)      # a page, in order of number
tell(node, RegisterNumber.parse("VB-DI/2026/17"))
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from edoc.core.annex6 import tabulate
from edoc.core.entryfields import EntryFields, RegisterNumber
from edoc.core.zone import VIETNAM
from edoc.errors import InputError
from edoc.node import registers
from edoc.node import tables as t
from edoc.node.alerts import alerts_of, describe
from edoc.node.books import find_book
from edoc.node.node import Node


def list_entries(
    node: Node,
    direction: str,
    *,
    year: int | None = None,
    series: str | None = None,
    after: int = 0,
    limit: int = registers.PAGE,
) -> list[dict[str, Any]]:
    """Give some of a book's entries, those after number `after`."""
    book = find_book(node, direction, year=year, series=series)
    with node.journal.reading() as connection:
        page = registers.page(connection, series=book.series, year=book.year, after=after, limit=limit)
        alerts = alerts_of(connection, [row.document for row in page if row.document is not None])
    return [_summarize(row, alerts.get(row.document, row.alerts or [])) for row in page]


def _summarize(row: Any, alerts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    header = registers.header_of(row)
    code = header.get("code") or {}
    words = [describe(alert) for alert in alerts]
    if row.reserved_for is not None and "subject" not in header:
        words.insert(0, f"Số dành trước: {row.reserved_for}")
    if row.void_reason is not None:
        words.insert(0, f"Đã hủy số: {row.void_reason}")
    return {
        "entry": str(registers.ref(row)),
        "number": row.number,
        "code": "/".join(filter(None, (code.get("code_number"), code.get("code_notation")))),
        "issued": (header.get("promulgation_info") or {}).get("promulgation_date"),
        "subject": header.get("subject", ""),
        "document": row.document,
        "void_reason": row.void_reason,
        "alerts": list(alerts),
        "note": "; ".join(words),
    }


def tell(node: Node, number: RegisterNumber) -> dict[str, Any]:
    """Give everything that the register knows of an entry, its fields by the names of Annex VI.

    Raises `InputError` if there is no such entry.
    """
    books = t.books.c
    with node.journal.reading() as connection:
        row = connection.execute(registers.joined().where(registers.at(number))).first()
        if row is None:
            raise InputError("there is no such entry.", where=str(number), advice="See 'edoc register list'.")
        named = (books.series == number.series) & (books.year == number.year)
        direction = connection.execute(select(books.direction).where(named)).scalar_one()
        alerts = alerts_of(connection, [row.document] if row.document else [])
    found = alerts.get(row.document, row.alerts or [])
    clerks = EntryFields.from_dict(row.fields or {})
    held = dict(clerks.held())
    if direction == "incoming":
        arrived = clerks.arrival_date or datetime.fromisoformat(row.given_at).astimezone(VIETNAM).date()
        held |= {"ArrivalDate": arrived.isoformat(), "ArrivalNumber": row.number}
    return {
        "entry": str(number),
        "direction": direction,
        "document": row.document,
        "state": row.state,
        "given_at": row.given_at,
        "reserved_for": row.reserved_for,
        "reserved_until": row.reserved_until,
        "void_reason": row.void_reason,
        "fields": tabulate(registers.header_of(row), direction, held),
        "clerk": row.fields or {},
        "alerts": [{**alert, "text": describe(alert)} for alert in found],
    }
