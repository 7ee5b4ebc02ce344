"""A small HTTP server for those who watch: `/metrics`, `/livez`, `/readyz`.

Ready means that progress is being made, not that a process exists: the sweeper has looked at database and
transport lately (`worker.sweeper`), and no task has waited for long although it could have been taken
(`worker.progress`).
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

Ready = Callable[[], list[str]]
"""Tells what speaks against readiness; empty if nothing does."""


@contextmanager
def watching(host: str, port: int, *, registry: CollectorRegistry, ready: Ready) -> Iterator[int]:
    """Serve until the block ends; gives the port. Raises `OSError` if the address cannot be used."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
                case "/livez":
                    self._answer(200, "application/json", b"{}")
                case "/readyz":
                    against = ready()
                    body = json.dumps({"ready": not against, "reasons": against}, ensure_ascii=False).encode()
                    self._answer(503 if against else 200, "application/json", body)
                case _:
                    self._answer(404, "application/json", b"{}")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Say nothing: whoever watches asks every few seconds."""

    server = ThreadingHTTPServer((host, port), Handler)
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
