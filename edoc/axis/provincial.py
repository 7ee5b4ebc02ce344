"""A client of a provincial axis: REST with a login, as the guide of Lạng Sơn (v2.2) describes it.

    login = Login(username="ubnd", password=password, application_code="QLVB")
    with ProvincialClient(access, login, clock=now) as axis: …

Known from other people's programs only, and not the same in each province. The hub takes the receivers from
the package. A bearer's token is kept until the hub no longer takes it (401), then fetched once more.
"""

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from http import HTTPStatus
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from pydantic import SecretStr

from edoc.axis.connection import (
    Access,
    Answer,
    BadReplyError,
    Connection,
    Limits,
    bad_replies,
    refuse_status,
    require_head,
    require_header,
)
from edoc.axis.content import Kind, judge
from edoc.axis.longtext import LongText, PackageSink
from edoc.axis.profile import Shipment
from edoc.axis.replies import FAIL, AgencyRow, Head, ReceivedRow
from edoc.axis.wire import JSON_TYPE, ErrorCode, MessageType, Transfer, dump_date, dump_json, load_object
from edoc.core.zone import VIETNAM
from edoc.errors import InputError, Unavailable

_LOGIN: Final = "v1/auth/login"
_SEND: Final = "v1/sendEdoc"
_RECEIVED: Final = "v1/syncReceivedEdocList"
_GET: Final = "v1/getEdoc"
_UPDATE: Final = "v1/updateStatus"
_AGENCIES: Final = "v1/getAgenciesList"
_MONTH: Final = timedelta(days=31)
_GOOD_CODES: Final = frozenset({None, "", "0", "200", "201"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The account that a province gives, besides the agency's own system id and secret."""

    username: str
    password: SecretStr
    application_code: str = ""


class ProvincialClient:
    """One agency's access to a provincial axis; threads may share it. Errors are those of `AxisClient`."""

    reads_receivers: Final = True

    def __init__(
        self,
        access: Access,
        login: Login,
        *,
        clock: Callable[[], datetime],
        limits: Limits | None = None,
    ) -> None:
        require_header(access.secret.get_secret_value(), "axis.secret")
        self._access = access
        self._login = login
        self._clock = clock
        self._connection = Connection(access, limits or Limits())
        self._token = ""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"ProvincialClient({self._access.url!r}, {self._access.system_id!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open."""
        self._connection.close()

    def list_agencies(self) -> tuple[AgencyRow, ...]:
        """All agencies that the province knows."""
        rows = _entries(self._call("GET", _AGENCIES), _AGENCIES)
        return tuple(
            AgencyRow(
                code=_text(row, "orgCode", "code"),
                name=_text(row, "orgName", "name"),
                pid=_text(row, "parentCode", "pid"),
                mail=_text(row, "email", "mail"),
            )
            for row in rows
        )

    def send(self, shipment: Shipment) -> str:
        """Send a package; returns its id at the hub. Constant memory.

        Raises `ReplyLostError` if the package may have arrived; there is no list in which to look for it.
        """
        boundary = f"edoc-{secrets.token_hex(16)}"
        before, after = _frame(boundary, shipment.message_type)

        def body() -> Iterable[bytes]:
            yield before
            yield from shipment.read()
            yield after

        reply = self._call(
            "POST",
            _SEND,
            content=body,
            headers={
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Content-Length": str(len(before) + shipment.size + len(after)),
            },
            with_package=True,
        )
        inner = reply.get("data")
        doc_id = _text(reply, "docId") or (_text(inner, "docId") if isinstance(inner, dict) else "")
        if not doc_id:
            raise BadReplyError("the reply does not say under which id the package was taken.", where=_SEND)
        return doc_id

    def find_sent(self, shipment: Shipment, *, document_id: str, since: date) -> str | None:
        """Tell nothing: the variant has no list of what was sent."""
        del shipment, document_id, since
        return None

    def list_received(
        self, message_type: MessageType, *, since: date | None = None
    ) -> tuple[ReceivedRow, ...]:
        """Packages that came for this agency since a day or in the last month, in the hub's order."""
        today = self._clock().astimezone(VIETNAM).date()
        query = {
            "messageType": message_type.value,
            "fromDate": dump_date(since or today - _MONTH),
            "toDate": dump_date(today + timedelta(days=1)),
        }
        rows = _entries(self._call("GET", _RECEIVED, query=query), _RECEIVED)
        return tuple(
            ReceivedRow(
                doc_id=_text(row, "docId"),
                service_type=_text(row, "serviceType"),
                message_type=_text(row, "messageType") or message_type.value,
                created_time=_text(row, "createdTime"),
                updated_time=_text(row, "updatedTime"),
                from_=_text(row, "from"),
                to=_text(row, "to"),
                status=_text(row, "status"),
                status_desc=_text(row, "statusDesc"),
            )
            for row in rows
        )

    def fetch(self, doc_id: str, target: BinaryIO) -> Kind:
        """Write a package into an empty file, in constant memory; returns what it is."""
        sink = PackageSink(target, limit=self._connection.limits.package_bytes)
        reader = LongText("edxml", sink.write)

        def read(answer: Answer) -> dict[str, Any]:
            with bad_replies(_GET):
                for chunk in answer:
                    reader.feed(chunk)
                reply = reader.close()
                sink.close()
            return reply

        limit = self._connection.limits.package_bytes * 3 // 2
        self._call("GET", _GET, query={"docId": doc_id}, read=read, with_package=True, max_bytes=limit)
        kind = judge(target)
        if kind is Kind.EMPTY:
            raise BadReplyError("the hub hands out an empty package.", where=_GET)
        return kind

    def update_status(self, doc_id: str, status: Transfer, *, capitals: bool = False) -> None:
        """Tell the hub how far a package has come."""
        word = status.value.upper() if capitals else status.value
        body = dump_json({"docId": doc_id, "status": word})
        self._call("POST", _UPDATE, content=lambda: body, headers={"Content-Type": JSON_TYPE})

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: Callable[[], bytes | Iterable[bytes]] = bytes,
        headers: Mapping[str, str] | None = None,
        read: Callable[[Answer], dict[str, Any]] | None = None,
        with_package: bool = False,
        max_bytes: int | None = None,
    ) -> dict[str, Any]:
        """Make a call as whoever is logged in, logging in first or once more where that is needed."""
        bearer = ""
        for _ in range(2):
            bearer = self._log_in(stale=bearer)
            own = {
                "Authorization": f"Bearer {bearer}",
                "X-SystemId": self._access.system_id,
                "X-SecretKey": self._access.secret.get_secret_value(),
            }
            with self._connection.ask(
                method,
                path,
                headers={**own, **(headers or {})},
                content=content(),
                query=query,
                with_package=with_package,
                max_bytes=max_bytes,
            ) as answer:
                if answer.status != HTTPStatus.UNAUTHORIZED:
                    return self._read(answer, read)
        return refuse_status(HTTPStatus.UNAUTHORIZED, where=path)

    def _read(self, answer: Answer, read: Callable[[Answer], dict[str, Any]] | None) -> dict[str, Any]:
        if not answer.is_good:
            try:
                head = _head(load_object(answer.read(), where=answer.what))
            except (InputError, BadReplyError):
                head = Head()
            require_head(head, where=answer.what, secret=self._access.secret)
            refuse_status(answer.status, where=answer.what)
        if read is None:
            with bad_replies(answer.what):
                reply = load_object(answer.read(), where=answer.what)
        else:
            reply = read(answer)
        with bad_replies(answer.what):
            head = _head(reply)
        require_head(head, where=answer.what, secret=self._access.secret)
        return reply

    def _log_in(self, *, stale: str) -> str:
        """Give a token that is not the stale one; threads that need one at once log in once."""
        with self._lock:
            if self._token and self._token != stale:
                return self._token
            body = {
                "username": self._login.username,
                "password": self._login.password.get_secret_value(),
                "applicationCode": self._login.application_code,
                "otp": None,
                "twoFactorProvider": None,
                "typeObjs": [0, 1],
            }
            with self._ask_login(dump_json(body)) as answer:
                if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.BAD_REQUEST}:
                    raise _not_let_in()
                if not answer.is_good:
                    refuse_status(answer.status, where=_LOGIN)
                with bad_replies(_LOGIN):
                    reply = load_object(answer.read(), where=_LOGIN)
            data = reply.get("data")
            token = (_text(data, "token") if isinstance(data, dict) else "") or _text(reply, "token")
            if not token or not token.isascii() or not token.isprintable() or " " in token:
                raise _not_let_in()
            self._token = token
            return token

    def _ask_login(self, body: bytes) -> AbstractContextManager[Answer]:
        return self._connection.ask(
            "POST",
            _LOGIN,
            headers={"Content-Type": JSON_TYPE},
            content=body,
            query={"allow_anonymous": "true"},
        )


