"""XML signatures of packages: real ones hold, whatever their algorithms; forged ones never do."""

import base64
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from edxmlmaking import NAMESPACE, dispatch_of
from xmlsigning import (
    C14N,
    DSIG,
    EXCLUSIVE,
    HEADER_END,
    MORE,
    MORE_2007,
    SHA256,
    TIME,
    Signer,
    Wish,
    judge,
    list_codes,
    make_signer,
    read_one,
    sign_parts,
    sign_xml,
    swap,
)

from edoc.core.report import Coverage, Level
from edoc.devpki.hierarchy import DevPki

pytest_plugins = ("signedpackages",)

SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
C14N11 = "http://www.w3.org/2006/12/xml-c14n11"


# What holds


@pytest.mark.parametrize(
    ("wish", "digest", "scheme"),
    [
        (Wish(), "sha256", "rsassa_pkcs1v15"),
        (Wish(prefix=""), "sha256", "rsassa_pkcs1v15"),
        (Wish(method=C14N), "sha256", "rsassa_pkcs1v15"),
        (Wish(method=EXCLUSIVE, info_method=EXCLUSIVE), "sha256", "rsassa_pkcs1v15"),
        (Wish(method=EXCLUSIVE, info_method=EXCLUSIVE, prefixes="edXML"), "sha256", "rsassa_pkcs1v15"),
        (Wish(method=C14N11, info_method=f"{C14N11}#WithComments"), "sha256", "rsassa_pkcs1v15"),
        (Wish(method=f"{C14N}#WithComments"), "sha256", "rsassa_pkcs1v15"),
        (Wish(method=f"{EXCLUSIVE}WithComments"), "sha256", "rsassa_pkcs1v15"),
        (Wish(digest=f"{DSIG}sha1", scheme=f"{DSIG}rsa-sha1"), "sha1", "rsassa_pkcs1v15"),
        (Wish(digest=f"{DSIG}sha1"), "sha1", "rsassa_pkcs1v15"),
        (Wish(digest=f"{MORE}sha384", scheme=f"{MORE}rsa-sha384"), "sha384", "rsassa_pkcs1v15"),
        (Wish(digest=SHA512, scheme=f"{MORE}rsa-sha512"), "sha512", "rsassa_pkcs1v15"),
        (Wish(digest=f"{MORE_2007}sha3-256", scheme=f"{MORE}rsa-sha512"), "sha3_256", "rsassa_pkcs1v15"),
        (Wish(digest=f"{MORE_2007}sha3-512", scheme=f"{MORE}rsa-sha512"), "sha512", "rsassa_pkcs1v15"),
        (Wish(scheme=f"{MORE_2007}sha256-rsa-MGF1"), "sha256", "rsassa_pss"),
        (Wish(scheme=f"{MORE_2007}rsa-pss"), "sha256", "rsassa_pss"),
        (Wish(place="</edXML>"), "sha256", "rsassa_pkcs1v15"),
        (Wish(around=("<DigitalSignature>", "</DigitalSignature>")), "sha256", "rsassa_pkcs1v15"),
        (Wish(around=('<s:Security xmlns:s="urn:wss">', "</s:Security>")), "sha256", "rsassa_pkcs1v15"),
    ],
)
def test_a_signature_of_the_whole_package_holds(
    wish: Wish, digest: str, scheme: str, package: bytes, anybody: Signer
) -> None:
    facts = read_one(sign_xml(package, anybody, wish))
    assert facts.intact
    assert facts.coverage is Coverage.WHOLE_FILE
    assert facts.level is Level.XMLDSIG
    assert (facts.digest_algorithm, facts.signature_algorithm, facts.key_bits) == (digest, scheme, 2048)
    assert facts.certificate == anybody.der
    assert facts.faults == ()


def test_pss_takes_its_parameters_from_the_signature(package: bytes, anybody: Signer) -> None:
    def parameters(salt: int) -> str:
        return (
            f'<p:RSAPSSParams xmlns:p="{MORE_2007}"><ds:DigestMethod Algorithm="{SHA256}"/>'
            f'<p:MaskGenerationFunction Algorithm="{MORE_2007}MGF1"><ds:DigestMethod Algorithm="{SHA256}"/>'
            f"</p:MaskGenerationFunction><p:SaltLength>{salt}</p:SaltLength></p:RSAPSSParams>"
        )

    wish = Wish(scheme=f"{MORE_2007}rsa-pss", scheme_parameters=parameters(32))
    assert read_one(sign_xml(package, anybody, wish)).intact
    wrong = replace(wish, scheme_parameters=parameters(20))
    assert read_one(sign_xml(package, anybody, wrong)).signature_holds is False


