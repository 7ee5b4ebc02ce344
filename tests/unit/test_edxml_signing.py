"""Packages that we sign: judged as passed, checked by others' code too, and broken visibly by any change."""

import base64
import hashlib
import io
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    pkcs12,
)
from cryptography.x509 import load_der_x509_certificate
from edxmlmaking import PDF, named, packed, read, values
from lxml import etree
from xmlsigning import DSIG, judge, make_signer, read_one, swap

from edoc.core.dispatch import Dispatch, StatusUpdate
from edoc.core.ports import Scheme, SigningKey
from edoc.core.report import Coverage
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError, KeyLoadError
from edoc.keys.loading import load_key
from edoc.packing import pack, pack_status, unpack

FILES = (("a.doc", b"Content"), ("Phụ lục.txt", "Nội dung".encode()), ("empty.docx", b""))
DISPATCH = values(subject="a & b < c\r\nd \U0001f4c4 \t", content=" \n ", to_places=["A", " "])


def seal(key: SigningKey, dispatch: dict[str, Any] = DISPATCH, *files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    pack(Dispatch.from_dict(dispatch), attach=[named(*file) for file in files or FILES], out=out, key=key)
    return out.getvalue()


@pytest.fixture(scope="module")
def key(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-seal"), passphrase=pki.passphrase)


@pytest.fixture(scope="module")
def signed(key: SigningKey) -> bytes:
    return seal(key)


# What holds


@pytest.mark.parametrize("name", ["a-seal", "b-seal", "a-person1", "system"])
def test_a_signed_package_passes(name: str, pki: DevPki) -> None:
    file = judge(seal(load_key(pki.key_path(name), passphrase=pki.passphrase)), pki)
    (own,) = file.signatures
    assert (own.indication, own.coverage, own.intact) == ("TOTAL_PASSED", Coverage.WHOLE_FILE, True)
    assert file.indication == "TOTAL_PASSED"


@pytest.mark.parametrize(
    ("private", "scheme", "told"),
    [
        (rsa.generate_private_key(65537, 2048), None, ("rsassa_pkcs1v15", 2048)),
        (rsa.generate_private_key(65537, 3072), "pss", ("rsassa_pss", 3072)),
        (ec.generate_private_key(ec.SECP256R1()), None, ("ecdsa", 256)),
        (ec.generate_private_key(ec.SECP384R1()), None, ("ecdsa", 384)),
        (ec.generate_private_key(ec.SECP521R1()), None, ("ecdsa", 521)),
    ],
    ids=["RSA", "PSS", "P-256", "P-384", "P-521"],
)
def test_every_kind_of_key_signs_by_its_scheme_over_sha_256(
    private: Any, scheme: Scheme | None, told: tuple[str, int], tmp_path: Path
) -> None:
    path = tmp_path / "any.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"any", private, make_signer(private).certificate, None, BestAvailableEncryption(b"pin")
        )
    )
    package = seal(load_key(path, passphrase="pin", scheme=scheme))
    facts = read_one(package)
    assert (facts.intact, facts.coverage, facts.faults) == (True, Coverage.WHOLE_FILE, ())
    assert (facts.signature_algorithm, facts.key_bits, facts.digest_algorithm) == (*told, "sha256")


def test_somebody_elses_code_finds_the_same_digests_and_the_signature_good(signed: bytes) -> None:
    root = etree.fromstring(signed)
    (signature,) = root.findall(f"{{{DSIG}}}Signature")
    references = signature.iter(f"{{{DSIG}}}Reference")
    told = {each.get("URI"): each.findtext(f"{{{DSIG}}}DigestValue") for each in references}
    info, key_info = signature[0], signature[2]
    assert told == {
        "": digest(canonical(cut_signature(signed))),
        f"#{key_info.get('Id')}": digest(canonical(etree.tostring(key_info, with_tail=False))),
    }
    der = decode(key_info.findtext(f".//{{{DSIG}}}X509Certificate"))
    public = load_der_x509_certificate(der).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    value = decode(signature.findtext(f"{{{DSIG}}}SignatureValue"))
    data = canonical(etree.tostring(info, with_tail=False))
    public.verify(value, data, padding.PKCS1v15(), hashes.SHA256())


