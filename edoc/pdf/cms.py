"""Read the CMS inside a PDF signature: does its digest match, does its cryptography hold, what came along.

    facts = read_cms(contents, digest)

The old `adbe.x509.rsa_sha1` is read by `cmsbare`, a CMS in a file of its own by `cmsloose`.
Rules: a signature holds or it does not; what this machine cannot compute is neither (`None`). Signed
attributes that are not DER never hold (RFC 5652, 5.3). Trust is judged elsewhere. Serves TT 15/2025
Art 6 (the signature matches the certificate's public key; digests are equal).
"""

from dataclasses import replace
from typing import Final, NamedTuple

from edoc.core.evidence import Fault, SignatureFacts, TimestampFacts
from edoc.core.verdicts import SignatureType
from edoc.pdf.cmsder import Malformed
from edoc.pdf.cmsfacts import CmsFacts, Digest
from edoc.pdf.cmsnames import TST_INFO, compute_digest
from edoc.pdf.cmsparts import (
    SignedData,
    SignerInfo,
    list_values,
    read_signed_data,
    read_signer_info,
    read_unsigned,
)
from edoc.pdf.cmssigner import judge_signer

__all__ = ["CmsFacts", "Digest", "as_signature", "as_timestamp", "read_cms", "read_token"]

_MAX_TOKENS: Final = 8
"""Time-stamps of one signature that are looked at."""


class _Stamped(NamedTuple):
    """A signature's time-stamp, and what came along with it."""

    facts: TimestampFacts | None = None
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()


def read_cms(contents: bytes, digest: Digest | None, *, over_sha1: bool = False) -> CmsFacts:
    """Read a signature's CMS (DER or BER) and check it against the signed bytes.

    `digest` is None if the signed bytes are not at hand. `over_sha1` is the old `adbe.pkcs7.sha1`, which
    signs the SHA-1 of the bytes. Raises `ValueError` on bytes that are no CMS.
    """
    data = read_signed_data(contents)
    judged = [_judge(data, read_signer_info(part), digest, over_sha1=over_sha1) for part in data.signers]
    if len(judged) == 1:
        return judged[0]
    worst = min(judged, key=lambda facts: (facts.digest_matches is True) + (facts.signature_holds is True))
    listed = ", ".join("intact" if facts.intact else "not intact" for facts in judged)
    fault = Fault(code="SEVERAL_SIGNERS", detail=f"{len(judged)} SignerInfo: {listed}")
    return replace(worst, faults=(*worst.faults, fault), signers=tuple(judged))


def _judge(data: SignedData, info: SignerInfo, digest: Digest | None, *, over_sha1: bool) -> CmsFacts:
    facts = judge_signer(data, info, digest, over_sha1=over_sha1)
    if facts.is_token or info.unsigned is None:
        return facts
    stamped = _find_stamp(info, data.certificates)
    return replace(
        facts,
        timestamp=stamped.facts,
        crls=(*facts.crls, *stamped.crls),
        ocsps=(*facts.ocsps, *stamped.ocsps),
    )


def _find_stamp(info: SignerInfo, known: tuple[bytes, ...]) -> _Stamped:
    """The earliest sound signature time-stamp, else the first of any; None if there is none."""
    tokens = list_values(read_unsigned(info), "signature_time_stamp_token", limit=_MAX_TOKENS)
    read = [_read_token(token.raw, info.signature, known) for token in tokens]
    sound = [
        (each.facts.time, place)
        for place, each in enumerate(read)
        if each.facts and each.facts.intact and each.facts.time
    ]
    return read[min(sound)[1]] if sound else next(iter(read), _Stamped())


def read_token(contents: bytes, stamped: bytes) -> TimestampFacts:
    """Read a time-stamp token on the bytes `stamped`. Whatever is wrong with it becomes its fault."""
    return _read_token(contents, stamped, ()).facts or TimestampFacts()


def _read_token(contents: bytes, stamped: bytes, known: tuple[bytes, ...]) -> _Stamped:
    try:
        data = read_signed_data(contents)
        if data.content_type != TST_INFO:
            return _Stamped(TimestampFacts(fault="it is not a time-stamp token"))
        if len(data.signers) != 1:
            raise Malformed("a time-stamp has one signer")  # RFC 3161, 2.4.2
        facts = judge_signer(
            data,
            read_signer_info(data.signers[0]),
            lambda algorithm: compute_digest(algorithm, stamped),
            known=known,
        )
    except ValueError as error:
        return _Stamped(TimestampFacts(fault=f"it cannot be read: {error}"))
    return _Stamped(as_timestamp(facts), facts.crls, facts.ocsps)


def as_timestamp(facts: CmsFacts) -> TimestampFacts:
    """The same facts, seen as a time-stamp."""
    mistaken = any(fault.code == "SIGNING_CERTIFICATE_MISMATCH" for fault in facts.faults)
    intact = facts.is_token and facts.intact and not mistaken
    fault = "" if intact else "its imprint or its signature does not hold"
    if facts.digest_matches is None and facts.signature_holds:
        fault = "what it stamps is not at hand"
    elif None in {facts.digest_matches, facts.signature_holds}:
        fault = "it cannot be computed"
    if not facts.is_token:
        fault = "it is not a time-stamp token"
    elif mistaken:
        fault = "it was signed with another certificate than it says"
    return TimestampFacts(
        time=facts.token_time,
        intact=intact,
        certificate=facts.certificate,
        others=facts.others,
        fault=fault,
        token=facts.raw,
        digest_algorithm=facts.digest_algorithm,
        signature_algorithm=facts.signature_algorithm,
        key_bits=facts.key_bits,
    )


def as_signature(facts: CmsFacts, field: str) -> SignatureFacts:
    """The same facts, seen as a signature, or as a document time-stamp if it is a token."""
    return SignatureFacts(
        field=field,
        type=SignatureType.DOCUMENT_TIMESTAMP if facts.is_token else SignatureType.SIGNATURE,
        digest_algorithm=facts.digest_algorithm,
        signature_algorithm=facts.signature_algorithm,
        key_bits=facts.key_bits,
        value=facts.value,
        digest_matches=facts.digest_matches,
        signature_holds=facts.signature_holds,
        certificate=facts.certificate,
        others=facts.others,
        crls=facts.crls,
        ocsps=facts.ocsps,
        claimed_time=facts.token_time if facts.is_token else facts.signing_time,
        timestamp=as_timestamp(facts) if facts.is_token else facts.timestamp,
        faults=facts.faults,
    )
