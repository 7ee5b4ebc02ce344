"""What came along in a CMS for later use: certificates, revocation data, a claimed time, names."""

from datetime import datetime
from typing import Final

from edoc.pdf.cmsattributes import Bag
from edoc.pdf.cmsder import SEQUENCE, Part, decode_oid
from edoc.pdf.cmsnames import SCHEMES
from edoc.pdf.cmsparts import SignedData, list_values, read_archive, wrap_answer
from edoc.pdf.cmstokens import read_time

_MAX_MATERIAL: Final = 256
"""Certificates, lists or answers of one attribute."""


def collect_revocation(
    data: SignedData, signed: Bag, unsigned: Bag
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """CRLs and OCSP answers (DER) wherever a CMS can carry them: whoever signed them vouches for them."""
    crls, ocsps = list(data.crls), list(data.ocsps)
    for bag in (signed, unsigned):
        for value in list_values(bag, "adobe_revocation_info_archival"):
            found, answers = _read_quietly(value)
            crls += found
            ocsps += answers
        for value in list_values(bag, "revocation_values"):
            found, answers = _read_quietly(value)
            crls += found
            ocsps += map(wrap_answer, answers)
    return tuple(dict.fromkeys(crls[:_MAX_MATERIAL])), tuple(dict.fromkeys(ocsps[:_MAX_MATERIAL]))


def _read_quietly(value: Part) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """What cannot be read is no evidence."""
    try:
        return read_archive(value)
    except ValueError:
        return (), ()


def collect_certificates(unsigned: Bag) -> list[bytes]:
    """Certificates (DER) that a CAdES-X-L signature keeps beside it."""
    found: list[bytes] = []
    for value in list_values(unsigned, "certificate_values"):
        try:
            found += [part.raw for part in value.expect(SEQUENCE).parts if part.tag == SEQUENCE]
        except ValueError:
            continue
    return found[:_MAX_MATERIAL]


def read_signing_time(signed: Bag) -> datetime | None:
    """The time that the signer claims; None if none is claimed in a way that can be read."""
    for value in list_values(signed, "signing_time", limit=1):
        try:
            return read_time(value)
        except ValueError:
            return None
    return None


def name_algorithm(identifier: Part) -> str:
    """The name of a signature algorithm, or its dotted identifier; empty if it has none."""
    oid = next(iter(identifier.parts), None)
    if oid is None:
        return ""
    scheme = SCHEMES.get(oid.content)
    try:
        return scheme.name if scheme else decode_oid(oid.content)
    except ValueError:
        return ""
