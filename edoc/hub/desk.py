"""What all calls have in common: failures are noted, and told in the protocol's own words."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import anyio
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from edoc.axis.replies import Head
from edoc.axis.wire import ErrorCode
from edoc.errors import EdocError
from edoc.hub import audit
from edoc.hub.audit import Actor
from edoc.hub.gate import Gate, TooFastError
from edoc.hub.hub import Hub
from edoc.hub.intake import Patience, TooSlowError
from edoc.hub.refusals import CallRefusedError, choose_code, tell
from edoc.hub.spool import Spool, open_spool, require_size
from edoc.hub.words import tame

log = structlog.get_logger()

SLACK: Final = 64 << 10
"""Bytes of a body besides its package."""
_STRANGERS: Final = "strangers"
_STATUSES: Final = {
    ErrorCode.NOT_AUTHENTIC.value: HTTPStatus.UNAUTHORIZED,
    ErrorCode.SENDER_NOT_REGISTERED.value: HTTPStatus.FORBIDDEN,
    ErrorCode.HUB_ERROR.value: HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where calls are taken; one for each process of the hub."""

    hub: Hub
    gate: Gate
    uploads: anyio.Semaphore
    """How many more packages may come in now."""
    sending: Counter[str]
    """How many come in from each system."""

    @classmethod
    def of(cls, hub: Hub) -> "Desk":
        """Make the desk of a hub."""
        places = anyio.Semaphore(hub.settings.limits.uploads)
        return cls(hub=hub, gate=Gate.of(hub), uploads=places, sending=Counter())

    @property
    def patience(self) -> Patience:
        """How long a caller may take to send its body."""
        limits = self.hub.settings.limits
        return Patience(silence=limits.silence_seconds, whole=limits.transfer_seconds)

    @asynccontextmanager
    async def room(self, request: Request, system: str) -> AsyncIterator[Spool]:
        """Wait until a package of the system may come in, and make room for it.

        Raises `CallRefusedError` if it is too large or too much, and `Unavailable`.
        """
        limit = self.hub.settings.limits.package_bytes
        length = request.headers.get("content-length", "")
        require_size(int(length) - SLACK if length.isascii() and length.isdecimal() else 0, limit)
        self.gate.require_traffic(system)
        async with self._place(system):
            with open_spool(self.hub.spool, limit=limit) as spool:
                try:
                    yield spool
                finally:
                    self.gate.count_traffic(system, spool.size)

    @asynccontextmanager
    async def _place(self, system: str) -> AsyncIterator[None]:
        """Wait for one of the places; one system never takes them all."""
        limits = self.hub.settings.limits
        if self.sending[system] >= max(1, limits.uploads // 2):
            raise TooFastError("too many packages of this system come in at once.", limits.silence_seconds)
        self.sending[system] += 1
        try:
            with anyio.move_on_after(limits.silence_seconds) as waiting:
                await self.uploads.acquire()
            if waiting.cancelled_caught:
                raise TooFastError("too many packages come in at once.", limits.silence_seconds)
            try:
                yield
            finally:
                self.uploads.release()
        finally:
            self.sending[system] -= 1
            if not self.sending[system]:
                del self.sending[system]

    async def fail(self, error: Exception, *, actor: Actor, operation: str, proven: bool) -> Head:
        """Note a call that was not done and give the head of its reply; of strangers only so many."""
        head, system = tell(error), tame(actor.system, 64)
        if not isinstance(error, EdocError):
            log.error("call failed", operation=operation, system=system, exc_info=error)
        elif not proven and self.gate.noise.take(_STRANGERS, 1, now=self.hub.clock()):
            return head
        elif error.retryable:
            log.warning("call put off", operation=operation, system=system, error=str(error))
        else:
            log.info("call refused", operation=operation, system=system, error=str(error))
        await run_in_threadpool(self._note, actor, operation, head)
        return head

    def _note(self, actor: Actor, operation: str, head: Head) -> None:
        try:
            with self.hub.writing() as connection:
                audit.note(
                    connection,
                    actor,
                    operation,
                    at=self.hub.clock(),
                    result=head.error_code,
                    note=head.error_desc,
                )
        except EdocError as error:
            log.warning("refusal not noted", operation=operation, error=str(error))


def choose_status(error: Exception) -> HTTPStatus:
    """Give the HTTP status of a failure, where one counts; the SDK looks at the reply alone."""
    if isinstance(error, TooFastError):
        return HTTPStatus.TOO_MANY_REQUESTS
    return _STATUSES.get(choose_code(error), HTTPStatus.NOT_FOUND)


def leaves(request: Request, error: Exception) -> dict[str, str]:
    """Give the headers of a failure: the connection ends where a body will not come, or not to its end.

    Otherwise what is still being sent is taken and thrown away, so that the sender gets to read the reply.
    """
    headers = {}
    if isinstance(error, TooFastError):
        headers["Retry-After"] = str(error.seconds)
    waits = "expect" in request.headers and not getattr(request.state, "reads", False)
    if waits or isinstance(error, TooSlowError):
        headers["Connection"] = "close"
    return headers


def require_claim(claimed: str) -> str:
    """Give `hash-file`, without which nothing ties the body to the signature. Raises `CallRefusedError`."""
    if not claimed.strip():
        raise CallRefusedError(ErrorCode.INVALID_FILE, "the call does not say hash-file.")
    return claimed.strip()
