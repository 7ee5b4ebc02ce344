"""The actors: one line each. A message carries a task's id; the task itself stands in the database."""

from collections.abc import Callable

import dramatiq


def make_actors(
    broker: dramatiq.Broker, run: Callable[[int], None], *, queue: str
) -> dramatiq.Actor[[int], None]:
    """Declare the actors on the broker; returns the one that has a task of the node's outbox run."""
    declare = dramatiq.actor(broker=broker, queue_name=queue, actor_name="run_task")

    def run_task(task: int) -> None:
        """Run one task."""
        run(task)

    return declare(run_task)
