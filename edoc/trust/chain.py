"""Examine one certificate at one instant: path, periods, revocation, usage (NĐ 68/2024 Arts 31 and 32).

    facts = examine(certificate, trust=Trust.load("roots"), at=signing_time, others=embedded)
    facts.status is ChainStatus.OK

Nothing is fetched unless a fetcher is handed in; the same inputs always give the same facts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final

from cryptography import x509

from edoc.core.chain import Algorithm, ChainFacts, ChainStatus
from edoc.errors import InputError
from edoc.trust.certificates import MALFORMED, is_development_root
from edoc.trust.enquiry import Enquiry
from edoc.trust.fetch import Fetcher
from edoc.trust.paths import Flaw, Pool, validate_path
from edoc.trust.records import Certificate, load_record
from edoc.trust.revocation import Freshness, RevocationData, Terms, Verdict
from edoc.trust.statements import Source, Statement
from edoc.trust.store import Trust

MAX_CLIMBS: Final = 4
"""How many certificates above the leaf a missing issuer is asked for."""


class Usage(StrEnum):
    """What the certificate was used for."""

    SIGNING = "signing"
    """Signing documents: digitalSignature or nonRepudiation, and not reserved for time-stamps or OCSP."""
    TIMESTAMPING = "timestamping"
    """Signing time-stamp tokens: the extended key usage timeStamping (RFC 3161 section 2.3)."""


_OUT_OF_PERIOD: Final = frozenset({ChainStatus.EXPIRED, ChainStatus.NOT_YET_VALID})
_SERVICES: Final = frozenset({"time_stamping", "ocsp_signing"})


def examine(
    certificate: bytes,
    *,
    trust: Trust,
    at: datetime,
    others: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    ocsps: Iterable[bytes] = (),
    usage: Usage = Usage.SIGNING,
    fetcher: Fetcher | None = None,
    historic: frozenset[str] = frozenset(),
    issued_after: datetime | None = None,
    remembering: bool = False,
    freshness: Freshness | None = None,
) -> ChainFacts:
    """Examine `certificate` (DER) at the instant `at` under `trust`; a bad certificate never raises.

    `others`, `crls` and `ocsps` (DER) came with the document and are untrusted. Every certificate below the
    root needs revocation data that count (see `revocation`). With a `fetcher`, what is missing is asked for
    at the addresses that the certificates name: issuers, and for a certificate without such data its OCSP
    answer, then its CRL. `historic` digests count in certificates and CRLs although they are weak by now;
    what is older than `issued_after` does not. If `remembering`, what says good of an expired certificate
    must say that it remembers those. With `freshness` and a fetcher, the certificate's own status is asked
    for although data at hand count, unless they are as new as that demands. Raises `InputError` only if `at`
    has no time zone.
    """
    if at.tzinfo is None:
        raise InputError("a time without its zone says nothing.", advice="Give a time with its offset.")
    try:
        return _Examination(
            leaf=load_record(certificate),
            at=at,
            usage=usage,
            pool=Pool(trust.roots, trust.intermediates, others),
            revocation=RevocationData(crls=(*trust.crls, *crls), ocsps=ocsps),
            enquiry=None if fetcher is None else Enquiry(fetcher),
            terms=Terms(at=at, historic=historic, issued_after=issued_after, remembering=remembering),
            freshness=None if fetcher is None else freshness,
        ).conclude()
    except MALFORMED as error:
        detail = f"the certificate cannot be processed ({type(error).__name__})."
        return ChainFacts(at=at, status=ChainStatus.INVALID, detail=detail, path=(certificate,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Examination:
    leaf: Certificate
    at: datetime
    usage: Usage
    pool: Pool
    revocation: RevocationData
    enquiry: Enquiry | None
    terms: Terms
    freshness: Freshness | None = None

    def conclude(self) -> ChainFacts:
        """The facts of the first path that holds, else of the most telling one that does not."""
        failed: list[ChainFacts] = []
        for path in self._find_paths():
            facts = self._follow(path)
            if facts.status is ChainStatus.OK:
                return facts
            failed.append(facts)
        if not failed:
            trouble = "" if self.enquiry is None else self.enquiry.describe_trouble()
            return ChainFacts(
                at=self.at,
                status=ChainStatus.NO_PATH,
                detail=f"no path leads to a trusted root; the issuer is {self.leaf.issuer_text}.{trouble}",
                path=(self.leaf.der,),
            )
        # A namesake with another key makes a path INVALID; what the real issuer's path says tells more.
        return next((facts for facts in failed if facts.status is not ChainStatus.INVALID), failed[0])

    def _find_paths(self) -> list[tuple[Certificate, ...]]:
        paths = list(self.pool.find_paths(self.leaf))
        orphans = [self.leaf]
        for _ in range(MAX_CLIMBS):
            if paths or self.enquiry is None or not orphans:
                break
            orphans = [found for orphan in orphans for found in self.enquiry.find_issuers(orphan)]
            if not self.pool.add(orphans):
                break
            paths = list(self.pool.find_paths(self.leaf))
        return paths

    def _follow(self, path: tuple[Certificate, ...]) -> ChainFacts:
        facts = ChainFacts(
            at=self.at,
            status=ChainStatus.OK,
            path=tuple(found.der for found in path),
            development=is_development_root(path[-1].der),
            algorithms=tuple(_name_algorithm(one, issuer) for one, issuer in pairwise(path)),
        )
        flaw = validate_path(path, at=self.at, historic=self.terms.historic)
        if flaw is None:
            facts = self._check_revocation(facts, path)
            if facts.status is ChainStatus.OK:
                flaw = _check_usage(self.leaf, self.usage)
        elif flaw.status in _OUT_OF_PERIOD and not self.leaf.covers(self.at):
            return self._look_back(facts, path, flaw)
        if flaw is None:
            return facts
        above = flaw.status in _OUT_OF_PERIOD
        return replace(facts, status=flaw.status, detail=flaw.detail, weak=flaw.weak, is_authority=above)

    def _look_back(self, facts: ChainFacts, path: tuple[Certificate, ...], flaw: Flaw) -> ChainFacts:
        """What else is known of a leaf outside its period (EN 319 102-1, 5.2.6, steps 4 and 7).

        Whether it was revoked is asked for when its period ended or began, from what is at hand.
        """
        moment = min(max(self.at, self.leaf.not_before), self.leaf.not_after)
        past = replace(self, terms=replace(self.terms, at=moment), enquiry=None, freshness=None)
        if validate_path(path, at=moment, historic=self.terms.historic) is None:
            facts = past._check_revocation(facts, path)  # noqa: SLF001 - itself, at another time
            if facts.status is ChainStatus.REVOKED:
                return facts
        known = facts.status is ChainStatus.OK and bool(facts.evidence)
        return replace(facts, status=flaw.status, detail=flaw.detail, not_revoked=known)

    def _check_revocation(self, facts: ChainFacts, path: tuple[Certificate, ...]) -> ChainFacts:
        # From the root downwards: a CA must stand before its CRL says anything.
        deciding: list[Statement] = []
        terms = self.terms
        for issuer, certificate in pairwise(reversed(path)):
            verdict = self._judge(certificate, issuer, terms)
            if verdict.deciding is None:
                trouble = "" if self.enquiry is None else self.enquiry.describe_trouble()
                return replace(
                    facts,
                    status=ChainStatus.REVOCATION_UNKNOWN,
                    detail="no CRL or OCSP answer that counts says whether "
                    f"{_name(certificate.x509)} was revoked.{trouble}",
                )
            if verdict.revoked_at is not None:
                revoked = replace(
                    facts,
                    status=ChainStatus.REVOKED,
                    detail=f"{_name(certificate.x509)} was revoked at {verdict.revoked_at.isoformat()}.",
                    revoked_at=verdict.revoked_at,
                    is_authority=certificate is not self.leaf,
                    on_hold=verdict.on_hold,
                )
                return _add_evidence(revoked, [verdict.deciding])
            deciding.append(verdict.deciding)
            # Whoever holds the key of a CA that was revoked meanwhile can sign CRLs that say good.
            terms = replace(self.terms, issued_before=verdict.ended_at)
        return _add_evidence(facts, deciding)

    def _judge(self, certificate: Certificate, issuer: Certificate, terms: Terms) -> Verdict:
        # Root CAs issue CRLs once or twice a year: only the leaf's status can be fresh.
        if self.freshness is None or certificate is not self.leaf:
            return self._ask(certificate, issuer, terms)
        latest = replace(terms, issued_after=self.at - self.freshness.ask_after)
        verdict = self._ask(certificate, issuer, latest)
        if verdict.known:
            return verdict
        # Nobody said anything newer: what there is decides, unless it is too old.
        settled = replace(terms, issued_after=self.at - self.freshness.at_most)
        return self.revocation.judge(certificate, issuer, settled)

    def _ask(self, certificate: Certificate, issuer: Certificate, terms: Terms) -> Verdict:
        verdict = self.revocation.judge(certificate, issuer, terms)
        if self.enquiry is None or verdict.known:
            return verdict
        for found in self.enquiry.find_revocation(certificate, issuer):
            if found.source is Source.OCSP:
                self.revocation.add_ocsp(found.der)
            else:
                self.revocation.add_crl(found.der)
            verdict = self.revocation.judge(certificate, issuer, terms)
            if verdict.known:
                break
            if not self.revocation.judge(certificate, issuer, replace(terms, issued_after=None)).known:
                self.enquiry.reject(found)  # not if it is only older than one would like
        return verdict


def _add_evidence(facts: ChainFacts, deciding: list[Statement]) -> ChainFacts:
    if not deciding:
        return facts
    crls = [found.der for found in deciding if found.source is Source.CRL]
    crls += [der for found in deciding for der in found.support]
    every = [der for found in deciding for der in (found.der, *found.support)]
    return replace(
        facts,
        revocation_source=deciding[-1].source,
        evidence=tuple(dict.fromkeys(every)),
        crls=tuple(dict.fromkeys(crls)),
        ocsps=tuple(dict.fromkeys(found.der for found in deciding if found.source is Source.OCSP)),
        forgets=any(found.forgets for found in deciding),
        vouched=tuple((found.der, found.until) for found in deciding if found.until is not None),
        revocation_algorithms=tuple(dict.fromkeys(one for found in deciding for one in found.algorithms)),
    )


def _check_usage(leaf: Certificate, usage: Usage) -> Flaw | None:
    key_usages, extended = leaf.usages, leaf.extended_usages
    signs = key_usages is None or bool(key_usages & {"digital_signature", "non_repudiation"})
    if usage is Usage.TIMESTAMPING:
        fits = signs and extended is not None and "time_stamping" in extended
    else:
        fits = signs and not (extended and extended <= _SERVICES)
    if fits:
        return None
    stated = ", ".join(sorted({*(key_usages or ()), *(extended or ())})) or "nothing"
    return Flaw(
        status=ChainStatus.BAD_USAGE,
        detail=f"the certificate is not for {usage}; it states {stated.replace('_', ' ')}.",
    )


def _name_algorithm(certificate: Certificate, issuer: Certificate) -> Algorithm:
    return Algorithm(certificate.signature_digest, issuer.key_kind, issuer.key_bits)


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[-1].value) if names else certificate.subject.rfc4514_string()
