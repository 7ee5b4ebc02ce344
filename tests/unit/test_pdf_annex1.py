"""Each display case of Decree 30/2020/NĐ-CP, Annex I: signed, drawn by poppler, measured to a millimetre."""

import io
import re
import subprocess
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pdfmaking import LETTER, LOOKS_THE_SAME, SEAL_IMAGE, SIGNATURE_IMAGE, ask, change
from PIL import Image, ImageChops, ImageFont

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError, Refused
from edoc.keys.loading import load_key
from edoc.pdf import fonts
from edoc.pdf.pictures import load_picture
from edoc.signing import sign

DPI = 200
POINT = 25.4 / 72
"""Millimetres in a point."""
KINDS = ["as made", "turned by 90", "cropped"]
AT = datetime(2026, 3, 5, 3, 20, 30, tzinfo=timezone(timedelta(hours=0)))
TIME = "Thời gian ký: 2026-03-05T10:20:30+07:00"
AGENCY = "Văn phòng Ủy ban nhân dân tỉnh An Bình"
NUMBER: dict[str, Any] = {"number": 5, "notation": "UBND-VP", "date": date(2026, 3, 5)}
COPIES = {"sao-y": "SAO Y", "sao-luc": "SAO LỤC", "trich-sao": "TRÍCH SAO"}
FONTS = Path(fonts.__file__).parents[1] / "fonts"


@dataclass(frozen=True)
class Box:
    """In millimetres from the upper left corner of the page, as a ruler would have it."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def close_to(self, other: "Box", tolerance: float = 1) -> bool:
        pairs = zip(
            (self.left, self.top, self.right, self.bottom),
            (other.left, other.top, other.right, other.bottom),
            strict=True,
        )
        return all(abs(one - another) <= tolerance for one, another in pairs)


@pytest.fixture(scope="module")
def person(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)


@pytest.fixture(scope="module")
def agency(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-seal"), passphrase=pki.passphrase)


def signed(pdf: bytes, key: SigningKey, role: str, **options: Any) -> bytes:
    output = io.BytesIO()
    sign(io.BytesIO(pdf), output, key=key, role=role, checks="none", at=AT, **options)
    return output.getvalue()


@cache
def draw(pdf: bytes) -> Image.Image:
    """Draw the first page's visible part as poppler sees it."""
    command = ["pdftoppm", "-r", str(DPI), "-cropbox", "-singlefile", "-png", "-", "-"]
    done = subprocess.run(command[:-1], input=pdf, capture_output=True, check=True, timeout=60)
    return Image.open(io.BytesIO(done.stdout)).convert("RGB")


def measure(before: bytes, after: bytes, colour: str = "any") -> Box:
    """Measure what is new on the page, in one colour."""
    old, new = draw(before), draw(after)
    mask = pick(ImageChops.difference(old, new), "any", least=40)
    if colour != "any":
        mask = ImageChops.darker(mask, pick(new, colour))
    box = mask.getbbox()
    assert box is not None, f"nothing {colour} is new"
    return Box(*(value * 25.4 / DPI for value in box))


def crop(image: Image.Image, box: Box) -> Image.Image:
    left, top, right, bottom = (round(mm * DPI / 25.4) for mm in (box.left, box.top, box.right, box.bottom))
    return image.crop((left, top, right, bottom))


def pick(image: Image.Image, colour: str, *, least: int = 60) -> Image.Image:
    red, green, blue = image.split()
    strong = {
        "red": ImageChops.subtract(red, ImageChops.lighter(green, blue)),
        "blue": ImageChops.subtract(blue, ImageChops.lighter(red, green)),
        "any": ImageChops.lighter(red, ImageChops.lighter(green, blue)),
    }[colour]
    return strong.point([0] * least + [255] * (256 - least))


@cache
def find(word: str) -> Box:
    """Where poppler finds a word of the letter, which looks the same in all its kinds."""
    said = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"], input=LETTER, capture_output=True, check=True
    ).stdout
    found = re.findall(
        rf'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">{re.escape(word)}<', said.decode()
    )
    return Box(*(float(value) * POINT for value in found[-1]))


