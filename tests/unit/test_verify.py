"""Verification from the outside: documents of the development PKI, whole, altered and forged."""

import datetime as dt
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import verifying
from pdfmaking import LETTER, LOOKS_THE_SAME, SEAL_IMAGE, SIGNATURE_IMAGE, encrypt
from pyhanko.sign.fields import MDPPerm
from verifying import EXPECTED, Journey

from edoc.core.report import Changes, Coverage, Indication, Level, Report, SubIndication, TimeSource
from edoc.devpki.hierarchy import DevPki, make, revoke
from edoc.devpki.server import serving
from edoc.errors import InputError, NotVerified
from edoc.trust.store import Trust
from edoc.verification import verify, verify_many


@pytest.fixture(scope="module")
def journey(pki: DevPki) -> Journey:
    return verifying.travel(pki)


def codes(report: Report) -> set[str]:
    (file,) = report.files
    return {message.code for signature in file.signatures for message in signature.messages}


def test_a_document_signed_numbered_and_sealed_passes(journey: Journey) -> None:
    report = journey.judge(journey.sealed, rule="nd30", expected=EXPECTED)
    (file,) = report.files
    person, seal = file.signatures
    assert report.exit_code == 0
    assert file.document_rule.passed
    assert [person.field, seal.field] == ["Person", "Seal"]
    assert person.signer is not None
    assert seal.signer is not None
    assert [person.signer.kind, seal.signer.kind] == ["person", "agency"]
    assert person.changes_after is Changes.FORM_FILLING
    assert person.changes_allowed
    assert person.coverage is Coverage.WHOLE_REVISION
    assert seal.coverage is Coverage.WHOLE_FILE
    assert seal.locked
    assert not person.locked
    assert {person.level, seal.level} == {Level.PADES_B_B}
    assert person.time_source is TimeSource.VALIDATION_TIME
    assert report.require().sha256 == file.sha256


def test_development_roots_are_named_loudly(journey: Journey) -> None:
    (file,) = journey.judge(journey.sealed).files
    assert file.development
    assert file.messages[0].code == "DEV_TRUST"
    assert all(signature.messages[0].code == "DEV_TRUST" for signature in file.signatures)


def test_without_trust_nothing_is_concluded_but_integrity_is_judged(journey: Journey) -> None:
    report = journey.judge(journey.sealed, trust=None)
    (file,) = report.files
    assert report.exit_code == 3
    assert file.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert all(signature.intact for signature in file.signatures)
    assert file.signatures[0].changes_after is Changes.FORM_FILLING
    with pytest.raises(NotVerified) as caught:
        report.require()
    assert len(caught.value.reasons) == 2


def test_the_integrity_policy_asks_for_no_trust(journey: Journey) -> None:
    report = journey.judge(journey.sealed, trust=None, policy="integrity")
    assert report.exit_code == 0
    assert "CHAIN_NOT_CHECKED" in codes(report)


def test_a_flipped_byte_in_the_page_makes_it_fail(journey: Journey) -> None:
    stream = journey.sealed.index(b"stream") + 20
    report = journey.judge(verifying.flip(journey.sealed, stream))
    (file,) = report.files
    assert report.exit_code == 1
    assert [signature.sub_indication for signature in file.signatures] == [SubIndication.HASH_FAILURE] * 2
    assert not any(signature.intact for signature in file.signatures)


def gap(data: bytes, signature: int) -> tuple[int, int]:
    ranges = re.findall(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)", data)
    start, end = sorted((int(start), int(end)) for start, end in ranges)[signature]
    return start, end


def test_a_flipped_byte_in_the_signature_value_makes_that_signature_fail(journey: Journey) -> None:
    start, end = gap(journey.sealed, 1)
    value = bytes.fromhex(journey.sealed[start + 1 : end - 1].decode())
    length = 4 + int.from_bytes(value[2:4], "big")  # of the CMS: 30 82 and two bytes of length come first
    last = start + 1 + 2 * (length - 1)  # B-B: the signature value ends the CMS
    digit = b"1" if journey.sealed[last : last + 1] != b"1" else b"2"
    report = journey.judge(journey.sealed[:last] + digit + journey.sealed[last + 1 :])
    person, seal = report.files[0].signatures
    assert person.intact
    assert not seal.intact
    assert seal.indication is Indication.TOTAL_FAILED
    assert report.exit_code == 1


