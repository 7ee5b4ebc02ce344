import asyncio
import io
import resource
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pikepdf
import pytest
from asn1crypto import cms, x509
from pdfmaking import (
    LETTER,
    LOOKS_THE_SAME,
    MM,
    SEAL_IMAGE,
    SIGNATURE_IMAGE,
    ask,
    find_ink,
    judge,
    render,
    require_sound,
)
from PIL import Image
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import DocumentSecurityStore

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.errors import EdocError, InputError, Refused, Unavailable
from edoc.keys.loading import load_key
from edoc.signing import number, prepare, sign

UNCHECKED: dict[str, Any] = {"checks": "none"}
PERSON: dict[str, Any] = {"role": "person", "checks": "none"}
FORM_FILLING, NONE = ModificationLevel.FORM_FILLING, ModificationLevel.NONE


@pytest.fixture(scope="module")
def person(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)


@pytest.fixture(scope="module")
def agency(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-seal"), passphrase=pki.passphrase)


def travel(pdf: bytes, folder: Path, person: SigningKey, agency: SigningKey) -> Path:
    """The whole way of NĐ 30 Art 14: prepare, person, number, seal."""
    (folder / "0.pdf").write_bytes(pdf)
    steps = [folder / f"{step}.pdf" for step in range(5)]
    prepare(steps[0], steps[1])
    sign(steps[1], steps[2], key=person, image=SIGNATURE_IMAGE, **PERSON)
    number(steps[2], steps[3], number=5, notation="UBND-VP", date=date(2026, 2, 5))
    sign(steps[3], steps[4], key=agency, role="agency", image=SEAL_IMAGE, **UNCHECKED)
    return steps[4]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, person: SigningKey, agency: SigningKey) -> Path:
    return travel(LETTER, tmp_path_factory.mktemp("letter"), person, agency)


def test_number_and_seal_leave_the_persons_signature_valid(sealed: Path) -> None:
    assert judge(sealed) == [("Person", True, FORM_FILLING, True), ("Seal", True, NONE, True)]
    assert judge(sealed.with_name("3.pdf")) == [("Person", True, FORM_FILLING, True)]
    require_sound(sealed, 2)


@pytest.mark.parametrize("kind", LOOKS_THE_SAME)
def test_every_ordinary_pdf_goes_the_whole_way(
    kind: str, tmp_path: Path, person: SigningKey, agency: SigningKey
) -> None:
    done = travel(LOOKS_THE_SAME[kind](), tmp_path, person, agency)
    assert judge(done) == [("Person", True, FORM_FILLING, True), ("Seal", True, NONE, True)]
    require_sound(done, 2)


@pytest.mark.parametrize("kind", ["as made", "turned by 90", "turned by 180", "turned by 270", "cropped"])
def test_signature_and_seal_stand_where_annex_1_has_them(
    kind: str, tmp_path: Path, person: SigningKey, agency: SigningKey
) -> None:
    travel(LOOKS_THE_SAME[kind](), tmp_path, person, agency)
    ink = find_ink(render(tmp_path / "2.pdf", dpi=200), "blue", dpi=200)
    seal = find_ink(render(tmp_path / "4.pdf", dpi=200), "red", dpi=200)
    assert ink.centre[0] == pytest.approx(150 * MM, abs=1 * MM)  # under the middle of the position
    assert seal.width == pytest.approx(36 * MM, abs=1 * MM)
    assert seal.height == pytest.approx(36 * MM, abs=1 * MM)
    assert seal.x1 < ink.x1
    # The signature's image is 50 mm wide and the seal ends after a third of it.
    image_left = 150 * MM - 25 * MM
    assert seal.x2 == pytest.approx(image_left + 50 * MM / 3, abs=1 * MM)
    assert seal.centre[1] == pytest.approx(ink.centre[1], abs=5 * MM)


