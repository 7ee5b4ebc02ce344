"""What a CMS says: facts, without trust and without a verdict."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from edoc.core.evidence import Fault, TimestampFacts

Digest = Callable[[str], bytes]
"""Gives the digest of the signed bytes by the named algorithm; raises `NotImplementedError` if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CmsFacts:
    """What one CMS object says."""

    is_token: bool = False
    """It is a time-stamp token and not a signature."""
    digest_matches: bool | None = None
    """None if it could not be computed, or if the signed bytes are not at hand."""
    signature_holds: bool | None = None
    """None if it could not be computed: unsupported is not broken."""
    digest_algorithm: str = ""
    """The weakest of the digests that the signature rests on."""
    signature_algorithm: str = ""
    """As in `rsassa_pkcs1v15`, `rsassa_pss`, `ecdsa`, `ecdsa_plain`, `dsa`, `ed25519`; else an identifier."""
    key_bits: int = 0
    """0 if unknown, and for EdDSA."""
    value: bytes = b""
    """The cryptographic signature itself."""
    raw: bytes = b""
    """The CMS as it was read, without what follows it."""
    certificate: bytes | None = None
    others: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    """Answers and lists that came along anywhere in the CMS, its time-stamp included: to be checked."""
    signing_time: datetime | None = None
    attributes: frozenset[str] = frozenset()
    """Names (or object identifiers) of the signed attributes."""
    timestamp: TimestampFacts | None = None
    token_time: datetime | None = None
    faults: tuple[Fault, ...] = ()
    signers: "tuple[CmsFacts, ...]" = ()
    """Each signer alone, where there are several; the worst of them is told above."""

    @property
    def intact(self) -> bool:
        """The digest matches and the signature holds."""
        return self.digest_matches is True and self.signature_holds is True
