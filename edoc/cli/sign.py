"""`edoc sign`: one file, or many with `--out-dir`."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from edoc.cli._run import (
    ConfigFile,
    PasswordFile,
    TrustFiles,
    TsaUrls,
    emit_json,
    explain,
    read_numbers,
    read_passphrase,
    read_password,
    reported,
    say,
)
from edoc.errors import EdocError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edoc.signing.batch import Errand, Outcome


class Level(StrEnum):
    """How long the signature proves itself."""

    B = "B-B"
    T = "B-T"
    LT = "B-LT"
    LTA = "B-LTA"


class Checks(StrEnum):
    """What is checked before signing."""

    ND68 = "nd68"
    NONE = "none"


class Lock(StrEnum):
    """What a new field locks."""

    NONE = "none"
    FORM = "form"
    ALL = "all"


class Digest(StrEnum):
    """What the signature hashes with."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(epilog=f"Examples: edoc {_ONE}; edoc {_MANY}")(sign)


_ONE: Final = "sign ready.pdf signed.pdf --key a-person1.p12 --role person --trust roots"
_MANY: Final = (
    'sign letters --out-dir signed --key "pkcs11:token=Van%20thu;object=seal" --role agency --trust roots'
)


def sign(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="IN.pdf OUT.pdf", help="One file in, one out; with --out-dir files and folders."
        ),
    ] = None,
    key: Annotated[str, typer.Option(metavar="KEY", help="A .p12 or .pfx file, or a pkcs11: URI.")] = ...,  # type: ignore[assignment]
    role: Annotated[
        str,
        typer.Option(metavar="ROLE", help="person, agency, system, another preset, or an own .toml file."),
    ] = ...,  # type: ignore[assignment]
    level: Annotated[Level, typer.Option(help="B-T and above need a TSA.")] = Level.B,
    out_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Sign many files into this folder.")
    ] = None,
    list_file: Annotated[
        Path | None,
        typer.Option("--list", metavar="F", help="More files to sign, a path a line; - is stdin."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Pass over files that are signed already.")
    ] = False,
    field: Annotated[str | None, typer.Option(metavar="NAME", help="The signature field to use.")] = None,
    page: Annotated[int | None, typer.Option(min=1, help="Page of a new field, with --rect.")] = None,
    rect: Annotated[
        str | None, typer.Option(metavar="x1,y1,x2,y2", help="Place of a new field in PDF points.")
    ] = None,
    anchor: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Words on the page that a new field goes with.")
    ] = None,
    image: Annotated[
        Path | None, typer.Option(metavar="PNG", help="What is shown: a PNG with transparent background.")
    ] = None,
    number: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="The number, for roles that print it.")
    ] = None,
    notation: Annotated[str | None, typer.Option(metavar="S", help="The symbol, such as UBND-VP.")] = None,
    date: Annotated[
        datetime | None, typer.Option(metavar="D", formats=["%Y-%m-%d"], help="Date of issue, YYYY-MM-DD.")
    ] = None,
    agency: Annotated[
        str | None, typer.Option(metavar="NAME", help="The agency's name, if not the certificate's.")
    ] = None,
    lock: Annotated[
        Lock | None, typer.Option(help="What a new field locks, if not as the role says.")
    ] = None,
    digest: Annotated[Digest, typer.Option(help="Digest of the signature.")] = Digest.SHA256,
    pss: Annotated[bool, typer.Option("--pss", help="Sign by RSASSA-PSS.")] = False,
    tsa: TsaUrls = None,
    or_lower: Annotated[
        bool, typer.Option("--or-lower", help="Make a lower level if the TSA cannot be had now.")
    ] = False,
    checks: Annotated[Checks, typer.Option(help="What is checked before; none is for tests.")] = Checks.ND68,
    trust: TrustFiles = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Fetch nothing to check the certificate.")
    ] = False,
    policy: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Judges the person's signature under a seal.")
    ] = "nd68",
    config: ConfigFile = None,
    module: Annotated[Path | None, typer.Option(metavar="PATH", help="The token's PKCS#11 library.")] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File that holds the key's passphrase or PIN.")
    ] = None,
    passphrase_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="Environment variable that holds it.")
    ] = None,
    password_file: PasswordFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Sign a PDF as PAdES; the seal goes only on what a person validly signed."""
    sources = [*(files or ()), *_read_list(list_file)]
    errands = _list_errands(sources, out_dir)
    _require_options(page=page, rect=rect, field=field, role=role)
    corners = None if rect is None else read_numbers("--rect", rect, 4)
    with reported():
        from edoc.keys.loading import load_key
        from edoc.signing.batch import sign_all
        from edoc.signing.settings import SigningSettings

        settings = SigningSettings() if config is None else SigningSettings.load(config)
        if level is not Level.B and not tsa and not settings.online.tsa:
            raise typer.BadParameter(f"the level {level} needs a TSA.", param_hint="--tsa")
        loaded = load_key(
            key,
            passphrase=_ask_passphrase(passphrase_file, passphrase_env),
            scheme="pss" if pss else None,
            module=module,
        )
        with settings.online.make(settings.folder, first=tuple(tsa or ())) as online:
            outcomes = _show_progress(
                errands,
                sign_all(
                    errands,
                    resume=resume,
                    key=loaded,
                    role=role,
                    level=level.value,
                    field=field,
                    page=page,
                    rect=corners,
                    anchor=anchor,
                    image=image,
                    number=number,
                    notation=notation,
                    date=None if date is None else date.date(),
                    agency=agency,
                    lock=None if lock is None else lock.value,
                    digest=digest.value,
                    online=online,
                    or_lower=or_lower,
                    checks=checks.value,
                    trust=settings.load_trust(*(trust or ())),
                    offline=offline,
                    policy=policy,
                    password=read_password(password_file),
                ),
                quiet=out_dir is None,
            )
    _tell(outcomes, errands, role=role, single=out_dir is None, as_json=as_json)


def _read_list(file: Path | None) -> list[Path]:
    if file is None:
        return []
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} cannot be read as a list of paths.", param_hint="--list") from error
    return [Path(line) for line in text.splitlines() if line.strip()]


def _list_errands(sources: list[Path], out_dir: Path | None) -> tuple[Errand, ...]:
    from edoc.signing.batch import Errand, list_errands

    if out_dir is not None:
        try:
            return list_errands(sources, out_dir)
        except InputError as error:
            raise typer.BadParameter(str(error), param_hint="--out-dir") from error
    if len(sources) != 2:  # noqa: PLR2004 - one in, one out
        raise typer.BadParameter("name one file to sign and one to write, or use --out-dir for many.")
    return (Errand(*sources),)


def _require_options(*, page: int | None, rect: str | None, field: str | None, role: str) -> None:
    if (page is None) is not (rect is None):
        raise typer.BadParameter("--page and --rect go together.", param_hint="--rect")
    if field is not None and rect is not None:
        raise typer.BadParameter("--field names an existing field; it has its place.", param_hint="--rect")
    from edoc.roles.role import load_role

    try:
        load_role(role)
    except InputError as error:
        raise typer.BadParameter(str(error), param_hint="--role") from error


def _ask_passphrase(file: Path | None, variable: str | None) -> Callable[[], str] | None:
    given = read_passphrase(file, variable)
    if given is None and sys.stdin.isatty():
        return lambda: getpass("Passphrase or PIN: ")
    return given


def _show_progress(errands: tuple[Errand, ...], outcomes: Any, *, quiet: bool) -> list[Outcome]:
    """Go through the work; a bar on a terminal. Interrupted, it ends after the current file."""
    if quiet or not sys.stderr.isatty():
        return list(_until_interrupted(outcomes))
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done: list[Outcome] = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Signing", total=len(errands))
        for outcome in _until_interrupted(outcomes):
            done.append(outcome)
            bar.advance(task)
    return done


def _until_interrupted(outcomes: Any) -> Any:
    import signal

    stopped = False

    def stop(_number: int, _frame: Any) -> None:
        nonlocal stopped
        stopped = True

    before = signal.signal(signal.SIGINT, stop)
    try:
        for outcome in outcomes:
            yield outcome
            if stopped:
                return
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(
    outcomes: list[Outcome], errands: tuple[Errand, ...], *, role: str, single: bool, as_json: bool
) -> None:
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if as_json:
        emit_json({"files": [_describe(outcome) for outcome in outcomes]})
    if single:
        for outcome in outcomes:
            if outcome.error is not None:
                say(f"edoc: {explain(outcome.error)}")
            elif outcome.signed is not None:
                done = outcome.signed
                what = f"signed as {role} in the field {done.field}, level {done.level}"
                say(f"{outcome.errand.target}: {what}")
    else:
        _print_table(outcomes, to_stderr=as_json)
        if len(outcomes) < len(errands):
            say(f"interrupted: {len(errands) - len(outcomes)} files were not touched.")
            raise SystemExit(130)
    if failed:
        raise SystemExit(1)


def _describe(outcome: Outcome) -> dict[str, Any]:
    told: dict[str, Any] = {"path": str(outcome.errand.source), "out": str(outcome.errand.target)}
    if outcome.error is not None:
        known = outcome.error if isinstance(outcome.error, EdocError) else None
        told["error"] = {
            "code": known.code if known else "IO",
            "text": explain(outcome.error),
            "retryable": known.retryable if known else True,
        }
    if outcome.signed is not None:
        done = outcome.signed
        told |= {
            "sha256": done.sha256,
            "size": done.size,
            "field": done.field,
            "level": done.level,
            "signing_time": done.signing_time.isoformat(),
            "checks": [
                {"name": check.name, "outcome": check.outcome, "detail": check.detail}
                for check in done.checks
            ],
        }
    return told


def _reason(error: EdocError | OSError) -> str:
    # The file stands in the row already.
    return f"{error.what} {error.advice}".strip() if isinstance(error, EdocError) else explain(error)


def _print_table(outcomes: list[Outcome], *, to_stderr: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("File", "Result", "Level", "Field or reason"):
        table.add_column(heading, overflow="fold")
    for outcome in outcomes:
        name = Text(str(outcome.errand.source))
        if outcome.error is not None:
            table.add_row(name, Text("failed", style="red"), "", Text(_reason(outcome.error)))
        elif outcome.signed is not None:
            done = outcome.signed
            table.add_row(name, Text("signed", style="green"), done.level, Text(done.field))
        else:
            table.add_row(name, "there already", "", "")
    console = Console(stderr=to_stderr, width=None if sys.stdout.isatty() else 200)
    console.print(table)
    signed = sum(outcome.signed is not None for outcome in outcomes)
    failed = sum(outcome.error is not None for outcome in outcomes)
    rest = len(outcomes) - signed - failed
    console.print(f"{signed} signed, {failed} failed" + (f", {rest} passed over" if rest else ""))
