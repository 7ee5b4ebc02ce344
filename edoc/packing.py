"""Pack dispatches and statuses into edXML packages, and unpack what others sent.

    dispatch = load_dispatch("dispatch.json")
    packed = pack(dispatch, attach=["signed.pdf"], out="out.edxml")
    box = unpack("out.edxml", into="inbox")
    box.dispatch, box.status, box.warnings

Rules: the same inputs always give the same bytes; attachments stream, whatever their size; a package that
cannot be read leaves nothing behind; what was repaired while reading is said.
"""

import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, TypeVar, cast

from edoc.core.dispatch import Attachment, Dispatch, StatusUpdate, is_status
from edoc.core.ports import SigningKey
from edoc.edxml.files import Source, Target, pieces, read_from, rewindable, write_to
from edoc.edxml.findings import PackageWarning
from edoc.edxml.limits import DEFAULT_LIMITS, Limits
from edoc.edxml.profile import Profile, complete, complete_status
from edoc.edxml.skeletons import Skeleton, list_reasons, list_warnings
from edoc.edxml.unpacking import Read, read_package
from edoc.edxml.writer import write_dispatch, write_status
from edoc.errors import InputError, PackageError

_R = TypeVar("_R")
_JSON_LIMIT: Final = 64 << 20
"""Bytes of a JSON file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What was written: its SHA-256 in lower-case hex, and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What a package said; `kind` tells which of `dispatch` and `status` is there."""

    kind: Literal["document", "status"]
    dispatch: Dispatch | None
    status: StatusUpdate | None
    warnings: tuple[PackageWarning, ...]
    """Everything that was repaired, guessed or left out."""
    sha256: str
    """Of the package."""
    size: int
    """Of the package, in bytes."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON that `edoc unpack --json` prints; packing takes it again."""
        content = self.dispatch or self.status
        assert content is not None  # noqa: S101 - one of the two is always there
        return {
            "kind": self.kind,
            **content.to_dict(),
            "sha256": self.sha256,
            "size": self.size,
            "warnings": [asdict(warning) for warning in self.warnings],
        }


def load_dispatch(source: Source) -> Dispatch:
    """Read a dispatch from JSON (`schemas/dispatch.schema.json`).

    Raises `InputError` that names the place of what is wrong.
    """
    return _load(source, Dispatch.from_dict, status=False)


def load_status(source: Source) -> StatusUpdate:
    """Read a status from JSON (`schemas/status.schema.json`).

    Raises `InputError` that names the place of what is wrong.
    """
    return _load(source, StatusUpdate.from_dict, status=True)


def pack(
    dispatch: Dispatch,
    *,
    attach: Sequence[Source] = (),
    out: Target,
    key: SigningKey | None = None,
    profile: str = "edoc",
) -> Packed:
    """Write a document's package to a path, atomically, or to a file object.

    `attach` holds the contents of `dispatch.attachments` by position; files beyond those become attachments
    under their own names. A name that the reference library does not send plain is zipped. `key` signs the
    whole package, in the profile `edoc` (docs/packages.md). Raises `InputError` if the dispatch cannot be
    written, `KeyLoadError` if the key cannot sign it; a path then stays as it was.
    """
    ours = _choose(profile, key) is Profile.EDOC
    named = replace(dispatch, attachments=_name_attachments(dispatch.attachments, attach))
    ready = Dispatch.from_dict(named.to_dict())  # every text is one that XML can carry
    if ours:
        ready = complete(ready)
    with write_to(out) as stream:
        write_dispatch(ready, attach, stream, digests=ours, key=key)
    return Packed(sha256=stream.sha256, size=stream.size)


def pack_status(
    status: StatusUpdate, *, out: Target, key: SigningKey | None = None, profile: str = "edoc"
) -> Packed:
    """Write a status's package to a path, atomically, or to a file object.

    `key` signs the whole package, in the profile `edoc`. Raises `InputError` if the status cannot be written,
    `KeyLoadError` if the key cannot sign it; a path then stays as it was.
    """
    ready = StatusUpdate.from_dict(status.to_dict())
    if _choose(profile, key) is Profile.EDOC:
        ready = complete_status(ready)
    with write_to(out) as stream:
        write_status(ready, stream, key=key)
    return Packed(sha256=stream.sha256, size=stream.size)


def unpack(
    src: Source, *, into: Path | str | None = None, limits: Limits = DEFAULT_LIMITS, strict: bool = False
) -> Unpacked:
    """Read a package; write its attachments into the folder `into`, which is made if it is not there.

    File names are made safe and never overwrite anything. With `strict`, what `pack` would not write is
    refused, in either profile. Raises `PackageError` if the package cannot be read, breaks a limit or is
    refused, with every reason; the folder then stays as it was.
    """
    folder = None if into is None else Path(into)
    try:
        with read_from(src) as stream:
            if strict:
                with rewindable(stream) as twice:
                    _require_strict(twice, limits)
                    read = read_package(twice, into=folder, limits=limits)
            else:
                read = read_package(stream, into=folder, limits=limits)
    except PackageError as error:
        raise PackageError(
            error.what,
            where=_place(src, error.where),
            advice=error.advice,
            code=error.code,
            reasons=error.reasons,
        ) from error
    read.scanned.release()
    return Unpacked(
        kind="status" if read.dispatch is None else "document",
        dispatch=read.dispatch,
        status=read.status,
        warnings=read.warnings,
        sha256=read.sha256,
        size=read.size,
    )


