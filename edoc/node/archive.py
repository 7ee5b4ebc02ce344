"""Archives a document: one manifest that names every file by its SHA-256, and the story so far.

The package is content-addressed: the files stand in the object store already and are never overwritten; the
manifest is an object too, and its hash goes into the audit chain. `export` writes the package out as a folder
that can be checked with `sha256sum -c`.
"""

import io
import json
import tempfile
from pathlib import Path
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, select

from edoc.core.lifecycle import Event
from edoc.errors import Conflict, EdocError
from edoc.node import registers
from edoc.node import tables as t
from edoc.node.journal import Transaction
from edoc.node.node import Node
from edoc.node.scratch import fetch_stored, file_of
from edoc.node.tasks import Claim, Finish

FORMAT: Final = "edoc-archive-package/1"
_OF: Final[BindParameter[str]] = bindparam("of")
_DOCUMENT: Final = select(t.documents).where(t.documents.c.id == _OF)
_FILES: Final = select(t.files).where(t.files.c.document == _OF).order_by(t.files.c.id)
_STORY: Final = select(t.audit).where(t.audit.c.document == _OF).order_by(t.audit.c.seq)


def archive(node: Node, claim: Claim) -> Finish:
    """Write the document's manifest and take the document to its last state."""
    with node.journal.reading() as connection:
        content = _manifest(connection, claim.document)
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)
    stored = node.objects.put(io.BytesIO(text.encode()))

    def finish(tx: Transaction) -> None:
        tx.keep(claim.document, "manifest", "manifest.json", stored)
        tx.advance(claim.document, Event.ARCHIVE, manifest=stored.sha256)

    return finish


def _manifest(connection: Any, document: str) -> dict[str, Any]:
    row = connection.execute(_DOCUMENT, {"of": document}).one()
    given = registers.number_of(connection, document)
    files = connection.execute(_FILES, {"of": document})
    story = connection.execute(_STORY, {"of": document})
    return {
        "format": FORMAT,
        "id": row.id,
        "direction": row.direction,
        "document_id": row.document_id,
        "dispatch": row.dispatch,
        "register": given and {"series": given.series, "year": given.year, "number": given.number},
        "files": [
            {"role": f.role, "name": f.name, "sha256": f.sha256, "size": f.size, "path": _path(f)}
            for f in files
        ],
        "events": [{**entry._mapping} for entry in story],  # noqa: SLF001 - SQLAlchemy's public name for it
    }


def _path(file: Any) -> str:
    """Where the file stands in the exported package."""
    return f"data/{file.role}/{file.name}"


def export(node: Node, document: str, folder: Path) -> Path:
    """Write the archived document's package to a new folder, whole or not at all; returns it.

    Raises `Conflict` if the folder exists, `InputError` if the document is not archived yet.
    """
    if folder.exists():
        raise Conflict("it exists already.", where=str(folder), advice="Name a new folder.")
    with node.journal.reading() as connection:
        stored = file_of(connection, document, "manifest")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder.parent) as unfinished:
        package = Path(unfinished) / "package"
        package.mkdir()
        manifest = fetch_stored(node, stored.sha256, package / "manifest.json")
        sums = [(stored.sha256, manifest.name)]
        for file in json.loads(manifest.read_bytes())["files"]:
            target = package / file["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            fetch_stored(node, file["sha256"], target)
            sums.append((file["sha256"], file["path"]))
        lines = "".join(f"{sha256}  {path}\n" for sha256, path in sums)
        (package / "manifest-sha256.txt").write_text(lines, encoding="utf-8")
        package.rename(folder)
    return folder


def audit(node: Node, document: str) -> list[str]:
    """Check an archived document against its manifest; returns what is wrong, empty if nothing is."""
    with node.journal.reading() as connection:
        stored = file_of(connection, document, "manifest")
    with node.workspace.scratch() as folder:
        try:
            manifest = json.loads(fetch_stored(node, stored.sha256, folder / "manifest.json").read_bytes())
        except EdocError as error:
            return [str(error)]
        wrong = []
        for file in manifest["files"]:
            try:
                fetch_stored(node, file["sha256"], folder / "copy")
            except EdocError as error:
                wrong.append(f"{file['path']}: {error}")
    return wrong
