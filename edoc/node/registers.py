"""Register books: numbers without gaps or repeats within a book and a year.

A number is taken by updating the book's one row inside the same transaction that enters it, so a crash takes
either both or none. A book is a series in a year: one for what the agency issues, one for what it receives,
and one more for each advisory body that numbers by itself. Documents with state secrets have none here.

NĐ 30/2020 Art 15.1 (continuous from 01 on 1 January; number and symbol once a year, on paper and
electronically), Art 15.3 (the system numbers e-documents), Art 22.2 (incoming: one series), Annex IV and VI.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, Row, Select, bindparam, select, update

from edoc.core.entryfields import RegisterNumber
from edoc.core.ids import display_number
from edoc.core.zone import VIETNAM
from edoc.errors import InputError, Refused
from edoc.node import alerts, numberholds
from edoc.node import tables as t
from edoc.node.duplicates import symbol_key
from edoc.node.journal import Transaction
from edoc.node.settings import Register

PAGE: Final = 500
"""Entries that are read at once."""
_LONGEST_WAIT: Final = timedelta(minutes=10)
_ENTRIES, _DOCUMENTS = t.register_entries, t.documents
_ENTRY: Final = select(_ENTRIES).where(_ENTRIES.c.document == bindparam("of"))
_GIVEN_AT: Final = select(_ENTRIES.c.given_at).where(
    (_ENTRIES.c.series == bindparam("in_series"))
    & (_ENTRIES.c.year == bindparam("in_year"))
    & (_ENTRIES.c.number == bindparam("with_number"))
)
_TAKING: Final = (
    update(t.books)
    .where((t.books.c.series == bindparam("in_series")) & (t.books.c.year == bindparam("in_year")))
    .where(numberholds.none_open())
    .values(last_number=t.books.c.last_number + bindparam("count"))
    .returning(t.books.c.last_number, t.books.c.direction)
)


def give_number(tx: Transaction, *, series: str, document: str) -> RegisterNumber:
    """Give the document the next number of the book in the transaction's year, Vietnam time.

    A document that was submitted for a series of its own is numbered there, and one that holds a reserved
    number keeps it. What arrived is compared with what is there: duplicates, and what is longer than Annex
    VI allows, stay with the entry as alerts.

    Raises `Refused` that names the other document if number and symbol are taken in that year, or if the
    reserved number was voided or is one of another year. Raises `UnreconciledError` while numbering is held.
    """
    row, held = tx.document(document), number_of(tx.raw, document)
    if held is not None:
        return _take_held(tx, held)
    year = year_of(tx)
    book = row.series or series
    number = RegisterNumber(
        series=book, year=year, number=take_numbers(tx, series=book, year=year, direction=row.direction)
    )
    _come_after(tx, number)
    header: Mapping[str, Any] = row.dispatch
    if row.direction == "incoming":
        values = alerts.examine(tx.raw, header)
    else:
        values = {"symbol": symbol_key((header.get("code") or {}).get("code_notation") or "")}
    enter(tx, number, document=document, **values)
    return number


def _come_after(tx: Transaction, number: RegisterNumber) -> None:
    """Let a transaction that waited for the book be no earlier than the one it waited for.

    Else one that began before midnight could give a later number an earlier date. Nobody waits for long: an
    entry from farther ahead was written under a wrong clock, and is not followed.
    """
    before = RegisterNumber(series=number.series, year=number.year, number=number.number - 1)
    entry = {"in_series": before.series, "in_year": before.year, "with_number": before.number}
    given_at = tx.raw.execute(_GIVEN_AT, entry).scalar()
    if given_at is not None and datetime.fromisoformat(given_at) - tx.now < _LONGEST_WAIT:
        tx.now = max(tx.now, datetime.fromisoformat(given_at))


def choose_series(settings: Register, direction: str, name: str | None = None) -> str:
    """Give the series of that name, or the usual one of a direction; an unknown one raises `InputError`."""
    usual = settings.outgoing_series if direction == "outgoing" else settings.incoming_series
    known = (usual, *settings.advisory_series) if direction == "outgoing" else (usual,)
    if name is not None and name not in known:
        raise InputError(
            f"this node has no such series of {direction} documents.",
            where=name,
            advice=f"Known are: {', '.join(known)}. Others stand in register.advisory_series.",
        )
    return usual if name is None else name


def year_of(tx: Transaction) -> int:
    """The year of a transaction, in Vietnam."""
    return tx.now.astimezone(VIETNAM).year


def take_numbers(tx: Transaction, *, series: str, year: int, direction: str, count: int = 1) -> int:
    """Take the next numbers of a book; returns the first. The book is held until the transaction ends.

    Raises `Refused` if the book is one of the other direction, and `UnreconciledError` while numbering is
    held (`edoc.node.numberholds`).
    """
    asked = {"in_series": series, "in_year": year, "count": count}
    taken = tx.raw.execute(_TAKING, asked).first()
    if taken is None:  # the first of its year
        numberholds.require_none(tx.raw)
        book = {"series": series, "year": year, "direction": direction, "last_number": 0}
        tx.raw.execute(tx.insert_once(t.books).values(book))
        taken = tx.raw.execute(_TAKING, asked).one()
    if taken.direction != direction:
        raise Refused(f"the book {series}/{year} is for {taken.direction} documents.")
    return int(taken.last_number) - count + 1


def enter(tx: Transaction, number: RegisterNumber, **values: Any) -> None:
    """Write an entry; raises `Refused` that names the other document if number and symbol are taken."""
    entry = {"series": number.series, "year": number.year, "number": number.number, "given_at": tx.at}
    entering = tx.insert_once(_ENTRIES).returning(_ENTRIES.c.number)
    entered = tx.raw.execute(entering, {**entry, **values}).first()
    if entered is None:
        refuse_symbol(tx.connection, number, values.get("symbol"))


def refuse_symbol(connection: Connection, number: RegisterNumber, symbol: str | None) -> NoReturn:
    """Raise `Refused` that names the document with the same number and symbol in that year."""
    same = (
        (_ENTRIES.c.year == number.year)
        & (_ENTRIES.c.symbol == symbol)
        & (_ENTRIES.c.number == number.number)
    )
    other = connection.execute(joined().where(same)).first()
    if other is None:
        raise Refused("this number is in the register already.", where=str(number))
    name = other.document_id or other.document or "giấy (paper)"
    raise Refused(
        f"number and symbol {display_number(number.number)}/{symbol_of(other)} are taken in {number.year}"
        f" by {ref(other)} ({name}).",
        where=str(number),
        advice=f"Reserve the next number of {number.series} and void it, or take another symbol.",
    )


def symbol_of(row: Any) -> str:
    """The symbol of an entry as its document writes it."""
    return str((header_of(row).get("code") or {}).get("code_notation") or "")


def _take_held(tx: Transaction, row: Any) -> RegisterNumber:
    number = ref(row)
    numberholds.require_none(tx.connection)
    if row.void_reason is not None:
        raise Refused(
            f"the number that was reserved for it was voided: {row.void_reason}.", where=str(number)
        )
    if number.year != year_of(tx):
        raise Refused(
            f"the number that was reserved for it is one of {number.year}.",
            where=str(number),
            advice="Recall the document and submit it again.",
        )
    tx.connection.execute(update(_ENTRIES).where(at(number)).values(given_at=tx.at))
    return number


def void_number(tx: Transaction, *, document: str, reason: str) -> None:
    """Strike the document's number through; number and reason stay visible for good."""
    tx.connection.execute(update(_ENTRIES).where(_ENTRIES.c.document == document).values(void_reason=reason))


