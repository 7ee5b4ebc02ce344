"""CMS of every kind, sound and odd, put together by hand; and OpenSSL's word on them."""

import datetime as dt
import functools
import hashlib
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edoc.pdf.cmsder import encode_oid, write
from edoc.pdf.cmsnames import compute_digest

CONTENT = "Kính gửi: Ủy ban nhân dân tỉnh. ".encode() * 40
OTHER = CONTENT[:-1] + b"!"
NOW = dt.datetime(2026, 2, 5, 1, 2, 3, tzinfo=dt.UTC)

SEQUENCE, SET, OCTETS, INTEGER, OID, BITS = 0x30, 0x31, 4, 2, 6, 3
NULL = b"\x05\x00"
DATA, SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME = (f"1.2.840.113549.1.9.{number}" for number in (3, 4, 5))
COUNTER_SIGNATURE, PROTECTION = "1.2.840.113549.1.9.6", "1.2.840.113549.1.9.52"
STAMP, REFERENCE, REFERENCE_1 = (f"1.2.840.113549.1.9.16.2.{number}" for number in (14, 47, 12))
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
NIST = "2.16.840.1.101.3.4"
DIGESTS = {
    "md5": "1.2.840.113549.2.5",
    "sha1": "1.3.14.3.2.26",
    "sha224": f"{NIST}.2.4",
    "sha256": f"{NIST}.2.1",
    "sha384": f"{NIST}.2.2",
    "sha512": f"{NIST}.2.3",
    "sha3_224": f"{NIST}.2.7",
    "sha3_256": f"{NIST}.2.8",
    "sha3_384": f"{NIST}.2.9",
    "sha3_512": f"{NIST}.2.10",
    "shake_256": f"{NIST}.2.12",
}
HASHES: dict[str, Any] = {
    "md5": hashes.MD5(),  # noqa: S303 - verified, not trusted
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_224": hashes.SHA3_224(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}
RSA = {"md5": 4, "sha1": 5, "sha224": 14, "sha256": 11, "sha384": 12, "sha512": 13}
RSA_WITH = {name: f"1.2.840.113549.1.1.{number}" for name, number in RSA.items()} | {
    f"sha3_{size}": f"{NIST}.3.{number}" for number, size in enumerate((224, 256, 384, 512), start=13)
}
ECDSA_WITH = {"sha1": "1.2.840.10045.4.1"} | {
    name: f"1.2.840.10045.4.3.{number}"
    for number, name in enumerate(("sha224", "sha256", "sha384", "sha512"), start=1)
}
ECDSA_WITH |= {
    f"sha3_{size}": f"{NIST}.3.{number}" for number, size in enumerate((224, 256, 384, 512), start=9)
}
CURVES: dict[str, Any] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpoolP384r1": ec.BrainpoolP384R1(),
    "brainpoolP512r1": ec.BrainpoolP512R1(),
}
MAKERS: dict[str, Callable[[], Any]] = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "dsa": lambda: dsa.generate_private_key(2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
    **{name: functools.partial(ec.generate_private_key, curve) for name, curve in CURVES.items()},
}


@dataclass(frozen=True)
class Signer:
    """A key with a certificate that it signed itself."""

    key: Any
    certificate: bytes
    parsed: x509.Certificate

    @property
    def issuer_and_serial(self) -> bytes:
        serial = self.parsed.serial_number
        number = serial.to_bytes(serial.bit_length() // 8 + 1)
        return write(SEQUENCE, self.parsed.issuer.public_bytes(), write(INTEGER, number))


def make_signer(kind: str = "rsa", name: str = "Nguyen Van A") -> Signer:
    """The same one for the same arguments."""
    return _make_signer(kind, name)


@functools.cache
def _make_signer(kind: str, name: str) -> Signer:
    key = MAKERS[kind]()
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=30))
        .not_valid_after(NOW + dt.timedelta(days=30000))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if name == "TSA":
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    certificate = builder.sign(key, None if kind.startswith("ed") else hashes.SHA256())
    return Signer(key, certificate.public_bytes(Encoding.DER), certificate)


def oid(dotted: str) -> bytes:
    return write(OID, encode_oid(dotted))


def identify(dotted: str, parameters: bytes = b"") -> bytes:
    """An AlgorithmIdentifier."""
    return write(SEQUENCE, oid(dotted), parameters)


def attribute(kind: str, *values: bytes) -> bytes:
    return write(SEQUENCE, oid(kind), write(SET, *values))


def refer(certificate: bytes, *, more: bytes = b"") -> bytes:
    """The attribute signing-certificate-v2."""
    named = write(SEQUENCE, write(OCTETS, hashlib.sha256(certificate).digest()), more)
    return attribute(REFERENCE, write(SEQUENCE, write(SEQUENCE, named)))


