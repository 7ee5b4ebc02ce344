"""A file's bytes: digested once, whatever is asked for, and never held as a whole."""

import hashlib
import io
import os
import tracemalloc
from pathlib import Path

import pytest

from edoc.pdf.filebytes import FileBytes

MIB = 1 << 20


@pytest.fixture(scope="module")
def data() -> bytes:
    noise = os.urandom(3 * MIB)
    return noise[: 2 * MIB - 5] + b"/ByteRange [0 10 20 30]" + noise[2 * MIB :] + b"/ByteRange[0 1 2 3]"


def test_one_pass_gives_the_digest_of_the_file_and_of_every_range(data: bytes) -> None:
    file = FileBytes(io.BytesIO(data))
    ranges = [(0, 10, 20, len(data) - 20), (0, MIB, MIB + 7, 1000), (0, len(data) - 4, len(data), 0)]
    file.expect(ranges)
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    for numbers in ranges:
        signed = data[: numbers[1]] + data[numbers[2] : numbers[2] + numbers[3]]
        assert file.digest(numbers, "sha256") == hashlib.sha256(signed).digest()


def test_ranges_that_nobody_expected_and_other_digests_are_digested_too(data: bytes) -> None:
    file = FileBytes(io.BytesIO(data))
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    for algorithm in ("sha256", "sha512", "sha3_256", "md5"):
        wanted = hashlib.new(algorithm, data[5:1000] + data[2000:2500]).digest()
        assert file.digest((5, 995, 2000, 500), algorithm) == wanted
    with pytest.raises(NotImplementedError, match="rot13"):
        file.digest((0, 1, 2, 3), "rot13")


def test_ranges_are_found_also_where_two_pieces_meet(data: bytes) -> None:
    assert FileBytes(io.BytesIO(data)).ranges == ((0, 10, 20, 30), (0, 1, 2, 3))


def test_the_beginning_of_a_file_is_a_file_of_its_own(data: bytes) -> None:
    head = FileBytes(io.BytesIO(data)).open_head(1000)
    assert head.seek(0, io.SEEK_END) == 1000
    head.seek(990)
    assert head.read() == data[990:1000]


def test_a_large_file_is_never_held(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(200 * MIB)
    with path.open("rb") as stream:
        tracemalloc.start()
        FileBytes(stream).digest((0, 100 * MIB, 150 * MIB, 50 * MIB), "sha512")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 16 * MIB