def test_a_signature_whose_value_is_no_hexadecimal_is_a_format_failure(journey: Journey) -> None:
    start, _ = gap(journey.sealed, 1)
    broken = journey.sealed[: start + 5] + b"z" + journey.sealed[start + 6 :]
    (file,) = journey.judge(broken).files
    assert file.indication is Indication.TOTAL_FAILED


@pytest.mark.parametrize(
    "tail",
    [
        b"\n% a remark nobody signed",
        b"\n99 0 obj\n<< /Hidden true >>\nendobj\n",
        b"trailing",
    ],
)
def test_bytes_after_the_end_that_are_no_revision_make_it_fail(journey: Journey, tail: bytes) -> None:
    report = journey.judge(journey.sealed + tail)
    assert report.exit_code == 1
    assert "BYTES_UNEXPLAINED" in codes(report) or "REVISION_NOT_COVERED" in codes(report)


def test_white_space_after_the_end_changes_nothing(journey: Journey) -> None:
    report = journey.judge(journey.sealed + b"\r\n\n")
    assert report.exit_code == 0
    assert report.files[0].signatures[1].changes_after is Changes.NONE


def test_an_object_hidden_between_the_objects_of_an_update_makes_it_fail(journey: Journey) -> None:
    # Before the last startxref nothing moves that an offset names.
    position = journey.numbered.rindex(b"startxref")
    hidden = b"98 0 obj\n<< /Hidden true >>\nendobj\n"
    report = journey.judge(journey.numbered[:position] + hidden + journey.numbered[position:])
    assert report.exit_code == 1
    assert "BYTES_UNEXPLAINED" in codes(report)


@pytest.mark.parametrize(
    "edit",
    [
        verifying.draw_on_page,
        verifying.replace_page_content,
        verifying.add_note,
        verifying.refill("Number", "99/QĐ-UBND"),
        verifying.redraw("Date", b"q 1 0 0 rg 0 0 60 12 re f Q"),
        verifying.unlink("Number"),
    ],
    ids=["drawing", "other content", "annotation", "other number", "other looks", "unlinked field"],
)
@pytest.mark.parametrize("stage", ["signed", "sealed"])
def test_an_unsigned_change_to_a_signed_document_is_never_accepted(
    journey: Journey, stage: str, edit: Callable[[Any], None]
) -> None:
    before: bytes = journey.numbered if stage == "signed" else journey.sealed
    report = journey.judge(verifying.update(before, edit))
    (file,) = report.files
    assert report.exit_code == 1
    assert file.indication is Indication.TOTAL_FAILED
    assert file.sub_indication is SubIndication.FORMAT_FAILURE
    assert not all(signature.changes_allowed for signature in file.signatures)
    assert all(signature.intact for signature in file.signatures)


def test_a_number_shown_unlike_its_value_is_not_accepted(journey: Journey) -> None:
    shown = rb"BT /Helv 12 Tf 2 4 Td (99/XX) Tj ET"
    report = journey.judge(verifying.update(journey.numbered, verifying.redraw("Number", shown)))
    assert report.exit_code == 1
    assert "LOOKS_CHANGED" in codes(report)


def test_a_seal_locks_what_the_person_left_open(journey: Journey) -> None:
    report = journey.judge(verifying.update(journey.sealed, verifying.refill("Number", "6/UBND-VP")))
    assert "LOCKED_FIELD_CHANGED" in codes(report)


def test_an_unlinked_signature_is_unreachable_and_not_unsigned(journey: Journey) -> None:
    report = journey.judge(verifying.update(journey.signed, verifying.unlink("Person")))
    (file,) = report.files
    (signature,) = file.signatures
    assert report.exit_code == 1
    assert signature.field == ""
    assert signature.signer is not None
    assert "SIGNATURE_UNREACHABLE" in codes(report)


