"""A second opinion on signatures that do not hold: pyHanko's, read and checked by other code than ours."""

from typing import Any


def contradicts(signer_info: bytes, certificate: bytes, *, token: bool, digest: bytes | None) -> bool:
    """Whether pyHanko finds that the signature (SignerInfo and certificate, DER) holds.

    `digest` is that of the content. Whatever pyHanko cannot read or compute contradicts nothing.
    """
    from asn1crypto import cms, x509
    from pyhanko.sign.validation.generic_cms import validate_sig_integrity

    content_type = "tst_info" if token else "data"
    try:
        info: Any = cms.SignerInfo.load(signer_info)
        signer: Any = x509.Certificate.load(certificate)
        _, holds = validate_sig_integrity(info, signer, content_type, digest or b"")
    except Exception:  # noqa: BLE001 - any bytes may come here, and there is an opinion already
        return False
    return bool(holds)
