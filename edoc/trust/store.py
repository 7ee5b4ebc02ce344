"""Trusted roots, the CAs below them, and CRLs at hand: loaded from files, then only read.

    trust = Trust.load("certs-dev/trust")

The dedicated hierarchy of the Government Cipher Committee and the public CAs under the national root are kept
in separate stores (NĐ 68/2024, NĐ 23/2025): one `Trust` is one store.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from asn1crypto import cms, crl, pem, x509
from cryptography import x509 as cryptography_x509

from edoc.errors import InputError
from edoc.trust.certificates import MALFORMED, is_development_root
from edoc.trust.memory import remembered

MAX_FILE_BYTES: Final = 64 << 20
"""A larger file is refused; the CRL of a large public CA has a few megabytes."""
SUFFIXES: Final = frozenset({".pem", ".cer", ".crt", ".der", ".crl"})
"""Files that are read in a folder; others are passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """One trust store; everything DER."""

    roots: tuple[bytes, ...] = ()
    """Self-signed CA certificates: a path that ends in one is trusted."""
    intermediates: tuple[bytes, ...] = ()
    """Other certificates, to build paths with; trusted only through a root."""
    crls: tuple[bytes, ...] = ()

    @classmethod
    def empty(cls) -> Self:
        """Trust nobody."""
        return cls()

    @classmethod
    def load(cls, *paths: str | Path) -> Self:
        """Load certificates and CRLs from PEM or DER files, or folders of them with their sub-folders.

        Raises `InputError` for a path that does not exist or holds neither, and for a file that is neither
        (in a folder: only where its suffix promises one; hidden files are passed over).
        """
        certificates: dict[bytes, None] = {}
        crls: dict[bytes, None] = {}
        for path in map(Path, paths):
            found = [item for file in _list_files(path) for item in _read_file(file)]
            if not found:
                raise InputError(
                    "there is no certificate and no CRL here.",
                    where=str(path),
                    advice="Name a PEM or DER file, or a folder of them.",
                )
            certificates |= dict.fromkeys(der for der, is_crl in found if not is_crl)
            crls |= dict.fromkeys(der for der, is_crl in found if is_crl)
        roots = tuple(filter(_is_root, certificates))
        others = tuple(der for der in certificates if der not in roots)
        return cls(roots=roots, intermediates=others, crls=tuple(crls))

    @property
    def is_development(self) -> bool:
        """Whether any root is a development root, so that nothing judged with it is evidence."""
        return any(map(is_development_root, self.roots))

    def __repr__(self) -> str:
        sizes = (len(self.roots), len(self.intermediates), len(self.crls))
        return "<Trust: {} roots, {} intermediates, {} CRLs>".format(*sizes)


@remembered(entries=256, total_bytes=64 << 20)
def decode(content: bytes) -> tuple[tuple[bytes, bool], ...]:
    """Give the certificates and CRLs (with true) in PEM or DER `content`, as DER; empty if there are none."""
    if not pem.detect(content):
        return tuple(_recognise(content))
    try:
        blocks = [der for _, _, der in pem.unarmor(content, multiple=True)]
    except MALFORMED:
        return ()
    return tuple(item for der in blocks for item in _recognise(der))


def list_certificates(content: bytes) -> tuple[bytes, ...]:
    """Give the certificates behind an issuers' address: PEM, DER, or the CMS of RFC 5280 section 4.2.2.1."""
    found = tuple(der for der, is_crl in decode(content) if not is_crl)
    if found:
        return found
    try:
        bag = cms.ContentInfo.load(content, strict=True)["content"]["certificates"]
        return tuple(choice.chosen.dump() for choice in bag)
    except MALFORMED:
        return ()


def _list_files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise InputError(
            "there is no such file or folder to trust.",
            where=str(path),
            advice="Name a PEM or DER file, or a folder of them.",
        )
    if not path.is_dir():
        yield path
        return
    for folder, subfolders, names in os.walk(path):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield Path(folder) / name


def _read_file(path: Path) -> tuple[tuple[bytes, bool], ...]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"this file cannot be read ({(error.strerror or 'input error').lower()}).", where=str(path)
        ) from error
    found = decode(content) if len(content) <= MAX_FILE_BYTES else ()
    if not found:
        raise InputError(
            "this is neither a certificate nor a CRL.",
            where=str(path),
            advice="Remove it, or replace it by a PEM or DER file.",
        )
    return found


def _recognise(der: bytes) -> Iterator[tuple[bytes, bool]]:
    if _is_whole(x509.Certificate, der, "tbs_certificate", "subject", "subject_public_key_info"):
        yield der, False
    elif _is_whole(crl.CertificateList, der, "tbs_cert_list", "issuer", "this_update"):
        yield der, True


def _is_whole(kind: Any, der: bytes, body: str, *fields: str) -> bool:
    try:
        parsed = kind.load(der, strict=True)
        return all(parsed[body][field].native is not None for field in fields)
    except MALFORMED:
        return False


def _is_root(der: bytes) -> bool:
    try:
        certificate = cryptography_x509.load_der_x509_certificate(der)
        constraints = certificate.extensions.get_extension_for_class(cryptography_x509.BasicConstraints)
        certificate.verify_directly_issued_by(certificate)
    except (*MALFORMED, cryptography_x509.ExtensionNotFound):
        return False
    return constraints.value.ca
