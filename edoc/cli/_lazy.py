"""A group of commands whose modules are imported when one of them is asked for.

What `edoc --help` says about a command stands here, for the modules would cost more than the help itself.
"""

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from edoc.cli._plain import read_plainly

COMMANDS: Final = {
    "demo": ("demo", "Send a dispatch from agency A to agency B, and show what each step does."),
    "dev-pki": ("pki", "Make a development PKI: fictitious agencies, persons and CAs, all marked DEV."),
    "prepare": ("prepare", "Add the empty fields Number, Date, Person and Seal to a PDF."),
    "number": ("prepare", "Fill number and date into a prepared PDF."),
    "sign": ("sign", "Sign a PDF as PAdES; the seal goes only on what a person validly signed."),
    "timestamp": ("levels", "Add a document time-stamp."),
    "extend": ("levels", "Raise the signatures of a file to a higher level."),
    "verify": ("verify", "Judge signed files: who signed, whether anything changed, whether it counts."),
    "pack": ("packages", "Write the package of a document."),
    "pack-status": ("packages", "Write the package of a status."),
    "unpack": ("packages", "Show the header of a package and its attachments."),
    "submit": ("operate", "Hand a signed document to the node: it numbers, seals, packs and sends it."),
    "queue": ("queue", "Documents that wait for a person's signature."),
    "list": ("operate", "List the node's documents."),
    "show": ("operate", "Show a document's story, and what holds it up."),
    "find": ("registers", "Find documents by words of subject and parties, with or without diacritics."),
    "register": ("registers", "The register books by Annex IV of Decree 30/2020."),
    "deadlines": ("deadlines", "What is late, and what will be soon."),
    "assign": ("operate", "Assign a registered document to whoever handles it."),
    "process": ("operate", "Say that a document is being processed."),
    "complete": ("operate", "Complete a document."),
    "refuse": ("orders", "Return a document that arrived, with the reason."),
    "recall": ("orders", "Take back a document that was issued."),
    "update": ("orders", "Give parts of the header of a document anew that was issued."),
    "decide": ("orders", "Agree to an update that waits for a person, or decline it."),
    "init": ("maintain", "Make a node."),
    "dead-letters": ("deadletters", "Work that was set aside for a person."),
    "peers": ("deadletters", "Whom this node sends to, and whether they can be reached."),
    "archive": ("maintain", "Archived documents."),
    "audit-log": ("maintain", "The hash-chained audit log."),
    "hub": ("hub", "Run a server that speaks the protocol of the national axis."),
    "backup": ("maintain", "Back up a node while it works."),
    "restore": ("maintain", "Restore a backup into a node whose database is empty."),
}
"""Each command's module and what it does, in the order of the help."""


class LazyGroup(TyperGroup):
    """The commands of `COMMANDS`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words before the command's own."""
        read_plainly(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """Give the names, without importing anything."""
        return [*super().list_commands(ctx), *COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command, its module imported; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        return load_commands(COMMANDS[cmd_name][0]).get(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write what the help says about each command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


def load_commands(module: str) -> Any:
    """Import a module of commands and give them by name."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback()(lambda: None)
    import_module(f"edoc.cli.{module}").register(app)
    return get_group(app).commands
