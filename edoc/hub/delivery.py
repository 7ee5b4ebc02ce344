"""Hand packages out: raw with ranges, or as Base64 within JSON; in constant memory, and never a damaged one.

An answer that has begun cannot be taken back. So its last piece is held until the whole object was read and
its hash found right: what was damaged on the hub's disk comes out cut off, and no client takes it for whole.
"""

import base64
import re
from collections.abc import Generator, Mapping
from http import HTTPStatus
from typing import BinaryIO, Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Send

from edoc.axis.wire import BINARY_TYPE, JSON_TYPE
from edoc.core.ports import Objects, Stored
from edoc.errors import EdocError
from edoc.hub.refusals import BAD_CALL, CallRefusedError
from edoc.node.objects import open_verified

log = structlog.get_logger()

_PIECE: Final = 3 << 18
"""Bytes read at a time; a multiple of three, so that Base64 can be joined."""
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


Pieces = Generator[bytes, None, None]
"""The body of an answer, piece by piece; closing it lets go of what it is read from."""


class RangeError(CallRefusedError):
    """A range lies outside the package."""

    def __init__(self, size: int) -> None:
        super().__init__(BAD_CALL, f"the package has {size} bytes; the range lies outside.")
        self.size = size


class PackageResponse(StreamingResponse):
    """An answer of known length whose body is made from an object."""

    def __init__(self, pieces: Pieces, *, status: int, length: int, headers: Mapping[str, str]) -> None:
        self._pieces = pieces
        super().__init__(pieces, status_code=status, headers={**headers, "Content-Length": str(length)})

    async def stream_response(self, send: Send) -> None:
        """Send everything; breaks off if the object is damaged or cannot be read."""
        try:
            await super().stream_response(send)
        except EdocError as error:
            # The server closes the connection, since the answer is not complete.
            log.error("package broken off", error=str(error))  # noqa: TRY400 - a defect of a disk, not of ours
        finally:
            self._pieces.close()


async def respond_raw(
    objects: Objects, stored: Stored, *, range_header: str = "", if_range: str = ""
) -> PackageResponse:
    """Give a package, or the part of it that was asked for. Raises `RangeError` and `Unavailable`."""
    tag = f'"{stored.sha256}"'
    part = _parse_range(range_header, stored.size) if if_range in {"", tag} else None
    start, stop = part or (0, stored.size)
    headers = {"Content-Type": BINARY_TYPE, "ETag": tag, "Accept-Ranges": "bytes"}
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{stored.size}"
    return PackageResponse(
        await _begin(_read(objects, stored.sha256, start, stop)),
        status=HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT,
        length=stop - start,
        headers=headers,
    )


async def respond_base64(objects: Objects, stored: Stored, *, before: bytes, after: bytes) -> PackageResponse:
    """Give a package as Base64 between two pieces of JSON. Raises `Unavailable`."""

    def encode() -> Pieces:
        yield before
        for piece in pieces:
            yield base64.b64encode(piece)
        yield after

    pieces = await _begin(_read(objects, stored.sha256, 0, stored.size))
    return PackageResponse(
        encode(),
        status=HTTPStatus.OK,
        length=len(before) + (stored.size + 2) // 3 * 4 + len(after),
        headers={"Content-Type": JSON_TYPE},
    )


async def _begin(pieces: Pieces) -> Pieces:
    """Read the first piece, so that what is not there at all is told in a reply of its own."""
    first = await run_in_threadpool(next, pieces, b"")

    def chain() -> Pieces:
        yield first
        yield from pieces

    return chain()


def _read(objects: Objects, sha256: str, start: int, stop: int) -> Pieces:
    """Read a part; its last piece comes only when the whole object was found intact."""
    held = b""
    with open_verified(objects, sha256) as source:
        for _ in _cut(source, start):
            pass
        for piece in _cut(source, stop - start):
            if held:
                yield held
            held = piece
    yield held


def _cut(source: BinaryIO, size: int) -> Pieces:
    """Read so many bytes; a source that has fewer is damaged and says so itself."""
    while size and (piece := source.read(min(_PIECE, size))):
        size -= len(piece)
        yield piece


def _parse_range(text: str, size: int) -> tuple[int, int] | None:
    """Read one range of bytes; None if none was asked for, or several, which may be passed over."""
    found = _RANGE.fullmatch(text.strip())
    if found is None or found[0] == "bytes=-":
        return None
    if not found[1]:
        start, stop = max(0, size - int(found[2])), size
    else:
        start = int(found[1])
        stop = min(size, int(found[2]) + 1) if found[2] else size
    if start >= stop:
        raise RangeError(size)
    return start, stop
