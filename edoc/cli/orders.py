"""`edoc recall`, `update`, `decide`, `refuse`: what is ordered about documents, and what is sent back."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from edoc.cli._run import emit_json, reported, say
from edoc.cli.operate import DocumentArgument, JsonOption, NodeOption, my_name, read_object, show_time

_KINDS = {
    "1": ("thu hồi", "recall"),
    "2": ("cập nhật", "update"),
    "3": ("thay thế", "replace"),
}
_OUTCOMES = {"agree": "đồng ý / agreed", "decline": "từ chối / declined"}
ReasonOption = Annotated[str, typer.Option(help="Why; whoever is told reads it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog="Example: edoc recall H99.01,2026/02/05,05/UBND --reason 'Ban hành nhầm' --node /srv/edoc/node"
    )(recall)
    app.command(epilog="Example: edoc update ID changes.json --reason 'Đổi hạn' --node /srv/edoc/node")(
        update
    )
    app.command(epilog="Example: edoc decide ID --agree --node /srv/edoc/node")(decide)
    app.command(epilog="Example: edoc refuse ID --reason 'Gửi nhầm nơi nhận' --node /srv/edoc/node")(refuse)


def recall(
    document: DocumentArgument, reason: ReasonOption, node: NodeOption, json: JsonOption = False
) -> None:
    """Take back a document that was issued; every recipient is told, and cancels it."""
    from edoc.node import clerk, orders
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        found = clerk.find(opened, document)
        order = orders.recall(opened, found.id, reason=reason, actor=my_name())
    _say_order(found.id, order, json=json)


def update(
    document: DocumentArgument,
    changes: Annotated[
        Path, typer.Argument(metavar="CHANGES.json", help="What of the draft reads otherwise now.")
    ],
    reason: ReasonOption,
    node: NodeOption,
    json: JsonOption = False,
) -> None:
    """Give parts of the header of a document anew that was issued; each recipient decides for itself."""
    from edoc.node import clerk, orders
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        found = clerk.find(opened, document)
        order = orders.update(opened, found.id, read_object(changes), reason=reason, actor=my_name())
    _say_order(found.id, order, json=json)


def _say_order(document: str, order: str | None, *, json: bool) -> None:
    if json:
        emit_json({"id": document, "order": order})
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
    from edoc.node import arrivedorders, clerk
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        found = clerk.find(opened, order)
        arrivedorders.decide(opened, found.id, agree=agree, reason=reason, actor=my_name())


def refuse(document: DocumentArgument, reason: ReasonOption, node: NodeOption) -> None:
    """Return a document that arrived, as misaddressed for instance; its sender is told why (02)."""
    from edoc.node import clerk
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        clerk.refuse(opened, clerk.find(opened, document).id, reason=reason, actor=my_name())


def tell_recipients(told: dict[str, Any]) -> Iterator[str]:
    """A document's recipients and what each said, and orders by it or about it; a line each."""
    for delivery in told["deliveries"]:
        heard = [
            f"{event['event']} {show_time(event['at'])}"
            for event in told["events"]
            if event["details"].get("recipient") == delivery["recipient"]
        ]
        yield f"→ {delivery['recipient']}: {delivery['state']}  ({', '.join(heard)})"
        if delivery["next_at"]:
            yield f"    {_tell_attempts(delivery)}"
    for order in told["orders"]:
        yield f"↔ {_tell_order(order, told['id'])}"


def _tell_attempts(delivery: dict[str, Any]) -> str:
    """A delivery that is not made yet, in one line."""
    told = f"{delivery['attempts']} lần thử / attempts"
    if delivery["dead_at"]:
        told += f", dừng từ / set aside {show_time(delivery['dead_at'])}"
    else:
        next_at, expires_at = show_time(delivery["next_at"]), show_time(delivery["expires_at"])
        told += f", thử lại / again {next_at}, thôi / until {expires_at}"
    return f"{told}: {delivery['error']}" if delivery["error"] else told


def _tell_order(order: dict[str, Any], document: str) -> str:
    """An order in one line, as it concerns the document: its own, or one about it."""
    vietnamese, english = _KINDS[order["kind"]]
    other = order["named"] if order["document"] == document else f"← {order['document']}"
    outcome = _OUTCOMES.get(order["outcome"] or "")
    return f"{vietnamese} / {english}: {other}" + (f" ({outcome})" if outcome else "")
