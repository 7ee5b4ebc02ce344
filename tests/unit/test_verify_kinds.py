"""Files of the odd kinds that the world holds, each in some variants: sound, altered, or unsigned."""

import io
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
from cmsmaking import STAMP, attribute, make_cms, make_signer, make_token
from oddmaking import (
    CATALOGUE,
    FIELD,
    NOTE,
    PAGE,
    SECOND,
    STAMPED,
    Make,
    Objects,
    certify,
    edit,
    encrypt,
    fill_form,
    first,
    make_hybrid,
    make_loop,
    make_pages,
    make_stream,
    number_from_one,
    put_in_front,
    second,
    sign_in_ber,
    sign_negatively,
    sign_old,
    sign_oldest,
    sign_together,
    sign_with,
    substitute,
    substitute_range,
)
from rawpdf import DOCUMENT_STAMP, PADES, PLAIN, File, make, make_value, seal

from edoc.core.report import Coverage, FileReport, Level, SignatureType
from edoc.verification import verify

PKCS7: Final = b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7."


def judge(data: bytes, password: str | None = None) -> FileReport:
    return verify(io.BytesIO(data), offline=True, password=password).files[0]


def is_intact(file: FileReport) -> bool:
    """Integrity and modification, not trust."""
    return bool(file.signatures) and all(
        each.intact and each.changes_allowed and each.coverage is not Coverage.PARTIAL
        for each in file.signatures
    )


def count(file: FileReport) -> tuple[int, int]:
    """Signatures, and document time-stamps."""
    stamps = sum(each.type is SignatureType.DOCUMENT_TIMESTAMP for each in file.signatures)
    return len(file.signatures) - stamps, stamps


TWO_FIELDS: Final[Objects] = {1: CATALOGUE.replace(b"9 0 R", b"7 0 R"), 7: FIELD.replace(b"10 0 R", b"6 0 R")}
WIDGET: Final = b"<</Type/Annot/Subtype/Widget/Rect[0 0 0 0]/F 132/P 3 0 R/Parent 5 0 R>>"
NODE: Final = b"<</T(P%d)/Kids[%s]>>"
NESTED: Final[Objects] = {
    1: PLAIN[1].replace(b"5 0 R", b"11 0 R"),
    5: PLAIN[5].replace(b"/P 3", b"/Parent 11 0 R/P 3"),
    11: NODE % (1, b"5 0 R"),
}
INFO: Final = b"<</Producer(%s)/ModDate(D:20260205010203Z)>>"


def make_store() -> Objects:
    """The update that adds evidence."""
    entries = b"/Certs[12 0 R]/CRLs[]/VRI<</%s<</Cert[12 0 R]/TU(D:20260205010203Z)>>>>" % (b"A" * 40)
    return {
        1: PLAIN[1].replace(b"/AcroForm", b"/DSS 11 0 R/AcroForm"),
        11: b"<<%s>>" % entries,
        12: make_stream(make_signer().certificate),
    }


