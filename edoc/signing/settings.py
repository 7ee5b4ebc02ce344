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
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from edoc.errors import InputError, SettingsError
from edoc.signing.online import Online
from edoc.trust.hosts import check_hosts
from edoc.trust.revocation import Freshness
from edoc.trust.store import Trust
from edoc.trust.timestamps import Tsa

_OURS: Final = ("trust", "online")
"""The sections that are read; a node's file has more."""


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

    @model_validator(mode="after")
    def _make_sense(self) -> Self:
        for name in ("password", "token"):
            if getattr(self, f"{name}_file") is not None and getattr(self, f"{name}_env") is not None:
                raise ValueError(f"{name}_file and {name}_env are two places for one secret")
        has_password = self.password_file is not None or self.password_env is not None
        if has_password is not (self.username is not None):
            raise ValueError("username and password go together")
        try:
            self.make(Path())
        except InputError as error:
            raise ValueError(str(error)) from error
        return self

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
    fresh_minutes: float = Field(default=5, gt=0)
    """Before a key is used, the CA is asked for its certificate's status, unless it answered less than this
    ago. As large as `stale_hours` where no CA can be reached and CRLs are brought by hand."""
    stale_hours: float = Field(default=36, gt=0)
    """If the CA does not answer, nothing older than this lets the key be used; a daily CRL and half a day."""

    @field_validator("hosts")
    @classmethod
    def _check_hosts(cls, hosts: dict[str, str]) -> dict[str, str]:
        try:
            return check_hosts(hosts)
        except InputError as error:
            raise ValueError(str(error)) from error

    def make(self, folder: Path, *, first: tuple[str, ...] = ()) -> Online:
        """Make what reaches the outside; addresses in `first` are asked before the ones of the file."""
        return Online(
            tsas=(*map(Tsa, first), *(each.make(folder) for each in self.tsa)),
            hosts=self.hosts,
            cache=None if self.cache is None else folder / self.cache,
            freshness=Freshness(
                ask_after=timedelta(minutes=self.fresh_minutes), at_most=timedelta(hours=self.stale_hours)
            ),
        )


class TrustPaths(_Section):
    """Whom one trusts."""

    paths: tuple[Path, ...] = ()
    unsafe_allow_development: bool = False
    """A node's own; whoever signs outside a node is told by the report."""


class SigningSettings(_Section):
    """What signing outside a node is told."""

    trust: TrustPaths = TrustPaths()
    online: OnlineSettings = OnlineSettings()
    folder: Path = Path()
    """What relative paths count from."""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read the sections `trust` and `online` of a file; others, as a node's, are passed over.

        Raises `SettingsError` that names the file, every wrong setting, and what is wrong with it.
        """
        where = Path(path)
        try:
            values: dict[str, Any] = tomllib.loads(where.read_text(encoding="utf-8"))
        except OSError as error:
            reason = (error.strerror or "input error").lower()
            raise SettingsError(f"this configuration cannot be read: {reason}.", where=str(where)) from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"it cannot be read as TOML: {error}.", where=str(where)) from error
        try:
            return cls(**{key: values[key] for key in _OURS if key in values}, folder=where.parent)
        except ValidationError as error:
            raise SettingsError(
                f"{list_mistakes(error)}.", where=str(where), advice="Correct the setting (docs/signing.md)."
            ) from None

    def load_trust(self, *more: Path) -> Trust | None:
        """Load the trusted roots of the file and those named besides; None if nobody names any."""
        paths = [*more, *(self.folder / path for path in self.trust.paths)]
        return Trust.load(*paths) if paths else None


def list_mistakes(error: ValidationError) -> str:
    """Say which settings are wrong and why, never what they hold: that may be a secret."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, each["loc"])), _explain(each["type"], each["msg"]))))
        for each in found
    )


def _explain(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such setting"
    text = message.removeprefix("Value error, ").rstrip(".")
    return text[:1].lower() + text[1:]


def _find_secret(file: Path | None, variable: str | None, folder: Path) -> Callable[[], str] | None:
    if file is not None:
        return lambda: _read_secret(folder / file)
    return None if variable is None else lambda: _read_variable(variable)


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            "the file with the secret of a TSA cannot be read.",
            where=str(path),
            advice="Check online.tsa and who may read the file.",
        ) from None


def _read_variable(name: str) -> str:
    if name not in os.environ:
        raise SettingsError(
            f"the variable {name} with the secret of a TSA is not set.", advice="Set it, or name a file."
        )
    return os.environ[name]
