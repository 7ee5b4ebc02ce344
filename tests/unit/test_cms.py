"""Signatures as CMS: what must be there, who signed, what is odd; OpenSSL and pyHanko are asked too."""

import hashlib
from pathlib import Path

import pytest
from cmsmaking import (
    CONTENT,
    CONTENT_TYPE,
    COUNTER_SIGNATURE,
    DATA,
    DIGESTS,
    MESSAGE_DIGEST,
    NOW,
    NULL,
    OCTETS,
    OTHER,
    PROTECTION,
    REFERENCE,
    REFERENCE_1,
    RSA_WITH,
    SEQUENCE,
    SIGNING_TIME,
    TST_INFO,
    ask_openssl,
    attribute,
    digest_of,
    identify,
    list_attributes,
    make_cms,
    make_info,
    make_ordinary,
    make_signer,
    oid,
    refer,
    sign_by_openssl,
    sign_rsa,
)

from edoc.pdf.cms import CmsFacts, read_cms
from edoc.pdf.cmsder import Malformed, read_first, write
from edoc.pdf.cmssecond import contradicts


def read(cms: bytes, content: bytes = CONTENT) -> CmsFacts:
    return read_cms(cms, digest_of(content))


def codes(facts: CmsFacts) -> list[str]:
    return [fault.code for fault in facts.faults]


def make(attributes: list[bytes] | None, *, order: bool = True, unsigned: tuple[bytes, ...] = ()) -> bytes:
    signer = make_signer()
    made = make_info(signer, attributes, order=order, unsigned=unsigned)
    return make_cms([made], [signer.certificate])


def test_an_ordinary_signature_tells_everything(tmp_path: Path) -> None:
    signer, other = make_signer(), make_signer(name="Tran Thi B")
    time = attribute(SIGNING_TIME, write(0x17, NOW.strftime("%y%m%d%H%M%SZ").encode()))
    made = make_info(signer, list_attributes(more=[refer(signer.certificate), time]))
    cms = make_cms([made], [other.certificate, signer.certificate])
    facts = read(cms + bytes(500))
    assert facts.intact
    assert codes(facts) == []
    assert (facts.certificate, facts.others) == (signer.certificate, (other.certificate,))
    assert (facts.digest_algorithm, facts.signature_algorithm, facts.key_bits) == (
        "sha256",
        "rsassa_pkcs1v15",
        2048,
    )
    assert facts.signing_time == NOW
    assert facts.attributes == {"content_type", "message_digest", "signing_time", "signing_certificate_v2"}
    assert facts.raw == cms
    assert ask_openssl(cms, tmp_path)


def test_an_altered_content_is_told_from_an_altered_signature(tmp_path: Path) -> None:
    cms = make_ordinary()
    altered = read(cms, OTHER)
    assert (altered.digest_matches, altered.signature_holds) == (False, True)
    broken = cms.replace(read(cms).value, bytes(255) + b"\x01")
    assert (read(broken).digest_matches, read(broken).signature_holds) == (True, False)
    assert not ask_openssl(cms, tmp_path, OTHER)
    assert not ask_openssl(broken, tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-noattr",),
        ("-keyid",),
        ("-cades",),
        ("-stream",),
        ("-md", "sha512"),
        ("-noattr", "-md", "sha384"),
        ("-nosmimecap",),
    ],
    ids=" ".join,
)
def test_what_openssl_signs_is_judged_as_by_openssl(options: tuple[str, ...], tmp_path: Path) -> None:
    cms = sign_by_openssl(make_signer(), tmp_path, *options)
    assert read(cms).intact
    assert ask_openssl(cms, tmp_path)
    assert read(cms, OTHER).digest_matches is False
    assert not ask_openssl(cms, tmp_path, OTHER)


def test_without_the_signed_bytes_the_digest_is_unknown_and_the_signature_still_holds() -> None:
    facts = read_cms(make_ordinary(), None)
    assert (facts.digest_matches, facts.signature_holds) == (None, True)
    direct = read_cms(make(None), None)
    assert (direct.digest_matches, direct.signature_holds) == (None, None)


def test_a_direct_signature_over_other_content_is_a_digest_that_differs() -> None:
    assert read(make(None)).intact
    facts = read(make(None), OTHER)
    assert (facts.digest_matches, facts.signature_holds) == (False, True)


ORDINARY = list_attributes()
WRONG_TYPE = attribute(CONTENT_TYPE, oid(TST_INFO))
WRONG_DIGEST = attribute(MESSAGE_DIGEST, write(OCTETS, hashlib.sha256(OTHER).digest()))