INTACT: Final[dict[str, tuple[Make, int, int]]] = {
    "plain": (make, 1, 0),
    # Dirt around the file
    "junk before the header, offsets from the header": (
        lambda: put_in_front(b"junk\r\n", counted=False),
        1,
        0,
    ),
    "junk before the header, offsets from the start": (lambda: put_in_front(b"junk\r\n", counted=True), 1, 0),
    "line ends behind the end": (lambda: make() + b"\r\n\n", 1, 0),
    "zeros behind the end": (lambda: make() + bytes(500), 1, 0),
    "zeros behind the end, signed": (lambda: edit(lambda data: data + bytes(500)), 1, 0),
    "no line end at the end": (lambda: edit(lambda data: data[:-1]), 1, 0),
    "no %%EOF": (lambda: edit(lambda data: data.removesuffix(b"%%EOF\n")), 1, 0),
    "no startxref": (lambda: edit(lambda data: data[: data.rindex(b"startxref")]), 1, 0),
    # Cross-references
    "startxref beside the table": (substitute(rb"startxref\n(\d+)", lambda place: place + 7), 1, 0),
    "startxref before the table": (substitute(rb"startxref\n(\d+)", lambda place: place - 1), 1, 0),
    "startxref of nothing": (substitute(rb"startxref\n(\d+)", lambda _: 0), 1, 0),
    "wrong offsets": (substitute(rb"(\d{10}) 00000 n", lambda place: place + 3), 1, 0),
    "a size that is too small": (substitute(rb"/Size (\d)", lambda _: 5), 1, 0),
    "a table from 1": (number_from_one, 1, 0),
    "entries of nineteen bytes": (lambda: edit(lambda data: data.replace(b" \n", b"\n")), 1, 0),
    "hybrid": (lambda: make_hybrid().data, 1, 0),
    "hybrid, signed twice": (lambda: make_hybrid().add(SECOND).sign().data, 2, 0),
    "a section before itself": (make_loop, 1, 0),
    "a section before the file": (lambda: edit(lambda data: data.replace(b"/Root", b"/Prev -5/Root")), 1, 0),
    "a section behind the file": (
        lambda: edit(lambda data: data.replace(b"/Root", b"/Prev 9999999/Root")),
        1,
        0,
    ),
    # References that are freed
    "unused objects freed": (lambda: first().close({}, free=(7, 8)).data, 1, 0),
    "unused objects freed by a signature": (lambda: second({}, free=(7, 8)), 2, 0),
    "objects freed that never were": (lambda: second({}, free=(11, 12)), 2, 0),
    "an update of nothing": (lambda: first().close({}).data, 1, 0),
    # Later updates as programs write them
    "an object that nobody needs": (lambda: second({11: b"<</Type/Font>>"}), 2, 0),
    "objects written again as they were": (lambda: second({2: PLAIN[2], 4: PLAIN[4]}), 2, 0),
    "information on the file": (lambda: first().add({9: INFO % b"x"}, trailer=b"/Info 9 0 R").data, 1, 0),
    "a form that becomes an object": (
        lambda: second(
            {1: b"<</Type/Catalog/Pages 2 0 R/AcroForm 11 0 R>>", 11: b"<</Fields[5 0 R 9 0 R]/SigFlags 3>>"}
        ),
        2,
        0,
    ),
    "annotations that become an object": (
        lambda: second({3: PLAIN[3].replace(b"[5 0 R]", b" 11 0 R"), 11: b"[5 0 R 9 0 R]"}),
        2,
        0,
    ),
    "a validation store": (lambda: first().add(make_store()).data, 1, 0),
    "a validation store without VRI then": (
        lambda: first().add(make_store()).add({11: b"<</Certs[12 0 R]>>"}).data,
        1,
        0,
    ),
    "structure of the new field": (
        lambda: second(
            {
                1: CATALOGUE.replace(b"/Pages", b"/StructTreeRoot 20 0 R/Pages"),
                9: FIELD.replace(b"/P 3", b"/StructParent 1/P 3"),
                20: b"<</Type/StructTreeRoot/K[21 0 R]/ParentTree 23 0 R/ParentTreeNextKey 2>>",
                21: b"<</Type/StructElem/S/Document/P 20 0 R/K[24 0 R]>>",
                23: b"<</Nums[1 24 0 R]>>",
                24: b"<</Type/StructElem/S/Form/P 21 0 R/Pg 3 0 R/K<</Type/OBJR/Obj 9 0 R>>>>",
            },
            more={
                1: PLAIN[1].replace(b"/Pages", b"/StructTreeRoot 20 0 R/Pages"),
                20: b"<</Type/StructTreeRoot/K[21 0 R]/ParentTree 22 0 R/ParentTreeNextKey 1>>",
                21: b"<</Type/StructElem/S/Document/P 20 0 R/K[]>>",
                22: b"<</Nums[]>>",
            },
        ),
        2,
        0,
    ),
    # Fields
    "two fields with one signature": (lambda: make(more=TWO_FIELDS), 1, 0),
    "two fields of one name with one signature": (
        lambda: make(more={**TWO_FIELDS, 7: PLAIN[5]}),
        1,
        0,
    ),
    "one field listed twice": (
        lambda: make(more={1: PLAIN[1].replace(b"[5 0 R]", b"[5 0 R 5 0 R]")}),
        1,
        0,
    ),
    "one field with two widgets": (
        lambda: make(more={5: b"<</FT/Sig/T(S1)/V 6 0 R/Kids[7 0 R 8 0 R]>>", 7: WIDGET, 8: WIDGET}),
        1,
        0,
    ),
    "a field in a field": (lambda: make(more=NESTED), 1, 0),
    "a field added to a field": (
        lambda: second(
            {
                1: NESTED[1],
                9: FIELD.replace(b"/P 3", b"/Parent 11 0 R/P 3"),
                11: NODE % (1, b"5 0 R 9 0 R"),
            },
            more=NESTED,
        ),
        2,
        0,
    ),
    "two fields of one partial name": (
        lambda: second(
            {
                1: NESTED[1].replace(b"11 0 R", b"11 0 R 12 0 R"),
                9: FIELD.replace(b"S2", b"S1").replace(b"/P 3", b"/Parent 12 0 R/P 3"),
                12: NODE % (2, b"9 0 R"),
            },
            more=NESTED,
        ),
        2,
        0,
    ),
    "a signature in its field": (
        lambda: File().add({**PLAIN, 5: PLAIN[5].replace(b"6 0 R", make_value())}).sign().data,
        1,
        0,
    ),
    "no type": (lambda: make(PADES.replace(b"/Type/Sig", b"")), 1, 0),
    "a date that is none": (lambda: make(PADES + b"/M(yesterday)/Name/X/Location 5"), 1, 0),
    # Document time-stamps
    "a time-stamp": (lambda: first().add(STAMPED).sign(make_token).data, 1, 1),
    "a time-stamp of no type": (
        lambda: first().add({**SECOND, 10: make_value(DOCUMENT_STAMP)}).sign(make_token).data,
        1,
        1,
    ),
    "a time-stamp of another type": (
        lambda: first().add({**SECOND, 10: make_value(b"/Type/X" + DOCUMENT_STAMP)}).sign(make_token).data,
        1,
        1,
    ),
    "a time-stamp that calls itself a signature": (
        lambda: first().add({**SECOND, 10: make_value(b"/Type/Sig" + DOCUMENT_STAMP)}).sign(make_token).data,
        1,
        0,
    ),
    # CMS
    "indefinite lengths": (lambda: make(sign=sign_in_ber), 1, 0),
    "a negative modulus": (lambda: make(sign=sign_negatively), 1, 0),
    "two signers": (lambda: make(sign=sign_together()), 1, 0),
    "SHA-3 of 256 bits": (lambda: make(sign=sign_with("sha3_256")), 1, 0),
    "SHA-3 of 512 bits": (lambda: make(sign=sign_with("sha3_512")), 1, 0),
    "empty content inside": (lambda: make(sign=sign_with("sha256", content=b"")), 1, 0),
    "pkcs7.sha1": (lambda: make(PKCS7 + b"sha1", sign=partial(sign_old, attributes=True)), 1, 0),
    "pkcs7.sha1 without attributes": (
        lambda: make(PKCS7 + b"sha1", sign=partial(sign_old, attributes=False)),
        1,
        0,
    ),
    "x509.rsa_sha1": (sign_oldest, 1, 0),
    # Forms of XML, and many pages
    "XFA": (lambda: fill_form(b"<x>%s</x>" % (b"a" * 3_000_000)), 2, 0),
    "two thousand pages": (lambda: make_pages(2000, deep=False), 2, 0),
    "a page below five hundred nodes": (lambda: make_pages(500, deep=True), 2, 0),
    # Certified
    "certified, signed": (lambda: certify(2, SECOND), 2, 0),
    "certified, nothing may change, time-stamped": (lambda: certify(1, STAMPED, make_token), 1, 1),
    "certified, nothing may change, evidence added": (lambda: certify(1, make_store()), 1, 0),
    "certified, notes may be added": (lambda: certify(3, SECOND), 2, 0),
}
"""Each with its numbers of signatures and of document time-stamps."""

