"""The CMS of a signature, as other parsers see it."""

import hashlib

import pytest
from asn1crypto import cms

from edoc.core.ports import Scheme
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError
from edoc.keys.loading import load_key
from edoc.pdf.cades import Identity, encode, signed_attributes, signed_data

VALUE = hashlib.sha256(b"the byte range").digest()


@pytest.fixture(scope="module")
def identity(pki: DevPki) -> Identity:
    key = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    return Identity.of(key.certificate, key.chain, key.scheme)


def test_every_attribute_of_pades_is_there_and_no_signing_time(identity: Identity) -> None:
    attributes = cms.CMSAttributes.load(signed_attributes(identity, "sha256", VALUE), strict=True)
    assert [each["type"].native for each in attributes] == [
        "content_type",
        "message_digest",
        "signing_certificate_v2",
    ]
    assert attributes[1]["values"][0].native == VALUE


def test_the_certificate_that_is_named_is_the_signers(identity: Identity, pki: DevPki) -> None:
    key = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    attributes = cms.CMSAttributes.load(signed_attributes(identity, "sha256", VALUE))
    named = attributes[2]["values"][0]["certs"][0]
    assert named["cert_hash"].native == hashlib.sha256(key.certificate).digest()


@pytest.mark.parametrize("scheme", ["pkcs1v15", "pss", "ecdsa"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_the_whole_is_strict_der(scheme: Scheme, digest: str, pki: DevPki) -> None:
    key = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    identity = Identity.of(key.certificate, key.chain, scheme)
    attributes = signed_attributes(identity, digest, b"x" * hashlib.new(digest).digest_size)
    built = signed_data(identity, digest, attributes, b"value")
    parsed = cms.ContentInfo.load(built, strict=True)
    assert parsed.dump(force=True) == built
    (signer,) = parsed["content"]["signer_infos"]
    assert signer["digest_algorithm"]["algorithm"].native == digest
    assert (
        signer["signature_algorithm"].signature_algo
        == {
            "pkcs1v15": "rsassa_pkcs1v15",
            "pss": "rsassa_pss",
            "ecdsa": "ecdsa",
        }[scheme]
    )
    assert len(parsed["content"]["certificates"]) == 1 + len(key.chain)


def test_nothing_of_one_signature_is_left_for_the_next(identity: Identity) -> None:
    one = signed_attributes(identity, "sha256", VALUE)
    other = signed_attributes(identity, "sha256", hashlib.sha256(b"another").digest())
    assert one != other
    assert signed_attributes(identity, "sha256", VALUE) == one


def test_long_lengths_are_encoded_shortest_first() -> None:
    assert encode(4, b"x" * 127)[:2] == b"\x04\x7f"
    assert encode(4, b"x" * 128)[:3] == b"\x04\x81\x80"
    assert encode(4, b"x" * 256)[:4] == b"\x04\x82\x01\x00"


def test_sha1_is_refused(identity: Identity) -> None:
    with pytest.raises(InputError, match="sha1"):
        signed_attributes(identity, "sha1", b"x" * 20)


def test_what_is_no_certificate_is_said_to_be_none() -> None:
    with pytest.raises(InputError, match="certificate cannot be read"):
        Identity.of(b"\x30\x00", (), "pkcs1v15")
