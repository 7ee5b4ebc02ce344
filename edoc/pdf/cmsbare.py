"""Signatures without a CMS: the old `adbe.x509.rsa_sha1` (ISO 32000-2, 12.8.3.2).

`/Contents` is a DER OCTET STRING with a PKCS #1 v1.5 signature over the byte range; the certificates stand in
`/Cert`, the signer's first. In spite of its name the digest may be any: the signature says which.
"""

from edoc.core.evidence import Fault
from edoc.pdf.cmsder import OCTET_STRING, read_first
from edoc.pdf.cmsfacts import CmsFacts, Digest
from edoc.pdf.cmskeys import Key, Unsupported, load_key, recover_digest
from edoc.pdf.cmsparts import read_certificate


def read_bare(contents: bytes, certificates: tuple[bytes, ...], digest: Digest | None) -> CmsFacts:
    """Read such a signature and check it; `certificates` are those of `/Cert` (DER).

    `digest` is None if the signed bytes are not at hand. Raises `ValueError` if there is no OCTET STRING.
    """
    whole = read_first(contents, OCTET_STRING)
    faults: list[Fault] = []
    if trailing := contents[whole.end :].rstrip(b"\x00"):
        faults.append(Fault(code="CMS_TRAILING_BYTES", detail=f"{len(trailing)} bytes"))
    key = _load_key(certificates, faults)
    name, signed = ("", b"") if key is None else recover_digest(key, whole.content)
    return CmsFacts(
        digest_matches=_compare(name, signed, digest, faults),
        signature_holds=None if key is None else bool(name),
        digest_algorithm=name,
        signature_algorithm="rsassa_pkcs1v15",
        key_bits=0 if key is None else key.bits,
        value=whole.content,
        raw=whole.raw,
        certificate=next(iter(certificates), None),
        others=certificates[1:],
        faults=tuple(faults),
    )


def _load_key(certificates: tuple[bytes, ...], faults: list[Fault]) -> Key | None:
    if not certificates:
        faults.append(Fault(code="NO_SIGNER_CERTIFICATE"))
        return None
    try:
        key = load_key(read_certificate(certificates[0]).key_info)
        if key.kind != "rsa" or key.pss_only:
            raise Unsupported("a key that is not for PKCS #1 v1.5")
    except (ValueError, NotImplementedError) as error:
        faults.append(Fault(code="ALGORITHM_UNSUPPORTED", detail=str(error)[:300]))
        return None
    return key


def _compare(name: str, signed: bytes, digest: Digest | None, faults: list[Fault]) -> bool | None:
    """Whether the digest that was signed is the one of the bytes at hand; None if nobody can tell."""
    if digest is None or not name:
        return None
    try:
        return digest(name) == signed
    except NotImplementedError as error:
        faults.append(Fault(code="ALGORITHM_UNSUPPORTED", detail=str(error)[:300]))
        return None
