"""Write what one signature of a PDF signs: the file's first bytes, up to the end of the signed revision."""

import hashlib
from pathlib import Path
from typing import Any, Final

from edoc.core.report import Coverage, Report
from edoc.errors import InputError
from edoc.files import replacing
from edoc.trust.store import Trust
from edoc.verification.process import Order, gather_guarded

_CHUNK: Final = 1 << 20


def extract(report: Report, number: int, target: Path, terms: dict[str, Any]) -> None:
    """Write the revision that the report's signature `number`, from 1, signs.

    `terms` are those that the one file was judged by. Raises `InputError` if there is no such signature, or
    it signs no whole revision, and `OSError` if the bytes cannot be read or written.
    """
    (file,) = report.files
    if file.format != "pdf":
        raise InputError("only PDF files have revisions.", where=file.path)
    if not 1 <= number <= len(file.signatures):
        raise InputError(
            f"there is no signature {number}; the report has {len(file.signatures)}.",
            where="--extract-revision",
            advice="Count the signatures of the report from 1.",
        )
    if file.signatures[number - 1].coverage is Coverage.PARTIAL:
        raise InputError(
            f"signature {number} signs no whole revision, so there is nothing to write.", where=file.path
        )
    end = _find_end(report, number, terms)
    _copy(Path(file.path), end, target, sha256=file.sha256)


def _find_end(report: Report, number: int, terms: dict[str, Any]) -> int:
    (file,) = report.files
    order = Order(
        trust=Trust.empty(),
        policy=terms["policy"],
        at=report.validation_time,
        offline=True,
        password=terms["password"],
    )
    facts = gather_guarded(Path(file.path), order).signatures
    if [each.field for each in facts] != [each.field for each in file.signatures]:
        raise _changed(file.path)
    return facts[number - 1].end


def _copy(source: Path, end: int, target: Path, *, sha256: str | None) -> None:
    """Copy the first `end` bytes, if the file is still the one that was judged."""
    digest, left = hashlib.sha256(), end
    with source.open("rb") as stream, replacing(target) as output:
        while piece := stream.read(_CHUNK):
            digest.update(piece)
            output.write(piece[:left])
            left -= min(left, len(piece))
        if digest.hexdigest() != sha256:
            raise _changed(str(source))


def _changed(path: str) -> InputError:
    return InputError("the file was changed meanwhile.", where=path, advice="Run the command again.")
