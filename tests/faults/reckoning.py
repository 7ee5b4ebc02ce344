"""What must be true at the end: every good document once on both sides, every bad one named with its reason.

    losses = reckon(grounds)        # nothing if all is well

Asked of the nodes themselves and of their command line, as an operator would.
"""

import hashlib
import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from grounds import Grounds, Side
from poison import Bad
from sqlalchemy import select

from edoc.core.lifecycle import State
from edoc.core.verdicts import TimeSource
from edoc.core.zone import VIETNAM
from edoc.node import clerk
from edoc.node import tables as t
from edoc.node.scratch import reading
from edoc.verification import verify

_LIFE: Final = frozenset(
    {
        *("submit", "number", "seal", "pack", "deliver", "send", "conclude", "archive", "complete"),
        *("receive", "verify", "register", "answer-03", "answer-06", "status-03", "status-06"),
    }
)
"""What happens to a document once, whatever happens around it. A receipt (01) may be given again."""
_GRACE: Final = timedelta(seconds=2)
"""Signatures and CRLs know whole seconds only."""
_SKEW: Final = timedelta(seconds=60)
"""So far off the database's clock a machine may still sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Something that must not be."""

    kind: str
    """One of `KINDS`."""
    trial: str
    """In which trial the document was sent; empty if it concerns no document."""
    words: str


KINDS: Final = ("lost", "twice", "register", "unexplained", "clock", "audit", "archive", "orphan")
"""Kinds of losses, as the columns of the table."""


def reckon(grounds: Grounds) -> list[Loss]:
    """Check everything on both sides; the workers have ended."""
    found = list[Loss]()
    for side, other in (grounds.sides, grounds.sides[::-1]):
        found += _check_documents(side, other)
        found += _check_registers(side)
        found += _check_commands(side)
        found += _check_letters(side)
    return found


def _check_documents(side: Side, other: Side) -> Iterator[Loss]:
    rows = {each.id: each for each in clerk.documents(side.node, direction="outgoing")}
    arrived: dict[str, list[Any]] = {}
    for came_in in clerk.documents(other.node, direction="incoming"):
        arrived.setdefault(came_in.document_id, []).append(came_in)
    events, others = count_events(side), count_events(other)
    for document, trial in side.sent.items():
        name = f"{side.agency.key}: {document}"
        row = rows.get(document)
        if row is None or row.state != State.ARCHIVED:
            yield Loss(kind="lost", trial=trial, words=f"{name} is {row and row.state} at its sender")
            continue
        came = arrived.get(row.document_id, [])
        if len(came) != 1:
            kind = "twice" if came else "lost"
            yield Loss(kind=kind, trial=trial, words=f"{name} came {len(came)} times")
            continue
        if came[0].state != State.ARCHIVED:
            yield Loss(kind="lost", trial=trial, words=f"{name} is {came[0].state} at its recipient")
        for counted in (events[document], others[came[0].id]):
            for event, count in counted.items():
                if count > 1 and event in _LIFE:
                    yield Loss(kind="twice", trial=trial, words=f"{name}: {event} {count} times")


def count_events(side: Side) -> dict[str | None, Counter[str]]:
    """What happened to each document of a node, and how often."""
    counted: dict[str | None, Counter[str]] = {}
    with side.node.journal.reading() as connection:
        for document, event in connection.execute(select(t.audit.c.document, t.audit.c.event)):
            counted.setdefault(document, Counter())[event] += 1
    return counted


def _check_registers(side: Side) -> Iterator[Loss]:
    with side.node.journal.reading() as connection:
        books = connection.execute(select(t.books)).all()
        entries = connection.execute(select(t.register_entries)).all()
    for book in books:
        mine = [each for each in entries if (each.series, each.year) == (book.series, book.year)]
        numbers = sorted(each.number for each in mine)
        name = f"{side.agency.key}: {book.series}/{book.year}"
        if numbers != list(range(1, book.last_number + 1)):
            words = f"{name} has {numbers} up to {book.last_number}"
            yield Loss(kind="register", trial="", words=words)
        holders = Counter(each.document for each in mine if each.document is not None)
        for document, count in holders.items():
            if count > 1:
                yield Loss(kind="register", trial="", words=f"{name}: {document} has {count} numbers")
        in_order = sorted(mine, key=lambda each: each.number)
        for earlier, later in pairwise(in_order):
            if _day(earlier) > _day(later):
                words = f"{name}: {later.number} was given before {earlier.number}"
                yield Loss(kind="register", trial="", words=words)


def _day(entry: Any) -> date:
    """The day on which a number was given, in Vietnam."""
    return datetime.fromisoformat(entry.given_at).astimezone(VIETNAM).date()


def _check_commands(side: Side) -> Iterator[Loss]:
    for kind, words in (("audit", ("audit-log", "verify")), ("archive", ("archive", "audit"))):
        done = edoc(side, *words)
        if done.returncode:
            yield Loss(kind=kind, trial="", words=f"{side.agency.key}: {done.stdout}{done.stderr}"[:500])


