"""Private folders for work in progress, used again and again: making and removing one costs more than a step.

A folder is empty when it is given out, and whatever a step left in it is gone afterwards. What is small is
worked on in memory where the system has a file system there (Linux: `/dev/shm`). Whoever works in a folder
holds a lock on it; what a killed process left is recognized by that, and removed when the next one is made.
"""

import fcntl
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from edoc.files import passing

_PREFIX: Final = "edoc-work-"
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - private folders are made in it
_SMALL: Final = 4 << 20
_ROOM: Final = 64
"""So many times a content's size must be free in memory: others work there, too."""


class Workspace:
    """The folders of one open node; several threads may use it."""

    def __init__(self, *, memory: Path = _MEMORY) -> None:
        self._memory = memory
        self._free: defaultdict[bool, list[Path]] = defaultdict(list)
        self._all: dict[Path, int] = {}

    @contextmanager
    def scratch(self, size: int | None = None) -> Iterator[Path]:
        """Give an empty private folder for one step; what is written there need not survive a power cut.

        `size` is how many bytes are worked on, if that is known.
        """
        in_memory = size is not None and size <= _SMALL and self._has_room(size)
        folder = self._take(in_memory=in_memory)
        try:
            with passing():
                yield folder
        finally:
            _empty(folder)
            self._free[in_memory].append(folder)

    def close(self) -> None:
        """Remove the folders."""
        for folder, lock in self._all.items():
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)

    def _has_room(self, size: int) -> bool:
        try:
            found = os.statvfs(self._memory)
        except OSError:
            return False
        return found.f_bavail * found.f_frsize > _ROOM * size and os.access(self._memory, os.W_OK)

    def _take(self, *, in_memory: bool) -> Path:
        try:
            return self._free[in_memory].pop()
        except IndexError:
            base = self._memory if in_memory else Path(tempfile.gettempdir())
            _sweep(base)
            folder, self._all[folder] = _make(base)
            return folder


def _make(base: Path) -> tuple[Path, int]:
    """Make a folder and hold its lock; returns both."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        # another one's sweep can be faster than the lock
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _sweep(base: Path) -> None:
    """Remove folders of ours that nobody holds; what cannot be removed stays for the next time."""
    for folder in base.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            # O_NOFOLLOW: in a folder that is everybody's the name may be somebody else's link
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)
            finally:
                os.close(lock)


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()
