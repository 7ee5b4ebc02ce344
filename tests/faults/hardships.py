"""Trials whose faults lie in the machine or in the papers: wrong clocks, full disks, poison, certificates."""

import io
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from certifying import renew_seal
from crews import LIBRARY, Worker, await_ready, working
from grounds import Grounds, Side, draft
from poison import make_bad
from reckoning import edoc
from rounds import (
    Every,
    Outcome,
    Terms,
    carry_through,
    count_audit,
    play_clerks,
    send,
)
from sqlalchemy import select

from edoc.core.lifecycle import State
from edoc.demo.play import SAMPLE_PDF
from edoc.devpki.hierarchy import revoke
from edoc.devpki.profiles import AGENCIES
from edoc.errors import EdocError
from edoc.node import clerk
from edoc.node import tables as t
from edoc.node.mailbox import Mailbox
from edoc.node.scratch import reading

SKEWS: Final = (120, -120, 86_400, -86_400)
"""Seconds by which a worker's clock is wrong: two minutes and a day, both ways."""
_TOLERATED: Final = 40
"""Seconds by which it may be wrong without anything stopping."""
_STILL_SENT: Final = 5
_STILL_SECONDS: Final = 3.0
_SLOW: Final = 30.0
_NOBODY: Final = replace(AGENCIES[0], key="x", organ_id="H99.77", name="DEV Cơ quan không có thật")


class SkipError(Exception):
    """A trial that this machine does not permit; says why."""


def skew_clock(grounds: Grounds, terms: Terms) -> Outcome:
    """A worker's clock jumps in the middle of its work: it must stand still until it is right again."""
    if LIBRARY is None:
        raise SkipError("libfaketime is missing: install the Debian package faketime")
    outcome = Outcome()
    one, two = grounds.sides
    clock = grounds.folder / "clock"
    _set(clock, 0)
    wrong = Worker(side=one, scratch=grounds.scratch, clock=clock)
    right = Worker(side=two, scratch=grounds.scratch)
    skews = SKEWS if not terms.brief else SKEWS[1:3]
    each = max(1, terms.count // (2 * len(skews) + 1))
    with wrong, right:
        for worker in (wrong, right):
            await_ready(worker)
        for skew in skews:
            send(grounds, terms, each)
            time.sleep(terms.dice.uniform(0, 0.4))
            _set(clock, skew)
            _watch_still(grounds, terms, outcome, wrong, each)
            _set(clock, 0)
            _await(lambda: wrong.doubts() == [], outcome, f"ready again after {skew:+d} s")
            carry_through(grounds, (wrong, right), terms)
            outcome.faults[f"clock {skew:+d} s"] += 1
        _set(clock, _TOLERATED)
        send(grounds, terms, terms.count - sum(name == terms.name for name in _sent(grounds)))
        carry_through(grounds, (wrong, right), terms)
        outcome.require(wrong.doubts() == [], f"not ready although only {_TOLERATED} s off")
        outcome.require(not wrong.restarts, "the worker ended")
    return outcome


def _set(clock: Path, seconds: int) -> None:
    """Set how far the clock is off, at once."""
    new = clock.with_suffix(".new")
    new.write_text(f"{seconds:+d}\n", encoding="ascii")
    new.replace(clock)


def _watch_still(grounds: Grounds, terms: Terms, outcome: Outcome, worker: Worker, count: int) -> None:
    """See that a worker with a wrong clock says so and does nothing, though there is work on both sides."""

    def says_so() -> bool:
        return any("clock" in reason for reason in worker.doubts() or ())

    _await(says_so, outcome, "not ready because of its clock")
    # what was on its way into the database when the clock jumped is there by now
    before = count_audit(worker.side)
    send(grounds, terms, count)
    deadline = time.monotonic() + _STILL_SECONDS
    while time.monotonic() < deadline:
        play_clerks(grounds)
        time.sleep(0.1)
    events = _events_after(worker.side, before)
    outcome.require(says_so(), "it says that it is ready")
    # people go on: they act through another machine
    outcome.require(set(events) <= {"submit", "complete"}, f"with a wrong clock it did {events}")


def _events_after(side: Side, seq: int) -> list[str]:
    query = select(t.audit.c.event).where((t.audit.c.seq > seq) & (t.audit.c.actor != "sweeper"))
    with side.node.journal.reading() as connection:
        return list(connection.execute(query).scalars())


def _await(holds: Callable[[], bool], outcome: Outcome, what: str, *, seconds: float = _SLOW) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            outcome.wrong.append(f"not within {seconds:.0f} s: {what}")
            return False
        time.sleep(0.05)
    return True


def _sent(grounds: Grounds) -> list[str]:
    return [name for side in grounds.sides for name in side.sent.values()]


def fill_disk(grounds: Grounds, terms: Terms) -> Outcome:
    """The disk of mailbox, working copies and S3 server is full for a while, again and again."""
    if not grounds.own_disk:
        raise SkipError("a small disk cannot be mounted here: run as root")
    outcome = Outcome()
    ballast = grounds.disk / "ballast"

    def fill(_: int) -> None:
        _fill(ballast)
        outcome.faults["disk full"] += 1
        time.sleep(terms.dice.uniform(1, 3))
        ballast.unlink()

    with working(grounds) as workers:
        for worker in workers:
            await_ready(worker)
        send(grounds, terms)
        every = Every(2.0, 2 if terms.brief else 6, terms.dice, fill)
        carry_through(grounds, workers, terms, disturb=every, until=lambda: every.over)
        outcome.require(all(not worker.restarts for worker in workers), "a worker ended")
    return outcome


def _fill(ballast: Path) -> None:
    """Take every byte that is left; whoever frees some while it is full gains little."""
    with ballast.open("wb") as file:
        for size in (1 << 24, 1 << 16, 1 << 12):
            try:
                while True:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)
            except OSError:
                continue


