"""The physical scan: what the bytes show before any parser explains them."""

import pytest

from edoc.pdf.scan import ByteRange, find_ranges, find_unexplained, read_gap, read_startxref

BODY = b"%PDF-1.7\n1 0 obj\n<< /Type /Sig /Contents <3082AB00> /ByteRange [0 44 54 60] >>\nendobj\n"
END = b"startxref\n9\n%%EOF\n"


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 10, 20),
        (1, 10, 20, 5),
        (0, 10, 5, 5),
        (0, 10, 10, 5),
        (0, 0, 10, 5),
        (0, 10, 20, 0),
        (0, 10, 20, 81),
        (0, 10, 20, 5, 30, 5),
    ],
    ids=["three", "not from 0", "overlap", "no gap", "no first", "no second", "beyond the end", "six"],
)
def test_only_two_parts_from_the_first_byte_are_a_byte_range(numbers: tuple[int, ...]) -> None:
    assert ByteRange.of(numbers, 100) is None


def test_a_byte_range_knows_its_gap_and_its_end() -> None:
    assert ByteRange.of((0, 10, 20, 80), 100) == ByteRange(10, 20, 100)


@pytest.mark.parametrize(
    ("gap", "contents"),
    [
        (b"<3082>", b"\x30\x82"),
        (b"<30 8\n2>", b"\x30\x82"),
        (b"<308>", b"\x30\x80"),
        (b" <3082>", None),
        (b"<3082> ", None),
        (b"<3082><00>", None),
        (b"(3082)", None),
        (b"<30 % x\n82>", None),
    ],
)
def test_the_gap_is_one_hex_string_and_nothing_else(gap: bytes, contents: bytes | None) -> None:
    assert read_gap(gap) == contents


@pytest.mark.parametrize("size", [1000, 64, 50])
def test_every_byte_range_is_found_also_where_two_pieces_meet(size: int) -> None:
    data = BODY + END + BODY.replace(b"54 60", b"54\n 99 ") + END
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert find_ranges(pieces) == ((0, 44, 54, 60), (0, 44, 54, 99))


def test_a_revision_ends_only_right_after_its_mark() -> None:
    data = BODY + END
    assert read_startxref(data) == 9
    assert read_startxref(data[:-1]) == 9
    assert read_startxref(data[:-8]) is None
    assert read_startxref(data + b"x") is None


def test_known_objects_and_revisions_are_explained() -> None:
    start = 1000
    tail = b"5 0 obj\n<< /Length 21 >>\nstream\n6 0 obj fake endobj\n\nendstream\nendobj\n"
    rest = tail + b"xref\ntrailer\nstartxref\n77\n%%EOF\n"
    assert find_unexplained(rest, start, objects={start}, sections={77}) == ""
    assert "object 5" in find_unexplained(rest, start, objects=set(), sections={77})
    assert "no reader follows" in find_unexplained(rest, start, objects={start}, sections=set())


def test_an_object_behind_another_is_seen() -> None:
    rest = b"5 0 obj\n(x)\nendobj\n6 0 obj\n(y)\nendobj\nstartxref\n77\n%%EOF"
    assert "object 6" in find_unexplained(rest, 100, objects={100}, sections={77})


def test_nothing_but_white_space_needs_no_explanation() -> None:
    assert find_unexplained(b"\r\n \x00", 100, objects=set(), sections=set()) == ""


def test_bytes_after_the_last_revision_belong_to_none() -> None:
    rest = b"startxref\n77\n%%EOF\nmore"
    assert "belong to no revision" in find_unexplained(rest, 100, objects=set(), sections={77})
