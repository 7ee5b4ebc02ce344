"""Examine the certificates that a file's signatures carry, under one trust and at one time.

Time-stamps come first, for they decide at which time everything else is examined.
"""

from dataclasses import replace
from datetime import datetime

from edoc.core.chain import CertificateFacts
from edoc.core.evidence import FileEvidence, SignatureFacts, TimestampFacts
from edoc.core.judge import find_best_time
from edoc.core.report import SignatureType
from edoc.errors import InputError
from edoc.trust.certificates import read_certificate
from edoc.trust.chain import Usage, examine
from edoc.trust.fetch import Fetcher
from edoc.trust.store import Trust


class Examiner:
    """Examines the certificates that the files carry, under one trust and at one time."""

    def __init__(self, trust: Trust, at: datetime, fetcher: Fetcher | None) -> None:
        self._trust = trust
        self._at = at
        self._fetcher = fetcher

    def complete(self, file: FileEvidence) -> FileEvidence:
        """The same evidence with every path examined: time-stamps first, for they decide the times."""
        stamped = replace(
            file,
            signatures=tuple(
                replace(facts, timestamp=self._examine_stamp(file, facts, facts.timestamp))
                for facts in file.signatures
            ),
        )
        return replace(
            stamped, signatures=tuple(self._examine(stamped, facts) for facts in stamped.signatures)
        )

    def _examine_stamp(
        self, file: FileEvidence, facts: SignatureFacts, stamp: TimestampFacts | None
    ) -> TimestampFacts | None:
        if stamp is None or stamp.certificate is None or not stamp.intact:
            return stamp
        chain = examine(
            stamp.certificate,
            trust=self._trust,
            at=self._at,
            others=(*stamp.others, *facts.others, *file.certificates),
            crls=(*file.crls, *facts.crls),
            ocsps=(*file.ocsps, *facts.ocsps),
            usage=Usage.TIMESTAMPING,
            fetcher=self._fetcher,
        )
        return replace(stamp, chain=chain)

    def _examine(self, file: FileEvidence, facts: SignatureFacts) -> SignatureFacts:
        if facts.certificate is None:
            return facts
        signer = _read_signer(facts.certificate)
        if signer is None:
            return facts
        time, _ = find_best_time(file, facts, self._at)
        stamp = facts.type is SignatureType.DOCUMENT_TIMESTAMP
        chain = examine(
            facts.certificate,
            trust=self._trust,
            at=time,
            others=(*facts.others, *file.certificates),
            crls=(*facts.crls, *file.crls),
            ocsps=(*facts.ocsps, *file.ocsps),
            usage=Usage.TIMESTAMPING if stamp else Usage.SIGNING,
            fetcher=self._fetcher,
        )
        return replace(facts, signer=signer, chain=chain)


def _read_signer(certificate: bytes) -> CertificateFacts | None:
    try:
        return read_certificate(certificate)
    except InputError:
        return None
