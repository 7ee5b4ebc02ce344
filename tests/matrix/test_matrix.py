"""Revocation, time and trust: what each cell of the matrix means. The table is the specification.

Columns: no proof of time, the signature's own time-stamp (of day 500), and besides it a time-stamp over the
document and its validation data (of day 800, by an authority below the root). Everything is judged on day
1,000. `P` is TOTAL_PASSED, `!` marks TOTAL_FAILED, everything else is INDETERMINATE.
"""

import dataclasses
import datetime as dt
from dataclasses import replace
from typing import Any, Final

import pytest
from authorities import CA, OTHER_ROOT, SIGNER, TSA, Holder, Scene, day, make_crl
from cryptography.x509.oid import ExtendedKeyUsageOID

from edoc.core.chain import CertificateKind
from edoc.core.policy import Policy, Retired
from edoc.core.report import SignatureReport, TimeSource
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
SCENES: Final = {
    "good": GOOD,
    "signer expired after signing": replace(GOOD, signer=replace(SIGNER, ends=700)),
    "signer expired before signing": replace(GOOD, signer=replace(SIGNER, ends=400)),
    "signer not yet valid when signing": replace(GOOD, signer=replace(SIGNER, begins=600)),
    "signer revoked before signing": replace(GOOD, crls=revoke(SIGNER, 450)),
    "signer revoked after signing": replace(GOOD, crls=revoke(SIGNER, 600)),
    "signer on hold when signing": replace(GOOD, crls=revoke(SIGNER, 450, hold=True)),
    "revocation unknown": replace(GOOD, crls=()),
    "revocation data of long ago": replace(
        GOOD, crls=(make_crl("Root", 100), make_crl("CA", 100, until=300))
    ),
    "data older than the time-stamp": replace(GOOD, crls=(make_crl("Root", 400), make_crl("CA", 400))),
    "wrong usage": replace(GOOD, signer=replace(SIGNER, usages=frozenset({"data_encipherment"}))),
    "wrong purpose": replace(GOOD, signer=replace(SIGNER, purpose=ExtendedKeyUsageOID.OCSP_SIGNING)),
    "CA expired after signing": replace(GOOD, ca=replace(CA, ends=900)),
    "CA expired, data not stamped": replace(GOOD, ca=replace(CA, ends=900), covered=False),
    "CA revoked before signing": replace(GOOD, crls=revoke(CA, 450)),
    "CA revoked after signing": replace(GOOD, crls=revoke(CA, 900, at=950)),
    "TSA expired": replace(GOOD, tsa=EXPIRED_TSA),
    "TSA and signer expired": replace(GOOD, tsa=EXPIRED_TSA, signer=replace(SIGNER, ends=700)),
    "TSA revoked": replace(GOOD, crls=revoke(TSA, 600)),
    "TSA of a stranger": replace(GOOD, tsa=replace(TSA, issuer="Other root")),
    "TSA that is none": replace(GOOD, tsa=replace(SIGNER, name="No TSA")),
    "root unknown": replace(GOOD, root=OTHER_ROOT),
    "nobody trusted": replace(GOOD, trusted=False),
    "digest retired since signing": replace(GOOD, digest="sha384"),
    "digest retired before signing": replace(GOOD, digest="sha224"),
    "digest broken": replace(GOOD, digest="md5"),
    "key retired since signing": replace(GOOD, key=("rsassa_pkcs1v15", 2048)),
    "key too short": replace(GOOD, key=("rsassa_pkcs1v15", 1024)),
    "time-stamp's digest retired": replace(
        GOOD, stamp_digest="sha512", signer=replace(SIGNER, ends=700), archive=ARCHIVE
    ),
    "SHA-1 in the chain": replace(GOOD, signer=replace(SIGNER, digest="sha1")),
    "claims to be of tomorrow": replace(GOOD, claimed=1001),
}
TABLE: Final = """
                                  | nd68                                                                        | etsi
cell                              | none                       | stamp                      | archive           | stamp                      | archive
good                              | P                          | P                          | P                 | P                          | P
signer expired after signing      | OUT_OF_BOUNDS_NO_POE       | P                          | P                 | P                          | P
signer expired before signing     | OUT_OF_BOUNDS_NO_POE       | OUT_OF_BOUNDS_NO_POE       | OUT_OF_BOUNDS_NO_POE | OUT_OF_BOUNDS_NO_POE    | OUT_OF_BOUNDS_NO_POE
signer not yet valid when signing | P                          | !NOT_YET_VALID             | !NOT_YET_VALID    | !NOT_YET_VALID             | !NOT_YET_VALID
signer revoked before signing     | REVOKED_NO_POE             | REVOKED_NO_POE             | REVOKED_NO_POE    | REVOKED_NO_POE             | REVOKED_NO_POE
signer revoked after signing      | REVOKED_NO_POE             | P                          | P                 | P                          | P
signer on hold when signing       | REVOKED_NO_POE             | REVOKED_NO_POE             | REVOKED_NO_POE    | REVOKED_NO_POE             | REVOKED_NO_POE
revocation unknown                | TRY_LATER                  | TRY_LATER                  | TRY_LATER         | SIG_CONSTRAINTS_FAILURE    | SIG_CONSTRAINTS_FAILURE
revocation data of long ago       | TRY_LATER                  | TRY_LATER                  | TRY_LATER         | SIG_CONSTRAINTS_FAILURE    | TRY_LATER
data older than the time-stamp    | P                          | P                          | P                 | TRY_LATER                  | TRY_LATER
wrong usage                       | CHAIN_CONSTRAINTS_FAILURE  | CHAIN_CONSTRAINTS_FAILURE  | CHAIN_CONSTRAINTS_FAILURE | CHAIN_CONSTRAINTS_FAILURE | CHAIN_CONSTRAINTS_FAILURE
wrong purpose                     | CHAIN_CONSTRAINTS_FAILURE  | CHAIN_CONSTRAINTS_FAILURE  | CHAIN_CONSTRAINTS_FAILURE | CHAIN_CONSTRAINTS_FAILURE | CHAIN_CONSTRAINTS_FAILURE
CA expired after signing          | OUT_OF_BOUNDS_NO_POE       | OUT_OF_BOUNDS_NO_POE       | P                 | SIG_CONSTRAINTS_FAILURE    | P
CA expired, data not stamped      | OUT_OF_BOUNDS_NO_POE       | OUT_OF_BOUNDS_NO_POE       | P                 | SIG_CONSTRAINTS_FAILURE    | REVOCATION_OUT_OF_BOUNDS_NO_POE
CA revoked before signing         | REVOKED_CA_NO_POE          | REVOKED_CA_NO_POE          | REVOKED_CA_NO_POE | SIG_CONSTRAINTS_FAILURE    | TRY_LATER
CA revoked after signing          | REVOKED_CA_NO_POE          | REVOKED_CA_NO_POE          | P                 | SIG_CONSTRAINTS_FAILURE    | P
TSA expired                       | P                          | P                          | P                 | SIG_CONSTRAINTS_FAILURE    | P
TSA and signer expired            | OUT_OF_BOUNDS_NO_POE       | OUT_OF_BOUNDS_NO_POE       | P                 | SIG_CONSTRAINTS_FAILURE    | P
TSA revoked                       | P                          | P                          | P                 | SIG_CONSTRAINTS_FAILURE    | TRY_LATER
TSA of a stranger                 | P                          | P                          | P                 | SIG_CONSTRAINTS_FAILURE    | TRY_LATER
TSA that is none                  | P                          | P                          | P                 | SIG_CONSTRAINTS_FAILURE    | TRY_LATER
root unknown                      | NO_CERTIFICATE_CHAIN_FOUND | NO_CERTIFICATE_CHAIN_FOUND | NO_CERTIFICATE_CHAIN_FOUND | SIG_CONSTRAINTS_FAILURE | SIG_CONSTRAINTS_FAILURE
nobody trusted                    | NO_CERTIFICATE_CHAIN_FOUND | NO_CERTIFICATE_CHAIN_FOUND | NO_CERTIFICATE_CHAIN_FOUND | SIG_CONSTRAINTS_FAILURE | SIG_CONSTRAINTS_FAILURE
digest retired since signing      | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | P                   | P                 | P                          | P
digest retired before signing     | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE
digest broken                     | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE
key retired since signing         | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | P                   | P                 | P                          | P
key too short                     | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE | CRYPTO_CONSTRAINTS_FAILURE_NO_POE
time-stamp's digest retired       | OUT_OF_BOUNDS_NO_POE       | OUT_OF_BOUNDS_NO_POE       | P                 | SIG_CONSTRAINTS_FAILURE    | P
SHA-1 in the chain                | CERTIFICATE_CHAIN_GENERAL_FAILURE | CERTIFICATE_CHAIN_GENERAL_FAILURE | CERTIFICATE_CHAIN_GENERAL_FAILURE | CERTIFICATE_CHAIN_GENERAL_FAILURE | CERTIFICATE_CHAIN_GENERAL_FAILURE
claims to be of tomorrow          | P                          | P                          | P                 | SIG_CONSTRAINTS_FAILURE    | SIG_CONSTRAINTS_FAILURE
"""  # noqa: E501 - a table
RETIRED: Final = (
    Retired("sha384", 0, day(700).date()),
    Retired("sha512", 0, day(900).date()),
    Retired("sha224", 0, day(400).date()),
    Retired("rsa", 3000, day(700).date()),
)
PROOFS: Final[dict[str, dict[str, Any]]] = {
    "none": {},
    "stamp": {"stamp": 500},
    "archive": {"stamp": 500, "document_stamp": 800},
}


