"""Packages are judged by their own signatures and by every PDF inside; the rule looks at the dispatch."""

import base64
import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import verifying
from asn1crypto import algos, tsp
from edxmlmaking import ENDS, PDF, TYPES, attachment, foreign, packed, values, zipped
from pdfmaking import LETTER
from verifying import Journey, flip, sign, travel
from xmlsigning import EXCLUSIVE, Wish, load, sign_xml

from edoc.core.dispatch import StatusUpdate
from edoc.core.report import FileReport, Level, Report, TimeSource
from edoc.core.rule import Expected
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.profiles import AGENCIES
from edoc.devpki.tsa import TimeStamper
from edoc.edxml.limits import Limits as PackageLimits
from edoc.packing import pack_status
from edoc.trust.store import Trust
from edoc.verification import verify
from edoc.verification.packages import MAX_DOCUMENTS, read_package
from edoc.verification.process import Limits

AGENCY = AGENCIES[0].name
SENDER = {"organ_id": "H99.01", "organ_name": AGENCY}
TEXT = ("table.xlsx", b"PK\x03\x04 a table")


@pytest.fixture(scope="module")
def journey(pki: DevPki) -> Journey:
    return travel(pki)


@pytest.fixture(scope="module")
def annex(pki: DevPki) -> bytes:
    """An annex in a file of its own, sealed by the agency."""
    return sign(pki, LETTER, "a-seal", role="annex", number=5, notation="UBND-VP")


def dispatch(**more: Any) -> dict[str, Any]:
    """What agency A says of the letter that it sends."""
    return values(**({"from": SENDER} | more))


def judge(data: bytes, pki: DevPki, **options: Any) -> FileReport:
    """Verify offline under the development trust; the report must be one by the schema."""
    settings: dict[str, Any] = {"trust": Trust.load(pki.trust_path), "offline": True} | options
    source = io.BytesIO(data)
    source.name = "letter.edxml"
    report: Report = verify(source, **settings)
    jsonschema.validate(report.to_dict(), json.loads(verifying.SCHEMA.read_text()))
    (file,) = report.files
    return file


def codes(file: FileReport) -> list[str]:
    return [message.code for message in file.messages]


def reasons(file: FileReport) -> list[str]:
    return [message.code for message in file.document_rule.reasons]


def seal(package: bytes, pki: DevPki, **wish: Any) -> bytes:
    return sign_xml(package, load(pki, "a-seal"), Wish(**wish))


# Without a signature of its own a package is judged by what is inside


def test_an_unsigned_package_is_judged_by_its_documents(journey: Journey, pki: DevPki) -> None:
    file = judge(packed(dispatch(), ("letter.pdf", journey.sealed)), pki)
    assert (file.format, file.exit_code, file.indication) == ("edxml", 0, "TOTAL_PASSED")
    assert file.signatures == ()
    assert "PACKAGE_NOT_SIGNED" in codes(file)
    assert "UNSIGNED" not in codes(file)
    (inside,) = file.inside
    assert inside.path == "letter.edxml!letter.pdf"
    assert inside.format == "pdf"
    assert [signature.field for signature in inside.signatures] == ["Person", "Seal"]
    assert [f.path for f in judge(journey.sealed, pki).inside] == []


def test_the_document_inside_is_judged_as_the_same_file_outside_is(journey: Journey, pki: DevPki) -> None:
    alone = judge(journey.sealed, pki, at=datetime.now(UTC)).to_dict()
    at = datetime.fromisoformat(alone["signatures"][0]["best_time"])
    (inside,) = judge(packed(dispatch(), ("a.pdf", journey.sealed)), pki, at=at).to_dict()["inside"]
    assert inside["signatures"] == alone["signatures"]
    assert inside["sha256"] == alone["sha256"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("signed.pdf", lambda journey: journey.signed, 0),
        ("unsigned.pdf", lambda journey: journey.unsigned, 4),
        ("tampered.pdf", lambda journey: flip(journey.sealed, 700), 1),
        ("destroyed.pdf", lambda _: b"\xef\xbf\xbd\xef\xbf\xbd text", 5),
        ("broken.pdf", lambda _: PDF, 5),
        ("empty.pdf", lambda _: b"", 5),
        ("disguised.txt", lambda journey: flip(journey.sealed, 700), 1),
        ("no extension", lambda journey: journey.signed, 0),
    ],
)
def test_the_worst_document_decides(
    name: str, content: Callable[[Journey], bytes], expected: int, journey: Journey, pki: DevPki
) -> None:
    package = packed(dispatch(), ("letter.pdf", journey.sealed), (name, content(journey)))
    file = judge(package, pki)
    assert [inside.path for inside in file.inside] == ["letter.edxml!letter.pdf", f"letter.edxml!{name}"]
    assert file.inside[0].exit_code == 0
    assert file.inside[1].exit_code == expected
    assert file.exit_code == expected


