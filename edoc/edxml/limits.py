"""How much of a package a stranger may make us read, and what may be in it."""

from dataclasses import dataclass
from typing import Final

from edoc.edxml.admission import DEFAULT_ADMISSION, Admission

_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of reading a package; whatever exceeds one raises `PackageError`."""

    package: int = 4096 * _MIB
    """Bytes of the whole package."""
    attachment: int = 2048 * _MIB
    """Bytes of one attachment, decoded and taken out of its zip."""
    attachments: int = 20_000
    """Number of attachments."""
    unpacked: int = 4096 * _MIB
    """Bytes of all attachments together, decoded and taken out of their zips."""
    depth: int = 32
    """Elements within elements."""
    elements: int = 300_000
    """Number of elements."""
    attributes: int = 256
    """Attributes of one element."""
    text: int = 16 * _MIB
    """Bytes of markup and text outside the contents of attachments, all together."""
    token: int = _MIB
    """Bytes of one tag, comment or processing instruction."""
    junk: int = 64 << 10
    """Bytes before the XML that may be passed over."""
    zip_ratio: int = 200
    """How many times larger than its zip an attachment may be, once it is larger than 10 MiB."""
    zip_nesting: int = 3
    """How many zips of transport may lie around one attachment."""
    zip_directory: int = _MIB
    """Bytes of a zip's list of entries; a longer one is not looked into."""
    admission: Admission = DEFAULT_ADMISSION
    """Which attachments are let in."""


DEFAULT_LIMITS: Final = Limits()
