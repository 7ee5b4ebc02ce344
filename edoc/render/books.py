"""The register books of NĐ 30/2020 Annex IV: ten columns each, and how they are written as CSV.

    to_csv(rows, OUTGOING_COLUMNS, Path("van-ban-di-2026.csv"))

Rows may come from anywhere and are never all in memory: 100,000 take no more than one. The same rows give the
same bytes. A number that was voided stays, struck through where that can be, with its reason in the note.
As a workbook: `edoc.render.bookxlsx`; to print and bind (Art 16.2b and 22.3b): `edoc.render.bookpdf`.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date
from enum import Enum
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, Final

from edoc.core.ids import display_number
from edoc.files import replacing

OUTGOING_TITLE: Final = "SỔ ĐĂNG KÝ VĂN BẢN ĐI"
INCOMING_TITLE: Final = "SỔ ĐĂNG KÝ VĂN BẢN ĐẾN"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRow:
    """A document that was sent; the fields are the columns in their order."""

    code: str
    issued: date | None
    subject: str
    signer: str
    recipients: str
    keeper: str
    copies: int | None
    transfer_date: date | None
    receipt: str
    note: str
    voided: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingRow:
    """A document that arrived; the fields are the columns in their order."""

    arrival_date: date | None
    arrival_number: int
    author: str
    code: str
    issued: date | None
    subject: str
    unit: str
    transfer_date: date | None
    receipt: str
    note: str
    voided: bool = False


Row = OutgoingRow | IncomingRow
Value = str | int | date | None


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    DATE = "date"
    """dd/mm/yyyy."""
    NUMBER = "number"
    COUNT = "count"
    """A number that belongs to the register: a zero precedes those below ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a book; `width` is in millimetres of an A4 page laid across."""

    heading: str
    width: float
    kind: Kind = Kind.TEXT
    centred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What stands before the first row: the title of Annex IV and what the book holds."""

    title: str
    agency: str
    year: int
    superior: str = ""
    """The agency above, which stands over the name."""
    book: str = ""
    """Its number within the year; dots to write on if empty."""
    days: tuple[date, date] | None = None
    """The first and the last that it holds."""
    numbers: tuple[int, int] | None = None

    def lines(self) -> tuple[str, ...]:
        """The lines under the title."""
        found = [f"Năm {self.year} – Quyển số: {clean(self.book) or '........'}"]
        if self.days is not None:
            found.append(f"Từ ngày {show_date(self.days[0])} đến ngày {show_date(self.days[1])}")
        if self.numbers is not None:
            first, last = map(display_number, self.numbers)
            found.append(f"Từ số {first} đến số {last}")
        return tuple(found)


def _column(heading: str, width: float, kind: Kind = Kind.TEXT, *, centred: bool = False) -> Column:
    return Column(heading=heading, width=width, kind=kind, centred=centred or kind is not Kind.TEXT)


OUTGOING_COLUMNS: Final = (
    _column("Số, ký hiệu văn bản", 33),
    _column("Ngày tháng văn bản", 21, Kind.DATE),
    _column("Tên loại và trích yếu nội dung văn bản", 62),
    _column("Người ký", 28),
    _column("Nơi nhận văn bản", 36),
    _column("Đơn vị, người nhận bản lưu", 27),
    _column("Số lượng bản", 13, Kind.NUMBER),
    _column("Ngày chuyển", 21, Kind.DATE),
    _column("Ký nhận", 12, centred=True),
    _column("Ghi chú", 21),
)
INCOMING_COLUMNS: Final = (
    _column("Ngày đến", 21, Kind.DATE),
    _column("Số đến", 14, Kind.COUNT),
    _column("Tác giả", 36),
    _column("Số, ký hiệu văn bản", 33),
    _column("Ngày tháng văn bản", 21, Kind.DATE),
    _column("Tên loại và trích yếu nội dung văn bản", 62),
    _column("Đơn vị hoặc người nhận", 32),
    _column("Ngày chuyển", 21, Kind.DATE),
    _column("Ký nhận", 14, centred=True),
    _column("Ghi chú", 23),
)

_FORMULA: Final = re.compile(r"[=+\-@＝＋－＠]")  # what spreadsheets take for the start of one
_INVISIBLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")


def to_csv(rows: Iterable[Row], columns: Sequence[Column], out: Path | BinaryIO) -> None:
    """Write a book as CSV: UTF-8 with a mark at the start, so that spreadsheets show Vietnamese.

    A cell that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    with opened(out) as file:
        text = TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        try:
            table = csv.writer(text)
            table.writerow(column.heading for column in columns)
            for row in rows:
                table.writerow(_as_text(cell) for cell in texts(row, columns))
        finally:
            text.detach()  # the stream is the caller's


def cells(row: Row) -> list[Value]:
    """The ten columns; the note of a voided number says so in words."""
    names = [field.name for field in fields(row) if field.name not in ("note", "voided")]
    values: list[Value] = [getattr(row, name) for name in names]
    note = clean(row.note)
    if row.voided:
        note = f"Đã hủy số: {note}" if note else "Đã hủy số"
    return [*(clean(value) if isinstance(value, str) else value for value in values), note]


def texts(row: Row, columns: Sequence[Column]) -> list[str]:
    """The ten columns as people read them."""
    return [_show(value, column) for value, column in zip(cells(row), columns, strict=True)]


def _show(value: Value, column: Column) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return show_date(value)
    if isinstance(value, int):
        return display_number(value) if column.kind is Kind.COUNT else str(value)
    return value


def show_date(day: date) -> str:
    """A date as dd/mm/yyyy."""
    return f"{day.day:02d}/{day.month:02d}/{day.year:04d}"


def clean(text: str) -> str:
    """Composed letters (TCVN 6909:2001), without what cannot be printed."""
    return _INVISIBLE.sub(" ", unicodedata.normalize("NFC", text)).strip()


def _as_text(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


@contextmanager
def opened(out: Path | BinaryIO) -> Iterator[Any]:
    """The caller's stream, or a new file that replaces `out` only when it is whole."""
    if not isinstance(out, Path):
        yield out
        return
    with replacing(out) as file:
        yield file
