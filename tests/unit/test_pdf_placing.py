import io
import tracemalloc
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pdfmaking import LETTER, LOOKS_THE_SAME, MM, SEAL_IMAGE, SIGNATURE_IMAGE, encrypt
from reportlab.lib.pagesizes import A4, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError, Refused
from edoc.keys.loading import load_key
from edoc.pdf import fonts, placing
from edoc.pdf.appearance import Look, Words
from edoc.pdf.document import Document, open_pdf
from edoc.pdf.layout import PERSON_HEIGHT, PERSON_WIDTH, SEAL_DIAMETER, Place
from edoc.pdf.objects import items
from edoc.signing import prepare, sign

FONTS = Path(fonts.__file__).parents[1] / "fonts"
FIFTH_OF_MARCH = date(2026, 3, 5)
ROW = 740.0


@cache
def face(name: str) -> str:
    pdfmetrics.registerFont(TTFont(name, str(FONTS / f"LiberationSerif-{name}.ttf")))
    return name


def write(*texts: tuple[float, float, str], size: tuple[float, float] = A4) -> bytes:
    """A page with texts of 13 points at their places."""
    output = io.BytesIO()
    canvas = Canvas(output, pagesize=size, invariant=1)
    canvas.setFont(face("Regular"), 13)
    for x, y, text in texts:
        canvas.drawString(x, y, text)
    canvas.showPage()
    canvas.save()
    return output.getvalue()


def width(text: str) -> float:
    return pdfmetrics.stringWidth(text, face("Regular"), 13)


@contextmanager
def opened(pdf: bytes) -> Iterator[Document]:
    with open_pdf(io.BytesIO(pdf)) as document:
        yield document


def fill(
    pdf: bytes, *, number: str = "05", notation: str = "UBND-VP", on: date = FIFTH_OF_MARCH
) -> list[Words]:
    with opened(pdf) as document:
        _, words = placing.place_number_and_date(document, number=number, notation=notation, date=on)
        return list(words)


def head(number: str, day: str = "An Bình,") -> bytes:
    return write((90, ROW, number), (300, ROW, day))


@pytest.mark.parametrize(
    ("printed", "drawn"),
    [
        ("Số:", ["05/UBND-VP"]),
        ("Số :", ["05/UBND-VP"]),
        ("S ố :", ["05/UBND-VP"]),
        (unicodedata.normalize("NFD", "Số:"), ["05/UBND-VP"]),
        ("Số: ....................", ["05/UBND-VP"]),
        ("Số: …………………", ["05/UBND-VP"]),
        ("Số: ______________", ["05/UBND-VP"]),
        ("Số:          /UBND-VP", ["05"]),
        ("Số: ........./UBND-VP", ["05"]),
        ("Số: ……./UBND-VP", ["05"]),
        ("Số: ____/UBND-VP", ["05"]),
        ("S ố :          / U B N D - V P", ["05"]),
        ("Số: ......../........", ["05", "UBND-VP"]),
        ("Số: ……/……-……", ["05", "UBND", "VP"]),
        ("Số:       /", ["05", "UBND-VP"]),
        ("Số: 05/UBND-VP", []),
    ],
)
def test_of_the_number_only_what_is_missing_is_drawn(printed: str, drawn: list[str]) -> None:
    words = fill(head(printed))
    assert [each.text for each in words if each.face is fonts.Face.UPRIGHT] == drawn
    assert all(abs(each.baseline - ROW) < 1.5 for each in words)
    assert all(8 <= each.size <= 13 for each in words)


