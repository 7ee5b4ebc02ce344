"""Attachments stream: memory does not grow with their size."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, resource, sys
from hashlib import sha256
from pathlib import Path
from edoc.core.dispatch import Dispatch
from edoc.packing import pack, unpack

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB

folder, name = Path(sys.argv[1]), sys.argv[2]
dispatch = Dispatch.from_dict({"from": {"organ_id": "A"}, "to": [{"organ_id": "B"}]})

def journey(size):
    digest = sha256()
    with (folder / name).open("wb") as file:
        for _ in range(size):
            piece = os.urandom(1 << 20)
            digest.update(piece)
            file.write(piece)
    pack(dispatch, attach=[folder / name], out=folder / "out.edxml", profile="reference")
    (attachment,) = unpack(folder / "out.edxml", into=folder / str(size)).dispatch.attachments
    assert attachment.sha256 == digest.hexdigest()
    assert (folder / str(size) / attachment.path).stat().st_size == size << 20

journey(1)
before = peak()
journey(50)
print(peak() - before)
"""


@pytest.mark.parametrize("name", ["plain.pdf", "zipped.xlsx"])
def test_a_file_of_50_mib_needs_no_more_memory_than_one_of_1_mib(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 6
