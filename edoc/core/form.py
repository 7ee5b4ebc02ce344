"""Questions about the form of a signature: what was signed, is it whole, and what came after it.

Words and order follow ETSI EN 319 102-1, 5.2.2, 5.2.7 and 5.2.8.
"""

from typing import Final

from edoc.core.case import Answer, Case, bad, good
from edoc.core.evidence import Fault
from edoc.core.messages import say
from edoc.core.policy import Policy
from edoc.core.verdicts import Changes, Coverage, Indication, SubIndication

_COMMENTS_GRANTED: Final = 3
"""The DocMDP permission by which a signer asks for comments."""
_FAILED, _UNSURE = Indication.TOTAL_FAILED, Indication.INDETERMINATE

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


def _weigh(fault: Fault, policy: Policy) -> Answer:
    indication, sub = _FAULTS.get(fault.code, (None, None))
    if policy.strict and fault.code in _DEPARTURES:
        indication, sub = _UNSURE, SubIndication.SIG_CONSTRAINTS_FAILURE
    return Answer(message=say(fault.code, fault.detail), indication=indication, sub_indication=sub)


def check_digest(case: Case) -> tuple[Answer, ...]:
    """Ask whether the signed bytes are what was signed (5.2.7, first half)."""
    if case.facts.digest_matches is False:
        return bad("DIGEST_MISMATCH", _FAILED, SubIndication.HASH_FAILURE)
    return ()


def check_format(case: Case) -> tuple[Answer, ...]:
    """Ask whether the signature is well formed and its range a revision (5.2.2)."""
    return tuple(
        answer for fault in case.facts.faults if (answer := _weigh(fault, case.policy)).indication is _FAILED
    )


def check_cryptography(case: Case) -> tuple[Answer, ...]:
    """Ask whether the cryptographic signature holds (5.2.7, second half)."""
    if case.facts.signature_holds is False:
        return bad("SIGNATURE_WRONG", _FAILED, SubIndication.SIG_CRYPTO_FAILURE)
    return good("INTACT") if case.facts.intact else ()


def check_coverage(case: Case) -> tuple[Answer, ...]:
    """Ask whether a whole revision is covered; partial coverage always carries its fault."""
    match case.facts.coverage:
        case Coverage.WHOLE_FILE:
            return good("COVERS_FILE")
        case Coverage.WHOLE_REVISION:
            return good("COVERS_REVISION")
        case _:
            return (
                ()
                if case.facts.faults
                else bad("REVISION_NOT_COVERED", _FAILED, SubIndication.FORMAT_FAILURE, "partial")
            )


def check_changes(case: Case, *, only_failures: bool = False) -> tuple[Answer, ...]:
    """Ask whether what came after the signature is permitted by it and by the policy."""
    changes, lock, policy = case.facts.changes, case.facts.lock, case.policy
    found: list[tuple[Answer, ...]] = []
    if changes.reasons:
        found.append(
            bad("CHANGES_FORBIDDEN", _FAILED, SubIndication.FORMAT_FAILURE, "; ".join(changes.reasons))
        )
    if changes.locked_fields:
        names = ", ".join(changes.locked_fields)
        found.append(bad("LOCKED_FIELD_CHANGED", _FAILED, SubIndication.FORMAT_FAILURE, names))
    if changes.visual:
        found.append(bad("LOOKS_CHANGED", _FAILED, SubIndication.FORMAT_FAILURE, "; ".join(changes.visual)))
    if not changes.undecided and lock.document is not None and changes.beyond_document:
        found.append(bad("CHANGES_BEYOND_DOCMDP", _FAILED, SubIndication.FORMAT_FAILURE))
    granted = Changes.ANNOTATION.rank if lock.document == _COMMENTS_GRANTED else 0
    allowed = max(granted, policy.allowed_changes.rank)
    if not found and not changes.undecided and changes.kind.rank > allowed:
        found.append(bad("CHANGES_BEYOND_POLICY", _FAILED, SubIndication.FORMAT_FAILURE, changes.kind))
    if changes.undecided:
        found.append(
            bad("CHANGES_UNDECIDED", _UNSURE, SubIndication.SIG_CONSTRAINTS_FAILURE, changes.undecided)
        )
    if not found and not only_failures and changes.kind is not Changes.OTHER:
        found.append(good(f"CHANGES_{changes.kind.name}"))
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
        return (*remarks, *bad("SIGNATURE_UNREADABLE", _UNSURE, sub, "no digest could be computed"))
    return remarks
