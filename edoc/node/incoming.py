"""The steps of a document that arrived: verify it, and give it its arrival number.

It gets the number only after both signatures were verified; otherwise it is refused with every reason
(status 02, NĐ 30/2020 Art 21.2b).
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import select

from edoc.core.dispatch import Dispatch
from edoc.core.lifecycle import Event
from edoc.core.ports import Stored
from edoc.core.report import Report
from edoc.core.rule import Expected
from edoc.core.secrecy import explain_marking, find_secret_marking
from edoc.edxml.findings import CHANGES
from edoc.edxml.limits import DEFAULT_LIMITS
from edoc.edxml.refusals import OF_ADMISSION
from edoc.errors import PackageError
from edoc.node import arrivedorders, promises, registers
from edoc.node import tables as t
from edoc.node.journal import Transaction
from edoc.node.node import Node
from edoc.node.scratch import fetch, file_of, store
from edoc.node.tasks import Claim, Finish
from edoc.packing import Unpacked, unpack
from edoc.render.report import to_html
from edoc.verification import verify as verify_pdf


def verify(node: Node, claim: Claim) -> Finish:
    """Verify the arrived document; lead it on to registration, or refuse it with every reason."""
    with node.journal.reading() as connection:
        package = file_of(connection, claim.document, "package")
        header = select(t.documents.c.dispatch).where(t.documents.c.id == claim.document)
        secret = find_secret_marking(Dispatch.from_dict(connection.execute(header).scalar_one()))
    if secret is not None:
        files, reasons = list[tuple[str, str, Stored]](), [explain_marking(secret)]
    else:
        with node.workspace.scratch(package.size) as folder:
            copy = fetch(node, package.sha256, folder / "package.edxml")
            files, reasons = _examine(node, copy, claim.created_at)

    def finish(tx: Transaction) -> None:
        for role, name, stored in files:
            tx.keep(claim.document, role, name, stored)
        if reasons:
            tx.advance(claim.document, Event.REFUSE, reasons=reasons)
        else:
            tx.advance(claim.document, Event.VERIFY)

    return finish


def _examine(node: Node, package: Path, at: datetime) -> tuple[list[tuple[str, str, Stored]], list[str]]:
    """Unpack beside the package, and judge: what is to be kept, by role and name, and what speaks against."""
    exchange, folder = node.settings.exchange, package.with_name("attachments")
    try:
        content = unpack(package, into=folder, limits=replace(DEFAULT_LIMITS, admission=exchange.admission))
    except PackageError as error:
        if error.code not in OF_ADMISSION:
            raise
        return [], list(error.reasons)  # nothing of it leaves the package, which is kept
    kept = [("attachment", name, store(node, path)) for name, path in _attachments(content, folder)]
    report, reasons = _judge(node, content, folder, at)
    if report is not None:
        kept += [("report", name, store(node, path)) for name, path in _write_report(report, package.parent)]
    changed = [each for each in content.warnings if each.code in CHANGES and exchange.refuse_changed]
    return kept, [*(f"{each.text_vi} ({each.text})" for each in changed), *reasons]


def _attachments(content: Unpacked, folder: Path) -> Iterator[tuple[str, Path]]:
    assert content.dispatch is not None  # noqa: S101 - only documents get this far
    for attachment in content.dispatch.attachments:
        if attachment.path is not None:
            yield Path(attachment.path).name, folder / attachment.path


def _judge(node: Node, content: Unpacked, folder: Path, at: datetime) -> tuple[Report | None, list[str]]:
    """Judge the main document, the first PDF, by the document rule: the report, and what speaks against."""
    assert content.dispatch is not None  # noqa: S101
    dispatch = content.dispatch
    pdf = next((path for _, path in _attachments(content, folder) if path.suffix.lower() == ".pdf"), None)
    if pdf is None:
        return None, ["Gói tin không có văn bản PDF có chữ ký số (the package holds no signed PDF)."]
    report = verify_pdf(
        pdf,
        trust=node.trust,
        at=at,
        offline=True,
        rule="nd30",
        expected=Expected(
            number=dispatch.code.code_number,
            notation=dispatch.code.code_notation,
            date=dispatch.promulgation_info.promulgation_date,
            organization=dispatch.from_.organ_name,
        ),
    )
    # named as its sender named it: the report must not depend on where this worker's copy lay
    report = replace(report, files=tuple(replace(file, path=pdf.name) for file in report.files))
    return report, report.reasons()


def _write_report(report: Report, folder: Path) -> Iterator[tuple[str, Path]]:
    texts = {
        "report.json": json.dumps(report.to_dict(), ensure_ascii=False, indent=2),
        "report.html": to_html(report),
    }
    for name, text in texts.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        yield name, path


def register(node: Node, claim: Claim) -> Finish:
    """Give the arrival number and enter the register (NĐ 30/2020 Art 22)."""
    promises.require_reconciled(node)

    def finish(tx: Transaction) -> None:
        given = registers.give_number(
            tx, series=node.settings.register_.incoming_series, document=claim.document
        )
        tx.advance(claim.document, Event.REGISTER, number=given.number)
        arrivedorders.carry_out(tx, claim.document)
        tx.afterwards.append(partial(promises.keep, node, promises.make(tx, given, document=claim.document)))

    return finish
