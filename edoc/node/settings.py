"""A node's configuration: `edoc.toml` in the node's folder, overridden by `EDOC_…` variables; read once.

Relative paths count from the node's folder. Nested settings are reached with two underscores:
`EDOC_DATABASE__URL`. Secrets stand in files or in the environment.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from edoc.core.dispatch import Organization
from edoc.errors import InputError, SettingsError
from edoc.signing.settings import OnlineSettings, list_mistakes
from edoc.trust.timestamps import Tsa

FILE_NAME = "edoc.toml"


def _no_placeholder(value: str) -> str:
    if not value.strip() or "CHANGEME" in value:
        raise ValueError("still a placeholder: write the real value")
    return value


Filled = Annotated[str, AfterValidator(_no_placeholder)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Agency(_Section):
    """Who we are; goes into `From` of every package."""

    organ_id: Filled
    organ_name: Filled
    organization_in_charge: str = ""
    organ_add: str = ""
    email: str = ""
    telephone: str = ""
    fax: str = ""
    website: str = ""

    @property
    def organization(self) -> Organization:
        """The same in the words of a package."""
        return Organization(**self.model_dump())


class Database(_Section):
    """Where registers, states, outbox and audit live."""

    url: SecretStr = SecretStr("sqlite:///node.db")


class ObjectStore(_Section):
    """Where content lives: a directory, or a bucket of an S3 server."""

    kind: Literal["directory", "s3"] = "directory"
    path: Path = Path("objects")
    endpoint: str = ""
    bucket: str = ""
    access_key: str = ""
    secret_key: SecretStr = SecretStr("")
    secure: bool = True


class Queue(_Section):
    """The bell. Empty: inside the worker's own process."""

    redis_url: SecretStr = SecretStr("")


class Mailbox(_Section):
    """The folder that agencies share as their transport."""

    path: Path


class Seal(_Section):
    """The agency's key and how its seal looks."""

    key: str
    """A PKCS#12 file, or a `pkcs11:` URI."""
    passphrase_file: Path
    image: Path | None = None
    level: Literal["B-B", "B-T", "B-LT", "B-LTA"] = "B-T"
    tsa: str | None = None
    """Asked before the ones in `online`."""

    @field_validator("tsa")
    @classmethod
    def _check_tsa(cls, tsa: str | None) -> str | None:
        try:
            return tsa if tsa is None else Tsa(tsa).url
        except InputError as error:
            raise ValueError(str(error)) from error


class TrustSettings(_Section):
    """Which roots count. Development roots are refused unless somebody says the dangerous words."""

    paths: tuple[Path, ...]
    unsafe_allow_development: bool = False


class Register(_Section):
    """The books' names."""

    outgoing_series: str = "VB-DI"
    incoming_series: str = "VB-DEN"


class Worker(_Section):
    """How a worker behaves; times in seconds."""

    threads: int = Field(default=2, ge=1, le=64)
    poll_seconds: float = Field(default=0.5, gt=0, le=60)
    lease_seconds: float = Field(default=60, gt=0)
    """After this time a step whose worker fell silent may be taken over."""
    retry_seconds: float = Field(default=5, gt=0)
    """First pause after a retryable failure; doubles up to an hour."""
    max_starts: int = Field(default=20, ge=1)
    """A step started this often without coming to an end is set aside for a person."""


class Settings(BaseSettings):
    """Everything a node is told."""

    model_config = SettingsConfigDict(
        env_prefix="EDOC_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    agency: Agency
    mailbox: Mailbox
    seal: Seal
    trust: TrustSettings
    database: Database = Database()
    objects: ObjectStore = ObjectStore()
    queue: Queue = Queue()
    online: OnlineSettings = OnlineSettings()
    register_: Register = Field(default=Register(), alias="register")
    worker: Worker = Worker()

    @model_validator(mode="after")
    def _have_means(self) -> Self:
        # Said here: found out when sealing, it would have cost a number.
        if self.seal.level != "B-B" and self.seal.tsa is None and not self.online.tsa:
            raise ValueError(f"seal.level {self.seal.level} needs seal.tsa or online.tsa")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment overrides the file; nothing else is read."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the settings of the node in `folder`.

        Raises `SettingsError` that names the file, the setting, and what is wrong with it.
        """
        file = folder / FILE_NAME
        try:
            content: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SettingsError(
                f"there is no {FILE_NAME} in this folder.",
                where=str(folder),
                advice="Make a node with 'edoc init DIR', or name its folder with --node.",
            ) from None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"it cannot be read as TOML: {error}.", where=str(file)) from error
        try:
            return cls(**content)
        except ValidationError as error:
            raise SettingsError(
                f"{list_mistakes(error)}.", where=str(file), advice="Correct the setting."
            ) from None