def feed_poison(grounds: Grounds, terms: Terms) -> Outcome:
    """Bad packages come to both sides, bad drafts are submitted, while good documents travel."""
    outcome = Outcome()
    one, two = grounds.sides
    sealed = {side.agency.key: _find_sealed(side) for side in grounds.sides}
    # so short that what nobody can deliver is given up while we watch
    environment = {"EDOC_WORKER__EXPIRE_DAYS": "0.0002"}
    with working(grounds, environment=environment) as workers:
        for worker in workers:
            await_ready(worker)
        _try_bad_drafts(grounds, outcome)
        outcome.refused += [(one, _submit_to_nobody(grounds, one)) for _ in range(1 if terms.brief else 3)]
        for side, other in ((one, two), (two, one)):
            box = Mailbox(grounds.disk / "mailbox", side.agency.organ_id)
            bads = make_bad(
                other.agency,
                side.agency,
                sealed[other.agency.key],
                count=20 if terms.brief else 60,
                dice=terms.dice,
            )
            for number, bad in enumerate(bads):
                box.send(to=side.agency.organ_id, message_id=f"bad-{number}", source=io.BytesIO(bad.content))
                outcome.bad.append((side, bad))
                outcome.faults[bad.kind] += 1
        send(grounds, terms)
        carry_through(grounds, workers, terms, until=lambda: _is_settled(grounds, outcome))
    return outcome


def _find_sealed(side: Side) -> bytes:
    """A sealed PDF of the side's own, from an earlier trial; its own draft's where there is none."""
    query = select(t.files.c.sha256).where(t.files.c.role == "sealed").order_by(t.files.c.id.desc())
    with side.node.journal.reading() as connection:
        sha256 = connection.execute(query.limit(1)).scalar()
    if sha256 is None:
        return SAMPLE_PDF.read_bytes()
    with reading(side.node, sha256) as source:
        return source.read()