@pytest.mark.parametrize(
    ("key", "scheme", "told"),
    [
        (ec.generate_private_key(ec.SECP256R1()), f"{MORE}ecdsa-sha256", ("ecdsa", 256)),
        (ec.generate_private_key(ec.SECP521R1()), f"{MORE}ecdsa-sha512", ("ecdsa", 521)),
        (
            ed25519.Ed25519PrivateKey.generate(),
            "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
            ("ed25519", 0),
        ),
    ],
    ids=["P-256", "P-521", "Ed25519"],
)
def test_elliptic_curves_hold(key: Any, scheme: str, told: tuple[str, int], package: bytes) -> None:
    facts = read_one(sign_xml(package, make_signer(key), Wish(scheme=scheme)))
    assert facts.intact
    assert (facts.signature_algorithm, facts.key_bits) == told


def test_the_properties_that_were_signed_tell_the_time(signed: bytes, seal: Signer) -> None:
    facts = read_one(signed)
    assert facts.intact
    assert facts.level is Level.XADES
    assert facts.claimed_time is not None
    assert facts.claimed_time.isoformat() == TIME
    assert facts.certificate == seal.der


def test_properties_that_nobody_signed_are_ignored(package: bytes, anybody: Signer) -> None:
    facts = read_one(sign_xml(package, anybody, Wish(time=TIME, signs_properties=False)))
    assert facts.intact
    assert facts.level is Level.XMLDSIG
    assert facts.claimed_time is None
    assert list_codes(facts) == ["XML_PROPERTIES_UNSIGNED"]


def test_signing_part_by_part_covers_the_package_if_nothing_is_left_out(package: bytes, seal: Signer) -> None:
    facts = read_one(sign_parts(package, seal))
    assert facts.intact
    assert facts.coverage is Coverage.WHOLE_FILE


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (("MessageHeader",), "TraceHeaderList, Reference ×2, Attachment ×2"),
        (("MessageHeader", "TraceHeaderList"), "Reference ×2, Attachment ×2"),
    ],
)
def test_what_a_signature_leaves_out_is_named(
    names: tuple[str, ...], missing: str, package: bytes, seal: Signer, pki: DevPki
) -> None:
    text = package.decode()
    for name in names:
        text = text.replace(f"<edXML:{name}>", f'<edXML:{name} Id="{name}">', 1)
    data = sign_xml(text.encode(), seal, Wish(references=[f"#{name}" for name in names], method=EXCLUSIVE))
    file = judge(data, pki)
    (signature,) = file.signatures
    assert signature.intact
    assert signature.coverage is Coverage.PARTIAL
    assert [str(signature.indication), str(signature.sub_indication)] == [
        "INDETERMINATE",
        "SIG_CONSTRAINTS_FAILURE",
    ]
    assert missing in next(m.text for m in signature.messages if m.code == "XML_COVERS_PART")


def test_a_valid_seal_passes_and_sha_1_does_not(
    signed: bytes, package: bytes, seal: Signer, pki: DevPki
) -> None:
    assert judge(signed, pki).exit_code == 0
    weak = sign_xml(package, seal, Wish(digest=f"{DSIG}sha1", scheme=f"{DSIG}rsa-sha1"))
    file = judge(weak, pki)
    assert file.signatures[0].intact
    assert file.exit_code == 3
    assert "ALGORITHM_WEAK" in [message.code for message in file.signatures[0].messages]


def test_openssl_agrees_on_the_digest_and_the_signature(
    package: bytes, anybody: Signer, tmp_path: Path
) -> None:
    taken: list[bytes] = []

    def sign(data: bytes) -> bytes:
        taken.append(data)
        return bytes(anybody.key.sign(data, padding.PKCS1v15(), hashes.SHA256()))

    data = sign_xml(package, anybody, Wish(sign=sign))
    facts = read_one(data)
    assert facts.intact
    (tmp_path / "info").write_bytes(taken[0])
    (tmp_path / "value").write_bytes(facts.value)
    (tmp_path / "key.pem").write_bytes(
        anybody.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "value", "info"]
    assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    if shutil.which("xmlsec1"):
        (tmp_path / "a.xml").write_bytes(data)
        command = ["xmlsec1", "--verify", "--insecure", "--enabled-key-data", "x509", "a.xml"]
        assert subprocess.run(command, cwd=tmp_path, check=False, capture_output=True).returncode == 0