def test_something_referred_to_before_it_existed_is_not_accepted(pki: DevPki, journey: Journey) -> None:
    waiting = verifying.sign(pki, make_waiting_page(), "a-person1", role="person")
    content = b"q 1 0 0 rg 0 0 300 300 re f Q"
    body = b"70 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (len(content), content)
    assert journey.judge(waiting).files[0].signatures[0].changes_allowed
    report = journey.judge(append(waiting, 70, body))
    assert report.exit_code == 1
    assert not report.files[0].signatures[0].changes_allowed


def make_waiting_page() -> bytes:
    """A page whose second content stream does not exist yet."""
    content = b"BT /F1 12 Tf 72 700 Td (Signed) Tj ET"
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents [4 0 R 70 0 R] "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        4: b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    }
    out = io.BytesIO(b"%PDF-1.7\n")
    out.seek(0, io.SEEK_END)
    places = {}
    for number, body in objects.items():
        places[number] = out.tell()
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    xref = out.tell()
    out.write(b"xref\n0 5\n0000000000 65535 f \n")
    out.write(b"".join(b"%010d 00000 n \n" % places[number] for number in sorted(places)))
    out.write(b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % xref)
    return out.getvalue()


def append(data: bytes, number: int, body: bytes) -> bytes:
    """Append one object as an incremental update with its own cross-reference table."""
    (*_, previous) = re.findall(rb"startxref\s+(\d+)", data)
    root = re.findall(rb"/Root\s+(\d+ 0 R)", data)[-1]
    place = len(data)
    xref = place + len(body)
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, place)
    trailer = b"trailer\n<< /Size 200 /Root %s /Prev %s >>\nstartxref\n%d\n%%%%EOF\n" % (root, previous, xref)
    return data + body + table + trailer


def test_an_unsigned_file_says_so(journey: Journey) -> None:
    report = journey.judge(journey.unsigned)
    assert report.exit_code == 4
    assert report.files[0].indication is None
    assert [message.code for message in report.files[0].messages] == ["UNSIGNED"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "FILE_EMPTY"),
        (b"PK\x03\x04 a package", "FILE_NOT_PDF"),
        (b"%PDF-1.7\nnothing else", "PDF_BROKEN"),
        (LETTER[:2000], "PDF_BROKEN"),
    ],
)
def test_what_cannot_be_read_is_reported_and_never_raised(data: bytes, code: str) -> None:
    report = verify(io.BytesIO(data), offline=True)
    assert report.exit_code == 5
    assert report.files[0].indication is None
    assert [message.code for message in report.files[0].messages] == [code]


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    report = verify(tmp_path / "missing.pdf", offline=True)
    assert report.exit_code == 5
    assert report.files[0].sha256 is None


def test_an_encrypted_file_wants_its_password() -> None:
    locked = encrypt(user="secret")
    assert code_of(verify(io.BytesIO(locked), offline=True)) == "PASSWORD_NEEDED"
    assert code_of(verify(io.BytesIO(locked), offline=True, password="no")) == "PASSWORD_WRONG"
    assert code_of(verify(io.BytesIO(locked), offline=True, password="secret")) == "UNSIGNED"


def code_of(report: Report) -> str:
    return report.files[0].messages[0].code


def test_an_expired_certificate_without_proof_of_time_is_indeterminate(journey: Journey) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=365 * 6)
    (file,) = journey.judge(journey.sealed, at=later).files
    assert file.indication is Indication.INDETERMINATE
    assert file.sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE


def test_unknown_revocation_is_indeterminate(journey: Journey) -> None:
    silent = Trust(roots=journey.trust.roots, intermediates=journey.trust.intermediates)
    (file,) = journey.judge(journey.sealed, trust=silent).files
    assert file.sub_indication is SubIndication.TRY_LATER