def test_a_package_with_nothing_signed_is_unsigned(journey: Journey, pki: DevPki) -> None:
    for files in ([], [TEXT], [("draft.pdf", journey.unsigned)], [("draft.pdf", journey.unsigned), TEXT]):
        file = judge(packed(dispatch(), *files), pki)
        assert (file.exit_code, file.indication) == (4, None)
        assert "UNSIGNED" in codes(file)


def test_other_attachments_are_named(journey: Journey, pki: DevPki) -> None:
    wrapped = zipped({"letter.pdf": journey.sealed})
    file = judge(packed(dispatch(), ("a.pdf", journey.sealed), TEXT, ("more.zip", wrapped)), pki)
    told = [message.text for message in file.messages if message.code == "ATTACHMENT_NOT_JUDGED"]
    assert ["table.xlsx" in told[0], "more.zip" in told[1]] == [True, True]
    assert file.exit_code == 0


def test_documents_of_the_same_name_are_told_apart(journey: Journey, pki: DevPki) -> None:
    package = foreign(
        ENDS + TYPES,
        attachments=attachment("../a.pdf", journey.sealed)
        + attachment("a.pdf", flip(journey.sealed, 700), cid="cid:att-2"),
    )
    file = judge(package, pki)
    paths = [(inside.path, inside.exit_code) for inside in file.inside]
    assert paths == [("letter.edxml!a.pdf", 0), ("letter.edxml!a (2).pdf", 1)]
    assert file.exit_code == 1


def test_what_was_repaired_and_what_was_only_noted_are_told_apart(journey: Journey, pki: DevPki) -> None:
    twice = attachment("a.pdf", journey.sealed, label="x", cid="cid:cid:att-1") * 2
    package = foreign(ENDS + TYPES + "<DueDate>30/10/2026</DueDate>", attachments=twice)
    told = {message.code: message.text for message in judge(package, pki).messages}
    assert "CONTENT_ID_FORM, DATE_MISREAD" in told["PACKAGE_REPAIRED"]
    assert "CONTENT_ID_TWICE, MANIFEST_DIFFERS" in told["PACKAGE_NOTED"]
    assert "TWICE" not in told["PACKAGE_REPAIRED"]


def test_a_package_that_needs_no_repair_is_not_said_to_be_repaired(journey: Journey, pki: DevPki) -> None:
    macros = zipped({"word/document.xml": b"", "word/vbaProject.bin": b""})
    file = judge(packed(dispatch(), ("a.pdf", journey.sealed), ("b.docx", macros)), pki)
    told = {message.code: message.text for message in file.messages}
    assert "PACKAGE_REPAIRED" not in told
    assert "PACKAGE_NOTED" not in told
    assert "MACROS_FOUND" in told["ATTACHMENT_DANGEROUS"]


def test_an_attachment_that_was_changed_on_the_way_is_told_by_name(journey: Journey, pki: DevPki) -> None:
    package = packed(dispatch(), ("a.pdf", journey.sealed), ("bảng.txt", b"before"))
    other = packed(dispatch(), ("a.pdf", journey.sealed), ("bảng.txt", b"after!"))
    digest = hashlib.sha256(b"before").hexdigest().encode()
    changed = other.replace(hashlib.sha256(b"after!").hexdigest().encode(), digest)
    assert "ATTACHMENT_CHANGED" not in codes(judge(package, pki))
    (told,) = [each for each in judge(changed, pki).messages if each.code == "ATTACHMENT_CHANGED"]
    assert "'bảng.txt'" in told.text


@pytest.mark.parametrize(
    "disguise",
    [
        lambda package: b"HTTP/1.1 200 OK\r\n\r\n" + package,
        lambda package: b"--B\r\nContent-Type: text/xml\r\n\r\n" + package + b"\r\n--B--\r\n",
        lambda package: package.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    ],
    ids=["junk before it", "in MIME", "UTF-16"],
)
def test_a_package_is_known_whatever_it_travelled_in(
    disguise: Callable[[bytes], bytes], journey: Journey, pki: DevPki
) -> None:
    file = judge(disguise(packed(dispatch(), ("letter.pdf", journey.sealed))), pki)
    assert (file.format, file.exit_code) == ("edxml", 0)
    assert [inside.exit_code for inside in file.inside] == [0]


