"""The table of real files: `./dev corpus [FOLDER]` judges each and compares it with the folder's `cases.csv`.

Integrity and modification are compared, not trust: a file is *intact* if every signature is `intact` with
`changes_allowed` and none covers its bytes but partially. The counts are compared where they are given. An
expected level is compared where it is a BASELINE level, with that of the signatures, whatever document
time-stamps the file has besides. A file that expects nothing must still end in a report.

Every file is judged in a process of its own, forked from a warm one: its seconds, and its peak memory with
the interpreter and all libraries. Deliberate differences are listed, each with its argument, in
`docs/differences.md`. Exits 1 on any other disagreement, on a forged file that is accepted (even if listed),
on an exception, and on a file over 10 s or 400 MiB.
"""

import csv
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import MIB
from edoc.core.report import Coverage, FileReport, SignatureType
from edoc.verification import verify

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "../shared/corpus/pdf"
DIFFERENCES: Final = ROOT / "docs/differences.md"

MAX_SECONDS: Final = 10.0
MAX_BYTES: Final = 400 * MIB
_PATIENCE_SECONDS: Final = 60
"""After so long a file's process is ended."""

PASSWORDS: Final = ("usersecret", "ownersecret", "secret", " ")
"""What the projects' own tests open their encrypted files with; tried only where one is needed."""
_LOCKED: Final = frozenset({"PASSWORD_NEEDED", "PASSWORD_WRONG"})
_BASELINE: Final = "PAdES-BASELINE-"
_HEADING: Final = (
    f"{'file':<18} {'category':<34} {'intact':<9} {'counts':<9} {'level':<24} {'s':>6} {'MiB':>5}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the file's own project asserts; empty texts assert nothing."""

    file: str
    intact: str
    """`yes`, `no`, `na` (no signature, or undefined), or empty."""
    level: str
    signatures: str
    timestamps: str
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found instead."""

    signed: bool = False
    intact: bool = False
    levels: tuple[str, ...] = ()
    """Of the signatures, in their order."""
    signatures: int = 0
    timestamps: int = 0
    codes: tuple[str, ...] = ()
    """Codes of the file's own messages."""
    seconds: float = 0
    peak: int = 0
    """Bytes, the whole process."""
    failure: str = ""
    """The exception or the signal that ended it; empty if there is a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One file of the table."""

    case: Case
    found: Found
    disagreements: tuple[str, ...]
    argument: str = ""
    """Why the disagreement is deliberate; empty if it is not."""

    @property
    def accepted_falsely(self) -> bool:
        """A file that its project calls altered is called intact."""
        return self.case.intact == "no" and self.found.intact

    @property
    def good(self) -> bool:
        """Nothing is against it."""
        within = self.found.seconds <= MAX_SECONDS and self.found.peak <= MAX_BYTES
        agreed = not self.disagreements or bool(self.argument)
        return within and agreed and not self.found.failure and not self.accepted_falsely


def read_cases(folder: Path) -> list[Case]:
    """Read the expectations of a folder of files."""
    with (folder / "cases.csv").open(encoding="utf-8", newline="") as stream:
        return [
            Case(
                file=row["file"],
                intact=row["expect_intact"],
                level=row["expected_level"],
                signatures=row["n_signatures"],
                timestamps=row["n_doc_timestamps"],
                category=row["category"],
            )
            for row in csv.DictReader(stream)
        ]


def read_arguments(path: Path = DIFFERENCES) -> dict[str, str]:
    """Read the deliberate differences: file name to argument, from the rows of the document's table."""
    rows = [line.split("|") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return {row[1].strip(" `"): row[-2].strip() for row in rows if row[1].strip(" `").endswith(".pdf")}


def summarise(file: FileReport) -> dict[str, Any]:
    """Say what the comparison needs of a report, in plain values."""
    signatures = [each for each in file.signatures if each.type is SignatureType.SIGNATURE]
    return {
        "signed": bool(file.signatures),
        "intact": bool(file.signatures)
        and all(
            each.intact and each.changes_allowed and each.coverage is not Coverage.PARTIAL
            for each in file.signatures
        ),
        "levels": [str(each.level) for each in signatures],
        "signatures": len(signatures),
        "timestamps": len(file.signatures) - len(signatures),
        "codes": [message.code for message in file.messages],
    }


def judge_here(path: Path) -> dict[str, Any]:
    """Judge one file in this process, with a password if it needs one that is known."""
    summary = summarise(verify(path, offline=True).files[0])
    for password in PASSWORDS:
        if not _LOCKED & set(summary["codes"]):
            break
        summary = summarise(verify(path, offline=True, password=password).files[0])
    return summary


def judge_apart(path: Path, judge: Callable[[Path], dict[str, Any]] = judge_here) -> Found:
    """Judge one file in a process of its own; whatever happens there, it is an answer."""
    reading, writing = os.pipe()
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(path, judge, writing)
    os.close(writing)
    with os.fdopen(reading) as answers:
        text = answers.read()
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    if os.WIFSIGNALED(status):
        found = Found(failure=signal.strsignal(os.WTERMSIG(status)) or "a signal")
    else:
        values: dict[str, Any] = json.loads(text)
        values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        found = Found(**values)
    return replace(found, seconds=seconds, peak=usage.ru_maxrss * 1024)


def _answer(path: Path, judge: Callable[[Path], dict[str, Any]], writing: int) -> None:
    """In the forked process: judge, answer, end without tidying up."""
    signal.alarm(_PATIENCE_SECONDS)
    try:
        answer = judge(path)
    except BaseException as error:  # noqa: BLE001 - an exception is what this looks for
        answer = {"failure": f"{type(error).__name__}: {error}"}
    with os.fdopen(writing, "w") as stream:
        json.dump(answer, stream)
    os._exit(0)


def compare(case: Case, found: Found) -> tuple[str, ...]:
    """Name everything in which the finding is not as expected."""
    return tuple(_find_disagreements(case, found))


def _find_disagreements(case: Case, found: Found) -> Iterator[str]:
    if found.failure:
        yield found.failure
        return
    if case.intact in {"yes", "no"} and found.intact != (case.intact == "yes"):
        yield "intact"
    if case.intact == "na" and found.intact:
        yield "intact"
    if case.signatures and int(case.signatures) != found.signatures:
        yield "number of signatures"
    if case.timestamps and int(case.timestamps) != found.timestamps:
        yield "number of document time-stamps"
    if case.level.startswith(_BASELINE):
        wanted = case.level.replace("BASELINE", "B")
        if set(found.levels) != {wanted}:
            yield "level"


def judge_folder(folder: Path, arguments: dict[str, str]) -> Iterator[Line]:
    """Judge every file of a folder that has expectations, in their order."""
    for case in read_cases(folder):
        found = judge_apart(folder / case.file)
        yield Line(
            case=case,
            found=found,
            disagreements=compare(case, found),
            argument=arguments.get(case.file, ""),
        )


def format_line(line: Line) -> str:
    """One line of the table: expected/found."""
    case, found = line.case, line.found
    state = "yes" if found.intact else "no" if found.signed else "none"
    counts = f"{case.signatures or '-'}+{case.timestamps or '-'}/{found.signatures}+{found.timestamps}"
    wanted = case.level.removeprefix(_BASELINE) if case.level.startswith(_BASELINE) else "-"
    levels = ",".join(dict.fromkeys(level.removeprefix("PAdES-") for level in found.levels)) or "-"
    told = ", ".join(line.disagreements) + (f" ({line.argument})" if line.argument else "")
    verdict = "agrees" if not line.disagreements else f"{'differs' if line.good else 'WRONG'}: {told}"
    if line.accepted_falsely:
        verdict = f"FALSELY ACCEPTED: {told}"
    over = "" if found.seconds <= MAX_SECONDS and found.peak <= MAX_BYTES else "  OVER ITS LIMITS"
    return (
        f"{case.file:<18} {case.category:<34} {f'{case.intact or chr(45)}/{state}':<9} {counts:<9} "
        f"{f'{wanted}/{levels}':<24} {found.seconds:6.2f} {found.peak / MIB:5.0f}  {verdict}{over}"
    )


def format_summary(lines: list[Line]) -> str:
    """How many agree, and the worst of time and memory."""
    judged = [line for line in lines if line.case.intact in {"yes", "no"}]
    return (
        f"{len(lines)} files, {len(judged)} judged: "
        f"{sum(not line.disagreements for line in judged)} agree, "
        f"{sum(bool(line.disagreements and line.good) for line in lines)} differ deliberately, "
        f"{sum(not line.good for line in lines)} wrong, "
        f"{sum(line.accepted_falsely for line in lines)} falsely accepted, "
        f"{sum(bool(line.found.failure) for line in lines)} without a report; "
        f"at most {max(line.found.seconds for line in lines):.2f} s "
        f"and {max(line.found.peak for line in lines) / MIB:.0f} MiB"
    )


def show(lines: Iterable[Line]) -> bool:
    """Print the table as it grows; tell whether all is well."""
    sys.stdout.write(f"{_HEADING}\n")
    done = []
    for line in lines:
        sys.stdout.write(f"{format_line(line)}\n")
        sys.stdout.flush()
        done.append(line)
    sys.stdout.write(f"{format_summary(done)}\n")
    return all(line.good for line in done)


def main() -> int:
    """Print the table of the folder that is named, or of the corpus beside the project."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    if not (folder / "cases.csv").is_file():
        sys.stderr.write(f"there is no cases.csv in {folder}; give a folder that has one\n")
        return 2
    # pyHanko tells its doubts to the log; here they are in the reports.
    logging.getLogger("pyhanko").addHandler(logging.NullHandler())
    return 0 if show(judge_folder(folder, read_arguments())) else 1


if __name__ == "__main__":
    sys.exit(main())
