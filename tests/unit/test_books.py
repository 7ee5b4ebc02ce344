"""The register books of NĐ 30/2020 Annex IV, as CSV and as a book to print."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from edoc.render.books import (
    INCOMING_COLUMNS,
    INCOMING_TITLE,
    OUTGOING_COLUMNS,
    OUTGOING_TITLE,
    IncomingRow,
    OutgoingRow,
    to_csv,
    to_pdf,
)

SENT = OutgoingRow(
    code="01/UBND-KTNSTC",
    date="05/03/2026",
    subject="Công văn: Về việc triển khai Nghị định số 30/2020/NĐ-CP về công tác văn thư",
    signer="Nguyễn Thị Ngọc Quỳnh",
    recipients="Sở Tài nguyên và Môi trường",
    keeper="Văn phòng Ủy ban",
    copies="2",
    transfer_date="06/03/2026",
    receipt="Đã nhận",
    note="Khẩn",
)
RECEIVED = IncomingRow(
    arrival_date="06/03/2026",
    arrival_number="07",
    author="Ủy ban nhân dân tỉnh Kiểm Thử",
    code="01/UBND-KTNSTC",
    date="05/03/2026",
    subject="Công văn: Về việc kết nối trục liên thông",
    unit="Phòng Hành chính",
    transfer_date="06/03/2026",
    receipt="",
    note="",
)


def as_csv(*rows: OutgoingRow) -> list[list[str]]:
    out = io.BytesIO()
    to_csv(rows, OUTGOING_COLUMNS, out)
    assert out.getvalue().startswith(b"\xef\xbb\xbf"), "spreadsheets need the mark to show Vietnamese"
    return list(csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline="")))


def as_pdf(*rows: OutgoingRow, agency: str = "Sở Kiểm Thử") -> bytes:
    out = io.BytesIO()
    to_pdf(rows, OUTGOING_COLUMNS, out, title=OUTGOING_TITLE, agency=agency, year=2026, book="01")
    return out.getvalue()


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]
    finally:
        document.close()


def strokes(pdf: bytes) -> int:
    """How many lines the first page draws."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return sum(str(step.operator) == "S" for step in pikepdf.parse_content_stream(document.pages[0]))


def test_the_columns_are_those_of_annex_iv_in_their_order() -> None:
    assert [column.heading for column in OUTGOING_COLUMNS] == [
        "Số, ký hiệu văn bản",
        "Ngày tháng văn bản",
        "Tên loại và trích yếu nội dung văn bản",
        "Người ký",
        "Nơi nhận văn bản",
        "Đơn vị, người nhận bản lưu",
        "Số lượng bản",
        "Ngày chuyển",
        "Ký nhận",
        "Ghi chú",
    ]
    assert [column.heading for column in INCOMING_COLUMNS] == [
        "Ngày đến",
        "Số đến",
        "Tác giả",
        "Số, ký hiệu văn bản",
        "Ngày tháng văn bản",
        "Tên loại và trích yếu nội dung văn bản",
        "Đơn vị hoặc người nhận",
        "Ngày chuyển",
        "Ký nhận",
        "Ghi chú",
    ]
    assert [len(fields(row)) for row in (SENT, RECEIVED)] == [11, 11]


def test_a_row_stands_under_its_headings_in_csv() -> None:
    headings, row = as_csv(SENT)
    assert headings == [column.heading for column in OUTGOING_COLUMNS]
    assert row == [str(getattr(SENT, field.name)) for field in fields(SENT)][:10]


def test_quotes_commas_and_line_ends_survive_csv() -> None:
    subject = 'Quyết định "Về, và; dòng\nthứ hai"'
    assert as_csv(replace(SENT, subject=subject))[1][2] == subject


@pytest.mark.parametrize(
    "subject", ["=1+1", "+1", "-1", "@SUM(A1)", "  =cmd|' /C calc'!A0", "＝1+1", "\n=1", "=\tHYPERLINK(1)"]
)
def test_no_cell_becomes_a_formula(subject: str) -> None:
    written = as_csv(replace(SENT, subject=subject))[1][2]
    assert written == "'" + subject.strip()


@pytest.mark.parametrize("subject", ["Số 1 = số 2", "a@b.vn", "Khẩn - hỏa tốc", "'=1"])
def test_harmless_cells_stay_as_they_are(subject: str) -> None:
    assert as_csv(replace(SENT, subject=subject))[1][2] == subject


def test_decomposed_letters_are_composed_and_control_characters_do_not_survive() -> None:
    typed = unicodedata.normalize("NFD", "Huỳnh Đức Thắng")
    assert as_csv(replace(SENT, signer=f"{typed}\x00\x1b\ud800"))[1][3] == "Huỳnh Đức Thắng"
    assert "Huỳnh Đức Thắng" in pages(as_pdf(replace(SENT, signer=f"{typed}\x00\x1b\ud800")))[0]


