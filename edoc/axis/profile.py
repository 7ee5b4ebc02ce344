"""What a node needs of any axis, national or provincial."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, Protocol, Self

from edoc.axis.connection import CHUNK
from edoc.axis.content import Kind, is_status
from edoc.axis.replies import AgencyRow, ReceivedRow
from edoc.axis.wire import MessageType, Transfer


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A package on its way out."""

    source: BinaryIO
    """The package; can be read more than once."""
    size: int
    digest: bytes
    """SHA-256 of the package."""
    sender: str
    receivers: tuple[str, ...]
    message_type: MessageType

    @classmethod
    def of(cls, source: BinaryIO, *, sender: str, receivers: tuple[str, ...]) -> Self:
        """Measure a package, reading it once; `source` must be able to go back to its beginning."""
        kind = MessageType.STATUS if is_status(source) else MessageType.DOCUMENT
        digest, size = hashlib.sha256(), 0
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
        return cls(
            source=source,
            size=size,
            digest=digest.digest(),
            sender=sender,
            receivers=receivers,
            message_type=kind,
        )

    def read(self) -> Iterator[bytes]:
        """Read the package from its beginning."""
        self.source.seek(0)
        while chunk := self.source.read(CHUNK):
            yield chunk


class Axis(Protocol):
    """One agency's access to an axis. Errors are those of `edoc.axis.connection`, retryable or not."""

    @property
    def reads_receivers(self) -> bool:
        """Whether the hub takes the receivers from the package instead of the call."""

    def list_agencies(self) -> tuple[AgencyRow, ...]:
        """All agencies that the hub knows."""

    def send(self, shipment: Shipment) -> str:
        """Send a package; returns its id at the hub. Raises `ReplyLostError` if it may have arrived."""

    def find_sent(self, shipment: Shipment, *, document_id: str, since: date) -> str | None:
        """Look for a package that may have been sent before; None if it was not, or if that cannot be told.

        `document_id` is the edXML DocumentId, for hubs that do not tell hashes.
        """

    def list_received(
        self, message_type: MessageType, *, since: date | None = None
    ) -> tuple[ReceivedRow, ...]:
        """Packages that came for this agency since a day, in the hub's order, whatever their status.

        Without a day: all that the hub tells, or those of a month where it asks for one.
        """

    def fetch(self, doc_id: str, target: BinaryIO) -> Kind:
        """Write a package into an empty file; returns what it is.

        What is no package is returned only if the hub itself says that this is what was sent.
        """

    def update_status(self, doc_id: str, status: Transfer, *, capitals: bool = False) -> None:
        """Tell the hub how far a package has come, in one of the two vocabularies."""

    def close(self) -> None:
        """Close what is open."""
