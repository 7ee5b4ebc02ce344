"""Break PDFs in every way that files get broken, sign what is left, and have other programs judge.

A run must end in a signed file or an `EdocError`, within its limits; what was signed must be valid for pdfsig
wherever poppler could open the input, and qpdf must be able to open the input.
"""

import io
import multiprocessing
import os
import random
import re
import resource
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import open_pki
from edoc.errors import EdocError
from edoc.keys.loading import load_key
from edoc.signing import sign

MAX_SECONDS: Final = 10
MAX_BYTES: Final = 1536 << 20
"""Of address space, the libraries included."""
MAX_INPUT: Final = 400_000
RUNS_AT_ONCE: Final = 50
_NUMBERS: Final = (0, 1, -1, 2, 3, 5, 17, 1 << 31, 1 << 63, 99_999_999_999)
_WORDS: Final = (
    *(b"/Kids", b"/Parent", b"/Count", b"/Prev", b"/Size", b"/Root", b"/Length", b"/W", b"/Index", b"/N"),
    *(b"/First", b"/Filter", b"/XRefStm", b"/Encrypt", b"/ID", b"/T", b"/FT", b"/V", b"/Rect", b"/Type"),
    *(b"/Pages", b"/AcroForm", b"/Fields", b"/Annots", b"/MediaBox", b"/Perms", b"/Lock", b"/SV", b"/Ff"),
    *(
        b"endobj",
        b"endstream",
        b"stream",
        b"obj",
        b"xref",
        b"trailer",
        b"startxref",
        b"<<",
        b">>",
        b"[",
        b"]",
    ),
)
_REFERENCE: Final = re.compile(rb"(\d{1,6}) \d{1,5} R")
_JUNK: Final = (b"\n%%EOF\n", b"\x00" * 100, b"junk", b"1 0 obj\n<<>>\nendobj\n", b"\nstartxref\n0\n%%EOF\n")


def mutate(dice: random.Random, data: bytes) -> bytes:
    """Break a file in one to eight places."""
    broken = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        if len(broken) > 20:
            dice.choice(_WAYS)(dice, broken)
    return bytes(broken)


def _flip(dice: random.Random, data: bytearray) -> None:
    data[dice.randrange(len(data))] = dice.randrange(256)


def _cut(dice: random.Random, data: bytearray) -> None:
    del data[dice.randrange(len(data)) :]


def _remove(dice: random.Random, data: bytearray) -> None:
    at = dice.randrange(len(data))
    del data[at : at + dice.choice((1, 2, 10, 200))]


def _repeat(dice: random.Random, data: bytearray) -> None:
    start, to = dice.randrange(len(data)), dice.randrange(len(data))
    data[to:to] = data[start : start + dice.choice((5, 50, 500))]


def _append(dice: random.Random, data: bytearray) -> None:
    data += dice.choice(_JUNK)


def _find(dice: random.Random, data: bytearray, word: bytes) -> int | None:
    found = [hit.start() for _, hit in zip(range(200), re.finditer(re.escape(word), data), strict=False)]
    return dice.choice(found) if found else None


def _swap_word(dice: random.Random, data: bytearray) -> None:
    word = dice.choice(_WORDS)
    at = _find(dice, data, word)
    if at is not None:  # as long as before, so that everything behind it still stands where it stood
        data[at : at + len(word)] = dice.choice(_WORDS)[: len(word)].ljust(len(word))


def _swap_number(dice: random.Random, data: bytearray) -> None:
    at = _find(dice, data, dice.choice(_WORDS))
    found = re.compile(rb"[^\d]{0,24}(\d+)").search(data, at or 0)
    if at is not None and found is not None:
        _overwrite(dice, data, found.span(1))


def _swap_reference(dice: random.Random, data: bytearray) -> None:
    found = [hit.span(1) for _, hit in zip(range(500), _REFERENCE.finditer(data), strict=False)]
    if found:
        _overwrite(dice, data, dice.choice(found))


