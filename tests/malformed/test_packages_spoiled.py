"""Whatever comes in as a package ends in a result or an error; `./dev fuzz edxml` does the same for long."""

import io
from collections import Counter
from pathlib import Path

import pytest
import spoiling
from hypothesis import given
from hypothesis import strategies as st

from edoc.errors import EdocError
from edoc.packing import unpack

SHARE = 600
"""Runs here; the long job has 50,000."""


def test_broken_packages_are_read_with_warnings_or_refused(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    for outcome in spoiling.run_many(spoiling.make_packages(tmp_path), seed=5, runs=SHARE):
        assert [finding for finding, _ in outcome.findings] == []
        counts += outcome.counts
    assert counts.total() == SHARE
    assert counts["repaired"] > SHARE / 4
    assert counts["XML_MALFORMED"] > SHARE / 10


def test_every_package_is_read_before_it_is_broken(tmp_path: Path) -> None:
    for path in spoiling.make_packages(tmp_path / "made"):
        found = unpack(path, into=tmp_path / path.stem)
        assert spoiling._judge(found, tmp_path / path.stem) == ""


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_no_package(data: bytes) -> None:
    for begin in (b"", b"<?xml version='1.0'?>", b"--B\r\nContent-Type: text/xml\r\n\r\n", b"\xff\xfe"):
        with pytest.raises(EdocError):
            unpack(io.BytesIO(begin + data))
