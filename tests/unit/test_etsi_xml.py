"""The report as ETSI TS 119 102-2 XML, held against the schema's classes that pyHanko ships as source."""

import ast
import base64
import dataclasses
import datetime as dt
import hashlib
import re
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import reporting
from lxml import etree
from test_judge import AT, GOOD, ND68
from test_report import FAILED, FINE, UNREADABLE, UNSIGNED, UNSURE

from edoc.core.chain import ChainFacts, ChainStatus
from edoc.core.evidence import FileEvidence
from edoc.core.judge import judge
from edoc.core.report import Report
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError
from edoc.render.etsi import NAMESPACE, to_etsi_xml

VR = f"{{{NAMESPACE}}}"
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a child may stand in its parent."""

    name: str
    kind: str
    many: bool
    required: bool


@cache
def read_schema() -> dict[str, list[Place]]:
    """Children of each complex type, in order; attributes have names that start with `@`."""
    found: dict[str, list[Place]] = {}
    # Only read: to be imported they need a library that we do not have.
    for module in ("xades", "ts_11910202"):
        located = distribution("pyhanko").locate_file(f"pyhanko/generated/etsi/{module}.py")
        source = Path(str(located))
        for item in ast.parse(source.read_text(encoding="utf-8")).body:
            if isinstance(item, ast.ClassDef):
                bases = [base.id for base in item.bases if isinstance(base, ast.Name)]
                inherited = [place for base in bases for place in found.get(base, [])]
                own = [place for place in map(read_field, item.body) if place]
                found[item.name] = inherited + own
    return found


def read_field(statement: ast.stmt) -> Place | None:
    if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.value, ast.Call):
        return None
    metadata = next(word.value for word in statement.value.keywords if word.arg == "metadata")
    told = ast.literal_eval(metadata)
    if told.get("type", "Wildcard") == "Wildcard":  # also the text of an element
        return None
    kind = ast.unparse(statement.annotation)
    assert isinstance(statement.target, ast.Name)
    name = told.get("name", statement.target.id)
    return Place(
        name=f"@{name}" if told["type"] == "Attribute" else name,
        kind=kind.removesuffix(" | None").removeprefix("tuple[").removesuffix(", ...]"),
        many=kind.startswith("tuple"),
        required=bool(told.get("required") or told.get("min_occurs")),
    )


def check_structure(element: Any, kind: str) -> None:
    """Names, order, number and types of everything below an element of that type."""
    places = read_schema()[kind]
    names = [place.name for place in places]
    children = [etree.QName(child).localname for child in element]
    assert {f"@{name}" for name in element.attrib} <= set(names), element.tag
    assert set(children) <= set(names), (kind, children)
    order = [names.index(child) for child in children]
    if kind != "SignatureAttributesType":  # a choice
        assert order == sorted(order), (kind, children)
    for place in places:
        count = children.count(place.name) + (place.name.removeprefix("@") in element.attrib)
        # Of a choice the classes do not tell which one is needed.
        required = place.required and place.name != "SignersDocumentRepresentation"
        assert count >= required, (kind, place)
        assert count <= 1 or place.many, (kind, place)
    for child in element:
        place = places[names.index(etree.QName(child).localname)]
        if place.kind in read_schema():
            check_structure(child, place.kind)
        else:
            check_value(child, place.kind)


def check_value(element: Any, kind: str) -> None:
    assert len(element) == 0 or kind == "object", element.tag
    match kind:
        case "XmlDateTime":
            assert dt.datetime.fromisoformat(element.text).tzinfo is not None
        case "bool":
            assert element.text in {"true", "false"}
        case "bytes" | "SignatureValue" | "DigestValue":
            assert base64.b64decode(element.text, validate=True)
        case "DigestMethod":
            assert URI.fullmatch(element.get("Algorithm"))


def read(report: Report) -> Any:
    """The parsed XML; it obeys the structure, identifiers are unique, references lead somewhere."""
    root: Any = etree.fromstring(to_etsi_xml(report))
    assert root.tag == f"{VR}ValidationReport"
    check_structure(root, "ValidationReportType")
    identities = [str(found) for found in root.xpath("//@id")]
    assert len(identities) == len(set(identities))
    assert {str(found) for found in root.xpath("//@VOReference")} <= set(identities)
    for name in ("MainIndication", "SubIndication", "ObjectType", "Status", "TypeOfProof", "Algorithm"):
        assert all(URI.fullmatch(found.text) for found in root.iter(f"{VR}{name}"))
    return root


def texts(root: Any, path: str) -> list[str]:
    return [found.text for found in root.findall("/".join(f"{VR}{step}" for step in path.split("/")))]


def test_a_real_document_makes_a_sound_report(pki: DevPki) -> None:
    report = reporting.judge_archive(pki)
    root = read(report)
    status = "SignatureValidationReport/SignatureValidationStatus"
    passed = "urn:etsi:019102:mainindication:total-passed"
    assert texts(root, f"{status}/MainIndication") == [passed] * 3
    process = "SignatureValidationReport/SignatureValidationProcess/SignatureValidationProcessID"
    assert set(texts(root, process)) == {"urn:etsi:019102:validationprocess:LTA"}
    objects = texts(root, "SignatureValidationObjects/ValidationObject/ObjectType")
    kinds = {found.removeprefix("urn:etsi:019102:validationObject:") for found in objects}
    assert kinds == {"signedData", "certificate", "CRL", "timestamp"}
    assert len(objects) == 1 + len(report.files[0].evidence)
    (anchor, *_) = root.iter(f"{VR}TrustAnchor")
    root_digest = hashlib.sha256(pki.certificate("root")).hexdigest()
    assert anchor.get("VOReference") == f"C-{root_digest}"


def test_the_best_signature_time_names_the_token_that_proves_it(pki: DevPki) -> None:
    root = read(reporting.judge_archive(pki))
    proofs = [found for found in root.iter(f"{VR}BestSignatureTime") if len(found) > 2]
    assert len(proofs) == 2  # nothing proves when the document time-stamp itself was made
    for proof in proofs:
        reference = proof.find(f"{VR}POEObject")
        (token,) = root.xpath(f"//*[@id='{reference.get('VOReference')}']")
        assert token.findtext(f"{VR}POEProvisioning/{VR}POETime") == proof.findtext(f"{VR}POETime")
        nested = f"{VR}ValidationReport/{VR}SignatureValidationStatus/{VR}MainIndication"
        assert token.findtext(nested) == "urn:etsi:019102:mainindication:passed"


def test_the_same_report_gives_the_same_bytes(pki: DevPki) -> None:
    report = reporting.judge_archive(pki)
    assert to_etsi_xml(report) == to_etsi_xml(report)


def test_every_question_stands_with_its_answer() -> None:
    root = read(judge((FAILED,), ND68, AT))
    second = root.findall(f"{VR}SignatureValidationReport")[1]
    answers = {
        found.findtext(f"{VR}ValidationConstraintIdentifier"): found.findtext(
            f"{VR}ValidationStatus/{VR}MainIndication"
        )
        for found in second.iter(f"{VR}ValidationConstraint")
    }
    assert answers["urn:edoc:check:digest"] == "urn:etsi:019102:mainindication:failed"
    assert answers["urn:edoc:check:chain"] == "urn:etsi:019102:mainindication:passed"
    sub = second.findtext(f"{VR}SignatureValidationStatus/{VR}SubIndication")
    assert sub == "urn:etsi:019102:subindication:HASH_FAILURE"


def test_a_revocation_tells_its_time(pki: DevPki) -> None:
    report = reporting.judge_archive(pki)
    (file,) = report.files
    revoked = dataclasses.replace(file.signatures[0], revoked_at=AT)
    root = read(
        dataclasses.replace(
            report, files=(dataclasses.replace(file, signatures=(revoked, *file.signatures[1:])),)
        )
    )
    (found,) = root.iter(f"{VR}RevocationStatusInformation")
    assert found.findtext(f"{VR}RevocationTime") == AT.isoformat()
    assert found.find(f"{VR}RevocationObject").get("VOReference").startswith("R-")


@pytest.mark.parametrize(
    ("algorithm", "digest", "uri"),
    [
        ("rsassa_pkcs1v15", "sha256", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
        ("rsassa_pkcs1v15", "sha1", "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
        ("rsassa_pss", "sha384", "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1"),
        ("ecdsa", "sha512", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"),
        ("ed25519", "sha512", "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519"),
        ("1.2.3 <x>", "odd", "urn:edoc:algorithm:1.2.3__x_-odd"),
    ],
)
def test_algorithms_have_their_uris(algorithm: str, digest: str, uri: str) -> None:
    facts = dataclasses.replace(GOOD, signature_algorithm=algorithm, digest_algorithm=digest)
    root = read(judge((dataclasses.replace(FINE, signatures=(facts,)),), ND68, AT))
    assert [found.text for found in root.iter(f"{VR}Algorithm")] == [uri]


def test_a_weak_algorithm_is_not_called_secure() -> None:
    weak = dataclasses.replace(GOOD, key_bits=1024)
    root = read(judge((dataclasses.replace(FINE, signatures=(weak,)), FINE), ND68, AT))
    assert [found.text for found in root.iter(f"{VR}SecureAlgorithm")] == ["false", "true"]


@pytest.mark.parametrize("file", [FINE, FAILED, UNSURE])
def test_any_judgement_has_a_sound_form(file: FileEvidence) -> None:
    read(judge((file, file), ND68, AT))


def test_a_path_that_was_not_found_has_no_anchor() -> None:
    lost = ChainFacts(at=AT, status=ChainStatus.NO_PATH, detail="no path.")
    root = read(
        judge((dataclasses.replace(FINE, signatures=(dataclasses.replace(GOOD, chain=lost),)),), ND68, AT)
    )
    assert not list(root.iter(f"{VR}TrustAnchor"))


def test_names_cannot_bring_markup_or_control_characters_along() -> None:
    hostile = dataclasses.replace(GOOD, field="<x>\x00\x1b[31m\u202e&amp;]]>")
    root = read(judge((dataclasses.replace(FINE, signatures=(hostile,)),), ND68, AT))
    (named,) = root.iter(f"{VR}DAIdentifier")
    assert named.text == "fine.pdf#<x>⟨U+0000⟩⟨U+001B⟩[31m⟨U+202E⟩&amp;]]>"


@pytest.mark.parametrize("file", [UNSIGNED, UNREADABLE])
def test_without_a_signature_there_is_nothing_to_write(file: FileEvidence) -> None:
    with pytest.raises(InputError, match="signatures"):
        to_etsi_xml(judge((file,), ND68, AT))
