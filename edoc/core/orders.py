"""What a dispatch orders about an earlier one: recall, update, replace (`Bussiness` of QCVN 102).

Rules, as tables: a recall is carried out whatever the stage of the document (QĐ 28/2018 Art 9.2, NĐ 30/2020
Art 18.4b) and declined only where the document is unknown or somebody else's; an update waits for a person
while the document is in hand, and is declined once it is done with, recalled or unknown; a replacement takes
effect when the replacing document is accepted. An order may overtake the document it names: it is remembered
and takes effect when that document arrives.

    order = read_order(dispatch, receiver="H99.02")
    judge(order.kind, State.REGISTERED)            # Verdict.AGREE
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from edoc.core.dispatch import Business, Dispatch, DocumentInfo, Organization, StatusUpdate
from edoc.core.lifecycle import Event, State


class OrderKind(StrEnum):
    """What a dispatch does to an earlier one; the codes of `BussinessDocType`."""

    RECALL = "1"
    UPDATE = "2"
    REPLACE = "3"


class Verdict(StrEnum):
    """What a receiver does with an order."""

    AGREE = "agree"
    DECLINE = "decline"
    WAIT = "wait"
    """A person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as it concerns one agency."""

    kind: OrderKind
    named: tuple[str, ...]
    """DocumentIds of the documents it names there."""
    bare: bool
    """It carries no document of its own: nothing to register."""


def read_order(dispatch: Dispatch, *, receiver: str = "") -> Order | None:
    """Return what the dispatch orders, or None for a new document.

    With `receiver` only the replacements that concern that agency count: those that name it, or no agency.
    A type that is none of 0 to 3 is a new document: nothing is done to others on a guess.
    """
    business = dispatch.business or Business()
    kind = business.business_doc_type.strip().lstrip("0")
    if kind not in {each.value for each in OrderKind}:
        return None
    if kind == OrderKind.REPLACE:
        named = tuple(
            dict.fromkeys(
                each.document_id
                for each in business.replacements
                if not receiver or not each.organ_ids or receiver in each.organ_ids
            )
        )
        return Order(kind=OrderKind.REPLACE, named=named, bare=False)
    own = dispatch.document_id not in {"", business.document_id}
    return Order(kind=OrderKind(kind), named=(business.document_id,), bare=not (own and dispatch.attachments))


def is_bare(dispatch: Mapping[str, Any]) -> bool:
    """Tell of a dispatch as JSON whether it is an order that carries no document of its own."""
    kind = str((dispatch.get("business") or {}).get("business_doc_type") or "").strip().lstrip("0")
    order = read_order(Dispatch.from_dict(dict(dispatch))) if kind else None
    return order is not None and order.bare


def own_id(dispatch: Dispatch, order: Order | None) -> str:
    """The DocumentId by which an arrived dispatch is known.

    Some systems give an order the identifier of the document that it names; then it has none of its own.
    """
    foreign = order is not None and order.bare and dispatch.document_id in order.named
    return "" if foreign else dispatch.document_id


def recall_from_status(status: StatusUpdate) -> Dispatch:
    """Read status 13, by which a sender asks to take a document back, as the recall that it is."""
    named = status.response_for
    return Dispatch(
        from_=status.from_,
        subject=f"Lấy lại văn bản {named.code}".strip(),
        business=Business(
            document_id=named.document_id,
            business_doc_type=OrderKind.RECALL.value,
            business_doc_reason=status.description,
        ),
    )


_IN_HAND: Final = (State.RECEIVED, State.VERIFIED, State.REGISTERED, State.ASSIGNED, State.PROCESSING)
_STAGES: Final = (
    *_IN_HAND,
    State.COMPLETED,
    State.ARCHIVED,
    State.REFUSED,
    State.REPLACED,
    State.CANCELLED,
)

VERDICTS: Final[Mapping[tuple[OrderKind, State | None], Verdict]] = {
    (OrderKind.RECALL, None): Verdict.DECLINE,
    **{(OrderKind.RECALL, state): Verdict.AGREE for state in _STAGES},
    (OrderKind.UPDATE, None): Verdict.DECLINE,
    **{
        (OrderKind.UPDATE, state): Verdict.WAIT if state in _IN_HAND else Verdict.DECLINE for state in _STAGES
    },
    # unknown: remembered until it arrives, if it ever does
    (OrderKind.REPLACE, None): Verdict.AGREE,
    **{(OrderKind.REPLACE, state): Verdict.AGREE for state in _STAGES},
}
"""What becomes of an order by the stage of the document that it names; None: unknown, or not the sender's."""

