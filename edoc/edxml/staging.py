"""Attachments on their way from a package to a folder: decoded, hashed, unwrapped, then published at once.

Rules: contents flow through in pieces; small ones stay in memory, large ones go to a file, and what nobody
will look at again is not kept at all; nothing appears in the folder under its name before the whole package
was read; whatever fails leaves the folder as it was; no existing file is ever overwritten.
"""

import hashlib
import io
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
from edoc.edxml.hints import Watch, watch_for
from edoc.edxml.limits import Limits
from edoc.errors import PackageError
from edoc.files import sync

_HEAD: Final = 1024
_LOOKED_INTO: Final = (b"PK", b"\xd0\xcf\x11\xe0")
"""What zips and OLE files begin with."""
_TELLING: Final = 4
"""So many bytes tell whether that is so."""
_SMALL: Final = 256 << 10
_MEMORY: Final = 4 << 20
"""Bytes of one content, and of all together, that may stay in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The decoded content of one attachment."""

    sha256: str
    size: int
    """Bytes."""
    head: bytes
    """Its first bytes, at most 1,024, to tell its kind."""
    data: bytes | None = None
    """The whole, if it stayed in memory."""
    staged: Path | None = None
    """Where it lies, if it went to a file."""
    repaired: bool = False
    """Something had to be skipped to decode it."""
    hints: frozenset[str] = frozenset()
    """What was seen as it went by (`edoc.edxml.hints`)."""

    @property
    def kept(self) -> bool:
        """Whether it can be read again."""
        return self.data is not None or self.staged is not None

    def open(self) -> BinaryIO:
        """Open it for reading; only if it was kept."""
        if self.staged is not None:
            return self.staged.open("rb")
        assert self.data is not None  # noqa: S101 - asked before
        return io.BytesIO(self.data)


class ContentWriter:
    """Takes the encoded text, or the bytes, of one attachment in pieces; made by `Staging.new_content`."""

    def __init__(self, staging: "Staging") -> None:
        self._decoder = Base64Decoder()
        self._sink = _Sink(staging)

    def feed(self, text: str) -> None:
        """Decode and keep the next piece of Base64; raises `PackageError` if a limit is broken."""
        self._sink.write(self._decoder.feed(text))

    def feed_raw(self, raw: bytes | memoryview) -> int | None:
        """Do the same with a piece as it stands in the XML; returns how many line ends it has.

        None, and nothing is taken, if a parser of XML must look at it.
        """
        lines = self._decoder.lines
        data = self._decoder.feed_raw(raw)
        if data is None:
            return None
        self._sink.write(data)
        return self._decoder.lines - lines

    def write(self, data: bytes) -> None:
        """Keep bytes that were never encoded, or were decoded elsewhere."""
        self._sink.write(data)

    def finish(self) -> Content:
        """Decode what is left and close the content."""
        self._sink.write(self._decoder.finish())
        return self._sink.close(repaired=self._decoder.repaired)


class _Sink:
    """Bytes to memory or a staged file, and to a hash; kept only if somebody will want to read them."""

    def __init__(self, staging: "Staging") -> None:
        self._staging = staging
        self._digest = hashlib.sha256()
        self._size = 0
        self._head = b""
        self._keeps = False
        self._pieces: list[bytes] = []
        self._file: BinaryIO | None = None
        self._watch: Watch | None = None

    def write(self, data: bytes) -> None:
        if not data:
            return
        if len(self._head) < _HEAD:
            self._begin(data)
        self._size += len(data)
        self._staging.count(len(data), self._size)
        self._digest.update(data)
        if self._watch is not None:
            self._watch.look(data)
        if self._file is not None:
            self._file.write(data)
        elif self._keeps:
            self._keep(data)

    def _begin(self, data: bytes) -> None:
        """Learn from the first bytes what is to become of the content."""
        head = self._head = self._head + data[: _HEAD - len(self._head)]
        self._keeps = self._staging.keeps or len(head) < _TELLING or head.startswith(_LOOKED_INTO)
        if not self._keeps:
            self._pieces.clear()
        if self._watch is None:
            self._watch = watch_for(head)
            if self._watch is not None:
                self._watch.look(head)

    def _keep(self, data: bytes) -> None:
        self._pieces.append(data)
        if self._size <= _SMALL and self._staging.borrow(len(data)):
            return
        self._file = self._staging.open_file()
        self._file.writelines(self._pieces)
        self._pieces = []

    def close(self, *, repaired: bool = False) -> Content:
        staged = None
        if self._file is not None:
            self._staging.close_file(self._file)
            staged = Path(self._file.name)
        keeps = self._keeps or self._staging.keeps
        return Content(
            sha256=self._digest.hexdigest(),
            size=self._size,
            head=self._head,
            data=b"".join(self._pieces) if keeps and staged is None else None,
            staged=staged,
            repaired=repaired,
            hints=frozenset() if self._watch is None else self._watch.found,
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
        self._total = self._files = self._borrowed = 0
        self._attempts: dict[str, int] = {}

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
            raise PackageError(
                f"an attachment is larger than the limit of {self._limits.attachment} bytes.",
                code="ATTACHMENT_TOO_LARGE",
            )
        if self._total > self._limits.unpacked:
            raise PackageError(
                f"the attachments are larger than the limit of {self._limits.unpacked} bytes together.",
                code="ATTACHMENTS_TOO_LARGE",
            )

    def borrow(self, size: int) -> bool:
        """Ask for memory, in bytes; it is given back only at the end."""
        self._borrowed += size
        return self._borrowed <= _MEMORY

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

    def close_file(self, file: BinaryIO) -> None:
        """Close a staged file; if it is to be published durably, its bytes are on the disk then."""
        if self.keeps and self.durable:
            sync(file)
        file.close()

    def unwrap(self, content: Content, extension: str) -> Content | None:
        """Take the file out of a zip made for transport; None if the content is no such zip.

        Raises `PackageError` if it breaks a limit, `zipfile.BadZipFile` if the zip is damaged.
        """
        if not content.kept or not content.head.startswith(b"PK"):
            return None
        with content.open() as file:
            if not wrapping.is_wrapped(file, extension, self._limits):
                return None
            sink = _Sink(self)
            for data in wrapping.unwrapped(file, self._limits):
                sink.write(data)
        return sink.close(repaired=content.repaired)

    def publish(self, content: Content, name: str) -> str:
        """Give a content its name in the folder, or the next free one; returns the name."""
        assert self._into is not None  # noqa: S101
        staged = content.staged or self._stage(content)
        first = self._attempts.get(name, 1)
        for attempt in range(first, first + self._limits.attachments + 1):
            path = self._into / numbered_name(name, attempt)
            try:
                path.touch(exist_ok=False)  # the name is ours from here on
            except FileExistsError:
                continue
            self._published.append(path)
            self._attempts[name] = attempt + 1
            staged.replace(path)
            return path.name
        raise PackageError("there are too many files of the same name.", where=name, code="ATTACHMENT_NAMES")

    def _stage(self, content: Content) -> Path:
        file = self.open_file()
        file.write(content.data or b"")
        self.close_file(file)
        return Path(file.name)
