"""A share of the fault suite: `./dev faults` runs all of it, with many more documents."""

import subprocess
import sys
from pathlib import Path

SUITE = Path(__file__).resolve().parents[1] / "faults" / "faulting.py"


def test_nothing_is_lost_or_doubled_while_redis_is_wiped_and_packages_come_twice_in_disorder() -> None:
    command = [sys.executable, "-W", "ignore", str(SUITE), "8", "--only", "b,e", "--brief", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Redis wiped" in done.stdout
    assert "package repeated" in done.stdout
