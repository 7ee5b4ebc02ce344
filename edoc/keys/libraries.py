"""PKCS#11 libraries: found, loaded and started once a process, and started anew when nobody is inside.

A library is told that threads will use it and is asked to lock for itself (CKF_OS_LOCKING_OK); one that
cannot is entered by one thread after another. A forked process starts its own.
"""

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, RLock, get_ident
from typing import Any, Final

from pkcs11 import _pkcs11
from pkcs11 import exceptions as p11

from edoc.errors import KeyLoadError
from edoc.keys.uri import TokenUri

PATIENCE: Final = 5.0
"""Seconds that a fork waits for the calls that are in the library then; a PIN pad may take longer."""
_OS_LOCKING_OK: Final = 2
_OK: Final = 0x0
_REFUSES_LOCKING: Final = (0x7, 0xA)  # CKR_ARGUMENTS_BAD, CKR_CANT_LOCK
_ALREADY_INITIALIZED: Final = 0x191
_FOLDERS: Final = (
    *("/usr/lib/pkcs11", "/usr/lib/*-linux-gnu/pkcs11", "/usr/lib64/pkcs11", "/usr/local/lib/pkcs11"),
    *("/usr/lib/softhsm", "/usr/lib/*-linux-gnu", "/usr/lib64", "/usr/local/lib", "/usr/lib"),
)
"""Where `module-name` is looked for."""


class _Arguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS."""

    _fields_ = (
        ("mutex_functions", ctypes.c_void_p * 4),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    )


class _Functions(ctypes.Structure):
    """The beginning of CK_FUNCTION_LIST."""

    _fields_ = (
        ("version", ctypes.c_ubyte * 2),
        ("initialize", ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)),
        ("finalize", ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)),
    )


class _Wrapped(_pkcs11.lib):
    """python-pkcs11's view of a library; `Library` alone starts and stops it."""

    def initialize(self) -> None:
        """Leave it as it is: python-pkcs11 would start it for one thread only."""


