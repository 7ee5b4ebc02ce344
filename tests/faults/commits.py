"""A relay in front of PostgreSQL that knows commits, and kills whoever makes them at the worst moment.

    with Relay(postgres_port) as relay:
        relay.reaper = Reaper(dice, wanted=2, kill=kill)
        EDOC_DATABASE__URL = url with relay.port

It reads along what a client sends. A transaction is named by the audit entries that it writes (`number`,
`seal`, `deliver+send`), or `lease` if it writes none: those take, lengthen and end work. A client is killed

- before:  its COMMIT never reaches the server, and the server rolls back;
- between: its COMMIT is on its way, and nobody hears what becomes of it;
- after:   the server has committed, and the client is gone before it can know.
"""

import random
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Final, Self

from edoc.demo.server import HOST

WAYS: Final = ("before", "between", "after")
LEASE: Final = "lease"
"""The name of transactions that write no audit entry."""
_COMMIT: Final = re.compile(rb"Q\x00\x00\x00\x0bCOMMIT\x00")
_BEGIN: Final = re.compile(rb"Q.{4}BEGIN[^\x00]*\x00", re.DOTALL)
_EVENT: Final = re.compile(rb'"event": ?"([a-z0-9-]{1,32})"')
_CHUNK: Final = 1 << 16
_LONGEST: Final = 4 << 20
"""Bytes of a transaction that are searched for its name."""


@dataclass(slots=True)
class Reaper:
    """Decides who dies at which commit: each point in each way so many times."""

    dice: random.Random
    wanted: int
    kill: Callable[[int, bool], bool]
    """Kills the process that holds a connection, and all of its worker if told so; tells whether it did."""
    share: float = 0.35
    """Of the commits that are wanted: so the same document is not hit each time."""
    seen: Counter[str] = field(default_factory=Counter)
    """Commits that passed, by point."""
    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Deaths by point and way."""
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def choose(self, point: str) -> str:
        """Say in which way the client dies at this commit; nothing if it lives."""
        with self._guard:
            self.seen[point] += 1
            wanted = [way for way in WAYS if self.kills[point, way] < self.wanted]
            if not wanted or self.dice.random() > self.share:
                return ""
            return self.dice.choice(wanted)

    def strike(self, point: str, way: str, pid: int) -> None:
        """Kill the process, or one time in four all of its worker."""
        if self.kill(pid, self.dice.random() < 1 / 4):
            with self._guard:
                self.kills[point, way] += 1

    @property
    def missing(self) -> list[tuple[str, str]]:
        """Which of the points that were seen were not hit in every way."""
        with self._guard:
            return [each for each in product(sorted(self.seen), WAYS) if not self.kills[each]]


@dataclass(slots=True)
class Relay:
    """Listens on a free loopback port and passes everything on."""

    target: int
    """PostgreSQL's port."""
    reaper: Reaper | None = None
    port: int = 0
    _listener: socket.socket | None = None

    def __enter__(self) -> Self:
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # closed
                return
            try:
                server = socket.create_connection((HOST, self.target))
            except OSError:  # the server is away, and so are we
                client.close()
                continue
            _Wire(self, client, server).start()


class _Wire:
    """One connection."""

    def __init__(self, relay: Relay, client: socket.socket, server: socket.socket) -> None:
        self._relay = relay
        self._client = client
        self._server = server
        self._said = bytearray()
        self._mute = threading.Event()

    def start(self) -> None:
        for work in (self._ask, self._answer):
            threading.Thread(target=work, daemon=True).start()

    def _ask(self) -> None:
        """From the client to the server."""
        try:
            while chunk := self._client.recv(_CHUNK):
                if not self._pass(chunk):
                    break
        except OSError:
            pass
        finally:
            _hang_up(self._server)

    def _answer(self) -> None:
        """From the server to the client."""
        try:
            while chunk := self._server.recv(_CHUNK):
                if not self._mute.is_set():
                    self._client.sendall(chunk)
        except OSError:
            pass
        finally:
            if not self._mute.is_set():
                _hang_up(self._client)

    def _pass(self, chunk: bytes) -> bool:
        """Pass on what the client said; false if it died of it."""
        reaper = self._relay.reaper
        self._said += chunk
        begun = list(_BEGIN.finditer(self._said))
        if begun:
            del self._said[: begun[-1].start()]
        if reaper is None or not _COMMIT.search(self._said):
            del self._said[:-_LONGEST]
            self._server.sendall(chunk)
            return True
        point = "+".join(dict.fromkeys(each.decode() for each in _EVENT.findall(self._said))) or LEASE
        self._said.clear()
        way, pid = reaper.choose(point), _find_owner(self._client)
        if not way or not pid:
            self._server.sendall(chunk)
            return True
        self._mute.set()
        if way != "before":
            self._server.sendall(chunk)
        if way == "after":
            self._await_commit()
        reaper.strike(point, way, pid)
        _hang_up(self._client)
        return False

    def _await_commit(self) -> None:
        """Wait until the server has said everything: the commit is done."""
        # a second statement on the same connection is answered after the first
        self._server.sendall(b"X\x00\x00\x00\x04")
        while True:
            try:
                if not self._server.recv(_CHUNK, socket.MSG_PEEK):
                    return
            except OSError:
                return


def _hang_up(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _find_owner(client: socket.socket) -> int:
    """The id of the process at the other end of a loopback connection; 0 if it is gone."""
    try:
        mine, theirs = client.getsockname()[1], client.getpeername()[1]
    except OSError:
        return 0
    ends = f":{theirs:04X}", f":{mine:04X}"
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(ends[0]) and fields[2].endswith(ends[1]):
            return _find_holder(f"socket:[{fields[9]}]")
    return 0


def _find_holder(link: str) -> int:
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(path.readlink()) == link:
                return int(path.parts[2])
        except OSError:
            continue
    return 0