def ref(row: Any) -> RegisterNumber:
    """The number of an entry."""
    return RegisterNumber(series=row.series, year=row.year, number=row.number)


def at(number: RegisterNumber) -> Any:
    """The condition that names one entry."""
    return (
        (_ENTRIES.c.series == number.series)
        & (_ENTRIES.c.year == number.year)
        & (_ENTRIES.c.number == number.number)
    )


def joined() -> Select[Any]:
    """Entries with what their documents say: `dispatch`, `direction`, `state`, `document_id`."""
    d = _DOCUMENTS.c
    return select(_ENTRIES, d.dispatch, d.direction, d.state, d.document_id).join_from(
        _ENTRIES, _DOCUMENTS, isouter=True
    )


def header_of(row: Any) -> Mapping[str, Any]:
    """The header of an entry's document, on paper or not; empty for a reserved number."""
    return row.dispatch or row.paper or {}


def number_of(connection: Connection, document: str) -> Row[Any] | None:
    """The register entry of a document, or None if it has no number."""
    return connection.execute(_ENTRY, {"of": document}).first()


def page(
    connection: Connection, *, series: str, year: int, after: int = 0, limit: int = PAGE
) -> Sequence[Row[Any]]:
    """Some of a book's entries (`joined`) in order of number, those after number `after`."""
    return connection.execute(
        joined()
        .where((_ENTRIES.c.series == series) & (_ENTRIES.c.year == year) & (_ENTRIES.c.number > after))
        .order_by(_ENTRIES.c.number)
        .limit(limit)
    ).all()


def entries(connection: Connection, *, series: str, year: int) -> Iterator[Row[Any]]:
    """The book's entries (`joined`) in order of number, a page at a time."""
    after = 0
    while rows := page(connection, series=series, year=year, after=after):
        yield from rows
        after = rows[-1].number
