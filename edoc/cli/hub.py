"""Commands that run a hub: hub init, serve, add-agency, remove-agency, agencies, list, show."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edoc.cli._run import emit_json, reported, say

if TYPE_CHECKING:
    from sqlalchemy import Row

HubFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The hub's folder.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    hub = typer.Typer(help="A server that speaks the protocol of the national axis.", no_args_is_help=True)
    hub.command(epilog="Example: edoc hub init /srv/edoc/hub")(init)
    hub.command(epilog="Example: edoc hub serve /srv/edoc/hub --port 8480")(serve)
    hub.command("add-agency", epilog='Example: edoc hub add-agency DIR H99.01 --name "UBND tỉnh A"')(
        add_agency
    )
    hub.command("remove-agency", epilog="Example: edoc hub remove-agency DIR H99.01")(remove_agency)
    hub.command(epilog="Example: edoc hub agencies /srv/edoc/hub --json")(agencies)
    hub.command("list", epilog="Example: edoc hub list /srv/edoc/hub --open")(list_)
    hub.command(epilog="Example: edoc hub show /srv/edoc/hub DOCID --json")(show)
    app.add_typer(hub, name="hub")


def init(folder: HubFolder) -> None:
    """Make a hub: its commented hub.toml, and its database; run it again after changing database.url."""
    from edoc.hub import hub
    from edoc.hub.settings import FILE_NAME
    from edoc.node.durable import write_file

    with reported():
        file = folder / FILE_NAME
        if not file.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # packages and their titles lie here
            template = Path(hub.__file__).with_name(f"{FILE_NAME}.template")
            write_file(file, template.read_bytes(), mode=0o600)
        hub.migrate(folder)
    say(f"{folder}: the hub is ready; look at {file}, then 'edoc hub add-agency' and 'edoc hub serve'.")


def serve(
    folder: HubFolder,
    host: Annotated[str, typer.Option(help="Where to listen; TLS is ended in front of it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8480,
    json: JsonOption = False,
) -> None:
    """Serve the hub until Ctrl-C or SIGTERM."""
    from edoc.hub.hub import Hub
    from edoc.hub.server import serve as run
    from edoc.node.logs import log_as_json

    def tell(url: str) -> None:
        if json:
            emit_json({"url": url, "folder": folder})
            sys.stdout.flush()
        else:
            say(f"Serving {url}; Ctrl-C stops.")

    log_as_json()
    with reported(), Hub.open(folder) as hub:
        run(hub, host=host, port=port, ready=tell)


def add_agency(
    folder: HubFolder,
    code: Annotated[str, typer.Argument(metavar="CODE", help="The agency's code, such as H99.01.")],
    name: Annotated[str, typer.Option(help="Its name.")],
    old_code: Annotated[str, typer.Option(help="Its code in the other form, as 000.00.00.H99.")] = "",
    parent: Annotated[str, typer.Option(help="The code of the agency above it.")] = "",
    mail: Annotated[str, typer.Option(help="Its address of mail.")] = "",
    system: Annotated[
        str, typer.Option(metavar="ID", help="The system that answers for it; else one of its own, as CODE.")
    ] = "",
    secret_file: Annotated[
        Path | None,
        typer.Option(metavar="F", help="File with the system's secret; else a random one is made."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Enter an agency in the hub's list, or change it; says where the secret of its system stands."""
    from pydantic import SecretStr

    from edoc.cli._run import read_passphrase
    from edoc.hub import steward
    from edoc.hub.directory import Entry
    from edoc.hub.hub import Hub

    entry = Entry(code=code, name=name, old_code=old_code, parent_code=parent, mail=mail)
    with reported(), Hub.open(folder) as hub:
        read = read_passphrase(secret_file, None)
        secret = None if read is None else SecretStr(read())
        added = steward.add_agency(hub, entry, system=system, secret=secret)
    if json:
        emit_json({"code": added.code, "system_id": added.system, "secret_file": added.secret_path})
    else:
        sys.stdout.write(f"{added.secret_path}\n")
        say(f"{added.code} is registered; system id {added.system}, its secret stands in the file above.")


