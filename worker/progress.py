"""Whether a worker gets on: a task that it could take and nobody takes speaks against it.

A worker may look busy and yet do nothing: its bell is not heard, its processes hang, its database answers
only those who read. So whoever asks is told when a task of this worker's kinds has waited for long while
nothing was done here; a worker with nothing to do is ready.
"""

import time
from dataclasses import dataclass
from typing import Final

from edoc.core.lifecycle import Work
from edoc.errors import EdocError
from edoc.node.figures import waiting
from edoc.node.node import Node
from worker.metrics import Meters

PATIENCE_SECONDS: Final = 60.0
"""So long a task may wait although it is due, and this worker be without a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Compares what waits with what one worker has got done."""

    node: Node
    meters: Meters
    kinds: frozenset[Work] | None = None
    """What it may take; everything if left out."""
    patience: float = PATIENCE_SECONDS

    def doubts(self) -> list[str]:
        """Say what speaks against this worker's making progress; empty if nothing does."""
        idle = time.monotonic() - self.meters.done_at
        if idle < self.patience:
            return []
        try:
            with self.node.journal.reading_at() as (connection, now):
                count, seconds = waiting(connection, now, kinds=self.kinds)
        except EdocError as error:
            return [str(error)]
        if not count or seconds < self.patience:
            return []
        return [f"{count} tasks are due, one for {seconds:.0f} seconds; nothing was done here for {idle:.0f}"]
