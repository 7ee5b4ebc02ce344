"""The register books of NĐ 30/2020 Annex IV: ten columns each, as CSV and as a book to print and bind.

    to_csv(rows, OUTGOING_COLUMNS, Path("van-ban-di-2026.csv"))
    to_pdf(rows, OUTGOING_COLUMNS, Path("van-ban-di-2026.pdf"), title=OUTGOING_TITLE, agency=…, year=2026)

Rows are text already; the same rows give the same bytes. A number that was voided stays, struck through,
with its reason in the note. Serves NĐ 30/2020 Art 16.2b and 22.3b (registers are printed and bound).
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_LEFT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from edoc.files import replacing

OUTGOING_TITLE: Final = "SỔ ĐĂNG KÝ VĂN BẢN ĐI"
INCOMING_TITLE: Final = "SỔ ĐĂNG KÝ VĂN BẢN ĐẾN"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRow:
    """A document that was sent; the fields are the columns in their order, dates as dd/mm/yyyy."""

    code: str
    date: str
    subject: str
    signer: str
    recipients: str
    keeper: str
    copies: str
    transfer_date: str
    receipt: str
    note: str
    voided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRow:
    """A document that arrived; the fields are the columns in their order, dates as dd/mm/yyyy."""

    arrival_date: str
    arrival_number: str
    author: str
    code: str
    date: str
    subject: str
    unit: str
    transfer_date: str
    receipt: str
    note: str
    voided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a book; `width` is in millimetres of an A4 page laid across."""

    heading: str
    width: float
    centred: bool = False


OUTGOING_COLUMNS: Final = (
    Column(heading="Số, ký hiệu văn bản", width=33),
    Column(heading="Ngày tháng văn bản", width=21, centred=True),
    Column(heading="Tên loại và trích yếu nội dung văn bản", width=62),
    Column(heading="Người ký", width=28),
    Column(heading="Nơi nhận văn bản", width=36),
    Column(heading="Đơn vị, người nhận bản lưu", width=27),
    Column(heading="Số lượng bản", width=13, centred=True),
    Column(heading="Ngày chuyển", width=21, centred=True),
    Column(heading="Ký nhận", width=12, centred=True),
    Column(heading="Ghi chú", width=21),
)
INCOMING_COLUMNS: Final = (
    Column(heading="Ngày đến", width=21, centred=True),
    Column(heading="Số đến", width=14, centred=True),
    Column(heading="Tác giả", width=36),
    Column(heading="Số, ký hiệu văn bản", width=33),
    Column(heading="Ngày tháng văn bản", width=21, centred=True),
    Column(heading="Tên loại và trích yếu nội dung văn bản", width=62),
    Column(heading="Đơn vị hoặc người nhận", width=32),
    Column(heading="Ngày chuyển", width=21, centred=True),
    Column(heading="Ký nhận", width=14, centred=True),
    Column(heading="Ghi chú", width=23),
)

_FONTS: Final = {"": "Regular", "-Bold": "Bold", "-Italic": "Italic"}
_FONT: Final = "LiberationSerif"
_FORMULA: Final = re.compile(r"[=+\-@＝＋－＠]")  # what spreadsheets take for the start of one
_INVISIBLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
_LEFT, _RIGHT, _TOP, _BOTTOM = 20 * mm, 10 * mm, 14 * mm, 16 * mm  # the left edge is bound
_PADDING: Final = 1.2 * mm
_SPACE: Final = 2.4 * mm  # above and below the text of a line
_LEAST: Final = 15 * mm  # room worth putting a part of a line into
_ENDLESS: Final = 1e6
_FRAME: Final = 12  # PDF points that the page's frame keeps free, above and below together
_LOOK: Final = TableStyle(
    [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
        ("VALIGN", (0, 0), (-1, 0), "MIDDLE"),
        ("VALIGN", (0, 1), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), _PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
        ("TOPPADDING", (0, 0), (-1, -1), 1 * mm),
        ("BOTTOMPADDING", (0, 0), (-1, -1), _SPACE - 1 * mm),
    ]
)
Line = list[Any]
"""Ten paragraphs beside each other."""


