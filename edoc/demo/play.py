"""The demo: two agencies on this machine, end to end.

    result = play(Path("edoc-demo"), console=Console())

Embedded by default: SQLite, directories, an in-process broker. With `services=True` the same on a real
redis-server, PostgreSQL and S3 server, started here on free loopback ports and stopped afterwards.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from edoc.demo.hub import HubServer
from edoc.demo.journey import Journey
from edoc.demo.nodes import Backing, Join, by_hub, by_mailbox, make_nodes
from edoc.demo.result import write_result
from edoc.demo.screen import Screen
from edoc.demo.server import Server
from edoc.demo.services import PostgresServer, RedisServer, S3Server
from edoc.demo.stage import Stage, open_stage
from edoc.demo.workers import Workers, running
from edoc.devpki.hierarchy import DevPki, make
from edoc.devpki.profiles import AGENCIES
from edoc.devpki.server import serving
from edoc.errors import Refused
from edoc.node import clerk
from edoc.node.node import Node
from edoc.pdf.document import inspect

SAMPLES: Final = next(
    folder
    for folder in (Path(__file__).parent / "samples", Path(__file__).parents[2] / "samples")
    if folder.is_dir()
)
SAMPLE_PDF: Final = SAMPLES / "cong-van.pdf"
_OFTEN: Final = "[limits]\ncalls_per_minute = 6000\n"
"""The demo's nodes ask for packages ten times a second."""


def play(
    folder: Path,
    *,
    console: Console,
    pdf: Path = SAMPLE_PDF,
    pki: Path = Path("certs-dev"),
    services: bool = False,
    start_over: bool = False,
    transport: str = "mailbox",
) -> dict[str, Any]:
    """Play the journey in `folder`, over a `mailbox` or the `axis`; returns the paths of what came of it.

    Run again on the same folder it resumes, or starts over if asked. Raises `EdocError` with what is wrong
    and what to do; whatever was done by then stays and is resumed.
    """
    _require_usable(pdf)
    opening = open_stage(folder, pdf=pdf, services=services, start_over=start_over, transport=transport)
    with opening as stage, ExitStack() as stack:
        certificates = make(pki.absolute(), now=datetime.now(UTC))
        screen = Screen(console, (AGENCIES[0].name, AGENCIES[1].name))
        stack.enter_context(screen.running())
        if stage.resumed:
            screen.show(
                "", "Tiếp tục hành trình dang dở", "resuming what stands in the folder", str(stage.folder)
            )
        tsa = stack.enter_context(serving(certificates)) + "/tsa"
        servers, backings = stack.enter_context(_backings(stage, screen))
        hubs, join = stack.enter_context(_linking(stage, screen))
        folders = make_nodes(
            stage.folder,
            pki=certificates.folder,
            seal_image=SAMPLES / "seal-a.png",
            tsa=tsa,
            backings=backings,
            join=join,
        )
        a, b = (stack.enter_context(Node.open(node)) for node in folders)
        workers = stack.enter_context(running(*folders))
        journey = Journey(
            a=a,
            b=b,
            screen=screen,
            check_servants=lambda: _revive(workers, (*servers, *hubs), screen),
            over_axis=bool(hubs),
        )
        return _travel(journey, stage, certificates, tsa)


def _require_usable(pdf: Path) -> None:
    signatures = inspect(pdf).signatures
    if signatures:
        names = ", ".join(sorted({each.signer or "somebody unknown" for each in signatures}))
        raise Refused(
            f"it is already signed by {names}.",
            where=str(pdf),
            advice="The demo begins with an unsigned PDF; name another file.",
        )


def _travel(journey: Journey, stage: Stage, pki: DevPki, tsa: str) -> dict[str, Any]:
    signed = journey.sign_draft(
        stage.pdf, stage.desk, pki=pki.folder, image=SAMPLES / "signature-a.png", tsa=tsa
    )
    sent = journey.send(draft_for(stage.pdf), signed)
    document_id = clerk.find(journey.a, sent).document_id
    arrived = journey.complete(document_id)
    journey.hear(sent)
    result = write_result(stage, journey.a, journey.b, sent, arrived)
    journey.screen.show("", "Xong", "done", str(stage.result))
    return {**result, "elapsed_seconds": round(journey.screen.elapsed, 2)}


def draft_for(pdf: Path) -> dict[str, Any]:
    """Return the sample's draft; another PDF gets its file name as its abstract."""
    draft: dict[str, Any] = json.loads((SAMPLES / "cong-van.draft.json").read_text(encoding="utf-8"))
    return draft if pdf == SAMPLE_PDF else {**draft, "subject": pdf.stem}


def _revive(workers: Workers, servers: Sequence[Server], screen: Screen) -> None:
    for server in servers:
        if not server.is_running:
            server.start()
            screen.show(
                "", f"{server.name} dừng bất ngờ; khởi động lại", "the service ended and was started again"
            )
    for folder in workers.revive():
        screen.show(
            folder.name,
            "Tiến trình làm việc dừng bất ngờ; khởi động lại",
            "the worker died and was started again",
        )


@contextmanager
def _linking(stage: Stage, screen: Screen) -> Iterator[tuple[Sequence[Server], Join]]:
    """What moves packages between the two nodes: a folder, or a hub."""
    if stage.plan.transport == "mailbox":
        yield (), by_mailbox(stage.folder / "mailbox")
        return
    with HubServer(stage.folder / "hub", settings=_OFTEN) as hub:
        screen.show("", "Đã khởi động trục liên thông", "the hub of the axis is running", hub.url)
        yield (hub,), by_hub(hub)


@contextmanager
def _backings(stage: Stage, screen: Screen) -> Iterator[tuple[Sequence[Server], Sequence[Backing]]]:
    """What stands behind the two nodes: nothing but files, or real services."""
    if not stage.plan.services:
        yield (), (Backing(), Backing())
        return
    stage.services.mkdir(exist_ok=True)
    with (
        RedisServer(stage.services / "redis") as redis,
        PostgresServer(stage.services / "postgres") as postgres,
        S3Server(stage.services / "s3") as s3,
    ):
        screen.show(
            "",
            "Đã khởi động Redis, PostgreSQL, S3",
            "real services started",
            f"ports {redis.port}, {postgres.port}, {s3.port}",
        )
        backings = [
            Backing(
                database_url=postgres.ensure_database(f"node_{agency.key}"),
                redis_url=f"{redis.url}/{index}",
                s3={**s3.connection(), "bucket": s3.ensure_bucket(f"node-{agency.key}")},
            )
            for index, agency in enumerate(AGENCIES)
        ]
        yield (redis, postgres, s3), backings
