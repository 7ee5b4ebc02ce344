"""Attachments on their way from a package to a folder: decoded, hashed, unwrapped, then published at once.

Rules: contents flow through in pieces; nothing appears in the folder under its name before the whole package
was read; whatever fails leaves the folder as it was; no existing file is ever overwritten.
"""

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from edoc.edxml import wrapping
from edoc.edxml.base64text import Base64Decoder
from edoc.edxml.filenames import numbered_name
from edoc.edxml.limits import Limits
from edoc.errors import PackageError

_HEAD: Final = 1024
_ZIP_MAGIC: Final = b"PK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The decoded content of one attachment."""

    sha256: str
    size: int
    """Bytes."""
    head: bytes
    """Its first bytes, at most 1,024, to tell its kind."""
    staged: Path | None
    """Where it lies; None if nobody asked for it."""
    repaired: bool = False
    """Something had to be skipped to decode it."""


class ContentWriter:
    """Takes the Base64 text of one attachment piece by piece; made by `Staging.new_content`."""

    def __init__(self, staging: "Staging") -> None:
        self._staging = staging
        self._decoder = Base64Decoder()
        self._sink = _Sink(staging)

    def feed(self, text: str) -> None:
        """Decode and keep the next piece; raises `PackageError` if a limit is broken."""
        self._sink.write(self._decoder.feed(text))

    def finish(self) -> Content:
        """Decode what is left and close the content."""
        self._sink.write(self._decoder.finish())
        return self._sink.close(repaired=self._decoder.repaired)


class _Sink:
    """Bytes to a staged file and a hash; the file is opened only if somebody will want to read it."""

    def __init__(self, staging: "Staging") -> None:
        self._staging = staging
        self._digest = hashlib.sha256()
        self._size = 0
        self._head = b""
        self._file: BinaryIO | None = None

    def write(self, data: bytes) -> None:
        if not data:
            return
        if not self._size and (self._staging.keeps or data.startswith(_ZIP_MAGIC)):
            self._file = self._staging.open_file()
        self._size += len(data)
        self._staging.count(len(data), self._size)
        self._digest.update(data)
        if len(self._head) < _HEAD:
            self._head = (self._head + data[:_HEAD])[:_HEAD]
        if self._file is not None:
            self._file.write(data)

    def close(self, *, repaired: bool = False) -> Content:
        file = self._file
        if file is None and self._staging.keeps:
            file = self._staging.open_file()
        if file is not None:
            file.flush()
            if self._staging.keeps and self._staging.durable:
                os.fsync(file.fileno())
            file.close()
        return Content(
            sha256=self._digest.hexdigest(),
            size=self._size,
            head=self._head,
            staged=None if file is None else Path(file.name),
            repaired=repaired,
        )


class Staging:
    """Holds contents until they are published into a folder; without a folder only what must be looked into.

    A context manager: leaving it removes what was not published, and everything if it is left with an error.
    """

    def __init__(self, into: Path | None, limits: Limits, *, durable: bool = True) -> None:
        self.durable = durable
        """Whether contents are forced onto the disk before they are published."""
        self._into = into
        self._limits = limits
        self._folder: Path | None = None
        self._open: list[BinaryIO] = []
        self._made: list[Path] = []
        self._published: list[Path] = []
        self._total = self._files = 0

    @property
    def keeps(self) -> bool:
        """Whether contents are to be published."""
        return self._into is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for file in self._open:
            file.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        if kind is None:
            return
        for path in self._published:
            path.unlink(missing_ok=True)
        for folder in self._made:
            with suppress(OSError):
                folder.rmdir()

    def new_content(self) -> ContentWriter:
        """Open the next content."""
        return ContentWriter(self)

    def count(self, added: int, size: int) -> None:
        """Count bytes against the limits; raises `PackageError`."""
        self._total += added
        if size > self._limits.attachment:
            raise PackageError(f"an attachment is larger than the limit of {self._limits.attachment} bytes.")
        if self._total > self._limits.unpacked:
            raise PackageError(
                f"the attachments are larger than the limit of {self._limits.unpacked} bytes together."
            )

    def open_file(self) -> BinaryIO:
        """Open a new staged file."""
        if self._folder is None:
            self._folder = self._make_folder()
        self._files += 1
        file = (self._folder / str(self._files)).open("xb")
        self._open = [*(other for other in self._open if not other.closed), file]
        return file

    def _make_folder(self) -> Path:
        if self._into is None:
            return Path(tempfile.mkdtemp(prefix="edoc-unpack-"))
        self._made = [folder for folder in (self._into, *self._into.parents) if not folder.exists()]
        self._into.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".unpack-", dir=self._into))

    def unwrap(self, content: Content, extension: str) -> Content | None:
        """Take the file out of a zip made for transport; None if the content is no such zip.

        Raises `PackageError` if it breaks a limit, `zipfile.BadZipFile` if the zip is damaged.
        """
        if content.staged is None or not content.head.startswith(_ZIP_MAGIC):
            return None
        with content.staged.open("rb") as file:
            if not wrapping.is_wrapped(file, extension):
                return None
            sink = _Sink(self)
            for data in wrapping.unwrapped(file, self._limits):
                sink.write(data)
        return sink.close(repaired=content.repaired)

    def publish(self, content: Content, name: str) -> str:
        """Give a content its name in the folder, or the next free one; returns the name."""
        assert self._into is not None  # noqa: S101
        assert content.staged is not None  # noqa: S101
        for attempt in range(1, self._limits.attachments + 2):
            path = self._into / numbered_name(name, attempt)
            try:
                path.touch(exist_ok=False)  # the name is ours from here on
            except FileExistsError:
                continue
            self._published.append(path)
            content.staged.replace(path)
            return path.name
        raise PackageError("there are too many files of the same name.", where=name)