def _try_bad_drafts(grounds: Grounds, outcome: Outcome) -> None:
    """What no competent person signed is not even taken in."""
    side = grounds.sides[0]
    for pdf, kind in ((SAMPLE_PDF, "draft not prepared"), (grounds.prepared, "draft not signed")):
        try:
            clerk.submit(side.node, draft(side.peer, 0), [pdf], actor="van-thu")
        except EdocError:
            outcome.faults[kind] += 1
        else:
            outcome.wrong.append(f"it was taken in: {kind}")


def _submit_to_nobody(grounds: Grounds, side: Side) -> str:
    """Send a document to an agency that nobody knows; it is not one of the good ones."""
    document = grounds.submit(side, "", to=_NOBODY)
    del side.sent[document]
    return document


def _is_settled(grounds: Grounds, outcome: Outcome) -> bool:
    """Tell whether nothing waits in a mailbox and nothing is under way at either node."""
    boxes = (Mailbox(grounds.disk / "mailbox", side.agency.organ_id) for side in grounds.sides)
    if any(box.waiting(limit=1) for box in boxes):
        return False
    open_tasks = select(t.tasks.c.id).where(t.tasks.c.done_at.is_(None) & t.tasks.c.dead_at.is_(None))
    for side in grounds.sides:
        with side.node.journal.reading() as connection:
            if connection.execute(open_tasks.limit(1)).first() is not None:
                return False
    return bool(outcome.bad)


def trouble_certificates(grounds: Grounds, terms: Terms) -> Outcome:
    """TSA and OCSP are away until work expires; A's seal is revoked, renewed, expires, is renewed again."""
    outcome = Outcome()
    one, _ = grounds.sides
    share = max(1, terms.count // 4)
    # hours by the clock of a node that gives up after nine seconds instead of a week
    environment = {
        "EDOC_WORKER__EXPIRE_DAYS": "0.0001",
        "EDOC_SEAL__LEVEL": "B-LT",
        "EDOC_ONLINE__FRESH_MINUTES": "0.0001",
    }
    with working(grounds, environment=environment) as workers:
        mine = workers[0]
        for worker in workers:
            await_ready(worker)
            worker.side.left_over = frozenset(_letters_of(worker.side))
        _be_away(grounds, terms, outcome, share, workers)
        for ending, name in ((_revoke, "seal revoked"), (_let_expire, "seal expired")):
            ending(grounds, terms, outcome, share, workers)
            outcome.faults[name] += 1
            renew_seal(grounds.pki, one, ends=datetime.now(UTC) + timedelta(days=365))
            grounds.restart_stamps()
            outcome.require(mine.stop() == 0, "the worker did not drain")
            mine.start()
            await_ready(mine)
            outcome.faults["seal renewed"] += 1
            _replay(one, outcome)
            _send_again(grounds, terms, outcome)
            carry_through(grounds, workers, terms, until=lambda: not _send_again(grounds, terms, outcome))
        left = terms.count - sum(name == terms.name for name in _sent(grounds))
        send(grounds, terms, max(0, left))
        carry_through(grounds, workers, terms)
    return outcome


def _be_away(grounds: Grounds, terms: Terms, outcome: Outcome, share: int, workers: list[Worker]) -> None:
    """TSA and OCSP are away for longer than the node has patience."""
    grounds.stamps.stop()
    send(grounds, terms, share)
    _await(lambda: bool(_letters(grounds)), outcome, "work expires while the TSA is away", seconds=90)
    outcome.faults["TSA and OCSP away"] += 1
    grounds.stamps.start()
    _drain_letters(grounds, terms, outcome, workers)


def _drain_letters(grounds: Grounds, terms: Terms, outcome: Outcome, workers: list[Worker]) -> None:
    """Replay what expired until all is well: some expires only when the TSA is back already."""

    def replay() -> None:
        for side in grounds.sides:
            _replay(side, outcome)

    carry_through(grounds, workers, terms, disturb=Every(3.0, 1000, terms.dice, lambda _: replay()))


def _revoke(grounds: Grounds, terms: Terms, outcome: Outcome, share: int, workers: list[Worker]) -> None:
    """The seal is revoked while documents are on their way to it."""
    one, _ = grounds.sides
    send(grounds, terms, share, one)
    now = datetime.now(UTC)
    revoke(grounds.pki, one.agency.seal_name, at=now, now=now)
    # what the CA said a moment ago may still count for the first of them
    for _ in range(_STILL_SENT):
        send(grounds, terms, 1, one)
        time.sleep(1)
        if _letters_of(one, "is revoked"):
            break
    _await(lambda: bool(_letters_of(one, "is revoked")), outcome, "a revoked seal stops the work")
    _watch_unsealed(grounds, outcome, workers[0])


def _let_expire(grounds: Grounds, terms: Terms, outcome: Outcome, share: int, workers: list[Worker]) -> None:
    """The seal's certificate ends while documents are on their way to it."""
    one, _ = grounds.sides
    mine = workers[0]
    ends = datetime.now(UTC) + timedelta(seconds=12)
    renew_seal(grounds.pki, one, ends=ends)
    grounds.restart_stamps()
    outcome.require(mine.stop() == 0, "the worker did not drain")
    mine.start()
    await_ready(mine)
    for number in range(share):
        # some before, some after
        pause = (ends - datetime.now(UTC)).total_seconds() + 1
        time.sleep(max(0.0, pause) * number / share / 2)
        send(grounds, terms, 1, one)
    time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds() + 1))
    send(grounds, terms, 2, one)
    _await(lambda: bool(_letters_of(one, "expired on")), outcome, "an expired seal stops the work")
    _watch_unsealed(grounds, outcome, mine)