class Library:
    """One PKCS#11 library in this process. Threads share it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.generation = 0
        """Grows whenever the library started anew; sessions and handles of an earlier one are void."""
        self.refused: set[bytes] = set()
        """What tokens refused as PINs, salted and hashed, so that none is tried twice."""
        self._functions: Any = None
        self._wrapped: Any = None
        self._running = False
        self._foreign = False
        self._parallel = False
        self._forked = False
        self._reset()

    def _reset(self) -> None:
        self.changed = Condition()
        """Guards all state here and in the pools of sessions."""
        self.logins = RLock()
        """Held while logging in: two threads must not both spend a try on a wrong PIN."""
        self._inside: list[int] = []
        self._closing = False

    @contextmanager
    def use(self) -> Iterator[Any]:
        """Give the started library; nobody starts it anew meanwhile. Raises `KeyLoadError` if it cannot."""
        with self.changed:
            self.changed.wait_for(lambda: not self._closing and (self._parallel or not self._inside))
            self._start()
            inside = self._inside
            inside.append(get_ident())
        try:
            yield self._wrapped
        finally:
            with self.changed:
                inside.remove(get_ident())
                self.changed.notify_all()

    def restart(self, generation: int) -> None:
        """Stop and start the library, unless another thread did so since `generation`.

        Some libraries see a token that came back only then. Waits until nobody is inside.
        """
        with self.changed:
            if self.generation != generation or not self._running or self._closing:
                self.changed.wait_for(lambda: not self._closing)
                return
            self._closing = True
            self.changed.wait_for(lambda: not self._inside)
            if not self._foreign:  # else it is not ours to stop
                self._functions.finalize(None)
            self._running = self._closing = False
            self.generation += 1
            self.changed.notify_all()

    def _start(self) -> None:
        if self._running:
            return
        if self._functions is None:
            self._functions = _load(self.path)
            os.register_at_fork(
                before=self._hold, after_in_parent=self._let_go, after_in_child=self._become_child
            )
        code = self._initialize()
        if code == _ALREADY_INITIALIZED and self._forked:
            # Not every library notices a fork; this one still holds what its parent had.
            self._functions.finalize(None)
            code = self._initialize()
        self._foreign = code == _ALREADY_INITIALIZED  # somebody else in this process uses it; we may, too
        if code != _OK and not self._foreign:
            raise KeyLoadError(
                f"the token's library does not start (code {code:#x}).",
                where=self.path,
                advice="Check its configuration and whether its service is running.",
            )
        if self._wrapped is None:
            self._wrapped = _wrap(self.path)
        self._running = True

    def _initialize(self) -> int:
        arguments = _Arguments(flags=_OS_LOCKING_OK)
        code = int(self._functions.initialize(ctypes.addressof(arguments)))
        self._parallel = code == _OK
        return int(self._functions.initialize(None)) if code in _REFUSES_LOCKING else code

    def _hold(self) -> None:
        """Let nobody be inside during a fork: a lock that the library holds then stays held in the child."""
        me = get_ident()
        self.changed.acquire()
        self.changed.wait_for(lambda: not self._closing, PATIENCE)
        self._closing = True
        self.changed.wait_for(lambda: all(one == me for one in self._inside), PATIENCE)

    def _let_go(self) -> None:
        self._closing = False
        self.changed.notify_all()
        self.changed.release()

    def _become_child(self) -> None:
        self._reset()
        self._forked = self._running
        self._running = False
        self.generation += 1


_LIBRARIES: Final[dict[str, Library]] = {}
"""A library is one in a process by its nature; so is this table."""


def get_library(path: str) -> Library:
    """Give the one `Library` of that path in this process; nothing is loaded yet."""
    return _LIBRARIES.setdefault(path, Library(path))


def _load(path: str) -> Any:
    try:
        shared = ctypes.CDLL(path)
        functions = ctypes.POINTER(_Functions)()
        code = shared.C_GetFunctionList(ctypes.byref(functions))
    except (OSError, AttributeError) as error:
        raise _refuse(path) from error
    if code != _OK or not functions:
        raise _refuse(path)
    return functions.contents


def _wrap(path: str) -> Any:
    try:
        return _Wrapped(path)
    except p11.PKCS11Error as error:
        raise _refuse(path) from error


def _refuse(path: str) -> KeyLoadError:
    return KeyLoadError(
        "the token's library cannot be loaded.",
        where=path,
        advice="Name the PKCS#11 library of the token's maker, of this machine's architecture.",
    )


def find_module(uri: TokenUri, module: str | Path | None) -> str:
    """Find the token's library: as the URI says, else `module`, else `EDOC_PKCS11_MODULE`.

    Raises `KeyLoadError` if nobody names it or it does not exist.
    """
    named = uri.module_path or module or os.environ.get("EDOC_PKCS11_MODULE")
    if uri.module_name is not None and (uri.module_path is None or Path(uri.module_path).is_dir()):
        return _find_by_name(uri.module_name, uri.module_path)
    if not named:
        raise KeyLoadError(
            "the token's library is not named.",
            advice="Give module-path in the URI, --module, or the variable EDOC_PKCS11_MODULE.",
        )
    path = Path(named)
    if not path.is_file():
        raise KeyLoadError("this token library does not exist.", where=str(path))
    return str(path.resolve())


def _find_by_name(name: str, folder: str | None) -> str:
    folders = _FOLDERS if folder is None else (folder,)
    if re.fullmatch(r"[\w.+-]+", name):
        for place in folders:
            for pattern in (f"lib{name}.so", f"{name}.so", f"{name}-pkcs11.so", f"lib{name}-pkcs11.so"):
                for path in sorted(Path("/").glob(f"{place}/{pattern}".lstrip("/"))):
                    return str(path.resolve())
    raise KeyLoadError(
        f"no token library {name} is in the usual folders.", advice="Name its file: module-path=…"
    )