def test_the_book_shows_title_year_agency_headings_and_row() -> None:
    (text,) = pages(as_pdf(SENT))
    for part in (
        "SỔ ĐĂNG KÝ VĂN BẢN ĐI",
        "Năm 2026",
        "Quyển số: 01",
        "SỞ KIỂM THỬ",
        "Trang 1 / 1",
        " ".join(f"({place})" for place in range(1, 11)),
        *(column.heading for column in OUTGOING_COLUMNS),
        SENT.code,
        SENT.signer,
        SENT.subject,
        SENT.note,
    ):
        assert part in text


def test_the_incoming_book_has_its_own_title_and_rows(tmp_path: Path) -> None:
    out = tmp_path / "book.pdf"
    to_pdf([RECEIVED], INCOMING_COLUMNS, out, title=INCOMING_TITLE, agency="Sở B", year=2026)
    (text,) = pages(out.read_bytes())
    assert "SỔ ĐĂNG KÝ VĂN BẢN ĐẾN" in text
    assert "06/03/2026 07 Ủy ban nhân dân tỉnh Kiểm Thử 01/UBND-KTNSTC 05/03/2026" in text
    assert [path.name for path in tmp_path.iterdir()] == ["book.pdf"]


def test_a_long_book_repeats_headings_and_counts_its_pages() -> None:
    rows = [replace(SENT, code=f"{number:02d}/SKT") for number in range(1, 101)]
    texts = pages(as_pdf(*rows))
    assert len(texts) > 3
    for place, text in enumerate(texts, start=1):
        assert f"Trang {place} / {len(texts)}" in text
        assert "Ghi chú (1) (2) (3) (4) (5) (6) (7) (8) (9) (10)" in text
    found = re.findall(r"\b\d+/SKT", " ".join(texts))
    assert found == [row.code for row in rows]


def test_a_row_higher_than_a_page_runs_on_and_loses_nothing() -> None:
    names = [f"Đơn vị nhận thứ {number}" for number in range(1, 301)]
    texts = pages(as_pdf(SENT, replace(SENT, code="02/SKT", recipients="\n".join(names)), SENT))
    assert len(texts) > 3
    found = re.findall(r"Đơn vị nhận thứ \d+", " ".join(texts))
    assert found == names
    assert texts[0].count("(10)") == 1


def test_a_word_longer_than_its_column_stays_inside() -> None:
    code = "1234/" + "QĐUBND" * 30
    (text,) = pages(as_pdf(replace(SENT, code=code)))
    assert code in text.replace(" ", "")[: len(text)]


def test_a_voided_number_is_struck_through_and_its_reason_stands_in_the_note() -> None:
    voided = replace(SENT, note="đóng dấu không thành", voided=True)
    assert as_csv(voided)[1][9] == "Đã hủy số: đóng dấu không thành"
    assert as_csv(replace(voided, note=""))[1][9] == "Đã hủy số"
    assert "Đã hủy số: đóng dấu không thành" in pages(as_pdf(voided))[0]
    plain = replace(voided, voided=False, note="Đã hủy số: đóng dấu không thành")
    assert strokes(as_pdf(voided)) - strokes(as_pdf(plain)) >= 9


def test_text_is_never_taken_for_markup() -> None:
    subject = "<b>Quyết định</b> &amp; <img src='x'/> <para> a < b"
    assert subject in pages(as_pdf(replace(SENT, subject=subject), agency="<i>A & B</i>"))[0]
    assert "<I>A & B</I>" in pages(as_pdf(SENT, agency="<i>A & B</i>"))[0]


def test_an_empty_book_prints_an_empty_table() -> None:
    assert len(as_csv()) == 1
    (text,) = pages(as_pdf())
    assert "(10)" in text
    assert "Trang 1 / 1" in text


def test_the_same_rows_give_the_same_bytes() -> None:
    assert as_pdf(SENT) == as_pdf(SENT)


def test_the_letters_that_print_the_book_are_embedded() -> None:
    with pikepdf.open(io.BytesIO(as_pdf(SENT))) as document:
        fonts = document.pages[0].Resources.Font.values()
        embedded = [font.BaseFont for font in fonts if "/FontDescriptor" in font]
        assert all("/FontFile2" in font.FontDescriptor for font in fonts if "/FontDescriptor" in font)
    assert len(embedded) == 3
    assert all("LiberationSerif" in str(name) for name in embedded)


def failing() -> Iterator[OutgoingRow]:
    yield SENT
    raise EOFError


def test_a_failure_leaves_the_older_book_and_nothing_else(tmp_path: Path) -> None:
    for name in ("book.pdf", "book.csv"):
        (tmp_path / name).write_bytes(b"older")
    with pytest.raises(EOFError):
        to_pdf(
            failing(), OUTGOING_COLUMNS, tmp_path / "book.pdf", title=OUTGOING_TITLE, agency="A", year=2026
        )
    with pytest.raises(EOFError):
        to_csv(failing(), OUTGOING_COLUMNS, tmp_path / "book.csv")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "book.pdf": b"older",
        "book.csv": b"older",
    }
