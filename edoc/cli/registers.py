"""Commands of the registers: register list, show, reserve, describe, void, export, reconcile; and find."""

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edoc.cli._run import emit_json, fail, reported, say
from edoc.cli.maintain import reconcile
from edoc.cli.operate import JsonOption, NodeOption, my_name, read_object, require_direction
from edoc.core.entryfields import RegisterNumber
from edoc.errors import InputError

if TYPE_CHECKING:
    from edoc.node.search import Found, Place

DirectionArgument = Annotated[str, typer.Argument(metavar="outgoing|incoming", help="Which book.")]
SeriesOption = Annotated[
    str | None, typer.Option(help="The series of an advisory body; the agency's if left out.")
]
YearOption = Annotated[int | None, typer.Option(help="The book's year; the newest if left out.")]
EntryArgument = Annotated[str, typer.Argument(metavar="SERIES/YEAR/N", help="The entry, as VB-DI/2026/17.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog='Example: edoc find "uy ban nhan dan" --direction incoming --node /srv/edoc/node')(
        find
    )
    books = typer.Typer(
        help="The register books by Annex IV of Decree 30/2020.", no_args_is_help=True, rich_markup_mode=None
    )
    examples: dict[str, tuple[Callable[..., None], str]] = {
        "list": (list_, "list outgoing --year 2026"),
        "show": (show, "show VB-DI/2026/17"),
        "reserve": (reserve, 'reserve outgoing --count 3 --for "Văn bản giấy" --notation UBND-VP'),
        "describe": (describe, "describe VB-DI/2026/17 paper.json"),
        "void": (void, 'void VB-DI/2026/18 --reason "Không dùng đến"'),
        "export": (export, "export outgoing --year 2026 --pdf so.pdf --xlsx so.xlsx"),
        "reconcile": (reconcile, "reconcile --dry-run"),
    }
    for name, (command, example) in examples.items():
        books.command(name, epilog=f"Example: edoc register {example} --node /srv/edoc/node")(command)
    app.add_typer(books, name="register")


def list_(
    direction: DirectionArgument,
    node: NodeOption,
    year: YearOption = None,
    series: SeriesOption = None,
    after: Annotated[int, typer.Option(min=0, help="The last number of the page before.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries.")] = 100,
    json: JsonOption = False,
) -> None:
    """List a book's entries in order of number."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from edoc.node import entrydetails
    from edoc.node.node import Node

    require_direction(direction)
    with reported(), Node.open(node) as opened:
        told = entrydetails.list_entries(
            opened, direction, year=year, series=series, after=after, limit=limit
        )
    if json:
        emit_json(told)
        return
    table = Table(box=None)
    for heading in ("số", "số, ký hiệu", "ngày", "trích yếu", "ghi chú"):
        table.add_column(heading, overflow="fold")
    for entry in told:
        style = "strike" if entry["void_reason"] else ""
        cells = (entry["entry"], entry["code"], entry["issued"] or "", entry["subject"], entry["note"])
        table.add_row(*map(escape, cells), style=style)
    Console().print(table)
    if len(told) == limit:
        say(f"More with --after {told[-1]['number']}")


def show(entry: EntryArgument, node: NodeOption, json: JsonOption = False) -> None:
    """Show an entry: the fields of Annex VI, its alerts, and what was done with its number."""
    from rich.console import Console

    from edoc.node import entrydetails
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        told = entrydetails.tell(opened, RegisterNumber.parse(entry))
    if json:
        emit_json(told)
        return
    console = Console()
    console.print(f"[bold]{told['entry']}[/]  {told['direction']}", highlight=False)
    for name in ("document", "given_at", "reserved_for", "reserved_until", "void_reason"):
        if told[name]:
            console.print(f"  {name}: {told[name]}", markup=False)
    for name, value in told["fields"].items():
        console.print(f"  {name}: {value}", markup=False)
    for alert in told["alerts"]:
        console.print(f"  ! {alert['text']}", style="yellow", markup=False)


def reserve(
    direction: DirectionArgument,
    node: NodeOption,
    purpose: Annotated[str, typer.Option("--for", help="What the numbers are for; stays visible.")],
    count: Annotated[int, typer.Option(min=1, max=500, help="How many numbers.")] = 1,
    until: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="The day that they are meant for.")
    ] = None,
    notation: Annotated[str, typer.Option(help="The symbol, if it is known.")] = "",
    series: SeriesOption = None,
    json: JsonOption = False,
) -> None:
    """Reserve the next numbers of a book, for paper documents or a later day."""
    from edoc.node import promises, registers, reservations
    from edoc.node.node import Node

    require_direction(direction)
    with reported(), Node.open(node) as opened:
        name = registers.choose_series(opened.settings.register_, direction, series)
        promises.require_reconciled(opened)
        with opened.journal.transaction(actor=my_name()) as tx:
            numbers = reservations.reserve(
                tx,
                series=name,
                direction=direction,
                purpose=purpose,
                count=count,
                until=_read_day(until),
                notation=notation,
            )
        promises.keep_reserved(opened, tx, numbers, direction=direction)
    if json:
        emit_json([str(number) for number in numbers])
    else:
        sys.stdout.writelines(f"{number}\n" for number in numbers)


def _read_day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day as 2026-03-05.", param_hint="--until") from None


def describe(
    entry: EntryArgument,
    paper: Annotated[
        Path,
        typer.Argument(metavar="PAPER.json", help="The header, and what the clerk adds under 'register'."),
    ],
    node: NodeOption,
) -> None:
    """Say which paper document has a reserved number, or add what only the clerk knows to any entry."""
    from edoc.node import reservations
    from edoc.node.node import Node

    with reported():
        header = read_object(paper)
        fields = header.pop("register", None)
        number = RegisterNumber.parse(entry)
        if fields is not None and not isinstance(fields, dict):
            raise InputError("this is not an object.", where=f"{paper}: register")
        with Node.open(node) as opened, opened.journal.transaction(actor=my_name()) as tx:
            if header:
                agency = opened.settings.agency.organization
                reservations.describe_paper(tx, number, header, agency=agency)
            if fields:
                reservations.add_fields(tx, number, fields)
    say(f"{number}: entered.")


def void(
    entry: EntryArgument,
    node: NodeOption,
    reason: Annotated[str, typer.Option(help="Why; stays visible.")],
) -> None:
    """Strike a reserved number, or that of a paper document, through. It is never given again."""
    from edoc.node import reservations
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened, opened.journal.transaction(actor=my_name()) as tx:
        reservations.void(tx, RegisterNumber.parse(entry), reason=reason)
    say(f"{entry}: voided.")


def export(
    direction: DirectionArgument,
    node: NodeOption,
    year: YearOption = None,
    series: SeriesOption = None,
    csv: Annotated[Path | None, typer.Option(help="Write the book as CSV.")] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write the book as a workbook.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write the printable book.")] = None,
) -> None:
    """Write a register book with the ten columns of Annex IV of Decree 30/2020."""
    from edoc.node import books
    from edoc.node.node import Node

    require_direction(direction)
    if csv is None and xlsx is None and pdf is None:
        fail(InputError("nothing to write.", advice="Add --csv, --xlsx or --pdf, each with a file."), 2)
    with reported(), Node.open(node) as opened:
        book = books.write(opened, direction, year=year, series=series, csv=csv, xlsx=xlsx, pdf=pdf)
    say(f"{book.series}/{book.year}: {book.last_number} numbers.")


def find(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words; one with * at its end may go on.")],
    node: NodeOption,
    direction: Annotated[
        str | None, typer.Option(metavar="outgoing|incoming", help="Only these; all if left out.")
    ] = None,
    year: Annotated[int | None, typer.Option(help="The year in which they came to the node.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    after: Annotated[
        str | None, typer.Option(metavar="PLACE", help="Where the page before ended, as it said.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find documents by words of subject and parties; with diacritics, exact spellings come first."""
    from edoc.node import search
    from edoc.node.node import Node

    require_direction(direction)
    with reported(), Node.open(node) as opened, opened.journal.reading() as connection:
        page = search.find(
            connection, text, direction=direction, year=year, limit=limit, after=_read_place(after)
        )
    place = None if page.after is None else _show_place(page.after)
    if json:
        emit_json({"found": [_plain(found) for found in page.found], "after": place})
        return
    for found in page.found:
        where = found.document or found.entry
        parties = ", ".join(filter(None, (found.issuer, *found.recipients)))
        sys.stdout.write(f"{where}  {found.code}  {found.subject}  ({parties})\n")
    if not page.found:
        say("Nothing was found.")
    if place is not None:
        say(f"More with --after {place}")


def _plain(found: "Found") -> dict[str, Any]:
    return {
        "document": found.document,
        "entry": None if found.entry is None else str(found.entry),
        "direction": found.direction,
        "state": found.state,
        "code": found.code,
        "subject": found.subject,
        "issuer": found.issuer,
        "recipients": list(found.recipients),
        "exact": found.exact,
    }


def _show_place(place: "Place") -> str:
    return f"{'exact' if place.exact else 'other'}:{place.key}"


def _read_place(text: str | None) -> "Place | None":
    from edoc.node.search import Place

    if text is None:
        return None
    kind, _, key = text.partition(":")
    if kind not in ("exact", "other") or not key.isdecimal():
        raise typer.BadParameter("write what the page before said.", param_hint="--after")
    return Place(exact=kind == "exact", key=int(key))
