"""Files that are whole and durable, or not there: staged, synced, then published in one step.

    with disk_errors(folder), stage(folder / "tmp") as staged:
        staged.file.write(content)
        staged.publish(folder / "name")

A name that stands is never overwritten by `publish`; only `replace` and `write_file` do that, and at once. A
process killed at any line leaves the whole file, or a staged file that `sweep` removes when it is old.
"""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from edoc.errors import SettingsError, Unavailable

STAGED_PREFIX: Final = ".staged-"
"""How staged files begin; nobody lists them."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# What file systems without hard links answer (FAT, exFAT, some network shares).
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A file being written under a temporary name; made by `stage`."""

    file: BinaryIO
    path: Path

    def publish(self, target: Path) -> bool:
        """Make what was written appear durably as `target`, in the same file system.

        Returns False, and changes nothing, if the name already stands; the name is durable either way. Raises
        `SettingsError` if the file system has no hard links.
        """
        self._sync()
        try:
            target.hardlink_to(self.path)
        except FileExistsError:
            published = False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            raise SettingsError(
                "this file system cannot publish a file without the danger of overwriting another.",
                where=str(target.parent),
                advice="Use one with hard links, such as ext4, xfs, btrfs or NFS.",
            ) from error
        else:
            published = True
        # also for a name that stood: whoever gave it may not have synced the folder yet
        sync_folder(target.parent)
        return published

    def replace(self, target: Path) -> None:
        """Make what was written appear durably as `target`, instead of whatever stands there."""
        self._sync()
        self.path.replace(target)
        sync_folder(target.parent)

    def _sync(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())


@contextmanager
def stage(folder: Path, *, mode: int = 0o444) -> Iterator[Staged]:
    """Open a new file in `folder` under a temporary name that is gone afterwards, whatever happens.

    `mode` are the permission bits under which it may be published.
    """
    make_folder(folder)
    descriptor, name = tempfile.mkstemp(prefix=STAGED_PREFIX, dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            yield Staged(file=file, path=Path(name))
    finally:
        Path(name).unlink(missing_ok=True)


def write_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a small file, replacing an older one in a single step.

    Raises `Unavailable` if the disk is full or cannot be used; the older file then stands untouched.
    """
    with disk_errors(path), stage(path.parent, mode=mode) as staged:
        staged.file.write(content)
        staged.replace(path)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, each durable in its own parent; does nothing if it is there."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path, *, older_than: float) -> int:
    """Remove staged files that nobody has written to for `older_than` seconds; returns how many.

    Age is told by the file system's own clock, because machines with other clocks may write here too.
    Sweeping is housekeeping: what cannot be removed now stays for the next time.
    """
    removed = 0
    with suppress(OSError):
        found = list(folder.glob(f"{STAGED_PREFIX}*"))
        if not found:
            return 0
        with tempfile.NamedTemporaryFile(prefix=STAGED_PREFIX, dir=folder) as probe:
            present = os.fstat(probe.fileno()).st_mtime
        for path in found:
            with suppress(OSError):
                if present - path.stat().st_mtime > older_than:
                    path.unlink()
                    removed += 1
    return removed


@contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn trouble with a disk into `Unavailable`: one clear sentence, and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Unavailable(
                "the disk is full; nothing was left half done.",
                where=str(where),
                advice="Free some space there; then it can be done again.",
            ) from error
        raise Unavailable(
            f"the disk cannot be used: {(error.strerror or type(error).__name__).lower()}.",
            where=str(where),
            advice="Check that it is there and who may use it.",
        ) from error