def _not_let_in() -> Unavailable:
    error = Unavailable(
        "the province does not log us in.",
        where=_LOGIN,
        advice="Check axis.username, its password and axis.application_code.",
    )
    error.code = f"AXIS_{ErrorCode.NOT_AUTHENTIC}"
    return error


def _frame(boundary: str, message_type: MessageType) -> tuple[bytes, bytes]:
    """What stands before and after the package in a multipart body."""
    before = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="messageType"\r\n\r\n{message_type.value}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="edocFile"; filename="package.edxml"\r\n'
        "Content-Type: application/xml\r\n\r\n"
    )
    return before.encode("ascii"), f"\r\n--{boundary}--\r\n".encode("ascii")


def _head(reply: dict[str, Any]) -> Head:
    """Read how a call ended; raises `InputError` if the reply does not say."""
    success, inner = reply.get("success"), reply.get("data")
    details = inner if isinstance(inner, dict) else reply
    code = _text(details, "errorCode", "ErrorCode")
    if success is True and code in _GOOD_CODES:
        return Head()
    if not isinstance(success, bool):
        if str(reply.get("code", "")) in {"200", "201"} and inner is not None:
            return Head()  # the list of agencies says it in this way
        if "code" not in reply:
            raise InputError("the reply does not say how the call ended: success.")
        code = code or str(reply["code"])
    description = _text(details, "errorDesc", "ErrorDesc") or _text(reply, "message")
    return Head(status=FAIL, error_code=code or "unknown", error_desc=description)


def _entries(reply: dict[str, Any], where: str) -> list[dict[str, Any]]:
    data = reply.get("data")
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise BadReplyError("the reply holds no list: data.", where=where)
    return data


def _text(entry: dict[str, Any], *names: str) -> str:
    """The first of these that is there as a text."""
    values = (entry.get(name) for name in names)
    return next((str(value) for value in values if isinstance(value, str | int) and value != ""), "")
