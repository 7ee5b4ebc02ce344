"""Revocation, time and trust: what each cell of the matrix means. The table is the specification.

Something was signed on day 500 and is judged on day 1,000. Columns: no proof of time; the signature's own
time-stamp (of day 500); besides it one over the document and its validation data (of day 800, by an authority
below the root); that one alone. `WORDS` tells what stands in the cells: `P` is TOTAL_PASSED, `!` marks
TOTAL_FAILED, everything else is INDETERMINATE.
"""

import datetime as dt
from dataclasses import replace
from typing import Any, Final

import pytest
from authorities import CA, OTHER_ROOT, SIGNER, TSA, Holder, Scene, day, make_crl
from cryptography.x509.oid import ExtendedKeyUsageOID

from edoc.core.chain import CertificateKind
from edoc.core.policy import Policy, Retired
from edoc.core.report import Indication, SignatureReport, SubIndication, TimeSource
from edoc.policies import load_policy

ARCHIVE: Final = Holder("Archive TSA", "Root", 0, 3600, purpose=ExtendedKeyUsageOID.TIME_STAMPING)
CRLS: Final = (make_crl("Root", 700), make_crl("CA", 700))
GOOD: Final = Scene(crls=CRLS, archive=ARCHIVE)
SECONDS: Final = 1 / 86400


def revoke(holder: Holder, since: int, *, at: int = 700, hold: bool = False) -> tuple[bytes, ...]:
    """CRLs that revoke one certificate."""
    told = make_crl(holder.issuer, at, revoked={holder.serial: since}, hold=hold)
    return told, make_crl("Root" if holder.issuer == "CA" else "CA", 700)


