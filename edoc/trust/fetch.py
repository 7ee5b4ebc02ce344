"""Get CRLs over HTTP, under limits; nothing here touches the network unless it is handed a fetcher."""

import time
from types import TracebackType
from typing import Final, Protocol, Self

from edoc.errors import InputError, Unavailable

MAX_BYTES: Final = 32 << 20
"""A longer answer is dropped."""
TIMEOUT_SECONDS: Final = 10.0
"""For the whole of one address."""


class Fetcher(Protocol):
    """Gets the bytes behind an address."""

    def fetch(self, url: str) -> bytes:
        """Get them. Raises `Unavailable` if that fails now, `InputError` for an address it never follows."""


class HttpFetcher:
    """Fetches over http and https: no redirects, no other scheme, limited in size and time.

    Use as a context manager, or call `close`. Threads may share it.
    """

    def __init__(self, *, max_bytes: int = MAX_BYTES, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        # Late, so that nothing offline pays for the network library.
        import httpx

        self._httpx = httpx
        self._max_bytes = max_bytes
        self._timeout = timeout_seconds
        self._client = httpx.Client(
            timeout=timeout_seconds, follow_redirects=False, headers={"Accept-Encoding": "identity"}
        )

    def fetch(self, url: str) -> bytes:
        """Get the body of `url`; only status 200 counts."""
        if not url.lower().startswith(("http://", "https://")):
            raise InputError("only http and https addresses are followed.", where=url)
        try:
            return self._read(url)
        except (self._httpx.HTTPError, self._httpx.InvalidURL, OSError) as error:
            raise Unavailable(
                f"this address does not answer ({type(error).__name__}).",
                where=url,
                advice="Try again later.",
            ) from error

    def _read(self, url: str) -> bytes:
        deadline = time.monotonic() + self._timeout
        body = bytearray()
        with self._client.stream("GET", url) as answer:
            if answer.status_code != self._httpx.codes.OK:
                raise Unavailable(f"this address answers with status {answer.status_code}.", where=url)
            for chunk in answer.iter_bytes(chunk_size=1 << 16):
                body += chunk
                if len(body) > self._max_bytes:
                    raise Unavailable(f"the answer is longer than {self._max_bytes} bytes.", where=url)
                if time.monotonic() > deadline:
                    raise Unavailable(f"the answer takes longer than {self._timeout:g} s.", where=url)
        return bytes(body)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
