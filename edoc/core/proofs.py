"""What time-stamps prove: since when a signature existed (EN 319 102-1, 5.4, 5.5 and 5.6.2).

Rules: a proof counts only under the policy that judges; certificates and revocation data are no older than
somebody can prove them to be, except that whoever proves a signature proves the certificate that it names.
"""

from datetime import datetime
from typing import Final

from edoc.core.chain import Algorithm, ChainFacts, ChainStatus
from edoc.core.evidence import FileEvidence, SignatureFacts, TimestampFacts
from edoc.core.policy import Policy
from edoc.core.verdicts import SignatureType, SubIndication, TimeSource

_KEYS: Final = {"rsa": "rsa", "ecdsa": "ec", "0.4.0.127": "ec", "dsa": "dsa"}
"""How the names of signature algorithms begin, and what their keys are of."""


def find_best_time(
    facts: SignatureFacts, later: list[datetime], at: datetime, policy: Policy
) -> tuple[datetime, TimeSource]:
    """The earliest time at which an accepted time-stamp proves that the signature existed, else `at`.

    `later` are the proofs by what covers it (`list_proofs`). EN 319 102-1, 5.5.4: best-signature-time.
    Time-stamps must have been examined before.
    """
    proofs = [(time, TimeSource.DOCUMENT_TIMESTAMP) for time in later]
    if facts.type is SignatureType.SIGNATURE and (time := accept_stamp(facts.timestamp, policy, at)):
        proofs.append((time, TimeSource.SIGNATURE_TIMESTAMP))
    return min(proofs, default=(at, TimeSource.VALIDATION_TIME))


def list_proofs(file: FileEvidence, facts: SignatureFacts, at: datetime, policy: Policy) -> list[datetime]:
    """The times of all accepted document time-stamps that cover a signature."""
    return [
        time
        for other in file.signatures
        if other.type is SignatureType.DOCUMENT_TIMESTAMP and other.end > facts.end and other.vouches
        if (time := accept_stamp(other.timestamp, policy, at))
    ]


def find_start(file: FileEvidence, facts: SignatureFacts, at: datetime, policy: Policy) -> datetime | None:
    """The latest accepted time-stamp among the bytes that were signed: the signature was made after it.

    A content time-stamp in the words of EN 319 102-1, 5.3.4. None if nothing tells.
    """
    if not facts.vouches:
        return None
    inside = [other for other in file.signatures if other.end < facts.end and other.intact]
    times = [time for other in inside if (time := accept_stamp(other.timestamp, policy, at))]
    return max(times, default=None)


def accept_stamp(stamp: TimestampFacts | None, policy: Policy, at: datetime) -> datetime | None:
    """The time that a time-stamp proves when it is judged `at`; None if it proves nothing (5.4)."""
    if stamp is None or not stamp.intact or stamp.time is None or stamp.chain is None:
        return None
    return None if doubt_stamp(stamp, policy, at) else min(stamp.time, stamp.chain.at)


def doubt_stamp(stamp: TimestampFacts, policy: Policy, at: datetime) -> SubIndication | None:
    """What speaks against an intact time-stamp that is judged `at`; None if nothing does (5.4).

    Its authority's path must have held when newer time-stamps prove that it existed (else `at`), its
    algorithms must have counted then, and its time must not be later, but for the clocks' tolerance.
    """
    chain = stamp.chain
    if chain is None:
        return SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    if chain.status is not ChainStatus.OK:
        return name_flaw(chain)
    if find_unproven(chain, policy):
        return SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE
    own = name_algorithm(stamp.digest_algorithm, stamp.signature_algorithm, stamp.key_bits)
    links = find_weak_links(chain, policy, chain.at, at, proven=chain.at < at)
    if policy.find_weakness(own, chain.at) or links:
        return SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    ahead = stamp.time is not None and stamp.time > chain.at + policy.tolerance
    return SubIndication.TIMESTAMP_ORDER_FAILURE if ahead else None


def find_unproven(chain: ChainFacts, policy: Policy) -> datetime | None:
    """When somebody who vouches for revocation data ceased to, without proof that the data are older.

    EN 319 102-1, 5.2.6, step 8, and 5.6.2.4, step 1; asked only by policies that ask for revocation data from
    after the proven time. None if that did not happen.
    """
    return chain.outlived if policy.revocation == "issued_after" else None


def find_weak_links(
    chain: ChainFacts, policy: Policy, time: datetime, at: datetime, *, proven: bool
) -> list[str]:
    """What in a path and its evidence was signed with an algorithm that did not count any more.

    The leaf is judged at `time`, when what its key signed existed and named it (`proven`: by a time-stamp);
    all else when a time-stamp proves it, else `at` (5.5.4, step 10; 5.6.2.4, step 4).
    """
    historic = policy.list_historic(time, proven=proven)
    since = at if chain.proven is None else min(chain.proven, at)
    links = [("certificate", one, since if place else time) for place, one in enumerate(chain.algorithms)]
    links += [("revocation data", one, since) for one in chain.revocation_algorithms]
    found = []
    for what, one, when in links:
        asked = one._replace(digest="") if one.digest in historic else one
        if said := policy.find_weakness(asked, when):
            found.append(f"{what}: {said}")
    return found


def name_flaw(chain: ChainFacts) -> SubIndication:
    """What a path that does not hold means without proof of existence (EN 319 102-1, 5.2.6 and table 7)."""
    if chain.status is ChainStatus.REVOKED and chain.is_authority:
        return SubIndication.REVOKED_CA_NO_POE
    if chain.status is ChainStatus.REVOKED and chain.on_hold:
        return SubIndication.TRY_LATER
    if chain.not_revoked:
        return SubIndication.OUT_OF_BOUNDS_NOT_REVOKED
    if chain.weak:
        return SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    return _FLAWS.get(chain.status, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE)


_FLAWS: Final = {
    ChainStatus.NO_PATH: SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    ChainStatus.NOT_YET_VALID: SubIndication.OUT_OF_BOUNDS_NO_POE,
    ChainStatus.EXPIRED: SubIndication.OUT_OF_BOUNDS_NO_POE,
    ChainStatus.REVOKED: SubIndication.REVOKED_NO_POE,
    ChainStatus.REVOCATION_UNKNOWN: SubIndication.TRY_LATER,
    ChainStatus.BAD_USAGE: SubIndication.CHAIN_CONSTRAINTS_FAILURE,
}


def name_algorithm(digest: str, signature: str, bits: int) -> Algorithm:
    """Put a signature's algorithms into the words of policies."""
    key = next((kind for start, kind in _KEYS.items() if signature.startswith(start)), "")
    return Algorithm(digest, key or ("rsa" if "rsa" in signature else ""), bits)
