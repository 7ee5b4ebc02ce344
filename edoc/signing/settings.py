"""How the outside is reached and whom one trusts, from a TOML file that is read once.

    [trust]
    paths = ["roots"]

    [online]
    cache = "cache"
    hosts = { "ocsp.ca.ptc" = "http://10.0.0.5:8080" }

    [[online.tsa]]
    url = "http://tsa.ca.gov.vn"

Relative paths count from the file's folder; secrets stand in files or in the environment.
"""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edoc.errors import SettingsError
from edoc.signing.online import Online
from edoc.trust.store import Trust
from edoc.trust.timestamps import Tsa


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TsaSettings(_Section):
    """One time-stamping authority (RFC 3161)."""

    url: str
    username: str | None = None
    password_file: Path | None = None
    password_env: str | None = None
    token_file: Path | None = None
    token_env: str | None = None
    policy: str | None = None
    """Object identifier of the policy that time-stamps must be under."""
    digest: str = "sha256"
    timeout_seconds: float = Field(default=10, gt=0, le=300)

    def make(self, folder: Path) -> Tsa:
        """Make the authority; its secrets are read when it is asked."""
        return Tsa(
            self.url,
            username=self.username,
            password=_find_secret(self.password_file, self.password_env, folder),
            token=_find_secret(self.token_file, self.token_env, folder),
            policy=self.policy,
            digest=self.digest,
            timeout_seconds=self.timeout_seconds,
        )


class OnlineSettings(_Section):
    """Where time-stamps and revocation data come from."""

    cache: Path | None = None
    """A folder that processes share."""
    hosts: dict[str, str] = {}
    """Hosts in certificates that cannot be reached from here, and what stands in for them."""
    tsa: tuple[TsaSettings, ...] = ()
    """In the order in which they are asked."""

    def make(self, folder: Path, *, first: tuple[str, ...] = ()) -> Online:
        """Make what reaches the outside; addresses in `first` are asked before the ones of the file."""
        return Online(
            tsas=(*map(Tsa, first), *(each.make(folder) for each in self.tsa)),
            hosts=self.hosts,
            cache=None if self.cache is None else folder / self.cache,
        )


class TrustPaths(BaseModel):
    """Whom one trusts."""

    model_config = ConfigDict(extra="ignore", frozen=True)  # a node's file says more here

    paths: tuple[Path, ...] = ()


class SigningSettings(_Section):
    """What signing outside a node is told."""

    trust: TrustPaths = TrustPaths()
    online: OnlineSettings = OnlineSettings()
    folder: Path = Path()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read the sections `trust` and `online` of a file; others, as a node's, are passed over.

        Raises `SettingsError` that names the file and the key.
        """
        where = Path(path)
        try:
            with where.open("rb") as file:
                values: dict[str, Any] = tomllib.load(file)
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"this configuration cannot be read ({error}).", where=str(where)) from error
        chosen = {key: values[key] for key in ("trust", "online") if key in values}
        try:
            return cls(**chosen, folder=where.parent)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise SettingsError(f"{key}: {first['msg'].lower()}.", where=str(where)) from error

    def load_trust(self, *more: Path) -> Trust | None:
        """Load the trusted roots of the file and those named besides; None if nobody names any."""
        paths = [*more, *(self.folder / path for path in self.trust.paths)]
        return Trust.load(*paths) if paths else None


def _find_secret(file: Path | None, variable: str | None, folder: Path) -> Callable[[], str] | None:
    if file is not None:
        return lambda: _read_secret(folder / file)
    return None if variable is None else lambda: _read_variable(variable)


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError("the file with the secret of a TSA cannot be read.", where=str(path)) from None


def _read_variable(name: str) -> str:
    if name not in os.environ:
        raise SettingsError(f"the variable {name} with the secret of a TSA is not set.")
    return os.environ[name]
