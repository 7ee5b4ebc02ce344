"""What every command shares: errors become one clear sentence and an exit code; `--json` owns stdout.

Exit codes: 0 done, 1 refused or failed with a reason, 2 wrong usage. Verifying commands have their own
(see `edoc.core.report`).
"""

import errno
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from edoc.errors import EdocError, KeyLoadError

PasswordFile = Annotated[
    Path | None, typer.Option(metavar="F", help="File that holds the password of an encrypted PDF.")
]
ConfigFile = Annotated[
    Path | None, typer.Option(metavar="edoc.toml", help="Trust, TSAs, hosts and cache (docs/signing.md).")
]
TsaUrls = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="Time-stamping authority (RFC 3161); repeatable, asked in order."),
]
TrustFiles = Annotated[
    list[Path] | None,
    typer.Option(metavar="PATH", help="Roots, CAs and CRLs: file or folder; repeatable."),
]
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def emit_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")


def say(text: str) -> None:
    """Talk to the person: progress and remarks go to stderr."""
    sys.stderr.write(text + "\n")


def fail(error: EdocError | OSError, code: int = 1) -> NoReturn:
    """End the command with what is wrong and what to do."""
    say(f"edoc: {explain(error)}")
    raise SystemExit(code)


def explain(error: EdocError | OSError) -> str:
    """One clear sentence on what is wrong and what to do."""
    if isinstance(error, EdocError):
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    if error.errno in _FULL:
        return (
            f"{where}the disk is full; nothing was left half done. Free some space and run the command again."
        )
    return f"{where}{(error.strerror or str(error)).lower()}."


@contextmanager
def reported() -> Iterator[None]:
    """Turn known failures into one sentence and exit code 1; anything else is a defect and stays loud."""
    try:
        yield
    except (EdocError, OSError) as error:
        fail(error)


def read_passphrase(file: Path | None, variable: str | None) -> Callable[[], str] | None:
    """Where the passphrase comes from; it is read only when a key asks for it.

    Raises `KeyLoadError` if the named place does not hold one.
    """
    if file is not None:

        def from_file() -> str:
            try:
                return file.read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise KeyLoadError(
                    "the passphrase file cannot be read.",
                    where=str(file),
                    advice="Name a readable UTF-8 text file that holds only the passphrase.",
                ) from error

        return from_file
    if variable is not None:

        def from_environment() -> str:
            if variable not in os.environ:
                raise KeyLoadError(
                    f"the environment variable {variable} is not set.",
                    advice="Set it, or use --passphrase-file.",
                )
            return os.environ[variable]

        return from_environment
    return None


def read_password(file: Path | None) -> str | None:
    """The password of an encrypted PDF; raises `KeyLoadError` if the file does not hold one."""
    given = read_passphrase(file, None)
    return None if given is None else given()


def read_numbers(option: str, text: str, count: int) -> list[float]:
    """Numbers with commas between; anything else is wrong usage."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(abs(number) < 1e6 for number in numbers):  # noqa: PLR2004 - also no NaN
        raise typer.BadParameter(f"{text!r} is not {count} numbers with commas between.", param_hint=option)
    return numbers
