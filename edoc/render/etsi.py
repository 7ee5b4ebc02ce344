"""Write a verification report as XML of ETSI TS 119 102-2 (V1.2.1), for other validation services.

    Path("report.xml").write_bytes(to_etsi_xml(report))

One `SignatureValidationReport` for each signature of each file, and the evidence once, by its digest. Rules:
elements stand in the order of the schema; an identifier is made of digests, so the same report gives the same
bytes; what a document or certificate says is text, never markup. An unsigned or unreadable file has no place
in this format, and a report on nothing else raises `InputError`.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from lxml import etree

from edoc.core.particulars import CertificateReport, StageReport, StampReport
from edoc.core.report import (
    FileReport,
    Indication,
    Level,
    Report,
    SignatureReport,
    SignatureType,
    SubIndication,
    TimeSource,
)
from edoc.core.verdicts import EvidenceKind, StageResult
from edoc.errors import InputError
from edoc.render.taming import tame

NAMESPACE: Final = "http://uri.etsi.org/19102/v1.2.1#"
"""Of TS 119 102-2."""
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"
_NAMES: Final = {"vr": NAMESPACE, "ds": _DS, "XAdES": _XADES}
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_URN: Final = "urn:etsi:019102"
_APPLIED: Final = f"{_URN}:constraintStatus:applied"
_DISABLED: Final = f"{_URN}:constraintStatus:disabled"
_DERIVED: Final = f"{_URN}:poetype:validation"
_CHECK: Final = "urn:edoc:check"
"""What our own questions are named by."""
_OBJECTS: Final = {
    EvidenceKind.CERTIFICATE: ("C", f"{_URN}:validationObject:certificate"),
    EvidenceKind.CRL: ("R", f"{_URN}:validationObject:CRL"),
    EvidenceKind.OCSP: ("O", f"{_URN}:validationObject:OCSPResponse"),
    EvidenceKind.TIME_STAMP: ("T", f"{_URN}:validationObject:timestamp"),
}
_SIGNED_DATA: Final = f"{_URN}:validationObject:signedData"
_MAIN: Final = {
    Indication.TOTAL_PASSED: "total-passed",
    Indication.TOTAL_FAILED: "total-failed",
    Indication.INDETERMINATE: "indeterminate",
}
_PARTIAL: Final = {
    Indication.TOTAL_PASSED: "passed",
    Indication.TOTAL_FAILED: "failed",
    Indication.INDETERMINATE: "indeterminate",
}
"""What is judged as a part of something else never is `total-`."""
_RSA: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-{digest}"
_ALGORITHMS: Final = {
    "rsassa_pkcs1v15": _RSA,
    "rsassa_pss": "http://www.w3.org/2007/05/xmldsig-more#{digest}-rsa-MGF1",
    "ecdsa": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-{digest}",
    "dsa": "http://www.w3.org/2009/xmldsig11#dsa-{digest}",
    "ed25519": "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
    "ed448": "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed448",
}
_SHA1: Final = {
    "rsassa_pkcs1v15": f"{_DS}rsa-sha1",
    "dsa": f"{_DS}dsa-sha1",
}
"""The old ones have names of their own."""
_NOT_URI: Final = re.compile(r"[^A-Za-z0-9._-]")
_MAX_TEXT: Final = 2000

_Element = etree._Element  # noqa: SLF001 - the type has no public name


def to_etsi_xml(report: Report) -> bytes:
    """The report as a `ValidationReport`, UTF-8. Raises `InputError` if nothing in it is signed."""
    files = list(_list_files(report.files))
    signed = [(file, signature) for file in files for signature in file.signatures]
    if not signed:
        raise InputError(
            "a report of ETSI TS 119 102-2 is about signatures, and there are none.",
            advice="Write this report as JSON or HTML.",
        )
    root = etree.Element(f"{{{NAMESPACE}}}ValidationReport", nsmap=_NAMES)
    for number, (file, signature) in enumerate(signed, 1):
        place = _add(root, "SignatureValidationReport")
        _write_signature(place, report, file, signature, number)
    _write_objects(_add(root, "SignatureValidationObjects"), report, files)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _list_files(files: Iterable[FileReport]) -> Iterator[FileReport]:
    for file in files:
        yield file
        yield from _list_files(file.inside)


def _add(parent: _Element, name: str, text: str | None = None, **attributes: str) -> _Element:
    """Add an element of the report's namespace, or of another by its prefix."""
    prefix, _, local = name.rpartition(":")
    element = etree.SubElement(parent, f"{{{_NAMES[prefix or 'vr']}}}{local}", attributes)
    if text is not None:
        element.text = tame(text, _MAX_TEXT)
    return element