NOT_INTACT: Final[dict[str, tuple[Make, int]]] = {
    "a letter changed": (lambda: make().replace(b"Quyet", b"Quyot"), 1),
    "junk put before the header": (lambda: b"junk\n" + make(), 1),
    "junk behind the end": (lambda: make() + b"<html></html>", 1),
    "another end behind the end": (lambda: make() + b"%%EOF\n", 1),
    "what is shown was freed": (lambda: first().close({}, free=(4,)).data, 1),
    "what is shown was freed by a signature": (lambda: second({}, free=(4,)), 2),
    "the text changed": (lambda: first().add({4: make_stream(b"BT ET")}).data, 1),
    "the page turned": (lambda: first().add({3: PAGE.replace(b"/Type", b"/Rotate 90/Type")}).data, 1),
    "a page shown twice": (lambda: first().add({2: b"<</Type/Pages/Kids[3 0 R 3 0 R]/Count 2>>"}).data, 1),
    "the form's data changed": (lambda: fill_form(b"<x>1</x>", b"<x>2</x>"), 1),
    "the field taken out of the form": (lambda: first().add({1: b"<</Type/Catalog/Pages 2 0 R>>"}).data, 1),
    "the value taken out of the field": (
        lambda: first().add({5: PLAIN[5].replace(b"/V 6 0 R", b"")}).data,
        1,
    ),
    "unlinked by the next signature": (
        lambda: second({1: CATALOGUE.replace(b"5 0 R ", b"")}),
        2,
    ),
    "never linked": (lambda: make(more={1: b"<</Type/Catalog/Pages 2 0 R>>"}), 1),
    "the gap goes without the brackets": (
        lambda: substitute_range(make(), inside=1),
        1,
    ),
    "no CMS": (lambda: make(sign=lambda _: b"no signature" * 20), 1),
    "a cut CMS": (lambda: make(sign=lambda content: seal(content)[:400]), 1),
    "no signer": (lambda: make(sign=lambda _: make_cms([], [make_signer().certificate])), 1),
    "the first of two signers is wrong": (lambda: make(sign=sign_together(damaged=0)), 1),
    "the second of two signers is wrong": (lambda: make(sign=sign_together(damaged=1)), 1),
    "other content inside": (lambda: make(sign=sign_with("sha256", content=b"other", damage=True)), 1),
    "another document's time-stamp": (
        lambda: first().add(STAMPED).sign(lambda content: make_token(content + b"!")).data,
        1,
    ),
    "certified, nothing may change, signed": (lambda: certify(1, SECOND), 2),
    "certified, forms may be filled, a note added": (lambda: certify(2, NOTE), 1),
}
"""Each with its number of signatures."""


