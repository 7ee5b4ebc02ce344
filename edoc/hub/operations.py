"""What each call of the axis does, apart from those that carry a package; one function each.

Parameters are looked up by name and whatever else came is passed over: the SDK's calls carry parameters of
earlier ones.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Protocol
from urllib.parse import parse_qsl

from sqlalchemy import Connection

from edoc.axis.replies import (
    AgencyList,
    CountReply,
    GetReply,
    Head,
    ReceivedList,
    Registration,
    Reply,
    SendReply,
    SentList,
    UnitList,
)
from edoc.axis.signing import Call
from edoc.axis.wire import SERVICE_TYPE, MessageType, Operation, find_document_id, load_object, parse_transfer
from edoc.core.ports import Stored
from edoc.hub import audit, directory, queues
from edoc.hub.audit import Actor
from edoc.hub.hub import Hub
from edoc.hub.queues import Span
from edoc.hub.refusals import BAD_CALL, CallRefusedError
from edoc.hub.repeats import is_repeat

MAX_BODY: Final = 64 << 10
"""Bytes of a call's body that is no package."""
_LEVEL: Final = re.compile(r"[0-9]{1,2}")
_DATE: Final = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})")
_REPEATED: Final = Head(error_desc="This very call was done before; nothing was changed.")


class Answer(Protocol):
    """A reply that can be written."""

    def dump(self) -> bytes:
        """Write the reply, in ASCII."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A call whose signature was found right, and who makes it."""

    call: Call
    actor: Actor

    @property
    def system(self) -> str:
        """The system's id."""
        return self.call.system_id

    @property
    def parameters(self) -> Mapping[str, str]:
        """What was signed."""
        return self.call.parameters


def answer(hub: Hub, operation: Operation, caller: Caller, body: bytes) -> Answer:
    """Do a call that carries no package. Raises `EdocError` if it cannot be done."""
    return _ACTS[operation](hub, caller, body)


def refuse(operation: Operation, head: Head) -> Answer:
    """Make the reply to a call that was not done, with all that the SDK expects in it."""
    return _REPLIES.get(operation, Reply)(head=head)


def find_package(hub: Hub, caller: Caller, operation: Operation) -> Stored:
    """Give the content that a call asks for, and note that it is handed out. Raises `CallRefusedError`."""
    doc_id = choose_document_id(operation, caller.parameters)
    return hand_out(hub, caller.actor, operation, doc_id)


def hand_out(hub: Hub, actor: Actor, operation: str, doc_id: str) -> Stored:
    """Give the content of a package that a system may have, and note it. Raises `CallRefusedError`."""
    with hub.writing() as connection:
        stored = queues.find_content(connection, actor.system, doc_id)
        audit.note(connection, actor, operation, at=hub.clock(), subject=doc_id)
    return stored


def choose_document_id(operation: Operation, parameters: Mapping[str, str]) -> str:
    """Give the document that a call means, where the SDK has left over another one of the other spelling."""
    if operation is Operation.UPDATE_STATUS:
        return find_document_id(parameters)
    return find_document_id({name: value for name, value in parameters.items() if name != "status"})


def read_kind(text: str) -> MessageType | None:
    """Read `messagetype`; None stands for both kinds. Raises `CallRefusedError`."""
    word = text.strip().lower()
    if word and word not in set(MessageType):
        raise CallRefusedError(BAD_CALL, f"there is no messagetype {word[:20]!r}; edoc and status there are.")
    return MessageType(word) if word else None


def read_span(since: str, until: str) -> Span:
    """Read the days of a list, `yyyy/MM/dd`; "" is open. Raises `CallRefusedError`."""
    return Span(since=_read_date(since), until=_read_date(until))


def set_status(hub: Hub, actor: Actor, operation: str, doc_id: str, word: str) -> Head:
    """Take a delivery forward; what is further already stays, and the head says so."""
    wanted = parse_transfer(word)
    at = hub.clock()
    with hub.writing() as connection:
        standing = queues.advance(connection, actor.system, doc_id, wanted, at=at)
        audit.note(connection, actor, operation, at=at, subject=doc_id, note=f"{wanted} gives {standing}")
    return (
        Head() if standing is wanted else Head(error_desc=f"It is {standing} already; nothing was changed.")
    )


def _list_agencies(hub: Hub, caller: Caller, _body: bytes) -> Answer:
    with hub.reading() as connection:
        directory.require_system(connection, caller.system)
        return AgencyList(items=directory.list_agencies(connection))


def _list_agencies_qd20(hub: Hub, caller: Caller, _body: bytes) -> Answer:
    level = caller.parameters.get("level", "").strip()
    if level and not _LEVEL.fullmatch(level):
        raise CallRefusedError(BAD_CALL, "the level is no number.")
    with hub.reading() as connection:
        directory.require_system(connection, caller.system)
        # The SDK's services write 0 for all levels, or leave the parameter out.
        return AgencyList(items=directory.list_agencies(connection, level=int(level or 0) or None))


def _list_units(hub: Hub, caller: Caller, _body: bytes) -> Answer:
    with hub.reading() as connection:
        directory.require_system(connection, caller.system)
        return UnitList(items=directory.list_units(connection, center_code=hub.settings.center_code))


