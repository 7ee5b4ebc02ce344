"""The `edoc` command.

Everything that costs time to import is imported by the command that uses it.
"""

import gc
import sys
from io import TextIOWrapper
from typing import Annotated, Final

import typer

from edoc.cli._lazy import LazyGroup

app = typer.Typer(
    name="edoc",
    cls=LazyGroup,
    help="Sign, verify, exchange and keep official documents.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


_OBJECTS_PER_COLLECTION: Final = 100_000
"""Importing makes many objects and no garbage; looking for it took a tenth of a short command's time."""


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"edoc {version('edoc')}")
        raise typer.Exit


@app.callback()
def _root(
    _version_flag: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the console script."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that this terminal cannot show must not end what was done with a stack of frames.
        sys.stdout.reconfigure(errors="backslashreplace")
    gc.set_threshold(_OBJECTS_PER_COLLECTION)
    try:
        app()
    finally:
        gc.freeze()  # nothing to look for while the process ends: a quarter of a short command's time


if __name__ == "__main__":
    main()
