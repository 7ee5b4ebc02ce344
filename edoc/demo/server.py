"""A server's process with a folder of its own: started on a free port, pinged, stopped, started again.

It ends when the process that started it ends, in whatever way. The kernel counts by thread here: start it
from one that lives as long as the server shall.
"""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from edoc.errors import SettingsError, Unavailable

HOST: Final = "127.0.0.1"
TAIL: Final = 5
"""Lines of a program's words that an error quotes."""
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.03
_PORT_TRIES: Final = 5
_KILLED: Final = "it was killed while it started."
# What servers say when the port is somebody else's, or when a predecessor has not ended yet.
_PASSING: Final = re.compile(rf"already in use|already exists|still in use|{_KILLED}", re.IGNORECASE)


class Server(ABC):
    """Starts, answers, stops; subclasses say how."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    not_ready: ClassVar[tuple[type[Exception], ...]]
    """What `ping` raises while the server does not answer yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The command line that serves `self.port`. Raises `SettingsError` if the program is missing."""

    @abstractmethod
    def ping(self) -> None:
        """Use the server for real; raises one of `not_ready` if it does not answer."""

    def prepare(self) -> None:
        """Make the data folder ready for the first start; does nothing if it is."""
        self.data.mkdir(parents=True, exist_ok=True)

    def environment(self) -> dict[str, str]:
        """The server's environment: nothing of ours that could change what it does."""
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}

    def account(self) -> dict[str, Any]:
        """Whom the server runs as, in the words of `subprocess.Popen`."""
        return {}

    @property
    def data(self) -> Path:
        """Where the server keeps what it is told."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    @property
    def is_running(self) -> bool:
        """Tell whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process's id, or that of the last one; 0 if there was none."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start on the port used before, or on a free one; returns when a real request was answered.

        Does nothing if it runs. Raises `SettingsError` if the program is not installed or the folder cannot
        be used, `Unavailable` with the server's last words if it does not come up.
        """
        if self.is_running:
            return
        chosen = self.port
        deadline = time.monotonic() + _START_SECONDS
        self.prepare()
        for attempt in range(_PORT_TRIES):
            self.port = chosen or free_port()
            trouble = self._try(deadline)
            if not trouble:
                return
            if not _PASSING.search(trouble):
                break
            # a predecessor may need a moment to go; another port is free at once
            time.sleep(_POLL_SECONDS * 2**attempt if chosen else 0)
        self.port = chosen
        raise Unavailable(f"{self.name} does not start: {trouble}", where=str(self.log))

    def stop(self) -> None:
        """End the server as an operator would; it may be started again."""
        self._signal(self.stop_signal)
        try:
            self._wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the server and its children as a power cut would; it may be started again."""
        children = _children(self.pid) if self.is_running else []
        self._signal(signal.SIGKILL)
        for child in children:
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._wait(_STOP_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _try(self, deadline: float) -> str:
        """Start on the chosen port; returns what went wrong, or nothing."""
        if not is_free(self.port):
            return f"port {self.port} is already in use by another program."
        written = self._run()
        if self._answers(deadline):
            return ""
        if self._process is not None and self._process.poll() == -signal.SIGKILL:
            return _KILLED
        self.kill()
        return self._words(written)

    def _run(self) -> int:
        """Start the process; returns how long its log was before."""
        # setpriv acts after the change of account, which clears the death signal; no Python runs in the child
        leash = [find("setpriv", package="util-linux"), "--pdeathsig", self.stop_signal.name]
        with self.log.open("ab") as log:
            written = log.tell()
            self._process = subprocess.Popen(
                [*leash, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=self.environment(),
                process_group=0,  # Ctrl-C reaches us, and we stop it in good order
                **self.account(),
            )
        return written

    def _answers(self, deadline: float) -> bool:
        while self.is_running and time.monotonic() < deadline:
            try:
                self.ping()
            except self.not_ready:
                time.sleep(_POLL_SECONDS)
            else:
                return True
        return False

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _wait(self, seconds: float) -> None:
        if self._process is not None:
            self._process.wait(seconds)

    def _words(self, start: int) -> str:
        with self.log.open("rb") as log:
            log.seek(start)
            lines = log.read().decode(errors="replace").splitlines()
        return " / ".join(line.strip() for line in lines[-TAIL:]) or "it said nothing."


def free_port() -> int:
    """Return a loopback port that nobody listens on now.

    It lies below the ports that clients are given: while a server is down, no client's own end may sit on its
    port, least of all one that tries to reconnect to it.
    """
    limits = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    highest = max(int(limits.split()[0]), 20_000)
    while True:
        port = 10_000 + secrets.randbelow(highest - 10_000)
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a loopback port now."""
    with socket.socket() as probe:
        # as servers do: connections that are ending do not count
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def find(program: str, *, package: str, also: Iterable[Path] = ()) -> str:
    """Find a program in `also`, in Debian's folders of PostgreSQL (newest first) or on the PATH.

    Raises `SettingsError` that names the Debian package to install.
    """
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    places = [*map(str, [*also, *versions]), os.environ.get("PATH", os.defpath), "/usr/sbin"]
    found = shutil.which(program, path=os.pathsep.join(places))
    if found is None:
        raise not_installed(program, package)
    return found


def _version(folder: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", folder.parent.name)]


def not_installed(what: str, package: str) -> SettingsError:
    """The error of something that this machine lacks."""
    return SettingsError(
        f"{what} is missing on this machine.",
        advice=f"Install the Debian package {package}, or do without the real services.",
    )


def _children(pid: int) -> list[int]:
    """The ids of a process's children."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return [int(child) for child in listed.split()]
