"""Bad packages of every kind that arrive at a node, and what must become of each.

Each is one `Bad`: a name, its bytes, and whether its sender can be told (status 02) or nobody can.
"""

import io
import random
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pikepdf
import spoiling
from composing import compose, make_stream

from edoc.core.dispatch import Dispatch
from edoc.demo.play import SAMPLE_PDF
from edoc.devpki.profiles import Agency
from edoc.packing import pack

_BOMB_BYTES: Final = 1 << 30
_HEADER: Final = b"<edXMLHeader>"
_PROGRAM: Final = b"MZ\x90\x00" + bytes(60) + b"PE\x00\x00" + bytes(400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A package that must not get through."""

    kind: str
    content: bytes


def make_bad(
    sender: Agency, receiver: Agency, sealed: bytes, *, count: int, dice: random.Random
) -> list[Bad]:
    """Make `count` bad packages from `sender`: each kind once, then broken packages of any kind."""
    made = list(_each_kind(sender, receiver, sealed))[:count]
    with tempfile.TemporaryDirectory() as folder:
        models = spoiling.make_packages(Path(folder))
        while len(made) < count:
            made.append(Bad(kind="spoilt", content=spoiling.spoil(dice, dice.choice(models))))
    return made


def _each_kind(sender: Agency, receiver: Agency, sealed: bytes) -> Iterator[Bad]:
    number = 0

    def wrap(kind: str, **files: bytes) -> Bad:
        nonlocal number
        number += 1
        named = {name.replace("_", "."): content for name, content in files.items()}
        return Bad(kind=kind, content=_pack(sender, receiver, number, named))

    good = wrap("whole", a_pdf=sealed).content
    yield Bad(kind="cut off", content=good[: len(good) * 2 // 3])
    yield Bad(kind="empty", content=b"")
    yield Bad(kind="noise", content=random.Random(1).randbytes(20_000))
    yield Bad(kind="entity bomb", content=_bomb_entities(good))
    yield Bad(kind="deep nesting", content=good.replace(_HEADER, _HEADER + b"<x>" * 100_000))
    yield wrap("no document")
    yield wrap("no PDF", a_txt=b"text" * 99)
    yield wrap("unreadable PDF", a_pdf=b"%PDF-1.7\n" + random.Random(2).randbytes(30_000))
    yield wrap("cut-off PDF", a_pdf=sealed[: len(sealed) // 2])
    yield wrap("unsigned PDF", a_pdf=SAMPLE_PDF.read_bytes())
    yield wrap("changed PDF", a_pdf=_change(sealed))
    yield wrap("locked PDF", a_pdf=_encrypt(SAMPLE_PDF))
    yield wrap("PDF bomb", a_pdf=_bomb_pdf())
    yield wrap("PDF without end", a_pdf=_loop_pdf())
    yield wrap("program", a_pdf=sealed, b_exe=_PROGRAM)
    yield wrap("number of another", a_pdf=sealed)


def _pack(sender: Agency, receiver: Agency, number: int, files: dict[str, bytes]) -> bytes:
    dispatch = Dispatch.from_dict(
        {
            "from": {"organ_id": sender.organ_id, "organ_name": sender.name},
            "to": [{"organ_id": receiver.organ_id, "organ_name": receiver.name}],
            "document_id": f"{sender.organ_id},2026/01/05,{9000 + number}",
            "code": {"code_number": str(9000 + number), "code_notation": "UBND-VP"},
            "promulgation_info": {"place": "Hà Nội", "promulgation_date": "2026-01-05"},
            "document_type": {"type": 2, "type_detail": 18, "type_name": "Công văn"},
            "subject": f"V/v gói tin xấu số {number}",
            "business": {"business_doc_type": "0"},
            "attachments": [{"name": name} for name in files],
        }
    )
    out = io.BytesIO()
    pack(dispatch, attach=[io.BytesIO(content) for content in files.values()], out=out)
    return out.getvalue()


def _bomb_entities(package: bytes) -> bytes:
    entities = b'<!ENTITY a0 "ha">' + b"".join(
        b'<!ENTITY a%d "%b">' % (level, b"&a%d;" % (level - 1) * 10) for level in range(1, 12)
    )
    head, _, rest = package.partition(b"?>")
    return head + b"?><!DOCTYPE edXML [" + entities + b"]>" + rest.replace(b"V/v", b"&a11;")


def _change(sealed: bytes) -> bytes:
    """Change one byte that is signed."""
    at = sealed.index(b"stream") + 100
    return sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :]


def _encrypt(path: Path) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(path) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(owner="a", user="b"))
    return out.getvalue()


def _bomb_pdf() -> bytes:
    """A page whose content is a gigabyte of blanks, in two layers of Flate: a few kilobytes."""
    packer = zlib.compressobj(9)
    inner = b"".join((*(packer.compress(bytes(1 << 20)) for _ in range(_BOMB_BYTES >> 20)), packer.flush()))
    content = make_stream(b"/Filter[/FlateDecode/FlateDecode]", zlib.compress(inner, 9))
    return compose(
        {
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
            4: content,
        }
    )


def _loop_pdf() -> bytes:
    """A tree of pages that is its own branch."""
    pages = b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 99/Parent 2 0 R>>"
    return compose({1: b"<</Type/Catalog/Pages 2 0 R>>", 2: pages})
