"""The old sub-filters: signatures without a CMS, and signatures over a SHA-1."""

import hashlib
import io

import pytest
import rawpdf
from cmsmaking import (
    CONTENT,
    OCTETS,
    OTHER,
    SEQUENCE,
    digest_of,
    list_attributes,
    make_cms,
    make_info,
    make_ordinary,
    make_signer,
    make_token,
    sign_rsa,
)

from edoc.core.report import SignatureReport
from edoc.pdf.cms import CmsFacts, read_cms
from edoc.pdf.cmsbare import read_bare
from edoc.pdf.cmsder import write
from edoc.pdf.cmsnames import compute_digest
from edoc.verification import verify

BARE = b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.x509.rsa_sha1"
OVER_SHA1 = b"/Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.sha1"


def sign_bare(content: bytes, digest: str = "sha1") -> bytes:
    return write(OCTETS, sign_rsa(make_signer(), digest)(content))


def codes(facts: CmsFacts) -> list[str]:
    return [fault.code for fault in facts.faults]


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512", "md5"])
def test_a_bare_signature_says_its_digest_itself(digest: str) -> None:
    signer, other = make_signer(), make_signer(name="Tran Thi B")
    certificates = (signer.certificate, other.certificate)
    facts = read_bare(sign_bare(CONTENT, digest) + bytes(99), certificates, digest_of())
    assert facts.intact
    assert (facts.digest_algorithm, facts.signature_algorithm, facts.key_bits) == (
        digest,
        "rsassa_pkcs1v15",
        2048,
    )
    assert (facts.certificate, facts.others) == (signer.certificate, (other.certificate,))
    assert codes(facts) == []


def test_a_bare_signature_tells_altered_content_from_an_alien_key() -> None:
    signer, other = make_signer(), make_signer(name="Tran Thi B")
    altered = read_bare(sign_bare(CONTENT), (signer.certificate,), digest_of(OTHER))
    assert (altered.digest_matches, altered.signature_holds) == (False, True)
    alien = read_bare(sign_bare(CONTENT), (other.certificate,), digest_of())
    assert (alien.digest_matches, alien.signature_holds) == (None, False)
    unknown = read_bare(sign_bare(CONTENT), (signer.certificate,), None)
    assert (unknown.digest_matches, unknown.signature_holds) == (None, True)


def test_a_bare_signature_without_a_usable_key_is_not_judged() -> None:
    for certificates, code in (
        ((), "NO_SIGNER_CERTIFICATE"),
        ((b"\x30\x00",), "ALGORITHM_UNSUPPORTED"),
        ((make_signer("P-256").certificate,), "ALGORITHM_UNSUPPORTED"),
    ):
        facts = read_bare(sign_bare(CONTENT), certificates, digest_of())
        assert (facts.digest_matches, facts.signature_holds) == (None, None)
        assert codes(facts) == [code]


def test_what_is_no_octet_string_is_no_bare_signature() -> None:
    for contents in (b"", make_ordinary(), b"\x04\x84\xff\xff\xff\xff"):
        with pytest.raises(ValueError, match=r"\w"):
            read_bare(contents, (make_signer().certificate,), digest_of())


def judge(pdf: bytes) -> SignatureReport:
    (file,) = verify(io.BytesIO(pdf), policy="integrity").files
    (signature,) = file.signatures
    return signature


def name_certificates(*names: str) -> bytes:
    listed = [b"<%s>" % make_signer(name=name).certificate.hex().encode() for name in names]
    return b"/Cert" + (listed[0] if len(listed) == 1 else b"[" + b" ".join(listed) + b"]")


def test_a_pdf_with_a_bare_signature_is_judged() -> None:
    for names in (("Nguyen Van A",), ("Nguyen Van A", "Tran Thi B")):
        pdf = rawpdf.make(BARE + name_certificates(*names), sign=sign_bare)
        assert judge(pdf).intact
        assert not judge(pdf.replace(b"Quyet dinh", b"Quyet xxxx")).intact
    alien = rawpdf.make(BARE + name_certificates("Tran Thi B"), sign=sign_bare)
    assert not judge(alien).intact
    nobody = rawpdf.make(BARE, sign=sign_bare)
    assert not judge(nobody).intact
    assert "NO_SIGNER_CERTIFICATE" in [message.code for message in judge(nobody).messages]


