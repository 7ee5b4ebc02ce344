"""Make signatures by hand: any CMS, over any update, into any hole; for attackers with keys of their own."""

import asyncio
import datetime as dt
import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

from asn1crypto import cms, core, keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from pikepdf import Array, Dictionary, Name, String
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from edoc.devpki.tsa import TimeStamper

from .increments import Form, Update
from .makers import OTHER_SIGNER, Base, Maker

HOLE: Final = 9000
"""Bytes of CMS that a hole has room for."""
_RANGE: Final = b"/ByteRange [0 %010d %010d %010d]"
_BLANK_RANGE: Final = b"/ByteRange [0 0000000000 0000000000 0000000000]"


def find_gaps(data: bytes) -> list[tuple[int, int, int]]:
    """Where each signature's hole starts and ends, and where its range ends; oldest first."""
    found = re.findall(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)", data)
    return sorted((int(one), int(two), int(two) + int(three)) for one, two, three in found)


def read_contents(data: bytes, index: int = 0) -> bytes:
    """Give the CMS of a signature, without padding."""
    start, end, _ = find_gaps(data)[index]
    padded = bytes.fromhex(re.sub(rb"\s", b"", data[start + 1 : end - 1]).decode())
    return bytes(cms.ContentInfo.load(padded, strict=False).dump())


def write_contents(data: bytes, content: bytes, index: int = 0) -> bytes | None:
    """Put another CMS into a signature's hole; None if it has no room."""
    start, end, _ = find_gaps(data)[index]
    digits = content.hex().encode()
    room = end - start - 2
    if len(digits) > room:
        return None
    return data[: start + 1] + digits + b"0" * (room - len(digits)) + data[end - 1 :]


def digest_of(data: bytes, index: int = 0) -> bytes:
    """SHA-256 of what a signature signs."""
    start, end, last = find_gaps(data)[index]
    return hashlib.sha256(data[:start] + data[end:last]).digest()


def keep_own_certificate(content: Any) -> None:
    """Leave a CMS only its signer's certificate, to fit into small holes; trust stores have the rest."""
    signed = content["content"]
    (info,) = signed["signer_infos"]
    serial = info["sid"].chosen["serial_number"].native
    own = [each for each in signed["certificates"] if each.chosen.serial_number == serial]
    signed["certificates"] = cms.CertificateSet(own)


def drop(holder: Any, name: str) -> None:
    """Take an optional part out of an ASN.1 sequence."""
    index = [field[0] for field in holder._fields].index(name)
    holder._parse_children()
    holder.children[index] = core.Void()
    holder._mutated = True


Signer = Callable[[bytes], bytes]
"""Makes a CMS over a SHA-256 digest."""


def sign_by(maker: Maker, name: str) -> Signer:
    """Sign with a trusted key: an insider."""
    signer: Any = maker.signer(name)
    return lambda digest: _sign(signer, digest)


def sign_alike(maker: Maker, name: str) -> Signer:
    """Sign with a certificate that says the same as a trusted one, and that nobody issued."""
    key, certificate = forge_certificate(maker.pki.certificate(name))
    load: Any = SimpleSigner
    store: Any = SimpleCertificateStore
    signer = load(
        signing_cert=asn1_x509.Certificate.load(certificate),
        signing_key=keys.PrivateKeyInfo.load(_dump_key(key)),
        cert_registry=store(),
    )
    return lambda digest: _sign(signer, digest)


def _sign(signer: Any, digest: bytes) -> bytes:
    made = asyncio.run(signer.async_sign(digest, "sha256", use_pades=True))
    return bytes(made.dump())


