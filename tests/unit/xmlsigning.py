"""A small signer of XML, made of lxml and cryptography alone: what others write, and what attackers make."""

import base64
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.x509.oid import NameOID
from lxml import etree

from edoc.core.evidence import SignatureFacts
from edoc.core.report import FileReport
from edoc.devpki.hierarchy import DevPki
from edoc.trust.store import Trust
from edoc.verification import verify
from edoc.verification.packages import read_package

DSIG = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = f"{DSIG}enveloped-signature"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
RSA_SHA256 = f"{MORE}rsa-sha256"
TIME = "2026-11-01T08:00:00+07:00"
HEADER_END = "</edXML:edXMLHeader>"
PARTS = (
    "edXML:MessageHeader",
    "edXML:TraceHeaderList",
    "edXML:edXMLBody",
    "AttachmentEncoded",
    "edoc:AttachmentDigests",
)
DIGESTS = {
    f"{DSIG}sha1": "sha1",
    f"{MORE}sha224": "sha224",
    SHA256: "sha256",
    f"{MORE}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
    f"{MORE_2007}sha3-256": "sha3_256",
    f"{MORE_2007}sha3-384": "sha3_384",
    f"{MORE_2007}sha3-512": "sha3_512",
}
HASHES = {
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True)
class Signer:
    """A key and its certificate."""

    key: Any
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a package is to be signed."""

    references: Sequence[str] = ("",)
    transforms: Sequence[str] | None = None
    """Of each reference, instead of the enveloped signature (where it stands inside) and `method`."""
    method: str = ""
    """Canonicalisation of the references; empty for none."""
    digest: str = SHA256
    scheme: str = RSA_SHA256
    scheme_parameters: str = ""
    info_method: str = C14N
    prefixes: str = ""
    """InclusiveNamespaces of the exclusive canonicalisations."""
    time: str = ""
    """With it, XAdES."""
    named: bytes | None = None
    """The certificate that XAdES names instead of the signer's."""
    signs_properties: bool = True
    unsigned: Callable[[bytes], str] = lambda _: ""
    """Unsigned properties, from the canonical SignatureValue."""
    key_info: str | None = None
    place: str = HEADER_END
    """What the signature is put before."""
    prefix: str = "ds:"
    inside: str = ""
    """What else stands in the signature, at its end."""
    in_info: str = ""
    """What else stands in SignedInfo, at its beginning."""
    around: tuple[str, str] = ("", "")
    sign: Callable[[bytes], bytes] | None = None


def load(pki: DevPki, name: str) -> Signer:
    """A signer of the development PKI."""
    data = pki.key_path(name).read_bytes()
    key, certificate, _ = pkcs12.load_key_and_certificates(data, pki.passphrase.encode())
    assert certificate is not None
    return Signer(key, certificate)