def _register(hub: Hub, caller: Caller, body: bytes) -> Answer:
    wanted = Registration.read(_read_body(body))

    def change(connection: Connection, at: datetime) -> str:
        return directory.register(connection, wanted, system=caller.system, at=at)

    return _change_directory(hub, caller, Operation.REGISTER, body, change)


def _delete(hub: Hub, caller: Caller, body: bytes) -> Answer:
    def change(connection: Connection, at: datetime) -> str:
        code = caller.parameters.get("AgencyCode", "")
        return directory.delete(connection, code, system=caller.system, at=at)

    return _change_directory(hub, caller, Operation.DELETE, body, change)


def _change_directory(
    hub: Hub,
    caller: Caller,
    operation: Operation,
    body: bytes,
    change: Callable[[Connection, datetime], str],
) -> Answer:
    if not hub.settings.registration.by_axis:
        raise CallRefusedError(BAD_CALL, "agencies are registered by this hub's operator alone.")
    at = hub.clock()
    with hub.writing() as connection:
        if is_repeat(connection, caller.call, operation, body, window=hub.settings.window, at=at):
            return Reply(head=_REPEATED)
        code = change(connection, at)
        audit.note(connection, caller.actor, operation, at=at, subject=code)
    return Reply()


def _list_received(hub: Hub, caller: Caller, _body: bytes) -> Answer:
    kind, span = _describe(caller)
    with hub.reading() as connection:
        directory.require_system(connection, caller.system)
        return ReceivedList(items=queues.list_received(connection, caller.system, kind, span))


def _list_sent(hub: Hub, caller: Caller, _body: bytes) -> Answer:
    kind, span = _describe(caller)
    doc_id = choose_document_id(Operation.SENT, caller.parameters)
    with hub.reading() as connection:
        directory.require_system(connection, caller.system)
        return SentList(items=queues.list_sent(connection, caller.system, kind, span, doc_id=doc_id))


def _update_status(hub: Hub, caller: Caller, _body: bytes) -> Answer:
    operation = Operation.UPDATE_STATUS
    doc_id = choose_document_id(operation, caller.parameters)
    head = set_status(hub, caller.actor, operation, doc_id, caller.parameters.get("status", ""))
    return Reply(head=head)


def _count(hub: Hub, caller: Caller, kind: MessageType) -> Answer:
    with hub.reading() as connection:
        directory.require_system(connection, caller.system)
        return CountReply(count=queues.count_waiting(connection, caller.system, kind))


def _describe(caller: Caller) -> tuple[MessageType | None, Span]:
    given = caller.parameters
    require_service(given)
    span = read_span(given.get("fromDate", ""), given.get("toDate", ""))
    return read_kind(given.get("messagetype", "")), span


def require_service(parameters: Mapping[str, str]) -> None:
    """Raise `CallRefusedError` if a call is for another service than the exchange of documents."""
    service = parameters.get("servicetype", SERVICE_TYPE)
    if service.lower() != SERVICE_TYPE.lower():
        raise CallRefusedError(BAD_CALL, f"there is no servicetype {service[:20]!r}, only {SERVICE_TYPE}.")


def _read_date(text: str) -> date | None:
    if not text.strip():
        return None
    found = _DATE.match(text.strip())
    try:
        return date(*map(int, found.groups())) if found else _bad_date(text)
    except ValueError:
        return _bad_date(text)


def _bad_date(text: str) -> date:
    raise CallRefusedError(BAD_CALL, f"{text[:20]!r} is no date as 2026/03/05.")


def _read_body(body: bytes) -> dict[str, str]:
    """Read a body of JSON, or of a form. Raises `InputError`."""
    if body.lstrip().startswith(b"{"):
        return load_object(body, where="body")
    return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=100))


_ACTS: Final[Mapping[Operation, Callable[[Hub, Caller, bytes], Answer]]] = {
    Operation.AGENCIES: _list_agencies,
    Operation.AGENCIES_QD20: _list_agencies_qd20,
    Operation.UNITS: _list_units,
    Operation.REGISTER: _register,
    Operation.DELETE: _delete,
    Operation.RECEIVED: _list_received,
    Operation.SENT: _list_sent,
    Operation.UPDATE_STATUS: _update_status,
    Operation.COUNT_DOCUMENTS: lambda hub, caller, _: _count(hub, caller, MessageType.DOCUMENT),
    Operation.COUNT_STATUSES: lambda hub, caller, _: _count(hub, caller, MessageType.STATUS),
}
_REPLIES: Final[Mapping[Operation, Callable[..., Answer]]] = {
    Operation.AGENCIES: AgencyList,
    Operation.AGENCIES_QD20: AgencyList,
    Operation.UNITS: UnitList,
    Operation.SEND: SendReply,
    Operation.RECEIVED: ReceivedList,
    Operation.SENT: SentList,
    Operation.GET: GetReply,
    Operation.COUNT_DOCUMENTS: CountReply,
    Operation.COUNT_STATUSES: CountReply,
}