def test_the_signature_is_pades_with_the_chain_and_the_given_time(tmp_path: Path, person: SigningKey) -> None:
    at = datetime(2026, 2, 5, 8, 30, tzinfo=timezone(timedelta(hours=7)))
    done = sign(io.BytesIO(LETTER), tmp_path / "out.pdf", key=person, **PERSON, at=at)
    assert (done.field, done.level, done.signing_time) == ("Person1", "B-B", at)
    assert done.size == (tmp_path / "out.pdf").stat().st_size
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        value = pdf.Root.AcroForm.Fields[0].V
        assert str(value.SubFilter) == "/ETSI.CAdES.detached"
        assert str(value.M) == "D:20260205083000+07'00'"
        contents = bytes(value.Contents)
    signed = cms.ContentInfo.load(contents)["content"]
    attributes = {each["type"].native for each in signed["signer_infos"][0]["signed_attrs"]}
    assert attributes >= {"content_type", "message_digest", "signing_certificate_v2"}
    assert "signing_time" not in attributes  # EN 319 142-1 clause 6.3: /M tells it
    found = {choice.chosen.dump() for choice in signed["certificates"]}
    assert found == {person.certificate, *person.chain}


def test_a_new_field_is_put_on_the_given_page_and_place(tmp_path: Path, person: SigningKey) -> None:
    out = tmp_path / "out.pdf"
    pdf = LOOKS_THE_SAME["blank last page"]()
    rect = (100, 300, 240, 370)
    sign(
        io.BytesIO(pdf),
        out,
        key=person,
        role="person",
        page=2,
        rect=rect,
        image=SIGNATURE_IMAGE,
        **UNCHECKED,
    )
    ink = find_ink(render(out, 1, dpi=100), "blue", dpi=100)
    dot = 72 / 100
    assert 100 - dot <= ink.x1 < ink.x2 <= 240 + dot
    assert 300 <= ink.y1 < ink.y2 <= 370
    require_sound(out, 1)


def test_two_persons_and_two_agencies_sign_without_breaking_each_other(
    tmp_path: Path, person: SigningKey, agency: SigningKey, pki: DevPki
) -> None:
    other_person = load_key(pki.key_path("b-person1"), passphrase=pki.passphrase)
    other_agency = load_key(pki.key_path("b-seal"), passphrase=pki.passphrase)
    steps = [tmp_path / f"{step}.pdf" for step in range(6)]
    prepare(io.BytesIO(LETTER), steps[0], seals=2)
    sign(steps[0], steps[1], key=person, image=SIGNATURE_IMAGE, **PERSON)
    sign(steps[1], steps[2], key=other_person, **PERSON)
    number(steps[2], steps[3], number=5, notation="UBND-VP", date=date(2026, 2, 5))
    sign(steps[3], steps[4], key=agency, role="agency", image=SEAL_IMAGE, **UNCHECKED)
    assert sign(steps[4], steps[5], key=other_agency, role="agency", **UNCHECKED).field == "Seal2"
    assert [(field, sound, allowed) for field, sound, _, allowed in judge(steps[5])] == [
        ("Person", True, True),
        ("Person1", True, True),
        ("Seal", True, True),
        ("Seal2", True, True),
    ]
    require_sound(steps[5], 4)


def test_after_the_last_seal_nobody_signs_or_numbers(
    sealed: Path, tmp_path: Path, person: SigningKey
) -> None:
    with pytest.raises(Refused, match="permits no further signature"):
        sign(sealed, tmp_path / "out.pdf", key=person, **PERSON)
    unnumbered = tmp_path / "unnumbered.pdf"
    sign(sealed.with_name("1.pdf"), unnumbered, key=person, role="agency", **UNCHECKED)
    with pytest.raises(Refused, match="locked by the signature in the field Seal"):
        number(unnumbered, tmp_path / "out.pdf", number=5, notation="UBND-VP", date=date(2026, 2, 5))
    assert not (tmp_path / "out.pdf").exists()


def test_a_signed_file_is_not_prepared(sealed: Path, tmp_path: Path, person: SigningKey) -> None:
    signed = tmp_path / "signed.pdf"
    sign(io.BytesIO(LETTER), signed, key=person, **PERSON)
    with pytest.raises(Refused, match="already signed by DEV Nguyễn Hoàng Ân"):
        prepare(signed, tmp_path / "out.pdf")
    with pytest.raises(
        Refused, match="already signed by DEV Nguyễn Hoàng Ân, DEV Ủy ban nhân dân tỉnh An Bình"
    ):
        prepare(sealed, tmp_path / "out.pdf")


