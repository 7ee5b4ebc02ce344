"""`edoc verify`: judge signed PDF files."""

import logging
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from edoc.cli._run import emit_json, fail, read_passphrase
from edoc.errors import EdocError, InputError

if TYPE_CHECKING:
    from edoc.core.report import Report

_VIETNAM: Final = timezone(timedelta(hours=7))
_EXIT_USAGE: Final = 2
_EPILOG: Final = """\b
Example: edoc verify --offline --trust certs-dev/trust signed.pdf
\b
Exit codes: 0 all passed; 1 something failed, or the document rule did;
2 wrong usage; 3 something is indeterminate; 4 a file has no signature;
5 a file cannot be read. With several files the first that applies in the
order 1, 5, 4, 3, 0."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command(epilog=_EPILOG)
    def verify(
        paths: Annotated[
            list[Path], typer.Argument(metavar="FILE|DIR...", help="PDF files, or folders of them.")
        ],
        json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
        html: Annotated[
            Path | None, typer.Option(metavar="OUT.html", help="Write the report as one HTML file.")
        ] = None,
        trust: Annotated[
            list[Path] | None,
            typer.Option(
                metavar="PATH", help="Trusted roots, CAs and CRLs: PEM, DER, or a folder. Repeatable."
            ),
        ] = None,
        at: Annotated[
            str | None,
            typer.Option(
                metavar="ISO-TIME", help="Judge at this time; without offset it is Vietnamese (+07:00)."
            ),
        ] = None,
        offline: Annotated[bool, typer.Option("--offline", help="Fetch nothing.")] = False,
        policy: Annotated[str, typer.Option(metavar="NAME", help="nd68 or integrity.")] = "nd68",
        rule: Annotated[str, typer.Option(metavar="nd30|none", help="Rule on the whole document.")] = "none",
        password_file: Annotated[
            Path | None, typer.Option(metavar="F", help="File with the password of encrypted PDFs.")
        ] = None,
    ) -> None:
        """Verify the signatures of PDF files: who signed, whether anything changed, whether it counts."""
        # pyHanko tells its doubts to the log; here they are in the report.
        logging.getLogger("pyhanko").addHandler(logging.NullHandler())
        logging.getLogger("pyhanko_certvalidator").addHandler(logging.NullHandler())
        try:
            report = _verify(paths, trust or [], at, policy, rule, password_file, offline=offline)
            if html is not None:
                _write_html(report, html)
        except (EdocError, OSError) as error:
            fail(error, _EXIT_USAGE)
        if json:
            emit_json(report.to_dict())
        else:
            _print_text(report)
        raise typer.Exit(report.exit_code)


def _verify(
    paths: list[Path],
    trust: list[Path],
    at: str | None,
    policy: str,
    rule: str,
    password_file: Path | None,
    *,
    offline: bool,
) -> "Report":
    from edoc.trust.store import Trust
    from edoc.verification import verify_many

    ask = read_passphrase(password_file, None)
    return verify_many(
        _expand(paths),
        trust=Trust.load(*trust) if trust else None,
        policy=policy,
        at=_read_time(at),
        offline=offline,
        rule=rule,
        password=ask() if ask else None,
    )


def _expand(paths: list[Path]) -> list[Path]:
    """Files as they are, and every PDF in a folder and below it, by name."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(item for item in path.rglob("*") if item.suffix.lower() == ".pdf" and item.is_file())
        if not inside:
            raise InputError("there is no PDF in this folder.", where=str(path), advice="Name a PDF file.")
        found += inside
    return found


def _read_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{text!r} is not a time.", where="--at", advice="Write it as 2026-02-05T08:00:00+07:00."
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=_VIETNAM)


def _write_html(report: "Report", target: Path) -> None:
    from edoc.pdf.files import written_to
    from edoc.render.report import to_html

    with written_to(target) as stream:
        stream.write(to_html(report).encode())


def _print_text(report: "Report") -> None:
    from rich.console import Console

    from edoc.render.report import to_text

    to_text(report, Console(highlight=False))
