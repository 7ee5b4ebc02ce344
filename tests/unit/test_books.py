"""The register books of NĐ 30/2020 Annex IV: CSV, workbook, and a book to print."""

import csv
import io
import re
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from lxml import etree

from edoc.errors import InputError
from edoc.render import bookxlsx
from edoc.render.bookpdf import to_pdf
from edoc.render.books import (
    INCOMING_COLUMNS,
    INCOMING_TITLE,
    OUTGOING_COLUMNS,
    OUTGOING_TITLE,
    Column,
    Cover,
    IncomingRow,
    OutgoingRow,
    Row,
    to_csv,
)
from edoc.render.bookxlsx import to_xlsx

SENT = OutgoingRow(
    code="01/UBND-KTNSTC",
    issued=date(2026, 3, 5),
    subject="Công văn: Về việc triển khai Nghị định số 30/2020/NĐ-CP về công tác văn thư",
    signer="Nguyễn Thị Ngọc Quỳnh",
    recipients="Sở Tài nguyên và Môi trường",
    keeper="Văn phòng Ủy ban",
    copies=2,
    transfer_date=date(2026, 3, 6),
    receipt="Đã nhận",
    note="Khẩn",
)
RECEIVED = IncomingRow(
    arrival_date=date(2026, 3, 6),
    arrival_number=7,
    author="Ủy ban nhân dân tỉnh Kiểm Thử",
    code="01/UBND-KTNSTC",
    issued=date(2026, 3, 5),
    subject="Công văn: Về việc kết nối trục liên thông",
    unit="Phòng Hành chính",
    transfer_date=date(2026, 3, 6),
    receipt="",
    note="",
)


COVER = Cover(
    title=OUTGOING_TITLE,
    agency="Sở Kiểm Thử",
    superior="Ủy ban nhân dân tỉnh Kiểm Thử",
    year=2026,
    book="01",
    days=(date(2026, 1, 5), date(2026, 12, 31)),
    numbers=(1, 1234),
)


