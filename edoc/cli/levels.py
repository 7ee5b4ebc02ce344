"""`edoc timestamp` and `edoc extend`: raise the level of what is signed; no key is needed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edoc.cli._run import ConfigFile, PasswordFile, TrustFiles, TsaUrls, read_password, reported, say

if TYPE_CHECKING:
    from edoc.signing.settings import SigningSettings

Input = Annotated[Path, typer.Argument(metavar="IN.pdf", help="The PDF to work on; it stays as it is.")]
Output = Annotated[Path, typer.Argument(metavar="OUT.pdf", help="The PDF to write.")]


class Level(StrEnum):
    """What a file can be raised to."""

    T = "B-T"
    LT = "B-LT"
    LTA = "B-LTA"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(epilog="Example: edoc timestamp signed.pdf stamped.pdf --tsa http://tsa.ca.gov.vn")(timestamp)
    app.command(
        epilog="Example: edoc extend signed.pdf kept.pdf --level B-LTA --trust roots --tsa http://tsa.ca.gov.vn"
    )(extend)


def timestamp(
    source: Input,
    target: Output,
    tsa: TsaUrls = None,
    config: ConfigFile = None,
    password_file: PasswordFile = None,
) -> None:
    """Add a document time-stamp, which proves when the file existed with all its signatures."""
    with reported():
        from edoc import signing

        settings = _load(config, tsa)
        with settings.online.make(settings.folder, first=tuple(tsa or ())) as online:
            signing.timestamp(source, target, online=online, password=read_password(password_file))
    say(f"{target}: time-stamped")


def extend(
    source: Input,
    target: Output,
    level: Annotated[Level, typer.Option(help="What every signature in the file is raised to.")],
    trust: TrustFiles = None,
    tsa: TsaUrls = None,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch no revocation data.")] = False,
    config: ConfigFile = None,
    password_file: PasswordFile = None,
) -> None:
    """Raise the signatures of a file to a higher level, or renew their archive time-stamp."""
    with reported():
        from edoc import signing
        from edoc.errors import Refused

        settings = _load(config, tsa, needs_tsa=level is not Level.LT)
        roots = settings.load_trust(*(trust or ()))
        if roots is None:
            raise Refused(
                "nothing can be proven without a trusted root.", advice="Give a trust store (--trust)."
            )
        with settings.online.make(settings.folder, first=tuple(tsa or ())) as online:
            signing.extend(
                source,
                target,
                level=level.value,
                trust=roots,
                online=online,
                offline=offline,
                password=read_password(password_file),
            )
    say(f"{target}: raised to {level}")


def _load(config: Path | None, tsa: list[str] | None, *, needs_tsa: bool = True) -> SigningSettings:
    from edoc.signing.settings import SigningSettings

    settings = SigningSettings() if config is None else SigningSettings.load(config)
    if needs_tsa and not tsa and not settings.online.tsa:
        raise typer.BadParameter("name a time-stamping authority.", param_hint="--tsa")
    return settings
