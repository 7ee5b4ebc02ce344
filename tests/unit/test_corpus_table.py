"""The table of real files: what agrees, what differs, and what makes the command fail."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rawpdf import make

from benchmarks.corpus import (
    MAX_BYTES,
    MAX_SECONDS,
    Case,
    Found,
    Line,
    compare,
    format_line,
    format_summary,
    judge_apart,
    read_arguments,
    read_cases,
)

ROOT = Path(__file__).resolve().parents[2]
HEADER = "file,expect_intact,expected_level,n_signatures,n_doc_timestamps,category,source\n"


def case(**more: str) -> Case:
    values = {"intact": "yes", "level": "", "signatures": "1", "timestamps": "", "category": "valid"}
    return Case(**{"file": "a.pdf", **values, **more})


def found(**more: Any) -> Found:
    return Found(**{"signed": True, "intact": True, "levels": ("PAdES-B-T",), "signatures": 1, **more})


@pytest.mark.parametrize(
    ("expected", "seen", "disagreements"),
    [
        ({}, {}, ()),
        ({}, {"intact": False}, ("intact",)),
        ({"intact": "no"}, {}, ("intact",)),
        ({"intact": "na"}, {}, ("intact",)),
        ({"intact": ""}, {}, ()),
        ({"intact": "na", "signatures": "0"}, {"intact": False, "signatures": 0}, ()),
        ({"signatures": ""}, {"signatures": 7}, ()),
        ({"signatures": "2"}, {}, ("number of signatures",)),
        ({"timestamps": "1"}, {}, ("number of document time-stamps",)),
        ({"level": "PAdES-BASELINE-T"}, {}, ()),
        ({"level": "PAdES-BASELINE-LT"}, {}, ("level",)),
        ({"level": "PAdES-BES"}, {}, ()),
        ({}, {"failure": "RecursionError: too deep"}, ("RecursionError: too deep",)),
    ],
)
def test_only_what_is_asserted_is_compared(
    expected: dict[str, str], seen: dict[str, Any], disagreements: tuple[str, ...]
) -> None:
    assert compare(case(**expected), found(**seen)) == disagreements


def line(expected: Case, seen: Found, argument: str = "") -> Line:
    return Line(case=expected, found=seen, disagreements=compare(expected, seen), argument=argument)


def test_an_argument_excuses_a_difference_but_never_a_false_accept() -> None:
    alarm = found(intact=False)
    assert not line(case(), alarm).good
    assert line(case(), alarm, "the page is another").good
    assert not line(case(intact="no"), found(), "we like it").good


@pytest.mark.parametrize("over", [{"seconds": MAX_SECONDS + 1}, {"peak": MAX_BYTES + 1}, {"failure": "x"}])
def test_limits_and_exceptions_fail_a_file_that_agrees(over: dict[str, Any]) -> None:
    assert line(case(), found()).good
    assert not line(case(), found(**over), "a good reason").good


def test_lines_say_what_was_expected_and_what_was_found() -> None:
    agreeing = line(case(level="PAdES-BASELINE-T"), found(seconds=1.5, peak=50 << 20))
    words = ["a.pdf", "valid", "yes/yes", "1+-/1+0", "T/B-T", "1.50", "50", "agrees"]
    assert format_line(agreeing).split() == words
    assert "WRONG: intact" in format_line(line(case(), found(intact=False)))
    assert "differs: intact (why)" in format_line(line(case(), found(intact=False), "why"))
    forged = line(case(intact="no"), found())
    assert "FALSELY ACCEPTED" in format_line(forged)
    assert "2 files, 2 judged: 1 agree, 0 differ deliberately, 1 wrong, 1 falsely" in format_summary(
        [agreeing, forged]
    )


def test_arguments_stand_in_the_rows_of_a_table(tmp_path: Path) -> None:
    document = tmp_path / "differences.md"
    document.write_text("# Why\n\n| File | Argument |\n|---|---|\n| `a.pdf` | the page is another |\n")
    assert read_arguments(document) == {"a.pdf": "the page is another"}


def die(_: Path) -> dict[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def overflow(path: Path) -> dict[str, Any]:
    return overflow(path)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@pytest.mark.parametrize(("judge", "failure"), [(die, "Killed"), (overflow, "RecursionError")])
def test_whatever_ends_a_judgement_is_an_answer(judge: Any, failure: str, tmp_path: Path) -> None:
    answer = judge_apart(tmp_path / "a.pdf", judge)
    assert failure in answer.failure
    assert answer.peak > 0


def ask(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.corpus", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_fails_once_one_file_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(make())
    (tmp_path / "cases.csv").write_text(f"{HEADER}a.pdf,yes,,1,0,valid,here\n")
    assert [each.file for each in read_cases(tmp_path)] == ["a.pdf"]
    assert ask(tmp_path).returncode == 0
    (tmp_path / "cases.csv").write_text(f"{HEADER}a.pdf,no,,1,0,valid,here\n")
    done = ask(tmp_path)
    assert done.returncode == 1
    assert "FALSELY ACCEPTED" in done.stdout


def test_a_folder_without_expectations_is_wrong_usage(tmp_path: Path) -> None:
    done = ask(tmp_path)
    assert done.returncode == 2
    assert "cases.csv" in done.stderr
