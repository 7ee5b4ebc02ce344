"""The mailbox: a folder that agencies share as their transport.

    mailbox = Mailbox(Path("/srv/mailbox"), "H99.01")
    mailbox.send(to="H99.02", message_id=message_id, source=package)
    for parcel in mailbox.waiting():
        with mailbox.open(parcel) as package: ...        # make it durable
        mailbox.acknowledge(parcel)

    RECIPIENT/new/MESSAGE_ID.edxml     waits
    RECIPIENT/done/MESSAGE_ID.edxml    was acknowledged; stays as evidence, and lets a repeat change nothing
    RECIPIENT/tmp/                     is being written

A name appears when its content is whole and durable, and is never overwritten. What others wrote is not
trusted: ids are checked before they become names, links are not followed, and a parcel that changes after it
was listed does not pass. Serves invariant 2 (acknowledged only when durable; every step idempotent).
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from edoc.core.ports import Parcel
from edoc.errors import Conflict, InputError, Unavailable
from edoc.node.durable import disk_errors, make_folder, stage, sweep, sync_folder
from edoc.node.objects import STALE_SECONDS, DamagedObjectError, copy_hashing

_SUFFIX: Final = ".edxml"
# At most 35 characters (QĐ 20/2020 Arts 4 to 6; both code orders and enterprise numbers fit). A first letter
# or digit, and no slash: such a name stays where it is put.
_ORGAN_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,34}", re.ASCII)
_MESSAGE_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}", re.ASCII)


class Mailbox:
    """One agency's view of the shared folder; opening it makes the agency's own boxes.

    Raises `InputError` if the agency's code cannot be one, `Unavailable` if the folder cannot be used.
    """

    def __init__(self, folder: Path, organ_id: str) -> None:
        self._folder = folder
        self._own = _Box(folder, organ_id)
        with disk_errors(self._own.path):
            for part in (self._own.staging, self._own.done, self._own.new):
                make_folder(part)
            sweep(self._own.staging, older_than=STALE_SECONDS)

    def __repr__(self) -> str:
        return f"Mailbox({str(self._own.path)!r})"

    def send(self, *, to: str, message_id: str, source: BinaryIO) -> None:
        """Deliver the package to the agency `to`; durable when it returns.

        Sending the same id and bytes again changes nothing, also after they were acknowledged. Raises
        `Conflict` if the id already stands for other bytes, `Unavailable` if the recipient has no mailbox
        here or the disk is full (nothing is left behind), `InputError` if an id cannot be one.
        """
        box, name = _Box(self._folder, to), _file_name(message_id)
        with disk_errors(box.path):
            if not box.new.is_dir():
                raise Unavailable(
                    f"the agency {to} has no mailbox here.",
                    where=str(self._folder),
                    advice="Its node makes one when it is first opened on this folder; check the recipient's"
                    " code, and mailbox.path on both sides.",
                )
            with stage(box.staging) as staged:
                sha256 = copy_hashing(source, staged.file).sha256
                if not staged.publish(box.new / name):
                    _require_same(box.new / name, sha256)
                if (box.done / name).exists():
                    # acknowledged before: what we put there was a repeat, which `waiting` never lists
                    (box.new / name).unlink(missing_ok=True)
                    _require_same(box.done / name, sha256)

    def waiting(self, *, limit: int = 100) -> tuple[Parcel, ...]:
        """Parcels for this agency that were not acknowledged yet, oldest first."""
        with disk_errors(self._own.new):
            described = (self._describe(name) for _, name in sorted(self._found()))
            # junk does not count: it could fill the limit for ever
            return tuple(islice(filter(None, described), limit))

    @contextmanager
    def open(self, parcel: Parcel) -> Iterator[BinaryIO]:
        """Open a waiting parcel for reading, front to back.

        Raises `Unavailable` if it is not waiting any more, and `DamagedObjectError`, at the latest on leaving
        the block, if it was written to after it was listed.
        """
        path = self._own.new / _file_name(parcel.message_id)
        with disk_errors(path):
            file = _open(path)
        if file is None:
            raise Unavailable("the parcel does not wait here any more.", where=str(path))
        with file:
            _require_unchanged(file, parcel, path)
            yield file
            _require_unchanged(file, parcel, path)

    def acknowledge(self, parcel: Parcel) -> None:
        """Say that the parcel is durable here; it moves to `done`. Idempotent."""
        name = _file_name(parcel.message_id)
        new, done = self._own.new / name, self._own.done / name
        with disk_errors(new):
            try:
                # rename and no link: the file may belong to another account
                if done.exists():
                    new.unlink()
                else:
                    new.rename(done)
            except FileNotFoundError:
                if not done.exists():
                    raise Unavailable("no such parcel waits here.", where=str(new)) from None
            sync_folder(self._own.done)
            sync_folder(self._own.new)

    def refuse(self, parcel: Parcel) -> None:
        """Say that the parcel is kept here and is no package; in a folder there is nobody to be told."""
        self.acknowledge(parcel)

    def _found(self) -> Iterator[tuple[int, str]]:
        """When it came (nanoseconds by the file system) and the name of each parcel to be acknowledged."""
        with os.scandir(self._own.new) as entries:
            for entry in entries:
                stem, suffix = os.path.splitext(entry.name)  # noqa: PTH122 - entries are no paths
                if suffix == _SUFFIX and _MESSAGE_ID.fullmatch(stem):
                    try:
                        came = entry.stat(follow_symlinks=False).st_mtime_ns
                    except FileNotFoundError:
                        continue  # another worker of this node was faster
                    yield came, entry.name

    def _describe(self, name: str) -> Parcel | None:
        if (self._own.done / name).exists():
            # a repeat of what was acknowledged, whose sender has not withdrawn it yet
            (self._own.new / name).unlink(missing_ok=True)
            return None
        file = _open(self._own.new / name)
        if file is None:
            return None
        with file:
            return Parcel(message_id=name.removesuffix(_SUFFIX), mark=_mark(file))


class _Box:
    """The folders of one agency."""

    def __init__(self, folder: Path, organ_id: str) -> None:
        self.path = folder / require_organ_id(organ_id)
        self.new = self.path / "new"
        self.done = self.path / "done"
        self.staging = self.path / "tmp"


def require_organ_id(organ_id: str) -> str:
    """Return an agency's code; raises `InputError` for one that could not be a name in a folder."""
    if not _ORGAN_ID.fullmatch(organ_id):
        raise InputError(
            "this cannot be an agency's code.",
            where=repr(organ_id[:80]),
            advice="Use 1 to 35 letters, digits, dots or hyphens, such as H41.03.12.",
        )
    return organ_id


