"""How fast each caller may go: a bucket that fills evenly, for each system, in this process."""

import threading
from collections.abc import Hashable
from datetime import datetime
from typing import Final

_MOST: Final = 10_000
"""Buckets that are kept; full ones are forgotten first."""


class Pace:
    """Lets each caller have so much in a span of time, all at once or evenly."""

    def __init__(self, amount: float, *, seconds: float) -> None:
        self._amount = amount
        self._rate = amount / seconds
        self._buckets: dict[Hashable, tuple[float, datetime]] = {}
        self._lock = threading.Lock()

    def wait(self, caller: Hashable, *, now: datetime) -> float:
        """Seconds until the caller may go on; 0 if now."""
        with self._lock:
            return self._wait(caller, now)

    def take(self, caller: Hashable, amount: float, *, now: datetime) -> float:
        """Take some if anything is left, and return 0; else the seconds until it is worth asking again."""
        with self._lock:
            waiting = self._wait(caller, now)
            if not waiting:
                self._buckets[caller] = (self._level(caller, now) - amount, now)
                if len(self._buckets) > _MOST:
                    self._forget(now)
        return waiting

    def _wait(self, caller: Hashable, now: datetime) -> float:
        return max(0.0, min(1.0, self._amount) - self._level(caller, now)) / self._rate

    def _level(self, caller: Hashable, now: datetime) -> float:
        level, at = self._buckets.get(caller, (self._amount, now))
        passed = max(0.0, (now - at).total_seconds())  # a clock that is set back fills nothing
        return min(self._amount, level + passed * self._rate)

    def _forget(self, now: datetime) -> None:
        busy = [caller for caller in self._buckets if self._level(caller, now) < self._amount]
        self._buckets = {caller: self._buckets[caller] for caller in busy[-_MOST:]}
