"""Judge signatures from evidence; never fetch, never read a clock.

Rules: the checks stand in one table; each leaves its answer in the report; the first that fails decides the
indication, so failures that prove alteration stand before doubts; what no check has found good never passes.
Words and order follow ETSI EN 319 102-1, 5.2 to 5.5. Serves NĐ 68/2024 Arts 31 and 32.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from edoc.core import account
from edoc.core.chain import ChainFacts, ChainStatus
from edoc.core.evidence import Fault, FileEvidence, SignatureFacts, TimestampFacts
from edoc.core.messages import say, show_time
from edoc.core.policy import Policy
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
    time: datetime
    """The best signature time: when the signature is known to have existed."""
    source: TimeSource


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
    if not signatures:
        messages.append(say("UNSIGNED"))
    if any(signature.development for signature in signatures):
        messages.insert(0, say("DEV_TRUST"))
    verdict = apply_rule(rule, signatures, file.fields, expected)
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
    )


def find_best_time(file: FileEvidence, facts: SignatureFacts, at: datetime) -> tuple[datetime, TimeSource]:
    """The earliest time at which a trusted time-stamp proves that the signature existed, else `at`.

    EN 319 102-1, 5.5.4: best-signature-time. Time-stamps must have been examined before.
    """
    proofs: list[tuple[datetime, TimeSource]] = []
    if facts.type is SignatureType.SIGNATURE and (time := _proven(facts.timestamp, at)):
        proofs.append((time, TimeSource.SIGNATURE_TIMESTAMP))
    for other in file.signatures:
        covers = other.end > facts.end and other.coverage is not Coverage.PARTIAL and other.intact
        stamps = other.type is SignatureType.DOCUMENT_TIMESTAMP and covers
        if stamps and (time := _proven(other.timestamp, at)):
            proofs.append((time, TimeSource.DOCUMENT_TIMESTAMP))
    return min(proofs, default=(at, TimeSource.VALIDATION_TIME))


def _proven(stamp: TimestampFacts | None, at: datetime) -> datetime | None:
    if stamp is None or not stamp.intact or stamp.chain is None or stamp.time is None:
        return None
    return stamp.time if stamp.chain.status is ChainStatus.OK and stamp.time <= at else None


def _judge_signature(
    facts: SignatureFacts, file: FileEvidence, policy: Policy, at: datetime, exhibits: account.Exhibits
) -> SignatureReport:
    time, source = find_best_time(file, facts, at)
    case = Case(facts=facts, policy=policy, time=time, source=source)
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
    "ATTRIBUTES_NOT_DER": (_FAILED, SubIndication.FORMAT_FAILURE),
    "NO_SIGNER_CERTIFICATE": (_UNSURE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
    "ALGORITHM_UNSUPPORTED": (_UNSURE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    "SIGNING_CERTIFICATE_MISMATCH": (_UNSURE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
    "IMPLEMENTATIONS_DISAGREE": (_UNSURE, SubIndication.SIG_CONSTRAINTS_FAILURE),
    "SIGNED_DATA_NOT_FOUND": (_UNSURE, SubIndication.SIGNED_DATA_NOT_FOUND),
    "FORMAT_UNSUPPORTED": (_UNSURE, SubIndication.SIG_CONSTRAINTS_FAILURE),
}
"""What each fault of form means; a fault that is not here is only a remark."""


def _weigh(fault: Fault) -> Answer:
    indication, sub = _FAULTS.get(fault.code, (None, None))
    return Answer(message=say(fault.code, fault.detail), indication=indication, sub_indication=sub)


def check_digest(case: Case) -> tuple[Answer, ...]:
    """Ask whether the signed bytes are what was signed (5.2.7, first half)."""
    if case.facts.digest_matches is False:
        return _bad("DIGEST_MISMATCH", _FAILED, SubIndication.HASH_FAILURE)
    return ()


def check_format(case: Case) -> tuple[Answer, ...]:
    """Ask whether the signature is well formed and its range a revision (5.2.2)."""
    return tuple(answer for fault in case.facts.faults if (answer := _weigh(fault)).indication is _FAILED)


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
        answer for fault in case.facts.faults if (answer := _weigh(fault)).indication is not _FAILED
    )
    doubtful = case.facts.digest_matches is None or case.facts.signature_holds is None
    if doubtful and not any(_weigh(fault).indication for fault in case.facts.faults):
        sub = SubIndication.SIGNED_DATA_NOT_FOUND
        return (*remarks, *_bad("SIGNATURE_UNREADABLE", _UNSURE, sub, "no digest could be computed"))
    return remarks


def check_time(case: Case) -> tuple[Answer, ...]:
    """Ask what proves when the signature was made (5.4)."""
    stamp = case.facts.timestamp
    answers: tuple[Answer, ...] = ()
    if stamp is not None and case.facts.type is SignatureType.SIGNATURE:
        if not stamp.intact:
            answers = _good("TIMESTAMP_BROKEN", stamp.fault)
        elif stamp.chain is not None and stamp.chain.status is not ChainStatus.OK:
            answers = _good("TIMESTAMP_UNTRUSTED", stamp.chain.detail)
    proven = case.source is not TimeSource.VALIDATION_TIME
    return (*answers, *_good("TIME_PROVEN" if proven else "TIME_NOT_PROVEN", show_time(case.time)))


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
    return _judge_chain(case.facts.chain, proven=case.source is not TimeSource.VALIDATION_TIME)


def _judge_chain(chain: ChainFacts | None, *, proven: bool) -> tuple[Answer, ...]:
    if chain is None:
        return _bad("CHAIN_NOT_FOUND", _UNSURE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
    if chain.status is ChainStatus.OK:
        return _good("CHAIN_OK")
    if chain.status is ChainStatus.NOT_YET_VALID and proven:
        return _bad("CERTIFICATE_NOT_YET_VALID", _FAILED, SubIndication.NOT_YET_VALID, chain.detail)
    code, sub = _CHAIN[chain.status]
    return _bad(code, _UNSURE, sub, chain.detail)


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
    """Ask whether the policy still accepts the algorithms (5.2.8)."""
    facts, policy = case.facts, case.policy
    weak = []
    if facts.digest_algorithm in policy.weak_digests:
        weak.append(facts.digest_algorithm)
    if facts.key_bits:
        elliptic = facts.signature_algorithm.startswith(("ecdsa", "0.4.0.127"))
        minimum = policy.minimal_ec_bits if elliptic else policy.minimal_rsa_bits
        if facts.signature_algorithm and facts.key_bits < minimum:
            weak.append(f"{facts.signature_algorithm}, {facts.key_bits} bits")
    if not weak:
        return ()
    return _bad("ALGORITHM_WEAK", _UNSURE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE, "; ".join(weak))


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
