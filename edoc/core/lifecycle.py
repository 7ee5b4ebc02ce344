"""The life of a document as tables: states × events → state, and the work each state causes.

Four machines: a document we send, a document we receive, one delivery (a document at one recipient, as its
sender sees it), and the delivery of an order (a recall or an update at one recipient). Rules:

- What a table does not list is refused; nothing is guessed.
- Statuses travel out of order, so a delivery accepts each one from any earlier state and ignores those
  that lie behind it. What it ends with does not depend on the order in which answers came.
- Reaching a state causes the work that stands in `work`, an event ends the work that stands in `drops`; both
  commit together with the state.
- Recall is a duty, not a request: the sender freezes, the receiver cancels, whatever stage it has reached.

Drawn in docs/lifecycle.md from these tables. What an order does to the document it names: `edoc.core.orders`.
Serves NĐ 30/2020 Art 14 (order of issue), Art 18.4b (recall), Art 21 and 22 (receipt and registration),
QĐ 28/2018 Art 9 and 10.2h (states) and the status codes of QCVN 102.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from typing import Final

from edoc.errors import Refused


class State(StrEnum):
    """Where a document or a delivery stands."""

    # documents we send
    DRAFTED = "drafted"
    """It waits for the key of a person (`edoc.node.signingqueue`)."""
    SIGNED = "signed"
    """A competent person has signed; no number yet."""
    NUMBERED = "numbered"
    SEALED = "sealed"
    PACKED = "packed"
    """The package's bytes are fixed."""
    SENT = "sent"
    """Every recipient's transport has taken the package."""
    VOIDED = "voided"
    """The document was not issued; a number that was given stays visible."""
    FROZEN = "frozen"
    """Recalled by us; its recipients have not all answered yet."""
    # documents we receive
    RECEIVED = "received"
    VERIFIED = "verified"
    REGISTERED = "registered"
    CANCELLED = "cancelled"
    """Its sender recalled it; what was received and done stays as evidence."""
    # deliveries
    PENDING = "pending"
    DELIVERED = "delivered"
    ARRIVED = "arrived"
    WITHHELD = "withheld"
    """Recalled or given up before it left; whatever its recipient says of it shows that it had left."""
    RECALLING = "recalling"
    UNRECALLED = "unrecalled"
    """The recall had no effect there: answered with 16, as unknown, or it could not be delivered."""
    # orders that carry no document of their own
    ORDERED = "ordered"
    """On our side it waits to be packed, on the receiver's for a decision."""
    # shared
    AGREED = "agreed"
    DECLINED = "declined"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    PROCESSING = "processing"
    COMPLETED = "completed"
    REFUSED = "refused"
    RECALLED = "recalled"
    REPLACED = "replaced"
    ARCHIVED = "archived"


class Event(StrEnum):
    """What happens to a document or a delivery."""

    SIGN = "sign"
    NUMBER = "number"
    SEAL = "seal"
    PACK = "pack"
    SEND = "send"
    CONCLUDE = "conclude"
    """Every recipient has come to an end with it."""
    VOID = "void"
    VERIFY = "verify"
    REFUSE = "refuse"
    REGISTER = "register"
    ASSIGN = "assign"
    PROCESS = "process"
    COMPLETE = "complete"
    ARCHIVE = "archive"
    DELIVER = "deliver"
    WITHHOLD = "withhold"
    RECALL = "recall"
    UPDATE = "update"
    REPLACE = "replace"
    AGREE = "agree"
    DECLINE = "decline"
    STATUS_01 = "status-01"
    STATUS_02 = "status-02"
    STATUS_03 = "status-03"
    STATUS_04 = "status-04"
    STATUS_05 = "status-05"
    STATUS_06 = "status-06"
    STATUS_13 = "status-13"
    """The sender asks to take a document back: a recall without a dispatch."""
    STATUS_15 = "status-15"
    STATUS_16 = "status-16"


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