EXPIRED_TSA: Final = replace(TSA, ends=900)
EXPIRED: Final = replace(SIGNER, ends=700)
SHORT_CA: Final = replace(CA, ends=900)
FAR_TSA: Final = replace(ARCHIVE, name="Far TSA")
"""Below the root, so that what becomes of the CA does not concern it."""
SCENES: Final = {
    "good": GOOD,
    "signer expired after signing": replace(GOOD, signer=EXPIRED),
    "signer expired before signing": replace(GOOD, signer=replace(SIGNER, ends=400)),
    "... and nothing is known of revocation": replace(GOOD, signer=replace(SIGNER, ends=400), crls=()),
    "signer not yet valid when signing": replace(GOOD, signer=replace(SIGNER, begins=600)),
    "signer revoked before signing": replace(GOOD, crls=revoke(SIGNER, 450)),
    "signer revoked after signing": replace(GOOD, crls=revoke(SIGNER, 600)),
    "signer revoked, then expired": replace(GOOD, signer=EXPIRED, crls=revoke(SIGNER, 600)),
    "signer on hold when signing": replace(GOOD, crls=revoke(SIGNER, 450, hold=True)),
    "signer on hold after signing": replace(GOOD, crls=revoke(SIGNER, 600, hold=True)),
    "revocation unknown": replace(GOOD, crls=()),
    "revocation data of long ago": replace(
        GOOD, crls=(make_crl("Root", 100), make_crl("CA", 100, until=300))
    ),
    "revocation data after the expiry only": replace(GOOD, signer=replace(SIGNER, ends=650)),
    "... but it remembers": replace(
        GOOD, signer=replace(SIGNER, ends=650), crls=(make_crl("Root", 700), make_crl("CA", 700, remembers=0))
    ),
    "... but not for so long": replace(
        GOOD,
        signer=replace(SIGNER, ends=650),
        crls=(make_crl("Root", 700), make_crl("CA", 700, remembers=660)),
    ),
    "data older than the time-stamp": replace(GOOD, crls=(make_crl("Root", 400), make_crl("CA", 400))),
    "wrong usage": replace(GOOD, signer=replace(SIGNER, usages=frozenset({"data_encipherment"}))),
    "wrong purpose": replace(GOOD, signer=replace(SIGNER, purpose=ExtendedKeyUsageOID.OCSP_SIGNING)),
    "CA expired before signing": replace(GOOD, ca=replace(CA, ends=450)),
    "CA expired after signing": replace(GOOD, ca=SHORT_CA),
    "CA expired, far TSA": replace(GOOD, ca=SHORT_CA, tsa=FAR_TSA),
    "CA expired, far TSA, data not stamped": replace(GOOD, ca=SHORT_CA, tsa=FAR_TSA, covered=False),
    "CA expired before the archive, far TSA": replace(GOOD, ca=replace(CA, ends=750), tsa=FAR_TSA),
    "CA expired, its TSA, data not stamped": replace(GOOD, ca=SHORT_CA, covered=False),
    "CA revoked before signing": replace(GOOD, crls=revoke(CA, 450)),
    "CA revoked after signing": replace(GOOD, crls=revoke(CA, 900, at=950)),
    "CA revoked, far TSA": replace(GOOD, crls=revoke(CA, 900, at=950), tsa=FAR_TSA),
    "TSA expired": replace(GOOD, tsa=EXPIRED_TSA),
    "TSA and signer expired": replace(GOOD, tsa=EXPIRED_TSA, signer=EXPIRED),
    "TSA revoked": replace(GOOD, crls=revoke(TSA, 600)),
    "TSA revoked, signer expired": replace(GOOD, crls=revoke(TSA, 600), signer=EXPIRED),
    "TSA revoked after the archive": replace(GOOD, crls=(*CRLS, *revoke(TSA, 900, at=950)), signer=EXPIRED),
    "TSA of a stranger": replace(GOOD, tsa=replace(TSA, issuer="Other root")),
    "TSA of a stranger, signer expired": replace(GOOD, tsa=replace(TSA, issuer="Other root"), signer=EXPIRED),
    "TSA that is none": replace(GOOD, tsa=replace(SIGNER, name="No TSA")),
    "both TSAs expired, signer too": replace(
        GOOD, tsa=EXPIRED_TSA, archive=replace(ARCHIVE, ends=900), signer=EXPIRED
    ),
    "archive of a stranger, signer expired": replace(
        GOOD, archive=replace(ARCHIVE, issuer="Other root"), signer=EXPIRED
    ),
    "archive's TSA revoked, signer expired": replace(
        GOOD,
        archive=replace(ARCHIVE, issuer="CA"),
        crls=revoke(replace(ARCHIVE, issuer="CA"), 600),
        signer=EXPIRED,
    ),
    "root unknown": replace(GOOD, root=OTHER_ROOT),
    "nobody trusted": replace(GOOD, trusted=False),
    "digest retired since signing": replace(GOOD, digest="sha384"),
    "digest retired before signing": replace(GOOD, digest="sha224"),
    "digest broken": replace(GOOD, digest="md5"),
    "key retired since signing": replace(GOOD, key=("rsassa_pkcs1v15", 2048)),
    "key too short": replace(GOOD, key=("rsassa_pkcs1v15", 1024)),
    "certificate's digest retired since": replace(GOOD, signer=replace(SIGNER, digest="sha512")),
    "CA's digest retired since": replace(GOOD, ca=replace(CA, digest="sha512"), tsa=FAR_TSA),
    "CRL's digest retired since": replace(
        GOOD, crls=(make_crl("Root", 700), make_crl("CA", 700, digest="sha512")), tsa=FAR_TSA
    ),
    "... and it is not stamped": replace(
        GOOD, crls=(make_crl("Root", 700), make_crl("CA", 700, digest="sha512")), tsa=FAR_TSA, covered=False
    ),
    "time-stamp's digest retired": replace(GOOD, stamp_digest="sha512", signer=EXPIRED),
    "TSA's certificate's digest retired": replace(GOOD, tsa=replace(TSA, digest="sha512"), signer=EXPIRED),
    "SHA-1 in the chain": replace(GOOD, signer=replace(SIGNER, digest="sha1")),
    "claims to be of tomorrow": replace(GOOD, claimed=1001),
    "claims to be of half a minute ahead": replace(GOOD, claimed=1000 + 30 * SECONDS),
}
TABLE: Final = """
                                       | nd68    |         |         |         || etsi    |         |
cell                                   | none    | stamp   | both    | archive || none    | stamp   | both
good                                   | P       | P       | P       | P       || sig     | P       | P
signer expired after signing           | out+    | P       | P       | out+    || out+    | P       | P
signer expired before signing          | out+    | out+    | out+    | out+    || out     | out     | out
... and nothing is known of revocation | out     | out     | out     | out     || out     | out     | out
signer not yet valid when signing      | P       | !early  | !early  | P       || sig     | !early  | !early
signer revoked before signing          | rev     | rev     | rev     | rev     || rev     | rev     | rev
signer revoked after signing           | rev     | P       | P       | rev     || rev     | P       | P
signer revoked, then expired           | rev     | P       | P       | rev     || rev     | P       | P
signer on hold when signing            | later   | later   | later   | later   || later   | later   | later
signer on hold after signing           | later   | P       | P       | later   || later   | P       | P
revocation unknown                     | later   | later   | later   | later   || later   | later   | later
revocation data of long ago            | later   | later   | later   | later   || later   | later   | later
revocation data after the expiry only  | out+    | P       | P       | out+    || out     | later   | later
... but it remembers                   | out+    | P       | P       | out+    || out+    | P       | P
... but not for so long                | out+    | P       | P       | out+    || out     | later   | later
data older than the time-stamp         | P       | P       | P       | P       || sig     | later   | later
wrong usage                            | chain   | chain   | chain   | chain   || chain   | chain   | chain
wrong purpose                          | chain   | chain   | chain   | chain   || chain   | chain   | chain
CA expired before signing              | out     | out     | out     | out     || out     | out     | out
CA expired after signing               | out     | out     | P       | P       || out     | out     | P
CA expired, far TSA                    | out     | P       | P       | P       || out     | rev-out | P
CA expired, far TSA, data not stamped  | out     | P       | P       | P       || out     | rev-out | rev-out
CA expired before the archive, far TSA | out     | P       | P       | out     || out     | rev-out | rev-out
CA expired, its TSA, data not stamped  | out     | out     | P       | P       || out     | out     | later
CA revoked before signing              | rev-ca  | rev-ca  | rev-ca  | rev-ca  || rev-ca  | rev-ca  | rev-ca
CA revoked after signing               | rev-ca  | rev-ca  | P       | P       || rev-ca  | rev-ca  | P
CA revoked, far TSA                    | rev-ca  | P       | P       | P       || rev-ca  | P       | P
TSA expired                            | P       | P       | P       | P       || sig     | sig     | P
TSA and signer expired                 | out+    | out+    | P       | out+    || out+    | out+    | P
TSA revoked                            | P       | P       | P       | P       || sig     | sig     | later
TSA revoked, signer expired            | out+    | out+    | out+    | out+    || out+    | out+    | out
TSA revoked after the archive          | out+    | out+    | P       | out+    || out+    | out+    | P
TSA of a stranger                      | P       | P       | P       | P       || sig     | sig     | later
TSA of a stranger, signer expired      | out+    | out+    | out+    | out+    || out+    | out+    | out
TSA that is none                       | P       | P       | P       | P       || sig     | sig     | later
both TSAs expired, signer too          | out+    | out+    | out+    | out+    || out+    | out+    | out+
archive of a stranger, signer expired  | out+    | P       | P       | out+    || out+    | P       | P
archive's TSA revoked, signer expired  | out+    | P       | P       | out+    || out+    | P       | P
root unknown                           | no-path | no-path | no-path | no-path || no-path | no-path | no-path
nobody trusted                         | no-path | no-path | no-path | no-path || no-path | no-path | no-path
digest retired since signing           | crypto  | P       | P       | crypto  || crypto  | P       | P
digest retired before signing          | crypto  | crypto  | crypto  | crypto  || crypto  | crypto  | crypto
digest broken                          | crypto  | crypto  | crypto  | crypto  || crypto  | crypto  | crypto
key retired since signing              | crypto  | P       | P       | crypto  || crypto  | P       | P
key too short                          | crypto  | crypto  | crypto  | crypto  || crypto  | crypto  | crypto
certificate's digest retired since     | crypto  | P       | P       | P       || crypto  | P       | P
CA's digest retired since              | crypto  | crypto  | P       | P       || crypto  | crypto  | P
CRL's digest retired since             | crypto  | crypto  | P       | P       || crypto  | crypto  | P
... and it is not stamped              | crypto  | crypto  | crypto  | crypto  || crypto  | crypto  | crypto
time-stamp's digest retired            | out+    | out+    | P       | out+    || out+    | out+    | P
TSA's certificate's digest retired     | out+    | out+    | P       | out+    || out+    | out+    | P
SHA-1 in the chain                     | crypto  | crypto  | crypto  | crypto  || crypto  | crypto  | crypto
claims to be of tomorrow               | P       | P       | P       | P       || sig     | sig     | sig
claims to be of half a minute ahead    | P       | P       | P       | P       || sig     | sig     | sig
"""
RETIRED: Final = (
    Retired("sha384", 0, day(700).date()),
    Retired("sha512", 0, day(900).date()),
    Retired("sha224", 0, day(400).date()),
    Retired("rsa", 3000, day(700).date()),
)
PROOFS: Final[dict[str, dict[str, Any]]] = {
    "none": {},
    "stamp": {"stamp": 500},
    "both": {"stamp": 500, "document_stamp": 800},
    "archive": {"document_stamp": 800},
}
COLUMNS: Final = (
    *(("nd68", proof) for proof in ("none", "stamp", "both", "archive")),
    *(("etsi", proof) for proof in ("none", "stamp", "both")),
)
WORDS: Final = {
    "P": (Indication.TOTAL_PASSED, None),
    "!early": (Indication.TOTAL_FAILED, SubIndication.NOT_YET_VALID),
    "!expired": (Indication.TOTAL_FAILED, SubIndication.EXPIRED),
    "!revoked": (Indication.TOTAL_FAILED, SubIndication.REVOKED),
} | {
    word: (Indication.INDETERMINATE, meaning)
    for word, meaning in {
        "chain": SubIndication.CHAIN_CONSTRAINTS_FAILURE,
        "crypto": SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
        "hopeless": SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
        "later": SubIndication.TRY_LATER,
        "no-path": SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        "order": SubIndication.TIMESTAMP_ORDER_FAILURE,
        "out": SubIndication.OUT_OF_BOUNDS_NO_POE,
        "out+": SubIndication.OUT_OF_BOUNDS_NOT_REVOKED,
        "path": SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
        "rev": SubIndication.REVOKED_NO_POE,
        "rev-ca": SubIndication.REVOKED_CA_NO_POE,
        "rev-out": SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE,
        "sig": SubIndication.SIG_CONSTRAINTS_FAILURE,
    }.items()
}
"""What the words in the tables mean."""


