"""A caller's connection, which is closed if it only ever stands in the way.

uvicorn waits for ever for the rest of a call's headers, and for the rest of a body that was refused already.
Whoever opens many such connections would take them all, without any secret; so each has its time.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_Standing = tuple[RequestResponseCycle | None, str]


class Line(H11Protocol):
    """uvicorn's own connection, and a look at it from time to time; made by `make_line`."""

    loiter_seconds: float
    """How long headers may take, or what is left of a refused body; twice as long at most."""
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin, and begin to look."""
        super().connection_made(transport)
        self._look((None, ""))

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and look no more."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def _look(self, before: _Standing) -> None:
        standing = self._stand()
        if standing[1] and standing == before:
            self.transport.abort()
            return
        self._watch = self.loop.call_later(self.loiter_seconds, self._look, standing)

    def _stand(self) -> _Standing:
        """Which call is on, and what of it is waited for to no use; "" where all is well."""
        if self.conn.their_state is h11.IDLE and (self.cycle is None or self.conn.trailing_data[0]):
            return self.cycle, "headers"
        if self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY:
            return self.cycle, "a body that nobody reads"
        return self.cycle, ""


def make_line(loiter_seconds: float) -> type[Line]:
    """Make the kind of connection that lets callers loiter for so long."""

    class TimedLine(Line):
        pass

    TimedLine.loiter_seconds = loiter_seconds
    return TimedLine