def _swap_late_digit(dice: random.Random, data: bytearray) -> None:
    start = max(0, len(data) - 2000)
    digits = [at for at in range(start, len(data)) if 48 <= data[at] < 58]
    if digits:
        data[dice.choice(digits)] = 48 + dice.randrange(10)


def _overwrite(dice: random.Random, data: bytearray, span: tuple[int, int]) -> None:
    start, end = span
    value = str(dice.choice((*_NUMBERS, dice.randrange(60), dice.randrange(60)))).encode()[: end - start]
    data[start:end] = value.rjust(end - start)


_WAYS: Final = (
    *(_flip, _cut, _remove, _repeat, _append, _swap_late_digit),
    *(_swap_word, _swap_number, _swap_reference) * 4,
)


@dataclass(slots=True)
class Outcome:
    """What became of many runs."""

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, bytes]] = field(default_factory=list)
    """What went wrong, with the input."""


class _TimeIsUp(BaseException):
    pass


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise _TimeIsUp


def run(task: tuple[str, Sequence[Path], int, int]) -> Outcome:
    """Mutate and sign some files in a process under limits."""
    folder, files, seed, count = task
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    signal.signal(signal.SIGALRM, _ring)
    pki = open_pki(Path(folder))
    key = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    dice = random.Random(seed)
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as place:
        for _ in range(count):
            data = mutate(dice, dice.choice(files).read_bytes())
            kind, finding = _try(data, key, dice, Path(place))
            outcome.counts[kind] += 1
            if finding:
                outcome.findings.append((finding, data))
    return outcome


def _try(data: bytes, key: SigningKey, dice: random.Random, place: Path) -> tuple[str, str]:
    output = io.BytesIO()
    role = dice.choice(("system", "person"))
    start = time.monotonic()
    signal.alarm(MAX_SECONDS)
    try:
        name = sign(io.BytesIO(data), output, key=key, role=role, checks="none").field
    except EdocError as error:
        return type(error).__name__, ""
    except (_TimeIsUp, Exception) as error:  # noqa: BLE001 - that is what is looked for
        return "finding", f"{type(error).__name__} after {time.monotonic() - start:.1f} s: {error}"[:200]
    finally:
        signal.alarm(0)
    (place / "in.pdf").write_bytes(data)
    (place / "out.pdf").write_bytes(output.getvalue())
    finding = _judge(place, name)
    return ("finding", finding) if finding else ("signed", "")


def _judge(place: Path, name: str) -> str:
    opened = subprocess.run(["qpdf", "--show-npages", place / "in.pdf"], capture_output=True, check=False)
    if opened.returncode not in {0, 3}:  # 3: with warnings
        return f"qpdf cannot open what was signed: {opened.stderr.decode(errors='replace')}"[:200]
    if not (place / "out.pdf").read_bytes().startswith((place / "in.pdf").read_bytes()):
        return "the input is not the beginning of the output"
    if subprocess.run(["pdfinfo", place / "in.pdf"], capture_output=True, check=False).returncode:
        return ""  # poppler cannot open it
    asked = ["pdfsig", "-nocert", str(place / "out.pdf")]
    said = subprocess.run(asked, capture_output=True, check=False).stdout.decode(errors="replace")
    mine = [part for part in said.split("Signature #") if f"Field Name: {name}\n" in part]
    if not any("Signature is Valid" in part for part in mine):
        return f"pdfsig does not call {name} valid"
    return ""


def run_many(folder: Path, files: Sequence[Path], *, seed: int, runs: int) -> Iterator[Outcome]:
    """Run on all processors; gives an outcome after each share."""
    small = [path for path in files if path.stat().st_size <= MAX_INPUT]
    tasks = [(str(folder), small, seed + number, RUNS_AT_ONCE) for number in range(runs // RUNS_AT_ONCE)]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        yield from pool.imap_unordered(run, tasks)
