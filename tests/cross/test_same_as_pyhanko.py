"""Speed buys no correctness: five hundred varied files, signed here and with plain pyHanko, judged by all."""

import datetime as dt
import multiprocessing
import os
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from judging import Case, Verdict, judge
from varieties import make_all

from edoc.core.ports import Scheme
from edoc.devpki.hierarchy import DevPki

GENERATED: Final = 432
_CURVES: Final = (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())
_DIGESTS: Final = ("sha256", "sha384", "sha512")


@pytest.fixture(scope="module")
def keys(pki: DevPki, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str, Scheme]]:
    """RSA by both schemes, more often than the curves."""
    folder = tmp_path_factory.mktemp("keys")
    rsa = pki.key_path("a-person1"), pki.passphrase
    usual: tuple[Path, str, Scheme] = (*rsa, "pkcs1v15")
    made = [usual, usual, (*rsa, "pss")]
    return [*made, *((_make(folder, curve), "p", "ecdsa") for curve in _CURVES)]


def _make(folder: Path, curve: ec.EllipticCurve) -> Path:
    private = ec.generate_private_key(curve)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Thử {curve.name}")])
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        **dict.fromkeys(
            ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"), False
        ),
        encipher_only=False,
        decipher_only=False,
    )
    builder = x509.CertificateBuilder(name, name, private.public_key(), 7, now, now + dt.timedelta(days=1))
    certificate = builder.add_extension(usage, critical=True).sign(private, hashes.SHA256())
    path = folder / f"{curve.name}.p12"
    content = pkcs12.serialize_key_and_certificates(
        b"x", private, certificate, None, BestAvailableEncryption(b"p")
    )
    path.write_bytes(content)
    return path


def ask(files: list[tuple[str, bytes, str | None]], keys: list[tuple[Path, str, Scheme]]) -> list[Verdict]:
    """Judge every file, each with the next key and digest, on all processors."""
    cases = [
        Case(name, data, password, *keys[number % len(keys)], _DIGESTS[number // 2 % 3])
        for number, (name, data, password) in enumerate(files)
    ]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        return pool.map(judge, cases, chunksize=4)


def findings(verdicts: list[Verdict]) -> dict[str, Any]:
    return {verdict.name: verdict.findings for verdict in verdicts if verdict.findings}


def test_generated_files_are_signed_alike(keys: list[tuple[Path, str, Scheme]]) -> None:
    files = [(each.name, each.data, each.password) for each in make_all(GENERATED)]
    verdicts = ask(files, keys)
    assert findings(verdicts) == {}
    counts = Counter(verdict.outcome for verdict in verdicts)
    assert counts["theirs"] == counts["neither"] == 0
    assert counts["both"] >= GENERATED * 3 // 4  # pyHanko signs no hybrid files
    assert sum(verdict.ordinary for verdict in verdicts) >= GENERATED * 3 // 4  # the rest is encrypted


@pytest.mark.shared
def test_files_of_the_corpus_are_signed_alike(
    keys: list[tuple[Path, str, Scheme]], shared_corpus: Path
) -> None:
    paths = sorted((shared_corpus / "pdf").glob("*.pdf"))
    verdicts = ask([(path.name, path.read_bytes(), None) for path in paths], keys)
    assert findings(verdicts) == {}
    counts = Counter(verdict.outcome for verdict in verdicts)
    assert counts["both"] + counts["ours"] >= 68
    assert GENERATED + counts["both"] + counts["ours"] >= 500
    assert sum(verdict.ordinary for verdict in verdicts) >= 60
