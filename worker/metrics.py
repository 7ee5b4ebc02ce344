"""What Prometheus reads: the node's figures, taken when it asks, and how long steps took here."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edoc.errors import EdocError
from edoc.node.figures import take
from edoc.node.node import Node
from worker.child import Ran

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Meters:
    """The meters of one worker."""

    def __init__(self, node: Node) -> None:
        self.registry = CollectorRegistry()
        self.steps = Counter("edoc_steps", "Steps that this worker has done.", registry=self.registry)
        self.replaced = Counter(
            "edoc_processes_replaced",
            "Processes that died, or that a step kept too long.",
            registry=self.registry,
        )
        self.seconds = Histogram(
            "edoc_order_seconds",
            "Seconds from taking a document's next steps to their end.",
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_NodeFigures(node))

    def count(self, ran: Ran) -> None:
        """Count what an order came to."""
        self.steps.inc(ran.done)
        self.replaced.inc(ran.replaced)
        self.seconds.observe(ran.seconds)


class _NodeFigures(Collector):
    """The node's figures; none but `edoc_up 0` while the database is away."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        """Give every figure."""
        try:
            figures = take(self._node)
        except EdocError:
            yield _gauge("edoc_up", "1 if the database answers.", 0)
            return
        yield _gauge("edoc_up", "1 if the database answers.", 1)
        waiting = GaugeMetricFamily("edoc_open_tasks", "Tasks that are not done yet.", labels=["kind"])
        for kind, count in sorted(figures.open_tasks.items()):
            waiting.add_metric([kind], count)
        yield waiting
        yield _gauge("edoc_due_tasks", "Tasks that a worker could take now.", figures.due_tasks)
        yield _gauge(
            "edoc_oldest_due_seconds",
            "Seconds that the longest waiting task waits.",
            figures.oldest_due_seconds,
        )
        yield _gauge("edoc_dead_letters", "Tasks that wait for a person.", figures.dead_letters)
        yield _gauge("edoc_seal_days_left", "Days until the seal's certificate ends.", figures.seal_days_left)

    def describe(self) -> Iterator[Metric]:
        """Tell nothing beforehand: the database may be away."""
        return iter(())


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)
