"""What several unit tests look at: packages that somebody signed, or wants to."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from edxmlmaking import packed, values, zipped
from xmlsigning import TIME, Signer, Wish, load, make_signer, sign_xml

from edoc.devpki.hierarchy import DevPki


@pytest.fixture(scope="session")
def anybody() -> Signer:
    """An RSA key with a certificate of its own."""
    return make_signer(rsa.generate_private_key(65537, 2048))


@pytest.fixture(scope="session")
def seal(pki: DevPki) -> Signer:
    """An agency of the development PKI."""
    return load(pki, "a-seal")


@pytest.fixture(scope="session")
def package() -> bytes:
    """Nothing in it is signed yet, and nothing in it is signed by itself."""
    annex = zipped({"word/document.xml": b"<document/>"})
    return packed(values(), ("annex.docx", annex), ("b.txt", b"a table\n" * 40))


@pytest.fixture(scope="session")
def signed(package: bytes, seal: Signer) -> bytes:
    """The whole of it is signed by an agency."""
    return sign_xml(package, seal, Wish(time=TIME))