def read_table() -> list[tuple[str, str, str, str]]:
    """Cell, policy, proof, meaning."""
    _, _, header, *rows = TABLE.splitlines()
    proofs = [word.strip() for word in header.split("|")[1:]]
    policies = ("nd68", "nd68", "nd68", "etsi", "etsi")
    return [
        (name.strip(), policy, proof, meaning.strip())
        for name, *meanings in (row.split("|") for row in rows)
        for policy, proof, meaning in zip(policies, proofs, meanings, strict=True)
    ]


def choose(name: str) -> Policy:
    policy = load_policy(name)
    return replace(policy, name=f"{name} with days", retired=RETIRED)


def tell(report: SignatureReport) -> str:
    mark = "!" if report.indication == "TOTAL_FAILED" else ""
    return "P" if report.indication == "TOTAL_PASSED" else f"{mark}{report.sub_indication}"


@pytest.mark.parametrize(("cell", "policy", "proof", "meaning"), read_table())
def test_each_cell_means_what_the_table_says(cell: str, policy: str, proof: str, meaning: str) -> None:
    scene = dataclasses.replace(SCENES[cell], **PROOFS[proof])
    assert tell(scene.judge(choose(policy))) == meaning


def test_every_scene_stands_in_the_table_once_per_column() -> None:
    assert {cell for cell, *_ in read_table()} == set(SCENES)
    assert len(read_table()) == 5 * len(SCENES)


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("cell", SCENES)
def test_integrity_asks_nobody(cell: str, proof: str) -> None:
    scene = dataclasses.replace(SCENES[cell], **PROOFS[proof])
    assert tell(scene.judge(load_policy("integrity"))) == "P"


