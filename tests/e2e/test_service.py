"""The worker as an operator meets it: a process that is asked, told to stop, read and measured."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from sqlalchemy import func, select

from edoc.core.dispatch import Dispatch
from edoc.core.lifecycle import State
from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.demo.server import HOST, free_port
from edoc.demo.services import RedisServer
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.profiles import AGENCIES
from edoc.devpki.server import serving
from edoc.keys.loading import load_key
from edoc.node import clerk
from edoc.node import tables as t
from edoc.node.node import Node
from edoc.packing import pack
from edoc.signing import prepare, sign

DOCUMENTS = 20
PATIENCE_SECONDS = 60


@dataclass
class Service:
    """A real `edoc-worker` of one node."""

    node: Path
    port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.log = (self.node / f"worker-{self.port}.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "worker", "--node", str(self.node), "--exit-with-parent", *self.options],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self.log,
            env={**os.environ, "EDOC_WORKER__HTTP": f"{HOST}:{self.port}", **self.environment},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.log.close()

    def drain(self) -> int:
        """Tell it to stop; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def ask(self, path: str) -> httpx.Response:
        return httpx.get(f"http://{HOST}:{self.port}{path}")

    @property
    def is_ready(self) -> bool:
        try:
            return self.ask("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def lines(self) -> list[dict[str, Any]]:
        """What it logged; fails unless every line is a JSON object."""
        text = Path(self.log.name).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def figures(self) -> dict[str, float]:
        """What Prometheus would read."""
        lines = (line.rpartition(" ") for line in self.ask("/metrics").text.splitlines() if line[0] != "#")
        return {name: float(value) for name, _, value in lines}


@dataclass
class Offices:
    """Two nodes and the signed document that the first one sends."""

    a: Node
    b: Node
    signed: Path

    def submit(self, count: int, *, subject: str = "V/v kiểm tra số") -> list[str]:
        drafts = ({**draft_for(SAMPLE_PDF), "subject": f"{subject} {number}"} for number in range(count))
        return [clerk.submit(self.a, draft, [self.signed], actor="clerk") for draft in drafts]


@contextmanager
def open_offices(folder: Path, pki: DevPki, backing: Backing) -> Iterator[Offices]:
    with ExitStack() as stack:
        tsa = stack.enter_context(serving(pki)) + "/tsa"
        folders = make_nodes(
            folder, pki=pki.folder, seal_image=SAMPLES / "seal-a.png", tsa=tsa, backings=(backing, Backing())
        )
        a, b = (stack.enter_context(Node.open(each)) for each in folders)
        prepare(SAMPLE_PDF, folder / "prepared.pdf")
        person = load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)
        signed = folder / "signed.pdf"
        sign(folder / "prepared.pdf", signed, key=person, role="person", trust=a.trust, offline=True)
        yield Offices(a=a, b=b, signed=signed)


@pytest.fixture
def offices(
    tmp_path: Path, pki: DevPki, postgres_database: str, redis_server: RedisServer
) -> Iterator[Offices]:
    """The first node stands on PostgreSQL and Redis, the second on what it brings along."""
    backing = Backing(database_url=postgres_database, redis_url=f"{redis_server.url}/7")
    with open_offices(tmp_path, pki, backing) as opened:
        yield opened


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "nothing moves"
        time.sleep(0.02)


def states(node: Node) -> list[str]:
    return sorted(row.state for row in clerk.documents(node))


def count(node: Node, condition: Any) -> int:
    with node.journal.reading() as connection:
        return int(connection.execute(select(func.count()).where(condition)).scalar_one())


def test_sigterm_lets_running_steps_end_and_leaves_the_waiting_ones(offices: Offices) -> None:
    documents = offices.submit(DOCUMENTS)
    with Service(offices.a.folder) as service:
        wait_until(lambda: count(offices.a, t.register_entries.c.number > 0) >= 5)
        assert service.drain() == 0
    open_tasks = t.tasks.c.done_at.is_(None)
    assert 0 < count(offices.a, open_tasks) <= DOCUMENTS, "it was told to stop in the middle"
    assert count(offices.a, t.tasks.c.lease_until.is_not(None)) == 0, "nothing was left half done"
    assert count(offices.a, t.tasks.c.starts > t.tasks.c.tries + 1) == 0
    assert service.lines()[-1]["event"] == "worker stopped"
    with Service(offices.a.folder):
        wait_until(lambda: states(offices.a) == [State.SENT] * DOCUMENTS)
    with offices.a.journal.reading() as connection:
        numbers = connection.execute(select(t.register_entries.c.number)).scalars().all()
        starts = connection.execute(select(func.max(t.tasks.c.starts))).scalar_one()
    assert sorted(numbers) == list(range(1, DOCUMENTS + 1))
    assert starts == 1, "no step was begun twice"
    assert len(documents) == DOCUMENTS


