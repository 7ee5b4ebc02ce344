"""Objects in a directory, addressed by the SHA-256 of their content and never overwritten.

    objects = DirectoryObjects(Path("objects"))
    stored = objects.put(stream)                         # durable when it returns
    with open_verified(objects, stored.sha256) as copy:
        ...                                              # a wrong byte raises, at the latest at the end

An object stands at `ab/abcdef…`, read-only. What is half written stands in `tmp/`, where nobody looks; a
later start sweeps what a killed process left there. Serves invariant 5 (by SHA-256, never overwritten).
"""

import hashlib
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from edoc.core.ports import Objects, Stored
from edoc.errors import EdocError, InputError, Unavailable
from edoc.node.durable import disk_errors, make_folder, stage, sweep

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK: Final = 1 << 20
"""Bytes read at a time."""
STALE_SECONDS: Final = 86_400.0
"""A staged file that nobody wrote to for a day belongs to no living process."""
PROMISES: Final = "promises"
"""Where small texts stand that are not addressed by their content."""
_NAME: Final = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z._-]*(/[0-9A-Za-z_-][0-9A-Za-z._-]*)*", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class DamagedObjectError(EdocError):
    """Bytes do not have the SHA-256 under which they were stored or listed."""

    code = "OBJECT_DAMAGED"


class DirectoryObjects:
    """The embedded object store; several processes may share its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._staging = folder / "tmp"
        sweep(self._staging, older_than=STALE_SECONDS)

    def __repr__(self) -> str:
        return f"DirectoryObjects({str(self._folder)!r})"

    def put(self, source: BinaryIO) -> Stored:
        """Store the stream to its end and return only when it is durable. Idempotent.

        Raises `Unavailable` if the disk is full or cannot be used (nothing is left behind), and
        `DamagedObjectError` if other bytes stand under the content's name: they stay as they are.
        """
        with disk_errors(self._folder), stage(self._staging) as staged:
            stored = copy_hashing(source, staged.file)
            target = self._path(stored.sha256)
            make_folder(target.parent)
            fresh = staged.publish(target)
        if not fresh:
            require_intact(self, stored.sha256)
        return stored

    @contextmanager
    def open(self, sha256: str) -> Iterator[BinaryIO]:
        """Open the object for reading; raises `Unavailable` if it is not there. Verifies nothing."""
        path = self._path(sha256)
        with disk_errors(path):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                raise missing(sha256, str(self._folder)) from None
        with file:
            yield file

    def holds(self, sha256: str) -> bool:
        """Tell whether the object is there."""
        path = self._path(sha256)
        with disk_errors(path):
            return path.is_file()

    def hashes(self) -> Iterator[str]:
        """All stored hashes, in no particular order."""
        with disk_errors(self._folder):
            for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
                if is_sha256(path.name) and path.name.startswith(path.parent.name):
                    yield path.name

    def promise(self, name: str, text: str) -> str:
        """Put a small text durably under a name, unless one stands there; return the one that stands.

        Raises `InputError` for what is no such name, and `Unavailable` if the disk cannot be used.
        """
        target = self._folder / PROMISES / require_name(name)
        with disk_errors(target):
            make_folder(target.parent)
            with stage(self._staging) as staged:
                staged.file.write(text.encode())
                if staged.publish(target):
                    return text
            return target.read_text(encoding="utf-8")

    def promised(self, name: str) -> str | None:
        """The text that stands under a name, if one does; raises what `promise` raises."""
        target = self._folder / PROMISES / require_name(name)
        with disk_errors(target):
            return target.read_text(encoding="utf-8") if target.is_file() else None

    def promises(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """All names that begin with `prefix` and come after the name `after`, in order."""
        base = self._folder / PROMISES
        with disk_errors(base):
            yield from _walk(base, "", prefix, after)

    def _path(self, sha256: str) -> Path:
        return self._folder / require_sha256(sha256)[:2] / sha256


def _walk(folder: Path, name: str, prefix: str, after: str) -> Iterator[str]:
    """Names of files below, in order; folders that hold none that is wanted are not entered."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        names = sorted(f"{name}{entry.name}{'/' if entry.is_dir() else ''}" for entry in entries)
    for each in names:
        if not each.endswith("/"):
            if each.startswith(prefix) and each > after:
                yield each
        elif (each.startswith(prefix) or prefix.startswith(each)) and each >= after[: len(each)]:
            yield from _walk(folder / each[len(name) :], each, prefix, after)


@contextmanager
def open_verified(objects: Objects, sha256: str) -> Iterator[BinaryIO]:
    """Open an object for reading once from start to end, checking its hash on the way.

    Raises `DamagedObjectError` if the content is not what its name says: when the end is read or, if the
    reader stopped earlier, on leaving the block; until then what was read is not proven. Raises `Unavailable`
    if the object is not there.
    """
    with objects.open(sha256) as source, verifying(source, sha256, where="object") as checked:
        yield checked


@contextmanager
def verifying(source: BinaryIO, sha256: str, *, where: str) -> Iterator[BinaryIO]:
    """Read a stream and raise `DamagedObjectError` unless all of it has this hash; see `open_verified`."""
    with io.BufferedReader(_Checked(source, sha256, where), CHUNK) as checked:
        yield checked
        while checked.read(CHUNK):
            pass


def require_intact(objects: Objects, sha256: str) -> None:
    """Read a stored object through; raises `DamagedObjectError` if its content is not what its name says."""
    with open_verified(objects, sha256):
        pass


def copy_hashing(source: BinaryIO, target: BinaryIO | None) -> Stored:
    """Copy a stream to its end in constant memory, or only read it, and say what it was."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if target is not None:
            target.write(chunk)
    return Stored(sha256=digest.hexdigest(), size=size)


def is_sha256(text: str) -> bool:
    """Tell whether a text is a SHA-256 in lower-case hex."""
    return _SHA256.fullmatch(text) is not None


def require_name(text: str) -> str:
    """Return the name of a promise; raises `InputError` if it could lead elsewhere."""
    if not _NAME.fullmatch(text):
        raise InputError("this cannot be the name of a promise.", where=repr(text[:80]))
    return text


def require_sha256(text: str) -> str:
    """Return a SHA-256 in lower-case hex; raises `InputError` otherwise: no path is made of anything else."""
    if not is_sha256(text):
        raise InputError("this is no SHA-256 in lower-case hex.", where=repr(text[:80]))
    return text


def missing(sha256: str, where: str) -> Unavailable:
    """The error of an object that is not there."""
    return Unavailable(
        f"the object {sha256} is not there.",
        where=where,
        advice="Check that the object store is the node's own and complete; restore it from a backup.",
    )


class _Checked(io.RawIOBase):
    """Passes a stream on and refuses to end it if its hash is not the expected one."""

    def __init__(self, source: BinaryIO, sha256: str, where: str) -> None:
        self._source = source
        self._expected = sha256
        self._where = where
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        chunk = self._source.read(len(view))
        view[: len(chunk)] = chunk
        self._digest.update(chunk)
        if not chunk and self._digest.hexdigest() != self._expected:
            raise DamagedObjectError(
                f"the content is damaged: its SHA-256 is not {self._expected}.",
                where=self._where,
                advice="Keep it as evidence; get the content again from a backup or from its sender.",
            )
        return len(chunk)
