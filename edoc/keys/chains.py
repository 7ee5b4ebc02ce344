"""Put the certificates that came with a key in order."""

from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm


def order_issuers(leaf: x509.Certificate, pool: Iterable[x509.Certificate]) -> list[x509.Certificate]:
    """Give the path above a certificate as far as `pool` reaches, its issuer first."""
    rest = [certificate for certificate in pool if certificate != leaf]
    chain: list[x509.Certificate] = []
    current = leaf
    while issuer := next((found for found in rest if _issued(found, current)), None):
        chain.append(issuer)
        rest.remove(issuer)
        current = issuer
    return chain


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
