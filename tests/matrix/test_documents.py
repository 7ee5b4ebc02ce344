"""Revocation, time and trust: really signed documents are worth what the specification in `cells` says."""

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from cells import MATRIX
from hierarchies import ARCHIVE_TSA, SERVICES, SIGNER, TSA, Crl, Revocation, issue_crls, on
from rows import EXPIRED, OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NOT_REVOKED, PASSED, Row, Three, Verdict
from stories import GOOD, Proof, Story, archive, grow

from edoc.core.policy import Policy
from edoc.core.report import SignatureReport, SignatureType, TimeSource
from edoc.core.verdicts import Level
from edoc.pdf.dss import Evidence
from edoc.policies import load_policy
from edoc.trust.store import Trust
from edoc.verification import verify

POLICIES: Final = ("nd68", "public-tt15", "etsi", "integrity")


def choose(name: str, change: Mapping[str, Any]) -> Policy:
    policy = load_policy(name)
    return policy if not change or name == "integrity" else replace(policy, name=f"{name}, changed", **change)


def expect(row: Row, policy: str) -> Three:
    return {
        "nd68": row.nd68,
        "public-tt15": row.nd68 if row.public is None else row.public,
        "etsi": row.etsi,
        "integrity": row.integrity,
    }[policy]


def tell(report: SignatureReport) -> Verdict:
    return report.indication, report.sub_indication


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("situation", MATRIX)
def test_each_cell_means_what_the_table_says(situation: str, policy: str) -> None:
    row = MATRIX[situation]
    chosen = choose(policy, row.change)
    judged = {proof: tell(row.story.judge(proof, chosen)) for proof in Proof}
    assert judged == dict(zip(Proof, expect(row, policy), strict=True))


def test_the_documents_are_of_the_levels_that_the_columns_mean() -> None:
    levels = [GOOD.judge(proof, "nd68").level for proof in Proof]
    assert levels == [Level.PADES_B_B, Level.PADES_B_T, Level.PADES_B_LTA]


# Which proof decided


@pytest.mark.parametrize(
    ("situation", "sources"),
    [
        ("everything in order", ("2026-02-05T01:00:00", "2024-03-05T01:00:05", "2024-03-05T01:00:05")),
        ("TSA expired after its stamp", ("2026-02-05T01:00:00",) * 2 + ("2024-03-05T01:00:05",)),
        ("TSA revoked after its stamp", ("2026-02-05T01:00:00",) * 2 + ("2024-03-05T01:00:05",)),
        ("TSA revoked before its stamp", ("2026-02-05T01:00:00",) * 2 + ("2024-03-07T01:00:00",)),
        ("TSA of a stranger", ("2026-02-05T01:00:00",) * 2 + ("2024-03-07T01:00:00",)),
        ("no TSA trusted", ("2026-02-05T01:00:00",) * 3),
        ("time-stamps ahead of the clock, within the tolerance", ("2024-03-05T00:59:30",) * 3),
        ("time-stamps ahead of the clock, beyond the tolerance", ("2024-03-05T00:58:30",) * 3),
    ],
)
def test_the_best_time_is_the_earliest_that_is_proven(situation: str, sources: tuple[str, ...]) -> None:
    story = MATRIX[situation].story
    assert [story.judge(proof, "nd68").best_time for proof in Proof] == [on(time) for time in sources]


def test_the_source_of_the_time_is_named() -> None:
    def name(situation: str) -> list[TimeSource]:
        story = MATRIX[situation].story
        return [story.judge(proof, "nd68").time_source for proof in Proof]

    nothing, stamp = TimeSource.VALIDATION_TIME, TimeSource.SIGNATURE_TIMESTAMP
    assert name("everything in order") == [nothing, stamp, stamp]
    assert name("TSA of a stranger") == [nothing, nothing, TimeSource.DOCUMENT_TIMESTAMP]
    assert name("time-stamps ahead of the clock, within the tolerance")[:2] == [nothing, stamp]
    assert name("time-stamps ahead of the clock, beyond the tolerance") == [nothing] * 3


@pytest.mark.parametrize(
    ("situation", "proof", "code"),
    [
        ("everything in order", Proof.NONE, "TIME_NOT_PROVEN"),
        ("everything in order", Proof.STAMP, "TIME_PROVEN"),
        ("TSA of a stranger", Proof.STAMP, "TIMESTAMP_UNTRUSTED"),
        ("TSA expired after its stamp", Proof.STAMP, "TIMESTAMP_UNTRUSTED"),
        ("time-stamps ahead of the clock, beyond the tolerance", Proof.STAMP, "TIMESTAMP_UNTRUSTED"),
        ("document stamped before its signature was", Proof.ARCHIVE, "TIMESTAMP_ORDER"),
        ("claimed time ahead of the proof", Proof.STAMP, "CLAIMED_TIME_AHEAD"),
        ("claimed time ahead of the judgement", Proof.NONE, "CLAIMED_TIME_AHEAD"),
        ("nothing known, and the policy lives with it", Proof.NONE, "REVOCATION_IGNORED"),
    ],
)
def test_the_report_says_why(situation: str, proof: Proof, code: str) -> None:
    row = MATRIX[situation]
    report = row.story.judge(proof, choose("nd68", row.change))
    assert code in {message.code for message in report.messages}


@pytest.mark.parametrize("situation", [name for name in MATRIX if "claimed time" not in name])
def test_a_sound_claim_is_not_called_ahead(situation: str) -> None:
    row = MATRIX[situation]
    for proof in Proof:
        codes = {message.code for message in row.story.judge(proof, "nd68").messages}
        assert "CLAIMED_TIME_AHEAD" not in codes


# The archive's own time-stamp


