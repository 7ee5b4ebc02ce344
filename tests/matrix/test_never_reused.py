"""What was worked out once is never used under another policy, time or trust store.

Every pair of settings is judged in both orders, each time about certificates, CRLs and a document that the
process has never seen before; then again, when all that can be remembered is.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, Final

import pytest
from hierarchies import ROOT, SIGNER, Crl, Holder, Revocation, issue_crls
from rows import FIRST_HIERARCHY
from stories import GOOD, Proof, Story

from edoc.core.report import Report
from edoc.policies import load_policy

_NUMBERS: Final = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Under what a document is judged, and what it is worth then."""

    policy: str = "nd68"
    change: tuple[tuple[str, Any], ...] = ()
    turn: Callable[[Story], Story] = replace
    """What the verifier has or when it is, otherwise than told."""
    meaning: str = "TOTAL_PASSED"
    """Of a document with a time-stamp; the sub-indication where there is one."""

    def judge(self, story: Story) -> Report:
        policy = load_policy(self.policy)
        if self.change:
            policy = replace(policy, name="changed", **dict(self.change))
        return self.turn(story).verify(Proof.STAMP, policy)


def rename(holder: Holder, number: int) -> Holder:
    """Somebody of that kind whom nobody has seen."""

    def name(old: str) -> str:
        return (
            f"Signer {number}{old.removeprefix('Signer')}" if old.startswith("Signer") else f"{number} {old}"
        )

    return replace(holder, name=name(holder.name), issuer=name(holder.issuer))


def never_seen(story: Story) -> Story:
    """The same story among others."""
    number = next(_NUMBERS)
    return replace(
        story,
        signer=rename(story.signer, number),
        ca=rename(story.ca, number),
        root=rename(story.root, number),
        tsa=rename(story.tsa, number),
        archive_tsa=rename(story.archive_tsa, number),
        services=rename(story.services, number),
        services_root=rename(story.services_root, number),
        revoked=tuple(replace(each, holder=rename(each.holder, number)) for each in story.revoked),
    )


def tell(report: Report) -> str:
    (signature,) = report.files[0].signatures
    return str(signature.sub_indication or signature.indication)


def require_no_memory(story: Story, one: Setting, other: Setting) -> None:
    """One, the other, and one again."""
    fresh = never_seen(story)
    first, second, third = (setting.judge(fresh) for setting in (one, other, one))
    assert [tell(report) for report in (first, second, third)] == [one.meaning, other.meaning, one.meaning]
    assert first.to_dict() == third.to_dict()
    # In the other order nothing is new any more, and nothing is different.
    assert other.judge(fresh).to_dict() == second.to_dict()


def stranger(story: Story) -> Story:
    return replace(story, trusted=(replace(ROOT, name="Stranger", issuer="Stranger"),))


def namesake(story: Story) -> Story:
    """Trust another certificate of the same root: same name, same key, but it began too late."""
    young = replace(story.root, begins="2024-06-01")
    return replace(story, trusted=(young, story.services_root))


def impostor(story: Story) -> Story:
    """Trust a root of the same name with another key."""
    root = replace(story.root, key="Impostor", issuer_key="Impostor")
    return replace(story, trusted=(root, story.services_root))


TRUST: Final = {
    "both roots": Setting(),
    "nobody": Setting(turn=lambda story: replace(story, trusted=()), meaning="NO_CERTIFICATE_CHAIN_FOUND"),
    "somebody else": Setting(turn=stranger, meaning="NO_CERTIFICATE_CHAIN_FOUND"),
    "another certificate of the root": Setting(turn=namesake, meaning="OUT_OF_BOUNDS_NO_POE"),
    "a root of the same name": Setting(turn=impostor, meaning="CERTIFICATE_CHAIN_GENERAL_FAILURE"),
    "no CRLs": Setting(
        turn=lambda story: replace(story, at_hand=()),
        meaning="TRY_LATER",
    ),
    "no CRLs of the TSA": Setting(
        turn=lambda story: replace(story, services_at_hand=()),
        policy="etsi",
        meaning="SIG_CONSTRAINTS_FAILURE",
    ),
}
TIMES: Final = {
    "today": Setting(),
    "before the time-stamp": Setting(
        turn=lambda story: replace(
            story,
            judged="2024-03-01T01:00:00",
            at_hand=("2024-02-29",),
            services_at_hand=("2024-02-29",),
        )
    ),
    "before the certificate": Setting(
        turn=lambda story: replace(story, judged="2021-06-01T01:00:00"), meaning="OUT_OF_BOUNDS_NOT_REVOKED"
    ),
    "after the CRLs and the TSA": Setting(
        turn=lambda story: replace(story, judged="2026-06-01T01:00:00"), meaning="TRY_LATER"
    ),
    "after everything": Setting(
        turn=lambda story: replace(story, judged="2036-06-01T01:00:00"), meaning="OUT_OF_BOUNDS_NO_POE"
    ),
}
POLICIES: Final = {
    "nd68": Setting(),
    "public-tt15": Setting(policy="public-tt15", meaning="CRYPTO_CONSTRAINTS_FAILURE_NO_POE"),
    "etsi": Setting(policy="etsi", meaning="CRYPTO_CONSTRAINTS_FAILURE_NO_POE"),
    "integrity": Setting(policy="integrity"),
    "history ends earlier": Setting(
        change=(("historic_digests", ()),), meaning="CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    ),
    "RSA retired": Setting(change=(("minimal_rsa_bits", 3072),), meaning="CRYPTO_CONSTRAINTS_FAILURE_NO_POE"),
}


def pair(settings: dict[str, Setting]) -> list[Any]:
    """Each with each other, in both orders."""
    return [
        pytest.param(settings[one], settings[other], id=f"{one} then {other}")
        for one, other in permutations(settings, 2)
    ]


@pytest.mark.parametrize(("one", "other"), pair(TRUST))
def test_another_trust_store_is_asked_anew(one: Setting, other: Setting) -> None:
    require_no_memory(GOOD, one, other)


@pytest.mark.parametrize(("one", "other"), pair(TIMES))
def test_another_time_is_judged_anew(one: Setting, other: Setting) -> None:
    revoked = (Revocation(holder=SIGNER, since="2025-06-01"),)
    require_no_memory(replace(GOOD, revoked=revoked), one, other)


@pytest.mark.parametrize(("one", "other"), pair(POLICIES))
def test_another_policy_is_judged_anew(one: Setting, other: Setting) -> None:
    require_no_memory(FIRST_HIERARCHY, one, other)


@pytest.mark.parametrize("first", ["the CA", "its namesake"])
def test_a_crl_that_one_ca_signed_is_not_its_namesake_s(first: str) -> None:
    """Both are under the trusted root, and each has its own key; there is only the namesake's CRL."""
    ours = never_seen(GOOD)
    key = f"Namesake of {ours.ca.name}"
    theirs = replace(ours, ca=replace(ours.ca, key=key), signer=replace(ours.signer, issuer_key=key))
    crls = (*issue_crls("2026-02-04", (ours.root,)), Crl(issuer=ours.ca.name, at="2026-02-04", signer=key))
    trust = replace(ours.trust, crls=tuple(crl.der for crl in crls))

    def judge(story: Story) -> str:
        return tell(story.verify(Proof.NONE, "nd68", trust=trust))

    expected = {"the CA": (ours, "TRY_LATER"), "its namesake": (theirs, "TOTAL_PASSED")}
    order = sorted(expected, key=lambda name: name != first)
    for name in (*order, *order):
        story, meaning = expected[name]
        assert judge(story) == meaning
