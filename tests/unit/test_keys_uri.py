"""Reading `pkcs11:` URIs (RFC 7512), and the PIN files that they name."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edoc.errors import KeyLoadError
from edoc.keys.passphrases import from_source
from edoc.keys.uri import TokenUri, parse_uri


def test_attributes_are_decoded() -> None:
    assert parse_uri(
        "pkcs11:token=V%C4%83n%20th%C6%B0;object=seal;id=%01%FF?pin-source=file:/pin"
    ) == TokenUri(token="Văn thư", object="seal", id=b"\x01\xff", pin_source="file:/pin")


def test_every_attribute_has_its_place() -> None:
    path = (
        "pkcs11:manufacturer=m;serial=s;model=o;slot-id=7;slot-manufacturer=a;slot-description=b;"
        "library-manufacturer=c;library-description=d;library-version=2.6;type=private"
    )
    assert parse_uri(f"{path}?module-name=n&module-path=/p") == TokenUri(
        manufacturer="m",
        serial="s",
        model="o",
        slot_id=7,
        slot_manufacturer="a",
        slot_description="b",
        library_manufacturer="c",
        library_description="d",
        library_version=(2, 6),
        module_name="n",
        module_path="/p",
    )


def test_a_uri_may_name_nothing() -> None:
    assert parse_uri("pkcs11:") == parse_uri("PKCS11:?") == TokenUri()


def test_unknown_query_attributes_are_passed_over_even_twice() -> None:
    assert parse_uri("pkcs11:token=x?later=2&later=3&token=y") == TokenUri(token="x")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("pkcs11:token=x?pin-value=1234", "does not belong in a URI"),
        ("pkcs11:token=x;pin-value=1234", "does not belong in a URI"),
        ("pkcs11:token=x&pin-value=1234", "does not belong in a URI"),
        ("pkcs11:token=x?PIN-VALUE:1234", "does not belong in a URI"),
        ("pkcs11:token=x;token=y", "names token twice"),
        ("pkcs11:token=x?module-name=a&module-name=b", "names module-name twice"),
        ("pkcs11:colour=red", "no attribute colour"),
        ("pkcs11:x-vendor=1", "no attribute x-vendor"),  # 2.4: what is not known matches nothing
        ("pkcs11:token", r"malformed \('token'\)"),
        ("pkcs11:token=%zz", r"malformed \('token'\)"),
        ("pkcs11:to ken=x", "malformed"),
        ("pkcs11:token=%FF", "no UTF-8"),
        ("pkcs11:token=\udcff", "no UTF-8"),
        ("pkcs11:token=x;type=cert", "not name a private key"),
        ("pkcs11:slot-id=one", "is a number"),
        ("pkcs11:slot-id=" + 5000 * "9", "is a number"),
        ("pkcs11:library-version=new", "is a number like"),
    ],
)
def test_a_bad_uri_is_named(uri: str, words: str) -> None:
    with pytest.raises(KeyLoadError, match=words) as caught:
        parse_uri(uri)
    assert "1234" not in str(caught.value)


@given(st.text())
@example("token=%F0%9F;id=\x00?&&;=")
def test_any_text_is_a_uri_or_a_key_error(text: str) -> None:
    try:
        parse_uri(f"pkcs11:{text}")
    except KeyLoadError:
        return


@pytest.mark.parametrize("prefix", ["", "file:", "file://", "file://localhost"])
def test_a_pin_is_read_from_its_file_without_the_line_end(prefix: str, tmp_path: Path) -> None:
    (tmp_path / "pin").write_bytes(b"12 34 \r\n")
    assert from_source(f"{prefix}{tmp_path}/pin")() == "12 34 "


@pytest.mark.parametrize("source", ["|/bin/cat /pin", "https://example.test/pin", "builtin:dialog"])
def test_a_pin_source_is_a_file(source: str) -> None:
    with pytest.raises(KeyLoadError, match="is a file here"):
        from_source(source)


def test_a_pin_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"1" * 5000)
    for source, words in (("none", "cannot be read"), ("large", "too large"), ("\0", "cannot be read")):
        with pytest.raises(KeyLoadError, match=words):
            from_source(str(tmp_path / source))()
    with pytest.raises(KeyLoadError, match="cannot be read"):
        from_source(str(tmp_path))()
