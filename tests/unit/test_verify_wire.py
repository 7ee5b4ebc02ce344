"""Values between processes: known types go through whole, anything else not at all."""

import json
import pickle
import struct
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
import verifying

from edoc.core.evidence import Fault, FileEvidence
from edoc.core.report import FileReport
from edoc.devpki.hierarchy import DevPki
from edoc.verification import gather, verify
from edoc.verification.wire import MAX_JSON_BYTES, WireError, pack, pack_text, unpack, unpack_text

NOW = datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    text: str = ""
    number: int = 0
    share: float = 0.5
    sure: bool = False
    content: bytes = b""
    at: datetime | None = None
    pieces: tuple[bytes, ...] = ()
    pair: tuple[str, int] = ("", 0)
    names: frozenset[str] = frozenset()
    kind: Literal["a", "b"] = "a"
    inside: "tuple[Box, ...]" = ()


def frame(value: Any, *blobs: bytes) -> bytes:
    """What somebody might send who does not use `pack`."""
    pieces = [value if isinstance(value, bytes) else json.dumps(value).encode(), *blobs]
    return b"".join(struct.pack(">Q", len(piece)) + piece for piece in pieces)


def told(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(pack(Box())[8:].split(b"\0", 1)[0])
    return plain | changes


def test_a_report_and_its_evidence_come_out_as_they_went_in(pki: DevPki, tmp_path: Any) -> None:
    journey = verifying.travel(pki)
    (tmp_path / "a.pdf").write_bytes(journey.sealed)
    file = verify(tmp_path / "a.pdf", trust=journey.trust, offline=True).files[0]
    evidence = gather(tmp_path / "a.pdf", trust=journey.trust, at=NOW, fetcher=None)
    assert unpack(FileReport, pack(file)) == file
    assert unpack(FileEvidence, pack(replace(evidence, inside=(evidence,)))).inside == (evidence,)
    assert unpack_text(FileReport, pack_text(file)) == file


def test_every_kind_of_value_goes_through() -> None:
    box = Box(
        text="Số 05 \ud800",
        number=-(10**40),
        share=3,
        sure=True,
        content=b"\x00\xff",
        at=NOW,
        pieces=(b"", b"x", b"x"),
        pair=("a", 1),
        names=frozenset({"b", "a"}),
        kind="b",
    )
    assert unpack(Box, pack(replace(box, inside=(box, box)))) == replace(box, inside=(box, box))


def test_bytes_travel_once() -> None:
    large = b"x" * 100_000
    assert len(pack(Box(pieces=(large,) * 50))) < 110_000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        frame(b""),
        frame(b"nonsense"),
        frame([]),
        frame({}),
        frame(told(more=1)),
        frame(told(text=1)),
        frame(told(number=True)),
        frame(told(number="1")),
        frame(told(sure=1)),
        frame(told(share="0.5")),
        frame(told(content=0)),
        frame(told(content=-1), b"x"),
        frame(told(content="x")),
        frame(told(content=True), b"x", b"y"),
        frame(told(at="yesterday")),
        frame(told(at=0)),
        frame(told(pair=["", 0, 0])),
        frame(told(pair=[""])),
        frame(told(pieces={})),
        frame(told(names=[[]])),
        frame(told(kind="c")),
        frame(told(kind=[])),
        frame(told(inside=[{}])),
        frame(b"[" * 1_000_000),
        frame(b"9" * 1_000_000),
        frame(b" " * (MAX_JSON_BYTES + 1)),
        frame(told())[:-1],
        struct.pack(">Q", 1 << 63),
        pickle.dumps(Box()),
        pickle.dumps(Fault(code="x")),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        unpack(Box, data)


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(WireError):
        unpack(FileReport, pack(Fault(code="x")))


def test_what_has_no_known_type_does_not_travel() -> None:
    with pytest.raises(TypeError):
        pack(object())
    with pytest.raises(WireError):
        pack(Box(text="x" * MAX_JSON_BYTES))
    with pytest.raises(WireError):
        unpack_text(Box, "…")
