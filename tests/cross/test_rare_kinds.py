"""Rare and legal kinds of files, files with signatures, and time-stamps: signed here, judged by others."""

import base64
import io
import multiprocessing
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from composing import CONTAINERS
from judging import AT, Case, Verdict, judge
from keeping import compare
from pyhanko.pdf_utils.reader import PdfFileReader
from rarities import KINDS, make_rarities

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.keys.loading import load_key
from edoc.signing import sign
from edoc.trust.store import Trust

SAMPLE = Path(__file__).resolve().parents[2] / "samples/cong-van.pdf"


@pytest.fixture(scope="module")
def key(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)


def put(data: bytes, key: SigningKey, **more: Any) -> bytes:
    output = io.BytesIO()
    sign(io.BytesIO(data), output, key=key, **{"role": "system", "checks": "none", "at": AT, **more})
    return output.getvalue()


def make_case(name: str, data: bytes, password: str | None, pki: DevPki) -> Case:
    return Case(name, data, password, pki.key_path("a-person1"), pki.passphrase, "pkcs1v15", "sha256")


def ask(cases: list[Case]) -> list[Verdict]:
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        verdicts = pool.map(judge, cases, chunksize=2)
    assert {verdict.name: verdict.findings for verdict in verdicts if verdict.findings} == {}
    return verdicts


def test_rare_kinds_are_signed_alike(pki: DevPki) -> None:
    verdicts = ask([make_case(each.name, each.data, each.password, pki) for each in make_rarities()])
    assert [each.name for each in verdicts if each.outcome in {"theirs", "neither"}] == []
    assert sum(each.ordinary for each in verdicts) >= len(CONTAINERS) * len(KINDS)


def test_signatures_of_several_people_stay_as_they_were(pki: DevPki) -> None:
    cases, data = [], SAMPLE.read_bytes()
    for count, name in enumerate(("a-person2", "b-person1", "a-person1", "b-person2"), start=1):
        data = put(data, load_key(pki.key_path(name), passphrase=pki.passphrase), role="person")
        cases.append(make_case(f"after {count}", data, None, pki))
    assert [verdict.outcome for verdict in ask(cases)] == ["both"] * len(cases)


def test_nothing_is_lost_and_qpdf_finds_nothing_new(key: SigningKey) -> None:
    told = {}
    for each in make_rarities():
        signed = put(each.data, key, password=each.password)
        before, after = (check(data, each.password) for data in (each.data, signed))
        lost = compare(each.data, signed)
        if after > before or lost:
            told[each.name] = (before, after, lost)
    assert told == {}


def check(data: bytes, password: str | None) -> int:
    """What qpdf finds, from good to bad: nothing, something to warn of, faults."""
    given = [] if password is None else [f"--password={password}"]
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(data)
        file.flush()
        done = subprocess.run(["qpdf", "--check", *given, file.name], capture_output=True, check=False)
    return (0, 3, 2).index(done.returncode)


@pytest.fixture(scope="module")
def tsa(pki: DevPki) -> Iterator[str]:
    with serving(pki) as url:
        yield f"{url}/tsa"


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("level", ["B-T", "B-LTA"])
def test_openssl_confirms_the_time_stamp_of_a_signature(
    digest: str, level: str, pki: DevPki, key: SigningKey, tsa: str, tmp_path: Path
) -> None:
    trust = Trust.load(pki.trust_path)
    more: dict[str, Any] = {} if level == "B-T" else {"trust": trust, "offline": True}
    signed = put(SAMPLE.read_bytes(), key, level=level, tsa=tsa, digest=digest, at=None, **more)
    make: Any = PdfFileReader
    found = make(io.BytesIO(signed)).embedded_regular_signatures[0]
    signer = cms.ContentInfo.load(bytes(found.pkcs7_content))["content"]["signer_infos"][0]
    assert signer["digest_algorithm"]["algorithm"].native == digest
    (stamp,) = (each for each in signer["unsigned_attrs"] if each["type"].native.startswith("signature_time"))
    (tmp_path / "token").write_bytes(stamp["values"][0].dump())
    (tmp_path / "value").write_bytes(signer["signature"].native)
    (tmp_path / "ca.pem").write_bytes(b"".join(map(armour, trust.roots)))
    (tmp_path / "chain.pem").write_bytes(b"".join(map(armour, trust.intermediates)))
    asked = ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "value"]
    given = [*asked, "-CAfile", "ca.pem", "-untrusted", "chain.pem"]
    done = subprocess.run(given, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout + done.stderr


def armour(der: bytes) -> bytes:
    return b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
