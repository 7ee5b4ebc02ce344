"""Passphrases and PINs: asked for when they are needed, and never part of an error or of its chain."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from edoc.errors import KeyLoadError

MAX_PIN_FILE_BYTES: Final = 4096
"""A PIN file larger than this is not a PIN file."""

Passphrase = str | Callable[[], str] | None
"""A secret, or a function that gives it."""


def ask(passphrase: Passphrase) -> str | None:
    """Give the secret. Raises `KeyLoadError` for one that cannot be a text; it is not repeated."""
    secret = passphrase() if callable(passphrase) else passphrase
    # Looked for, not tried: the exception of a failed encoding would carry the secret in its chain.
    if secret is not None and any("\ud800" <= letter <= "\udfff" for letter in secret):
        raise KeyLoadError("the passphrase is not valid UTF-8.", advice="Check its file or variable.")
    return secret


def from_source(source: str) -> Callable[[], str]:
    """Make the function that reads a PIN where `pin-source` (RFC 7512, 2.4) says: a path or a `file:` URI.

    Raises `KeyLoadError` for another kind of source; so does the function for a file that cannot be read.
    """
    scheme, colon, rest = source.partition(":")
    if source.startswith("|") or (colon and "/" not in scheme and scheme.lower() != "file"):
        raise KeyLoadError(
            "the pin-source of a pkcs11: URI is a file here, not a command or another address.",
            advice="Write pin-source=file:/path/of/the/pin.",
        )
    place = rest.removeprefix("//localhost").removeprefix("//") if colon and "/" not in scheme else source
    return lambda: _read(Path(place))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PIN_FILE_BYTES + 1)
    except (OSError, ValueError) as error:  # a path may hold a NUL
        raise KeyLoadError(
            "the PIN file that the URI names cannot be read.",
            where=str(path),
            advice="Name a readable text file that holds only the PIN.",
        ) from error
    if len(content) > MAX_PIN_FILE_BYTES:
        raise KeyLoadError("the PIN file that the URI names is too large to be one.", where=str(path))
    return content.decode(errors="surrogateescape").rstrip("\r\n")
