"""The demo's workers: one real process a node, restarted if it dies."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edoc.errors import Unavailable

_MOST_RESTARTS = 20
_STOP_SECONDS = 10


@dataclass(slots=True)
class Workers:
    """The worker processes, by the name of their node's folder."""

    folders: tuple[Path, ...]
    _processes: dict[Path, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    _restarts: int = 0

    def start(self) -> None:
        """Start one worker for each node."""
        for folder in self.folders:
            self._start(folder)

    def _start(self, folder: Path) -> None:
        with (folder / "worker.log").open("ab") as log:
            # the open pipe is the leash: when this process dies in any way, the worker notices and ends
            self._processes[folder] = subprocess.Popen(
                [sys.executable, "-m", "worker", "--node", str(folder), "--exit-with-parent"],
                stdin=subprocess.PIPE,
                stderr=log,
                stdout=subprocess.DEVNULL,
            )

    def revive(self) -> list[Path]:
        """Start again whichever worker ended; returns their nodes' folders.

        Raises `Unavailable` if workers keep ending.
        """
        ended = [folder for folder, process in self._processes.items() if process.poll() is not None]
        for folder in ended:
            self._restarts += 1
            if self._restarts > _MOST_RESTARTS:
                raise Unavailable(
                    "the worker keeps ending.", where=str(folder / "worker.log"), advice="See its log."
                )
            self._start(folder)
        return ended

    def stop(self) -> None:
        """Let the workers drain, and end them if they do not."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()


@contextmanager
def running(*folders: Path) -> Iterator[Workers]:
    """Workers for the nodes in these folders, stopped at the end."""
    workers = Workers(folders)
    try:
        workers.start()
        yield workers
    finally:
        workers.stop()
