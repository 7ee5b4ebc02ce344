"""`edoc demo`: the whole journey on this machine."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from edoc.cli._run import emit_json, reported, say

_EPILOG = """Example: edoc demo my-demo --pdf cong-van.pdf

Run it again on the same folder and it goes on where it stopped."""


class Transport(StrEnum):
    """How the two agencies exchange packages."""

    MAILBOX = "mailbox"
    AXIS = "axis"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(epilog=_EPILOG)
    def demo(
        folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where everything is written.")] = Path(
            "edoc-demo"
        ),
        pdf: Annotated[
            Path | None, typer.Option(help="Send this PDF instead of the sample công văn.")
        ] = None,
        pki: Annotated[Path, typer.Option(help="Development certificates; made if missing.")] = Path(
            "certs-dev"
        ),
        services: Annotated[
            bool, typer.Option("--services", help="Use real Redis, PostgreSQL and S3.")
        ] = False,
        transport: Annotated[
            Transport, typer.Option(help="A shared folder, or a hub that speaks as the national axis does.")
        ] = Transport.MAILBOX,
        start_over: Annotated[
            bool, typer.Option("--start-over", help="Clear the demo in DIR first.")
        ] = False,
        json: Annotated[bool, typer.Option("--json", help="Print the paths as JSON on stdout.")] = False,
    ) -> None:
        """Send a dispatch from agency A to agency B: sign, number, seal, pack, deliver, verify, archive."""
        from rich.console import Console

        from edoc.demo.play import SAMPLE_PDF, play

        with reported():
            result = play(
                folder,
                console=Console(stderr=json),
                pdf=pdf or SAMPLE_PDF,
                pki=pki,
                services=services,
                start_over=start_over,
                transport=transport.value,
            )
        if json:
            emit_json(result)
        else:
            _print_paths(result)


def _print_paths(result: dict[str, Any]) -> None:
    pdf = result["pdfs"]["received"]
    rows = [
        ("PDF đã ký (signed PDF)", pdf),
        ("Gói edXML (package)", *result["packages"]),
        ("Trạng thái (status messages)", *result["statuses"]),
        ("Sổ văn bản đi (outgoing register)", *result["registers"]["outgoing"].values()),
        ("Sổ văn bản đến (incoming register)", *result["registers"]["incoming"].values()),
        ("Kết quả kiểm tra (verification report)", *result["reports"].values()),
        ("Gói lưu trữ (archive packages)", *result["archive_packages"]),
        ("Hai nút (nodes)", *result["nodes"].values()),
    ]
    for heading, *paths in rows:
        sys.stdout.write(f"\n{heading}\n" + "".join(f"  {path}\n" for path in paths))
    say(f"\nSố {result['document_id']} · {result['elapsed_seconds']} s")
