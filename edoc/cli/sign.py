"""`edoc sign`: one file, or many with `--out-dir`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from edoc.cli._batch import finish, read_job
from edoc.cli._run import (
    AsJson,
    ConfigFile,
    ListFile,
    OutDir,
    PassphraseFile,
    PassphraseVariable,
    PasswordFile,
    Resume,
    TokenLibrary,
    TrustFiles,
    TsaUrls,
    ask_passphrase,
    load_settings,
    read_numbers,
    read_password,
    read_policy,
)
from edoc.errors import InputError

if TYPE_CHECKING:
    from edoc.roles.role import Role
    from edoc.signing.finishing import Signed


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
    *,
    key: Annotated[str, typer.Option(metavar="KEY", help="A .p12 or .pfx file, or a pkcs11: URI.")],
    role: Annotated[
        str,
        typer.Option(metavar="ROLE", help="person, agency, system, another preset, or an own .toml file."),
    ],
    level: Annotated[Level, typer.Option(help="B-T and above need a TSA.")] = Level.B,
    out_dir: OutDir = None,
    list_file: ListFile = None,
    resume: Resume = False,
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
    module: TokenLibrary = None,
    passphrase_file: PassphraseFile = None,
    passphrase_env: PassphraseVariable = None,
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign a PDF as PAdES; the seal goes only on what a person validly signed."""
    job = read_job(
        files or [],
        out_dir=out_dir,
        list_file=list_file,
        resume=resume,
        as_json=as_json,
        doing="Signing",
        done="signed",
    )
    corners = _read_corners(page=page, rect=rect, field=field)
    wished: dict[str, Any] = {
        "role": _read_role(role),
        "level": level.value,
        "field": field,
        "page": page,
        "rect": corners,
        "anchor": anchor,
        "image": image,
        "number": number,
        "notation": notation,
        "date": None if date is None else date.date(),
        "agency": agency,
        "lock": None if lock is None else lock.value,
        "digest": digest.value,
        "or_lower": or_lower,
        "checks": checks.value,
        "offline": offline,
        "policy": read_policy(policy),
    }
    ask = ask_passphrase(passphrase_file, passphrase_env)
    with job.reported():
        from edoc.keys.loading import load_key
        from edoc.signing.batch import sign_all

        settings, first = load_settings(config, tsa, needs_tsa=level is not Level.B)
        trusted = settings.load_trust(*(trust or ()))
        password = read_password(password_file)
        loaded = load_key(key, passphrase=ask, scheme="pss" if pss else None, module=module)
        with settings.online.make(settings.folder, first=first) as online:
            outcomes = sign_all(
                job.errands,
                resume=resume,
                make_folders=job.many,
                key=loaded,
                online=online,
                trust=trusted,
                password=password,
                **wished,
            )
            finish(job, outcomes, _describe)


def _read_corners(*, page: int | None, rect: str | None, field: str | None) -> list[float] | None:
    if (page is None) is not (rect is None):
        raise typer.BadParameter("--page and --rect go together.", param_hint="--rect")
    if field is not None and rect is not None:
        raise typer.BadParameter("--field names an existing field; it has its place.", param_hint="--rect")
    return None if rect is None else read_numbers("--rect", rect, 4)


def _read_role(name: str) -> Role:
    from edoc.roles.role import load_role

    try:
        return load_role(name)
    except InputError as error:
        raise typer.BadParameter(str(error), param_hint="--role") from error


def _describe(done: Signed) -> dict[str, Any]:
    return {
        "field": done.field,
        "level": done.level,
        "signing_time": done.signing_time.isoformat(),
        "checks": [
            {"name": check.name, "outcome": check.outcome, "detail": check.detail} for check in done.checks
        ],
    }
