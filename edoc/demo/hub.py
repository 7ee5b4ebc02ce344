"""A hub in a process of its own, for the demo and the tests."""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import ClassVar

from edoc.demo.server import HOST, Server
from edoc.hub import hub, steward
from edoc.hub.directory import Entry
from edoc.hub.hub import Hub
from edoc.hub.settings import FILE_NAME
from edoc.hub.steward import Added
from edoc.node.durable import make_folder, write_file


class HubServer(Server):
    """`edoc hub serve` on a free loopback port, with its data in a folder of its own."""

    name = "edoc hub"
    not_ready: ClassVar[tuple[type[Exception], ...]] = (urllib.error.URLError, OSError)

    def __init__(self, folder: Path, *, settings: str = "") -> None:
        super().__init__(folder)
        self._settings = settings

    def prepare(self) -> None:
        """Write `hub.toml` and bring the database to the present shape."""
        make_folder(self.data)
        write_file(self.data / FILE_NAME, self._settings.encode(), mode=0o600)
        hub.migrate(self.data)

    def add(self, entry: Entry, *, system: str = "") -> Added:
        """Register an agency, as the hub's operator does; the hub may run meanwhile."""
        with Hub.open(self.data) as opened:
            return steward.add_agency(opened, entry, system=system)

    def command(self) -> list[str]:
        """The command line, as an operator writes it."""
        return [sys.executable, "-m", "edoc.cli.main", "hub", "serve", str(self.data), f"--port={self.port}"]

    def ping(self) -> None:
        """Ask whether it is ready."""
        with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310 - our own address
            json.load(answer)

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://{HOST}:{self.port}"
