"""Servers that speak TLS only, with certificates of an authority that a test made a moment ago."""

import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from minio import Minio

from edoc.demo.server import HOST
from edoc.demo.services import PostgresServer, RedisServer, S3Server
from edoc.node.durable import write_file

_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Authority:
    """A certification authority; `file` is what a client trusts."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    file: Path

    def issue(self, folder: Path, *, owner: dict[str, Any]) -> tuple[Path, Path]:
        """A server's certificate for 127.0.0.1, which is not for localhost, and its key."""
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
        made = _build("server", key, self.certificate.subject).add_extension(place, critical=False)
        crt, secret = folder / "server.crt", folder / "server.key"
        write_file(crt, made.sign(self.key, hashes.SHA256()).public_bytes(_PEM))
        private = serialization.PrivateFormat.PKCS8
        write_file(secret, key.private_bytes(_PEM, private, serialization.NoEncryption()), mode=0o600)
        if owner:
            os.chown(secret, owner["user"], owner["group"])
        return crt, secret


def make_authority(folder: Path) -> Authority:
    """An authority that nobody knows but who reads its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"CA of {folder.name}")])
    constraint = x509.BasicConstraints(ca=True, path_length=0)
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    built = (
        _build(name, key, name).add_extension(constraint, critical=True).add_extension(usage, critical=True)
    )
    certificate = built.sign(key, hashes.SHA256())
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "ca.pem", certificate.public_bytes(_PEM))
    return Authority(key=key, certificate=certificate, file=folder / "ca.pem")


def _build(
    name: str | x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    if isinstance(name, str):
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    serial = x509.random_serial_number()
    return x509.CertificateBuilder(
        issuer, name, key.public_key(), serial, now - timedelta(days=1), now + timedelta(days=1)
    )


class TlsRedis(RedisServer):
    """Listens on no port without TLS."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder)
        self._authority = authority

    def command(self) -> list[str]:
        command = super().command()
        crt, key = self._authority.issue(self.folder / "tls", owner=self.account())
        settings = {
            "port": "0",
            "tls-port": str(self.port),
            "tls-cert-file": str(crt),
            "tls-key-file": str(key),
            "tls-auth-clients": "no",
        }
        with (self.folder / "redis.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} {value}\n" for name, value in settings.items())
        return command

    def ping(self) -> None:
        with redis.Redis.from_url(f"{self.url}/0?ssl_ca_certs={quote(str(self._authority.file))}") as client:
            client.ping()

    @property
    def url(self) -> str:
        return super().url.replace("redis://", "rediss://")


class TlsPostgres(PostgresServer):
    """Lets nobody in without TLS."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder)
        self._authority = authority

    def command(self) -> list[str]:
        crt, key = self._authority.issue(self.folder / "tls", owner=self.account())
        (self.data / "pg_hba.conf").write_text(f"hostssl all all {HOST}/32 scram-sha-256\n", encoding="ascii")
        return [*super().command(), "--ssl=on", f"--ssl_cert_file={crt}", f"--ssl_key_file={key}"]


class TlsS3(S3Server):
    """Speaks HTTPS."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder)
        self._authority = authority

    def command(self) -> list[str]:
        crt, key = self._authority.issue(self.folder / "tls", owner=self.account())
        return [*super().command(), f"--cert={crt}", f"--key={key}"]

    def ping(self) -> None:
        trusted = urllib3.PoolManager(timeout=2, retries=False, ca_certs=str(self._authority.file))
        Minio(**self.connection(), http_client=trusted).list_buckets()

    def connection(self) -> dict[str, Any]:
        return {**super().connection(), "secure": True}
