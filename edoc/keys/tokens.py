"""Tokens: found by their URI, logged in to once, with a pool of sessions for several threads.

Rules: a token that was taken out and put back is opened again, its library started anew if it must be, and
the PIN asked for again. A PIN that a token refused is never sent to it a second time by this process,
whichever key or thread wants it: tokens lock themselves.
"""

import hashlib
import os
from collections.abc import Callable
from typing import Any, Final, Never, TypeVar

import pkcs11
from pkcs11 import TokenFlag
from pkcs11 import exceptions as p11

from edoc.errors import KeyLoadError, Unavailable
from edoc.keys.attributes import LooseMapper, clean
from edoc.keys.libraries import Library
from edoc.keys.passphrases import Passphrase, ask
from edoc.keys.pools import LOST, Pool, Seat
from edoc.keys.uri import TokenUri

T = TypeVar("T")

_REFUSED: Final = (p11.PinIncorrect, p11.PinInvalid, p11.PinLenRange, p11.PinExpired, p11.PinLocked)
_NO_LOGIN: Final = (p11.UserPinNotInitialized, p11.FunctionNotSupported)
_LOSSES: Final = 3
_SALT: Final = os.urandom(16)


class Token:
    """One token, opened when it is needed. Threads may share it; it says nothing of its PIN."""

    def __init__(self, library: Library, uri: TokenUri, pin: Passphrase) -> None:
        self._library = library
        self._uri = uri
        self._pin = pin
        self._entered = -1  # the epoch that saw a login
        self._pool = Pool(library, self._open)

    def run(self, work: Callable[[Seat], T]) -> T:
        """Do something with a session; if the token was gone, again in a new one, then with a new library.

        Raises `KeyLoadError` for a wrong PIN and for what the token cannot do, `Unavailable` if it cannot be
        had now.
        """
        losses, restarted, why = 0, False, ""
        while losses < _LOSSES:
            generation = self._library.generation
            try:
                with self._library.use() as module:
                    return self._pool.sit(module, work)
            except LOST as error:
                losses, why = losses + 1, str(error) or type(error).__name__
            except Unavailable:
                if restarted:
                    raise
                losses = 2  # most libraries see a token that came back only when they start anew
            except p11.PKCS11Error as error:
                why = str(error) or type(error).__name__
                # "Not initialized": somebody else in this process stopped the library.
                if restarted or "not initialized" not in why:
                    raise self._say_unwilling(why) from None
                losses = 2
            if losses == 2 and not restarted:  # noqa: PLR2004 - the new session did not help
                self._library.restart(generation)
                restarted = True
        raise self._say_gone(why)

    def with_pin(self, token: Any, act: Callable[[str | None], T]) -> T:
        """Do something that spends the PIN, unless the token refused this one before.

        Raises `KeyLoadError` if it refuses it now, or was about to be asked again.
        """
        with self._library.logins:
            pin = ask(self._pin)
            if pin == "":
                raise KeyLoadError("the PIN is empty.", advice="Check its file or variable.")
            mark = hashlib.sha256(_SALT + bytes(token.serial) + b"\0" + (pin or "").encode()).digest()
            if pin is not None and mark in self._library.refused:
                raise self._say_refused("refused this PIN before, so it is not tried again")
            try:
                return act(pin)
            except _REFUSED as error:
                self._library.refused.add(mark)
                locked = isinstance(error, p11.PinLocked)
                raise self._say_refused("is locked" if locked else "refuses this PIN", token) from None

    def make_pin(self, token: Any) -> Callable[[Callable[[str | None], T]], T]:
        """Make what acts with the PIN, for keys that want it at each use."""

        def act_with(act: Callable[[str | None], T]) -> T:
            return self.with_pin(token, lambda pin: act(_require(pin)))

        return act_with

    def __repr__(self) -> str:
        return f"<Token at {id(self):#x}>"

    def __reduce__(self) -> Never:
        raise TypeError("a token is not copied or pickled; open it where it is used")

    def _open(self, module: Any, epoch: int) -> Seat:
        token = self._find(module)
        with self._library.logins:
            if self._entered == epoch:
                return Seat(token.open(attribute_mapper=LooseMapper()), epoch)
            session, entered = self._log_in(token)
            if entered:
                self._entered = epoch
            return Seat(session, epoch)

    def _find(self, module: Any) -> Any:
        slots = module.get_slots(token_present=True)
        tokens = [token for token in map(_get_token, slots) if token is not None]
        found = [token for token in tokens if self._fits(module, token)]
        if len(found) > 1:
            raise KeyLoadError(
                f"several tokens fit this URI ({_list_names(found)}).",
                advice="Name the token by token= or serial= in the URI.",
            )
        if not found:
            raise self._say_gone(f"no token fits the URI; present: {_list_names(tokens)}")
        return found[0]

    def _fits(self, module: Any, token: Any) -> bool:
        uri = self._uri
        named = (
            (uri.token, token.label),
            (uri.manufacturer, token.manufacturer_id),
            (uri.model, token.model),
            (uri.serial, token.serial.decode(errors="replace")),
            (uri.slot_manufacturer, token.slot.manufacturer_id),
            (uri.slot_description, token.slot.slot_description),
            (uri.library_manufacturer, module.manufacturer_id),
            (uri.library_description, module.library_description),
        )
        return (
            all(asked is None or clean(asked) == clean(has) for asked, has in named)
            and uri.slot_id in {None, token.slot.slot_id}
            and uri.library_version in {None, module.library_version}
        )

    def _log_in(self, token: Any) -> tuple[Any, bool]:
        """Open a session and log in, if that is needed; say whether it was."""
        needed = bool(token.flags & TokenFlag.LOGIN_REQUIRED)
        if not needed and self._pin is None:
            return token.open(attribute_mapper=LooseMapper()), False
        if token.flags & TokenFlag.USER_PIN_LOCKED:
            raise self._say_refused("is locked")

        def enter(pin: str | None) -> Any:
            secret: Any = pin
            if pin is None:
                if not token.flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH:
                    _require(pin)
                secret = pkcs11.PROTECTED_AUTH
            return token.open(user_pin=secret, attribute_mapper=LooseMapper())

        try:
            return self.with_pin(token, enter), True
        except p11.UserAlreadyLoggedIn:
            return token.open(attribute_mapper=LooseMapper()), True
        except _NO_LOGIN as error:
            if needed:
                raise KeyLoadError(
                    f"this token cannot be logged in to ({type(error).__name__}).",
                    where=clean(token.label),
                    advice="Set its user PIN with its maker's tool.",
                ) from None
            return token.open(attribute_mapper=LooseMapper()), False

    def _say_refused(self, what: str, token: Any = None) -> KeyLoadError:
        left = _count_down(token)
        return KeyLoadError(
            f"the token {what}{left}.",
            where=self._uri.token or "",
            advice="Check the PIN before you try again: after a few wrong ones a token locks itself.",
        )

    def _say_unwilling(self, why: str) -> KeyLoadError:
        return KeyLoadError(
            f"the token refuses ({why}).",
            where=self._uri.token or "",
            advice="Check that its key is made for signing.",
        )

    def _say_gone(self, why: str) -> Unavailable:
        return Unavailable(
            f"the token cannot be reached ({why}).",
            where=self._uri.token or self._library.path,
            advice="Plug it in, check the URI, and try again.",
        )


def _get_token(slot: Any) -> Any:
    """Give the token in a slot; None for an empty slot, another driver's, or a token never initialized."""
    try:
        token = slot.get_token()
    except p11.PKCS11Error:
        return None
    return token if token.flags & TokenFlag.TOKEN_INITIALIZED else None


def _require(pin: str | None) -> str:
    if pin is None:
        raise KeyLoadError("this token needs its PIN.", advice="Use --passphrase-file or --passphrase-env.")
    return pin


def _list_names(tokens: list[Any]) -> str:
    names = (f"{clean(token.label)} (serial {token.serial.decode(errors='replace')})" for token in tokens)
    return ", ".join(sorted(names)) or "none"


def _count_down(token: Any) -> str:
    now = None if token is None else _get_token(token.slot)
    if now is None:
        return ""
    if now.flags & TokenFlag.USER_PIN_LOCKED:
        return " and is locked now"
    if now.flags & TokenFlag.USER_PIN_FINAL_TRY:
        return "; one try is left before it locks itself"
    return "; few tries are left" if now.flags & TokenFlag.USER_PIN_COUNT_LOW else ""
