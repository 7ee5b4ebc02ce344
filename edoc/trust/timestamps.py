"""Get time-stamps (RFC 3161) from several authorities, in order, and believe only good ones.

    services = [Tsa("http://tsa.ca.gov.vn"), Tsa("https://tsa.example.vn", username="ubnd", password=ask)]
    with HttpFetcher() as http:
        stamp = TimeStampClient(services, http=http).stamp(digest_of_the_signature, digest="sha256")

The path of the authority's certificate is examined by the caller: `examine(stamp.certificate, at=stamp.time,
others=stamp.others, usage=Usage.TIMESTAMPING, …)`.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from urllib.parse import urlsplit

from edoc.errors import EdocError, InputError, Unavailable
from edoc.trust.der import Malformed, encode_oid
from edoc.trust.fetch import HttpFetcher, is_followed, show
from edoc.trust.stampers import DIGESTS, NotOurs
from edoc.trust.tokens import Question, read_answer

MAX_ANSWER_BYTES: Final = 256 << 10
TIMEOUT_SECONDS: Final = 10.0
"""For the whole of one request."""
REST_SECONDS: Final = 60.0
"""An authority that failed is asked after all others for so long, lest every document wait for it."""

_QUERY: Final = "application/timestamp-query"
_REPLY: Final = "application/timestamp-reply"
_PRINTABLE: Final = range(0x21, 0x7F)


class _Hidden(Protocol):
    def get_secret_value(self) -> str:
        """Give the secret (pydantic's `SecretStr` is one)."""


Secret = str | Callable[[], str] | _Hidden
"""A secret, or what gives it when it is needed."""


@dataclass(frozen=True, slots=True)
class Tsa:
    """One time-stamping authority; its secrets stand in no text.

    Raises `InputError` for an address that is not http or https or holds a user, an unknown digest, a policy
    that is no object identifier, or two kinds of login.
    """

    url: str
    username: str | None = field(default=None, kw_only=True, repr=False)
    """For HTTP basic authentication, with `password`."""
    password: Secret | None = field(default=None, kw_only=True, repr=False)
    token: Secret | None = field(default=None, kw_only=True, repr=False)
    """For HTTP bearer authentication."""
    policy: str | None = field(default=None, kw_only=True)
    """Object identifier of the policy that the stamp must be under; none: any."""
    timeout_seconds: float = field(default=TIMEOUT_SECONDS, kw_only=True)
    digest: str = field(default="sha256", kw_only=True)
    """What it is asked to stamp: `sha256`, `sha384` or `sha512`."""

    def __post_init__(self) -> None:
        if not is_followed(self.url):
            raise InputError("this is no http address of a time-stamping authority.", where=show(self.url))
        if "@" in urlsplit(self.url).netloc:
            raise InputError(
                "the address of a time-stamping authority holds no user and no password.",
                where=show(self.url),
                advice="Give them on their own.",
            )
        if self.digest not in DIGESTS:
            raise InputError(f"{self.digest!r} is no digest for time-stamps.", where=show(self.url))
        if self.token is not None and (self.username is not None or self.password is not None):
            raise InputError("a token and a user name are two kinds of login.", where=show(self.url))
        if self.timeout_seconds <= 0:
            raise InputError("a time-stamping authority needs time to answer.", where=show(self.url))
        _encode_policy(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A time-stamp whose signature holds under the certificate that it carries."""

    token: bytes
    """The ContentInfo, DER."""
    time: datetime
    """genTime, UTC."""
    url: str
    """Who gave it."""
    certificate: bytes
    """The authority's certificate, DER; its path has not been examined."""
    others: tuple[bytes, ...] = ()
    """Further certificates that came with it, DER."""


class TimeStampClient:
    """Asks authorities in order until one gives a good time-stamp. Threads may share it."""

    def __init__(
        self,
        services: Sequence[Tsa],
        *,
        http: HttpFetcher,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not services:
            raise InputError("no time-stamping authority is named.", advice="Name at least one address.")
        self._services = tuple(services)
        self._http = http
        self._clock = clock
        self._failed: dict[int, float] = {}

    def stamp(self, imprint: bytes, *, digest: str) -> Stamp:
        """Get a time-stamp for `imprint`, the value of the digest named.

        Authorities that are to be asked with another digest are passed over. Raises `Unavailable`, which
        names each authority and what it did, and `InputError` for an imprint that is none.
        """
        if digest not in DIGESTS or len(imprint) != DIGESTS[digest][1]:
            raise InputError(
                f"{len(imprint)} bytes are no value of {digest}.", advice="Use sha256, sha384 or sha512."
            )
        return self._try_all(lambda service: imprint if service.digest == digest else None)

    def stamp_data(self, data: bytes) -> Stamp:
        """Get a time-stamp for `data`, hashed with each authority's own digest. Raises `Unavailable`."""
        return self._try_all(lambda service: hashlib.new(service.digest, data).digest())

    def _try_all(self, hash_for: Callable[[Tsa], bytes | None]) -> Stamp:
        troubles: dict[int, str] = {}
        for index in self._order():
            service = self._services[index]
            imprint = hash_for(service)
            if imprint is None:
                troubles[index] = f"is asked with {service.digest} only"
                continue
            try:
                stamp = self._ask(service, imprint)
            except NotOurs as error:
                troubles[index] = str(error)
            except EdocError as error:
                troubles[index] = error.what.rstrip(".")
            else:
                self._failed.pop(index, None)
                return stamp
            self._failed[index] = self._clock()
        told = "; ".join(
            f"{show(self._services[index].url)}: {troubles[index]}" for index in sorted(troubles)
        )
        raise Unavailable(
            f"no time-stamping authority gave a good time-stamp ({told}).",
            advice="Try again later, or name another authority.",
        )

    def _order(self) -> list[int]:
        since = self._clock() - REST_SECONDS
        return sorted(range(len(self._services)), key=lambda index: self._failed.get(index, since) > since)

    def _ask(self, service: Tsa, imprint: bytes) -> Stamp:
        question = Question(
            imprint=imprint, digest=service.digest, nonce=_make_nonce(), policy=_encode_policy(service)
        )
        answer = self._http.post(
            service.url,
            question.encode(),
            content_type=_QUERY,
            accept=_REPLY,
            authorization=_authorize(service),
            max_bytes=MAX_ANSWER_BYTES,
            timeout_seconds=service.timeout_seconds,
        )
        token = read_answer(answer, question)
        return Stamp(
            token=token.der,
            time=token.time,
            url=show(service.url),
            certificate=token.certificate,
            others=token.others,
        )


def _make_nonce() -> bytes:
    nonce = secrets.token_bytes(8)
    return bytes((nonce[0] & 0x3F | 0x40,)) + nonce[1:]


def _encode_policy(service: Tsa) -> bytes | None:
    if service.policy is None:
        return None
    try:
        return encode_oid(service.policy)
    except Malformed:
        raise InputError(
            f"the policy {service.policy!r} is no object identifier.",
            where=show(service.url),
            advice="Write it as 1.2.3.4.",
        ) from None


def _authorize(service: Tsa) -> str:
    if service.token is not None:
        token = _reveal(service.token)
        if not token or any(ord(letter) not in _PRINTABLE for letter in token):
            raise InputError("the token for this time-stamping authority holds letters that cannot be sent.")
        return f"Bearer {token}"
    if service.username is None:
        return ""
    login = f"{service.username}:{_reveal(service.password)}"
    return f"Basic {base64.b64encode(login.encode()).decode()}"


def _reveal(secret: Secret | None) -> str:
    if secret is None:
        return ""
    if isinstance(secret, str):
        return secret
    return secret() if callable(secret) else secret.get_secret_value()