def _require_strict(stream: BinaryIO, limits: Limits) -> None:
    """Pack what a package says again, and compare; the stream stays where it is. Raises `PackageError`."""
    begin = stream.tell()
    theirs = Skeleton(limits)
    for piece in pieces(stream):
        theirs.write(piece)
    found: list[tuple[str, ...]] = []
    failed: tuple[str, ...] = ()
    with tempfile.TemporaryDirectory(prefix="edoc-strict-") as folder:
        stream.seek(begin)
        read = read_package(stream, into=Path(folder), limits=limits, durable=False)
        for profile in Profile:
            ours = Skeleton(limits)
            try:
                _pack_again(read, Path(folder), ours, profile)
            except InputError as error:
                failed = (*list_warnings(read.warnings), str(error))
            else:
                found.append(list_reasons(theirs, ours, read.warnings))
    stream.seek(begin)
    reasons = min(found, key=len, default=failed)
    if reasons:
        raise PackageError(
            "the package is not as edoc would write it.", reasons=reasons, code="PACKAGE_NOT_STRICT"
        )


def _pack_again(read: Read, folder: Path, out: Skeleton, profile: Profile) -> None:
    target = cast("BinaryIO", out)  # only written to and flushed
    if read.dispatch is not None:
        paths = [attachment.path for attachment in read.dispatch.attachments]
        files: list[Source] = [io.BytesIO() if path is None else folder / path for path in paths]
        pack(read.dispatch, attach=files, out=target, profile=profile.value)
    elif read.status is not None:
        pack_status(read.status, out=target, profile=profile.value)


def _place(src: Source, where: str) -> str:
    name = str(src) if isinstance(src, str | Path) else ""
    return ", ".join(filter(None, (name, where)))


def _choose(profile: str, key: SigningKey | None) -> Profile:
    try:
        chosen = Profile(profile)
    except ValueError:
        raise InputError(f"there is no profile {profile!r}.", advice="Use 'edoc' or 'reference'.") from None
    if key is not None and chosen is Profile.REFERENCE:
        raise InputError(
            "the profile 'reference' adds no signature.",
            advice="Sign with the profile 'edoc', or give no key.",
        )
    return chosen


def _name_attachments(given: tuple[Attachment, ...], attach: Sequence[Source]) -> tuple[Attachment, ...]:
    """Match attachments and files by position; what has no entry gets one, what has no id gets `att-N`."""
    if len(given) > len(attach):
        raise InputError(
            f"the dispatch names {len(given)} attachments, but {len(attach)} files are attached.",
            where="attachments",
            advice="Attach one file for each, in the same order.",
        )
    taken = {attachment.content_id for attachment in given}
    found = []
    for index, source in enumerate(attach):
        attachment = given[index] if index < len(given) else Attachment()
        if not attachment.name:
            attachment = replace(attachment, name=_file_name(source, index))
        content_id = attachment.content_id.removeprefix("cid:") or _free_id(index + 1, taken)
        attachment = replace(attachment, content_id=content_id)
        found.append(attachment)
    return tuple(found)


def _file_name(source: Source, index: int) -> str:
    name = source if isinstance(source, str | Path) else getattr(source, "name", None)
    if not isinstance(name, str | Path):
        raise InputError("this attachment has no name.", where=f"attachments[{index}].name")
    return Path(name).name


def _free_id(number: int, taken: set[str]) -> str:
    while f"att-{number}" in taken:
        number += 1
    taken.add(f"att-{number}")
    return f"att-{number}"


def _load(source: Source, build: Callable[[Mapping[str, Any]], _R], *, status: bool) -> _R:
    where = str(source) if isinstance(source, str | Path) else ""
    try:
        with read_from(source) as stream:
            values = _parse(stream.read(_JSON_LIMIT + 1))
        _expect(values, status=status)
        return build(values)
    except InputError as error:
        place = ", ".join(filter(None, (where, error.where)))
        raise InputError(error.what, where=place, advice=error.advice) from error


def _expect(values: dict[str, Any], *, status: bool) -> None:
    if is_status(values) is not status:
        raise InputError(
            "this is a dispatch, not a status." if status else "this is a status, not a dispatch.",
            advice="Dispatches are packed with 'pack', statuses with 'pack-status'.",
        )


def _parse(text: bytes) -> dict[str, Any]:
    if len(text) > _JSON_LIMIT:
        raise InputError(f"the file is larger than {_JSON_LIMIT} bytes.")
    try:
        values = json.loads(text.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise InputError(
            f"this is not JSON ({error.msg}).", where=f"line {error.lineno}, column {error.colno}"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError("this is not JSON, nor any text in UTF-8.") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or brackets without end
        raise InputError("this JSON is nested too deep, or a number in it is too long.") from error
    if not isinstance(values, dict):
        raise InputError("this is JSON, but not an object.")
    return values
