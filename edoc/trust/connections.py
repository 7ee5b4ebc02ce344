"""HTTP/1.1 connections that are kept open and used again, under a limit of time for the whole of a request.

The standard library's client underneath: it costs a quarter of a millisecond per request, and a deadline can
be put under every single read, so that no server holds a worker by sending one byte at a time.
"""

import base64
import http.client
import io
import os
import select
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

if TYPE_CHECKING:
    import ssl

MAX_IDLE: Final = 16
"""Open connections that wait for their next request."""
MAX_IDLE_SECONDS: Final = 60.0
"""After that, one is closed instead of used again."""

_STALE: Final = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)
_CHUNK: Final = 1 << 16


class TooLong(Exception):  # noqa: N818 - the fetcher puts it into words
    """An answer is longer than it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; `headers` may hold secrets and are never shown."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Its answer; the body is read for status 200 only."""

    status: int
    body: bytes


@dataclass(slots=True)
class _Idle:
    place: tuple[str, str, int | None]
    connection: http.client.HTTPConnection
    since: float


class Connections:
    """Sends requests; threads may share it, and a forked process starts with none of its connections.

    Proxies are those of the environment (`http_proxy`, `https_proxy`, `no_proxy`) at the time it is made.
    """

    def __init__(self) -> None:
        self._idle: list[_Idle] = []
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._proxies = getproxies_environment()
        self._tls: ssl.SSLContext | None = None

    def send(self, request: Request, *, max_bytes: int, deadline: float) -> Answer:
        """Send it and read the answer until `deadline` (of `time.monotonic`).

        A connection that the server closed meanwhile is replaced once, silently: what is sent here (queries
        for CRLs, OCSP answers, time-stamps) may be repeated. Raises `OSError`, `HTTPException`, `ValueError`
        (a broken address) or `TooLong`.
        """
        parts = urlsplit(request.url)
        place = (parts.scheme, parts.hostname or "", parts.port)
        if not place[1]:
            raise ValueError("no host")
        connection = self._take(place)
        if connection is not None:
            try:
                return self._exchange(place, connection, parts, request, max_bytes, deadline)
            except _STALE:
                connection.close()
        return self._exchange(place, self._open(place, deadline), parts, request, max_bytes, deadline)

    def close(self) -> None:
        """Close all connections that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        for found in idle:
            found.connection.close()

    def _exchange(
        self,
        place: tuple[str, str, int | None],
        connection: http.client.HTTPConnection,
        parts: SplitResult,
        request: Request,
        max_bytes: int,
        deadline: float,
    ) -> Answer:
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = dict(request.headers)
            proxy = self._find_proxy(place)
            if proxy and parts.scheme == "http":
                target = f"http://{parts.netloc.rpartition('@')[2]}{target}"
                headers |= _name_proxy_user(proxy)
            connection.timeout = _remain(deadline)
            if connection.sock is not None:
                connection.sock.settimeout(connection.timeout)
            connection.response_class = _timed_response(deadline)
            connection.request(request.method, target, body=request.body, headers=headers)
            with connection.getresponse() as response:
                body = _read(response, max_bytes) if response.status == http.client.OK else b""
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None and response.status == http.client.OK:
            self._give_back(_Idle(place, connection, time.monotonic()))
        else:
            connection.close()
        return Answer(status=response.status, body=body)

    def _open(self, place: tuple[str, str, int | None], deadline: float) -> http.client.HTTPConnection:
        scheme, host, port = place
        proxy = self._find_proxy(place)
        timeout = _remain(deadline)
        if scheme == "http":
            near = (host, port) if proxy is None else (proxy.hostname or "", proxy.port)
            return http.client.HTTPConnection(*near, timeout=timeout)
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()
        if proxy is None:
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        tunnel = http.client.HTTPSConnection(
            proxy.hostname or "", proxy.port, timeout=timeout, context=self._tls
        )
        tunnel.set_tunnel(host, port, headers=_name_proxy_user(proxy))
        return tunnel

    def _find_proxy(self, place: tuple[str, str, int | None]) -> SplitResult | None:
        proxy = self._proxies.get(place[0])
        if not proxy or proxy_bypass(place[1], self._proxies):
            return None
        return urlsplit(proxy if "://" in proxy else f"http://{proxy}")

    def _take(self, place: tuple[str, str, int | None]) -> http.client.HTTPConnection | None:
        oldest = time.monotonic() - MAX_IDLE_SECONDS
        with self._lock:
            if self._process != os.getpid():
                self._idle, self._process = [], os.getpid()
            for index in range(len(self._idle) - 1, -1, -1):
                found = self._idle[index]
                if found.place == place:
                    del self._idle[index]
                    if found.since >= oldest and not _is_readable(found.connection.sock):
                        return found.connection
                    found.connection.close()
        return None

    def _give_back(self, idle: _Idle) -> None:
        with self._lock:
            self._idle.append(idle)
            dropped = self._idle.pop(0) if len(self._idle) > MAX_IDLE else None
        if dropped is not None:
            dropped.connection.close()


def _name_proxy_user(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def _remain(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _is_readable(sock: socket.socket) -> bool:
    # Nothing is awaited on an idle connection: if there is something, the server hangs up.
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class _TimedReader(io.RawIOBase):
    """Reads from a socket with whatever time is left."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._raw: Any = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._socket.settimeout(_remain(self._deadline))
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


@dataclass(frozen=True, slots=True)
class _TimedSocket:
    sock: socket.socket
    deadline: float

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self.sock, self.deadline))


def _timed_response(deadline: float) -> Any:
    def respond(sock: Any, *arguments: Any, **options: Any) -> http.client.HTTPResponse:
        timed: Any = _TimedSocket(sock, deadline)
        return http.client.HTTPResponse(timed, *arguments, **options)

    return respond


def _read(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    if (response.length or 0) > max_bytes:
        raise TooLong
    body = bytearray()
    while chunk := response.read(_CHUNK):
        body += chunk
        if len(body) > max_bytes:
            raise TooLong
    if response.length:
        raise http.client.IncompleteRead(bytes(body[:0]), response.length)
    return bytes(body)