def list_attributes(
    content: bytes = CONTENT, digest: str = "sha256", *, kind: str = DATA, more: Sequence[bytes] = ()
) -> list[bytes]:
    """The usual signed attributes and some more."""
    value = write(OCTETS, compute_digest(digest, content))
    return [attribute(CONTENT_TYPE, oid(kind)), attribute(MESSAGE_DIGEST, value), *more]


def sign_rsa(signer: Signer, digest: str = "sha256") -> Callable[[bytes], bytes]:
    return lambda message: bytes(signer.key.sign(message, padding.PKCS1v15(), HASHES[digest]))


def make_info(
    signer: Signer,
    attributes: Sequence[bytes] | None,
    *,
    sign: Callable[[bytes], bytes] | None = None,
    algorithm: bytes | None = None,
    digest: str = "sha256",
    unsigned: Sequence[bytes] = (),
    identifier: bytes | None = None,
    content: bytes = CONTENT,
    order: bool = True,
) -> bytes:
    """A SignerInfo; RSA with SHA-256 if nothing else is said."""
    algorithm = algorithm or identify(RSA_WITH["sha256"], NULL)
    listed = None if attributes is None else b"".join(sorted(attributes) if order else attributes)
    signed = content if listed is None else write(SET, listed)
    value = (sign or sign_rsa(signer))(signed)
    return write(
        SEQUENCE,
        b"\x02\x01\x01",
        identifier or signer.issuer_and_serial,
        identify(DIGESTS[digest], NULL),
        b"" if listed is None else write(0xA0, listed),
        algorithm,
        write(OCTETS, value),
        write(0xA1, *unsigned) if unsigned else b"",
    )


def make_cms(
    infos: Sequence[bytes],
    certificates: Sequence[bytes],
    *,
    content: bytes | None = None,
    kind: str = DATA,
    crls: bytes = b"",
    digests: Sequence[str] = ("sha256",),
) -> bytes:
    """A SignedData in its ContentInfo; `content` stands inside."""
    inside = b"" if content is None else write(0xA0, write(OCTETS, content))
    data = write(
        SEQUENCE,
        b"\x02\x01\x01",
        write(SET, *(identify(DIGESTS[digest], NULL) for digest in digests)),
        write(SEQUENCE, oid(kind), inside),
        write(0xA0, *certificates) if certificates else b"",
        write(0xA1, crls) if crls else b"",
        write(SET, *infos),
    )
    return write(SEQUENCE, oid(SIGNED_DATA), write(0xA0, data))


def make_ordinary(signer: Signer | None = None, *, unsigned: Sequence[bytes] = ()) -> bytes:
    """What PAdES wants."""
    signer = signer or make_signer()
    attributes = list_attributes(more=[refer(signer.certificate)])
    return make_cms([make_info(signer, attributes, unsigned=unsigned)], [signer.certificate])


def make_token(stamped: bytes, *, digest: str = "sha256", signer: Signer | None = None) -> bytes:
    """A time-stamp token of `NOW`."""
    signer = signer or make_signer(name="TSA")
    imprint = write(SEQUENCE, identify(DIGESTS[digest], NULL), write(OCTETS, compute_digest(digest, stamped)))
    time = write(0x18, NOW.strftime("%Y%m%d%H%M%SZ").encode())
    info = write(SEQUENCE, b"\x02\x01\x01", oid("1.2.3.4"), imprint, b"\x02\x01\x07", time)
    attributes = list_attributes(info, kind=TST_INFO, more=[refer(signer.certificate)])
    made = make_info(signer, attributes, content=info)
    return make_cms([made], [signer.certificate], content=info, kind=TST_INFO)


def digest_of(content: bytes = CONTENT) -> Callable[[str], bytes]:
    return lambda algorithm: compute_digest(algorithm, content)


def write_key(signer: Signer, folder: Path) -> list[str | Path]:
    """What OpenSSL needs to sign."""
    (folder / "certificate.pem").write_bytes(signer.parsed.public_bytes(Encoding.PEM))
    key = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(key)
    return ["-signer", folder / "certificate.pem", "-inkey", folder / "key.pem"]


def sign_by_openssl(signer: Signer, folder: Path, *options: str) -> bytes:
    (folder / "content").write_bytes(CONTENT)
    base = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-in", folder / "content"]
    command = [*base, *write_key(signer, folder), *options]
    done = subprocess.run([*map(str, command)], capture_output=True, check=True)
    return done.stdout


def ask_openssl(cms: bytes, folder: Path, content: bytes = CONTENT) -> bool:
    """Whether OpenSSL finds that the signature holds over the content."""
    (folder / "cms").write_bytes(cms)
    (folder / "content").write_bytes(content)
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "cms", "-content", "content"]
    command += ["-noverify", "-out", "/dev/null"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return "successful" in done.stderr