def _check_letters(side: Side) -> Iterator[Loss]:
    """A good document's step may have been set aside meanwhile; none is at the end."""
    for letter in json.loads(edoc(side, "dead-letters", "list", "--json").stdout):
        if not letter["error"]:
            yield Loss(kind="unexplained", trial="", words=f"{side.agency.key}: {letter} has no reason")
        trial = side.sent.get(letter["document"])
        if trial is not None:
            words = f"{side.agency.key}: {letter['document']} was set aside: {letter['error']}"
            yield Loss(kind="lost", trial=trial, words=words)


_NOTED = ("unreadable", "unmatched-status", "conflict")


def explain_bad(side: Side, bad: Bad) -> str:
    """Say what became of a bad package that arrived, with its reason; empty if nobody can tell."""
    sha256 = hashlib.sha256(bad.content).hexdigest()
    with side.node.journal.reading() as connection:
        rows = connection.execute(select(t.inbox).where(t.inbox.c.sha256 == sha256)).all()
        notes = connection.execute(select(t.audit.c.details).where(t.audit.c.event.in_(_NOTED))).scalars()
        noted = {each["sha256"]: each.get("reason") or each.get("code") or "conflict" for each in notes}
    if len(rows) != 1:
        return ""
    if rows[0].outcome != "entered":
        return f"{rows[0].outcome}: {noted[sha256]}" if sha256 in noted else ""
    return explain_document(side, rows[0].document)


def explain_document(side: Side, document: str) -> str:
    """Say why a document that is bad got no further; empty if it did, or if nobody can tell."""
    for entry in clerk.story(side.node, document):
        if entry.event == "refuse" and entry.details.get("reasons"):
            return f"refused: {entry.details['reasons'][0]}"
        if entry.event == "void" and entry.details.get("reason"):
            return f"voided: {entry.details['reason']}"
        if entry.event == "status-02" and entry.details.get("description"):
            return f"returned: {entry.details['description']}"
    dead = [row.error for row in clerk.trouble(side.node, document) if row.dead_at and row.error]
    return f"set aside: {dead[0]}" if dead else ""


def list_orphans(side: Side) -> list[str]:
    """Objects that nothing names, as the command line reports them."""
    told: dict[str, list[str]] = json.loads(edoc(side, "archive", "orphans", "--json").stdout)
    return told["orphans"]


def check_orphans(grounds: Grounds, reported: dict[str, list[str]]) -> Iterator[Loss]:
    """Every object is named by a row or was reported; each that a row names is there."""
    for side in grounds.sides:
        stored = set(side.node.objects.hashes())
        with side.node.journal.reading() as connection:
            named = set(connection.execute(select(t.files.c.sha256)).scalars())
            named |= set(connection.execute(select(t.inbox.c.sha256)).scalars())
            notes = connection.execute(select(t.audit.c.details).where(t.audit.c.event == "anchor")).scalars()
            named |= {each["token"] for each in notes}
        for sha256 in stored - named - set(reported[side.agency.key]):
            yield Loss(kind="orphan", trial="", words=f"{side.agency.key}: {sha256} is not reported")
        for sha256 in named - stored:
            yield Loss(kind="lost", trial="", words=f"{side.agency.key}: the object {sha256} is gone")


def check_times(grounds: Grounds, side: Side, trial: str) -> Iterator[Loss]:
    """No entry and no signature of the trial's documents carries a time at which it was not made."""
    began, ended = grounds.began_at - _GRACE, datetime.now(UTC) + _GRACE
    mine = [document for document, sent_in in side.sent.items() if sent_in == trial]
    sealed = (
        select(
            t.files.c.document, t.files.c.sha256, t.files.c.created_at, t.documents.c.created_at.label("at")
        )
        .join_from(t.files, t.documents)
        .where((t.files.c.role == "sealed") & t.files.c.document.in_(mine))
    )
    with side.node.journal.reading() as connection:
        given = connection.execute(select(t.register_entries.c.number, t.register_entries.c.given_at)).all()
        story = connection.execute(select(t.audit.c.seq, t.audit.c.at).order_by(t.audit.c.seq)).all()
        files = connection.execute(sealed).all()
    for name, at in (*given, *story):
        if not began <= datetime.fromisoformat(at) <= ended:
            yield Loss(kind="clock", trial=trial, words=f"{side.agency.key}: entry {name} says {at}")
    for file in files:
        # the person signs a moment before the document is submitted
        first = datetime.fromisoformat(file.at) - _SKEW
        last = datetime.fromisoformat(file.created_at) + _SKEW
        for field, at in _list_times(side, file.sha256):
            if not first <= at <= last:
                words = f"{side.agency.key}: {field} of {file.document} says {at.isoformat()}"
                yield Loss(kind="clock", trial=trial, words=words)


def _list_times(side: Side, sha256: str) -> Iterator[tuple[str | None, datetime]]:
    """Every time that a sealed PDF carries: what its signers claim and what its time-stamps prove."""
    with reading(side.node, sha256) as source:
        (report,) = verify(io.BytesIO(source.read()), trust=side.node.trust, offline=True).files
    for signature in report.signatures:
        if signature.claimed_time is not None:
            yield signature.field, signature.claimed_time
        if signature.best_time is not None and signature.time_source is not TimeSource.VALIDATION_TIME:
            yield signature.field, signature.best_time


def edoc(side: Side, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line on a side's node."""
    command = [sys.executable, "-m", "edoc.cli.main", *words, "--node", str(side.folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
