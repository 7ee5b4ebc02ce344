"""What a document needs to be verified years later without any network: the content of a DSS.

    material = collect_material(signer_chain, timestamp_chain)

ETSI EN 319 142-1 clause 5.4: certificates, CRLs and OCSP answers of the signer's path and of the
time-stamping authority's.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from edoc.core.chain import ChainFacts, ChainStatus
from edoc.errors import Refused, Unavailable
from edoc.trust.ocsps import MAX_DELEGATES, parse_response


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything DER, each piece once."""

    certificates: tuple[bytes, ...]
    """From the leaves to the roots, and those of delegated OCSP responders."""
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]


def collect_material(*chains: ChainFacts) -> Material:
    """Put together what decided about every certificate of these paths.

    Raises `Unavailable` if for one of them nobody says now whether it was revoked, `Refused` if a path does
    not hold.
    """
    for chain in chains:
        if chain.status is ChainStatus.REVOCATION_UNKNOWN:
            raise Unavailable(chain.detail, advice="Try again later.")
        if chain.status is not ChainStatus.OK:
            raise Refused(f"a path that does not hold is no evidence: {chain.detail}")
    ocsps = tuple(dict.fromkeys(der for chain in chains for der in chain.ocsps))
    certificates = [der for chain in chains for der in chain.path]
    certificates += [der for answer in ocsps for der in _list_responders(answer)]
    return Material(
        certificates=tuple(dict.fromkeys(certificates)),
        crls=tuple(dict.fromkeys(der for chain in chains for der in chain.crls)),
        ocsps=ocsps,
    )


def _list_responders(answer: bytes) -> list[bytes]:
    parsed = parse_response(answer)
    if parsed is None:
        return []
    return [found.public_bytes(Encoding.DER) for found in parsed.parsed.certificates[:MAX_DELEGATES]]
