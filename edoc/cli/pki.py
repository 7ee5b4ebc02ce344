"""The command that makes and serves a development PKI: dev-pki."""

import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edoc.cli._run import emit_json, reported, say

if TYPE_CHECKING:
    from edoc.devpki.hierarchy import DevPki


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("dev-pki", epilog="Example: edoc dev-pki certs-dev --serve 8900")(dev_pki)


def dev_pki(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the PKI stands or is made.")] = Path(
        "certs-dev"
    ),
    serve: Annotated[
        int | None,
        typer.Option(
            "--serve",
            metavar="PORT",
            min=1,
            max=65535,
            help="Then serve TSA, OCSP and CRLs on 127.0.0.1 until Ctrl-C.",
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Make it anew; every key made before is lost.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Make a development PKI: fictitious agencies, persons and CAs, all marked DEV. Never evidence."""
    from edoc.devpki.hierarchy import DEFAULT_URL, make
    from edoc.devpki.server import HOST, serving

    url = DEFAULT_URL if serve is None else f"http://{HOST}:{serve}"
    with reported():
        pki = make(folder, now=datetime.now(UTC), base_url=url, replace=replace)
        if json:
            emit_json(_describe(pki))
        else:
            sys.stdout.write(_print(pki))
        if serve is None:
            return
        if pki.base_url != url:
            say(f"Its certificates name {pki.base_url}; --replace makes a PKI that names {url}.")
        with serving(pki, port=serve):
            stopped = _await_signals()
            say(f"Serving {url}/tsa, {url}/ocsp/agencies, {url}/crl/agencies.crl; Ctrl-C stops.")
            sys.stdout.flush()
            stopped.wait()


def _await_signals() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def _describe(pki: "DevPki") -> dict[str, Any]:
    from edoc.devpki.profiles import AGENCIES

    return {
        "folder": pki.folder,
        "made": pki.made,
        "base_url": pki.base_url,
        "passphrase_file": pki.passphrase_path,
        "trust": pki.trust_path,
        "system": pki.key_path("system"),
        "agencies": [
            {
                "organ_id": agency.organ_id,
                "name": agency.name,
                "seal": pki.key_path(agency.seal_name),
                "persons": [
                    {
                        "key": pki.key_path(person.key_name),
                        "full_name": person.full_name,
                        "position": person.position,
                    }
                    for person in agency.persons
                ],
            }
            for agency in AGENCIES
        ],
    }


def _print(pki: "DevPki") -> str:
    from edoc.devpki.profiles import AGENCIES

    done = "made" if pki.made else "stood there already; kept (--replace makes it anew)"
    lines = [f"{pki.folder}: development PKI {done}. Nothing signed with it is evidence."]
    for agency in AGENCIES:
        lines.append(f"  {agency.organ_id}  {agency.name}")
        lines.append(f"    {pki.key_path(agency.seal_name)}  seal of the agency")
        lines += [
            f"    {pki.key_path(person.key_name)}  {person.full_name}, {person.position}"
            for person in agency.persons
        ]
    lines.append(f"  {pki.key_path('system')}  software")
    lines.append(f"  {pki.passphrase_path}  passphrase of every .p12, for --passphrase-file")
    lines.append(f"  {pki.trust_path}  root, CAs and CRLs, for --trust")
    return "\n".join(lines) + "\n"
