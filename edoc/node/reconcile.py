"""Brings the registers of a restored node up to date: numbers that were given and that its database lacks.

    found = find_missing(node)
    enter(node, found, actor="operator")            # visible rows; then numbering goes on

Three witnesses outlive the database: the promises of numbers, the packages that were sent, and the manifests
of the archive, all in the object store. Each number that one of them knows and no book has is entered as a
row of its own, with the header that the witness kept; a number between them that nobody knows is entered,
too, so that no book has a gap. A document that the old database still holds without its number gets it back,
unless it was packed already: then it may have been sent and must not be sent a second time in other words.
Serves NĐ 30/2020 Art 15.1 and 22.2.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Row, select, update

from edoc.core.entryfields import RegisterNumber
from edoc.core.lifecycle import Event, State
from edoc.edxml.admission import EVERYTHING
from edoc.edxml.limits import DEFAULT_LIMITS
from edoc.errors import EdocError, InputError
from edoc.node import alerts, archive, numberholds, promises, search
from edoc.node import tables as t
from edoc.node.duplicates import symbol_key
from edoc.node.journal import Transaction
from edoc.node.node import Node
from edoc.node.orphans import find_orphans
from edoc.node.scratch import fetch_stored
from edoc.packing import unpack

REASON: Final = "Khôi phục sau sự cố (restored)"
"""What stands with every entry that was made here."""
_MOST: Final = 100_000
"""Numbers that are entered in one book at once: more than an agency gives in a year."""
_MAX_MANIFEST: Final = 64 << 20
_ALL_LET_IN: Final = replace(DEFAULT_LIMITS, admission=EVERYTHING)
_ENTRIES, _BOOKS = t.register_entries.c, t.books.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A number that was given, and that no book of the database has."""

    number: RegisterNumber
    direction: str
    witnesses: tuple[str, ...]
    """`promise`, `package`, `manifest`, `operator`; empty for a number between others."""
    document: str | None = None
    """Its id in this node."""
    given_at: str | None = None
    header: Mapping[str, Any] = field(default_factory=dict)

    @property
    def packed(self) -> bool:
        """Whether a package was made of it, which may have been sent."""
        return not {"package", "manifest"}.isdisjoint(self.witnesses)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        code = self.header.get("code") or {}
        return {
            "entry": str(self.number),
            "direction": self.direction,
            "witnesses": list(self.witnesses),
            "document": self.document,
            "given_at": self.given_at,
            "document_id": self.header.get("document_id") or "",
            "notation": code.get("code_notation") or "",
            "subject": self.header.get("subject") or "",
        }


def find_missing(node: Node, *, last: Sequence[RegisterNumber] = ()) -> list[Missing]:
    """Find every number that was given and is in no book; `last` are numbers that somebody knows of besides.

    Books, then numbers, in order; numbers between them included. Reads the promises of unknown numbers and
    every object that no row names. Ask while the node's workers stand still. Raises `InputError` for a `last`
    that cannot be, `Unavailable` if the store or the database cannot be reached.
    """
    with node.journal.reading() as connection:
        rows = connection.execute(select(_ENTRIES.series, _ENTRIES.year, _ENTRIES.number))
        known = {RegisterNumber(series=row.series, year=row.year, number=row.number) for row in rows}
    promised = list(_from_promises(node, known))
    named = {each.header["document_id"]: each.number for each in promised if each.header.get("document_id")}
    found: dict[RegisterNumber, Missing] = {}
    for each in (*promised, *_from_objects(node, named), *_from_operator(node, last)):
        if each.number not in known:
            earlier = found.get(each.number)
            found[each.number] = each if earlier is None else _join(earlier, each)
    with node.journal.reading() as connection:
        reached = promises.last_numbers(connection)
    return [*_without_gaps(node, found, reached, known)]


def _join(one: Missing, other: Missing) -> Missing:
    """What two witnesses say of the same number; the first is believed."""
    fuller = one if one.header else other
    return replace(
        one,
        direction=one.direction or other.direction,
        witnesses=tuple(dict.fromkeys((*one.witnesses, *other.witnesses))),
        document=one.document or other.document,
        given_at=one.given_at or other.given_at,
        header=fuller.header,
    )