EFFECTS: Final[Mapping[OrderKind, Event]] = {
    OrderKind.RECALL: Event.RECALL,
    OrderKind.UPDATE: Event.UPDATE,
    OrderKind.REPLACE: Event.REPLACE,
}
"""What an order that is agreed to does to the document it names."""

_ACCEPTING: Final = frozenset({Event.STATUS_03, Event.STATUS_04, Event.STATUS_05, Event.STATUS_06})
_ANSWERED: Final[Mapping[State, Event]] = {
    State.ACCEPTED: Event.STATUS_15,
    State.COMPLETED: Event.STATUS_15,
    State.AGREED: Event.STATUS_15,
    State.REFUSED: Event.STATUS_16,
    State.DECLINED: Event.STATUS_16,
}


def judge(kind: OrderKind, named: State | None) -> Verdict:
    """Tell what becomes of an order while the document it names is in that state (None: unknown)."""
    return VERDICTS.get((kind, named), Verdict.DECLINE)


def answer_of(delivery: State) -> Event | None:
    """Tell what the state of an order's delivery says of the order: 15, 16, or nothing yet."""
    return _ANSWERED.get(delivery)


def echo(kind: OrderKind, heard: Event, delivery: State) -> Event | None:
    """Tell what a status about an order means for the delivery of the document that the order names.

    `delivery` is the order's own, after the status. An update's answer moves nothing.
    """
    if kind is OrderKind.RECALL:
        return answer_of(delivery)
    return Event.REPLACE if kind is OrderKind.REPLACE and heard in _ACCEPTING else None


def is_removed(dispatch: Dispatch, receiver: str) -> bool:
    """Tell whether an update takes the agency off the list of recipients (ReceiverType 0)."""
    infos = dispatch.business.document_infos if dispatch.business else ()
    kinds = [
        each.receiver_type.strip() for info in infos for each in info.receivers if each.organ_id == receiver
    ]
    return bool(kinds) and kinds[-1] == "0"


UPDATABLE: Final = ("subject", "content", "signer_info", "due_date", "other_info", "to_places")
"""What an update can give anew; number, symbol, date and identity stay."""


def update(document: Dispatch, order: Dispatch) -> Dispatch:
    """Return the document's header with what the update gives anew; what that leaves empty stays."""
    given = {name: getattr(order, name) for name in UPDATABLE if getattr(order, name)}
    return replace(document, **given)


def make_recall(
    document: Dispatch, *, reason: str, to: tuple[Organization, ...], document_id: str
) -> Dispatch:
    """Make the dispatch that recalls a document: its number, symbol and date again, and why.

    `document_id` is the order's own, so that 01 to 06 for the order cannot be taken for the document's.
    """
    code = f"{document.code.code_number}/{document.code.code_notation}"
    return Dispatch(
        from_=document.from_,
        to=to,
        document_id=document_id,
        code=document.code,
        promulgation_info=document.promulgation_info,
        document_type=document.document_type,
        subject=f"Thu hồi văn bản {code}: {document.subject}"[:500],
        signer_info=document.signer_info,
        business=_order(OrderKind.RECALL, document, reason),
    )


def make_update(
    document: Dispatch, updated: Dispatch, *, reason: str, to: tuple[Organization, ...], document_id: str
) -> Dispatch:
    """Make the dispatch that tells what reads otherwise in a document now: its whole header anew, and why."""
    info = DocumentInfo(document_info="1", document_receiver="0")
    return replace(
        updated,
        to=to,
        document_id=document_id,
        business=_order(OrderKind.UPDATE, document, reason, document_infos=(info,)),
        attachments=(),
        trace_headers=(),
    )


def _order(kind: OrderKind, document: Dispatch, reason: str, **more: Any) -> Business:
    return Business(
        document_id=document.document_id,
        business_doc_type=kind.value,
        business_doc_reason=reason,
        paper="0",
        **more,
    )