def read_table() -> list[tuple[str, str, str, str]]:
    """Cell, policy, proof, word."""
    _, _, _, *rows = TABLE.splitlines()
    return [
        (name.strip(), policy, proof, word.strip())
        for name, *words in (row.replace("||", "|").split("|") for row in rows)
        for (policy, proof), word in zip(COLUMNS, words, strict=True)
    ]


def choose(name: str) -> Policy:
    policy = load_policy(name)
    return replace(policy, name=f"{name} with days", retired=RETIRED)


def tell(report: SignatureReport) -> str:
    """The word for a judgement."""
    meaning = report.indication, report.sub_indication
    return next(word for word, meant in WORDS.items() if meant == meaning)


# The table


@pytest.mark.parametrize(("cell", "policy", "proof", "word"), read_table())
def test_each_cell_means_what_the_table_says(cell: str, policy: str, proof: str, word: str) -> None:
    assert tell(replace(SCENES[cell], **PROOFS[proof]).judge(choose(policy))) == word


def test_every_scene_stands_in_the_table_once_per_column() -> None:
    assert [cell for cell, *_ in read_table()[:: len(COLUMNS)]] == list(SCENES)


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("cell", SCENES)
def test_integrity_asks_nobody(cell: str, proof: str) -> None:
    assert tell(replace(SCENES[cell], **PROOFS[proof]).judge(load_policy("integrity"))) == "P"


