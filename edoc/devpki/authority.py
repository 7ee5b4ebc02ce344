"""A certification authority: a key and a certificate that issue certificates and CRLs (RFC 5280).

An authority keeps no state: what it revoked stands in its last CRL.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asn1crypto.core import UTF8String
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import AuthorityInformationAccessOID

from edoc.core.devmark import DEV_ROOT_OID
from edoc.devpki.profiles import CA_PERIOD, CRL_PERIOD, SKEW, SUBSCRIBER_PERIOD, Leaf, name_authority

_MARK: Final = x509.UnrecognizedExtension(
    x509.ObjectIdentifier(DEV_ROOT_OID),
    UTF8String("edoc development root: never evidence of anything").dump(),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A CA of the development hierarchy."""

    name: str
    """Key of `profiles.CA_NAMES`; also the stem of its files and addresses."""
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    base_url: str
    """Where CRL, OCSP and CA certificates of the hierarchy are served; no trailing slash."""

    def issue_leaf(self, leaf: Leaf, key: rsa.RSAPublicKey, *, now: datetime) -> x509.Certificate:
        """Issue an end-entity certificate, valid for five years from `now`."""
        builder = _start(leaf.subject, key, now=now).not_valid_after(_bound(now + SUBSCRIBER_PERIOD, self))
        builder = builder.add_extension(
            x509.BasicConstraints(ca=False, path_length=None), critical=True
        ).add_extension(
            _key_usage(
                digital_signature=True,
                content_commitment=leaf.non_repudiation,
                key_encipherment=leaf.key_encipherment,
            ),
            critical=True,
        )
        builder = builder.add_extension(x509.ExtendedKeyUsage(leaf.usages), critical=leaf.critical_usages)
        if leaf.alternative_names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(leaf.alternative_names), critical=False
            )
        if leaf.no_check:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        return self._sign(self._add_addresses(builder, ocsp=True))

    def issue_authority(self, name: str, key: rsa.RSAPublicKey, *, now: datetime) -> x509.Certificate:
        """Issue the certificate of a subordinate CA that may issue end entities only."""
        builder = _start_authority(name, key, now=now, path_length=0)
        return self._sign(self._add_addresses(builder, ocsp=False))

    def issue_crl(
        self, revoked: Iterable[x509.RevokedCertificate], *, now: datetime, number: int
    ) -> x509.CertificateRevocationList:
        """Issue a CRL of one year that lists `revoked`."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now - SKEW)
            .next_update(now + CRL_PERIOD)
            .add_extension(_identify_issuer(self.certificate), critical=False)
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        for entry in revoked:
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, SHA256())

    def _add_addresses(self, builder: x509.CertificateBuilder, *, ocsp: bool) -> x509.CertificateBuilder:
        issuers = _describe_access(
            AuthorityInformationAccessOID.CA_ISSUERS, f"{self.base_url}/ca/{self.name}.cer"
        )
        responder = _describe_access(AuthorityInformationAccessOID.OCSP, f"{self.base_url}/ocsp/{self.name}")
        point = x509.DistributionPoint(
            full_name=[x509.UniformResourceIdentifier(f"{self.base_url}/crl/{self.name}.crl")],
            relative_name=None,
            reasons=None,
            crl_issuer=None,
        )
        return (
            builder.add_extension(
                x509.AuthorityInformationAccess([responder, issuers] if ocsp else [issuers]), critical=False
            )
            .add_extension(x509.CRLDistributionPoints([point]), critical=False)
            .add_extension(_identify_issuer(self.certificate), critical=False)
        )

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.issuer_name(self.certificate.subject).sign(self.key, SHA256())


def found_root(key: rsa.RSAPrivateKey, *, now: datetime, base_url: str) -> Authority:
    """Make the self-signed root, which carries the development mark."""
    certificate = (
        _start_authority("root", key.public_key(), now=now, path_length=1)
        .issuer_name(name_authority("root"))
        .add_extension(_MARK, critical=False)
        .sign(key, SHA256())
    )
    return Authority(name="root", key=key, certificate=certificate, base_url=base_url)


def _start(subject: x509.Name, key: rsa.RSAPublicKey, *, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _start_authority(
    name: str, key: rsa.RSAPublicKey, *, now: datetime, path_length: int
) -> x509.CertificateBuilder:
    return (
        _start(name_authority(name), key, now=now)
        .not_valid_after(now - SKEW + CA_PERIOD)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
    )


def _bound(wanted: datetime, issuer: Authority) -> datetime:
    return min(wanted - SKEW, issuer.certificate.not_valid_after_utc)


def _identify_issuer(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier.value)


def _describe_access(method: x509.ObjectIdentifier, url: str) -> x509.AccessDescription:
    return x509.AccessDescription(method, x509.UniformResourceIdentifier(url))


def _key_usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
