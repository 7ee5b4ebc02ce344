"""What the axis replies, as frozen values with `parse` and `dump`.

    reply = ReceivedList.parse(body)
    if reply.head.is_ok: for item in reply.items: …

Every reply has `status`, `ErrorCode` and `ErrorDesc`; without one of the three it is no reply. Nothing that
is dumped is ever `null`: the SDK would break off at it.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

from edoc.axis.wire import ErrorCode, dump_json, load_object
from edoc.errors import InputError

OK: Final = "OK"
FAIL: Final = "FAIL"
MAX_ITEMS: Final = 100_000
"""Entries of a list that are read."""

_MOST_DIGITS: Final = 18

_Row = TypeVar("_Row", bound="Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands in each reply."""

    status: str = OK
    error_code: str = ErrorCode.OK.value
    error_desc: str = "Success"

    @property
    def is_ok(self) -> bool:
        """Whether the call was done; both words must say so."""
        return self.status == OK and self.error_code == ErrorCode.OK

    @classmethod
    def read(cls, reply: dict[str, Any]) -> Self:
        """Take it from a reply. Raises `InputError` if one of the three is missing."""
        found = [reply.get(name) for name in ("status", "ErrorCode", "ErrorDesc")]
        if not all(isinstance(value, str | int) and not isinstance(value, bool) for value in found):
            raise InputError("the reply does not say how the call ended: status, ErrorCode, ErrorDesc.")
        status, code, description = map(str, found)
        return cls(status=status, error_code=code, error_desc=description)

    def write(self) -> dict[str, Any]:
        """Give the three entries."""
        return {"status": self.status, "ErrorCode": self.error_code, "ErrorDesc": self.error_desc}


