"""What comes along with a signature: time-stamps and revocation data."""

import subprocess
from pathlib import Path

from cmsmaking import (
    CONTENT,
    NOW,
    NULL,
    SEQUENCE,
    STAMP,
    attribute,
    digest_of,
    list_attributes,
    make_cms,
    make_info,
    make_ordinary,
    make_signer,
    make_token,
)
from cryptography.hazmat.primitives.serialization import Encoding

from edoc.pdf.cms import CmsFacts, read_cms, read_token
from edoc.pdf.cmsder import encode_oid, write

ORDINARY = list_attributes()


def read(cms: bytes) -> CmsFacts:
    return read_cms(cms, digest_of())


def sign(attributes: list[bytes], *, unsigned: tuple[bytes, ...]) -> bytes:
    signer = make_signer()
    return make_cms([make_info(signer, attributes, unsigned=unsigned)], [signer.certificate])


def test_a_signature_timestamp_is_read_and_checked() -> None:
    value = read(make_ordinary()).value
    good, wrong = make_token(value), make_token(b"something else")
    assert (stamp := read(make_ordinary(unsigned=[attribute(STAMP, wrong, good)])).timestamp)
    assert (stamp.intact, stamp.time, stamp.token, stamp.digest_algorithm) == (True, NOW, good, "sha256")
    assert stamp.certificate == make_signer(name="TSA").certificate
    assert (stamp := read(make_ordinary(unsigned=[attribute(STAMP, wrong)])).timestamp)
    assert (stamp.intact, stamp.fault) == (False, "its imprint or its signature does not hold")
    assert (stamp := read(make_ordinary(unsigned=[attribute(STAMP, NULL)])).timestamp)
    assert stamp.fault.startswith("it cannot be read")
    assert (stamp := read(make_ordinary(unsigned=[attribute(STAMP, make_ordinary())])).timestamp)
    assert stamp.fault == "it is not a time-stamp token"


def test_a_token_with_another_certificate_than_it_names_proves_nothing() -> None:
    tsa = make_signer(name="TSA")
    altered = tsa.certificate[:-1] + bytes((tsa.certificate[-1] ^ 1,))
    token = make_token(b"x")
    assert read_token(token, b"x").intact
    stamp = read_token(token.replace(tsa.certificate, altered), b"x")
    assert (stamp.intact, stamp.fault) == (False, "it was signed with another certificate than it says")


def test_openssl_takes_our_tokens_for_tokens(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(make_token(CONTENT))
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "tsa.pem").write_bytes(make_signer(name="TSA").parsed.public_bytes(Encoding.PEM))
    command = ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "content"]
    asked = [*command, "-CAfile", "tsa.pem"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout + done.stderr


def test_revocation_data_is_collected_wherever_it_may_stand() -> None:
    crl, answer, basic = (write(SEQUENCE, write(SEQUENCE, bytes((number,)))) for number in (1, 2, 3))
    archive = write(SEQUENCE, write(0xA0, write(SEQUENCE, crl)), write(0xA1, write(SEQUENCE, answer)))
    values = write(SEQUENCE, write(0xA1, write(SEQUENCE, basic)))
    facts = read(
        sign(
            [*ORDINARY, attribute("1.2.840.113583.1.1.8", archive)],
            unsigned=(attribute("1.2.840.113549.1.9.16.2.24", values),),
        )
    )
    assert facts.crls == (crl,)
    assert facts.ocsps[0] == answer
    assert basic in facts.ocsps[1]
    assert encode_oid("1.3.6.1.5.5.7.48.1.1") in facts.ocsps[1]
    signer = make_signer()
    beside = make_cms([make_info(signer, ORDINARY)], [signer.certificate], crls=crl)
    assert read(beside).crls == (crl,)
