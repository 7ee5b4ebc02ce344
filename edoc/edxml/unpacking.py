"""Read one package from a stream: header, attachments, warnings, and what nobody has a place for."""

import gc
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from edoc.core.dispatch import Dispatch, StatusUpdate
from edoc.edxml import reader
from edoc.edxml.attachments import read_attachments
from edoc.edxml.dialects import locate
from edoc.edxml.digests import check_digests, list_told
from edoc.edxml.findings import Findings, PackageWarning
from edoc.edxml.forms import read_form, read_placeholder
from edoc.edxml.limits import Limits
from edoc.edxml.scanner import Scanned, scan
from edoc.edxml.staging import Staging
from edoc.edxml.strays import collect_strays, pass_signatures


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a package says; either a dispatch or a status."""

    dispatch: Dispatch | None
    status: StatusUpdate | None
    warnings: tuple[PackageWarning, ...]
    sha256: str
    size: int
    scanned: Scanned
    """What the names above were read from."""


def read_package(source: BinaryIO, *, into: Path | None, limits: Limits, durable: bool = True) -> Read:
    """Read a package and write its attachments into a folder, if one is given, at the very end.

    `durable` attachments are on the disk when this returns. Raises `PackageError` if it cannot be read or
    breaks a limit; nothing is left in the folder then.
    """
    # A tree of many elements would set the collector off again and again, in vain: nothing of it is garbage.
    paused = gc.isenabled()
    gc.disable()
    try:
        return _read(source, into, limits, durable=durable)
    finally:
        if paused:
            gc.enable()


def _read(source: BinaryIO, into: Path | None, limits: Limits, *, durable: bool) -> Read:
    findings = Findings()
    with Staging(into, limits, durable=durable) as staging:
        scanned = scan(source, limits=limits, findings=findings, staging=staging)
        located = locate(scanned.root, findings)
        pass_signatures(scanned, located, findings)
        dispatch: Dispatch | None = None
        status: StatusUpdate | None = None
        if reader.is_status(located.message):
            status = reader.read_status(located.message, findings)
        else:
            attachments = read_attachments(
                located,
                scanned.parts,
                staging=staging,
                limits=limits,
                findings=findings,
                told=list_told(scanned.root),
            )
            dispatch = reader.read_dispatch(located, attachments, findings)
            check_digests(scanned.root, attachments, findings)
        beyond: dict[str, Any] = {
            "strays": collect_strays(scanned, located, findings),
            "form": read_form(scanned.elements, located, None if dispatch is None else dispatch.attachments),
            "signature": read_placeholder(located.header),
        }
        beyond = {key: value for key, value in beyond.items() if value}
        if beyond and dispatch is not None:
            dispatch = replace(dispatch, **beyond)
        elif beyond and status is not None:
            status = replace(status, **beyond)
    return Read(
        dispatch=dispatch,
        status=status,
        warnings=findings.warnings,
        sha256=scanned.sha256,
        size=scanned.size,
        scanned=scanned,
    )
