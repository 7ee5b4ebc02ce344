"""Base64 in pieces, as strict as our writer and as lenient as the reference's reader."""

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edoc.edxml.base64text import Base64Decoder, Base64Encoder


def decode(*pieces: str) -> tuple[bytes, bool]:
    decoder = Base64Decoder()
    data = b"".join(map(decoder.feed, pieces)) + decoder.finish()
    return data, decoder.repaired


@given(st.lists(st.binary(max_size=20)))
def test_pieces_encode_like_the_whole(pieces: list[bytes]) -> None:
    out = bytearray()
    encoder = Base64Encoder(out.extend)
    for piece in pieces:
        encoder.feed(piece)
    encoder.finish()
    assert bytes(out) == base64.b64encode(b"".join(pieces))


@given(st.binary(max_size=100), st.lists(st.integers(0, 140), max_size=5), st.sampled_from(["", "\n", " "]))
def test_any_cut_and_any_white_space_decode_to_the_same(data: bytes, cuts: list[int], space: str) -> None:
    text = base64.b64encode(data).decode()
    marks = [0, *sorted(cuts), len(text)]
    pieces = [text[a:b] + space for a, b in itertools.pairwise(marks)]
    assert decode(*pieces) == (data, False)


@given(st.lists(st.text(max_size=10)))
def test_nothing_makes_it_fail(pieces: list[str]) -> None:
    decode(*pieces)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("QUJ$D", b"ABC"),  # an illegal character is skipped
        ("QUI", b"AB"),  # missing padding
        ("-_-_", b"\xfb\xff\xbf"),  # URL-safe alphabet
        ("QUI=QUJD", b"AB"),  # an inner = ends the content
        ("QUJDQ", b"ABC"),  # six bits are no byte
        ("Việt", base64.b64decode("Vit=")),
    ],
)
def test_what_the_reference_tolerates_is_read_and_reported(text: str, data: bytes) -> None:
    assert decode(text) == (data, True)


def test_empty_and_white_space_are_empty() -> None:
    assert decode() == decode("") == decode(" \r\n") == (b"", False)


@given(
    st.binary(max_size=100), st.lists(st.integers(0, 140), max_size=5), st.sampled_from(["", "\n", "-", "="])
)
def test_raw_pieces_decode_like_text(data: bytes, cuts: list[int], more: str) -> None:
    text = base64.b64encode(data).decode()
    marks = [0, *sorted(cuts), len(text)]
    pieces = [text[a:b] + more for a, b in itertools.pairwise(marks)]
    decoder = Base64Decoder()
    found = b"".join(decoder.feed_raw(piece.encode()) or b"" for piece in pieces) + decoder.finish()
    assert (found, decoder.repaired) == decode(*pieces)


@pytest.mark.parametrize("raw", [b"QUJD&#10;", b"QUJD]]>", b"QUJ\xc4\x90", b"QU\x00D"])
def test_a_raw_piece_with_anything_else_is_left_to_the_parser(raw: bytes) -> None:
    decoder = Base64Decoder()
    assert decoder.feed_raw(raw) is None
    assert decoder.feed_raw(b"QUJD") == b"ABC"
