"""A cache of CRLs, OCSP answers and issuers' certificates that all processes of a machine share.

    fetcher = CachingFetcher(HttpFetcher(), folder, now=lambda: datetime.now(UTC))

An answer is given again until its nextUpdate; from a share of its life on, a newer one is asked for first,
and the old one serves while none is to be had. Only answers that parse are kept, one without nextUpdate for
minutes only. A failure is remembered for some seconds, so that a dead server does not hold up every document.
Nothing here says that an answer is true: who uses it checks its signature, and calls `reject` if it proves
nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509 import ocsp

from edoc.errors import Unavailable
from edoc.trust.certificates import MALFORMED
from edoc.trust.crls import parse_crl
from edoc.trust.fetch import AnsweredBadly, Fetcher
from edoc.trust.memory import Memory
from edoc.trust.ocsps import parse_response
from edoc.trust.shelf import Kept, Shelf
from edoc.trust.store import decode, list_certificates

MAX_FOLDER_BYTES: Final = 256 << 20
"""What the folder holds; of what is beyond, the entries that end first are deleted."""
MAX_MEMORY_BYTES: Final = 64 << 20
"""What one process holds besides."""
REFRESH_SHARE: Final = 0.5
"""The share of its life after which an answer is renewed, if a newer one is to be had."""
REFRESH_AT_MOST: Final = timedelta(hours=12)
"""And in no case later: some CRLs live for a year."""
WITHOUT_NEXT_UPDATE: Final = timedelta(minutes=5)
"""How long an answer is kept that does not say for how long it is good."""
UNKNOWN_STATUS: Final = timedelta(minutes=1)
"""How long an OCSP answer is kept that does not know the certificate: it may be a new one."""
ISSUERS: Final = timedelta(days=30)
"""How long issuers' certificates are kept."""
FAILURE: Final = timedelta(seconds=15)
"""How long a failure is remembered, and an answer that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    until: datetime
    error: Unavailable

    def repeat(self) -> Unavailable:
        return type(self.error)(self.error.what, where=self.error.where, advice=self.error.advice)


class CachingFetcher:
    """A fetcher that asks `inner` only for what neither this process nor the folder has.

    `now` is the clock that nextUpdate is held against. Threads and processes may share the folder; where it
    cannot be written, only this process remembers.
    """

    def __init__(
        self,
        inner: Fetcher,
        folder: str | Path,
        *,
        now: Callable[[], datetime],
        max_bytes: int = MAX_FOLDER_BYTES,
        refresh_share: float = REFRESH_SHARE,
        refresh_at_most: timedelta = REFRESH_AT_MOST,
    ) -> None:
        self._inner = inner
        self._shelf = Shelf(Path(folder), max_bytes=max_bytes)
        self._now = now
        self._share = refresh_share
        self._at_most = min(refresh_at_most, REFRESH_AT_MOST)
        self._kept: Memory[tuple[str, bytes], Kept] = Memory(entries=4096, total_bytes=MAX_MEMORY_BYTES)
        self._failures: Memory[tuple[str, bytes], _Failure] = Memory(entries=1024, total_bytes=1024)

    def fetch(self, url: str) -> bytes:
        """Get a CRL or certificate. Raises as the inner fetcher does."""
        return self._get(url, b"", lambda: self._inner.fetch(url))

    def post(self, url: str, body: bytes, *, content_type: str, accept: str) -> bytes:
        """Get an OCSP answer. Raises as the inner fetcher does."""
        return self._get(
            url, body, lambda: self._inner.post(url, body, content_type=content_type, accept=accept)
        )

    def reject(self, url: str, request: bytes = b"") -> None:
        """Say that the answer of `url` (to `request`) proved nothing: soon it will be asked for anew."""
        kept = self._kept.find((url, request))
        self._shelf.drop(url, request)
        if kept is not None:
            self._remember(url, request, _keep_briefly(kept.body, self._now()))

    def _get(self, url: str, request: bytes, ask: Callable[[], bytes]) -> bytes:
        now = self._now()
        kept = self._kept.find((url, request))
        if kept is not None and now < kept.refresh_at:
            return kept.body
        kept = self._shelf.find(url, request) or kept
        if kept is not None and now < kept.refresh_at:
            self._remember(url, request, kept)
            return kept.body
        try:
            return self._renew(url, request, ask, now)
        except Unavailable:
            if kept is None or kept.good_until <= now:
                raise
            self._remember(url, request, replace(kept, refresh_at=min(now + FAILURE, kept.good_until)))
            return kept.body

    def _renew(self, url: str, request: bytes, ask: Callable[[], bytes], now: datetime) -> bytes:
        # A server that is not there fails for every question; one that answers badly, for this one.
        for place in ((url, b""), (url, request)):
            failure = self._failures.find(place)
            if failure is not None and now < failure.until:
                raise failure.repeat()
        try:
            body = ask()
        except Unavailable as error:
            place = (url, request if isinstance(error, AnsweredBadly) else b"")
            self._failures.put(place, _Failure(until=self._now() + FAILURE, error=error))
            raise
        now = self._now()
        until = _find_end(body, request, now)
        if until is None or until <= now:
            self._remember(url, request, _keep_briefly(body, now))
            return body
        life = min((until - now) * self._share, self._at_most)
        kept = Kept(body=body, good_until=until, refresh_at=now + life)
        self._remember(url, request, kept)
        self._shelf.put(url, request, kept)
        return body

    def _remember(self, url: str, request: bytes, kept: Kept) -> None:
        self._kept.put((url, request), kept, size=len(kept.body) + len(request))


def _keep_briefly(body: bytes, now: datetime) -> Kept:
    return Kept(body=body, good_until=now + FAILURE, refresh_at=now + FAILURE)


def _find_end(body: bytes, request: bytes, now: datetime) -> datetime | None:
    """Until when an answer is good; None if it is none."""
    try:
        if request:
            return _find_ocsp_end(body, request, now)
        crls = [parse_crl(der) for der, is_crl in decode(body) if is_crl]
        if crls:
            good = [found.parsed.next_update_utc or now + WITHOUT_NEXT_UPDATE for found in crls if found]
            return min(good) if len(good) == len(crls) else None
        ends = [x509.load_der_x509_certificate(der).not_valid_after_utc for der in list_certificates(body)]
        return min(now + ISSUERS, *ends) if ends else None
    except MALFORMED:
        return None


def _find_ocsp_end(body: bytes, request: bytes, now: datetime) -> datetime | None:
    asked = ocsp.load_der_ocsp_request(request)
    response = parse_response(body)
    if response is None:
        return None
    wanted = (asked.serial_number, asked.issuer_name_hash, asked.issuer_key_hash)
    answers = [
        one
        for one in response.parsed.responses
        if (one.serial_number, one.issuer_name_hash, one.issuer_key_hash) == wanted
    ]
    if not answers:
        return None
    if any(one.certificate_status is ocsp.OCSPCertStatus.UNKNOWN for one in answers):
        return now + UNKNOWN_STATUS
    return min(one.next_update_utc or now + WITHOUT_NEXT_UPDATE for one in answers)
