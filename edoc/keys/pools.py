"""A pool of sessions on one token, so that several threads can use it at once.

A session that was lost takes all of its time with it: an epoch ends, and nothing of it is used again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pkcs11 import exceptions as p11

from edoc.keys.libraries import Library

T = TypeVar("T")

MAX_SESSIONS: Final = 16
"""Sessions that one key keeps open at most; more threads than that wait for each other."""

LOST: Final = (
    *(p11.SessionHandleInvalid, p11.SessionClosed, p11.SessionCount, p11.UserNotLoggedIn),
    *(p11.TokenNotPresent, p11.TokenNotRecognised, p11.SlotIDInvalid),
    *(p11.DeviceRemoved, p11.DeviceError, p11.DeviceMemory, p11.HostMemory),
    *(
        p11.KeyHandleInvalid,
        p11.ObjectHandleInvalid,
        p11.NoSuchKey,
        p11.OperationNotInitialized,
        p11.OperationActive,
    ),
    *(p11.FunctionFailed, p11.GeneralError),
)
"""What a library says when the token, the session or the login is gone."""


@dataclass(slots=True, eq=False)
class Seat:
    """A session, and what its user found in it. One thread has it at a time."""

    session: Any
    epoch: int
    found: Any = None


class Pool:
    """Sessions of one epoch, opened as threads want them. The library's lock guards it."""

    def __init__(self, library: Library, open_seat: Callable[[Any, int], Seat]) -> None:
        self._library = library
        self._open = open_seat
        self._generation = library.generation
        self._epoch = 0
        self._idle: list[Seat] = []
        self._count = 0
        self._limit = MAX_SESSIONS

    def sit(self, module: Any, work: Callable[[Seat], T]) -> T:
        """Do something with a session of the started library; one that was lost is not used again."""
        seat = self._take(module)
        try:
            value = work(seat)
        except LOST:
            self._forget(seat.epoch)
            raise
        except BaseException:
            self._give(seat)
            raise
        self._give(seat)
        return value

    def _take(self, module: Any) -> Seat:
        while True:
            with self._library.changed:
                self._library.changed.wait_for(self._has_room)
                if self._idle:
                    return self._idle.pop()
                self._count += 1
                epoch = self._epoch
            try:
                return self._open(module, epoch)
            except p11.SessionCount:
                if not self._share(epoch):
                    raise
            except LOST:
                self._forget(epoch)
                raise
            except BaseException:
                self._drop(epoch)
                raise

    def _has_room(self) -> bool:
        if self._generation != self._library.generation:
            self._generation = self._library.generation
            self._forget(self._epoch)
        return bool(self._idle) or self._count < self._limit

    def _give(self, seat: Seat) -> None:
        with self._library.changed:
            if seat.epoch == self._epoch:
                self._idle.append(seat)
                self._library.changed.notify_all()

    def _drop(self, epoch: int) -> None:
        with self._library.changed:
            if epoch == self._epoch:
                self._count -= 1
                self._library.changed.notify_all()

    def _share(self, epoch: int) -> bool:
        """Make do with fewer sessions than were wanted, if there is another one at all."""
        with self._library.changed:
            if epoch == self._epoch:
                if self._count == 1:
                    self._forget(epoch)
                    return False
                self._count -= 1
                self._limit = self._count
            return True

    def _forget(self, epoch: int) -> None:
        with self._library.changed:
            if epoch == self._epoch:
                self._epoch += 1
                self._idle.clear()
                self._count = 0
                self._limit = MAX_SESSIONS
                self._library.changed.notify_all()
