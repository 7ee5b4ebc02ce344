"""Sign one file here and with plain pyHanko, and have everybody judge both."""

import asyncio
import datetime as dt
import hashlib
import io
import logging
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from asn1crypto import cms, keys, x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator.registry import SimpleCertificateStore

from edoc.core.ports import Scheme
from edoc.errors import EdocError
from edoc.keys.loading import load_key
from edoc.pdf.document import open_pdf
from edoc.pdf.fieldlist import list_fields
from edoc.pdf.ordinary import OrdinaryReader
from edoc.signing import sign

AT: Final = dt.datetime(2026, 11, 23, 8, 0, tzinfo=dt.timezone(dt.timedelta(hours=7)))
_FIELD: Final = "System1"


@dataclass(frozen=True, slots=True)
class Case:
    """A file, and how it is to be signed."""

    name: str
    data: bytes
    password: str | None
    p12: Path
    passphrase: str
    scheme: Scheme
    digest: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out; every list of findings should be empty."""

    name: str
    outcome: str
    """`both`, `ours`, `theirs`, `neither`: who could sign."""
    ordinary: bool = False
    """Read by our own reader."""
    findings: tuple[str, ...] = ()


@lru_cache(maxsize=16)
def _load(p12: Path, passphrase: str, scheme: Scheme) -> tuple[Any, Any]:
    ours = load_key(p12, passphrase=passphrase, scheme=scheme)
    bundle: Any = pkcs12.load_pkcs12(p12.read_bytes(), passphrase.encode())
    der = bundle.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    make: Any = SimpleCertificateStore
    store = make()
    store.register_multiple(map(x509.Certificate.load, ours.chain))
    theirs = signers.SimpleSigner(
        signing_cert=x509.Certificate.load(ours.certificate),
        signing_key=keys.PrivateKeyInfo.load(der),
        cert_registry=store,
        prefer_pss=scheme == "pss",
    )
    return ours, theirs


def judge(case: Case) -> Verdict:
    """Sign both ways and compare everything."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)  # pyHanko tells of every path it does not find
    ours, theirs = _load(case.p12, case.passphrase, case.scheme)
    mine, ordinary = _sign_here(case, ours)
    other = _sign_there(case, theirs)
    if mine is None:
        return Verdict(case.name, "neither" if other is None else "theirs")
    findings: list[str] = []
    if not mine.startswith(case.data):
        findings.append("the input is not the beginning of the output")
    outputs = [mine] if other is None else [mine, other]
    with tempfile.TemporaryDirectory() as folder:
        told = [_ask_all(case, pdf, Path(folder)) for pdf in outputs]
        before = _ask_poppler(case, case.data, Path(folder))
    findings += [f"{key}: {value}" for key, value in told[0].items() if value != "good"]
    if before is not None and "pdfsig" not in told[0]:
        findings.append("poppler opens the input and not the output")
    if other is not None:
        findings += _compare(mine, other, case)
        findings += [f"only ours: {key}" for key in told[0].items() ^ told[1].items() if key[0] in told[1]]
    findings += _compare_earlier(case, mine)
    return Verdict(case.name, "both" if other is not None else "ours", ordinary, tuple(findings))


def _sign_here(case: Case, key: Any) -> tuple[bytes | None, bool]:
    output = io.BytesIO()
    try:
        with open_pdf(io.BytesIO(case.data), password=case.password) as document:
            ordinary = isinstance(document.reader, OrdinaryReader)
        sign(
            io.BytesIO(case.data),
            output,
            key=key,
            role="system",
            checks="none",
            digest=case.digest,
            password=case.password,
            at=AT,
        )
    except EdocError:
        return None, False
    return output.getvalue(), ordinary


def _sign_there(case: Case, signer: Any) -> bytes | None:
    output = io.BytesIO()
    try:
        make: Any = IncrementalPdfFileWriter
        writer = make(io.BytesIO(case.data), strict=False)
        if writer.prev.encrypted:
            writer.encrypt(case.password or "")
        metadata = signers.PdfSignatureMetadata(
            field_name=_FIELD, md_algorithm=case.digest, subfilter=SigSeedSubFilter.PADES
        )
        worker = signers.PdfSigner(metadata, signer, new_field_spec=fields.SigFieldSpec(_FIELD, on_page=0))
        asyncio.run(worker.async_sign_pdf(writer, output=output))
        _find(_open(output.getvalue(), case.password))
    except Exception:  # noqa: BLE001 - what pyHanko cannot sign, or then not read, is no finding
        return None
    return output.getvalue()


def _open(data: bytes, password: str | None) -> Any:
    make: Any = PdfFileReader
    try:
        reader = make(io.BytesIO(data))
        if reader.xrefs.hybrid_xrefs_present:
            raise ValueError("hybrid")  # noqa: TRY301 - one way out
    except Exception:  # noqa: BLE001 - then leniently
        reader = make(io.BytesIO(data), strict=False)
    if reader.encrypted:
        reader.decrypt(password or "")
    return reader


def _find(reader: Any) -> Any:
    # Not by pyHanko's own list, which one odd signature of somebody else ends.
    for field in list_fields(reader):
        if field.name == _FIELD:
            return EmbeddedPdfSignature(reader, field.dictionary, _FIELD)
    raise LookupError(f"there is no {_FIELD}")  # a StopIteration would end the pool's work in silence


