"""Runs tasks of the outbox: claim one, do its step, say how it ended, go on with what that led to.

Each step does its work on the outside first (reading, signing, storing: all repeatable), then commits once.
A failure that can pass is tried again later; any other is set aside for a person with its reason. Which is
which stands in `edoc.core.failures`. A worker whose clock is wrong does nothing at all.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any, Final

import structlog

from edoc.core.failures import failure_of
from edoc.core.lifecycle import Work
from edoc.errors import EdocError
from edoc.node import answers, archive, incoming, outgoing, peers, tasks
from edoc.node.logs import facts_of
from edoc.node.node import Node
from edoc.node.tasks import Claim
from edoc.node.tracing import telling

Step = Callable[[Node, Claim], None]

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


def run(node: Node, task: int) -> int:
    """Run the task if it is free, and what it leads to; returns how many steps were done.

    Trouble ends in the database and the log, not in an exception: only an unreachable database raises
    `Unavailable`, and then the lease runs out and the task is found again; and a wrong clock of this machine
    raises `ClockSkewedError`, before anything was taken.
    """
    worker = node.settings.worker
    claim = tasks.claim(node.journal, task, lease_seconds=worker.lease_seconds, max_starts=worker.max_starts)
    return 0 if claim is None else _run(node, claim)


def run_next(node: Node, *, kinds: Collection[Work] | None = None) -> int | None:
    """Run what has been due longest, of certain kinds if they are given; None if nothing is due.

    Raises what `run` raises.
    """
    worker = node.settings.worker
    terms = tasks.Terms(
        lease_seconds=worker.lease_seconds,
        max_starts=worker.max_starts,
        kinds=None if kinds is None else frozenset(kinds),
    )
    claim = tasks.claim_next(node.journal, terms)
    return None if claim is None else _run(node, claim)


def _run(node: Node, claim: Claim) -> int:
    done, left = 0, [claim]
    while left:
        claim = left.pop()
        words = log.bind(task=claim.task, document=claim.document, kind=claim.kind.value, start=claim.starts)
        try:
            done += _do(node, claim, words)
        except tasks.OvertakenError as error:
            words.warning("step dropped", reason=str(error))
        left += claim.then
    return done


def _do(node: Node, claim: Claim, words: Any) -> bool:
    """Do the claimed step; trouble is written down. Raises `OvertakenError` if the lease ran out."""
    try:
        with telling(claim), node.heart.beating(claim, longest=node.settings.worker.step_seconds):
            STEPS[claim.kind](node, claim)
    except tasks.OvertakenError:
        raise
    except Exception as error:  # noqa: BLE001 - a defect or the machine: keep the document, say it loudly
        _note_trouble(node, claim, error, words)
        return False
    if claim.news and claim.peer is not None:
        peers.note_success(node.journal, claim.peer)
    words.info("step done", argument=claim.argument)
    return True


def _note_trouble(node: Node, claim: Claim, error: Exception, words: Any) -> None:
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
