"""What is remembered between examinations, and that no forgery gets at it."""

import shutil
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edoc.core.chain import ChainFacts, ChainStatus
from edoc.devpki.hierarchy import DevPki, make, revoke
from edoc.trust.chain import examine
from edoc.trust.memory import Memory, remembered
from edoc.trust.store import Trust

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
KEY = rsa.generate_private_key(65537, 2048)


@pytest.fixture
def own(tmp_path: Path, pki: DevPki) -> DevPki:
    """The same PKI in a folder of its own, to revoke in."""
    shutil.copytree(pki.folder, tmp_path / "own")
    return replace(pki, folder=tmp_path / "own")


def look(
    pki: DevPki,
    trust: Trust,
    *,
    at: datetime = NOW,
    others: Sequence[bytes] = (),
    crls: Sequence[bytes] = (),
    ocsps: Sequence[bytes] = (),
) -> ChainFacts:
    return examine(pki.certificate("a-seal"), trust=trust, at=at, others=others, crls=crls, ocsps=ocsps)


# The memory itself


def test_the_least_recently_used_goes_first() -> None:
    memory: Memory[str, int] = Memory(entries=2, total_bytes=100)
    memory.put("a", 1)
    memory.put("b", 2)
    assert memory.find("a") == 1
    memory.put("c", 3)
    assert (memory.find("a"), memory.find("b"), memory.find("c")) == (1, None, 3)


def test_what_is_held_is_bounded_in_bytes() -> None:
    memory: Memory[int, bytes] = Memory(entries=100, total_bytes=10)
    for number in range(5):
        memory.put(number, b"", size=4)
    assert len(memory) == 2
    memory.put(9, b"", size=11)
    assert memory.find(9) is None
    memory.put(4, b"", size=9)
    assert (len(memory), memory.find(4)) == (1, b"")


def test_a_failure_is_not_remembered_and_a_none_is() -> None:
    calls: list[bytes] = []

    @remembered(entries=4, total_bytes=100)
    def work(content: bytes) -> None:
        calls.append(content)
        if content == b"bad":
            raise ValueError("not this one")

    for _ in range(2):
        work(b"good")
        with pytest.raises(ValueError, match="not this one"):
            work(b"bad")
    assert calls == [b"good", b"bad", b"bad"]


def test_threads_share_it() -> None:
    @remembered(entries=8, total_bytes=1 << 10)
    def work(content: bytes) -> bytes:
        return content[::-1]

    with ThreadPoolExecutor(8) as pool:
        inputs = [bytes([number % 20, 1]) for number in range(4000)]
        assert list(pool.map(work, inputs)) == [content[::-1] for content in inputs]


# What it may not change


def test_only_the_time_decides_anew(own: DevPki) -> None:
    """The same bytes at other instants, in any order."""
    revoke(own, "a-seal", at=NOW + 10 * DAY, now=NOW + 10 * DAY)
    trust = Trust.load(own.trust_path)
    wanted = {
        NOW: ChainStatus.OK,
        NOW - 2 * DAY: ChainStatus.NOT_YET_VALID,
        NOW + 10 * DAY - timedelta(seconds=1): ChainStatus.OK,
        NOW + 10 * DAY: ChainStatus.REVOKED,
        NOW + 400 * DAY: ChainStatus.REVOCATION_UNKNOWN,
        NOW + 6 * 365 * DAY: ChainStatus.EXPIRED,
    }
    for moments in (list(wanted), list(wanted)[::-1]):
        assert {at: look(own, trust, at=at).status for at in moments} == wanted


def test_a_newer_crl_speaks_at_once(own: DevPki) -> None:
    assert look(own, Trust.load(own.trust_path)).status is ChainStatus.OK
    revoke(own, "a-seal", at=NOW - DAY, now=NOW)
    assert look(own, Trust.load(own.trust_path)).status is ChainStatus.REVOKED


def test_a_store_that_changes_is_read_anew(pki: DevPki) -> None:
    trust = Trust.load(pki.trust_path)
    assert look(pki, trust).status is ChainStatus.OK
    assert look(pki, replace(trust, roots=())).status is ChainStatus.NO_PATH
    assert look(pki, replace(trust, intermediates=())).status is ChainStatus.NO_PATH
    assert look(pki, trust).status is ChainStatus.OK


