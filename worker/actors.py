"""The actors: one line each. A message carries a task's id; the task itself stands in the database."""

import dramatiq

from edoc.node import steps
from edoc.node.node import Node
from worker.broker import QUEUE


def make_actors(broker: dramatiq.Broker, node: Node) -> dramatiq.Actor[[int], None]:
    """Declare the actors on the broker; returns the one that runs a task."""
    declare = dramatiq.actor(broker=broker, queue_name=QUEUE, actor_name="run_task")

    def run_task(task: int) -> None:
        """Run one task of the node's outbox."""
        steps.run(node, task)

    return declare(run_task)
