"""What this process stored or read a moment ago, in memory: the next step of the same document needs it.

A worker goes on with a document as long as it can, so most of what a step reads the step before has stored.
"""

from collections import OrderedDict
from threading import Lock
from typing import Final

_ROOM: Final = 8 << 20
_LARGEST: Final = 1 << 20
"""Bytes of all contents, and of the largest that is kept."""
_MOST: Final = 1000
"""Names that are remembered."""


class Recent:
    """The newest contents by their SHA-256, up to 8 MiB; several threads may use it."""

    def __init__(self) -> None:
        self._contents: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._guard = Lock()

    def keep(self, sha256: str, content: bytes) -> None:
        """Keep a content that is durable elsewhere; the oldest make room for it."""
        if len(content) > _LARGEST:
            return
        with self._guard:
            if sha256 not in self._contents:
                self._size += len(content)
            self._contents[sha256] = content
            self._contents.move_to_end(sha256)
            while self._size > _ROOM:
                self._size -= len(self._contents.popitem(last=False)[1])

    def get(self, sha256: str) -> bytes | None:
        """The content, if it is still kept."""
        with self._guard:
            return self._contents.get(sha256)

    @staticmethod
    def fits(size: int) -> bool:
        """Tell whether a content of so many bytes is kept at all."""
        return size <= _LARGEST


class Names:
    """The newest of some names, up to a thousand; several threads may use it."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, None] = OrderedDict()
        self._guard = Lock()

    def add(self, name: str) -> None:
        """Remember a name; the oldest is forgotten for it."""
        with self._guard:
            self._names[name] = None
            if len(self._names) > _MOST:
                self._names.popitem(last=False)

    def __contains__(self, name: str) -> bool:
        """Tell whether a name is remembered."""
        with self._guard:
            return name in self._names
