"""The broker: a bell, never the truth. What it loses the sweeper finds again in the database.

Retries, dead letters and time limits are the database's affair, so of Dramatiq's middleware only the
shutdown notice is used: a retry that failed to enqueue could otherwise be acknowledged and lost.
"""

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import ShutdownNotifications

from edoc.node.settings import Queue

QUEUE = "edoc"
_TIMEOUT_SECONDS = 5


def make_broker(queue: Queue) -> dramatiq.Broker:
    """Make the broker that the settings name: Redis, or this process's own memory."""
    url = queue.redis_url.get_secret_value()
    middleware: list[dramatiq.Middleware] = [ShutdownNotifications()]
    if not url:
        return StubBroker(middleware=middleware)
    return RedisBroker(  # type: ignore[no-untyped-call] # Dramatiq leaves it untyped
        url=url,
        middleware=middleware,
        # a killed worker's messages come back within a minute even on a quiet queue
        maintenance_chance=1_000_000,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
    )
