"""Judge signatures from evidence; never fetch, never read a clock.

Rules: the checks stand in one table; each leaves its answer in the report; the first that fails decides the
indication, so failures that prove alteration stand before doubts; what no check has found good never passes.
Words and order follow ETSI EN 319 102-1, 5.2 to 5.6: which of its processes applies (basic, with time, with
archival data) follows from the proofs that are there. Serves NĐ 68/2024 Arts 31 and 32.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from edoc.core import account
from edoc.core.case import Answer, Case, Check, bad, good
from edoc.core.chain import ChainFacts, ChainStatus
from edoc.core.evidence import FileEvidence, SignatureFacts, TimestampFacts
from edoc.core.form import (
    check_certainty,
    check_changes,
    check_coverage,
    check_cryptography,
    check_digest,
    check_format,
)
from edoc.core.messages import say, show_time
from edoc.core.parcel import apply_package_rule
from edoc.core.policy import Policy
from edoc.core.proofs import (
    accept_stamp,
    doubt_stamp,
    find_best_time,
    find_start,
    find_unproven,
    find_weak_links,
    list_proofs,
    name_algorithm,
    name_flaw,
)
from edoc.core.report import (
    FileReport,
    Indication,
    Report,
    SignatureReport,
    SignatureType,
    Signer,
    SubIndication,
)
from edoc.core.rule import Expected, apply_rule

_FAILED, _UNSURE = Indication.TOTAL_FAILED, Indication.INDETERMINATE


def judge(
    files: tuple[FileEvidence, ...],
    policy: Policy,
    at: datetime,
    *,
    rule: str = "none",
    expected: Expected | None = None,
) -> Report:
    """Judge files at one instant under one policy and one document rule."""
    return Report(
        validation_time=at,
        policy_name=policy.name,
        policy_sha256=policy.sha256,
        rule=rule,
        files=tuple(_judge_file(file, policy, at, rule, expected) for file in files),
    )


def _judge_file(
    file: FileEvidence, policy: Policy, at: datetime, rule: str, expected: Expected | None
) -> FileReport:
    messages = [say(fault.code, fault.detail) for fault in (file.unreadable, *file.faults) if fault]
    if file.unreadable:
        return FileReport(
            path=file.path,
            sha256=file.sha256,
            size=file.size,
            format=file.format,
            readable=False,
            messages=tuple(messages),
        )
    exhibits = account.index(file)
    signatures = tuple(_judge_signature(facts, file, policy, at, exhibits) for facts in file.signatures)
    signatures = tuple(_doubt(report, signatures) for report in signatures)
    inside = tuple(_judge_file(inner, policy, at, "none", None) for inner in file.inside)
    if not signatures:
        signed_inside = any(report.worst for report in inside)
        messages.append(say("PACKAGE_NOT_SIGNED") if signed_inside else say("UNSIGNED"))
    if any(signature.development for signature in signatures):
        messages.insert(0, say("DEV_TRUST"))
    if file.package is None:
        verdict = apply_rule(rule, signatures, file.fields, expected)
    else:
        verdict, inside = apply_package_rule(rule, file, signatures, inside, expected)
    if verdict.passed:
        messages.append(say("RULE_PASSED"))
    return FileReport(
        path=file.path,
        sha256=file.sha256,
        size=file.size,
        format=file.format,
        signatures=signatures,
        messages=tuple(messages),
        document_rule=verdict,
        evidence=account.list_evidence(file),
        inside=inside,
    )


def _doubt(report: SignatureReport, others: tuple[SignatureReport, ...]) -> SignatureReport:
    """What a later signature shows on a page is permitted to a valid one only, so both stand or fall."""
    shown = {change.field for change in report.changes if change.page is not None}
    failed = [other for other in others if other.field in shown and other.signed_bytes > report.signed_bytes]
    failed = [other for other in failed if other.indication is not Indication.TOTAL_PASSED]
    if report.indication is not Indication.TOTAL_PASSED or not failed:
        return report
    return replace(
        report,
        indication=_UNSURE,
        sub_indication=SubIndication.SIG_CONSTRAINTS_FAILURE,
        messages=(*report.messages, say("LATER_SIGNATURE_DOUBTFUL", failed[0].field)),
    )


def _judge_signature(
    facts: SignatureFacts, file: FileEvidence, policy: Policy, at: datetime, exhibits: account.Exhibits
) -> SignatureReport:
    later = list_proofs(file, facts, at, policy)
    time, source = find_best_time(facts, later, at, policy)
    case = Case(
        facts=facts,
        policy=policy,
        at=at,
        time=time,
        source=source,
        later=tuple(later),
        start=find_start(file, facts, at, policy),
    )
    asked = [(check, check(case)) for check in CHECKS]
    answers = [answer for _, found in asked for answer in found]
    decisive = next((answer for answer in answers if answer.indication is not None), None)
    development = any(chain.development for chain in _chains(facts))
    return SignatureReport(
        field=facts.field,
        type=facts.type,
        level=facts.level,
        indication=decisive.indication if decisive and decisive.indication else Indication.TOTAL_PASSED,
        sub_indication=decisive.sub_indication if decisive else None,
        intact=facts.intact,
        coverage=facts.coverage,
        changes_after=facts.changes.kind,
        changes_allowed=not check_changes(case, only_failures=True),
        locked=facts.lock.whole,
        signer=_describe(facts),
        claimed_time=facts.claimed_time,
        best_time=time,
        time_source=source,
        development=development,
        subfilter=facts.subfilter,
        digest_algorithm=facts.digest_algorithm,
        signature_algorithm=facts.signature_algorithm,
        key_bits=facts.key_bits,
        signed_bytes=facts.end,
        value=facts.value,
        changes=account.list_changes(facts.changes),
        time_stamps=account.list_stamps(facts, exhibits, policy, at),
        certificates=account.list_certificates(facts.chain, exhibits),
        revocation=account.list_revocation(facts.chain, exhibits),
        revoked_at=facts.chain.revoked_at if facts.chain else None,
        stages=tuple(account.describe_stage(check, found, facts) for check, found in asked),
        messages=(*((say("DEV_TRUST"),) if development else ()), *(answer.message for answer in answers)),
    )


def _chains(facts: SignatureFacts) -> list[ChainFacts]:
    chains = [facts.chain, facts.timestamp.chain if facts.timestamp else None]
    return [chain for chain in chains if chain is not None]


def _describe(facts: SignatureFacts) -> Signer | None:
    if facts.signer is None:
        return None
    return Signer(
        common_name=facts.signer.common_name,
        organization=facts.signer.organization,
        serial_number=facts.signer.serial_number,
        issuer=facts.signer.issuer,
        not_before=facts.signer.not_before,
        not_after=facts.signer.not_after,
        kind=facts.signer.kind,
    )


def check_time(case: Case) -> tuple[Answer, ...]:
    """Ask what proves when the signature was made (5.4; 5.5.4, steps 1 to 4)."""
    stamp = case.facts.timestamp
    is_stamp = case.facts.type is SignatureType.DOCUMENT_TIMESTAMP
    answers: tuple[Answer, ...] = ()
    if stamp is not None:
        answers = _look_ahead(case, stamp) if is_stamp else _weigh_stamp(case, stamp)
    return (*answers, *good("TIME_PROVEN" if case.proven else "TIME_NOT_PROVEN", show_time(case.time)))


def _weigh_stamp(case: Case, stamp: TimestampFacts) -> tuple[Answer, ...]:
    tolerance = case.policy.tolerance
    if not stamp.intact:
        return good("TIMESTAMP_BROKEN", stamp.fault)
    proven = accept_stamp(stamp, case.policy, case.at)
    older = stamp.time is not None and any(time + tolerance < stamp.time for time in case.later)
    # 5.5.4, step 4 e: no older than what is among the signed bytes.
    if older or (proven and case.start and proven + tolerance < case.start):
        return bad("TIMESTAMP_ORDER", _UNSURE, SubIndication.TIMESTAMP_ORDER_FAILURE)
    return () if proven else good("TIMESTAMP_UNTRUSTED", _tell_stamp(case, stamp))


def _look_ahead(case: Case, stamp: TimestampFacts) -> tuple[Answer, ...]:
    """Whether a document time-stamp is of a time that has not come, or later than what covers it."""
    if not case.policy.trust_required or stamp.time is None:
        return ()
    if stamp.time <= case.time + case.policy.tolerance:
        return ()
    sub = SubIndication.TIMESTAMP_ORDER_FAILURE
    return bad("TIMESTAMP_AHEAD", _UNSURE, sub, show_time(stamp.time))


def _tell_stamp(case: Case, stamp: TimestampFacts) -> str:
    if stamp.chain is None or stamp.chain.status is not ChainStatus.OK:
        return stamp.chain.detail if stamp.chain else "nobody vouches for its authority."
    match doubt_stamp(stamp, case.policy, case.at):
        case SubIndication.TIMESTAMP_ORDER_FAILURE if stamp.time:
            return f"its time, {show_time(stamp.time)}, lies ahead."
        case SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE:
            return "nothing proves that its revocation data are as old as they say."
        case _:
            return "its algorithms do not count any more."


def check_chain(case: Case) -> tuple[Answer, ...]:
    """Ask whether the path holds at the best signature time (5.2.6; NĐ 68/2024 Arts 31 and 32)."""
    if not case.policy.trust_required:
        return good("CHAIN_NOT_CHECKED")
    if case.facts.certificate is None:
        # Where the form was at fault that is said already.
        missing = bad("NO_SIGNER_CERTIFICATE", _UNSURE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND)
        return () if case.facts.faults else missing
    if case.facts.signer is None:
        return bad("CERTIFICATE_UNREADABLE", _UNSURE, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE)
    return _judge_chain(case, case.facts.chain)


def _judge_chain(case: Case, chain: ChainFacts | None) -> tuple[Answer, ...]:
    if chain is None:
        return bad("CHAIN_NOT_FOUND", _UNSURE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
    if chain.status is ChainStatus.OK:
        return _judge_sound_chain(case, chain)
    if (failure := _find_failure(case, chain)) is not None:
        return failure
    if chain.status is ChainStatus.REVOCATION_UNKNOWN and case.policy.missing_revocation == "ignore":
        return good("REVOCATION_IGNORED", chain.detail)
    sub = name_flaw(chain)
    if chain.status is ChainStatus.REVOKED and sub is SubIndication.TRY_LATER:
        return bad("CERTIFICATE_ON_HOLD", _UNSURE, sub, chain.detail)
    return bad("ALGORITHM_WEAK" if chain.weak else _CODES[chain.status], _UNSURE, sub, chain.detail)


def _find_failure(case: Case, chain: ChainFacts) -> tuple[Answer, ...] | None:
    """What proves that the signature was made when its certificate did not count; None if nothing does.

    Proven to exist before it began (5.5.4, step 4), or to be made after it ended (5.3.4, step 4).
    """
    if chain.is_authority:
        return None
    start, revoked, signer = case.start, chain.revoked_at, case.facts.signer
    if chain.status is ChainStatus.NOT_YET_VALID and case.proven:
        return bad("CERTIFICATE_NOT_YET_VALID", _FAILED, SubIndication.NOT_YET_VALID, chain.detail)
    if start is None:
        return None
    if chain.status is ChainStatus.EXPIRED and signer and start > signer.not_after:
        return bad("SIGNED_AFTER_EXPIRY", _FAILED, SubIndication.EXPIRED, show_time(start))
    if chain.status is ChainStatus.REVOKED and not chain.on_hold and revoked and start > revoked:
        return bad("SIGNED_AFTER_REVOCATION", _FAILED, SubIndication.REVOKED, show_time(start))
    return None


def _judge_sound_chain(case: Case, chain: ChainFacts) -> tuple[Answer, ...]:
    kinds, signer = case.policy.kinds, case.facts.signer
    if kinds and signer and case.facts.type is SignatureType.SIGNATURE and signer.kind not in kinds:
        return bad("CERTIFICATE_KIND", _UNSURE, SubIndication.CHAIN_CONSTRAINTS_FAILURE, signer.kind)
    # Whoever vouched for the data cannot any more; they must be known to be older than that.
    if ended := find_unproven(chain, case.policy):
        sub = SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE
        return bad("REVOCATION_NOT_PROVEN", _UNSURE, sub, show_time(ended))
    return (*good("CHAIN_OK"), *(good("REVOCATION_MAY_FORGET") if chain.forgets else ()))


_CODES: Final = {
    ChainStatus.NO_PATH: "CHAIN_NOT_FOUND",
    ChainStatus.NOT_YET_VALID: "CERTIFICATE_NOT_YET_VALID",
    ChainStatus.EXPIRED: "CERTIFICATE_EXPIRED",
    ChainStatus.REVOKED: "CERTIFICATE_REVOKED",
    ChainStatus.REVOCATION_UNKNOWN: "REVOCATION_UNKNOWN",
    ChainStatus.BAD_USAGE: "CERTIFICATE_BAD_USAGE",
    ChainStatus.INVALID: "CHAIN_INVALID",
}


def check_algorithms(case: Case) -> tuple[Answer, ...]:
    """Ask whether all algorithms counted when what they signed is known to have existed (5.2.8)."""
    facts, policy = case.facts, case.policy
    own = name_algorithm(facts.digest_algorithm, facts.signature_algorithm, facts.key_bits)
    weak = [policy.find_weakness(own, case.time)]
    # Made when they did not count any more: then no proof can help (5.3.4, step 6).
    hopeless = bool(weak[0] and case.start and policy.find_weakness(own, case.start))
    if facts.chain is not None and policy.trust_required and not facts.chain.weak:
        weak += find_weak_links(facts.chain, policy, case.time, case.at, proven=case.proven)
    told = "; ".join(dict.fromkeys(filter(None, weak)))
    if not told:
        return ()
    failure = SubIndication.CRYPTO_CONSTRAINTS_FAILURE
    sub = failure if hopeless else SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    return bad("ALGORITHM_WEAK", _UNSURE, sub, told)


def check_requirements(case: Case) -> tuple[Answer, ...]:
    """Ask whether the signature has what the policy wants it to have (5.2.8)."""
    policy, sub = case.policy, SubIndication.SIG_CONSTRAINTS_FAILURE
    if case.facts.type is not SignatureType.SIGNATURE:
        return ()
    answers: tuple[Answer, ...] = ()
    claimed = case.facts.claimed_time
    if claimed is not None and claimed > case.time + policy.tolerance:
        told = show_time(claimed)
        strict = bad("CLAIMED_TIME_AHEAD", _UNSURE, sub, told)
        answers += strict if policy.strict else good("CLAIMED_TIME_AHEAD", told)
    if not case.proven and policy.timestamp_required:
        answers += bad("TIMESTAMP_REQUIRED", _UNSURE, sub)
    return answers


CHECKS: Final[tuple[Check, ...]] = (
    check_digest,
    check_format,
    check_cryptography,
    check_coverage,
    check_changes,
    check_certainty,
    check_time,
    check_chain,
    check_algorithms,
    check_requirements,
)
"""Every question, in the order in which the answers decide."""
