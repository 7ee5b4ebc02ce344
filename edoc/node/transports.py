"""Opens the transport that a node's settings name: a shared mailbox folder, or the axis.

What the axis needs is imported only where there is one: it costs a tenth of a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from edoc.core.ports import Transport
from edoc.errors import SettingsError
from edoc.node.journal import Journal
from edoc.node.mailbox import Mailbox
from edoc.node.settings import AxisSettings, Settings

if TYPE_CHECKING:
    from edoc.axis.profile import Axis

_MIB = 1 << 20


@contextmanager
def opening_transport(settings: Settings, folder: Path, journal: Journal) -> Iterator[Transport]:
    """Open the node's transport and close it again; the axis is not asked anything yet.

    Raises `SettingsError` if a secret or a certificate cannot be read, `Unavailable` if the mailbox's folder
    cannot be used.
    """
    organ_id = settings.agency.organ_id
    if settings.mailbox is not None:
        yield Mailbox(folder / settings.mailbox.path, organ_id)
        return
    assert settings.axis is not None  # noqa: S101 - the settings have one of the two
    from edoc.node.axisbox import AxisBox

    with AxisBox(
        make_axis(settings.axis, folder, journal),
        organ_id=organ_id,
        journal=journal,
        poll_seconds=settings.axis.poll_seconds,
        lookback_days=settings.axis.lookback_days,
    ) as box:
        yield box


def make_axis(settings: AxisSettings, folder: Path, journal: Journal) -> "Axis":
    """Make the client of the hub; relative paths count from `folder`. Raises `SettingsError`."""
    from edoc.axis.client import AxisClient
    from edoc.axis.connection import Access, Limits
    from edoc.axis.provincial import Login, ProvincialClient

    access = Access(
        url=settings.url,
        system_id=settings.system_id,
        secret=_find(settings.secret, settings.secret_file, folder),
        ca_file=None if settings.ca_file is None else folder / settings.ca_file,
    )
    limits = Limits(
        connect_seconds=settings.connect_seconds,
        silence_seconds=settings.silence_seconds,
        call_seconds=settings.call_seconds,
        transfer_seconds=settings.transfer_seconds,
        reply_bytes=settings.max_reply_mib * _MIB,
        package_bytes=settings.max_package_mib * _MIB,
    )
    if settings.profile == "national":
        return AxisClient(access, clock=journal.clock, limits=limits)
    login = Login(
        username=settings.username,
        password=_find(settings.password, settings.password_file, folder),
        application_code=settings.application_code,
    )
    return ProvincialClient(access, login, clock=journal.clock, limits=limits)


def _find(secret: SecretStr, file: Path | None, folder: Path) -> SecretStr:
    if file is None:
        return secret
    try:
        # Never an error over the bytes themselves: it would carry them.
        text = (folder / file).read_bytes().decode("utf-8", "replace").rstrip("\r\n")
    except OSError as error:
        raise SettingsError(
            "the file with a secret of the axis cannot be read.",
            where=str(folder / file),
            advice="Check axis.secret_file and axis.password_file, and who may read them.",
        ) from error
    if not text:
        raise SettingsError("the file with a secret of the axis is empty.", where=str(folder / file))
    return SecretStr(text)