def remove_agency(
    folder: HubFolder,
    code: Annotated[str, typer.Argument(metavar="CODE", help="The agency's code in either form.")],
) -> None:
    """Take an agency off the hub's list; what was sent to it stays."""
    from edoc.hub import steward
    from edoc.hub.hub import Hub

    with reported(), Hub.open(folder) as hub:
        removed = steward.remove_agency(hub, code)
    say(f"{removed} is off the list.")


def agencies(folder: HubFolder, json: JsonOption = False) -> None:
    """List the agencies that are registered."""
    from edoc.hub import steward
    from edoc.hub.hub import Hub

    with reported(), Hub.open(folder) as hub:
        rows = steward.list_agencies(hub)
    names = ("code", "old_code", "parent_code", "system", "name", "mail")
    if json:
        emit_json([{name: getattr(row, name) or "" for name in names} for row in rows])
    else:
        sys.stdout.writelines(f"{row.code}  {row.system}  {row.name}\n" for row in rows)


def list_(
    folder: HubFolder,
    only_open: Annotated[bool, typer.Option("--open", help="Only what still waits.")] = False,
    json: JsonOption = False,
) -> None:
    """List deliveries, newest first, the last 5,000."""
    from edoc.hub import queues
    from edoc.hub.hub import Hub

    with reported(), Hub.open(folder) as hub, hub.reading() as connection:
        rows = queues.list_deliveries(connection, only_open=only_open)
    if json:
        emit_json([_describe(row) for row in rows])
    else:
        sys.stdout.writelines(_line(row) for row in rows)


def show(
    folder: HubFolder,
    doc_id: Annotated[str, typer.Argument(metavar="DOCID", help="The DocId of sender or receiver.")],
    json: JsonOption = False,
) -> None:
    """Show a package: who sent it to whom, how far it has come, and what was done with it."""
    from edoc.errors import InputError
    from edoc.hub import audit, queues
    from edoc.hub.hub import Hub
    from edoc.hub.moments import show_time

    with reported(), Hub.open(folder) as hub, hub.reading() as connection:
        rows = queues.find_deliveries(connection, doc_id)
        if not rows:
            raise InputError("there is no such package here.", where=doc_id, advice="See 'edoc hub list'.")
        ids = {rows[0].doc_id, *(row.delivered_as for row in rows)}
        events = sorted(
            (entry for each in ids for entry in audit.list_entries(connection, each)),
            key=lambda entry: entry.seq,
        )
    if json:
        emit_json(
            {
                "deliveries": [_describe(row) for row in rows],
                "events": [
                    {
                        "at": entry.at,
                        "system_id": entry.system,
                        "address": entry.address,
                        "operation": entry.operation,
                        "doc_id": entry.subject,
                        "result": entry.result,
                        "note": entry.note,
                    }
                    for entry in events
                ],
            }
        )
        return
    sys.stdout.write(f"{rows[0].title}\n")
    sys.stdout.writelines(_line(row) for row in rows)
    sys.stdout.writelines(
        f"  {show_time(entry.at)}  {entry.operation}  {entry.system}  {entry.note}\n" for entry in events
    )


def _describe(row: "Row[Any]") -> dict[str, Any]:
    return {
        "doc_id": row.doc_id,
        "delivered_as": row.delivered_as,
        "kind": row.kind,
        "from": row.sender,
        "to": row.receiver,
        "status": row.status,
        "title": row.title,
        "notation": row.notation,
        "sha256": row.sha256,
        "size": row.size,
        "sent_at": row.sent_at,
        "changed_at": row.changed_at,
    }


def _line(row: "Row[Any]") -> str:
    from edoc.hub.moments import show_time

    sent = show_time(row.sent_at)
    return f"{row.delivered_as}  {row.kind}  {row.sender} → {row.receiver}  {row.status}  {sent}\n"
