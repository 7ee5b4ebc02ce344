"""Signed PDFs of odd kinds, put together by hand or by other programs."""

import io
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import pikepdf
import rawpdf
from asn1crypto import keys, x509
from cmsmaking import (
    HASHES,
    NULL,
    RSA_WITH,
    identify,
    list_attributes,
    make_cms,
    make_info,
    make_signer,
    refer,
    sign_rsa,
)
from cmsmaking import Signer as Holder
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore
from rawpdf import DOCUMENT_STAMP, PADES, PLAIN, ROOM, File, digest, make, make_value, seal

from edoc.pdf.cmsder import write

Make = Callable[[], bytes]
Objects = Mapping[int, bytes]

CATALOGUE: Final = b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[5 0 R 9 0 R]/SigFlags 3>>>>"
FIELD: Final = PLAIN[5].replace(b"S1", b"S2").replace(b"6 0 R", b"10 0 R")
PAGE: Final = PLAIN[3].replace(b"/Annots[5 0 R]", b"/Annots[5 0 R 9 0 R]")
SECOND: Final[Objects] = {1: CATALOGUE, 3: PAGE, 9: FIELD, 10: make_value()}
"""The update that puts a second signature into a second field, the object 9."""
STAMPED: Final[Objects] = {**SECOND, 10: make_value(b"/Type/DocTimeStamp" + DOCUMENT_STAMP)}
PKCS7: Final = b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7."


def first(*, more: Objects | None = None, trailer: bytes = b"") -> File:
    """A signed page, with two objects that nothing refers to."""
    objects = {**PLAIN, 6: make_value(), 7: b"(unused)", 8: b"<</Unused 7 0 R>>", **(more or {})}
    return File().add(objects, trailer=trailer).sign()


def second(update: Objects, *, more: Objects | None = None, free: tuple[int, ...] = ()) -> bytes:
    """A signed page that was updated and signed once more."""
    return first(more=more).add({**SECOND, **update}, free=free).sign().data


def edit(change: Callable[[bytes], bytes]) -> bytes:
    """A page that was changed before it was signed."""
    file = File().add({**PLAIN, 6: make_value()})
    file.data = change(file.data)
    return file.sign().data


def substitute(pattern: bytes, put: Callable[[int], int]) -> Make:
    """Numbers of the cross-references changed before signing."""
    return lambda: edit(
        lambda data: re.sub(
            pattern, lambda m: m[0].replace(m[1], b"%0*d" % (len(m[1]), put(int(m[1])))), data
        )
    )


def make_stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(content), content)


def put_in_front(junk: bytes, *, counted: bool) -> bytes:
    """Junk before the header, which the offsets count or not."""
    file = File(junk + File().data, offset=0 if counted else len(junk))
    return file.add({**PLAIN, 6: make_value()}).sign().data


def make_hybrid() -> File:
    """The page's content stands in the cross-reference stream only."""
    file = File()
    places = file.write({**PLAIN, 6: make_value()})
    row = b"\x01" + places.pop(4).to_bytes(3) + b"\x00"
    at = file.write({7: make_stream(row, b"/Type/XRef/W[1 3 1]/Index[4 1]/Size 8/Root 1 0 R")})[7]
    return file.close(places, trailer=b"/XRefStm %d" % at).sign()


def number_from_one() -> bytes:
    """A table that begins with 1 although its first entry is the object 0."""
    file = File()
    places = file.write({**PLAIN, 6: make_value()})
    rows = b"".join(b"%010d 00000 n \n" % places[number] for number in range(1, 7))
    start = len(file.data)
    file.data += b"xref\n1 7\n0000000000 65535 f \n%strailer\n<</Size 7/Root 1 0 R>>\n" % rows
    file.data += b"startxref\n%d\n%%%%EOF\n" % start
    return file.sign().data


