"""How much of a package a stranger may make us read."""

from dataclasses import dataclass
from typing import Final

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
    text: int = 16 * _MIB
    """Characters of names, attributes and texts outside the attachments, all together."""
    token: int = _MIB
    """Bytes of one tag, comment or processing instruction."""
    zip_ratio: int = 200
    """How many times larger than its zip an attachment may be, once it is larger than 10 MiB."""


DEFAULT_LIMITS: Final = Limits()
