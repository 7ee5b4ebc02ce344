"""A transport of httpx under which the whole of a call has a deadline, not only each wait in it.

A server that sends one byte in a while satisfies every timeout between two bytes; the deadline stands under
each read and write of the socket, so it holds for headers and bodies alike. Only looking up a host's name may
take longer.
"""

import math
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpcore
import httpx

_PIECE: Final = 8192
DEADLINE: Final = "edoc.deadline"
"""Key of a request's extension: when it must be over, by `time.monotonic`."""


class TimedTransport(httpx.BaseTransport):
    """Speaks HTTP/1.1 over kept connections; threads may share it.

    No proxies, no redirects, no cookies: the axis has none.
    """

    def __init__(self, *, tls: Any) -> None:
        self._present = _Present()
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=16,
            max_keepalive_connections=4,
            keepalive_expiry=30,
            network_backend=_Backend(self._present),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Raises what httpcore raises; the body of the answer does so too."""
        at = float(request.extensions.get(DEADLINE, math.inf))
        url = request.url
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=_iterate(request.stream),
            extensions={key: value for key, value in request.extensions.items() if key != DEADLINE},
        )
        with self._present.until(at):
            answer = self._pool.handle_request(asked)
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer, self._present, at),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Present(threading.local):
    """The deadline of the call that this thread is in."""

    at: float = math.inf

    @contextmanager
    def until(self, at: float) -> Iterator[None]:
        before, self.at = self.at, at
        try:
            yield
        finally:
            self.at = before

    def limit(self, timeout: float | None, error: type[Exception]) -> float | None:
        """Give the shorter of a timeout and what is left of the call."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise error("the call took too long")
        if timeout is not None:
            return min(timeout, left)
        return None if math.isinf(left) else left


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response, present: _Present, at: float) -> None:
        self._answer = answer
        self._present = present
        self._at = at

    def __iter__(self) -> Iterator[bytes]:
        chunks = iter(_iterate(self._answer.stream))
        while True:
            with self._present.until(self._at):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def close(self) -> None:
        self._answer.close()


class _Backend(httpcore.NetworkBackend):
    def __init__(self, present: _Present) -> None:
        self._inner = httpcore.SyncBackend()
        self._present = present

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        limit = self._present.limit(timeout, httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, limit, local_address, socket_options)
        return _Stream(stream, self._present)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, present: _Present) -> None:
        self._inner = inner
        self._present = present

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._present.limit(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In small pieces: within one, a reader that takes a byte at a time would be waited for at each.
        for place in range(0, len(buffer), _PIECE):
            limit = self._present.limit(timeout, httpcore.WriteTimeout)
            self._inner.write(buffer[place : place + _PIECE], limit)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit = self._present.limit(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, limit), self._present)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _iterate(stream: Any) -> Iterable[bytes]:
    """Both libraries also know streams for asynchronous use, which never come here."""
    chunks: Iterable[bytes] = stream
    return chunks