def decode(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def cut_signature(package: bytes) -> bytes:
    """The package without the signature's element, what stands around it kept."""
    return re.sub(rb"<ds:Signature .*</ds:Signature>", b"", package, flags=re.DOTALL)


def canonical(data: bytes) -> bytes:
    out = io.BytesIO()
    tree: Any = etree.fromstring(data).getroottree()
    tree.write_c14n(out, exclusive=True)
    return out.getvalue()


def digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def test_the_signature_stands_behind_everything_that_older_readers_look_at(signed: bytes) -> None:
    unsigned = packed(DISPATCH, *FILES)
    end = b"</edXML>\r\n"
    assert signed.startswith(unsigned.removesuffix(end) + b'  <ds:Signature xmlns:ds="')
    assert signed.endswith(b"</ds:Signature>\r\n" + end)
    assert [read(package).dispatch for package in (signed, unsigned)] == [read(signed).dispatch] * 2
    assert read(signed).warnings == read(unsigned).warnings


def test_the_same_inputs_and_an_rsa_key_give_the_same_bytes(key: SigningKey, signed: bytes) -> None:
    assert seal(key) == signed


def test_the_issuers_of_the_certificate_go_along(key: SigningKey, signed: bytes) -> None:
    found = re.findall(rb"<ds:X509Certificate>(.+?)</ds:X509Certificate>", signed)
    assert [base64.b64decode(each) for each in found] == [key.certificate, *key.chain]


def test_a_status_is_signed_too(key: SigningKey, pki: DevPki) -> None:
    status = StatusUpdate.from_dict({"from": {"organ_id": "H99.02"}, "status_code": "03"})
    out = io.BytesIO()
    pack_status(status, out=out, key=key)
    assert judge(out.getvalue(), pki).indication == "TOTAL_PASSED"
    assert judge(swap(out.getvalue(), ">03<", ">02<"), pki).indication == "TOTAL_FAILED"
    assert read(out.getvalue()).status == status


def test_a_signed_package_is_as_we_would_write_it(signed: bytes) -> None:
    assert unpack(io.BytesIO(signed), strict=True).kind == "document"


def test_contents_that_can_be_read_only_once_are_signed(key: SigningKey) -> None:
    class Pipe(io.BytesIO):
        name = "a.pdf"

        def seekable(self) -> bool:
            return False

    out = io.BytesIO()
    pack(Dispatch.from_dict(DISPATCH), attach=[Pipe(PDF)], out=out, key=key)
    assert out.getvalue() == seal(key, DISPATCH, ("a.pdf", PDF))


# What breaks


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (">05<", ">06<"),
        ("<edXML:To>", "<edXML:To >x"),
        ("</edXML:Subject>", " </edXML:Subject>"),
        ("edXML:edXMLBody>\r\n", "edXML:edXMLBody>"),
        ("Q29udGVudA==", "Q29udGVudB=="),
        ("</Attachment>", "</Attachment><Attachment><ContentId>x</ContentId></Attachment>"),
        ('Size="', 'Size="1'),
        ("</edoc:AttachmentDigests>", "</edoc:AttachmentDigests><extra/>"),
        ("</edXML>", "<extra/></edXML>"),
        ("<ds:DigestValue>", "<ds:DigestValue>AAAA"),
        ("<ds:SignatureValue>", "<ds:SignatureValue>AAAA"),
        ("<ds:X509Data>", "<ds:X509Data> "),
    ],
)
def test_any_change_breaks_it(old: str, new: str, signed: bytes, pki: DevPki) -> None:
    assert judge(swap(signed, old, new), pki).exit_code == 1


def test_a_relay_that_writes_the_package_anew_breaks_it_visibly(
    signed: bytes, pki: DevPki, tmp_path: Path
) -> None:
    found = unpack(io.BytesIO(signed), into=tmp_path).dispatch
    assert found is not None
    relayed = io.BytesIO()
    pack(
        found,
        attach=[tmp_path / str(one.path) for one in found.attachments],
        out=relayed,
        profile="reference",
    )
    file = judge(relayed.getvalue(), pki)
    assert (file.exit_code, file.signatures) == (4, ())
    kept = relayed.getvalue().replace(b"</edXML>", re.findall(rb"<ds:S.*>\r\n</edXML>", signed, re.DOTALL)[0])
    file = judge(kept, pki)
    assert (file.exit_code, file.sub_indication) == (1, "HASH_FAILURE")
    moved = kept.replace(DSIG.encode(), b"http://www.mic.gov.vn/TBT/QCVN_102_2016")
    file = judge(moved, pki)
    assert (file.exit_code, file.signatures) == (4, ())
    assert "XML_SIGNATURE_FOREIGN" in [message.code for message in file.messages]


