"""The report's own promises: no boolean, one token, one exit code, one schema."""

import dataclasses
import datetime as dt
import json

import jsonschema
import pytest
import verifying
from test_judge import AT, GOOD, ND68

from edoc.core.chain import CertificateKind
from edoc.core.evidence import Fault, FileEvidence
from edoc.core.judge import judge
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


def validate(report: Report) -> None:
    schema = json.loads(verifying.SCHEMA.read_text(encoding="utf-8"))
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(
        json.loads(json.dumps(report.to_dict()))
    )


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


def test_times_carry_their_offset() -> None:
    document = report_on(FINE).to_dict()
    for text in (document["validation_time"], document["files"][0]["signatures"][0]["best_time"]):
        assert dt.datetime.fromisoformat(text).tzinfo is not None
