"""With what a judgement is made: whose roots count, what may be fetched, and which time it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from edoc.core.policy import Policy
from edoc.trust.fetch import Fetcher, HttpFetcher
from edoc.trust.store import Trust


def read_clock() -> datetime:
    """Read this machine's clock, in UTC."""
    return datetime.now(UTC)


def choose_trust(given: Trust | None, policy: Policy) -> Trust:
    """Take the trust that was given, else the one that the policy names; else nobody is trusted."""
    return given or (Trust.load(*policy.trust) if policy.trust else Trust.empty())


@contextmanager
def open_fetcher(given: Fetcher | None, trust: Trust, *, offline: bool) -> Iterator[Fetcher | None]:
    """Give the fetcher to ask, one of its own if none was given; None offline, or where nobody is trusted."""
    if offline or not trust.roots:
        yield None
    elif given is not None:
        yield given
    else:
        with HttpFetcher() as fetcher:
            yield fetcher
