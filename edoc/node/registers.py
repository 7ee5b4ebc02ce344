"""Register books: numbers without gaps or repeats within a book and a year.

A number is taken by updating the book's one row inside the same transaction that enters it, so a crash takes
either both or none. NĐ 30/2020 Art 15.1 (continuous from 01 on 1 January), Art 15.3 (the system numbers
e-documents), Art 22.2 (incoming), Annex IV (the ten columns).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from edoc.core.zone import VIETNAM
from edoc.node import tables as t
from edoc.node.journal import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterNumber:
    """A number in a book."""

    series: str
    year: int
    number: int


def give_number(tx: Transaction, *, series: str, document: str) -> RegisterNumber:
    """Give the document the next number of the book in the transaction's year, Vietnam time."""
    year = tx.now.astimezone(VIETNAM).year
    tx.connection.execute(tx.insert_once(t.books).values(series=series, year=year, last_number=0))
    number = tx.connection.execute(
        update(t.books)
        .where((t.books.c.series == series) & (t.books.c.year == year))
        .values(last_number=t.books.c.last_number + 1)
        .returning(t.books.c.last_number)
    ).scalar_one()
    tx.connection.execute(
        insert(t.register_entries).values(
            series=series, year=year, number=number, document=document, given_at=tx.at, void_reason=None
        )
    )
    return RegisterNumber(series=series, year=year, number=number)


def void_number(tx: Transaction, *, document: str, reason: str) -> None:
    """Strike the document's number through; number and reason stay visible for good."""
    tx.connection.execute(
        update(t.register_entries).where(t.register_entries.c.document == document).values(void_reason=reason)
    )


def number_of(connection: Connection, document: str) -> Row[Any] | None:
    """The register entry of a document, or None if it has no number."""
    return connection.execute(
        select(t.register_entries).where(t.register_entries.c.document == document)
    ).first()


def entries(connection: Connection, *, series: str, year: int) -> Iterator[Row[Any]]:
    """The book's entries joined with their documents, in order of number."""
    yield from connection.execute(
        select(t.register_entries, t.documents)
        .join_from(t.register_entries, t.documents)
        .where((t.register_entries.c.series == series) & (t.register_entries.c.year == year))
        .order_by(t.register_entries.c.number)
    )
