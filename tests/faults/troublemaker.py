"""An HTTP relay before the S3 server that makes trouble: 503, silence, connections dropped after storing.

    with Troublemaker(s3_port, dice=dice) as relay:
        relay.mischief = {"503": 0.2, "hang": 0.02, "drop": 0.1}     # shares of the requests
        EDOC_OBJECTS__ENDPOINT = f"127.0.0.1:{relay.port}"

`drop` passes the request on, waits until the server has done it, and hangs up instead of answering. What is
hung is neither passed on nor answered before `release`. Signatures stay valid: hosts are passed on as said.
"""

import http.client
import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self

from edoc.demo.server import HOST

_PATIENCE: Final = 60.0
_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
_BUSY: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)


@dataclass(slots=True)
class Troublemaker:
    """The relay; harmless until it is told what to do."""

    target: int
    """The S3 server's port."""
    dice: random.Random
    mischief: Mapping[str, float] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    """What it did, by kind; a `drop` counts only if something was stored."""
    released: threading.Event = field(default_factory=threading.Event)
    _server: "_Server | None" = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.server_address[1])

    def release(self) -> None:
        """Be harmless from now on, and hang up on everybody who waits."""
        self.mischief = {}
        self.released.set()

    def choose(self, method: str) -> str:
        """Say what happens to a request; nothing if it is passed on as it should be."""
        with self._guard:
            fate = self.dice.random()
            for kind, share in self.mischief.items():
                if fate < share:
                    # only what stores something can be dropped after storing
                    if kind == "drop" and method not in {"PUT", "POST"}:
                        return ""
                    self.done[kind] += 1
                    return kind
                fate -= share
            return ""

    def __enter__(self) -> Self:
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, maker: Troublemaker) -> None:
        self.maker = maker
        super().__init__((HOST, 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed hung up on us: nothing to tell."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._handle()

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.server.maker.choose(self.command):
            case "503":
                self._send(503, {"Content-Type": "application/xml"}, b"" if self.command == "HEAD" else _BUSY)
            case "hang":
                self.server.maker.released.wait(_PATIENCE)
                self.close_connection = True
            case "drop":
                self._ask(body)
                self.close_connection = True
            case _:
                self._pass_on(body)

    def _pass_on(self, body: bytes) -> None:
        try:
            status, headers, content = self._ask(body)
        except (OSError, http.client.HTTPException):  # the server is away
            self.close_connection = True
            return
        self._send(status, headers, content)

    def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(HOST, self.server.maker.target, timeout=_PATIENCE)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
            if self.command == "HEAD":
                headers["Content-Length"] = answer.getheader("Content-Length") or "0"
            return answer.status, headers, content
        finally:
            connection.close()

    def _send(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