def test_line_ends_alone_may_change(signed: bytes, pki: DevPki) -> None:
    assert judge(signed.replace(b"\r\n", b"\n"), pki).exit_code == 0


def test_nobody_puts_another_certificate_to_it(pki: DevPki, signed: bytes, key: SigningKey) -> None:
    """One for the same key, as whoever has the key or a careless CA could make it."""
    private, _, _ = pkcs12.load_key_and_certificates(
        pki.key_path("a-seal").read_bytes(), pki.passphrase.encode()
    )
    other = make_signer(private).der
    old, new = (base64.b64encode(der).decode() for der in (key.certificate, other))
    facts = read_one(swap(signed, old, new))
    assert facts.signature_holds
    assert not facts.digest_matches


# What is refused


@dataclass(frozen=True)
class Borrowed:
    """A key that shows somebody else's certificate."""

    key: SigningKey
    certificate: bytes
    chain: tuple[bytes, ...] = ()

    @property
    def scheme(self) -> Scheme:
        return self.key.scheme

    def sign(self, data: bytes, *, digest: str) -> bytes:
        return self.key.sign(data, digest=digest)


def test_a_key_that_does_not_belong_to_its_certificate_is_refused(
    key: SigningKey, pki: DevPki, tmp_path: Path
) -> None:
    out = tmp_path / "out.edxml"
    for certificate in (
        load_key(pki.key_path("b-seal"), passphrase=pki.passphrase).certificate,
        b"no certificate",
    ):
        with pytest.raises(KeyLoadError):
            pack(Dispatch.from_dict(DISPATCH), out=out, key=Borrowed(key, certificate))
        assert list(tmp_path.iterdir()) == []


def test_the_reference_profile_adds_no_signature(key: SigningKey) -> None:
    with pytest.raises(InputError, match="'reference' adds no signature"):
        pack(Dispatch.from_dict(DISPATCH), out=io.BytesIO(), key=key, profile="reference")


# As a command, and at any size


def test_the_command_signs(run: Any, pki: DevPki, tmp_path: Path) -> None:
    (tmp_path / "dispatch.json").write_text(json.dumps(DISPATCH), encoding="utf-8")
    (tmp_path / "a.pdf").write_bytes(PDF)
    (tmp_path / "status.json").write_text(
        '{"from": {"organ_id": "H99.02"}, "status_code": "01"}', encoding="utf-8"
    )
    secret = ["--key", str(pki.key_path("a-seal")), "--passphrase-file", str(pki.passphrase_path)]
    for command in (
        ["pack", str(tmp_path / "dispatch.json"), "--attach", str(tmp_path / "a.pdf")],
        ["pack-status", str(tmp_path / "status.json")],
    ):
        done = run(*command, "-o", str(tmp_path / "out.edxml"), *secret)
        assert done.returncode == 0, done.stderr
        assert judge((tmp_path / "out.edxml").read_bytes(), pki).indication == "TOTAL_PASSED"


MEASURE = """
import os, resource, sys
from pathlib import Path
from edoc.core.dispatch import Dispatch
from edoc.keys.loading import load_key
from edoc.packing import pack
from edoc.verification.packages import read_package

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB

folder, key = Path(sys.argv[1]), load_key(sys.argv[2], passphrase=sys.argv[3])
dispatch = Dispatch.from_dict(
    {
        "from": {"organ_id": "A"},
        "to": [{"organ_id": "B"}],
        "document_id": "x",
        "attachments": [{"name": "a.pdf"}],
    }
)

def journey(size):
    with (folder / "content").open("wb") as file:
        for _ in range(size):
            file.write(os.urandom(1 << 20))
    pack(dispatch, attach=[folder / "content"], out=folder / "out.edxml", key=key)

journey(1)
before = peak()
journey(60)
after = peak()
with (folder / "out.edxml").open("rb") as package:
    facts = read_package(package, path="x").signatures[0]
assert facts.intact and facts.coverage == "whole_file", facts
print(after - before)
"""


def test_a_package_of_80_mb_is_signed_in_the_memory_of_a_small_one(pki: DevPki, tmp_path: Path) -> None:
    asked = [sys.executable, "-c", MEASURE, str(tmp_path), str(pki.key_path("system")), pki.passphrase]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 6
