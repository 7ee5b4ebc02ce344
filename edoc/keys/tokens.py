"""Tokens and HSMs: one library, one login and one session each, shared by all keys on them in this process.

A token that was taken out and put back is opened and logged in to again, once; a wrong PIN is never tried a
second time, because tokens lock themselves. Libraries are not made for threads as they are initialized here,
so calls into one are made one after another; another process is another login.
"""

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import Any, Final, TypeVar

import pkcs11
from pkcs11 import exceptions as p11

from edoc.errors import KeyLoadError, Unavailable
from edoc.keys.uri import TokenUri

Pin = str | Callable[[], str] | None
T = TypeVar("T")

_LOST: Final = (
    p11.SessionHandleInvalid,
    p11.SessionClosed,
    p11.UserNotLoggedIn,
    p11.TokenNotPresent,
    p11.TokenNotRecognised,
    p11.DeviceRemoved,
    p11.DeviceError,
    p11.SlotIDInvalid,
    p11.KeyHandleInvalid,
    p11.ObjectHandleInvalid,
    p11.OperationNotInitialized,
    p11.FunctionFailed,
    p11.GeneralError,
)
"""What a library says when the token, the session or the login is gone."""
_PINS: Final = (p11.PinIncorrect, p11.PinInvalid, p11.PinLenRange, p11.PinExpired, p11.PinLocked)


@lru_cache(maxsize=32)
def _find_lock(module: str) -> Any:
    del module
    return RLock()


class Token:
    """One token, opened when it is needed. Threads may share it; it says nothing of its PIN."""

    def __init__(self, module: str, uri: TokenUri, pin: Pin) -> None:
        self._module = module
        self._uri = uri
        self._pin = pin
        self._lock = _find_lock(module)
        self._session: Any = None
        self._process = os.getpid()
        self._refused = False

    def run(self, work: Callable[[Any], T]) -> T:
        """Do something with a session; again in a new one if the token was gone meanwhile.

        Raises `KeyLoadError` for a wrong PIN, `Unavailable` if the token cannot be had now.
        """
        with self._lock:
            if self._process != os.getpid():
                self._forget(again=True)
            try:
                return work(self._open())
            except (*_LOST, Unavailable):
                self._forget(again=True)
            try:
                return work(self._open())
            except _LOST as error:
                self._forget(again=False)
                raise self._say_gone(type(error).__name__) from None

    def ask_pin(self) -> str | None:
        """Give the PIN; for keys that want it at each use."""
        return self._pin() if callable(self._pin) else self._pin

    def __repr__(self) -> str:
        return f"<Token at {id(self):#x}>"

    def _forget(self, *, again: bool) -> None:
        self._session = None
        self._process = os.getpid()
        if again:
            # A library finds a token that came back, and a forked process itself, only when it starts anew.
            _load(self._module).reinitialize()

    def _open(self) -> Any:
        if self._session is None:
            self._session = self._log_in(self._find())
        return self._session

    def _find(self) -> Any:
        slots = _load(self._module).get_slots(token_present=True)
        found = [token for token in map(_get_token, slots) if token is not None and self._fits(token)]
        if len(found) > 1:
            names = ", ".join(sorted({clean(token.label) for token in found}))
            raise KeyLoadError(
                f"several tokens fit this URI ({names}).", advice="Name the token's serial number as well."
            )
        if not found:
            raise self._say_gone("no token fits")
        return found[0]

    def _fits(self, token: Any) -> bool:
        uri = self._uri
        wanted = (
            (uri.token, token.label),
            (uri.manufacturer, token.manufacturer_id),
            (uri.model, token.model),
            (uri.serial, token.serial.decode(errors="replace")),
        )
        named = all(asked is None or clean(asked) == clean(has) for asked, has in wanted)
        return named and uri.slot_id in {None, token.slot.slot_id}

    def _log_in(self, token: Any) -> Any:
        if self._refused:
            raise self._say_refused()
        flags = token.flags
        if not flags & pkcs11.TokenFlag.LOGIN_REQUIRED:
            return token.open()
        pin: Any = self.ask_pin()
        if pin is None:
            if not flags & pkcs11.TokenFlag.PROTECTED_AUTHENTICATION_PATH:
                raise KeyLoadError(
                    "this token needs its PIN.", advice="Use --passphrase-file or --passphrase-env."
                )
            pin = pkcs11.PROTECTED_AUTH
        try:
            return token.open(user_pin=pin)
        except p11.UserAlreadyLoggedIn:
            return token.open()
        except _PINS as error:
            self._refused = True
            what = "is locked" if isinstance(error, p11.PinLocked) else "refuses this PIN"
            raise self._say_refused(what) from None

    def _say_refused(self, what: str = "refused the PIN before, and it is not tried again") -> KeyLoadError:
        return KeyLoadError(
            f"the token {what}.",
            where=self._uri.token or "",
            advice="Check the PIN before you try again: after a few wrong ones a token locks itself.",
        )

    def _say_gone(self, why: str) -> Unavailable:
        return Unavailable(
            f"the token cannot be reached ({why}).",
            where=self._uri.token or self._module,
            advice="Plug it in, check the URI, and try again.",
        )


def _get_token(slot: Any) -> Any:
    try:
        return slot.get_token()
    except p11.PKCS11Error:
        return None  # an empty slot, or one that another driver holds


def clean(text: str) -> str:
    """Give a token's text without the padding that some of them leave in."""
    import unicodedata

    return unicodedata.normalize("NFC", text.strip("\x00 \t\r\n"))


def _load(module: str) -> Any:
    try:
        return pkcs11.lib(module)
    except p11.PKCS11Error as error:
        raise KeyLoadError(
            "the token's library cannot be loaded.",
            where=module,
            advice="Name the PKCS#11 library of the token's maker, of this machine's architecture.",
        ) from error


def find_module(uri: TokenUri, module: str | Path | None) -> str:
    """Find the token's library. Raises `KeyLoadError` if nobody names it or it does not exist."""
    named = uri.module_path or (str(module) if module else None) or os.environ.get("EDOC_PKCS11_MODULE")
    if named is None and uri.module_name is not None:
        folders = ("/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/pkcs11", "/usr/lib/pkcs11", "/usr/lib")
        names = (f"lib{uri.module_name}.so", f"{uri.module_name}.so", f"{uri.module_name}-pkcs11.so")
        paths = (Path(folder) / name for folder in folders for name in names)
        named = next((str(path) for path in paths if path.exists()), None)
    if named is None:
        raise KeyLoadError(
            "the token's library is not named.",
            advice="Give module-path in the URI, --module, or the variable EDOC_PKCS11_MODULE.",
        )
    if not Path(named).exists():
        raise KeyLoadError("this token library does not exist.", where=named)
    return str(Path(named).resolve())
