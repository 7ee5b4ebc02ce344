"""A restored node that is older than what it issued gives no number before its registers are reconciled."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from acting import Run
from clockwork import tick
from registering import KINDS, header, registering_node, shown
from sqlalchemy import delete, select, update

from edoc.core.dispatch import Dispatch
from edoc.core.entryfields import RegisterNumber
from edoc.core.lifecycle import Event, State, Work
from edoc.devpki.hierarchy import DevPki
from edoc.errors import Conflict, InputError, Unavailable
from edoc.node import (
    archive,
    clerk,
    deadletters,
    numberholds,
    promises,
    reconcile,
    registers,
    reservations,
    steps,
)
from edoc.node import tables as t
from edoc.node.node import Node
from edoc.node.numberholds import UnreconciledError
from edoc.node.recent import Names
from edoc.packing import pack

OURS = {"organ_id": "H99.01", "organ_name": "Ủy ban nhân dân xã Kiểm Thử"}


@pytest.fixture(params=KINDS)
def node(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    with registering_node(request, tmp_path, pki, request.param) as opened:
        yield opened


embedded = pytest.mark.parametrize("node", ["sqlite"], indirect=True)


def begin(node: Node, name: str, direction: str = "outgoing") -> str:
    code = {"code_number": "", "code_notation": "UBND-VP"}
    dispatch = header(**{"from": OURS}, code=code) if direction == "outgoing" else header()
    with node.journal.transaction(actor="vanthu") as tx:
        tx.begin(name, direction, submission=name, organ_id=dispatch["from"]["organ_id"], dispatch=dispatch)
    return name


def give(node: Node, name: str) -> RegisterNumber:
    """Give a number as a step does: asked for, committed, promised."""
    promises.require_reconciled(node)
    with node.journal.transaction(actor="worker") as tx:
        row = tx.document(name)
        series = "VB-DI" if row.direction == "outgoing" else "VB-DEN"
        given = registers.give_number(tx, series=series, document=name)
        if row.direction == "outgoing":
            code = {**row.dispatch["code"], "code_number": f"{given.number:02}"}
            promulgation = {"place": "Mẫu", "promulgation_date": "2026-03-05"}
            document_id = f"H99.01,2026/03/05,{given.number:02}/UBND-VP"
            dispatch = {**row.dispatch, "code": code, "promulgation_info": promulgation}
            tx.change(name, dispatch={**dispatch, "document_id": document_id}, document_id=document_id)
        promise = promises.make(tx, given, document=name)
    promises.keep(node, promise)
    return given


def issue(node: Node, name: str, direction: str = "outgoing") -> RegisterNumber:
    begin(node, name, direction)
    return give(node, name)


def package_of(node: Node, name: str) -> None:
    """Store what a document's package would be, for nobody remembers it."""
    dispatch = clerk.find(node, name).dispatch
    folder = node.folder / "packing"
    folder.mkdir(exist_ok=True)
    out = folder / f"{name}.edxml"
    pack(Dispatch.from_dict({**dispatch, "attachments": []}), attach=[], out=out)
    with out.open("rb") as content:
        node.objects.put(content)


def forget(node: Node, *names: str, but_document: bool = False) -> None:
    """Make the database as it was before it knew these documents, or before they had a number."""
    with node.journal.engine.begin() as connection:
        connection.execute(delete(t.register_entries).where(t.register_entries.c.document.in_(names)))
        if but_document:
            again = {"state": State.SIGNED.value, "document_id": None}
            connection.execute(update(t.documents).where(t.documents.c.id.in_(names)).values(**again))
        else:
            connection.execute(update(t.audit).where(t.audit.c.document.in_(names)).values(document=None))
            for table in reversed(t.metadata.sorted_tables):
                if "document" in table.c:
                    connection.execute(delete(table).where(table.c["document"].in_(names)))
            connection.execute(delete(t.documents).where(t.documents.c.id.in_(names)))
        for book in connection.execute(select(t.books)).all():
            key = (t.books.c.series == book.series) & (t.books.c.year == book.year)
            entries = t.register_entries.c
            mine = (entries.series == book.series) & (entries.year == book.year)
            numbers = connection.execute(select(entries.number).where(mine)).scalars().all()
            connection.execute(update(t.books).where(key).values(last_number=max(numbers, default=0)))
    node.promised = Names()  # a restored database has new processes