def _dump_key(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def forge_certificate(original: bytes) -> tuple[rsa.RSAPrivateKey, bytes]:
    """Make a certificate with every word of another one, signed by its own key."""
    known = x509.load_der_x509_certificate(original)
    key = rsa.generate_private_key(65537, 2048)
    builder = (
        x509.CertificateBuilder()
        .subject_name(known.subject)
        .issuer_name(known.issuer)
        .serial_number(known.serial_number)
        .not_valid_before(known.not_valid_before_utc)
        .not_valid_after(known.not_valid_after_utc)
        .public_key(key.public_key())
    )
    for extension in known.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return key, builder.sign(key, SHA256()).public_bytes(Encoding.DER)


def stamp_alike(maker: Maker, time: dt.datetime) -> Signer:
    """Stamp digests as a TSA of the same name would, at any time."""
    return _stamp_with(maker, time, *forge_certificate(maker.pki.certificate("tsa")))


def stamp_truly(maker: Maker, time: dt.datetime) -> Signer:
    """Stamp digests as the trusted TSA did at that time."""
    return _stamp_with(maker, time, maker.pki.load_service_key("tsa"), maker.pki.certificate("tsa"))


def stamp_as_person(maker: Maker, time: dt.datetime) -> Signer:
    """Stamp digests with a trusted person's key, which is no TSA's."""
    bundle = pkcs12.load_key_and_certificates(
        maker.pki.key_path(OTHER_SIGNER).read_bytes(), maker.pki.passphrase.encode()
    )
    if not isinstance(bundle[0], rsa.RSAPrivateKey) or bundle[1] is None:
        raise TypeError("the development keys are RSA")
    return _stamp_with(maker, time, bundle[0], bundle[1].public_bytes(Encoding.DER))


def _stamp_with(maker: Maker, time: dt.datetime, key: rsa.RSAPrivateKey, certificate: bytes) -> Signer:
    tsa = TimeStamper(key=key, certificate=certificate, issuer=maker.pki.certificate("services"))

    def stamp(digest: bytes) -> bytes:
        request = tsp.TimeStampReq(
            {
                "version": 1,
                "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest},
                "cert_req": True,
            }
        )
        token = tsp.TimeStampResp.load(tsa.answer(request.dump(), now=time))["time_stamp_token"]
        keep_own_certificate(token)
        return bytes(token.dump())

    return stamp


def add_signature(update: Update, field: Any, *, subfilter: str = "ETSI.CAdES.detached") -> None:
    """Give a field a signature that `fill_hole` will complete."""
    kind = Name.DocTimeStamp if subfilter == "ETSI.RFC3161" else Name.Sig
    value = Dictionary(Type=kind, Filter=Name("/Adobe.PPKLite"), SubFilter=Name(f"/{subfilter}"))
    made = update.add(value)
    now = dt.datetime.now(dt.UTC).strftime("D:%Y%m%d%H%M%SZ").encode()
    body = update.written[made.objgen].rstrip()[:-2]
    blanks = b"0" * (2 * HOLE)
    update.written[made.objgen] = body + _BLANK_RANGE + b" /M (%s) /Contents <%s> >>" % (now, blanks)
    field.V = made
    update.put(field)


def fill_hole(data: bytes, signer: Signer) -> bytes:
    """Complete the newest signature of a file."""
    at = data.rindex(_BLANK_RANGE)
    start = data.index(b"/Contents <", at) + len(b"/Contents ")
    end = data.index(b">", start) + 1
    spelt = _RANGE % (start, end, len(data) - end)
    if len(spelt) != len(_BLANK_RANGE):
        raise ValueError("the range does not fit its place")
    data = data[:at] + spelt + data[at + len(spelt) :]
    content = signer(hashlib.sha256(data[:start] + data[end:]).digest()).hex().encode()
    if len(content) > 2 * HOLE:
        raise ValueError("the signature does not fit its hole")
    return data[: start + 1] + content + data[start + 1 + len(content) :]


def new_field(update: Update, name: str, box: tuple[float, ...], *, page: int = 0, **entries: Any) -> Any:
    """Add a signature field to the form and a page."""
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=String(name), F=132)
    field.Rect, field.P = Array(box), update.page(page)
    for key, value in entries.items():
        field[Name(f"/{key}")] = value
    made = update.add(field)
    update.annotate(update.page(page), made)
    update.enlist(made)
    return made


def sign_update(base: Base, signer: Signer, draw: Callable[[Update], Any], form: Form = "table") -> bytes:
    """Append an update whose field, which `draw` gives, holds a signature over everything."""
    update = Update(base.data)
    add_signature(update, draw(update))
    return fill_hole(update.render(form), signer)
