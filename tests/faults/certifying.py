"""What a CA does to an agency's seal in the middle of its work: renews it, lets it expire.

Writes where the development PKI keeps them, so that a node finds the new key under the old name.
"""

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from grounds import Side

from edoc.devpki.hierarchy import DevPki
from edoc.devpki.profiles import LEAF_KEY_BITS, SKEW, SUBSCRIBER_PERIOD, describe_leaves
from edoc.node.durable import write_file


def renew_seal(pki: DevPki, side: Side, *, ends: datetime) -> None:
    """Give the side's agency a new seal, key and certificate, which expires at `ends`."""
    name = side.agency.seal_name
    leaf = next(each for each in describe_leaves() if each.name == name)
    key = rsa.generate_private_key(65537, LEAF_KEY_BITS)
    issuer = pki.load_authority(leaf.issuer)
    # the CA issues for five years: such a one was issued almost five years ago
    certificate = issuer.issue_leaf(leaf, key.public_key(), now=ends - SUBSCRIBER_PERIOD + SKEW)
    bundle = pkcs12.serialize_key_and_certificates(
        name.encode(),
        key,
        certificate,
        [issuer.certificate],
        BestAvailableEncryption(pki.passphrase.encode()),
    )
    write_file(pki.key_path(name), bundle, mode=0o600)
    _enter(pki.folder / "ca" / f"{name}.cer", certificate)


def _enter(path: Path, certificate: x509.Certificate) -> None:
    """Have the PKI's OCSP responder know it, once it is started anew."""
    write_file(path, certificate.public_bytes(Encoding.DER), mode=0o600)
