"""Read a signature that stands in a file of its own: a detached CMS, or a time-stamp token.

    evidence = read_beside(document, signature, path="contract.docx", name="contract.docx.p7s")
    evidence = read_alone(signature, path="contract.docx.p7s")

Rules: the signed file is read in pieces and digested in one pass; a signature whose file is not given is read
as far as it goes, and says so; what is inside a CMS is never taken for the signed file.
"""

import hashlib
import io
from dataclasses import replace
from functools import partial
from typing import BinaryIO

from edoc.core.evidence import Fault, FileEvidence, SignatureFacts
from edoc.core.report import Coverage, Level
from edoc.pdf.cms import CmsFacts, Digest, as_signature
from edoc.pdf.cmsloose import MAX_LOOSE, read_detached
from edoc.pdf.filebytes import FileBytes

_REFERENCES = frozenset({"signing_certificate", "signing_certificate_v2"})


def read_beside(document: BinaryIO, signature: BinaryIO, *, path: str, name: str) -> FileEvidence:
    """Evidence on the file `document` (named `path`) from the CMS or token in `signature` (named `name`).

    Both streams must be seekable. Nothing is raised over what they hold; `OSError` if they cannot be read.
    """
    file = FileBytes(document)
    whole = (0, file.size)
    file.expect([whole])
    return _gather(signature, partial(file.digest, whole), path, name, sha256=file.sha256, size=file.size)


def read_alone(signature: BinaryIO, *, path: str) -> FileEvidence:
    """Evidence from a CMS or a token whose signed file is not at hand."""
    contents = _load(signature)
    sha256 = hashlib.sha256(contents).hexdigest()
    return _gather(io.BytesIO(contents), None, path, "", sha256=sha256, size=len(contents))


def _load(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(MAX_LOOSE + 1)


def _gather(
    signature: BinaryIO, digest: Digest | None, path: str, name: str, *, sha256: str, size: int
) -> FileEvidence:
    try:
        cms = read_detached(_load(signature), digest)
    except ValueError as error:
        return FileEvidence(
            path=path,
            sha256=sha256,
            size=size,
            format="cms",
            unreadable=Fault(code="CMS_MALFORMED", detail=str(error)),
        )
    facts = _tell(cms, name, None if digest is None else size)
    kind = "timestamp" if cms.is_token else "cms"
    return FileEvidence(path=path, sha256=sha256, size=size, format=kind, signatures=(facts,))


def _tell(cms: CmsFacts, name: str, size: int | None) -> SignatureFacts:
    """`size` of the signed file in bytes; None if it is not at hand."""
    missing = () if size is not None else (Fault(code="SIGNED_DATA_NOT_FOUND"),)
    level = Level.CADES if cms.attributes & _REFERENCES else Level.PKCS7
    return replace(
        as_signature(cms, name),
        level=Level.DOC_TIMESTAMP if cms.is_token else level,
        end=size or 0,
        coverage=Coverage.PARTIAL if size is None else Coverage.WHOLE_FILE,
        faults=(*missing, *cms.faults),
    )
