"""Two agencies at a hub that runs in a process of its own, and the packages that they send."""

import io
import itertools
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import SecretStr

from edoc.axis.client import AxisClient
from edoc.axis.connection import Access, Limits
from edoc.axis.content import Kind
from edoc.axis.profile import Shipment
from edoc.axis.replies import ReceivedRow
from edoc.axis.wire import MessageType
from edoc.core.dispatch import Dispatch, StatusUpdate
from edoc.demo.hub import HubServer
from edoc.hub.directory import Entry
from edoc.packing import pack, pack_status

_NUMBERS = itertools.count(1)
QUICK = Limits(connect_seconds=5, silence_seconds=20, call_seconds=30, transfer_seconds=60)


@dataclass(frozen=True)
class Member:
    """An agency, its system's secret, and its client."""

    code: str
    secret: SecretStr = field(repr=False)
    url: str

    def client(self, *, url: str = "", ahead: timedelta = timedelta(), secret: str = "") -> AxisClient:
        """A client, perhaps by another way, with another clock or a wrong secret."""
        access = Access(
            url=url or self.url, system_id=self.code, secret=SecretStr(secret) if secret else self.secret
        )
        return AxisClient(access, clock=lambda: datetime.now(UTC) + ahead, limits=QUICK)

    def received(self, kind: MessageType = MessageType.DOCUMENT) -> tuple[ReceivedRow, ...]:
        """What waits for it."""
        with self.client() as client:
            return client.list_received(kind)

    def fetched(self, doc_id: str) -> bytes:
        """A package as it comes out of the hub."""
        target = io.BytesIO()
        with self.client() as client:
            assert client.download(doc_id, target) is Kind.PACKAGE
        return target.getvalue()


def join(hub: HubServer, code: str = "", **more: str) -> Member:
    """Register an agency, of a code that nobody has unless one is given."""
    entry = Entry(code=code or f"H99.{next(_NUMBERS)}", name="Sở Nội vụ tỉnh A", **more)
    added = hub.add(entry)
    secret = SecretStr(added.secret_path.read_text(encoding="utf-8").strip())
    return Member(code=added.code, secret=secret, url=hub.url)


def document(sender: Member, *receivers: Member, attach: Path | None = None, **more: Any) -> bytes:
    """The package of a document; no two are the same unless a subject is given."""
    out = io.BytesIO()
    write_document(sender, *receivers, out=out, attach=attach, **more)
    return out.getvalue()


def write_document(
    sender: Member, *receivers: Member, out: BinaryIO | Path, attach: Path | None = None, **more: Any
) -> None:
    """Write the package of a document."""
    values = {
        "from": {"organ_id": sender.code, "organ_name": "Sở Nội vụ"},
        "to": [{"organ_id": receiver.code, "organ_name": "Sở Y tế"} for receiver in receivers],
        "code": {"code_number": "05", "code_notation": "UBND-VP"},
        "promulgation_info": {"place": "Hà Nội", "promulgation_date": "2026-02-05"},
        "document_type": {"type": 2, "type_detail": 18, "type_name": "Công văn"},
        "subject": f"Về việc {secrets.token_hex(8)}",
    }
    pack(Dispatch.from_dict(values | more), attach=[attach] if attach else [], out=out)


def status(sender: Member, answered: Member) -> bytes:
    """The package of a status 01."""
    values = {
        "from": {"organ_id": sender.code, "organ_name": "Sở Y tế"},
        "response_for": {"organ_id": answered.code, "code": "05/UBND-VP"},
        "status_code": "01",
        "description": secrets.token_hex(8),
    }
    out = io.BytesIO()
    pack_status(StatusUpdate.from_dict(values), out=out)
    return out.getvalue()


def shipment(sender: Member, package: bytes | BinaryIO, *receivers: Member) -> Shipment:
    """A package on its way; without receivers the hub takes them from the package."""
    source = io.BytesIO(package) if isinstance(package, bytes) else package
    return Shipment.of(source, sender=sender.code, receivers=tuple(each.code for each in receivers))


def send(sender: Member, package: bytes, *receivers: Member) -> str:
    """Send a package; returns its DocId."""
    with sender.client() as client:
        return client.send(shipment(sender, package, *receivers))