@pytest.mark.parametrize("cell", SCENES)
@pytest.mark.parametrize("proof", PROOFS)
def test_public_certificates_are_judged_as_dedicated_ones(cell: str, proof: str) -> None:
    scene = replace(SCENES[cell], **PROOFS[proof])
    assert tell(scene.judge(choose("public-tt15"))) == tell(scene.judge(choose("nd68")))


@pytest.mark.parametrize(("stamp", "word"), [(300, "P"), (500, "crypto")])
def test_sha1_counts_in_dedicated_chains_of_proven_history_only(stamp: int, word: str) -> None:
    old = replace(SCENES["SHA-1 in the chain"], stamp=stamp, claimed=stamp)
    assert tell(old.judge(load_policy("nd68"))) == word
    assert tell(old.judge(load_policy("public-tt15"))) == "crypto"


# What a policy may say otherwise


@pytest.mark.parametrize("policy", ["nd68", "etsi", "public-tt15"])
@pytest.mark.parametrize("proof", ["stamp", "both"])
@pytest.mark.parametrize(
    ("kinds", "word"),
    [((), "P"), ((CertificateKind.UNKNOWN,), "P"), ((CertificateKind.AGENCY,), "chain")],
)
def test_a_policy_says_whose_certificates_it_accepts(
    kinds: tuple[CertificateKind, ...], word: str, proof: str, policy: str
) -> None:
    choice = replace(load_policy(policy), kinds=kinds)
    found = replace(GOOD, **PROOFS[proof]).judge_all(choice)
    assert tell(found["Person"]) == word
    # Time-stamps are an authority's business.
    assert all(tell(report) == "P" for field, report in found.items() if field == "Stamp")


