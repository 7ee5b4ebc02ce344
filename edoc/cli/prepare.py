"""`edoc prepare` and `edoc number`: one file in, one file out."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from edoc.cli._run import PasswordFile, read_numbers, read_password, reported, require_apart, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from edoc.pdf.layout import Place

_PLACE_HELP = "PAGE,x1,y1,x2,y2 in PDF points from the lower left corner; found on the page if not given."

Input = Annotated[Path, typer.Argument(metavar="IN.pdf", help="The PDF to work on; it stays as it is.")]
Output = Annotated[Path, typer.Argument(metavar="OUT.pdf", help="The PDF to write.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command, example in _EXAMPLES.items():
        app.command(epilog=f"Example: edoc {example}")(command)


def prepare(
    source: Input,
    target: Output,
    number_rect: Annotated[str | None, typer.Option(metavar="PLACE", help=_PLACE_HELP)] = None,
    date_rect: Annotated[str | None, typer.Option(metavar="PLACE", help="As --number-rect.")] = None,
    person_rect: Annotated[str | None, typer.Option(metavar="PLACE", help="As --number-rect.")] = None,
    seal_rect: Annotated[str | None, typer.Option(metavar="PLACE", help="As --number-rect.")] = None,
    seals: Annotated[
        int, typer.Option(metavar="N", help="How many agencies will seal (joint documents).")
    ] = 1,
    anchor: Annotated[
        str | None, typer.Option(metavar="TEXT", help="How the line of the signer's position starts.")
    ] = None,
    password_file: PasswordFile = None,
) -> None:
    """Add the empty fields Number, Date, Person and Seal to a PDF."""
    places = {
        "--number-rect": number_rect,
        "--date-rect": date_rect,
        "--person-rect": person_rect,
        "--seal-rect": seal_rect,
    }
    where = {option: _read_place(option, text) for option, text in places.items()}
    if seals < 1:
        raise typer.BadParameter("at least one agency seals.", param_hint="--seals")
    require_apart(source, target)
    with reported():
        from edoc import signing

        signing.prepare(
            source,
            target,
            number_rect=where["--number-rect"],
            date_rect=where["--date-rect"],
            person_rect=where["--person-rect"],
            seal_rect=where["--seal-rect"],
            seals=seals,
            anchor=anchor,
            password=read_password(password_file),
        )
    say(f"{target}: prepared")


def number(
    source: Input,
    target: Output,
    given: Annotated[int, typer.Option("--number", metavar="N", min=1, help="The number in the register.")],
    notation: Annotated[str, typer.Option(metavar="S", help="The symbol, such as UBND-VP.")],
    date: Annotated[
        datetime, typer.Option(metavar="D", formats=["%Y-%m-%d"], help="Date of issue, YYYY-MM-DD.")
    ],
    password_file: PasswordFile = None,
) -> None:
    """Fill number and date into a prepared PDF; a signature of the person stays valid."""
    require_apart(source, target)
    with reported():
        from edoc import signing

        signing.number(
            source,
            target,
            number=given,
            notation=notation,
            date=date.date(),
            password=read_password(password_file),
        )
    say(f"{target}: numbered")


def _read_place(option: str, text: str | None) -> Place | None:
    if text is None:
        return None
    from edoc.pdf.layout import Place, Rect

    page, *corners = read_numbers(option, text, 5)
    if page < 1 or page != int(page):
        raise typer.BadParameter("the page is a number from 1 on.", param_hint=option)
    return Place(int(page), Rect(*corners))


_EXAMPLES: Final[dict[Callable[..., Any], str]] = {
    prepare: 'prepare draft.pdf ready.pdf --anchor "KT. CHỦ TỊCH"',
    number: "number signed.pdf numbered.pdf --number 5 --notation UBND-VP --date 2026-02-05",
}