def extent(text: str, size: float, face: str = "Regular") -> Box:
    """How far the ink of a text reaches from the start of its baseline, by FreeType."""
    left, top, right, bottom = ImageFont.truetype(FONTS / f"LiberationSerif-{face}.ttf", 1000).getbbox(
        text, anchor="ls"
    )
    return Box(*(value / 1000 * size * POINT for value in (left, top, right, bottom)))


def corner_box(lines: list[str]) -> Box:
    """Lines of 10 points: 15 mm from the right, 5 mm from the top, and 2 points of air."""
    inks = [extent(line, 10) for line in lines]
    right = 210 - 15 - 2 * POINT
    left = right - max(ink.right for ink in inks)
    first = 5 + (2 + 8.91) * POINT
    last = first + 11.5 * POINT * (len(lines) - 1)
    return Box(left + min(ink.left for ink in inks), first + inks[0].top, right, last + inks[-1].bottom)


@pytest.mark.parametrize("kind", KINDS)
def test_a_persons_signature_is_blue_and_centred_between_position_and_name(
    kind: str, person: SigningKey
) -> None:
    pdf = LOOKS_THE_SAME[kind]()
    ink = measure(pdf, signed(pdf, person, "person", image=SIGNATURE_IMAGE), "blue")
    position, name = find("PHÓ"), find("Hoàng")
    assert ink.centre[0] == pytest.approx(150, abs=1)  # under the middle of the position
    assert ink.centre[1] == pytest.approx((position.bottom + name.top) / 2, abs=1)
    assert position.bottom - 1 < ink.top < ink.bottom < name.top + 1
    assert ink.width == pytest.approx(50, abs=1)
    assert ink.height == pytest.approx(50 * 231 / 538, abs=1)  # undistorted


@pytest.mark.parametrize("kind", KINDS)
def test_a_seal_is_red_in_actual_size_over_a_third_of_the_signature_at_its_left(
    kind: str, person: SigningKey, agency: SigningKey
) -> None:
    pdf = LOOKS_THE_SAME[kind]()
    once = signed(pdf, person, "person", image=SIGNATURE_IMAGE)
    signature = measure(pdf, once, "blue")
    seal = measure(once, signed(once, agency, "agency", image=SEAL_IMAGE), "red")
    assert seal.width == pytest.approx(36, abs=0.5)
    assert seal.height == pytest.approx(36, abs=0.5)
    assert seal.right == pytest.approx(signature.left + signature.width / 3, abs=1)
    assert seal.left < signature.left
    assert seal.centre[1] == pytest.approx(signature.centre[1], abs=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ["annex", "enclosure"])
