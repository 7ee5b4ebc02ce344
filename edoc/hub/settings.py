"""A hub's configuration: `hub.toml` in the hub's folder, overridden by `EDOC_HUB_…` variables; read once.

Nested settings are reached with two underscores: `EDOC_HUB_DATABASE__URL`. The secrets of the systems that
call stand in files of their own (`edoc.hub.credentials`).
"""

from datetime import timedelta
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from edoc.node.configuration import FolderSettings
from edoc.node.settings import ObjectStore

FILE_NAME: Final = "hub.toml"
_MIB: Final = 1 << 20


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Database(_Section):
    """Where agencies, queues and the audit log live."""

    url: SecretStr = SecretStr("sqlite:///hub.db")


class Window(_Section):
    """Which times of a call count.

    The SDK writes the time at which its service was started, so that a call of today may bear yesterday's.
    """

    oldest_minutes: float = Field(default=1440, gt=0)
    newest_minutes: float = Field(default=10, ge=0)
    """How far ahead a caller's clock may be."""

    @property
    def oldest(self) -> timedelta:
        """How old a call's time may be."""
        return timedelta(minutes=self.oldest_minutes)

    @property
    def newest(self) -> timedelta:
        """How far ahead a call's time may be."""
        return timedelta(minutes=self.newest_minutes)


class HubLimits(_Section):
    """How much one agency may ask of the hub."""

    package_mib: float = Field(default=300, gt=0)
    calls_per_minute: int = Field(default=600, ge=1)
    """Of one agency's system, in each process of the hub."""
    mib_per_hour: float = Field(default=20_000, gt=0)
    """Sent by one agency's system, in each process of the hub."""
    uploads: int = Field(default=16, ge=1)
    """Packages that come in at the same time, in each process of the hub; of one system half of them."""
    silence_seconds: float = Field(default=60, gt=0)
    """Between two pieces of what is being sent; headers may take twice as long as a whole."""
    transfer_seconds: float = Field(default=3600, gt=0)
    """The whole of what is being sent."""

    @property
    def package_bytes(self) -> int:
        """Bytes of one package."""
        return int(self.package_mib * _MIB)

    @property
    def bytes_per_hour(self) -> float:
        """Bytes sent by one system."""
        return self.mib_per_hour * _MIB


class Registration(_Section):
    """Who may enter agencies in the hub's list."""

    by_axis: bool = True
    """Systems may register agencies below their own; otherwise only `edoc hub add-agency` does."""


class HubSettings(FolderSettings):
    """Everything a hub is told."""

    model_config = SettingsConfigDict(
        env_prefix="EDOC_HUB_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )
    file_name: ClassVar[str] = FILE_NAME
    advice: ClassVar[str] = "Make a hub with 'edoc hub init DIR', or name its folder."

    center_code: str = ""
    """The hub's own code, told in `getSynchronizeUnit`."""
    database: Database = Database()
    objects: ObjectStore = ObjectStore()
    window: Window = Window()
    limits: HubLimits = HubLimits()
    registration: Registration = Registration()