@pytest.mark.parametrize("proof", PROOFS)
def test_a_policy_may_live_without_revocation_data(proof: str) -> None:
    lenient = replace(load_policy("nd68"), missing_revocation="ignore")
    report = replace(SCENES["revocation unknown"], **PROOFS[proof]).judge(lenient)
    assert tell(report) == "P"
    assert "REVOCATION_IGNORED" in [message.code for message in report.messages]
    assert tell(replace(SCENES["signer revoked before signing"], **PROOFS[proof]).judge(lenient)) == "rev"


@pytest.mark.parametrize("proof", PROOFS)
def test_a_policy_may_ask_for_proof_of_time(proof: str) -> None:
    demanding = replace(load_policy("nd68"), timestamp_required=True)
    assert tell(replace(GOOD, **PROOFS[proof]).judge(demanding)) == ("sig" if proof == "none" else "P")


def test_the_day_of_retirement_is_the_first_that_does_not_count() -> None:
    since = day(1000).date()
    for shift, word in ((0, "crypto"), (1, "P")):
        policy = replace(
            load_policy("nd68"), retired=(Retired("sha384", 0, since + dt.timedelta(days=shift)),)
        )
        assert tell(replace(GOOD, digest="sha384").judge(policy)) == word


# Clocks


@pytest.mark.parametrize(
    ("ahead", "source"),
    [(30, TimeSource.SIGNATURE_TIMESTAMP), (120, TimeSource.VALIDATION_TIME)],
    ids=["within the tolerance", "beyond it"],
)
def test_a_time_stamp_may_be_ahead_by_the_clocks_tolerance(ahead: int, source: TimeSource) -> None:
    report = replace(GOOD, stamp=1000 + ahead * SECONDS, claimed=900).judge(load_policy("nd68"))
    assert (report.time_source, report.best_time) == (source, day(1000))