def to_csv(
    rows: Iterable[OutgoingRow | IncomingRow], columns: Sequence[Column], out: Path | BinaryIO
) -> None:
    """Write a book as CSV: UTF-8 with a mark at the start, so that spreadsheets show Vietnamese.

    A cell that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(column.heading for column in columns)
    table.writerows([_as_text(cell) for cell in _cells(row)] for row in rows)
    with _opened(out) as file:
        file.write(text.getvalue().encode("utf-8-sig"))


def to_pdf(
    rows: Iterable[OutgoingRow | IncomingRow],
    columns: Sequence[Column],
    out: Path | BinaryIO,
    *,
    title: str,
    agency: str,
    year: int,
    book: str = "",
) -> None:
    """Write a book to print: A4 across, headings on every page; `book` is its number within the year."""
    _register_fonts()
    with _opened(out) as file:
        document = SimpleDocTemplate(
            file,
            pagesize=landscape(A4),
            leftMargin=_LEFT,
            rightMargin=_RIGHT,
            topMargin=_TOP,
            bottomMargin=_BOTTOM,
            title=f"{title} {year}",
            author=agency,
            lang="vi-VN",
            invariant=1,  # no clock, no randomness
        )

        def foot(canvas: Canvas, _: Any) -> None:
            _draw_foot(canvas, f"{agency} – {title} – Năm {year}")

        head = _head(title, agency, year, book)
        taken = sum(part.wrap(document.width - _FRAME, _ENDLESS)[1] for part in head)
        room = document.height - _FRAME - 1
        document.build(
            [*head, *_tables(list(rows), columns, document.width, (room - taken, room))],
            onFirstPage=foot,
            onLaterPages=foot,
            canvasmaker=_CountedPages,
        )


def _cells(row: OutgoingRow | IncomingRow) -> list[str]:
    """The ten columns; the note of a voided number says so in words."""
    *cells, note = (_clean(getattr(row, field.name)) for field in fields(row) if field.name != "voided")
    if row.voided:
        note = f"Đã hủy số: {note}" if note else "Đã hủy số"
    return [*cells, note]


def _clean(text: str) -> str:
    """Composed letters (TCVN 6909:2001), without what cannot be printed."""
    return _INVISIBLE.sub(" ", unicodedata.normalize("NFC", text)).strip()


def _as_text(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _style(*, bold: bool = False, italic: bool = False, size: float = 9.5, centred: bool = False) -> Any:
    face = "-Bold" if bold else "-Italic" if italic else ""
    return ParagraphStyle(
        f"{face}{size}{centred}",
        fontName=_FONT + face,
        fontSize=size,
        leading=size * 1.2,
        alignment=TA_CENTER if centred else TA_LEFT,
    )


def _head(title: str, agency: str, year: int, book: str) -> list[Any]:
    number = f"Quyển số: {book or '........'}"
    return [
        Paragraph(escape(_clean(agency).upper()), _style(bold=True, size=12, centred=True)),
        Spacer(0, 3 * mm),
        Paragraph(escape(title), _style(bold=True, size=17, centred=True)),
        Spacer(0, 2 * mm),
        Paragraph(escape(f"Năm {year} – {_clean(number)}"), _style(size=12, centred=True)),
        Spacer(0, 5 * mm),
    ]


def _tables(
    rows: Sequence[OutgoingRow | IncomingRow],
    columns: Sequence[Column],
    width: float,
    rooms: tuple[float, float],
) -> Iterator[Flowable]:
    """One table a page, each with headings; `rooms` are the heights of the first page and of the others."""
    whole = sum(column.width for column in columns)
    widths = [width * column.width / whole for column in columns]
    heading, number = _style(bold=True, centred=True), _style(italic=True, centred=True)
    headings: list[Line] = [
        [Paragraph(escape(column.heading), heading) for column in columns],
        [Paragraph(f"({place})", number) for place in range(1, len(columns) + 1)],
    ]
    taken = sum(_height(line, widths) for line in headings)
    styles = [_style(centred=column.centred) for column in columns]
    lines = [_line(row, styles) for row in rows] or [[Paragraph("&nbsp;", style) for style in styles]]
    for place, page in enumerate(_paged(lines, widths, rooms[0] - taken, rooms[1] - taken)):
        if place:
            yield PageBreak()
        yield Table([*headings, *page], colWidths=widths, style=_LOOK)


def _line(row: OutgoingRow | IncomingRow, styles: Sequence[ParagraphStyle]) -> Line:
    *cells, note = (escape(cell).replace("\n", "<br/>") for cell in _cells(row))
    shown = [f"<strike>{cell}</strike>" for cell in cells] if row.voided else cells
    return [Paragraph(text, style) for text, style in zip([*shown, note], styles, strict=True)]


def _paged(
    lines: Iterable[Line], widths: Sequence[float], first: float, others: float
) -> Iterator[list[Line]]:
    """Fill page after page; a line too high for any page is cut: a hundred recipients are no rarity."""
    page: list[Line] = []
    room = first
    for whole in lines:
        line = whole
        while (height := _height(line, widths)) > room:
            if height > others and room > _LEAST:
                upper, line = _cut(line, widths, room)
                page.append(upper)
            yield page
            page, room = [], others
        page.append(line)
        room -= height
    yield page


def _height(line: Line, widths: Sequence[float]) -> float:
    return _SPACE + max(
        float(cell.wrap(width - 2 * _PADDING, _ENDLESS)[1]) for cell, width in zip(line, widths, strict=True)
    )


def _cut(line: Line, widths: Sequence[float], height: float) -> tuple[Line, Line]:
    """What of a line fits into a height, and the rest."""
    upper, lower = [], []
    for cell, width in zip(line, widths, strict=True):
        pieces = cell.split(width - 2 * _PADDING, height - _SPACE)  # none for an empty cell
        empty = Paragraph("", cell.style)
        upper.append(pieces[0] if pieces else empty)
        lower.append(pieces[1] if len(pieces) > 1 else empty)
    return upper, lower


class _CountedPages(Canvas):
    """Knows the number of pages only at the end, so each page shows a form that is drawn then."""

    def save(self) -> None:
        self.beginForm("pages")
        self.setFont(_FONT, 9)
        self.drawString(0, 0, str(self.getPageNumber() - 1))
        self.endForm()
        super().save()


def _draw_foot(canvas: Canvas, text: str) -> None:
    width, _ = landscape(A4)
    page = f"Trang {canvas.getPageNumber()} / "
    place = width - _RIGHT - 6 * mm
    canvas.saveState()
    canvas.setFont(_FONT, 9)
    canvas.drawString(_LEFT, 8 * mm, _fitting(_clean(text), place - _LEFT - 20 * mm))
    canvas.drawRightString(place, 8 * mm, page)
    canvas.translate(place, 8 * mm)
    canvas.doForm("pages")
    canvas.restoreState()


def _fitting(text: str, width: float) -> str:
    while text and pdfmetrics.stringWidth(text, _FONT, 9) > width:
        text = text[:-2].rstrip() + "…"
    return text


def _register_fonts() -> None:
    """Times metrics, Vietnamese letters; registering again changes nothing."""
    folder = Path(__file__).parents[1] / "fonts"
    for face, file in _FONTS.items():
        if _FONT + face not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(_FONT + face, folder / f"{_FONT}-{file}.ttf"))


@contextmanager
def _opened(out: Path | BinaryIO) -> Iterator[BinaryIO]:
    """The caller's stream, or a new file that replaces `out` only when it is whole."""
    if not isinstance(out, Path):
        yield out
        return
    with replacing(out) as file:
        yield file
