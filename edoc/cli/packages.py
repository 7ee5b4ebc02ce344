"""`edoc pack`, `edoc pack-status` and `edoc unpack`: JSON and files in, edXML out, and back."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from edoc.cli._run import (
    PassphraseFile,
    PassphraseVariable,
    TokenLibrary,
    ask_passphrase,
    emit_json,
    reported,
    say,
)
from edoc.errors import PackageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edoc.core.dispatch import Dispatch, StatusUpdate
    from edoc.core.ports import SigningKey
    from edoc.packing import Packed, Unpacked


class Form(StrEnum):
    """How a package is written."""

    EDOC = "edoc"
    REFERENCE = "reference"


OutOption = Annotated[Path, typer.Option("--out", "-o", metavar="OUT.edxml", help="The package to write.")]
ProfileOption = Annotated[
    Form, typer.Option("--profile", help="'reference' adds nothing to what the reference library writes.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(metavar="KEY", help="Sign the whole package: a .p12 or .pfx file, or a pkcs11: URI."),
]
PssOption = Annotated[bool, typer.Option("--pss", help="Sign by RSASSA-PSS.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


_PLAIN: Final = "pack dispatch.json --attach signed.pdf --attach annex.xlsx -o out.edxml"
_SIGNED: Final = "pack dispatch.json --attach signed.pdf -o out.edxml --key system.p12 --passphrase-file pin"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=f"Example: edoc {_PLAIN}; signed: edoc {_SIGNED}")(pack)
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
    key: KeyOption = None,
    pss: PssOption = False,
    module: TokenLibrary = None,
    passphrase_file: PassphraseFile = None,
    passphrase_env: PassphraseVariable = None,
    json: JsonOption = False,
) -> None:
    """Write the package of a document: its header from JSON, its attachments from files."""
    ask = ask_passphrase(passphrase_file, passphrase_env)
    files = [*(attach or ()), *(more or ())]
    if more and len(attach or ()) != 1:
        raise typer.BadParameter(
            "name every file with its own --attach, or all after one.", param_hint="FILE"
        )
    with reported():
        from edoc import packing

        packed = packing.pack(
            packing.load_dispatch(dispatch),
            attach=files,
            out=out,
            key=_load_key(key, ask, pss=pss, module=module),
            profile=profile.value,
        )
    _tell(out, packed, json=json)


def pack_status(
    status: Annotated[Path, typer.Argument(metavar="STATUS.json", help="What unpack --json prints.")],
    out: OutOption,
    profile: ProfileOption = Form.EDOC,
    key: KeyOption = None,
    pss: PssOption = False,
    module: TokenLibrary = None,
    passphrase_file: PassphraseFile = None,
    passphrase_env: PassphraseVariable = None,
    json: JsonOption = False,
) -> None:
    """Write the package of a status from JSON."""
    ask = ask_passphrase(passphrase_file, passphrase_env)
    with reported():
        from edoc import packing

        loaded = _load_key(key, ask, pss=pss, module=module)
        packed = packing.pack_status(packing.load_status(status), out=out, key=loaded, profile=profile.value)
    _tell(out, packed, json=json)


def unpack(
    package: Annotated[Path, typer.Argument(metavar="IN.edxml", help="The package.")],
    folder: Annotated[
        Path | None, typer.Option("--dir", "-d", metavar="DIR", help="Write the attachments here.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse what pack would not write, with every reason.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show the header of a package and its attachments; nothing is overwritten in DIR."""
    with reported():
        from edoc import packing

        try:
            found = packing.unpack(package, into=folder, strict=strict)
        except PackageError as error:
            for reason in error.reasons:
                say(_printable(reason))
            raise
    if json:
        emit_json(found.to_dict())
    else:
        sys.stdout.writelines(f"{_printable(line)}\n" for line in _describe(found))
    for warning in found.warnings:
        say(_printable(f"{warning.code}: {warning.text} ({warning.where})"))


def _load_key(
    uri: str | None, ask: Callable[[], str] | None, *, pss: bool, module: Path | None
) -> SigningKey | None:
    if uri is None:
        return None
    from edoc.keys.loading import load_key

    return load_key(uri, passphrase=ask, scheme="pss" if pss else None, module=module)


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
