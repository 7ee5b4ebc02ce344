"""The demo's folder: made, locked, resumed or started over; never silently mixed.

DIR/demo.json    what the demo in this folder is about
DIR/a, DIR/b     the two nodes
DIR/mailbox      the transport between them, or
DIR/hub          the hub (with --transport axis)
DIR/desk         what lies on the desks of people: the prepared and the signed PDF
DIR/services     data of Redis, PostgreSQL and S3 (with --services)
DIR/result       what came of it, written when all is done
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from edoc.errors import InputError, Refused
from edoc.node.durable import write_file

_MARK: Final = "demo.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a demo is about; the same plan resumes, another one needs another folder."""

    pdf_sha256: str
    services: bool
    transport: str = "mailbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A demo's folder, held by this process alone."""

    folder: Path
    pdf: Path
    plan: Plan
    resumed: bool

    @property
    def desk(self) -> Path:
        """What lies on people's desks."""
        return self.folder / "desk"

    @property
    def services(self) -> Path:
        """Where the real services keep their data."""
        return self.folder / "services"

    @property
    def result(self) -> Path:
        """What came of it."""
        return self.folder / "result"


@contextmanager
def open_stage(
    folder: Path, *, pdf: Path, services: bool, start_over: bool, transport: str = "mailbox"
) -> Iterator[Stage]:
    """Hold the demo's folder.

    Raises `Refused` if the folder holds anything else, another demo, or one that is running now.
    """
    folder = folder.absolute()
    plan = Plan(pdf_sha256=_sha256(pdf), services=services, transport=transport)
    _require_ours(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder):
        if start_over:
            _clear(folder)
        resumed = _mark(folder, plan)
        (folder / "desk").mkdir(exist_ok=True)
        yield Stage(folder=folder, pdf=pdf, plan=plan, resumed=resumed)


def _sha256(pdf: Path) -> str:
    try:
        return hashlib.sha256(pdf.read_bytes()).hexdigest()
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise InputError(f"{reason}.", where=str(pdf), advice="Name a PDF file that you may read.") from error


def _require_ours(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise Refused("it is a file, not a folder.", where=str(folder), advice="Name a new folder.")
    if folder.is_dir() and not (folder / _MARK).exists() and any(p.name != ".lock" for p in folder.iterdir()):
        raise Refused(
            "the folder holds something that is no demo; nothing was touched.",
            where=str(folder),
            advice="Name a new or empty folder.",
        )


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                "another demo is running in this folder.",
                where=str(folder),
                advice="Wait for it, or name another.",
            ) from None
        yield


def _clear(folder: Path) -> None:
    """Start over: all goes but the lock, and the mark last, so that a crash leaves a demo to clear."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == _MARK):
        if path.name == ".lock":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _mark(folder: Path, plan: Plan) -> bool:
    """Say what the folder is about; returns whether it said so before."""
    mark = folder / _MARK
    if not mark.exists():
        write_file(mark, json.dumps(asdict(plan), indent=2).encode())
        return False
    if Plan(**json.loads(mark.read_bytes())) != plan:
        raise Refused(
            "the folder holds a demo of another PDF, services or transport; nothing was touched.",
            where=str(folder),
            advice="Name another folder, or add --start-over to clear this one.",
        )
    return True
