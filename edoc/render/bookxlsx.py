"""A register book as a workbook: real dates and numbers, headings that stay and repeat, ready to print.

    to_xlsx(rows, OUTGOING_COLUMNS, Path("van-ban-di-2026.xlsx"), cover=cover)

No text becomes a formula, a link or a number. Each row is on the disk before the next one is read. The same
rows give the same bytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from edoc.errors import InputError
from edoc.render.books import Column, Cover, Kind, Row, Value, cells, clean, opened

MOST_ROWS: Final = 1_048_000
"""What a sheet holds, beside its headings."""
_MOST_LETTERS: Final = 32_767
_A4: Final = 9
_CHARACTER: Final = 1.9
"""Width of a letter in millimetres, by which spreadsheets measure columns."""
_MARGINS: Final = {"left": 0.79, "right": 0.39, "top": 0.55, "bottom": 0.63}
"""Inches; the left edge is bound."""
_NUMBER_FORMATS: Final = {Kind.DATE: "dd/mm/yyyy", Kind.NUMBER: "0", Kind.COUNT: "00", Kind.TEXT: "@"}
_STRICT: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def to_xlsx(rows: Iterable[Row], columns: Sequence[Column], out: Path | BinaryIO, *, cover: Cover) -> None:
    """Write a book as a workbook with one sheet.

    Raises `InputError` if there are more rows than a sheet holds.
    """
    with opened(out) as file, Workbook(file, _STRICT) as workbook:
        # the file says nothing about when and where it was made
        workbook.set_properties(
            {
                "title": f"{cover.title} {cover.year}",
                "author": clean(cover.agency),
                "created": datetime(2000, 1, 1, tzinfo=UTC),
            }
        )
        sheet = workbook.add_worksheet(str(cover.year))
        first = _write_head(workbook, sheet, columns, cover)
        _set_up(sheet, columns, cover, first)
        plain, struck = (
            [_format(workbook, column, struck=struck) for column in columns] for struck in (False, True)
        )
        note = _format(workbook, columns[-1], struck=False)
        for place, row in enumerate(rows):
            if place == MOST_ROWS:
                raise InputError(
                    f"a sheet holds no more than {MOST_ROWS} rows.", advice="Export the book as CSV."
                )
            formats = [*struck[:-1], note] if row.voided else plain
            for column, (value, look) in enumerate(zip(cells(row), formats, strict=True)):
                _write(sheet, first + place, column, value, look)


def _write_head(workbook: Workbook, sheet: Worksheet, columns: Sequence[Column], cover: Cover) -> int:
    """Title and headings; returns the first row after them."""
    base: dict[str, Any] = {"font_name": "Times New Roman", "align": "center", "valign": "vcenter"}
    heads: list[tuple[str, Mapping[str, Any]]] = [
        *([(clean(cover.superior).upper(), {"font_size": 12})] if cover.superior else []),
        (clean(cover.agency).upper(), {"font_size": 12, "bold": True}),
        (cover.title, {"font_size": 16, "bold": True}),
        *((line, {"font_size": 12}) for line in cover.lines()),
    ]
    for place, (text, look) in enumerate(heads):
        sheet.merge_range(place, 0, place, len(columns) - 1, "")
        sheet.write_string(place, 0, text, workbook.add_format({**base, **look}))
    framed = {**base, "font_size": 10, "border": 1, "text_wrap": True}
    bold, italic = (workbook.add_format({**framed, look: True}) for look in ("bold", "italic"))
    first = len(heads)
    for place, column in enumerate(columns):
        sheet.write_string(first, place, column.heading, bold)
    for place in range(len(columns)):
        sheet.write_string(first + 1, place, f"({place + 1})", italic)
    return first + 2


def _set_up(sheet: Worksheet, columns: Sequence[Column], cover: Cover, first: int) -> None:
    """Widths, what stays on the screen, and how it is printed."""
    for place, column in enumerate(columns):
        sheet.set_column(place, place, round(column.width / _CHARACTER, 1))
    sheet.freeze_panes(first, 0)
    sheet.set_paper(_A4)
    sheet.set_landscape()
    sheet.set_margins(**_MARGINS)
    sheet.fit_to_pages(1, 0)  # as wide as a page, as long as it is
    sheet.repeat_rows(first - 2, first - 1)
    name = clean(f"{cover.agency} – {cover.title} – Năm {cover.year}").replace("&", "&&")
    sheet.set_footer(f"&L&9 {name[:180]}&R&9 Trang &P / &N")


def _format(workbook: Workbook, column: Column, *, struck: bool) -> Format:
    return workbook.add_format(
        {
            "font_name": "Times New Roman",
            "font_size": 10,
            "border": 1,
            "text_wrap": True,
            "valign": "top",
            "align": "center" if column.centred else "left",
            "font_strikeout": struck,
            "num_format": _NUMBER_FORMATS[column.kind],
        }
    )


def _write(sheet: Worksheet, row: int, column: int, value: Value, look: Format) -> None:
    if value is None or value == "":
        sheet.write_blank(row, column, None, look)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, look)
    elif isinstance(value, int):
        sheet.write_number(row, column, value, look)
    else:
        text = value if len(value) <= _MOST_LETTERS else value[: _MOST_LETTERS - 1] + "…"
        sheet.write_string(row, column, text, look)
