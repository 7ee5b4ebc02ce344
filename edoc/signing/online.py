"""How a signer reaches the outside: time-stamping authorities, OCSP, CRLs, and what is kept of them.

    online = Online(tsas=(Tsa("http://tsa.ca.gov.vn"),), hosts={"ocsp.ca.ptc": "ocsp.ca.gov.vn"})
    sign(..., level="B-LT", online=online)

Keep one for many signatures: its connections stay open and its answers are remembered.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from edoc.errors import InputError
from edoc.pdf.signer import Stamper
from edoc.trust.cache import REFRESH_AT_MOST, CachingFetcher
from edoc.trust.fetch import Fetcher, HttpFetcher
from edoc.trust.revocation import Freshness
from edoc.trust.timestamps import Stamp, TimeStampClient, Tsa


class Online:
    """The outside, reached only when something asks for it. Threads may share it.

    `tsas` are asked in their order; `hosts` replaces hosts that cannot be reached from here by others;
    `cache` is a folder in which processes share CRLs and OCSP answers; `freshness` says how old what is known
    of the signer's certificate may be (None: as old as it says of itself).
    """

    def __init__(
        self,
        *,
        tsas: tuple[Tsa, ...] = (),
        hosts: Mapping[str, str] | None = None,
        cache: Path | None = None,
        freshness: Freshness | None = None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._tsas = tsas
        self._hosts = dict(hosts or {})
        self._cache = cache
        self._freshness = freshness
        self._now = now

    @cached_property
    def _http(self) -> HttpFetcher:
        return HttpFetcher(hosts=self._hosts)

    @cached_property
    def fetcher(self) -> Fetcher:
        """What gets OCSP answers, CRLs and certificates."""
        if self._cache is None:
            return self._http
        life = REFRESH_AT_MOST if self._freshness is None else self._freshness.ask_after
        return CachingFetcher(self._http, self._cache, now=self._now, refresh_at_most=life)

    @property
    def freshness(self) -> Freshness | None:
        """How old what is known of the signer's certificate may be."""
        return self._freshness

    @property
    def has_tsa(self) -> bool:
        """Whether time-stamps can be had."""
        return bool(self._tsas)

    @cached_property
    def _client(self) -> TimeStampClient:
        return TimeStampClient(self._tsas, http=self._http)

    def ask(self, imprint: bytes) -> Stamp:
        """Get a time-stamp for a digest made with `digest`.

        Raises `Unavailable` if no TSA gives a good one, `InputError` if none is known.
        """
        if not self._tsas:
            raise InputError("no time-stamping authority is known.", advice="Name its address (tsa).")
        return self._client.stamp(imprint, digest=self.digest)

    @property
    def stamper(self) -> Stamper:
        """Gives tokens, as `ask` does."""
        return Stamper(lambda imprint: self.ask(imprint).token, self.digest)

    @property
    def digest(self) -> str:
        """What time-stamps are asked with: what the first TSA wants."""
        return self._tsas[0].digest if self._tsas else "sha256"

    def close(self) -> None:
        """Close the connections."""
        if "_http" in self.__dict__:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
