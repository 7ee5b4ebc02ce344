"""A node with documents in its registers, without keys, packages or other agencies."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clockwork import Clock
from sqlalchemy import text

from edoc.core.entryfields import RegisterNumber
from edoc.core.lifecycle import Event
from edoc.devpki.hierarchy import DevPki
from edoc.node import books, registers, reservations
from edoc.node import tables as t
from edoc.node.node import Node, migrate

KINDS = ("sqlite", "postgresql")
SERIES = {"outgoing": "VB-DI", "incoming": "VB-DEN"}


@contextmanager
def registering_node(request: pytest.FixtureRequest, folder: Path, pki: DevPki, kind: str) -> Iterator[Node]:
    """A node on SQLite or PostgreSQL that numbers for itself and for one advisory body."""
    url, clock = "sqlite:///node.db", Clock()
    if kind == "postgresql":
        clock = Clock.of(request.getfixturevalue("postgres_database"))
        url = clock.url
    seal = pki.key_path("a-seal")
    (folder / "edoc.toml").write_text(
        f"""
[agency]
organ_id = "H99.01"
organ_name = "Ủy ban nhân dân xã Kiểm Thử"
organization_in_charge = "Ủy ban nhân dân tỉnh Mẫu"
[mailbox]
path = "mailbox"
[seal]
key = "{seal}"
passphrase_file = "{seal.parent / "passphrase.txt"}"
level = "B-B"
[trust]
paths = ["{pki.trust_path}"]
unsafe_allow_development = true
[database]
url = "{url}"
[register]
advisory_series = ["HĐTĐKT"]
""",
        encoding="utf-8",
    )
    migrate(folder)
    with Node.open(folder, clock=clock) as node:
        yield node


def header(**changes: Any) -> dict[str, Any]:
    """The header of a document from somewhere, with the top-level keys that are given."""
    return {
        "from": {"organ_id": "H99.02", "organ_name": "Sở Nội vụ"},
        "to": [{"organ_id": "H99.01", "organ_name": "Ủy ban nhân dân xã Kiểm Thử"}],
        "code": {"code_number": "12", "code_notation": "SNV-VP"},
        "promulgation_info": {"place": "Mẫu", "promulgation_date": "2026-03-04"},
        "document_type": {"type": 2, "type_detail": 1, "type_name": "Thông báo"},
        "subject": "Về việc tập huấn công tác văn thư",
        "signer_info": {"position": "Giám đốc", "full_name": "Trần Thị Mẫu"},
        "attachments": [],
        **changes,
    }


def begin(node: Node, name: str, direction: str, *, series: str | None = None, **changes: Any) -> str:
    """Enter a document without a number."""
    dispatch = header(**changes)
    with node.journal.transaction(actor="văn thư") as tx:
        tx.begin(
            name,
            direction,
            submission=name,
            organ_id=dispatch["from"]["organ_id"],
            document_id=dispatch.get("document_id"),
            dispatch=dispatch,
            series=series,
        )
    return name


def give(node: Node, name: str) -> RegisterNumber:
    """Give a document its number."""
    with node.journal.transaction(actor="văn thư") as tx:
        return registers.give_number(tx, series=SERIES[tx.document(name).direction], document=name)


def enter(node: Node, name: str, direction: str, **changes: Any) -> RegisterNumber:
    """Enter a document and give it its number."""
    begin(node, name, direction, **changes)
    return give(node, name)


def note_event(node: Node, document: str, event: Event) -> None:
    """Write down that something happened to a document."""
    with node.journal.transaction(actor="văn thư") as tx:
        tx.note(document, event.value)


def explain(node: Node, statement: str, values: Mapping[str, Any] | tuple[Any, ...]) -> str:
    """How the database would carry a statement out, when it has no reason to prefer small tables."""
    with node.journal.engine.connect() as connection:
        if node.journal.engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            return "\n".join(row.detail for row in rows)
        connection.execute(text("SET enable_seqscan = off"))
        connection.execute(text("SET enable_indexscan = on"))
        return "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars())


def row_count(node: Node) -> int:
    """How many entries there are in all books."""
    with node.journal.reading() as connection:
        return len(connection.execute(t.register_entries.select()).all())


def reserve(node: Node, **changes: Any) -> list[RegisterNumber]:
    wanted = {"series": "VB-DI", "direction": "outgoing", "purpose": "Văn bản giấy", **changes}
    with node.journal.transaction(actor="văn thư") as tx:
        return reservations.reserve(tx, **wanted)


def describe(node: Node, number: RegisterNumber, **changes: Any) -> None:
    agency = node.settings.agency.organization
    with node.journal.transaction(actor="văn thư") as tx:
        reservations.describe_paper(tx, number, changes, agency=agency)


def add(node: Node, number: RegisterNumber, **fields: Any) -> None:
    with node.journal.transaction(actor="văn thư") as tx:
        reservations.add_fields(tx, number, fields)


def void(node: Node, number: RegisterNumber, reason: str = "Không dùng đến") -> None:
    with node.journal.transaction(actor="văn thư") as tx:
        reservations.void(tx, number, reason=reason)


PAPER: dict[str, Any] = {
    "code": {"code_notation": "UBND-VP"},
    "promulgation_info": {"promulgation_date": "2026-03-05"},
    "document_type": {"type_name": "Quyết định"},
    "subject": "Về việc khen thưởng",
    "signer_info": {"full_name": "Lê Văn Giấy"},
    "to_places": ["Như Điều 3", "Lưu: VT"],
}


def set_time(node: Node, now: datetime) -> None:
    assert isinstance(node.journal.clock, Clock)
    node.journal.clock.now = now


def shown(node: Node, direction: str = "outgoing", **wanted: Any) -> list[Any]:
    return list(books.rows(node, books.find_book(node, direction, **wanted)))


def fill(node: Node) -> None:
    """Documents of every kind in both books."""
    enter(
        node,
        "sent",
        "outgoing",
        **{"from": {"organ_id": "H99.01", "organ_name": "Ủy ban nhân dân xã Kiểm Thử"}},
        code={"code_number": "01", "code_notation": "UBND-VP"},
        promulgation_info={"promulgation_date": "2026-03-05"},
        to=[{"organ_id": "H99.02", "organ_name": "Sở Nội vụ"}, {"organ_id": "H99.03"}],
        other_info={"promulgation_amount": 3},
    )
    enter(node, "received", "incoming")
    set_time(node, datetime(2026, 3, 6, 18, 0, tzinfo=UTC))  # the 7th in Vietnam
    note_event(node, "sent", Event.SEND)
    note_event(node, "received", Event.ASSIGN)
    (number,) = reserve(node)
    void(node, number)


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
