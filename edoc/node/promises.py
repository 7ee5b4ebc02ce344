"""Which number was given to what, kept in the object store: it outlives a database that is lost.

    require_reconciled(node)                  # before a process gives its first number
    with node.journal.transaction(…) as tx:
        given = registers.give_number(tx, …)
        promise = make(tx, given, document=document)
    keep(node, promise)                       # the number is committed, the book no longer locked
    ensure(node, document)                    # before anything that bears the number is stored or sent

A promise is written after the commit that gave the number, so whatever stands here was given; and before a
byte with the number leaves the node, so whatever was issued stands here. A database in which a promised
number is missing is therefore an older one: it gives no number until it is reconciled
(`edoc.node.reconcile`). One small object a number. A promise holds the document's header, so
that its entry can be restored with all columns. Serves NĐ 30/2020 Art 15.1.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import structlog
from sqlalchemy import Connection, select

from edoc.core.entryfields import RegisterNumber
from edoc.core.zone import VIETNAM
from edoc.errors import Conflict, EdocError
from edoc.node import numberholds, registers
from edoc.node import tables as t
from edoc.node.journal import Transaction
from edoc.node.node import Node

ROOT: Final = "numbers/"
_PLAIN: Final = re.compile(r"[0-9A-Za-z-]+", re.ASCII)
_NAME: Final = re.compile(r"numbers/([^/]+)/(\d{4})/(\d{6})/(\d{3})", re.ASCII)
_SHELF: Final = 1000
"""Numbers in one folder."""
_LARGEST: Final = 60_000
"""Bytes of a promise."""
_LEFT_OUT: Final = ("attachments", "trace_headers", "trace_header_list", "content")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A number that was given, or the last of several that were reserved at once."""

    number: RegisterNumber
    direction: str
    given_at: str
    """UTC, as in the tables."""
    document: str | None = None
    """Id in this node; None for reserved numbers."""
    header: Mapping[str, Any] = field(default_factory=dict)
    first: int | None = None
    """The first of the numbers that were reserved at once."""

    def to_text(self) -> str:
        """As it is kept; a header that is too long is left out."""
        plain: dict[str, Any] = {
            "entry": str(self.number),
            "first": self.first,
            "direction": self.direction,
            "document": self.document,
            "given_at": self.given_at,
            "header": {name: value for name, value in self.header.items() if name not in _LEFT_OUT},
        }
        text = json.dumps(plain, ensure_ascii=False)
        return text if len(text.encode()) <= _LARGEST else json.dumps({**plain, "header": {}})

    @classmethod
    def from_text(cls, number: RegisterNumber, text: str) -> Self:
        """Read what is kept; of what is no promise only the number counts."""
        try:
            plain = json.loads(text)
            return cls(
                number=number,
                direction=str(plain["direction"]),
                given_at=str(plain["given_at"]),
                document=plain["document"],
                header=dict(plain["header"]),
                first=plain["first"],
            )
        except (ValueError, KeyError, TypeError):
            return cls(number=number, direction="", given_at="")


def name_of(number: RegisterNumber) -> str:
    """Where a number's promise stands: in order of numbers, a thousand in a folder."""
    shelf, place = divmod(number.number, _SHELF)
    return f"{_folder(number.series, number.year)}{shelf:06d}/{place:03d}"


def _folder(series: str, year: int) -> str:
    # names of promises know no diacritics
    plain = series if _PLAIN.fullmatch(series) else f"_{series.encode().hex()}"
    return f"{ROOT}{plain}/{year}/"