def make_loop() -> bytes:
    """Two sections, each of which says that the other came before."""
    file = File().add({**PLAIN, 6: make_value()}, trailer=b"/Prev 0000009999")
    file.add({7: b"(x)"})
    assert file.section is not None
    file.data = file.data.replace(b"0000009999", b"%010d" % file.section)
    return file.sign().data


def make_pages(count: int, *, deep: bool) -> bytes:
    """So many pages side by side, or one below so many nodes; signed twice."""
    objects = dict(PLAIN)
    if deep:
        for each in range(count):
            parent, kid = (99 + each if each else 2), (101 + each if each < count - 1 else 3)
            objects[100 + each] = b"<</Type/Pages/Count 1/Parent %d 0 R/Kids[%d 0 R]>>" % (parent, kid)
        objects[2] = b"<</Type/Pages/Count 1/Kids[100 0 R]>>"
        objects[3] = PLAIN[3].replace(b"/Parent 2", b"/Parent %d" % (99 + count))
    else:
        kids = b" ".join(b"%d 0 R" % (100 + each) for each in range(count))
        objects[2] = b"<</Type/Pages/Count %d/Kids[3 0 R %s]>>" % (count + 1, kids)
        objects |= {100 + each: PLAIN[3].replace(b"/Annots[5 0 R]", b"") for each in range(count)}
    page = objects[3].replace(b"/Annots[5 0 R]", b"/Annots[5 0 R 9 0 R]")
    return second({3: page}, more=objects)


def fill_form(xfa: bytes, changed: bytes | None = None) -> bytes:
    """An XFA form that is signed, and changed then or signed again."""
    form = b"/SigFlags 3/XFA[(datasets)11 0 R]"
    signed = first(more={1: PLAIN[1].replace(b"/SigFlags 3", form), 11: make_stream(xfa)})
    if changed is not None:
        return signed.add({11: make_stream(changed)}).data
    return signed.add({**SECOND, 1: CATALOGUE.replace(b"/SigFlags 3", form)}).sign().data


def certify(permission: int, update: Objects, sign: rawpdf.Sign | None = None) -> bytes:
    """A certified page, and an update that is signed if it has room for it."""
    perms = b"/Perms<</DocMDP 6 0 R>>/Pages"
    grant = b"/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</V/1.2/P %d>>>>]" % permission
    catalogue = PLAIN[1].replace(b"/Pages", perms)
    file = first(more={1: catalogue, 6: make_value(PADES + grant)})
    if 1 in update:
        update = {**update, 1: update[1].replace(b"/Pages", perms)}
    file.add(update)
    return file.sign(sign).data if 10 in update else file.data


NOTE: Final[Objects] = {3: PAGE, 9: b"<</Type/Annot/Subtype/Text/Rect[9 9 30 30]/Contents(hi)/P 3 0 R>>"}


def sign_with(
    digest: str, *, content: bytes | None = None, unsigned: tuple[bytes, ...] = (), damage: bool = False
) -> rawpdf.Sign:
    """RSA with the given digest."""

    def sign(signed: bytes) -> bytes:
        signer = make_signer()
        attributes = list_attributes(signed, digest, more=[refer(signer.certificate)])
        if damage:
            attributes = list_attributes(signed + b"!", digest)
        algorithm = identify(RSA_WITH[digest], NULL)
        put = sign_rsa(signer, digest)
        info = make_info(signer, attributes, sign=put, algorithm=algorithm, digest=digest, unsigned=unsigned)
        return make_cms([info], [signer.certificate], content=content)

    return sign


def sign_together(*, damaged: int | None = None) -> rawpdf.Sign:
    """Two signers in one signature."""

    def sign(content: bytes) -> bytes:
        people = [make_signer(), make_signer(name="Tran Thi B")]
        infos = [
            make_info(
                person, list_attributes(content + b"!" * (n == damaged), more=[refer(person.certificate)])
            )
            for n, person in enumerate(people)
        ]
        return make_cms(infos, [person.certificate for person in people])

    return sign


