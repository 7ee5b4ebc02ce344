"""Numbers that a clerk reserves, describes and voids: for paper documents, or for a later day.

    with node.journal.transaction(actor="vanthu") as tx:
        numbers = reserve(tx, series="VB-DI", direction="outgoing", count=3, purpose="Hồ sơ giấy của Sở X")
        describe_paper(tx, numbers[0], {"code": {"code_notation": "UBND-VP"}, "subject": …}, agency=…)
        void(tx, numbers[1], reason="Không dùng đến")

Paper and electronic documents share one series (NĐ 30/2020 Art 15.1, 22.2). A reserved number ends as that of
a paper document, of an electronic one (`hold`), or voided; it stays in the register in any case, and each
step stands in the audit log. What a clerk writes here keeps the lengths of Annex VI.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError

from edoc.core.annex6 import require_fitting
from edoc.core.dispatch import Code, Dispatch, Organization
from edoc.core.entryfields import EntryFields, RegisterNumber
from edoc.core.ids import display_number
from edoc.core.secrecy import find_secret_marking
from edoc.core.zone import VIETNAM
from edoc.errors import InputError, Refused
from edoc.node import alerts, registers, search
from edoc.node import tables as t
from edoc.node.duplicates import symbol_key
from edoc.node.journal import Transaction

MOST: Final = 500
"""Numbers that are reserved at once."""
MAX_REASON: Final = 500
_AHEAD: Final = timedelta(days=366)
_ENTRIES: Final = t.register_entries


def reserve(
    tx: Transaction,
    *,
    series: str,
    direction: str,
    purpose: str,
    count: int = 1,
    until: date | None = None,
    notation: str = "",
) -> list[RegisterNumber]:
    """Reserve the next numbers of a book; `until` is the day they are meant for, today if absent.

    `notation`: the symbol, if it is known already. Raises `InputError` for a purpose, a count or a day that
    cannot be, and `Refused` that names the other document if number and symbol are taken.
    """
    today = tx.now.astimezone(VIETNAM).date()
    _require_words("purpose", purpose)
    if not 1 <= count <= MOST:
        raise InputError(f"one to {MOST} numbers are reserved at once.", where=str(count))
    if until is not None and not today <= until <= today + _AHEAD:
        raise InputError(
            "numbers are reserved for today or a day within the next year.", where=until.isoformat()
        )
    code = {"code": {"code_notation": notation}} if notation else {}
    require_fitting(code, direction)
    year = today.year if until is None else until.year
    first = registers.take_numbers(tx, series=series, year=year, direction=direction, count=count)
    numbers = [
        RegisterNumber(series=series, year=year, number=number) for number in range(first, first + count)
    ]
    for number in numbers:
        registers.enter(
            tx,
            number,
            reserved_for=purpose.strip(),
            reserved_until=until and until.isoformat(),
            symbol=symbol_key(notation) if direction == "outgoing" else None,
            paper=_with_number(code, number) if notation else None,
        )
    span = [str(numbers[0]), str(numbers[-1])]
    tx.note(None, "reserve", numbers=span, purpose=purpose.strip(), until=until and until.isoformat())
    return numbers


def _with_number(header: Mapping[str, Any], number: RegisterNumber) -> dict[str, Any]:
    return {**header, "code": {**header["code"], "code_number": display_number(number.number)}}


def describe_paper(
    tx: Transaction, number: RegisterNumber, header: Mapping[str, Any], *, agency: Organization
) -> None:
    """Say which paper document has a reserved number; `header` is the JSON of a dispatch.

    What is outgoing is ours, with this number; what is incoming has the number that its issuer gave it.
    Raises `InputError` if something is missing or longer than Annex VI allows, `Refused` for a state secret,
    for another year, and for number and symbol that are taken.
    """
    row = _lock(tx, number)
    if row.document is not None:
        raise Refused(
            "this number belongs to an electronic document, which speaks for itself.", where=str(number)
        )
    direction = _direction(tx, number)
    dispatch = _read_paper(header, number, direction, agency)
    values: dict[str, Any] = {"paper": dispatch.to_dict()}
    if direction == "outgoing":
        values["symbol"] = symbol_key(dispatch.code.code_notation)
    else:
        values |= alerts.examine(tx.connection, values["paper"], but=number)
    _change(tx, number, values)
    search.write(
        tx.connection, entry=str(number), direction=direction, dispatch=values["paper"], at=row.given_at
    )
    tx.note(None, "describe", entry=str(number), paper=values["paper"])


def _read_paper(
    header: Mapping[str, Any], number: RegisterNumber, direction: str, agency: Organization
) -> Dispatch:
    """The header as it is kept."""
    ours = direction == "outgoing"
    given = {"from": {"organ_id": agency.organ_id}, **header} if ours else dict(header)
    dispatch = Dispatch.from_dict(given)
    if ours:
        if dispatch.code.code_number not in ("", display_number(number.number), str(number.number)):
            raise InputError("the register gives the number.", where="code.code_number")
        code = Code(
            code_number=display_number(number.number), code_notation=dispatch.code.code_notation.strip()
        )
        dispatch = replace(dispatch, from_=agency, code=code)
    issued = dispatch.promulgation_info.promulgation_date
    required = {
        "code.code_notation": dispatch.code.code_notation,
        "promulgation_info.promulgation_date": issued,
        "subject": dispatch.subject,
    }
    for name, value in required.items():
        if not value:
            raise InputError("this is missing.", where=name)
    if ours and issued is not None and issued.year != number.year:
        raise Refused(f"the number is one of {number.year}.", where="promulgation_info.promulgation_date")
    marking = find_secret_marking(dispatch)
    if marking is not None:
        raise Refused("state secrets are registered elsewhere (QĐ 28/2018 Art 1).", where=marking)
    require_fitting(dispatch.to_dict(), direction)
    return dispatch


def add_fields(tx: Transaction, number: RegisterNumber, values: Mapping[str, Any]) -> None:
    """Add what only the clerk knows to an entry (`EntryFields`); null takes a field away again.

    Raises `InputError` for an unknown or too long field, `Refused` where the node knows better itself.
    """
    row = _lock(tx, number)
    fields = EntryFields.from_dict({**(row.fields or {}), **values})
    if row.document is not None and (fields.transfer_date or fields.arrival_date):
        raise Refused("the node knows when it sent or received this document.", where=str(number))
    for name in ("keeper", "unit", "receipt", "note"):
        if len(getattr(fields, name)) > MAX_REASON:
            raise InputError(f"this has more than {MAX_REASON} characters.", where=name)
    require_fitting({}, _direction(tx, number), fields.held())
    _change(tx, number, {"fields": fields.to_dict() or None})
    tx.note(row.document, "describe", entry=str(number), fields=fields.to_dict())


def hold(tx: Transaction, number: RegisterNumber, *, document: str) -> None:
    """Keep a reserved number for an electronic document, which gets it when it is numbered.

    Raises `Refused` if the number is not free, its day has not come, or number and symbol are taken.
    """
    row, about = _lock(tx, number), tx.document(document)
    if row.document is not None or row.reserved_for is None or "subject" in (row.paper or {}):
        raise Refused("this number is not reserved any more.", where=str(number))
    if about.direction != "outgoing" or _direction(tx, number) != "outgoing":
        raise Refused("only a document that is sent can take a reserved number.", where=str(number))
    today = tx.now.astimezone(VIETNAM).date()
    if number.year != today.year or (row.reserved_until or "") > today.isoformat():
        raise Refused(
            f"this number is reserved for {row.reserved_until or number.year}.",
            where=str(number),
            advice="Submit the document on that day.",
        )
    symbol = symbol_key(about.dispatch["code"]["code_notation"])
    if row.symbol not in (None, symbol):
        raise Refused(f"this number is reserved for {registers.symbol_of(row)}.", where=str(number))
    _change(tx, number, {"document": document, "symbol": symbol})
    tx.note(document, "hold", entry=str(number))


def void(tx: Transaction, number: RegisterNumber, *, reason: str) -> None:
    """Strike a reserved number, or that of a paper document, through; number and reason stay for good.

    Raises `Refused` if it was voided before, or belongs to an electronic document.
    """
    _require_words("reason", reason)
    row = _lock(tx, number)
    if row.document is not None:
        raise Refused(
            "this number belongs to an electronic document.",
            where=str(number),
            advice=f"Recall the document with 'edoc recall {row.document}'.",
        )
    _change(tx, number, {"void_reason": reason.strip()})
    tx.note(None, "void", entry=str(number), reason=reason.strip())


def _require_words(name: str, text: str) -> None:
    if not 0 < len(text.strip()) <= MAX_REASON:
        raise InputError(f"write why, in at most {MAX_REASON} characters.", where=name)


def _lock(tx: Transaction, number: RegisterNumber) -> Row[Any]:
    """The entry, held until the transaction ends; raises if it is not there, or voided."""
    row = tx.connection.execute(
        select(_ENTRIES, t.documents.c.dispatch)
        .join_from(_ENTRIES, t.documents, isouter=True)
        .where(registers.at(number))
        .with_for_update(of=_ENTRIES)
    ).first()
    if row is None:
        raise InputError("there is no such entry.", where=str(number), advice="See 'edoc register list'.")
    if row.void_reason is not None:
        raise Refused(f"this number was voided: {row.void_reason}.", where=str(number))
    return row


def _direction(tx: Transaction, number: RegisterNumber) -> str:
    books = t.books.c
    named = (books.series == number.series) & (books.year == number.year)
    return str(tx.connection.execute(select(books.direction).where(named)).scalar_one())


def _change(tx: Transaction, number: RegisterNumber, values: Mapping[str, Any]) -> None:
    try:
        with tx.connection.begin_nested():
            tx.connection.execute(update(_ENTRIES).where(registers.at(number)).values(**values))
    except IntegrityError:
        registers.refuse_symbol(tx.connection, number, values.get("symbol"))
