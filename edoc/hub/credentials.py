"""The secrets of the systems that call: one file each, `secrets/SYSTEM_ID` in the hub's folder.

An HMAC needs the secret itself, so it cannot be kept as a hash. It stands in a file that its owner alone may
read, never in the database, a log or an error. It is read for each call: removing the file locks the system
out at once.
"""

import re
import secrets
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from edoc.errors import InputError, SettingsError
from edoc.node.durable import disk_errors, make_folder, write_file

MIN_LENGTH: Final = 16
"""Characters of a secret."""
_FOLDER: Final = "secrets"
_SYSTEM_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", re.ASCII)


class Credentials:
    """Reads and writes the secrets of one hub."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _FOLDER

    def __repr__(self) -> str:
        return f"Credentials({str(self._folder)!r})"

    def path(self, system_id: str) -> Path:
        """Where the secret of a system stands. Raises `InputError` if this cannot be a system's id."""
        if not _SYSTEM_ID.fullmatch(system_id):
            raise InputError(
                "this cannot be the id of a system.",
                where=repr(system_id[:80]),
                advice="Use 1 to 64 letters, digits, dots, hyphens or underscores.",
            )
        return self._folder / system_id

    def find(self, system_id: str) -> SecretStr | None:
        """Give the secret of a system; None if it has none.

        Raises `Unavailable`, and `SettingsError` if the file holds no text.
        """
        if not _SYSTEM_ID.fullmatch(system_id):
            return None
        path = self.path(system_id)
        try:
            with disk_errors(path):
                secret = path.read_bytes().decode().rstrip("\r\n") if path.exists() else ""
        except UnicodeDecodeError:
            # Never the error over the bytes themselves: it would carry them.
            raise SettingsError(
                "the secret of this system is no text in UTF-8.",
                where=str(path),
                advice="Write it anew with 'edoc hub add-agency --secret-file'.",
            ) from None
        return SecretStr(secret) if secret else None

    def give(self, system_id: str, secret: SecretStr | None = None) -> Path:
        """Write a system's secret, a random one unless it is given; returns its file.

        Raises `InputError` if the secret is too short or cannot be a text on one line.
        """
        value = secrets.token_urlsafe(32) if secret is None else secret.get_secret_value()
        if len(value) < MIN_LENGTH or not value.isprintable():
            raise InputError(
                f"the secret is shorter than {MIN_LENGTH} characters, or holds what cannot be printed.",
                where=system_id,
                advice="Let the hub make one: leave out --secret-file.",
            )
        path = self.path(system_id)
        with disk_errors(path):
            make_folder(self._folder)
            self._folder.chmod(0o700)
        write_file(path, f"{value}\n".encode(), mode=0o600)
        return path
