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
from typing import Any, Final

from asn1crypto import x509
from cryptography import x509 as cryptography_x509

from edoc.core.chain import ChainFacts, ChainStatus
from edoc.errors import EdocError, InputError
from edoc.trust.certificates import MALFORMED, is_development_root
from edoc.trust.fetch import Fetcher
from edoc.trust.paths import Flaw, Pool, validate_path
from edoc.trust.revocation import RevocationData, Verdict
from edoc.trust.statements import find_extension
from edoc.trust.store import Trust, decode

MAX_ADDRESSES: Final = 3
"""CRL addresses tried per certificate."""


class Usage(StrEnum):
    """What the certificate was used for."""

    SIGNING = "signing"
    """Signing documents: digitalSignature or nonRepudiation, and not reserved for time-stamps or OCSP."""
    TIMESTAMPING = "timestamping"
    """Signing time-stamp tokens: the extended key usage timeStamping (RFC 3161 section 2.3)."""


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
) -> ChainFacts:
    """Examine `certificate` (DER) at the instant `at` under `trust`; a bad certificate never raises.

    `others`, `crls` and `ocsps` (DER) came with the document and are untrusted. Every certificate below the
    root needs revocation data that count (see `revocation`); with a `fetcher`, the CRL of one that has none
    is fetched. Raises `InputError` only if `at` has no time zone.
    """
    if at.tzinfo is None:
        raise InputError("a time without its zone says nothing.", advice="Give a time with its offset.")
    try:
        leaf = x509.Certificate.load(certificate, strict=True)
        return _Examination(
            leaf=leaf,
            at=at,
            usage=usage,
            pool=Pool(trust.roots, trust.intermediates, others),
            revocation=RevocationData(crls=(*trust.crls, *crls), ocsps=ocsps),
            fetcher=fetcher,
        ).conclude()
    except MALFORMED as error:
        detail = f"the certificate cannot be processed ({type(error).__name__})."
        return ChainFacts(at=at, status=ChainStatus.INVALID, detail=detail, path=(certificate,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Examination:
    leaf: Any
    at: datetime
    usage: Usage
    pool: Pool
    revocation: RevocationData
    fetcher: Fetcher | None

    def conclude(self) -> ChainFacts:
        """The facts of the first path that holds, else of the most telling one that does not."""
        failed: list[ChainFacts] = []
        for path in self.pool.find_paths(self.leaf):
            facts = self._follow(path)
            if facts.status is ChainStatus.OK:
                return facts
            failed.append(facts)
        if not failed:
            missing = self.leaf.issuer.human_friendly
            return ChainFacts(
                at=self.at,
                status=ChainStatus.NO_PATH,
                detail=f"no path leads to a trusted root; the issuer is {missing}.",
                path=(self.leaf.dump(),),
            )
        # A namesake with another key makes a path INVALID; what the real issuer's path says tells more.
        return next((facts for facts in failed if facts.status is not ChainStatus.INVALID), failed[0])

    def _follow(self, path: tuple[Any, ...]) -> ChainFacts:
        facts = ChainFacts(
            at=self.at,
            status=ChainStatus.OK,
            path=tuple(found.dump() for found in path),
            development=is_development_root(path[-1].dump()),
        )
        flaw = validate_path(path, at=self.at)
        if flaw is None:
            facts = self._check_revocation(facts)
            if facts.status is ChainStatus.OK:
                flaw = _check_usage(self.leaf, self.usage)
        return facts if flaw is None else replace(facts, status=flaw.status, detail=flaw.detail)

    def _check_revocation(self, facts: ChainFacts) -> ChainFacts:
        # From the root downwards: a CA must stand before its CRL says anything.
        certificates = [cryptography_x509.load_der_x509_certificate(der) for der in reversed(facts.path)]
        evidence: list[bytes] = []
        source = ""
        for issuer, certificate in pairwise(certificates):
            verdict, trouble = self._judge(certificate, issuer)
            name = _name(certificate)
            if verdict.deciding is None:
                detail = f"no CRL or OCSP answer that counts says whether {name} was revoked.{trouble}"
                return replace(facts, status=ChainStatus.REVOCATION_UNKNOWN, detail=detail)
            evidence.append(verdict.deciding.der)
            source = verdict.deciding.source
            if verdict.revoked_at is not None:
                return replace(
                    facts,
                    status=ChainStatus.REVOKED,
                    detail=f"{name} was revoked at {verdict.revoked_at.isoformat()}.",
                    revoked_at=verdict.revoked_at,
                    revocation_source=source,
                    evidence=(verdict.deciding.der,),
                )
        return replace(facts, revocation_source=source, evidence=tuple(dict.fromkeys(evidence)))

    def _judge(
        self, certificate: cryptography_x509.Certificate, issuer: cryptography_x509.Certificate
    ) -> tuple[Verdict, str]:
        verdict = self.revocation.judge(certificate, issuer, at=self.at)
        trouble = ""
        if self.fetcher is None or verdict.known:
            return verdict, trouble
        for url in _list_crl_addresses(certificate)[:MAX_ADDRESSES]:
            try:
                found = decode(self.fetcher.fetch(url))
            except EdocError as error:
                trouble = f" {error}"
                continue
            for der, is_crl in found:
                if is_crl:
                    self.revocation.add_crl(der)
            verdict = self.revocation.judge(certificate, issuer, at=self.at)
            if verdict.known:
                break
        return verdict, trouble


def _check_usage(leaf: Any, usage: Usage) -> Flaw | None:
    key_usages = None if leaf.key_usage_value is None else leaf.key_usage_value.native
    extended = None if leaf.extended_key_usage_value is None else set(leaf.extended_key_usage_value.native)
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


def _list_crl_addresses(certificate: cryptography_x509.Certificate) -> list[str]:
    points = find_extension(certificate, cryptography_x509.CRLDistributionPoints) or ()
    return [
        name.value
        for point in points
        for name in point.full_name or ()
        if isinstance(name, cryptography_x509.UniformResourceIdentifier)
    ]


def _name(certificate: cryptography_x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(cryptography_x509.NameOID.COMMON_NAME)
    return str(names[-1].value) if names else certificate.subject.rfc4514_string()