def test_a_signature_that_was_unlinked_still_counts(tmp_path: Path, person: SigningKey) -> None:
    signed = tmp_path / "signed.pdf"
    sign(io.BytesIO(LETTER), signed, key=person, **PERSON)
    hidden = signed.read_bytes().replace(b"/FT /Sig", b"/FT /Xig")
    with pytest.raises(Refused, match="already signed by somebody"):
        prepare(io.BytesIO(hidden), tmp_path / "out.pdf")


def test_fields_that_do_not_fit_are_named(sealed: Path, tmp_path: Path, person: SigningKey) -> None:
    ready, out = sealed.with_name("1.pdf"), tmp_path / "out.pdf"
    with pytest.raises(InputError, match="no field Nobody"):
        sign(ready, out, key=person, field="Nobody", **PERSON)
    with pytest.raises(InputError, match="the field Number is not for signatures"):
        sign(ready, out, key=person, field="Number", **PERSON)
    with pytest.raises(Refused, match="the field Person is signed already"):
        sign(sealed.with_name("2.pdf"), out, key=person, field="Person", **PERSON)
    with pytest.raises(InputError, match="has its place already"):
        sign(ready, out, key=person, field="Person", page=1, rect=(1, 1, 9, 9), **PERSON)
    assert not out.exists()


def test_paths_and_file_objects_are_alike(sealed: Path, person: SigningKey) -> None:
    output = io.BytesIO()
    with sealed.with_name("1.pdf").open("rb") as source:
        sign(source, output, key=person, **PERSON)
    assert PdfFileReader(io.BytesIO(output.getvalue())).embedded_signatures


def test_signing_works_inside_a_running_event_loop(sealed: Path, tmp_path: Path, person: SigningKey) -> None:
    async def work() -> None:
        sign(sealed.with_name("1.pdf"), tmp_path / "out.pdf", key=person, **PERSON)

    asyncio.run(work())
    assert judge(tmp_path / "out.pdf") == [("Person", True, NONE, True)]


def test_a_folder_that_cannot_be_written_leaves_nothing(sealed: Path, person: SigningKey) -> None:
    with pytest.raises(FileNotFoundError):
        sign(
            sealed.with_name("1.pdf"),
            sealed.parent / "none" / "out.pdf",
            key=person,
            role="person",
            **UNCHECKED,
        )
    assert not (sealed.parent / "none").exists()


def test_a_full_disk_leaves_no_half_file(sealed: Path, tmp_path: Path, person: SigningKey) -> None:
    target = tmp_path / "out.pdf"
    target.write_bytes(b"what stood here")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            sign(sealed.with_name("1.pdf"), target, key=person, **PERSON)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.read_bytes() == b"what stood here"
    assert [path.name for path in tmp_path.iterdir()] == ["out.pdf"]


def test_a_picture_must_be_a_transparent_png(sealed: Path, tmp_path: Path, person: SigningKey) -> None:
    opaque = io.BytesIO()
    Image.new("RGB", (20, 20), "white").save(opaque, "PNG")
    jpeg = io.BytesIO()
    Image.new("RGB", (20, 20), "white").save(jpeg, "JPEG")
    for content, words in (
        (opaque, "no transparent background"),
        (jpeg, "not a readable PNG"),
        (io.BytesIO(), "PNG"),
    ):
        content.seek(0)
        with pytest.raises(InputError, match=words):
            sign(
                sealed.with_name("1.pdf"),
                tmp_path / "out.pdf",
                key=person,
                role="person",
                image=content,
                **UNCHECKED,
            )


def test_a_picture_needs_a_place(tmp_path: Path, person: SigningKey) -> None:
    with pytest.raises(InputError, match="where the role system shows something is not known"):
        sign(
            io.BytesIO(LETTER),
            tmp_path / "out.pdf",
            key=person,
            role="system",
            image=SIGNATURE_IMAGE,
            **UNCHECKED,
        )