def require_message_id(message_id: str) -> str:
    """Return a message's id; raises `InputError` for one that could not be a name in a folder."""
    if not _MESSAGE_ID.fullmatch(message_id):
        raise InputError(
            "this cannot be a message id.",
            where=repr(message_id[:80]),
            advice="Use 1 to 128 letters, digits, dots, hyphens or underscores.",
        )
    return message_id


def _file_name(message_id: str) -> str:
    return require_message_id(message_id) + _SUFFIX


def _mark(file: BinaryIO) -> str:
    """What a file shows of itself without being read, and what changes when it is written to."""
    found = os.fstat(file.fileno())
    return f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}"


def _require_unchanged(file: BinaryIO, parcel: Parcel, path: Path) -> None:
    mark = _mark(file)
    if mark.partition("-")[0] != parcel.mark.partition("-")[0]:
        raise Unavailable("the parcel does not wait here any more; this is a repeat of it.", where=str(path))
    if mark != parcel.mark:
        raise DamagedObjectError(
            "the parcel was written to after it was listed.",
            where=str(path),
            advice="A sender's node never does that; it is looked at again.",
        )


def _require_same(path: Path, sha256: str) -> None:
    """Raise `Conflict` if the name stands for other bytes; it may be gone."""
    file = _open(path)
    if file is None:
        return
    with file:
        if copy_hashing(file, None).sha256 == sha256:
            return
    raise Conflict(
        "this message id already stands for another package; nothing was changed.",
        where=str(path),
        advice="Send the other package under an id of its own.",
    )


def _open(path: Path) -> BinaryIO | None:
    """Open a regular file that others may have put there; None if it is gone or anything else."""
    try:
        # a link could lead anywhere, a pipe could keep us waiting
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError:
        if path.is_symlink():
            return None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb")
