"""A real PKCS#11 token: SoftHSM2, in a folder of its own, filled from the development PKI.

SoftHSM reads its configuration once a process, so all tests of a run share one folder of tokens.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so").resolve()
PIN = "271828"


@dataclass(frozen=True, slots=True)
class SoftHsm:
    """Tokens in a folder."""

    folder: Path

    def make_token(self, label: str) -> None:
        """Make an empty token."""
        tell("--init-token", "--free", "--label", label, "--so-pin", "31415926", "--pin", PIN)

    def put(self, token: str, p12: Path, passphrase: str, *, label: str, number: str) -> None:
        """Put a key and all certificates of a PKCS#12 file onto a token."""
        import pkcs11
        from pkcs11.util.x509 import decode_x509_certificate

        bundle = pkcs12.load_pkcs12(p12.read_bytes(), passphrase.encode())
        assert bundle.key is not None
        assert bundle.cert is not None
        pem = self.folder / f"{label}.pem"
        pem.write_bytes(bundle.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        tell("--import", pem, "--token", token, "--label", label, "--id", number, "--pin", PIN)
        pem.unlink()
        others = [entry.certificate for entry in bundle.additional_certs]
        library = pkcs11.lib(str(MODULE))
        library.reinitialize()
        with library.get_token(token_label=token).open(rw=True, user_pin=PIN) as session:
            for index, certificate in enumerate([bundle.cert.certificate, *others]):
                der = certificate.public_bytes(Encoding.DER)
                attributes = decode_x509_certificate(der)
                attributes[pkcs11.Attribute.TOKEN] = True
                attributes[pkcs11.Attribute.ID] = bytes.fromhex(number) if index == 0 else b""
                attributes[pkcs11.Attribute.LABEL] = f"{label} {index}"
                session.create_object(attributes)
        library.reinitialize()


def start(folder: Path) -> SoftHsm:
    """Use a folder for tokens from now on in this process and its children."""
    (folder / "tokens").mkdir()
    config = folder / "softhsm2.conf"
    config.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    os.environ["SOFTHSM2_CONF"] = str(config)
    os.environ["EDOC_PKCS11_MODULE"] = str(MODULE)
    return SoftHsm(folder)


def tell(*arguments: str | Path) -> None:
    """Run softhsm2-util."""
    subprocess.run(["softhsm2-util", *map(str, arguments)], check=True, capture_output=True)
