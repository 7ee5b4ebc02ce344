"""The report's own promises: no boolean, one token, one exit code, one schema."""

import dataclasses
import datetime as dt
import json

import jsonschema
import pytest
import verifying
from reporting import judge_archive, validate
from test_judge import AT, GOOD, ND68, STAMP, chain

from edoc.core.account import BLOCKS
from edoc.core.chain import CertificateKind, ChainStatus
from edoc.core.evidence import Change, ChangeFacts, Fault, FileEvidence
from edoc.core.judge import CHECKS, judge
from edoc.core.particulars import StageReport
from edoc.core.report import (
    SCHEMA_VERSION,
    Changes,
    Coverage,
    Indication,
    Level,
    Report,
    Severity,
    SignatureType,
    SubIndication,
    TimeSource,
)
from edoc.core.verdicts import EvidenceKind, Origin, StageResult
from edoc.devpki.hierarchy import DevPki
from edoc.errors import NotVerified

FINE = FileEvidence(path="fine.pdf", sha256="a" * 64, size=9, format="pdf", signatures=(GOOD,))
FAILED = dataclasses.replace(FINE, signatures=(GOOD, dataclasses.replace(GOOD, digest_matches=False)))
UNSURE = dataclasses.replace(FINE, signatures=(dataclasses.replace(GOOD, chain=None), GOOD))
UNSIGNED = dataclasses.replace(FINE, signatures=())
UNREADABLE = FileEvidence(path="no.pdf", sha256=None, size=None, unreadable=Fault(code="FILE_MISSING"))


def report_on(*files: FileEvidence, rule: str = "none") -> Report:
    return judge(files, ND68, AT, rule=rule)


def test_a_report_is_no_boolean() -> None:
    with pytest.raises(TypeError, match="require"):
        bool(report_on(FINE))


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ((FINE,), 0),
        ((FAILED,), 1),
        ((UNSURE,), 3),
        ((UNSIGNED,), 4),
        ((UNREADABLE,), 5),
        ((FINE, UNSURE), 3),
        ((FINE, UNSURE, UNSIGNED), 4),
        ((FINE, UNSURE, UNSIGNED, UNREADABLE), 5),
        ((FINE, UNSURE, UNSIGNED, UNREADABLE, FAILED), 1),
    ],
)
def test_the_first_exit_code_that_applies_wins(files: tuple[FileEvidence, ...], code: int) -> None:
    assert report_on(*files).exit_code == code


def test_a_failed_rule_exits_1_although_every_signature_passed() -> None:
    report = report_on(FINE, rule="nd30")
    assert report.files[0].indication is Indication.TOTAL_PASSED
    assert report.exit_code == 1
    with pytest.raises(NotVerified) as caught:
        report.require()
    assert any("agency" in reason for reason in caught.value.reasons)
    assert any("cơ quan" in reason for reason in report.reasons())


def test_only_a_report_that_passed_gives_the_token() -> None:
    token = report_on(FINE).require()
    assert (token.sha256, token.rule, token.policy) == ("a" * 64, "none", "nd68")
    assert report_on(FINE).reasons() == []
    for file in (FAILED, UNSURE, UNSIGNED, UNREADABLE):
        with pytest.raises(NotVerified) as caught:
            report_on(FINE, file).require()
        assert caught.value.reasons
        assert file.path in str(caught.value)


def test_a_report_on_nothing_proves_nothing() -> None:
    with pytest.raises(NotVerified):
        report_on().require()


def test_the_worst_signature_decides_the_file() -> None:
    (file,) = report_on(FAILED).files
    assert file.sub_indication is SubIndication.HASH_FAILURE


@pytest.mark.parametrize("rule", ["none", "nd30"])
@pytest.mark.parametrize("file", [FINE, FAILED, UNSURE, UNSIGNED, UNREADABLE])
def test_every_report_agrees_with_the_schema(file: FileEvidence, rule: str) -> None:
    validate(report_on(file, rule=rule))


