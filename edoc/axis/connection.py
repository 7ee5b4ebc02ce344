"""One hub, reached over HTTP under limits: what it answers, or an error that says whether to try again.

Certificates are checked, redirects are not followed, answers are never longer than agreed, and what they say
of themselves is not believed. No error shows a header that was sent: some hold secrets.
"""

import re
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self
from urllib.parse import urlsplit

import httpcore
import httpx
from pydantic import SecretStr

from edoc.axis.replies import Head
from edoc.axis.timing import DEADLINE, TimedTransport
from edoc.axis.wire import MEANINGS, ErrorCode
from edoc.errors import EdocError, InputError, Refused, SettingsError, Unavailable

CHUNK: Final = 1 << 16
"""Bytes read or sent at a time."""

_NOT_OFFERED: Final = frozenset(
    {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED}
)
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_GOOD: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.PARTIAL_CONTENT})
_WORDS: Final = 300


class ReplyLostError(Unavailable):
    """The call may have been done: it was sent, and no reply came. Ask before doing it again."""

    code = "AXIS_REPLY_LOST"


class BadReplyError(Unavailable):
    """Something answered, but not the hub in its own words: an error page, or something cut off."""

    code = "AXIS_BAD_REPLY"


class NotOfferedError(Unavailable):
    """The hub knows no such operation, or what stands before it does not find it now."""

    code = "AXIS_NOT_OFFERED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long and how much: seconds and bytes."""

    connect_seconds: float = 10
    silence_seconds: float = 60
    """Between two bytes."""
    call_seconds: float = 120
    """The whole of a call without a package."""
    transfer_seconds: float = 3600
    """The whole of a call with one."""
    reply_bytes: int = 32 << 20
    """A reply without a package."""
    package_bytes: int = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Which hub, and as whom."""

    url: str
    """The base address, to which operations are added."""
    system_id: str
    secret: SecretStr
    ca_file: Path | None = None
    """Certificates of the authorities that vouch for the hub, PEM; none: those of this machine."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise InputError(
                "this is no address of a hub.",
                where=repr(self.url.rpartition("@")[2][:80]),
                advice="Write http:// or https://, a host and a path, without a user.",
            )
        require_header(self.system_id, "axis.system_id")


def require_header(value: str, setting: str) -> None:
    """Raise `SettingsError` if a setting cannot travel as a header; the value itself is not shown."""
    if not value or not (value.isascii() and value.isprintable()) or value != value.strip():
        raise SettingsError(
            "the value cannot travel as a header of HTTP.",
            where=setting,
            advice="Write it in ASCII, without line breaks and without blanks around it.",
        )


@dataclass(slots=True)
class Answer:
    """An answer whose body has not been read yet."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    what: str
    limit: int
    got: int = field(default=0, init=False)

    @property
    def is_good(self) -> bool:
        """Whether the status lets the body be read as what was asked for."""
        return self.status in _GOOD

    def __iter__(self) -> Iterator[bytes]:
        """Read the body; raises `BadReplyError` if it is longer than agreed."""
        for chunk in self.chunks:
            self.got += len(chunk)
            if self.got > self.limit:
                raise BadReplyError(f"the answer is longer than {self.limit} bytes.", where=self.what)
            yield chunk

    def read(self) -> bytes:
        """Read the whole body."""
        return b"".join(self)


class Connection:
    """Reaches one hub; threads may share it."""

    def __init__(self, access: Access, limits: Limits) -> None:
        self._access = access
        self.limits = limits
        self._http = httpx.Client(
            transport=TimedTransport(tls=_make_tls(access)),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(limits.silence_seconds, connect=limits.connect_seconds),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open."""
        self._http.close()

    @contextmanager
    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        content: bytes | Iterable[bytes] = b"",
        query: Mapping[str, str] | None = None,
        with_package: bool = False,
        max_bytes: int | None = None,
    ) -> Iterator[Answer]:
        """Make a call and give its answer, whatever its status.

        A call `with_package`, in whichever direction, may take longer. An answer is at most `max_bytes` long,
        or as long as a reply may be.

        Raises `ReplyLostError` if the call may have been done, `BadReplyError` for a redirect or an answer
        in some compression, and `Unavailable` if the hub was not reached or fell silent while answering.
        """
        limits = self.limits
        seconds = limits.transfer_seconds if with_package else limits.call_seconds
        # The SDK's own headers stand first and are all there is: httpx adds the host and the length.
        request = httpx.Request(
            method,
            f"{self._access.url.rstrip('/')}/{path}",
            params=query,
            headers={"Accept": "*/*", "Accept-Encoding": "identity", **headers},
            content=content,
            extensions={
                DEADLINE: time.monotonic() + seconds,
                "timeout": httpx.Timeout(limits.silence_seconds, connect=limits.connect_seconds).as_dict(),
            },
        )
        with _network_errors(path), _lost_replies(path):
            response = self._http.send(request, stream=True)
        try:
            with _network_errors(path):
                yield _receive(response, path, limits.reply_bytes if max_bytes is None else max_bytes)
        finally:
            response.close()


