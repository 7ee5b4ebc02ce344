"""What was worked out once is never used under another policy, time or trust store."""

from dataclasses import replace

import pytest
from authorities import CA, OTHER_ROOT, SIGNER, Scene, make_crl

from edoc.policies import load_policy

GOOD = Scene(crls=(make_crl("Root", 700), make_crl("CA", 700)))
REVOKED = replace(GOOD, crls=(make_crl("Root", 700), make_crl("CA", 700, revoked={SIGNER.serial: 900})))
OLD = replace(GOOD, signer=replace(SIGNER, digest="sha1"), stamp=300, claimed=300)


def tell(scene: Scene, policy: str = "nd68") -> str:
    report = scene.judge(load_policy(policy))
    return str(report.sub_indication or report.indication)


@pytest.mark.parametrize("turns", [1, 2])
def test_another_trust_store_is_asked_anew(turns: int) -> None:
    for _ in range(turns):
        assert tell(GOOD) == "TOTAL_PASSED"
        assert tell(replace(GOOD, root=OTHER_ROOT)) == "NO_CERTIFICATE_CHAIN_FOUND"
        assert tell(replace(GOOD, trusted=False)) == "NO_CERTIFICATE_CHAIN_FOUND"


@pytest.mark.parametrize("turns", [1, 2])
def test_another_time_is_judged_anew(turns: int) -> None:
    for _ in range(turns):
        assert tell(replace(REVOKED, judged=800)) == "TOTAL_PASSED"
        assert tell(replace(REVOKED, judged=1000)) == "REVOKED_NO_POE"
        assert tell(replace(GOOD, judged=1900)) == "OUT_OF_BOUNDS_NOT_REVOKED"
        assert tell(replace(GOOD, judged=1000)) == "TOTAL_PASSED"


@pytest.mark.parametrize("turns", [1, 2])
def test_another_policy_is_judged_anew(turns: int) -> None:
    for _ in range(turns):
        assert tell(OLD, "nd68") == "TOTAL_PASSED"
        assert tell(OLD, "public-tt15") == "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
        assert tell(OLD, "integrity") == "TOTAL_PASSED"


def test_other_revocation_data_are_read_anew() -> None:
    for scene, meaning in (
        (GOOD, "TOTAL_PASSED"),
        (REVOKED, "REVOKED_NO_POE"),
        (replace(GOOD, crls=()), "TRY_LATER"),
    ):
        assert tell(scene) == meaning


def test_a_namesake_of_the_authority_is_another_one() -> None:
    forged = replace(GOOD, ca=replace(CA, issuer="Other root"))
    assert tell(GOOD) == "TOTAL_PASSED"
    assert tell(forged) == "NO_CERTIFICATE_CHAIN_FOUND"
    assert tell(GOOD) == "TOTAL_PASSED"
