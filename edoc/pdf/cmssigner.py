"""Judge one signer of a CMS: does the digest match, does the signature hold, who made it, what came along.

Rules: what is signed is the attributes' own content as a SET OF (RFC 5652, 5.4), or the content itself where
there are none; 'broken' is said only after a second implementation agrees; what cannot be computed is `None`.
Attributes that nobody signed are material (a time-stamp, certificates, revocation data), never facts.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from edoc.core.evidence import Fault
from edoc.pdf.cmsattributes import (
    Bag,
    find_malformed,
    is_der,
    is_identified,
    is_issuer_named,
    is_referenced,
    read_message_digest,
    read_references,
)
from edoc.pdf.cmsder import SET, Malformed, write
from edoc.pdf.cmsfacts import CmsFacts, Digest
from edoc.pdf.cmskeys import Algorithm, Key, check_signature, load_key, read_algorithm, recover_digest
from edoc.pdf.cmsmaterial import collect_certificates, collect_revocation, name_algorithm, read_signing_time
from edoc.pdf.cmsnames import DATA, TST_INFO, compute_digest, find_weakest, name_digest
from edoc.pdf.cmsparts import (
    Certificate,
    SignedData,
    SignerInfo,
    read_attributes,
    read_certificate,
    read_unsigned,
)
from edoc.pdf.cmssecond import contradicts
from edoc.pdf.cmstokens import Stamp, read_stamp

_MAX_DETAIL: Final = 300
_MAX_CERTIFICATES: Final = 256
"""Certificates among which the signer's is looked for."""
_FATAL: Final = frozenset({"CMS_MALFORMED", "ATTRIBUTES_NOT_DER"})
"""Faults of form that no arithmetic heals."""


@dataclass(slots=True)
class _Signer:
    """One signer while being judged."""

    data: SignedData
    info: SignerInfo
    signed: Bag
    unsigned: Bag
    digest: Digest | None
    over_sha1: bool
    known: tuple[bytes, ...]
    digest_name: str
    stamp: Stamp | None
    algorithm: Algorithm | None = None
    certificate: Certificate | None = None
    key: Key | None = None
    matches: bool | None = None
    holds: bool | None = None
    faults: list[Fault] = field(default_factory=list)

    def note(self, fault: Fault) -> None:
        """Write a fault down."""
        self.faults.append(replace(fault, detail=fault.detail[:_MAX_DETAIL]))


def judge_signer(
    data: SignedData,
    info: SignerInfo,
    digest: Digest | None,
    *,
    over_sha1: bool = False,
    known: tuple[bytes, ...] = (),
) -> CmsFacts:
    """Everything about one SignerInfo but its time-stamps.

    `digest` is None if the signed bytes are not at hand; `known` are certificates from elsewhere that may be
    the signer's. Raises `Malformed` if it cannot be taken apart.
    """
    signer = _open(data, info, digest, over_sha1=over_sha1, known=known)
    _check_form(signer)
    _choose_certificate(signer)
    for check in (_check_digest, _check_signature):
        try:
            check(signer)
        except NotImplementedError as error:
            signer.note(Fault(code="ALGORITHM_UNSUPPORTED", detail=str(error)))
        except ValueError as error:
            signer.note(Fault(code="CMS_MALFORMED", detail=str(error)))
    if any(fault.code in _FATAL for fault in signer.faults):
        signer.holds = False
    return _tell(signer)


def _open(
    data: SignedData, info: SignerInfo, digest: Digest | None, *, over_sha1: bool, known: tuple[bytes, ...]
) -> _Signer:
    oid, *parameters = info.digest_algorithm.parts
    token = data.content_type == TST_INFO
    if token and data.content is None:
        raise Malformed("a time-stamp token without content")
    return _Signer(
        data=data,
        info=info,
        signed=read_attributes(info.signed),
        unsigned=read_unsigned(info),
        digest=digest,
        over_sha1=over_sha1 and not token,
        known=known,
        digest_name=name_digest(oid.content, parameters[0] if parameters else None),
        stamp=read_stamp(data.content) if token and data.content is not None else None,
    )


def _check_form(signer: _Signer) -> None:
    """What must be so whatever was signed (RFC 5652, 5 and 11; EN 319 142-1, 5.2)."""
    content = signer.data.content
    expected = TST_INFO if signer.stamp else DATA
    if signer.data.content_type != expected:
        signer.note(Fault(code="CMS_MALFORMED", detail="the content is of another type than data"))
    if signer.info.signed is not None:
        for sentence in find_malformed(signer.signed, signer.info, signer.data.content_type):
            signer.note(Fault(code="CMS_MALFORMED", detail=sentence))
        if not is_der(signer.info.signed, signer.signed):
            signer.note(Fault(code="ATTRIBUTES_NOT_DER"))
    if signer.over_sha1 and content is None:
        signer.note(Fault(code="CMS_MALFORMED", detail="adbe.pkcs7.sha1 without the digest inside"))
    elif content is not None and signer.stamp is None and not signer.over_sha1:
        empty = Fault(code="CONTENT_EMPTY_ENCAPSULATED")
        signer.note(Fault(code="CONTENT_ENCAPSULATED") if content else empty)
    if signer.data.trailing:
        signer.note(Fault(code="CMS_TRAILING_BYTES", detail=f"{len(signer.data.trailing)} bytes"))


