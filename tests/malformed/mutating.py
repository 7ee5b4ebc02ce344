"""Break PDFs in every way that files get broken, sign what is left, and have other programs judge.

A run must end in a signed file or an `EdocError`, within its limits. What was signed must be valid for pdfsig
wherever poppler could open the input, and for `edoc verify`; qpdf must be able to open the input, and see
every object as it was but for what a signature adds.
"""

import io
import logging
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final, TypeVar

from keeping import compare
from twisting import take_apart, twist

from edoc.core.ports import SigningKey
from edoc.core.report import Coverage
from edoc.devpki.hierarchy import open_pki
from edoc.errors import EdocError
from edoc.keys.loading import load_key
from edoc.signing import sign
from edoc.verification import verify

MAX_SECONDS: Final = 10
MAX_BYTES: Final = 512 << 20
"""Of memory, the interpreter and the judges included."""
MAX_INPUT: Final = 400_000
RUNS_AT_ONCE: Final = 50
_TWISTED: Final = 0.6
"""The share of runs whose files are sound to the byte and odd in meaning."""
_HUNG: Final = -999
_PATIENCE: Final = 60
"""How many seconds another program may take; that it hangs is no affair of ours."""
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


def spoil(dice: random.Random, path: Path) -> bytes:
    """Break a file: its bytes, or what it says, or both."""
    parts = take_apart(path) if dice.random() < _TWISTED else None
    if parts is None:
        return mutate(dice, path.read_bytes())
    data = twist(dice, parts)
    return mutate(dice, data) if dice.random() < _TWISTED / 10 else data


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


class TimeIsUp(BaseException):
    """A run took longer than it may."""


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TimeIsUp


def begin(most: int = MAX_BYTES) -> None:
    """Put this process under its limits; `most` bytes of memory."""
    resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    signal.signal(signal.SIGALRM, _ring)
    logging.disable(logging.CRITICAL)  # pyHanko and qpdf tell of every fault


@contextmanager
def timed() -> Iterator[None]:
    """Raise `TimeIsUp` in what takes too long."""
    signal.alarm(MAX_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def describe(error: BaseException, start: float) -> str:
    """Tell of an error that nobody should have seen; `start` is of the monotonic clock."""
    return f"{type(error).__name__} after {time.monotonic() - start:.1f} s: {error}"[:200]


Task = TypeVar("Task")
Shared = TypeVar("Shared")


def spread(run_share: Callable[[Task], Outcome], tasks: Iterable[Task]) -> Iterator[Outcome]:
    """Run on all processors; gives an outcome after each share."""
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        yield from pool.imap_unordered(run_share, tasks)


def share(
    shared: Shared, files: Sequence[Path], *, seed: int, runs: int
) -> list[tuple[Shared, Sequence[Path], int, int]]:
    """Divide runs on files that are not too large."""
    small = [path for path in files if path.stat().st_size <= MAX_INPUT]
    return [(shared, small, seed + number, RUNS_AT_ONCE) for number in range(runs // RUNS_AT_ONCE)]


def run(task: tuple[str, Sequence[Path], int, int]) -> Outcome:
    """Mutate and sign some files in a process under limits."""
    folder, files, seed, count = task
    begin()
    pki = open_pki(Path(folder))
    key = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    dice = random.Random(seed)
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as place:
        for _ in range(count):
            data = spoil(dice, dice.choice(files))
            kind, finding = _try(data, key, dice, Path(place))
            outcome.counts[kind] += 1
            if finding:
                outcome.findings.append((finding, data))
    return outcome


def _try(data: bytes, key: SigningKey, dice: random.Random, place: Path) -> tuple[str, str]:
    output = io.BytesIO()
    role = dice.choice(("system", "person"))
    start = time.monotonic()
    try:
        with timed():
            name = sign(io.BytesIO(data), output, key=key, role=role, checks="none").field
    except EdocError as error:
        finding = "out of memory" if ran_out(error) else ""
        return "finding" if finding else type(error).__name__, finding
    except (TimeIsUp, Exception) as error:  # noqa: BLE001 - that is what is looked for
        return "finding", describe(error, start)
    (place / "in.pdf").write_bytes(data)
    (place / "out.pdf").write_bytes(output.getvalue())
    finding = _judge(place, name) or compare(data, output.getvalue()) or _verify(output, name)
    return ("finding", finding) if finding else ("signed", "")


def ran_out(error: BaseException | None) -> bool:
    """Tell whether an error comes of missing memory."""
    while error is not None and not isinstance(error, MemoryError):
        error = error.__cause__ or error.__context__
    return error is not None


def _ask(*command: str | Path) -> tuple[int, str]:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return _HUNG, ""
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def _judge(place: Path, name: str) -> str:
    opened, said = _ask("qpdf", "--show-npages", place / "in.pdf")
    if opened not in {0, 3, _HUNG}:  # 3: with warnings
        return f"qpdf cannot open what was signed: {said}"[:200]
    if not (place / "out.pdf").read_bytes().startswith((place / "in.pdf").read_bytes()):
        return "the input is not the beginning of the output"
    ended, said = _ask("pdfinfo", "-box", place / "in.pdf")
    if ended or "Failed to create page" in said:
        return ""  # poppler cannot open it
    ended, said = _ask("pdfsig", "-nocert", place / "out.pdf")
    mine = [part for part in said.split("Signature #") if f"Field Name: {name}\n" in part]
    if ended != _HUNG and not any("Signature is Valid" in part for part in mine):
        return f"pdfsig does not call {name} valid"
    return ""


def _verify(output: io.BytesIO, name: str) -> str:
    output.seek(0)
    (file,) = verify(output, policy="integrity").files
    mine = [(each.intact, each.coverage) for each in file.signatures if each.field == name]
    return "" if mine == [(True, Coverage.WHOLE_FILE)] else f"edoc verify says of {name}: {mine}"


def run_many(folder: Path, files: Sequence[Path], *, seed: int, runs: int) -> Iterator[Outcome]:
    """Run on all processors; gives an outcome after each share."""
    yield from spread(run, share(str(folder), files, seed=seed, runs=runs))
