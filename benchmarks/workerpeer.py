"""The straight script that a node is compared with: pyHanko, lxml and minio, one after the other.

It keeps no register, checks nothing, survives nothing: sign, wrap up, store, next.
"""

import base64
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lxml import etree
from minio import Minio
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers

from edoc.core.dispatch import Dispatch
from edoc.edxml.mapping import NAMESPACE


class Script:
    """One key, loaded once; one bucket."""

    def __init__(self, p12: Path, passphrase: str, *, s3: dict[str, Any]) -> None:
        loader: Any = signers.SimpleSigner
        self._signer = loader.load_pkcs12(str(p12), passphrase=passphrase.encode())
        self._bucket: str = s3["bucket"]
        self._client = Minio(
            endpoint=s3["endpoint"],
            access_key=s3["access_key"],
            secret_key=s3["secret_key"],
            secure=s3["secure"],
        )

    def run(self, documents: Iterable[tuple[Path, Dispatch]]) -> None:
        """Seal, package and store each document."""
        for number, (path, dispatch) in enumerate(documents, start=1):
            sealed = self._sign(path)
            self._store(f"sealed/{number}.pdf", sealed)
            self._store(f"package/{number}.edxml", _package(dispatch, path.name, sealed))

    def _sign(self, path: Path) -> bytes:
        with path.open("rb") as source:
            writer = IncrementalPdfFileWriter(source)
            metadata = signers.PdfSignatureMetadata(field_name="Seal")
            signed: io.BytesIO = signers.sign_pdf(writer, metadata, signer=self._signer)
            return signed.getvalue()

    def _store(self, name: str, content: bytes) -> None:
        self._client.put_object(
            bucket_name=self._bucket, object_name=name, data=io.BytesIO(content), length=len(content)
        )


def _package(dispatch: Dispatch, name: str, pdf: bytes) -> bytes:
    root = etree.Element(f"{{{NAMESPACE}}}edXML", nsmap={"edXML": NAMESPACE})

    def add(parent: Any, tag: str, text: str = "") -> Any:
        child = etree.SubElement(parent, f"{{{NAMESPACE}}}{tag}")
        child.text = text
        return child

    message = add(add(add(root, "edXMLEnvelope"), "edXMLHeader"), "MessageHeader")
    for tag, organizations in (("From", (dispatch.from_,)), ("To", dispatch.to)):
        for organization in organizations:
            block = add(message, tag)
            add(block, "OrganId", organization.organ_id)
            add(block, "OrganName", organization.organ_name)
    add(message, "Subject", dispatch.subject)
    attachment = add(add(root, "AttachmentEncoded"), "Attachment")
    add(attachment, "AttachmentName", name)
    add(attachment, "ContentTransferEncoded", base64.b64encode(pdf).decode())
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written
