"""A client of the national axis, speaking as SDKVXP 2.0.x does.

    with AxisClient(Access(url=…, system_id="H99.01", secret=secret), clock=now) as axis:
        doc_id = axis.send(Shipment.of(package, sender="H99.01", receivers=("H99.02",)))

Each call is signed anew and carries its own parameters only. What the SDK believes is not believed here: an
HTML page is an error, so is a reply that does not say how the call ended, and a download is looked at before
it counts as a package.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from types import TracebackType
from typing import BinaryIO, Final, NoReturn, Protocol, Self, TypeVar

from edoc.axis.connection import (
    Access,
    Answer,
    BadReplyError,
    Connection,
    Limits,
    NotOfferedError,
    bad_replies,
    refuse_status,
    require_head,
)
from edoc.axis.content import Kind, judge
from edoc.axis.downloads import download
from edoc.axis.longtext import LongText, PackageSink
from edoc.axis.profile import Shipment
from edoc.axis.replies import (
    AgencyList,
    AgencyRow,
    CountReply,
    Head,
    ReceivedList,
    ReceivedRow,
    Registration,
    Reply,
    SendReply,
    SentList,
    SentRow,
    UnitList,
    UnitRow,
)
from edoc.axis.signing import hash_file, sign_call
from edoc.axis.wire import (
    SERVICE_TYPE,
    TRAILER,
    MessageType,
    Operation,
    Transfer,
    dump_date,
    dump_json,
    dump_receivers,
)
from edoc.core.zone import VIETNAM
from edoc.errors import InputError

# The SDK tells the hub in which folder it will put the file; ours is no hub's affair.
_FOLDER: Final = {"filePath": "."}


class _HasHead(Protocol):
    @property
    def head(self) -> Head: ...


_R = TypeVar("_R", bound=_HasHead)


class AxisClient:
    """One agency's access to the national axis; threads may share it.

    Every method raises `Unavailable` (try again), or `Refused` or `InputError` (do not), with the code
    `AXIS_…` of the hub where it gave one.
    """

    reads_receivers: Final = False

    def __init__(
        self, access: Access, *, clock: Callable[[], datetime], limits: Limits | None = None
    ) -> None:
        self._access = access
        self._connection = Connection(access, limits or Limits())
        self._clock = clock
        self._last: datetime | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"AxisClient({self._access.url!r}, {self._access.system_id!r})"

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
        """All agencies by their codes of QCVN 102:2016."""
        return self._call(Operation.AGENCIES, {}, AgencyList.parse).items

    def list_agencies_qd20(self, level: str = "") -> tuple[AgencyRow, ...]:
        """All agencies by their codes of QĐ 20/2020, of one level or of all."""
        parameters = {"level": level} if level else {}
        return self._call(Operation.AGENCIES_QD20, parameters, AgencyList.parse).items

    def list_units(self) -> tuple[UnitRow, ...]:
        """All units with what a copy of the list needs to stay up to date."""
        return self._call(Operation.UNITS, {}, UnitList.parse).items

    def register(self, agency: Registration) -> None:
        """Register an agency below ours."""
        self._call(Operation.REGISTER, {}, Reply.parse, dump_json(agency.write()))

    def delete(self, code: str) -> None:
        """Take an agency off the hub's list."""
        self._call(Operation.DELETE, {"AgencyCode": code}, Reply.parse)

    def send(self, shipment: Shipment) -> str:
        """Send a package; returns its id at the hub. Constant memory.

        Raises `ReplyLostError` if the package may have arrived: `find_sent` asks for it.
        """
        parameters = {
            "from": shipment.sender,
            **({"to": dump_receivers(shipment.receivers)} if shipment.receivers else {}),
            "servicetype": SERVICE_TYPE,
            "messagetype": shipment.message_type.value,
            "hash-file": hash_file(shipment.digest),
        }

        def body() -> Iterable[bytes]:
            yield from shipment.read()
            yield TRAILER

        length = shipment.size + len(TRAILER)
        return self._call(Operation.SEND, parameters, SendReply.parse, body(), length=length).doc_id

    def list_received(
        self, message_type: MessageType, *, since: date | None = None
    ) -> tuple[ReceivedRow, ...]:
        """Packages that came for this agency, in the hub's order, whatever their status."""
        parameters = _describe(message_type, since, self._tomorrow() if since else None)
        return self._call(Operation.RECEIVED, parameters, ReceivedList.parse).items

    def list_sent(
        self,
        message_type: MessageType,
        *,
        since: date | None = None,
        doc_id: str = "",
    ) -> tuple[SentRow, ...]:
        """Packages that this agency sent, and how far each has come; or what became of one."""
        parameters = _describe(message_type, since, self._tomorrow() if since else None)
        if doc_id:
            parameters["docId"] = doc_id
        return self._call(Operation.SENT, parameters, SentList.parse).items

    def find_sent(self, shipment: Shipment, *, document_id: str, since: date) -> str | None:
        """Look for a package that may have been sent before, to all its receivers.

        Hubs that tell hashes are asked for the very bytes; others for the edXML DocumentId. None if it was
        not sent to everybody, or if that cannot be told.
        """
        wanted, found = hash_file(shipment.digest), dict[str, str]()
        try:
            rows = self.list_sent(shipment.message_type, since=since)
        except NotOfferedError:
            return None
        for row in rows:
            same = row.hash_file == wanted if row.hash_file else document_id == row.sender_doc_id != ""
            if same:
                found[row.to_code] = row.receiver_doc_id or row.sender_doc_id
        if not all(receiver in found for receiver in shipment.receivers):
            return None
        return next((found[receiver] for receiver in shipment.receivers), None)

    def download(self, doc_id: str, target: BinaryIO) -> Kind:
        """Download a package as it is into an empty file, resuming where the hub can; say what it is.

        Raises the hub's own error where the answer is a reply that says no.
        """
        return download(lambda headers: self._ask_download(doc_id, headers), target, self._refuse)

    def get(self, doc_id: str, target: BinaryIO) -> Kind:
        """Get a package as Base64 in JSON, in constant memory; say what it is."""
        sink = PackageSink(target, limit=self._connection.limits.package_bytes)
        reader = LongText("data", sink.write)
        operation = Operation.GET
        parameters = {"docId": doc_id, **_FOLDER}
        limit = self._connection.limits.package_bytes * 3 // 2  # Base64, and what escapes may cost
        with self._ask(operation, parameters, with_package=True, max_bytes=limit) as answer:
            if not answer.is_good:
                self._refuse(answer)
            with bad_replies(operation):
                for chunk in answer:
                    reader.feed(chunk)
                head = Head.read(reader.close())
                sink.close()
        require_head(head, where=operation, secret=self._access.secret)
        kind = judge(target)
        if kind is Kind.EMPTY:
            raise BadReplyError("the hub hands out an empty package.", where=operation)
        return kind

    def fetch(self, doc_id: str, target: BinaryIO) -> Kind:
        """Download a package, or get it where downloads are not offered or give something else.

        What is no package is returned only if the hub hands it out in its own words as what was sent.
        """
        try:
            if self.download(doc_id, target) is Kind.PACKAGE:
                return Kind.PACKAGE
        except (BadReplyError, NotOfferedError):
            pass  # a page, or a hub from before there were downloads
        target.seek(0)
        target.truncate()
        return self.get(doc_id, target)

    def update_status(self, doc_id: str, status: Transfer, *, capitals: bool = False) -> None:
        """Tell the hub how far a package has come; `capitals` for the WSO2 variant."""
        word = status.value.upper() if capitals else status.value
        self._call(Operation.UPDATE_STATUS, {"docId": doc_id, "status": word}, Reply.parse)

    def count_documents(self) -> int:
        """How many documents wait."""
        return self._call(Operation.COUNT_DOCUMENTS, {}, CountReply.parse).count

    def count_statuses(self) -> int:
        """How many statuses wait."""
        return self._call(Operation.COUNT_STATUSES, {}, CountReply.parse).count

    def _call(
        self,
        operation: Operation,
        parameters: Mapping[str, str],
        parse: Callable[[bytes], _R],
        content: bytes | Iterable[bytes] | None = None,
        *,
        length: int | None = None,
    ) -> _R:
        """Make a call and read its reply; raises the hub's error if it says no."""
        with self._ask(operation, parameters, content=content, length=length) as answer:
            if not answer.is_good:
                self._refuse(answer)
            body = answer.read()
        with bad_replies(operation):
            reply = parse(body)
        require_head(reply.head, where=operation, secret=self._access.secret)
        return reply

    def _ask(
        self,
        operation: Operation,
        parameters: Mapping[str, str],
        *,
        content: bytes | Iterable[bytes] | None = None,
        length: int | None = None,
        headers: Mapping[str, str] | None = None,
        with_package: bool = False,
        max_bytes: int | None = None,
    ) -> AbstractContextManager[Answer]:
        signed = sign_call(
            parameters,
            system_id=self._access.system_id,
            secret=self._access.secret.get_secret_value(),
            at=self._tick(),
            content_type=operation.content_type,
        )
        sized = {} if length is None else {"Content-Length": str(length)}
        return self._connection.ask(
            operation.method,
            operation.value,
            headers=signed | sized | dict(headers or {}),
            content=operation.body if content is None else content,
            with_package=with_package or length is not None,
            max_bytes=max_bytes,
        )

    def _ask_download(self, doc_id: str, headers: Mapping[str, str]) -> AbstractContextManager[Answer]:
        return self._ask(
            Operation.DOWNLOAD,
            {"docId": doc_id, **_FOLDER},
            headers=headers,
            with_package=True,
            max_bytes=self._connection.limits.package_bytes,
        )

    def _refuse(self, answer: Answer) -> NoReturn:
        """Raise what an answer of a wrong status says: in the hub's own words, or by the status alone."""
        try:
            head = Reply.parse(answer.read()).head
        except (InputError, BadReplyError):
            head = Head()
        require_head(head, where=answer.what, secret=self._access.secret)
        refuse_status(answer.status, where=answer.what)

    def _tomorrow(self) -> date:
        """The end of a span of days: the hub's clock may be ahead of ours."""
        return self._clock().astimezone(VIETNAM).date() + timedelta(days=1)

    def _tick(self) -> datetime:
        """The present, a millisecond later for each call, so that no two calls have the same signature."""
        with self._lock:
            now = self._clock()
            if self._last is not None:
                now = max(now, self._last + timedelta(milliseconds=1))
            self._last = now
        return now


def _describe(message_type: MessageType, since: date | None, until: date | None) -> dict[str, str]:
    return {
        "servicetype": SERVICE_TYPE,
        "messagetype": message_type.value,
        **({"fromDate": dump_date(since)} if since else {}),
        **({"toDate": dump_date(until)} if until else {}),
    }
