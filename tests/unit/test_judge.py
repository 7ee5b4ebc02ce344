"""The judge, alone with evidence made by hand."""

import dataclasses
import datetime as dt

import pytest

from edoc.core.chain import CertificateFacts, CertificateKind, ChainFacts, ChainStatus
from edoc.core.evidence import ChangeFacts, Fault, FileEvidence, Lock, SignatureFacts, TimestampFacts
from edoc.core.judge import judge
from edoc.core.policy import Policy
from edoc.core.report import (
    Changes,
    Coverage,
    Indication,
    SignatureReport,
    SignatureType,
    SubIndication,
    TimeSource,
)
from edoc.errors import InputError
from edoc.policies import load_policy

AT = dt.datetime(2026, 2, 5, 8, tzinfo=dt.UTC)
EARLIER = AT - dt.timedelta(days=30)
ND68 = load_policy("nd68")


def signer(kind: CertificateKind = CertificateKind.PERSON) -> CertificateFacts:
    return CertificateFacts(
        der=b"certificate",
        common_name="Trần Thị Bích Hằng",
        organization="Ủy ban nhân dân tỉnh An Bình",
        serial_number="7",
        issuer="CA",
        not_before=AT - dt.timedelta(days=100),
        not_after=AT + dt.timedelta(days=100),
        kind=kind,
    )


def chain(status: ChainStatus = ChainStatus.OK, *, development: bool = False) -> ChainFacts:
    return ChainFacts(at=AT, status=status, detail="as told.", development=development)


GOOD = SignatureFacts(
    field="Person",
    type=SignatureType.SIGNATURE,
    end=100,
    digest_algorithm="sha256",
    signature_algorithm="rsassa_pkcs1v15",
    key_bits=3072,
    digest_matches=True,
    signature_holds=True,
    coverage=Coverage.WHOLE_FILE,
    certificate=b"certificate",
    signer=signer(),
    chain=chain(),
)
STAMP = TimestampFacts(time=EARLIER, intact=True, certificate=b"tsa", chain=chain())
DOCUMENT_STAMP = dataclasses.replace(
    GOOD, field="Stamp", type=SignatureType.DOCUMENT_TIMESTAMP, end=200, timestamp=STAMP
)


def decide(*signatures: SignatureFacts, policy: Policy = ND68) -> tuple[SignatureReport, ...]:
    file = FileEvidence(path="x.pdf", sha256="0" * 64, size=1, format="pdf", signatures=signatures)
    return judge((file,), policy, AT).files[0].signatures


def verdict(policy: Policy = ND68, **changed: object) -> tuple[Indication, SubIndication | None]:
    (report,) = decide(dataclasses.replace(GOOD, **changed), policy=policy)  # type: ignore[arg-type]
    return report.indication, report.sub_indication


FAILED, UNSURE, PASSED = Indication.TOTAL_FAILED, Indication.INDETERMINATE, Indication.TOTAL_PASSED


def test_everything_good_passes() -> None:
    assert verdict() == (PASSED, None)


@pytest.mark.parametrize(
    ("status", "sub"),
    [
        (ChainStatus.NO_PATH, SubIndication.NO_CERTIFICATE_CHAIN_FOUND),
        (ChainStatus.EXPIRED, SubIndication.OUT_OF_BOUNDS_NO_POE),
        (ChainStatus.NOT_YET_VALID, SubIndication.OUT_OF_BOUNDS_NO_POE),
        (ChainStatus.REVOKED, SubIndication.REVOKED_NO_POE),
        (ChainStatus.REVOCATION_UNKNOWN, SubIndication.TRY_LATER),
        (ChainStatus.BAD_USAGE, SubIndication.CHAIN_CONSTRAINTS_FAILURE),
        (ChainStatus.INVALID, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE),
    ],
)
def test_a_path_that_does_not_hold_is_indeterminate(status: ChainStatus, sub: SubIndication) -> None:
    assert verdict(chain=chain(status)) == (UNSURE, sub)
    assert verdict(chain=chain(status), policy=load_policy("integrity")) == (PASSED, None)


def test_every_state_of_a_path_has_its_words() -> None:
    for status in ChainStatus:
        assert verdict(chain=chain(status))[0] is (PASSED if status is ChainStatus.OK else UNSURE)