# What cannot be read


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html></html>", "its root is <html>"),
        (b"<edXML", "not well-formed"),
        (b"\xef\xbb\xbf \n<edXML/>", "<edXMLEnvelope> is missing"),
        (b"\xff\xfe<\x00a\x00/\x00>\x00", "its root is <a>"),
        (b'<!DOCTYPE a [<!ENTITY a "b">]><edXML>&a;</edXML>', "carries a DTD"),
        (b"<s:Envelope xmlns:s='urn:soap'><s:Body><edXML/></s:Body></s:Envelope>", "its root is <Envelope>"),
        (foreign(ENDS + TYPES, attachments="<a>" * 40 + "</a>" * 40), "nested deeper"),
    ],
)
def test_what_is_no_package_is_unreadable_and_says_why(data: bytes, said: str, pki: DevPki) -> None:
    file = judge(data, pki)
    assert (file.format, file.exit_code, file.readable, file.indication) == ("edxml", 5, False, None)
    assert codes(file) == ["PACKAGE_UNREADABLE"]
    assert said in file.messages[0].text
    assert file.size == len(data)
    assert file.sha256


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (PackageLimits(package=1000), "larger than the limit of 1000 bytes"),
        (PackageLimits(attachment=1000), "an attachment is larger"),
        (PackageLimits(attachments=1), "more than 1 attachments"),
    ],
)
def test_limits_are_told(limits: PackageLimits, said: str, journey: Journey) -> None:
    package = packed(dispatch(), ("a.pdf", journey.sealed), ("b.pdf", b"%PDF-"))
    evidence = read_package(io.BytesIO(package), path="a.edxml", limits=limits)
    assert evidence.unreadable is not None
    assert said in evidence.unreadable.detail
    assert evidence.size == len(package)


def test_more_documents_than_are_judged_are_refused() -> None:
    many = [(f"{number}.pdf", b"%PDF-") for number in range(MAX_DOCUMENTS + 1)]
    evidence = read_package(io.BytesIO(packed(dispatch(), *many)), path="a.edxml")
    assert evidence.unreadable is not None
    assert evidence.unreadable.code == "PACKAGE_UNREADABLE"


# With a signature of its own


def test_a_sealed_package_and_its_document_pass(journey: Journey, pki: DevPki) -> None:
    file = judge(seal(packed(dispatch(), ("a.pdf", journey.sealed)), pki), pki)
    assert file.exit_code == 0
    (own,) = file.signatures
    assert (own.level, own.coverage, own.intact) == (Level.XMLDSIG, "whole_file", True)
    assert own.signed_bytes == file.size
    assert own.signer is not None
    assert own.signer.organization == AGENCY
    assert file.evidence
    assert file.inside[0].evidence


def test_a_sound_seal_does_not_heal_the_document_inside(journey: Journey, pki: DevPki) -> None:
    file = judge(seal(packed(dispatch(), ("a.pdf", flip(journey.sealed, 700))), pki), pki)
    assert file.signatures[0].indication == "TOTAL_PASSED"
    assert (file.exit_code, file.indication) == (1, "TOTAL_FAILED")


def test_a_sound_document_does_not_heal_the_seal(journey: Journey, pki: DevPki) -> None:
    data = seal(packed(dispatch(), ("a.pdf", journey.sealed)), pki).replace(b"05</", b"06</")
    file = judge(data, pki)
    assert file.inside[0].exit_code == 0
    assert (file.exit_code, file.indication, file.sub_indication) == (1, "TOTAL_FAILED", "HASH_FAILURE")


def test_a_time_stamp_on_the_signature_proves_its_time(journey: Journey, pki: DevPki) -> None:
    authority = TimeStamper(
        key=pki.load_service_key("tsa"),
        certificate=pki.certificate("tsa"),
        issuer=pki.certificate("services"),
    )
    now = datetime.now(UTC).replace(microsecond=0)

    def stamp(value: bytes) -> str:
        imprint = {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "hashed_message": hashlib.sha256(value).digest(),
        }
        request = tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, "cert_req": True})
        answer = tsp.TimeStampResp.load(authority.answer(request.dump(), now=now))
        token = base64.b64encode(answer["time_stamp_token"].dump()).decode()
        return (
            "<xades:SignatureTimeStamp><xades:EncapsulatedTimeStamp>"
            f"{token}</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp>"
        )

    package = packed(dispatch(), ("a.pdf", journey.sealed))
    data = seal(package, pki, time="2026-11-01T08:00:00+07:00", unsigned=stamp)
    (own,) = judge(data, pki).signatures
    assert own.indication == "TOTAL_PASSED"
    assert own.level is Level.XADES
    assert (own.best_time, own.time_source) == (now, TimeSource.SIGNATURE_TIMESTAMP)
    wrong = seal(package, pki, time="2026-11-01T08:00:00+07:00", unsigned=lambda _: stamp(b"another"))
    (own,) = judge(wrong, pki).signatures
    assert own.time_source is TimeSource.VALIDATION_TIME


