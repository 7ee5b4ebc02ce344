"""The worker: whole journeys on real PostgreSQL, Redis and S3, against a straight script and against itself.

    ./dev bench worker

Everything runs on this machine: the database, the queue and the store take their share of the same cores.
"""

import datetime as dt
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from benchmarks.filling import fill
from benchmarks.measure import MIB, Row
from benchmarks.sign import SMALL_BYTES, make_pdf
from benchmarks.workerpeer import Script
from edoc.core.dispatch import Dispatch
from edoc.core.lifecycle import Event
from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.demo.services import PostgresServer, RedisServer, S3Server
from edoc.devpki.hierarchy import DevPki, make
from edoc.devpki.profiles import AGENCIES
from edoc.keys.loading import load_key
from edoc.node import clerk
from edoc.node import tables as t
from edoc.node.node import Node
from edoc.signing import prepare, sign

DOCUMENTS: Final = 2_000
_SCRIPTED: Final = 200
_STEP: Final = 500
_SMALL_BOOK, _LARGE_BOOK = 1_000, 100_000
_ARRIVALS: Final = DOCUMENTS // 2
_SHARE: Final = 300
_MANY: Final = 10_000
_POLL: Final = 0.05
_PATIENCE: Final = 600.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def run() -> Iterator[Row]:
    """Measure every row."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's own account passes through
        with _Bench.opened(Path(folder)) as bench:
            yield bench.measure_growth()
            yield from bench.measure_outgoing()
            yield bench.measure_processes()
            yield bench.measure_memory()
            # last: its answers stay in the sender's box, and whoever worked there next would pay for them
            yield bench.measure_incoming()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ran:
    """How a stretch of work went."""

    seconds: float
    cpu_seconds: float
    """Of the worker and its processes."""
    grown: int
    """Bytes by which its largest process grew after its first tenth."""


@dataclass(slots=True)
class _Bench:
    folder: Path
    pki: DevPki
    a: Node
    b: Node
    s3: S3Server
    postgres: PostgresServer
    prepared: Path

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Iterator["_Bench"]:
        with ExitStack() as stack:
            pki = make(folder / "pki", now=dt.datetime.now(dt.UTC))
            postgres = stack.enter_context(PostgresServer(folder / "postgres"))
            redis = stack.enter_context(RedisServer(folder / "redis"))
            s3 = stack.enter_context(S3Server(folder / "s3"))
            backings = [
                Backing(
                    database_url=postgres.ensure_database(name),
                    redis_url=f"{redis.url}/{number}",
                    s3={**s3.connection(), "bucket": s3.ensure_bucket(name)},
                )
                for number, name in enumerate(("nodea", "nodeb"))
            ]
            stack.enter_context(_set("EDOC_SEAL__LEVEL", "B-B"))  # as the script signs
            folders = make_nodes(
                folder,
                pki=pki.folder,
                seal_image=SAMPLES / "seal-a.png",
                tsa="http://127.0.0.1:9/",
                backings=backings,
            )
            a, b = (stack.enter_context(Node.open(path)) for path in folders)
            original, prepared = folder / "original.pdf", folder / "prepared.pdf"
            original.write_bytes(make_pdf(SMALL_BYTES))
            prepare(original, prepared)
            yield cls(folder=folder, pki=pki, a=a, b=b, s3=s3, postgres=postgres, prepared=prepared)

    def measure_outgoing(self) -> Iterator[Row]:
        """Register, seal, package, deliver, hear that it was dealt with, archive."""
        self._submit(DOCUMENTS)
        ran = self._send(DOCUMENTS)
        ours = DOCUMENTS / ran.seconds
        yield Row(work="outgoing journey, 2 cores", figure=ours, target=60, sense=">=", unit="/s")
        script = Script(
            self.pki.key_path("a-seal"), self.pki.passphrase, s3={**self.s3.connection(), "bucket": "nodea"}
        )
        dispatch = Dispatch.from_dict(clerk.documents(self.a, direction="outgoing")[0].dispatch)
        began = time.perf_counter()
        script.run([(self.folder / "original.pdf", dispatch)] * _SCRIPTED)
        theirs = _SCRIPTED / (time.perf_counter() - began)
        yield Row(
            work="outgoing journey against a straight script",
            figure=ours / theirs,
            target=4,
            sense=">=",
            detail=f"{ours:.0f}/s against {theirs:.0f}/s",
        )

    def measure_growth(self) -> Row:
        """What a document costs where few and where many stand in the register."""
        costs = list[float]()
        for size in (_SMALL_BOOK, _LARGE_BOOK):
            if not costs:
                self._submit(1)
                self._send(1)
            fill(self.a, clerk.documents(self.a, direction="outgoing")[0].id, upto=size)
            self._submit(_STEP)
            before = _cpu_seconds(self.postgres.pid)
            ran = self._send(_STEP)
            costs.append((ran.cpu_seconds + _cpu_seconds(self.postgres.pid) - before) / _STEP)
        return Row(
            work=f"cost of a document, {_LARGE_BOOK} against {_SMALL_BOOK} in the register",
            figure=(costs[1] / costs[0] - 1) * 100,
            target=10,
            sense="<=",
            unit="%",
            detail=" against ".join(f"{cost * 1000:.1f} ms" for cost in reversed(costs)),
        )

    def measure_incoming(self) -> Row:
        """Unpack, verify two signatures, register, answer, let the clerk complete it, answer, archive."""
        box = self.folder / "mailbox" / AGENCIES[1].organ_id
        for parcel in sorted((box / "done").iterdir())[:_ARRIVALS]:
            parcel.rename(box / "new" / parcel.name)
        with _completing(self.b):
            ran = self._work(self.b, _ARRIVALS, processes=2)
        return Row(
            work="incoming journey, 2 cores", figure=_ARRIVALS / ran.seconds, target=60, sense=">=", unit="/s"
        )

    def measure_processes(self) -> Row:
        """What a document costs the worker with one, two and three processes."""
        costs = list[float]()
        for processes in (1, 2, 3):
            self._submit(_SHARE)
            costs.append(self._send(_SHARE, processes=processes).cpu_seconds / _SHARE)
        return Row(
            work="worker CPU per document with 1, 2, 3 processes",
            figure=(max(costs) / min(costs) - 1) * 100,
            target=10,
            sense="<=",
            unit="%",
            detail=", ".join(f"{cost * 1000:.1f} ms" for cost in costs),
        )

    def measure_memory(self) -> Row:
        """What a worker's largest process grows by."""
        self._submit(_MANY)
        grown = self._send(_MANY).grown
        work = f"growth of a process over {_MANY} documents"
        return Row(work=work, figure=grown / MIB, target=20, sense="<=", unit="MiB")

    def _send(self, count: int, *, processes: int = 2) -> _Ran:
        with self._answering():
            return self._work(self.a, count, processes=processes)

    def _submit(self, count: int) -> None:
        person = load_key(self.pki.key_path("a-person2"), passphrase=self.pki.passphrase)
        draft, signed = draft_for(SAMPLE_PDF), self.folder / "signed.pdf"
        for _ in range(count):
            signed.unlink(missing_ok=True)
            sign(self.prepared, signed, key=person, role="person", trust=self.a.trust, offline=True)
            clerk.submit(self.a, {**draft, "subject": str(uuid.uuid4())}, [signed], actor="bench")

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """A recipient that has dealt with each document the moment it arrives."""
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.recipient", str(self.folder / "mailbox"), *_ENDS],
            stdin=subprocess.PIPE,
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def _work(self, node: Node, count: int, *, processes: int) -> _Ran:
        """Let a worker of so many processes bring all documents into the archive."""
        environment = {**os.environ, "EDOC_WORKER__PROCESSES": str(processes)}
        with (self.folder / "worker.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "worker", "--node", str(node.folder), "--exit-with-parent"],
                stdin=subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        try:
            return self._watch(node, count, worker.pid)
        finally:
            worker.terminate()
            worker.wait()

    def _watch(self, node: Node, count: int, pid: int) -> _Ran:
        """Time from the first step done to the last document archived: nobody pays for the start."""
        newest = select(t.audit_head.c.seq)
        patience, before = time.perf_counter() + _PATIENCE, _ask(node, newest)
        while _ask(node, newest) == before:
            time.sleep(_POLL / 10)
        began, cpu, sizes = time.perf_counter(), _cpu_seconds(pid), dict[int, int]()
        archived = (
            select(func.count())
            .where((t.audit.c.seq > bindparam("after")) & (t.audit.c.event == "archive"))
            .add_columns(newest.scalar_subquery())
        )
        done, seen = 0, before
        while done < count:
            # counted as it grows: the question must not cost more where more documents stand
            with node.journal.reading() as connection:
                found, seen = connection.execute(archived, {"after": seen}).one()
            done += found
            if not sizes and done > count // 10:
                sizes = _sizes(pid)
            if time.perf_counter() > patience:
                raise TimeoutError(f"{done} of {count} documents after {_PATIENCE:g} seconds")
            time.sleep(_POLL)
        seconds, cpu = time.perf_counter() - began, _cpu_seconds(pid) - cpu
        grown = max((size - sizes.get(each, size) for each, size in _sizes(pid).items()), default=0)
        return _Ran(seconds=seconds, cpu_seconds=cpu, grown=grown)


def _ask(node: Node, query: Any) -> Any:
    with node.journal.reading() as connection:
        return connection.execute(query).scalar_one()


@contextmanager
def _completing(node: Node) -> Iterator[None]:
    """A clerk who completes each document the moment it is registered."""
    over = threading.Event()

    def complete() -> None:
        query = select(t.documents.c.id).where(t.documents.c.state == "registered").limit(100)
        while not over.wait(_POLL):
            with node.journal.reading() as connection:
                found = list(connection.execute(query).scalars())
            for document in found:
                clerk.act(node, document, Event.COMPLETE, actor="bench")

    thread = threading.Thread(target=complete)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


_ENDS: Final = (AGENCIES[1].organ_id, AGENCIES[0].organ_id)


def _family(pid: int) -> list[int]:
    """A process and all that come from it."""
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").glob("*/children")
        for child in task.read_text().split()
    ]
    return [pid, *(each for child in children for each in _family(child))]


def _cpu_seconds(pid: int) -> float:
    total = 0
    for each in _family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def _sizes(pid: int) -> dict[int, int]:
    """Resident bytes of each process of the family."""
    page = os.sysconf("SC_PAGE_SIZE")
    return {each: int(Path(f"/proc/{each}/statm").read_text().split()[1]) * page for each in _family(pid)}


@contextmanager
def _set(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
