"""Go on where a batch of verifications was interrupted: what was judged is kept until the batch has ended.

Rules: a judgement is used again only for the very same bytes, under the very same settings, for the same
instant; what is kept stands in the person's own state folder, for a file beside the documents could come from
whoever sent them; a batch that was interrupted more than a day ago begins anew.
"""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from edoc.core.report import SCHEMA_VERSION, FileReport, Report
from edoc.errors import InputError, Unavailable
from edoc.policies import load_policy
from edoc.trust.store import Trust
from edoc.verification.process import verify_guarded
from edoc.verification.wire import WireError, pack_text, unpack_text

FORMAT: Final = 1
MAX_AGE: Final = timedelta(days=1)
_CHUNK: Final = 1 << 20
_PRIVATE: Final = 0o700
_OTHERS: Final = 0o077


@dataclass(slots=True)
class Kept:
    """The judgements of one batch, in a file that grows with each."""

    stream: BinaryIO
    path: Path
    at: datetime
    """The instant that the whole batch is judged at."""
    judged: dict[str, FileReport] = field(default_factory=dict)
    """By path."""

    def find(self, path: Path) -> FileReport | None:
        """Give the judgement on a file, if its bytes are still those that were judged."""
        known = self.judged.get(str(path))
        if known is None:
            return None
        try:
            with path.open("rb") as stream:
                return known if hash_stream(stream) == known.sha256 else None
        except OSError:
            return None

    def add(self, report: FileReport) -> None:
        """Keep a judgement; what could not be read is judged again."""
        if report.readable and report.sha256 is not None:
            self.stream.write(json.dumps(pack_text(report)).encode() + b"\n")
            self.stream.flush()

    def forget(self) -> None:
        """The batch has ended."""
        with suppress(OSError):
            self.path.unlink()


@contextmanager
def keeping(
    settings: dict[str, Any], password: str | None, *, at: datetime | None, now: datetime
) -> Iterator[Kept]:
    """Open what was kept of the batch with these settings, or begin it.

    `at` is the instant that was asked for; without it a batch that goes on keeps the one that it began with.
    Raises `Unavailable` if the same batch is at work, `InputError` if nothing can be kept.
    """
    wanted = {**settings, "at": None if at is None else at.isoformat(), "format": FORMAT}
    key = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    path = _find_folder() / f"{key}.jsonl"
    try:
        stream = _open(path)
    except OSError as error:
        raise InputError(
            f"what was judged cannot be kept ({(error.strerror or 'input error').lower()}).",
            where=str(path),
            advice="Set XDG_STATE_HOME to a folder of your own, or leave out --resume.",
        ) from error
    with stream:
        _lock(stream, path)
        head = _Head.read(stream)
        if head is None or not head.fits(password, now):
            head = _Head.make(at or now, now, password)
            stream.seek(0)
            stream.truncate()
            stream.write(head.dump())
            stream.flush()
        kept = Kept(stream, path, head.at)
        kept.judged = {report.path: report for report in _read_lines(stream)}
        stream.write(b"\n")  # the last line may have been cut off
        yield kept


def hash_stream(stream: BinaryIO) -> str:
    """SHA-256 of a stream to its end, lower-case hex."""
    digest = hashlib.sha256()
    while piece := stream.read(_CHUNK):
        digest.update(piece)
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    at: datetime
    begun: datetime
    salt: bytes
    password: bytes

    @classmethod
    def make(cls, at: datetime, now: datetime, password: str | None) -> Self:
        salt = secrets.token_bytes(16)
        return cls(at=at, begun=now, salt=salt, password=_stretch(password, salt))

    @classmethod
    def read(cls, stream: BinaryIO) -> Self | None:
        stream.seek(0)
        try:
            value = json.loads(stream.readline())
            return cls(
                at=datetime.fromisoformat(value["at"]),
                begun=datetime.fromisoformat(value["begun"]),
                salt=bytes.fromhex(value["salt"]),
                password=bytes.fromhex(value["password"]),
            )
        except (ValueError, TypeError, KeyError):
            return None

    def dump(self) -> bytes:
        value = {
            "at": self.at.isoformat(),
            "begun": self.begun.isoformat(),
            "salt": self.salt.hex(),
            "password": self.password.hex(),
        }
        return json.dumps(value).encode() + b"\n"

    def fits(self, password: str | None, now: datetime) -> bool:
        same = hmac.compare_digest(self.password, _stretch(password, self.salt))
        return same and timedelta() <= now - self.begun < MAX_AGE


def _stretch(password: str | None, salt: bytes) -> bytes:
    """Tell one password from another without keeping it."""
    if password is None:
        return b""
    return hashlib.scrypt(password.encode("utf-8", "surrogateescape"), salt=salt, n=1 << 14, r=8, p=1)


def _find_folder() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "edoc" / "verify"


def _open(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    stream = os.fdopen(descriptor, "r+b")
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & _OTHERS:
        stream.close()
        raise PermissionError(1, "it is not a private file of yours", str(path))
    return stream


def _lock(stream: BinaryIO, path: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Unavailable(
            "the same batch is being verified by another process.",
            where=str(path),
            advice="Wait for it, or leave out --resume.",
        ) from error


def _read_lines(stream: BinaryIO) -> Iterator[FileReport]:
    """What is whole; the last line may not be."""
    for line in stream:
        with suppress(ValueError, TypeError, WireError):
            yield unpack_text(FileReport, json.loads(line))


def judge_on(
    files: list[Path],
    terms: dict[str, Any],
    *,
    now: datetime,
    on_file: Callable[[int, FileReport], None],
) -> Report:
    """Judge a batch as `verify_guarded` does by `terms`, as far as it was not judged already.

    Raises as `verify_guarded` and `keeping` do.
    """
    password = terms["password"]
    with keeping(_describe(files, terms), password, at=terms["at"], now=now) as kept:
        reports = {position: kept.find(path) for position, path in enumerate(files)}
        left = [position for position, report in reports.items() if report is None]
        for position, report in reports.items():
            if report is not None:
                on_file(position, report)

        def note(place: int, report: FileReport) -> None:
            kept.add(report)
            on_file(left[place], report)

        fresh = verify_guarded(
            [files[position] for position in left], **{**terms, "at": kept.at}, on_file=note
        )
        reports.update(zip(left, fresh.files, strict=True))
        kept.forget()
    return replace(fresh, files=tuple(report for report in reports.values() if report is not None))


def _hash_file(path: Path | None) -> str | None:
    if path is None:
        return None
    with path.open("rb") as stream:
        return hash_stream(stream)


def _describe(files: list[Path], terms: dict[str, Any]) -> dict[str, Any]:
    """Everything that a judgement depends on besides a file's bytes, the password and the time."""
    trust = terms["trust"] or Trust.empty()
    chosen = load_policy(terms["policy"])
    return {
        "version": version("edoc"),
        "schema": SCHEMA_VERSION,
        "trust": [
            sorted(hashlib.sha256(der).hexdigest() for der in ders)
            for ders in (trust.roots, trust.intermediates, trust.crls)
        ],
        "policy": [chosen.name, chosen.sha256],
        "online": not terms["offline"],
        "rule": terms["rule"],
        "detached": _hash_file(terms["detached"]),
        "folder": str(Path.cwd()),
        "files": hashlib.sha256("\0".join(map(str, files)).encode("utf-8", "surrogateescape")).hexdigest(),
    }
