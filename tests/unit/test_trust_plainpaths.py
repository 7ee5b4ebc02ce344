"""Plain paths are validated at once; whatever asks for interpretation is left to the full algorithm."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from edoc.trust.plainpaths import is_plainly_valid
from edoc.trust.records import Certificate, load_record
from edoc.trust.rfc5280 import find_flaw

NOW = dt.datetime(2026, 2, 5, tzinfo=dt.UTC)
ROOT, CA, LEAF = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
Change = Callable[[x509.CertificateBuilder], x509.CertificateBuilder]


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def usage(*, signs_certificates: bool) -> x509.KeyUsage:
    unused = ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only")
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        **dict.fromkeys(unused, False),
    )


def issue(
    who: str, key: Any, issuer: str, signer: Any, *, ca: x509.BasicConstraints | None, **more: Any
) -> bytes:
    change: Change = more.get("change", lambda builder: builder)
    digest: Any = more.get("digest", hashes.SHA256())
    builder = x509.CertificateBuilder(
        name(issuer), name(who), key.public_key(), 7, NOW - dt.timedelta(9), NOW + dt.timedelta(9)
    ).add_extension(more.get("usage", usage(signs_certificates=ca is not None)), critical=True)
    if ca is not None:
        builder = builder.add_extension(ca, critical=True)
    return change(builder).sign(signer, digest).public_bytes(Encoding.DER)


def path(*, root_length: int | None = None, signer: Any = CA, **ca: Any) -> tuple[Certificate, ...]:
    constraints = ca.pop("constraints", x509.BasicConstraints(ca=True, path_length=None))
    top = issue("R", ROOT, "R", ROOT, ca=x509.BasicConstraints(ca=True, path_length=root_length))
    middle = issue("C", CA, "R", ROOT, ca=constraints, **ca)
    return tuple(map(load_record, (issue("L", LEAF, "C", signer, ca=None), middle, top)))


def is_flawless(found: tuple[Certificate, ...]) -> bool:
    return find_flaw(tuple(each.der for each in found), at=NOW, historic=frozenset()) is None


@pytest.mark.parametrize("length", [None, 1, 5])
def test_a_plain_path_holds_by_both(length: int | None) -> None:
    found = path(root_length=length)
    assert is_plainly_valid(found)
    assert is_flawless(found)


def add(extension: x509.ExtensionType, *, critical: bool = True) -> Change:
    return lambda builder: builder.add_extension(extension, critical=critical)


@pytest.mark.parametrize(
    "options",
    [
        {"root_length": 0},
        {"constraints": x509.BasicConstraints(ca=False, path_length=None)},
        {"constraints": None},
        {"usage": usage(signs_certificates=False)},
        {"signer": LEAF},
        {"digest": hashes.SHA3_256()},
        {"change": add(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"))},
        {"change": add(x509.NameConstraints([x509.DirectoryName(name("X"))], None))},
        {"change": add(x509.InhibitAnyPolicy(0))},
    ],
    ids=[
        *("path too long", "no CA", "no constraints", "may not issue", "another signer", "rare digest"),
        *("unknown critical extension", "names constrained", "policies constrained"),
    ],
)
def test_what_is_not_plain_is_left_to_the_full_algorithm(options: dict[str, Any]) -> None:
    assert not is_plainly_valid(path(**options))


def test_what_holds_plainly_holds_by_the_full_algorithm_too() -> None:
    tried = [path(root_length=length, signer=signer) for length in (None, 0, 1) for signer in (CA, ROOT)]
    assert [is_plainly_valid(found) for found in tried] == [is_flawless(found) for found in tried]
