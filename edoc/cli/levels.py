"""`edoc timestamp` and `edoc extend`: raise the level of what is signed; no key is needed."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from edoc.cli._batch import finish, read_job
from edoc.cli._run import (
    AsJson,
    ConfigFile,
    ListFile,
    OutDir,
    PasswordFile,
    Resume,
    TrustFiles,
    TsaUrls,
    load_settings,
    read_password,
)

Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="IN.pdf OUT.pdf", help="One file in, one out; with --out-dir files and folders."),
]


class Level(StrEnum):
    """What a file can be raised to."""

    T = "B-T"
    LT = "B-LT"
    LTA = "B-LTA"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command, example in _EXAMPLES.items():
        app.command(epilog=f"Example: edoc {example}")(command)


def timestamp(
    files: Files = None,
    tsa: TsaUrls = None,
    out_dir: OutDir = None,
    list_file: ListFile = None,
    resume: Resume = False,
    config: ConfigFile = None,
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Add a document time-stamp, which proves when the file existed with all its signatures."""
    job = read_job(
        files or [],
        out_dir=out_dir,
        list_file=list_file,
        resume=resume,
        as_json=as_json,
        doing="Time-stamping",
        done="time-stamped",
    )
    with job.reported():
        from edoc import signing
        from edoc.signing.batch import act_on_all

        settings, first = load_settings(config, tsa, needs_tsa=True)
        password = read_password(password_file)
        with settings.online.make(settings.folder, first=first) as online:
            act = partial(signing.timestamp, online=online, password=password)
            outcomes = act_on_all(job.errands, act, resume=resume, make_folders=job.many)
            finish(job, outcomes, lambda _: {})


def extend(
    files: Files = None,
    *,
    level: Annotated[Level, typer.Option(help="What every signature in the file is raised to.")],
    trust: TrustFiles = None,
    tsa: TsaUrls = None,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch no revocation data.")] = False,
    out_dir: OutDir = None,
    list_file: ListFile = None,
    resume: Resume = False,
    config: ConfigFile = None,
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Raise the signatures of a file to a higher level, or renew their archive time-stamp."""
    job = read_job(
        files or [],
        out_dir=out_dir,
        list_file=list_file,
        resume=resume,
        as_json=as_json,
        doing="Raising",
        done="raised",
    )
    with job.reported():
        from edoc import signing
        from edoc.errors import Refused
        from edoc.signing.batch import act_on_all

        settings, first = load_settings(config, tsa, needs_tsa=level is not Level.LT)
        roots = settings.load_trust(*(trust or ()))
        if roots is None:
            raise Refused(
                "nothing can be proven without a trusted root.", advice="Give a trust store (--trust)."
            )
        password = read_password(password_file)
        with settings.online.make(settings.folder, first=first) as online:
            act = partial(
                signing.extend,
                level=level.value,
                trust=roots,
                online=online,
                offline=offline,
                password=password,
            )
            finish(
                job,
                act_on_all(job.errands, act, resume=resume, make_folders=job.many),
                lambda _: {"level": level.value},
            )


_EXAMPLES: Final[dict[Callable[..., Any], str]] = {
    timestamp: "timestamp signed.pdf stamped.pdf --tsa http://tsa.ca.gov.vn",
    extend: "extend signed.pdf kept.pdf --level B-LTA --trust roots --tsa http://tsa.ca.gov.vn",
}