def test_level_bt_carries_a_time_stamp(sealed: Path, tmp_path: Path, person: SigningKey, pki: DevPki) -> None:
    out = tmp_path / "out.pdf"
    with serving(pki) as url:
        done = sign(
            sealed.with_name("1.pdf"),
            out,
            key=person,
            role="person",
            level="B-T",
            tsa=f"{url}/tsa",
            **UNCHECKED,
        )
    assert done.level == "B-T"
    with out.open("rb") as stream:
        (signature,) = PdfFileReader(stream).embedded_signatures
        signer = signature.signer_info
        unsigned = {each["type"].native for each in signer["unsigned_attrs"]}
    assert unsigned == {"signature_time_stamp_token"}
    require_sound(out, 1)


class Answer(BaseHTTPRequestHandler):
    """A server that is no time-stamping authority."""

    status, body = 200, b"<html>hello</html>"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def impostor() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>hello</html>", "no time-stamp"),
        (404, b"", "status 404"),
        (200, b"0" * (300 << 10), "longer than"),
        (200, bytes.fromhex("30053003020102"), "no time-stamp"),
    ],
)
def test_a_wrong_tsa_is_reported_and_nothing_is_written(
    sealed: Path, tmp_path: Path, person: SigningKey, impostor: str, monkeypatch: pytest.MonkeyPatch,
    status: int, body: bytes, words: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(Answer, "status", status)
    monkeypatch.setattr(Answer, "body", body)
    with pytest.raises(Unavailable, match=words) as caught:
        sign(
            sealed.with_name("1.pdf"), tmp_path / "o.pdf", key=person, level="B-T", tsa=impostor,
            **PERSON,
        )  # fmt: skip
    assert caught.value.retryable
    assert not list(tmp_path.iterdir())


def test_a_dead_tsa_is_reported(sealed: Path, tmp_path: Path, person: SigningKey) -> None:
    dead = "http://127.0.0.1:9/"
    with pytest.raises(Unavailable, match="does not answer"):
        sign(
            sealed.with_name("1.pdf"),
            tmp_path / "o.pdf",
            key=person,
            role="person",
            level="B-T",
            tsa=dead,
            **UNCHECKED,
        )
    assert not list(tmp_path.iterdir())


def test_after_the_last_seal_validation_data_may_still_come(
    sealed: Path, tmp_path: Path, pki: DevPki
) -> None:
    out = tmp_path / "out.pdf"
    out.write_bytes(sealed.read_bytes())
    with out.open("r+b") as stream:
        writer: Any = IncrementalPdfFileWriter(stream)
        certificate = x509.Certificate.load(pki.certificate("agencies"))
        DocumentSecurityStore.supply_dss_in_writer(writer, None, certs=[certificate])
        writer.write_in_place()
    assert judge(out) == [
        ("Person", True, FORM_FILLING, True),
        ("Seal", True, ModificationLevel.LTA_UPDATES, True),
    ]


def test_pdfsig_shows_the_signer(sealed: Path) -> None:
    said = ask("pdfsig", sealed)
    assert "DEV Nguyễn Hoàng Ân" in said
    assert "DEV Ủy ban nhân dân tỉnh An Bình" in said
    assert said.count("ETSI.CAdES.detached") == 2


@pytest.mark.shared
def test_files_from_everywhere_end_in_a_valid_signature_or_one_clear_error(
    shared_corpus: Path, tmp_path: Path, person: SigningKey
) -> None:
    outcomes = {"signed": 0, "refused": 0}
    for number_of, source in enumerate(sorted((shared_corpus / "pdf").glob("*.pdf"))):
        target = tmp_path / f"{number_of}.pdf"
        try:
            done = sign(source, target, key=person, role="system", **UNCHECKED)
        except EdocError:
            assert not target.exists()
            outcomes["refused"] += 1
            continue
        outcomes["signed"] += 1
        assert target.read_bytes().startswith(source.read_bytes())
        ours = next(
            part for part in ask("pdfsig", target).split("Signature #") if f"Name: {done.field}\n" in part
        )
        assert "Signature is Valid." in ours
    assert outcomes["signed"] > 60
