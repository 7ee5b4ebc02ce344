"""The measuring tools themselves, and the exit code of `./dev bench`."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.measure import Row, format_rows, show, time_in_turns

ROOT = Path(__file__).resolve().parents[2]


def row(figure: float, *, at_least: bool) -> Row:
    return Row(work="work", figure=figure, target=2, sense=">=" if at_least else "<=")


def test_a_row_is_met_on_the_right_side_of_its_target() -> None:
    assert row(2, at_least=True).met
    assert not row(1.9, at_least=True).met
    assert row(2, at_least=False).met
    assert not row(2.1, at_least=False).met


def test_each_line_says_figure_target_and_verdict() -> None:
    (_, met, missed) = format_rows([row(3, at_least=True), row(3, at_least=False)])
    assert met.split() == ["work", "3.00", "×", ">=", "2", "×", "yes"]
    assert missed.split() == ["work", "3.00", "×", "<=", "2", "×", "NO"]


def test_one_missed_row_fails_the_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    assert show("name", [row(3, at_least=True)])
    assert not show("name", [row(3, at_least=True), row(3, at_least=False)])
    assert "name" in capsys.readouterr().out


def test_works_run_in_turns_and_time_that_does_not_count_is_taken_off() -> None:
    order: list[str] = []

    def one() -> None:
        order.append("one")

    def two() -> float:
        order.append("two")
        return 10.0

    first, second = time_in_turns(one, two, rounds=3, warm=1, block=2)
    assert order == ["one", "two", *["one", "one", "two", "two"] * 3]
    assert 0 <= first < 1
    assert second < -9


PEAK = """
from benchmarks.measure import read_peak, reset_peak
reset_peak()
before = read_peak()
held = bytearray(64 << 20)
held[::4096] = b"x" * len(held[::4096])
grown = read_peak() - before
del held
reset_peak()
print(grown >> 20, (read_peak() - before) >> 20)
"""


def test_the_peak_is_seen_and_forgotten() -> None:
    # In a process of its own: what others allocated and freed before does not count.
    done = subprocess.run([sys.executable, "-c", PEAK], cwd=ROOT, capture_output=True, text=True, check=True)
    grown, left = map(int, done.stdout.split())
    assert 56 <= grown <= 80
    assert left < 16


def test_an_unknown_benchmark_is_wrong_usage() -> None:
    asked = [sys.executable, "-m", "benchmarks", "nothing"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "sign" in done.stderr
