"""The books as NĐ 30/2020, Annex IV wants them, column by column, and how they are read."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from registering import (
    KINDS,
    begin,
    enter,
    explain,
    fill,
    read,
    registering_node,
    reserve,
    set_time,
    shown,
)
from sqlalchemy import event

from edoc.core.entryfields import RegisterNumber
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError
from edoc.node import books, clerk, entrydetails, registers, search
from edoc.node.listing import list_documents
from edoc.node.node import Node


@pytest.fixture(params=KINDS)
def node(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    with registering_node(request, tmp_path, pki, request.param) as opened:
        yield opened


# Annex IV of NĐ 30/2020, column by column: heading, and what stands under it for a document of `fill`.
OUTGOING = [
    ("Số, ký hiệu văn bản", "01/UBND-VP"),
    ("Ngày tháng văn bản", "05/03/2026"),
    ("Tên loại và trích yếu nội dung văn bản", "Thông báo: Về việc tập huấn công tác văn thư"),
    ("Người ký", "Trần Thị Mẫu"),
    ("Nơi nhận văn bản", "Sở Nội vụ; H99.03"),
    ("Đơn vị, người nhận bản lưu", "Ủy ban nhân dân xã Kiểm Thử"),
    ("Số lượng bản", "3"),
    ("Ngày chuyển", "07/03/2026"),
    ("Ký nhận", ""),
    ("Ghi chú", ""),
]
INCOMING = [
    ("Ngày đến", "05/03/2026"),
    ("Số đến", "01"),
    ("Tác giả", "Sở Nội vụ"),
    ("Số, ký hiệu văn bản", "12/SNV-VP"),
    ("Ngày tháng văn bản", "04/03/2026"),
    ("Tên loại và trích yếu nội dung văn bản", "Thông báo: Về việc tập huấn công tác văn thư"),
    ("Đơn vị hoặc người nhận", "Ủy ban nhân dân xã Kiểm Thử"),
    ("Ngày chuyển", "07/03/2026"),
    ("Ký nhận", ""),
    ("Ghi chú", ""),
]


@pytest.mark.parametrize(("direction", "columns"), [("outgoing", OUTGOING), ("incoming", INCOMING)])
def test_the_register_agrees_with_annex_iv_column_by_column(
    node: Node, tmp_path: Path, direction: str, columns: list[tuple[str, str]]
) -> None:
    fill(node)
    books.write(node, direction, csv=tmp_path / "so.csv")
    row = read(tmp_path / "so.csv")[0]
    assert list(row.items()) == columns


def test_a_book_is_written_in_all_three_forms_with_its_title_block(node: Node, tmp_path: Path) -> None:
    fill(node)
    paths = {kind: tmp_path / f"so.{kind}" for kind in ("csv", "xlsx", "pdf")}
    books.write(node, "outgoing", **paths)  # type: ignore[arg-type]
    assert all(path.stat().st_size > 500 for path in paths.values())
    document = pypdfium2.PdfDocument(paths["pdf"])
    page = " ".join(document[0].get_textpage().get_text_range().split())
    document.close()
    for words in (
        "ỦY BAN NHÂN DÂN TỈNH MẪU ỦY BAN NHÂN DÂN XÃ KIỂM THỬ SỔ ĐĂNG KÝ VĂN BẢN ĐI Năm 2026",
        "Từ ngày 05/03/2026 đến ngày 07/03/2026",
        "Từ số 01 đến số 02",
        "01/UBND-VP",
        "Đã hủy số: Không dùng đến",
    ):
        assert words in page


def test_a_book_is_chosen_by_series_and_year_and_is_the_newest_if_none_is_named(
    node: Node, tmp_path: Path
) -> None:
    enter(node, "a", "outgoing", code={"code_notation": "UBND-VP"})
    set_time(node, datetime(2027, 1, 4, tzinfo=UTC))
    enter(node, "b", "outgoing", code={"code_notation": "UBND-VP"})
    written = [
        books.write(node, "outgoing", csv=tmp_path / "a.csv"),
        books.write(node, "outgoing", year=2026, csv=tmp_path / "a.csv"),
        books.write(node, "outgoing", series="HĐTĐKT", csv=tmp_path / "a.csv"),
        books.write(node, "outgoing", year=2020, csv=tmp_path / "a.csv"),
    ]
    assert [(book.series, book.year, book.last_number) for book in written] == [
        ("VB-DI", 2027, 1),
        ("VB-DI", 2026, 1),
        ("HĐTĐKT", 2027, 0),
        ("VB-DI", 2020, 0),
    ]
    with pytest.raises(InputError, match="'outgoing' or 'incoming'"):
        books.write(node, "sideways", csv=tmp_path / "a.csv")


def test_a_book_longer_than_a_page_of_the_database_is_whole(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registers.page, "__kwdefaults__", {"after": 0, "limit": 3})
    numbers = reserve(node, count=10)
    assert [row.code for row in shown(node)] == [f"{number.number:02d}" for number in numbers]
    with node.journal.reading() as connection:
        assert len(list(registers.entries(connection, series="VB-DI", year=2026))) == 10


def test_entries_are_listed_by_pages(node: Node) -> None:
    reserve(node, count=5)
    first = entrydetails.list_entries(node, "outgoing", limit=3)
    rest = entrydetails.list_entries(node, "outgoing", after=first[-1]["number"], limit=3)
    assert [entry["number"] for entry in (*first, *rest)] == [1, 2, 3, 4, 5]
    assert rest[0]["note"] == "Số dành trước: Văn bản giấy"


def test_documents_are_listed_by_pages_the_newest_first_in_both_directions(node: Node) -> None:
    for index in range(7):
        set_time(node, datetime(2026, 3, 5, 5, index, tzinfo=UTC))
        begin(node, f"d{index}", "incoming" if index % 2 else "outgoing")
    pages: list[list[str]] = []
    before = None
    while rows := list_documents(node, before=before, limit=3):
        pages.append([row["id"] for row in rows])
        before = pages[-1][-1]
    assert pages == [["d6", "d5", "d4"], ["d3", "d2", "d1"], ["d0"]]
    assert [row["id"] for row in list_documents(node, direction="incoming")] == ["d5", "d3", "d1"]
    with pytest.raises(InputError, match="no such document"):
        list_documents(node, before="x")


def test_the_fields_of_annex_vi_are_told_by_their_names(node: Node) -> None:
    number = enter(node, "a", "incoming", other_info={"priority": 1, "page_amount": 2}, due_date="2026-03-31")
    fields = entrydetails.tell(node, number)["fields"]
    assert fields == {
        "TypeName": "Thông báo",
        "CodeNumber": "12",
        "CodeNotation": "SNV-VP",
        "IssuedDate": "2026/03/04",
        "OrganName": "Sở Nội vụ",
        "Subject": "Về việc tập huấn công tác văn thư",
        "PageAmount": 2,
        "SignerInfo.Position": "Giám đốc",
        "SignerInfo.FullName": "Trần Thị Mẫu",
        "Priority": 1,
        "DueDate": "2026/03/31",
        "ArrivalDate": "2026/03/05",
        "ArrivalNumber": 1,
    }


_SCAN = re.compile(r"\bSCAN (?!search_index\b|(?:\d+ )?CONSTANT|\()|Seq Scan")


def test_no_query_of_the_registers_reads_a_whole_table(node: Node) -> None:
    seen: dict[str, Any] = {}

    def remember(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if not many and statement.lstrip().startswith(("SELECT", "UPDATE", "INSERT")):
            seen[statement] = values

    event.listen(node.journal.engine, "before_cursor_execute", remember)
    fill(node)
    enter(node, "again", "incoming", document_id="x")
    list_documents(node, before="again")
    clerk.tell(node, "again")
    shown(node)
    shown(node, "incoming")
    entrydetails.list_entries(node, "incoming")
    entrydetails.tell(node, RegisterNumber(series="VB-DI", year=2026, number=1))
    with node.journal.reading() as connection:
        search.find(connection, "văn thư", direction="incoming", year=2026)
    event.remove(node.journal.engine, "before_cursor_execute", remember)
    small = ("FROM books", "audit_head", "FROM deliveries", "FROM tasks", "numbering_holds")
    plans = {
        statement: explain(node, statement, values)
        for statement, values in seen.items()
        if not any(word in statement for word in small)
    }
    assert len(plans) > 15
    assert {statement: plan for statement, plan in plans.items() if _SCAN.search(plan)} == {}
