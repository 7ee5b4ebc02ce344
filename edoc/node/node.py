"""A node: one database, one object store, one transport, one configuration; wired here and nowhere else.

    with Node.open("/srv/edoc/node") as node:
        document = clerk.submit(node, draft, [signed_pdf], actor="clerk")

Several workers on several machines may open the same node.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Self

from edoc.core.ports import Objects, SigningKey, Transport
from edoc.errors import KeyLoadError, SettingsError
from edoc.keys.loading import load_key
from edoc.node import database
from edoc.node.heartbeat import Heart
from edoc.node.journal import Journal
from edoc.node.objects import DirectoryObjects
from edoc.node.recent import Names, Recent
from edoc.node.s3 import S3Objects
from edoc.node.settings import FILE_NAME, ObjectStore, Settings
from edoc.node.transports import opening_transport
from edoc.node.workspace import Workspace
from edoc.policies.schedules import load_schedule
from edoc.signing.online import Online
from edoc.trust.store import Trust


def system_clock() -> datetime:
    """Return the present, UTC."""
    return datetime.now(UTC)


@dataclass
class Node:
    """An open node; made by `Node.open`."""

    folder: Path
    settings: Settings
    journal: Journal
    objects: Objects
    transport: Transport
    trust: Trust
    heart: Heart
    """Keeps the leases of the steps that run here."""
    workspace: Workspace
    recent: Recent = field(default_factory=Recent)
    promised: Names = field(default_factory=Names)
    """Documents whose numbers this process has promised (`edoc.node.promises`)."""
    _reached: dict[tuple[str | None, str], Online] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def open(cls, path: Path | str, *, clock: Callable[[], datetime] = system_clock) -> Iterator[Self]:
        """Open the node in a folder (or by its `edoc.toml`) and close it again.

        Raises `SettingsError` if the settings, the trust store or the database's shape are not right, and
        `Unavailable` if the database cannot be reached.
        """
        folder = Path(path)
        folder = (folder.parent if folder.name == FILE_NAME else folder).absolute()
        settings = Settings.load(folder)
        engine = database.connect(settings.database.url.get_secret_value(), folder)
        try:
            database.require_present(engine)
            journal = Journal(
                engine,
                clock,
                patience=timedelta(days=settings.worker.expire_days),
                hub=settings.axis is not None,
                schedule=load_schedule(folder),
            )
            heart = Heart(journal, lease_seconds=settings.worker.lease_seconds)
            with (
                opening_transport(settings, folder, journal) as transport,
                closing(heart),
                closing(Workspace()) as workspace,
            ):
                node = cls(
                    folder=folder,
                    settings=settings,
                    journal=journal,
                    objects=open_objects(settings.objects, folder),
                    transport=transport,
                    trust=_trust(settings, folder),
                    heart=heart,
                    workspace=workspace,
                )
                try:
                    yield node
                finally:
                    for online in node._reached.values():
                        online.close()
        finally:
            engine.dispose()

    @property
    def online(self) -> Online:
        """Time-stamping authorities, OCSP and CRLs; the seal's own authority is asked first.

        One for all steps: its connections stay open, and what it learnt is not asked for again at once.
        """
        tsa, settings = self.settings.seal.tsa, self.settings.online
        key = tsa, settings.model_dump_json()
        if key not in self._reached:
            self._reached[key] = settings.make(self.folder, first=() if tsa is None else (tsa,))
        return self._reached[key]

    @cached_property
    def seal_key(self) -> SigningKey:
        """The agency's key, parsed once; raises `KeyLoadError` if it cannot be used."""
        seal = self.settings.seal
        secret = self.folder / seal.passphrase_file

        def passphrase() -> str:
            try:
                # Never an error over the bytes themselves: it would carry them.
                return secret.read_bytes().decode("utf-8", "surrogateescape").rstrip("\r\n")
            except OSError as error:
                raise KeyLoadError(
                    "the seal's passphrase file cannot be read.",
                    where=str(secret),
                    advice="Check seal.passphrase_file and who may read it.",
                ) from error

        on_token = seal.key[:7].lower() == "pkcs11:"
        return load_key(seal.key if on_token else self.folder / seal.key, passphrase=passphrase)


def migrate(folder: Path) -> None:
    """Create the node's tables or bring them to the present shape."""
    engine = database.connect(Settings.load(folder).database.url.get_secret_value(), folder)
    try:
        database.migrate(engine)
    finally:
        engine.dispose()


def open_objects(store: ObjectStore, folder: Path) -> Objects:
    """Open an object store; a relative path counts from `folder`. Raises `SettingsError`."""
    if store.kind == "directory":
        return DirectoryObjects(folder / store.path)
    return S3Objects(
        endpoint=store.endpoint,
        bucket=store.bucket,
        access_key=store.access_key,
        secret_key=store.secret_key.get_secret_value(),
        secure=store.secure,
    )


def _trust(settings: Settings, folder: Path) -> Trust:
    trust = Trust.load(*(folder / path for path in settings.trust.paths))
    if trust.is_development and not settings.trust.unsafe_allow_development:
        raise SettingsError(
            "the trust store holds development roots, which prove nothing in the real world.",
            where=str(folder / FILE_NAME),
            advice="Name real roots in trust.paths; only demos and tests may set unsafe_allow_development.",
        )
    return trust
