"""The life of a document as tables: states × events → state, and the work each state causes.

Three machines: a document we send, a document we receive, and one delivery (a document at one recipient,
as its sender sees it). Rules:

- What a table does not list is refused; nothing is guessed.
- Statuses travel out of order, so a delivery accepts each one from any earlier state and ignores those
  that lie behind it.
- Reaching a state causes the work that stands in `work`; it commits together with the state.

Serves NĐ 30/2020 Art 14 (order of issue), Art 21 and 22 (receipt and registration), QĐ 28/2018 Art 9
and 10.2h (states) and the status codes of QCVN 102.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edoc.errors import Refused


class State(StrEnum):
    """Where a document or a delivery stands."""

    # documents we send
    SIGNED = "signed"
    """A competent person has signed; no number yet."""
    NUMBERED = "numbered"
    SEALED = "sealed"
    PACKED = "packed"
    """The package's bytes are fixed."""
    SENT = "sent"
    """Every recipient's transport has taken the package."""
    VOIDED = "voided"
    """The number was given but the document was not issued; the number stays visible."""
    # documents we receive
    RECEIVED = "received"
    VERIFIED = "verified"
    REGISTERED = "registered"
    # deliveries
    PENDING = "pending"
    DELIVERED = "delivered"
    ARRIVED = "arrived"
    # shared
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    PROCESSING = "processing"
    COMPLETED = "completed"
    REFUSED = "refused"
    ARCHIVED = "archived"


class Event(StrEnum):
    """What happens to a document or a delivery."""

    NUMBER = "number"
    SEAL = "seal"
    PACK = "pack"
    SEND = "send"
    CONCLUDE = "conclude"
    """Every recipient has completed or refused."""
    VOID = "void"
    VERIFY = "verify"
    REFUSE = "refuse"
    REGISTER = "register"
    ASSIGN = "assign"
    PROCESS = "process"
    COMPLETE = "complete"
    ARCHIVE = "archive"
    DELIVER = "deliver"
    STATUS_01 = "status-01"
    STATUS_02 = "status-02"
    STATUS_03 = "status-03"
    STATUS_04 = "status-04"
    STATUS_05 = "status-05"
    STATUS_06 = "status-06"


class Work(StrEnum):
    """One kind of work a worker does for a document; `answer` takes the status code as its argument."""

    NUMBER = "number"
    SEAL = "seal"
    PACK = "pack"
    DELIVER = "deliver"
    VERIFY = "verify"
    REGISTER = "register"
    ANSWER = "answer"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One life as data."""

    name: str
    initial: State
    transitions: Mapping[tuple[State, Event], State]
    work: Mapping[State, tuple[tuple[Work, str], ...]]
    """What reaching a state causes: (kind of work, argument)."""

    def after(self, state: State, event: Event) -> State:
        """Return the state after `event`; raises `Refused` if the table does not list the pair."""
        try:
            return self.transitions[state, event]
        except KeyError:
            allowed = sorted(e.value for s, e in self.transitions if s is state)
            raise Refused(
                f"'{event.value}' is not possible while the document is {state.value}.",
                advice=f"Possible now: {', '.join(allowed)}."
                if allowed
                else "Nothing can happen to it any more.",
            ) from None


_S, _E = State, Event

OUTGOING: Final = Machine(
    name="outgoing",
    initial=_S.SIGNED,
    transitions={
        (_S.SIGNED, _E.NUMBER): _S.NUMBERED,
        (_S.SIGNED, _E.REFUSE): _S.REFUSED,
        (_S.NUMBERED, _E.SEAL): _S.SEALED,
        (_S.NUMBERED, _E.VOID): _S.VOIDED,
        (_S.SEALED, _E.PACK): _S.PACKED,
        (_S.PACKED, _E.SEND): _S.SENT,
        (_S.SENT, _E.CONCLUDE): _S.COMPLETED,
        (_S.COMPLETED, _E.ARCHIVE): _S.ARCHIVED,
    },
    work={
        _S.SIGNED: ((Work.NUMBER, ""),),
        _S.NUMBERED: ((Work.SEAL, ""),),
        _S.SEALED: ((Work.PACK, ""),),
        # one delivery for each recipient: made with the package, where the recipients are known
        _S.COMPLETED: ((Work.ARCHIVE, ""),),
    },
)

INCOMING: Final = Machine(
    name="incoming",
    initial=_S.RECEIVED,
    transitions={
        (_S.RECEIVED, _E.VERIFY): _S.VERIFIED,
        (_S.RECEIVED, _E.REFUSE): _S.REFUSED,
        (_S.VERIFIED, _E.REGISTER): _S.REGISTERED,
        (_S.REGISTERED, _E.ASSIGN): _S.ASSIGNED,
        (_S.REGISTERED, _E.PROCESS): _S.PROCESSING,
        (_S.ASSIGNED, _E.PROCESS): _S.PROCESSING,
        (_S.REGISTERED, _E.COMPLETE): _S.COMPLETED,
        (_S.ASSIGNED, _E.COMPLETE): _S.COMPLETED,
        (_S.PROCESSING, _E.COMPLETE): _S.COMPLETED,
        (_S.COMPLETED, _E.ARCHIVE): _S.ARCHIVED,
    },
    work={
        _S.RECEIVED: ((Work.ANSWER, "01"), (Work.VERIFY, "")),
        _S.VERIFIED: ((Work.REGISTER, ""),),
        _S.REFUSED: ((Work.ANSWER, "02"),),
        _S.REGISTERED: ((Work.ANSWER, "03"),),
        _S.ASSIGNED: ((Work.ANSWER, "04"),),
        _S.PROCESSING: ((Work.ANSWER, "05"),),
        # archived once nothing else is left to do: whoever ends the last work asks for it
        _S.COMPLETED: ((Work.ANSWER, "06"),),
    },
)

_COURSE: Final = (
    (_S.PENDING, None),
    (_S.DELIVERED, _E.DELIVER),
    (_S.ARRIVED, _E.STATUS_01),
    (_S.ACCEPTED, _E.STATUS_03),
    (_S.ASSIGNED, _E.STATUS_04),
    (_S.PROCESSING, _E.STATUS_05),
    (_S.COMPLETED, _E.STATUS_06),
)
_CONCLUDED: Final = frozenset({_S.COMPLETED, _S.REFUSED})


def _deliveries() -> dict[tuple[State, Event], State]:
    """Every status leads forward along the course; what lies behind changes nothing."""
    table = {}
    for rank, (state, _) in enumerate(_COURSE):
        for goal_rank, (goal, event) in enumerate(_COURSE):
            if event is not None:
                table[state, event] = goal if goal_rank > rank else state
        table[state, _E.STATUS_02] = state if state is _S.COMPLETED else _S.REFUSED
    for event in {event for _, event in _COURSE if event is not None} | {_E.STATUS_02}:
        table[_S.REFUSED, event] = _S.REFUSED
    return table


DELIVERY: Final = Machine(name="delivery", initial=_S.PENDING, transitions=_deliveries(), work={})

_STATUS_EVENTS: Final = {
    event.value.removeprefix("status-"): event for event in Event if "status-" in event.value
}


def status_event(code: str) -> Event | None:
    """Return the event that a status code of QCVN 102 stands for, or None for a code without one."""
    return _STATUS_EVENTS.get(code.zfill(2))


def is_handed_over(state: State) -> bool:
    """Tell whether a delivery has left this node."""
    return state is not State.PENDING


def is_concluded(state: State) -> bool:
    """Tell whether a delivery has come to its end."""
    return state in _CONCLUDED