def test_a_signed_status_is_judged_the_same_way(pki: DevPki) -> None:
    status = StatusUpdate.from_dict({"from": SENDER, "status_code": "03", "response_for": {"code": "05/A"}})
    out = io.BytesIO()
    pack_status(status, out=out)
    unsigned = judge(out.getvalue(), pki, rule="nd30")
    assert (unsigned.exit_code, unsigned.inside) == (4, ())
    sealed = seal(out.getvalue(), pki)
    file = judge(sealed, pki, rule="nd30")
    assert (file.exit_code, file.document_rule.passed) == (0, None)
    assert judge(sealed.replace(b">03<", b">02<"), pki).exit_code == 1
    parts = out.getvalue().replace(b"<edXML:MessageHeader>", b'<edXML:MessageHeader Id="m">')
    by_id = judge(seal(parts, pki, references=["#m"], method=EXCLUSIVE), pki)
    assert (by_id.exit_code, by_id.signatures[0].coverage) == (0, "whole_file")


# The rule


def test_the_rule_takes_number_date_and_agency_from_the_dispatch(journey: Journey, pki: DevPki) -> None:
    file = judge(packed(dispatch(), ("a.pdf", journey.sealed)), pki, rule="nd30")
    assert (file.exit_code, file.document_rule.passed, file.inside[0].document_rule.passed) == (0, True, True)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"code": {"code_number": "06", "code_notation": "UBND-VP"}}, "RULE_NUMBER_DIFFERS"),
        ({"code": {"code_number": "05", "code_notation": "SNV"}}, "RULE_NUMBER_DIFFERS"),
        (
            {"promulgation_info": {"place": "Hà Nội", "promulgation_date": "2026-02-06"}},
            "RULE_DATE_DIFFERS",
        ),
        ({"from": {"organ_id": "H99.02", "organ_name": AGENCIES[1].name}}, "RULE_AGENCY_DIFFERS"),
    ],
)
def test_a_dispatch_that_says_something_else_fails_the_rule(
    more: dict[str, Any], reason: str, journey: Journey, pki: DevPki
) -> None:
    package = packed(dispatch(**more), ("a.pdf", journey.sealed))
    assert judge(package, pki).exit_code == 0
    file = judge(package, pki, rule="nd30")
    assert file.exit_code == 1
    assert reasons(file) == ["RULE_INSIDE_NOT_PASSED"]
    assert reason in reasons(file.inside[0])


def test_what_the_caller_expects_is_stronger_than_the_dispatch(journey: Journey, pki: DevPki) -> None:
    package = packed(dispatch(subject="Khác"), ("a.pdf", journey.sealed))
    assert judge(package, pki, rule="nd30", expected=verifying.EXPECTED).exit_code == 0
    other = Expected(number="7", notation="UBND-VP")
    assert judge(package, pki, rule="nd30", expected=other).exit_code == 1


def test_an_annex_needs_only_the_seal(journey: Journey, annex: bytes, pki: DevPki) -> None:
    file = judge(packed(dispatch(), ("annex.pdf", annex), ("a.pdf", journey.sealed)), pki, rule="nd30")
    assert (file.exit_code, file.document_rule.passed) == (0, True)
    assert "RULE_ANNEX_PASSED" in codes(file.inside[0])
    assert "RULE_PASSED" in codes(file.inside[1])


def test_an_annex_without_the_seal_of_the_sender_fails(journey: Journey, annex: bytes, pki: DevPki) -> None:
    foreign_annex = sign(pki, LETTER, "b-seal", role="annex", number=5, notation="UBND-VP")
    for second, reason in (
        (journey.unsigned, "RULE_NO_SEAL"),
        (foreign_annex, "RULE_AGENCY_DIFFERS"),
        (flip(annex, 700), "RULE_SIGNATURE_NOT_PASSED"),
    ):
        package = packed(dispatch(), ("a.pdf", journey.sealed), ("annex.pdf", second))
        file = judge(package, pki, rule="nd30")
        assert file.exit_code == 1
        assert file.inside[0].document_rule.passed
        assert reason in reasons(file.inside[1])