def fail(code: ErrorCode, description: str) -> Head:
    """Make the head of a reply that says no."""
    return Head(status=FAIL, error_code=code.value, error_desc=description)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry of a list; `names` are its keys on the wire, in the order of its fields."""

    names: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def read(cls, entry: dict[str, Any]) -> Self:
        """Take what is there; what is missing, null or of another kind stays at its default."""
        values: dict[str, Any] = {}
        for field, name in zip(fields(cls), cls.names, strict=True):
            value: Any = entry.get(name)
            if isinstance(field.default, bool):
                values[field.name] = value is True or str(value).lower() in {"true", "1"}
            elif isinstance(field.default, int):
                values[field.name] = int(value) if _is_number(str(value)) else field.default
            elif isinstance(value, str | int):
                values[field.name] = str(value)
        return cls(**values)

    def write(self) -> dict[str, Any]:
        """Give the entry; texts that are empty are written too, none is null."""
        return {name: getattr(self, field.name) for field, name in zip(fields(self), self.names, strict=True)}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyRow(Row):
    """An agency in `getAgenciesList` and `getAgenciesListQD20`; the latter fills `code102`."""

    names: ClassVar = ("id", "pid", "code", "name", "mail", "oldCode", "code102")
    id: str = ""
    pid: str = ""
    code: str = ""
    name: str = ""
    mail: str = ""
    old_code: str = ""
    code102: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow(Row):
    """A unit in `getSynchronizeUnit`."""

    names: ClassVar = (
        *("id", "pid", "code", "name", "mail"),
        *("version", "centerCode", "deleted", "modifyDate", "isAgency"),
    )
    id: str = ""
    pid: str = ""
    code: str = ""
    name: str = ""
    mail: str = ""
    version: int = 0
    center_code: str = ""
    deleted: bool = False
    modify_date: str = ""
    is_agency: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration(Row):
    """The body of `registerAgency`."""

    names: ClassVar = ("id", "pcode", "code", "name", "mail", "mobile", "fax")
    id: str = ""
    parent_code: str = ""
    code: str = ""
    name: str = ""
    mail: str = ""
    mobile: str = ""
    fax: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRow(Row):
    """A package that came for the caller; times as the hub writes them, in no fixed form."""

    names: ClassVar = (
        *("docId", "serviceType", "messageType", "created_time", "updated_time"),
        *("from", "to", "status", "status_desc"),
    )
    doc_id: str = ""
    service_type: str = ""
    message_type: str = ""
    created_time: str = ""
    updated_time: str = ""
    from_: str = ""
    to: str = ""
    status: str = ""
    status_desc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRow(Row):
    """A package that the caller sent, once for each receiver.

    `hash_file` is our hub's addition, which the SDK passes over: it lets a sender whose reply was lost find
    what arrived.
    """

    names: ClassVar = (
        *("serviceType", "messageType", "senderDocId", "receiverDocId", "fromCode", "toCode"),
        *("sendStatus", "sendStatusDesc", "receiveStatus", "receiveStatusDesc"),
        *("title", "notation", "sentTime", "receivedTime", "hashFile"),
    )
    service_type: str = ""
    message_type: str = ""
    sender_doc_id: str = ""
    receiver_doc_id: str = ""
    from_code: str = ""
    to_code: str = ""
    send_status: str = ""
    send_status_desc: str = ""
    receive_status: str = ""
    receive_status_desc: str = ""
    title: str = ""
    notation: str = ""
    sent_time: str = ""
    received_time: str = ""
    hash_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply without content: to `registerAgency`, `deleteAgency` and `updateStatus`."""

    head: Head = Head()

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a reply. Raises `InputError` if it is none, as an HTML page is not."""
        reply = load_object(content, where="reply")
        return cls(head=Head.read(reply))

    def dump(self) -> bytes:
        """Write the reply, in ASCII."""
        return dump_json(self.head.write())


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReply:
    """The reply to `sendEdoc`; `DocId` must be there even if the call failed."""

    head: Head = Head()
    doc_id: str = ""

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a reply. Raises `InputError` if it is none, or says yes and names no document."""
        reply = load_object(content, where="reply")
        head, doc_id = Head.read(reply), reply.get("DocId")
        if head.is_ok and not (isinstance(doc_id, str) and doc_id):
            raise InputError("the reply says that the package was taken, but not under which id: DocId.")
        return cls(head=head, doc_id=doc_id if isinstance(doc_id, str) else "")

    def dump(self) -> bytes:
        """Write the reply, in ASCII."""
        return dump_json({**self.head.write(), "DocId": self.doc_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class GetReply:
    """The reply to `getEdoc`; large ones are read by `edoc.axis.longtext` instead."""

    head: Head = Head()
    data: str = ""
    """The package in Base64."""

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a reply. Raises `InputError`."""
        reply = load_object(content, where="reply")
        data = reply.get("data")
        return cls(head=Head.read(reply), data=data if isinstance(data, str) else "")

    def dump(self) -> bytes:
        """Write the reply, in ASCII."""
        return dump_json({**self.head.write(), "data": self.data})


@dataclass(frozen=True, slots=True, kw_only=True)
class CountReply:
    """The reply to `countReceiveEdoc` and `countReceiveStatus`."""

    head: Head = Head()
    count: int = 0

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a reply. Raises `InputError` if it is none, or says yes and no number."""
        reply = load_object(content, where="reply")
        head, count = Head.read(reply), str(reply.get("count"))
        if head.is_ok and not _is_number(count):
            raise InputError("the reply holds no number: count.")
        return cls(head=head, count=int(count) if head.is_ok else 0)

    def dump(self) -> bytes:
        """Write the reply, in ASCII."""
        return dump_json({**self.head.write(), "count": self.count})


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReply(Generic[_Row]):
    """A reply with entries."""

    row: ClassVar[Any]
    head: Head = Head()
    items: tuple[_Row, ...] = ()

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Read a reply. Raises `InputError` if it is none, or says yes and holds no list."""
        reply = load_object(content, where="reply")
        head, data = Head.read(reply), reply.get("data")
        if not head.is_ok:
            return cls(head=head)
        if not isinstance(data, list) or len(data) > MAX_ITEMS:
            raise InputError("the reply holds no list: data.")
        if not all(isinstance(entry, dict) for entry in data):
            raise InputError("the reply's list holds what is no entry: data.")
        return cls(head=head, items=tuple(cls.row.read(entry) for entry in data))

    def dump(self) -> bytes:
        """Write the reply, in ASCII."""
        return dump_json({**self.head.write(), "data": [item.write() for item in self.items]})


class AgencyList(ListReply[AgencyRow]):
    """The reply to `getAgenciesList` and `getAgenciesListQD20`."""

    row = AgencyRow


class UnitList(ListReply[UnitRow]):
    """The reply to `getSynchronizeUnit`."""

    row = UnitRow


class ReceivedList(ListReply[ReceivedRow]):
    """The reply to `getReceivedEdocList`."""

    row = ReceivedRow


class SentList(ListReply[SentRow]):
    """The reply to `getSentEdocList`."""

    row = SentRow