def as_csv(*rows: OutgoingRow) -> list[list[str]]:
    out = io.BytesIO()
    to_csv(rows, OUTGOING_COLUMNS, out)
    assert out.getvalue().startswith(b"\xef\xbb\xbf"), "spreadsheets need the mark to show Vietnamese"
    return list(csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig"), newline="")))


def as_pdf(*rows: OutgoingRow, agency: str = "Sở Kiểm Thử") -> bytes:
    out = io.BytesIO()
    to_pdf(rows, OUTGOING_COLUMNS, out, cover=replace(COVER, agency=agency))
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
    assert row == [
        "01/UBND-KTNSTC",
        "05/03/2026",
        SENT.subject,
        SENT.signer,
        SENT.recipients,
        SENT.keeper,
        "2",
        "06/03/2026",
        "Đã nhận",
        "Khẩn",
    ]


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
        "ỦY BAN NHÂN DÂN TỈNH KIỂM THỬ SỞ KIỂM THỬ SỔ ĐĂNG KÝ VĂN BẢN ĐI",
        "Từ ngày 05/01/2026 đến ngày 31/12/2026",
        "Từ số 01 đến số 1234",
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
    to_pdf([RECEIVED], INCOMING_COLUMNS, out, cover=replace(COVER, title=INCOMING_TITLE))
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
        inner = [font.DescendantFonts[0].FontDescriptor for font in fonts]
        assert all("/FontFile2" in descriptor for descriptor in inner)
        names = {str(descriptor.FontName)[8:] for descriptor in inner}
    assert names == {"LiberationSerif-Regular", "LiberationSerif-Bold", "LiberationSerif-Italic"}


def test_a_letter_that_the_font_does_not_have_is_a_box_and_stays_what_it_is() -> None:
    (text,) = pages(as_pdf(replace(SENT, signer="李明 Nguyễn")))
    assert "李明 Nguyễn" in text


def test_the_printed_book_has_no_fault_that_qpdf_sees() -> None:
    rows = [replace(SENT, code=f"{number:02d}/SKT", voided=number % 9 == 0) for number in range(1, 1700)]
    with pikepdf.open(io.BytesIO(as_pdf(*rows))) as document:
        assert document.check_pdf_syntax() == []
        assert len(document.pages) > 100


def sheet(*rows: Row, columns: Sequence[Column] = OUTGOING_COLUMNS) -> dict[str, str]:
    """The parts of the workbook, by name."""
    out = io.BytesIO()
    to_xlsx(rows, columns, out, cover=COVER)
    with zipfile.ZipFile(out) as parts:
        return {name: parts.read(name).decode() for name in parts.namelist() if name.endswith(".xml")}


def values(parts: dict[str, str], row: int) -> list[str | None]:
    """What stands in a row of the sheet."""
    tree = etree.fromstring(parts["xl/worksheets/sheet1.xml"].encode())
    cells = tree.findall(f".//{{*}}row[@r='{row}']/{{*}}c")
    return ["".join(map(str, cell.itertext())) or None for cell in cells]


FIRST = 9
"""The first row under title and headings."""


def test_the_workbook_shows_title_headings_and_rows_with_real_dates_and_numbers() -> None:
    parts = sheet(SENT)
    assert values(parts, 3)[0] == OUTGOING_TITLE
    assert values(parts, FIRST - 2) == [column.heading for column in OUTGOING_COLUMNS]
    assert values(parts, FIRST - 1) == [f"({place})" for place in range(1, 11)]
    days = [str((day - date(1899, 12, 30)).days) for day in (date(2026, 3, 5), date(2026, 3, 6))]
    row = values(parts, FIRST)
    assert row[:5] == [SENT.code, days[0], SENT.subject, SENT.signer, SENT.recipients]
    assert row[5:] == [SENT.keeper, "2", days[1], "Đã nhận", "Khẩn"]
    assert "dd/mm/yyyy" in parts["xl/styles.xml"]


def test_an_arrival_number_is_a_number_with_its_leading_zero() -> None:
    parts = sheet(RECEIVED, columns=INCOMING_COLUMNS)
    assert values(parts, FIRST)[1] == "7"
    assert 'formatCode="00"' in parts["xl/styles.xml"]


def test_the_workbook_is_ready_for_the_screen_and_for_the_printer() -> None:
    text = sheet(SENT)["xl/worksheets/sheet1.xml"]
    assert f'ySplit="{FIRST - 1}"' in text
    assert 'state="frozen"' in text
    assert 'paperSize="9"' in text
    assert 'orientation="landscape"' in text
    assert 'fitToHeight="0"' in text
    assert text.count("<col ") == 10
    assert f"$7:${FIRST - 1}</definedName>" in sheet(SENT)["xl/workbook.xml"]


@pytest.mark.parametrize("text", ["=1+1", "=HYPERLINK(1)", "https://example.vn", "0012", "{=1}", "@SUM(A1)"])
def test_no_text_in_the_workbook_becomes_a_formula_a_link_or_a_number(text: str) -> None:
    parts = sheet(replace(SENT, signer=text))
    written = parts["xl/worksheets/sheet1.xml"]
    assert values(parts, FIRST)[3] == text
    assert "<f>" not in written
    assert "hyperlink" not in written


def test_a_voided_number_is_struck_through_in_the_workbook_and_its_note_is_not() -> None:
    parts = sheet(replace(SENT, voided=True, note="nhầm"))
    tree = etree.fromstring(parts["xl/worksheets/sheet1.xml"].encode())
    looks = [int(cell.get("s", "0")) for cell in tree.findall(f".//{{*}}row[@r='{FIRST}']/{{*}}c")]
    styles = etree.fromstring(parts["xl/styles.xml"].encode())
    fonts = styles.findall("./{*}fonts/{*}font")
    used = [int(look.get("fontId", "0")) for look in styles.findall("./{*}cellXfs/{*}xf")]
    struck = [fonts[used[look]].find("{*}strike") is not None for look in looks]
    assert struck == [True] * 9 + [False]
    assert values(parts, FIRST)[9] == "Đã hủy số: nhầm"


def test_a_text_too_long_for_a_cell_is_cut_visibly() -> None:
    written = values(sheet(replace(SENT, recipients="Sở " * 20_000)), FIRST)[4]
    assert written is not None
    assert len(written) == 32_767
    assert written.endswith("…")


def test_a_book_longer_than_a_sheet_is_not_cut_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookxlsx, "MOST_ROWS", 3)
    with pytest.raises(InputError, match="CSV"):
        sheet(*[SENT] * 4)


def test_the_same_rows_give_the_same_workbook() -> None:
    assert sheet(SENT) == sheet(SENT)


def counted(count: int) -> Iterator[OutgoingRow]:
    for number in range(1, count + 1):
        yield replace(SENT, code=f"{number:02d}/SKT")


def test_a_long_book_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        to_pdf(counted(count), OUTGOING_COLUMNS, tmp_path / "book.pdf", cover=COVER)
        to_xlsx(counted(count), OUTGOING_COLUMNS, tmp_path / "book.xlsx", cover=COVER)
        to_csv(counted(count), OUTGOING_COLUMNS, tmp_path / "book.csv")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)  # what is read once: fonts, styles
    assert peak(2000) - peak(20) < 1 << 20


def failing() -> Iterator[OutgoingRow]:
    yield SENT
    raise EOFError


def test_a_failure_leaves_the_older_book_and_nothing_else(tmp_path: Path) -> None:
    for name in ("book.pdf", "book.csv", "book.xlsx"):
        (tmp_path / name).write_bytes(b"older")
    with pytest.raises(EOFError):
        to_pdf(failing(), OUTGOING_COLUMNS, tmp_path / "book.pdf", cover=COVER)
    with pytest.raises(EOFError):
        to_xlsx(failing(), OUTGOING_COLUMNS, tmp_path / "book.xlsx", cover=COVER)
    with pytest.raises(EOFError):
        to_csv(failing(), OUTGOING_COLUMNS, tmp_path / "book.csv")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "book.pdf": b"older",
        "book.csv": b"older",
        "book.xlsx": b"older",
    }
