"""Judge signatures from evidence; never fetch, never read a clock.

Rules: the checks stand in one table; each leaves its answer in the report; the first that fails decides the
indication, so failures that prove alteration stand before doubts; what no check has found good never passes.
Words and order follow ETSI EN 319 102-1, 5.2 to 5.5. Serves NĐ 68/2024 Arts 31 and 32.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from edoc.core import account
from edoc.core.chain import ChainFacts, ChainStatus
from edoc.core.evidence import Fault, FileEvidence, SignatureFacts, TimestampFacts
from edoc.core.messages import say, show_time
from edoc.core.parcel import apply_package_rule
from edoc.core.policy import Policy
from edoc.core.proofs import accept_stamp, find_best_time, list_proofs, name_algorithm
from edoc.core.report import (
    Changes,
    Coverage,
    FileReport,
    Indication,
    Message,
    Report,
    SignatureReport,
    SignatureType,
    Signer,
    SubIndication,
    TimeSource,
)
from edoc.core.rule import Expected, apply_rule

_COMMENTS_GRANTED: Final = 3
"""The DocMDP permission by which a signer asks for comments."""
_FAILED, _UNSURE = Indication.TOTAL_FAILED, Indication.INDETERMINATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One signature before the judge."""

    facts: SignatureFacts
    policy: Policy
    at: datetime
    """The validation time."""
    time: datetime
    """The best signature time: when the signature is known to have existed."""
    source: TimeSource
    later: tuple[datetime, ...] = ()
    """What the document time-stamps prove that cover the signature."""

    @property
    def proven(self) -> bool:
        """Whether anything proves the time."""
        return self.source is not TimeSource.VALIDATION_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a check found; an indication only if it failed."""

    message: Message
    indication: Indication | None = None
    sub_indication: SubIndication | None = None


Check = Callable[[Case], tuple[Answer, ...]]
"""Puts one question to a case. No answer means that the question does not arise."""


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
    time, source = find_best_time(file, facts, at, policy)
    later = tuple(list_proofs(file, facts, policy))
    case = Case(facts=facts, policy=policy, at=at, time=time, source=source, later=later)
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
        time_stamps=account.list_stamps(facts, exhibits),
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


def _good(code: str, detail: object = "") -> tuple[Answer, ...]:
    return (Answer(message=say(code, detail)),)


def _bad(code: str, indication: Indication, sub: SubIndication, detail: object = "") -> tuple[Answer, ...]:
    return (Answer(message=say(code, detail), indication=indication, sub_indication=sub),)


_FAULTS: Final = {
    "SIGNATURE_UNREADABLE": (_FAILED, SubIndication.FORMAT_FAILURE),
    "SIGNATURE_UNREACHABLE": (_FAILED, SubIndication.FORMAT_FAILURE),
    "BYTE_RANGE_BAD": (_FAILED, SubIndication.FORMAT_FAILURE),
    "GAP_NOT_CONTENTS": (_FAILED, SubIndication.FORMAT_FAILURE),
    "REVISION_NOT_COVERED": (_FAILED, SubIndication.FORMAT_FAILURE),
    "BYTES_UNEXPLAINED": (_FAILED, SubIndication.FORMAT_FAILURE),
    "CMS_MALFORMED": (_FAILED, SubIndication.FORMAT_FAILURE),
    "XML_REFERENCE_AMBIGUOUS": (_FAILED, SubIndication.FORMAT_FAILURE),
    "XML_SIGNATURE_FORBIDDEN": (_FAILED, SubIndication.FORMAT_FAILURE),
    "XML_SIGNATURE_MALFORMED": (_FAILED, SubIndication.FORMAT_FAILURE),
    "XML_SIGNED_ELSEWHERE": (_FAILED, SubIndication.FORMAT_FAILURE),
    "XML_UNCANONICAL": (_FAILED, SubIndication.FORMAT_FAILURE),
    "XML_COVERS_PART": (_UNSURE, SubIndication.SIG_CONSTRAINTS_FAILURE),
    "XML_REFERENCE_EXTERNAL": (_UNSURE, SubIndication.SIGNED_DATA_NOT_FOUND),
    "ATTRIBUTES_NOT_DER": (_FAILED, SubIndication.FORMAT_FAILURE),
    "NO_SIGNER_CERTIFICATE": (_UNSURE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
    "ALGORITHM_UNSUPPORTED": (_UNSURE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    "SIGNING_CERTIFICATE_MISMATCH": (_UNSURE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
    "IMPLEMENTATIONS_DISAGREE": (_UNSURE, SubIndication.SIG_CONSTRAINTS_FAILURE),
    "SIGNED_DATA_NOT_FOUND": (_UNSURE, SubIndication.SIGNED_DATA_NOT_FOUND),
    "FORMAT_UNSUPPORTED": (_UNSURE, SubIndication.SIG_CONSTRAINTS_FAILURE),
}
"""What each fault of form means; a fault that is not here is only a remark."""

_DEPARTURES: Final = frozenset(
    {"CONTENT_EMPTY_ENCAPSULATED", "CONTENT_ENCAPSULATED", "SEVERAL_SIGNERS", "SUBFILTER_MISMATCH"}
    | {"CMS_TRAILING_BYTES", "DIGESTS_DIFFER", "SIGNER_NAMED_OTHERWISE"}
)
"""Remarks that a strict policy weighs as doubts."""


def _weigh_all(case: Case) -> list[Answer]:
    return [_weigh(fault, case.policy) for fault in case.facts.faults]


def _weigh(fault: Fault, policy: Policy) -> Answer:
    indication, sub = _FAULTS.get(fault.code, (None, None))
    if policy.strict and fault.code in _DEPARTURES:
        indication, sub = _UNSURE, SubIndication.SIG_CONSTRAINTS_FAILURE
    return Answer(message=say(fault.code, fault.detail), indication=indication, sub_indication=sub)


def check_digest(case: Case) -> tuple[Answer, ...]:
    """Ask whether the signed bytes are what was signed (5.2.7, first half)."""
    if case.facts.digest_matches is False:
        return _bad("DIGEST_MISMATCH", _FAILED, SubIndication.HASH_FAILURE)
    return ()


def check_format(case: Case) -> tuple[Answer, ...]:
    """Ask whether the signature is well formed and its range a revision (5.2.2)."""
    return tuple(
        answer for fault in case.facts.faults if (answer := _weigh(fault, case.policy)).indication is _FAILED
    )


def check_cryptography(case: Case) -> tuple[Answer, ...]:
    """Ask whether the cryptographic signature holds (5.2.7, second half)."""
    if case.facts.signature_holds is False:
        return _bad("SIGNATURE_WRONG", _FAILED, SubIndication.SIG_CRYPTO_FAILURE)
    return _good("INTACT") if case.facts.intact else ()


def check_coverage(case: Case) -> tuple[Answer, ...]:
    """Ask whether a whole revision is covered; partial coverage always carries its fault."""
    match case.facts.coverage:
        case Coverage.WHOLE_FILE:
            return _good("COVERS_FILE")
        case Coverage.WHOLE_REVISION:
            return _good("COVERS_REVISION")
        case _:
            return (
                ()
                if case.facts.faults
                else _bad("REVISION_NOT_COVERED", _FAILED, SubIndication.FORMAT_FAILURE, "partial")
            )


def check_changes(case: Case, *, only_failures: bool = False) -> tuple[Answer, ...]:
    """Ask whether what came after the signature is permitted by it and by the policy."""
    changes, lock, policy = case.facts.changes, case.facts.lock, case.policy
    found: list[tuple[Answer, ...]] = []
    if changes.reasons:
        found.append(
            _bad("CHANGES_FORBIDDEN", _FAILED, SubIndication.FORMAT_FAILURE, "; ".join(changes.reasons))
        )
    if changes.locked_fields:
        names = ", ".join(changes.locked_fields)
        found.append(_bad("LOCKED_FIELD_CHANGED", _FAILED, SubIndication.FORMAT_FAILURE, names))
    if changes.visual:
        found.append(_bad("LOOKS_CHANGED", _FAILED, SubIndication.FORMAT_FAILURE, "; ".join(changes.visual)))
    if not changes.undecided and lock.document is not None and changes.beyond_document:
        found.append(_bad("CHANGES_BEYOND_DOCMDP", _FAILED, SubIndication.FORMAT_FAILURE))
    granted = Changes.ANNOTATION.rank if lock.document == _COMMENTS_GRANTED else 0
    allowed = max(granted, policy.allowed_changes.rank)
    if not found and not changes.undecided and changes.kind.rank > allowed:
        found.append(_bad("CHANGES_BEYOND_POLICY", _FAILED, SubIndication.FORMAT_FAILURE, changes.kind))
    if changes.undecided:
        found.append(
            _bad("CHANGES_UNDECIDED", _UNSURE, SubIndication.SIG_CONSTRAINTS_FAILURE, changes.undecided)
        )
    if not found and not only_failures and changes.kind is not Changes.OTHER:
        found.append(_good(f"CHANGES_{changes.kind.name}"))
    return tuple(answer for answers in found for answer in answers)


def check_certainty(case: Case) -> tuple[Answer, ...]:
    """Ask whether everything could be computed; what could not is a doubt, any other fault a remark."""
    remarks = tuple(
        answer
        for fault in case.facts.faults
        if (answer := _weigh(fault, case.policy)).indication is not _FAILED
    )
    # Where the signature is wrong, the digest that it was made over cannot always be told.
    broken = case.facts.signature_holds is False
    doubtful = case.facts.signature_holds is None or (case.facts.digest_matches is None and not broken)
    if doubtful and not any(_weigh(fault, case.policy).indication for fault in case.facts.faults):
        sub = SubIndication.SIGNED_DATA_NOT_FOUND
        return (*remarks, *_bad("SIGNATURE_UNREADABLE", _UNSURE, sub, "no digest could be computed"))
    return remarks


def check_time(case: Case) -> tuple[Answer, ...]:
    """Ask what proves when the signature was made (5.4, 5.5)."""
    stamp, policy = case.facts.timestamp, case.policy
    answers: tuple[Answer, ...] = ()
    if stamp is not None and case.facts.type is SignatureType.SIGNATURE:
        proven = accept_stamp(stamp, policy)
        if not stamp.intact:
            answers = _good("TIMESTAMP_BROKEN", stamp.fault)
        elif any(stamp.time and time + policy.tolerance < stamp.time for time in case.later):
            answers = _bad("TIMESTAMP_ORDER", _UNSURE, SubIndication.TIMESTAMP_ORDER_FAILURE)
        elif proven is None:
            answers = _good("TIMESTAMP_UNTRUSTED", _tell_stamp(stamp))
    answers += _check_claim(case)
    if not case.proven and policy.timestamp_required and case.facts.type is SignatureType.SIGNATURE:
        answers += _bad("TIMESTAMP_REQUIRED", _UNSURE, SubIndication.SIG_CONSTRAINTS_FAILURE)
    return (*answers, *_good("TIME_PROVEN" if case.proven else "TIME_NOT_PROVEN", show_time(case.time)))


def _tell_stamp(stamp: TimestampFacts) -> str:
    if stamp.chain is None or stamp.chain.status is not ChainStatus.OK:
        return stamp.chain.detail if stamp.chain else "nobody vouches for its authority."
    if stamp.time is not None and stamp.time > stamp.chain.at:
        return f"its time, {show_time(stamp.time)}, lies ahead."
    return "its algorithms do not count any more."


def _check_claim(case: Case) -> tuple[Answer, ...]:
    """Whether the time that the signer claims can be true."""
    claimed = case.facts.claimed_time
    if claimed is None or claimed <= case.time + case.policy.tolerance:
        return ()
    if case.policy.strict:
        return _bad("CLAIMED_TIME_AHEAD", _UNSURE, SubIndication.SIG_CONSTRAINTS_FAILURE, show_time(claimed))
    return _good("CLAIMED_TIME_AHEAD", show_time(claimed))


def check_chain(case: Case) -> tuple[Answer, ...]:
    """Ask whether the path holds at the best signature time (5.2.6; NĐ 68/2024 Arts 31 and 32)."""
    if not case.policy.trust_required:
        return _good("CHAIN_NOT_CHECKED")
    if case.facts.certificate is None:
        # Where the form was at fault that is said already.
        missing = _bad("NO_SIGNER_CERTIFICATE", _UNSURE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND)
        return () if case.facts.faults else missing
    if case.facts.signer is None:
        return _bad("CERTIFICATE_UNREADABLE", _UNSURE, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE)
    return _judge_chain(case, case.facts.chain)


def _judge_chain(case: Case, chain: ChainFacts | None) -> tuple[Answer, ...]:
    if chain is None:
        return _bad("CHAIN_NOT_FOUND", _UNSURE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
    if chain.status is ChainStatus.OK:
        return _judge_sound_chain(case, chain)
    if chain.status is ChainStatus.NOT_YET_VALID and case.proven:
        return _bad("CERTIFICATE_NOT_YET_VALID", _FAILED, SubIndication.NOT_YET_VALID, chain.detail)
    if chain.status is ChainStatus.REVOCATION_UNKNOWN and case.policy.missing_revocation == "ignore":
        return _good("REVOCATION_IGNORED", chain.detail)
    code, sub = _CHAIN[chain.status]
    if chain.status is ChainStatus.REVOKED and chain.is_authority:
        sub = SubIndication.REVOKED_CA_NO_POE
    return _bad(code, _UNSURE, sub, chain.detail)


def _judge_sound_chain(case: Case, chain: ChainFacts) -> tuple[Answer, ...]:
    kinds, signer = case.policy.kinds, case.facts.signer
    if kinds and signer and case.facts.type is SignatureType.SIGNATURE and signer.kind not in kinds:
        return _bad("CERTIFICATE_KIND", _UNSURE, SubIndication.CHAIN_CONSTRAINTS_FAILURE, signer.kind)
    asked = case.policy.revocation == "issued_after" and chain.outlived and chain.outlived < case.at
    # Whoever vouched for the data cannot any more; they must be known to be older than that.
    if asked and chain.outlived and (chain.proven is None or chain.proven > chain.outlived):
        sub = SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE
        return _bad("REVOCATION_NOT_PROVEN", _UNSURE, sub, show_time(chain.outlived))
    return _good("CHAIN_OK")


_CHAIN: Final = {
    ChainStatus.NO_PATH: ("CHAIN_NOT_FOUND", SubIndication.NO_CERTIFICATE_CHAIN_FOUND),
    ChainStatus.NOT_YET_VALID: ("CERTIFICATE_NOT_YET_VALID", SubIndication.OUT_OF_BOUNDS_NO_POE),
    ChainStatus.EXPIRED: ("CERTIFICATE_EXPIRED", SubIndication.OUT_OF_BOUNDS_NO_POE),
    ChainStatus.REVOKED: ("CERTIFICATE_REVOKED", SubIndication.REVOKED_NO_POE),
    ChainStatus.REVOCATION_UNKNOWN: ("REVOCATION_UNKNOWN", SubIndication.TRY_LATER),
    ChainStatus.BAD_USAGE: ("CERTIFICATE_BAD_USAGE", SubIndication.CHAIN_CONSTRAINTS_FAILURE),
    ChainStatus.INVALID: ("CHAIN_INVALID", SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE),
}
"""EN 319 102-1, table 7: what each state of a path means without proof of existence."""


def check_algorithms(case: Case) -> tuple[Answer, ...]:
    """Ask whether the algorithms counted when the signature is known to have existed (5.2.8)."""
    facts, policy = case.facts, case.policy
    own = name_algorithm(facts.digest_algorithm, facts.signature_algorithm, facts.key_bits)
    weak = [policy.find_weakness(own, case.time)]
    if facts.chain is not None and policy.trust_required:
        historic = policy.list_historic(case.time, proven=case.proven)
        above = [found for found in facts.chain.algorithms if found.digest not in historic]
        weak += [
            f"certificate: {said}" for found in above if (said := policy.find_weakness(found, case.time))
        ]
    told = "; ".join(dict.fromkeys(filter(None, weak)))
    if not told:
        return ()
    return _bad("ALGORITHM_WEAK", _UNSURE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE, told)


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
)
"""Every question, in the order in which the answers decide."""