@pytest.mark.parametrize(
    "attributes",
    [
        ORDINARY[:1],
        ORDINARY[1:],
        [WRONG_TYPE, ORDINARY[1]],
        [*ORDINARY, WRONG_DIGEST],
        [*ORDINARY, ORDINARY[0]],
        [ORDINARY[0], attribute(MESSAGE_DIGEST, *[write(OCTETS, hashlib.sha256(CONTENT).digest())] * 2)],
        [ORDINARY[0], attribute(MESSAGE_DIGEST)],
        [ORDINARY[0], attribute(MESSAGE_DIGEST, write(SEQUENCE, hashlib.sha256(CONTENT).digest()))],
        [*ORDINARY, attribute(SIGNING_TIME, NULL, NULL)],
        [*ORDINARY, *[refer(make_signer().certificate)] * 2],
    ],
    ids=[
        "no digest",
        "no content type",
        "another content type",
        "two digests",
        "two content types",
        "two values",
        "no value",
        "no octets",
        "two times",
        "two references",
    ],
)
def test_attributes_that_are_missing_doubled_or_wrong_never_hold(attributes: list[bytes]) -> None:
    facts = read(make(attributes))
    assert facts.signature_holds is False
    assert "CMS_MALFORMED" in codes(facts)


def test_attributes_of_a_vendor_may_come_twice() -> None:
    vendor = attribute("1.3.6.1.4.1.22883.1", NULL)
    facts = read(make([*ORDINARY, vendor, attribute("1.3.6.1.4.1.22883.1", b"\x01\x01\xff")]))
    assert facts.intact
    assert facts.attributes >= {"1.3.6.1.4.1.22883.1"}


def test_attributes_out_of_order_are_not_der_and_never_hold() -> None:
    attributes = sorted([*ORDINARY, refer(make_signer().certificate)], reverse=True)
    facts = read(make(attributes, order=False))
    assert (facts.digest_matches, facts.signature_holds) == (True, False)
    assert codes(facts) == ["ATTRIBUTES_NOT_DER"]


def test_attributes_with_indefinite_lengths_are_not_der() -> None:
    loose = b"\x30\x80" + read_first(ORDINARY[1], SEQUENCE).content + b"\x00\x00"
    assert "ATTRIBUTES_NOT_DER" in codes(read(make([ORDINARY[0], loose])))


def loosen(cms: bytes) -> bytes:
    """All that is not signed in BER."""
    whole = read_first(cms, SEQUENCE)
    kind, wrapped = whole.parts
    *head, signers = wrapped.first.parts
    info = signers.first
    inside = b"".join(
        b"\xa0\x80" + part.content + b"\x00\x00" if part.tag == 0xA0 else part.raw for part in info.parts
    )
    loose = b"\x30\x80" + inside + b"\x00\x00"
    loose = b"".join(part.raw for part in head) + b"\x31\x80" + loose + b"\x00\x00"
    return b"\x30\x80" + kind.raw + b"\xa0\x80\x30\x80" + loose + b"\x00\x00" * 3


def test_ber_around_signed_attributes_in_der_holds(tmp_path: Path) -> None:
    loose = loosen(make_ordinary())
    assert read(loose + bytes(100)).intact
    assert ask_openssl(loose, tmp_path)
    assert read(loose, OTHER).digest_matches is False


def test_bytes_after_the_cms_are_told_unless_they_are_zeros() -> None:
    facts = read(make_ordinary() + b"\x00\x00JUVYS4\x00\x00")
    assert facts.intact
    assert [(fault.code, fault.detail) for fault in facts.faults] == [("CMS_TRAILING_BYTES", "8 bytes")]


def test_content_inside_is_never_the_signed_data() -> None:
    signer = make_signer()
    around = make_cms([make_info(signer, list_attributes())], [signer.certificate], content=CONTENT)
    assert read(around, OTHER).digest_matches is False
    assert codes(read(around)) == ["CONTENT_ENCAPSULATED"]
    empty = make_cms([make_info(signer, list_attributes())], [signer.certificate], content=b"")
    assert read(empty).intact
    assert codes(read(empty)) == ["CONTENT_EMPTY_ENCAPSULATED"]


def test_content_of_another_type_than_data_never_holds() -> None:
    signer = make_signer()
    for kind in ("1.2.840.113549.1.7.3", "1.2.3"):
        made = make_info(signer, list_attributes(kind=kind))
        assert read(make_cms([made], [signer.certificate], kind=kind)).signature_holds is False
        direct = make_cms([make_info(signer, None)], [signer.certificate], kind=kind)
        assert read(direct).signature_holds is False


def test_of_several_signers_the_worst_counts() -> None:
    first, second = make_signer(), make_signer(name="Tran Thi B")
    good = make_info(first, list_attributes())
    bad = make_info(second, list_attributes(OTHER))
    both = make_cms([good, bad], [first.certificate, second.certificate])
    facts = read(both)
    assert not facts.intact
    assert facts.certificate == second.certificate
    assert [each.intact for each in facts.signers] == [True, False]
    assert [(fault.code, fault.detail) for fault in facts.faults] == [
        ("SEVERAL_SIGNERS", "2 SignerInfo: intact, not intact")
    ]
    also_good = make_cms(
        [good, make_info(second, list_attributes())], [first.certificate, second.certificate]
    )
    assert read(also_good).intact


def test_a_countersignature_is_material_and_changes_nothing() -> None:
    broken = make_info(make_signer(), list_attributes(OTHER))
    facts = read(make(ORDINARY, unsigned=(attribute(COUNTER_SIGNATURE, broken),)))
    assert facts.intact
    assert codes(facts) == []
    assert "counter_signature" not in facts.attributes


