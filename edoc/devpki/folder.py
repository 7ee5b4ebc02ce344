"""The folder of a development PKI: what lies where, what state it is in, how it comes to be in one piece.

    passphrase.txt, *.p12      what signs (0600)
    trust/                     root, issuing CAs and CRLs: what `--trust` names
    ca/                        the CAs' private keys and all certificates issued (0600)
    pki.json                   written last; its presence says that the folder is complete

A README.md or .gitignore may already stand there and survives everything.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

from edoc.devpki.profiles import describe_leaves
from edoc.errors import InputError

MANIFEST: Final = "pki.json"
PASSPHRASE: Final = "passphrase.txt"  # noqa: S105 - the file's name
SERVICES: Final = ("tsa", "ocsp-agencies", "ocsp-services")
"""End entities whose key serves the responders; the others get a `.p12`."""
SIGNERS: Final = tuple(leaf.name for leaf in describe_leaves() if leaf.name not in SERVICES)
"""End entities with a `.p12`."""

_KEPT: Final = frozenset({"README.md", ".gitignore"})
_OWN: Final = frozenset({"ca", "trust", PASSPHRASE, MANIFEST, *(f"{name}.p12" for name in SIGNERS)})


class State(StrEnum):
    """What a folder is found to be."""

    EMPTY = "empty"
    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    FOREIGN = "foreign"
    """Holds files that no development PKI has."""


def inspect(folder: Path) -> State:
    """Say what state `folder` is in; a folder that does not exist is empty.

    Raises `InputError` if the name stands for something that is no folder.
    """
    if not folder.exists():
        return State.EMPTY
    if not folder.is_dir():
        raise InputError("this is no folder.", where=str(folder), advice="Name a folder, or a new name.")
    names = {entry.name for entry in folder.iterdir()} - _KEPT
    if not names:
        return State.EMPTY
    if MANIFEST in names:
        return State.COMPLETE if names >= _OWN else State.INCOMPLETE
    return State.INCOMPLETE if names <= _OWN else State.FOREIGN


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Make `folder` if need be and keep other makers out of it meanwhile; a folder left empty is removed."""
    fresh = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        if fresh and not any(folder.iterdir()):
            folder.rmdir()


@contextmanager
def fill(folder: Path, manifest: Mapping[str, str]) -> Iterator[Path]:
    """Give a temporary folder to build in; at the end its content moves into `folder`, the manifest last.

    What an earlier PKI left in `folder` is removed then and not before; if building fails, nothing changed.
    """
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield building
        write_private(building / MANIFEST, json.dumps(manifest, indent=2).encode() + b"\n")
        _remove_old(folder)
        for name in sorted(_OWN - {MANIFEST}):
            (building / name).rename(folder / name)
        (building / MANIFEST).rename(folder / MANIFEST)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def read_manifest(folder: Path) -> dict[str, str]:
    """Read what a complete PKI says of itself.

    Raises `InputError` if it cannot be read.
    """
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
        return {"base_url": str(found["base_url"]), "made_at": str(found["made_at"])}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            "the description of this development PKI is broken.",
            where=str(folder / MANIFEST),
            advice="Make the PKI anew with `edoc dev-pki --replace`.",
        ) from error


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read (mode 0600, from its first moment), durably."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    _write_durably(descriptor, content)


def write_public(path: Path, content: bytes) -> None:
    """Write a file for everybody, durably."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    _write_durably(descriptor, content)


def replace_public(path: Path, content: bytes) -> None:
    """Replace a file for everybody in one step."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        _write_durably(descriptor, content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_durably(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remove_old(folder: Path) -> None:
    for name in (MANIFEST, *sorted(_OWN - {MANIFEST})):
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
