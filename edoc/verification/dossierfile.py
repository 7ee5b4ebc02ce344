"""A dossier as one file: a ZIP that any program opens, with `evidence.json` and DER by its hash.

    evidence.json          time, policy, rule, files, roots, what was asked of the network
    certificates/….cer     crls/….crl     requests/….req     answers/….bin

Rules: a name is the SHA-256 of what it holds, checked on reading; nothing is compressed, so nothing expands;
the same dossier gives the same bytes.
"""

import hashlib
import io
import json
import re
import struct
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from edoc.core.policy import Policy
from edoc.core.rule import Expected
from edoc.errors import InputError
from edoc.files import replacing
from edoc.trust.store import Trust
from edoc.verification.dossier import Dossier
from edoc.verification.recording import Exchange, Failure

MAX_FILE_BYTES: Final = 256 << 20
"""A larger file is not read."""
MAX_MEMBERS: Final = 20_000
MAX_JSON_BYTES: Final = 32 << 20
FORMAT: Final = "edoc-evidence-1"

_HEAD: Final = "evidence.json"
_NAME: Final = re.compile(
    r"(?:certificates/[0-9a-f]{64}\.cer|crls/[0-9a-f]{64}\.crl|"
    r"requests/[0-9a-f]{64}\.req|answers/[0-9a-f]{64}\.bin)"
)
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644 << 16
_UNIX: Final = 3
_ENCRYPTED: Final = 0x1
_SHOWN: Final = 200


_DAMAGE: Final = (
    zipfile.BadZipFile,
    struct.error,
    EOFError,
    OSError,  # a place before the first byte
    RuntimeError,  # encrypted, or of a kind that zipfile does not know
    LookupError,
    OverflowError,
    ValueError,
)
"""What reading a damaged ZIP raises."""


class _DamagedError(Exception):
    """What was read is not what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    url: str
    failure: Failure = ""
    request: str | None = None
    answer: str | None = None
    """Names of members."""
    what: str = ""
    where: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What stands in `evidence.json`; certificates and the like by the names of members."""

    format: Literal["edoc-evidence-1"] = FORMAT
    validation_time: datetime
    policy: Policy
    policy_sha256: str
    rule: str
    expected: Expected | None
    files: tuple[str, ...]
    roots: tuple[str, ...]
    intermediates: tuple[str, ...]
    crls: tuple[str, ...]
    online: bool
    network: tuple[_Question, ...]


def save(dossier: Dossier, target: Path) -> None:
    """Write a dossier; the file is whole or not there. Raises `OSError`."""
    with replacing(target) as stream:
        stream.write(pack(dossier))


def load(source: str | Path) -> Dossier:
    """Read a dossier. Raises `InputError` for a file that is none, is damaged or breaks a limit."""
    try:
        with Path(source).open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "input error").lower()
        raise InputError(f"the evidence cannot be read ({reason}).", where=str(source)) from error
    try:
        return unpack(content)
    except InputError as error:
        raise InputError(error.what, where=str(source), advice=error.advice) from error


def pack(dossier: Dossier) -> bytes:
    """Give a dossier as the bytes of its file."""
    members: dict[str, bytes] = {}

    def put(folder: str, suffix: str, content: bytes) -> str:
        name = f"{folder}/{hashlib.sha256(content).hexdigest()}.{suffix}"
        members[name] = content
        return name

    trust = dossier.trust
    head = _Head(
        validation_time=dossier.at,
        policy=dossier.policy,
        policy_sha256=dossier.policy.sha256,
        rule=dossier.rule,
        expected=dossier.expected,
        files=dossier.files,
        roots=tuple(put("certificates", "cer", der) for der in trust.roots),
        intermediates=tuple(put("certificates", "cer", der) for der in trust.intermediates),
        crls=tuple(put("crls", "crl", der) for der in trust.crls),
        online=dossier.online,
        network=tuple(
            _Question(
                url=exchange.url,
                failure=exchange.failure,
                request=put("requests", "req", exchange.request) if exchange.request else None,
                answer=None if exchange.failure else put("answers", "bin", exchange.answer),
                what=exchange.what,
                where=exchange.where,
                advice=exchange.advice,
            )
            for exchange in dossier.exchanges
        ),
    )
    values: Any = TypeAdapter(_Head).dump_python(head, mode="json")
    text = json.dumps(values, indent=1, sort_keys=True) + "\n"
    return _zip({_HEAD: text.encode(), **dict(sorted(members.items()))})


def unpack(content: bytes) -> Dossier:
    """Read a dossier from the bytes of its file. Raises `InputError`."""
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"the evidence is larger than the limit of {MAX_FILE_BYTES} bytes.")
    try:
        members = _unzip(content)
        head = TypeAdapter(_Head).validate_json(members.pop(_HEAD, b""))
        dossier = _rebuild(head, members)
    except (ValidationError, _DamagedError, *_DAMAGE) as error:
        raise InputError(
            f"this is no evidence that edoc saved, or it was changed since ({_shorten(error)}).",
            advice="Use a file that was written by --save-evidence.",
        ) from error
    if dossier.policy.sha256 != head.policy_sha256:
        raise InputError(
            f"the policy {dossier.policy.name!r} in the evidence is not the one that was judged under.",
            advice="Use the version of edoc that saved it.",
        )
    return dossier


def _rebuild(head: _Head, members: dict[str, bytes]) -> Dossier:
    if head.validation_time.tzinfo is None:
        raise _DamagedError("a time without zone")
    return Dossier(
        at=head.validation_time,
        policy=head.policy,
        rule=head.rule,
        expected=head.expected,
        trust=Trust(
            roots=tuple(members[name] for name in head.roots),
            intermediates=tuple(members[name] for name in head.intermediates),
            crls=tuple(members[name] for name in head.crls),
        ),
        online=head.online,
        exchanges=tuple(
            Exchange(
                url=asked.url,
                request=b"" if asked.request is None else members[asked.request],
                answer=b"" if asked.answer is None else members[asked.answer],
                failure=asked.failure,
                what=asked.what,
                where=asked.where,
                advice=asked.advice,
            )
            for asked in head.network
        ),
        files=head.files,
    )


def _zip(members: dict[str, bytes]) -> bytes:
    """Store members as they are, with nothing of the time or the machine."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.external_attr = _MODE
            info.create_system = _UNIX
            archive.writestr(info, content)
    return buffer.getvalue()


def _unzip(content: bytes) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    left = len(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise _DamagedError(f"more than {MAX_MEMBERS} members")
        for info in infos:
            left -= info.file_size
            _check(info, left, members)
            member = archive.read(info)
            if info.filename != _HEAD and hashlib.sha256(member).hexdigest() not in info.filename:
                raise _DamagedError(f"{info.filename} does not have its hash")
            members[info.filename] = member
    return members


def _check(info: zipfile.ZipInfo, left: int, members: dict[str, bytes]) -> None:
    plain = info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size
    if not plain or info.flag_bits & _ENCRYPTED or left < 0:
        raise _DamagedError("a member that is not stored as it is")
    if info.filename != _HEAD and not _NAME.fullmatch(info.filename):
        raise _DamagedError("a member that does not belong there")
    if info.filename in members:
        raise _DamagedError("a member twice")
    if info.filename == _HEAD and info.file_size > MAX_JSON_BYTES:
        raise _DamagedError(f"an {_HEAD} of more than {MAX_JSON_BYTES} bytes")


def _shorten(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{_HEAD}: {'.'.join(map(str, first['loc']))}: {first['msg']}"[:_SHOWN]
    return " ".join(str(error).split())[:_SHOWN]