def over_sha1(content: bytes, *, inside: bytes | None = None, direct: bool = False) -> bytes:
    """A CMS over the SHA-1 of the content, which stands inside."""
    hashed = hashlib.sha1(content).digest()  # noqa: S324 - verified, not trusted
    signer = make_signer()
    made = make_info(signer, None if direct else list_attributes(hashed), content=hashed)
    return make_cms([made], [signer.certificate], content=hashed if inside is None else inside)


@pytest.mark.parametrize("direct", [False, True], ids=["attributes", "direct"])
def test_a_signature_over_a_sha1_holds_and_rests_on_sha1(direct: bool) -> None:
    facts = read_cms(over_sha1(CONTENT, direct=direct), digest_of(), over_sha1=True)
    assert facts.intact
    assert (facts.digest_algorithm, codes(facts)) == ("sha1", [])
    altered = read_cms(over_sha1(CONTENT, direct=direct), digest_of(OTHER), over_sha1=True)
    assert (altered.digest_matches, altered.signature_holds) == (False, True)
    plain = read_cms(over_sha1(CONTENT, direct=direct), digest_of())
    assert plain.digest_matches is False


def test_the_sha1_inside_must_be_the_one_that_was_signed_and_the_one_of_the_file() -> None:
    other = hashlib.sha1(OTHER).digest()  # noqa: S324 - verified, not trusted
    for inside, content in ((other, CONTENT), (other, OTHER), (b"", CONTENT), (CONTENT, CONTENT)):
        facts = read_cms(over_sha1(CONTENT, inside=inside), digest_of(content), over_sha1=True)
        assert facts.digest_matches is False
    signer = make_signer()
    detached = make_cms([make_info(signer, list_attributes())], [signer.certificate])
    facts = read_cms(detached, digest_of(), over_sha1=True)
    assert not facts.intact
    assert codes(facts) == ["CMS_MALFORMED"]


def test_a_pdf_with_a_signature_over_a_sha1_is_judged() -> None:
    pdf = rawpdf.make(OVER_SHA1, sign=over_sha1)
    assert judge(pdf).intact
    assert not judge(pdf.replace(b"Quyet dinh", b"Quyet xxxx")).intact
    assert not judge(rawpdf.make(OVER_SHA1)).intact


def test_a_format_that_nobody_knows_is_unsupported_and_not_broken() -> None:
    pdf = rawpdf.make(b"/Type/Sig/SubFilter/VeriSign.PPKVS", sign=lambda _: b"\x30\x03abc")
    found = judge(pdf)
    assert (found.indication, found.intact) == ("INDETERMINATE", False)
    assert "FORMAT_UNSUPPORTED" in [message.code for message in found.messages]


def test_a_document_timestamp_is_judged_over_the_pdf() -> None:
    pdf = rawpdf.make(rawpdf.DOCUMENT_STAMP, sign=make_token)
    found = judge(pdf)
    assert (found.type, found.intact) == ("document_timestamp", True)
    assert not judge(pdf.replace(b"Quyet dinh", b"Quyet xxxx")).intact


def test_every_shake_is_read_in_the_length_of_cms() -> None:
    expected = hashlib.shake_256(CONTENT).digest(64)
    assert compute_digest("shake_256", CONTENT) == expected
    signer = make_signer("ed448")

    def sign(content: bytes) -> bytes:
        made = make_info(
            signer,
            list_attributes(content, "shake_256"),
            sign=signer.key.sign,
            algorithm=write(SEQUENCE, b"\x06\x03\x2b\x65\x71"),
            digest="shake_256",
        )
        return make_cms([made], [signer.certificate], digests=["shake_256"])

    assert judge(rawpdf.make(sign=sign)).intact