def entries(node: Node, series: str = "VB-DI") -> list[tuple[int, str | None, str | None]]:
    with node.journal.reading() as connection:
        rows = registers.entries(connection, series=series, year=2026)
        return [(row.number, row.document, row.reserved_for) for row in rows]


def do_reconcile(node: Node, **more: Any) -> list[dict[str, Any]]:
    reconcile.begin(node, actor="operator")
    missing = reconcile.find_missing(node, **more)
    reconcile.enter(node, missing, actor="operator")
    node.promised = Names()
    return [each.to_dict() for each in missing]


def test_numbers_that_were_issued_are_not_given_again(node: Node) -> None:
    for name in ("first", "second", "third"):
        issue(node, name)
    forget(node, "second", "third")
    begin(node, "new")
    with pytest.raises(UnreconciledError, match="VB-DI/2026/2 was given already"):
        give(node, "new")
    assert [each["entry"] for each in do_reconcile(node)] == ["VB-DI/2026/2", "VB-DI/2026/3"]
    assert give(node, "new").number == 4
    assert entries(node) == [
        (1, "first", None),
        (2, None, reconcile.REASON),
        (3, None, reconcile.REASON),
        (4, "new", None),
    ]


def test_a_restored_entry_shows_what_its_document_said(node: Node) -> None:
    issue(node, "first")
    issue(node, "arrived", "incoming")
    before = [shown(node), shown(node, "incoming")]
    forget(node, "first", "arrived")
    told = do_reconcile(node)
    assert [each["witnesses"] for each in told] == [["promise"], ["promise"]]
    for direction, (row,) in zip(("outgoing", "incoming"), before, strict=True):
        (after,) = shown(node, direction)
        assert (after.code, after.issued, after.subject) == (row.code, row.issued, row.subject)
        assert reconcile.REASON in after.note


def test_while_numbering_is_held_no_process_gives_a_number(node: Node) -> None:
    issue(node, "first")
    begin(node, "second")
    with node.journal.transaction(actor="operator") as tx:
        numberholds.hold(tx, "somebody said so.")
        numberholds.hold(tx, "again.")
    # even a process that looked before, in any book, new or old
    with pytest.raises(UnreconciledError, match="somebody said so"):
        give(node, "second")
    with pytest.raises(Unavailable, match="reconcile"), node.journal.transaction(actor="vanthu") as tx:
        reservations.reserve(tx, series="HĐTĐKT", direction="outgoing", purpose="Họp")
    assert do_reconcile(node) == []
    assert give(node, "second").number == 2


def test_a_reserved_number_is_not_used_while_numbering_is_held(node: Node) -> None:
    begin(node, "first")
    with node.journal.transaction(actor="vanthu") as tx:
        (number,) = reservations.reserve(tx, series="VB-DI", direction="outgoing", purpose="Họp")
        reservations.hold(tx, number, document="first")
        numberholds.hold(tx, "somebody said so.")
    node.promised.add(promises._LOOKED)  # this process looked before
    with pytest.raises(UnreconciledError):
        give(node, "first")


def test_reserved_numbers_are_promised_too(node: Node) -> None:
    with node.journal.transaction(actor="vanthu") as tx:
        numbers = reservations.reserve(tx, series="HĐTĐKT", direction="outgoing", purpose="Giấy", count=3)
    promises.keep_reserved(node, tx, numbers, direction="outgoing")
    with node.journal.engine.begin() as connection:
        connection.execute(delete(t.register_entries))
        connection.execute(delete(t.books))
    begin(node, "new")
    with pytest.raises(UnreconciledError, match="HĐTĐKT/2026/3"):
        give(node, "new")
    assert [each["entry"] for each in do_reconcile(node)] == [f"HĐTĐKT/2026/{n}" for n in (1, 2, 3)]
    assert [number for number, _, _ in entries(node, "HĐTĐKT")] == [1, 2, 3]
    assert give(node, "new").number == 1


def test_a_document_that_was_not_packed_gets_its_own_number_back(node: Node) -> None:
    for name in ("first", "second", "third"):
        issue(node, name)
    issue(node, "arrived", "incoming")
    forget(node, "second", "arrived", but_document=True)
    with node.journal.engine.begin() as connection:
        received = update(t.documents).where(t.documents.c.id == "arrived")
        connection.execute(received.values(state=State.VERIFIED.value))
    forget(node, "third")
    do_reconcile(node)
    assert (give(node, "second").number, give(node, "arrived").number) == (2, 1)
    assert entries(node)[1:] == [(2, "second", reconcile.REASON), (3, None, reconcile.REASON)]