# Forgeries, each tried cold and after the real thing has been remembered


def resign(der: bytes, signature: bytes, real: bytes) -> bytes:
    """Put the real signature in the place of the forged one."""
    assert der.endswith(signature)
    return der[: -len(signature)] + real


def forge_ca(template: x509.Certificate) -> bytes:
    """Names, serial number, extensions and signature bytes of the real CA, with `KEY`."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(template.subject)
        .issuer_name(template.issuer)
        .public_key(KEY.public_key())
        .serial_number(template.serial_number)
        .not_valid_before(template.not_valid_before_utc)
        .not_valid_after(template.not_valid_after_utc)
    )
    for extension in template.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    signed = builder.sign(rsa.generate_private_key(65537, 3072), SHA256())
    return resign(signed.public_bytes(Encoding.DER), signed.signature, template.signature)


def test_a_forged_crl_under_the_real_signature_does_not_ride_on_the_real_one(own: DevPki) -> None:
    revoke(own, "a-seal", at=NOW - DAY, now=NOW)
    real = x509.load_der_x509_crl(own.crl("agencies"))
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(real.issuer)
        .last_update(NOW)
        .next_update(NOW + 300 * DAY)
    )
    for extension in real.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    signed = builder.sign(rsa.generate_private_key(65537, 3072), SHA256())
    forged = resign(signed.public_bytes(Encoding.DER), signed.signature, real.signature)
    trust = replace(Trust.load(own.trust_path), crls=(own.crl("root"),))
    for _ in range(2):
        assert look(own, trust, crls=[forged]).status is ChainStatus.REVOCATION_UNKNOWN
        assert look(own, trust, crls=[own.crl("agencies")]).status is ChainStatus.REVOKED
        assert look(own, trust, crls=[forged, own.crl("agencies")]).status is ChainStatus.REVOKED


def test_a_crl_that_one_key_signed_is_not_taken_for_another_namesakes(pki: DevPki) -> None:
    """First the forger's CRL is judged under the forger's own CA, then under the real one."""
    real = x509.load_der_x509_certificate(pki.certificate("agencies"))
    copy = forge_ca(real)
    clean = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(real.subject)
        .last_update(NOW)
        .next_update(NOW + DAY)
        .sign(KEY, SHA256())
        .public_bytes(Encoding.DER)
    )
    # A root of the forger's, under whom the copy's key signs for real: "signed by" is remembered as true.
    forger = (
        x509.CertificateBuilder()
        .subject_name(real.subject)
        .issuer_name(real.subject)
        .public_key(KEY.public_key())
        .serial_number(real.serial_number)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(KEY, SHA256())
    )
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DEV giả")]))
        .issuer_name(real.subject)
        .public_key(KEY.public_key())
        .serial_number(x509.load_der_x509_certificate(pki.certificate("a-seal")).serial_number)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(KEY, SHA256())
        .public_bytes(Encoding.DER)
    )
    theirs = Trust(roots=(forger.public_bytes(Encoding.DER),))
    ours = replace(Trust.load(pki.trust_path), crls=(pki.crl("root"),))
    for _ in range(2):
        assert examine(leaf, trust=theirs, at=NOW, crls=[clean]).status is ChainStatus.OK
        for others in ([], [copy], [forger.public_bytes(Encoding.DER)]):
            facts = look(pki, ours, crls=[clean], others=others)
            assert facts.status is ChainStatus.REVOCATION_UNKNOWN
            assert examine(leaf, trust=ours, at=NOW, crls=[clean], others=others).status not in {
                ChainStatus.OK,
                ChainStatus.REVOKED,
            }


def test_a_forged_leaf_does_not_ride_on_the_real_path(pki: DevPki) -> None:
    trust = Trust.load(pki.trust_path)
    real = x509.load_der_x509_certificate(pki.certificate("a-seal"))
    fake = forge_ca(real)
    for _ in range(2):
        assert look(pki, trust).status is ChainStatus.OK
        assert examine(fake, trust=trust, at=NOW).status is ChainStatus.INVALID


def test_an_ocsp_answer_does_not_ride_on_one_that_was_authentic(pki: DevPki) -> None:
    """The body of a forged answer under the signature of a real one, both about the same certificate."""

    def answer(status: ocsp.OCSPCertStatus, produced: datetime) -> ocsp.OCSPResponse:
        responder = x509.load_der_x509_certificate(pki.certificate("ocsp-agencies"))
        gone = status is ocsp.OCSPCertStatus.REVOKED
        return (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=x509.load_der_x509_certificate(pki.certificate("a-seal")),
                issuer=x509.load_der_x509_certificate(pki.certificate("agencies")),
                algorithm=SHA256(),
                cert_status=status,
                this_update=produced,
                next_update=NOW + DAY,
                revocation_time=NOW - DAY if gone else None,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, responder)
            .certificates([responder])
            .sign(pki.load_service_key("ocsp-agencies"), SHA256())
        )

    revoked = answer(ocsp.OCSPCertStatus.REVOKED, NOW)
    good = answer(ocsp.OCSPCertStatus.GOOD, NOW + timedelta(hours=1))
    forged = good.public_bytes(Encoding.DER).replace(good.signature, revoked.signature)
    assert ocsp.load_der_ocsp_response(forged).signature == revoked.signature
    trust = replace(Trust.load(pki.trust_path), crls=(pki.crl("root"),))
    real = revoked.public_bytes(Encoding.DER)
    for _ in range(2):
        assert look(pki, trust, ocsps=[real]).status is ChainStatus.REVOKED
        assert look(pki, trust, ocsps=[forged]).status is ChainStatus.REVOCATION_UNKNOWN
        assert look(pki, trust, ocsps=[forged, real]).status is ChainStatus.REVOKED


def test_whether_a_responder_is_revoked_is_asked_every_time(tmp_path: Path) -> None:
    """The answer is authentic and remembered as such; the CRLs at hand decide about its signer each time."""
    pki = make(tmp_path / "pki", now=NOW - DAY)
    authority = pki.load_authority("agencies")
    responder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DEV OCSP 2")]))
        .issuer_name(authority.certificate.subject)
        .public_key(KEY.public_key())
        .serial_number(99)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), critical=False)
        .sign(authority.key, SHA256())
    )
    answer = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=x509.load_der_x509_certificate(pki.certificate("a-seal")),
            issuer=authority.certificate,
            algorithm=SHA256(),
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=NOW,
            next_update=NOW + DAY,
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, responder)
        .certificates([responder])
        .sign(KEY, SHA256())
        .public_bytes(Encoding.DER)
    )
    entry = x509.RevokedCertificateBuilder().serial_number(99).revocation_date(NOW - DAY).build()
    revoking = authority.issue_crl([entry], now=NOW, number=3).public_bytes(Encoding.DER)
    trust = replace(Trust.load(pki.trust_path), crls=(pki.crl("root"),))
    for _ in range(2):
        assert look(pki, trust, ocsps=[answer]).status is ChainStatus.REVOCATION_UNKNOWN
        cleared = look(pki, trust, ocsps=[answer], crls=[pki.crl("agencies")])
        assert cleared.status is ChainStatus.OK
        # The CRL that clears the responder belongs to the evidence.
        assert cleared.ocsps == (answer,)
        assert cleared.crls == (pki.crl("root"), pki.crl("agencies"))
        assert cleared.evidence == (pki.crl("root"), answer, pki.crl("agencies"))
        revoked = look(pki, trust, ocsps=[answer], crls=[revoking])
        assert revoked.ocsps == ()


def test_threads_examine_the_same_path_at_once(tmp_path: Path) -> None:
    pki = make(tmp_path / "pki", now=NOW)
    trust = Trust.load(pki.trust_path)
    names = ["a-person1", "a-person2", "a-seal", "b-seal"] * 25

    def see(name: str) -> ChainStatus:
        return examine(pki.certificate(name), trust=trust, at=NOW).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(see, names)) == {ChainStatus.OK}


def test_a_path_that_was_seen_costs_half_a_millisecond_at_most(pki: DevPki) -> None:
    trust = Trust.load(pki.trust_path)
    durations = []
    for minute in range(200):
        started = time.perf_counter()
        facts = look(pki, trust, at=NOW + minute * timedelta(minutes=1))
        durations.append(time.perf_counter() - started)
        assert facts.status is ChainStatus.OK
    assert statistics.median(durations) < 0.5e-3
