"""Draws the state machines for docs/lifecycle.md from their tables.

`python tests/drawing.py` writes the page.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from edoc.core.deadlines import TERMS
from edoc.core.lifecycle import DELIVERY, INCOMING, ORDER_DELIVERY, OUTGOING, Machine
from edoc.core.orders import VERDICTS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "lifecycle.md"
_HEADINGS = (
    (OUTGOING, "A document we send", "văn bản đi"),
    (INCOMING, "A document that arrives", "văn bản đến"),
    (DELIVERY, "One delivery, as its sender sees it", "văn bản tại một nơi nhận"),
    (ORDER_DELIVERY, "The delivery of an order", "yêu cầu thu hồi, cập nhật tại một nơi nhận"),
)
_INTRODUCTION = """# The life of a document

Drawn from the tables in `edoc/core/lifecycle.py`, `orders.py` and `deadlines.py`; a test keeps this page
equal to them, `python tests/drawing.py` writes it anew. What a table does not list is refused. Events that
change nothing (a status that comes late, a repeat) are left out of the pictures.
"""


def draw() -> str:
    """Give the whole page."""
    return "\n".join([_INTRODUCTION, *_draw_machines(), *_draw_orders(), *_draw_deadlines()])


def _draw_machines() -> Iterator[str]:
    for machine, english, vietnamese in _HEADINGS:
        yield f"## {english} ({vietnamese})\n\n```mermaid\nstateDiagram-v2"
        yield from (f"    [*] --> {state.value}" for state in machine.entrances)
        yield from _draw_arrows(machine)
        yield "```\n"
        if machine.work:
            yield "| State | Work it causes |\n|---|---|"
            for state, works in machine.work.items():
                words = ", ".join(" ".join(filter(None, (kind.value, argument))) for kind, argument in works)
                yield f"| {state.value} | {words} |"
            yield ""


def _draw_arrows(machine: Machine) -> Iterator[str]:
    arrows = sorted(
        (before.value, after.value, event.value)
        for (before, event), after in machine.transitions.items()
        if before is not after
    )
    for (before, after), group in groupby(arrows, key=lambda arrow: arrow[:2]):
        yield f"    {before} --> {after}: {', '.join(event for _, _, event in group)}"


def _draw_orders() -> Iterator[str]:
    yield "## What an order does\n\n| Order | The document it names is | What becomes of it |\n|---|---|---|"
    rows = sorted(
        ((kind.name.lower(), verdict.value, state) for (kind, state), verdict in VERDICTS.items()),
        key=lambda row: (row[0], row[1], row[2] or ""),
    )
    for (kind, verdict), group in groupby(rows, key=lambda row: row[:2]):
        states = ", ".join("unknown" if state is None else state.value for _, _, state in group)
        yield f"| {kind} | {states} | {verdict} |"
    yield ""


def _draw_deadlines() -> Iterator[str]:
    yield "## Deadlines\n\n| Deadline | Of | From | Met by | Counted | Law |\n|---|---|---|---|---|---|"
    for term in TERMS:
        met = ", ".join(sorted(state.value for state in term.met)) or f"status {term.answer}"
        cells = (term.kind.value, term.life, term.opens.value, met, term.limit.value, term.law)
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(draw() + "\n", encoding="utf-8")
