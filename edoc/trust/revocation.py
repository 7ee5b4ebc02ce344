"""What CRLs and OCSP answers together prove about a certificate at one instant (NĐ 68/2024 Art 31).

Data count when the instant lies in [thisUpdate, nextUpdate] or they were issued later; a final revocation
counts however old the data are that tell it. Among data that count, a revocation at or before the instant
wins over any number of good answers; only a hold may be lifted, by newer data from before the instant. What
came with a document is untrusted until its signature holds under the key of the issuer that the path names.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from edoc.trust.crls import parse_crl, read_crl
from edoc.trust.ocsps import parse_response, read_response
from edoc.trust.records import Certificate
from edoc.trust.statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old what is known of a certificate may be before its key is used (EN 319 102-1, 5.2.5)."""

    ask_after: timedelta
    """The CA is asked, although data at hand count, unless it said something less long ago."""
    at_most: timedelta
    """If the CA does not answer: what says good and is older does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When it is judged, and what counts then."""

    at: datetime
    historic: frozenset[str] = frozenset()
    """Weak digests that count nevertheless."""
    issued_after: datetime | None = None
    """Data count only if they are not older than this; None if their age does not matter."""
    remembering: bool = False
    """Of what has expired only such data say good that remember it."""
    issued_before: datetime | None = None
    """Data of this time or later say nothing good: their issuer was revoked by then."""

    def accept(self, statement: Statement) -> bool:
        """Tell whether a statement counts."""
        strong = not statement.digest or statement.digest in self.historic
        revoked_at = statement.revoked_at
        if strong and revoked_at is not None and revoked_at <= self.at and not statement.on_hold:
            # EN 319 102-1, 5.2.6, step 4: freshness is asked only of what says good. CAs drop what expired.
            return True
        recent = self.issued_after is None or self.issued_after <= statement.this_update
        silent = self.remembering and statement.forgets
        late = self.issued_before is not None and self.issued_before <= statement.this_update
        return strong and recent and not silent and not late and statement.counts(self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What all statements together say at one instant."""

    known: bool
    """False if nothing counts: silence is not innocence."""
    revoked_at: datetime | None = None
    on_hold: bool = False
    """It was revoked only for the time being."""
    ended_at: datetime | None = None
    """When it was revoked for good later, if that is known."""
    deciding: Statement | None = None


class RevocationData:
    """CRLs and OCSP answers at hand; whatever cannot be parsed is passed over."""

    def __init__(self, *, crls: Iterable[bytes] = (), ocsps: Iterable[bytes] = ()) -> None:
        self._crls = [parsed for parsed in map(parse_crl, dict.fromkeys(crls)) if parsed]
        self._ocsps = [parsed for parsed in map(parse_response, dict.fromkeys(ocsps)) if parsed]

    def add_crl(self, der: bytes) -> None:
        """Add a CRL that was fetched."""
        parsed = parse_crl(der)
        if parsed is not None:
            self._crls.append(parsed)

    def add_ocsp(self, der: bytes) -> None:
        """Add an OCSP answer that was fetched."""
        parsed = parse_response(der)
        if parsed is not None:
            self._ocsps.append(parsed)

    def judge(self, certificate: Certificate, issuer: Certificate, terms: Terms) -> Verdict:
        """Say whether `certificate`, which `issuer` issued, was revoked at the time of `terms`."""
        statements = self._read_crls(certificate, issuer)

        def find_clearance(responder: Certificate, moment: datetime) -> Statement | None:
            # Only CRLs here: a responder cannot vouch for itself.
            found = _weigh(self._read_crls(responder, issuer), Terms(at=moment))
            return found.deciding if found.revoked_at is None else None

        for response in self._ocsps:
            statements += read_response(response, certificate, issuer, find_clearance=find_clearance)
        return _weigh(statements, terms)

    def _read_crls(self, certificate: Certificate, issuer: Certificate) -> list[Statement]:
        return [said for crl in self._crls for said in read_crl(crl, certificate, issuer)]


def _weigh(statements: list[Statement], terms: Terms) -> Verdict:
    at = terms.at
    counting = [found for found in statements if terms.accept(found)]
    if not counting:
        return Verdict(known=False)
    revoked = [found for found in counting if _is_revoked(found, counting, at=at)]
    if revoked:
        first = min(revoked, key=lambda found: found.revoked_at or at)
        on_hold = all(found.on_hold for found in revoked)
        return Verdict(known=True, revoked_at=first.revoked_at, on_hold=on_hold, deciding=first)
    later = (found.revoked_at for found in counting if found.revoked_at and not found.on_hold)
    return Verdict(known=True, ended_at=min(later, default=None), deciding=max(counting, key=_rank))


def _rank(statement: Statement) -> tuple[bool, datetime]:
    """What remembers the certificate decides before what need not; then the newer."""
    return not statement.forgets, statement.this_update


def _is_revoked(statement: Statement, all_counting: list[Statement], *, at: datetime) -> bool:
    if statement.revoked_at is None or statement.revoked_at > at:
        return False
    return not statement.on_hold or not any(
        newer.revoked_at is None and statement.this_update < newer.this_update <= at for newer in all_counting
    )
