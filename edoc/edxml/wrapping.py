"""The zip in which the reference library wraps what it does not send plain: one entry `<uuid>.<extension>`.

Rule: only a zip with exactly one such entry is a wrapping; every other zip, a docx included, is content. The
zip is untrusted: its directory must be small, and its expansion is bounded.
"""

import re
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from edoc.edxml.archives import list_entries
from edoc.edxml.limits import Limits
from edoc.errors import PackageError

# What the reference library sends plain, by extension ('xslx' and 'xsl' are its own).
_PLAIN: Final = frozenset({"pdf", "doc", "docx", "xsl", "xslx", "zip"})
_NAMES: Final = uuid.UUID("a8a1f6b4-6a0d-4f0c-9b9c-0f5a9d0e6a52")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_CHUNK: Final = 1 << 18
_UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
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


def is_wrapped(file: BinaryIO, extension: str, limits: Limits) -> bool:
    """Tell whether a file is a zip with exactly one entry `<uuid>.<extension>`."""
    entries = list_entries(file, directory=limits.zip_directory)
    if entries is None or len(entries) != 1:
        return False
    wanted = _UUID + (rf"\.{re.escape(extension)}" if extension else r"\.?")
    return re.fullmatch(wanted, entries[0].name, re.IGNORECASE) is not None


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
                    f"an attachment expands to more than {limits.zip_ratio} times the size of its zip.",
                    code="ZIP_EXPANDS",
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
