"""Packages in the forms that circulate beside the regulation's, as others would write them."""

import base64

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
OLD = "http://www.e-doc.vn/Schema/"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\nA page.\n%%EOF\n"
ENCODED = base64.b64encode(PDF).decode()
MESSAGE = (
    "<edXML:From><edXML:OrganId>000.00.00.H19</edXML:OrganId></edXML:From>"
    "<edXML:To><edXML:OrganId>000.00.00.H20</edXML:OrganId></edXML:To>"
    "<edXML:Code><edXML:CodeNumber>12</edXML:CodeNumber><edXML:CodeNotation>UBND</edXML:CodeNotation></edXML:Code>"
    "<edXML:PromulgationInfo><edXML:PromulgationDate>17/05/2015</edXML:PromulgationDate></edXML:PromulgationInfo>"
    "<edXML:DocumentType><edXML:Type>2</edXML:Type></edXML:DocumentType>"
    "<edXML:Subject>Về việc X</edXML:Subject><edXML:SteeringType>1</edXML:SteeringType>"
)
TRACE = (
    "<edXML:TraceHeaderList><edXML:TraceHeader><edXML:OrganId>000.00.00.H19</edXML:OrganId>"
    "<edXML:Timestamp>17/05/2015 08:09:10</edXML:Timestamp></edXML:TraceHeader></edXML:TraceHeaderList>"
)
MANIFEST = (
    '<edXML:Manifest><edXML:Reference xlink:href="cid:7"><edXML:AttachmentName>a.pdf</edXML:AttachmentName>'
    "</edXML:Reference></edXML:Manifest>"
)
ALL_DOCUMENT = (
    f'<edXML:AllDocument xmlns:edXML="{OLD}"><edXML:Document><edXML:Attach>'
    '<edXML:Attachment Content-Type="application/pdf" Content-Transfer-Encoding="base64">'
    f"<name>a.pdf</name><value>{ENCODED}</value></edXML:Attachment></edXML:Attach></edXML:Document>"
    "</edXML:AllDocument>"
)


def soap(header: str = MESSAGE, *, body: str = MANIFEST, behind: str = "") -> bytes:
    """A message of 512/BTTTT or 2803/BTTTT; its attachments may stand behind it."""
    return (
        f'<?xml version="1.0"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}" xmlns:edXML="{OLD}"'
        f' xmlns:xlink="http://www.w3.org/1999/xlink"><SOAP-ENV:Header><edXML:MessageHeader>{header}'
        f"</edXML:MessageHeader>{TRACE}</SOAP-ENV:Header><SOAP-ENV:Body>{body}</SOAP-ENV:Body>"
        f"</SOAP-ENV:Envelope>{behind}"
    ).encode()


def mime(message: bytes, *parts: bytes, boundary: str = "Boundary", head: str = "") -> bytes:
    """The same with its attachments in MIME parts."""
    first = b"Content-Type: text/xml; charset=utf-8\r\nContent-ID: <Start>\r\n\r\n" + message
    joined = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in (first, *parts))
    return head.encode() + joined + f"--{boundary}--\r\n".encode()


def mail_part(body: bytes, *, encoding: str = "base64", name: str = 'name="a.pdf"') -> bytes:
    """One attachment."""
    head = (
        f"Content-Type: application/pdf; {name}\r\nContent-ID: <7>\r\nContent-Transfer-Encoding: {encoding}"
    )
    return head.encode() + b"\r\n\r\n" + body


