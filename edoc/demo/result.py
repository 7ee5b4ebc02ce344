"""Writes out what came of the demo, whole or not at all, and names every path."""

import shutil
from pathlib import Path
from typing import Any

from edoc.demo.stage import Stage
from edoc.node import archive, books, clerk
from edoc.node.node import Node
from edoc.node.scratch import fetch


def write_result(stage: Stage, a: Node, b: Node, sent: str, arrived: str) -> dict[str, Any]:
    """Write the result's files; returns their paths by kind, ready for JSON."""
    unfinished = stage.folder / "result.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    files = {
        "statuses": _copies(a, sent, "status-", unfinished / "statuses"),
        "packages": _copies(a, sent, "package", unfinished / "packages"),
        "pdfs": {
            "signed": _copies(a, sent, "signed", unfinished / "signed")[0],
            "sealed": _copies(a, sent, "sealed", unfinished / "sealed")[0],
            "received": _copies(b, arrived, "attachment", unfinished / "received")[0],
        },
        "reports": {
            path.suffix[1:]: path for path in _copies(b, arrived, "report", unfinished / "verification")
        },
        "registers": {
            "outgoing": _book(a, "outgoing", unfinished / "register-a-outgoing"),
            "incoming": _book(b, "incoming", unfinished / "register-b-incoming"),
        },
        "archive_packages": [
            archive.export(a, sent, unfinished / "archive" / "a"),
            archive.export(b, arrived, unfinished / "archive" / "b"),
        ],
    }
    shutil.rmtree(stage.result, ignore_errors=True)
    unfinished.rename(stage.result)
    return {
        "nodes": {"a": str(a.folder), "b": str(b.folder)},
        "documents": {"a": sent, "b": arrived},
        "document_id": clerk.find(a, sent).document_id,
        **_moved(files, unfinished, stage.result),
    }


def _copies(node: Node, document: str, role: str, folder: Path) -> list[Path]:
    """Copy the document's files whose role begins with `role`."""
    folder.mkdir(parents=True)
    return [
        fetch(node, file.sha256, folder / file.name)
        for file in clerk.files(node, document)
        if file.role.startswith(role)
    ]


def _book(node: Node, direction: str, stem: Path) -> dict[str, Path]:
    csv, pdf = stem.with_suffix(".csv"), stem.with_suffix(".pdf")
    books.write(node, direction, csv=csv, pdf=pdf)
    return {"csv": csv, "pdf": pdf}


def _moved(value: Any, old: Path, new: Path) -> Any:
    """The same paths after the folder got its final name, as text."""
    if isinstance(value, Path):
        return str(new / value.relative_to(old))
    if isinstance(value, dict):
        return {name: _moved(item, old, new) for name, item in value.items()}
    return [_moved(item, old, new) for item in value]
