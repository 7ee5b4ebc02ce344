"""Certificates and CRLs of any shape and date; what the hierarchies of these tests are made with."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, Final

from asn1crypto import core
from cryptography import x509

_KNOWN: Final = ("digital_signature", "content_commitment", "key_cert_sign", "crl_sign", "key_encipherment")
_OTHERS: Final = ("data_encipherment", "key_agreement", "encipher_only", "decipher_only")
_EXPIRED_CERTS_ON_CRL: Final = x509.ObjectIdentifier("2.5.29.60")

Listed = tuple[int, dt.datetime, bool]
"""A serial number, since when it is revoked, and whether it is only on hold."""


def draft_certificate(
    issuer: x509.Name,
    subject: x509.Name,
    key: Any,
    serial: int,
    period: tuple[dt.datetime, dt.datetime],
    *,
    usages: Iterable[str],
    ca: bool = False,
    purpose: x509.ObjectIdentifier | None = None,
) -> x509.CertificateBuilder:
    """Everything but the signature; a CA signs certificates and CRLs, whatever the `usages`."""
    chosen = {"key_cert_sign", "crl_sign"} if ca else set(usages)
    key_usage = x509.KeyUsage(**{name: name in chosen for name in (*_KNOWN, *_OTHERS)})
    builder = (
        x509.CertificateBuilder(issuer, subject, key, serial, *period)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(key_usage, critical=True)
    )
    if purpose is None:
        return builder
    return builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)


def draft_crl(
    issuer: x509.Name,
    period: tuple[dt.datetime, dt.datetime],
    revoked: Iterable[Listed],
    *,
    remembers: dt.datetime | None = None,
) -> x509.CertificateRevocationListBuilder:
    """Everything but the signature; it says since when it lists what expired, if that is given."""
    begins, ends = period
    builder = x509.CertificateRevocationListBuilder(issuer, begins, ends)
    for serial, since, hold in revoked:
        entry = x509.RevokedCertificateBuilder(serial, since)
        if hold:
            entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags.certificate_hold), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    if remembers is None:
        return builder
    memory = x509.UnrecognizedExtension(_EXPIRED_CERTS_ON_CRL, core.GeneralizedTime(remembers).dump())
    return builder.add_extension(memory, critical=False)


def sign_again(made: Any, body: str, value: str, mechanism: str, sign: Callable[[bytes], bytes]) -> bytes:
    """Sign what asn1crypto has loaded with what cryptography does not sign certificates with any more.

    `body` and `value` name its parts, `mechanism` is asn1crypto's word, as `sha1_ecdsa`.
    """
    made[body]["signature"] = made["signature_algorithm"] = {"algorithm": mechanism}
    made[value] = sign(made[body].dump(force=True))
    return bytes(made.dump(force=True))
