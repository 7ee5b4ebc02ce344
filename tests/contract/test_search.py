"""The search over subjects and parties finds the same on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clockwork import Clock
from registering import KINDS, begin, enter, give, header, registering_node
from sqlalchemy import insert, select, text

from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError
from edoc.node import database, reservations, search
from edoc.node import tables as t
from edoc.node.backup import backup, restore
from edoc.node.node import Node, system_clock
from edoc.node.objects import DirectoryObjects
from edoc.node.search import Found, Place

SUBJECTS = {
    "d0": "Về việc kiện toàn Ủy ban nhân dân các xã",
    "d1": "Ve viec kien toan Uy ban nhan dan",
    "d2": "Kế hoạch ủy bản thảo",
    "d3": "Hoà bình và phát triển nông thôn",
    "d4": "Nghị định số 30/2020/NĐ-CP",
    "d5": "Nghiệm thu đề tài khoa học",
}


@pytest.fixture(params=KINDS)
def node(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    with registering_node(request, tmp_path, pki, request.param) as opened:
        for name, subject in SUBJECTS.items():
            begin(opened, name, "incoming", subject=subject, signer_info={}, to=[])
        yield opened


def find(node: Node, question: str, **wanted: Any) -> tuple[Found, ...]:
    with node.journal.reading() as connection:
        return search.find(connection, question, **wanted).found


def names(node: Node, question: str, **wanted: Any) -> list[str | None]:
    return [found.document for found in find(node, question, **wanted)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("uy ban nhan dan", ["d1", "d0"]),
        ("UY BAN", ["d2", "d1", "d0"]),
        ("ban uy", ["d2", "d1", "d0"]),
        ("hoa binh", ["d3"]),
        ("nghi", ["d4"]),
        ("nghi*", ["d5", "d4"]),
        ("ngh* tai", ["d5"]),
        ("30/2020", ["d4"]),
        ("nd-cp", ["d4"]),
        ("so noi vu", ["d5", "d4", "d3", "d2", "d1", "d0"]),
        ("khong co tu nay", []),
        ("ba", []),
    ],
)
def test_without_diacritics_every_spelling_is_found_the_newest_first(
    node: Node, question: str, expected: list[str]
) -> None:
    assert names(node, question) == expected


@pytest.mark.parametrize(
    ("question", "exact", "others"),
    [
        ("Ủy ban", ["d0"], ["d2", "d1"]),
        ("ỦY BAN NHÂN DÂN", ["d0"], ["d1"]),
        ("ủy bản", ["d2"], ["d1", "d0"]),
        ("hòa bình", ["d3"], []),
        ("hoà bình", ["d3"], []),
        ("nghị*", ["d5", "d4"], []),
        ("đề tài", ["d5"], []),
        ("dê tài", [], ["d5"]),
    ],
)
def test_with_diacritics_exact_spellings_come_first(
    node: Node, question: str, exact: list[str], others: list[str]
) -> None:
    found = find(node, question)
    assert [each.document for each in found if each.exact] == exact
    assert [each.document for each in found] == [*exact, *others]


@pytest.mark.parametrize("question", ["", "  -- *", '"', " ".join("a" * 21)])
def test_a_question_without_words_or_with_too_many_is_refused(node: Node, question: str) -> None:
    with pytest.raises(InputError, match="one to 20 words"):
        find(node, question)


@pytest.mark.parametrize(
    "question",
    ["uy'; DROP TABLE documents", 'uy" OR "ban', "uy & ! ban", "uy:* | ban", "NOT uy", "\\ uy", "uy(ban)"],
)
def test_no_question_is_taken_for_a_command(node: Node, question: str) -> None:
    names(node, question)
    assert names(node, "uy ban") == ["d2", "d1", "d0"]


def test_all_parties_are_looked_at(node: Node) -> None:
    sender: Any = {"organ_id": "H99.01", "organ_name": "Phòng Một", "organization_in_charge": "Cục Hai"}
    begin(
        node,
        "party",
        "outgoing",
        series="VB-DI",
        **{"from": sender},
        to=[{"organ_id": "X", "organ_name": "Viện Ba"}, {"organ_id": "Y", "organ_name": "Trường Bốn"}],
        signer_info={"full_name": "Nguyễn Năm"},
        to_places=["Lưu: Sáu"],
    )
    for question in ("phòng một", "cuc hai", "viện ba", "truong bon", "nguyễn năm", "luu sau"):
        assert names(node, question) == ["party"], question


def test_direction_and_year_narrow_the_search(node: Node) -> None:
    assert isinstance(node.journal.clock, Clock)
    node.journal.clock.now = datetime(2026, 12, 31, 17, 30, tzinfo=UTC)  # the new year in Vietnam
    begin(node, "next", "outgoing", subject="Kiện toàn Ủy ban")
    assert names(node, "ủy ban", direction="outgoing") == ["next"]
    assert names(node, "ủy ban", year=2027) == ["next"]
    assert names(node, "ủy ban", year=2026) == ["d0", "d2", "d1"]
    assert names(node, "ủy ban", direction="incoming", year=2027) == []


@pytest.mark.parametrize("question", ["uy ban", "ủy ban"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_follow_each_other_without_gap_or_repeat(node: Node, question: str, limit: int) -> None:
    whole = find(node, question)
    found: list[Found] = []
    after: Place | None = None
    while True:
        with node.journal.reading() as connection:
            page = search.find(connection, question, after=after, limit=limit)
        assert len(page.found) <= limit
        found += page.found
        after = page.after
        if after is None:
            break
    assert tuple(found) == whole


def test_what_is_found_says_what_it_is(node: Node) -> None:
    number = enter(node, "full", "incoming", subject="Thông báo lịch họp", document_id="x")
    (found,) = find(node, "lich hop")
    assert (found.document, found.entry, found.direction) == ("full", number, "incoming")
    assert (found.code, found.subject, found.issuer) == ("12/SNV-VP", "Thông báo lịch họp", "Sở Nội vụ")
    assert found.recipients == ("Ủy ban nhân dân xã Kiểm Thử",)


def test_a_paper_document_is_found_by_its_number_in_the_register(node: Node) -> None:
    agency = node.settings.agency.organization
    with node.journal.transaction(actor="văn thư") as tx:
        (number,) = reservations.reserve(tx, series="VB-DEN", direction="incoming", purpose="Bưu điện")
        reservations.describe_paper(tx, number, header(subject="Giấy mời hội thao"), agency=agency)
    (found,) = find(node, "hội thao")
    assert (found.document, found.entry, found.state) == (None, number, "paper")
    with node.journal.transaction(actor="văn thư") as tx:
        reservations.describe_paper(tx, number, header(subject="Giấy mời đại hội"), agency=agency)
    assert find(node, "hội thao") == ()
    assert [each.entry for each in find(node, "đại hội")] == [number]


def test_the_index_row_stands_or_falls_with_its_document(node: Node) -> None:
    def be_cut_off() -> None:
        with node.journal.transaction(actor="văn thư") as tx:
            tx.begin("x", "incoming", submission="x", organ_id="H", dispatch=header(subject="Bão số chín"))
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        be_cut_off()
    assert names(node, "bao so chin") == []


def test_a_changed_header_is_found_by_its_new_words_only(node: Node) -> None:
    changed = header(subject="Đính chính")
    with node.journal.transaction(actor="văn thư") as tx:
        search.write(tx.connection, document="d3", direction="incoming", dispatch=changed, at=tx.at)
    assert names(node, "hoa binh") == []
    assert names(node, "đính chính") == ["d3"]


def test_headers_that_others_wrote_oddly_are_taken_in(node: Node) -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"subject": 12, "from": "x", "to": "y", "to_places": {"a": 1}, "signer_info": []},
        {"subject": "Ngã " + "ba" * 5000, "to": [None, "x", {"organ_name": None}]},
        {"subject": "'\\ \" % _ \u0301 \U0001f600 李明"},
    ]
    for index, dispatch in enumerate(odd):
        with node.journal.transaction(actor="văn thư") as tx:
            tx.begin(f"odd{index}", "incoming", submission=f"odd{index}", organ_id="H", dispatch=dispatch)
    assert names(node, "ngã baba*") == ["odd2"]
    assert names(node, "李明") == ["odd3"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_migration_makes_documents_that_are_there_findable_and_their_entries_comparable(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki
) -> None:
    url = "sqlite:///old.db" if kind == "sqlite" else request.getfixturevalue("postgres_database")
    engine = database.connect(url, tmp_path)
    database.migrate(engine, to="0004")
    old = {
        "created_at": "2026-03-01T00:00:00.000000+00:00",
        "changed_at": "2026-03-01T00:00:00.000000+00:00",
        "organ_id": "H99.02",
    }
    names = [column.name for column in t.documents.columns if column.name != "series"]
    with engine.begin() as connection:
        for index, direction in enumerate(("incoming", "outgoing")):
            row = {
                **old,
                "id": f"old{index}",
                "direction": direction,
                "state": "x",
                "submission": f"{index}",
                "document_id": None,
                "dispatch": header(subject="Văn bản cũ"),
            }
            connection.execute(insert(t.documents).values({name: row[name] for name in names}))
            series = {"incoming": "VB-DEN", "outgoing": "VB-DI"}[direction]
            numbered = {"series": series, "document": f"old{index}"}
            connection.execute(text("INSERT INTO books VALUES (:series, 2026, 1)"), {"series": series})
            entry = "INSERT INTO register_entries VALUES (:series, 2026, 1, :document, :at, NULL)"
            connection.execute(text(entry), {**numbered, "at": old["created_at"]})
    database.migrate(engine)
    with engine.connect() as connection:
        page = search.find(connection, "văn bản cũ")
        assert [found.document for found in page.found] == ["old1", "old0"]
        symbols = connection.execute(select(t.register_entries.c.document, t.register_entries.c.symbol))
        assert dict(symbols.all()) == {"old0": None, "old1": "snv-vp"}
        kept = connection.execute(select(t.books.c.series, t.books.c.direction))
        assert dict(kept.all()) == {"VB-DEN": "incoming", "VB-DI": "outgoing"}
    engine.dispose()
    with registering_node(request, tmp_path, pki, kind) as node:
        if kind == "postgresql":  # the same database
            again = enter(node, "new", "incoming")
            assert again.number == 2


def test_numbering_does_not_disturb_what_is_found(node: Node) -> None:
    give(node, "d0")
    assert names(node, "kiện toàn ủy ban") == ["d0", "d1"]


def test_what_was_restored_from_a_backup_is_found(node: Node, tmp_path: Path) -> None:
    backup(node, tmp_path / "backup")
    engine = database.connect("sqlite:///restored.db", tmp_path)
    restore(tmp_path / "backup", engine, DirectoryObjects(tmp_path / "restored"), clock=system_clock)
    with engine.connect() as connection:
        found = search.find(connection, "Ủy ban").found
    engine.dispose()
    assert [each.document for each in found] == ["d0", "d2", "d1"]
