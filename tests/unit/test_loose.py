"""A signature in a file of its own, beside what it signs or alone: CMS and time-stamp tokens, DER and PEM."""

import base64
import io
import resource
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cmsmaking import (
    CONTENT,
    OTHER,
    list_attributes,
    make_cms,
    make_info,
    make_ordinary,
    make_signer,
    make_token,
    sign_by_openssl,
    write_key,
)

from edoc.core.evidence import FileEvidence
from edoc.core.judge import judge
from edoc.core.report import Coverage, SignatureReport
from edoc.pdf.cmsder import read_first, write
from edoc.pdf.cmsloose import is_loose
from edoc.policies import load_policy
from edoc.verification import verify
from edoc.verification.loose import read_alone, read_beside


def beside(signature: bytes, content: bytes = CONTENT) -> FileEvidence:
    return read_beside(io.BytesIO(content), io.BytesIO(signature), path="letter.odt", name="letter.odt.p7s")


def alone(signature: bytes) -> FileEvidence:
    return read_alone(io.BytesIO(signature), path="letter.odt.p7s")


def weigh(evidence: FileEvidence) -> SignatureReport:
    report = judge((evidence,), load_policy("integrity"), datetime(2026, 3, 1, tzinfo=UTC))
    (signature,) = report.files[0].signatures
    return signature


def armour(der: bytes, label: str) -> bytes:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\r\n{text}-----END {label}-----\r\n".encode()


def test_a_signature_beside_its_file_covers_the_whole_file() -> None:
    evidence = beside(make_ordinary())
    assert (evidence.path, evidence.format, evidence.size) == ("letter.odt", "cms", len(CONTENT))
    (facts,) = evidence.signatures
    assert (facts.field, facts.level, facts.coverage) == ("letter.odt.p7s", "CAdES", Coverage.WHOLE_FILE)
    assert weigh(evidence).indication == "TOTAL_PASSED"
    altered = weigh(beside(make_ordinary(), OTHER))
    assert (altered.indication, altered.sub_indication, altered.intact) == (
        "TOTAL_FAILED",
        "HASH_FAILURE",
        False,
    )


def test_a_token_beside_its_file_proves_when_it_was_there() -> None:
    evidence = beside(make_token(CONTENT))
    assert evidence.format == "timestamp"
    found = weigh(evidence)
    assert (found.type, found.level, found.intact) == ("document_timestamp", "DOC-TIMESTAMP", True)
    assert not weigh(beside(make_token(CONTENT), OTHER)).intact


@pytest.mark.parametrize("signature", [make_ordinary(), make_token(CONTENT)], ids=["signature", "token"])
def test_without_the_file_nothing_is_said_of_it(signature: bytes) -> None:
    found = weigh(alone(signature))
    assert (found.indication, found.sub_indication) == ("INDETERMINATE", "SIGNED_DATA_NOT_FOUND")
    assert not found.intact
    (facts,) = alone(signature).signatures
    assert (facts.digest_matches, facts.signature_holds) == (None, True)


def test_what_is_inside_a_cms_is_not_the_signed_file() -> None:
    signer = make_signer()
    opaque = make_cms([make_info(signer, list_attributes())], [signer.certificate], content=CONTENT)
    assert weigh(alone(opaque)).sub_indication == "SIGNED_DATA_NOT_FOUND"
    assert not weigh(beside(opaque, OTHER)).intact


@pytest.mark.parametrize("label", ["CMS", "PKCS7", "PKCS #7 SIGNED DATA"])
def test_pem_is_read_like_der(label: str) -> None:
    pem = armour(make_ordinary(), label)
    assert weigh(beside(pem)).intact
    assert is_loose(pem)


def test_openssl_writes_what_is_read(tmp_path: Path) -> None:
    assert weigh(beside(sign_by_openssl(make_signer(), tmp_path))).intact
    assert weigh(beside(sign_by_openssl(make_signer(), tmp_path, "-outform", "PEM"))).intact


def test_an_answer_of_a_timestamp_authority_holds_its_token(tmp_path: Path) -> None:
    """Asked and answered by OpenSSL."""
    write_key(make_signer(name="TSA"), tmp_path)
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "serial").write_text("01\n")
    settings = (
        "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\nsigner_cert = certificate.pem\n"
        "certs = certificate.pem\nsigner_key = key.pem\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\n"
        "digests = sha256, sha512\naccuracy = secs:1\nordering = yes\nness_cert_id_chain = no\n"
    )
    (tmp_path / "settings").write_text(settings)
    ask = ["openssl", "ts", "-query", "-data", "content", "-sha512", "-cert", "-out", "query"]
    answer = ["openssl", "ts", "-reply", "-config", "settings", "-queryfile", "query", "-out", "answer"]
    for command in (ask, answer):
        subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    response = (tmp_path / "answer").read_bytes()
    assert is_loose(response)
    found = weigh(beside(response))
    assert (found.type, found.intact) == ("document_timestamp", True)
    assert not weigh(beside(response, OTHER)).intact


def test_a_refused_timestamp_is_unreadable() -> None:
    token = read_first(make_token(CONTENT), 0x30).raw
    for answer in (
        write(0x30, write(0x30, b"\x02\x01\x02")),
        write(0x30, write(0x30, b"\x02\x01\x02"), token),
        write(0x30, write(0x30, b"\x02\x01\x00")),
    ):
        evidence = alone(answer)
        assert evidence.unreadable is not None
        assert evidence.unreadable.code == "CMS_MALFORMED"


@pytest.mark.parametrize(
    "contents",
    [b"", b"hello", b"\x30\x80", b"-----BEGIN CMS-----\nMIIB", armour(b"\x30\x00", "CMS"), bytes(100)],
    ids=["empty", "text", "cut", "half a PEM", "an empty PEM", "zeros"],
)
def test_what_is_no_signature_is_unreadable_and_raises_nothing(contents: bytes) -> None:
    for evidence in (beside(contents), alone(contents)):
        assert evidence.unreadable is not None
        assert evidence.sha256 is not None


def test_signatures_are_known_by_their_first_bytes() -> None:
    assert is_loose(make_ordinary()[:64])
    assert is_loose(make_token(CONTENT))
    for other in (b"%PDF-1.7", b"", b"-----BEGIN CERTIFICATE-----", make_signer().certificate, b"PK\x03\x04"):
        assert not is_loose(other)


def test_a_large_file_is_digested_in_pieces(tmp_path: Path) -> None:
    size = 200 << 20
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with path.open("rb") as file:
        evidence = read_beside(file, io.BytesIO(make_ordinary()), path="large", name="large.p7s")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert evidence.size == size
    assert evidence.signatures[0].digest_matches is False
    assert grown < 40 << 10


def test_a_signature_that_is_verified_alone_misses_its_file(tmp_path: Path) -> None:
    path = tmp_path / "letter.odt.p7s"
    path.write_bytes(make_ordinary())
    (file,) = verify(path, policy="integrity").files
    assert file.format == "cms"
    assert file.signatures[0].sub_indication == "SIGNED_DATA_NOT_FOUND"
    (tmp_path / "letter.odt").write_bytes(CONTENT)
    (file,) = verify(tmp_path / "letter.odt", detached=path, policy="integrity").files
    assert file.signatures[0].indication == "TOTAL_PASSED"