@pytest.mark.parametrize(
    ("printed", "drawn"),
    [
        ("An Bình,", ["ngày 05 tháng 3 năm 2026"]),
        ("Hà Nội, ngày      tháng      năm 2026", ["05", "3"]),
        ("Hà Nội, ngày      tháng      năm", ["05", "3", "2026"]),
        ("Hà Nội, ngày .... tháng .... năm 20....", ["05", "3", "26"]),
        ("Hà Nội, ngày … tháng … năm 202…", ["05", "3", "6"]),
        ("Hà Nội, ngày ____ tháng ____ năm ______", ["05", "3", "2026"]),
        ("Hà Nội, ngày     tháng 3 năm 2026", ["05"]),
        (unicodedata.normalize("NFD", "Hà Nội, ngày      tháng      năm 2026"), ["05", "3"]),
        ("Hà Nội, .................................", ["ngày 05 tháng 3 năm 2026"]),
        ("Hà Nội, ngày 05 tháng 3 năm 2026", []),
    ],
)
def test_of_the_date_only_what_is_missing_is_drawn(printed: str, drawn: list[str]) -> None:
    words = fill(head("Số:", printed))
    assert [each.text for each in words if each.face is fonts.Face.ITALIC] == drawn


def test_words_stand_in_their_blanks() -> None:
    printed, day = "Số:          /UBND-VP", "Hà Nội, ngày      tháng ...... năm 20"
    number, first, second, year = fill(head(printed, day))
    slash = 90 + width("Số:          ")
    assert number.box.x2 == pytest.approx(slash, abs=0.5)
    blank = 300 + width("Hà Nội, ngày"), 300 + width("Hà Nội, ngày      ")
    assert sum((first.box.x1, first.box.x2)) / 2 == pytest.approx(sum(blank) / 2, abs=0.5)
    dots = 300 + width("Hà Nội, ngày      tháng "), 300 + width("Hà Nội, ngày      tháng ......")
    assert sum((second.box.x1, second.box.x2)) / 2 == pytest.approx(sum(dots) / 2, abs=1)
    assert second.baseline > first.baseline == pytest.approx(ROW, abs=0.1)  # readable above the dots
    assert year.x == pytest.approx(300 + width(day), abs=0.5)


def test_a_line_in_pieces_is_one_line() -> None:
    pieces = ((90, ROW, "Số:"), (150, ROW, "/UBND-VP"), (290, ROW, "Hà Nội, ngày"), (400, ROW, "tháng"))
    words = fill(write(*pieces, (455, ROW, "năm 2026")))
    assert [each.text for each in words] == ["05", "05", "3"]
    assert words[0].box.x2 == pytest.approx(150, abs=0.5)
    assert 290 + width("Hà Nội, ngày") < words[1].box.x1 < words[1].box.x2 < 400
    assert 400 + width("tháng") < words[2].box.x1 < words[2].box.x2 < 455