def test_a_document_that_was_packed_is_not_issued_twice(node: Node) -> None:
    issue(node, "first")
    package_of(node, "first")
    forget(node, "first", but_document=True)
    (told,) = do_reconcile(node)
    assert told["witnesses"] == ["promise", "package"]
    assert clerk.find(node, "first").state == State.VOIDED
    last = clerk.story(node, "first")[-1]
    assert (last.event, "VB-DI/2026/1" in last.details["reasons"][0]) == ("recall", True)
    assert entries(node) == [(1, None, reconcile.REASON)]


def test_packages_and_manifests_are_witnesses_where_no_promise_is(node: Node) -> None:
    for name in ("first", "second", "third"):
        issue(node, name)
    package_of(node, "second")
    with node.journal.reading() as connection:
        manifest = archive._manifest(connection, "third")
    node.objects.put(io.BytesIO(json.dumps(manifest).encode()))
    for junk in (b"{}", b"not a package", b"%PDF-1.7", b"[1]", b'{"format": 1}'):
        node.objects.put(io.BytesIO(junk))
    forget(node, "second", "third")
    for each in node.folder.glob("objects/promises/numbers/**/*"):
        if each.is_file():
            each.unlink()
    told = do_reconcile(node)
    assert [(each["entry"], each["witnesses"]) for each in told] == [
        ("VB-DI/2026/2", ["package"]),
        ("VB-DI/2026/3", ["manifest"]),
    ]
    assert told[0]["document_id"] == "H99.01,2026/03/05,02/UBND-VP"


def test_a_package_that_a_crash_left_behind_is_no_missing_number(node: Node) -> None:
    issue(node, "first")
    package_of(node, "first")
    assert reconcile.find_missing(node) == []


def test_what_the_operator_knows_of_counts_and_no_gap_is_left(node: Node) -> None:
    issue(node, "first")
    told = do_reconcile(node, last=[RegisterNumber.parse("VB-DI/2026/4")])
    assert [(each["entry"], each["witnesses"]) for each in told] == [
        ("VB-DI/2026/2", []),
        ("VB-DI/2026/3", []),
        ("VB-DI/2026/4", ["operator"]),
    ]
    assert issue(node, "second").number == 5


@embedded
@pytest.mark.parametrize("last", ["ABC/2026/4", "VB-DI/2026/999999"])
def test_a_last_number_that_cannot_be_is_refused_and_numbering_stays_held(node: Node, last: str) -> None:
    with pytest.raises(InputError):
        do_reconcile(node, last=[RegisterNumber.parse(last)])
    begin(node, "first")
    with pytest.raises(UnreconciledError):
        give(node, "first")


def test_a_number_that_another_document_had_is_found_before_it_is_used(node: Node) -> None:
    """A database that was exchanged under a process that has looked already."""
    issue(node, "first")
    forget(node, "first")
    node.promised.add(promises._LOOKED)  # this process looked before
    begin(node, "second")
    assert give(node, "second").number == 1
    with pytest.raises(Conflict, match="was given to first"):
        promises.ensure(node, "second")
    begin(node, "third")
    with pytest.raises(UnreconciledError):
        give(node, "third")


def test_another_process_that_numbers_meanwhile_is_no_alarm(node: Node) -> None:
    issue(node, "first")
    objects = node.objects
    begin(node, "second")

    class Overtaken:
        """The store as another process fills it just before this one looks."""

        def promises(self, prefix: str, *, after: str = "") -> Iterator[str]:
            if "VB-DI/2026" in prefix:
                node.objects = objects
                node.promised.add(promises._LOOKED)
                give(node, "second")
            return objects.promises(prefix, after=after)

    node.promised = Names()
    node.objects = Overtaken()  # type: ignore[assignment]
    assert promises.find_late(node) is None


