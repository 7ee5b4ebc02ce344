"""What a verification fetches with: a cache for the whole run, or the one that a configuration names."""

import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edoc.errors import Unavailable
from edoc.trust.cache import CachingFetcher
from edoc.trust.fetch import Fetcher, HttpFetcher

if TYPE_CHECKING:
    from edoc.signing.settings import SigningSettings


class Nowhere:
    """A fetcher that goes nowhere; in front of it a cache gives what it has."""

    def fetch(self, url: str) -> bytes:
        """Raise `Unavailable`."""
        raise Unavailable("nothing is fetched offline, and the cache does not hold it.", where=url)

    def post(self, url: str, body: bytes, *, content_type: str, accept: str) -> bytes:
        """Raise `Unavailable`."""
        del body, content_type, accept
        return self.fetch(url)


def open_fetcher(stack: ExitStack, settings: "SigningSettings | None", *, offline: bool) -> Fetcher | None:
    """Give a fetcher that asks the network once for all files of this run.

    Its answers stand in the cache that the settings name, else in one for this run; offline there is what
    the cache holds, or nothing.
    """
    cache = (
        None if settings is None or settings.online.cache is None else settings.folder / settings.online.cache
    )
    if offline:
        return None if cache is None else _cache(Nowhere(), cache)
    if cache is None:
        cache = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edoc-")))
    hosts = None if settings is None else settings.online.hosts
    return _cache(stack.enter_context(HttpFetcher(hosts=hosts)), cache)


def _cache(inner: Fetcher, folder: Path) -> Fetcher:
    return CachingFetcher(inner, folder, now=lambda: datetime.now(UTC))
