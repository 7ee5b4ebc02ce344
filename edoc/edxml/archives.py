"""What a zip says of its entries, read under limits and without unpacking anything."""

import struct
import zipfile
from dataclasses import dataclass
from typing import BinaryIO, Final

_END: Final = struct.Struct("<4sHHHHIIH")
_END_MAGIC: Final = b"PK\x05\x06"
_LOCATOR_MAGIC: Final = b"PK\x06\x07"
_LOCATOR_SIZE: Final = 20
_TAIL: Final = 0xFFFF + _END.size
_ENCRYPTED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as the directory describes it; sizes in bytes, and nobody has checked them."""

    name: str
    size: int
    packed: int
    encrypted: bool


def list_entries(file: BinaryIO, *, directory: int) -> tuple[Entry, ...] | None:
    """Read the directory of a zip; None if there is none that can be read in `directory` bytes.

    A zip64 is not looked into: its directory could be far larger than it says.
    """
    if not 0 < _directory_size(file) <= directory:
        return None
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            return tuple(
                Entry(
                    name=info.filename,
                    size=info.file_size,
                    packed=info.compress_size,
                    encrypted=bool(info.flag_bits & _ENCRYPTED),
                )
                for info in archive.infolist()
            )
    # what zipfile raises over a directory that lies
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error, IndexError):
        return None


def _directory_size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    at = tail.rfind(_END_MAGIC)
    if at < 0 or len(tail) - at < _END.size:
        return 0
    if tail[max(0, at - _LOCATOR_SIZE) : at].startswith(_LOCATOR_MAGIC):
        return 0
    found: int = _END.unpack_from(tail, at)[5]
    return found
