"""What the fault suite stands on: real services, a PKI of its own, two nodes, everything in one folder.

    with opened(folder) as grounds:
        grounds.a.node, grounds.s3.kill(), grounds.stamps.stop()

Mailbox, working copies and the S3 server's data lie on a disk of their own where root may mount one: it can
be filled without harming anybody.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from edoc.demo.nodes import Backing, make_nodes
from edoc.demo.play import SAMPLE_PDF, SAMPLES, draft_for
from edoc.demo.server import HOST, free_port
from edoc.demo.services import PostgresServer, RedisServer, S3Server
from edoc.devpki.hierarchy import DevPki, make
from edoc.devpki.profiles import AGENCIES, Agency
from edoc.devpki.server import serving
from edoc.keys.loading import load_key
from edoc.node import clerk
from edoc.node.node import Node
from edoc.signing import prepare, sign

DISK_BYTES: Final = 2 << 30
"""Of the small disk; memory is used only for what is really written."""


@dataclass(slots=True)
class Stamps:
    """The PKI's TSA, OCSP and CRL server, which can be away."""

    pki: DevPki
    port: int
    _stack: ExitStack | None = None

    def start(self) -> None:
        """Serve; does nothing if it does."""
        if self._stack is None:
            self._stack = ExitStack()
            self._stack.enter_context(serving(self.pki, port=self.port))

    def stop(self) -> None:
        """Be away."""
        if self._stack is not None:
            self._stack.close()
            self._stack = None


@dataclass(slots=True)
class Side:
    """One agency: its node's folder, the node as this process sees it, and what it sent."""

    agency: Agency
    peer: Agency
    folder: Path
    node: Node
    backing: Backing
    sent: dict[str, str] = field(default_factory=dict)
    """Good documents by their id here: in which trial they were sent."""
    left_over: frozenset[int] = frozenset()
    """Dead letters of earlier trials, which are to stay that."""


@dataclass(slots=True)
class Grounds:
    """Everything there is."""

    folder: Path
    disk: Path
    own_disk: bool
    """Whether `disk` is one that may be filled."""
    pki: DevPki
    stamps: Stamps
    redis: RedisServer
    postgres: PostgresServer
    s3: S3Server
    sides: tuple[Side, Side]
    prepared: Path
    began_at: datetime
    _made: int = 0

    @property
    def scratch(self) -> Path:
        """Where workers keep working copies."""
        return self.disk / "tmp"

    def submit(self, side: Side, trial: str, *, to: Agency | None = None) -> str:
        """Sign a document as the side's competent person and hand it to its node; returns its id there.

        It goes to the other side, unless `to` says otherwise.
        """
        self._made += 1
        number = self._made
        signed = self.folder / f"signed-{number}.pdf"
        key = self.pki.key_path(side.agency.persons[-1].key_name)
        sign(
            self.prepared,
            signed,
            key=load_key(key, passphrase=self.pki.passphrase),
            role="person",
            trust=side.node.trust,
            offline=True,
        )
        document = clerk.submit(side.node, draft(to or side.peer, number), [signed], actor="van-thu")
        signed.unlink()
        side.sent[document] = trial
        return document

    def restart_stamps(self) -> None:
        """Serve what the PKI holds now."""
        self.stamps.stop()
        self.stamps.start()


def draft(to: Agency, number: int) -> dict[str, Any]:
    """Return the draft of a document to an agency; no two are the same."""
    return {
        **draft_for(SAMPLE_PDF),
        "to": [{"organ_id": to.organ_id, "organ_name": to.name}],
        "subject": f"V/v thử thách số {number}",
    }


@contextmanager
def opened(folder: Path) -> Iterator[Grounds]:
    """Make and start everything; it is stopped at the end. The folder must be one others may enter."""
    with ExitStack() as stack:
        began_at = datetime.now(UTC)
        port = free_port()
        pki = make(folder / "pki", now=began_at, base_url=f"http://{HOST}:{port}")
        stamps = Stamps(pki=pki, port=port)
        stack.callback(stamps.stop)
        stamps.start()
        own_disk = stack.enter_context(_small_disk(folder / "disk"))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        postgres = stack.enter_context(PostgresServer(folder / "postgres"))
        s3 = stack.enter_context(S3Server(folder / "disk" / "s3"))
        backings = [_back(agency, index, redis, postgres, s3) for index, agency in enumerate(AGENCIES)]
        folders = make_nodes(
            folder,
            pki=pki.folder,
            seal_image=SAMPLES / "seal-a.png",
            tsa=f"{pki.base_url}/tsa",
            backings=backings,
            join=lambda _: {"mailbox": {"path": str(folder / "disk" / "mailbox")}},
        )
        prepared = folder / "prepared.pdf"
        prepare(SAMPLE_PDF, prepared)
        first, second = (
            Side(
                agency=agency,
                peer=peer,
                folder=node,
                node=stack.enter_context(Node.open(node)),
                backing=backing,
            )
            for agency, peer, node, backing in zip(
                AGENCIES, reversed(AGENCIES), folders, backings, strict=True
            )
        )
        yield Grounds(
            folder=folder,
            disk=folder / "disk",
            own_disk=own_disk,
            pki=pki,
            stamps=stamps,
            redis=redis,
            postgres=postgres,
            s3=s3,
            sides=(first, second),
            prepared=prepared,
            began_at=began_at,
        )


def _back(agency: Agency, index: int, redis: RedisServer, postgres: PostgresServer, s3: S3Server) -> Backing:
    return Backing(
        database_url=postgres.ensure_database(f"node_{agency.key}"),
        redis_url=f"{redis.url}/{index}",
        s3={**s3.connection(), "bucket": s3.ensure_bucket(f"node-{agency.key}")},
    )


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Make the folder a disk of its own, if this account may; gives whether it is one."""
    folder.mkdir()
    size = f"size={DISK_BYTES},mode=0755"
    mounted = (
        os.geteuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "edoc-faults", str(folder)], check=False, capture_output=True
        ).returncode
        == 0
    )
    (folder / "tmp").mkdir()
    try:
        yield mounted
    finally:
        if mounted:
            # lazily: what a killed worker left behind may still hold a file open
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
