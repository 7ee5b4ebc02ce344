"""Remember what is a pure function of bytes, within bounds; threads may share it.

Certificates, CRLs and signatures over them come again with every document. What they say without regard to
the time is worked out once: a key is always the whole content or its SHA-256, never a name, a serial number
or a signature, which a forger can copy. Whatever depends on the time or on a policy is never kept.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Generic, TypeVar, TypeVarTuple

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")
_Arguments = TypeVarTuple("_Arguments")


class Memory(Generic[_Key, _Value]):
    """At most `entries` values of at most `total_bytes` together; the least recently used go first."""

    def __init__(self, *, entries: int, total_bytes: int) -> None:
        self._entries = entries
        self._total = total_bytes
        self._held = 0
        self._values: OrderedDict[_Key, tuple[_Value, int]] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, key: _Key, make: Callable[[], _Value], *, size: int = 1) -> _Value:
        """Give the value of `key`, made now if it is not there; what `make` raises is not kept.

        `size` is what the value weighs, in bytes; one that is heavier than the whole memory is not kept.
        """
        with self._lock:
            found = self._values.get(key)
            if found is not None:
                self._values.move_to_end(key)
                return found[0]
        value = make()
        self.put(key, value, size=size)
        return value

    def find(self, key: _Key) -> _Value | None:
        """Give the value of `key`, or None if it is not there."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: _Key, value: _Value, *, size: int = 1) -> None:
        """Keep a value, in the place of an earlier one."""
        if size > self._total:
            return
        with self._lock:
            replaced = self._values.pop(key, None)
            self._held += size - (replaced[1] if replaced else 0)
            self._values[key] = (value, size)
            while len(self._values) > self._entries or self._held > self._total:
                _, (_, dropped) = self._values.popitem(last=False)
                self._held -= dropped

    def __len__(self) -> int:
        return len(self._values)


def remembered(
    *, entries: int, total_bytes: int
) -> Callable[[Callable[[*_Arguments], _Value]], Callable[[*_Arguments], _Value]]:
    """Remember the results of a pure function of bytes, keyed by its whole arguments."""

    def decorate(function: Callable[[*_Arguments], _Value]) -> Callable[[*_Arguments], _Value]:
        memory: Memory[tuple[*_Arguments], _Value] = Memory(entries=entries, total_bytes=total_bytes)

        @wraps(function)
        def recall(*arguments: *_Arguments) -> _Value:
            return memory.recall(arguments, lambda: function(*arguments), size=weigh(arguments))

        return recall

    return decorate


def weigh(content: object) -> int:
    """Count the bytes in (nested tuples of) bytes."""
    if isinstance(content, bytes):
        return len(content)
    return sum(map(weigh, content)) if isinstance(content, tuple) else 1
