"""What time-stamps prove: since when a signature existed (EN 319 102-1, 5.4, 5.5 and 5.6.2)."""

from datetime import datetime
from typing import Final

from edoc.core.chain import Algorithm, ChainStatus
from edoc.core.evidence import FileEvidence, SignatureFacts, TimestampFacts
from edoc.core.policy import Policy
from edoc.core.verdicts import Coverage, SignatureType, TimeSource

_KEYS: Final = {"rsa": "rsa", "ecdsa": "ec", "0.4.0.127": "ec", "dsa": "dsa"}
"""How the names of signature algorithms begin, and what their keys are of."""


def find_best_time(
    file: FileEvidence, facts: SignatureFacts, at: datetime, policy: Policy
) -> tuple[datetime, TimeSource]:
    """The earliest time at which an accepted time-stamp proves that the signature existed, else `at`.

    EN 319 102-1, 5.5.4: best-signature-time. Time-stamps must have been examined before.
    """
    proofs: list[tuple[datetime, TimeSource]] = []
    if facts.type is SignatureType.SIGNATURE and (time := accept_stamp(facts.timestamp, policy)):
        proofs.append((time, TimeSource.SIGNATURE_TIMESTAMP))
    proofs += [(time, TimeSource.DOCUMENT_TIMESTAMP) for time in list_proofs(file, facts, policy)]
    return min(proofs, default=(at, TimeSource.VALIDATION_TIME))


def list_proofs(file: FileEvidence, facts: SignatureFacts, policy: Policy) -> list[datetime]:
    """The times of all accepted document time-stamps that cover a signature."""
    found: list[datetime] = []
    for other in file.signatures:
        covers = other.end > facts.end and other.coverage is not Coverage.PARTIAL and other.intact
        stamps = other.type is SignatureType.DOCUMENT_TIMESTAMP and covers
        if stamps and (time := accept_stamp(other.timestamp, policy)):
            found.append(time)
    return found


def accept_stamp(stamp: TimestampFacts | None, policy: Policy) -> datetime | None:
    """The time that a time-stamp proves; None if it proves nothing (5.4).

    It counts if it holds, its authority's path held when newer time-stamps prove that it existed (else when
    it is judged), its algorithms counted then, and its time is not later, but for the clocks' tolerance.
    """
    if stamp is None or not stamp.intact or stamp.time is None:
        return None
    if stamp.chain is None or stamp.chain.status is not ChainStatus.OK:
        return None
    known = stamp.chain.at
    algorithm = name_algorithm(stamp.digest_algorithm, stamp.signature_algorithm, stamp.key_bits)
    if policy.find_weakness(algorithm, known) or stamp.time > known + policy.tolerance:
        return None
    return min(stamp.time, known)


def name_algorithm(digest: str, signature: str, bits: int) -> Algorithm:
    """Put a signature's algorithms into the words of policies."""
    key = next((kind for start, kind in _KEYS.items() if signature.startswith(start)), "")
    return Algorithm(digest, key or ("rsa" if "rsa" in signature else ""), bits)
