"""Commands on one file or many: what is to do, a bar while it is done, and what became of it.

Interrupted once, a command ends after the current file; twice, at once. Either way what was done is told,
and only whole files stand.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from edoc.cli._run import emit_json, explain, fail, is_disk_full, require_apart, say, show_name
from edoc.errors import EdocError, InputError

if TYPE_CHECKING:
    from edoc.pdf.files import Written
    from edoc.signing.batch import Errand, Outcome

_INTERRUPTED: Final = 130
_WIDE: Final = 10_000
"""Columns of what is no terminal: there every file has one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a command was asked for."""

    errands: tuple[Errand, ...]
    many: bool
    """Whether it writes into a folder."""
    as_json: bool
    doing: str
    """As the bar says it: `Signing`."""
    done: str
    """As the table says it: `signed`."""

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Turn a failure that concerns all files into one sentence and exit code 1."""
        try:
            yield
        except (EdocError, OSError) as error:
            if self.as_json:
                emit_json({"files": [_name(errand) | _describe_error(error) for errand in self.errands]})
            fail(error)


def read_job(
    files: list[Path],
    *,
    out_dir: Path | None,
    list_file: Path | None,
    resume: bool,
    as_json: bool,
    doing: str,
    done: str,
) -> Job:
    """Read what is to do from the arguments; what cannot be meant is wrong usage."""
    from edoc.signing.batch import Errand, list_errands

    if out_dir is None:
        if list_file is not None or resume:
            raise typer.BadParameter(
                "it goes with --out-dir.", param_hint="--list" if list_file else "--resume"
            )
        if len(files) != 2:  # noqa: PLR2004 - one in, one out
            raise typer.BadParameter("name one file to read and one to write, or use --out-dir for many.")
        require_apart(*files)
        errands: tuple[Errand, ...] = (Errand(*files),)
    else:
        try:
            errands = list_errands([*files, *_read_list(list_file)], out_dir)
        except InputError as error:
            raise typer.BadParameter(str(error), param_hint="--out-dir") from error
        except OSError as error:
            fail(error)
    return Job(errands=errands, many=out_dir is not None, as_json=as_json, doing=doing, done=done)


