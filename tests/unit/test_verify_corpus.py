"""Real files of other projects: none raises, every report is sound, each is judged as its project says."""

import subprocess
import sys
from pathlib import Path

import pytest
from reporting import validate

from benchmarks.corpus import read_arguments, read_cases
from edoc.verification import verify

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.shared


def test_the_table_holds_no_disagreement_and_no_false_accept(shared_corpus: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.corpus", str(shared_corpus / "pdf")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    wrong = [line for line in done.stdout.splitlines() if not line.endswith("  agrees")]
    assert done.returncode == 0, "\n".join([*wrong, done.stderr])
    assert done.stdout.count("\n") == 2 + len(read_cases(shared_corpus / "pdf")) == 2 + 77


def test_every_report_follows_the_schema(shared_corpus: Path) -> None:
    for case in read_cases(shared_corpus / "pdf"):
        validate(verify(shared_corpus / "pdf" / case.file, offline=True))


def test_what_is_listed_as_a_difference_is_a_file_of_the_corpus(shared_corpus: Path) -> None:
    assert set(read_arguments()) <= {case.file for case in read_cases(shared_corpus / "pdf")}
