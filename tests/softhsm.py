"""Real PKCS#11 tokens: SoftHSM2, in a folder of its own, filled from the development PKI.

SoftHSM reads its configuration once a process, so all tests of a run share one folder of tokens; what wants
another configuration starts a process of its own.
"""

import datetime as dt
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pkcs11
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from pkcs11.attributes import AttributeMapper
from pkcs11.util.x509 import decode_x509_certificate

from edoc.keys.libraries import get_library

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so").resolve()
PIN = "271828"


@dataclass(frozen=True, slots=True)
class SoftHsm:
    """Tokens in a folder."""

    folder: Path

    def make_token(self, label: str) -> Path:
        """Make an empty token; where it lies."""
        places = self.folder / "tokens"
        before = set(places.iterdir())
        tell("--init-token", "--free", "--label", label, "--so-pin", "31415926", "--pin", PIN)
        (place,) = set(places.iterdir()) - before
        return place

    def put(self, token: str, p12: Path, passphrase: str, *, label: str, number: str) -> None:
        """Put a key and all certificates of a PKCS#12 file onto a token."""
        bundle = pkcs12.load_pkcs12(p12.read_bytes(), passphrase.encode())
        assert bundle.key is not None
        assert bundle.cert is not None
        pem = self.folder / f"{label}.pem"
        pem.write_bytes(bundle.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        tell("--import", pem, "--token", token, "--label", label, "--id", number, "--pin", PIN)
        pem.unlink()
        others = [entry.certificate for entry in bundle.additional_certs]
        with self.opened(token) as session:
            for index, certificate in enumerate([bundle.cert.certificate, *others]):
                attributes = decode_x509_certificate(certificate.public_bytes(Encoding.DER))
                attributes[pkcs11.Attribute.TOKEN] = True
                attributes[pkcs11.Attribute.ID] = bytes.fromhex(number) if index == 0 else b""
                attributes[pkcs11.Attribute.LABEL] = f"{label} {index}"
                session.create_object(attributes)

    @contextmanager
    def opened(self, token: str) -> Iterator[Any]:
        """A session that may change a token; afterwards nobody is logged in to any."""
        log_out()
        mapper = AttributeMapper()
        mapper.register_handler(pkcs11.Attribute.LABEL, _pack_label, bytes)
        with get_library(str(MODULE)).use() as module:
            found = module.get_token(token_label=token)
            with found.open(rw=True, user_pin=PIN, attribute_mapper=mapper) as session:
                yield session
        log_out()


def _pack_label(label: str | bytes) -> bytes:
    return label.encode() if isinstance(label, str) else label


def make_certificate(private: Any, *, days: int = 1) -> x509.Certificate:
    """A certificate that a key signed itself."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Nguyễn Văn Thử")])
    start = dt.datetime.now(dt.UTC) + dt.timedelta(days=days - 1)
    builder = x509.CertificateBuilder(
        name, name, private.public_key(), 7, start, start + dt.timedelta(days=1)
    )
    return builder.sign(private, hashes.SHA256())


def make_p12(folder: Path, private: Any) -> Path:
    """A key file, opened with `p`, with a certificate that the key signed itself."""
    path = folder / "key.p12"
    certificate = make_certificate(private)
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"x", private, certificate, None, BestAvailableEncryption(b"p"))
    )
    return path


def log_out() -> None:
    """Start the library anew: every session and login of this process is gone."""
    library = get_library(str(MODULE))
    library.restart(library.generation)


def start(folder: Path) -> SoftHsm:
    """Use a folder for tokens from now on in this process and its children."""
    (folder / "tokens").mkdir()
    os.environ["SOFTHSM2_CONF"] = str(configure(folder))
    os.environ["EDOC_PKCS11_MODULE"] = str(MODULE)
    return SoftHsm(folder)


def configure(folder: Path, *more: str) -> Path:
    """Write a configuration for the tokens in a folder."""
    config = folder / f"softhsm2-{len(more)}.conf"
    lines = (f"directories.tokendir = {folder / 'tokens'}", "objectstore.backend = file", "log.level = ERROR")
    config.write_text("".join(f"{line}\n" for line in (*lines, *more)))
    return config


def tell(*arguments: str | Path) -> None:
    """Run softhsm2-util."""
    subprocess.run(["softhsm2-util", *map(str, arguments)], check=True, capture_output=True)