def test_the_schema_knows_every_word() -> None:
    schema = json.loads(verifying.SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["schema_version"]["const"] == SCHEMA_VERSION
    parts = schema["$defs"]
    signature = parts["signature"]["properties"]
    assert parts["indication"]["enum"] == list(Indication)
    assert parts["sub_indication"]["enum"] == [*SubIndication, None]
    assert signature["type"]["enum"] == list(SignatureType)
    assert signature["level"]["enum"] == list(Level)
    assert signature["coverage"]["enum"] == list(Coverage)
    assert signature["changes_after"]["enum"] == list(Changes)
    assert signature["time_source"]["enum"] == list(TimeSource)
    assert parts["signer"]["properties"]["kind"]["enum"] == list(CertificateKind)
    assert parts["message"]["properties"]["severity"]["enum"] == list(Severity)
    assert parts["origin"]["enum"] == list(Origin)
    assert parts["evidence"]["properties"]["kind"]["enum"] == list(EvidenceKind)
    assert parts["stage"]["properties"]["result"]["enum"] == [*StageResult, None]
    assert parts["change"]["properties"]["kind"]["enum"] == list(Changes)


def test_times_carry_their_offset() -> None:
    document = report_on(FINE).to_dict()
    for text in (document["validation_time"], document["files"][0]["signatures"][0]["best_time"]):
        assert dt.datetime.fromisoformat(text).tzinfo is not None


# Particulars


def stage_of(file: FileEvidence, check: str) -> StageReport:
    (report,) = report_on(file).files
    return next(stage for stage in report.signatures[-1].stages if stage.check == check)


def test_every_question_has_its_stage_and_its_block() -> None:
    (report,) = report_on(FINE).files
    names = [check.__name__.removeprefix("check_") for check in CHECKS]
    assert [stage.check for stage in report.signatures[0].stages] == names
    assert set(names) <= set(BLOCKS)


def test_a_stage_tells_what_it_led_to() -> None:
    assert stage_of(FINE, "digest").result is StageResult.PASSED
    assert stage_of(FINE, "cryptography").codes == ("INTACT",)
    failed = stage_of(FAILED, "digest")
    assert (failed.result, failed.codes) == (StageResult.FAILED, ("DIGEST_MISMATCH",))
    lost = dataclasses.replace(FINE, signatures=(dataclasses.replace(GOOD, chain=None),))
    assert stage_of(lost, "chain").result is StageResult.INDETERMINATE
    unknown = dataclasses.replace(FINE, signatures=(dataclasses.replace(GOOD, digest_matches=None),))
    assert stage_of(unknown, "digest").result is None


def test_the_messages_are_those_of_the_stages() -> None:
    for file in (FINE, FAILED, UNSURE):
        for signature in report_on(file).files[0].signatures:
            codes = [code for stage in signature.stages for code in stage.codes]
            assert [message.code for message in signature.messages] == codes


def test_changes_are_listed_piece_by_piece() -> None:
    filled = Change(
        kind=Changes.FORM_FILLING, text="the field Number was filled", objects=(7,), field="Number", page=1
    )
    odd = Change(kind=Changes.OTHER, text="Update of Reference(idnum=9, generation=0): {Relative(…)}")
    facts = dataclasses.replace(GOOD, changes=ChangeFacts(kind=Changes.OTHER, details=(filled, odd)))
    report = report_on(dataclasses.replace(FINE, signatures=(facts,)))
    validate(report)
    first, second = report.to_dict()["files"][0]["signatures"][0]["changes"]
    assert first == {
        "kind": "form_filling",
        "text": "the field Number was filled",
        "objects": [7],
        "field": "Number",
        "page": 1,
    }
    assert second["text"] == "Update of object 9"


@pytest.mark.parametrize(
    ("status", "indication", "sub"),
    [
        (ChainStatus.OK, Indication.TOTAL_PASSED, None),
        (ChainStatus.NO_PATH, Indication.INDETERMINATE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND),
        (ChainStatus.REVOKED, Indication.INDETERMINATE, SubIndication.REVOKED_NO_POE),
        (ChainStatus.INVALID, Indication.INDETERMINATE, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE),
    ],
)
def test_a_time_stamp_stands_with_its_own_indication(
    status: ChainStatus, indication: Indication, sub: SubIndication | None
) -> None:
    stamp = dataclasses.replace(STAMP, chain=chain(status))
    report = report_on(dataclasses.replace(FINE, signatures=(dataclasses.replace(GOOD, timestamp=stamp),)))
    (found,) = report.files[0].signatures[0].time_stamps
    assert (found.time, found.intact, found.indication, found.sub_indication) == (
        STAMP.time,
        True,
        indication,
        sub,
    )
    validate(report)


def test_a_broken_time_stamp_failed() -> None:
    stamp = dataclasses.replace(STAMP, intact=False)
    report = report_on(dataclasses.replace(FINE, signatures=(dataclasses.replace(GOOD, timestamp=stamp),)))
    assert report.files[0].signatures[0].time_stamps[0].indication is Indication.TOTAL_FAILED


def test_a_real_report_lists_everything_that_it_rests_on(pki: DevPki) -> None:
    report = judge_archive(pki)
    validate(report)
    (file,) = report.files
    person, seal, stamp = file.signatures
    assert [found.origin for found in person.certificates] == [
        Origin.EMBEDDED,
        Origin.EMBEDDED,
        Origin.TRUST_STORE,
    ]
    assert person.signer is not None
    assert person.certificates[0].serial_number == person.signer.serial_number
    # Every certificate below the root has revocation data that are about it.
    about = {sha256 for found in person.revocation for sha256 in found.certificates}
    assert about == {found.sha256 for found in person.certificates[:-1]}
    assert all(
        found.this_update and found.this_update <= report.validation_time for found in person.revocation
    )
    assert [len(found.time_stamps) for found in file.signatures] == [0, 1, 1]
    assert {found.tsa for found in (*seal.time_stamps, *stamp.time_stamps)} == {"DEV TSA"}
    listed = {(piece.kind, piece.sha256) for piece in file.evidence}
    for signature in file.signatures:
        certificates = {(EvidenceKind.CERTIFICATE, found.sha256) for found in signature.certificates}
        revocation = {(found.kind, found.sha256) for found in signature.revocation}
        stamps = {(EvidenceKind.TIME_STAMP, found.sha256) for found in signature.time_stamps}
        assert certificates | revocation | stamps <= listed
    assert len(listed) == len(file.evidence)
    assert len({signature.sha256 for signature in file.signatures}) == 3
    assert [signature.signed_bytes for signature in file.signatures] == sorted(
        signature.signed_bytes for signature in file.signatures
    )


def test_the_same_file_gives_the_same_report(pki: DevPki) -> None:
    at = dt.datetime.now(dt.UTC)
    first, second = (json.dumps(judge_archive(pki, at=at).to_dict()) for _ in range(2))
    assert first == second


# Files that carry files


def package_of(*files: FileEvidence) -> Report:
    outer = dataclasses.replace(report_on(UNSIGNED).files[0], format="edxml", messages=())
    return dataclasses.replace(
        report_on(FINE), files=(dataclasses.replace(outer, inside=report_on(*files).files),)
    )


@pytest.mark.parametrize(
    ("inside", "code", "indication"),
    [
        ((FINE,), 0, Indication.TOTAL_PASSED),
        ((FINE, UNSURE), 3, Indication.INDETERMINATE),
        ((FINE, FAILED), 1, Indication.TOTAL_FAILED),
        ((FINE, UNSIGNED), 4, Indication.TOTAL_PASSED),
        ((FINE, UNREADABLE), 5, Indication.TOTAL_PASSED),
    ],
)
def test_a_package_is_as_good_as_what_it_carries(
    inside: tuple[FileEvidence, ...], code: int, indication: Indication
) -> None:
    report = package_of(*inside)
    validate(report)
    assert (report.exit_code, report.files[0].indication) == (code, indication)
    assert bool(report.files[0].reasons) == bool(code)