def _write_signature(
    place: _Element, report: Report, file: FileReport, signature: SignatureReport, number: int
) -> None:
    """Everything on one signature, in the schema's order."""
    identity = f"S-{number}-{signature.sha256 or 'unread'}"
    _write_identifier(_add(place, "SignatureIdentifier", id=identity), file, signature)
    _write_constraints(_add(place, "ValidationConstraintsEvaluationReport"), report, signature)
    _write_times(_add(place, "ValidationTimeInfo"), report, file, signature)
    if file.sha256 is not None:
        document = _add(place, "SignersDocument")
        _write_digest(_add(document, "DigestAlgAndValue"), file.sha256)
        _refer(document, "SignersDocumentRef", f"D-{file.sha256}")
    _write_attributes(place, signature)
    if signature.certificates:
        signer = _add(place, "SignerInformation")
        _refer(signer, "SignerCertificate", _name_certificate(signature.certificates[0]))
        _add(signer, "Signer", signature.certificates[0].subject)
    process = _add(place, "SignatureValidationProcess")
    _add(process, "SignatureValidationProcessID", f"{_URN}:validationprocess:{_name_process(signature)}")
    status = _add(place, "SignatureValidationStatus")
    _write_status(status, _MAIN[signature.indication], signature.sub_indication)
    _write_data(_add(status, "AssociatedValidationReportData"), signature, identity)


def _write_identifier(place: _Element, file: FileReport, signature: SignatureReport) -> None:
    if signature.value:
        place.append(_make_value(signature.value))
    _add(place, "HashOnly", "false")
    _add(place, "DocHashOnly", "false")
    _add(place, "DAIdentifier", f"{file.path}#{signature.field}")


def _make_value(value: bytes) -> _Element:
    element = etree.Element(f"{{{_DS}}}SignatureValue")
    element.text = base64.b64encode(value).decode()
    return element


def _write_constraints(place: _Element, report: Report, signature: SignatureReport) -> None:
    """The policy, and each question with its answer."""
    policy = _add(place, "SignatureValidationPolicy")
    identifier = _add(_add(policy, "SignaturePolicyIdentifier"), "XAdES:SignaturePolicyId")
    named = _add(identifier, "XAdES:SigPolicyId")
    _add(named, "XAdES:Identifier", f"urn:edoc:policy:{_NOT_URI.sub('_', report.policy_name)}")
    _write_digest(_add(identifier, "XAdES:SigPolicyHash"), report.policy_sha256)
    _add(policy, "PolicyName", report.policy_name)
    for stage in signature.stages:
        _write_stage(_add(place, "ValidationConstraint"), stage)


def _write_stage(place: _Element, stage: StageReport) -> None:
    _add(place, "ValidationConstraintIdentifier", f"{_CHECK}:{stage.check}")
    status = _add(place, "ConstraintStatus")
    _add(status, "Status", _APPLIED if stage.result else _DISABLED)
    if stage.result is not None:
        _write_status(_add(place, "ValidationStatus"), _STAGES[stage.result], None)
    _add(place, "Indications", " ".join((stage.block, *stage.codes)))


_STAGES: Final = {
    StageResult.PASSED: "passed",
    StageResult.FAILED: "failed",
    StageResult.INDETERMINATE: "indeterminate",
}


def _write_times(place: _Element, report: Report, file: FileReport, signature: SignatureReport) -> None:
    _add(place, "ValidationTime", report.validation_time.isoformat())
    best = _add(place, "BestSignatureTime")
    _add(best, "POETime", (signature.best_time or report.validation_time).isoformat())
    _add(best, "TypeOfProof", _DERIVED)
    if (token := _find_proof(file, signature)) is not None:
        _refer(best, "POEObject", f"T-{token}")


