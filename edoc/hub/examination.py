"""What a package says of itself, read under limits and without keeping anything of it."""

from dataclasses import dataclass
from typing import BinaryIO

from edoc.axis.wire import MessageType
from edoc.core.dispatch import Dispatch, StatusUpdate
from edoc.edxml.limits import Limits
from edoc.edxml.unpacking import read_package
from edoc.hub.words import tame

_MOST = 500
"""Characters of a title that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """The header of a package, as far as a hub needs it."""

    kind: MessageType
    sender: str
    receivers: tuple[str, ...]
    """Of a document those in `To`; of a status the agency that it answers."""
    title: str
    notation: str


def examine(source: BinaryIO, *, limit: int) -> Examined:
    """Read a package to its end in constant memory. Raises `PackageError` if it is none, or a bad one."""
    read = read_package(source, into=None, limits=Limits(package=limit), durable=False)
    if read.status is not None:
        return _describe_status(read.status)
    assert read.dispatch is not None  # noqa: S101 - one of the two is always there
    return _describe_document(read.dispatch)


def _describe_document(dispatch: Dispatch) -> Examined:
    code = dispatch.code
    return Examined(
        kind=MessageType.DOCUMENT,
        sender=dispatch.from_.organ_id,
        receivers=tuple(organ.organ_id for organ in dispatch.to if organ.organ_id),
        title=tame(dispatch.subject, _MOST),
        notation=tame("/".join(filter(None, (code.code_number, code.code_notation))), _MOST),
    )


def _describe_status(status: StatusUpdate) -> Examined:
    answered = status.response_for
    return Examined(
        kind=MessageType.STATUS,
        sender=status.from_.organ_id,
        receivers=(answered.organ_id,) if answered.organ_id else (),
        title=tame(f"{status.status_code} {status.description}".strip(), _MOST),
        notation=tame(answered.code or "", _MOST),
    )