def make_signer(key: Any) -> Signer:
    """Whoever signs their own certificate."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Anybody")])
    begin, end = (datetime.fromisoformat(f"{year}-01-01T00:00:00+00:00") for year in (2026, 2036))
    builder = x509.CertificateBuilder(name, name, key.public_key(), 5, begin, end)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Signer(key, builder.sign(key, digest))


def sign_xml(package: bytes, signer: Signer, wish: Wish = Wish()) -> bytes:
    """The package with a signature in it; not one byte of it is changed otherwise."""
    draft = package.decode().replace(wish.place, _draw(wish, signer) + wish.place, 1)
    references = [*wish.references, *(["#props"] if wish.time and wish.signs_properties else [])]
    for index, reference in enumerate(references):
        content = _resolve(draft, reference, wish)
        digest = hashlib.new(DIGESTS.get(wish.digest, "sha256"), content).digest()
        draft = draft.replace(f"DIGEST-{index}", base64.b64encode(digest).decode(), 1)
    info = _canonicalise(_mine(draft, "SignedInfo"), wish.info_method, wish.prefixes)
    value = wish.sign(info) if wish.sign else compute(signer.key, wish.scheme, info)
    draft = draft.replace("SIGNATURE-VALUE", base64.b64encode(value).decode(), 1)
    stamped = _canonicalise(_mine(draft, "SignatureValue"), C14N, "")
    return draft.replace("UNSIGNED-PROPERTIES", wish.unsigned(stamped), 1).encode()


def compute(key: Any, scheme: str, data: bytes) -> bytes:
    """The value of a signature as XML has it."""
    name = scheme.rpartition("#")[2]
    digest: Any = next((made for spelt, made in HASHES.items() if spelt in name), hashes.SHA256())
    match key:
        case rsa.RSAPrivateKey() if "MGF1" in name or "pss" in name:
            return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        case rsa.RSAPrivateKey():
            return key.sign(data, padding.PKCS1v15(), digest)
        case ec.EllipticCurvePrivateKey():
            size = (key.key_size + 7) // 8
            return b"".join(n.to_bytes(size) for n in decode_dss_signature(key.sign(data, ec.ECDSA(digest))))
        case ed25519.Ed25519PrivateKey():
            return key.sign(data)
    raise AssertionError(key)


def read_facts(package: bytes) -> tuple[SignatureFacts, ...]:
    """What is known about the signatures of a package."""
    evidence = read_package(io.BytesIO(package), path="a.edxml")
    assert evidence.unreadable is None, evidence.unreadable
    return evidence.signatures


def read_one(package: bytes) -> SignatureFacts:
    (facts,) = read_facts(package)
    return facts


def list_codes(facts: SignatureFacts) -> list[str]:
    return [fault.code for fault in facts.faults]


def judge(data: bytes, pki: DevPki, **options: Any) -> FileReport:
    """Verify offline under the development trust."""
    settings: dict[str, Any] = {"trust": Trust.load(pki.trust_path), "offline": True} | options
    (file,) = verify(io.BytesIO(data), **settings).files
    return file


def swap(data: bytes, old: str, new: str) -> bytes:
    """Replace a text that is there, once."""
    assert old in data.decode()
    return data.decode().replace(old, new, 1).encode()


def cut(data: bytes, name: str) -> str:
    """The first element of that name, as it is written."""
    found = re.search(rf"<{name}[ >].*?</{name}>", data.decode(), re.DOTALL)
    assert found
    return found[0]


def sign_parts(package: bytes, signer: Signer) -> bytes:
    """Sign part by part, by Ids, and leave nothing out."""
    for number, name in enumerate(PARTS, start=1):
        package = swap(package, f"<{name}", f'<{name} Id="part{number}"')
    references = [f"#part{number + 1}" for number in range(len(PARTS))]
    return sign_xml(package, signer, Wish(references=references, method=EXCLUSIVE))


def _draw(wish: Wish, signer: Signer) -> str:
    p = wish.prefix
    listed = (
        f'<InclusiveNamespaces xmlns="{EXCLUSIVE}" PrefixList="{wish.prefixes}"/>' if wish.prefixes else ""
    )
    info = (
        f'{wish.in_info}<{p}CanonicalizationMethod Algorithm="{wish.info_method}">{listed}'
        f'</{p}CanonicalizationMethod><{p}SignatureMethod Algorithm="{wish.scheme}">{wish.scheme_parameters}'
        f"</{p}SignatureMethod>"
    )
    for index, reference in enumerate(wish.references):
        info += _draw_reference(wish, index, reference, listed)
    properties = ""
    if wish.time:
        properties = _draw_properties(wish, wish.named or signer.der)
        if wish.signs_properties:
            info += (
                f'<{p}Reference URI="#props" Type="http://uri.etsi.org/01903#SignedProperties"><{p}DigestMethod'
                f' Algorithm="{wish.digest}"/><{p}DigestValue>DIGEST-{len(wish.references)}</{p}DigestValue>'
                f"</{p}Reference>"
            )
    certificate = base64.b64encode(signer.der).decode()
    key_info = f"<{p}X509Data><{p}X509Certificate>{certificate}</{p}X509Certificate></{p}X509Data>"
    key_info = key_info if wish.key_info is None else wish.key_info
    return (
        f'{wish.around[0]}<{p}Signature xmlns{":" if p else ""}{p[:-1]}="{DSIG}" Id="sig-1">'
        f"<{p}SignedInfo>{info}"
        f"</{p}SignedInfo>\n<{p}SignatureValue>SIGNATURE-VALUE</{p}SignatureValue><{p}KeyInfo>{key_info}"
        f"</{p}KeyInfo>{properties}{wish.inside}</{p}Signature>{wish.around[1]}"
    )


def _draw_reference(wish: Wish, index: int, reference: str, listed: str) -> str:
    p = wish.prefix
    transforms = _list_transforms(wish, reference)
    drawn = "".join(
        f'<{p}Transform Algorithm="{name}">{listed if name == EXCLUSIVE else ""}</{p}Transform>'
        for name in transforms
    )
    block = f"<{p}Transforms>{drawn}</{p}Transforms>" if transforms else ""
    return (
        f'<{p}Reference URI="{reference}">{block}<{p}DigestMethod Algorithm="{wish.digest}"/>'
        f"<{p}DigestValue>DIGEST-{index}</{p}DigestValue></{p}Reference>"
    )


def _list_transforms(wish: Wish, reference: str) -> list[str]:
    if wish.transforms is not None:
        return list(wish.transforms)
    around = reference in {"", "#root", "#header", "#envelope"} and not reference.startswith("#detached")
    return [*([ENVELOPED] if around else []), *([wish.method] if wish.method else [])]


def _draw_properties(wish: Wish, named: bytes) -> str:
    digest = base64.b64encode(hashlib.sha256(named).digest()).decode()
    return (
        f'<{wish.prefix}Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#sig-1">'
        '<xades:SignedProperties Id="props"><xades:SignedSignatureProperties>'
        f"<xades:SigningTime>{wish.time}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert>"
        f'<xades:CertDigest><DigestMethod xmlns="{DSIG}" Algorithm="{SHA256}"/>'
        f'<DigestValue xmlns="{DSIG}">{digest}</DigestValue></xades:CertDigest></xades:Cert>'
        "</xades:SigningCertificateV2></xades:SignedSignatureProperties></xades:SignedProperties>"
        "<xades:UnsignedProperties><xades:UnsignedSignatureProperties>UNSIGNED-PROPERTIES"
        "</xades:UnsignedSignatureProperties></xades:UnsignedProperties></xades:QualifyingProperties>"
        f"</{wish.prefix}Object>"
    )


def _parse(text: str) -> Any:
    return etree.fromstring(text.encode(), etree.XMLParser(huge_tree=True, resolve_entities=False))


def _mine(text: str, name: str) -> Any:
    return _parse(text).xpath(f"//*[@Id='sig-1']//*[local-name()='{name}']")[0]


def _resolve(text: str, reference: str, wish: Wish) -> bytes:
    """The canonical bytes of what is referred to, without the signature where it stands inside."""
    root = _parse(text)
    named = [root] if not reference.startswith("#") else root.xpath("//*[@Id=$name]", name=reference[1:])
    if not named:
        return b""
    if ENVELOPED in _list_transforms(wish, reference):
        for signature in named[0].xpath("descendant::*[@Id='sig-1']"):
            _take_out(signature)
    method = next((name for name in _list_transforms(wish, reference) if "c14n" in name), C14N)
    return _canonicalise(named[0], method.removesuffix("#WithComments"), wish.prefixes)


def _take_out(element: Any) -> None:
    """Remove an element and leave the text behind it."""
    parent, before = element.getparent(), element.getprevious()
    if element.tail and before is not None:
        before.tail = (before.tail or "") + element.tail
    elif element.tail:
        parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def _canonicalise(element: Any, method: str, prefixes: str) -> bytes:
    exclusive = method.startswith(EXCLUSIVE)
    out = io.BytesIO()
    if element.getparent() is not None:
        # libxml2 spoils the namespaces of what it cuts out itself
        element = _parse(etree.tostring(element, encoding="unicode", with_tail=False))
    element.getroottree().write_c14n(
        out,
        exclusive=exclusive,
        with_comments=method.endswith("WithComments"),
        inclusive_ns_prefixes=(prefixes.split() or None) if exclusive else None,
    )
    return out.getvalue()