def _from_promises(node: Node, known: set[RegisterNumber]) -> Iterator[Missing]:
    for number in promises.list_promised(node):
        if number in known:
            continue
        promise = promises.read(node, number)
        if promise is None:
            continue
        for each in range(promise.first or number.number, number.number + 1):
            yield Missing(
                number=replace(number, number=each),
                direction=promise.direction,
                witnesses=("promise",),
                document=promise.document,
                given_at=promise.given_at or None,
                header=promise.header,
            )


def _from_objects(node: Node, named: Mapping[str, RegisterNumber]) -> Iterator[Missing]:
    """What manifests and packages tell that no row names; `named` are documents whose numbers are known."""
    for sha256 in find_orphans(node):
        with node.workspace.scratch() as folder:
            try:
                found = _examine(node, fetch_stored(node, sha256, folder / "object"), named)
            except (EdocError, ValueError, KeyError, TypeError):
                continue  # neither a manifest nor a package, or a damaged one: `archive orphans` tells of it
            if found is not None:
                yield found


def _examine(node: Node, path: Path, named: Mapping[str, RegisterNumber]) -> Missing | None:
    with path.open("rb") as content:
        start = content.read(4)
    if start.startswith(b"%PDF"):
        return None
    if start.startswith(b"{") and path.stat().st_size <= _MAX_MANIFEST:
        return _read_manifest(json.loads(path.read_bytes()))
    return _read_package(node, path, named)


def _read_manifest(manifest: Mapping[str, Any]) -> Missing | None:
    if manifest["format"] != archive.FORMAT or not manifest["register"]:
        return None
    return Missing(
        number=RegisterNumber(**manifest["register"]),
        direction=manifest["direction"],
        witnesses=("manifest",),
        document=manifest["id"],
        header=manifest["dispatch"],
    )


def _read_package(node: Node, path: Path, named: Mapping[str, RegisterNumber]) -> Missing | None:
    """A package that we made names our number; if no promise does, it is one of the usual series."""
    dispatch = unpack(path, limits=_ALL_LET_IN).dispatch
    if dispatch is None or dispatch.from_.organ_id != node.settings.agency.organ_id:
        return None
    issued, number = dispatch.promulgation_info.promulgation_date, dispatch.code.code_number
    if issued is None or not number.isdecimal() or _is_known(node, dispatch.document_id):
        return None
    usual = RegisterNumber(
        series=node.settings.register_.outgoing_series, year=issued.year, number=int(number)
    )
    return Missing(
        number=named.get(dispatch.document_id, usual),
        direction="outgoing",
        witnesses=("package",),
        header=dispatch.to_dict(),
    )


def _is_known(node: Node, document_id: str) -> bool:
    """Whether the database has our document of that name: a crash left a package of it behind."""
    d = t.documents.c
    query = select(d.id).where((d.direction == "outgoing") & (d.document_id == document_id))
    with node.journal.reading() as connection:
        return connection.execute(query).first() is not None


def _from_operator(node: Node, last: Iterable[RegisterNumber]) -> Iterator[Missing]:
    settings = node.settings.register_
    for number in last:
        if number.series in (settings.outgoing_series, *settings.advisory_series):
            yield Missing(number=number, direction="outgoing", witnesses=("operator",))
        elif number.series == settings.incoming_series:
            yield Missing(number=number, direction="incoming", witnesses=("operator",))
        else:
            raise InputError("this node has no such series.", where=str(number))


def _without_gaps(
    node: Node,
    found: Mapping[RegisterNumber, Missing],
    reached: Mapping[tuple[str, int], int],
    known: set[RegisterNumber],
) -> Iterator[Missing]:
    """What was found and what lies between, book by book."""
    for book in sorted({(number.series, number.year) for number in found}):
        numbers = {each.number.number: each for each in found.values() if _book(each.number) == book}
        direction = next((each.direction for each in numbers.values() if each.direction), "") or (
            "incoming" if book[0] == node.settings.register_.incoming_series else "outgoing"
        )
        first, last = min(reached.get(book, 0) + 1, *numbers), max(numbers)
        if last - first > _MOST:
            raise InputError(
                f"more than {_MOST} numbers are missing in one book: that cannot be.",
                where=str(max(number for number in found if _book(number) == book)),
                advice="Look at what names this number.",
            )
        for each in range(first, last + 1):
            number = RegisterNumber(series=book[0], year=book[1], number=each)
            if number not in known:
                missing = numbers.get(each) or Missing(number=number, direction=direction, witnesses=())
                yield replace(missing, direction=missing.direction or direction)


