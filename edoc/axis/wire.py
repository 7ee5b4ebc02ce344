"""The words of the axis: operations, statuses of transfer, error codes, and what a call may say.

The shapes of replies are in `edoc.axis.replies`. Client and hub share both, so neither can drift alone.
Measured on SDKVXP 2.0.x; nothing of it is in a regulation that we could read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final, Literal

from edoc.errors import InputError

SERVICE_TYPE: Final = "eDoc"
"""The only `servicetype` that the SDK knows."""
TRAILER: Final = b"\r\n"
"""What the SDK sends after a package; part of the body, not of the package nor of its `hash-file`."""
JSON_TYPE: Final = "application/json"
BINARY_TYPE: Final = "application/octet-stream"


class Operation(StrEnum):
    """The path of each call, below the base address."""

    AGENCIES = "getAgenciesList"
    AGENCIES_QD20 = "getAgenciesListQD20"
    UNITS = "getSynchronizeUnit"
    REGISTER = "registerAgency"
    DELETE = "deleteAgency"
    SEND = "sendEdoc"
    RECEIVED = "getReceivedEdocList"
    SENT = "getSentEdocList"
    GET = "getEdoc"
    DOWNLOAD = "downloadEdoc"
    UPDATE_STATUS = "updateStatus"
    COUNT_DOCUMENTS = "countReceiveEdoc"
    COUNT_STATUSES = "countReceiveStatus"

    @property
    def method(self) -> Literal["GET", "POST"]:
        """How the SDK calls it."""
        return "GET" if self is Operation.DOWNLOAD else "POST"

    @property
    def content_type(self) -> str:
        """What the SDK signs and sends as `Content-Type`, also where there is no body."""
        return BINARY_TYPE if self is Operation.SEND else JSON_TYPE

    @property
    def body(self) -> bytes:
        """What the SDK sends where the call has no body of its own: nothing, or an empty object."""
        return b"{}" if self in _WITH_OBJECT else b""


_WITH_OBJECT: Final = frozenset(
    {
        Operation.DELETE,
        Operation.GET,
        Operation.UPDATE_STATUS,
        Operation.COUNT_DOCUMENTS,
        Operation.COUNT_STATUSES,
    }
)


class MessageType(StrEnum):
    """What lies in a package."""

    DOCUMENT = "edoc"
    STATUS = "status"


class Transfer(StrEnum):
    """How far a package has come between hub and receiver; not to be mixed up with a document's status."""

    INITIAL = "initial"
    PROCESSING = "processing"
    DONE = "done"
    FAIL = "fail"

    @property
    def is_open(self) -> bool:
        """Whether the receiver has still to say how it ended."""
        return self in {Transfer.INITIAL, Transfer.PROCESSING}


def parse_transfer(text: str) -> Transfer:
    """Read a status in either vocabulary. Raises `InputError` for any other word."""
    word = text.strip()
    if word in {word.lower(), word.upper()} and word.lower() in set(Transfer):
        return Transfer(word.lower())
    raise InputError(
        "this is no status of transfer.",
        where=repr(text[:40]),
        advice="There are initial, processing, done and fail, or the same in capitals.",
    )


class ErrorCode(StrEnum):
    """What an `ErrorCode` other than this list means is not known."""

    OK = "0"
    INVALID_FILE = "10"
    NOT_AUTHENTIC = "15"
    UNKNOWN_RECEIVER = "18"
    SENDER_NOT_REGISTERED = "19"
    HUB_ERROR = "20"
    PROCESSING_ERROR = "21"
    WRONG_EDXML = "22"
    RECEIVER_LOCKED = "23"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What an error code says, and whether the same call can succeed later."""

    text: str
    text_vi: str
    advice: str
    passes: bool = False
    """Trying again later can help."""
    about_content: bool = False
    """The package itself is at fault."""


MEANINGS: Final[Mapping[ErrorCode, Meaning]] = {
    ErrorCode.OK: Meaning(text="done", text_vi="thành công", advice=""),
    ErrorCode.INVALID_FILE: Meaning(
        text="the file is not valid",
        text_vi="tệp không hợp lệ",
        advice="Check the package with 'edoc unpack'.",
        about_content=True,
    ),
    ErrorCode.NOT_AUTHENTIC: Meaning(
        text="the system id or the secret is wrong",
        text_vi="sai mã hệ thống hoặc khóa bí mật",
        advice="Check axis.system_id, the secret and this machine's clock.",
        passes=True,  # no document is at fault: once a person has set it right, all of them pass
    ),
    ErrorCode.UNKNOWN_RECEIVER: Meaning(
        text="the receiver is not known",
        text_vi="không tìm thấy đơn vị nhận",
        advice="Compare the code with the list of agencies.",
    ),
    ErrorCode.SENDER_NOT_REGISTERED: Meaning(
        text="the sender is not registered",
        text_vi="đơn vị gửi chưa đăng ký",
        advice="Have the agency registered with the hub.",
    ),
    ErrorCode.HUB_ERROR: Meaning(
        text="the hub has trouble of its own", text_vi="lỗi hệ thống trục", advice="", passes=True
    ),
    ErrorCode.PROCESSING_ERROR: Meaning(
        text="the hub could not process the file", text_vi="lỗi xử lý tệp", advice="", passes=True
    ),
    ErrorCode.WRONG_EDXML: Meaning(
        text="the package is no edXML that the hub takes",
        text_vi="gói tin không đúng định dạng edXML",
        advice="Check the package with 'edoc unpack --strict'.",
        about_content=True,
    ),
    ErrorCode.RECEIVER_LOCKED: Meaning(
        text="the receiver is locked", text_vi="đơn vị nhận đang bị khóa", advice="", passes=True
    ),
}


def dump_json(value: object) -> bytes:
    """Write JSON in ASCII alone: SDK 2.0.1 reads the reply to `sendEdoc` as US-ASCII."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def load_object(content: bytes, *, where: str) -> dict[str, Any]:
    """Read a JSON object. Raises `InputError`."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InputError("this is no JSON object.", where=where)
    return value


def dump_receivers(receivers: tuple[str, ...]) -> str:
    """Write the parameter `to` of `sendEdoc`."""
    return dump_json(list(receivers)).decode("ascii")


def parse_receivers(text: str) -> tuple[str, ...]:
    """Read the parameter `to`: a JSON array of codes, or one bare code. Raises `InputError`."""
    bare = text.strip()
    if not bare.startswith("["):
        return (bare,) if bare else ()
    try:
        values = json.loads(bare)
    except (ValueError, RecursionError):
        values = [None]
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise InputError("this is no list of receivers.", where="to", advice="Write a JSON array of codes.")
    return tuple(dict.fromkeys(value.strip() for value in values))


def dump_date(day: date) -> str:
    """Write `fromDate` and `toDate`."""
    return f"{day:%Y/%m/%d}"


def find_document_id(parameters: Mapping[str, str]) -> str:
    """Give the parameter `docId` or `docid`; "" if there is none.

    An SDK that has used both sends both, the other one being left over from an earlier call. The rarer name
    is used on purpose in `updateStatus` alone, so it wins there: hence the order.
    """
    names = ("docid", "docId") if "status" in parameters else ("docId", "docid")
    return next((parameters[name] for name in names if parameters.get(name)), "")