def _watch_unsealed(grounds: Grounds, outcome: Outcome, worker: Worker) -> None:
    """See that nothing is sealed any more."""
    side = worker.side
    before = count_audit(side)
    grounds.submit(side, "i")
    time.sleep(_STILL_SECONDS)
    sealed = [event for event in _events_after(side, before) if event in {"number", "seal"}]
    outcome.require(not sealed, f"with a seal that does not count it did {sealed}")


def _replay(side: Side, outcome: Outcome) -> None:
    letters = _letters_of(side)
    if not letters:
        return
    done = edoc(side, "dead-letters", "replay", *map(str, letters))
    outcome.require(done.returncode == 0, f"replay: {done.stderr[:200]}")


def _letters(grounds: Grounds) -> bool:
    return any(map(_letters_of, grounds.sides))


def _letters_of(side: Side, reason: str = "") -> list[int]:
    """Steps set aside in this trial for a reason with these words."""
    query = select(t.tasks.c.id).where(
        t.tasks.c.dead_at.is_not(None) & t.tasks.c.done_at.is_(None) & t.tasks.c.error.contains(reason)
    )
    with side.node.journal.reading() as connection:
        return [task for task in connection.execute(query).scalars() if task not in side.left_over]


def _send_again(grounds: Grounds, terms: Terms, outcome: Outcome) -> int:
    """Issue anew what a seal that ended in mid-flight cost; returns how many. Each must tell its reason."""
    one, two = grounds.sides
    spoilt = [*_voided(one), *_refused_there(one, two)]
    mine = [document for document in spoilt if one.sent.get(document) == terms.name]
    for document in mine:
        del one.sent[document]
        outcome.refused.append((one, document))
        outcome.faults["sealed too late, issued anew"] += 1
        grounds.submit(one, terms.name)
    return len(mine)


def _voided(side: Side) -> list[str]:
    query = select(t.documents.c.id).where(t.documents.c.state == State.VOIDED.value)
    with side.node.journal.reading() as connection:
        return list(connection.execute(query).scalars())


def _refused_there(side: Side, other: Side) -> list[str]:
    refused = select(t.documents.c.document_id).where(
        (t.documents.c.direction == "incoming") & (t.documents.c.state == State.REFUSED.value)
    )
    with other.node.journal.reading() as connection:
        names = list(connection.execute(refused).scalars())
    mine = select(t.documents.c.id).where(t.documents.c.document_id.in_(names))
    with side.node.journal.reading() as connection:
        return list(connection.execute(mine).scalars())