def test_signed_provably_before_the_certificate_began_fails() -> None:
    facts = {"chain": chain(ChainStatus.NOT_YET_VALID), "timestamp": STAMP}
    assert verdict(**facts) == (FAILED, SubIndication.NOT_YET_VALID)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"digest_matches": False}, (FAILED, SubIndication.HASH_FAILURE)),
        ({"signature_holds": False}, (FAILED, SubIndication.SIG_CRYPTO_FAILURE)),
        ({"digest_matches": None}, (UNSURE, SubIndication.SIGNED_DATA_NOT_FOUND)),
        ({"coverage": Coverage.PARTIAL}, (FAILED, SubIndication.FORMAT_FAILURE)),
        ({"certificate": None, "signer": None}, (UNSURE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND)),
        ({"signer": None}, (UNSURE, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE)),
        ({"chain": None}, (UNSURE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)),
        ({"digest_algorithm": "sha1"}, (UNSURE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE)),
        ({"key_bits": 1024}, (UNSURE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE)),
        ({"signature_algorithm": "ecdsa", "key_bits": 256}, (PASSED, None)),
        (
            {"signature_algorithm": "ecdsa", "key_bits": 192},
            (UNSURE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        ),
        ({"faults": (Fault(code="BYTE_RANGE_BAD"),)}, (FAILED, SubIndication.FORMAT_FAILURE)),
        ({"faults": (Fault(code="SEVERAL_SIGNERS"),)}, (PASSED, None)),
        (
            {"signature_holds": None, "faults": (Fault(code="ALGORITHM_UNSUPPORTED"),)},
            (UNSURE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
        ),
    ],
)
def test_each_fault_has_its_words(
    changed: dict[str, object], expected: tuple[Indication, SubIndication | None]
) -> None:
    assert verdict(**changed) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "allowed", "indication"),
    [
        (ChangeFacts(kind=Changes.LTV_UPDATE), True, PASSED),
        (ChangeFacts(kind=Changes.FORM_FILLING), True, PASSED),
        (ChangeFacts(kind=Changes.ANNOTATION), False, FAILED),
        (ChangeFacts(kind=Changes.OTHER), False, FAILED),
        (ChangeFacts(kind=Changes.OTHER, reasons=("object 9",)), False, FAILED),
        (ChangeFacts(kind=Changes.FORM_FILLING, locked_fields=("Number",)), False, FAILED),
        (ChangeFacts(kind=Changes.FORM_FILLING, visual=("page 1",)), False, FAILED),
        (ChangeFacts(kind=Changes.OTHER, undecided="circles"), False, UNSURE),
    ],
)
def test_changes_are_weighed(changes: ChangeFacts, allowed: bool, indication: Indication) -> None:
    (report,) = decide(dataclasses.replace(GOOD, coverage=Coverage.WHOLE_REVISION, changes=changes))
    assert (report.changes_allowed, report.indication) == (allowed, indication)


def test_a_signature_that_forbids_filling_is_broken_by_it() -> None:
    changes = ChangeFacts(kind=Changes.FORM_FILLING, beyond_document=True)
    assert verdict(changes=changes, lock=Lock(document=1)) == (FAILED, SubIndication.FORMAT_FAILURE)


def test_proven_alteration_weighs_more_than_a_missing_path() -> None:
    facts = {"digest_matches": False, "chain": chain(ChainStatus.NO_PATH)}
    assert verdict(**facts) == (FAILED, SubIndication.HASH_FAILURE)  # type: ignore[arg-type]


def test_the_earliest_trusted_time_stamp_is_the_best_time() -> None:
    later = dataclasses.replace(STAMP, time=EARLIER + dt.timedelta(days=1))
    stamped = dataclasses.replace(GOOD, timestamp=later)
    report, _ = decide(stamped, DOCUMENT_STAMP)
    assert (report.best_time, report.time_source) == (EARLIER, TimeSource.DOCUMENT_TIMESTAMP)


@pytest.mark.parametrize(
    "stamp",
    [
        dataclasses.replace(STAMP, intact=False),
        dataclasses.replace(STAMP, chain=None),
        dataclasses.replace(STAMP, chain=chain(ChainStatus.NO_PATH)),
        dataclasses.replace(STAMP, time=AT + dt.timedelta(minutes=2)),
    ],
    ids=["broken", "not examined", "not trusted", "after the time judged"],
)
def test_a_time_stamp_that_does_not_hold_proves_nothing(stamp: TimestampFacts) -> None:
    (report,) = decide(dataclasses.replace(GOOD, timestamp=stamp))
    assert (report.best_time, report.time_source) == (AT, TimeSource.VALIDATION_TIME)


def test_a_document_time_stamp_before_the_signature_proves_nothing() -> None:
    _, report = decide(dataclasses.replace(DOCUMENT_STAMP, end=50), GOOD)
    assert report.time_source is TimeSource.VALIDATION_TIME


def test_every_check_leaves_its_answer() -> None:
    (report,) = decide(GOOD)
    codes = [message.code for message in report.messages]
    assert codes == ["INTACT", "COVERS_FILE", "CHANGES_NONE", "TIME_NOT_PROVEN", "CHAIN_OK"]


def test_development_roots_of_the_time_stamp_count_too() -> None:
    stamp = dataclasses.replace(STAMP, chain=chain(development=True))
    (report,) = decide(dataclasses.replace(GOOD, timestamp=stamp))
    assert report.development


def test_a_policy_is_found_by_name_and_its_hash_tells_it_apart() -> None:
    assert load_policy("nd68") is ND68
    assert load_policy(ND68) is ND68
    assert ND68.sha256 != dataclasses.replace(ND68, minimal_rsa_bits=1024).sha256
    with pytest.raises(InputError, match="integrity"):
        load_policy("lenient")