def sign_negatively(content: bytes) -> bytes:
    """With a certificate whose RSA modulus lacks the leading zero that makes it positive."""
    signer = make_signer()
    tail = b"\x02\x03\x01\x00\x01"
    found = re.search(rb"\x02\x82\x01\x01\x00(.{256})" + tail, signer.certificate, re.DOTALL)
    assert found is not None
    # The exponent takes the byte, so that all lengths stay as they are.
    put = b"\x02\x82\x01\x00" + found[1] + b"\x02\x04\x00\x01\x00\x01"
    certificate = signer.certificate.replace(found[0], put)
    return seal(content, Holder(signer.key, certificate, signer.parsed))


def sign_in_ber(content: bytes) -> bytes:
    """The outer parts have indefinite lengths (X.690, 8.1.3.6)."""
    cms = seal(content)
    oid, rest = _open(cms)[: 2 + _open(cms)[1]], _open(cms)[2 + _open(cms)[1] :]
    return b"\x30\x80" + oid + b"\xa0\x80\x30\x80" + _open(_open(rest)) + bytes(6)


def _open(der: bytes) -> bytes:
    return der[2 + (der[1] & 0x7F if der[1] & 0x80 else 0) :]


def sign_old(content: bytes, *, attributes: bool) -> bytes:
    """As `adbe.pkcs7.sha1` wants it: the SHA-1 of the bytes is the content, inside."""
    signer = make_signer()
    inside = digest(content)
    listed = list_attributes(inside) if attributes else None
    info = make_info(signer, listed, content=inside)
    return make_cms([info], [signer.certificate], content=inside)


def sign_oldest() -> bytes:
    """As `adbe.x509.rsa_sha1` wants it: a bare RSA signature."""
    signer = make_signer()
    entries = b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.x509.rsa_sha1/Cert<%s>"
    return make(
        entries % signer.certificate.hex().encode(),
        sign=lambda content: write(4, signer.key.sign(content, padding.PKCS1v15(), HASHES["sha1"])),
    )


def encrypt(signatures: int, *, user: str = "", **how: Any) -> bytes:
    """Encrypted by qpdf and signed by pyHanko."""
    objects = {1: b"<</Type/Catalog/Pages 2 0 R>>", 3: PLAIN[3].replace(b"/Annots[5 0 R]", b"")}
    bare = File().add({**PLAIN, **objects, 5: b"null"}).data
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(bare)) as pdf:
        pdf.save(output, encryption=pikepdf.Encryption(owner="owner", user=user, **how))
    holder = make_signer()
    key = holder.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    make_store: Any = SimpleCertificateStore
    open_writer: Any = IncrementalPdfFileWriter
    signer = SimpleSigner(
        signing_cert=x509.Certificate.load(holder.certificate),
        signing_key=keys.PrivateKeyInfo.load(key),
        cert_registry=make_store(),
    )
    for name in map(str, range(signatures)):
        writer = open_writer(io.BytesIO(output.getvalue()))
        writer.encrypt(user)
        output = io.BytesIO()
        metadata = PdfSignatureMetadata(field_name=name, md_algorithm="sha256")
        PdfSigner(metadata, signer, new_field_spec=SigFieldSpec(name)).sign_pdf(writer, output=output)
    return output.getvalue()


def substitute_range(data: bytes, *, inside: int) -> bytes:
    """The byte range reaches so many bytes into `/Contents`, and the signature fits it."""
    found = re.search(rb"/ByteRange\[0 (\d+) (\d+) (\d+)\]", data)
    assert found is not None
    start, end, rest = (int(number) for number in found.groups())
    start, end, rest = start + inside, end - inside, rest + inside
    data = data.replace(found[0], b"/ByteRange[0 %010d %010d %010d]" % (start, end, rest))
    return data[:start] + seal(data[:start] + data[end:]).hex().encode().ljust(2 * ROOM, b"0") + data[end:]
