"""A node's configuration: `edoc.toml` in the node's folder, overridden by `EDOC_…` variables; read once.

Relative paths count from the node's folder. Nested settings are reached with two underscores:
`EDOC_DATABASE__URL`. Secrets stand in files or in the environment.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import SettingsConfigDict

from edoc.core.dispatch import Organization
from edoc.edxml.admission import Admission, make_admission
from edoc.errors import InputError
from edoc.node.configuration import FolderSettings
from edoc.signing.settings import OnlineSettings
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


class AxisSettings(_Section):
    """The hub that is our transport: the national axis, or a province's. Times in seconds."""

    profile: Literal["national", "provincial"] = "national"
    url: Filled
    """The base address, to which operations such as `sendEdoc` are added."""
    system_id: Filled
    secret: SecretStr = SecretStr("")
    secret_file: Path | None = None
    username: str = ""
    """With the next three: the account that a province gives besides."""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    application_code: str = ""
    ca_file: Path | None = None
    poll_seconds: float = Field(default=15, ge=0)
    """The hub is asked for packages no more often than this."""
    lookback_days: int | None = Field(default=None, ge=1)
    """How far back packages are asked for; none: as far as the hub goes."""
    connect_seconds: float = Field(default=10, gt=0)
    silence_seconds: float = Field(default=60, gt=0)
    """Between two bytes."""
    call_seconds: float = Field(default=120, gt=0)
    """The whole of a call without a package."""
    transfer_seconds: float = Field(default=3600, gt=0)
    """The whole of a call with one."""
    max_reply_mib: int = Field(default=32, ge=1)
    max_package_mib: int = Field(default=4096, ge=1)

    @model_validator(mode="after")
    def _have_secrets(self) -> Self:
        given = {name: bool(getattr(self, name).get_secret_value()) for name in ("secret", "password")}
        for name, there in given.items():
            if there and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"{name} and {name}_file are two places for one secret")
        if not given["secret"] and self.secret_file is None:
            raise ValueError("needs secret_file, or EDOC_AXIS__SECRET")
        has_password = given["password"] or self.password_file is not None
        if has_password is not bool(self.username):
            raise ValueError("username and password go together")
        if bool(self.username) is not (self.profile == "provincial"):
            raise ValueError("the provincial profile logs in with a username, the national one does not")
        return self

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("write http:// or https://, a host and a path, without a user")
        return url


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


Refusable = Literal["programs", "archived-programs", "macros", "scripts", "encrypted", "bombs"]


class Exchange(_Section):
    """What is taken from others: what a package carries decides whether it is answered with status 02."""

    refuse: tuple[Refusable, ...] = ("programs", "archived-programs")
    refuse_extensions: tuple[str, ...] = ()
    """More extensions of attachment names, whatever the content is."""
    refuse_changed: bool = True
    """Also packages whose attachments are not those that their sender told the digests of."""

    @property
    def admission(self) -> Admission:
        """The same in the words of reading packages."""
        return make_admission(self.refuse, self.refuse_extensions)


class Register(_Section):
    """The books' names."""

    outgoing_series: str = "VB-DI"
    incoming_series: str = "VB-DEN"
    advisory_series: tuple[str, ...] = ()
    """More series of documents that are sent: one for each advisory body that numbers by itself."""


class Worker(_Section):
    """How a worker behaves; times in seconds."""

    processes: int = Field(default=2, ge=1, le=64)
    """How many steps run at once, each in a process of its own."""
    at_once: int = Field(default=8, ge=1, le=100)
    """So many steps a process takes and commits together, if so many are due."""
    step_seconds: float = Field(default=300, gt=0)
    """A process that one order keeps longer is killed and replaced."""
    memory_mib: int = Field(default=2048, ge=256)
    """What one process may use, in MiB of address space."""
    http: str = ""
    """Where `/metrics`, `/livez` and `/readyz` are served, as `127.0.0.1:9464`; empty: nowhere."""
    poll_seconds: float = Field(default=0.5, gt=0, le=60)
    lease_seconds: float = Field(default=60, gt=0)
    """After this time a step whose worker fell silent may be taken over."""
    retry_seconds: float = Field(default=5, gt=0)
    """First pause after a retryable failure; doubles up to an hour."""
    expire_days: float = Field(default=7, gt=0)
    """So long a step is tried; a delivery until the day that its document is due, if that has one."""
    max_starts: int = Field(default=20, ge=1)
    """A step started this often without coming to an end is set aside for a person."""
    breaker_failures: int = Field(default=3, ge=1)
    """After so many failures on end to reach a peer, one task tries it now and then, and the others wait."""
    breaker_seconds: float = Field(default=30, gt=0)
    """The first pause between those tries; doubles up to ten minutes."""

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of `http`; None if nothing is served."""
        host, _, port = self.http.rpartition(":")
        return (host, int(port)) if self.http else None

    @field_validator("http")
    @classmethod
    def _check_http(cls, http: str) -> str:
        host, _, port = http.rpartition(":")
        if http and not (host and port.isdecimal() and int(port) < 1 << 16):
            raise ValueError("give it as host:port")
        return http


class Settings(FolderSettings):
    """Everything a node is told."""

    model_config = SettingsConfigDict(
        env_prefix="EDOC_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )
    file_name: ClassVar[str] = FILE_NAME
    advice: ClassVar[str] = "Make a node with 'edoc init DIR', or name its folder with --node."

    agency: Agency
    mailbox: Mailbox | None = None
    axis: AxisSettings | None = None
    seal: Seal
    trust: TrustSettings
    database: Database = Database()
    objects: ObjectStore = ObjectStore()
    queue: Queue = Queue()
    online: OnlineSettings = OnlineSettings()
    exchange: Exchange = Exchange()
    register_: Register = Field(default=Register(), alias="register")
    worker: Worker = Worker()

    @model_validator(mode="after")
    def _have_transport(self) -> Self:
        if (self.mailbox is None) is (self.axis is None):
            raise ValueError("a node has one transport: write either [mailbox] or [axis]")
        return self

    @model_validator(mode="after")
    def _have_means(self) -> Self:
        # Said here: found out when sealing, it would have cost a number.
        if self.seal.level != "B-B" and self.seal.tsa is None and not self.online.tsa:
            raise ValueError(f"seal.level {self.seal.level} needs seal.tsa or online.tsa")
        return self
