"""Writes the settings of the demo's two nodes and prepares their databases."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edoc.demo.hub import HubServer
from edoc.devpki.profiles import AGENCIES, Agency
from edoc.hub.directory import Entry
from edoc.node.durable import write_file
from edoc.node.node import migrate
from edoc.node.settings import FILE_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """Where a node's database, objects and queue are; empty values mean the embedded default."""

    database_url: str = "sqlite:///node.db"
    redis_url: str = ""
    s3: dict[str, Any] | None = None


Join = Callable[[Agency], dict[str, Any]]
"""Gives an agency its transport: the section of its settings that says which."""


def by_mailbox(folder: Path) -> Join:
    """Let agencies share a mailbox."""
    return lambda _agency: {"mailbox": {"path": str(folder)}}


def by_hub(hub: HubServer) -> Join:
    """Register agencies at a hub, which may run elsewhere the next time."""

    def join(agency: Agency) -> dict[str, Any]:
        added = hub.add(Entry(code=agency.organ_id, name=agency.name))
        section = {"url": hub.url, "system_id": added.system, "secret_file": str(added.secret_path)}
        return {"axis": {**section, "poll_seconds": 0.1}}

    return join


def make_nodes(
    folder: Path,
    *,
    pki: Path,
    seal_image: Path,
    tsa: str,
    backings: Sequence[Backing],
    join: Join | None = None,
) -> list[Path]:
    """Make one node for each of the two agencies; returns their folders.

    `join` gives them their transport; a mailbox between them if it is left out.
    """
    given = join or by_mailbox(folder / "mailbox")
    return [
        make_node(
            folder / agency.key,
            agency=agency,
            pki=pki,
            seal_image=seal_image,
            transport=given(agency),
            tsa=tsa,
            backing=backing,
        )
        for agency, backing in zip(AGENCIES, backings, strict=True)
    ]


def make_node(
    folder: Path,
    *,
    agency: Agency,
    pki: Path,
    seal_image: Path,
    transport: dict[str, Any],
    tsa: str,
    backing: Backing,
) -> Path:
    """Write `edoc.toml` (readable by its owner alone) and bring the database to the present shape."""
    folder.mkdir(exist_ok=True)
    settings: dict[str, Any] = {
        "agency": {"organ_id": agency.organ_id, "organ_name": agency.name},
        **transport,
        "seal": {
            "key": str(pki / f"{agency.seal_name}.p12"),
            "passphrase_file": str(pki / "passphrase.txt"),
            "image": str(seal_image),
            "tsa": tsa,
        },
        "trust": {"paths": [str(pki / "trust")], "unsafe_allow_development": True},
        "online": {"cache": "cache"},
        "database": {"url": backing.database_url},
        "objects": {"kind": "s3", **backing.s3} if backing.s3 else {"kind": "directory", "path": "objects"},
        "queue": {"redis_url": backing.redis_url},
        "worker": {
            "poll_seconds": 0.1,
            "lease_seconds": 5,
            "retry_seconds": 0.5,
            "breaker_seconds": 1,  # what dies is started again at once
        },
    }
    write_file(folder / FILE_NAME, _toml(settings).encode(), mode=0o600)
    migrate(folder)
    return folder


def _toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Write sections of plain values; strings, numbers, booleans and lists look the same in JSON and TOML."""
    return "\n".join(
        f"[{section}]\n" + "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in values.items())
        for section, values in sections.items()
    )
