"""Break signed files in every way that files get broken, and verify what is left.

A run must end in a report, within its limits; and no signature may be called intact whose bytes are not those
that somebody signed.
"""

import io
import json
import random
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from composing import append
from mutating import MAX_INPUT, Outcome, TimeIsUp, begin, describe, mutate, share, spread, timed
from twisting import take_apart, twist

from edoc.pdf.filebytes import FileBytes
from edoc.trust.store import Trust
from edoc.verification import verify

_CONTENTS: Final = re.compile(rb"<(30[0-9A-Fa-f]{200,})>")
_DATE: Final = re.compile(rb"\(D:[0-9Z+'-]{4,30}\)")
_RANGE: Final = re.compile(rb"/ByteRange\s*\[([\d\s]+)\]")
_STREAM: Final = re.compile(rb"stream\r?\n")
_SIZE: Final = re.compile(rb"/Size (\d+)")
_ODD_DATES: Final = (
    b"(D:)",
    b"(D:99999999999999Z)",
    b"(D:00000000)",
    b"(D:20260230)",
    b"(D:2026-02-30)",
    b"()",
)
_BODIES: Final = (
    *(b"null", b"[]", b"<<>>", b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Page/Contents 4 0 R>>", b"7"),
    *(b"<</FT/Sig/T(x)/V 5 0 R>>", b"<</FT/Tx/T(Number)/V(9)/Kids[6 0 R]>>", b"[1 0 R 2 0 R 3 0 R]", b"(x)"),
    *(b"<</Certs[1 0 R]/VRI<</A 2 0 R>>>>", b"<</Type/Annot/Subtype/Text/Rect[0 0 9 9]>>"),
    *(
        b"<</Length 3>>\nstream\nq Q\nendstream",
        b"<</Type/ObjStm/N 1/First 4/Length 6>>\nstream\n1 0 []\nendstream",
    ),
)


def spoil(dice: random.Random, path: Path) -> bytes:
    """Break a signed file, in one of the ways or in two."""
    data = path.read_bytes()
    for _ in range(dice.choice((1, 1, 1, 2))):
        data = dice.choice(_WAYS)(dice, data, path)
    return data


def _mutate(dice: random.Random, data: bytes, _path: Path) -> bytes:
    return mutate(dice, data)


def _twist(dice: random.Random, data: bytes, path: Path) -> bytes:
    parts = take_apart(path)
    return data if parts is None else twist(dice, parts)


def _update(dice: random.Random, data: bytes, _path: Path) -> bytes:
    """Append an update that writes objects again, or anew."""
    highest = max((int(size) for size in _SIZE.findall(data)), default=10)
    if b"startxref" not in data or highest > MAX_INPUT:
        return data
    numbers = {dice.randrange(1, highest + 4) for _ in range(dice.choice((1, 2, 4)))}
    try:
        updated: bytes = append(data, {number: dice.choice(_BODIES) for number in numbers})
    except (ValueError, IndexError):
        return data
    return updated


def _change_cms(dice: random.Random, data: bytes, _path: Path) -> bytes:
    """Change a signature's CMS, and nothing of what it signs."""
    found = list(_CONTENTS.finditer(data))
    if not found:
        return data
    start, end = dice.choice(found).span(1)
    der = bytearray.fromhex(data[start : end - (end - start) % 2].decode())
    length = len(der)
    filled = len(der.rstrip(b"\0"))
    for _ in range(dice.choice((1, 1, 2, 5))):
        at = dice.randrange(filled)
        way = dice.randrange(4)
        if way == 0:
            der[at] ^= 1 << dice.randrange(8)
        elif way == 1:
            der[at] = dice.choice((0x00, 0x30, 0x31, 0x80, 0x84, 0xA0, 0xFF))
        elif way == 2:
            del der[at : at + dice.choice((1, 2, 30))]
        else:
            der[at:at] = der[dice.randrange(filled) :][: dice.choice((1, 2, 30))]
    der = (der + bytes(length))[:length]
    return data[:start] + der.hex().encode() + data[start + 2 * length :]


def _change_date(dice: random.Random, data: bytes, _path: Path) -> bytes:
    found = list(_DATE.finditer(data))
    if not found:
        return data
    start, end = dice.choice(found).span()
    return data[:start] + dice.choice(_ODD_DATES)[: end - start].ljust(end - start) + data[end:]


def _change_range(dice: random.Random, data: bytes, _path: Path) -> bytes:
    found = list(_RANGE.finditer(data))
    if not found:
        return data
    start, end = dice.choice(found).span(1)
    numbers = data[start:end].split()
    place = dice.randrange(len(numbers))
    numbers[place] = b"%d" % dice.choice((0, 1, int(numbers[place]) + 1, len(data), 1 << 40, 9 * len(data)))
    return data[:start] + b" ".join(numbers)[: end - start].ljust(end - start) + data[end:]


def _change_stream(dice: random.Random, data: bytes, _path: Path) -> bytes:
    found = list(_STREAM.finditer(data))
    if not found:
        return data
    at = dice.choice(found).end() + dice.randrange(40)
    return data[:at] + dice.randbytes(dice.choice((1, 4))) + data[at + 1 :]


_WAYS: Final = (
    *(_mutate, _mutate, _twist, _update, _update),
    *(_change_cms, _change_cms, _change_date, _change_range, _change_stream),
)


def run(task: tuple[Path, Sequence[Path], int, int]) -> Outcome:
    """Break and verify some files in a process under limits."""
    folder, files, seed, count = task
    begin()
    trust = Trust.load(folder)
    dice = random.Random(seed)
    outcome = Outcome()
    for _ in range(count):
        path = dice.choice(files)
        data = spoil(dice, path)
        kind, finding = _try(data, path, trust)
        outcome.counts[kind] += 1
        if finding:
            outcome.findings.append((finding, data))
    return outcome


def _try(data: bytes, path: Path, trust: Trust) -> tuple[str, str]:
    start = time.monotonic()
    try:
        with timed():
            report = verify(io.BytesIO(data), trust=trust, offline=True)
            json.dumps(report.to_dict())
    except (TimeIsUp, Exception) as error:  # noqa: BLE001 - that is what is looked for
        return "finding", describe(error, start)
    (file,) = report.files
    if any("MemoryError" in message.text for message in file.messages):
        return "finding", "; ".join(message.text for message in file.messages)[:200]
    intact = any(signature.intact for signature in file.signatures)
    if intact and not _list_signed(data) & _list_signed(path.read_bytes()):
        return "finding", "what is called intact was never signed"
    return str(file.indication or ("unsigned" if file.readable else "unreadable")), ""


def _list_signed(data: bytes) -> set[bytes]:
    """Digests of all that the file's byte ranges cover."""
    file = FileBytes(io.BytesIO(data))
    return {file.digest(numbers, "sha256") for numbers in file.ranges}


def run_many(trust: Path, files: Sequence[Path], *, seed: int, runs: int) -> Iterator[Outcome]:
    """Run on all processors; gives what became of each share."""
    yield from spread(run, share(trust, files, seed=seed, runs=runs))