@pytest.mark.parametrize(("ahead", "word"), [(30, "P"), (120, "order")])
def test_a_time_stamp_over_the_document_that_is_ahead_does_not_pass(ahead: int, word: str) -> None:
    found = replace(GOOD, document_stamp=1000 + ahead * SECONDS).judge_all(load_policy("nd68"))
    assert tell(found["Stamp"]) == word
    assert found["Person"].best_time == day(1000)


@pytest.mark.parametrize(("claimed", "word"), [(1000 + 30 * SECONDS, "P"), (1000 + 120 * SECONDS, "sig")])
def test_only_a_strict_policy_minds_a_claim_beyond_the_tolerance(claimed: float, word: str) -> None:
    scene = replace(GOOD, claimed=claimed)
    strict = replace(load_policy("nd68"), strict=True)
    assert (tell(scene.judge(load_policy("nd68"))), tell(scene.judge(strict))) == ("P", word)


@pytest.mark.parametrize(
    "times", [{"stamp": 700, "document_stamp": 600}, {"earlier_stamps": (600,), "stamp": 500}], ids=str
)
def test_time_stamps_that_contradict_each_other_prove_nothing(times: dict[str, Any]) -> None:
    assert tell(replace(GOOD, **times).judge(load_policy("nd68"))) == "order"


# Proof that it was made too late: a time-stamp among what was signed


AFTERWARDS: Final = {
    "good": "P",
    "signer expired before signing": "!expired",
    "signer expired after signing": "out+",
    "signer revoked before signing": "!revoked",
    "signer revoked after signing": "rev",
    "signer on hold when signing": "later",
    "CA expired before signing": "out",
    "CA revoked before signing": "rev-ca",
    "digest retired before signing": "hopeless",
    "digest retired since signing": "crypto",
    "revocation unknown": "later",
}


@pytest.mark.parametrize("policy", ["nd68", "public-tt15"])
@pytest.mark.parametrize(("cell", "word"), AFTERWARDS.items())
def test_what_was_signed_over_a_newer_time_stamp_fails(cell: str, word: str, policy: str) -> None:
    scene = replace(SCENES[cell], earlier_stamps=(300, 480))
    assert tell(scene.judge(choose(policy))) == word


def test_a_time_stamp_among_what_was_signed_must_count_itself() -> None:
    stranger = replace(SCENES["signer expired before signing"], earlier_stamps=(480,), archive=OTHER_ROOT)
    assert tell(stranger.judge(choose("nd68"))) == "out+"


# Time-stamps over the document


STAMPS: Final = {
    "good": ("P", "P"),
    "archive of a stranger, signer expired": ("no-path", "no-path"),
    "archive's TSA revoked, signer expired": ("rev", "rev"),
    "both TSAs expired, signer too": ("out+", "out+"),
    "revocation unknown": ("later", "later"),
    "CA revoked before signing": ("P", "P"),
}


@pytest.mark.parametrize(("cell", "words"), STAMPS.items())
def test_a_time_stamp_over_the_document_is_judged_by_itself(cell: str, words: tuple[str, str]) -> None:
    scene = replace(SCENES[cell], document_stamp=800)
    found = [tell(scene.judge_all(choose(policy))["Stamp"]) for policy in ("nd68", "etsi")]
    assert tuple(found) == words


@pytest.mark.parametrize(("since", "word"), [(600, "P"), (800, "later")])
def test_the_strict_policy_wants_revocation_data_after_the_proof(since: int, word: str) -> None:
    """An archive time-stamp alone is proof enough, whether or not the signature has one."""
    scene = replace(GOOD, document_stamp=since, covered=False)
    assert tell(scene.judge(choose("etsi"))) == word


def test_what_is_revoked_for_good_stays_so_when_its_ca_forgets() -> None:
    forgotten = (*revoke(SIGNER, 450, at=460), make_crl("CA", 950))
    scene = replace(GOOD, crls=forgotten, **PROOFS["both"])
    assert {tell(scene.judge(choose(policy))) for policy in ("nd68", "etsi")} == {"rev"}
