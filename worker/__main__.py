"""`edoc-worker`: the service that moves a node's documents.

    edoc-worker --node /srv/edoc/node

Starts the threads, drains on SIGTERM or SIGINT (running steps end, waiting ones stay in the database), and
exits 0. A second signal ends it at once; nothing is lost then either.
"""

import argparse
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import dramatiq
import structlog

from edoc.core.lifecycle import Work
from edoc.errors import EdocError, SettingsError
from edoc.node import duties
from edoc.node.logs import log_as_json, log_what_ends_threads
from edoc.node.node import Node
from edoc.node.tracing import wants_spans
from worker.actors import make_actors
from worker.broker import QUEUE, make_broker
from worker.health import watching
from worker.metrics import Meters
from worker.pool import Pool
from worker.progress import Progress
from worker.sweeper import Sweeper

_DRAIN_MS = 30_000
_IDLE_MS = 50
_DUTIES_SECONDS = 30.0
_COLLECT = "collect"
log = structlog.get_logger()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service; returns the exit code."""
    options = _parse(arguments)
    log_as_json()
    log_what_ends_threads()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(1) if stop.is_set() else stop.set())
    if options.exit_with_parent:
        threading.Thread(target=_die_with_parent, daemon=True).start()
    try:
        wants_spans(os.environ)  # said now, not by processes that end again and again
        with Node.open(options.node) as node:
            work(node, stop, read_roles(options.queues))
    except EdocError as error:
        sys.stderr.write(f"edoc-worker: {error}\n")
        return 1
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """What one worker does; everything by default."""

    kinds: frozenset[Work] | None = None
    collects: bool = True

    @property
    def queue(self) -> str:
        """Workers of the same roles hear the same bell."""
        if self.kinds is None:
            return QUEUE
        return "-".join((QUEUE, *sorted(self.kinds), *((_COLLECT,) if self.collects else ())))


def read_roles(words: str) -> Roles:
    """Read what `--queues` says; raises `SettingsError` that names what is wrong."""
    wanted = {word.strip() for word in words.split(",") if word.strip()}
    if not wanted:
        return Roles()
    known = {kind.value for kind in Work} | {_COLLECT}
    if unknown := wanted - known:
        raise SettingsError(
            f"there is no work called {', '.join(sorted(unknown))}.",
            where="--queues",
            advice=f"Known are: {', '.join(sorted(known))}.",
        )
    return Roles(kinds=frozenset(Work(word) for word in wanted - {_COLLECT}), collects=_COLLECT in wanted)


def work(node: Node, stop: threading.Event, roles: Roles = Roles()) -> None:
    """Work for the node until `stop` is set, then drain."""
    settings = node.settings.worker
    meters = Meters(node)
    progress = Progress(node=node, meters=meters, kinds=roles.kinds)
    with (
        Pool(
            node.folder,
            size=settings.processes,
            seconds=settings.step_seconds,
            memory=settings.memory_mib << 20,
            kinds=roles.kinds,
        ) as pool,
        ExitStack() as stack,
    ):
        broker = make_broker(node.settings.queue)

        def run(task: int) -> None:
            if stop.is_set():
                return  # whoever comes next finds it in the database
            ran = pool.run(task)
            meters.count(ran)
            sweeper.bell(ran.left)

        actor = make_actors(broker, run, queue=roles.queue)
        sweeper = Sweeper(
            node=node,
            pool=pool,
            meters=meters,
            ring=actor.send,
            kinds=roles.kinds,
            collects=roles.collects,
        )
        if settings.address is not None:
            host, port = settings.address
            stack.enter_context(
                watching(
                    host,
                    port,
                    registry=meters.registry,
                    ready=lambda: [*sweeper.doubts(), *progress.doubts()],
                )
            )
        worker = dramatiq.Worker(broker, worker_threads=pool.size, worker_timeout=_IDLE_MS)
        sweeping = threading.Thread(target=sweeper.run, name="sweeper")
        on_duty = threading.Thread(target=_perform_duties, args=(node, sweeper.stopping), name="duties")
        worker.start()
        sweeping.start()
        on_duty.start()
        log.info("worker started", node=str(node.folder), processes=pool.size)
        try:
            while not stop.wait(0.5):
                if not sweeping.is_alive():
                    raise SystemExit("edoc-worker: the sweeper ended by a defect; see the log above")
        finally:
            sweeper.stopping.set()
            pool.drain()
            sweeping.join()
            on_duty.join()
            worker.stop(timeout=_DRAIN_MS)
            with contextlib.suppress(ConnectionError):
                broker.close()
            log.info("worker stopped")


def _perform_duties(node: Node, stopping: threading.Event) -> None:
    while not stopping.is_set():
        try:
            duties.perform_due(node)
        except EdocError as error:
            log.warning("duties postponed", reason=str(error))
        except Exception:
            log.exception("duties ended by a defect; tried again")
        stopping.wait(_DUTIES_SECONDS)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="edoc-worker",
        description="Move a node's documents through registration, sealing, exchange and archival.",
        epilog="Example: edoc-worker --node /srv/edoc/node",
    )
    parser.add_argument(
        "--node",
        type=Path,
        default=os.environ.get("EDOC_NODE"),
        required="EDOC_NODE" not in os.environ,
        help="the node's folder (or EDOC_NODE)",
    )
    parser.add_argument(
        "--queues",
        default="",
        metavar="KIND,…",
        help="do only this work: collect, number, seal, pack, deliver, verify, register, answer, archive",
    )
    parser.add_argument(
        "--exit-with-parent",
        action="store_true",
        help="end when standard input is closed: whoever started this worker is gone",
    )
    return parser.parse_args(arguments)


def _die_with_parent() -> None:
    """End as a power cut would, the moment the other end of standard input is gone."""
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    raise SystemExit(main())