def _read_list(file: Path | None) -> list[Path]:
    if file is None:
        return []
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{explain(error)}", param_hint="--list") from error
    # Names are bytes to the system: whatever stands there is found again.
    lines = (line.removesuffix(b"\r") for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n"))
    return [Path(os.fsdecode(line)) for line in lines if line.strip()]


def finish(job: Job, outcomes: Iterator[Outcome[Written]], describe: Callable[[Any], dict[str, Any]]) -> None:
    """Go through the work, tell what became of it, and end with the exit code.

    `describe` gives what there is to say about a written file beyond hash and size; its `field` and `level`
    stand in the table too.
    """
    done, interrupted = _go_through(job, outcomes)
    left = len(job.errands) - len(done)
    if job.as_json:
        files = [_describe(outcome, describe) for outcome in done]
        emit_json({"files": files} | ({"untouched": left} if left else {}))
    if job.many:
        _print_table(job, done, describe)
    else:
        _say_one(job, done, describe)
    if left:
        say(f"interrupted: {left} files were not touched." if job.many else "interrupted.")
    if interrupted and left:
        raise SystemExit(_INTERRUPTED)
    if any(outcome.error is not None for outcome in done):
        raise SystemExit(1)


def _go_through(job: Job, outcomes: Iterator[Outcome[Written]]) -> tuple[list[Outcome[Written]], bool]:
    done: list[Outcome[Written]] = []
    with _bar(job) as (advance, remark), _watching(job, remark) as interrupted:
        try:
            for outcome in outcomes:
                done.append(outcome)
                advance()
                if interrupted():
                    break
        except KeyboardInterrupt:  # the second time, or a single file
            return done, True
        return done, interrupted()


@contextmanager
def _watching(job: Job, remark: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Watch for an interruption that is to wait for the end of the current file."""
    stopped = False
    if not job.many:
        yield lambda: False
        return
    before = signal.getsignal(signal.SIGINT) or signal.SIG_DFL

    def stop(_number: int, _frame: Any) -> None:
        nonlocal stopped
        stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        remark()

    signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: stopped
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _bar(job: Job) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """Show a bar on a terminal; give what moves it on, and what says that it will end."""
    if not job.many or not sys.stderr.isatty():
        yield lambda: None, lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(job.doing, total=len(job.errands))
        yield (
            lambda: bar.advance(task),
            lambda: bar.update(task, description="Ending after this file"),
        )


def _name(errand: Errand) -> dict[str, Any]:
    return {"path": str(errand.source), "out": str(errand.target)}


def _describe(outcome: Outcome[Written], describe: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    told = _name(outcome.errand)
    if outcome.error is not None:
        return told | _describe_error(outcome.error)
    if outcome.written is None:
        return told | {"passed_over": True}
    return told | {"sha256": outcome.written.sha256, "size": outcome.written.size} | describe(outcome.written)


def _describe_error(error: EdocError | OSError) -> dict[str, Any]:
    if isinstance(error, EdocError):
        code, retryable = error.code, error.retryable
    else:
        code, retryable = "IO", is_disk_full(error)
    return {"error": {"code": code, "text": explain(error), "retryable": retryable}}


def _say_one(job: Job, outcomes: list[Outcome[Written]], describe: Callable[[Any], dict[str, Any]]) -> None:
    for outcome in outcomes:
        if outcome.error is not None:
            say(f"edoc: {explain(outcome.error)}")
        elif outcome.written is not None:
            told = describe(outcome.written)
            field = f" in the field {told['field']}" if "field" in told else ""
            level = f", level {told['level']}" if "level" in told else ""
            say(f"{show_name(outcome.errand.target)}: {job.done}{field}{level}")


def _print_table(
    job: Job, outcomes: list[Outcome[Written]], describe: Callable[[Any], dict[str, Any]]
) -> None:
    """Print a line for each file, its name last: that may be long."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    told = [{} if outcome.written is None else describe(outcome.written) for outcome in outcomes]
    extra = [name for name in ("level", "field") if any(name in each for each in told)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Result", *(name.capitalize() for name in extra)):
        table.add_column(heading, no_wrap=True)
    table.add_column("File", overflow="fold")
    for outcome, each in zip(outcomes, told, strict=True):
        name = Text(show_name(outcome.errand.source))
        if outcome.error is not None:
            result = Text("failed", style="red")
            name.append(f": {_reason(outcome)}", style="red")
        elif outcome.written is not None:
            result = Text(job.done, style="green")
        else:
            result = Text("passed over", style="dim")
        table.add_row(result, *(Text(str(each.get(column, ""))) for column in extra), name)
    stream = sys.stderr if job.as_json else sys.stdout
    console = Console(file=stream, width=None if stream.isatty() else _WIDE, highlight=False)
    with console.capture() as captured:
        console.print(table, crop=False)
    stream.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())
    stream.write(f"{_count(job, outcomes)}\n")


def _reason(outcome: Outcome[Written]) -> str:
    # The file stands there already.
    error = outcome.error
    if isinstance(error, EdocError) and error.where in ("", str(outcome.errand.source)):
        return f"{error.what} {error.advice}".strip()
    if isinstance(error, OSError) and str(error.filename) == str(outcome.errand.source):
        return f"{(error.strerror or 'input error').lower()}."
    return "" if error is None else explain(error)


def _count(job: Job, outcomes: list[Outcome[Written]]) -> str:
    written = sum(outcome.written is not None for outcome in outcomes)
    failed = sum(outcome.error is not None for outcome in outcomes)
    rest = len(outcomes) - written - failed
    return f"{written} {job.done}, {failed} failed" + (f", {rest} passed over" if rest else "")
