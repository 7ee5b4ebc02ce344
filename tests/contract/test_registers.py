"""Numbers on SQLite and PostgreSQL: given, reserved, described and voided, without gaps or repeats."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clockwork import Clock
from registering import (
    KINDS,
    PAPER,
    add,
    begin,
    describe,
    enter,
    give,
    header,
    registering_node,
    reserve,
    row_count,
    set_time,
    shown,
    void,
)
from sqlalchemy import insert, select

from edoc.core.entryfields import RegisterNumber
from edoc.demo.play import SAMPLE_PDF, draft_for
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError, Refused
from edoc.keys.loading import load_key
from edoc.node import books, clerk, entrydetails, registers, reservations
from edoc.node import tables as t
from edoc.node.journal import verify_chain
from edoc.node.listing import list_documents
from edoc.node.node import Node
from edoc.signing import prepare, sign
from edoc.trust.store import Trust


@pytest.fixture(params=KINDS)
def node(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    with registering_node(request, tmp_path, pki, request.param) as opened:
        yield opened


def test_each_series_and_each_direction_has_numbers_of_its_own(node: Node) -> None:
    ours = {"code": {"code_notation": "UBND-VP"}}
    advisory = {"code": {"code_notation": "HĐTĐKT"}}
    given = [
        enter(node, "a", "outgoing", **ours),
        enter(node, "b", "outgoing", series="HĐTĐKT", **advisory),
        enter(node, "c", "incoming"),
        enter(node, "d", "outgoing", **ours),
        enter(node, "e", "outgoing", series="HĐTĐKT", **advisory),
    ]
    assert list(map(str, given)) == [
        "VB-DI/2026/1",
        "HĐTĐKT/2026/1",
        "VB-DEN/2026/1",
        "VB-DI/2026/2",
        "HĐTĐKT/2026/2",
    ]
    assert [(book.direction, book.series, book.last_number) for book in books.list_books(node)] == [
        ("incoming", "VB-DEN", 1),
        ("outgoing", "HĐTĐKT", 2),
        ("outgoing", "VB-DI", 2),
    ]


def test_a_series_that_nobody_opened_is_refused(node: Node) -> None:
    with pytest.raises(InputError, match=r"VB-DI, HĐTĐKT\. Others stand in register\.advisory_series"):
        registers.choose_series(node.settings.register_, "outgoing", "VB-MAT")
    with pytest.raises(InputError):
        registers.choose_series(node.settings.register_, "incoming", "HĐTĐKT")


def test_a_book_serves_one_direction(node: Node) -> None:
    begin(node, "a", "outgoing", series="VB-DEN")
    enter(node, "b", "incoming")
    with pytest.raises(Refused, match="for incoming documents"):
        give(node, "a")


def test_giving_a_number_twice_gives_the_same(node: Node) -> None:
    assert enter(node, "a", "outgoing") == give(node, "a")
    assert row_count(node) == 1


def test_many_workers_and_clerks_leave_neither_gap_nor_repeat(node: Node) -> None:
    for index in range(16):
        begin(node, f"d{index}", "outgoing", code={"code_notation": "UBND-VP"})

    def work(index: int) -> None:
        with node.journal.transaction(actor="văn thư") as tx:
            registers.give_number(tx, series="VB-DI", document=f"d{index}")
            reservations.reserve(tx, series="VB-DI", direction="outgoing", purpose="giấy", count=2)
            if index % 4 == 0:
                raise RuntimeError("killed before the commit")

    with ThreadPoolExecutor(6) as pool:
        failed = [future.exception() for future in [pool.submit(work, index) for index in range(16)]]
    assert sum(isinstance(error, RuntimeError) for error in failed) == 4
    with node.journal.reading() as connection:
        given = connection.execute(select(t.register_entries.c.number)).scalars().all()
        assert sorted(given) == list(range(1, 37))
        assert connection.execute(select(t.books.c.last_number)).scalar_one() == 36


def test_number_and_symbol_are_given_once_a_year_across_all_series(node: Node) -> None:
    shared = {"code": {"code_notation": "UBND-VP"}}
    enter(node, "a", "outgoing", document_id="H99.01,2026/03/05,01/UBND-VP", **shared)
    begin(node, "b", "outgoing", series="HĐTĐKT", **shared)
    with pytest.raises(Refused) as caught:
        give(node, "b")
    assert "01/UBND-VP are taken in 2026 by VB-DI/2026/1 (H99.01,2026/03/05,01/UBND-VP)" in str(caught.value)
    # nothing was lost by it: as advised, the number is voided, and the next one goes
    (first,) = reserve(node, series="HĐTĐKT")
    void(node, first)
    assert str(give(node, "b")) == "HĐTĐKT/2026/2"
    set_time(node, datetime(2027, 1, 4, tzinfo=UTC))
    assert str(enter(node, "c", "outgoing", series="HĐTĐKT", **shared)) == "HĐTĐKT/2027/1"


def test_case_and_blanks_do_not_make_another_symbol(node: Node) -> None:
    enter(node, "a", "outgoing", code={"code_notation": "QĐ-UBND"})
    begin(node, "b", "outgoing", series="HĐTĐKT", code={"code_notation": "qđ - ubnd"})
    with pytest.raises(Refused, match="VB-DI/2026/1"):
        give(node, "b")


def test_the_database_itself_refuses_the_same_number_and_symbol(node: Node) -> None:
    enter(node, "a", "outgoing", code={"code_notation": "UBND-VP"})
    entry = {"series": "other", "year": 2026, "number": 1, "symbol": "ubnd-vp", "given_at": "2026"}
    with pytest.raises(Exception, match=r"(?i)unique"), node.journal.engine.begin() as connection:
        connection.execute(insert(t.register_entries).values(entry))


def test_a_block_is_reserved_without_a_gap_and_stays_visible(node: Node) -> None:
    enter(node, "a", "outgoing", code={"code_notation": "UBND-VP"})
    numbers = reserve(node, count=3, purpose="Văn bản giấy của Phòng Tư pháp", until=date(2026, 3, 9))
    assert list(map(str, numbers)) == ["VB-DI/2026/2", "VB-DI/2026/3", "VB-DI/2026/4"]
    assert str(enter(node, "b", "outgoing", code={"code_notation": "UBND-VP"})) == "VB-DI/2026/5"
    row = shown(node)[1]
    assert (row.code, row.subject, row.copies, row.keeper) == ("02", "", None, "")
    assert row.note == "Số dành trước (cho ngày 09/03/2026): Văn bản giấy của Phòng Tư pháp"


def test_a_number_for_next_year_is_one_of_next_years_book(node: Node) -> None:
    set_time(node, datetime(2026, 12, 30, tzinfo=UTC))
    assert list(map(str, reserve(node, until=date(2027, 1, 4)))) == ["VB-DI/2027/1"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"purpose": "  "}, "purpose"),
        ({"purpose": "x" * 501}, "500 characters"),
        ({"count": 0}, "one to 500"),
        ({"count": 501}, "one to 500"),
        ({"until": date(2026, 3, 4)}, "within the next year"),
        ({"until": date(2028, 3, 4)}, "within the next year"),
        ({"notation": "K" * 31}, "allows 30"),
    ],
)
def test_what_cannot_be_reserved_takes_no_number(node: Node, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        reserve(node, **changes)
    assert list(map(str, reserve(node))) == ["VB-DI/2026/1"]


def test_reserving_a_symbol_that_is_taken_names_the_other(node: Node) -> None:
    reserve(node, series="HĐTĐKT", count=2, notation="UBND-VP")
    with pytest.raises(Refused, match=r"01/UBND-VP are taken in 2026 by HĐTĐKT/2026/1"):
        reserve(node, count=3, notation="UBND-VP")
    assert row_count(node) == 2


def test_a_paper_document_stands_in_the_register_like_any_other(node: Node) -> None:
    (number,) = reserve(node)
    describe(node, number, **PAPER)
    add(node, number, keeper="Phòng Tư pháp", transfer_date="2026-03-06", receipt="Nguyễn A", note="Bản giấy")
    (row,) = shown(node)
    assert row.code == "01/UBND-VP"
    assert row.issued == date(2026, 3, 5)
    assert row.subject == "Quyết định: Về việc khen thưởng"
    assert row.signer == "Lê Văn Giấy"
    assert row.recipients == "Như Điều 3; Lưu: VT"
    assert (row.keeper, row.copies, row.transfer_date) == ("Phòng Tư pháp", 1, date(2026, 3, 6))
    assert (row.receipt, row.note, row.voided) == ("Nguyễn A", "Bản giấy", False)


def test_a_paper_document_that_arrived_takes_its_number_in_the_same_series(node: Node) -> None:
    enter(node, "a", "incoming")
    (number,) = reserve(node, series="VB-DEN", direction="incoming", purpose="Bưu điện")
    describe(node, number, **header(code={"code_number": "77", "code_notation": "SNV-VP"}))
    add(node, number, arrival_date="2026-03-02", unit="Phòng Kinh tế")
    row = shown(node, "incoming")[1]
    assert (row.arrival_number, row.arrival_date, row.code) == (2, date(2026, 3, 2), "77/SNV-VP")
    assert (row.author, row.unit) == ("Sở Nội vụ", "Phòng Kinh tế")


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"subject": ""}, InputError, "subject: this is missing"),
        ({"code": {}}, InputError, "code.code_notation: this is missing"),
        ({"promulgation_info": {}}, InputError, "promulgation_date: this is missing"),
        ({"code": {"code_number": "7", "code_notation": "K"}}, InputError, "the register gives the number"),
        ({"subject": "x" * 501}, InputError, "subject: this has 501 characters.*allows 500"),
        ({"promulgation_info": {"promulgation_date": "2025-12-31"}}, Refused, "one of 2026"),
        ({"subject": "Tối mật: kế hoạch"}, Refused, "state secrets"),
        ({"wrong": 1}, InputError, "wrong: this key is unknown"),
    ],
)
def test_a_paper_document_that_does_not_fit_is_refused(
    node: Node, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    (number,) = reserve(node)
    with pytest.raises(error, match=words):
        describe(node, number, **{**PAPER, **changes})
    assert shown(node)[0].subject == ""


def test_a_paper_document_with_a_symbol_that_is_taken_names_the_other(node: Node) -> None:
    enter(node, "a", "outgoing", code={"code_notation": "UBND-VP"})
    (number,) = reserve(node, series="HĐTĐKT")
    with pytest.raises(Refused, match="VB-DI/2026/1"):
        describe(node, number, **PAPER)


def test_what_the_clerk_adds_keeps_the_lengths_of_annex_vi(node: Node) -> None:
    number = enter(node, "a", "outgoing", code={"code_notation": "UBND-VP"})
    add(node, number, file_notation="01-TC", file_catalog=2026, doc_ordinal=12, note="Khẩn")
    with pytest.raises(InputError, match=r"FileCode.FileNotation: this has 21 .* allows 20"):
        add(node, number, file_notation="x" * 21)
    with pytest.raises(InputError, match="DocOrdinal"):
        add(node, number, doc_ordinal=1000)
    with pytest.raises(Refused, match="the node knows when"):
        add(node, number, transfer_date="2026-03-05")
    add(node, number, note=None)
    told = entrydetails.tell(node, number)
    assert told["clerk"] == {"file_notation": "01-TC", "file_catalog": 2026, "doc_ordinal": 12}
    assert told["fields"]["FileCode.FileCatalog"] == 2026
    assert told["fields"]["DocOrdinal"] == 12


def test_a_reserved_number_goes_to_the_document_that_holds_it(node: Node) -> None:
    first, second = reserve(node, count=2)
    begin(node, "a", "outgoing", code={"code_notation": "UBND-VP"})
    with node.journal.transaction(actor="văn thư") as tx:
        reservations.hold(tx, second, document="a")
    assert give(node, "a") == second
    assert shown(node)[1].note == ""
    begin(node, "b", "outgoing", code={"code_notation": "UBND-VP"})
    with (
        pytest.raises(Refused, match="not reserved any more"),
        node.journal.transaction(actor="văn thư") as tx,
    ):
        reservations.hold(tx, second, document="b")
    assert str(give(node, "b")) == "VB-DI/2026/3"
    assert first.number == 1


def hold_and_fail(node: Node, number: RegisterNumber, document: str, words: str) -> None:
    with pytest.raises(Refused, match=words), node.journal.transaction(actor="văn thư") as tx:
        reservations.hold(tx, number, document=document)


def test_a_number_is_not_held_before_its_day_nor_for_another_symbol_nor_by_what_arrived(node: Node) -> None:
    (later,) = reserve(node, until=date(2026, 3, 9))
    (other,) = reserve(node, notation="UBND-TP")
    begin(node, "a", "outgoing", code={"code_notation": "UBND-VP"})
    begin(node, "b", "incoming")
    hold_and_fail(node, later, "a", "reserved for 2026-03-09")
    hold_and_fail(node, other, "a", "reserved for UBND-TP")
    hold_and_fail(node, other, "b", "only a document that is sent")


def test_a_voided_number_is_never_given_again_and_shows_why(node: Node) -> None:
    first, _ = reserve(node, count=2)
    void(node, first, "In hỏng")
    assert str(enter(node, "a", "outgoing", code={"code_notation": "UBND-VP"})) == "VB-DI/2026/3"
    row = shown(node)[0]
    assert (row.voided, row.note) == (True, "In hỏng; Số dành trước: Văn bản giấy")
    with pytest.raises(Refused, match="In hỏng"):
        void(node, first)
    with pytest.raises(Refused, match="was voided"):
        describe(node, first, **PAPER)


def test_the_number_of_an_electronic_document_is_not_voided_by_hand(node: Node) -> None:
    number = enter(node, "a", "outgoing", code={"code_notation": "UBND-VP"})
    with pytest.raises(Refused, match="edoc recall a"):
        void(node, number)
    with pytest.raises(InputError, match="no such entry"):
        void(node, RegisterNumber(series="VB-DI", year=2026, number=9))


def test_what_clerks_do_stands_in_the_audit_log(node: Node) -> None:
    first, second = reserve(node, count=2)
    describe(node, first, **PAPER)
    void(node, second)
    with node.journal.reading() as connection:
        log = connection.execute(select(t.audit).order_by(t.audit.c.seq)).all()
        assert verify_chain(connection) == []
    assert [(entry.event, entry.actor) for entry in log] == [
        ("reserve", "văn thư"),
        ("describe", "văn thư"),
        ("void", "văn thư"),
    ]
    assert log[0].details["numbers"] == ["VB-DI/2026/1", "VB-DI/2026/2"]
    assert log[1].details["paper"]["subject"] == PAPER["subject"]
    assert log[2].details["reason"] == "Không dùng đến"


@pytest.fixture
def signed(tmp_path: Path, pki: DevPki) -> Path:
    """A prepared PDF that a competent person signed."""
    prepare(SAMPLE_PDF, tmp_path / "prepared.pdf")
    person = load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)
    trust = Trust.load(pki.trust_path)
    sign(
        tmp_path / "prepared.pdf",
        tmp_path / "signed.pdf",
        key=person,
        role="person",
        trust=trust,
        offline=True,
    )
    return tmp_path / "signed.pdf"


def submit(node: Node, signed: Path, **wanted: Any) -> str:
    assert isinstance(node.journal.clock, Clock)
    node.journal.clock.now = datetime.now(UTC)  # the certificate is of today
    draft = {**draft_for(SAMPLE_PDF), **wanted.pop("draft", {})}
    return clerk.submit(node, draft, [signed], actor="văn thư", **wanted)


def test_a_document_is_submitted_for_a_reserved_number(node: Node, signed: Path) -> None:
    assert isinstance(node.journal.clock, Clock)
    node.journal.clock.now = datetime.now(UTC)
    _, second = reserve(node, count=2)
    document = submit(node, signed, number=second)
    assert give(node, document) == second
    assert clerk.tell(node, document)["register"] == str(second)


def test_a_document_is_submitted_for_the_series_of_an_advisory_body(node: Node, signed: Path) -> None:
    document = submit(node, signed, series="HĐTĐKT")
    assert give(node, document).series == "HĐTĐKT"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"draft": {"subject": "x" * 501}}, "subject: this has 501 characters.*allows 500 for Subject"),
        ({"series": "HDQT"}, "no such series"),
        ({"number": RegisterNumber(series="VB-DI", year=2026, number=9)}, "no such entry"),
    ],
)
def test_a_draft_that_does_not_fit_the_register_is_refused_at_the_door(
    node: Node, signed: Path, wanted: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        submit(node, signed, **wanted)
    assert list_documents(node) == []


def test_who_waited_for_the_book_past_midnight_gives_no_earlier_date(node: Node) -> None:
    midnight = datetime(2026, 3, 5, 17, 0, 1, tzinfo=UTC)
    assert isinstance(node.journal.clock, Clock)
    node.journal.clock.now = midnight
    begin(node, "d1", "outgoing")
    begin(node, "d2", "outgoing", code={"code_notation": "UBND"})
    give(node, "d1")
    node.journal.clock.now = midnight - timedelta(seconds=2)  # as a transaction that began before, and waited
    give(node, "d2")
    with node.journal.reading() as connection:
        at = list(connection.execute(select(t.register_entries.c.given_at)).scalars())
    assert at[0] == at[1]


def test_an_entry_of_a_wrong_clock_drags_nobody_along(node: Node) -> None:
    assert isinstance(node.journal.clock, Clock)
    right = node.journal.clock.now
    begin(node, "d1", "outgoing")
    begin(node, "d2", "outgoing", code={"code_notation": "UBND"})
    node.journal.clock.now = right + timedelta(hours=1)
    give(node, "d1")
    node.journal.clock.now = right
    give(node, "d2")
    with node.journal.reading() as connection:
        at = sorted(connection.execute(select(t.register_entries.c.given_at)).scalars())
    assert datetime.fromisoformat(at[0]) - right < timedelta(minutes=1)