def _choose_certificate(signer: _Signer) -> None:
    """The certificate that the SignerInfo names and that the signed reference fits (EN 319 102-1, 5.2.3)."""
    pool = list(_read_pool((*signer.data.certificates, *signer.known)))
    named = [certificate for certificate in pool if is_identified(signer.info, certificate)]
    try:
        references = read_references(signer.signed)
        fitting = [each for each in pool if is_referenced(each, references)] if references else named
    except ValueError as error:
        signer.note(Fault(code="SIGNING_CERTIFICATE_MISMATCH", detail=str(error)))
        references, fitting = [], named
    except NotImplementedError as error:
        signer.note(Fault(code="ALGORITHM_UNSUPPORTED", detail=str(error)))
        references, fitting = [], named
    both = next((each for each in named if each in fitting), None)
    signer.certificate = both or next(iter(fitting or named), None)
    if signer.certificate is None:
        signer.note(Fault(code="NO_SIGNER_CERTIFICATE"))
    elif signer.certificate not in fitting:
        signer.note(Fault(code="SIGNING_CERTIFICATE_MISMATCH", detail="its digest is another one"))
    elif both is None or not is_issuer_named(both, references):
        signer.note(Fault(code="SIGNER_NAMED_OTHERWISE"))


def _read_pool(certificates: Iterable[bytes]) -> Iterable[Certificate]:
    for der in islice(certificates, _MAX_CERTIFICATES):
        try:
            yield read_certificate(der)
        except ValueError:
            continue


def _check_digest(signer: _Signer) -> None:
    """Whether the signed bytes are those at hand, as far as attributes or an imprint tell."""
    answers: list[bool | None] = []
    if signer.stamp is not None:
        at_hand = None if signer.digest is None else signer.digest(signer.stamp.digest)
        answers.append(None if at_hand is None else at_hand == signer.stamp.imprint)
    elif signer.over_sha1:
        at_hand = None if signer.digest is None else signer.digest("sha1")
        answers.append(None if at_hand is None else at_hand == signer.data.content)
    if signer.info.signed is not None:
        content = _digest_content(signer, signer.digest_name)
        answers.append(None if content is None else content == read_message_digest(signer.signed))
    signer.matches = False if False in answers else None if None in answers or not answers else True


def _digest_content(signer: _Signer, algorithm: str) -> bytes | None:
    """The digest of what the CMS signs; None if it is not at hand."""
    if signer.stamp is not None or signer.over_sha1:
        return compute_digest(algorithm, signer.data.content or b"")
    return None if signer.digest is None else signer.digest(algorithm)


def _check_signature(signer: _Signer) -> None:
    signer.algorithm = read_algorithm(signer.info.signature_algorithm, signer.digest_name)
    if signer.algorithm.digest != signer.digest_name:
        signer.note(Fault(code="DIGESTS_DIFFER", detail=f"{signer.digest_name}, {signer.algorithm.digest}"))
    if signer.certificate is None:
        return
    signer.key = load_key(signer.certificate.key_info)
    if signer.info.signed is not None:
        message = write(SET, signer.info.signed.content)
        digest = compute_digest(signer.algorithm.digest, message)
        signer.holds = check_signature(signer.key, signer.algorithm, signer.info.signature, digest, message)
    else:
        _check_direct(signer, signer.key, signer.algorithm)
    if signer.holds is False and contradicts(
        signer.info.raw,
        signer.certificate.der,
        token=signer.stamp is not None,
        digest=_digest_content(signer, signer.digest_name),
    ):
        signer.holds = None
        signer.note(Fault(code="IMPLEMENTATIONS_DISAGREE"))


def _check_direct(signer: _Signer, key: Key, algorithm: Algorithm) -> None:
    """A signature over the content itself: the digest that was signed is told apart only by PKCS #1 v1.5."""
    digest = _digest_content(signer, algorithm.digest)
    if digest is None:
        return
    inside = signer.stamp is not None or signer.over_sha1
    signature = signer.info.signature
    signer.holds = check_signature(key, algorithm, signature, digest, signer.data.content if inside else None)
    if not signer.holds and algorithm.scheme.name == "rsassa_pkcs1v15":
        name, _ = recover_digest(key, signature)
        signer.holds = name == algorithm.digest
        signer.matches = False if signer.holds else signer.matches
    elif signer.holds and not inside:
        signer.matches = True


def _tell(signer: _Signer) -> CmsFacts:
    data, certificate = signer.data, signer.certificate
    der = None if certificate is None else certificate.der
    crls, ocsps = collect_revocation(data, signer.signed, signer.unsigned)
    digests = (
        signer.digest_name,
        *((signer.algorithm.digest,) if signer.algorithm else ()),
        *(("sha1",) if signer.over_sha1 else ()),
        *((signer.stamp.digest,) if signer.stamp else ()),
    )
    others = (*data.certificates, *collect_certificates(signer.unsigned))
    return CmsFacts(
        is_token=signer.stamp is not None,
        digest_matches=signer.matches,
        signature_holds=signer.holds,
        digest_algorithm=find_weakest(digests),
        signature_algorithm=name_algorithm(signer.info.signature_algorithm),
        key_bits=signer.key.bits if signer.key else 0,
        value=signer.info.signature,
        raw=data.raw,
        certificate=der,
        others=tuple(other for other in others if other != der),
        crls=crls,
        ocsps=ocsps,
        signing_time=read_signing_time(signer.signed),
        attributes=frozenset(signer.signed),
        token_time=signer.stamp.time if signer.stamp else None,
        faults=tuple(dict.fromkeys(signer.faults)),
    )
