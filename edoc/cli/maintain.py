"""Commands that keep a node: init, archive, audit-log, backup, restore."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from edoc.cli._run import emit_json, reported, say
from edoc.cli.operate import DocumentArgument, JsonOption, NodeOption, my_name
from edoc.core.entryfields import RegisterNumber


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: edoc init /srv/edoc/node")(init)
    archive = typer.Typer(help="Archived documents.", no_args_is_help=True)
    archive.command("audit", epilog="Example: edoc archive audit --node /srv/edoc/node")(archive_audit)
    archive.command("export", epilog="Example: edoc archive export ID package --node /srv/edoc/node")(
        archive_export
    )
    archive.command("orphans", epilog="Example: edoc archive orphans --node /srv/edoc/node")(archive_orphans)
    app.add_typer(archive, name="archive")
    log = typer.Typer(help="The hash-chained audit log.", no_args_is_help=True)
    log.callback()(lambda: None)
    log.command("verify", epilog="Example: edoc audit-log verify --node /srv/edoc/node")(audit_log_verify)
    log.command("anchor", epilog="Example: edoc audit-log anchor --node /srv/edoc/node")(audit_log_anchor)
    app.add_typer(log, name="audit-log")
    app.command(epilog="Example: edoc backup /backup/2026-02-05 --node /srv/edoc/node")(backup)
    app.command(epilog="Example: edoc restore /backup/2026-02-05 --node /srv/edoc/node")(restore)


def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="The node's folder.")]) -> None:
    """Make a node: first its commented edoc.toml; when that is filled in, its database."""
    from edoc.node import node
    from edoc.node.durable import write_file
    from edoc.node.settings import FILE_NAME

    with reported():
        file = folder / FILE_NAME
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            template = Path(node.__file__).with_name("edoc.toml.template")
            write_file(file, template.read_bytes(), mode=0o600)
            say(f"{file}: fill in every CHANGEME, then run 'edoc init {folder}' again.")
            return
        node.migrate(folder)
        say(f"{folder}: the node is ready; start its worker with 'edoc-worker --node {folder}'.")


def archive_audit(node: NodeOption, json: JsonOption = False) -> None:
    """Check every archived document against its manifest: exit 1 if anything is damaged or missing."""
    from edoc.core.lifecycle import State
    from edoc.node import archive, clerk
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        archived = [row for row in clerk.documents(opened) if row.state == State.ARCHIVED]
        findings = {row.id: archive.audit(opened, row.id) for row in archived}
    wrong = {document: reasons for document, reasons in findings.items() if reasons}
    if json:
        emit_json({"checked": len(findings), "damaged": wrong})
    else:
        sys.stdout.writelines(
            f"{document}: {reason}\n" for document, reasons in wrong.items() for reason in reasons
        )
        say(f"{len(findings)} archived documents checked, {len(wrong)} damaged.")
    raise SystemExit(1 if wrong else 0)


def archive_export(
    document: DocumentArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the package.")],
    node: NodeOption,
) -> None:
    """Write an archived document's package to a folder that 'sha256sum -c' can check."""
    from edoc.node import archive, clerk
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        package = archive.export(opened, clerk.find(opened, document).id, folder)
    sys.stdout.write(f"{package}\n")


def archive_orphans(node: NodeOption, json: JsonOption = False) -> None:
    """List objects that nothing names: what crashes left behind. Ask while the workers stand still."""
    from edoc.node import orphans
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        found = orphans.find_orphans(opened)
    if json:
        emit_json({"orphans": found})
    else:
        sys.stdout.writelines(f"{sha256}\n" for sha256 in found)
        say(f"{len(found)} objects that nothing names.")


def audit_log_verify(node: NodeOption, json: JsonOption = False) -> None:
    """Recompute the audit log's chain and judge its anchors: exit 1 if anything was changed or removed."""
    from edoc.node import anchors
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        wrong, found = anchors.verify_log(opened), anchors.list_anchors(opened)
    last = found[-1] if found else None
    if json:
        covered = {"upto": last.upto, "written_at": last.written_at.isoformat()} if last else None
        emit_json({"intact": not wrong, "findings": wrong, "anchors": len(found), "last_anchor": covered})
    else:
        if last is None:
            say("No anchor yet: nobody outside vouches for the log. See 'edoc audit-log anchor'.")
        else:
            say(f"{len(found)} anchors; the last, of {last.written_at:%Y-%m-%d}, covers entry {last.upto}.")
        sys.stdout.writelines(f"{finding}\n" for finding in wrong)
        say("The audit log is intact." if not wrong else f"The audit log is damaged: {len(wrong)} findings.")
    raise SystemExit(1 if wrong else 0)


def audit_log_anchor(node: NodeOption) -> None:
    """Have the time-stamping authority vouch for the audit log as it is now; a worker does so every day."""
    from edoc.node import anchors
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        made = anchors.anchor(opened)
    say("Nothing was written since the last anchor." if made is None else f"Entry {made.upto} is anchored.")


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or one with older objects.")],
    node: NodeOption,
    json: JsonOption = False,
) -> None:
    """Back up the node's database and objects while it works."""
    from edoc.node import backup as backups
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        made = backups.backup(opened, folder)
    if json:
        emit_json(made)
    else:
        rows = sum(about["rows"] for about in made["tables"].values())
        say(f"{folder}: {rows} rows and {made['objects']} objects. Keep edoc.toml and the keys elsewhere.")


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The backup.")],
    node: NodeOption,
) -> None:
    """Restore a backup into a node whose database is empty."""
    from edoc.node import backup as backups

    with reported():
        made = backups.restore_node(folder, node)
    say(f"{node}: restored as of {made['made_at']}. It gives no number until 'edoc register reconcile'.")


def reconcile(
    node: NodeOption,
    last: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SERIES/YEAR/N", help="A last number that is known from paper or others; repeatable."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is missing.")] = False,
    json: JsonOption = False,
) -> None:
    """Enter numbers that were given before the database was restored; then numbering goes on.

    Compares the books with promises, packages and manifests in the object store. Let the workers stand still.
    """
    from edoc.node import reconcile as reconciling
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        known = [RegisterNumber.parse(text) for text in last or ()]
        if not dry_run:
            reconciling.begin(opened, actor=my_name())
        missing = reconciling.find_missing(opened, last=known)
        if not dry_run:
            reconciling.enter(opened, missing, actor=my_name())
    if json:
        emit_json({"missing": [each.to_dict() for each in missing], "entered": not dry_run})
        return
    for told in (each.to_dict() for each in missing):
        witnesses = ", ".join(told["witnesses"]) or "nobody knows of what"
        sys.stdout.write(f"{told['entry']}  {witnesses}  {told['document_id']}  {told['subject']}\n")
    say(f"{len(missing)} numbers are missing." if dry_run else f"{len(missing)} numbers were entered.")