def _find_proof(file: FileReport, signature: SignatureReport) -> str | None:
    """The token that proves the best signature time."""
    stamps: Iterable[StampReport] = ()
    if signature.time_source is TimeSource.SIGNATURE_TIMESTAMP:
        stamps = signature.time_stamps
    elif signature.time_source is TimeSource.DOCUMENT_TIMESTAMP:
        stamping = (s for s in file.signatures if s.type is SignatureType.DOCUMENT_TIMESTAMP)
        stamps = (stamp for found in stamping for stamp in found.time_stamps)
    return next((stamp.sha256 for stamp in stamps if stamp.time == signature.best_time), None)


def _write_attributes(place: _Element, signature: SignatureReport) -> None:
    attributes = etree.Element(f"{{{NAMESPACE}}}SignatureAttributes")
    stamped = signature.type is SignatureType.DOCUMENT_TIMESTAMP
    if signature.claimed_time is not None and not stamped:
        _add(_add(attributes, "SigningTime"), "Time", signature.claimed_time.isoformat())
    for stamp in signature.time_stamps:
        if stamp.time is not None:
            found = _add(attributes, "DocTimeStamp" if stamped else "SignatureTimeStamp")
            if stamp.sha256:
                _refer(found, "AttributeObject", f"T-{stamp.sha256}")
            _add(found, "TimeStampValue", stamp.time.isoformat())
    if signature.subfilter:
        _add(_add(attributes, "SubFilter"), "SubFilterElement", signature.subfilter)
    if len(attributes):
        place.append(attributes)


def _name_process(signature: SignatureReport) -> str:
    """EN 319 102-1: basic (5.3), with time or long-term material (5.5), with archival data (5.6)."""
    if signature.level in {Level.PADES_B_LTA, Level.DOC_TIMESTAMP}:
        return "LTA"
    proven = signature.time_source is not TimeSource.VALIDATION_TIME
    return "LTVM" if proven or signature.level in {Level.PADES_B_T, Level.PADES_B_LT} else "Basic"


def _write_status(place: _Element, main: str, sub: SubIndication | None) -> None:
    _add(place, "MainIndication", f"{_URN}:mainindication:{main}")
    if sub is not None:
        _add(place, "SubIndication", f"{_URN}:subindication:{sub}")


def _write_data(place: _Element, signature: SignatureReport, identity: str) -> None:
    """What the status rests on: path, revocation data, algorithm, and every message."""
    path = signature.certificates
    if path:
        _write_path(_add(place, "CertificateChain"), path)
    for found in signature.revocation:
        _refer(place, "RelatedValidationObject", f"{_OBJECTS[found.kind][0]}-{found.sha256}")
    for stamp in signature.time_stamps:
        if stamp.sha256:
            _refer(place, "RelatedValidationObject", f"T-{stamp.sha256}")
    if signature.revoked_at is not None and path:
        revoked = _add(place, "RevocationStatusInformation")
        _write_revocation(revoked, signature, signature.revoked_at)
    if signature.signature_algorithm:
        crypto = _add(place, "CryptoInformation")
        _refer(crypto, "ValidationObjectId", identity)
        _add(crypto, "Algorithm", name_algorithm(signature))
        weak = any(message.code.startswith("ALGORITHM_") for message in signature.messages)
        _add(crypto, "SecureAlgorithm", "false" if weak else "true")
    additional = _add(place, "AdditionalValidationReportData") if signature.messages else place
    for message in signature.messages:
        data = _add(additional, "ReportData")
        _add(data, "Type", f"urn:edoc:message:{message.code}")
        _add(data, "Value", f"{message.text_vi} ({message.text})")


