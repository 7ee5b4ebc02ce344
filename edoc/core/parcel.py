"""The rule on a package: its document by the whole rule, its annexes by their seals.

Decree 30/2020, Annex I: an annex in a file of its own is signed by the agency. A document is told from an
annex by a person's signature; where no PDF has one, the first is taken for the document, and fails.
"""

from dataclasses import replace

from edoc.core.evidence import FileEvidence, PackageFacts
from edoc.core.messages import say
from edoc.core.report import Coverage, DocumentRule, FileReport, SignatureReport
from edoc.core.rule import (
    Expected,
    apply_annex_rule,
    apply_rule,
    check_rule_name,
    is_sealed_by,
    is_signed_by_person,
)


def apply_package_rule(
    name: str,
    file: FileEvidence,
    signatures: tuple[SignatureReport, ...],
    inside: tuple[FileReport, ...],
    expected: Expected | None,
) -> tuple[DocumentRule, tuple[FileReport, ...]]:
    """Apply the rule of that name to a package and to what it carries.

    `signatures` are the package's own, `inside` the reports on `file.inside`, which are given back with their
    verdicts; `expected`, if it is given, is stronger than what the package says.
    """
    facts = file.package or PackageFacts()
    wanted = expected or facts.expected
    if check_rule_name(name) == "none" or facts.expected is None or wanted is None:
        return DocumentRule(name=name), inside
    sealed = _is_sealed(signatures, wanted)
    judged = _judge_documents(name, file, inside, wanted, sealed=sealed)
    verdict = _sum_up(name, facts, signatures, judged, sealed=sealed)
    return verdict, judged


def _is_sealed(signatures: tuple[SignatureReport, ...], wanted: Expected) -> bool:
    """Whether the sender's seal is on the package as a whole."""
    return any(
        signature.coverage is Coverage.WHOLE_FILE and is_sealed_by(signature, wanted.organization)
        for signature in signatures
    )


def _judge_documents(
    name: str, file: FileEvidence, inside: tuple[FileReport, ...], wanted: Expected, *, sealed: bool
) -> tuple[FileReport, ...]:
    pairs = list(zip(file.inside, inside, strict=True))
    whole = [apply_rule(name, report.signatures, facts.fields, wanted) for facts, report in pairs]
    annex = [_judge_annex(name, report, wanted, sealed=sealed) for report in inside]
    signed = [is_signed_by_person(report.signatures) for report in inside]
    if not any(signed):
        signed = [report is inside[0] for report in inside]
    found = any(verdict.passed for verdict, main in zip(whole, signed, strict=True) if main)
    judged = []
    for place, report in enumerate(inside):
        # Another document may be sent along: what is no document of this dispatch may still be its annex.
        as_annex = not signed[place] or (found and annex[place].passed and not whole[place].passed)
        judged.append(_tell(report, annex[place] if as_annex else whole[place], as_annex=bool(as_annex)))
    return tuple(judged)


def _judge_annex(name: str, report: FileReport, wanted: Expected, *, sealed: bool) -> DocumentRule:
    if sealed and not report.signatures:
        return DocumentRule(name=name, passed=True)
    return apply_annex_rule(name, report.signatures, wanted)


def _tell(report: FileReport, verdict: DocumentRule, *, as_annex: bool) -> FileReport:
    if not report.readable:
        return report
    passed = say("RULE_ANNEX_PASSED") if as_annex else say("RULE_PASSED")
    messages = (*report.messages, passed) if verdict.passed else report.messages
    return replace(report, document_rule=verdict, messages=messages)


def _sum_up(
    name: str,
    facts: PackageFacts,
    signatures: tuple[SignatureReport, ...],
    inside: tuple[FileReport, ...],
    *,
    sealed: bool,
) -> DocumentRule:
    reasons = [
        say("RULE_SIGNATURE_NOT_PASSED", signature.field)
        for signature in signatures
        if signature.indication != "TOTAL_PASSED"
    ]
    if not inside:
        reasons.append(say("RULE_NO_DOCUMENT"))
    if not sealed:
        reasons += [say("RULE_ANNEX_NOT_SEALED", other) for other in facts.others]
    reasons += [
        say("RULE_INSIDE_NOT_PASSED", report.path.rpartition("!")[2])
        for report in inside
        if report.document_rule.passed is not True
    ]
    return DocumentRule(name=name, passed=not reasons, reasons=tuple(reasons))