def _book(number: RegisterNumber) -> tuple[str, int]:
    return number.series, number.year


def begin(node: Node, *, actor: str) -> None:
    """Stop numbering until `enter` has come to its end: what is looked for must not move meanwhile."""
    with node.journal.transaction(actor=actor) as tx:
        numberholds.hold(tx, "the registers are being reconciled.")


def enter(node: Node, missing: Sequence[Missing], *, actor: str) -> None:
    """Enter missing numbers as rows that say so, and let numbering go on; all of it or nothing."""
    with node.journal.transaction(actor=actor) as tx:
        for each in missing:
            _enter(tx, each)
        for book in {_book(each.number) for each in missing}:
            _move_book(tx, [each for each in missing if _book(each.number) == book])
        held = numberholds.release(tx)
        tx.note(None, "reconcile", entered=[str(each.number) for each in missing], held=held)


def _move_book(tx: Transaction, missing: Sequence[Missing]) -> None:
    last = max(missing, key=lambda each: each.number.number)
    series, year = _book(last.number)
    book = {"series": series, "year": year, "direction": last.direction, "last_number": 0}
    tx.connection.execute(tx.insert_once(t.books).values(book))
    behind = (_BOOKS.series == series) & (_BOOKS.year == year) & (_BOOKS.last_number < last.number.number)
    tx.connection.execute(update(t.books).where(behind).values(last_number=last.number.number))


def _enter(tx: Transaction, missing: Missing) -> None:
    """One row: of a document that goes on with it, of one that was issued, or of nothing that is known."""
    number, header = missing.number, missing.header
    waiting = _find_waiting(tx, missing)
    values: dict[str, Any] = {"given_at": missing.given_at or tx.at, "reserved_for": REASON}
    if waiting is not None:
        values["document"] = waiting
    elif header:
        values |= {"paper": dict(header), "fields": {"note": REASON}}
    if header and missing.direction == "outgoing":
        values["symbol"] = _free_symbol(tx, number, header)
    elif header:
        values |= alerts.examine(tx.connection, header)
    tx.connection.execute(
        tx.insert_once(t.register_entries).values(
            series=number.series, year=number.year, number=number.number, **values
        )
    )
    if header and waiting is None:
        search.write(
            tx.connection,
            entry=str(number),
            direction=missing.direction,
            dispatch=header,
            at=values["given_at"],
        )


def _find_waiting(tx: Transaction, missing: Missing) -> str | None:
    """The document that the old database still has without its number, if it may go on with it.

    One that was packed already is ended instead: it may have been sent.
    """
    row = _find_unnumbered(tx, missing.document)
    if row is None:
        return None
    if row.direction == "incoming":
        return str(row.id) if row.state in (State.RECEIVED, State.VERIFIED) else None
    if row.state not in (State.DRAFTED, State.SIGNED):
        return None
    if not missing.packed:
        return str(row.id)
    words = f"{REASON}: đã ban hành với số {missing.number} (it was issued with this number before)."
    tx.advance(row.id, Event.RECALL, reasons=[words])
    return None


def _find_unnumbered(tx: Transaction, document: str | None) -> Row[Any] | None:
    numbered = select(_ENTRIES.number).where(_ENTRIES.document == document).exists()
    return tx.connection.execute(
        select(t.documents).where((t.documents.c.id == document) & ~numbered)
    ).first()


def _free_symbol(tx: Transaction, number: RegisterNumber, header: Mapping[str, Any]) -> str | None:
    """The symbol as it is compared, unless another series has number and symbol already."""
    symbol = symbol_key((header.get("code") or {}).get("code_notation") or "")
    same = (_ENTRIES.year == number.year) & (_ENTRIES.symbol == symbol) & (_ENTRIES.number == number.number)
    taken = tx.connection.execute(select(_ENTRIES.series).where(same)).first()
    return None if taken else symbol