def test_an_annex_or_enclosure_shows_number_and_time_top_right(
    role: str, kind: str, agency: SigningKey
) -> None:
    pdf = LOOKS_THE_SAME[kind]()
    ink = measure(pdf, signed(pdf, agency, role, **NUMBER))
    assert ink.close_to(corner_box(["Kèm theo văn bản số 05/UBND-VP", TIME]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", COPIES)
def test_a_digitised_copy_shows_its_type_the_agency_and_the_time_top_right(
    role: str, kind: str, agency: SigningKey
) -> None:
    pdf = LOOKS_THE_SAME[kind]()
    done = signed(pdf, agency, role, agency=AGENCY)
    expected = corner_box([COPIES[role], AGENCY, TIME])
    assert measure(pdf, done).close_to(expected)
    assert expected.bottom < 20  # above the text, whose margin is 20 mm
    image = draw(done)
    corner = crop(image, Box(120, 0, 210, 20))
    assert pick(corner, "red").getbbox() is None
    assert pick(corner, "blue").getbbox() is None
    assert sum(corner.convert("L").histogram()[:40]) > 100  # black


@pytest.mark.parametrize("kind", KINDS)
def test_number_and_date_stand_where_the_page_waits_for_them(kind: str, agency: SigningKey) -> None:
    pdf = LOOKS_THE_SAME[kind]()
    done = signed(pdf, agency, "number", **NUMBER)
    new = ImageChops.difference(draw(pdf), draw(done))
    middle = round(105 * DPI / 25.4)
    halves = [(0, 0, middle, new.height), (middle, 0, new.width, new.height)]
    ink = [pick(new.crop(half), "any", least=40).getbbox() for half in halves]
    assert ink[0] is not None
    assert ink[1] is not None
    number = Box(*(value * 25.4 / DPI for value in ink[0]))
    day = Box(*((value + shift) * 25.4 / DPI for value, shift in zip(ink[1], (middle, 0) * 2, strict=True)))
    for found, word, text, face in (
        (number, "Số:", "05/UBND-VP", "Regular"),
        (day, "Bình,", "ngày 05 tháng 3 năm 2026", "Italic"),
    ):
        before, wanted = find(word), extent(text, 13, face)
        left = before.right + 13 / 4 * POINT
        baseline = read_baseline("Số:")  # both stand on one
        expected = Box(
            left + wanted.left, baseline + wanted.top, left + wanted.right, baseline + wanted.bottom
        )
        assert found.close_to(expected)
        assert found.width == pytest.approx(wanted.width, abs=0.5)
        assert found.height == pytest.approx(wanted.height, abs=0.5)


def read_baseline(word: str) -> float:
    """Where the ink of a word without descenders ends."""
    box = find(word)
    ink = ImageChops.invert(crop(draw(LETTER), box).convert("L")).point([0] * 128 + [255] * 128).getbbox()
    assert ink is not None
    return box.top + ink[3] * 25.4 / DPI


def test_what_is_shown_can_be_copied_as_text(tmp_path: Path, agency: SigningKey) -> None:
    path = tmp_path / "copy.pdf"
    path.write_bytes(signed(LETTER, agency, "sao-luc", agency=AGENCY))
    said = ask("mutool", "draw", "-F", "txt", path, "1")
    for line in ("SAO LỤC", AGENCY, TIME):
        assert line in said


def test_a_long_agency_name_is_broken_and_stays_above_the_text(agency: SigningKey) -> None:
    short = "Trung tâm Phục vụ hành chính công tỉnh An Bình"
    long = f"{short} trực thuộc Văn phòng Ủy ban nhân dân"
    for name, width in ((short, 85), (long, 130)):
        ink = measure(LETTER, signed(LETTER, agency, "sao-y", agency=name))
        assert ink.width < width
        assert ink.right <= 195
        assert ink.bottom < 20
    two_lines = "Trung tâm Phục vụ hành chính công và Hội đồng Nghĩa vụ quân sự tỉnh"
    blank = change(lambda pdf: setattr(pdf.pages[0], "Contents", pdf.make_stream(b"")))
    ink = measure(blank, signed(blank, agency, "sao-y", agency=two_lines))
    assert ink.width < 85
    assert ink.height == pytest.approx((3 * 11.5 + 9) * POINT, abs=1)


def test_a_text_without_room_is_refused_and_one_with_little_is_set_smaller(agency: SigningKey) -> None:
    small = signed(LETTER, agency, "sao-y", agency=AGENCY, page=1, rect=(300, 780, 470, 812))
    assert measure(LETTER, small).height < 32 * POINT
    with pytest.raises(Refused, match="no room for 'SAO Y' in 40 by 20 points"):
        signed(LETTER, agency, "sao-y", agency=AGENCY, page=1, rect=(300, 780, 340, 800))


def resave(image: Path, **options: Any) -> io.BytesIO:
    output = io.BytesIO()
    Image.open(image).save(output, "PNG", **options)
    output.seek(0)
    return output


@pytest.mark.parametrize(("dpi", "millimetres"), [(300, 36.0), (320, 33.7), (72, 36.0), (None, 36.0)])
def test_a_seals_size_is_its_resolutions_unless_that_makes_no_seal(
    dpi: float | None, millimetres: float, agency: SigningKey
) -> None:
    image = resave(SEAL_IMAGE, **({} if dpi is None else {"dpi": (dpi, dpi)}))
    placed = measure(LETTER, signed(LETTER, agency, "agency", image=image), "red")
    assert placed.width == pytest.approx(millimetres, abs=0.5)
    image.seek(0)
    roomy = signed(LETTER, agency, "agency", image=image, page=1, rect=(100, 100, 400, 300))
    assert measure(LETTER, roomy, "red").width == pytest.approx(millimetres, abs=0.5)


def test_clear_edges_of_a_picture_do_not_count(person: SigningKey) -> None:
    image = Image.open(SIGNATURE_IMAGE)
    padded = Image.new("RGBA", (image.width + 700, image.height + 300))
    padded.paste(image, (600, 100))
    output = io.BytesIO()
    padded.save(output, "PNG")
    output.seek(0)
    ink = measure(LETTER, signed(LETTER, person, "person", image=output), "blue")
    assert ink.width == pytest.approx(50, abs=1)
    assert ink.centre[0] == pytest.approx(150, abs=1)


def test_a_picture_says_its_colour_and_is_not_recoloured() -> None:
    assert load_picture(SIGNATURE_IMAGE).colour == "blue"
    assert load_picture(SEAL_IMAGE).colour == "red"
    grey = io.BytesIO()
    Image.new("RGBA", (30, 30), (90, 90, 90, 200)).save(grey, "PNG")
    grey.seek(0)
    assert load_picture(grey).colour == "other"


def test_a_picture_of_nothing_is_refused() -> None:
    clear = io.BytesIO()
    Image.new("RGBA", (30, 30), (90, 90, 90, 3)).save(clear, "PNG")
    clear.seek(0)
    with pytest.raises(InputError, match="shows nothing"):
        load_picture(clear)


def claim(part: int, *, intent: bool) -> bytes:
    """The letter, claiming to be PDF/A."""

    def edit(pdf: pikepdf.Pdf) -> None:
        with pdf.open_metadata() as metadata:
            metadata["pdfaid:part"] = str(part)
            metadata["pdfaid:conformance"] = "B"
        if intent:
            entries: Any = {"Type": pikepdf.Name.OutputIntent, "S": pikepdf.Name.GTS_PDFA1}
            pdf.Root.OutputIntents = pikepdf.Array([pikepdf.Dictionary(**entries)])

    return change(edit)


@pytest.mark.parametrize(
    ("part", "intent", "soft"),
    [(1, True, False), (2, False, False), (2, True, True), (3, True, True)],
)
def test_in_a_pdfa_nothing_forbidden_is_added(
    part: int, intent: bool, soft: bool, person: SigningKey, agency: SigningKey
) -> None:
    pdf = claim(part, intent=intent)
    done = signed(signed(pdf, person, "person", image=SIGNATURE_IMAGE), agency, "sao-y", agency=AGENCY)
    with pikepdf.open(io.BytesIO(done)) as opened:
        shown, said = (field.AP.N for field in opened.Root.AcroForm.Fields)
        image = shown.Resources.XObject.Picture
        assert ("/SMask" in image, "/Mask" in image) == (soft, not soft)
        assert image.ColorSpace[0] == "/CalRGB"
        assert b" 0 g" not in said.read_bytes()
        (font,) = said.Resources.Font.values()
        descriptor = font.DescendantFonts[0].FontDescriptor
        assert "/FontFile2" in descriptor
        assert ("/CIDSet" in descriptor) == (part == 1)
    ink = measure(pdf, done, "blue")
    assert ink.width == pytest.approx(50, abs=1)
    assert ink.centre[0] == pytest.approx(150, abs=1)


def test_elsewhere_a_picture_keeps_its_soft_edges(person: SigningKey) -> None:
    with pikepdf.open(io.BytesIO(signed(LETTER, person, "person", image=SIGNATURE_IMAGE))) as opened:
        image = opened.Root.AcroForm.Fields[0].AP.N.Resources.XObject.Picture
        assert "/SMask" in image
        assert image.ColorSpace == "/DeviceRGB"
