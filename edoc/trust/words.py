"""Put certificates, CRLs, OCSP answers and time-stamp tokens into words, for people and for reports.

Rules: what cannot be read has no words but its digest; nothing here says that anything is true. The words of
the same bytes are found once.
"""

import hashlib
from typing import Any, Final

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509

from edoc.core.exhibit import Words
from edoc.core.verdicts import EvidenceKind
from edoc.trust.certificates import MALFORMED
from edoc.trust.memory import remembered

MAX_SERIAL_NUMBERS: Final = 64
"""Certificates of one OCSP answer that are named; deployed responders name one."""


@remembered(entries=4096, total_bytes=64 << 20)
def put_into_words(kind: EvidenceKind, der: bytes) -> Words:
    """Say what DER of that kind is; never raises."""
    sha256 = hashlib.sha256(der).hexdigest()
    read = _READERS.get(kind)
    if read is None:  # a token: its words are those of its authority's certificate
        return Words(kind=kind, sha256=sha256)
    try:
        return read(der, sha256)
    except MALFORMED:
        return Words(kind=kind, sha256=sha256)


def _read_certificate(der: bytes, sha256: str) -> Words:
    found = x509.Certificate.load(der, strict=True)
    subject = found.subject.human_friendly
    return Words(
        kind=EvidenceKind.CERTIFICATE,
        sha256=sha256,
        name=_shorten(found.subject) or subject,
        subject=subject,
        issuer=found.issuer.human_friendly,
        serial_numbers=(str(found.serial_number),),
    )


def _read_crl(der: bytes, sha256: str) -> Words:
    # Only its head: a list may have a million entries.
    body = asn1_crl.CertificateList.load(der)["tbs_cert_list"]
    issuer = body["issuer"]
    return Words(
        kind=EvidenceKind.CRL,
        sha256=sha256,
        name=_shorten(issuer) or issuer.human_friendly,
        issuer=issuer.human_friendly,
        this_update=body["this_update"].native,
        next_update=body["next_update"].native,
    )


def _read_ocsp(der: bytes, sha256: str) -> Words:
    response = asn1_ocsp.OCSPResponse.load(der)
    basic = response.basic_ocsp_response
    data = basic["tbs_response_data"]
    answers = list(data["responses"])[:MAX_SERIAL_NUMBERS]
    named = data["responder_id"]
    responder, short = _name_responder(named, basic["certs"])
    return Words(
        kind=EvidenceKind.OCSP,
        sha256=sha256,
        name=short or responder,
        issuer=responder,
        serial_numbers=tuple(str(one["cert_id"]["serial_number"].native) for one in answers),
        this_update=answers[0]["this_update"].native if answers else None,
        next_update=answers[0]["next_update"].native if answers else None,
    )


def _name_responder(named: Any, certificates: Any) -> tuple[str, str]:
    """The whole name and the common name of who answered; by its certificate where only its key is named."""
    if named.name == "by_name":
        return named.chosen.human_friendly, _shorten(named.chosen)
    for certificate in certificates if certificates.native is not None else ():
        if certificate.public_key.sha1 == named.chosen.native:
            return certificate.subject.human_friendly, _shorten(certificate.subject)
    return f"key {named.chosen.native.hex()}", ""


def _shorten(name: Any) -> str:
    """The most specific common name."""
    found = [
        attribute["value"].native
        for relative in name.chosen
        for attribute in relative
        if attribute["type"].dotted == "2.5.4.3"
    ]
    return found[-1] if found and isinstance(found[-1], str) else ""


_READERS: Final = {
    EvidenceKind.CERTIFICATE: _read_certificate,
    EvidenceKind.CRL: _read_crl,
    EvidenceKind.OCSP: _read_ocsp,
}
