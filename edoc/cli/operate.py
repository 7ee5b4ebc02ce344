"""Commands of a node's daily work: submit, list, show, assign, process, complete, register, dead-letters."""

import getpass
import json as json_module
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from edoc.cli._run import emit_json, fail, reported, say
from edoc.core.lifecycle import Event
from edoc.errors import InputError

NodeOption = Annotated[Path, typer.Option("--node", envvar="EDOC_NODE", help="The node's folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
DocumentArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The node's id, or the edXML DocumentId.")
]

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
    app.command("register", epilog="Example: edoc register outgoing --year 2026 --pdf book.pdf --node NODE")(
        book
    )
    for name, (event, words) in _ACTS.items():
        app.command(name, help=words, epilog=f"Example: edoc {name} ID --node /srv/edoc/node")(_act(event))
    letters = typer.Typer(help="Work that was set aside for a person.", no_args_is_help=True)
    letters.command("list", epilog="Example: edoc dead-letters list --node /srv/edoc/node")(dead_letters_list)
    letters.command("replay", epilog="Example: edoc dead-letters replay 17 --node /srv/edoc/node")(
        dead_letters_replay
    )
    app.add_typer(letters, name="dead-letters")


def submit(
    draft: Annotated[
        Path, typer.Argument(metavar="DRAFT.json", help="The dispatch without number and date.")
    ],
    attach: Annotated[list[Path], typer.Option(help="The signed PDF first, then annexes.")],
    node: NodeOption,
    json: JsonOption = False,
) -> None:
    """Hand a document, signed by the competent person, to the node: it numbers, seals, packs and sends it."""
    from edoc.node import clerk
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        document = clerk.submit(opened, _read_draft(draft), attach, actor=_me())
    if json:
        emit_json({"id": document})
    else:
        sys.stdout.write(f"{document}\n")


def _read_draft(path: Path) -> dict[str, Any]:
    try:
        value = json_module.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json_module.JSONDecodeError) as error:
        raise InputError(f"this is not JSON: {error}.", where=str(path)) from error
    if not isinstance(value, dict):
        raise InputError(
            "a draft is one JSON object.", where=str(path), advice="See schemas/draft.schema.json."
        )
    return value


def list_(node: NodeOption, json: JsonOption = False) -> None:
    """List the node's documents."""
    from rich.console import Console
    from rich.table import Table

    from edoc.node import clerk
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        rows = [clerk.summary(row) for row in clerk.documents(opened)]
    if json:
        emit_json(rows)
        return
    table = Table("id", "chiều", "trạng thái", "mã văn bản", "trích yếu", box=None)
    for row in rows:
        table.add_row(row["id"], row["direction"], row["state"], row["document_id"] or "", row["subject"])
    Console().print(table)


def show(document: DocumentArgument, node: NodeOption, json: JsonOption = False) -> None:
    """Show a document's story: every event, file and delivery, and what holds it up."""
    from rich.console import Console

    from edoc.node import clerk
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        told = clerk.tell(opened, document)
    if json:
        emit_json(told)
        return
    console = Console()
    console.print(
        f"[bold]{told['document_id'] or told['id']}[/]  {told['state']}  {told['subject']}", highlight=False
    )
    for event in told["events"]:
        where = " → ".join(filter(None, (event["before"], event["after"])))
        details = ", ".join(f"{name}={value}" for name, value in event["details"].items())
        console.print(
            f"  {event['at']}  {event['event']:14} {where:24} {event['actor']}  {details}", markup=False
        )
    for delivery in told["deliveries"]:
        console.print(f"  → {delivery['recipient']}: {delivery['state']}", markup=False)
    for file in told["files"]:
        console.print(f"  {file['role']:14} {file['name']}  {file['size']} B  {file['sha256']}", markup=False)
    for trouble in told["trouble"]:
        console.print(f"  ! {trouble['kind']}: {trouble['error']}", style="red", markup=False)


def _act(event: Event) -> Any:
    def act(document: DocumentArgument, node: NodeOption) -> None:
        from edoc.node import clerk
        from edoc.node.node import Node

        with reported(), Node.open(node) as opened:
            clerk.act(opened, clerk.find(opened, document).id, event, actor=_me())

    return act


def book(
    direction: Annotated[str, typer.Argument(metavar="outgoing|incoming", help="Which book.")],
    node: NodeOption,
    year: Annotated[int | None, typer.Option(help="The book's year; the newest if left out.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the book as CSV.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write the printable book.")] = None,
) -> None:
    """Write a register book by Annex IV of Decree 30/2020."""
    from edoc.node import books
    from edoc.node.node import Node

    if direction not in books.BOOKS:
        fail(InputError("the book is 'outgoing' or 'incoming'.", where=direction), 2)
    if csv is None and pdf is None:
        fail(InputError("nothing to write.", advice="Add --csv FILE, --pdf FILE, or both."), 2)
    with reported(), Node.open(node) as opened:
        books.write(opened, direction, year=year, csv=csv, pdf=pdf)


def dead_letters_list(node: NodeOption, json: JsonOption = False) -> None:
    """List the steps that were set aside, with their reasons."""
    from edoc.node import tasks
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        rows = tasks.dead(opened.journal)
    if json:
        emit_json(rows)
        return
    for row in rows:
        sys.stdout.write(
            f"{row['task']}  {row['dead_at']}  {row['document']}  {row['kind']}: {row['error']}\n"
        )
    if not rows:
        say("No step was set aside.")


def dead_letters_replay(
    task: Annotated[int, typer.Argument(help="The number that 'dead-letters list' shows.")], node: NodeOption
) -> None:
    """Try a step again after its reason was removed."""
    from edoc.node import tasks
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        tasks.replay(opened.journal, task, actor=_me())


def _me() -> str:
    """Who acts, for the audit log: the account that runs the command."""
    return f"cli:{getpass.getuser()}"
