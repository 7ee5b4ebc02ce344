"""What CRLs and OCSP answers together prove about a certificate at one instant (NĐ 68/2024 Art 31).

Data count when the instant lies in [thisUpdate, nextUpdate] or they were issued later. Among data that
count, a revocation at or before the instant wins over any number of good answers; only a hold may be lifted,
by newer data from before the instant. What came with a document is untrusted until its signature holds under
the key of the issuer that the path names.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from edoc.trust.crls import parse_crl, read_crl
from edoc.trust.ocsps import parse_response, read_response
from edoc.trust.statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What all statements together say at one instant."""

    known: bool
    """False if nothing counts: silence is not innocence."""
    revoked_at: datetime | None = None
    deciding: Statement | None = None


class RevocationData:
    """CRLs and OCSP answers at hand, parsed once; whatever cannot be parsed is passed over."""

    def __init__(self, *, crls: Iterable[bytes] = (), ocsps: Iterable[bytes] = ()) -> None:
        self._crls = [parsed for der in dict.fromkeys(crls) for parsed in parse_crl(der)]
        self._ocsps = [parsed for der in dict.fromkeys(ocsps) for parsed in parse_response(der)]

    def add_crl(self, der: bytes) -> None:
        """Add a CRL that was fetched."""
        self._crls.extend(parse_crl(der))

    def judge(self, certificate: x509.Certificate, issuer: x509.Certificate, *, at: datetime) -> Verdict:
        """Say whether `certificate`, which `issuer` issued, was revoked at `at`."""
        statements = self._collect(certificate, issuer)
        return _weigh([found for found in statements if found.counts(at)], at=at)

    def _collect(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[Statement]:
        for crl in self._crls:
            yield from read_crl(crl, certificate, issuer)

        def is_unrevoked(responder: x509.Certificate, at: datetime) -> bool:
            # Only CRLs here: a responder cannot vouch for itself.
            found = [said for crl in self._crls for said in read_crl(crl, responder, issuer)]
            verdict = _weigh([said for said in found if said.counts(at)], at=at)
            return verdict.known and verdict.revoked_at is None

        for response in self._ocsps:
            yield from read_response(response, certificate, issuer, is_unrevoked=is_unrevoked)


def _weigh(counting: list[Statement], *, at: datetime) -> Verdict:
    if not counting:
        return Verdict(known=False)
    revoked = [found for found in counting if _is_revoked(found, counting, at=at)]
    if revoked:
        first = min(revoked, key=lambda found: found.revoked_at or at)
        return Verdict(known=True, revoked_at=first.revoked_at, deciding=first)
    return Verdict(known=True, deciding=max(counting, key=lambda found: found.this_update))


def _is_revoked(statement: Statement, all_counting: list[Statement], *, at: datetime) -> bool:
    if statement.revoked_at is None or statement.revoked_at > at:
        return False
    return not statement.on_hold or not any(
        newer.revoked_at is None and statement.this_update < newer.this_update <= at for newer in all_counting
    )
