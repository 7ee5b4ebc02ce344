"""The bytes of one file: read in pieces, digested once however many signatures cover them.

Files of hundreds of megabytes are signed too, so nothing here holds a whole file. Byte ranges begin at the
file's start, so their digests share one pass: the state of the running digest is kept where a gap begins.
"""

import io
import threading
from collections.abc import Iterable
from queue import Queue
from typing import Any, BinaryIO, Final

from edoc.pdf.cmsnames import start_digest
from edoc.pdf.scan import TAIL_BYTES, Numbers, find_ranges

_CHUNK: Final = 2 << 20
_AHEAD: Final = 2
"""Pieces that may wait for the digest."""


class FileBytes:
    """One file, in a stream that stays open."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.size = stream.seek(0, io.SEEK_END)
        self._places: set[int] = set()
        self._digests: dict[tuple[Numbers, str], bytes] = {}
        self._prefixes: dict[str, _Prefixes] = {}
        self._ranges: tuple[Numbers, ...] | None = None

    def read(self, start: int, end: int) -> bytes:
        """Give the bytes from `start` up to `end`, as far as the file has them."""
        self.stream.seek(max(0, start))
        return self.stream.read(max(0, end - max(0, start)))

    def skip_blank(self, place: int) -> int:
        """Give where the next object begins; offsets may point at the white space before it."""
        window = self.read(place, place + TAIL_BYTES)
        return place + len(window) - len(window.lstrip(b" \t\r\n\x00\x0c"))

    def open_head(self, end: int) -> BinaryIO:
        """Give the first `end` bytes as a stream of their own."""
        head: Any = _Head(self.stream, min(end, self.size))
        return io.BufferedReader(head, _CHUNK >> 4)

    def expect(self, ranges: Iterable[Numbers]) -> None:
        """Say which ranges will be asked for, so that one pass is enough."""
        self._places |= {
            numbers[1] for numbers in ranges if len(numbers) > 1 and 0 <= numbers[1] <= self.size
        }

    @property
    def sha256(self) -> str:
        """SHA-256 of the whole file in lower-case hex."""
        return self._survey("sha256").whole.hex()

    @property
    def ranges(self) -> tuple[Numbers, ...]:
        """Every different `/ByteRange` that is written out in the file."""
        self._survey("sha256")
        return self._ranges or ()

    def digest(self, numbers: Numbers, algorithm: str) -> bytes:
        """Digest a byte range; raises `NotImplementedError` for an unknown algorithm."""
        key = (numbers, algorithm)
        if key not in self._digests:
            self._digests[key] = self._digest(numbers, algorithm)
        return self._digests[key]

    def _digest(self, numbers: Numbers, algorithm: str) -> bytes:
        running = start_digest(algorithm)
        parts = list(zip(numbers[::2], numbers[1::2], strict=False))
        if parts and parts[0][0] == 0:
            found = self._survey(algorithm).states.get(parts[0][1])
            if found is not None:
                running = found.copy()
                parts = parts[1:]
        for start, length in parts:
            self._add(running, max(0, start), max(0, start) + max(0, length))
        return bytes(running.digest())

    def _add(self, running: Any, start: int, end: int) -> None:
        self.stream.seek(start)
        while start < end and (chunk := self.stream.read(min(_CHUNK, end - start))):
            running.update(chunk)
            start += len(chunk)

    def _survey(self, algorithm: str) -> "_Prefixes":
        known = self._prefixes.get(algorithm)
        if known is None:
            known = self._prefixes[algorithm] = _Prefixes(algorithm, self._places)
            if algorithm == "sha256":
                self._ranges = find_ranges(_pieces(self.stream, known, self.size))
            else:
                for _ in _pieces(self.stream, known, self.size):
                    pass
        return known


class _Prefixes:
    """A running digest that is remembered at some places."""

    def __init__(self, algorithm: str, places: Iterable[int]) -> None:
        self._running = start_digest(algorithm)
        self._position = 0
        self._waiting = sorted(places, reverse=True)
        self.states: dict[int, Any] = {}

    def add(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while self._waiting and self._waiting[-1] <= self._position + len(view):
            cut = self._waiting.pop() - self._position
            self._running.update(view[:cut])
            self._position += cut
            view = view[cut:]
            self.states[self._position] = self._running.copy()
        self._running.update(view)
        self._position += len(view)

    @property
    def whole(self) -> bytes:
        return self._running.digest()


def _pieces(stream: BinaryIO, digest: _Prefixes, size: int) -> Iterable[bytes]:
    """Give the file in pieces, and all of them to the digest."""
    stream.seek(0)
    if size <= _CHUNK:
        piece = stream.read()
        digest.add(piece)
        yield piece
        return
    # Digesting frees the interpreter's lock, so looking at the pieces costs no time of its own.
    waiting: Queue[bytes | None] = Queue(_AHEAD)
    failed: list[MemoryError] = []
    worker = threading.Thread(target=_drain, args=(waiting, digest, failed), daemon=True)
    try:
        worker.start()
    except RuntimeError as error:  # there is no room for a thread
        raise MemoryError(str(error)) from error
    try:
        while piece := stream.read(_CHUNK):
            waiting.put(piece)
            yield piece
    finally:
        waiting.put(None)
        worker.join()
    if failed:
        raise failed[0]


def _drain(waiting: "Queue[bytes | None]", digest: _Prefixes, failed: list[MemoryError]) -> None:
    while (piece := waiting.get()) is not None:
        try:
            digest.add(piece)
        except MemoryError as error:  # who waits for the queue must not wait for ever
            failed.append(error)


class _Head(io.RawIOBase):
    """The beginning of another stream."""

    def __init__(self, stream: BinaryIO, end: int) -> None:
        self._stream = stream
        self._end = end
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._end}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        self._stream.seek(self._position)
        data = self._stream.read(max(0, min(len(buffer), self._end - self._position)))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