HARMLESS: dict[str, Callable[[bytes], bytes]] = {
    "line ends": lambda data: data.replace(b"\r\n", b"\n"),
    "another encoding": lambda data: (
        b"\xff\xfe" + data.decode().replace("UTF-8", "UTF-16").encode("utf-16-le")
    ),
    "a character by its number": lambda data: swap(data, ">05<", ">0&#x35;<"),
    "character data": lambda data: swap(data, ">05<", "><![CDATA[05]]><"),
    "quotes": lambda data: swap(data, 'URI=""', "URI  =\n''"),
    "a comment between elements": lambda data: swap(data, HEADER_END, f"<!-- seen -->{HEADER_END}"),
    "an empty element": lambda data: swap(data, f'"{SHA256}"/>', f'"{SHA256}"></ds:DigestMethod>'),
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_canonical_xml_forgives_changes_nothing(
    change: Callable[[bytes], bytes], signed: bytes, pki: DevPki
) -> None:
    changed = change(signed)
    assert changed != signed
    assert judge(changed, pki).exit_code == 0
    assert dispatch_of(changed) == dispatch_of(signed)


# Odd ones


def test_bad_base64_and_bad_certificates_are_told(package: bytes, anybody: Signer) -> None:
    bad = "<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>"
    facts = read_one(sign_xml(package, anybody, Wish(key_info=bad.format("!!"))))
    assert list_codes(facts) == ["XML_SIGNATURE_MALFORMED"]
    facts = read_one(sign_xml(package, anybody, Wish(key_info=bad.format("AAAA"))))
    assert list_codes(facts) == ["ALGORITHM_UNSUPPORTED"]
    assert facts.signature_holds is None
    facts = read_one(sign_xml(package, anybody, Wish(key_info="")))
    assert list_codes(facts) == ["NO_SIGNER_CERTIFICATE"]
    assert facts.digest_matches is True


def test_unsigned_properties_bring_certificates_and_revocation_data(package: bytes, anybody: Signer) -> None:
    def value(name: str) -> str:
        return f"<xades:{name}>{base64.b64encode(name.encode()).decode()}</xades:{name}>"

    def unsigned(_: bytes) -> str:
        return (
            f"<xades:CertificateValues>{value('EncapsulatedX509Certificate')}</xades:CertificateValues>"
            f"<xades:RevocationValues><xades:CRLValues>{value('EncapsulatedCRLValue')}</xades:CRLValues>"
            f"<xades:OCSPValues>{value('EncapsulatedOCSPValue')}</xades:OCSPValues></xades:RevocationValues>"
            f"<xades:SignatureTimeStamp>{value('EncapsulatedTimeStamp')}</xades:SignatureTimeStamp>"
        )

    facts = read_one(sign_xml(package, anybody, Wish(time=TIME, unsigned=unsigned)))
    assert facts.intact
    assert facts.others == (b"EncapsulatedX509Certificate",)
    assert facts.crls == (b"EncapsulatedCRLValue",)
    assert facts.ocsps == (b"EncapsulatedOCSPValue",)
    assert facts.timestamp is not None
    assert not facts.timestamp.intact
    assert "cannot be read" in facts.timestamp.fault


@pytest.mark.parametrize(
    "signature",
    [
        f'<Signature xmlns="{NAMESPACE}"><SignedInfo/><SignatureValue>c2ln</SignatureValue></Signature>',
        "<DigitalSignature>placeholder</DigitalSignature>",
    ],
)
def test_what_only_looks_like_a_signature_is_told_and_not_judged(
    signature: str, package: bytes, pki: DevPki
) -> None:
    file = judge(swap(package, HEADER_END, signature + HEADER_END), pki)
    assert file.signatures == ()
    assert file.exit_code == 4
    assert "XML_SIGNATURE_FOREIGN" in [message.code for message in file.messages]


def test_an_empty_placeholder_is_no_matter(package: bytes, pki: DevPki) -> None:
    file = judge(swap(package, HEADER_END, "<DigitalSignature/>" + HEADER_END), pki)
    assert "XML_SIGNATURE_FOREIGN" not in [message.code for message in file.messages]


def test_a_signature_of_another_namespace_inside_a_real_one_is_not_counted(
    package: bytes, anybody: Signer
) -> None:
    counter = f'<xades:CounterSignature><Signature xmlns="{DSIG}"/></xades:CounterSignature>'
    facts = read_one(sign_xml(package, anybody, Wish(time=TIME, unsigned=lambda _: counter)))
    assert facts.intact
