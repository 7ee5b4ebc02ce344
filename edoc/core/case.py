"""One signature before the judge, and the answers to what is asked about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from edoc.core.evidence import SignatureFacts
from edoc.core.messages import say
from edoc.core.policy import Policy
from edoc.core.verdicts import Indication, Message, SubIndication, TimeSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One signature before the judge."""

    facts: SignatureFacts
    policy: Policy
    at: datetime
    """The validation time."""
    time: datetime
    """The best signature time: when the signature is known to have existed."""
    source: TimeSource
    later: tuple[datetime, ...] = ()
    """What the document time-stamps prove that cover the signature."""
    start: datetime | None = None
    """When it cannot have been made yet: the newest time-stamp among what it signs. None if there is none."""

    @property
    def proven(self) -> bool:
        """Whether anything proves the time."""
        return self.source is not TimeSource.VALIDATION_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a check found; an indication only if it failed."""

    message: Message
    indication: Indication | None = None
    sub_indication: SubIndication | None = None


Check = Callable[[Case], tuple[Answer, ...]]
"""Puts one question to a case. No answer means that the question does not arise."""


def good(code: str, detail: object = "") -> tuple[Answer, ...]:
    """Say something that is not against the signature."""
    return (Answer(message=say(code, detail)),)


def bad(code: str, indication: Indication, sub: SubIndication, detail: object = "") -> tuple[Answer, ...]:
    """Say what is against the signature, and what that means."""
    return (Answer(message=say(code, detail), indication=indication, sub_indication=sub),)
