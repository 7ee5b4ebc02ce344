"""Commands of a node's daily work: submit, list, show, assign, process, complete."""

import getpass
import json as json_module
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from edoc.cli._run import emit_json, reported, say
from edoc.core.entryfields import RegisterNumber
from edoc.core.lifecycle import Event
from edoc.core.zone import VIETNAM
from edoc.errors import InputError

NodeOption = Annotated[Path, typer.Option("--node", envvar="EDOC_NODE", help="The node's folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
DocumentArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The node's id, or the edXML DocumentId.")
]

_HASH = 64
_ACTS = {
    "assign": (Event.ASSIGN, "Assign a registered document to whoever handles it; its sender is told (04)."),
    "process": (Event.PROCESS, "Say that a document is being processed; its sender is told (05)."),
    "complete": (Event.COMPLETE, "Complete a document; its sender is told (06) and it is archived."),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: edoc submit draft.json --attach signed.pdf --node /srv/edoc/node")(submit)
    app.command("list", epilog="Example: edoc list --node /srv/edoc/node --json")(list_)
    app.command(epilog="Example: edoc show H41.03.12,2026/03/05,01/UBND-VP --node /srv/edoc/node")(show)
    for name, (event, words) in _ACTS.items():
        app.command(name, help=words, epilog=f"Example: edoc {name} ID --node /srv/edoc/node")(_act(event))


def submit(
    draft: Annotated[
        Path, typer.Argument(metavar="DRAFT.json", help="The dispatch without number and date.")
    ],
    attach: Annotated[list[Path], typer.Option(help="The signed PDF first, then annexes.")],
    node: NodeOption,
    series: Annotated[str | None, typer.Option(help="The series of an advisory body.")] = None,
    number: Annotated[
        str | None, typer.Option(metavar="SERIES/YEAR/N", help="A number that was reserved for it.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Hand a document, signed by the competent person, to the node: it numbers, seals, packs and sends it."""
    from edoc.node import clerk
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        document = clerk.submit(
            opened,
            read_object(draft),
            attach,
            actor=my_name(),
            series=series,
            number=RegisterNumber.parse(number) if number else None,
        )
    if json:
        emit_json({"id": document})
    else:
        sys.stdout.write(f"{document}\n")


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object; raises `InputError` if it does not."""
    try:
        value = json_module.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json_module.JSONDecodeError) as error:
        raise InputError(f"this is not JSON: {error}.", where=str(path)) from error
    if not isinstance(value, dict):
        raise InputError(
            "this is not one JSON object.", where=str(path), advice="See schemas/draft.schema.json."
        )
    return value


def list_(
    node: NodeOption,
    direction: Annotated[
        str | None, typer.Option(metavar="outgoing|incoming", help="Only these; all if left out.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 100,
    before: Annotated[
        str | None, typer.Option(metavar="ID", help="The last document of the page before.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the node's documents, the newest first."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from edoc.node.alerts import describe
    from edoc.node.listing import list_documents
    from edoc.node.node import Node

    require_direction(direction)
    with reported(), Node.open(node) as opened:
        rows = list_documents(opened, direction=direction, before=before, limit=limit)
    if json:
        emit_json(rows)
        return
    table = Table(box=None)
    for heading in ("id", "chiều", "trạng thái", "mã văn bản", "trích yếu", "cảnh báo"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        alerts = "; ".join(map(describe, row["alerts"]))
        cells = (row["id"], row["direction"], row["state"], row["document_id"] or "", row["subject"], alerts)
        table.add_row(*map(escape, cells))
    Console().print(table)
    if len(rows) == limit:
        say(f"More with --before {rows[-1]['id']}")


def require_direction(direction: str | None) -> None:
    """End as wrong usage for anything but a direction, or none."""
    if direction not in (None, "outgoing", "incoming"):
        raise typer.BadParameter("it is 'outgoing' or 'incoming'.", param_hint="direction")


def show(document: DocumentArgument, node: NodeOption, json: JsonOption = False) -> None:
    """Show a document's story on a screen: events, deliveries, deadlines, files, and what holds it up."""
    from rich.console import Console
    from rich.text import Text

    from edoc.cli.deadlines import STYLES, tell
    from edoc.cli.orders import tell_recipients
    from edoc.node import clerk
    from edoc.node.alerts import describe
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        told = clerk.tell(opened, document)
    if json:
        emit_json(told)
        return
    console = Console()
    title = Text.assemble((told["document_id"] or told["id"], "bold"), f"  {told['state']}")
    console.print(title, Text(told["subject"]))
    for event in told["events"]:
        where = " → ".join(filter(None, (event["before"], event["after"])))
        details = ", ".join(f"{name}={_shorten(value)}" for name, value in event["details"].items())
        line = f"  {show_time(event['at'])}  {event['event']:12} {where:22} {event['actor']:14} {details}"
        console.print(Text(line))
    for line in tell_recipients(told):
        console.print(Text(f"  {line}"))
    for term in told["deadlines"]:
        if term["standing"] in STYLES:
            console.print(Text(f"  ⏱ {tell(term)}", style=STYLES[term["standing"]]))
    for file in told["files"]:
        line = f"  {file['role']:10} {file['name']}  {file['size']} B  {_shorten(file['sha256'])}"
        console.print(Text(line))
    for alert in told["alerts"]:
        console.print(Text(f"  ! {describe(alert)}", style="yellow"))
    for trouble in told["trouble"]:
        console.print(Text(f"  ! {trouble['kind']}: {trouble['error']}", style="red"))


def show_time(instant: str) -> str:
    """Write a time of the tables as people here read it; Vietnam time."""
    return f"{datetime.fromisoformat(instant).astimezone(VIETNAM):%d/%m/%Y %H:%M:%S}"


def _shorten(value: Any) -> str:
    """A hash by its beginning: whoever needs all of it asks for JSON."""
    text = str(value)
    return f"{text[:12]}…" if len(text) == _HASH and text.isalnum() else text


def _act(event: Event) -> Any:
    def act(document: DocumentArgument, node: NodeOption) -> None:
        from edoc.node import clerk
        from edoc.node.node import Node

        with reported(), Node.open(node) as opened:
            clerk.act(opened, clerk.find(opened, document).id, event, actor=my_name())

    return act


def my_name() -> str:
    """Who acts, for the audit log: the account that runs the command."""
    return f"cli:{getpass.getuser()}"
