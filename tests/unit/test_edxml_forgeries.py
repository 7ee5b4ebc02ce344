"""Attacks on signed packages: whatever is changed, moved, hidden or put in front, none is accepted."""

import base64
import random
import re
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from edxmlmaking import NAMESPACE, packed, read, values
from xmlsigning import (
    C14N,
    DSIG,
    ENVELOPED,
    EXCLUSIVE,
    HEADER_END,
    MORE,
    TIME,
    Signer,
    Wish,
    cut,
    judge,
    list_codes,
    read_facts,
    read_one,
    sign_parts,
    sign_xml,
    swap,
)

from edoc.devpki.hierarchy import DevPki

pytest_plugins = ("signedpackages",)

Attack = Callable[[bytes], bytes]
Text = str | Callable[[bytes], str]

HEADER = "edXML:MessageHeader"
ENVELOPE = "<edXML:edXMLEnvelope "
FORGED = "<From><OrganId>EVIL</OrganId></From><To><OrganId>B</OrganId></To>"
SECOND = (
    f'<edXMLEnvelope xmlns="{NAMESPACE}"><edXMLHeader><MessageHeader>{FORGED}</MessageHeader></edXMLHeader>'
    "</edXMLEnvelope>"
)


@pytest.fixture(scope="module")
def in_parts(package: bytes, seal: Signer) -> bytes:
    """Every part of it is signed by an agency."""
    return sign_parts(package, seal)


def change(old: Text, new: Text) -> Attack:
    """Replace a text, once."""
    return lambda data: swap(data, _tell(old, data), _tell(new, data))


def insert(before: str, text: Text) -> Attack:
    return lambda data: swap(data, before, _tell(text, data) + before)


def append(after: str, text: Text) -> Attack:
    return lambda data: swap(data, after, after + _tell(text, data))


def element(name: str) -> Callable[[bytes], str]:
    """The first element of that name, as it is written."""
    return lambda data: cut(data, name)


def forge_header(data: bytes) -> str:
    return cut(data, HEADER).replace("H99.01", "EVIL")


def forge_without_id(data: bytes) -> str:
    return forge_header(data).replace(' Id="part1"', "")


def put_in_object(text: Text) -> Attack:
    return lambda data: swap(
        data, "</ds:Signature>", f"<ds:Object>{_tell(text, data)}</ds:Object></ds:Signature>"
    )


def change_content(data: bytes) -> bytes:
    """Turn an attachment round."""
    content = re.search(rb"TransferEncoded[^>]*>([^<]+)<", data)
    assert content
    return data.replace(content[1], base64.b64encode(base64.b64decode(content[1])[::-1]), 1)


def hide_header(data: bytes) -> bytes:
    """Put the signed header into the signature, and show another."""
    return put_in_object(cut(data, HEADER))(swap(data, cut(data, HEADER), forge_header(data)))


def move_header(holder: str) -> Attack:
    """Put the signed header where nobody reads it, and a forged one where it was."""

    def attack(data: bytes) -> bytes:
        header = cut(data, HEADER)
        return swap(data, header, f"{forge_without_id(data)}<{holder}>{header}</{holder}>")

    return attack


def move_signature(data: bytes) -> bytes:
    signature = cut(data, "ds:Signature")
    return swap(swap(data, signature, ""), "</edXML>", f"{signature}</edXML>")


def lend_signature(data: bytes) -> bytes:
    return swap(packed(values(subject="Khác")), HEADER_END, cut(data, "ds:Signature") + HEADER_END)


def wrap_package(data: bytes) -> bytes:
    return f'<edXML xmlns="{NAMESPACE}">{SECOND}'.encode() + data.partition(b"?>")[2] + b"</edXML>"


def rename_prefix(data: bytes) -> bytes:
    return data.replace(b"edXML:", b"e:").replace(b"xmlns:edXML", b"xmlns:e")


def _tell(text: Text, data: bytes) -> str:
    return text if isinstance(text, str) else text(data)


