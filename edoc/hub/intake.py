"""Read what a caller sends, piece by piece, under limits of size and of silence."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

import anyio
from starlette.requests import Request

from edoc.axis.wire import ErrorCode
from edoc.hub.operations import MAX_BODY
from edoc.hub.refusals import BAD_CALL, CallRefusedError

_PIECE: Final = 1 << 20
"""Bytes that are gathered before they are passed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a caller may take to send its body, in seconds."""

    silence: float
    """Between two pieces."""
    whole: float


class TooSlowError(CallRefusedError):
    """A caller stopped sending in the middle, or never came to an end."""

    def __init__(self, words: str) -> None:
        super().__init__(ErrorCode.INVALID_FILE, f"{words}; the package is not whole.")


async def pour(request: Request, take: Callable[[bytes], Awaitable[None]], patience: Patience) -> None:
    """Pass the body on in larger pieces, to its end.

    Raises `TooSlowError`, `ClientDisconnect`, and whatever `take` raises.
    """
    request.state.reads = True
    end = anyio.current_time() + patience.whole
    waiting = bytearray()
    async with aclosing(request.stream()) as stream:
        while True:
            chunk = None
            with anyio.move_on_after(patience.silence):
                chunk = await anext(stream, b"")
            if chunk is None:
                raise TooSlowError(f"nothing came for {patience.silence:g} s")
            if anyio.current_time() > end:
                raise TooSlowError(f"it took longer than {patience.whole:g} s")
            waiting += chunk
            if len(waiting) >= _PIECE or not chunk:
                await take(bytes(waiting))
                waiting.clear()
            if not chunk:
                return


async def read_small(request: Request, patience: Patience) -> bytes:
    """Read a body that is no package. Raises `CallRefusedError` if it is a large one, or comes slowly.

    The whole of it has as long as one silence: a login's is read before anybody has shown a secret.
    """
    body = bytearray()
    quick = replace(patience, whole=min(patience.whole, patience.silence))

    async def take(piece: bytes) -> None:
        body.extend(piece)
        if len(body) > MAX_BODY:
            raise CallRefusedError(BAD_CALL, f"the body is longer than {MAX_BODY} bytes.")

    await pour(request, take, quick)
    return bytes(body)
