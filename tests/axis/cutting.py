"""A TCP proxy that counts bytes and cuts the line after so many of them, in either direction."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)


class Cutter:
    """Stands between a client and a hub; without limits it only counts. Made by `cutting`.

    `up` and `down` are how many bytes pass from the client and from the hub on the first connection before it
    is cut, with 0 at the first of them; later connections are left alone. `reached` is set when so much has
    passed; with `holds`, the line is then not cut but stands still.
    """

    def __init__(
        self, url: str, *, up: int | None = None, down: int | None = None, holds: bool = False
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        self._target = (parts.hostname, parts.port or 80)
        self._limits = {"up": up, "down": down}
        self._holds = holds
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._closed = threading.Event()
        self.reached = threading.Event()
        self.passed = {"up": 0, "down": 0}
        """Bytes of the first connection."""
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where the client connects to."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """Let go of everything."""
        self._closed.set()
        for each in (self._listener, *self._open):
            _drop(each)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                try:
                    server = socket.create_connection(self._target)
                except OSError:
                    client.close()
                    continue
                self._open += [client, server]
                first = self.connections == 1
                for name, source, target in (("up", client, server), ("down", server, client)):
                    threading.Thread(
                        target=self._pump, args=(name, source, target, first), daemon=True
                    ).start()

    def _pump(self, name: str, source: socket.socket, target: socket.socket, first: bool) -> None:
        limit = self._limits[name] if first else None
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                piece = data if limit is None else data[: limit - self.passed[name]]
                target.sendall(piece)
                if first:
                    self.passed[name] += len(piece)
                if limit is not None and self.passed[name] >= limit:
                    self._stop(source, target)
                    return
        for each in (source, target):
            _drop(each)

    def _stop(self, *lines: socket.socket) -> None:
        self.reached.set()
        if self._holds:
            self._closed.wait()
        for each in lines:
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            _drop(each)


def _drop(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


@contextmanager
def cutting(
    url: str, *, up: int | None = None, down: int | None = None, holds: bool = False
) -> Iterator[Cutter]:
    """Put a proxy in front of a hub."""
    cutter = Cutter(url, up=up, down=down, holds=holds)
    try:
        yield cutter
    finally:
        cutter.close()
