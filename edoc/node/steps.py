"""Runs one task of the outbox: claim it, do its step, and say how it ended.

Each step does its work on the outside first (reading, signing, storing: all repeatable), then commits once.
A retryable error is tried again later; any other known error is set aside for a person with its reason.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from edoc.core.lifecycle import Work
from edoc.errors import EdocError
from edoc.node import archive, incoming, outgoing, tasks
from edoc.node.node import Node
from edoc.node.tasks import Claim

Step = Callable[[Node, Claim], None]

STEPS: Final[Mapping[Work, Step]] = {
    Work.NUMBER: outgoing.number,
    Work.SEAL: outgoing.seal,
    Work.PACK: outgoing.pack,
    Work.DELIVER: outgoing.deliver,
    Work.VERIFY: incoming.verify,
    Work.REGISTER: incoming.register,
    Work.ANSWER: incoming.answer,
    Work.ARCHIVE: archive.archive,
}
log = structlog.get_logger()


def run(node: Node, task: int) -> bool:
    """Run the task if it is free; returns whether it was done now.

    Trouble ends in the database and the log, not in an exception: only an unreachable database raises
    `Unavailable`, and then the lease runs out and the task is found again.
    """
    worker = node.settings.worker
    claim = tasks.claim(node.journal, task, lease_seconds=worker.lease_seconds, max_starts=worker.max_starts)
    if claim is None:
        return False
    words = log.bind(task=task, document=claim.document, kind=claim.kind.value, start=claim.starts)
    try:
        return _do(node, claim, words)
    except tasks.OvertakenError as error:
        words.warning("step dropped", reason=str(error))
        return False


def _do(node: Node, claim: Claim, words: Any) -> bool:
    """Do the claimed step; trouble is written down. Raises `OvertakenError` if the lease ran out."""
    pause = node.settings.worker.retry_seconds
    try:
        STEPS[claim.kind](node, claim)
    except tasks.OvertakenError:
        raise
    except EdocError as error:
        if error.retryable:
            words.warning("step postponed", reason=str(error))
            tasks.postpone(node.journal, claim, str(error), first_pause=pause)
        else:
            words.error("step set aside", reason=str(error))
            tasks.set_aside(node.journal, claim, error)
        return False
    except Exception as error:  # noqa: BLE001 - a defect or the machine: keep the document, say it loudly
        words.exception("step failed unexpectedly")
        tasks.postpone(node.journal, claim, f"unexpected {type(error).__name__}", first_pause=pause)
        return False
    words.info("step done", argument=claim.argument)
    return True
