"""The zip in which the reference library wraps what it does not send plain: one entry `<uuid>.<extension>`.

Rule: only a zip with exactly one such entry is a wrapping; every other zip, a docx included, is content. The
zip is untrusted: its directory must be small, and its expansion is bounded.
"""

import re
import struct
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from edoc.edxml.limits import Limits
from edoc.errors import PackageError

# What the reference library sends plain, by extension ('xslx' and 'xsl' are its own).
_PLAIN: Final = frozenset({"pdf", "doc", "docx", "xsl", "xslx", "zip"})
_NAMES: Final = uuid.UUID("a8a1f6b4-6a0d-4f0c-9b9c-0f5a9d0e6a52")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_CHUNK: Final = 1 << 18
_UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_END: Final = struct.Struct("<4sHHHHIIH")
_END_MAGIC: Final = b"PK\x05\x06"
_END64_MAGIC: Final = b"PK\x06\x07"
_TAIL: Final = 0xFFFF + _END.size
_DIRECTORY: Final = 4096
_FREE: Final = 10 << 20


def extension_of(name: str) -> str:
    """Return what follows the last dot of a name; empty if there is none."""
    return name.rpartition(".")[2] if "." in name else ""


def is_sent_plain(name: str) -> bool:
    """Tell whether an attachment of that name travels as it is, and not in a zip of its own."""
    return extension_of(name).lower() in _PLAIN


def content_type(name: str) -> str:
    """Return the content type that the reference library gives to an attachment of that name."""
    return f"application/{extension_of(name).lower()}" if is_sent_plain(name) else "application/zip"


def write_wrapped(source: BinaryIO, target: BinaryIO, *, name: str, sha256: str, size: int) -> None:
    """Write `source` into a zip with one entry; the same content and name always give the same bytes.

    The entry's uuid follows from the content, because old readers use it as a file name: two different
    contents must never share it.
    """
    entry = str(uuid.uuid5(_NAMES, f"{sha256} {name}"))
    extension = extension_of(name)
    info = zipfile.ZipInfo(f"{entry}.{extension}" if extension else entry, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.file_size = size
    with zipfile.ZipFile(target, "w") as archive, archive.open(info, "w") as file:
        while chunk := source.read(_CHUNK):
            file.write(chunk)


def is_wrapped(file: BinaryIO, extension: str) -> bool:
    """Tell whether a file is a zip with exactly one entry `<uuid>.<extension>`."""
    name = _only_entry(file)
    wanted = _UUID + (rf"\.{re.escape(extension)}" if extension else r"\.?")
    return name is not None and re.fullmatch(wanted, name, re.IGNORECASE) is not None


def _only_entry(file: BinaryIO) -> str | None:
    """Name of the only entry; None if there are more, or if this is no plain zip."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    at = tail.rfind(_END_MAGIC)
    if at < 0 or len(tail) - at < _END.size:
        return None
    _, _, _, _, entries, directory, _, _ = _END.unpack_from(tail, at)
    # a zip64 directory, which stands in front, could be far larger than this record says
    if entries != 1 or directory > _DIRECTORY or tail[max(0, at - 20) : at].startswith(_END64_MAGIC):
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return None
    return names[0] if len(names) == 1 else None


def unwrapped(file: BinaryIO, limits: Limits) -> Iterator[bytes]:
    """Give the content of the only entry in pieces.

    Raises `PackageError` if it expands beyond the limits, `zipfile.BadZipFile` if it is damaged or encrypted.
    """
    allowed = max(_FREE, file.seek(0, 2) * limits.zip_ratio)
    given = 0
    try:
        for chunk in _entry(file):
            given += len(chunk)
            if given > allowed:
                raise PackageError(
                    f"an attachment expands to more than {limits.zip_ratio} times the size of its zip."
                )
            yield chunk
    except (zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise zipfile.BadZipFile(str(error)) from error


def _entry(file: BinaryIO) -> Iterator[bytes]:
    with zipfile.ZipFile(file) as archive:
        info = archive.infolist()[0]
        if info.flag_bits & 1 or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise zipfile.BadZipFile("it is encrypted or compressed in an unusual way")
        with archive.open(info) as entry:
            while chunk := entry.read(_CHUNK):
                yield chunk
