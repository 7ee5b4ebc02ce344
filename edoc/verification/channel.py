"""What a judging process and the process that waits for it say to each other, over pipes.

The judging process sends one result, and questions before it: it fetches nothing itself. Who waits answers a
question with its own fetcher, so that limits, cache and connections are one for all files.

Rules: a frame is one letter, a length and a value of a known type (`wire`); who waits never blocks on the
other side and holds no more of it than it said it would.
"""

import os
import struct
from dataclasses import dataclass
from typing import Final, Literal

from edoc.errors import EdocError, InputError, Unavailable
from edoc.trust.fetch import OCSP_REQUEST, OCSP_RESPONSE, AnsweredBadly, Fetcher, Rejecting
from edoc.verification.wire import WireError, pack, unpack

RESULT: Final = b"R"
QUESTION: Final = b"Q"
ANSWER: Final = b"A"
MAX_QUESTION_BYTES: Final = 64 << 10
_HEAD: Final = struct.Struct(">cQ")
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something to be fetched, or (`reject`) something fetched that proved nothing."""

    act: Literal["fetch", "post", "reject"]
    url: str
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the fetcher gave, or the error that it raised."""

    body: bytes = b""
    failure: Literal["", "INPUT", "UNAVAILABLE", "ANSWERED_BADLY"] = ""
    what: str = ""
    where: str = ""
    advice: str = ""


def reply(fetcher: Fetcher, question: Question) -> Reply:
    """Ask the fetcher; whatever it raises is part of the reply."""
    try:
        return Reply(body=_ask(fetcher, question))
    except AnsweredBadly as error:
        return _tell("ANSWERED_BADLY", error)
    except InputError as error:
        return _tell("INPUT", error)
    except EdocError as error:
        return _tell("UNAVAILABLE", error)
    except Exception as error:  # noqa: BLE001 - a fetcher of whatever make must not end the whole batch
        what = f"the fetcher failed ({type(error).__name__})."
        return Reply(failure="UNAVAILABLE", what=what, where=question.url)


def _ask(fetcher: Fetcher, question: Question) -> bytes:
    if question.act == "fetch":
        return fetcher.fetch(question.url)
    if question.act == "post":
        # Nothing but OCSP is ever posted, whatever a judging process might want.
        return fetcher.post(question.url, question.body, content_type=OCSP_REQUEST, accept=OCSP_RESPONSE)
    if isinstance(fetcher, Rejecting):
        fetcher.reject(question.url, question.body)
    return b""


def _tell(failure: Literal["INPUT", "UNAVAILABLE", "ANSWERED_BADLY"], error: EdocError) -> Reply:
    return Reply(failure=failure, what=error.what, where=error.where, advice=error.advice)


class RemoteFetcher:
    """The fetcher of a judging process: it asks who waits."""

    def __init__(self, writing: int, reading: int) -> None:
        self._writing = writing
        self._reading = reading

    def fetch(self, url: str) -> bytes:
        """Get what is behind an address; raises as the fetcher that is asked."""
        return self._exchange(Question(act="fetch", url=url))

    def post(self, url: str, body: bytes, *, content_type: str, accept: str) -> bytes:
        """Get an OCSP answer; raises as the fetcher that is asked."""
        if (content_type, accept) != (OCSP_REQUEST, OCSP_RESPONSE):
            raise InputError(f"{content_type} is not sent from here.", where=url)
        return self._exchange(Question(act="post", url=url, body=body))

    def reject(self, url: str, request: bytes = b"") -> None:
        """Say that an answer proved nothing."""
        self._exchange(Question(act="reject", url=url, body=request))

    def _exchange(self, question: Question) -> bytes:
        content = pack(question)
        if len(content) > MAX_QUESTION_BYTES:
            raise InputError("this question is too long to be asked.")
        send_frame(self._writing, QUESTION, content)
        said = unpack(Reply, receive_frame(self._reading))
        errors = {"INPUT": InputError, "UNAVAILABLE": Unavailable, "ANSWERED_BADLY": AnsweredBadly}
        if said.failure:
            raise errors[said.failure](said.what, where=said.where, advice=said.advice)
        return said.body


def send_frame(writing: int, kind: bytes, content: bytes) -> None:
    """Write a whole frame into a pipe; raises `OSError` if nobody reads any more."""
    left = memoryview(_HEAD.pack(kind, len(content)) + content)
    while left:
        left = left[os.write(writing, left) :]


def receive_frame(reading: int) -> bytes:
    """Read one answer from a pipe; raises `WireError` if there is none."""
    kind, length = _HEAD.unpack(_read_exactly(reading, _HEAD.size))
    if kind != ANSWER:
        raise WireError("no answer")
    return _read_exactly(reading, length)


def _read_exactly(reading: int, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        piece = os.read(reading, min(_CHUNK, size - len(content)))
        if not piece:
            raise WireError("nobody answers any more")
        content += piece
    return bytes(content)


class Channel:
    """The waiting end: reads frames as they come and writes answers as they are taken."""

    def __init__(self, reading: int, writing: int | None, *, max_bytes: int) -> None:
        self.reading = reading
        self.writing = writing
        self._limits = {RESULT: max_bytes, QUESTION: MAX_QUESTION_BYTES}
        self._received = bytearray()
        self._waiting = bytearray()
        for descriptor in filter(None, (reading, writing)):
            os.set_blocking(descriptor, False)

    @property
    def has_waiting(self) -> bool:
        """Whether something is to be written."""
        return bool(self._waiting)

    def read(self) -> bool:
        """Read what is there; false at the end. Raises `WireError` for what is no frame or too long."""
        try:
            piece = os.read(self.reading, _CHUNK)
        except BlockingIOError:
            return True
        self._received += piece
        self._measure()
        return bool(piece)

    def take(self) -> tuple[bytes, bytes] | None:
        """Take the next whole frame, its kind and its content; None if none is whole yet."""
        length = self._measure()
        end = _HEAD.size + (length or 0)
        if length is None or len(self._received) < end:
            return None
        frame = bytes(self._received[:1]), bytes(self._received[_HEAD.size : end])
        del self._received[:end]
        return frame

    def _measure(self) -> int | None:
        if len(self._received) < _HEAD.size:
            return None
        kind, length = _HEAD.unpack_from(self._received)
        if kind not in self._limits:
            raise WireError("no frame")
        if length > self._limits[kind]:
            raise OverlongError(f"{length} bytes")
        return int(length)

    def send(self, kind: bytes, content: bytes) -> None:
        """Put a frame in the way; `write` sends it."""
        self._waiting += _HEAD.pack(kind, len(content)) + content

    def write(self) -> None:
        """Write as much as the other side takes; what nobody reads any more is dropped."""
        if self.writing is None:
            return
        try:
            del self._waiting[: os.write(self.writing, self._waiting[:_CHUNK])]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._waiting.clear()

    def close(self) -> None:
        """Close both ends."""
        for descriptor in filter(None, (self.reading, self.writing)):
            os.close(descriptor)


class OverlongError(WireError):
    """A frame is longer than was agreed."""
