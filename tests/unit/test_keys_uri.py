import pytest

from edoc.errors import KeyLoadError
from edoc.keys.uri import TokenUri, parse_uri


def test_attributes_are_decoded() -> None:
    assert parse_uri(
        "pkcs11:token=V%C4%83n%20th%C6%B0;object=seal;id=%01%FF?pin-source=file:/pin"
    ) == TokenUri(token="Văn thư", object="seal", id=b"\x01\xff", pin_source="file:/pin")


def test_unknown_query_attributes_and_vendor_attributes_are_passed_over() -> None:
    assert parse_uri("pkcs11:token=x;x-vendor=1?later=2") == TokenUri(token="x")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("pkcs11:token=x?pin-value=1234", "does not belong in a URI"),
        ("pkcs11:token=x;token=y", "names token twice"),
        ("pkcs11:colour=red", "no attribute colour"),
        ("pkcs11:token", "no attribute with a value"),
        ("pkcs11:token=%zz", "no attribute with a value"),
        ("pkcs11:token=%FF", "no UTF-8"),
        ("pkcs11:token=x;type=cert", "not name a private key"),
        ("pkcs11:slot-id=one", "is a number"),
    ],
)
def test_a_bad_uri_is_named(uri: str, words: str) -> None:
    with pytest.raises(KeyLoadError, match=words) as caught:
        parse_uri(uri)
    assert "1234" not in str(caught.value)