STATUS = (
    f'<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}"><SOAP-ENV:Header><edXML:Status xmlns:edXML="{SOAP}">'
    "<edXML:ResponseFor><edXML:OrganId>H19</edXML:OrganId><edXML:Code>12/UBND</edXML:Code>"
    "<edXML:PromulgationDate>17/05/2015</edXML:PromulgationDate><edXML:DocumentId>D</edXML:DocumentId>"
    "</edXML:ResponseFor><edXML:From><edXML:OrganId>H20</edXML:OrganId><edXML:Email /></edXML:From>"
    "<edXML:StatusCode>03</edXML:StatusCode><edXML:Timestamp>18/05/2015 10:00:00</edXML:Timestamp>"
    "<edXML:StaffInfo><edXML:Staff>S</edXML:Staff></edXML:StaffInfo></edXML:Status></SOAP-ENV:Header>"
    "<SOAP-ENV:Body /></SOAP-ENV:Envelope>"
)
FLAT = (
    '<EdXMLEnvelope xmlns="http://www.go.vn/eDoc"><MessageHeader><From><OrganId>H37.DN.001</OrganId></From>'
    "<To><OrganId>H37.DN.002</OrganId></To><Code><CodeNumber>1</CodeNumber><CodeNotation>A</CodeNotation></Code>"
    "<PromulgationInfo><Promulgator>Nguyễn A</Promulgator><PromulgationDate>2026-05-20</PromulgationDate>"
    "</PromulgationInfo><DocumentType>Công văn</DocumentType><Subject>S</Subject>"
    "<SignerInfo><Signer>Nguyễn A</Signer><Position>Giám đốc</Position></SignerInfo>"
    "<OtherInfo><PageAmount>3</PageAmount><Appendix>P1</Appendix><Appendix>P2</Appendix></OtherInfo>"
    "<DocumentId>uuid-1</DocumentId><TraceHeaderList><TraceHeader><Time>2026-05-20T01:00:00Z</Time>"
    "<Path><From>H37.DN.001</From><To>H37.DN.002</To></Path></TraceHeader></TraceHeaderList></MessageHeader>"
    f"<Manifest><Attachment><Content>{ENCODED}</Content><FileName>a.pdf</FileName>"
    "<FileType>application/pdf</FileType></Attachment></Manifest></EdXMLEnvelope>"
)
NET = (
    f'<edXML:edXML xmlns:edXML="{NAMESPACE}"><edXML:edXMLEnvelope><edXML:edXMLHeader>'
    f"<edXML:MessageHeader>{MESSAGE.replace('17/05/2015', '2015/05/17')}</edXML:MessageHeader>"
    '<edXML:TraceHeaderList edXML:mustUnderstand="1" edXML:actor="edXML:next"/><edXML:DigitalSignature/>'
    '</edXML:edXMLHeader><edXML:edXMLBody><edXML:edXMLManifest edXML:version="1.0">'
    '<edXML:Reference xlink:type="simple" xlink:href="cid:x-1" xlink:role="cid:x-1">'
    "<edXML:Description>D</edXML:Description><edXML:AttachmentName>b.xlsx</edXML:AttachmentName>"
    "<edXML:ContentType>application/zip</edXML:ContentType><edXML:ContentId>cid:x-1</edXML:ContentId>"
    "</edXML:Reference></edXML:edXMLManifest></edXML:edXMLBody></edXML:edXMLEnvelope><edXML:AttachmentEncoded>"
    "<edXML:Attachment><edXML:ContentType>application/zip</edXML:ContentType>"
    "<edXML:ContentId>x-1</edXML:ContentId><edXML:Description>D</edXML:Description>"
    "<edXML:ContentTransferEncoded>{}</edXML:ContentTransferEncoded>"
    "<edXML:AttachmentName>b.xlsx</edXML:AttachmentName></edXML:Attachment></edXML:AttachmentEncoded></edXML:edXML>"
)


def home_made(attachment: str = ENCODED) -> bytes:
    """Attachments in the envelope, where the reference library does not see them."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><edXML xmlns="{NAMESPACE}"><edXMLEnvelope><edXMLHeader>'
        "<MessageHeader><From><OrganId>A</OrganId></From><To><OrganId>B</OrganId></To><DocumentType>"
        "<Type>1</Type></DocumentType><SteeringType>0</SteeringType></MessageHeader></edXMLHeader>"
        '<edXMLBody><edXMLManifest version="1.0"/></edXMLBody><edXMLAttachments><Attachment>'
        "<ContentId>1</ContentId><AttachmentName>a.pdf</AttachmentName><ContentType>application/pdf"
        f"</ContentType><AttachmentData>{attachment}</AttachmentData></Attachment></edXMLAttachments>"
        "</edXMLEnvelope><AttachmentEncoded/></edXML>"
    ).encode()
