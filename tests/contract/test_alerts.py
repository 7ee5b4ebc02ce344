"""What is remarkable about a document is kept with its entry and seen wherever the document is seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from registering import (
    KINDS,
    begin,
    describe,
    enter,
    header,
    registering_node,
    reserve,
    shown,
)
from sqlalchemy import insert

from edoc.core.entryfields import RegisterNumber
from edoc.devpki.hierarchy import DevPki
from edoc.node import clerk, entrydetails
from edoc.node import tables as t
from edoc.node.alerts import CONFLICT, TOO_LONG
from edoc.node.duplicates import SAME_CODE, SAME_NUMBER
from edoc.node.journal import Transaction
from edoc.node.listing import list_documents
from edoc.node.node import Node


@pytest.fixture(params=KINDS)
def node(request: pytest.FixtureRequest, tmp_path: Path, pki: DevPki) -> Iterator[Node]:
    with registering_node(request, tmp_path, pki, request.param) as opened:
        yield opened


def alerts(node: Node, number: RegisterNumber) -> list[tuple[str, str]]:
    return [(alert["kind"], alert.get("entry", "")) for alert in entrydetails.tell(node, number)["alerts"]]


def test_the_same_document_code_raises_an_alert(node: Node) -> None:
    enter(node, "a", "incoming", document_id="H99.02,2026/03/04,12/SNV-VP")
    again = enter(
        node,
        "b",
        "incoming",
        document_id="H99.02,2026/03/04,12/SNV-VP",
        **{"from": {"organ_id": "H99.09", "organ_name": "Trục tỉnh"}},
    )
    assert alerts(node, again) == [(SAME_CODE, "VB-DEN/2026/1")]


@pytest.mark.parametrize(
    "issuer",
    [
        {"organ_id": "H99.02", "organ_name": "SNV"},
        {"organ_id": "000.00.02.H99"},
        {"organ_id": "X", "organ_name": "SỞ NỘI  VỤ"},
    ],
    ids=["same code", "old form of the code", "same name"],
)
def test_the_same_number_symbol_and_issuer_raise_an_alert(node: Node, issuer: dict[str, str]) -> None:
    enter(node, "a", "incoming")
    again = enter(
        node, "b", "incoming", code={"code_number": "012", "code_notation": "snv-vp"}, **{"from": issuer}
    )
    assert alerts(node, again) == [(SAME_NUMBER, "VB-DEN/2026/1")]


@pytest.mark.parametrize(
    "changes",
    [
        {"code": {"code_number": "13", "code_notation": "SNV-VP"}},
        {"code": {"code_number": "12", "code_notation": "SNV-TTr"}},
        {"from": {"organ_id": "H99.03", "organ_name": "Sở Tư pháp"}},
        {"promulgation_info": {"promulgation_date": "2025-03-04"}},
        {"code": {"code_number": "", "code_notation": ""}},
    ],
    ids=["number", "symbol", "issuer", "year", "nothing to compare"],
)
def test_what_differs_in_one_of_them_raises_none(node: Node, changes: dict[str, Any]) -> None:
    enter(node, "a", "incoming")
    assert alerts(node, enter(node, "b", "incoming", **changes)) == []


def test_a_paper_copy_of_what_came_electronically_raises_an_alert_and_describing_it_again_not_of_itself(
    node: Node,
) -> None:
    enter(node, "a", "incoming")
    (number,) = reserve(node, series="VB-DEN", direction="incoming")
    for _ in range(2):
        describe(node, number, **header(**{"from": {"organ_id": "-", "organ_name": "Sở Nội vụ"}}))
        assert alerts(node, number) == [(SAME_NUMBER, "VB-DEN/2026/1")]


def test_what_others_wrote_too_long_is_kept_and_reported(node: Node) -> None:
    subject = "Về việc " * 70
    number = enter(node, "a", "incoming", subject=subject)
    told = entrydetails.tell(node, number)
    assert told["fields"]["Subject"] == subject
    assert [(alert["kind"], alert["text"]) for alert in told["alerts"]] == [
        (TOO_LONG, "Subject dài 560 ký tự (Phụ lục VI: 500)")
    ]


def test_alerts_are_seen_in_the_list_in_the_document_and_in_the_register(node: Node) -> None:
    enter(node, "a", "incoming")
    enter(node, "b", "incoming")
    begin(node, "c", "incoming", subject="Không cảnh báo")
    with node.journal.transaction(actor="văn thư") as tx:
        conflict(tx, "a")
    kinds = {row["id"]: [alert["kind"] for alert in row["alerts"]] for row in list_documents(node)}
    assert kinds == {"a": [CONFLICT], "b": [SAME_NUMBER], "c": []}
    told = clerk.tell(node, "b")
    assert told["register"] == "VB-DEN/2026/2"
    assert [alert["kind"] for alert in told["alerts"]] == [SAME_NUMBER]
    assert [row.note for row in shown(node, "incoming")] == [
        "Gói tin khác nội dung đến dưới cùng mã định danh",
        "Trùng số, ký hiệu và tác giả với VB-DEN/2026/1",
    ]
    assert [entry["note"] for entry in entrydetails.list_entries(node, "incoming")] == [
        row.note for row in shown(node, "incoming")
    ]


def conflict(tx: Transaction, document: str) -> None:
    """Another package came under the document's code."""
    values = {"sender": "H99.02", "kind": "document", "key": "k", "sha256": "0" * 64, "message_id": "m"}
    tx.connection.execute(
        insert(t.inbox).values(**values, outcome="conflict", document=document, received_at=tx.at)
    )
