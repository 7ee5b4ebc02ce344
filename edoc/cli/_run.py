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
from functools import cache
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from edoc.errors import EdocError, InputError, KeyLoadError

if TYPE_CHECKING:
    from edoc.core.policy import Policy
    from edoc.signing.settings import SigningSettings

TokenLibrary = Annotated[Path | None, typer.Option(metavar="PATH", help="The token's PKCS#11 library.")]
PassphraseFile = Annotated[Path | None, typer.Option(help="File that holds the key's passphrase or PIN.")]
PassphraseVariable = Annotated[
    str | None, typer.Option(metavar="VAR", help="Environment variable that holds it.")
]
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
OutDir = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write many files into this folder, their tree kept.")
]
ListFile = Annotated[
    Path | None,
    typer.Option("--list", metavar="F", help="More files, a path a line; - is stdin. With --out-dir."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Pass over files that are in the folder already. With --out-dir.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")]
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_KEPT: Final = _CONTROLS | {ord("\n"): "\n", ord("\t"): "\t"}
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def emit_json(value: Any) -> None:
    """Print one JSON document on stdout; with escapes where stdout cannot hold its letters."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # also for file names that are no text
        text = json.dumps(value, indent=2, default=str)
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """Talk to the person: progress and remarks go to stderr."""
    sys.stderr.write(text.translate(_KEPT) + "\n")


def show_name(path: Path) -> str:
    """Give a path as one line of text; a name may hold anything, even what moves the cursor."""
    return str(path).translate(_CONTROLS).encode("utf-8", "backslashreplace").decode()


def require_apart(source: Path, target: Path) -> None:
    """End as wrong usage if a command would write over what it reads."""
    if source.resolve() == target.resolve():
        raise typer.BadParameter(f"{show_name(source)} would be replaced; name another file to write.")


def fail(error: EdocError | OSError, code: int = 1) -> NoReturn:
    """End the command with what is wrong and what to do."""
    say(f"edoc: {explain(error)}")
    raise SystemExit(code)


def explain(error: EdocError | OSError) -> str:
    """One clear sentence on what is wrong and what to do."""
    if isinstance(error, EdocError):
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    if is_disk_full(error):
        return (
            f"{where}the disk is full; nothing was left half done. Free some space and run the command again."
        )
    return f"{where}{(error.strerror or str(error)).lower()}."


def is_disk_full(error: BaseException) -> bool:
    """Whether space is all that is missing."""
    return isinstance(error, OSError) and error.errno in _FULL


@contextmanager
def reported() -> Iterator[None]:
    """Turn known failures into one sentence and exit code 1; anything else is a defect and stays loud."""
    try:
        yield
    except (EdocError, OSError) as error:
        fail(error)


def read_passphrase(file: Path | None, variable: str | None) -> Callable[[], str] | None:
    """Where the passphrase comes from; it is read only when a key asks for it.

    Raises `KeyLoadError` if the named place does not hold one; two places are wrong usage.
    """
    if file is not None and variable is not None:
        raise typer.BadParameter("name one place that holds the passphrase.", param_hint="--passphrase-env")
    if file is not None:

        def from_file() -> str:
            try:
                # Never an error over the bytes themselves: it would carry them.
                return file.read_bytes().decode("utf-8", "surrogateescape").rstrip("\r\n")
            except OSError as error:
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


def ask_passphrase(file: Path | None, variable: str | None) -> Callable[[], str] | None:
    """Where a key's passphrase or PIN comes from; without a place a person is asked, once, on a terminal."""
    given = read_passphrase(file, variable)
    if given is None and sys.stdin.isatty():
        return cache(lambda: getpass("Passphrase or PIN: "))
    return given


def read_password(file: Path | None) -> str | None:
    """The password of an encrypted PDF; raises `KeyLoadError` if the file does not hold one."""
    given = read_passphrase(file, None)
    return None if given is None else given()


def read_policy(text: str) -> "Policy":
    """The policy of that name or in that file; anything else is wrong usage."""
    from edoc.policies import load_policy

    try:
        return load_policy(text)
    except InputError as error:
        raise typer.BadParameter(str(error), param_hint="--policy") from error


def load_settings(
    config: Path | None, tsa: list[str] | None, *, needs_tsa: bool
) -> "tuple[SigningSettings, tuple[str, ...]]":
    """The settings in a file, or none, and the TSAs that go before those in it.

    Raises `SettingsError`; no TSA where one is needed, or an address that is none, is wrong usage.
    """
    from edoc.signing.settings import SigningSettings
    from edoc.trust.timestamps import Tsa

    settings = SigningSettings() if config is None else SigningSettings.load(config)
    if needs_tsa and not tsa and not settings.online.tsa:
        raise typer.BadParameter("name a time-stamping authority: it needs a TSA.", param_hint="--tsa")
    try:
        first = tuple(Tsa(url).url for url in tsa or ())
    except InputError as error:
        raise typer.BadParameter(str(error), param_hint="--tsa") from error
    return settings, first


def read_numbers(option: str, text: str, count: int) -> list[float]:
    """Numbers with commas between; anything else is wrong usage."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(abs(number) < 1e6 for number in numbers):  # noqa: PLR2004 - also no NaN
        raise typer.BadParameter(f"{text!r} is not {count} numbers with commas between.", param_hint=option)
    return numbers
