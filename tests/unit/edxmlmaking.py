"""Small packages for tests: as others write them, and as we do."""

import base64
import io
import zipfile
from typing import Any

from edoc.core.dispatch import Dispatch
from edoc.packing import Unpacked, pack, unpack

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
UUID = "86f1a175-9517-4f8b-9e8e-6058fc0c4689"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\nA page.\n%%EOF\n"


def foreign(message: str, *, trace: str = "", attachments: str = "", manifest: str = "") -> bytes:
    """A package without any prefix, holding the given pieces of XML."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{NAMESPACE}"><edXMLEnvelope><edXMLHeader>
<MessageHeader>{message}</MessageHeader>{trace}</edXMLHeader>
<edXMLBody><edXMLManifest version="1.0">{manifest}</edXMLManifest></edXMLBody></edXMLEnvelope>
<AttachmentEncoded>{attachments}</AttachmentEncoded></edXML>""".encode()


ENDS = "<From><OrganId>A</OrganId></From><To><OrganId>B</OrganId></To>"
TYPES = "<DocumentType><Type>1</Type></DocumentType><SteeringType>0</SteeringType>"


def attachment(name: str, content: bytes, *, label: str = "application/pdf", cid: str = "cid:att-1") -> str:
    """One attachment of a foreign package."""
    return (
        f"<Attachment><ContentId>{cid}</ContentId><AttachmentName>{name}</AttachmentName>"
        f"<ContentType>{label}</ContentType>"
        f"<ContentTransferEncoded>{base64.b64encode(content).decode()}</ContentTransferEncoded></Attachment>"
    )


def zipped(entries: dict[str, bytes]) -> bytes:
    """A zip with these entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return out.getvalue()


def values(**more: Any) -> dict[str, Any]:
    """The JSON of a small, complete dispatch."""
    return {
        "from": {"organ_id": "H99.01", "organ_name": "Ủy ban nhân dân tỉnh A"},
        "to": [{"organ_id": "H99.02", "organ_name": "Sở Y tế tỉnh B"}],
        "code": {"code_number": "05", "code_notation": "UBND-VP"},
        "promulgation_info": {"place": "Hà Nội", "promulgation_date": "2026-02-05"},
        "document_type": {"type": 2, "type_detail": 18, "type_name": "Công văn"},
        "subject": "Về việc phòng, chống dịch bệnh",
        "attachments": [],
    } | more


def packed(dispatch: dict[str, Any], *files: tuple[str, bytes], profile: str = "edoc") -> bytes:
    """The package of a dispatch with these files."""
    out = io.BytesIO()
    pack(Dispatch.from_dict(dispatch), attach=[named(*file) for file in files], out=out, profile=profile)
    return out.getvalue()


def named(name: str, content: bytes) -> io.BytesIO:
    """A file object with a name."""
    stream = io.BytesIO(content)
    stream.name = name
    return stream


def read(package: bytes) -> Unpacked:
    """What a package says."""
    return unpack(io.BytesIO(package))


def dispatch_of(package: bytes) -> Dispatch:
    """The document in a package."""
    found = read(package).dispatch
    assert found is not None
    return found


def codes(package: bytes) -> list[str]:
    """The codes of a package's warnings."""
    return [warning.code for warning in read(package).warnings]
