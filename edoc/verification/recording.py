"""Keep what was fetched during a judgement, and give the very same again later.

    recorder = Recorder(fetcher)      # judge with it; then keep recorder.exchanges
    replay = Replay(exchanges)        # judge again, years later, without any network

Rules: one judgement sees one world, so the same question gets the same answer for as long as the recorder
lives, failures included; who replays never goes anywhere.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from edoc.errors import EdocError, InputError, Unavailable
from edoc.trust.fetch import AnsweredBadly, Fetcher, Rejecting

Failure = Literal["", "INPUT", "UNAVAILABLE", "ANSWERED_BADLY"]
_ERRORS: Final[dict[str, type[EdocError]]] = {
    "INPUT": InputError,
    "UNAVAILABLE": Unavailable,
    "ANSWERED_BADLY": AnsweredBadly,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One question to the network with its answer, or the error in its place."""

    url: str
    request: bytes = b""
    """The OCSP request; empty where something was only fetched."""
    answer: bytes = b""
    failure: Failure = ""
    """The kind of error; empty if there was none."""
    what: str = ""
    where: str = ""
    advice: str = ""

    def give(self) -> bytes:
        """The answer; raises the error that was raised then."""
        if self.failure:
            raise _ERRORS[self.failure](self.what, where=self.where, advice=self.advice)
        return self.answer


class Recorder:
    """A fetcher that asks another one, once for each question. Threads may share it."""

    def __init__(self, inner: Fetcher) -> None:
        self._inner = inner
        self._kept: dict[tuple[str, bytes], Exchange] = {}
        self._lock = threading.Lock()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Everything asked so far, by address and request."""
        with self._lock:
            return tuple(self._kept[key] for key in sorted(self._kept))

    def fetch(self, url: str) -> bytes:
        """Get a CRL or certificate. Raises as the inner fetcher does."""
        return self._ask(url, b"", lambda: self._inner.fetch(url))

    def post(self, url: str, body: bytes, *, content_type: str, accept: str) -> bytes:
        """Get an OCSP answer. Raises as the inner fetcher does."""
        return self._ask(
            url, body, lambda: self._inner.post(url, body, content_type=content_type, accept=accept)
        )

    def reject(self, url: str, request: bytes = b"") -> None:
        """Say that an answer proved nothing: the next judgement will ask for a new one."""
        if isinstance(self._inner, Rejecting):
            self._inner.reject(url, request)

    def _ask(self, url: str, request: bytes, ask: Callable[[], bytes]) -> bytes:
        with self._lock:
            kept = self._kept.get((url, request))
        if kept is None:
            fresh = _record(url, request, ask)
            with self._lock:
                kept = self._kept.setdefault((url, request), fresh)
        return kept.give()


def _record(url: str, request: bytes, ask: Callable[[], bytes]) -> Exchange:
    try:
        return Exchange(url=url, request=request, answer=ask())
    except AnsweredBadly as error:
        return _describe(url, request, "ANSWERED_BADLY", error)
    except InputError as error:
        return _describe(url, request, "INPUT", error)
    except Unavailable as error:
        return _describe(url, request, "UNAVAILABLE", error)


def _describe(url: str, request: bytes, failure: Failure, error: EdocError) -> Exchange:
    return Exchange(
        url=url, request=request, failure=failure, what=error.what, where=error.where, advice=error.advice
    )


class Replay:
    """A fetcher that knows only what was kept."""

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._kept = {(found.url, found.request): found for found in exchanges}

    def fetch(self, url: str) -> bytes:
        """Give what was fetched then. Raises what was raised then, `Unavailable` if nobody asked."""
        return self._give(url, b"")

    def post(self, url: str, body: bytes, *, content_type: str, accept: str) -> bytes:
        """Give what was answered then. Raises what was raised then, `Unavailable` if nobody asked."""
        del content_type, accept  # they follow from the request
        return self._give(url, body)

    def _give(self, url: str, request: bytes) -> bytes:
        kept = self._kept.get((url, request))
        if kept is None:
            raise Unavailable("the saved evidence holds no answer of this address.", where=url)
        return kept.give()