def test_an_annex_alone_is_no_document(annex: bytes, pki: DevPki) -> None:
    file = judge(packed(dispatch(), ("annex.pdf", annex)), pki, rule="nd30")
    assert file.exit_code == 1
    assert "RULE_NO_PERSON" in reasons(file.inside[0])


def test_a_file_that_cannot_carry_a_seal_is_sealed_with_the_package(journey: Journey, pki: DevPki) -> None:
    package = packed(dispatch(), ("a.pdf", journey.sealed), TEXT, ("plan.pdf", journey.unsigned))
    bare = judge(package, pki, rule="nd30")
    assert bare.exit_code == 1
    assert reasons(bare) == ["RULE_ANNEX_NOT_SEALED", "RULE_INSIDE_NOT_PASSED"]
    sealed = judge(seal(package, pki), pki, rule="nd30")
    assert sealed.document_rule.passed
    other = sign_xml(package, load(pki, "b-seal"))
    assert reasons(judge(other, pki, rule="nd30")) == ["RULE_ANNEX_NOT_SEALED", "RULE_INSIDE_NOT_PASSED"]


def test_a_dispatch_without_a_document_fails_unless_it_only_recalls(pki: DevPki) -> None:
    assert reasons(judge(packed(dispatch()), pki, rule="nd30")) == ["RULE_NO_DOCUMENT"]
    recall = dispatch(business={"business_doc_type": "1", "document_id": "H99.01,2026/02/05,05/UBND-VP"})
    file = judge(packed(recall), pki, rule="nd30")
    assert (file.document_rule.passed, file.exit_code) == (None, 4)


# On its way through the other parts


def test_a_package_is_judged_in_a_process_of_its_own_with_the_same_result(
    journey: Journey, pki: DevPki, tmp_path: Path
) -> None:
    data = seal(packed(dispatch(), ("a.pdf", journey.sealed), TEXT), pki)
    path = tmp_path / "a.edxml"
    path.write_bytes(data)
    terms: dict[str, Any] = {
        "trust": Trust.load(pki.trust_path),
        "offline": True,
        "at": datetime.now(UTC),
        "rule": "nd30",
    }
    here, apart = verify(path, **terms), verify(path, limits=Limits(), **terms)
    assert apart.exit_code == 0
    assert apart.to_dict() == here.to_dict()


def test_a_judgement_on_a_package_can_be_repeated_from_its_evidence(
    journey: Journey, pki: DevPki, tmp_path: Path
) -> None:
    path, kept = tmp_path / "a.edxml", tmp_path / "a.evidence"
    path.write_bytes(seal(packed(dispatch(), ("a.pdf", journey.sealed)), pki))
    trust = Trust.load(pki.trust_path)
    report = verify(path, trust=trust, offline=True, rule="nd30", save_evidence=kept)
    assert report.exit_code == 0
    assert verify(path, evidence=kept).to_dict() == report.to_dict()


def test_nothing_is_left_behind(journey: Journey, pki: DevPki, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    judge(packed(dispatch(), ("a.pdf", journey.sealed), TEXT), pki)
    judge(packed(dispatch(), ("a.pdf", journey.sealed))[:-5], pki)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.shared
def test_every_sample_of_the_reference_library_ends_in_a_report(shared_corpus: Path, pki: DevPki) -> None:
    samples = sorted((shared_corpus / "edxml").glob("*.edxml"))
    assert len(samples) >= 11
    for sample in samples:
        file = judge(sample.read_bytes(), pki, rule="nd30")
        assert file.format == "edxml"
        assert file.readable
        assert file.exit_code in {1, 4, 5}, sample
        assert file.signatures == ()


MEASURE = """
import resource, sys
from pathlib import Path
from edoc.verification.packages import read_package

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB

with Path(sys.argv[1]).open("rb") as small, Path(sys.argv[2]).open("rb") as large:
    assert read_package(small, path="small").signatures[0].intact
    before = peak()
    facts = read_package(large, path="large").signatures[0]
    assert facts.intact and facts.coverage == "whole_file", facts
    print(peak() - before)
"""


def test_a_signed_package_of_60_mib_needs_no_more_memory_than_a_small_one(
    pki: DevPki, tmp_path: Path
) -> None:
    for name, size in (("small", 1 << 10), ("large", 45 << 20)):
        content = bytes(range(256)) * (size // 256)
        (tmp_path / name).write_bytes(seal(packed(dispatch(), ("a.doc", content)), pki))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "small"), str(tmp_path / "large")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 8
