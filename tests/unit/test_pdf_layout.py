import pytest

from edoc.pdf import anchors, layout
from edoc.pdf.layout import MM, Frame, Rect
from edoc.pdf.pdfium import Letter, Line

PAGE = Rect(0, 0, 595.28, 841.89)


def write(text: str, x: float, y: float, size: float = 13) -> Line:
    """A line of letters half as wide as high."""
    letters = []
    for index, letter in enumerate(text):
        left = x + index * size / 2
        letters.append(
            Letter(letter, Rect(left, y - 0.216 * size, left + size / 2, y + 0.891 * size), y, size)
        )
    return Line(tuple(letters))


def test_the_seal_covers_a_third_of_the_signature_at_its_left_in_actual_size() -> None:
    person = Rect(350, 150, 500, 220)
    seal = layout.seal_rect(person)
    assert seal.width == seal.height == pytest.approx(36 * MM)
    assert seal.x2 == pytest.approx(350 + 150 / 3)
    assert seal.x1 < person.x1
    assert seal.centre[1] == pytest.approx(person.centre[1])


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_frame_leads_to_the_file_and_back(rotation: int) -> None:
    frame = Frame(Rect(10, 20, 210, 320), rotation)
    rect = Rect(15, 30, 40, 90)
    there = frame.to_file(rect)
    assert there.lies_in(frame.box)
    assert frame.to_display(there) == rect


def test_the_displayed_top_left_of_a_page_turned_right_is_the_files_bottom_left() -> None:
    # Turned 90 degrees clockwise, the file's lower left corner comes to the upper left.
    frame = Frame(Rect(0, 0, 200, 300), 90)
    assert frame.page == Rect(0, 0, 300, 200)
    assert frame.to_file(Rect(0, 190, 10, 200)) == Rect(0, 0, 10, 10)


def test_defaults_stand_where_annex_1_has_them() -> None:
    number, date = layout.number_rect(PAGE), layout.date_rect(PAGE)
    person = layout.person_rect(PAGE)
    assert number.x2 < PAGE.centre[0] < date.x1
    assert number.y1 > PAGE.y2 * 0.8
    assert date.y1 == number.y1
    assert person.x1 > PAGE.centre[0] - 10
    assert person.y2 < PAGE.centre[1]
    assert layout.seal_rect(person).lies_in(PAGE)


def test_defaults_lie_on_the_smallest_page() -> None:
    page = Rect(0, 0, 120, 90)
    for find in (layout.number_rect, layout.date_rect, layout.person_rect):
        assert find(page).lies_in(page)


def test_the_number_goes_right_after_so_on_its_baseline() -> None:
    found = anchors.find_number([write("ỦY BAN NHÂN DÂN", 90, 770), write("Số:", 110, 740)], PAGE)
    assert found is not None
    assert 110 + 3 * 6.5 < found.x1 < 110 + 3 * 6.5 + 8
    assert found.x2 <= PAGE.centre[0] + 3
    assert found.y1 < 740 < found.y2


def test_the_word_so_in_the_text_is_no_place_for_the_number() -> None:
    assert anchors.find_number([write("Số: 5 trang", 110, 240), write("Số", 110, 740)], PAGE) is None


def test_where_the_symbol_is_printed_already_the_number_goes_under_it() -> None:
    found = anchors.find_number([write("Số:    /UBND-VP", 90, 740)], PAGE)
    assert found is not None
    assert found.y2 < 740 + 2


def test_the_date_goes_after_the_place_and_its_comma() -> None:
    found = anchors.find_date([write("Số:", 110, 740), write("An Bình,", 320, 740)], PAGE)
    assert found is not None
    assert 320 + 8 * 6.5 < found.x1 < 320 + 8 * 6.5 + 8
    assert found.x2 <= PAGE.x2
    assert found.width > 48 * MM


def test_a_date_that_the_page_prints_is_not_printed_over() -> None:
    line = write("Hà Nội, ngày   tháng   năm 2026", 330, 740)
    found = anchors.find_date([line], PAGE)
    assert found is not None
    assert found.y2 < 740


POSITION = [
    write("KT. CHỦ TỊCH", 380, 320),
    write("PHÓ CHỦ TỊCH", 380, 303),
    write("Nguyễn Văn Mẫu", 375, 200),
]


def test_the_signature_is_centred_between_position_and_name() -> None:
    found = anchors.find_person(POSITION, PAGE)
    assert found is not None
    assert found.centre[0] == pytest.approx(380 + 12 * 6.5 / 2)
    assert found.y2 < 303
    assert found.y1 > 200 + 0.891 * 13
    assert found.width == pytest.approx(50 * MM)


def test_the_anchors_line_is_the_position_whatever_it_says() -> None:
    lines = [write("NGƯỜI LẬP BIỂU", 80, 320), *POSITION, write("Lê Thị Nháp", 80, 200)]
    found = anchors.find_person(lines, PAGE, anchor="người  lập biểu")
    assert found is not None
    assert found.centre[0] < PAGE.centre[0]


@pytest.mark.parametrize(
    "words",
    [
        "GIÁM ĐỐC",
        "PHÓ GIÁM ĐỐC",
        "CỤC TRƯỞNG",
        "TUQ. CHỦ TỊCH",
        "CHÁNH VĂN PHÒNG",
        "TRƯỞNG PHÒNG",
        "BỘ TRƯỞNG",
    ],
)
def test_the_usual_positions_are_known(words: str) -> None:
    assert anchors.find_person([write(words, 380, 320), write("Lê Thị Nháp", 380, 220)], PAGE) is not None


def test_a_position_in_a_heading_or_a_sentence_is_none() -> None:
    lines = [write("CHỦ TỊCH ỦY BAN NHÂN DÂN", 200, 600), write("Chủ tịch quyết định", 380, 320)]
    assert anchors.find_person(lines, PAGE) is None
