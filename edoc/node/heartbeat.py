"""Keeps the leases of steps that take long, from one thread.

    with heart.beating(claim, longest=300):
        ...

A step that is stuck must not keep its lease for ever, so there is a longest time; whoever runs the step kills
its process after the same time. Most steps are over long before the first beat and cost nothing here.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from edoc.errors import EdocError
from edoc.node.journal import Journal
from edoc.node.tasks import Claim, OvertakenError, renew

_BEATS_PER_LEASE: Final = 4
"""Looks at the running steps; a lease is renewed at the latest after two of them."""
log = structlog.get_logger()


class Heart:
    """One for all steps of an open node; its thread starts with the first step and ends with `close`."""

    def __init__(self, journal: Journal, *, lease_seconds: float) -> None:
        self._journal = journal
        self._interval = lease_seconds / _BEATS_PER_LEASE
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._running: dict[int, tuple[Claim, float, float]] = {}

    @contextmanager
    def beating(self, claim: Claim, *, longest: float) -> Iterator[None]:
        """Renew the claim's lease while the block runs, for at most `longest` seconds."""
        now = time.monotonic()
        with self._guard:
            self._running[claim.task] = claim, now, now + longest
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._guard:  # a renewal that is on its way ends first
                self._running.pop(claim.task, None)

    def close(self) -> None:
        """Beat no more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        while not self._stopping.wait(self._interval):
            with self._guard:
                now = time.monotonic()
                for claim, began, until in list(self._running.values()):
                    if began + self._interval <= now < until:
                        self._renew(claim)

    def _renew(self, claim: Claim) -> None:
        try:
            renew(self._journal, claim)
        except OvertakenError:
            # either just finished, or lost: committing finds out
            del self._running[claim.task]
        except EdocError as error:
            log.warning("lease not renewed", task=claim.task, reason=str(error))
