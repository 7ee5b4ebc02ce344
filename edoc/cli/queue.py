"""Commands of the signing queue: submit, list, take, hand-in, refuse."""

import base64
import binascii
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from edoc.cli._run import emit_json, reported, say
from edoc.cli.operate import JsonOption, NodeOption, my_name, read_object
from edoc.core.entryfields import RegisterNumber
from edoc.core.zone import VIETNAM
from edoc.errors import InputError

RequestArgument = Annotated[int, typer.Argument(metavar="ID", help="The number that 'queue list' shows.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Documents that wait for a person's signature.", no_args_is_help=True, rich_markup_mode=None
    )
    for name, command, example in (
        ("submit", submit, 'submit draft.json --attach ready.pdf --person "Nguyễn Văn A"'),
        ("list", list_, 'list --person "Nguyễn Văn A"'),
        ("take", take, "take 7 --certificate person.pem --pdf read-me.pdf"),
        ("hand-in", hand_in, "hand-in 7 signature.bin"),
        ("refuse", refuse, 'refuse 7 --reason "Sai thẩm quyền ký"'),
    ):
        group.command(name, epilog=f"Example: edoc queue {example} --node /srv/edoc/node")(command)
    app.add_typer(group, name="queue")


def submit(
    draft: Annotated[
        Path, typer.Argument(metavar="DRAFT.json", help="The dispatch without number and date.")
    ],
    attach: Annotated[list[Path], typer.Option(help="The prepared, unsigned PDF first, then annexes.")],
    node: NodeOption,
    *,
    person: Annotated[
        list[str] | None, typer.Option(help="Who must sign, as in the certificate; repeatable, in order.")
    ] = None,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(help="Whose certificate must sign, PEM or DER; repeatable, after those named."),
    ] = None,
    role: Annotated[str, typer.Option(help="As what they sign: a preset or an own .toml file.")] = "person",
    level: Annotated[str, typer.Option(help="B-B, B-T, B-LT or B-LTA; B-T and above need a TSA.")] = "B-B",
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Last day on which it can be signed; a week if left out."),
    ] = None,
    series: Annotated[str | None, typer.Option(help="The series of an advisory body.")] = None,
    number: Annotated[
        str | None, typer.Option(metavar="SERIES/YEAR/N", help="A number that was reserved for it.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Let a prepared document wait for its signatures; after the last one the node goes on with it."""
    from edoc.node import signingqueue
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        signers = [
            *(signingqueue.Signer(person=name, role=role, level=level) for name in person or ()),
            *(
                signingqueue.Signer(certificate=_read_certificates(path)[0], role=role, level=level)
                for path in certificate or ()
            ),
        ]
        document = signingqueue.submit(
            opened,
            read_object(draft),
            attach,
            signers=signers,
            actor=my_name(),
            # to the end of that day
            expires_at=None if until is None else until.replace(tzinfo=VIETNAM) + timedelta(days=1),
            series=series,
            number=RegisterNumber.parse(number) if number else None,
        )
    if json:
        emit_json({"id": document})
    else:
        sys.stdout.write(f"{document}\n")


def list_(
    node: NodeOption,
    person: Annotated[str | None, typer.Option(help="Only what this person must sign.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what waits for others, was signed, or ended.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List what can be signed now; the oldest first."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from edoc.node import signingqueue
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        rows = signingqueue.list_requests(opened, person=person, everything=everything)
    if json:
        emit_json(rows)
        return
    table = Table(box=None)
    for heading in ("yêu cầu", "trạng thái", "người ký", "trích yếu", "hạn ký", "đang giữ"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        cells = (str(row["request"]), row["state"], row["person"], row["subject"], row["expires_at"])
        table.add_row(*map(escape, (*cells, row["taken_by"] or "")))
    Console().print(table)


def take(
    request: RequestArgument,
    node: NodeOption,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Who signs, PEM or DER, with the CAs behind; if only named."),
    ] = None,
    image: Annotated[Path | None, typer.Option(metavar="PNG", help="The handwritten signature.")] = None,
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="So long nobody else can take it.")] = 15,
    pdf: Annotated[Path | None, typer.Option(metavar="OUT.pdf", help="Write here what is signed.")] = None,
) -> None:
    """Begin a signature: print what is to be signed as JSON, digest and attributes in Base64."""
    from edoc.node import signingdesk
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        given = () if certificate is None else _read_certificates(certificate)
        if pdf is not None:
            signingdesk.fetch_draft(opened, request, pdf)
        offer = signingdesk.take(
            opened,
            request,
            actor=my_name(),
            certificate=given[0] if given else None,
            chain=given[1:],
            image=image,
            lease=timedelta(minutes=minutes),
        )
    emit_json(offer.to_dict())


def hand_in(
    request: RequestArgument,
    signature: Annotated[
        Path, typer.Argument(metavar="SIGNATURE", help="The value, as bytes or in Base64; - is stdin.")
    ],
    node: NodeOption,
    json: JsonOption = False,
) -> None:
    """Hand a signature in; a signed document is numbered, sealed and sent like any other."""
    from edoc.node import signingdesk
    from edoc.node.node import Node

    with reported():
        value = _read_value(signature)
        with Node.open(node) as opened:
            document = signingdesk.hand_in(opened, request, value, actor=my_name())
    if json:
        emit_json({"id": document})
    else:
        sys.stdout.write(f"{document}\n")


def refuse(
    request: RequestArgument,
    node: NodeOption,
    reason: Annotated[str, typer.Option(help="Why it is not signed; stays visible.")],
) -> None:
    """Give a document back unsigned: it ends, with the reason."""
    from edoc.node import signingqueue
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened:
        signingqueue.refuse(opened, request, reason=reason, actor=my_name())
    say(f"Request {request} was refused; its document is not issued.")


def _read_certificates(path: Path) -> tuple[bytes, ...]:
    """The certificates in a file, the signer's first; raises `InputError` if there are none."""
    from edoc.trust.store import list_certificates

    found = list_certificates(path.read_bytes())
    if not found:
        raise InputError("there is no certificate in it.", where=str(path), advice="Name a PEM or DER file.")
    return found


def _read_value(path: Path) -> bytes:
    content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    try:
        return base64.b64decode(b"".join(content.split()), validate=True) or content
    except binascii.Error:
        return content
