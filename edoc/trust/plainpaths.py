"""Validate plain certification paths: what nearly all are, and nothing that asks for interpretation.

Only a yes counts. Every other path, and every one that has a flaw, goes to the full algorithm of RFC 5280.
"""

from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID

from edoc.trust.certificates import MALFORMED
from edoc.trust.records import Certificate
from edoc.trust.statements import find_extension

_DIGESTS: Final = frozenset({"sha256", "sha384", "sha512"})
_MINIMAL_BITS: Final = {"rsa": 2048, "ec": 256}
_UNDERSTOOD: Final = frozenset(
    {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE}
)
"""Extensions that may be critical; extended key usages are judged with the leaf's usage."""
_RESTRICTING: Final = frozenset(
    {
        *(ExtensionOID.NAME_CONSTRAINTS, ExtensionOID.POLICY_CONSTRAINTS, ExtensionOID.INHIBIT_ANY_POLICY),
        ExtensionOID.POLICY_MAPPINGS,
    }
)


def is_plainly_valid(path: tuple[Certificate, ...]) -> bool:
    """Tell whether a path (leaf first, root last) is valid at any instant of everybody's period.

    False says nothing: the full algorithm must be asked.
    """
    try:
        pairs = enumerate(pairwise(path))
        return all(_is_plain(each) for each in path) and all(
            _has_issued(issuer, certificate, below=depth) for depth, (certificate, issuer) in pairs
        )
    except (*MALFORMED, UnsupportedAlgorithm, InvalidSignature):
        return False


def _is_plain(certificate: Certificate) -> bool:
    if certificate.x509.version is not x509.Version.v3:
        return False
    return all(
        extension.oid not in _RESTRICTING and (not extension.critical or extension.oid in _UNDERSTOOD)
        for extension in certificate.x509.extensions
    )


def _has_issued(issuer: Certificate, certificate: Certificate, *, below: int) -> bool:
    """Whether a CA may issue and did; `below` counts the CAs between it and the leaf."""
    constraints = find_extension(issuer.x509, x509.BasicConstraints)
    usage = find_extension(issuer.x509, x509.KeyUsage)
    if constraints is None or not constraints.ca or usage is None or not usage.key_cert_sign:
        return False
    if constraints.path_length is not None and constraints.path_length < below:
        return False
    strong = issuer.key_bits >= _MINIMAL_BITS.get(issuer.key_kind, 1 << 30)
    if not strong or certificate.signature_digest not in _DIGESTS:
        return False
    certificate.x509.verify_directly_issued_by(issuer.x509)
    return True