def test_a_duty_is_done_once_however_many_workers_there_are_and_by_the_next_when_one_dies(
    offices: Offices,
) -> None:
    offices.submit(1)
    done = t.duties.c.last_done_at.is_not(None)
    with Service(offices.a.folder) as first, Service(offices.a.folder) as second:
        wait_until(lambda: count(offices.a, done) == 4)
        first.process.kill()
        assert count(offices.a, t.audit.c.event == "anchor") == 1
        with offices.a.journal.engine.begin() as connection:  # as if a day had passed
            connection.execute(t.duties.update().values(due_at="2026-01-01T00:00:00.000000+00:00"))
        wait_until(lambda: states(offices.a) == [State.SENT])
        assert second.drain() == 0
    with Service(offices.a.folder):
        wait_until(lambda: count(offices.a, t.duties.c.fence >= 2) == 4)
    assert count(offices.a, t.audit.c.event == "anchor") == 2


def test_readiness_and_figures_come_from_a_worker_that_works(offices: Offices) -> None:
    offices.submit(2)
    with Service(offices.a.folder) as service:
        wait_until(lambda: states(offices.a) == [State.SENT] * 2)
        wait_until(lambda: service.is_ready)
        figures = service.figures()
    assert figures["edoc_up"] == 1
    assert figures['edoc_step_seconds_count{done="true",kind="seal"}'] == 2
    assert figures["edoc_dead_letters"] == figures["edoc_due_tasks"] == 0
    assert abs(figures["edoc_clock_offset_seconds"]) < 1
    assert 1500 < figures['edoc_certificate_days_left{certificate="seal"}'] < 1900


def test_a_worker_whose_redis_is_away_says_so_and_still_drains(tmp_path: Path, pki: DevPki) -> None:
    nobody = f"redis://{HOST}:{free_port()}/0"
    with (
        open_offices(tmp_path, pki, Backing(redis_url=nobody)) as offices,
        Service(offices.a.folder) as service,
    ):
        wait_until(lambda: any(line["event"].startswith("worker") for line in service.lines()))
        offices.submit(1)
        wait_until(lambda: any(line["event"] == "bell not heard" for line in service.lines()))
        assert service.drain() == 0


CONTENT = "Trùng tu đình làng Cổ Loa"
FILE = "Trung-tu-dinh-lang.pdf"


def test_no_log_tells_what_a_document_is_about_or_who_signed_it(offices: Offices, tmp_path: Path) -> None:
    kept = offices.submit(2, subject=CONTENT)
    offices.signed = (tmp_path / FILE).resolve()
    offices.signed.write_bytes((tmp_path / "signed.pdf").read_bytes())
    kept += offices.submit(1, subject=f"{CONTENT} lần hai")
    for number, bad in enumerate(_bad_packages(tmp_path)):
        offices.a.transport.send(to="H99.02", message_id=f"bad-{number}", source=io.BytesIO(bad))
    with Service(offices.a.folder) as one, Service(offices.b.folder) as other:
        wait_until(lambda: states(offices.a) == [State.SENT] * 3)
        wait_until(lambda: states(offices.b) == sorted([State.REFUSED, *[State.REGISTERED] * 3]))
        wait_until(lambda: count(offices.b, t.inbox.c.outcome == "unreadable") == 1)
        assert (one.drain(), other.drain()) == (0, 0)
    lines = one.lines() + other.lines()
    told = json.dumps(lines, ensure_ascii=False)
    persons = [word for agency in AGENCIES for person in agency.persons for word in (person.full_name,)]
    for secret in (CONTENT, FILE, FILE.removesuffix(".pdf"), "Công văn", "UBND-VP", *persons, "Nguyễn"):
        assert secret not in told
    by_document = {each: [line["event"] for line in lines if line.get("document") == each] for each in kept}
    assert all(len(events) >= 4 for events in by_document.values()), "the story can be followed"
    packages = {line["message_id"]: line["document"] for line in lines if line["event"] == "package known"}
    assert {row.id for row in clerk.documents(offices.b)} <= set(packages.values())


def _bad_packages(folder: Path) -> list[bytes]:
    """One that is none, and one whose document is not signed by anybody."""
    (folder / f"x-{FILE}").write_bytes(SAMPLE_PDF.read_bytes())
    package = io.BytesIO()
    header = {
        **draft_for(SAMPLE_PDF),
        "from": {"organ_id": "H99.01", "organ_name": "DEV"},
        "to": [{"organ_id": "H99.02", "organ_name": "DEV"}],
        "document_id": "H99.01,2026/03/05,99/UBND-VP",
        "code": {"code_number": "99", "code_notation": "UBND-VP"},
        "promulgation_info": {"place": "An Bình", "promulgation_date": "2026-03-05"},
        "subject": CONTENT,
    }
    pack(Dispatch.from_dict(header), attach=[folder / f"x-{FILE}"], out=package)
    return [f"<edXML><{CONTENT}>".encode(), package.getvalue()]


def test_spans_without_opentelemetry_are_a_clear_error(offices: Offices, tmp_path: Path) -> None:
    """What is not installed is hidden here by a package that cannot be imported."""
    (tmp_path / "opentelemetry.py").write_text("raise ImportError", encoding="ascii")
    wanted = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:9", "PYTHONPATH": str(tmp_path)}
    with Service(offices.a.folder, environment=wanted) as service:
        assert service.process.wait(PATIENCE_SECONDS) == 1
        told = Path(service.log.name).read_text(encoding="utf-8")
    assert "OpenTelemetry is not installed" in told
    assert "edoc[otel]" in told


def test_settings_are_read_before_a_worker_starts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "worker", "--node", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "edoc init" in done.stderr