def _ask_all(case: Case, pdf: bytes, folder: Path) -> dict[str, str]:
    told = {"pyhanko": _ask_pyhanko(pdf, case.password), "openssl": _ask_openssl(pdf, case, folder)}
    poppler = _ask_poppler(case, pdf, folder)
    if poppler is not None:
        told["pdfsig"] = poppler
    if case.scheme != "pss" and case.password is None:
        mutool = _ask_mutool(pdf, folder)
        if mutool is not None:
            told["mutool"] = mutool
    return told


def _ask_pyhanko(pdf: bytes, password: str | None) -> str:
    status = validate_pdf_signature(_find(_open(pdf, password)), skip_diff=True)
    whole = status.coverage is not None and status.coverage.name == "ENTIRE_FILE"
    return "good" if status.intact and status.valid and whole else f"{status.intact} {status.valid}"


def _ask_openssl(pdf: bytes, case: Case, folder: Path) -> str:
    found = _find(_open(pdf, case.password))
    start, length, second, rest = (int(number) for number in found.byte_range)
    (folder / "data").write_bytes(pdf[start : start + length] + pdf[second : second + rest])
    (folder / "cms").write_bytes(cms.ContentInfo.load(bytes(found.pkcs7_content)).dump())
    asked = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "cms", "-content", "data"]
    more = ["-noverify", "-purpose", "any", "-out", "/dev/null"]
    done = subprocess.run([*asked, *more], cwd=folder, capture_output=True, text=True, check=False)
    return "good" if "Verification successful" in done.stderr else done.stderr[:100]


def _ask_poppler(case: Case, pdf: bytes, folder: Path) -> str | None:
    """None if poppler cannot open it."""
    (folder / "poppler.pdf").write_bytes(pdf)
    password = [] if case.password is None else ["-upw", case.password]
    known = subprocess.run(
        ["pdfinfo", *password, "poppler.pdf"], cwd=folder, capture_output=True, check=False
    )
    if known.returncode:
        return None
    asked = ["pdfsig", "-nocert", *password, "poppler.pdf"]
    said = subprocess.run(asked, cwd=folder, capture_output=True, check=False).stdout.decode(errors="replace")
    mine = [part for part in said.split("Signature #") if f"Field Name: {_FIELD}\n" in part]
    good = mine and "Signature is Valid" in mine[0] and "Total document signed" in mine[0]
    return "good" if good else "".join(mine)[-200:]


def _ask_mutool(pdf: bytes, folder: Path) -> str | None:
    """None if MuPDF finds no signature at all, as in forms that go in circles."""
    (folder / "mutool.pdf").write_bytes(pdf)
    asked = ["mutool", "sign", "-v", "mutool.pdf"]
    done = subprocess.run(asked, cwd=folder, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace")
    if "Verifying signature" not in said:
        return None
    return "good" if "unchanged since signing" in said else said[-200:]


@dataclass(frozen=True, slots=True)
class _Parsed:
    content: Any
    signer: Any
    attributes: dict[str, Any]
    digest: bytes
    """Of the byte range, computed anew."""


def _parse(pdf: bytes, case: Case) -> _Parsed:
    found = _find(_open(pdf, case.password))
    content = cms.ContentInfo.load(bytes(found.pkcs7_content))["content"]
    start, length, second, rest = (int(number) for number in found.byte_range)
    signed = pdf[start : start + length] + pdf[second : second + rest]
    signer = content["signer_infos"][0]
    attributes = {each["type"].native: each for each in signer["signed_attrs"]}
    return _Parsed(content, signer, attributes, hashlib.new(case.digest, signed).digest())


def _compare(mine: bytes, other: bytes, case: Case) -> list[str]:
    one, two = _parse(mine, case), _parse(other, case)
    names = ("version", "digest_algorithms", "encap_content_info", "certificates")
    findings = [f"{name} differs" for name in names if one.content[name].dump() != two.content[name].dump()]
    # PSS: the salt is as long as the digest here (RFC 4055, 3.1), as long as can be there.
    names = (
        "version",
        "sid",
        "digest_algorithm",
        *(() if case.scheme == "pss" else ("signature_algorithm",)),
    )
    findings += [f"{name} differs" for name in names if one.signer[name].dump() != two.signer[name].dump()]
    if list(one.attributes) != list(two.attributes):
        return [*findings, f"attributes differ: {list(one.attributes)}, {list(two.attributes)}"]
    own = {name for name in one.attributes if one.attributes[name].dump() != two.attributes[name].dump()}
    findings += [f"{name} differs" for name in own - {"message_digest"}]
    for each in (one, two):
        if each.attributes["message_digest"]["values"][0].native != each.digest:
            findings.append("message_digest is wrong")
    return findings


def _compare_earlier(case: Case, mine: bytes) -> list[str]:
    """Signatures that were there are judged as before."""
    from edoc.verification import verify

    told = []
    for pdf in (case.data, mine):
        (file,) = verify(io.BytesIO(pdf), policy="integrity", password=case.password).files
        told.append({each.field: (each.intact, each.changes_allowed) for each in file.signatures})
    return [
        f"the earlier signature {name} was {state} and is {told[1].get(name)}"
        for name, state in told[0].items()
        if told[1].get(name) != state
    ]