def test_a_step_that_needs_a_number_waits_until_the_registers_are_reconciled(node: Node) -> None:
    issue(node, "first", "incoming")
    forget(node, "first")
    begin(node, "second", "incoming")
    with node.journal.transaction(actor="worker") as tx:
        tx.connection.execute(update(t.tasks).values(done_at=tx.at))
        tx.advance("second", Event.VERIFY)
    assert steps.run_next(node, kinds={Work.REGISTER}) == 0
    with node.journal.reading() as connection:
        task = connection.execute(select(t.tasks).where(t.tasks.c.kind == "register")).one()
    assert (task.code, task.dead_at) == ("UNRECONCILED", None)
    do_reconcile(node)
    tick(node.journal, 60)
    assert steps.run_next(node, kinds={Work.REGISTER}) == 1
    assert entries(node, "VB-DEN")[-1] == (2, "second", None)
    assert RegisterNumber.parse("VB-DEN/2026/2") in promises.list_promised(node)


def test_nothing_is_sealed_with_a_number_that_another_document_had(node: Node) -> None:
    begin(node, "first")
    with node.journal.transaction(actor="worker") as tx:
        given = registers.give_number(tx, series="VB-DI", document="first")
        tx.connection.execute(update(t.tasks).values(done_at=tx.at))
        tx.advance("first", Event.NUMBER)
    other = promises.Promise(number=given, direction="outgoing", given_at="", document="other")
    node.objects.promise(promises.name_of(given), other.to_text())
    assert steps.run_next(node, kinds={Work.SEAL}) == 0
    (letter,) = deadletters.list_letters(node.journal)
    assert letter["code"] == "CONFLICT"
    assert "was given to other" in letter["error"]
    with node.journal.reading() as connection:
        assert numberholds.find_hold(connection) is not None


@embedded
def test_a_promise_that_could_not_be_written_is_written_before_the_number_is_used(node: Node) -> None:
    begin(node, "first")
    promises.require_reconciled(node)
    folder = node.folder / "objects/promises"
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way", encoding="utf-8")
    assert give(node, "first").number == 1
    with pytest.raises(Unavailable):
        promises.ensure(node, "first")
    folder.unlink()
    promises.ensure(node, "first")
    assert list(promises.list_promised(node)) == [RegisterNumber.parse("VB-DI/2026/1")]


@embedded
def test_only_what_comes_after_the_last_number_is_listed(node: Node) -> None:
    for number in (1, 999, 1000, 1001, 25_000):
        name = promises.name_of(RegisterNumber(series="VB-DI", year=2026, number=number))
        node.objects.promise(name, "x")
        assert promises.read_name(name) == RegisterNumber(series="VB-DI", year=2026, number=number)
    after = promises.name_of(RegisterNumber(series="VB-DI", year=2026, number=999))
    found = map(promises.read_name, node.objects.promises("numbers/VB-DI/2026/", after=after))
    assert [each and each.number for each in found] == [1000, 1001, 25_000]
    assert promises.read_name("numbers/_zz/2026/000000/001") is None
    assert promises.read_name("elsewhere") is None
    assert promises.find_late(node) == RegisterNumber(series="VB-DI", year=2026, number=1)


@embedded
def test_a_promise_stays_small_and_what_is_none_counts_as_a_number(node: Node) -> None:
    number = RegisterNumber(series="VB-DI", year=2026, number=7)
    at = datetime(2026, 3, 5, tzinfo=UTC).isoformat()
    long = promises.Promise(
        number=number, direction="outgoing", given_at=at, document="a", header={"subject": "dài" * 40_000}
    )
    assert len(long.to_text().encode()) < 1000
    assert promises.Promise.from_text(number, long.to_text()).document == "a"
    assert promises.Promise.from_text(number, "[]").number == number
    node.objects.promise(promises.name_of(number), "damaged")
    assert [each["entry"] for each in do_reconcile(node)][-1] == "VB-DI/2026/7"


@embedded
def test_an_operator_reconciles_at_the_command_line(node: Node, run: Run) -> None:
    issue(node, "first")
    forget(node, "first")

    def edoc(*words: str) -> Any:
        done = run("register", *words, "--node", node.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = json.loads(edoc("reconcile", "--dry-run", "--json"))
    assert ([each["entry"] for each in told["missing"]], told["entered"]) == (["VB-DI/2026/1"], False)
    assert entries(node) == []
    assert "VB-DI/2026/1  promise  H99.01" in edoc("reconcile", "--last", "VB-DEN/2026/2")
    assert [number for number, _, _ in entries(node, "VB-DEN")] == [1, 2]
    assert json.loads(edoc("reconcile", "--json")) == {"missing": [], "entered": True}