@pytest.mark.parametrize(
    ("number", "day", "message"),
    [
        ("Số: 06/UBND-VP", "An Bình,", "already prints '06/UBND-VP'"),
        ("Số:       /SNV-VP", "An Bình,", "already prints '/SNV-VP'"),
        ("Số:       /UBND", "An Bình,", "no room for '-VP'"),
        ("Số:", "An Bình, ngày 06 tháng 3 năm 2026", "already prints 'ngày 06 tháng 3 năm 2026'"),
        ("Số:", "An Bình, ngày    tháng    năm 2025", "already prints"),
        ("Số: /UBND-VP", "An Bình,", "no room for '05'"),
        ("Quyết định", "An Bình,", "has no “Số:”"),
        ("Số:", "An Bình", "has no place and comma"),
        ("Số: 05/UBND-VP", "An Bình, ngày 05 tháng 3 năm 2026", "prints its number and date already"),
    ],
)
def test_a_page_that_disagrees_or_has_no_place_is_refused(number: str, day: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        fill(head(number, day))


def test_prepared_fields_are_not_drawn_over() -> None:
    output = io.BytesIO()
    prepare(io.BytesIO(LETTER), output)
    with pytest.raises(Refused, match="has the fields Number and Date"):
        fill(output.getvalue())


def test_the_rectangle_holds_number_and_date_and_little_else() -> None:
    with opened(head("Số:")) as document:
        place, words = placing.place_number_and_date(
            document, number="05", notation="UBND-VP", date=FIFTH_OF_MARCH
        )
    assert place.page == 1
    assert all(each.box.lies_in(place.rect) for each in words)
    assert place.rect.height < 20


SIGNER = ((380, 320, "KT. CHỦ TỊCH"), (380, 303, "PHÓ CHỦ TỊCH"), (375, 200, "Nguyễn Văn Mẫu"))


def place_person(pdf: bytes, anchor: str | None = None) -> Place:
    with opened(pdf) as document:
        return placing.place_person(document, anchor=anchor)


def is_under(place: Place, x: float, text: str) -> bool:
    return abs(place.rect.centre[0] - (x + width(text) / 2)) < 1


@pytest.mark.parametrize(
    "anchor",
    [
        "KT. CHỦ TỊCH",
        "kt. chủ tịch",
        unicodedata.normalize("NFD", "KT. CHỦ TỊCH"),
        "KT.CHỦ TỊCH PHÓ CHỦ TỊCH",
        "KT. CHỦ TỊCH\nPHÓ CHỦ TỊCH",
        "PHÓ CHỦ",
    ],
)
def test_an_anchor_may_be_spelt_as_one_likes(anchor: str) -> None:
    place = place_person(write(*SIGNER), anchor)
    assert place.rect.y2 < 303
    assert place.rect.y1 > 200
    assert place.rect.centre[0] == pytest.approx(380 + width("PHÓ CHỦ TỊCH") / 2, abs=5)


@pytest.mark.parametrize(
    "printed",
    ["N G Ư Ờ I  L Ậ P", unicodedata.normalize("NFD", "NGƯỜI LẬP"), "NGƯỜI LẬP BIỂU"],
)
def test_an_anchor_is_found_however_the_page_spells_it(printed: str) -> None:
    place = place_person(write((80, 320, printed), (80, 200, "Lê Thị Nháp"), *SIGNER), "NGƯỜI LẬP")
    assert place.rect.centre[0] < 200


def test_a_ligature_is_the_letters_it_stands_for() -> None:
    place = place_person(
        write((80, 320, "Xác nhận scientiﬁc"), (80, 200, "Lê Thị Nháp")), "Xác nhận scientific"
    )
    assert is_under(place, 80, "Xác nhận scientiﬁc")


def test_of_several_anchors_the_last_one_counts() -> None:
    pdf = write((100, 600, "KT. CHỦ TỊCH"), *SIGNER, (80, 150, "- KT. CHỦ TỊCH (để báo cáo)"))
    assert place_person(pdf, "KT. CHỦ TỊCH").rect.centre[0] > 380  # inside a line is second choice


def test_an_anchor_inside_a_line_counts_where_no_line_begins_with_it() -> None:
    pdf = write((80, 320, "Thay mặt đoàn: TRƯỞNG ĐOÀN"), (200, 200, "Lê Thị Nháp"))
    expected = 80 + width("Thay mặt đoàn: ") + width("TRƯỞNG ĐOÀN") / 2
    assert place_person(pdf, "TRƯỞNG ĐOÀN").rect.centre[0] == pytest.approx(expected, abs=1)


def test_letters_set_apart_are_a_position_too() -> None:
    spaced = "C H Ủ T Ị C H"
    assert is_under(place_person(write((380, 320, spaced), (380, 200, "Lê Thị Nháp"))), 380, spaced)


def test_an_anchor_without_words_is_refused() -> None:
    with pytest.raises(InputError, match="points nowhere"):
        place_person(write(*SIGNER), "  ")


def test_a_landscape_page_has_its_own_places() -> None:
    size = landscape(A4)
    place = place_person(write((600, 220, "GIÁM ĐỐC"), (590, 110, "Lê Thị Nháp"), size=size))
    assert is_under(place, 600, "GIÁM ĐỐC")
    with opened(write((30, 100, "x"), size=size)) as document:
        corner = placing.place_top_right(document, Look(lines=("SAO Y",))).rect
    assert corner.x2 == pytest.approx(size[0] - 15 * MM, abs=0.1)
    assert corner.y2 == pytest.approx(size[1] - 5 * MM, abs=0.1)


@pytest.mark.parametrize("kind", LOOKS_THE_SAME)
def test_places_are_those_of_the_page_as_it_looks(kind: str) -> None:
    expected = place_person(LETTER, "KT. CHỦ TỊCH")
    found = place_person(LOOKS_THE_SAME[kind](), "KT. CHỦ TỊCH")
    assert found.rect.x1 == pytest.approx(expected.rect.x1, abs=0.2)
    assert found.rect.y1 == pytest.approx(expected.rect.y1, abs=0.2)


def test_an_encrypted_file_is_read_with_its_password() -> None:
    with open_pdf(io.BytesIO(encrypt(user="secret")), password="secret") as document:
        place = placing.place_person(document, anchor="KT. CHỦ TỊCH")
    assert place == place_person(LETTER, "KT. CHỦ TỊCH")


def test_a_large_file_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    with pikepdf.open(io.BytesIO(LETTER)) as pdf:
        pdf.Root.Ballast = pdf.make_stream(b"\0" * (40 << 20))
        pdf.save(path, compress_streams=False)
    assert path.stat().st_size > 40 << 20
    tracemalloc.start()
    try:
        with path.open("rb") as stream, open_pdf(stream) as document:
            place = placing.place_person(document, anchor="KT. CHỦ TỊCH")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert place == place_person(LETTER, "KT. CHỦ TỊCH")
    assert peak < 8 << 20


@pytest.fixture(scope="module")
def person(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)


@pytest.fixture(scope="module")
def agency(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-seal"), passphrase=pki.passphrase)


def signed(pdf: bytes, key: SigningKey, **options: Any) -> bytes:
    output = io.BytesIO()
    sign(io.BytesIO(pdf), output, key=key, checks="none", **options)
    return output.getvalue()


def place_seal(pdf: bytes) -> Place:
    with opened(pdf) as document:
        return placing.place_seal(document, anchor=None, width=SEAL_DIAMETER, height=SEAL_DIAMETER)


def test_a_seal_goes_over_the_signature_wherever_a_person_put_it(
    person: SigningKey, agency: SigningKey
) -> None:
    pdf = signed(LETTER, person, role="person", image=SIGNATURE_IMAGE, page=1, rect=(100, 400, 300, 460))
    # The image is 538 by 231 dots and fills the height.
    wide = 60 * 538 / 231
    expected = 200 - wide / 2 + wide / 3
    assert place_seal(pdf).rect.x2 == pytest.approx(expected, abs=1)
    assert place_seal(pdf).rect.centre[1] == pytest.approx(430, abs=1)
    # Number and date, which show too, are no signature of a person.
    numbered = signed(pdf, agency, role="number", number=5, notation="UBND-VP", date=FIFTH_OF_MARCH)
    assert place_seal(numbered) == place_seal(pdf)


def test_the_second_agencys_seal_stands_beside_the_first(person: SigningKey, agency: SigningKey) -> None:
    pdf = signed(LETTER, person, role="person", image=SIGNATURE_IMAGE)
    sealed = signed(pdf, agency, role="agency", image=SEAL_IMAGE, lock="form")
    first, second = place_seal(pdf).rect, place_seal(sealed).rect
    assert second.x2 < first.x1 + 1
    assert second.centre[1] == pytest.approx(first.centre[1], abs=8)


def test_without_a_visible_signature_the_seal_goes_where_one_would_be(person: SigningKey) -> None:
    pdf = signed(LETTER, person, role="system")
    person_rect = place_person(LETTER).rect
    assert place_seal(pdf).rect.x2 == pytest.approx(person_rect.x1 + person_rect.width / 3, abs=0.1)


def test_a_signature_of_a_dot_shows_nothing(person: SigningKey) -> None:
    pdf = signed(LETTER, person, role="person", image=SIGNATURE_IMAGE, page=1, rect=(100, 400, 100.5, 400.5))
    assert place_seal(pdf) == place_seal(LETTER)


def test_two_persons_do_not_sign_over_each_other(person: SigningKey) -> None:
    pdf = write(
        (100, 320, "NGƯỜI LẬP"), (100, 200, "Lê Thị Nháp"), (380, 320, "NGƯỜI LẬP"), (380, 200, "Trần Mẫu")
    )
    options = {"role": "person", "anchor": "NGƯỜI LẬP", "image": SIGNATURE_IMAGE}
    once = signed(pdf, person, **options)
    first, second = place_person(pdf, "NGƯỜI LẬP").rect, place_person(once, "NGƯỜI LẬP").rect
    assert first.x1 > second.x2
    with pytest.raises(Refused, match="nowhere that is still free"):
        place_person(signed(once, person, **options), "NGƯỜI LẬP")


def test_a_second_text_in_the_corner_covers_neither_the_first_nor_the_page(agency: SigningKey) -> None:
    once = signed(LETTER, agency, role="enclosure", number=5, notation="UBND-VP")
    look = Look(lines=("SAO Y", "Ủy ban nhân dân tỉnh Bình An"))
    with opened(LETTER) as one, opened(once) as two:
        first, second = placing.place_top_right(one, look).rect, placing.place_top_right(two, look).rect
    assert first.x2 == pytest.approx(195 * MM, abs=0.1)
    assert second.x2 < 195 * MM - 55 * MM  # beside the first, which is as wide as its time
    assert second.y2 == first.y2
    assert second.y1 > 277 * MM


def test_text_stands_under_its_anchor_too() -> None:
    with opened(LETTER) as document:
        place = placing.place_top_right(document, Look(lines=("SAO Y",)), anchor="Độc lập")
    assert place.rect.y2 < 277 * MM - 28
    assert place.rect.x1 == pytest.approx(144 * MM - 76, abs=8)


def test_the_room_of_a_person_is_as_large_as_wished() -> None:
    with opened(LETTER) as document:
        usual = placing.place_person(document, anchor=None, width=PERSON_WIDTH, height=PERSON_HEIGHT).rect
        small = placing.place_person(document, anchor=None, width=30 * MM, height=10 * MM).rect
    assert [small.width, small.height] == pytest.approx([30 * MM, 10 * MM], abs=0.1)
    assert small.centre == pytest.approx(usual.centre, abs=0.1)


def test_a_seal_at_the_edge_of_the_page_leaves_the_next_one_room_below(tmp_path: Path, pki: DevPki) -> None:
    def key(name: str) -> SigningKey:
        return load_key(pki.key_path(name), passphrase=pki.passphrase)

    steps = [tmp_path / f"{number}.pdf" for number in range(4)]
    steps[0].write_bytes(LETTER)
    corner: dict[str, Any] = {"page": 1, "rect": (80, 250, 220, 320), "image": SIGNATURE_IMAGE}
    sign(steps[0], steps[1], key=key("a-person2"), role="person", checks="none", **corner)
    seals: dict[str, Any] = {"role": "agency", "checks": "none", "image": SEAL_IMAGE}
    sign(steps[1], steps[2], key=key("a-seal"), lock="form", **seals)
    sign(steps[2], steps[3], key=key("b-seal"), **seals)
    with open_pdf(steps[3]) as document:
        rects = {
            field.name: [float(corner) for corner in items(field.widgets[0][1]["/Rect"])]
            for field in document.fields
        }
    assert rects["Seal1"][0] == rects["Seal2"][0]
    assert rects["Seal2"][3] < rects["Seal1"][1]