@pytest.mark.parametrize("cell", [cell for cell in SCENES if cell != "SHA-1 in the chain"])
@pytest.mark.parametrize("proof", PROOFS)
def test_public_certificates_are_judged_as_dedicated_ones(cell: str, proof: str) -> None:
    scene = dataclasses.replace(SCENES[cell], **PROOFS[proof])
    assert tell(scene.judge(choose("public-tt15"))) == tell(scene.judge(choose("nd68")))


@pytest.mark.parametrize("proof", PROOFS)
def test_without_proof_the_strict_policy_passes_nothing(proof: str) -> None:
    scene = dataclasses.replace(GOOD, **PROOFS[proof])
    wanted = "SIG_CONSTRAINTS_FAILURE" if proof == "none" else "P"
    assert tell(scene.judge(choose("etsi"))) == wanted


@pytest.mark.parametrize(("stamp", "meaning"), [(300, "P"), (500, "CERTIFICATE_CHAIN_GENERAL_FAILURE")])
def test_sha1_counts_in_chains_of_proven_history_only(stamp: int, meaning: str) -> None:
    old = replace(SCENES["SHA-1 in the chain"], stamp=stamp, claimed=stamp)
    assert tell(old.judge(load_policy("nd68"))) == meaning
    assert tell(old.judge(load_policy("public-tt15"))) == "CERTIFICATE_CHAIN_GENERAL_FAILURE"


@pytest.mark.parametrize(
    ("kinds", "meaning"),
    [((), "P"), ((CertificateKind.UNKNOWN,), "P"), ((CertificateKind.AGENCY,), "CHAIN_CONSTRAINTS_FAILURE")],
)
def test_a_policy_says_whose_certificates_it_accepts(
    kinds: tuple[CertificateKind, ...], meaning: str
) -> None:
    assert tell(GOOD.judge(replace(load_policy("nd68"), kinds=kinds))) == meaning


@pytest.mark.parametrize(
    ("ahead", "source"),
    [(30, TimeSource.SIGNATURE_TIMESTAMP), (120, TimeSource.VALIDATION_TIME)],
    ids=["within the tolerance", "beyond it"],
)
def test_a_time_stamp_may_be_ahead_by_the_clocks_tolerance(ahead: int, source: TimeSource) -> None:
    report = replace(GOOD, stamp=1000 + ahead * SECONDS, claimed=900).judge(load_policy("nd68"))
    assert (report.time_source, report.best_time) == (source, day(1000))


def test_time_stamps_that_contradict_each_other_prove_nothing() -> None:
    scene = replace(GOOD, stamp=700, document_stamp=600)
    assert tell(scene.judge(load_policy("nd68"))) == "TIMESTAMP_ORDER_FAILURE"


def test_a_policy_may_live_without_revocation_data() -> None:
    lenient = replace(load_policy("nd68"), missing_revocation="ignore")
    assert tell(SCENES["revocation unknown"].judge(lenient)) == "P"
    assert tell(SCENES["signer revoked before signing"].judge(lenient)) == "REVOKED_NO_POE"


def test_the_day_of_retirement_is_the_first_that_does_not_count() -> None:
    since = day(1000).date()
    for shift, meaning in ((0, "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"), (1, "P")):
        policy = replace(
            load_policy("nd68"), retired=(Retired("sha384", 0, since + dt.timedelta(days=shift)),)
        )
        assert tell(replace(GOOD, digest="sha384").judge(policy)) == meaning