def _receive(response: httpx.Response, path: str, limit: int) -> Answer:
    if response.is_redirect:
        raise BadReplyError(
            "the hub sends us to another address, which is not followed.",
            where=path,
            advice="Check axis.url; something in between may be asking for a login.",
        )
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise BadReplyError("the answer is compressed, which was not asked for.", where=path)
    return Answer(
        status=response.status_code,
        headers=response.headers,
        chunks=response.iter_raw(),
        what=path,
        limit=limit,
    )


def require_head(head: Head, *, where: str, secret: SecretStr) -> None:
    """Raise the error of a reply that says no; it carries the hub's own words, never our secret."""
    if head.is_ok:
        return
    said = _clean(head.error_desc, secret)
    codes = {code.value: MEANINGS[code] for code in ErrorCode if code is not ErrorCode.OK}
    meaning = codes.get(head.error_code)
    error: EdocError
    if meaning is None:
        number = _clean(head.error_code, secret)
        error = Refused(f"the hub says no, with the unknown code {number}: {said}.", where=where)
    else:
        kind = Unavailable if meaning.passes else InputError if meaning.about_content else Refused
        error = kind(
            f"{meaning.text} ({meaning.text_vi}); the hub says: {said}.", where=where, advice=meaning.advice
        )
        error.code = f"AXIS_{head.error_code}"
    raise error


@contextmanager
def bad_replies(where: str) -> Iterator[None]:
    """Turn what is wrong with a reply into `BadReplyError`: it is not the caller's fault."""
    try:
        yield
    except InputError as error:
        raise BadReplyError(
            error.what, where=where, advice="Check axis.url: something else may be answering."
        ) from error


def refuse_status(status: int, *, where: str) -> NoReturn:
    """Raise the error of an answer by its HTTP status alone, where that is all there is to go by."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        kind = Unavailable if status == HTTPStatus.UNAUTHORIZED else Refused
        raise kind(
            f"the hub does not let us in (HTTP {status}).",
            where=where,
            advice="Check axis.system_id and the secret.",
        )
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        raise InputError("the package is larger than the hub takes.", where=where)
    if status in _NOT_OFFERED:
        raise NotOfferedError(
            f"the hub answers with HTTP {status}.", where=where, advice="Check axis.url and axis.profile."
        )
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unavailable(f"the hub answers with HTTP {status}.", where=where, advice="It is tried again.")
    raise Refused(f"the hub answers with HTTP {status}.", where=where, advice="Check axis.url.")


def _clean(text: str, secret: SecretStr) -> str:
    hidden = secret.get_secret_value()
    shown = text.replace(hidden, "***") if hidden else text
    return re.sub(r"[^\w .,;:()/+-]+", " ", shown)[:_WORDS].strip().rstrip(".") or "nothing"


def _make_tls(access: Access) -> ssl.SSLContext | None:
    if access.ca_file is None and urlsplit(access.url).scheme == "http":
        return None
    try:
        return ssl.create_default_context(cafile=access.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            "the certificates that vouch for the hub cannot be read.",
            where=str(access.ca_file),
            advice="Check axis.ca_file: PEM, one or more.",
        ) from error


@contextmanager
def _lost_replies(where: str) -> Iterator[None]:
    """Tell what cannot have arrived from what may have."""
    try:
        yield
    except (
        httpcore.ConnectError,
        httpcore.ConnectTimeout,
        httpcore.PoolTimeout,
        httpcore.LocalProtocolError,
    ):
        raise
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        raise ReplyLostError(
            f"no reply came ({_name(error)}).", where=where, advice="It is asked for, then tried again."
        ) from error


@contextmanager
def _network_errors(where: str) -> Iterator[None]:
    try:
        yield
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.TimeoutException,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
    ) as error:
        raise Unavailable(
            f"the hub cannot be used now ({_name(error)}).",
            where=where,
            advice="Check axis.url, the network and the hub's certificate.",
        ) from error


def _name(error: Exception) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    reason = error.__cause__ or error.__context__
    verify = getattr(reason, "verify_message", "")
    return f"{words}: {verify}" if verify else words
