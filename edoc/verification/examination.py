"""Examine the certificates that a file's signatures carry, under one trust and one policy, at one time.

Time-stamps come first, the newest before all others: each proves since when what it covers existed, and that
is the time at which older time-stamps and the signatures are examined (EN 319 102-1, 5.6.2: past validation
with proofs of existence).
"""

from dataclasses import replace
from datetime import datetime

from edoc.core.chain import CertificateFacts, ChainFacts
from edoc.core.evidence import FileEvidence, SignatureFacts, TimestampFacts
from edoc.core.policy import Policy
from edoc.core.proofs import accept_stamp, find_best_time, list_proofs
from edoc.core.report import SignatureType, TimeSource
from edoc.errors import InputError
from edoc.trust.certificates import read_certificate
from edoc.trust.chain import Usage, examine
from edoc.trust.fetch import Fetcher
from edoc.trust.store import Trust


class Examiner:
    """Examines the certificates that files carry, under one trust and one policy, at one time."""

    def __init__(self, trust: Trust, at: datetime, fetcher: Fetcher | None, policy: Policy) -> None:
        self._trust = trust
        self._at = at
        self._fetcher = fetcher
        self._policy = policy
        self._known = frozenset((*trust.roots, *trust.intermediates))

    def complete(self, file: FileEvidence) -> FileEvidence:
        """The same evidence with every path examined."""
        stamped = self._examine_stamps(file)
        return replace(
            stamped,
            signatures=tuple(self._examine(stamped, facts) for facts in stamped.signatures),
            inside=tuple(map(self.complete, file.inside)),
        )

    def _examine_stamps(self, file: FileEvidence) -> FileEvidence:
        proven = self._at
        signatures = list(file.signatures)
        newest_first = sorted(enumerate(signatures), key=lambda item: item[1].end, reverse=True)
        for place, facts in newest_first:
            if facts.timestamp is None:
                continue
            # What is newer has been examined already, and proves something for this one.
            so_far = replace(file, signatures=tuple(signatures))
            stamp = self._examine_stamp(so_far, facts, facts.timestamp, proven)
            signatures[place] = replace(facts, timestamp=stamp)
            if facts.type is SignatureType.DOCUMENT_TIMESTAMP and facts.vouches:
                proven = accept_stamp(stamp, self._policy, self._at) or proven
        return replace(file, signatures=tuple(signatures))

    def _examine_stamp(
        self, file: FileEvidence, facts: SignatureFacts, stamp: TimestampFacts, at: datetime
    ) -> TimestampFacts:
        if stamp.certificate is None or not stamp.intact:
            return stamp
        chain = self._follow(file, facts, stamp.certificate, at, stamp=stamp)
        return replace(stamp, chain=self._prove(file, facts, chain, stamp.others))

    def _examine(self, file: FileEvidence, facts: SignatureFacts) -> SignatureFacts:
        if facts.certificate is None:
            return facts
        signer = _read_signer(facts.certificate)
        if signer is None:
            return facts
        is_stamp = facts.type is SignatureType.DOCUMENT_TIMESTAMP
        if is_stamp and facts.timestamp is not None and facts.timestamp.chain is not None:
            return replace(facts, signer=signer, chain=facts.timestamp.chain)
        later = list_proofs(file, facts, self._at, self._policy)
        time, source = find_best_time(facts, later, self._at, self._policy)
        proven = source is not TimeSource.VALIDATION_TIME
        chain = self._follow(file, facts, facts.certificate, time, since=time if proven else None)
        return replace(facts, signer=signer, chain=self._prove(file, facts, chain))

    def _follow(
        self,
        file: FileEvidence,
        facts: SignatureFacts,
        certificate: bytes,
        at: datetime,
        *,
        since: datetime | None = None,
        stamp: TimestampFacts | None = None,
    ) -> ChainFacts:
        """Examine a path at `at`; `since` is when what its key signed is known to have been signed."""
        if stamp is not None and at < self._at:
            since = stamp.time
        is_stamp = stamp is not None or facts.type is SignatureType.DOCUMENT_TIMESTAMP
        return examine(
            certificate,
            trust=self._trust,
            at=at,
            others=(*(stamp.others if stamp else ()), *facts.others, *file.certificates),
            crls=(*facts.crls, *file.crls),
            ocsps=(*facts.ocsps, *file.ocsps),
            usage=Usage.TIMESTAMPING if is_stamp else Usage.SIGNING,
            fetcher=self._fetcher,
            historic=self._policy.list_historic(at, proven=since is not None),
            issued_after=since if self._policy.revocation == "issued_after" else None,
            remembering=self._policy.revocation == "issued_after",
        )

    def _prove(
        self, file: FileEvidence, facts: SignatureFacts, chain: ChainFacts, others: tuple[bytes, ...] = ()
    ) -> ChainFacts:
        """Add what time-stamps prove of the path's evidence and its CAs (5.6.2.3).

        CAs that the trust store holds need no proof; `others` came in the time-stamp itself.
        """
        if not chain.evidence:
            return chain
        held = {*facts.others, *facts.crls, *facts.ocsps, *others}
        stamps = [
            (time, other.covers | held)
            for other in file.signatures
            if other.end > facts.end and other.vouches
            if (time := accept_stamp(other.timestamp, self._policy, self._at))
        ]
        wanted = {*chain.path[1:], *chain.evidence} - self._known
        ended = [
            until
            for der, until in chain.vouched
            if until < self._at and not any(der in covered and time <= until for time, covered in stamps)
        ]
        proven = min((time for time, covered in stamps if wanted <= covered), default=None)
        return replace(chain, proven=proven, outlived=min(ended, default=None))


def _read_signer(certificate: bytes) -> CertificateFacts | None:
    try:
        return read_certificate(certificate)
    except InputError:
        return None