Transitions = Mapping[tuple[State, Event], State]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One life as data."""

    name: str
    initial: State
    order_initial: State | None = None
    """Where an order begins that carries no document of its own."""
    draft_initial: State | None = None
    """Where a document begins that nobody has signed yet."""
    transitions: Transitions
    work: Mapping[State, tuple[tuple[Work, str], ...]] = field(default_factory=dict)
    """What reaching a state causes: (kind of work, argument)."""
    drops: Mapping[Event, frozenset[Work]] = field(default_factory=dict)
    """Work that an event makes pointless; a worker that is at it can no longer commit."""

    @property
    def entrances(self) -> tuple[State, ...]:
        """The states in which a life can begin."""
        known = (self.initial, self.order_initial, self.draft_initial)
        return tuple(state for state in known if state is not None)

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


def _all_to(states: Collection[State], event: Event, goal: State) -> dict[tuple[State, Event], State]:
    return {(state, event): goal for state in states}


OUTGOING: Final = Machine(
    name="outgoing",
    initial=_S.SIGNED,
    order_initial=_S.ORDERED,
    draft_initial=_S.DRAFTED,
    transitions={
        (_S.DRAFTED, _E.SIGN): _S.SIGNED,
        (_S.DRAFTED, _E.REFUSE): _S.VOIDED,
        (_S.SIGNED, _E.NUMBER): _S.NUMBERED,
        (_S.SIGNED, _E.REFUSE): _S.REFUSED,
        (_S.NUMBERED, _E.SEAL): _S.SEALED,
        (_S.NUMBERED, _E.VOID): _S.VOIDED,
        (_S.SEALED, _E.PACK): _S.PACKED,
        (_S.ORDERED, _E.PACK): _S.PACKED,
        (_S.ORDERED, _E.VOID): _S.VOIDED,
        (_S.PACKED, _E.SEND): _S.SENT,
        (_S.SENT, _E.CONCLUDE): _S.COMPLETED,
        (_S.COMPLETED, _E.ARCHIVE): _S.ARCHIVED,
        # not issued yet: there is nobody to tell
        **_all_to((_S.DRAFTED, _S.SIGNED, _S.NUMBERED, _S.SEALED), _E.RECALL, _S.VOIDED),
        **_all_to(
            (_S.PACKED, _S.SENT, _S.COMPLETED, _S.ARCHIVED, _S.REPLACED, _S.FROZEN), _E.RECALL, _S.FROZEN
        ),
        (_S.FROZEN, _E.CONCLUDE): _S.RECALLED,
        **_all_to((_S.SENT, _S.COMPLETED, _S.ARCHIVED), _E.REPLACE, _S.REPLACED),
        # its recipients are told what reads otherwise now
        **{(state, _E.UPDATE): state for state in (_S.PACKED, _S.SENT)},
    },
    work={
        _S.SIGNED: ((Work.NUMBER, ""),),
        _S.NUMBERED: ((Work.SEAL, ""),),
        _S.SEALED: ((Work.PACK, ""),),
        _S.ORDERED: ((Work.PACK, ""),),
        # one delivery for each recipient: made with the package, where the recipients are known
        _S.COMPLETED: ((Work.ARCHIVE, ""),),
    },
    drops={
        _E.RECALL: frozenset({Work.NUMBER, Work.SEAL, Work.PACK, Work.ARCHIVE}),
        _E.REPLACE: frozenset({Work.ARCHIVE}),
    },
)

_IN_HAND: Final = (_S.RECEIVED, _S.VERIFIED, _S.REGISTERED, _S.ASSIGNED, _S.PROCESSING)
_DONE_WITH: Final = (_S.COMPLETED, _S.ARCHIVED, _S.REFUSED)

INCOMING: Final = Machine(
    name="incoming",
    initial=_S.RECEIVED,
    order_initial=_S.ORDERED,
    transitions={
        (_S.RECEIVED, _E.VERIFY): _S.VERIFIED,
        (_S.VERIFIED, _E.REGISTER): _S.REGISTERED,
        (_S.REGISTERED, _E.ASSIGN): _S.ASSIGNED,
        **_all_to((_S.REGISTERED, _S.ASSIGNED), _E.PROCESS, _S.PROCESSING),
        **_all_to((_S.REGISTERED, _S.ASSIGNED, _S.PROCESSING), _E.COMPLETE, _S.COMPLETED),
        (_S.COMPLETED, _E.ARCHIVE): _S.ARCHIVED,
        # misaddressed is often seen only by whoever should handle it (NĐ 30 Art 21.2b)
        **_all_to(_IN_HAND, _E.REFUSE, _S.REFUSED),
        **{(state, _E.UPDATE): state for state in _IN_HAND},
        **_all_to((*_IN_HAND, *_DONE_WITH, _S.REPLACED), _E.REPLACE, _S.REPLACED),
        **_all_to((*_IN_HAND, *_DONE_WITH, _S.REPLACED, _S.CANCELLED), _E.RECALL, _S.CANCELLED),
        (_S.CANCELLED, _E.REPLACE): _S.CANCELLED,
        (_S.ORDERED, _E.AGREE): _S.AGREED,
        (_S.ORDERED, _E.DECLINE): _S.DECLINED,
        # the document that a recall named arrived after its recall
        (_S.DECLINED, _E.AGREE): _S.AGREED,
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
        _S.ORDERED: ((Work.ANSWER, "01"),),
        _S.AGREED: ((Work.ANSWER, "15"),),
        _S.DECLINED: ((Work.ANSWER, "16"),),
    },
    drops={
        _E.REFUSE: frozenset({Work.VERIFY, Work.REGISTER}),
        _E.RECALL: frozenset({Work.VERIFY, Work.REGISTER, Work.ARCHIVE}),
        _E.REPLACE: frozenset({Work.VERIFY, Work.REGISTER, Work.ARCHIVE}),
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
_ANSWERS: Final = (_E.STATUS_15, _E.STATUS_16)
_NEWS: Final = (*(event for _, event in _COURSE if event is not None), _E.STATUS_02)


def _deliveries() -> dict[tuple[State, Event], State]:
    """Every status leads forward along the course; what lies behind changes nothing."""
    table = {}
    ranks = [(_S.WITHHELD, 0), *((state, rank) for rank, (state, _) in enumerate(_COURSE))]
    for state, rank in ranks:
        for goal_rank, (goal, event) in enumerate(_COURSE):
            if event is not None:
                table[state, event] = goal if goal_rank > rank else state
        table[state, _E.STATUS_02] = state if state is _S.COMPLETED else _S.REFUSED
    on_course = (*(state for state, _ in ranks), _S.REFUSED, _S.REPLACED)
    recalled = (_S.RECALLING, _S.RECALLED, _S.UNRECALLED)
    # a conclusion stays, and late news of a recalled document change nothing
    table |= {(state, event): state for state, event in product((*on_course[-2:], *recalled), _NEWS)}
    # 15 and 16 speak of an order; a delivery without a recall only hears them
    table |= {(state, event): state for state, event in product(on_course, _ANSWERS)}
    table |= _all_to(on_course, _E.REPLACE, _S.REPLACED)
    table |= {(state, _E.REPLACE): state for state in recalled}
    table |= _all_to((*on_course, _S.RECALLING, _S.UNRECALLED), _E.RECALL, _S.RECALLING)
    table[_S.RECALLED, _E.RECALL] = _S.RECALLED
    table |= _all_to(recalled, _E.STATUS_15, _S.RECALLED)
    table |= _all_to(recalled, _E.STATUS_16, _S.UNRECALLED)
    # who gives up to deliver a document, or to deliver its recall
    table |= {(_S.PENDING, _E.WITHHOLD): _S.WITHHELD, (_S.RECALLING, _E.WITHHOLD): _S.UNRECALLED}
    return table


DELIVERY: Final = Machine(name="delivery", initial=_S.PENDING, transitions=_deliveries())

_ORDER_COURSE: Final = (
    (_S.PENDING, ()),
    # given up; whatever its recipient says of it shows that it had left
    (_S.WITHHELD, (_E.WITHHOLD,)),
    (_S.DELIVERED, (_E.DELIVER,)),
    (_S.ARRIVED, (_E.STATUS_01,)),
    # some systems answer an order as they answer a document: 03 stands for 15, 02 for 16
    (_S.ACCEPTED, (_E.STATUS_03, _E.STATUS_04, _E.STATUS_05)),
    (_S.COMPLETED, (_E.STATUS_06,)),
    (_S.REFUSED, (_E.STATUS_02,)),
    (_S.DECLINED, (_E.STATUS_16,)),
    # 15 after 16: the document arrived there after its recall
    (_S.AGREED, (_E.STATUS_15,)),
)


def _order_deliveries() -> dict[tuple[State, Event], State]:
    """The weightiest answer counts, in whatever order they come: 15, else 16, else 02, else 06 or 03."""
    return {
        (state, event): goal if goal_rank > rank else state
        for rank, (state, _) in enumerate(_ORDER_COURSE)
        for goal_rank, (goal, events) in enumerate(_ORDER_COURSE)
        for event in events
    }


ORDER_DELIVERY: Final = Machine(name="order-delivery", initial=_S.PENDING, transitions=_order_deliveries())

_STATUS_EVENTS: Final = {
    event.value.removeprefix("status-"): event for event in Event if "status-" in event.value
}
_OVER: Final = frozenset(
    {_S.COMPLETED, _S.REFUSED, _S.REPLACED, _S.RECALLED, _S.UNRECALLED, _S.WITHHELD, _S.AGREED, _S.DECLINED}
)
_NOT_KEPT: Final = _OVER - {_S.COMPLETED, _S.AGREED, _S.DECLINED}


def status_event(code: str) -> Event | None:
    """Return the event that a status code of QCVN 102 stands for, or None for a code without one."""
    return _STATUS_EVENTS.get(code.strip().zfill(2))


def is_handed_over(state: State) -> bool:
    """Tell whether a delivery has left this node, or never will."""
    return state is not State.PENDING


def is_concluded(state: State, *, bare: bool = False) -> bool:
    """Tell whether a delivery has come to its end.

    `bare`: of an order without a document of its own, of which 03 is the last word where it is given.
    """
    return state in _OVER or (bare and state is State.ACCEPTED)


def conclusion(state: State, deliveries: Collection[State], *, bare: bool = False) -> Event | None:
    """Tell what an outgoing document's deliveries together mean for it now, if anything.

    A document counts as replaced when it was replaced somewhere and is kept nowhere.
    """
    if state is State.PACKED and all(map(is_handed_over, deliveries)):
        return Event.SEND
    if not all(is_concluded(each, bare=bare) for each in deliveries):
        return None
    replaced = State.REPLACED in deliveries and _NOT_KEPT.issuperset(deliveries)
    if replaced and (state, Event.REPLACE) in OUTGOING.transitions:
        return Event.REPLACE
    return Event.CONCLUDE if (state, Event.CONCLUDE) in OUTGOING.transitions else None
