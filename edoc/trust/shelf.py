"""Answers in a folder, one file each, for all processes of a machine.

A file's name is the SHA-256 of address and request; it starts with one line of JSON, the answer follows as it
came. Files appear whole or not at all; one that is damaged is passed over and replaced.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from edoc.files import replacing

_SUFFIX: Final = ".answer"
_PART: Final = ".part"
_FORMAT: Final = 1
_MAX_HEADER: Final = 16 << 10
_ABANDONED_SECONDS: Final = 3600.0
"""A half-written file of that age belongs to a process that is gone."""
_WRITES_PER_COUNT: Final = 64
"""Other processes write too, so what the folder holds is counted again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An answer, with the times that decide whether it is given again."""

    body: bytes
    good_until: datetime
    """Then it is over."""
    refresh_at: datetime
    """From then on a newer one is asked for first."""


class Shelf:
    """The folder. What cannot be read or written there is as if it were not there: it is only a cache."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._held = 0
        self._writes = 0

    def find(self, url: str, request: bytes) -> Kept | None:
        """Give what is kept for an address and a request; None if there is nothing whole."""
        path = self._path(url, request)
        try:
            with path.open("rb") as file:
                content = file.read(self._max_bytes + _MAX_HEADER)
        except OSError:
            return None
        return _parse(content, path.stem)

    def put(self, url: str, request: bytes, kept: Kept) -> None:
        """Keep an answer; it replaces an earlier one."""
        if len(kept.body) > self._max_bytes:
            return
        path = self._path(url, request)
        header = {
            "format": _FORMAT,
            "name": path.stem,
            "url": url,
            "sha256": hashlib.sha256(kept.body).hexdigest(),
            "good_until": kept.good_until.isoformat(),
            "refresh_at": kept.refresh_at.isoformat(),
        }
        line = json.dumps(header).encode() + b"\n"
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with replacing(path) as stream:
                stream.write(line)
                stream.write(kept.body)
            # The time of the file is the answer's end: what ends first is deleted first, without opening it.
            os.utime(path, (time.time(), kept.good_until.timestamp()))
        self._make_room(len(line) + len(kept.body))

    def drop(self, url: str, request: bytes) -> None:
        """Keep nothing for an address and a request."""
        with suppress(OSError):
            self._path(url, request).unlink()

    def _path(self, url: str, request: bytes) -> Path:
        name = hashlib.sha256(url.encode() + b"\0" + request).hexdigest()
        return self._folder / f"{name}{_SUFFIX}"

    def _make_room(self, added: int) -> None:
        with self._lock, suppress(OSError):
            self._held += added
            self._writes += 1
            if self._held <= self._max_bytes and self._writes % _WRITES_PER_COUNT != 1:
                return
            files = sorted(self._list_files())
            self._held = sum(size for _, size, _ in files)
            for _, size, path in files:
                if self._held <= self._max_bytes:
                    return
                path.unlink(missing_ok=True)
                self._held -= size

    def _list_files(self) -> Iterator[tuple[float, int, Path]]:
        abandoned = time.time() - _ABANDONED_SECONDS
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    facts = entry.stat(follow_symlinks=False)
                    if entry.name.endswith(_SUFFIX):
                        yield facts.st_mtime, facts.st_size, Path(entry.path)
                    elif entry.name.endswith(_PART) and facts.st_mtime < abandoned:
                        Path(entry.path).unlink(missing_ok=True)


def _parse(content: bytes, name: str) -> Kept | None:
    line, _, body = content.partition(b"\n")
    try:
        header = json.loads(line)
        if header["format"] != _FORMAT or header["name"] != name:
            return None
        if hashlib.sha256(body).hexdigest() != header["sha256"]:
            return None
        return Kept(
            body=body,
            good_until=datetime.fromisoformat(header["good_until"]),
            refresh_at=datetime.fromisoformat(header["refresh_at"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
