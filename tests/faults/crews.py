"""Real workers as the fault suite runs them: `edoc-worker` processes that are killed, revived, misled.

    with Crew(side, scratch=folder) as crew:
        crew.kill_process(dice); crew.kill(); crew.revive()

Each worker has a process group of its own, so that `kill` is what a power cut is: nothing of it is left.
"""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from grounds import Grounds, Side

from edoc.demo.server import HOST, free_port

LIBRARY: Final = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
"""What gives a process another clock (Debian package faketime); None if it is not installed."""
_DRAIN_SECONDS: Final = 40.0
_ANSWER_SECONDS: Final = 3.0


@dataclass(slots=True)
class Worker:
    """One worker of a side; `environment` overrides its node's settings."""

    side: Side
    scratch: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    clock: Path | None = None
    """A file that says how far its clock is off, if it may be."""
    restarts: int = 0
    _process: "subprocess.Popen[bytes] | None" = None
    _port: int = 0

    def start(self) -> None:
        """Start it."""
        self._port = self._port or free_port()
        with (self.side.folder / "worker.log").open("ab") as log:
            # the open pipe is the leash: if this process dies in any way, the worker ends
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker", "--node", str(self.side.folder), "--exit-with-parent"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, **self._environment()},
                process_group=0,
            )

    def _environment(self) -> dict[str, str]:
        found = {
            "TMPDIR": str(self.scratch),
            "EDOC_WORKER__HTTP": f"{HOST}:{self._port}",
            **self.environment,
        }
        if self.clock is not None:
            found |= {
                "LD_PRELOAD": str(LIBRARY),
                "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1",
                "PYTHONPATH": str(Path(__file__).with_name("misled")),
            }
        return found

    @property
    def pid(self) -> int:
        """The id of the worker's own process."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether the worker's own process lives."""
        return self._process is not None and self._process.poll() is None

    def revive(self) -> bool:
        """Start it again if it ended; tells whether it had."""
        if self.runs:
            return False
        self._bury()
        self.restarts += 1
        self.start()
        return True

    def kill(self) -> None:
        """`kill -9` of the worker and all its processes at once; returns when they are gone."""
        if self._process is not None:
            self.strike()
            self._bury()

    def strike(self) -> None:
        """The same, without waiting: from any thread."""
        for pid in (self.pid, *self.processes()):
            strike(pid)

    def processes(self) -> list[int]:
        """The ids of all processes below the worker's own."""
        found, parents = list[int](), [self.pid]
        while parents:
            parents = [child for parent in parents for child in _children(parent)]
            found += parents
        return found

    def strike_process(self, dice: random.Random) -> bool:
        """`kill -9` of one process below the worker; tells whether there was one."""
        processes = self.processes()
        return bool(processes) and strike(dice.choice(processes))

    def owns(self, pid: int) -> bool:
        """Tell whether a process is one of this worker's."""
        return self.runs and pid in (self.pid, *self.processes())

    def stop(self) -> int:
        """Let it drain as an operator would; returns its exit code. It is killed if it does not end."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(_DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            return -1
        finally:
            self.kill()

    def doubts(self) -> list[str] | None:
        """What it says against its being ready: nothing if it is; None if it does not answer."""
        try:
            connection = http.client.HTTPConnection(HOST, self._port, timeout=_ANSWER_SECONDS)
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            told: dict[str, Any] = json.loads(answer.read())
            connection.close()
        except (OSError, http.client.HTTPException, ValueError):
            return None
        reasons: list[str] = told["reasons"]
        return reasons if answer.status != http.client.OK else []

    def _bury(self) -> None:
        """Take leave of a process that ended."""
        assert self._process is not None
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(_DRAIN_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def working(
    grounds: Grounds, *, environment: Mapping[str, str] | None = None, each: int = 1
) -> Iterator[list[Worker]]:
    """Run `each` workers for each side, drained at the end."""
    workers = [
        Worker(side=side, scratch=grounds.scratch, environment=environment or {})
        for side in grounds.sides
        for _ in range(each)
    ]
    try:
        for worker in workers:
            worker.start()
        yield workers
    finally:
        for worker in workers:
            worker.stop()


def await_ready(worker: Worker, *, seconds: float = 60) -> None:
    """Wait until the worker says that it makes progress."""
    deadline = time.monotonic() + seconds
    while worker.doubts() != []:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{worker.side.folder}: the worker is not ready: {worker.doubts()}")
        worker.revive()
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    found = list[int]()
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, thread.read_text(encoding="ascii").split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def strike(pid: int) -> bool:
    """`kill -9` of one process; tells whether there was one."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