@pytest.mark.parametrize(
    ("story", "meaning"),
    [
        (GOOD, "TOTAL_PASSED"),
        (replace(GOOD, archive_tsa=replace(ARCHIVE_TSA, ends="2025-01-01")), "OUT_OF_BOUNDS_NOT_REVOKED"),
        (replace(GOOD, trusted=()), "NO_CERTIFICATE_CHAIN_FOUND"),
        (replace(GOOD, services_at_hand=("2024-03-06",)), "TRY_LATER"),
        (replace(GOOD, archive_tsa=replace(ARCHIVE_TSA, purpose=None)), "CHAIN_CONSTRAINTS_FAILURE"),
        (
            replace(GOOD, revoked=(Revocation(holder=ARCHIVE_TSA, since="2025-01-01"),)),
            "REVOKED_NO_POE",
        ),
        (
            replace(GOOD, revoked=(Revocation(holder=SERVICES, since="2025-01-01"),)),
            "REVOKED_CA_NO_POE",
        ),
    ],
    ids=["good", "expired", "untrusted", "unknown", "wrong usage", "revoked", "CA revoked"],
)
def test_a_document_time_stamp_is_judged_like_a_signature(story: Story, meaning: str) -> None:
    _, stamp = story.verify(Proof.ARCHIVE, "nd68").files[0].signatures
    assert stamp.type is SignatureType.DOCUMENT_TIMESTAMP
    assert str(stamp.sub_indication or stamp.indication) == meaning


YOUNG_TSA: Final = replace(TSA, name="Young TSA", begins="2024-06-01", ends="2030-01-01")
FORGETTING: Final = replace(
    EXPIRED,
    tsa=replace(TSA, ends="2025-01-01"),
    archive_tsa=replace(ARCHIVE_TSA, ends="2025-01-01"),
)
"""All who stamped it at first have expired since."""


def renew(story: Story, at: str) -> bytes:
    """Stamp an archived document once more, with the CRLs of the day before."""
    everybody = (story.root, story.ca, story.services_root, story.services)
    crls = issue_crls(at[:8] + "01", everybody, revoked=story.revoked)
    growing, output = grow(story.make(Proof.ARCHIVE))
    evidence = Evidence(certificates=(YOUNG_TSA.certificate,), crls=tuple(crl.der for crl in crls))
    archive(growing, output, evidence, YOUNG_TSA, at, story.services)
    return output.getvalue()


@pytest.mark.parametrize(
    ("policy", "at", "meaning"),
    [
        ("nd68", "2024-12-02T01:00:00", PASSED),
        ("etsi", "2024-12-02T01:00:00", PASSED),
        ("nd68", "2025-02-02T01:00:00", OUT_OF_BOUNDS_NOT_REVOKED),
        ("etsi", "2025-02-02T01:00:00", OUT_OF_BOUNDS_NO_POE),
    ],
)
def test_an_archive_is_renewed_before_its_time_stamp_ends(policy: str, at: str, meaning: Verdict) -> None:
    data = io.BytesIO(renew(FORGETTING, at))
    trust, judged = FORGETTING.trust, on(FORGETTING.judged)
    signature, *_ = verify(data, trust=trust, policy=policy, at=judged, offline=True).files[0].signatures
    assert tell(signature) == meaning
    assert signature.best_time == on(FORGETTING.stamped if meaning == PASSED else at)


def test_nothing_from_outside_is_needed_but_the_last_authority_s_crl() -> None:
    story = replace(FORGETTING, at_hand=(), root_at_hand=())
    data = io.BytesIO(renew(story, "2024-12-02T01:00:00"))
    for policy in ("nd68", "etsi"):
        data.seek(0)
        report = verify(data, trust=story.trust, policy=policy, at=on(story.judged), offline=True)
        assert {signature.indication for signature in report.files[0].signatures} == {PASSED[0]}


# What does not count as evidence


def test_a_crl_of_a_namesake_clears_nobody() -> None:
    """It bears the CA's name, but another key signed it."""
    story = replace(GOOD, revoked=(Revocation(holder=SIGNER, since="2024-02-01"),), silent=frozenset({"CA"}))
    forged = Crl(issuer="CA", at="2026-02-04", signer="Stranger").der
    trust = Trust(roots=story.trust.roots, crls=(*story.trust.crls, forged))
    for proof in Proof:
        (report, *_) = story.verify(proof, "nd68", trust=trust).files[0].signatures
        assert str(report.sub_indication) == "TRY_LATER"


def test_a_younger_crl_that_forgets_does_not_undo_a_revocation() -> None:
    told = issue_crls("2026-02-03", (GOOD.ca,), revoked=(Revocation(holder=SIGNER, since="2024-02-01"),))
    trust = Trust(roots=GOOD.trust.roots, crls=(*GOOD.trust.crls, *(crl.der for crl in told)))
    for proof in Proof:
        (report, *_) = GOOD.verify(proof, "nd68", trust=trust).files[0].signatures
        assert str(report.sub_indication) == "REVOKED_NO_POE"


@pytest.mark.parametrize(("since", "meaning"), [("2020-01-01", "TOTAL_PASSED"), ("2025-06-01", "TRY_LATER")])
def test_a_crl_may_say_that_it_remembers_the_expired(since: str, meaning: str) -> None:
    """Under the strict policy the silence of a CRL of today says nothing of who expired in January 2025."""
    story = replace(EXPIRED, at_hand=())
    crls = issue_crls("2026-02-04", (story.root, story.ca))
    remembering = tuple(replace(crl, remembers_since=since).der for crl in crls)
    trust = Trust(roots=story.trust.roots, crls=(*story.trust.crls, *remembering))
    (report,) = story.verify(Proof.STAMP, "etsi", trust=trust).files[0].signatures
    assert str(report.sub_indication or report.indication) == meaning
