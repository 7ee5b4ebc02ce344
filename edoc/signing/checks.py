"""What is checked before a key is used (NĐ 68/2024/NĐ-CP Arts 29, 31 and 32; NĐ 30/2020/NĐ-CP Art 32).

A failed check stops the signing with its reason; what was checked, and the evidence, is kept with the result.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

from edoc.core.chain import CertificateFacts, CertificateKind, ChainFacts, ChainStatus
from edoc.core.policy import Policy
from edoc.core.ports import Holder
from edoc.core.report import Indication, SignatureType
from edoc.core.zone import VIETNAM
from edoc.errors import Refused, Unavailable
from edoc.pdf.document import Document, open_pdf
from edoc.pdf.files import Source
from edoc.policies import load_policy
from edoc.trust.certificates import read_certificate
from edoc.trust.chain import examine as examine_chain
from edoc.trust.fetch import Fetcher
from edoc.trust.revocation import Freshness
from edoc.trust.store import Trust
from edoc.verification import verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check before signing, with its outcome: `passed`, or `skipped`; a failed one stops the signing."""

    name: str
    outcome: Literal["passed", "skipped"]
    detail: str = ""


SKIPPED: Final = (Check(name="all", outcome="skipped", detail="switched off by the caller (checks=none)"),)
_ADVICE: Final = {
    ChainStatus.NO_PATH: "Check the trust store, or ask the CA for its certificates.",
    ChainStatus.NOT_YET_VALID: "Check the clock of this machine.",
    ChainStatus.EXPIRED: "Sign with a renewed certificate.",
    ChainStatus.REVOKED: "Ask the CA for a new certificate.",
    ChainStatus.REVOCATION_UNKNOWN: "Add the CA's current CRL to the trust store, or allow going online.",
    ChainStatus.BAD_USAGE: "Use a certificate for signing documents.",
    ChainStatus.INVALID: "Ask the CA that issued it.",
}


def check_certificate(
    holder: Holder,
    *,
    kind: CertificateKind,
    trust: Trust | None,
    at: dt.datetime,
    fetcher: Fetcher | None = None,
    freshness: Freshness | None = None,
) -> tuple[ChainFacts, tuple[Check, ...]]:
    """Check whether a certificate may sign as this kind of signer at this time (NĐ 68/2024 Arts 31 and 32).

    Period, scope, path, and status by CRL or OCSP; without a fetcher from what the trust store holds, with
    one as fresh as `freshness` demands. Raises `Refused` with the first check that fails, `Unavailable` if
    nobody says now whether it was revoked.
    """
    if trust is None or not trust.roots:
        raise Refused(
            "the certificate cannot be checked before signing because no trusted root was given.",
            advice="Give a trust store (--trust), or switch the checks off for a test (--checks none).",
        )
    signer_facts = read_certificate(holder.certificate)
    chain = examine_chain(
        holder.certificate,
        trust=trust,
        at=at,
        others=holder.chain,
        fetcher=fetcher,
        freshness=freshness,
    )
    if chain.status is ChainStatus.REVOCATION_UNKNOWN and fetcher is not None:
        raise Unavailable(
            _explain(chain, signer_facts), advice="Try again later, or give the CA's current CRL."
        )
    if chain.status is not ChainStatus.OK:
        raise Refused(_explain(chain, signer_facts), advice=_ADVICE[chain.status])
    if signer_facts.kind is not kind:
        raise Refused(
            f"the certificate of {signer_facts.common_name} is of the kind {signer_facts.kind}, "
            f"which does not sign as {kind}.",
            advice="Use the key that belongs to the role.",
        )
    until = f"{signer_facts.not_before.isoformat()} to {signer_facts.not_after.isoformat()}"
    return chain, (
        Check(name="validity_period", outcome="passed", detail=until),
        Check(name="certification_path", outcome="passed", detail=f"{len(chain.path)} certificates"),
        Check(name="revocation", outcome="passed", detail=f"not revoked by {chain.revocation_source}"),
        Check(name="key_usage", outcome="passed"),
        Check(name="kind", outcome="passed", detail=str(signer_facts.kind)),
    )


def _explain(chain: ChainFacts, facts: CertificateFacts) -> str:
    who = f"the certificate of {facts.common_name}"
    first, last = facts.not_before.astimezone(VIETNAM), facts.not_after.astimezone(VIETNAM)
    return {
        ChainStatus.EXPIRED: f"{who} expired on {last:%Y-%m-%d}.",
        ChainStatus.NOT_YET_VALID: f"{who} is valid only from {first:%Y-%m-%d} on.",
        ChainStatus.NO_PATH: f"{who} leads to no trusted root.",
        ChainStatus.REVOKED: f"{who} is revoked.",
        ChainStatus.REVOCATION_UNKNOWN: f"whether {who} is revoked cannot be found out now.",
    }.get(chain.status, f"{who} may not sign documents: {chain.detail.rstrip('.')}.")


def require_person_signed(
    src: Source,
    *,
    trust: Trust,
    at: dt.datetime,
    fetcher: Fetcher | None = None,
    policy: str = "nd68",
    password: str | None = None,
) -> None:
    """Raise `Refused` unless a competent person validly signed the PDF and no signature in it failed.

    Raises `PdfError` if the file cannot be read.
    """
    with open_pdf(src, password=password) as document:
        check_person(document, trust=trust, policy=load_policy(policy), at=at, fetcher=fetcher)


def check_person(
    document: Document, *, trust: Trust, policy: Policy, at: dt.datetime, fetcher: Fetcher | None
) -> Check:
    """Check that a competent person validly signed the document, and that no signature in it failed.

    Raises `Refused` with every reason (NĐ 30/2020 Art 32).
    """
    document.stream.seek(0)
    (report,) = verify(
        document.stream,
        trust=trust,
        policy=policy,
        at=at,
        offline=fetcher is None,
        fetcher=fetcher,
        password=document.password,
    ).files
    persons = [
        signature.signer.common_name
        for signature in report.signatures
        if signature.type is SignatureType.SIGNATURE
        and signature.indication is Indication.TOTAL_PASSED
        and signature.signer is not None
        and signature.signer.kind is CertificateKind.PERSON
    ]
    if not persons or report.indication is Indication.TOTAL_FAILED:
        reasons = " ".join(reason.text for reason in report.reasons)
        raise Refused(
            f"the seal goes only on a document that a competent person validly signed. {reasons}".strip(),
            where=document.where,
            advice="Have the person sign first (NĐ 30/2020 Art 32).",
        )
    return Check(name="person_signature", outcome="passed", detail=", ".join(persons))
