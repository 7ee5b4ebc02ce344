"""What the core needs from the outside, as small protocols.

Each port has exactly two implementations, the embedded one and the production one, and both pass the same
contract tests.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

Scheme = Literal["pkcs1v15", "pss", "ecdsa"]
"""How a key signs: RSA by PKCS#1 v1.5; RSA by PSS, whose mask uses the same digest and whose salt is as long
as it (RFC 4055); or ECDSA with a DER value."""


class Holder(Protocol):
    """Who signs, by certificate."""

    @property
    def certificate(self) -> bytes:
        """The signer's certificate, DER."""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Issuer certificates that came with it, DER, leaf's issuer first; may be empty."""


class SigningKey(Holder, Protocol):
    """A private key with its certificate; where the key lives is the implementation's affair."""

    @property
    def scheme(self) -> Scheme:
        """How the key signs."""

    def sign(self, data: bytes, *, digest: str) -> bytes:
        """Sign `data` (not its hash) by the key's scheme. `digest` is `sha256`, `sha384` or `sha512`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object that is durable: its SHA-256 in lower-case hex, and its size in bytes."""

    sha256: str
    size: int


class Objects(Protocol):
    """A store that addresses content by SHA-256 and never overwrites."""

    def put(self, source: BinaryIO) -> Stored:
        """Store the stream to its end and return only when it is durable. Idempotent."""

    def open(self, sha256: str) -> AbstractContextManager[BinaryIO]:
        """Open the object for reading; raises `Unavailable` if it is not there."""

    def holds(self, sha256: str) -> bool:
        """Tell whether the object is there."""

    def hashes(self) -> Iterator[str]:
        """All stored hashes, in no particular order."""

    def promise(self, name: str, text: str) -> str:
        """Put a small text durably under a name, unless one stands there; return the one that stands.

        Names are path segments of letters, digits, `.`, `-` and `_`, joined by `/`. Of several writers at the
        same moment a directory lets one win; an S3 server may not, so the caller lets one write at a time.
        """

    def promised(self, name: str) -> str | None:
        """The text that stands under a name, if one does."""

    def promises(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """All names that begin with `prefix` and come after the name `after`, in order.

        What does not come after it costs nothing.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A package waiting at a transport, by what is cheap to know before it is opened."""

    message_id: str
    """Its id there; what was sent again keeps its id."""
    mark: str
    """How the transport knows it again; nobody else reads it."""


class Transport(Protocol):
    """Moves packages between agencies. Polling is the truth; a parcel stays until it is acknowledged."""

    def send(self, *, to: str, message_id: str, source: BinaryIO) -> None:
        """Deliver the package to the agency `to`. Sending the same id and bytes again changes nothing.

        The id is fixed before the first attempt. Raises `Conflict` if it already stands for other bytes,
        `Unavailable` if the package cannot be delivered now, `Refused` if it never can.
        """

    def waiting(self, *, limit: int = 100) -> tuple[Parcel, ...]:
        """Parcels for this agency that were not acknowledged yet, oldest first."""

    def open(self, parcel: Parcel) -> AbstractContextManager[BinaryIO]:
        """Open a waiting parcel for reading.

        Raises `Unavailable` if it cannot be had now, and `InputError` if it never can.
        """

    def acknowledge(self, parcel: Parcel) -> None:
        """Say that the parcel is durable here. Idempotent; only then may the transport forget it."""

    def refuse(self, parcel: Parcel) -> None:
        """Say that what came as this parcel is kept here, and that it is no package. Idempotent."""
