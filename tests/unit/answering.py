"""A real HTTP server that answers as a test wants it to, and remembers what it was asked."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Handle = Callable[[Asked], bytes | int]
"""Gives the body of a 200, or another status."""


@dataclass(kw_only=True)
class Answering:
    """The server: its address, and what was asked of it over how many connections."""

    url: str
    requests: list[Asked] = field(default_factory=list)
    connections: int = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: "_Server"

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.state.connections += 1

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(method=self.command, path=self.path, headers=dict(self.headers), body=body)
        with self.server.lock:
            self.server.state.requests.append(asked)
        answer = self.server.handle(asked)
        status, content = (answer, b"") if isinstance(answer, int) else (200, answer)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        if self.server.hangs_up:
            self.close_connection = True

    do_GET = do_POST = do_CONNECT = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handle: Handle, *, hangs_up: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.handle = handle
        self.hangs_up = hangs_up
        self.lock = threading.Lock()
        self.state = Answering(url=f"http://127.0.0.1:{self.server_address[1]}")

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


@contextmanager
def answering(handle: Handle, *, hangs_up: bool = False) -> Iterator[Answering]:
    """Serve in a thread; with `hangs_up` every connection ends silently after its first answer."""
    server = _Server(handle, hangs_up=hangs_up)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
