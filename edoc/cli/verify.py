"""`edoc verify`: judge signed PDF files and packages."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from edoc.cli._plain import PlainCommand
from edoc.cli._run import ConfigFile, TrustFiles, emit_json, fail, read_password, read_policy, say, show_name
from edoc.errors import EdocError, InputError

if TYPE_CHECKING:
    from edoc.core.policy import Policy
    from edoc.core.report import FileReport, Report
    from edoc.trust.fetch import Fetcher
    from edoc.trust.store import Trust

SUFFIXES: Final = frozenset({".pdf", ".edxml"})
"""What is judged of a folder; files that are named are judged whatever they are called."""
_VIETNAM: Final = timezone(timedelta(hours=7))
_EXIT_USAGE: Final = 2
_EXIT_INTERRUPTED: Final = 130
_EPILOG: Final = """\b
Example: edoc verify --offline --trust certs-dev/trust signed.pdf
\b
Exit codes: 0 all passed; 1 something failed, or the document rule did;
2 wrong usage; 3 something is indeterminate; 4 a file has no signature;
5 a file cannot be read or breaks a limit. With several files the first
that applies in the order 1, 5, 4, 3, 0."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(cls=PlainCommand, epilog=_EPILOG)(verify)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be judged, and how."""

    files: list[Path]
    trust: Trust | None
    policy: Policy
    at: datetime | None
    offline: bool
    rule: str
    password: str | None
    detached: Path | None
    fetcher: Fetcher | None
    jobs: int

    @property
    def terms(self) -> dict[str, Any]:
        """How, as `verify_guarded` wants it."""
        return {
            "trust": self.trust,
            "policy": self.policy,
            "at": self.at,
            # What fetches decides by itself whether it goes anywhere.
            "offline": self.offline and self.fetcher is None,
            "rule": self.rule,
            "password": self.password,
            "detached": self.detached,
            "fetcher": self.fetcher,
            "jobs": self.jobs,
        }


def verify(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE|DIR", help="PDF and edXML files, or folders of them."),
    ],
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="OUT.html", help="Write the report as one HTML file.")
    ] = None,
    xml: Annotated[
        Path | None, typer.Option(metavar="OUT.xml", help="Write it as XML by ETSI TS 119 102-2.")
    ] = None,
    trust: TrustFiles = None,
    config: ConfigFile = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="ISO-TIME", help="Judge at this time; without offset it is Vietnamese (+07:00)."
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Fetch nothing; what the cache of --config holds counts.")
    ] = False,
    policy: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="A policy by name, or an own .toml file. [default: nd68]"),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(metavar="nd30|none", help="Rule on the whole document. [default: none]"),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Files at a time. [default: one per processor]")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(metavar="F", help="File with the password of encrypted PDFs.")
    ] = None,
    detached: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CMS or time-stamp token of the one file named.")
    ] = None,
    extract_revision: Annotated[
        tuple[int, Path] | None,
        typer.Option(
            metavar="N OUT",
            help="Write what the report's Nth signature signs, from 1, of the one file named.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Keep what was judged until all is; given again, go on from there, within a day."
        ),
    ] = False,
    save_evidence: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write all that the judgement rests on.")
    ] = None,
    evidence: Annotated[
        Path | None,
        typer.Option(metavar="IN", help="Judge again from saved evidence alone; it decides all but --trust."),
    ] = None,
) -> None:
    """Judge signed files: who signed, whether anything changed, whether it counts."""
    # pyHanko tells its doubts to the log; here they are in the report.
    for name in ("pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    _check(
        paths,
        single={"--detached": detached, "--extract-revision": extract_revision},
        decided={"--at": at, "--policy": policy, "--rule": rule, "--config": config}
        if evidence is not None
        else {},
        apart={"--save-evidence": save_evidence, "--evidence": evidence, "--resume": resume or None},
    )
    try:
        with _ended_by_signals(), ExitStack() as stack:
            judged_by = read_policy(policy or "nd68")
            loaded, fetcher = _load_trust(
                stack, trust or [], config, judged_by, offline=offline or evidence is not None
            )
            wish = Wish(
                files=list_files(paths),
                trust=loaded,
                policy=judged_by,
                at=_read_time(at),
                offline=offline,
                rule=rule or "none",
                password=read_password(password_file),
                detached=detached,
                fetcher=fetcher,
                jobs=jobs or len(os.sched_getaffinity(0)),
            )
            report = _judge(wish, save=save_evidence, evidence=evidence, resume=resume)
            if extract_revision is not None:
                from edoc.cli._extract import extract

                extract(report, *extract_revision, wish.terms)
            _write(report, html=html, xml=xml)
    except (EdocError, OSError) as error:
        fail(error, _EXIT_USAGE)
    except KeyboardInterrupt:
        again = "run the same command again to go on." if resume else "nothing was kept (see --resume)."
        say(f"edoc: interrupted; {again}")
        raise typer.Exit(_EXIT_INTERRUPTED) from None
    if json:
        emit_json(report.to_dict())
    else:
        _print_text(report)
    raise typer.Exit(report.exit_code)


