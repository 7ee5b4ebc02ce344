"""A time-stamp proves what its signature covers, and nothing if that signature does not hold."""

from dataclasses import replace

import pytest
from authorities import CA, TSA, Scene, day, make_crl
from cryptography.x509.oid import ExtendedKeyUsageOID

from edoc.core.evidence import SignatureFacts
from edoc.core.judge import judge
from edoc.core.report import Coverage, SubIndication
from edoc.policies import load_policy
from edoc.trust.store import Trust
from edoc.verification.examination import Examiner

FAR = replace(TSA, name="Far TSA", issuer="Root", purpose=ExtendedKeyUsageOID.TIME_STAMPING)
SCENE = Scene(
    ca=replace(CA, ends=900),
    tsa=FAR,
    archive=FAR,
    stamp=500,
    crls=(make_crl("Root", 700), make_crl("CA", 700)),
)
"""The CA that vouches for the CRLs has expired; only a time-stamp proves that they are older."""


def judge_with(later: SignatureFacts) -> SubIndication | None:
    """What the first signature is worth, whose CMS carries the CRLs, beside a later one."""
    file = SCENE.describe()
    first = replace(file.signatures[0], crls=SCENE.crls, coverage=Coverage.WHOLE_REVISION)
    policy = load_policy("etsi")
    trust = Trust(roots=(SCENE.root.certificate,))
    file = replace(file, signatures=(first, later))
    completed = Examiner(trust, day(1000), None, policy).complete(file)
    return judge((completed,), policy, day(1000)).files[0].signatures[0].sub_indication


@pytest.fixture
def later() -> SignatureFacts:
    """Signed over all of the file, with a time-stamp from before the CA expired."""
    made = replace(SCENE, stamp=800, signer=replace(SCENE.signer, name="Second signer")).describe()
    return replace(made.signatures[0], field="Second", end=200)


def test_the_stamp_of_a_later_signature_proves_what_that_covers(later: SignatureFacts) -> None:
    assert judge_with(later) is None


@pytest.mark.parametrize(
    "change",
    [{"digest_matches": False}, {"signature_holds": False}, {"coverage": Coverage.PARTIAL}],
    ids=["its digest is another's", "it does not hold", "it covers only a part"],
)
def test_the_stamp_of_one_that_covers_something_else_proves_nothing(
    later: SignatureFacts, change: dict[str, object]
) -> None:
    borrowed = replace(later, **change)  # type: ignore[arg-type]
    assert judge_with(borrowed) is SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE
