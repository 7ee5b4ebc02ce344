"""Read an edXML package into evidence: its own XML signatures, and every PDF that it carries.

    evidence = read_package(stream, path="dispatch.edxml")

Rules: attachments are written to a folder that is gone afterwards, each is read as any file is, and one that
claims to be a PDF and is none is told, not skipped; what the dispatch says about its document goes along as
what the document rule expects. Nothing is raised over what a package holds.
"""

import errno
import io
import tempfile
from pathlib import Path
from typing import BinaryIO, Final

from edoc.core.dispatch import Attachment, Dispatch
from edoc.core.evidence import Fault, FileEvidence, PackageFacts
from edoc.core.rule import Expected
from edoc.edxml.findings import CHANGES, DANGERS, REPAIRS
from edoc.edxml.limits import DEFAULT_LIMITS, Limits
from edoc.edxml.signature import Signatures, read_signatures
from edoc.edxml.unpacking import Read
from edoc.edxml.unpacking import read_package as unpack_package
from edoc.errors import PackageError
from edoc.pdf.cms import read_token
from edoc.pdf.filebytes import FileBytes
from edoc.pdf.reader import is_pdf, read_pdf

MAX_DOCUMENTS: Final = 500
"""PDFs of one package that are judged; one that has more is refused."""
_START_BYTES: Final = 4096
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_ORDERS: Final = frozenset({"1", "2"})
"""Business types that may come without a document: recall and update."""
_TOLD_ELSEWHERE: Final = frozenset({"SIGNATURE_NOT_EVIDENCE", "NAME_MADE_SAFE"})


def read_package(
    source: BinaryIO, *, path: str, password: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> FileEvidence:
    """Evidence on a package and on the PDFs inside, each named `PACKAGE!NAME`.

    `source` must be seekable; `password` opens encrypted PDFs. Raises `OSError` if `source` cannot be read.
    """
    source.seek(0)
    with tempfile.TemporaryDirectory(prefix="edoc-verify-") as folder:
        try:
            read = unpack_package(source, into=Path(folder), limits=limits, durable=False)
            documents, others = _sort(read, Path(folder))
        except PackageError as error:
            return _refuse(source, path, error)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            return _refuse(source, path, PackageError("there is no room for its attachments."))
        source.seek(0)
        signed = read_signatures(source, read.scanned, read_stamp=read_token)
        inside = tuple(
            _read_document(Path(folder), document, f"{path}!{document.path}", password)
            for document in documents
        )
    return FileEvidence(
        path=path,
        sha256=read.sha256,
        size=read.size,
        format="edxml",
        signatures=signed.signatures,
        faults=_list_faults(read, signed, others),
        inside=inside,
        package=PackageFacts(expected=_expect(read.dispatch), others=others),
    )


def _refuse(source: BinaryIO, path: str, error: PackageError) -> FileEvidence:
    where = f" ({error.where})" if error.where else ""
    return FileEvidence(
        path=path,
        sha256=FileBytes(source).sha256,
        size=source.seek(0, io.SEEK_END),
        format="edxml",
        unreadable=Fault(code="PACKAGE_UNREADABLE", detail=f"{error.what.rstrip('.')}{where}."),
    )


def _sort(read: Read, folder: Path) -> tuple[list[Attachment], tuple[str, ...]]:
    """The attachments that are PDFs, and the names of the others. Raises `PackageError`."""
    attachments = read.dispatch.attachments if read.dispatch else ()
    documents = [attachment for attachment in attachments if _is_document(attachment, folder)]
    if len(documents) > MAX_DOCUMENTS:
        raise PackageError(f"there are more than {MAX_DOCUMENTS} PDFs in it.")
    paths = {document.path for document in documents}
    others = tuple(each.path or each.name for each in attachments if each.path not in paths)
    return documents, others


def _is_document(attachment: Attachment, folder: Path) -> bool:
    """Whether it is a PDF, or says so by its name or label."""
    if attachment.path is None:
        return False
    labels = {attachment.content_type.lower(), attachment.mime_type.lower()}
    if attachment.name.lower().rstrip(" .").endswith(".pdf") or "application/pdf" in labels:
        return True
    with (folder / attachment.path).open("rb") as stream:
        return is_pdf(stream.read(_START_BYTES))


def _read_document(folder: Path, attachment: Attachment, path: str, password: str | None) -> FileEvidence:
    with (folder / (attachment.path or "")).open("rb") as stream:
        if is_pdf(stream.read(_START_BYTES)):
            return read_pdf(stream, path=path, password=password)
    fault = Fault(code="FILE_NOT_PDF") if attachment.size else Fault(code="FILE_EMPTY")
    return FileEvidence(path=path, sha256=attachment.sha256, size=attachment.size, unreadable=fault)


def _list_faults(read: Read, signed: Signatures, others: tuple[str, ...]) -> tuple[Fault, ...]:
    """What is noteworthy about the package."""
    told = [warning for warning in read.warnings if warning.code not in _TOLD_ELSEWHERE]
    codes = dict.fromkeys(warning.code for warning in told if warning.code not in CHANGES)
    repaired = [code for code in codes if code in REPAIRS]
    dangerous = [code for code in codes if code in DANGERS]
    noted = [code for code in codes if code not in REPAIRS | DANGERS]
    return (
        *(Fault(code="ATTACHMENT_CHANGED", detail=each.detail) for each in told if each.code in CHANGES),
        *((Fault(code="ATTACHMENT_DANGEROUS", detail=", ".join(dangerous)),) if dangerous else ()),
        *((Fault(code="PACKAGE_REPAIRED", detail=", ".join(repaired)),) if repaired else ()),
        *((Fault(code="PACKAGE_NOTED", detail=", ".join(noted)),) if noted else ()),
        *signed.faults,
        *(Fault(code="ATTACHMENT_NOT_JUDGED", detail=other) for other in others),
    )


def _expect(dispatch: Dispatch | None) -> Expected | None:
    """What the dispatch says about its document; None if it carries none."""
    if dispatch is None:
        return None
    kind = dispatch.business.business_doc_type if dispatch.business else ""
    if kind in _ORDERS and not dispatch.attachments:
        return None
    return Expected(
        number=dispatch.code.code_number,
        notation=dispatch.code.code_notation,
        date=dispatch.promulgation_info.promulgation_date,
        organization=dispatch.from_.organ_name,
    )
