"""`edoc prepare`, `edoc number` and `edoc sign`: one file in, one file out."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from getpass import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from edoc.cli._run import read_passphrase, reported, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from edoc.pdf.layout import Place

_PLACE_HELP = "PAGE,x1,y1,x2,y2 in PDF points from the lower left corner; found on the page if not given."

Input = Annotated[Path, typer.Argument(metavar="IN.pdf", help="The PDF to work on; it stays as it is.")]
Output = Annotated[Path, typer.Argument(metavar="OUT.pdf", help="The PDF to write.")]


class Role(StrEnum):
    """Whose signature it is."""

    PERSON = "person"
    AGENCY = "agency"
    SYSTEM = "system"


class Level(StrEnum):
    """How long the signature proves itself; this version makes the first two."""

    B = "B-B"
    T = "B-T"
    LT = "B-LT"
    LTA = "B-LTA"


class Checks(StrEnum):
    """What is checked before signing."""

    ND68 = "nd68"
    NONE = "none"


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
) -> None:
    """Fill number and date into a prepared PDF; a signature of the person stays valid."""
    with reported():
        from edoc import signing

        signing.number(source, target, number=given, notation=notation, date=date.date())
    say(f"{target}: numbered")


def sign(
    source: Input,
    target: Output,
    key: Annotated[str, typer.Option(metavar="KEY", help="A .p12 or .pfx file.")],
    role: Annotated[Role, typer.Option(help="Whose signature it is.")],
    level: Annotated[Level, typer.Option(help="This version makes B-B, and B-T with --tsa.")] = Level.B,
    field: Annotated[str | None, typer.Option(metavar="NAME", help="The signature field to use.")] = None,
    page: Annotated[int | None, typer.Option(min=1, help="Page of a new field, with --rect.")] = None,
    rect: Annotated[
        str | None, typer.Option(metavar="x1,y1,x2,y2", help="Place of a new field in PDF points.")
    ] = None,
    image: Annotated[
        Path | None, typer.Option(metavar="PNG", help="What is shown: a PNG with transparent background.")
    ] = None,
    tsa: Annotated[
        str | None, typer.Option(metavar="URL", help="Time-stamping authority (RFC 3161).")
    ] = None,
    checks: Annotated[Checks, typer.Option(help="What is checked before; none is for tests.")] = Checks.ND68,
    trust: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Roots, CAs and CRLs: file or folder; repeatable."),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Fetch nothing to check the certificate.")
    ] = False,
    policy: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Judges the person's signature under a seal.")
    ] = "nd68",
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File that holds the key's passphrase.")
    ] = None,
    passphrase_env: Annotated[
        str | None, typer.Option(metavar="VAR", help="Environment variable that holds it.")
    ] = None,
) -> None:
    """Sign a PDF as PAdES; the seal goes only on what a person validly signed."""
    if (page is None) is not (rect is None):
        raise typer.BadParameter("--page and --rect go together.", param_hint="--rect")
    if field is not None and rect is not None:
        raise typer.BadParameter("--field names an existing field; it has its place.", param_hint="--rect")
    if level is Level.T and tsa is None:
        raise typer.BadParameter("the level B-T needs a time-stamping authority.", param_hint="--tsa")
    corners = None if rect is None else _read_numbers("--rect", rect, 4)
    with reported():
        from edoc import signing
        from edoc.keys.loading import load_key
        from edoc.trust.store import Trust

        done = signing.sign(
            source,
            target,
            key=load_key(key, passphrase=_ask_passphrase(passphrase_file, passphrase_env)),
            role=role.value,
            level=level.value,
            field=field,
            page=page,
            rect=corners,
            image=image,
            tsa=tsa,
            checks=checks.value,
            trust=Trust.load(*trust) if trust else None,
            offline=offline,
            policy=policy,
        )
    say(f"{target}: signed as {role} in the field {done.field}, level {done.level}")


def _ask_passphrase(file: Path | None, variable: str | None) -> Callable[[], str] | None:
    given = read_passphrase(file, variable)
    if given is None and sys.stdin.isatty():
        return lambda: getpass("Passphrase: ")
    return given


def _read_place(option: str, text: str | None) -> Place | None:
    if text is None:
        return None
    from edoc.pdf.layout import Place, Rect

    page, *corners = _read_numbers(option, text, 5)
    if page < 1 or page != int(page):
        raise typer.BadParameter("the page is a number from 1 on.", param_hint=option)
    return Place(int(page), Rect(*corners))


def _read_numbers(option: str, text: str, count: int) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(abs(number) < 1e6 for number in numbers):  # noqa: PLR2004 - also no NaN
        raise typer.BadParameter(f"{text!r} is not {count} numbers with commas between.", param_hint=option)
    return numbers


_EXAMPLES: Final[dict[Callable[..., Any], str]] = {
    prepare: 'prepare draft.pdf ready.pdf --anchor "KT. CHỦ TỊCH"',
    number: "number signed.pdf numbered.pdf --number 5 --notation UBND-VP --date 2026-02-05",
    sign: "sign ready.pdf signed.pdf --key a-person1.p12 --role person --trust certs-dev/trust",
}
