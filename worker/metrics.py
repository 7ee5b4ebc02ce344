"""What Prometheus reads: the node's figures, taken when it asks, and how long work took here."""

import time
from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from edoc.errors import EdocError
from edoc.node.figures import Figures, take
from edoc.node.node import Node
from worker.child import Ran

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Meters:
    """The meters of one worker; `done_at` is when it last had a result, by the monotonic clock."""

    def __init__(self, node: Node) -> None:
        self.registry = CollectorRegistry()
        self.done_at = time.monotonic()
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
        self.took = Histogram(
            "edoc_step_seconds",
            "Seconds that a step took: kind is seal, verify and the others; enter is entering a package.",
            labelnames=("kind", "done"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_NodeFigures(node))

    def count(self, ran: Ran) -> None:
        """Count what an order came to."""
        if ran.done:
            self.done_at = time.monotonic()
        self.steps.inc(ran.done)
        self.replaced.inc(ran.replaced)
        self.seconds.observe(ran.seconds)
        for each in ran.took:
            self.took.labels(kind=each.kind, done=str(each.done).lower()).observe(each.seconds)


class _NodeFigures(Collector):
    """The node's figures; none but `edoc_up 0` while they cannot be had."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def collect(self) -> Iterator[Metric]:
        """Give every figure."""
        try:
            figures = take(self._node)
        except EdocError:
            yield _gauge("edoc_up", "1 if the database answers and the seal's certificate can be read.", 0)
            return
        yield _gauge("edoc_up", "1 if the database answers and the seal's certificate can be read.", 1)
        yield _labelled("edoc_open_tasks", "Tasks that are not done yet.", "kind", figures.open_tasks)
        yield _labelled(
            "edoc_certificate_days_left",
            "Days until the seal's certificate ends, and the first of its issuers'.",
            "certificate",
            figures.certificate_days_left,
        )
        for name, (words, value) in _plain(figures).items():
            yield _gauge(name, words, value)
        if figures.anchor_age_seconds is not None:
            words = "Seconds since a worker last saw to it that the audit log is time-stamped."
            yield _gauge("edoc_anchor_age_seconds", words, figures.anchor_age_seconds)

    def describe(self) -> Iterator[Metric]:
        """Tell nothing beforehand: the database may be away."""
        return iter(())


def _plain(figures: Figures) -> dict[str, tuple[str, float]]:
    """Gauges without labels: their words and values by name."""
    return {
        "edoc_due_tasks": ("Tasks that a worker could take now.", figures.due_tasks),
        "edoc_outbox_lag_seconds": (
            "Seconds that the task that has waited longest could have been taken.",
            figures.outbox_lag_seconds,
        ),
        "edoc_oldest_open_seconds": (
            "Seconds since the oldest open task was caused, also while it is tried again and again.",
            figures.oldest_open_seconds,
        ),
        "edoc_dead_letters": ("Tasks that wait for a person.", figures.dead_letters),
        "edoc_deadlines_late": ("Open deadlines that are missed.", figures.late),
        "edoc_deadlines_at_risk": ("Open deadlines whose early warning has come.", figures.at_risk),
        "edoc_peers_away": ("Recipients, or the hub, that cannot be reached.", figures.peers_away),
        "edoc_numbering_held": (
            "1 while no number is given until the registers are reconciled.",
            figures.numbering_held,
        ),
        "edoc_duties_failed": ("Duties whose last attempt failed.", figures.duties_failed),
        "edoc_clock_offset_seconds": (
            "How far this machine's clock is ahead of the database's.",
            figures.clock_offset_seconds,
        ),
    }


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _labelled(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family
