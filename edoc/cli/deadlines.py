"""`edoc deadlines`: what is late, and what will be soon."""

from datetime import datetime, timedelta
from typing import Any

import typer

from edoc.cli._run import emit_json, reported, say
from edoc.cli.operate import JsonOption, NodeOption
from edoc.core.zone import VIETNAM

_KINDS = {
    "release": ("phát hành văn bản", "issue and send"),
    "hand-over": ("giao tới nơi nhận", "hand over to the recipient"),
    "receipt": ("nơi nhận báo đã đến", "the recipient says that it arrived"),
    "reply": ("nơi nhận hoàn thành", "the recipient completes it"),
    "recall": ("nơi nhận trả lời thu hồi", "the recipient answers the recall"),
    "notice": ("báo đã nhận văn bản", "say that it arrived"),
    "register": ("đăng ký văn bản đến", "register or return"),
    "handle": ("giải quyết văn bản", "handle by its date"),
    "decide": ("trả lời yêu cầu", "answer the order"),
}


STYLES = {"open": "cyan", "at-risk": "yellow", "late": "red"}
"""How deadlines are shown that are not over."""
_WORDS = {"late": "QUÁ HẠN / late", "at-risk": "sắp đến hạn / at risk"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: edoc deadlines --node /srv/edoc/node")(deadlines)


def deadlines(node: NodeOption, json: JsonOption = False) -> None:
    """List deadlines that are missed or at risk, the earliest first; exits 1 if one is missed."""
    from rich.console import Console
    from rich.table import Table

    from edoc.node import terms
    from edoc.node.node import Node

    with reported(), Node.open(node) as opened, opened.journal.reading_at() as (connection, now):
        late, at_risk = (
            [terms.summarize(row, now=now) for row in terms.open_terms(connection, now=now, late=late)]
            for late in (True, False)
        )
    if json:
        emit_json({"late": late, "at_risk": at_risk})
    else:
        table = Table(box=None)
        for heading in ("", "hạn", "việc", "văn bản", "nơi nhận"):
            table.add_column(heading, overflow="fold")
        for each in (*late, *at_risk):
            words = _WORDS[each["standing"]]
            table.add_row(words, _show(each["due_at"]), _name(each), each["document"], each["recipient"])
        Console().print(table)
        say(f"{len(late)} late, {len(at_risk)} at risk.")
    raise SystemExit(1 if late else 0)


def tell(term: dict[str, Any]) -> str:
    """An open deadline in one line."""
    where = f" ({term['recipient']})" if term["recipient"] else ""
    how = _WORDS.get(term["standing"])
    return f"{_show(term['due_at'])}  {_name(term)}{where}" + (f"  {how}" if how else "")


def _show(instant: str) -> str:
    at = datetime.fromisoformat(instant).astimezone(VIETNAM)
    if (at.hour, at.minute) == (0, 0):  # the end of the day before
        return f"{at - timedelta(days=1):%d/%m/%Y} 24:00"
    return f"{at:%d/%m/%Y %H:%M}"


def _name(term: dict[str, Any]) -> str:
    vietnamese, english = _KINDS[term["kind"]]
    return f"{vietnamese} / {english}"