def _check(
    paths: list[Path], *, single: dict[str, Any], decided: dict[str, Any], apart: dict[str, Any]
) -> None:
    """End as wrong usage where options do not go together."""
    for option, value in single.items():
        if value is not None and (len(paths) != 1 or paths[0].is_dir()):
            raise typer.BadParameter("it goes with one file.", param_hint=option)
    for option, value in decided.items():
        if value is not None:
            raise typer.BadParameter(
                "saved evidence decides it; leave out one of the two.", param_hint=option
            )
    given = [option for option, value in apart.items() if value is not None]
    if len(given) > 1:
        raise typer.BadParameter(f"it does not go together with {given[1]}.", param_hint=given[0])


def list_files(paths: list[Path]) -> list[Path]:
    """Files as they are, and every PDF and package in a folder and below it, by name; hidden ones not.

    Raises `InputError` for a folder that holds none, and `OSError` for one that cannot be read.
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted(_walk(path)) if path.is_dir() else [path]
        if not inside:
            raise InputError(
                "there is no PDF and no edXML file in this folder.", where=str(path), advice="Name a file."
            )
        found += inside
    return found


def _walk(folder: Path) -> Iterator[Path]:
    def complain(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=complain):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place) / name
            if path.suffix.lower() in SUFFIXES and not name.startswith(".") and path.is_file():
                yield path


def _read_time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"{text!r} is not a time.", where="--at", advice="Write it as 2026-02-05T08:00:00+07:00."
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=_VIETNAM)


def _load_trust(
    stack: ExitStack, paths: list[Path], config: Path | None, policy: Policy, *, offline: bool
) -> tuple[Trust | None, Fetcher | None]:
    """Give whom one trusts, the policy's own where nobody is named, and what fetches."""
    from edoc.trust.store import Trust

    settings = None
    if config is None:
        trust = Trust.load(*paths) if paths else None
    else:
        from edoc.cli._run import load_settings

        settings, _ = load_settings(config, None, needs_tsa=False)
        trust = settings.load_trust(*paths)
    if trust is None and policy.trust:
        trust = Trust.load(*policy.trust)
    if trust is None or (offline and settings is None):  # nothing is fetched where nobody is trusted
        return trust, None
    from edoc.cli._online import open_fetcher

    return trust, open_fetcher(stack, settings, offline=offline)


def _judge(wish: Wish, *, save: Path | None, evidence: Path | None, resume: bool) -> Report:
    from edoc.verification.process import verify_guarded

    progress = _Progress(len(wish.files))
    if evidence is not None:
        from edoc.verification.dossier import judge_again

        return judge_again(
            verify_guarded,
            wish.files,
            evidence,
            trust=wish.trust,
            password=wish.password,
            detached=wish.detached,
            jobs=wish.jobs,
            on_file=progress.step,
        )
    if save is not None:
        from edoc.verification.dossier import judge_and_save

        return judge_and_save(verify_guarded, wish.files, save, **wish.terms, on_file=progress.step)
    if resume:
        from edoc.cli._resume import judge_on

        return judge_on(wish.files, wish.terms, now=datetime.now(UTC), on_file=progress.step)
    return verify_guarded(wish.files, **wish.terms, on_file=progress.step)


class _Progress:
    """How far the work has come, on a terminal; without a thread of its own, for threads forbid forking."""

    def __init__(self, total: int) -> None:
        self._done = 0
        self._total = total
        self._shown = total > 1 and sys.stderr.isatty()

    def step(self, position: int, report: FileReport) -> None:
        """Count a file."""
        del position
        self._done += 1
        if self._shown:
            end = "\r\x1b[K" if self._done >= self._total else ""
            text = f"{self._done}/{self._total} {show_name(Path(Path(report.path).name))}"[:78]
            sys.stderr.write(end or f"\r\x1b[K{text}")
            sys.stderr.flush()


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the command as an exception does, with the processes it has started."""
    import signal

    def end(number: int, _frame: Any) -> None:
        raise SystemExit(128 + number)

    try:
        before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    except ValueError:  # not the main thread, which alone may say what a signal does
        before = {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write(report: Report, *, html: Path | None, xml: Path | None) -> None:
    from edoc.files import replacing

    if html is not None:
        from edoc.render.report import to_html

        with replacing(html) as stream:
            stream.write(to_html(report).encode())
    if xml is not None:
        from edoc.render.etsi import to_etsi_xml

        with replacing(xml) as stream:
            stream.write(to_etsi_xml(report))


def _print_text(report: Report) -> None:
    from rich.console import Console

    from edoc.render.terminal import to_text

    to_text(report, Console(highlight=False))