def _write_path(place: _Element, path: tuple[CertificateReport, ...]) -> None:
    """The last one is the anchor if it stands by itself."""
    anchored = len(path) > 1 and path[-1].subject == path[-1].issuer
    _refer(place, "SigningCertificate", _name_certificate(path[0]))
    for certificate in path[1:-1] if anchored else path[1:]:
        _refer(place, "IntermediateCertificate", _name_certificate(certificate))
    if anchored:
        _refer(place, "TrustAnchor", _name_certificate(path[-1]))


def _write_revocation(place: _Element, signature: SignatureReport, time: datetime) -> None:
    """The statement that decided stands last; without it the signer's certificate is meant."""
    last = signature.revocation[-1] if signature.revocation else None
    revoked = last.certificates[0] if last and last.certificates else signature.certificates[0].sha256
    _refer(place, "ValidationObjectId", f"C-{revoked}")
    _add(place, "RevocationTime", time.isoformat())
    if last is not None:
        _refer(place, "RevocationObject", f"{_OBJECTS[last.kind][0]}-{last.sha256}")


def name_algorithm(signature: SignatureReport) -> str:
    """The URI of a signature's algorithm (RFC 9231); one of our own for what has none."""
    name, digest = signature.signature_algorithm, signature.digest_algorithm
    if digest == "sha1" and name in _SHA1:
        return _SHA1[name]
    if name in _ALGORITHMS and re.fullmatch(r"sha\d[\d-]*", digest):
        return _ALGORITHMS[name].format(digest=digest.replace("_", "-"))
    return f"urn:edoc:algorithm:{_NOT_URI.sub('_', f'{name}-{digest}')}"


def _write_objects(place: _Element, report: Report, files: list[FileReport]) -> None:
    """The files and every piece of evidence, each once."""
    stamps = {stamp.sha256: stamp for stamp in _list_stamps(files)}
    for sha256 in dict.fromkeys(file.sha256 for file in files if file.sha256 and file.signatures):
        _write_object(place, f"D-{sha256}", _SIGNED_DATA, sha256, report)
    pieces = {(piece.kind, piece.sha256): piece for file in files for piece in file.evidence}
    for piece in pieces.values():
        prefix, kind = _OBJECTS[piece.kind]
        element = _write_object(place, f"{prefix}-{piece.sha256}", kind, piece.sha256, report)
        if piece.kind is EvidenceKind.TIME_STAMP and piece.sha256 in stamps:
            _write_stamp(element, stamps[piece.sha256])


def _list_stamps(files: list[FileReport]) -> Iterator[StampReport]:
    for file in files:
        for signature in file.signatures:
            yield from signature.time_stamps


def _write_object(place: _Element, identity: str, kind: str, sha256: str, report: Report) -> _Element:
    element = _add(place, "ValidationObject", id=identity)
    _add(element, "ObjectType", kind)
    represented = _add(element, "ValidationObjectRepresentation")
    _write_digest(_add(represented, "DigestAlgAndValue"), sha256)
    proof = _add(element, "POE")
    _add(proof, "POETime", report.validation_time.isoformat())
    _add(proof, "TypeOfProof", _DERIVED)
    return element


def _write_stamp(element: _Element, stamp: StampReport) -> None:
    """What a time-stamp proves, and whether it may."""
    if stamp.time is not None:
        _add(_add(element, "POEProvisioning"), "POETime", stamp.time.isoformat())
    status = _add(_add(element, "ValidationReport"), "SignatureValidationStatus")
    _write_status(status, _PARTIAL[stamp.indication], stamp.sub_indication)
    if stamp.certificates:
        data = _add(status, "AssociatedValidationReportData")
        path = _add(data, "CertificateChain")
        _refer(path, "SigningCertificate", f"C-{stamp.certificates[0]}")
        for sha256 in stamp.certificates[1:]:
            _refer(path, "IntermediateCertificate", f"C-{sha256}")


def _write_digest(place: _Element, sha256: str) -> None:
    _add(place, "ds:DigestMethod", Algorithm=_SHA256)
    _add(place, "ds:DigestValue", base64.b64encode(bytes.fromhex(sha256)).decode())


def _refer(place: _Element, name: str, identity: str) -> None:
    _add(place, name, VOReference=identity)


def _name_certificate(certificate: CertificateReport) -> str:
    return f"C-{certificate.sha256}"