def test_unsigned_attributes_are_not_taken_for_signed_ones() -> None:
    time = attribute(SIGNING_TIME, write(0x17, b"990101000000Z"))
    facts = read(make(ORDINARY, unsigned=(WRONG_DIGEST, time, b"\x05\x00")))
    assert facts.intact
    assert facts.signing_time is None


@pytest.mark.parametrize("kind", ["another certificate", "not readable", "version 1"])
def test_a_reference_to_another_certificate_is_a_fault(kind: str) -> None:
    reference = {
        "another certificate": refer(make_signer(name="Tran Thi B").certificate),
        "not readable": attribute(REFERENCE, NULL),
        "version 1": attribute(
            REFERENCE_1, write(SEQUENCE, write(SEQUENCE, write(SEQUENCE, write(OCTETS, bytes(20)))))
        ),
    }[kind]
    facts = read(make([*ORDINARY, reference]))
    assert codes(facts) == ["SIGNING_CERTIFICATE_MISMATCH"]
    assert facts.certificate == make_signer().certificate


def test_references_fit_by_every_digest_and_version() -> None:
    der = make_signer().certificate
    first = write(SEQUENCE, write(OCTETS, hashlib.sha1(der).digest()))  # noqa: S324
    long = write(SEQUENCE, identify(DIGESTS["sha512"]), write(OCTETS, hashlib.sha512(der).digest()))
    references = [
        attribute(REFERENCE_1, write(SEQUENCE, write(SEQUENCE, first))),
        attribute(REFERENCE, write(SEQUENCE, write(SEQUENCE, long))),
    ]
    facts = read(make([*ORDINARY, *references]))
    assert facts.intact
    assert codes(facts) == []


def test_a_wrong_issuer_and_serial_in_the_reference_is_a_remark() -> None:
    signer, other = make_signer(), make_signer(name="Tran Thi B")
    issuer = write(SEQUENCE, write(0xA4, other.parsed.issuer.public_bytes()))
    right = write(SEQUENCE, write(0xA4, signer.parsed.issuer.public_bytes()))
    serial = read_first(signer.issuer_and_serial, SEQUENCE).parts[1].raw
    for names, expected in ((issuer, ["SIGNER_NAMED_OTHERWISE"]), (right, [])):
        reference = refer(signer.certificate, more=write(SEQUENCE, names, serial))
        facts = read(make([*ORDINARY, reference]))
        assert facts.intact
        assert codes(facts) == expected


def test_of_two_certificates_with_one_name_the_referenced_one_is_the_signers() -> None:
    signer, other = make_signer(), make_signer(name="Tran Thi B")
    made = make_info(
        signer, list_attributes(more=[refer(signer.certificate)]), identifier=other.issuer_and_serial
    )
    facts = read(make_cms([made], [other.certificate, signer.certificate]))
    assert facts.certificate == signer.certificate
    assert facts.intact
    assert codes(facts) == ["SIGNER_NAMED_OTHERWISE"]


def test_without_the_signers_certificate_nothing_is_said_of_the_signature() -> None:
    made = make_info(make_signer(), list_attributes())
    facts = read(make_cms([made], [make_signer(name="Tran Thi B").certificate, NULL]))
    assert (facts.digest_matches, facts.signature_holds) == (True, None)
    assert codes(facts) == ["NO_SIGNER_CERTIFICATE"]


def test_protected_algorithms_must_be_those_used() -> None:
    def protect(digest: str) -> bytes:
        algorithm = write(0xA1, oid(RSA_WITH["sha256"]), NULL)
        return attribute(PROTECTION, write(SEQUENCE, identify(DIGESTS[digest]), algorithm))

    assert read(make([*ORDINARY, protect("sha256")])).intact
    assert read(make([*ORDINARY, protect("sha512")])).signature_holds is False


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"\x30",
        b"\x30\x00",
        b"\x30\x80" * 1000,
        b"\x30\x84\xff\xff\xff\xff",
        write(SEQUENCE, oid(DATA), write(0xA0, NULL)),
        make_cms([], [make_signer().certificate]),
        make_cms([make_info(make_signer(), ORDINARY)] * 17, []),
        make_cms([NULL], []),
    ],
    ids=["empty", "cut", "nothing", "deep", "long", "no SignedData", "unsigned", "crowded", "no signer"],
)
def test_what_is_no_cms_is_refused(contents: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read(contents)


def test_the_second_implementation_is_asked_and_can_contradict() -> None:
    signer = make_signer()
    digest = hashlib.sha256(CONTENT).digest()
    good = make_info(signer, list_attributes())
    bad = make_info(signer, list_attributes(), sign=lambda message: sign_rsa(signer)(message + b"!"))
    assert contradicts(good, signer.certificate, token=False, digest=digest)
    assert not contradicts(bad, signer.certificate, token=False, digest=digest)
    assert not contradicts(b"\x30", b"", token=False, digest=digest)


def test_malformed_says_where() -> None:
    with pytest.raises(Malformed, match="tag 0x4 instead of 0x30"):
        read_first(b"\x04\x00", SEQUENCE)
