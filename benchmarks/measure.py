"""Measure: interleaved medians, the peak of a process's memory, and a table that says what is met.

Machines are noisy, so whatever is compared runs in turns in the same process and only the ratio counts.
"""

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a benchmark."""

    work: str
    figure: float
    target: float
    sense: Literal[">=", "<="]
    unit: str = "×"
    detail: str = ""

    @property
    def met(self) -> bool:
        """Whether the figure reaches its target."""
        return self.figure >= self.target if self.sense == ">=" else self.figure <= self.target


def time_in_turns(
    *works: Callable[[], float | None], rounds: int, warm: int = 5, block: int = 1
) -> list[float]:
    """Run each work in turn, `rounds` times, `block` times in a row; give each one's median in seconds.

    A work that returns a number says how many seconds of its time do not count. Each block begins without
    garbage, so that nobody pays for what another one left.
    """
    for _ in range(warm):
        for work in works:
            work()
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, times in zip(works, taken, strict=True):
            gc.collect()
            start = time.perf_counter()
            apart = sum(work() or 0.0 for _ in range(block))
            times.append((time.perf_counter() - start - apart) / block)
    return [statistics.median(times) for times in taken]


def read_peak() -> int:
    """Peak resident memory of this process since `reset_peak`, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not tell a process's peak memory")


def reset_peak() -> None:
    """Forget the peak so far."""
    Path("/proc/self/clear_refs").write_text("5")


def compare_large(module: str, arguments: Sequence[Path], other: str) -> Iterator[Row]:
    """Rows of a 100 MB file: `python -m module arguments`, a process of its own, prints its figures as JSON.

    They are seconds, `ours` and `limit`, that is to do the `other`, and bytes of `memory` over idle.
    """
    asked = [sys.executable, "-m", module, *map(str, arguments)]
    found = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    yield Row(
        work=f"100 MB file: {other}",
        figure=found["ours"] / found["limit"],
        target=1.5,
        sense="<=",
        detail=f"{found['ours'] * 1000:.0f} ms against {found['limit'] * 1000:.0f} ms",
    )
    memory = found["memory"] / MIB
    yield Row(work="100 MB file: peak memory over idle", figure=memory, target=24, sense="<=", unit="MiB")


def format_rows(rows: Iterable[Row]) -> Iterator[str]:
    """Give the table, line by line."""
    yield f"{'work':<58} {'figure':>10} {'target':>10}  met"
    for row in rows:
        figure, target = f"{row.figure:.2f} {row.unit}", f"{row.sense} {row.target:g} {row.unit}"
        yield f"{row.work:<58} {figure:>10} {target:>10}  {'yes' if row.met else 'NO'}  {row.detail}".rstrip()


def show(name: str, rows: Iterable[Row]) -> bool:
    """Print the table; tell whether every target is met."""
    done = list(rows)
    sys.stdout.write(f"{name}\n" + "".join(f"{line}\n" for line in format_rows(done)))
    return all(row.met for row in done)