UNSIGNED: Final[dict[str, Make]] = {
    "an empty field": lambda: File().add({**PLAIN, 5: PLAIN[5].replace(b"/V 6 0 R", b"")}).data,
    "a value of zeros without a range": lambda: File().add({**PLAIN, 6: make_value()}).data,
    "a value of zeros": lambda: make(sign=lambda _: b""),
    "a value of nothing": lambda: File().add({**PLAIN, 6: b"<<%s/Contents<>>>" % PADES}).data,
    "no value": lambda: File().add({**PLAIN, 6: b"null"}).data,
    "a value that is nowhere": lambda: File().add(PLAIN).data,
}


@pytest.mark.parametrize("kind", INTACT)
def test_odd_but_sound_files_are_intact_and_counted(kind: str) -> None:
    data, signatures, stamps = INTACT[kind][0](), *INTACT[kind][1:]
    file = judge(data)
    reasons = [message.text for each in file.signatures for message in each.messages]
    assert is_intact(file), reasons
    assert count(file) == (signatures, stamps)


@pytest.mark.parametrize("kind", NOT_INTACT)
def test_altered_files_are_not_intact_and_their_signatures_are_counted(kind: str) -> None:
    data, signatures = NOT_INTACT[kind][0](), NOT_INTACT[kind][1]
    file = judge(data)
    assert not is_intact(file)
    assert count(file)[0] == signatures


@pytest.mark.parametrize("kind", UNSIGNED)
def test_fields_without_a_signature_count_as_none(kind: str) -> None:
    file = judge(UNSIGNED[kind]())
    assert file.readable
    assert file.signatures == ()


@pytest.mark.parametrize("cut", [2, 40, 300, 8000, 12000])
def test_a_cut_file_ends_in_a_report_and_is_not_intact(cut: int) -> None:
    assert not is_intact(judge(make()[:-cut]))


@pytest.mark.parametrize("stamp", [partial(make_token, b"another signature"), b"\x30\x03\x02\x01\x05".strip])
def test_a_broken_time_stamp_leaves_the_signature_intact(stamp: Callable[[], bytes]) -> None:
    unsigned = (attribute(STAMP, stamp()),)
    file = judge(make(PADES + b"/M(D:20260205010203Z)", sign=sign_with("sha256", unsigned=unsigned)))
    assert is_intact(file)
    assert [each.level for each in file.signatures] == [Level.PADES_B_T]
    assert "TIMESTAMP_BROKEN" in {message.code for each in file.signatures for message in each.messages}


ENCRYPTIONS: Final[dict[str, dict[str, Any]]] = {
    "RC4 of 40 bits": {"R": 2, "aes": False, "metadata": False},
    "RC4 of 128 bits": {"R": 3, "aes": False, "metadata": False},
    "crypt filters with RC4": {"R": 4, "aes": False, "metadata": False},
    "AES of 128 bits": {"R": 4},
    "AES of 128 bits, open metadata": {"R": 4, "metadata": False},
    "AES of 256 bits": {"R": 6},
}


@pytest.mark.parametrize("user", ["", "mật khẩu"])
@pytest.mark.parametrize("kind", ENCRYPTIONS)
def test_encrypted_files_are_judged_once_the_password_is_known(kind: str, user: str) -> None:
    if user and ENCRYPTIONS[kind]["R"] < 6:
        user = "user"  # only AES of 256 bits knows Vietnamese
    data = encrypt(2, user=user, **ENCRYPTIONS[kind])
    file = judge(data, password=user or None)
    assert count(file) == (2, 0)
    assert is_intact(file)
    if user:
        assert {message.code for message in judge(data).messages} == {"PASSWORD_NEEDED"}
        assert {message.code for message in judge(data, "wrong").messages} == {"PASSWORD_WRONG"}
