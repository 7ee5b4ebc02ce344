"""A package of 200 MB: constant memory at the client, at the hub, and for who examines it."""

import os
import random
from pathlib import Path

from hubpeers import Member, shipment, write_document

from edoc.axis.content import Kind
from edoc.demo.hub import HubServer

MIB = 1 << 20
ATTACHED = 150 * MIB
"""Makes a package of 200 MB."""
MOST_MIB = 24


def random_file(path: Path, size: int) -> Path:
    """A file that nothing compresses."""
    source = random.Random(7)
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(source.randbytes(MIB))
    return path


def read_memory(process: int, name: str) -> float:
    """MiB by the kernel's count."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


class Growth:
    """How much more memory a process takes at most than at the start."""

    def __init__(self, process: int) -> None:
        self._process = process
        Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")
        self._before = read_memory(process, "VmRSS")

    @property
    def mib(self) -> float:
        return read_memory(self._process, "VmHWM") - self._before


def test_200_mb_go_through_in_constant_memory(a: Member, b: Member, hub: HubServer, tmp_path: Path) -> None:
    small, large = tmp_path / "small.edxml", tmp_path / "large.edxml"
    write_document(a, b, out=small)
    write_document(a, b, out=large, attach=random_file(tmp_path / "large.pdf", ATTACHED))
    assert large.stat().st_size > 200_000_000
    with a.client() as sender, b.client() as receiver:
        with small.open("rb") as source:  # whatever is made once is made
            doc_id = sender.send(shipment(a, source, b))
        with (tmp_path / "first").open("w+b") as target:
            receiver.download(doc_id, target)
        here, there = Growth(os.getpid()), Growth(hub.pid)
        with large.open("rb") as source:
            doc_id = sender.send(shipment(a, source, b))
        with (tmp_path / "downloaded").open("w+b") as target:
            assert receiver.download(doc_id, target) is Kind.PACKAGE
        with (tmp_path / "got").open("w+b") as target:
            assert receiver.get(doc_id, target) is Kind.PACKAGE
        grown = (here.mib, there.mib)
    assert max(grown) < MOST_MIB, grown
    for name in ("downloaded", "got"):
        assert same(tmp_path / name, large)


def same(one: Path, other: Path) -> bool:
    with one.open("rb") as first, other.open("rb") as second:
        while piece := first.read(MIB):
            if piece != second.read(MIB):
                return False
        return second.read(1) == b""
