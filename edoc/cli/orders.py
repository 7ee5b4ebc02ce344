"""`edoc recall` and `edoc decide`: orders about documents that were sent or that arrived."""

import sys
from typing import Annotated

import typer

from edoc.cli._run import emit_json, reported, say
from edoc.cli.operate import DocumentArgument, JsonOption, NodeOption, my_name


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog="Example: edoc recall H99.01,2026/02/05,05/UBND --reason 'Ban hành nhầm' --node /srv/edoc/node"
    )(recall)
    app.command(epilog="Example: edoc decide ID --agree --node /srv/edoc/node")(decide)


def recall(
    document: DocumentArgument,
    reason: Annotated[str, typer.Option(help="Why; every recipient reads it.")],
    node: NodeOption,
    json: JsonOption = False,
) -> None:
    """Take back a document that was issued; every recipient is told, and cancels it."""
    from edoc.node import clerk, orders
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        found = clerk.find(opened, document)
        order = orders.recall(opened, found.id, reason=reason, actor=my_name())
    if json:
        emit_json({"id": found.id, "order": order})
    elif order is None:
        say("Nobody has it yet, so nobody has to be told.")
    else:
        sys.stdout.write(f"{order}\n")


def decide(
    order: DocumentArgument,
    node: NodeOption,
    agree: Annotated[bool, typer.Option("--agree/--decline", help="Do what it asks, or not.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """Agree to an update that waits for a person, or decline it; its sender is told (15, 16)."""
    from edoc.node import clerk, orders
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        found = clerk.find(opened, order)
        orders.decide(opened, found.id, agree=agree, reason=reason, actor=my_name())