ATTACKS: dict[str, Attack] = {
    # Values
    "changed attachment": change_content,
    "white space in an attachment": insert("</edXML:ContentTransferEncoded>", "\n"),
    "renamed attachment": change("annex.docx</AttachmentName>", "annex.exe</AttachmentName>"),
    "removed attachment": change(element("Attachment"), ""),
    "doubled attachment": insert("<Attachment>", element("Attachment")),
    "changed manifest": change("<edXML:AttachmentName>annex", "<edXML:AttachmentName>other"),
    "changed subject": change("phòng, chống", "phát tán"),
    "changed number": change(">05<", ">06<"),
    "another recipient": insert("<edXML:To>", "<edXML:To><edXML:OrganId>X</edXML:OrganId></edXML:To>"),
    "removed recipient": change(element("edXML:To"), ""),
    # Spellings
    "white space in a text": change(">05<", "> 05<"),
    "white space between elements": insert(HEADER_END, " "),
    "normalised text": change("Ủy", "U\u0309y"),
    "comment in a text": change(">05<", ">0<!-- -->5<"),
    "comment at the end of a text": change(">05<", ">05<!-- --><"),
    "instruction in a text": change(">05<", ">0<?x?>5<"),
    "instruction after the root": lambda data: data + b"<?x?>",
    # Namespaces
    "another prefix": rename_prefix,
    "another namespace": lambda data: data.replace(NAMESPACE.encode(), b"urn:other"),
    "another default namespace inside": change("<Attachment>", '<Attachment xmlns="urn:x">'),
    "unused namespace": change("<edXML ", '<edXML xmlns:x="urn:x" '),
    "unbound prefix": lambda data: data.replace(b"xmlns:edXML", b"xmlns:nothing"),
    # Wrapping
    "second envelope before": insert(ENVELOPE, SECOND),
    "second envelope after": append("</edXML:edXMLEnvelope>", SECOND),
    "second header before": insert(f"<{HEADER}>", forge_header),
    "the package inside another": wrap_package,
    "header hidden in an object": hide_header,
    "envelope in an object": put_in_object(SECOND),
    "header of XMLDSig's namespace": put_in_object("<ds:MessageHeader/>"),
    "envelope in the key information": insert("</ds:KeyInfo>", SECOND),
    "envelope in unsigned properties": append("<xades:UnsignedSignatureProperties>", SECOND),
    "an Id twice": change("<edXML:From>", '<edXML:From Id="props">'),
    "an Id twice, spelt otherwise": change("<edXML:From>", '<edXML:From xml:id="props">'),
    # The signature
    "the signature on another package": lend_signature,
    "the signature elsewhere": move_signature,
    "the signature twice": insert(HEADER_END, element("ds:Signature")),
    "another digest": lambda data: re.sub(rb"(<ds:DigestValue>).{6}", rb"\1AAAAAA", data, count=1),
    "another value": lambda data: re.sub(rb"(<ds:SignatureValue>).{6}", rb"\1AAAAAA", data),
    "no value": lambda data: re.sub(rb"(<ds:SignatureValue>)[^<]+", rb"\1", data),
    "another signing time": change(TIME, "2020-01-01T00:00:00Z"),
    "no properties": change(element("ds:Object"), ""),
    "properties twice": insert("</ds:Signature>", element("ds:Object")),
    "properties of another signature": change('Target="#sig-1"', 'Target="#sig-2"'),
    "one more reference": insert("</ds:SignedInfo>", element("ds:Reference")),
    "one reference less": change(element("ds:Reference"), ""),
    "two SignedInfo": insert("<ds:SignedInfo>", element("ds:SignedInfo")),
    "SignedInfo in an object": put_in_object(element("ds:SignedInfo")),
    "comment in a digest": append("<ds:DigestValue>", "AAAA<!-- -->"),
    "text in SignedInfo": append("<ds:SignedInfo>", "x"),
    "no certificate": change(element("ds:X509Data"), ""),
    "a key alone": change(element("ds:X509Data"), "<ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue>"),
    # The document
    "a DTD": insert("<edXML ", "<!DOCTYPE edXML>"),
    "an entity bomb": insert("<edXML ", '<!DOCTYPE edXML [<!ENTITY a "05"><!ENTITY b "&a;&a;&a;">]>'),
    "Ids from a DTD": insert("<edXML ", "<!DOCTYPE edXML [<!ATTLIST From x ID #IMPLIED>]>"),
    "cut off": lambda data: data[: len(data) // 2],
    "two documents": lambda data: data + data,
}


@pytest.mark.parametrize("policy", ["nd68", "integrity"])
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_no_attack_on_a_signed_package_is_accepted(
    attack: Attack, policy: str, signed: bytes, pki: DevPki
) -> None:
    forged = attack(signed)
    assert forged != signed
    file = judge(forged, pki, policy=policy)
    assert file.exit_code in {1, 3, 5}
    assert file.indication != "TOTAL_PASSED"
    assert file.format == "edxml"


WRAPPINGS: dict[str, Attack] = {
    "signed header moved away": move_header("Old"),
    "signed header in a signature's holder": move_header("DigitalSignature"),
    "signed header in security": move_header("Security"),
    "signed header after the forged one": insert(f"<{HEADER}", forge_without_id),
    "signed header inside the signature": lambda data: put_in_object(cut(data, HEADER))(
        swap(data, cut(data, HEADER), "<MessageHeader><From/></MessageHeader>")
    ),
    "forged header with the same Id": insert(f"<{HEADER}", forge_header),
    "forged header with the same id": insert(
        f"<{HEADER}", lambda data: forge_header(data).replace(" Id=", " id=")
    ),
    "forged header with the same xml:id": insert(
        f"<{HEADER}", lambda data: forge_header(data).replace(" Id=", " xml:id=")
    ),
    "forged header of no namespace": insert(
        f"<{HEADER}", f'<MessageHeader xmlns="">{FORGED}</MessageHeader>'
    ),
    "second envelope in front": insert(ENVELOPE, SECOND),
    "second edXMLHeader in front": insert(
        "<edXML:edXMLHeader>",
        lambda data: f"<edXML:edXMLHeader>{forge_without_id(data)}</edXML:edXMLHeader>",
    ),
    "second body in front": insert("<edXML:edXMLBody ", "<edXML:edXMLBody/>"),
    "second attachments in front": insert("<AttachmentEncoded ", "<AttachmentEncoded/>"),
    "second attachments behind": append(
        "</AttachmentEncoded>", "<AttachmentEncoded><Attachment/></AttachmentEncoded>"
    ),
    "text where none belongs": insert("<AttachmentEncoded ", "text"),
    "something beside": insert("<AttachmentEncoded ", "<edXMLAttachments/>"),
    "changed header": change("phòng, chống", "phát tán"),
    "changed attachment": change_content,
    "added hop": insert("</edXML:TraceHeaderList>", "<edXML:TraceHeader/>"),
    "no attachments": change(element("AttachmentEncoded"), ""),
    "Id taken away": change(' Id="part1"', ""),
    "Ids exchanged": lambda data: (
        data.replace(b'Id="part1"', b'Id="p"')
        .replace(b' Id="part2"', b' Id="part1"')
        .replace(b'Id="p"', b'Id="part2"')
    ),
}


def test_a_package_signed_in_parts_passes_as_long_as_nobody_touches_it(
    in_parts: bytes, signed: bytes, pki: DevPki
) -> None:
    assert judge(in_parts, pki).exit_code == judge(signed, pki).exit_code == 0


@pytest.mark.parametrize("policy", ["nd68", "integrity"])
@pytest.mark.parametrize("attack", WRAPPINGS.values(), ids=WRAPPINGS)
def test_no_wrapping_is_accepted(attack: Attack, policy: str, in_parts: bytes, pki: DevPki) -> None:
    forged = attack(in_parts)
    assert forged != in_parts
    file = judge(forged, pki, policy=policy)
    assert file.exit_code in {1, 3}
    assert file.indication != "TOTAL_PASSED"


XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
OWN = '<ds:Object Id="own">x</ds:Object>'
MANIFEST = '<ds:Object><ds:Manifest Id="own"/></ds:Object>'

FORBIDDEN: dict[str, tuple[Wish, str]] = {
    "XSLT": (Wish(transforms=[ENVELOPED, XSLT]), "XML_SIGNATURE_FORBIDDEN"),
    "XPath": (Wish(transforms=[ENVELOPED, XPATH]), "XML_SIGNATURE_FORBIDDEN"),
    "Base64": (Wish(transforms=[f"{DSIG}base64"]), "XML_SIGNATURE_FORBIDDEN"),
    "an unregistered transform": (
        Wish(transforms=[ENVELOPED, "http://www.w3.org/TR/xml-exc-c14n#"]),
        "XML_SIGNATURE_FORBIDDEN",
    ),
    "two canonicalisations": (Wish(transforms=[ENVELOPED, C14N, EXCLUSIVE]), "XML_SIGNATURE_FORBIDDEN"),
    "enveloped at the end": (Wish(transforms=[C14N, ENVELOPED]), "XML_SIGNATURE_FORBIDDEN"),
    "enveloped twice": (Wish(transforms=[ENVELOPED, ENVELOPED]), "XML_SIGNATURE_FORBIDDEN"),
    "whole, yet not enveloped": (Wish(transforms=[C14N]), "XML_SIGNATURE_FORBIDDEN"),
    "SignedInfo by XSLT": (Wish(info_method=XSLT), "XML_SIGNATURE_FORBIDDEN"),
    "an address": (Wish(references=["http://127.0.0.1:9/a.xml"]), "XML_REFERENCE_EXTERNAL"),
    "a file": (Wish(references=["file:///etc/passwd"]), "XML_REFERENCE_EXTERNAL"),
    "a relative address": (Wish(references=["a.xml"]), "XML_REFERENCE_EXTERNAL"),
    "an attachment by cid": (Wish(references=["", "cid:att-1"]), "XML_REFERENCE_EXTERNAL"),
    "XPointer to the root": (Wish(references=["#xpointer(/)"]), "XML_SIGNATURE_FORBIDDEN"),
    "XPointer to an id": (Wish(references=["#xpointer(id('a'))"]), "XML_SIGNATURE_FORBIDDEN"),
    "an id that is not there": (Wish(references=["#nobody"]), "XML_REFERENCE_AMBIGUOUS"),
    "itself": (Wish(references=["#sig-1"]), "XML_SIGNATURE_FORBIDDEN"),
    "an object of its own": (Wish(references=["#own"], inside=OWN), "XML_SIGNATURE_FORBIDDEN"),
    "a manifest": (Wish(references=["#own"], inside=MANIFEST), "XML_SIGNATURE_FORBIDDEN"),
    "too many references": (Wish(references=[""] * 40), "XML_SIGNATURE_MALFORMED"),
    "an unknown digest": (Wish(digest=f"{MORE}md5"), "ALGORITHM_UNSUPPORTED"),
    "DSA": (Wish(scheme=f"{DSIG}dsa-sha1"), "ALGORITHM_UNSUPPORTED"),
    "a key of another kind": (Wish(scheme=f"{MORE}ecdsa-sha256"), "ALGORITHM_UNSUPPORTED"),
    "nothing but itself": (Wish(references=[], time=TIME), "XML_COVERS_PART"),
    "another certificate named": (Wish(time=TIME, named=b"another"), "SIGNING_CERTIFICATE_MISMATCH"),
    "more in SignedInfo": (Wish(in_info="<ds:Object/>"), "XML_SIGNATURE_MALFORMED"),
}


@pytest.mark.parametrize(("wish", "code"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_genuine_signature_made_in_a_forbidden_way_is_not_accepted(
    wish: Wish, code: str, package: bytes, seal: Signer, pki: DevPki
) -> None:
    file = judge(sign_xml(package, seal, wish), pki)
    assert code in [message.code for message in file.signatures[0].messages]
    assert file.exit_code in {1, 3}


@pytest.mark.parametrize("scheme", [f"{DSIG}hmac-sha1", f"{MORE}hmac-sha256"])
def test_an_hmac_keyed_by_the_public_certificate_is_refused(
    scheme: str, package: bytes, seal: Signer, pki: DevPki
) -> None:
    def sign(data: bytes) -> bytes:
        code = hmac.HMAC(seal.der, hashes.SHA256())
        code.update(data)
        return code.finalize()

    data = sign_xml(package, seal, Wish(scheme=scheme, sign=sign))
    assert list_codes(read_one(data)) == ["XML_SIGNATURE_FORBIDDEN"]
    assert judge(data, pki).exit_code == 1


def test_the_victims_certificate_beside_ones_own_does_not_help(
    package: bytes, anybody: Signer, seal: Signer, pki: DevPki
) -> None:
    def show(*signers: Signer) -> str:
        return "".join(
            f"<ds:X509Data><ds:X509Certificate>{base64.b64encode(signer.der).decode()}"
            "</ds:X509Certificate></ds:X509Data>"
            for signer in signers
        )

    only = read_one(sign_xml(package, anybody, Wish(key_info=show(seal))))
    assert (only.signature_holds, only.certificate) == (False, seal.der)
    both = sign_xml(package, anybody, Wish(key_info=show(seal, anybody)))
    assert read_one(both).certificate == anybody.der
    assert judge(both, pki).exit_code == 3


def test_whoever_signs_anew_is_judged_by_their_own_certificate(
    signed: bytes, anybody: Signer, pki: DevPki
) -> None:
    stripped = swap(signed, cut(signed, "ds:Signature"), "")
    file = judge(sign_xml(swap(stripped, "phòng, chống", "phát tán"), anybody), pki)
    assert file.signatures[0].intact
    assert (file.exit_code, file.sub_indication) == (3, "NO_CERTIFICATE_CHAIN_FOUND")


def test_no_random_damage_is_accepted_but_what_leaves_the_meaning_as_it_was(
    signed: bytes, pki: DevPki
) -> None:
    chance, meant = random.Random(20261123), read(signed)
    held = 0
    for _ in range(400):
        damaged = bytearray(signed)
        start = chance.randrange(len(damaged))
        end = start + chance.choice([0, 1, 1, 1, 20, 400])
        damaged[start:end] = (
            chance.randbytes(end - start) if chance.random() < 0.5 else b" " * chance.randrange(3)
        )
        if damaged != signed and judge(bytes(damaged), pki).exit_code == 0:
            held += 1
            assert (read(bytes(damaged)).dispatch, read(bytes(damaged)).status) == (meant.dispatch, None)
    assert 0 < held < 60  # white space within tags, and the like


def test_more_signatures_than_anybody_needs_are_not_computed(package: bytes, anybody: Signer) -> None:
    data = sign_xml(package, anybody)
    facts = read_facts(swap(data, HEADER_END, cut(data, "ds:Signature") * 30 + HEADER_END))
    assert len(facts) == 31
    assert [list_codes(each) for each in facts[16:]] == [["XML_SIGNATURE_FORBIDDEN"]] * 15
    assert not any(each.intact for each in facts)
