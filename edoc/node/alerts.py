"""What is remarkable about a registered document and stays with its entry: for a clerk to see and decide.

    values = examine(connection, header)               # columns of the entry of a document that arrived
    alerts_of(connection, ["1f3…", "77a…"])            # by document

Kinds: duplicates (`edoc.node.duplicates`), values that are longer than Annex VI of NĐ 30/2020 allows, and
other content that came later under the same document code and was not entered.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from edoc.core.annex6 import list_excess
from edoc.core.entryfields import RegisterNumber
from edoc.node import tables as t
from edoc.node.duplicates import SAME_CODE, SAME_NUMBER, find, keys_of

_ENTRIES: Final = t.register_entries
TOO_LONG: Final = "too-long"
CONFLICT: Final = "other-content-under-same-code"

Alert = Mapping[str, Any]
"""Plain JSON: `kind`, and what it is about."""

_WORDS: Final = {
    SAME_CODE: "Trùng mã định danh văn bản với {entry}",
    SAME_NUMBER: "Trùng số, ký hiệu và tác giả với {entry}",
    TOO_LONG: "{field} dài {length} ký tự (Phụ lục VI: {limit})",
    CONFLICT: "Gói tin khác nội dung đến dưới cùng mã định danh",
}


def describe(alert: Alert) -> str:
    """Say what an alert means, in Vietnamese."""
    return _WORDS[alert["kind"]].format_map(alert)


def examine(
    connection: Connection, header: Mapping[str, Any], *, but: RegisterNumber | None = None
) -> dict[str, Any]:
    """What an entry says of a document that arrived: what duplicates are found by, and the alerts.

    `but`: the entry itself, if it is there already.
    """
    keys = keys_of(header)
    alerts = [each for each in find(connection, keys) if each["entry"] != str(but)]
    alerts += [
        {"kind": TOO_LONG, "field": each.field, "length": each.length, "limit": each.limit}
        for each in list_excess(header, "incoming")
    ]
    return {**keys.values(), "alerts": alerts or None}


def alerts_of(connection: Connection, documents: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """The alerts of these documents: of their entries, and of other content that came under their code."""
    found: dict[str, list[dict[str, Any]]] = {}
    with_alerts = select(_ENTRIES.c.document, _ENTRIES.c.alerts).where(
        _ENTRIES.c.document.in_(documents) & _ENTRIES.c.alerts.is_not(None)
    )
    for row in connection.execute(with_alerts):
        found.setdefault(row.document, []).extend(row.alerts)
    inbox = t.inbox.c
    others = (
        select(inbox.document, inbox.sha256, inbox.received_at)
        .where(inbox.document.in_(documents) & (inbox.outcome == "conflict"))
        .order_by(inbox.received_at)
    )
    for other in connection.execute(others):
        found.setdefault(other.document, []).append(
            {"kind": CONFLICT, "sha256": other.sha256, "received_at": other.received_at}
        )
    return found
