"""Runs tasks of the outbox: claim some, do their steps, say how they ended, go on with what that led to.

Each step does its work on the outside first (reading, signing, storing: all repeatable); then the steps that
were taken together commit once, or one by one if one of them cannot.
A failure that can pass is tried again later; any other is set aside for a person with its reason. Which is
which stands in `edoc.core.failures`. A worker whose clock is wrong does nothing at all.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, Final

import structlog

from edoc.core.failures import failure_of
from edoc.core.lifecycle import Work
from edoc.errors import EdocError
from edoc.node import answers, archive, incoming, outgoing, peers, tasks
from edoc.node.logs import facts_of
from edoc.node.node import Node
from edoc.node.tasks import Claim, Finish
from edoc.node.tracing import telling

Step = Callable[[Node, Claim], Finish]
Over = Callable[[], bool]
"""Tells whether nothing more is to be begun."""

STEPS: Final[Mapping[Work, Step]] = {
    Work.NUMBER: outgoing.number,
    Work.SEAL: outgoing.seal,
    Work.PACK: outgoing.pack,
    Work.DELIVER: outgoing.deliver,
    Work.VERIFY: incoming.verify,
    Work.REGISTER: incoming.register,
    Work.ANSWER: answers.answer,
    Work.ARCHIVE: archive.archive,
}
log = structlog.get_logger()


def never() -> bool:
    """Go on for as long as there is something to do."""
    return False


def run(node: Node, task: int, *, over: Over = never) -> int:
    """Run the task if it is free, and what it leads to; returns how many steps were done.

    What comes up when it is `over` is left to others. Trouble ends in the database
    and the log, not in an exception: only an unreachable database raises `Unavailable`, and then the lease
    runs out and the task is found again; and a wrong clock of this machine raises `ClockSkewedError`, before
    anything was taken.
    """
    terms = _terms(node)
    claim = tasks.claim(node.journal, task, lease_seconds=terms.lease_seconds, max_starts=terms.max_starts)
    return 0 if claim is None else _run(node, [claim], over)


def run_next(
    node: Node, *, kinds: Collection[Work] | None = None, at_most: int = 1, over: Over = never
) -> int | None:
    """Run what has been due longest, of certain kinds if they are given; None if nothing is due.

    Of several, `at_most` so many, each does its work, and all are committed together. Raises what `run`
    raises.
    """
    terms = _terms(node, kinds)
    claims = tasks.claim_some(node.journal, terms, at_most=at_most) if at_most > 1 else []
    if not claims:
        claim = tasks.claim_next(node.journal, terms)
        claims = [] if claim is None else [claim]
    return _run(node, claims, over) if claims else None


def _terms(node: Node, kinds: Collection[Work] | None = None) -> tasks.Terms:
    worker = node.settings.worker
    return tasks.Terms(
        lease_seconds=worker.lease_seconds,
        max_starts=worker.max_starts,
        kinds=None if kinds is None else frozenset(kinds),
    )


def _run(node: Node, claims: Sequence[Claim], over: Over) -> int:
    done = 0
    while claims:
        begun, finished = 0, list[tuple[Claim, Finish]]()
        with ExitStack() as beating:
            for claim in claims:
                if begun and over():
                    break
                begun += 1
                beating.enter_context(node.heart.beating(claim, longest=node.settings.worker.step_seconds))
                finished += _do(node, claim)
            done += _finish(node, finished)
        left = [*claims[begun:], *(then for claim in claims[:begun] for then in claim.then)]
        if left and over():
            tasks.give_back(node.journal, left)
            left = []
        claims = left
    return done


def _do(node: Node, claim: Claim) -> list[tuple[Claim, Finish]]:
    """Do the claimed step, up to its commit; trouble is written down."""
    try:
        with telling(claim):
            return [(claim, STEPS[claim.kind](node, claim))]
    except Exception as error:  # noqa: BLE001 - a defect or the machine: keep the document, say it loudly
        _note_trouble(node, claim, error)
        return []


def _finish(node: Node, finished: Sequence[tuple[Claim, Finish]]) -> int:
    """Commit what was done, all of it together; if that fails each for itself."""
    if not finished:
        return 0
    try:
        with tasks.finishing(node.journal, *(claim for claim, _ in finished)) as tx:
            for claim, finish in finished:
                tx.actor = claim.actor
                finish(tx)
    except Exception as error:  # noqa: BLE001 - as above
        if len(finished) > 1:
            return sum(_finish(node, [each]) for each in finished)
        _note_trouble(node, finished[0][0], error)
        return 0
    for claim, _ in finished:
        if claim.news and claim.peer is not None:
            peers.note_success(node.journal, claim.peer)
        _words(claim).info("step done", argument=claim.argument)
    return len(finished)


def _words(claim: Claim) -> Any:
    return log.bind(task=claim.task, document=claim.document, kind=claim.kind.value, start=claim.starts)


def _note_trouble(node: Node, claim: Claim, error: Exception) -> None:
    words = _words(claim)
    try:
        if isinstance(error, tasks.OvertakenError):
            raise error
        _write_trouble(node, claim, error, words)
    except tasks.OvertakenError as overtaken:
        words.warning("step dropped", reason=str(overtaken))


def _write_trouble(node: Node, claim: Claim, error: Exception, words: Any) -> None:
    worker, failure = node.settings.worker, failure_of(error)
    if not isinstance(error, EdocError):
        words.exception("step failed unexpectedly")
    # what no catalogue foresees is hardly repaired by waiting for days
    hopeless = failure.code == "DEFECT" and claim.tries + 1 >= worker.max_starts
    if not failure.retryable or hopeless:
        words.error("step set aside", **{**facts_of(error), "code": failure.code})
        tasks.set_aside(node.journal, claim, error)
        return
    words.warning("step postponed", **{**facts_of(error), "code": failure.code})
    breaker = peers.Breaker(failures=worker.breaker_failures, pause=timedelta(seconds=worker.breaker_seconds))
    if not tasks.postpone(node.journal, claim, error, first_pause=worker.retry_seconds, breaker=breaker):
        words.error("step set aside", **{**facts_of(error), "code": "EXPIRED"})