def test_a_revoked_certificate_is_indeterminate_without_proof_of_time(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    pki = make(tmp_path / "pki", now=now)
    signed = verifying.sign(pki, LETTER, "a-person1", role="person")
    revoke(pki, "a-person1", at=now, now=now + dt.timedelta(seconds=5))
    report = verify(
        io.BytesIO(signed), trust=Trust.load(pki.trust_path), offline=True, at=now + dt.timedelta(hours=1)
    )
    assert report.files[0].indication is Indication.INDETERMINATE
    assert report.files[0].sub_indication is SubIndication.REVOKED_NO_POE


def test_a_time_stamp_proves_the_time(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    pki = make(tmp_path / "pki", now=now)
    with serving(pki) as url:
        signed = verifying.sign(pki, LETTER, "a-person1", role="person", level="B-T", tsa=f"{url}/tsa")
    trust = Trust.load(pki.trust_path)
    later = now + dt.timedelta(hours=2)
    (signature,) = verify(io.BytesIO(signed), trust=trust, offline=True, at=later).files[0].signatures
    assert signature.indication is Indication.TOTAL_PASSED
    assert signature.level is Level.PADES_B_T
    assert signature.time_source is TimeSource.SIGNATURE_TIMESTAMP
    assert signature.best_time is not None
    assert abs(signature.best_time - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)

    revoke(pki, "a-person1", at=now + dt.timedelta(hours=1), now=now + dt.timedelta(hours=1))
    trust = Trust.load(pki.trust_path)
    (after,) = verify(io.BytesIO(signed), trust=trust, offline=True, at=later).files[0].signatures
    assert after.indication is Indication.TOTAL_PASSED, "revoked only after the proven time"


def test_the_same_inputs_give_the_same_report(journey: Journey) -> None:
    at = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    one, two = (journey.judge(journey.sealed, at=at, rule="nd30").to_dict() for _ in range(2))
    assert one == two


def test_several_files_stand_in_one_report(journey: Journey) -> None:
    report = verify_many(
        [io.BytesIO(journey.sealed), io.BytesIO(b"no"), io.BytesIO(journey.unsigned)],
        trust=journey.trust,
        offline=True,
    )
    assert [file.exit_code for file in report.files] == [0, 5, 4]
    assert report.exit_code == 5


@pytest.mark.parametrize(
    "options",
    [{"policy": "none such"}, {"rule": "none such"}, {"at": dt.datetime(2026, 1, 1)}],  # noqa: DTZ001
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        verify(io.BytesIO(LETTER), offline=True, **options)


@pytest.mark.parametrize("kind", sorted(LOOKS_THE_SAME))
def test_documents_of_every_ordinary_kind_pass_the_whole_journey(
    pki: DevPki, journey: Journey, kind: str
) -> None:
    steps = verifying.go(pki, LOOKS_THE_SAME[kind]())
    report = journey.judge(steps.sealed, rule="nd30", expected=EXPECTED)
    assert report.reasons() == []
    assert report.exit_code == 0


@pytest.mark.parametrize("kind", sorted(LOOKS_THE_SAME))
def test_new_visible_signatures_break_no_earlier_one(pki: DevPki, journey: Journey, kind: str) -> None:
    place: dict[str, Any] = {"page": 1, "rect": (300, 100, 400, 150), "image": SIGNATURE_IMAGE}
    signed = verifying.sign(pki, LOOKS_THE_SAME[kind](), "a-person1", role="person", **place)
    place |= {"rect": (180, 100, 290, 200), "image": SEAL_IMAGE}
    report = journey.judge(verifying.sign(pki, signed, "a-seal", role="agency", **place))
    assert report.reasons() == []
    assert report.files[0].signatures[0].changes_after is Changes.FORM_FILLING


def test_a_sneaky_signature_on_a_certified_document_is_not_accepted(pki: DevPki, journey: Journey) -> None:
    certified = verifying.certify(pki, LETTER, MDPPerm.FILL_FORMS)
    sneaky = verifying.certify(pki, certified, None, box=(100, 300, 500, 600))
    first, second = journey.judge(sneaky).files[0].signatures
    assert not first.changes_allowed
    assert first.indication is Indication.TOTAL_FAILED
    assert second.changes_allowed


def test_twenty_five_signatures_are_all_judged(pki: DevPki, journey: Journey) -> None:
    data = journey.signed
    for _ in range(24):
        data = verifying.sign(pki, data, "a-person2", role="person")
    report = journey.judge(data)
    assert report.exit_code == 0
    assert len(report.files[0].signatures) == 25
    assert {signature.changes_allowed for signature in report.files[0].signatures} == {True}
