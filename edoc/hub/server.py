"""Serve a hub over HTTP with uvicorn, until it is told to stop.

TLS is ended in front of it. A stop lets calls that have begun come to their end; a kill loses nothing that
was acknowledged.
"""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from edoc.errors import Unavailable
from edoc.hub.application import make_application
from edoc.hub.hub import Hub
from edoc.hub.lines import make_line

_HEADERS: Final = 256 << 10
"""Bytes of a call's headers: a long list of receivers stands there twice."""
_DRAIN_SECONDS: Final = 30
_IDLE_SECONDS: Final = 30
_BACKLOG: Final = 512


def serve(hub: Hub, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is called with the address once calls are taken.

    Port 0 takes a free one. Raises `Unavailable` if the address cannot be used.
    """
    with _listen(host, port) as listener:
        name, number = listener.getsockname()[:2]
        shown = f"[{name}]" if ":" in name else name
        config = uvicorn.Config(
            make_application(hub),
            http=make_line(hub.settings.limits.silence_seconds),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            h11_max_incomplete_event_size=_HEADERS,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
        server = _Server(config, lambda: ready(f"http://{shown}:{number}"))
        with _stopping(server):
            server.run([listener])


class _Server(uvicorn.Server):
    """Tells when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, and say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()


@contextmanager
def _stopping(server: uvicorn.Server) -> Iterator[None]:
    """Let signals end the server; uvicorn raises them once more at the very end, where they do nothing."""

    def stop(_number: int, _frame: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG
        )
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Unavailable(
            f"the address cannot be used: {reason.lower()}.",
            where=f"{host}:{port}",
            advice="Name a free port of this machine.",
        ) from error
