"""What a process tells about the work it does: how long each step took, and spans where they are wanted.

    with observing(os.environ) as observed:
        steps.run_next(node)
        observed.take()                # (Took(kind="seal", seconds=0.012, done=True),)

While a step runs, every line of this thread's log bears its document, which is the correlation id: by it the
lines of all workers about one document are found. Spans of one document make one trace, whose id is the
document's, so a story reads the same in log, trace and database. Nothing but ids and kinds leaves the node.

Spans are sent by OTLP over HTTP if `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) is set; only then
OpenTelemetry is imported.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from structlog.contextvars import bound_contextvars

from edoc.errors import SettingsError

if TYPE_CHECKING:
    from edoc.node.tasks import Claim

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
ENTER: Final = "enter"
"""The kind of work that entering a package is."""
_TRACE_BITS: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """One piece of work."""

    kind: str
    seconds: float
    done: bool
    """False if it was postponed, set aside or dropped."""


class Spans(Protocol):
    """What makes spans."""

    def span(self, kind: str, facts: Mapping[str, str | int]) -> AbstractContextManager[Any]:
        """A span around a block; its trace is that of `facts["document"]`."""


class _NoSpans:
    """Nobody wants any."""

    def span(self, kind: str, facts: Mapping[str, str | int]) -> AbstractContextManager[None]:
        del kind, facts
        return nullcontext()


@dataclass(slots=True)
class Observed:
    """What was done since it was last taken."""

    spans: Spans = field(default_factory=_NoSpans)
    _took: list[Took] = field(default_factory=list)

    def add(self, took: Took) -> None:
        """Note one piece of work."""
        self._took.append(took)

    def take(self) -> tuple[Took, ...]:
        """Give what was noted, and begin anew."""
        taken = tuple(self._took)
        self._took.clear()
        return taken


_OBSERVED: ContextVar[Observed | None] = ContextVar("observed", default=None)


@contextmanager
def observing(environment: Mapping[str, str]) -> Iterator[Observed]:
    """Observe what this thread does in the block; spans that are not sent yet are sent at its end.

    Raises `SettingsError` if spans are wanted and OpenTelemetry is not installed.
    """
    with ExitStack() as stack:
        observed = Observed()
        if wants_spans(environment):
            observed.spans = stack.enter_context(_sending_spans())
        token = _OBSERVED.set(observed)
        stack.callback(_OBSERVED.reset, token)
        yield observed


def telling(claim: "Claim") -> AbstractContextManager[None]:
    """Around a claimed step."""
    return _work(
        claim.kind.value,
        {"document": claim.document, "task": claim.task, "kind": claim.kind.value, "start": claim.starts},
    )


def telling_arrival(message_id: str) -> AbstractContextManager[None]:
    """Around entering a package, which may become a document or not."""
    return _work(ENTER, {"message_id": message_id, "kind": ENTER})


@contextmanager
def _work(kind: str, facts: Mapping[str, str | int]) -> Iterator[None]:
    observed = _OBSERVED.get()
    began, done = time.monotonic(), False
    spans: Spans = _NoSpans() if observed is None else observed.spans
    try:
        with bound_contextvars(**facts), spans.span(kind, facts):
            yield
        done = True
    finally:
        if observed is not None:
            observed.add(Took(kind=kind, seconds=time.monotonic() - began, done=done))


def wants_spans(environment: Mapping[str, str]) -> bool:
    """Tell whether spans are to be sent; raises `SettingsError` if so and OpenTelemetry is not installed."""
    named = next((name for name in ENDPOINTS if environment.get(name)), None)
    if named is None:
        return False
    try:
        import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ImportError as error:
        raise SettingsError(
            "spans are wanted, but OpenTelemetry is not installed.",
            where=named,
            advice="Install edoc with its extra 'otel' (pip install 'edoc[otel]'), or unset the variable.",
        ) from error
    return True


@contextmanager
def _sending_spans() -> Iterator[Spans]:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "edoc"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield _OpenTelemetry(provider.get_tracer("edoc"))
    finally:
        provider.shutdown()


class _OpenTelemetry:
    """Spans of a tracer."""

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer

    @contextmanager
    def span(self, kind: str, facts: Mapping[str, str | int]) -> Iterator[None]:
        """A span that says whether the work failed, and by what kind of error; never the error's words."""
        from opentelemetry.trace import Status, StatusCode

        attributes = {f"edoc.{name}": value for name, value in facts.items()}
        with self._tracer.start_as_current_span(
            f"edoc {kind}",
            context=_context_of(str(facts.get("document", ""))),
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as made:
            try:
                yield
            except Exception as error:
                made.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise


def _context_of(document: str) -> Any:
    """The context under which spans belong to the document's trace; None if there is no document yet."""
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    try:
        trace = int(document, 16)
    except ValueError:
        return None
    if not 0 < trace < 1 << _TRACE_BITS:
        return None
    parent = SpanContext(
        trace_id=trace,
        span_id=trace & (1 << 64) - 1 or 1,  # the document itself, which no span stands for
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(parent))
