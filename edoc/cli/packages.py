"""`edoc pack`, `edoc pack-status` and `edoc unpack`: JSON and files in, edXML out, and back."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edoc.cli._run import emit_json, reported, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edoc.core.dispatch import Dispatch, StatusUpdate
    from edoc.packing import Packed, Unpacked


class Form(StrEnum):
    """How a package is written."""

    EDOC = "edoc"
    REFERENCE = "reference"


OutOption = Annotated[Path, typer.Option("--out", "-o", metavar="OUT.edxml", help="The package to write.")]
ProfileOption = Annotated[
    Form, typer.Option("--profile", help="'reference' adds nothing to what the reference library writes.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog="Example: edoc pack dispatch.json --attach signed.pdf --attach annex.xlsx -o out.edxml"
    )(pack)
    app.command("pack-status", epilog="Example: edoc pack-status status.json -o status.edxml")(pack_status)
    app.command(epilog="Example: edoc unpack out.edxml -d inbox --json")(unpack)


def pack(
    dispatch: Annotated[Path, typer.Argument(metavar="DISPATCH.json", help="What unpack --json prints.")],
    out: OutOption,
    attach: Annotated[
        list[Path] | None,
        typer.Option("--attach", metavar="FILE", help="An attachment; repeat it, in the dispatch's order."),
    ] = None,
    more: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Further attachments, after one --attach."),
    ] = None,
    profile: ProfileOption = Form.EDOC,
    json: JsonOption = False,
) -> None:
    """Write the package of a document: its header from JSON, its attachments from files."""
    files = [*(attach or ()), *(more or ())]
    if more and len(attach or ()) != 1:
        raise typer.BadParameter(
            "name every file with its own --attach, or all after one.", param_hint="FILE"
        )
    with reported():
        from edoc import packing

        packed = packing.pack(packing.load_dispatch(dispatch), attach=files, out=out, profile=profile.value)
    _tell(out, packed, json=json)


def pack_status(
    status: Annotated[Path, typer.Argument(metavar="STATUS.json", help="What unpack --json prints.")],
    out: OutOption,
    profile: ProfileOption = Form.EDOC,
    json: JsonOption = False,
) -> None:
    """Write the package of a status from JSON."""
    with reported():
        from edoc import packing

        packed = packing.pack_status(packing.load_status(status), out=out, profile=profile.value)
    _tell(out, packed, json=json)


def unpack(
    package: Annotated[Path, typer.Argument(metavar="IN.edxml", help="The package.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", "-d", metavar="DIR", help="Write the attachments here.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show the header of a package and its attachments; nothing is overwritten in DIR."""
    with reported():
        from edoc import packing

        found = packing.unpack(package, into=folder)
    if json:
        emit_json(found.to_dict())
    else:
        sys.stdout.writelines(f"{_printable(line)}\n" for line in _describe(found))
    for warning in found.warnings:
        say(_printable(f"{warning.code}: {warning.text} ({warning.where})"))


def _tell(out: Path, packed: Packed, *, json: bool) -> None:
    if json:
        emit_json({"path": str(out), "sha256": packed.sha256, "size": packed.size})
    else:
        say(f"{out}: {packed.size} bytes, SHA-256 {packed.sha256}")


def _describe(found: Unpacked) -> Iterator[str]:
    if found.status is not None:
        yield from _describe_status(found.status)
    if found.dispatch is not None:
        yield from _describe_dispatch(found.dispatch)


def _describe_status(status: StatusUpdate) -> Iterator[str]:
    answered = status.response_for
    yield f"Status       {status.status_code}  {status.description}"
    yield f"From         {status.from_.organ_id}  {status.from_.organ_name}"
    yield f"Answers      {answered.document_id or answered.code}"
    yield f"Time         {status.timestamp.isoformat() if status.timestamp else '-'}"


def _describe_dispatch(dispatch: Dispatch) -> Iterator[str]:
    code, issued = dispatch.code, dispatch.promulgation_info
    yield f"Document     {dispatch.document_id or '-'}"
    yield f"Number       {code.code_number}/{code.code_notation}"
    yield f"Issued       {issued.promulgation_date or '-'}  {issued.place}"
    yield f"Type         {dispatch.document_type.type_name or dispatch.document_type.type}"
    yield f"Subject      {dispatch.subject}"
    yield f"From         {dispatch.from_.organ_id}  {dispatch.from_.organ_name}"
    for organization in dispatch.to:
        yield f"To           {organization.organ_id}  {organization.organ_name}"
    if dispatch.business is not None:
        yield f"Business     {dispatch.business.business_doc_type}  {dispatch.business.business_doc_reason}"
    for attachment in dispatch.attachments:
        yield f"Attachment   {attachment.content_id}  {attachment.name}  {attachment.content_type}"
        yield f"             {attachment.size} bytes, SHA-256 {attachment.sha256 or '-'}"


def _printable(text: str) -> str:
    """Take out what a stranger could use to steer the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
