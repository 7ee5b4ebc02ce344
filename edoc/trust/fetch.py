"""Get CRLs, certificates and OCSP answers over HTTP, under limits.

    with HttpFetcher(hosts={"ocsp.ca.ptc": "http://127.0.0.1:8080"}) as fetcher:
        examine(certificate, trust=trust, at=now, fetcher=fetcher)

Nothing here touches the network unless it is handed a fetcher.
"""

import time
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, runtime_checkable
from urllib.parse import urlsplit

from edoc.errors import InputError, Unavailable
from edoc.trust.hosts import check_hosts, remap

if TYPE_CHECKING:
    from edoc.trust.connections import Connections, Request

MAX_BYTES: Final = 32 << 20
"""A longer answer is dropped."""
TIMEOUT_SECONDS: Final = 10.0
"""For the whole of one request; only looking up a host's name may take longer."""

OCSP_REQUEST: Final = "application/ocsp-request"
OCSP_RESPONSE: Final = "application/ocsp-response"


class AnsweredBadly(Unavailable):
    """A server is there, but what it answers is of no use (another status than 200, too long)."""


class Fetcher(Protocol):
    """Gets the bytes behind an address."""

    def fetch(self, url: str) -> bytes:
        """Get them. Raises `Unavailable` if that fails now, `InputError` for an address it never follows."""

    def post(self, url: str, body: bytes, *, content_type: str, accept: str) -> bytes:
        """Get the answer to `body`, a question that may be repeated. Raises as `fetch` does."""


@runtime_checkable
class Rejecting(Protocol):
    """A fetcher that remembers answers, and can be told that one proved nothing."""

    def reject(self, url: str, request: bytes = b"") -> None:
        """Say that the answer of `url` (to `request`) proved nothing."""


def is_followed(url: str) -> bool:
    """Whether an address is of a kind that is ever followed: http or https."""
    return url.lower().startswith(("http://", "https://"))


def show(url: str) -> str:
    """Give an address for people: without user, password and query, which may be secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


class HttpFetcher:
    """Fetches over http and https: no redirects, no other scheme, limited in size and time.

    `hosts` leads hosts that cannot be reached from here elsewhere (see `hosts`). Connections are kept open
    and used again. Use as a context manager, or call `close`. Threads may share it.
    """

    def __init__(
        self,
        *,
        hosts: Mapping[str, str] | None = None,
        max_bytes: int = MAX_BYTES,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._hosts = check_hosts(hosts or {})
        self._max_bytes = max_bytes
        self._timeout = timeout_seconds

    @cached_property
    def _connections(self) -> "Connections":
        # Late, so that nothing pays for the network that does not use it.
        from edoc.trust.connections import Connections

        return Connections()

    def fetch(self, url: str) -> bytes:
        """Get the body of `url`; only status 200 counts."""
        return self._send("GET", url, None, {}, self._max_bytes, self._timeout)

    def post(
        self,
        url: str,
        body: bytes,
        *,
        content_type: str,
        accept: str,
        authorization: str = "",
        max_bytes: int | None = None,
        timeout_seconds: float | None = None,
    ) -> bytes:
        """Get the answer to `body`; only status 200 counts. `authorization` is never shown."""
        headers = {"Content-Type": content_type, "Accept": accept}
        if authorization:
            headers["Authorization"] = authorization
        size = self._max_bytes if max_bytes is None else max_bytes
        return self._send("POST", url, body, headers, size, timeout_seconds or self._timeout)

    def _send(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], size: int, seconds: float
    ) -> bytes:
        from edoc.trust.connections import Request

        if not is_followed(url):
            raise InputError("only http and https addresses are followed.", where=url)
        try:
            target = remap(url, self._hosts)
        except ValueError:
            target = url
        where = show(url) if target == url else f"{show(url)} (asked at {show(target)})"
        request = Request(method=method, url=target, headers=headers, body=body)
        return self._exchange(request, where, size, seconds)

    def _exchange(self, request: "Request", where: str, size: int, seconds: float) -> bytes:
        from http.client import HTTPException

        from edoc.trust.connections import TooLong

        deadline = time.monotonic() + seconds
        try:
            answer = self._connections.send(request, max_bytes=size, deadline=deadline)
        except TooLong:
            raise AnsweredBadly(f"the answer is longer than {size} bytes.", where=where) from None
        except TimeoutError:
            raise Unavailable(f"the answer takes longer than {seconds:g} s.", where=where) from None
        except (HTTPException, OSError, ValueError) as error:
            # Without its cause: that may quote the request, and with it a password.
            raise Unavailable(
                f"this address does not answer ({type(error).__name__}).",
                where=where,
                advice="Try again later.",
            ) from None
        if answer.status != HTTPStatus.OK:
            raise AnsweredBadly(f"this address answers with status {answer.status}.", where=where)
        return answer.body

    def close(self) -> None:
        """Close the connections."""
        if "_connections" in self.__dict__:
            self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