def read_name(name: str) -> RegisterNumber | None:
    """The number whose promise stands under a name; None for any other name."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    series = found[1]
    try:
        plain = bytes.fromhex(series[1:]).decode() if series.startswith("_") else series
    except ValueError:
        return None
    return RegisterNumber(series=plain, year=int(found[2]), number=int(found[3]) * _SHELF + int(found[4]))


def make(tx: Transaction, number: RegisterNumber, *, document: str) -> Promise:
    """Make the promise of a number that the transaction gives to the document."""
    row = tx.document(document)
    return Promise(
        number=number, direction=row.direction, given_at=tx.at, document=document, header=row.dispatch
    )


def keep(node: Node, promise: Promise) -> None:
    """Write a promise down whose number was committed just now.

    If the store is away now, or the number was another document's before, only the log says so: `ensure`
    raises it before the number can be used.
    """
    try:
        _write(node, promise)
    except EdocError as error:
        log.warning("number not promised yet", entry=str(promise.number), reason=str(error))


def keep_reserved(node: Node, tx: Transaction, numbers: Sequence[RegisterNumber], *, direction: str) -> None:
    """Promise numbers that the transaction, committed just now, reserved: nobody has seen them yet.

    Raises what `ensure` raises.
    """
    first, last = numbers[0].number, numbers[-1]
    _write(node, Promise(number=last, direction=direction, given_at=tx.at, first=first))


def ensure(node: Node, document: str) -> None:
    """Return when the document's number is promised; does nothing if this process has promised it.

    Raises `Conflict` if the number was given to another document before the database was restored: then
    numbering is held. Raises `Unavailable` if the store cannot be reached.
    """
    if document in node.promised:
        return
    with node.journal.reading() as connection:
        row = connection.execute(registers.joined().where(t.register_entries.c.document == document)).first()
    if row is not None:
        _write(
            node,
            Promise(
                number=registers.ref(row),
                direction=row.direction,
                given_at=row.given_at,
                document=document,
                header=row.dispatch,
            ),
        )


def _write(node: Node, promise: Promise) -> None:
    text = node.objects.promise(name_of(promise.number), promise.to_text())
    standing = Promise.from_text(promise.number, text)
    if standing.document not in (None, promise.document):
        reason = f"{promise.number} was given to {standing.document}, which the database does not know."
        with node.journal.transaction(actor="promises") as tx:
            numberholds.hold(tx, reason)
        raise Conflict(reason, advice="Reconcile with 'edoc register reconcile', then void this number.")
    if promise.document is not None:
        node.promised.add(promise.document)


def require_reconciled(node: Node) -> None:
    """Raise `UnreconciledError`, and hold numbering, if the store knows numbers that the database lacks.

    A process looks once, before it gives its first number: a list of what comes after the last number of
    each book that may be numbered now, usually empty. Raises `Unavailable` if the store cannot be reached.
    """
    if _LOOKED in node.promised:
        return
    with node.journal.reading() as connection:
        numberholds.require_none(connection)
    late = find_late(node)
    if late is not None:
        with node.journal.transaction(actor="promises") as tx:
            numberholds.hold(tx, f"{late} was given already, and the database is an older one.")
            reason = numberholds.find_hold(tx.connection) or ""
        raise numberholds.UnreconciledError(reason)
    node.promised.add(_LOOKED)


_LOOKED: Final = "the store was compared with the books"


def find_late(node: Node) -> RegisterNumber | None:
    """Return a promised number that is higher than its book's last one, or None if there is none.

    Of the books of this year and the next: others give no numbers.
    """
    settings = node.settings.register_
    series = {settings.outgoing_series, settings.incoming_series, *settings.advisory_series}
    with node.journal.reading_at() as (connection, now):
        year = now.astimezone(VIETNAM).year
        books = {(name, each): 0 for name in series for each in (year, year + 1)}
        books |= last_numbers(connection, since=year)
    for (name, each), last in sorted(books.items()):
        reached = RegisterNumber(series=name, year=each, number=last)
        for promise in node.objects.promises(_folder(name, each), after=name_of(reached)):
            number = read_name(promise)
            # another process may have given it meanwhile: the commit came before the promise
            if number is not None and number.number > _last_now(node, name, each):
                return number
    return None


def last_numbers(connection: Connection, *, since: int = 0) -> dict[tuple[str, int], int]:
    """The last number of each book (series, year) since a year."""
    books = t.books.c
    rows = connection.execute(select(books.series, books.year, books.last_number).where(books.year >= since))
    return {(row.series, row.year): row.last_number for row in rows}


def _last_now(node: Node, series: str, year: int) -> int:
    with node.journal.reading() as connection:
        return last_numbers(connection, since=year).get((series, year), 0)


def list_promised(node: Node) -> Iterator[RegisterNumber]:
    """Every number that is promised, in the order of their names."""
    for name in node.objects.promises(ROOT):
        number = read_name(name)
        if number is not None:
            yield number


def read(node: Node, number: RegisterNumber) -> Promise | None:
    """The promise of a number, if there is one."""
    text = node.objects.promised(name_of(number))
    return None if text is None else Promise.from_text(number, text)
