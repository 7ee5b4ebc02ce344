"""Spans and the lines of the log bear the document they are about, and nothing else of it."""

import http.server
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from edoc.core.lifecycle import Work
from edoc.errors import InputError, SettingsError, Unavailable
from edoc.node.logs import facts_of, log_as_json
from edoc.node.tasks import Claim, Terms
from edoc.node.tracing import observing, telling, telling_arrival, wants_spans

DOCUMENT = "0123456789abcdef0123456789abcdef"
SECRET = "V/v tinh giản biên chế; Nguyễn Văn A"
CLAIM = Claim(
    task=7,
    document=DOCUMENT,
    kind=Work.SEAL,
    argument="",
    lane="steps",
    peer=None,
    created_at=datetime(2026, 3, 5, tzinfo=UTC),
    expires_at=datetime(2026, 3, 12, tzinfo=UTC),
    starts=2,
    tries=0,
    fence=3,
    terms=Terms(),
    news=False,
)


@contextmanager
def collecting() -> Iterator[tuple[str, list[bytes]]]:
    """A collector that keeps what it is sent by OTLP, and its address."""
    received: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", received
        server.shutdown()


@pytest.fixture
def lines() -> Iterator[Any]:
    """Gives what was logged since, as objects."""
    written, handlers = io.StringIO(), list(logging.root.handlers)
    with redirect_stderr(written):
        log_as_json()
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    logging.root.handlers[:] = handlers


def test_what_a_step_says_bears_its_document(lines: Any) -> None:
    log = structlog.get_logger()
    with telling(CLAIM):
        log.info("number not promised yet")
    with telling_arrival("m-1"):
        log.info("package seen")
    log.info("afterwards")
    during, arriving, afterwards = lines()
    assert (during["document"], during["task"], during["kind"], during["start"]) == (DOCUMENT, 7, "seal", 2)
    assert (arriving["message_id"], "document" in arriving) == ("m-1", False)
    assert "document" not in afterwards


def test_an_exception_is_told_by_its_kind_and_place_never_by_its_text(lines: Any) -> None:
    log = structlog.get_logger()
    try:
        int(SECRET)
    except ValueError as error:
        error.__cause__ = KeyError(SECRET)
        log.exception("step failed unexpectedly")
    (line,) = lines()
    assert SECRET not in json.dumps(line, ensure_ascii=False)
    assert line["exception"] == "ValueError from KeyError"
    assert "test_tracing.py" in line["frames"][-1]


def test_libraries_that_read_documents_are_not_quoted_those_of_servers_are(
    lines: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="pyhanko.sign")  # other tests silence it
    logging.getLogger("pyhanko.sign").warning("certificate of %s", SECRET)
    logging.getLogger("urllib3.connectionpool").warning("retrying %s", "/edoc/objects")
    quiet, heard = lines()
    assert (quiet["logger"], quiet["level"]) == ("pyhanko.sign", "warning")
    assert SECRET not in json.dumps(quiet, ensure_ascii=False)
    assert heard["event"] == "retrying /edoc/objects"


def test_errors_are_quoted_only_where_they_speak_of_machines() -> None:
    away = Unavailable("the S3 server cannot be used now: 503.", where=SECRET)
    assert facts_of(away) == {"code": "UNAVAILABLE", "reason": "the S3 server cannot be used now: 503."}
    assert facts_of(InputError(SECRET)) == {"code": "INPUT"}
    assert facts_of(ValueError(SECRET)) == {"code": "ValueError"}


def test_how_long_work_took_is_observed_also_if_it_failed() -> None:
    with observing({}) as observed:
        with telling(CLAIM):
            pass
        with pytest.raises(ValueError, match="x"), telling(CLAIM):
            raise ValueError("x")
        took = observed.take()
        assert [(each.kind, each.done) for each in took] == [("seal", True), ("seal", False)]
        assert observed.take() == ()


def test_spans_are_wanted_only_where_an_endpoint_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not wants_spans({"OTEL_SERVICE_NAME": "edoc"})
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    for name in list(sys.modules):
        if name.startswith("opentelemetry."):
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SettingsError, match=r"not installed.*edoc\[otel\]"):
        wants_spans({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})


def test_all_spans_of_a_document_are_one_trace_that_says_nothing_of_its_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    with collecting() as (url, received):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        with observing({"OTEL_EXPORTER_OTLP_ENDPOINT": url}):
            with telling_arrival("m-1"):
                pass
            with telling(CLAIM):
                pass
            with pytest.raises(ValueError, match="tinh"), telling(CLAIM):
                raise ValueError(SECRET)
    assert received
    assert all(SECRET.encode() not in each for each in received)
    spans = [
        span
        for each in received
        for resource in service.ExportTraceServiceRequest.FromString(each).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    by_name = {span.name: span.trace_id.hex() for span in spans}
    assert by_name["edoc seal"] == DOCUMENT
    assert by_name["edoc enter"] != DOCUMENT
    assert [span.status.message for span in spans if span.name == "edoc seal"] == ["", "ValueError"]
