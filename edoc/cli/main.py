"""The `edoc` command: assembles the commands of each noun.

Rooms that cost time to import are imported inside the commands that use them.
"""

import sys
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated

import typer

from edoc.cli import demo, levels, maintain, operate, packages, pki, prepare, sign, verify

app = typer.Typer(
    name="edoc",
    help="Sign, verify, exchange and keep official documents.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"edoc {version('edoc')}")
        raise typer.Exit


@app.callback()
def _root(
    _version_flag: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


for commands in (demo, pki, prepare, sign, levels, verify, packages, operate, maintain):
    commands.register(app)


def main() -> None:
    """Entry point of the console script."""
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that this terminal cannot show must not end what was done with a stack of frames.
        sys.stdout.reconfigure(errors="backslashreplace")
    app()


if __name__ == "__main__":
    main()
